// Verifies webhooks with the npm package standardwebhooks.
//
//   node verify_webhook.mjs SECRET HEADERS_JSON BODY
//
// Prints the event as JSON; exits with 1 and what was wrong on standard error when it is not genuine.
import { Webhook } from "standardwebhooks";

const [secret, headers, body] = process.argv.slice(2);
try {
  console.log(JSON.stringify(new Webhook(secret).verify(body, JSON.parse(headers))));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
