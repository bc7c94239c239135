// Somebody's whole way: the admin, the password, an authenticator app, a passkey, and out again.
import { App } from "./totp.mjs";

export default async ({ page, context, values, shot }) => {
  const { url, email, password } = values;
  const said = {};
  const text = () => page.locator("main").innerText();

  // The admin sends a stranger to sign in by itself, and gets him back.
  await page.goto(`${url}/admin/`);
  await page.waitForURL(/\/sign-in/);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  said.wrong = await page.getByRole("alert").innerText();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Your shops" }).waitFor();
  said.admin = await text();
  said.address = page.url();
  await shot("admin");

  // A reload stays signed in, by the refresh token.
  const exchanged = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/oauth/token")) exchanged.push(new URLSearchParams(request.postData()).get("grant_type"));
  });
  await page.reload();
  await page.getByRole("heading", { name: "Your shops" }).waitFor();
  said.exchanged = [...exchanged];

  // Another tab of the same browser goes straight on.
  const tab = await context.newPage();
  const passed = [];
  tab.on("framenavigated", (frame) => passed.push(new URL(frame.url()).pathname));
  await tab.goto(`${url}/admin/`);
  await tab.getByRole("heading", { name: "Your shops" }).waitFor();
  said.passed = [...new Set(passed)];
  await tab.close();

  // A refusal stays where it is, with a button.
  const refused = await context.newPage();
  const asked = [];
  refused.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await refused.addInitScript(() => {
    if (location.search.includes("error=")) {
      sessionStorage.setItem("presale.flow", JSON.stringify({ state: "s", verifier: "v" }));
    }
  });
  await refused.goto(`${url}/admin/?error=access_denied&state=s&iss=${encodeURIComponent(url)}`);
  said.refused = await refused.getByRole("alert").innerText();
  await refused.waitForTimeout(500);
  said.refusedStays = !asked.includes("/oauth/authorize");
  await refused.getByRole("button", { name: "Sign in" }).click();
  await refused.getByRole("heading", { name: "Your shops" }).waitFor();
  await refused.close();

  // An authenticator app.
  await page.getByRole("link", { name: "Your account" }).click();
  await page.getByRole("link", { name: "Set up" }).click();
  await page.getByText("Cannot scan?").click();
  const app = new App(await page.locator("#secret").innerText());
  await page.getByLabel("Code that the app shows").fill(await app.code());
  await page.getByRole("button", { name: "Turn on" }).click();
  const codes = await page.locator(".codes li").allInnerTexts();
  said.codes = codes.length;

  // A passkey, held by an authenticator of the browser's.
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto(`${url}/account/passkeys/new`);
  await page.getByLabel("Name").fill("This laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The passkey is added.").waitFor();
  said.account = await text();
  await shot("account");

  // Out, by the admin's own button: the browser is signed out too.
  await page.goto(`${url}/admin/`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await page.waitForTimeout(500);
  said.out = new URL(page.url()).pathname;
  said.button = await page.getByRole("button", { name: "Sign in" }).count();
  await shot("out");
  await page.goto(`${url}/account`);
  said.afterwards = new URL(page.url()).pathname;

  // In again: the password is not enough.
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Code from your authenticator app").fill("000000");
  await page.getByRole("button", { name: "Confirm" }).first().click();
  said.wrongCode = await page.getByRole("alert").first().innerText();
  await shot("verify");
  await page.getByLabel("Code from your authenticator app").fill(await app.code());
  await page.getByRole("button", { name: "Confirm" }).first().click();
  await page.waitForURL(/\/account$/);
  said.byCode = await text();

  // And by the passkey.
  await page.goto(`${url}/sign-out`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${url}/sign-in?next=/account`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.waitForURL(/\/account$/);
  said.byPasskey = await text();
  return said;
};
