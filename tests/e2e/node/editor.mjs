// The query editor's page under its policy: runs a query in it, and tells what was refused.
//
// What the page loads from a CDN is given from the npm packages: the hashes it names are checked
// by the browser as ever.
import { readFile } from "node:fs/promises";

const FILES = /^https:\/\/unpkg\.com\/((?:@[^/]+\/)?[^/@]+)@[^/]+\/(.+)$/;
const TYPES = { js: "text/javascript", css: "text/css" };

export default async ({ page, values }) => {
  const complaints = [];
  const foreign = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.route(/^https:/, async (route) => {
    const [, name, file] = FILES.exec(route.request().url()) ?? [];
    if (!name) {
      foreign.push(route.request().url());
      return route.abort();
    }
    const body = await readFile(new URL(`node_modules/${name}/${file}`, import.meta.url));
    const contentType = TYPES[file.split(".").pop()];
    return route.fulfill({ body, contentType, headers: { "access-control-allow-origin": "*" } });
  });
  await page.goto(`${values.api}/graphql?q=${encodeURIComponent(values.query)}`);
  await page.getByRole("button", { name: /Execute query/ }).click();
  const shown = page.locator(".result-window");
  await shown.getByText(values.expected).first().waitFor();
  // The schema was read as well: the editor knows its fields.
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.locator(".graphiql-doc-explorer").getByText("Mutation", { exact: true }).waitFor();
  const refusedBefore = [...complaints];
  const injected = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.slippedIn = true";
    document.body.append(script);
    const answered = await fetch("https://elsewhere.example/").catch(() => null);
    return { ran: window.slippedIn === true, reached: answered !== null };
  });
  return { result: await shown.innerText(), refusedBefore, complaints, foreign, injected };
};
