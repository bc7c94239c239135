// An application's user, in a real browser: sent to sign in, asked, and back at the application.
//
// The application listens here. Its callback sends the user on to another site at once, as many do:
// a policy that binds where a form may lead would end there.
import { createServer } from "node:http";

export default async ({ open, values, shot }) => {
  const callbacks = [];
  const home = createServer((request, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end("<!doctype html><h1>Welcome back</h1>");
  });
  await new Promise((resolve) => home.listen(0, "127.0.0.1", resolve));
  const application = createServer((request, answer) => {
    callbacks.push(request.url);
    answer.writeHead(302, { location: `http://localhost:${home.address().port}/` });
    answer.end();
  });
  await new Promise((resolve) => application.listen(values.port, "127.0.0.1", resolve));
  try {
    const { page, context } = await open();
    await page.goto(values.address);
    const signIn = new URL(page.url()).pathname;
    await page.getByLabel("E-mail address").fill(values.email);
    await page.getByLabel("Password").fill(values.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("button", { name: "Allow", exact: true }).waitFor();
    const asked = await page.locator("main").innerText();
    await shot("consent-desktop", page);
    await page.getByRole("button", { name: "Do not allow" }).click();
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();

    await page.goto(values.address);
    await page.getByRole("button", { name: "Allow", exact: true }).click();
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();

    await page.goto(`${values.issuer}/account/applications`);
    const listed = await page.locator("main").innerText();
    await page.getByText("What it may do").click();
    await shot("applications-desktop", page);

    // The same on a phone, in Chinese, with scripts turned off.
    const cookies = await context.cookies();
    const phone = await open({
      javaScriptEnabled: false,
      locale: "zh-CN",
      viewport: { width: 390, height: 844 },
    });
    await phone.context.addCookies(cookies);
    await phone.page.goto(values.address);
    const inChinese = await phone.page.locator("main").innerText();
    const { width } = await phone.page.locator("main").boundingBox();
    await shot("consent-phone-zh", phone.page);
    await phone.page.getByRole("button", { name: "允许", exact: true }).click();
    await phone.page.getByRole("heading", { name: "Welcome back" }).waitFor();
    await phone.page.goto(`${values.issuer}/account/applications`);
    await shot("applications-phone-zh", phone.page);
    await phone.page.getByRole("button", { name: /撤销/ }).click();
    const ended = await phone.page.locator("main").innerText();

    await phone.page.goto(`${values.issuer}/oauth/authorize?client_id=nobody`);
    await shot("refused-phone-zh", phone.page);
    return { signIn, asked, callbacks, listed, inChinese, width, ended };
  } finally {
    home.close();
    application.close();
  }
};
