// Sends a query twice with Apollo Client, by its persisted query link, hashes by GET.
//
//   node apollo_persisted.mjs URL QUERY VARIABLES_JSON
//
// Prints the two results and then what went over the wire: method, whether the text was in it,
// status and Cache-Control of each request. Each is one line of JSON.
import { createHash } from "node:crypto";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const [url, query, variables = "{}"] = process.argv.slice(2);
if (!url || !query) {
  console.error("usage: node apollo_persisted.mjs URL QUERY VARIABLES_JSON");
  process.exit(2);
}

const wire = [];

async function watched(address, options) {
  const response = await fetch(address, options);
  const sent = options.method === "GET" ? new URL(address).searchParams.has("query") : "query" in JSON.parse(options.body);
  wire.push({
    method: options.method,
    text: sent,
    status: response.status,
    caching: response.headers.get("cache-control"),
  });
  return response;
}

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new PersistedQueryLink({
    sha256: (text) => createHash("sha256").update(text).digest("hex"),
    useGETForHashedQueries: true,
  }).concat(new HttpLink({ uri: url, fetch: watched })),
});

for (let turn = 0; turn < 2; turn += 1) {
  const { data } = await client.query({
    query: gql(query),
    variables: JSON.parse(variables),
    fetchPolicy: "network-only",
  });
  console.log(JSON.stringify(data));
}
console.log(JSON.stringify(wire));
client.stop();
