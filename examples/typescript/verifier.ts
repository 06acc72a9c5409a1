// Orders and replies of the trust protocol (docs/protocol.md): steps 1 to 7 with rule A, and first trust. Everything that
// an agent believes is decided here; nothing here reads a file, a clock or a socket.

import { verify, KeyObject } from 'node:crypto';
import { Certificate, sha256 } from './certificate';
import { Json, JsonObject, need, parseJson } from './json';

const URN = /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOKEN = 16;
const DIGEST = 32;
const ALGORITHMS = ['ES256', 'ES384', 'RS256']; // this agent knows no batches: those names are `malformed` here
const HEADER = ['alg', 'typ', 'x5t#S256'];
const ORDER = ['iss', 'aud', 'jti', 'iat', 'challenge', 'act'];
const REPLY = ['iss', 'aud', 'challenge', 'iat', 'nonce', 'interval', 'head', 'orders'];
const REPLY_MAY = ['jump', 'want', 'accepted', 'web', 'wait'];

export class Refused extends Error {}

export const encode = (octets: Buffer): string => octets.toString('base64url');
export function decode(text: Json | undefined, length?: number): Buffer {
  need(typeof text === 'string' && /^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1, 'not base64url');
  const octets = Buffer.from(text, 'base64url');
  need(encode(octets) === text && (length === undefined || octets.length === length), 'not canonical');
  return octets;
}

const isInteger = (value: Json | undefined, least = 0, most = Number.MAX_SAFE_INTEGER): boolean => (
  typeof value === 'number' && value >= least && value <= most);
const isUrn = (value: Json | undefined): value is string => typeof value === 'string' && URN.test(value);
const isObject = (value: Json | undefined): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const has = (object: JsonObject, must: string[], may: string[]): boolean => (
  must.every((name) => name in object) && Object.keys(object).every((name) => must.includes(name) || may.includes(name)));

export interface Message {
  header: JsonObject;
  payload: JsonObject;
  bundle: Buffer[]; // DER certificates of x5c
  signature: Buffer;
  signed: string;
}

function takeApart(text: string, typ: string, must: string[], may: string[], limit: number, bundleLimit: number): Message {
  const parts = text.split('.');
  need(parts.length === 3 && parts.every((part) => part !== ''), 'not three parts');
  const [head, body, signature] = parts.map((part) => decode(part)) as [Buffer, Buffer, Buffer];
  const [header, payload] = [parseJson(head), parseJson(body)];
  need(has(header, HEADER, ['x5c']) && ALGORITHMS.includes(header.alg as string) && header.typ === typ, 'header');
  const claimed = decode(header['x5t#S256'], DIGEST);
  let bundle: Buffer[] = [];
  if ('x5c' in header) {
    const x5c = header.x5c;
    need(Array.isArray(x5c) && x5c.length > 0, 'x5c');
    bundle = x5c.map((one) => Buffer.from(String(one), 'base64'));
    need(bundle.every((der, i) => der.toString('base64') === x5c[i]), 'x5c');
    need(sha256(bundle[0]!).equals(claimed), 'x5t#S256 is not that of x5c');
  }
  need(text.length <= (bundle.length || payload.act === 'move' ? bundleLimit : limit), 'too long');
  need(has(payload, must, may) && isUrn(payload.iss) && isUrn(payload.aud), 'members');
  need(isInteger(payload.iat) && typeof payload.challenge === 'string', 'iat or challenge');
  return { header, payload, bundle, signature, signed: signingInput(text) };
}

export function parseOrder(text: string): Message {
  const message = takeApart(text, 'countersign-order+jwt', ORDER, ['args'], 16 * 1024, 64 * 1024);
  decode(message.payload.jti, TOKEN);
  need(/^[a-z0-9-]{1,32}$/.test(String(message.payload.act)) && typeof message.payload.act === 'string', 'act');
  need(!('args' in message.payload) || isObject(message.payload.args), 'args');
  return message;
}

export function parseReply(text: string): Message {
  const message = takeApart(text, 'countersign-reply+jwt', REPLY, REPLY_MAY, 256 * 1024, 256 * 1024);
  const { nonce, interval, head, orders, jump = 0, want = 'bundle', accepted = true, wait = 1 } = message.payload;
  decode(nonce, TOKEN);
  need(isInteger(interval, 60, 86_400) && typeof head === 'string', 'interval or head');
  need(isInteger(jump) && isInteger(wait, 1, 240) && want === 'bundle' && accepted === true, 'optional members');
  if ('web' in message.payload) {
    const web = message.payload.web;
    need(Array.isArray(web) && web.length >= 1 && web.length <= 4 && web.every((one) => decode(one, DIGEST)), 'web');
  }
  need(Array.isArray(orders) && orders.length <= 16 && orders.every((one) => typeof one === 'string'), 'orders');
  return message;
}

// What an agent stores (section 3).
export interface Trust {
  readonly certificate: Certificate;
  readonly bundle: readonly Buffer[]; // empty after first trust
  readonly owner: Buffer;
  readonly server: string;
  readonly generation: number;
  readonly highest: { readonly [server: string]: readonly [generation: number, thumbprint: Buffer] };
}

export const heldOf = (trust: Trust): JsonObject => ({
  'x5t#S256': encode(trust.certificate.thumbprint), generation: trust.generation, owner: encode(trust.owner), server: trust.server,
});

// UUIDv8 of a digest: the id of an agent, and of an imported server.
export function uuidOf(digest: Buffer): string {
  const octets = Buffer.from(digest.subarray(0, 16));
  octets[6] = (octets[6]! & 0x0f) | 0x80;
  octets[8] = (octets[8]! & 0x3f) | 0x80;
  return `urn:uuid:${octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`;
}

