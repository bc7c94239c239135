// Follows an operation over graphql-transport-ws with the npm client graphql-ws.
//
//   node ws_follow.mjs URL QUERY VARIABLES_JSON COUNT [CONNECTION_PARAMS_JSON]
//
// Prints each result as one JSON line and stops after COUNT of them or when the server completes.
// Exits with 1, and what was wrong on standard error, when the operation or the socket fails.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, query, variables = "{}", count = "1", params] = process.argv.slice(2);
if (!url || !query) {
  console.error("usage: node ws_follow.mjs URL QUERY VARIABLES_JSON COUNT [CONNECTION_PARAMS_JSON]");
  process.exit(2);
}

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: params ? JSON.parse(params) : undefined,
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
  const told = error?.code ? { code: error.code, reason: error.reason } : error;
  console.error(told instanceof Error ? String(told) : JSON.stringify(told));
  process.exitCode = 1;
} finally {
  await client.dispose();
}
