// One-time codes as an authenticator app makes them (RFC 6238), and never the same one twice.
import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function decode(text) {
  let bits = "";
  for (const letter of text.replace(/\s|=/g, "")) bits += ALPHABET.indexOf(letter).toString(2).padStart(5, "0");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

export class App {
  constructor(secret) {
    this.key = decode(secret);
    this.last = 0;
  }

  // The next code that has not been used. A server takes one that is one step early.
  async code() {
    const step = Math.max(Math.floor(Date.now() / 30_000), this.last + 1);
    const early = (step - 1) * 30_000 - Date.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early + 500));
    this.last = step;
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const digest = createHmac("sha1", this.key).update(counter).digest();
    const at = digest[19] & 15;
    return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }
}
