// The buyer's flows with urql: HTTP by its fetch exchange, subscriptions by graphql-ws.
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { toAsyncIterable } from "wonka";
import WebSocket from "ws";
import { buy, calledWith, codesOf } from "./flows.mjs";

const { url, sockets, sale } = calledWith();
const live = createClient({ url: sockets, webSocketImpl: WebSocket });
let token = null;

const urql = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: () => ({ headers: token ? { authorization: `Bearer ${token}` } : {} }),
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: live.subscribe(request, sink) }),
      }),
    }),
  ],
});

await buy(
  {
    async run(document, variables) {
      const send = document.trimStart().startsWith("mutation") ? "mutation" : "query";
      const { data, error } = await urql[send](document, variables).toPromise();
      return { data, codes: codesOf(error?.graphQLErrors) };
    },
    async *follow(document, variables) {
      const results = toAsyncIterable(urql.subscription(document, variables));
      for await (const { data, error } of results) {
        if (error) throw error;
        yield data;
      }
    },
    signIn: (given) => void (token = given),
    close: () => live.dispose(),
  },
  sale,
);
