// Runs the files of docs/storefront.md, as a browser and a mini-program would.
//
//   node storefront_docs.mjs PAGE FOLDER URL SHOP HANDLE MAIL_FOLDER EMAIL
//   node storefront_docs.mjs PAGE FOLDER
//
// FOLDER is an empty one to build them in. What came of it is one line of JSON. Without a URL they
// are not run: what the types say against them goes to standard error, with exit code 1.
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import WebSocket from "ws";
import { codesOf, mailedCode, otherThan, pressPay } from "./flows.mjs";

const [page, folder, url, shop, handle, mails, email] = process.argv.slice(2);
if (!folder || (url && !email)) {
  console.error("usage: node storefront_docs.mjs PAGE FOLDER [URL SHOP HANDLE MAIL_FOLDER EMAIL]");
  process.exit(2);
}

const OPTIONS = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };

// Write each block that begins with its name into a file of that name; return the files.
async function unpack() {
  await mkdir(folder, { recursive: true });
  await symlink(resolve("node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  const files = [];
  for (const [, name, text] of (await readFile(page, "utf8")).matchAll(/^```ts\n\/\/ (\S+\.ts)\n(.*?)^```/gms)) {
    files.push(join(folder, name));
    await writeFile(files.at(-1), text);
  }
  return files;
}

// Seconds of work: asked for by hand, when the page or a client has changed.
function complaintsAbout(files) {
  const program = ts.createProgram(files, {
    ...OPTIONS,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  });
  const naming = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => folder, getNewLine: () => "\n" };
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), naming);
}

async function load(file) {
  const { outputText } = ts.transpileModule(await readFile(file, "utf8"), { compilerOptions: OPTIONS });
  const built = file.replace(/ts$/, "js");
  // A bundler finds "./session"; Node wants its whole name.
  await writeFile(built, outputText.replace(/from "(\.\/\w+)"/g, 'from "$1.js"'));
  return built;
}

async function build(sources) {
  const built = await Promise.all(sources.map(load));
  const modules = await Promise.all(built.map((file) => import(pathToFileURL(file))));
  return Object.fromEntries(sources.map((file, at) => [basename(file, ".ts"), modules[at]]));
}

function memory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    values: () => [...kept.values()],
  };
}

// What the files use of a mini-program's `wx`, as its documentation has it.
globalThis.wx = {
  async request({ url, method, header, data, success, fail }) {
    try {
      const response = await fetch(url, { method, headers: header, body: JSON.stringify(data) });
      success({ statusCode: response.status, data: await response.json() });
    } catch (reason) {
      fail({ errMsg: String(reason) });
    }
  },
  connectSocket({ url, protocols }) {
    const socket = new WebSocket(url, protocols);
    return {
      send: ({ data }) => socket.send(data),
      close: ({ code }) => socket.close(code),
      onOpen: (tell) => socket.on("open", () => tell({})),
      onMessage: (tell) => socket.on("message", (data) => tell({ data: String(data) })),
      onClose: (tell) => socket.on("close", (code) => tell({ code })),
    };
  },
};

const sources = await unpack();
if (!url) {
  const complaints = complaintsAbout(sources);
  if (complaints) console.error(complaints);
  process.exit(complaints ? 1 : 0);
}
const files = await build(sources);
const told = {};
const storage = memory();
const { client, live, session } = files.client.openShop(url, storage, WebSocket);
const ask = async (document, variables = {}, at = client) => {
  const send = document.startsWith("mutation") ? "mutation" : "query";
  const { data, error } = await at[send](document, variables).toPromise();
  return { data, codes: codesOf(error?.graphQLErrors) };
};

