// A real OpenID Connect issuer for the tests: the package oidc-provider with its own login pages.
//
// Usage: node oidc_issuer.mjs PORT ACCOUNTS CLIENT_ID CLIENT_SECRET REDIRECT_URI...
// ACCOUNTS is a JSON file, read at every sign-in: { login: { email, email_verified, name } }. Who
// signs in as `login` has that as subject; the pages take any password.
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const [port, accounts, clientId, clientSecret, ...redirectUris] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: redirectUris,
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  findAccount: (_ctx, login) => {
    const known = JSON.parse(readFileSync(accounts, "utf8"))[login];
    return known && { accountId: login, claims: () => ({ sub: login, ...known }) };
  },
});

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
