"""PKCS#12 of every origin that people have goes in, and what goes in comes out: thumbprint, serial number, validity."""

import lab
from lab import PASSWORD, Case
from pkcs12_files import ASCII, FEW, UMLAUT, Workshop

SUCCESS = "Certificate Authentication Manager has successfully imported"


class Origins(Case):
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

    def test_openssl_3_defaults(self):
        self.imports(self.shop.openssl("openssl3-rsa.pfx"))
        self.imports(self.shop.openssl("openssl3-ec.dat", key="ec"))

    def test_openssl_legacy(self):
        """RC2-40, 3DES, SHA-1 MAC: what OpenSSL 1 wrote, and what -legacy still writes."""
        self.imports(self.shop.openssl("legacy.p12", "-legacy"))
        self.imports(self.shop.openssl("legacy-rc2-128.p12", "-legacy", "-certpbe", "PBE-SHA1-RC2-128"))

    def test_windows_by_3des_with_the_documented_command(self):
        """Onto a server just installed, running, as documented with a full path."""
        file = self.shop.windows("windows-3des.pfx", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1")
        self.lab.init()
        self.lab.start_server()
        done = self.lab.run("CertificateManager", "-ine", ASCII, file)
        self.assert_exit(0, done, SUCCESS)
        self.assert_came_out(file, ASCII, self.lab.data)
        self.assertEqual(self.lab.server.stop(), 0)

    def test_windows_by_aes(self):
        self.imports(self.shop.windows("windows-aes.pfx", "-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-macalg", "sha256"))

    def test_windows_of_old_with_rc2(self):
        self.imports(self.shop.windows("windows-rc2.pfx", "-legacy"))

    def test_keytool(self):
        self.imports(self.shop.keytool("keytool-rsa.p12", "RSA"))
        self.imports(self.shop.keytool("keytool-ec", "EC"))

    def test_nss(self):
        self.imports(self.shop.nss("nss.p12"))
        self.imports(self.shop.nss("nss-rc2.p12", ASCII, "-c", "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-cbc", "-C",
                                   "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC", "-M", "SHA-1"))

    def test_gnutls(self):
        self.imports(self.shop.gnutls("gnutls.p12"))
        self.imports(self.shop.gnutls("gnutls-3des.p12", "--pkcs-cipher", "3des-pkcs12"))

    def test_passwords_beyond_ascii(self):
        """UTF-8 and BMPString, as each program takes them. keytool refuses such passwords."""
        for file in (self.shop.openssl("umlaut-openssl.p12", *FEW, password=UMLAUT),
                     self.shop.openssl("umlaut-legacy.p12", "-legacy", password=UMLAUT),
                     self.shop.nss("umlaut-nss.p12", UMLAUT), self.shop.gnutls("umlaut-gnutls.p12", password=UMLAUT)):
            with self.subTest(file.name):
                self.imports(file, UMLAUT)

    def test_password_typed_on_a_latin_1_system(self):
        """The file was made where ü is one octet; the password is given where it is two."""
        file = self.shop.openssl("latin1.p12", password=UMLAUT.encode("latin-1"))
        data = self.lab.path / "server-latin1"
        env = lab.environment(COUNTERSIGN_DATA=str(data))
        self.lab.ok("countersign", "server", "init", "--import", file, "--import-password-file", self.shop.password(UMLAUT),
                    *self.lab.server_options(), env=env)
        self.assert_came_out(file, UMLAUT.encode("latin-1"), data)

    def test_empty_password_and_none(self):
        self.imports(self.shop.openssl("empty-openssl.p12", *FEW, password=""), "")
        self.imports(self.shop.gnutls("empty-gnutls.p12", "--empty-password", password=None), "")
        self.imports(self.shop.gnutls("none-gnutls.p12", "--null-password", password=None), "")


if __name__ == "__main__":
    lab.main()
