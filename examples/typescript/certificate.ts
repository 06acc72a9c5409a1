// X.509 certificates as section 2 of docs/protocol.md allows them, read from their octets. Throws on any other.

import { createHash, createPublicKey, verify, KeyObject } from 'node:crypto';
import { need } from './json';

export const sha256 = (octets: Buffer | string): Buffer => createHash('sha256').update(octets).digest();

// The whole AlgorithmIdentifier: nothing else is allowed.
const ALGORITHMS: { [hex: string]: [kind: string, hash: string] } = {
  '300a06082a8648ce3d040302': ['ec', 'sha256'],
  '300a06082a8648ce3d040303': ['ec', 'sha384'],
  '300d06092a864886f70d01010b0500': ['rsa', 'sha256'],
  '300d06092a864886f70d01010c0500': ['rsa', 'sha384'],
  '300d06092a864886f70d01010d0500': ['rsa', 'sha512'],
};
const [BASIC, USAGE, AUTHORITY, NAMES] = ['551d13', '551d0f', '551d23', '551d11'] as const;
const KNOWN = [BASIC, USAGE, AUTHORITY, NAMES, '551d25', '551d0e'];
const DN_QUALIFIER = '55042e';

interface Element { tag: number; content: Buffer; whole: Buffer }

// The DER elements in `octets`, one after the other.
function elements(octets: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < octets.length;) {
    need(octets.length - at >= 2 && (octets[at]! & 0x1f) !== 0x1f, 'not DER');
    let [length, head] = [octets[at + 1]!, 2];
    if (length >= 0x80) {
      const count = length & 0x7f;
      need(count >= 1 && count <= 3 && octets.length - at >= 2 + count, 'not DER');
      [length, head] = [octets.readUIntBE(at + 2, count), 2 + count];
      need(length >= (count === 1 ? 0x80 : 2 ** (8 * (count - 1))), 'a length that DER has shorter');
    }
    const end = at + head + length;
    need(end <= octets.length, 'not DER');
    found.push({ tag: octets[at]!, content: octets.subarray(at + head, end), whole: octets.subarray(at, end) });
    at = end;
  }
  return found;
}

const some = (octets: Buffer, least: number): Element[] => {
  const found = elements(octets);
  need(found.length >= least, 'elements are missing');
  return found;
};

// The content of the one element that `octets` is.
function only(octets: Buffer, tag: number): Buffer {
  const found = elements(octets);
  need(found.length === 1 && found[0]!.tag === tag, 'not DER of the right kind');
  return found[0]!.content;
}

function loadKey(spki: Buffer): KeyObject {
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const details = key.asymmetricKeyDetails!;
  if (key.asymmetricKeyType === 'ec') {
    need(['prime256v1', 'secp384r1'].includes(details.namedCurve!), 'a curve that is not allowed');
    need(spki.at(details.namedCurve === 'prime256v1' ? -65 : -97) === 4, 'a point that is not uncompressed');
  } else {
    need(key.asymmetricKeyType === 'rsa' && details.publicExponent === 65537n, 'a key that is not allowed');
    need(details.modulusLength! >= 2048 && details.modulusLength! <= 4096, 'a key that is not allowed');
  }
  need(key.export({ format: 'der', type: 'spki' }).equals(spki), 'a key in another encoding');
  return key;
}

