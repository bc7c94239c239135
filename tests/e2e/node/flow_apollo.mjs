// The buyer's flows with Apollo Client: HTTP by its link, subscriptions by its link for graphql-ws.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import { OperationTypeNode } from "graphql";
import WebSocket from "ws";
import { buy, calledWith, codesOf } from "./flows.mjs";

const { url, sockets, sale } = calledWith();
const live = createClient({ url: sockets, webSocketImpl: WebSocket });
let token = null;

const authorized = new ApolloLink((operation, forward) => {
  if (token) operation.setContext({ headers: { authorization: `Bearer ${token}` } });
  return forward(operation);
});
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(live),
    authorized.concat(new HttpLink({ uri: url })),
  ),
  defaultOptions: { query: { fetchPolicy: "network-only" } },
});

// An observable as an iterable: what comes before it is asked for waits.
async function* iterate(observable) {
  const waiting = [];
  let wake = () => {};
  const subscription = observable.subscribe({
    next: (result) => (waiting.push(result), wake()),
    error: (error) => (waiting.push({ error }), wake()),
  });
  try {
    for (;;) {
      while (waiting.length) yield waiting.shift();
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    subscription.unsubscribe();
  }
}

await buy(
  {
    async run(document, variables) {
      try {
        const { data } = document.trimStart().startsWith("mutation")
          ? await client.mutate({ mutation: gql(document), variables })
          : await client.query({ query: gql(document), variables });
        return { data, codes: [] };
      } catch (error) {
        if (!CombinedGraphQLErrors.is(error)) throw error;
        return { data: error.data, codes: codesOf(error.errors) };
      }
    },
    async *follow(document, variables) {
      for await (const { data, error } of iterate(client.subscribe({ query: gql(document), variables }))) {
        if (error) throw error;
        yield data;
      }
    },
    signIn: (given) => void (token = given),
    async close() {
      client.stop();
      await live.dispose();
    },
  },
  sale,
);
