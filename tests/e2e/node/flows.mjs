// What a buyer does in a storefront, once, whatever the client: looks at a campaign, places an order,
// pays it and sees it paid, signs in by the code of a mail, refreshes, signs out.
//
// A client is an object with `run(document, variables)`, which resolves to `{ data, codes }`, with
// `follow(document, variables)`, which is an async iterable of data, with `signIn(token)` and with
// `close()`. Documents are texts; each client parses what it needs.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const CAMPAIGN = `
query Campaign($shop: String!, $handle: String!) {
  shop(slug: $shop) { campaign(handle: $handle) {
    id title status terms { version } items { id slotsLeft currentPrice { price { minor currency } } } } }
}`;
const PLACE = `
mutation Place($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    order { id status total { minor } dueNow { leg } lines { slotNumbers } }
    orderToken
    userErrors { __typename code message field ... on TermsOutdatedError { currentVersion } }
  }
}`;
const PAY = `
mutation Pay($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment { id status action { type url } }
    userErrors { __typename code message }
  }
}`;
const FOLLOW = `
subscription Follow($id: ID!, $token: String!) {
  orderTracking(orderId: $id, token: $token) { type order { id status } }
}`;
const ASK = `
mutation Ask($input: SignInCodeRequestInput!) {
  signInCodeRequest(input: $input) { expiresAt userErrors { __typename code } }
}`;
const REDEEM = `
mutation Redeem($input: SignInCodeRedeemInput!) {
  signInCodeRedeem(input: $input) { accessToken refreshToken userErrors { __typename code } }
}`;
const REFRESH = `
mutation Refresh($input: SessionRefreshInput!) {
  sessionRefresh(input: $input) { accessToken refreshToken userErrors { __typename code } }
}`;
const SIGN_OUT = `
mutation SignOut($input: SignOutInput!) { signOut(input: $input) { ended userErrors { code } } }`;
const ME = `query Me { me { email } }`;
const ORDER = `query Order($id: ID!) { order(id: $id) { id status } }`;

// Press the button of the gateway's page, as its form would send it.
export async function pressPay(url) {
  const page = await (await fetch(url)).text();
  const fields = [...page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const form = new URLSearchParams(fields.map(([, name, value]) => [name, value]));
  form.set("action", "pay");
  await fetch(url, { method: "POST", body: form, redirect: "manual" });
}

// Read the six digits of the mail to an address, once it has come.
export async function mailedCode(folder, email) {
  for (let tries = 0; tries < 400; tries += 1) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((each) => each.endsWith(".eml"))) {
      const text = await readFile(join(folder, name), "utf8");
      const code = text.match(/\b\d{6}\b/g);
      if (text.includes(`To: ${email}`) && code && text.includes("code")) return code[0];
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no mail to ${email} came`);
}

export function otherThan(code) {
  return String((Number(code) + 1) % 1_000_000).padStart(6, "0");
}

// Do all of it with one client and tell, as one line of JSON, what came of it.
export async function buy(client, { shop, handle, mails, email }) {
  const told = {};
  const { data: page } = await client.run(CAMPAIGN, { shop, handle });
  const { campaign } = page.shop;
  told.campaign = campaign.status;

  const wish = {
    shop,
    lines: [{ campaignItemId: campaign.items[0].id, quantity: 1 }],
    buyer: { email, name: "Ann" },
    shippingAddress: { country: "US", city: "Portland", line1: "1 Pine Street" },
    acceptedTermsVersion: campaign.terms.version,
    idempotencyKey: "the wish",
  };
  const outdated = { ...wish, acceptedTermsVersion: campaign.terms.version + 1 };
  told.outdated = (await client.run(PLACE, { input: outdated })).data.orderPlace.userErrors.map(
    ({ __typename, code, currentVersion }) => ({ __typename, code, currentVersion }),
  );
  const { orderPlace: placed } = (await client.run(PLACE, { input: wish })).data;
  const again = (await client.run(PLACE, { input: wish })).data.orderPlace;
  told.placed = placed.userErrors;
  told.same = again.order.id === placed.order.id;
  told.slots = placed.order.lines[0].slotNumbers;

  const pay = {
    orderId: placed.order.id,
    token: placed.orderToken,
    leg: placed.order.dueNow[0].leg,
    gateway: "sandbox",
    idempotencyKey: "its payment",
  };
  const statuses = [];
  for await (const data of client.follow(FOLLOW, { id: placed.order.id, token: placed.orderToken })) {
    const { status } = data.orderTracking.order;
    if (statuses.at(-1) !== status) statuses.push(status);
    if (status === "PAID") break;
    if (statuses.length === 1 && !told.paying) {
      told.paying = (await client.run(PAY, { input: pay })).data.paymentStart.userErrors;
      const { payment } = (await client.run(PAY, { input: pay })).data.paymentStart;
      await pressPay(payment.action.url);
    }
  }
  told.statuses = statuses;

  told.nobody = (await client.run(ME, {})).codes;
  await client.run(ASK, { input: { shop, email } });
  const code = await mailedCode(mails, email);
  const attempt = { shop, email, code: otherThan(code) };
  const wrong = (await client.run(REDEEM, { input: attempt })).data.signInCodeRedeem.userErrors;
  told.wrongCode = wrong.map((error) => error.code);
  const session = (await client.run(REDEEM, { input: { ...attempt, code } })).data.signInCodeRedeem;
  await client.signIn(session.accessToken);
  told.me = (await client.run(ME, {})).data.me.email;
  const { refreshToken } = session;
  const next = (await client.run(REFRESH, { input: { refreshToken } })).data.sessionRefresh;
  told.rotated = next.refreshToken !== refreshToken;
  await client.signIn(next.accessToken);
  told.own = (await client.run(ORDER, { id: placed.order.id })).data.order.status;
  told.ended = (await client.run(SIGN_OUT, { input: {} })).data.signOut.ended;
  await client.close();
  console.log(JSON.stringify(told));
}

// What a script is called with: URL SHOP HANDLE MAILS EMAIL.
export function calledWith() {
  const [url, shop, handle, mails, email] = process.argv.slice(2);
  if (!email) {
    console.error("usage: node flow_CLIENT.mjs URL SHOP HANDLE MAIL_FOLDER EMAIL");
    process.exit(2);
  }
  return { url, sockets: url.replace("http", "ws"), sale: { shop, handle, mails, email } };
}

export const codesOf = (errors) => (errors ?? []).map((error) => error.extensions?.code);
