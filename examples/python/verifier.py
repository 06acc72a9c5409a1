"""Orders and replies of the trust protocol (docs/protocol.md): steps 1 to 7 with rule A, and first trust.

Everything that an agent believes is decided here; nothing here reads a file, a clock or a socket.
"""

import base64
import dataclasses
import hashlib
import json
import re
import uuid

from certificate import Certificate, need, verifies
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

URN = r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TOKEN, DIGEST = 16, 32
ALGORITHMS = ("ES256", "ES384", "RS256")  # this agent knows no batches: those names are `malformed` here
HEADER = {"alg", "typ", "x5t#S256"}
ORDER = {"iss", "aud", "jti", "iat", "challenge", "act"}
REPLY = {"iss", "aud", "challenge", "iat", "nonce", "interval", "head", "orders"}
REPLY_MAY = {"jump", "want", "accepted", "web", "wait"}


class Refused(Exception):
    """The verdict with which a message is refused."""


def encode(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def decode(text, length=None):
    need(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, "not base64url")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(encode(octets) == text and length in (None, len(octets)), "not canonical")
    return octets


def parse_json(octets):
    """One JSON object under the rules of sections 5 and 11."""

    def pairs(members):
        need(len({name for name, _ in members}) == len(members), "a member twice")
        return dict(members)

    def integer(text):
        need(not text.startswith("-") and int(text) < 2**53, "an integer out of range")
        return int(text)

    def depth(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + max(map(depth, inner), default=0)

    def refuse(_):
        raise ValueError("no integer")

    text = octets.decode("utf-8")
    need(text.startswith("{") and text.endswith("}"), "no object")
    value = json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_float=refuse, parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # no lone surrogate
    need(depth(value) <= 8, "too deep")
    return value


def matches(pattern, text):
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None


def is_integer(value, least=0, most=2**53 - 1):
    return type(value) is int and least <= value <= most


@dataclasses.dataclass
class Message:
    header: dict
    payload: dict
    bundle: list  # DER certificates of x5c
    signature: bytes
    signed: bytes


def take_apart(text, typ, must, may, limit, bundle_limit):
    parts = text.split(".")
    need(len(parts) == 3 and all(parts), "not three parts")
    header, payload, signature = (decode(part) for part in parts)
    header, payload = parse_json(header), parse_json(payload)
    need(HEADER <= set(header) <= HEADER | {"x5c"} and header["alg"] in ALGORITHMS and header["typ"] == typ, "header")
    claimed, bundle = decode(header["x5t#S256"], DIGEST), []
    if "x5c" in header:
        need(isinstance(header["x5c"], list) and header["x5c"] and all(isinstance(one, str) for one in header["x5c"]), "x5c")
        bundle = [base64.b64decode(one, validate=True) for one in header["x5c"]]
        need([base64.b64encode(der).decode() for der in bundle] == header["x5c"], "x5c")
        need(hashlib.sha256(bundle[0]).digest() == claimed, "x5t#S256 is not that of x5c")
    need(len(text) <= (bundle_limit if bundle or payload.get("act") == "move" else limit), "too long")
    need(must <= set(payload) <= must | may, "members")
    need(matches(URN, payload["iss"]) and matches(URN, payload["aud"]) and is_integer(payload["iat"]), "iss, aud or iat")
    need(isinstance(payload["challenge"], str), "challenge")
    return Message(header, payload, bundle, signature, text.rpartition(".")[0].encode())


def parse_order(text):
    message = take_apart(text, "countersign-order+jwt", ORDER, {"args"}, 16 * 1024, 64 * 1024)
    payload = message.payload
    decode(payload["jti"], TOKEN)
    need(matches(r"[a-z0-9-]{1,32}", payload["act"]) and isinstance(payload.get("args", {}), dict), "act or args")
    return message


def parse_reply(text):
    message = take_apart(text, "countersign-reply+jwt", REPLY, REPLY_MAY, 256 * 1024, 256 * 1024)
    payload = message.payload
    decode(payload["nonce"], TOKEN)
    need(is_integer(payload["interval"], 60, 86_400) and isinstance(payload["head"], str), "interval or head")
    need(payload.get("accepted", True) is True and payload.get("want", "bundle") == "bundle", "accepted or want")
    need(is_integer(payload.get("jump", 0)) and is_integer(payload.get("wait", 1), 1, 240), "jump or wait")
    web = payload.get("web", [None])
    need(isinstance(web, list) and 1 <= len(web) <= 4 and all(one is None or decode(one, DIGEST) for one in web), "web")
    need(("web" in payload) == (web != [None]), "web")
    orders = payload["orders"]
    need(isinstance(orders, list) and len(orders) <= 16 and all(isinstance(one, str) for one in orders), "orders")
    return message


@dataclasses.dataclass(frozen=True)
class Trust:
    """What an agent stores (section 3)."""

    certificate: Certificate
    bundle: tuple  # DER, empty after first trust
    owner: bytes
    server: str
    generation: int
    highest: dict  # server id -> (generation, thumbprint)

    def held(self):
        return {"x5t#S256": encode(self.certificate.thumbprint), "generation": self.generation,
                "owner": encode(self.owner), "server": self.server}


def uuid_of(digest):
    """UUIDv8 of a digest: the id of an agent, and of an imported server."""
    octets = bytearray(digest[:16])
    octets[6], octets[8] = octets[6] & 0x0F | 0x80, octets[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(octets)).urn


def first_trust(der):
    """Section 3: the certificate that the administrator gave. Raises ValueError."""
    one = Certificate(der)
    if one.is_signed_by(one.key):  # an imported identity: server key and owner key in one
        whole = bool(one.servers) and one.generation is not None
        server = one.servers[0] if whole else uuid_of(one.key_digest)
        owner, generation = one.key_digest, one.generation if whole else max(1, one.not_before)
    else:
        need(not one.is_ca and one.authority and one.servers and one.generation, "cannot be a server certificate")
        owner, server, generation = one.authority, one.servers[0], one.generation
    return Trust(one, (), owner, server, generation, {server: (generation, one.thumbprint)})


def rule_a(trust, bundle, distrusted=frozenset()):
    """Section 4: the state that a bundle leads to, or Refused with the first clause that fails."""
    try:
        carrier = Certificate(bundle[-1])
    except (ValueError, IndexError):
        raise Refused("other-owner") from None
    if carrier.key_digest != trust.owner:
        raise Refused("other-owner")
    try:
        need(2 <= len(bundle) <= 32 and sum(map(len, bundle)) <= 32 * 1024, "count or length")
        chain = [Certificate(der) for der in bundle]
        need(all(one.is_signed_by(issuer.key) for one, issuer in zip(chain, chain[1:])), "a signature")
        new = chain[0]
        need(not new.is_ca and new.generation and new.authority == chain[1].key_digest, "the server certificate")
        need(all(one.may_sign for one in chain[1:-1]), "a succession")
    except ValueError:
        raise Refused("chain") from None
    if not all(trust.server in one.servers for one in chain[:-1]):
        raise Refused("wrong-server")
    generation, thumbprint = trust.highest[trust.server]
    if new.generation < generation:
        raise Refused("older-generation")
    if new.generation == generation and new.thumbprint != thumbprint:
        raise Refused("fork")
    if any(one.thumbprint in distrusted or one.key_digest in distrusted for one in chain):
        raise Refused("distrusted")
    if new.thumbprint == trust.certificate.thumbprint:
        return trust
    highest = {**trust.highest, trust.server: (new.generation, new.thumbprint)}
    return Trust(new, tuple(bundle), chain[1].key_digest, trust.server, new.generation, highest)


def signature_holds(key, message):
    alg, signature = message.header["alg"], message.signature
    digest = hashes.SHA384() if alg == "ES384" else hashes.SHA256()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return alg == "RS256" and verifies(key, signature, message.signed, digest)
    size = key.curve.key_size // 8
    if alg != {32: "ES256", 48: "ES384"}[size] or len(signature) != 2 * size:
        return False
    pair = (int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
    return verifies(key, encode_dss_signature(*pair), message.signed, digest)


def judge(trust, message, agent, clock, fresh, distrusted=frozenset()):
    """Steps 2 to 7 for an order or a reply. Returns (verdict or None, the trust to commit now, whether the challenge
    is used up): trust moves, if step 6 is passed, whatever step 7 says."""
    try:
        if not fresh:
            raise Refused("stale")
        claimed, after = decode(message.header["x5t#S256"]), trust
        if claimed != trust.certificate.thumbprint:
            if not message.bundle:
                raise Refused("unknown-key")
            after = rule_a(trust, message.bundle, distrusted)
        signer = after.certificate
        if distrusted & {signer.thumbprint, signer.key_digest, after.owner}:
            raise Refused("distrusted")
        if not signature_holds(signer.key, message):
            raise Refused("bad-signature")
        if message.payload["iss"] != trust.server or not names(after, trust.server):
            raise Refused("wrong-server")
        if message.payload["aud"] != agent:
            raise Refused("wrong-agent")
    except Refused as refused:
        return str(refused), trust, False
    return ("certificate-expired" if clock > signer.not_after else None), after, True


def names(trust, server):
    """Whether the certificate names a server id: an imported one without ids of its own means that of its key."""
    one = trust.certificate
    if one.servers and one.generation is not None or not one.is_signed_by(one.key):
        return server in one.servers
    return server == uuid_of(one.key_digest)


def judge_inner(trust, text, reply, agent, clock, distrusted=frozenset()):
    """An order within a reply that was verified: complete, without x5c, with the reply's own challenge."""
    try:
        order = parse_order(text)
        need(not order.bundle, "x5c within a reply")
    except ValueError:
        return "malformed"
    fresh = order.payload["challenge"] == reply.payload["challenge"]
    return judge(trust, order, agent, clock, fresh, distrusted)[0]


def signing_input(text):
    """What the hash `oh` of a receipt covers: all before the last dot; everything, if there is none."""
    return (text.rpartition(".")[0] if "." in text else text).encode()
