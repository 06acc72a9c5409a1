// Messages made by jose, or bent from what it makes, and what our code has to say of each.
import { spawn } from "node:child_process";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { createInterface } from "node:readline";
import { CompactSign, exportJWK, generateKeyPair, SignJWT } from "jose";
import { idOf, sha256 } from "./ids.mjs";

const NOBODY = "urn:uuid:00000000-0000-8000-8000-000000000000";
const encode = (text) => Buffer.from(text).toString("base64url");
const privateKey = (pkcs8) => createPrivateKey({ key: Buffer.from(pkcs8, "base64"), format: "der", type: "pkcs8" });

// A server as one world of the judge has it.
class Server {
  constructor(told) {
    Object.assign(this, told);
    this.key = privateKey(told.pkcs8);
  }
  header(more = {}) {
    return { alg: this.alg, typ: "countersign-order+jwt", "x5t#S256": this.x5t, ...more };
  }
  payload(more = {}) {
    return {
      iss: this.server,
      aud: this.agent,
      jti: "AQEBAQEBAQEBAQEBAQEBAQ",
      iat: 1763769600,
      challenge: this.challenge,
      act: "collect-logs",
      args: { days: 3 },
      ...more,
    };
  }
  // What jose makes of any header and of any payload text.
  async text(payload, header = {}, key = this.key) {
    return new CompactSign(new TextEncoder().encode(payload)).setProtectedHeader(this.header(header)).sign(key);
  }
  async order(payload = {}, header = {}, key = this.key) {
    return this.text(JSON.stringify(this.payload(payload)), header, key);
  }
  // A good signature over parts that jose would not sign.
  raw(header, payload, dsaEncoding = "ieee-p1363") {
    const input = `${encode(header)}.${encode(payload)}`;
    return `${input}.${sign("sha256", Buffer.from(input), { key: this.key, dsaEncoding }).toString("base64url")}`;
  }
}

