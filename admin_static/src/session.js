// Signs in by OAuth: authorization code with PKCE, as a public client of this server.
//
// The access token lives in memory alone. The refresh token is kept for this tab, so that a reload
// stays signed in; it changes with each use, and a copy of an old one ends the whole authorization.

export const CLIENT_ID = "3a17eaf2-ebab-5872-ad18-26dfdf42d743";

const REFRESH = "presale.refresh";
const FLOW = "presale.flow";
const EARLY_MS = 30_000;

let access = null; // { token, endsAt }
let refreshing = null;
let server = null;

export class SignInFailed extends Error {}

// What the server says about itself. One reached under another name than its own is left for that.
export async function discover() {
  if (server === null) {
    const answer = await fetch("/.well-known/oauth-authorization-server");
    if (!answer.ok) throw new SignInFailed("unavailable");
    server = await answer.json();
  }
  return server;
}

function toText(bytes) {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function random() {
  return toText(crypto.getRandomValues(new Uint8Array(32)));
}

function redirectUri(issuer) {
  return `${issuer}/admin/`;
}

// Leaves for the server's sign-in. What nobody pressed is left out of the history: "back" from there
// would only lead forward again.
export async function signIn({ isAutomatic = false } = {}) {
  const { issuer, authorization_endpoint: endpoint, scopes_supported: scopes } = await discover();
  if (!crypto.subtle) throw new SignInFailed("insecure");
  const flow = { state: random(), verifier: random() };
  sessionStorage.setItem(FLOW, JSON.stringify(flow));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(flow.verifier));
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: redirectUri(issuer),
    scope: scopes.join(" "),
    state: flow.state,
    code_challenge: toText(digest),
    code_challenge_method: "S256",
  });
  const target = `${endpoint}?${asked}`;
  if (isAutomatic) location.replace(target);
  else location.assign(target);
}

// Takes the server's answer out of the address, if there is one, and signs in by it.
export async function takeAnswer() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("code") && !answer.has("error")) return;
  history.replaceState(null, "", location.pathname);
  const flow = JSON.parse(sessionStorage.getItem(FLOW) ?? "null");
  sessionStorage.removeItem(FLOW);
  const { issuer } = await discover();
  if (flow === null || answer.get("state") !== flow.state || answer.get("iss") !== issuer) {
    throw new SignInFailed("foreign");
  }
  if (answer.has("error")) throw new SignInFailed(answer.get("error"));
  await askForTokens({
    grant_type: "authorization_code",
    code: answer.get("code"),
    redirect_uri: redirectUri(issuer),
    code_verifier: flow.verifier,
  });
}

async function askForTokens(parameters) {
  const { token_endpoint: endpoint } = await discover();
  const answer = await fetch(endpoint, {
    method: "POST",
    body: new URLSearchParams({ client_id: CLIENT_ID, ...parameters }),
  });
  const body = await answer.json().catch(() => ({}));
  if (answer.status >= 500 || answer.status === 429) throw new SignInFailed("unavailable");
  if (!answer.ok) {
    forget();
    throw new SignInFailed(body.error ?? "refused");
  }
  access = { token: body.access_token, endsAt: Date.now() + body.expires_in * 1000 };
  sessionStorage.setItem(REFRESH, body.refresh_token);
}

function forget() {
  access = null;
  sessionStorage.removeItem(REFRESH);
}

export function mayBeSignedIn() {
  return access !== null || sessionStorage.getItem(REFRESH) !== null;
}

// Returns an access token that is good for a while; null when nobody is signed in.
export async function accessToken() {
  if (access !== null && Date.now() < access.endsAt - EARLY_MS) return access.token;
  const refresh = sessionStorage.getItem(REFRESH);
  if (refresh === null) return null;
  // One refresh at a time: the token counts once.
  refreshing ??= askForTokens({ grant_type: "refresh_token", refresh_token: refresh }).finally(() => {
    refreshing = null;
  });
  await refreshing;
  return access.token;
}

export async function ask(query) {
  const token = await accessToken();
  if (token === null) throw new SignInFailed("signed_out");
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  if (answer.status === 401) {
    forget();
    throw new SignInFailed("signed_out");
  }
  if (answer.status >= 500) throw new SignInFailed("unavailable");
  const { data, errors } = await answer.json();
  if (errors) throw new SignInFailed(errors[0].extensions?.code ?? "refused");
  return data;
}

// Ends the authorization and the browser's session, in this order: what fails half way leaves
// somebody who is still signed in and can try again.
export async function signOut() {
  const { revocation_endpoint: endpoint } = await discover();
  const refresh = sessionStorage.getItem(REFRESH);
  if (refresh !== null) {
    const body = new URLSearchParams({ client_id: CLIENT_ID, token: refresh });
    const answer = await fetch(endpoint, { method: "POST", body });
    if (!answer.ok) throw new SignInFailed("unavailable");
  }
  forget();
  const asked = await fetch("/sign-out", { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await asked.text(), "text/html");
  const form = page.querySelector('form[action="/sign-out"]');
  if (form !== null) {
    await fetch("/sign-out", { method: "POST", body: new URLSearchParams(new FormData(form)) });
  }
}
