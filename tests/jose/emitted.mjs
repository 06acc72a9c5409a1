// Our messages, verified by jose, and what they say computed again by other means than ours.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac, createPublicKey } from "node:crypto";
import { compactVerify, EmbeddedJWK, generateKeyPair, importSPKI } from "jose";
import { idOf, sha256 } from "./ids.mjs";

const pem = (spki) => `-----BEGIN PUBLIC KEY-----\n${spki.match(/.{1,64}/g).join("\n")}\n-----END PUBLIC KEY-----`;

// The closed lists of the protocol page, in its order; `?` marks what may be absent.
const MEMBERS = {
  order: ["alg typ x5t#S256 x5c?", "iss aud jti iat challenge act args?"],
  receipt: ["alg typ", "iss aud order oh verdict earlier? result? held time seq instance"],
  report: [
    "alg typ jwk x5c?",
    "iss aud challenge echo? held time seq instance host addresses port domain version platform batch failures enrol? tls? " +
      "pinned? leaving?",
  ],
  reply: ["alg typ x5t#S256 x5c?", "iss aud challenge iat nonce interval head jump? want? accepted? web? wait? orders"],
};

function assertMembers(object, list) {
  const expected = list.split(" ").filter((name) => !name.endsWith("?") || name.slice(0, -1) in object);
  assert.deepEqual(Object.keys(object), expected.map((name) => name.replace("?", "")));
}

const altered = (text) => (text.endsWith("A") ? "Q" : "A");

// Each check throws if it is not so.
const CHECKS = {
  async "verifies with its own algorithm only"({ jws, alg, key }) {
    await compactVerify(jws, key, { algorithms: [alg] });
    await assert.rejects(compactVerify(jws, key, { algorithms: alg === "ES256" ? ["ES384"] : ["ES256"] }));
  },
  async "does not verify with another key"({ jws, alg }) {
    const { publicKey } = await generateKeyPair(alg);
    await assert.rejects(compactVerify(jws, publicKey));
  },
  async "does not verify when altered"({ jws, key }) {
    const [header, payload, signature] = jws.split(".");
    const middle = payload.slice(0, 8) + altered(payload.slice(0, 9)) + payload.slice(9);
    await assert.rejects(compactVerify([header, middle, signature].join("."), key));
    await assert.rejects(compactVerify([header, payload, altered(signature[0]) + signature.slice(1)].join("."), key));
  },
  "has the members of its list, in order"({ type, header, payload }) {
    assert.equal(header.typ, `countersign-${type}+jwt`);
    assertMembers(header, MEMBERS[type][0]);
    assertMembers(payload, MEMBERS[type][1]);
  },
  "is compact JSON"({ jws, header, payload }) {
    const [first, second] = jws.split(".").map((part) => Buffer.from(part, "base64url").toString());
    assert.equal(first, JSON.stringify(header));
    assert.equal(second, JSON.stringify(payload));
  },
};

const MORE = {
  async report({ jws, header, payload, secret, spki }) {
    await compactVerify(jws, EmbeddedJWK);
    const own = createPublicKey({ key: header.jwk, format: "jwk" }).export({ type: "spki", format: "der" });
    assert.equal(own.toString("base64"), spki);
    assert.equal(payload.iss, idOf(sha256(own)));
    const message = ["countersign enrol v1", payload.iss, payload.aud, payload.challenge].join("\0");
    const proof = createHmac("sha256", Buffer.from(secret, "base64")).update(message).digest("base64url");
    assert.equal(payload.enrol.proof, proof);
  },
  receipt({ payload, order }) {
    const input = order.slice(0, order.lastIndexOf("."));
    assert.equal(payload.oh, sha256(input).toString("base64url"));
  },
  "receipt of something malformed"({ payload }) {
    assert.equal(payload.order, null);
  },
  "order with a bundle"({ header, leaf }) {
    assert.equal(header.x5c[0], leaf);
    assert.equal(header["x5t#S256"], sha256(Buffer.from(leaf, "base64")).toString("base64url"));
  },
};

export async function checkEmitted(program) {
  const results = [];
  for (const message of JSON.parse(execFileSync(program))) {
    const key = await importSPKI(pem(message.spki), message.alg);
    const [header, payload] = message.jws
      .split(".")
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
    const context = { ...message, key, header, payload, type: message.name.split(" ")[0] };
    const more = MORE[message.name] ? { "says what we said": MORE[message.name] } : {};
    for (const [what, check] of Object.entries({ ...CHECKS, ...more })) {
      const problem = await Promise.resolve()
        .then(() => check(context))
        .then(() => null, String);
      results.push({ name: `our ${message.name} (${message.alg}) ${what}`, problem });
    }
  }
  return results;
}
