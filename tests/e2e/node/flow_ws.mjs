// The buyer's flows over one socket, with graphql-ws alone: queries and mutations too.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { buy, calledWith, codesOf } from "./flows.mjs";

const { sockets, sale } = calledWith();
let token = null;
const open = () =>
  createClient({
    url: sockets,
    webSocketImpl: WebSocket,
    lazy: false,
    connectionParams: () => (token ? { authorization: `Bearer ${token}` } : {}),
  });
let client = open();

await buy(
  {
    async run(query, variables) {
      const { value } = await client.iterate({ query, variables }).next();
      return { data: value.data, codes: codesOf(value.errors) };
    },
    async *follow(query, variables) {
      for await (const { data } of client.iterate({ query, variables })) yield data;
    },
    // A socket has one caller from its first message to its end.
    async signIn(given) {
      token = given;
      await client.dispose();
      client = open();
    },
    close: () => client.dispose(),
  },
  sale,
);
