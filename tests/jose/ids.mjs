import { createHash } from "node:crypto";

export const sha256 = (octets) => createHash("sha256").update(octets).digest();

// UUIDv8 of a digest (protocol section 2).
export function idOf(digest) {
  const octets = Buffer.from(digest.subarray(0, 16));
  octets[6] = (octets[6] & 0x0f) | 0x80;
  octets[8] = (octets[8] & 0x3f) | 0x80;
  return octets.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "urn:uuid:$1-$2-$3-$4-$5");
}
