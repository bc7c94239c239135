// The buyer's flows over event streams, with graphql-sse: each operation is a stream of its own.
import { createClient } from "graphql-sse";
import { buy, calledWith, codesOf } from "./flows.mjs";

const { url, sale } = calledWith();
let token = null;
const client = createClient({
  url,
  headers: () => (token ? { authorization: `Bearer ${token}` } : {}),
});

await buy(
  {
    async run(query, variables) {
      const { value } = await client.iterate({ query, variables }).next();
      return { data: value.data, codes: codesOf(value.errors) };
    },
    async *follow(query, variables) {
      for await (const { data } of client.iterate({ query, variables })) yield data;
    },
    signIn: (given) => void (token = given),
    close: () => client.dispose(),
  },
  sale,
);
