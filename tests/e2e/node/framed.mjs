// A foreign page puts pages of ours into frames, and asks for clicks. How many forms are seen there?
// With them one page of ours without the headers it is sent with: the control.
import { createServer } from "node:http";

export default async ({ page, values }) => {
  const copy = await (await fetch(`${values.url}${values.paths[0]}`)).text();
  const addresses = [...values.paths.map((path) => `${values.url}${path}`), "/copy"];
  const server = createServer((request, answer) => {
    answer.setHeader("content-type", "text/html");
    const frames = addresses.map((address) => `<iframe src="${address}"></iframe>`).join("");
    answer.end(request.url === "/copy" ? copy : `<!doctype html><p>Win a prize</p>${frames}`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await page.goto(`http://127.0.0.1:${server.address().port}/`, { waitUntil: "load" });
    const seen = [];
    for (const frame of page.frames().slice(1)) {
      await frame.waitForLoadState();
      seen.push(await frame.evaluate(() => document.querySelectorAll("form, main").length));
    }
    return seen;
  } finally {
    server.close();
  }
};
