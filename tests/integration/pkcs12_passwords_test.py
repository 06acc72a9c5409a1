"""Passwords of PKCS#12 files that are empty, or beyond ASCII, as each program takes them."""

import lab
from pkcs12_files import FEW, UMLAUT, ImportCase


class Passwords(ImportCase):
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
        self.imports(self.shop.gnutls("none-gnutls.p12", "--null-password", password=None), "")


if __name__ == "__main__":
    lab.main()
