// An application built on openid-client: code with PKCE, refresh, introspection, revocation.
//
//   node openid_client_app.mjs ISSUER CLIENT_ID SECRET REDIRECT_URI
//
// SECRET is "-" for a public client. Without REDIRECT_URI it is a service: client credentials.
// Prints where the user goes, reads from its standard input where the user came back to, and prints
// what it was given as one line of JSON.
import { createInterface } from "node:readline";
import * as openid from "openid-client";

const [issuer, clientId, secret, redirectUri] = process.argv.slice(2);
const config = await openid.discovery(
  new URL(issuer),
  clientId,
  undefined,
  secret === "-" ? openid.None() : openid.ClientSecretPost(secret),
  { algorithm: "oauth2", execute: [openid.allowInsecureRequests] },
);

async function ask(token) {
  const answer = await openid.fetchProtectedResource(
    config,
    token,
    new URL("/graphql", issuer),
    "POST",
    JSON.stringify({ query: "{ viewer { label } }" }),
    new Headers({ "content-type": "application/json" }),
  );
  return answer.json();
}

if (!redirectUri) {
  const tokens = await openid.clientCredentialsGrant(config, { scope: "orders:read" });
  const { viewer } = (await ask(tokens.access_token)).data;
  await openid.tokenRevocation(config, tokens.access_token);
  const { active } = await openid.tokenIntrospection(config, tokens.access_token);
  console.log(
    JSON.stringify({
      scope: tokens.scope,
      hasRefreshToken: tokens.refresh_token !== undefined,
      viewer,
      isActiveAfterwards: active,
    }),
  );
  process.exit(0);
}

const verifier = openid.randomPKCECodeVerifier();
const state = openid.randomState();
console.log(
  openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "catalog:read orders:read",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  }).href,
);
const callback = await new Promise((resolve) =>
  createInterface({ input: process.stdin }).once("line", resolve),
);
const first = await openid.authorizationCodeGrant(config, new URL(callback), {
  pkceCodeVerifier: verifier,
  expectedState: state,
});
const second = await openid.refreshTokenGrant(config, first.refresh_token);
const { viewer } = (await ask(second.access_token)).data;
await openid.tokenRevocation(config, second.refresh_token);
const refused = await openid
  .refreshTokenGrant(config, second.refresh_token)
  .then(() => null)
  .catch((error) => error.error);
console.log(
  JSON.stringify({
    scope: first.scope,
    isRotated: first.refresh_token !== second.refresh_token,
    viewer,
    refused,
  }),
);
process.exit(0);
