"""Files of keys and certificates as people have them, made with the programs that make them: for the tests of imports."""

import subprocess

import lab
from lab import PASSWORD, Case

ASCII = "Sesame, open 12"
UMLAUT = "Grüße aus Köln"
CSP = "Microsoft Enhanced RSA and AES Cryptographic Provider"
# PBKDF2 takes as long as the file says: nobody's default is tested here but where it is written so.
FEW = ["-iter", "2048"]


class Workshop:
    """Makes files in a folder of its own. `run` ends the test if a program fails."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.self_signed("rsa", "-newkey", "rsa:2048")
        self.self_signed("ec", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.self_signed("ca", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")

    def run(self, *args, env=None, stdin=subprocess.DEVNULL):
        done = subprocess.run([str(arg) for arg in args], cwd=self.folder, env=env, stdin=stdin, capture_output=True, check=False,
                              timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{args}: {done.stdout!r} {done.stderr!r}")
        return done.stdout.decode(errors="replace")

    def self_signed(self, name, *options):
        """NAME.key and NAME.pem, as an administrator makes them."""
        self.run("openssl", "req", "-x509", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "1095", "-subj",
                 f"/O=Example/CN=OfficeScan Server NTSG {name}", *options)

    def password(self, text):
        """A file with a password: text, or octets."""
        octets = text if isinstance(text, bytes) else text.encode()
        path = self.folder / f"password-{octets.hex()}"
        path.write_bytes(octets + b"\n")  # openssl takes an empty file for no password at all
        path.chmod(0o600)
        return path

    def openssl(self, name, *options, key="rsa", password=ASCII):
        self.run("openssl", "pkcs12", "-export", "-inkey", f"{key}.key", "-in", f"{key}.pem", "-out", name, "-passout",
                 f"file:{self.password(password)}", *options)
        return self.folder / name

    def windows(self, name, *options):
        """As the certificate export wizard of Windows writes it, for a key in the store of the local computer."""
        return self.openssl(name, "-CSP", CSP, "-LMK", "-name", "OfficeScan Server NTSG", "-certfile", "ca.pem", "-iter", "2000",
                            *options)

    def keytool(self, name, algorithm, password=ASCII):
        kind = ["-keysize", "2048"] if algorithm == "RSA" else ["-groupname", "secp256r1"]
        self.run("keytool", "-genkeypair", "-alias", "ntsg", "-keyalg", algorithm, *kind, "-dname", "CN=OfficeScan Server NTSG",
                 "-validity", "1095", "-storetype", "PKCS12", "-keystore", name, "-storepass:file", self.password(password))
        return self.folder / name

    def nss(self, name, password=ASCII, *options):
        database = self.folder / f"{name}.db"
        database.mkdir()
        (self.folder / "noise").write_bytes(bytes(range(256)))
        self.run("certutil", "-N", "-d", f"sql:{database}", "--empty-password")
        self.run("certutil", "-S", "-d", f"sql:{database}", "-n", "ntsg", "-s", "CN=OfficeScan Server NTSG", "-x", "-t", ",,", "-k", "rsa",
                 "-g", "2048", "-Z", "SHA256", "-v", "36", "-z", "noise")
        self.run("pk12util", "-o", name, "-n", "ntsg", "-d", f"sql:{database}", "-w", self.password(password), *options)
        return self.folder / name

    def gnutls(self, name, *options, password=ASCII):
        secret = [] if password is None else ["--password", password]
        self.run("certtool", "--to-p12", "--load-privkey", "rsa.key", "--load-certificate", "rsa.pem", "--p12-name", "ntsg", "--outder",
                 "--outfile", name, *secret, *options)
        return self.folder / name

    def jks(self, name):
        self.run("keytool", "-genkeypair", "-alias", "ntsg", "-keyalg", "RSA", "-dname", "CN=x", "-storetype", "JKS", "-keystore", name,
                 "-storepass:file", self.password(ASCII))
        return self.folder / name

    def shown(self, file, password=ASCII, legacy=True):
        """What `openssl x509` shows of the certificate of the key in a PKCS#12 file."""
        pem = self.run("openssl", "pkcs12", *(["-legacy"] if legacy else []), "-in", file, "-nokeys", "-clcerts", "-passin",
                       f"file:{self.password(password)}")
        (self.folder / "shown.pem").write_text(pem)
        return self.shown_certificate("shown.pem")

    def shown_certificate(self, file, form="PEM"):
        lines = self.run("openssl", "x509", "-inform", form, "-in", file, "-noout", "-serial", "-fingerprint", "-sha256", "-startdate",
                         "-enddate", "-dateopt", "iso_8601").splitlines()
        values = [line.split("=", 1)[1] for line in lines]
        return {"serial": values[0], "sha256": values[1].replace(":", "").lower(), "not_before": values[2].replace(" ", "T"),
                "not_after": values[3].replace(" ", "T")}


class ImportCase(Case):
    """Imports files of a workshop, and compares what came out with what openssl shows."""

    @classmethod
    def prepare(cls):
        cls.shop = Workshop(cls.lab.path / "files")

    def imports(self, file, password=ASCII, *more):
        """A new server from this file; what came out is what openssl shows."""
        data = self.lab.path / f"server-{file.name}"
        env = lab.environment(COUNTERSIGN_DATA=str(data))
        secret = self.shop.password(password)
        if not password:
            env["COUNTERSIGN_PASSWORD"] = PASSWORD  # the automatic backup needs one
        self.lab.ok("countersign", "server", "init", "--import", file, "--import-password-file", secret, *self.lab.server_options(),
                    *more, env=env)
        self.assert_came_out(file, password, data)
        return data

    def assert_came_out(self, file, password, data):
        expected = self.shop.shown(file, password)
        env = lab.environment(COUNTERSIGN_DATA=str(data))
        rows = self.lab.json("countersign", "cert", "list", env=env)["certificates"]
        (active,) = [row for row in rows if row["state"] == "active" and row["role"] == "server"]
        self.assertEqual({name: active[name] for name in expected}, expected)
        public = data / "PCCSRV/Pccnt/Common/OfcNTCer.dat"
        self.assertEqual(self.shop.shown_certificate(public, "DER"), expected)