// A page, an order that is refused, one that is placed, and the same again.
const { campaign, gateways } = await files.campaign.readCampaign(client, shop, handle);
Object.assign(told, { campaign: campaign.status, gateways });
const wish = {
  shop,
  lines: [{ campaignItemId: campaign.items[0].id, quantity: 1 }],
  buyer: { name: "Ann", email },
  shippingAddress: { country: "US", city: "Portland", line1: "1 Pine Street" },
  acceptedTermsVersion: campaign.terms.version,
  expectedTotalMinor: campaign.items[0].currentPrice.price.minor,
  idempotencyKey: "a wish of the docs",
};
const dear = await files.buy.placeOrder(client, { ...wish, expectedTotalMinor: 1, idempotencyKey: "too cheap" });
told.dear = dear.userErrors.map((error) => [error.code, error.total.minor]);
const { order, orderToken } = await files.buy.placeOrder(client, wish);
told.same = (await files.buy.placeOrder(client, wish)).order.id === order.id;

// Paid while it is followed, through a socket that breaks: each event comes once.
const followed = { orderId: order.id, token: orderToken };
const types = [];
let first = null;
for await (const { cursor, type } of files.follow.followOrder(live, followed, { waitMs: () => 0 })) {
  types.push(type);
  if (first === null) {
    first = cursor;
    live.terminate();
    const how = { gateway: gateways[0], token: orderToken, idempotencyKey: "a payment of the docs" };
    await pressPay((await files.buy.startPayment(client, order, how)).payment.action.url);
  }
  if (type === "order.confirmed") break;
}
told.types = types;
// From the first event on, over a stream.
const streams = files.stream.openStreams(url, session);
for await (const { type } of files.follow.followOrder(streams, followed, { after: first })) {
  told.next = type;
  break;
}
// What is nobody's is not asked for for ever.
const nothing = files.follow.followOrder(live, { ...followed, token: "wrong" }).next();
told.foreign = await nothing.then(() => [], codesOf);

// Signed in with a guest's cart, after a reload, in two requests at once, and out again.
const { cart, cartToken } = (
  await ask("mutation ($s: String!) { cartCreate(input: { shop: $s }) { cart { id } cartToken } }", { s: shop })
).data.cartCreate;
await files.sign_in.askForCode(client, shop, email);
const code = await mailedCode(mails, email);
const guestCart = { cartId: cart.id, token: cartToken };
const wrong = await files.sign_in.signIn(client, session, { shop, email, code: otherThan(code) }, guestCart);
told.wrong = wrong.userErrors.map((error) => error.code);
await files.sign_in.signIn(client, session, { shop, email, code }, guestCart);
const ME = "query { me { email cart { id } orders { nodes { id } } } }";
const { me } = (await ask(ME)).data;
told.me = [me.email, me.cart.id === cart.id, me.orders.nodes.map((each) => each.id === order.id)];
const before = storage.values();
const reloaded = files.client.openShop(url, storage, WebSocket);
const both = await Promise.all([ask(ME, {}, reloaded.client), ask(ME, {}, reloaded.client)]);
told.reloaded = both.map(({ data }) => data.me.email === email);
told.rotated = before[0] !== storage.values()[0];
await files.sign_in.signOut(reloaded.client, reloaded.session);
told.kept = storage.values().length;
told.out = (await ask(ME, {}, reloaded.client)).codes;
// The first page has not heard of it: its token is refused, and there is no other.
told.elsewhere = (await ask(ME)).codes;

// Nobody knows this provider, and nobody began here.
const going = { shop, providerId: campaign.id, redirectUri: "https://shop.example/back" };
told.left = (await files.provider.leave(client, storage, going)).userErrors.map((error) => error.code);
told.back = await files.provider.comeBack(client, storage, session, "https://shop.example/back?state=x&code=y");

// A mini-program.
const { serverTime } = await files.wechat.request(url, "query { serverTime }", {});
told.program = typeof serverTime;
told.refused = await files.wechat.request(url, "query { me { id } }", {}).catch(({ statusCode, codes }) => [statusCode, codes]);
const TRACKING = "subscription ($id: ID!, $token: String) { orderTracking(orderId: $id, token: $token) { type } }";
told.seen = await new Promise((done) => {
  const types = [];
  const leave = files.wechat.follow(url, TRACKING, { id: order.id, token: orderToken }, {
    next: ({ data }) => {
      types.push(data.orderTracking.type);
      leave();
    },
    ended: (code) => done([types[0], code]),
  });
});

await live.dispose();
await reloaded.live.dispose();
streams.dispose();
console.log(JSON.stringify(told));
