// A page of somebody else's lays the consent page under a button of its own.
//
// It is on the same machine, so the session's cookie comes along: only the headers keep it out.
// `values.isBare` takes them off on the way, as the control.
import { createServer } from "node:http";

export default async ({ page, context, values }) => {
  // To a page that stays: the admin goes on to the authorization server by itself, and a navigation
  // of ours would be broken off by its own.
  await page.goto(`${values.issuer}/sign-in?next=/account`);
  await page.getByLabel("E-mail address").fill(values.email);
  await page.getByLabel("Password").fill(values.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL(`${values.issuer}/account`);
  const attacker = createServer((request, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<!doctype html><iframe name="bait" width="600" height="900" src="${values.address}"></iframe>`);
  });
  await new Promise((resolve) => attacker.listen(0, "127.0.0.1", resolve));
  try {
    if (values.isBare) {
      await context.route("**/oauth/authorize?**", async (route) => {
        const answer = await route.fetch();
        const headers = { ...answer.headers() };
        delete headers["x-frame-options"];
        delete headers["content-security-policy"];
        await route.fulfill({ response: answer, headers });
      });
    }
    const framed = page.waitForResponse((response) => response.url().startsWith(values.address));
    await page.goto(`http://127.0.0.1:${attacker.address().port}/`);
    await framed;
    const frame = page.frame({ name: "bait" });
    await frame.waitForLoadState().catch(() => {});
    return frame.evaluate(() => document.querySelectorAll("button").length).catch(() => 0);
  } finally {
    attacker.close();
  }
};
