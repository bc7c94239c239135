// The page itself: signed out, signed in, or what went wrong.

import { SignInFailed, ask, accessToken, discover, mayBeSignedIn, signIn, signOut, takeAnswer } from "./session.js";
import { choose, has, language, say } from "./texts.js";

const QUERY = `{
  viewer { label name role scopes hasAllShops }
  merchant { name shops { slug name currency } }
}`;
const RETRIED = "presale.retried";

const main = document.querySelector("main");
let state = { screen: "loading" };

// Texts go in as texts: nothing that comes from the API is ever read as markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function show(next) {
  state = next;
  document.documentElement.lang = language;
  for (const link of document.querySelectorAll("nav button")) {
    link.setAttribute("aria-pressed", String(link.lang === language));
  }
  document.querySelector(".skip").textContent = say("skip");
  document.title = `${say("tag")} · Headless Presale`;
  main.setAttribute("aria-busy", String(state.screen === "loading"));
  main.replaceChildren(...SCREENS[state.screen](state));
}

const SCREENS = {
  loading: () => [element("p", { class: "status" }, say("loading"))],

  signedOut: ({ notice }) => [
    element("p", { class: "tag" }, say("tag")),
    element("h1", {}, say("headline")),
    ...(notice ? [element("p", { class: "notice", role: "status" }, say(notice))] : []),
    element("p", { class: "lead" }, say("lead")),
    element(
      "div",
      { class: "actions" },
      element("button", { class: "primary", onclick: () => attempt(signIn) }, say("signIn")),
      element("a", { href: "/graphql" }, say("openApi")),
      element("a", { href: "/schema.graphql" }, say("readSchema")),
    ),
    readiness(),
  ],

  failed: ({ reason }) => [
    element("p", { class: "tag" }, say("tag")),
    element("p", { class: "notice bad", role: "alert" }, say(has(`error_${reason}`) ? `error_${reason}` : "error_other")),
    element(
      "div",
      { class: "actions" },
      element("button", { class: "primary", onclick: reason === "unavailable" ? begin : () => attempt(signIn) },
        say(reason === "unavailable" ? "retry" : "signIn")),
    ),
  ],

  signedIn: ({ viewer, merchant }) => [
    element("p", { class: "tag" }, say("of", { role: say(`role_${viewer.role}`), merchant: merchant.name })),
    element("h1", {}, say("welcome", { name: viewer.name || viewer.label })),
    element("p", { class: "who" }, element("span", {}, viewer.label),
      element("button", { onclick: leave }, say("signOut"))),
    element("h2", {}, say("shops")),
    element("p", { class: "hint" }, say(viewer.hasAllShops ? "allShops" : "someShops")),
    merchant.shops.length === 0
      ? element("p", { class: "notice" }, say("noShops"))
      : element("ul", { class: "cards" }, ...merchant.shops.map(shopCard)),
    element("h2", {}, say("may")),
    element("p", { class: "hint" }, say("mayLead")),
    element("ul", { class: "scopes" }, ...scopeRows(viewer.scopes)),
    element("h2", {}, say("where")),
    element(
      "ul",
      { class: "cards" },
      graphiqlCard(),
      linkCard("/schema.graphql", "readSchema", "schemaLead"),
      linkCard(`/account?lang=${language}`, "account", "accountLead"),
      linkCard(`/account/applications?lang=${language}`, "applications", "applicationsLead"),
    ),
  ],
};

function shopCard(shop) {
  return element("li", {}, element("h3", {}, shop.name), element("p", {}, `${shop.slug} · ${shop.currency}`));
}

function linkCard(address, title, lead) {
  return element("li", {}, element("h3", {}, element("a", { href: address }, say(title))), element("p", {}, say(lead)));
}

function graphiqlCard() {
  const told = element("p", { role: "status" });
  return element(
    "li",
    {},
    element("h3", {}, element("a", { href: "/graphql" }, say("graphiql"))),
    element("p", {}, say("graphiqlLead")),
    element("button", { onclick: () => copyHeader(told) }, say("copyHeader")),
    told,
  );
}

async function copyHeader(told) {
  try {
    const header = JSON.stringify({ Authorization: `Bearer ${await accessToken()}` });
    await navigator.clipboard.writeText(header);
    told.textContent = say("copied");
  } catch {
    told.textContent = say("notCopied");
  }
}

function scopeRows(scopes) {
  const verbs = new Map();
  for (const scope of scopes) {
    const [noun, verb] = scope.split(":");
    verbs.set(noun, [...(verbs.get(noun) ?? []), verb]);
  }
  const order = ["read", "write", "refund"];
  return [...verbs].map(([noun, list]) =>
    element(
      "li",
      {},
      element("span", {}, has(`noun_${noun}`) ? say(`noun_${noun}`) : noun),
      element("span", { class: "verbs" },
        list.sort((one, other) => order.indexOf(one) - order.indexOf(other))
          .map((verb) => (has(verb) ? say(verb) : verb)).join(" · ")),
    ),
  );
}

function readiness() {
  const line = element("p", { class: "status" });
  fetch("/readyz", { cache: "no-store" })
    .then((answer) => answer.ok, () => false)
    .then((ready) => {
      line.classList.add(ready ? "ready" : "down");
      line.textContent = say(ready ? "ready" : "down");
    });
  return line;
}

async function attempt(step) {
  try {
    await step();
  } catch (error) {
    show({ screen: "failed", reason: error instanceof SignInFailed ? error.message : "unavailable" });
  }
}

async function leave() {
  show({ screen: "loading" });
  await attempt(async () => {
    await signOut();
    show({ screen: "signedOut", notice: "signedOut" });
  });
}

async function begin() {
  show({ screen: "loading" });
  await attempt(async () => {
    const { issuer } = await discover();
    if (issuer !== location.origin) {
      // Codes are sent to the server's own address and to no other.
      location.replace(`${issuer}/admin/`);
      return;
    }
    await takeAnswer();
    if (!mayBeSignedIn()) {
      // The browser may be signed in already; if not, the server asks who it is and leads back here.
      // A refusal throws above and signing out does not come here: both stay, with a button.
      await signIn({ isAutomatic: true });
      return;
    }
    try {
      const { viewer, merchant } = await ask(QUERY);
      sessionStorage.removeItem(RETRIED);
      show({ screen: "signedIn", viewer, merchant });
    } catch (error) {
      // The tab's token has ended, or another tab was a copy of this one. The browser may still be
      // signed in: asked once, without anybody noticing.
      const isOver = ["invalid_grant", "signed_out"].includes(error.message);
      if (!isOver || sessionStorage.getItem(RETRIED) !== null) throw error;
      sessionStorage.setItem(RETRIED, "1");
      await signIn({ isAutomatic: true });
    }
  });
}

for (const button of document.querySelectorAll("nav button")) {
  button.addEventListener("click", () => {
    choose(button.lang);
    show(state);
  });
}
begin();
