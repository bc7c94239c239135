// An application built on oauth4webapi: code with PKCE, refresh, introspection, revocation.
//
//   node oauth4webapi_app.mjs ISSUER CLIENT_ID SECRET REDIRECT_URI
//
// SECRET is "-" for a public client. Prints where the user goes, reads from its standard input
// where the user came back to, and prints what it was given as one line of JSON.
import { createInterface } from "node:readline";
import * as oauth from "oauth4webapi";

const [issuer, clientId, secret, redirectUri] = process.argv.slice(2);
const local = { [oauth.allowInsecureRequests]: true };
const url = new URL(issuer);
const server = await oauth.processDiscoveryResponse(
  url,
  await oauth.discoveryRequest(url, { algorithm: "oauth2", ...local }),
);
const client = { client_id: clientId };
const auth = secret === "-" ? oauth.None() : oauth.ClientSecretBasic(secret);

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const address = new URL(server.authorization_endpoint);
for (const [name, value] of Object.entries({
  client_id: clientId,
  redirect_uri: redirectUri,
  response_type: "code",
  scope: "catalog:read orders:read",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  resource: issuer,
})) {
  address.searchParams.set(name, value);
}
console.log(address.href);

const [callback] = await new Promise((resolve) =>
  createInterface({ input: process.stdin }).once("line", (line) => resolve([line])),
);
// Checks state, and that the answer is this server's ("iss").
const parameters = oauth.validateAuthResponse(server, client, new URL(callback), state);
const first = await oauth.processAuthorizationCodeResponse(
  server,
  client,
  await oauth.authorizationCodeGrantRequest(
    server,
    client,
    auth,
    parameters,
    redirectUri,
    verifier,
    local,
  ),
);
const second = await oauth.processRefreshTokenResponse(
  server,
  client,
  await oauth.refreshTokenGrantRequest(server, client, auth, first.refresh_token, local),
);

async function ask(token) {
  const answer = await oauth.protectedResourceRequest(
    token,
    "POST",
    new URL("/graphql", issuer),
    new Headers({ "content-type": "application/json" }),
    JSON.stringify({ query: "{ viewer { label scopes } }" }),
    local,
  );
  return answer.json();
}
const viewer = (await ask(second.access_token)).data.viewer;

let introspected = null;
if (secret !== "-") {
  introspected = await oauth.processIntrospectionResponse(
    server,
    client,
    await oauth.introspectionRequest(server, client, auth, second.access_token, local),
  );
}

await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, auth, second.refresh_token, local),
);
let refused = null;
try {
  await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, auth, second.refresh_token, local),
  );
} catch (error) {
  refused = error.error;
}
const after = (await ask(second.access_token).catch((error) => ({ status: error.status }))) ?? null;
console.log(
  JSON.stringify({
    first: { type: first.token_type, seconds: first.expires_in, scope: first.scope },
    isRotated: first.refresh_token !== second.refresh_token,
    viewer,
    introspected: introspected && { active: introspected.active, scope: introspected.scope },
    refused,
    after: after.status ?? after.errors?.[0].extensions.code,
  }),
);
process.exit(0);
