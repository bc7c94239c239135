// Passkeys need the browser's own dialogue; everything else on these pages works without a script.
// The form carries what to ask for, and is sent with what the authenticator has answered.

"use strict";

function toBytes(text) {
  const padded = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(padded), (char) => char.charCodeAt(0)).buffer;
}

function toText(buffer) {
  const bytes = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function withIds(list) {
  return (list || []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));
}

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: withIds(options.excludeCredentials),
    },
  });
  return {
    credential: made,
    attestationObject: toText(made.response.attestationObject),
    clientDataJSON: toText(made.response.clientDataJSON),
  };
}

async function get(options) {
  const found = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: withIds(options.allowCredentials),
    },
  });
  return {
    credential: found,
    authenticatorData: toText(found.response.authenticatorData),
    clientDataJSON: toText(found.response.clientDataJSON),
    signature: toText(found.response.signature),
  };
}

function written({ credential, ...response }) {
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: {},
  });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const failed = form.querySelector("[data-passkey-failed]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const ask = form.dataset.passkey === "create" ? create : get;
      form.elements.code.value = written(await ask(JSON.parse(form.dataset.options)));
      form.submit();
    } catch {
      // Called off, timed out, or nothing fits: the person may try again or choose another way.
      failed.hidden = false;
      button.disabled = false;
    }
  });
}
