// Audits a GraphQL endpoint against GraphQL over HTTP.
//
//   node audit.mjs URL [TOKEN]
//
// With a token each request of the audit carries it. Prints one line for each audit that fails and
// at the end "N of M". Exits with 1 if any failed.
import { auditServer } from "graphql-http";

const [url, token] = process.argv.slice(2);
if (!url) {
  console.error("usage: node audit.mjs URL [TOKEN]");
  process.exit(2);
}

function fetchFn(address, options = {}) {
  const headers = new Headers(options.headers);
  if (token) headers.set("authorization", `Bearer ${token}`);
  return fetch(address, { ...options, headers });
}

const results = await auditServer({ url, fetchFn });
const failed = results.filter((result) => result.status !== "ok");
for (const { id, name, status, reason, response } of failed) {
  console.log(`${status} ${id} ${name}: ${reason} (answered ${response.status})`);
}
console.log(`${results.length - failed.length} of ${results.length}`);
process.exit(failed.length === 0 ? 0 : 1);
