"""PKCS#12 of every origin that people have goes in, and what goes in comes out: thumbprint, serial number, validity."""

import lab
from pkcs12_files import ASCII, ImportCase

SUCCESS = "Certificate Authentication Manager has successfully imported"


class Origins(ImportCase):
    def test_openssl_3_defaults(self):
        self.imports(self.shop.openssl("openssl3-rsa.pfx"))
        self.imports(self.shop.openssl("openssl3-ec.dat", key="ec"))

    def test_openssl_legacy(self):
        """RC2-40, 3DES, SHA-1 MAC: what OpenSSL 1 wrote, and what -legacy still writes."""
        self.imports(self.shop.openssl("legacy.p12", "-legacy"))

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


if __name__ == "__main__":
    lab.main()
