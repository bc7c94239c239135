// Opens a fresh Chromium, runs one script in it and prints what the script returns as JSON.
// Usage: node browser.mjs SCRIPT < values.json
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const values = JSON.parse(readFileSync(0, "utf8"));
const script = (await import(pathToFileURL(process.argv[2]))).default;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  // No sandbox in a container of root's; no proxy to addresses of this machine.
  args: ["--no-sandbox", "--no-proxy-server"],
});
const pictures = process.env.PRESALE_TEST_PICTURES;
const timeout = 60_000;

async function open(options = {}) {
  const context = await browser.newContext({ locale: "en-US", ...options });
  context.setDefaultTimeout(timeout);
  const page = await context.newPage();
  return { context, page };
}

try {
  const { context, page } = await open();
  const shot = async (name, of = page) => {
    if (!pictures) return;
    mkdirSync(pictures, { recursive: true });
    await of.screenshot({ path: join(pictures, `signin-${name}.png`), fullPage: true });
  };
  console.log(JSON.stringify((await script({ browser, context, page, open, values, shot })) ?? null));
} finally {
  await browser.close();
}
