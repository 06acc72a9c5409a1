"""The automatic backup opens with other programs (docs/pkcs12.md says what each makes of it), and nothing is lost on the way."""

import shutil

import lab
from lab import PASSWORD, Case

UMLAUT = "Grüße aus Köln am Rhein"


class BackupTools(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.backup = cls.lab.path / "backup.pfx"
        shutil.copy(cls.lab.data / "AuthCertBackup/OfficeScanAuth.dat", cls.backup)
        cls.secret = cls.lab.secret(PASSWORD)
        rows = cls.lab.json("countersign", "cert", "list")["certificates"]
        cls.thumbprints = {row["sha256"] for row in rows}
        cls.active = next(row["sha256"] for row in rows if row["role"] == "server" and row["state"] == "active")

    def key_of(self, pem):
        """The public key of a private key or a certificate."""
        (self.lab.path / "one.pem").write_text(pem)
        how = ["pkey", "-pubout"] if "PRIVATE KEY" in pem else ["x509", "-noout", "-pubkey"]
        return self.lab.openssl(*how, "-in", "one.pem").out

    def blocks(self, text, label):
        """The PEM blocks of this label."""
        begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
        return [begin + part.split(end)[0] + end + "\n" for part in text.split(begin)[1:]]

    def assert_whole(self, keys, certificates):
        """Three keys (owner, active, reserve) and the certificate of each."""
        public = {self.key_of(key) for key in keys}
        self.assertEqual(len(public), 3)
        self.assertEqual(public, {self.key_of(certificate) for certificate in certificates})

    def test_openssl(self):
        done = self.lab.ok("openssl", "pkcs12", "-in", self.backup, "-noenc", "-passin", f"file:{self.secret}")
        self.assert_whole(self.blocks(done.out, "PRIVATE KEY"), self.blocks(done.out, "CERTIFICATE"))
        self.assertIn("countersign manifest", done.out + done.err)
        self.assert_exit(1, self.lab.run("openssl", "pkcs12", "-in", self.backup, "-noout", "-passin", "pass:wrong"))

    def test_gnutls(self):
        done = self.lab.ok("certtool", "--p12-info", "--inder", "--infile", self.backup, "--password", PASSWORD)
        self.assertEqual(done.out.count("Type: PKCS #8 Encrypted key"), 3)
        self.assertEqual(len(self.blocks(done.out, "CERTIFICATE")), 3)
        self.assertIn("Friendly name: countersign manifest", done.out)
        for number, key in enumerate(self.blocks(done.out, "ENCRYPTED PRIVATE KEY")):
            (self.lab.path / f"{number}.pem").write_text(key)
            self.lab.ok("certtool", "--key-info", "--infile", f"{number}.pem", "--password", PASSWORD)

    def test_keytool(self):
        def store(path, password):
            return ["-keystore", path, "-storetype", "PKCS12", "-storepass:file", password]

        done = self.lab.ok("keytool", "-list", *store(self.backup, self.secret))
        shown = done.out.lower().replace(":", "")
        for thumbprint in self.thumbprints:
            self.assertIn(thumbprint, shown)
        self.assertEqual(done.out.count("PrivateKeyEntry"), 3)
        # One entry by its name. All at once is refused because of the manifest, which is no key.
        into = ["-destkeystore", "java.p12", "-deststoretype", "PKCS12", "-deststorepass:file", self.secret]
        source = ["-srckeystore", self.backup, "-srcstoretype", "PKCS12", "-srcstorepass:file", self.secret]
        self.assert_exit(1, self.lab.run("keytool", "-importkeystore", *source, *into))
        self.lab.ok("keytool", "-importkeystore", *source, *into, "-srcalias", "officescan server ntsg")
        done = self.lab.ok("keytool", "-list", *store("java.p12", self.secret))
        self.assertIn(self.active, done.out.lower().replace(":", ""))

    def test_nss(self):
        database = self.lab.path / "nss"
        database.mkdir()
        self.lab.ok("certutil", "-N", "-d", f"sql:{database}", "--empty-password")
        self.lab.ok("pk12util", "-i", self.backup, "-d", f"sql:{database}", "-w", self.secret)
        done = self.lab.ok("certutil", "-K", "-d", f"sql:{database}")
        for name in ("countersign owner", "OfficeScan Server NTSG", "OfficeScan Server NTSG (2)"):
            self.assertIn(name, done.out)

    def test_password_beyond_ascii(self):
        """keytool refuses them, also for files of its own."""
        data = self.lab.path / "umlaut"
        secret = self.lab.path / "umlaut.password"
        secret.write_text(UMLAUT + "\n")
        secret.chmod(0o600)
        self.lab.ok("countersign", "server", "init", "--password-file", secret, *self.lab.server_options(),
                    env=lab.environment(COUNTERSIGN_DATA=str(data)))
        backup = data / "AuthCertBackup/OfficeScanAuth.dat"
        self.lab.ok("openssl", "pkcs12", "-in", backup, "-noout", "-passin", f"file:{secret}")
        self.lab.ok("certtool", "--p12-info", "--inder", "--infile", backup, "--password", UMLAUT)
        self.lab.ok("pk12util", "-l", backup, "-d", f"sql:{self.lab.path}", "-w", secret)
        done = self.lab.run("keytool", "-list", "-keystore", backup, "-storetype", "PKCS12", "-storepass:file", secret,
                            env=lab.environment(LC_ALL="C.UTF-8"))
        self.assert_exit(1, done, "keystore password was incorrect")


if __name__ == "__main__":
    lab.main()
