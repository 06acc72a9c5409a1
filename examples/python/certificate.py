"""X.509 certificates as section 2 of docs/protocol.md allows them, read from their octets. Raises ValueError."""

import datetime
import hashlib
import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

URN = re.compile(rb"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The whole AlgorithmIdentifier: nothing else is allowed.
ALGORITHMS = {
    "300a06082a8648ce3d040302": (ec.EllipticCurvePublicKey, hashes.SHA256()),
    "300a06082a8648ce3d040303": (ec.EllipticCurvePublicKey, hashes.SHA384()),
    "300d06092a864886f70d01010b0500": (rsa.RSAPublicKey, hashes.SHA256()),
    "300d06092a864886f70d01010c0500": (rsa.RSAPublicKey, hashes.SHA384()),
    "300d06092a864886f70d01010d0500": (rsa.RSAPublicKey, hashes.SHA512()),
}
BASIC, USAGE, EXTENDED, SUBJECT_ID, AUTHORITY_ID, NAMES = "551d13", "551d0f", "551d25", "551d0e", "551d23", "551d11"
DN_QUALIFIER = bytes.fromhex("55042e")


def need(condition, why):
    if not condition:
        raise ValueError(why)


def elements(octets):
    """The DER elements in `octets`, one after the other: (tag, content, the whole element)."""
    found, at = [], 0
    while at < len(octets):
        need(len(octets) - at >= 2 and octets[at] & 0x1F != 0x1F, "not DER")
        length, head = octets[at + 1], 2
        if length >= 0x80:
            count = length & 0x7F
            need(1 <= count <= 3 and len(octets) - at >= 2 + count, "not DER")
            length, head = int.from_bytes(octets[at + 2 : at + 2 + count], "big"), 2 + count
            need(length >= (0x80 if count == 1 else 1 << 8 * (count - 1)), "a length that DER has shorter")
        need(len(octets) - at >= head + length, "not DER")
        found.append((octets[at], octets[at + head : at + head + length], octets[at : at + head + length]))
        at += head + length
    return found


def only(octets, tag):
    """The content of the one element that `octets` is."""
    found = elements(octets)
    need(len(found) == 1 and found[0][0] == tag, "not DER of the right kind")
    return found[0][1]


def load_key(spki):
    try:
        key = serialization.load_der_public_key(spki)
    except UnsupportedAlgorithm as error:
        raise ValueError("a key that is not allowed") from error
    if isinstance(key, ec.EllipticCurvePublicKey):
        need(key.curve.name in ("secp256r1", "secp384r1"), "a curve that is not allowed")
    else:
        need(isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 4096, "a key that is not allowed")
        need(key.public_numbers().e == 65537, "an RSA exponent that is not allowed")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    need(key.public_bytes(serialization.Encoding.DER, form) == spki, "a key in another encoding")  # point uncompressed
    return key


def moment(tag, text):
    need((tag, len(text)) in ((0x17, 13), (0x18, 15)) and text[:-1].isdigit() and text.endswith(b"Z"), "no date of X.509")
    year = text[:-11].decode()
    if tag == 0x17:
        year = ("19" if int(year) >= 50 else "20") + year
    when = datetime.datetime.strptime(year + text[-11:-1].decode(), "%Y%m%d%H%M%S")
    return int(when.replace(tzinfo=datetime.timezone.utc).timestamp())


class Certificate:
    def __init__(self, der):
        need(len(der) <= 16 * 1024, "longer than 16 KiB")
        self.der, self.thumbprint = der, hashlib.sha256(der).digest()
        (_, body, self.tbs), (_, _, algorithm), (tag, bits, _) = elements(only(der, 0x30))
        need(tag == 0x03 and bits[:1] == b"\0" and algorithm.hex() in ALGORITHMS, "an algorithm that is not allowed")
        self.algorithm, self.signature = ALGORITHMS[algorithm.hex()], bits[1:]
        (tag, version, _), _, (_, _, signed_algorithm), _, (_, validity, _), (_, subject, _), (_, _, spki), *more = elements(body)
        need(tag == 0xA0 and version == b"\2\1\2" and signed_algorithm == algorithm, "not version 3, or two algorithms")
        (_, _, _), (tag, after, _) = elements(validity)
        self.not_before, self.not_after = moment(*elements(validity)[0][:2]), moment(tag, after)
        self.key, self.key_digest = load_key(spki), hashlib.sha256(spki).digest()
        self.generation = self.read_generation(subject)
        self.extensions = {}
        for tag, content, _ in more:
            if tag == 0xA3:
                self.read_extensions(only(content, 0x30))
        self.read_known()

    def read_generation(self, subject):
        """The only dnQualifier, alone in its RDN, a PrintableString 1..2^53-1; anything else counts as none."""
        parts = [[elements(pair) for _, pair, _ in elements(rdn)] for _, rdn, _ in elements(subject)]
        values = [(value, len(rdn)) for rdn in parts for kind, value in rdn if kind[1] == DN_QUALIFIER]
        if len(values) != 1 or values[0][1] != 1 or values[0][0][0] != 0x13:
            return None
        digits = values[0][0][1]
        return int(digits) if re.fullmatch(rb"[1-9][0-9]{0,15}", digits) and int(digits) < 2**53 else None

    def read_extensions(self, octets):
        for _, content, _ in elements(octets):
            (_, oid, _), *critical, (tag, value, _) = elements(content)
            need(tag == 0x04 and oid.hex() not in self.extensions, "an extension twice")
            need(not critical or critical == [(0x01, b"\xff", b"\x01\x01\xff")], "not DER")
            known = oid.hex() in (BASIC, USAGE, EXTENDED, SUBJECT_ID, AUTHORITY_ID, NAMES)
            need(known or not critical, "a critical extension that is not known")
            self.extensions[oid.hex()] = value

    def read_known(self):
        basic = elements(only(self.extensions.get(BASIC, b"\x30\x00"), 0x30))
        self.is_ca = bool(basic) and basic[0][:2] == (0x01, b"\xff")
        usage = only(self.extensions.get(USAGE, b"\x03\x01\x00"), 0x03)
        self.may_sign = self.is_ca and len(usage) > 1 and usage[1] & 0x04 != 0
        authority = elements(only(self.extensions.get(AUTHORITY_ID, b"\x30\x00"), 0x30))
        ids = [content for tag, content, _ in authority if tag == 0x80 and len(content) == 32]
        self.authority = ids[0] if ids else None
        names = elements(only(self.extensions[NAMES], 0x30)) if NAMES in self.extensions else []
        self.servers = [content.decode() for tag, content, _ in names if tag == 0x86 and URN.fullmatch(content)]

    def is_signed_by(self, key):
        kind, digest = self.algorithm
        return isinstance(key, kind) and verifies(key, self.signature, self.tbs, digest)


def verifies(key, signature, message, digest):
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), digest)
        else:
            key.verify(signature, message, ec.ECDSA(digest))
        return True
    except InvalidSignature:
        return False
