// Follows an operation over server-sent events with the npm client graphql-sse.
//
//   node sse_follow.mjs URL QUERY VARIABLES_JSON COUNT [HEADERS_JSON]
//
// Prints each result as one JSON line and stops after COUNT of them or when the server completes.
// Exits with 1, and what was wrong on standard error, when the operation or the stream fails.
import { createClient } from "graphql-sse";

const [url, query, variables = "{}", count = "1", headers] = process.argv.slice(2);
if (!url || !query) {
  console.error("usage: node sse_follow.mjs URL QUERY VARIABLES_JSON COUNT [HEADERS_JSON]");
  process.exit(2);
}

const client = createClient({
  url,
  headers: headers ? JSON.parse(headers) : undefined,
  retryAttempts: 0,
});

let wanted = Number(count);
try {
  for await (const result of client.iterate({ query, variables: JSON.parse(variables) })) {
    console.log(JSON.stringify(result));
    wanted -= 1;
    if (wanted <= 0) break;
  }
} catch (error) {
  console.error(error?.response ? `HTTP ${error.response.status}` : String(error));
  process.exitCode = 1;
} finally {
  client.dispose();
}