// [what, expected verdict, message]
async function p256Orders(server) {
  const { privateKey: other } = await generateKeyPair("ES256");
  const { privateKey: rsa } = await generateKeyPair("RS256");
  const { privateKey: p521 } = await generateKeyPair("ES512");
  const { privateKey: ed25519 } = await generateKeyPair("EdDSA");
  const spki = createPublicKey(server.key).export({ type: "spki", format: "der" });
  const good = await server.order();
  const [header, payload, signature] = good.split(".");
  const headerText = JSON.stringify(server.header());
  const payloadText = JSON.stringify(server.payload());
  const twice = (text, member) => text.replace(/}$/, `,${member}}`);
  const next = new Server({ ...server, ...server.next });
  const flipped = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
  return [
    ["valid", "passed", good],
    ["made by SignJWT", "passed", await new SignJWT(server.payload()).setProtectedHeader(server.header()).sign(server.key)],
    ["without args", "passed", await server.order({ args: undefined })],
    ["members in another order", "passed", await server.text(JSON.stringify(Object.fromEntries(Object.entries(server.payload()).reverse())))],
    ["white space within the JSON", "passed", await server.text(JSON.stringify(server.payload(), null, 2))],
    ["signed by hand", "passed", server.raw(headerText, payloadText)],
    ["bundle of the next certificate", "moved", await next.order({}, { x5c: next.x5c })],

    ["a bit of the signature", "bad-signature", `${header}.${payload}.${flipped}`],
    ["signature of another payload", "bad-signature", `${header}.${encode(payloadText.replace("collect", "destroy"))}.${signature}`],
    ["no signature", "bad-signature", `${header}.${payload}.`],
    ["another key", "bad-signature", await server.order({}, {}, other)],
    ["another kind of key", "bad-signature", await server.order({}, { alg: "RS256" }, rsa)],
    ["signature in DER", "bad-signature", server.raw(headerText, payloadText, "der")],
    ["alg of another plain kind", "bad-signature", server.raw(JSON.stringify(server.header({ alg: "ES384" })), payloadText)],
    ["next certificate, signed by the held key", "bad-signature", await next.order({}, { x5c: next.x5c }, server.key)],

    ["alg none", "malformed", `${encode(JSON.stringify(server.header({ alg: "none" })))}.${payload}.`],
    ["alg HS256 with the public key as the secret", "malformed", await server.order({}, { alg: "HS256" }, spki)],
    ["alg ES512", "malformed", await server.order({}, { alg: "ES512" }, p521)],
    ["alg EdDSA", "malformed", await server.order({}, { alg: "EdDSA" }, ed25519)],
    ["alg ES256-BATCH", "malformed", server.raw(JSON.stringify(server.header({ alg: "ES256-BATCH" })), payloadText)],
    ["header member too many", "malformed", await server.order({}, { kid: "1" })],
    ["payload not encoded (RFC 7797)", "malformed", await server.order({}, { b64: true, crit: ["b64"] })],
    ["own key in the header", "malformed", await server.order({}, { jwk: await exportJWK(createPublicKey(server.key)) })],
    ["typ JWT", "malformed", await server.order({}, { typ: "JWT" })],
    ["typ of a reply", "malformed", await server.order({}, { typ: "countersign-reply+jwt" })],
    ["no typ", "malformed", await server.order({}, { typ: undefined })],
    ["header member twice", "malformed", server.raw(twice(headerText, '"alg":"ES256"'), payloadText)],

    ["payload member too many", "malformed", await server.order({ exp: 4102444800 })],
    ["payload member missing", "malformed", await server.order({ jti: undefined })],
    ["payload member null", "malformed", await server.order({ args: null })],
    ["payload member twice", "malformed", await server.text(twice(payloadText, '"act":"collect-logs"'))],
    ["payload member twice by an escape", "malformed", await server.text(twice(payloadText, '"\\u0061ct":"collect-logs"'))],
    ["audience as a list", "malformed", await server.order({ aud: [server.agent] })],
    ["upper-case id", "malformed", await server.order({ iss: server.server.toUpperCase() })],
    ["iat with a fraction", "malformed", await server.text(payloadText.replace("1763769600", "1763769600.5"))],
    ["iat with an exponent", "malformed", await server.text(payloadText.replace("1763769600", "1e9"))],
    ["iat minus zero", "malformed", await server.text(payloadText.replace("1763769600", "-0"))],
    ["lone surrogate", "malformed", await server.order({ args: { text: "\ud800" } })],
    ["byte order mark", "malformed", await server.text(`\ufeff${payloadText}`)],
    ["line end after the JSON", "malformed", await server.text(`${payloadText}\n`)],
    ["args nested too deep", "malformed", await server.order({ args: JSON.parse(`{"a":${"[".repeat(7)}${"]".repeat(7)}}`) })],
    ["longer than 16 KiB", "malformed", await server.order({ args: { text: "x".repeat(12500) } })],

    ["padded payload", "malformed", `${header}.${payload}=.${signature}`],
    ["padded signature", "malformed", `${good}==`],
    ["unused bits in the signature", "malformed", good.replace(/.$/, (c) => String.fromCharCode(c.charCodeAt(0) + 1))],
    ["line end after the message", "malformed", `${good}\n`],
    ["four parts", "malformed", `${good}.`],
    ["flattened JSON serialization", "malformed", JSON.stringify({ protected: header, payload, signature })],

    ["another agent", "wrong-agent", await server.order({ aud: NOBODY })],
    ["another server", "wrong-server", await server.order({ iss: NOBODY })],
    ["another challenge", "stale", await server.order({ challenge: "Y291bnRlcnNpZ25k" })],
    ["another certificate", "unknown-key", await server.order({}, { "x5t#S256": next.x5t })],
    ["bundle that is not of x5t#S256", "malformed", await next.order({}, { x5c: next.x5c.toReversed() })],
    ["bundle in base64url", "malformed", await next.order({}, { x5c: next.x5c.map((der) => Buffer.from(der, "base64").toString("base64url")) })],
    ["bundle without its carrier", "other-owner", await next.order({}, { x5c: next.x5c.slice(0, 1) })],
  ].map(([what, verdict, message]) => ["order", 0, what, verdict, message]);
}

