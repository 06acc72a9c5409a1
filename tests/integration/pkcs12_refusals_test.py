"""What is no PKCS#12 file that can be used is refused by the real programs: why, and what to do; nothing has changed then.

Each reason by itself is in src/keys/foreign_identity_test.cc and file_kind_test.cc.
"""

import os
import zipfile

import lab
from lab import Case
from pkcs12_files import ASCII, FEW, Workshop

NOT_FOUND, WRONG_PASSWORD, REFUSED, BAD_FILE = 3, 6, 7, 13  # docs/exit-codes.md


class Refusals(Case):
    @classmethod
    def prepare(cls):
        cls.shop = Workshop(cls.lab.path / "files")
        cls.lab.init()
        cls.serial = cls.lab.serial()

    def refuses(self, code, file, *words, password=ASCII, more=()):
        done = self.lab.run("CertificateManager", "-ine", password, file, *more, cwd=self.shop.folder)
        self.assert_exit(code, done, *words)
        self.assertNotIn(password, done.out + done.err)
        self.assertEqual(self.lab.serial(), self.serial)
        return done

    def test_other_kinds_of_files(self):
        folder, run = self.shop.folder, self.shop.run
        (folder / "empty.pfx").touch()
        (folder / "text.pfx").write_text("no such thing")
        whole = self.shop.openssl("whole.pfx").read_bytes()
        (folder / "truncated.pfx").write_bytes(whole[: len(whole) // 2])
        run("openssl", "x509", "-in", "rsa.pem", "-outform", "DER", "-out", "certificate.pfx")
        run("openssl", "pkey", "-in", "rsa.key", "-outform", "DER", "-out", "key.pfx")
        with zipfile.ZipFile(folder / "archive.pfx", "w") as archive:
            archive.writestr("readme.txt", "nothing for us")
        self.refuses(BAD_FILE, "empty.pfx", "0 octets")
        self.refuses(BAD_FILE, "text.pfx", "PKCS#12 file is expected")
        self.refuses(BAD_FILE, "truncated.pfx", f"cut off: it has {len(whole) // 2} octets")
        self.refuses(BAD_FILE, "rsa.pem", "PEM", "openssl pkcs12 -export")
        self.refuses(BAD_FILE, "certificate.pfx", "without its private key", "openssl pkcs12 -export")
        self.refuses(BAD_FILE, "key.pfx", "without its certificate", "openssl pkcs12 -export")
        self.refuses(BAD_FILE, "archive.pfx", "ZIP")
        self.refuses(NOT_FOUND, "nowhere.pfx", "nowhere.pfx")

    def test_key_store_of_java_is_converted_by_the_command_named(self):
        done = self.refuses(BAD_FILE, self.shop.jks("old.jks"), "JKS", more=("-json",))
        command = done.json["next"].replace("FILE", "old.jks").split()
        secret = self.shop.password(ASCII)
        self.shop.run(*command, "-srcstorepass:file", secret, "-deststorepass:file", secret)
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.path / "server-of-java"))
        self.lab.ok("countersign", "server", "init", "--import", self.shop.folder / "NEW.p12", "--import-password-file", secret,
                    *self.lab.server_options(), env=env)

    def test_two_gibibytes_are_not_read(self):
        huge = self.shop.folder / "huge.pfx"
        huge.touch()
        os.truncate(huge, 2 << 30)
        self.refuses(BAD_FILE, huge, str(huge))
        self.refuses(BAD_FILE, "/dev/zero", "/dev/zero")

    def test_wrong_password(self):
        self.refuses(WRONG_PASSWORD, self.shop.openssl("locked.pfx"), "password of that file is meant", password="something else")

    def test_keys_and_certificates_that_cannot_be_used(self):
        folder, run = self.shop.folder, self.shop.run
        self.shop.self_signed("small", "-newkey", "rsa:1024")
        self.shop.self_signed("sha1", "-newkey", "rsa:2048", "-sha1")
        self.shop.self_signed("p521", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521")
        run("openssl", "dsaparam", "-out", "dsa.param", "1024")
        self.shop.self_signed("dsa", "-newkey", "dsa:dsa.param")
        for name, words in (("small", ["1024 bits", "countersign server init"]), ("p521", ["EC P-521", "another curve"]),
                            ("dsa", ["DSA 1024", "countersign server init"]), ("sha1", ["sha1WithRSAEncryption", "openssl req -x509"])):
            with self.subTest(name):
                self.refuses(REFUSED, self.shop.openssl(f"{name}.pfx", *FEW, key=name), *words)
        (folder / "leaf.cnf").write_text("basicConstraints = CA:FALSE\n")
        run("openssl", "req", "-new", "-key", "rsa.key", "-subj", "/CN=issued", "-out", "issued.csr")
        run("openssl", "x509", "-req", "-in", "issued.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "issued.pem",
            "-days", "100", "-extfile", "leaf.cnf")
        (folder / "issued.key").write_bytes((folder / "rsa.key").read_bytes())
        self.refuses(REFUSED, self.shop.openssl("issued.pfx", *FEW, key="issued"), "issued by", "self-signed", "openssl req -x509")

    def test_half_of_it(self):
        run, secret = self.shop.run, self.shop.password(ASCII)
        run("openssl", "pkcs12", "-export", "-nokeys", "-in", "rsa.pem", "-out", "no-key.pfx", "-passout", f"file:{secret}")
        run("openssl", "pkcs12", "-export", "-nocerts", "-inkey", "rsa.key", "-out", "no-certificate.pfx", "-passout", f"file:{secret}")
        self.refuses(BAD_FILE, "no-key.pfx", "no private key", "openssl pkcs12 -export")
        self.refuses(REFUSED, "no-certificate.pfx", "no certificate", "openssl pkcs12 -export")

    def test_several_keys_and_the_choice_among_them(self):
        """A key store of Java with two entries: which, and one by its thumbprint, as Windows shows it."""
        for alias, algorithm in (("first", "RSA"), ("second", "EC")):
            self.shop.run("keytool", "-genkeypair", "-alias", alias, "-keyalg", algorithm, "-dname", f"CN={alias}", "-storetype", "PKCS12",
                          "-keystore", "two.pfx", "-storepass:file", self.shop.password(ASCII))
        sha1 = {}
        for alias in ("first", "second"):
            self.shop.run("keytool", "-exportcert", "-alias", alias, "-keystore", "two.pfx", "-storepass:file", self.shop.password(ASCII),
                          "-file", f"{alias}.cer")
            shown = self.shop.run("openssl", "x509", "-inform", "DER", "-in", f"{alias}.cer", "-noout", "-fingerprint", "-sha1")
            sha1[alias] = shown.strip().split("=")[1]
        self.refuses(REFUSED, "two.pfx", "2 private keys", "CN=first", "CN=second", "--key")
        self.refuses(NOT_FOUND, "two.pfx", "CN=first", more=("-key", "0000000000"))
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.path / "server-of-second"))
        self.lab.ok("countersign", "server", "init", "--import", self.shop.folder / "two.pfx", "--import-password-file",
                    self.shop.password(ASCII), "--key", sha1["second"][:14], *self.lab.server_options(), env=env)
        public = self.lab.path / "server-of-second/PCCSRV/Pccnt/Common/OfcNTCer.dat"
        self.assertEqual(public.read_bytes(), (self.shop.folder / "second.cer").read_bytes())


if __name__ == "__main__":
    lab.main()
