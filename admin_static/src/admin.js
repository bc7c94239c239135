// Chooses the first language and shows whether the API is ready. The page works without it.

const chinese = document.getElementById("language-zh");
const switches = document.querySelectorAll('input[name="language"]');

function applyLanguage() {
  document.documentElement.lang = chinese.checked ? "zh-CN" : "en";
}

if ((navigator.language ?? "").toLowerCase().startsWith("zh")) {
  chinese.checked = true;
}
applyLanguage();
for (const input of switches) {
  input.addEventListener("change", applyLanguage);
}

async function showReadiness() {
  let ready = false;
  try {
    ready = (await fetch("/readyz", { cache: "no-store" })).ok;
  } catch {
    // No answer at all is the same as not ready.
  }
  for (const line of document.querySelectorAll(".status")) {
    line.classList.add(ready ? "ready" : "down");
    line.textContent = ready ? line.dataset.ready : line.dataset.down;
  }
}

showReadiness();
