// A page of one site that uses the API of another: what the browser lets it send and read.
import { createServer } from "node:http";

export default async ({ page, values }) => {
  const site = createServer((_, response) => response.end("<title>A storefront</title>"));
  await new Promise((resolve) => site.listen(values.port, "127.0.0.1", resolve));
  try {
    await page.goto(`http://127.0.0.1:${values.port}/`);
    return await page.evaluate(use, values);
  } finally {
    site.close();
    site.closeAllConnections();
  }
};

async function use({ api, slug }) {
  const query = "query ($slug: String!) { shop(slug: $slug) { slug } }";
  const ask = async () => {
    try {
      const answer = await fetch(`${api}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-request-id": "from-the-page" },
        body: JSON.stringify({ query, variables: { slug } }),
      });
      const { data, errors } = await answer.json();
      const read = { data, codes: errors?.map((error) => error.extensions.code) };
      return { ...read, id: answer.headers.get("x-request-id") };
    } catch (failure) {
      return { failure: failure.name };
    }
  };
  const readPage = async (path) => {
    try {
      return (await fetch(`${api}${path}`)).status;
    } catch (failure) {
      return failure.name;
    }
  };
  const socket = () =>
    new Promise((resolve) => {
      const opened = new WebSocket(`${api.replace("http", "ws")}/graphql`, "graphql-transport-ws");
      opened.onopen = () => opened.close(1000);
      opened.onclose = (event) => resolve(event.code);
    });
  return { asked: await ask(), socket: await socket(), signIn: await readPage("/sign-in") };
}