async function otherOrders(p384, rsa) {
  return [
    ["order", 1, "valid", "passed", await p384.order()],
    ["order", 1, "another server", "wrong-server", await p384.order({ iss: NOBODY })],
    ["order", 2, "valid", "passed", await rsa.order()],
    ["order", 2, "PSS instead of PKCS #1", "malformed", await rsa.order({}, { alg: "PS256" })],
    ["order", 2, "SHA-512 instead of SHA-256", "malformed", await rsa.order({}, { alg: "RS512" })],
  ];
}

async function reports(server) {
  const { publicKey, privateKey: key } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(publicKey);
  const spki = publicKey.export({ type: "spki", format: "der" });
  const digest = "ERERERERERERERERERERERERERERERERERERERERERE";
  const payload = {
    iss: idOf(sha256(spki)),
    aud: server.server,
    challenge: server.challenge,
    held: { "x5t#S256": server.x5t, generation: 7, owner: digest, server: server.server },
    time: 1763769600,
    seq: 1,
    instance: "AQEBAQEBAQEBAQEBAQEBAQ",
    host: "büro-17",
    addresses: ["192.0.2.17"],
    port: 21112,
    domain: "",
    version: "0.1.0",
    platform: "Debian 12",
    batch: false,
    failures: [],
  };
  const { kty, crv, x, y } = jwk;
  const make = (more = {}, header = {}, by = key) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify({ ...payload, ...more })))
      .setProtectedHeader({ alg: "ES256", typ: "countersign-report+jwt", jwk: { kty, crv, x, y }, ...header })
      .sign(by);
  const { privateKey: other } = await generateKeyPair("ES256");
  return [
    ["valid", "verified", await make()],
    ["another key", "bad-signature", await make({}, {}, other)],
    ["id of another key", "malformed", await make({ iss: NOBODY })],
    ["jwk with a member too many", "malformed", await make({}, { jwk: { ...jwk, use: "sig" } })],
    ["jwk with the private part", "malformed", await make({}, { jwk: await exportJWK(key) })],
    ["control character in a text", "malformed", await make({ host: "a\u001b[31mb" })],
    ["seq 0", "malformed", await make({ seq: 0 })],
  ].map(([what, verdict, message]) => ["report", 0, what, verdict, message]);
}

async function replies(server) {
  const payload = {
    iss: server.server,
    aud: server.agent,
    challenge: server.challenge,
    iat: 1763769600,
    nonce: "AQEBAQEBAQEBAQEBAQEBAQ",
    interval: 3600,
    head: "",
    orders: [await server.order()],
  };
  const typ = "countersign-reply+jwt";
  const make = (more, header = { typ }) => server.text(JSON.stringify({ ...payload, ...more }), header);
  return [
    ["valid", "passed", await make({})],
    ["all members", "passed", await make({ jump: 5, want: "bundle", accepted: true })],
    ["accepted false", "malformed", await make({ accepted: false })],
    ["interval too short", "malformed", await make({ interval: 59 })],
    ["typ of an order", "malformed", await make({}, {})],
    ["another challenge", "stale", await make({ challenge: "Y291bnRlcnNpZ25k" })],
  ].map(([what, verdict, message]) => ["reply", 0, what, verdict, message]);
}

export async function checkJudged(program) {
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value ?? "(the judge is gone)";
  const [p256, p384, rsa] = JSON.parse(await line()).map((told) => new Server(told));
  const cases = [
    ...(await p256Orders(p256)),
    ...(await otherOrders(p384, rsa)),
    ...(await reports(p256)),
    ...(await replies(p256)),
  ];
  const results = [];
  for (const [kind, world, what, expected, message] of cases) {
    child.stdin.write(`${kind} ${world} ${Buffer.from(message).toString("base64")}\n`);
    const verdict = await line();
    const problem = verdict === expected ? null : `${verdict}, not ${expected}`;
    results.push({ name: `jose's ${kind}: ${what}`, problem });
  }
  child.stdin.end();
  return results;
}
