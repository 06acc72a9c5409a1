"""Procedures 1 and 4 as docs/procedures.md prints them, and as somebody pastes them; 5 and 6 are moving_test, 7 several_servers_test."""

import itertools
import shutil
import zipfile

import lab
from lab import PASSWORD
from procedure import SUCCESS, ZIP_PASSWORD, Procedure, pasted


class NewCertificate(Procedure):
    """1."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(2)

    def shown(self, path):
        """Serial number and validity, in the system's viewer."""
        return self.lab.openssl("x509", "-inform", "DER", "-in", path, "-noout", "-serial", "-dates").out

    def new_certificate(self, words):
        data = self.lab.data
        before = self.lab.serial()
        old = self.shown(data / "PCCSRV/Pccnt/Common/OfcNTCer.dat")
        self.assert_exit(0, self.lab.run(*words), SUCCESS + "made a new certificate")
        line = "openssl x509 -inform DER -in /var/lib/countersign/PCCSRV/Pccnt/Common/OfcNTCer.dat -noout -serial -dates"
        new = self.ok(line).out
        (stored,) = (data / "certificates/OfficeScan NT").iterdir()
        self.assertEqual(self.shown(stored), new)
        self.assertEqual([one == two for one, two in zip(old.splitlines(), new.splitlines())], [False] * 3, old + new)
        said = self.ok("countersign cert show").out
        self.assertIn(self.lab.serial(), said)
        self.assertNotEqual(self.lab.serial(), before)

    def agents_take_it_over(self):
        """One by an order, one at its own next report."""
        self.ok("countersign order send --all update-now")
        for agent in self.agents:
            self.ok("cp /var/lib/countersign-agent/OfcNTCer.dat /tmp/OfcNTCer.cer", agent=agent)
            said = self.ok("openssl x509 -inform DER -in /tmp/OfcNTCer.cer -noout -serial").out
            self.assertEqual(said, f"serial={self.lab.serial()}\n")
            agent.await_standing("verified")

    def test_1_export_forbidden(self):
        refused = self.type("CertificateManager -b PASSWORD_OF_THE_ZIP /root/before.zip", PASSWORD_OF_THE_ZIP=ZIP_PASSWORD)
        self.assert_exit(7, refused, "AuthCertBackup/OfficeScanAuth.dat")
        self.ok("cp /var/lib/countersign/AuthCertBackup/OfficeScanAuth.dat /root/OfficeScanAuth.dat")
        self.assertEqual([path.name for path in self.roots.iterdir()], ["OfficeScanAuth.dat"])
        self.new_certificate(self.words("CertificateManager -c PASSWORD", PASSWORD=PASSWORD))
        self.agents_take_it_over()

    def test_2_export_allowed_and_the_next_update_of_an_agent(self):
        self.lab.server.stop()
        self.allow_export()
        self.lab.start_server()
        self.ok("CertificateManager -b PASSWORD_OF_THE_ZIP /root/before.zip", PASSWORD_OF_THE_ZIP=ZIP_PASSWORD)
        self.assertTrue(zipfile.is_zipfile(self.roots / "before.zip"))
        self.new_certificate(self.words("CertificateManager -c PASSWORD", PASSWORD=PASSWORD))
        self.hurry(self.agents)
        for agent in self.agents:
            agent.await_serial(self.lab.serial())
        self.agents_take_it_over()

    def test_3_pasted(self):
        backup = self.words("CertificateManager -b PASSWORD_OF_THE_ZIP /root/before.zip", PASSWORD_OF_THE_ZIP=ZIP_PASSWORD)
        replace = self.words("CertificateManager -c PASSWORD", PASSWORD=PASSWORD)
        for number, words in enumerate(pasted(backup)):
            with self.subTest(words):
                (self.roots / "before.zip").unlink(missing_ok=True)
                self.assert_exit(0, self.lab.run(*words), SUCCESS + "backed up")
                self.assertTrue(zipfile.is_zipfile(self.roots / "before.zip"), number)
        for words in pasted(replace):
            with self.subTest(words):
                self.new_certificate(words)
        self.agents_take_it_over()

    def test_4_pasted_paths_of_windows_are_refused(self):
        """With a hint; no oddly named file is made, and no password is repeated."""
        serial, files = self.lab.serial(), sorted(self.roots.iterdir())
        for path, (switch, *password) in itertools.product(
                ("C:¥temp¥out", "￥￥server￥out", "D:\\temp\\out", "“C:\\temp\\out”"),
                (["-b", ZIP_PASSWORD], ["-ine", ZIP_PASSWORD], ["-e"], ["-l"])):
            for form in (switch, "–" + switch[1:]):
                with self.subTest(path=path, form=form):
                    done = self.lab.run("CertificateManager", form, *password, path, cwd=self.roots)
                    self.assert_exit(2, done, "Windows", "no file was made")
                    self.assertNotIn(ZIP_PASSWORD, done.out + done.err)
        self.assertEqual(sorted(self.roots.iterdir()), files)
        self.assertEqual(self.lab.serial(), serial)


class Installation(Procedure):
    """4. A new certificate under a password, or one that exists: file and password."""

    def setUp(self):
        super().setUp()
        self.addCleanup(shutil.rmtree, self.lab.data)

    def serves_an_agent(self, number):
        self.lab.start_server()
        agent = self.lab.install(number, self.lab.package(f"package{number}"))
        agent.start()
        agent.await_standing("verified")
        self.agents_go_on([agent], self.lab.serial())
        self.ok("CertificateManager -c PASSWORD", PASSWORD=PASSWORD)
        self.agents_follow([agent])
        agent.stop()
        self.lab.server.stop()

    def test_1_asked(self):
        code, said = self.lab.at_terminal(["1", "no", PASSWORD, PASSWORD], *self.words("countersign server init"))
        self.assertEqual(code, 0, said)
        self.assertIn("cuts off the agents of an earlier server", said)
        config = self.lab.data / "countersign.toml"
        text = config.read_text()
        for old, new in (('listen = "0.0.0.0"', 'listen = "127.0.0.1"'), ("http_port = 8080", f"http_port = {self.lab.port}"),
                         ("https_port = 4343", f"https_port = {self.lab.https_port}"),
                         ('public_host = ""', 'public_host = "127.0.0.1"'),
                         ("call_networks = []", 'call_networks = ["127.0.0.0/8"]')):
            self.assertIn(old, text)
            text = text.replace(old, new)
        config.write_text(text)
        self.serves_an_agent(1)

    def test_2_scripted(self):
        self.init("countersign server init --password-file FILE", FILE=self.lab.secret(PASSWORD))
        self.serves_an_agent(2)

    def test_3_one_that_exists(self):
        self.lab.make_pfx("root/CERTIFICATE")
        done = self.init("countersign server init --import /root/CERTIFICATE.pfx --import-password-file FILE",
                         FILE=self.lab.secret(PASSWORD))
        self.assertEqual(self.lab.serial(), self.lab.serial_of(self.roots / "CERTIFICATE.dat"))
        self.assertIn(self.lab.serial(), done.out)
        self.serves_an_agent(3)


if __name__ == "__main__":
    lab.main()