// Section 3: the certificate that the administrator gave.
export function firstTrust(der: Buffer): Trust {
  const one = new Certificate(der);
  let [owner, server, generation] = [one.authority, one.servers[0], one.generation];
  if (one.isSignedBy(one.key)) { // an imported identity: server key and owner key in one
    owner = one.keyDigest;
    if (server === undefined || generation === undefined) [server, generation] = [uuidOf(owner), Math.max(1, one.notBefore)];
  } else {
    need(!one.isCa, 'a CA certificate that another key signed');
  }
  need(owner && server && generation, 'cannot be a server certificate');
  return { certificate: one, bundle: [], owner, server, generation, highest: { [server]: [generation, one.thumbprint] } };
}

export type Digests = ReadonlySet<string>; // base64url
const isIn = (digests: Digests, ...some: Buffer[]): boolean => some.some((one) => digests.has(encode(one)));

function readChain(bundle: Buffer[]): Certificate[] {
  const length = bundle.reduce((sum, der) => sum + der.length, 0);
  need(bundle.length >= 2 && bundle.length <= 32 && length <= 32 * 1024, 'count or length');
  const chain = bundle.map((der) => new Certificate(der));
  need(chain.slice(1).every((issuer, i) => chain[i]!.isSignedBy(issuer.key)), 'a signature');
  const first = chain[0]!;
  need(!first.isCa && first.generation && first.authority?.equals(chain[1]!.keyDigest), 'the server certificate');
  need(chain.slice(1, -1).every((one) => one.maySign), 'a succession');
  return chain;
}

function attempt<T>(verdict: string, what: () => T): T {
  try {
    return what();
  } catch {
    throw new Refused(verdict);
  }
}

// Section 4: the state that a bundle leads to, or Refused with the first clause that fails.
export function ruleA(trust: Trust, bundle: Buffer[], distrusted: Digests): Trust {
  const carrier = attempt('other-owner', () => new Certificate(bundle.at(-1)!));
  if (!carrier.keyDigest.equals(trust.owner)) throw new Refused('other-owner');
  const chain = attempt('chain', () => readChain(bundle));
  const [first, issuer] = chain as [Certificate, Certificate];
  const generation = first.generation!;
  if (!chain.slice(0, -1).every((one) => one.servers.includes(trust.server))) throw new Refused('wrong-server');
  const [highest, thumbprint] = trust.highest[trust.server]!;
  if (generation < highest) throw new Refused('older-generation');
  if (generation === highest && !first.thumbprint.equals(thumbprint)) throw new Refused('fork');
  if (chain.some((one) => isIn(distrusted, one.thumbprint, one.keyDigest))) throw new Refused('distrusted');
  if (first.thumbprint.equals(trust.certificate.thumbprint)) return trust;
  return {
    certificate: first, bundle, owner: issuer.keyDigest, server: trust.server, generation,
    highest: { ...trust.highest, [trust.server]: [generation, first.thumbprint] },
  };
}

function signatureHolds(key: KeyObject, { header, signature, signed }: Message): boolean {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : curve === 'secp384r1' ? 'ES384' : 'ES256';
  if (header.alg !== alg) return false;
  return verify(alg === 'ES384' ? 'sha384' : 'sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, signature);
}

// Whether the certificate names a server id: an imported one without ids of its own means that of its key.
function names({ certificate }: Trust, server: string): boolean {
  const whole = certificate.servers.length > 0 && certificate.generation !== undefined;
  if (whole || !certificate.isSignedBy(certificate.key)) return certificate.servers.includes(server);
  return server === uuidOf(certificate.keyDigest);
}

export interface Judgement {
  refused: string | undefined; // the verdict
  after: Trust; // to commit now: trust moves, if step 6 is passed, whatever step 7 says
  used: boolean; // whether the challenge is used up
}

// Steps 2 to 7 for an order or a reply.
export function judge(trust: Trust, message: Message, agent: string, clock: number, fresh: boolean, distrusted: Digests): Judgement {
  try {
    if (!fresh) throw new Refused('stale');
    const isHeld = decode(message.header['x5t#S256']).equals(trust.certificate.thumbprint);
    if (!isHeld && message.bundle.length === 0) throw new Refused('unknown-key');
    const after = isHeld ? trust : ruleA(trust, message.bundle, distrusted);
    const signer = after.certificate;
    if (isIn(distrusted, signer.thumbprint, signer.keyDigest, after.owner)) throw new Refused('distrusted');
    if (!signatureHolds(signer.key, message)) throw new Refused('bad-signature');
    if (message.payload.iss !== trust.server || !names(after, trust.server)) throw new Refused('wrong-server');
    if (message.payload.aud !== agent) throw new Refused('wrong-agent');
    return { refused: clock > signer.notAfter ? 'certificate-expired' : undefined, after, used: true };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { refused: error.message, after: trust, used: false };
  }
}

// An order within a reply that was verified: complete, without x5c, with the reply's own challenge.
export function judgeInner(trust: Trust, text: string, reply: Message, agent: string, clock: number, distrusted: Digests): string | undefined {
  let order: Message;
  try {
    order = parseOrder(text);
    need(order.bundle.length === 0, 'x5c within a reply');
  } catch {
    return 'malformed';
  }
  return judge(trust, order, agent, clock, order.payload.challenge === reply.payload.challenge, distrusted).refused;
}

// What the hash `oh` of a receipt covers: all before the last dot; everything, if there is none.
export const signingInput = (text: string): string => (text.includes('.') ? text.slice(0, text.lastIndexOf('.')) : text);