function moment({ tag, content }: Element): number {
  const text = content.toString('latin1');
  const parts = (tag === 0x17 ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(text);
  need(parts && (tag === 0x17 || tag === 0x18), 'no date of X.509');
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [number, number, number, number, number, number];
  return Date.UTC(tag === 0x17 ? year + (year >= 50 ? 1900 : 2000) : year, month - 1, day, hour, minute, second) / 1000;
}

// The only dnQualifier, alone in its RDN, a PrintableString 1..2^53-1; anything else counts as none.
function generationOf(subject: Buffer): number | undefined {
  const values = elements(subject).flatMap((rdn) => {
    const pairs = elements(rdn.content).map((pair) => some(pair.content, 2));
    return pairs.filter(([kind]) => kind!.content.toString('hex') === DN_QUALIFIER)
      .map(([, value]) => ({ value: value!, alone: pairs.length === 1 }));
  });
  if (values.length !== 1 || !values[0]!.alone || values[0]!.value.tag !== 0x13) return undefined;
  const digits = values[0]!.value.content.toString('latin1');
  const number = /^[1-9][0-9]{0,15}$/.test(digits) ? Number(digits) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

function extensionsOf(octets: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const { content } of elements(octets)) {
    const parts = some(content, 2);
    const [name, value] = [parts[0]!.content.toString('hex'), parts.at(-1)!];
    const critical = parts.length === 3;
    need(parts.length <= 3 && value.tag === 0x04 && !found.has(name), 'an extension twice');
    need(!critical || parts[1]!.whole.toString('hex') === '0101ff', 'not DER');
    need(!critical || KNOWN.includes(name), 'a critical extension that is not known');
    found.set(name, value.content);
  }
  return found;
}

export class Certificate {
  readonly thumbprint: Buffer;
  readonly key: KeyObject;
  readonly keyDigest: Buffer;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly generation: number | undefined;
  readonly isCa: boolean;
  readonly maySign: boolean;
  readonly authority: Buffer | undefined;
  readonly servers: string[];
  private readonly tbs: Buffer;
  private readonly signature: Buffer;
  private readonly algorithm: [string, string];

  constructor(readonly der: Buffer) {
    need(der.length <= 16 * 1024, 'longer than 16 KiB');
    this.thumbprint = sha256(der);
    const outer = some(only(der, 0x30), 3);
    const [body, algorithm, bits] = outer as [Element, Element, Element];
    const allowed = ALGORITHMS[algorithm.whole.toString('hex')];
    need(outer.length === 3 && bits.tag === 0x03 && bits.content[0] === 0 && allowed, 'an algorithm that is not allowed');
    [this.tbs, this.signature, this.algorithm] = [body.whole, bits.content.subarray(1), allowed];
    const [version, , signed, , validity, subject, spki, ...more] = some(body.content, 7) as [Element, Element, Element, Element, Element, Element, Element, ...Element[]];
    need(version.tag === 0xa0 && version.content.toString('hex') === '020102', 'not version 3');
    need(signed.whole.equals(algorithm.whole), 'two algorithms');
    const [before, after] = some(validity.content, 2) as [Element, Element];
    [this.notBefore, this.notAfter] = [moment(before), moment(after)];
    [this.key, this.keyDigest, this.generation] = [loadKey(spki.whole), sha256(spki.whole), generationOf(subject.content)];
    const last = more.find(({ tag }) => tag === 0xa3);
    const extensions = last ? extensionsOf(only(last.content, 0x30)) : new Map<string, Buffer>();
    const listed = (name: string): Element[] => (extensions.has(name) ? elements(only(extensions.get(name)!, 0x30)) : []);
    this.isCa = listed(BASIC)[0]?.whole.toString('hex') === '0101ff';
    const usage = extensions.has(USAGE) ? only(extensions.get(USAGE)!, 0x03) : Buffer.alloc(0);
    this.maySign = this.isCa && ((usage[1] ?? 0) & 0x04) !== 0;
    this.authority = listed(AUTHORITY).find(({ tag, content }) => tag === 0x80 && content.length === 32)?.content;
    this.servers = listed(NAMES).filter(({ tag }) => tag === 0x86).map(({ content }) => content.toString('latin1'))
      .filter((text) => /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text));
  }

  isSignedBy(key: KeyObject): boolean {
    const [kind, hash] = this.algorithm;
    return key.asymmetricKeyType === kind && verify(hash, this.tbs, key, this.signature);
  }
}
