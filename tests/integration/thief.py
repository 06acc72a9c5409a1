"""What an attacker has and makes: keys and certificates that look right, and the loot of a stolen folder."""

import contextlib
import sqlite3

OWNER = "owner"
STATES = {0: "reserve", 2: "active"}  # as the registry counts them

class Thief:
    """Keys and certificates that are not the right ones, in lab.path/thief."""

    def __init__(self, fleet, server_id):
        self.lab, self.server_id, self.path = fleet, server_id, fleet.path / "thief"
        self.path.mkdir()
        self.owner()
        self.certificate("server", "owner")

    def key(self, name):
        return self.path / f"{name}.key"

    def der(self, *names):
        return ",".join(str(self.path / f"{name}.der") for name in names)

    def owner(self, name="owner"):
        self.lab.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key(name))
        self.lab.openssl("req", "-x509", "-new", "-key", self.key(name), "-subj", "/CN=Owner", "-days", "9000", "-addext",
                         "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign", "-out",
                         self.path / f"{name}.pem")
        self.to_der(name)

    def to_der(self, name):
        self.lab.openssl("x509", "-in", self.path / f"{name}.pem", "-outform", "DER", "-out", self.path / f"{name}.der")

    def certificate(self, name, issuer, issuer_key=None, issuer_pem=None, generation=9_000_000_000):
        """A server certificate that looks right, for a key of the thief."""
        self.lab.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key(name))
        self.lab.openssl("req", "-new", "-key", self.key(name), "-subj",
                         f"/CN=OfficeScan Server NTSG/dnQualifier={generation}", "-out", self.path / f"{name}.csr")
        extensions = self.path / f"{name}.ext"
        extensions.write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n"
                              f"subjectAltName=URI:urn:uuid:{self.server_id}\n")
        self.lab.openssl("x509", "-req", "-in", self.path / f"{name}.csr", "-CA", issuer_pem or self.path / f"{issuer}.pem",
                         "-CAkey", issuer_key or self.key(issuer), "-days", "9000", "-extfile", extensions, "-out",
                         self.path / f"{name}.pem")
        self.to_der(name)

    def succession(self, name, issuer_key, issuer_pem):
        """A CA certificate for the thief's own owner key, signed by somebody else's."""
        self.lab.openssl("req", "-new", "-key", self.key("owner"), "-subj", "/CN=Owner", "-out", self.path / f"{name}.csr")
        extensions = self.path / f"{name}.ext"
        extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
                              f"subjectAltName=URI:urn:uuid:{self.server_id}\n")
        self.lab.openssl("x509", "-req", "-in", self.path / f"{name}.csr", "-CA", issuer_pem, "-CAkey", issuer_key, "-days",
                         "9000", "-extfile", extensions, "-out", self.path / f"{name}.pem")
        self.to_der(name)

    def loot(self, folder, prefix):
        """What a copy of a server's folder gives without the password: PREFIX-active and PREFIX-reserve, each with its
        key (.key) and certificate (.pem, .der), and PREFIX-owner.der."""
        with contextlib.closing(sqlite3.connect(folder / "registry.db")) as registry:
            rows = registry.execute("SELECT der, role, state FROM certificates").fetchall()
        keys = {}
        for key in (folder / "keys").glob("*.key"):
            keys[self.lab.openssl("pkey", "-inform", "DER", "-in", key, "-pubout").out] = key
        for der, role, state in rows:
            part = OWNER if role == 1 else STATES.get(state) if role == 0 else None
            if part is None:
                continue
            name = f"{prefix}-{part}"
            (self.path / f"{name}.der").write_bytes(der)
            if part == OWNER:
                continue
            self.lab.openssl("x509", "-inform", "DER", "-in", self.path / f"{name}.der", "-out", self.path / f"{name}.pem")
            public = self.lab.openssl("x509", "-in", self.path / f"{name}.pem", "-noout", "-pubkey").out
            self.lab.openssl("pkey", "-inform", "DER", "-in", keys[public], "-out", self.key(name))
