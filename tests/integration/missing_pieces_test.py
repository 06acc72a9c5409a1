"""The server with a piece missing: it starts and says so, -b names what is missing, -c mends it, and agents are commanded.

Each alone: OfcNTCer.dat, the store's entry, the key, the registry, the automatic backup; and the certificate expired.
"""

import shutil
import subprocess

import lab
from lab import PASSWORD, Case, faked, sanitized, until

ARCHIVE_PASSWORD = "the archive's own password"
SUCCESS = "Certificate Authentication Manager has successfully "
AUTOMATIC = "AuthCertBackup/OfficeScanAuth.dat"


class Pieces(Case):
    """What both cases do with a server that has one agent."""

    def setUp(self):
        self.archives = 0

    def allow_export(self):
        config = self.lab.data / "countersign.toml"
        config.write_text(config.read_text().replace('export = "forbidden"', 'export = "allowed"'))

    def backup(self):
        """`-b`: what it names as missing, told as text and as JSON alike."""
        self.archives += 1
        name = self.lab.path / f"{self.id().split('.')[-1]}-{self.archives}"
        said = self.assert_exit(0, self.lab.run("CertificateManager", "-b", ARCHIVE_PASSWORD, f"{name}.zip"), SUCCESS)
        done = self.lab.run("CertificateManager", "-b", ARCHIVE_PASSWORD, f"{name}-2.zip", "-json")
        for missing in self.assert_exit(0, done).json["missing"]:
            self.assertIn(f"missing: {missing}\n", said.out)
        return "\n".join(done.json["missing"])

    def warnings(self):
        said = self.lab.ok("countersign", "status").out
        warnings = self.lab.json("countersign", "status")["warnings"]
        for one in warnings:
            self.assertIn(f"WARNING: {one['text']}\n  next: {one['next']}", said)
        return {one["text"]: one["next"] for one in warnings}

    def assert_warns(self, words, *commands):
        found = {text: command for text, command in self.warnings().items() if words in text}
        self.assertEqual(len(found), 1, self.warnings())
        for command in commands:
            self.assertIn(command, *found.values())

    def start_over(self):
        """Starts the stopped server; returns what it logs."""
        before = len(self.lab.server.text()) if self.lab.server else 0
        self.lab.start_server()
        return self.lab.server.text()[before:]

    def mend(self, agent):
        """`-c`, given the password of `-b` first; the agent takes the new certificate over and obeys."""
        before = self.lab.json("countersign", "cert", "list")["certificates"]
        wrong = self.lab.run("CertificateManager", "-c", ARCHIVE_PASSWORD)
        self.assert_exit(6, wrong, AUTOMATIC, "not one given to -b", "Nothing was changed")
        self.assertEqual(self.lab.json("countersign", "cert", "list")["certificates"], before)
        self.assert_exit(0, self.lab.run("CertificateManager", "-c", PASSWORD), SUCCESS + "made a new certificate")
        self.assertNotIn(self.lab.serial(), [one["serial"] for one in before])
        for act in ("update-now", "ping"):
            code, order = self.lab.order(agent.id, act)
            self.assertEqual((code, order["verdict"]), (0, "done"), order)
        self.assertEqual(agent.serial(), self.lab.serial())
        agent.await_standing("verified")
        self.assertEqual(self.backup(), "")
        self.assertEqual(set(self.warnings()) - {"The automatic backup was never verified."}, set())


class Missing(Pieces):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.allow_export(cls)
        cls.lab.start_server()
        (cls.agent,) = cls.lab.start_agents(1)

    def test_1_public_file_and_store(self):
        """Made again at a start, and by -c without one."""
        data = self.lab.data
        for words, path in (("OfcNTCer.dat", data / "PCCSRV/Pccnt/Common/OfcNTCer.dat"),
                            ('in the store "OfficeScan NT"', data / "certificates/OfficeScan NT")):
            def remove(path=path):
                # A store is a folder; it goes with all that is in it.
                shutil.rmtree(path) if path.is_dir() else path.unlink()

            with self.subTest(f"{words}, at a start"):
                self.lab.server.stop()
                remove()
                log = self.start_over()
                self.assertIn(words, log)
                self.assertIn("made again", log)
                self.assertEqual(self.lab.serial(), self.lab.json("countersign", "status")["certificate"]["serial"])
                self.assertEqual(self.backup(), "")
            with self.subTest(f"{words}, while the server runs"):
                remove()
                self.assert_warns(words, "CertificateManager -c")
                self.assertIn(words, self.backup())
                self.assertEqual(self.lab.order(self.agent.id)[0], 0)
                self.mend(self.agent)
                self.assertEqual(len(list((data / "certificates/OfficeScan NT").glob("*.cer"))), 1)

    def test_2_key(self):
        """Of the active certificate; then the reserve's too, with all others."""
        keys = self.lab.data / "keys"
        for which in ("active", "all"):
            with self.subTest(which):
                self.lab.server.stop()
                serial = self.lab.serial()
                for key in keys.glob("*.key"):
                    if which == "all" or key.stem == self.key_of_active():
                        key.unlink()
                log = self.start_over()
                self.assertIn(f"error the private key of the active certificate {serial} cannot be used", log)
                self.assertIn("CertificateManager -c PASSWORD", log)
                self.assert_warns("private key", "CertificateManager -c PASSWORD")
                missing = self.backup()
                self.assertIn(f"the private key of the active certificate {serial}", missing)
                self.assertEqual("the reserve certificate" in missing, which == "all")
                self.assertEqual(self.lab.order(self.agent.id, "ping", "--wait", "1")[0], 21)
                self.mend(self.agent)

    def key_of_active(self):
        """The name of its file: SHA-256 of the public key, as OpenSSL tells it."""
        public = self.lab.path / "public.pem"
        self.lab.openssl("x509", "-inform", "DER", "-in", self.lab.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat", "-noout",
                         "-pubkey", "-out", public)
        self.lab.openssl("pkey", "-pubin", "-in", public, "-outform", "DER", "-out", f"{public}.der")
        return self.lab.openssl("dgst", "-sha256", "-r", f"{public}.der").out.split()[0]

    def test_3_registry(self):
        """Everything that the server knew: the automatic backup knows enough, who was admitted included."""
        self.lab.server.stop()
        for file in self.lab.data.glob("registry.db*"):
            file.unlink()
        log = self.start_over_without_identity()
        self.assertIn("this server has no certificate", log)
        self.assert_warns("no certificate", "CertificateManager -c PASSWORD")
        none = self.lab.run("CertificateManager", "-b", ARCHIVE_PASSWORD, "none.zip")
        self.assert_exit(3, none, "no certificate", "CertificateManager -c PASSWORD")
        self.assert_exit(0, self.lab.run("CertificateManager", "-c", PASSWORD), SUCCESS)
        self.agent.stop()  # it waits a while before it asks a server again that could not answer
        self.agent.start()
        self.agent.await_serial(self.lab.serial())
        self.agent.await_standing("verified")
        self.mend(self.agent)

    def start_over_without_identity(self):
        before = len(self.lab.server.text())
        self.lab.server = self.lab.start("server", lab.PROGRAMS / "countersignd", "--data", self.lab.data)
        until(lambda: self.lab.run("countersign", "status", "--json").json.get("running"), "the server runs")
        return self.lab.server.text()[before:]

    def test_configuration(self):
        """Not taken for a folder without a server, where init would be refused; the command that is named works."""
        self.lab.server.stop()
        config = self.lab.data / "countersign.toml"
        text = config.read_text()
        config.unlink()
        done = self.assert_exit(3, self.lab.run("countersign", "status", "--json"))
        self.assertIn(f"{config} is missing", done.json["message"])
        subprocess.run(done.json["next"], shell=True, check=True)
        self.assertFalse(self.lab.json("countersign", "status")["running"])
        config.write_text(text)
        self.lab.start_server()

    def test_4_automatic_backup(self):
        """-c has no owner key then, and says what to do; a copy put back, or imported, mends it."""
        automatic, copy = self.lab.data / AUTOMATIC, self.lab.path / "copy of it.pfx"
        self.assert_exit(0, self.lab.run("countersign", "cert", "replace", "--password-file", self.lab.secret(PASSWORD)))
        self.lab.server.stop()
        automatic.rename(copy)
        log = self.start_over()
        self.assertIn(f"error the automatic backup ({AUTOMATIC}) is missing", log)
        self.assert_warns("automatic backup", "copy")
        self.assertIn(f"the automatic backup ({AUTOMATIC}), and the owner key with it", self.backup())
        serial = self.lab.serial()
        for password in (PASSWORD, ARCHIVE_PASSWORD):
            done = self.lab.run("CertificateManager", "-c", password)
            self.assert_exit(3, done, AUTOMATIC, "Put a copy", "CertificateManager -ine PASSWORD FILE", "Nothing was")
        self.assertEqual(self.lab.serial(), serial)
        self.assertEqual(self.lab.order(self.agent.id)[0], 0)
        with self.subTest("put back"):
            shutil.copy(copy, automatic)
            self.mend(self.agent)
        with self.subTest("imported from a copy"):
            shutil.copy(automatic, copy)
            automatic.unlink()
            done = self.lab.run("CertificateManager", "-ine", PASSWORD, copy)
            self.assert_exit(0, done, SUCCESS + "imported")
            self.assertTrue(automatic.exists())
            self.assert_exit(0, self.lab.run("CertificateManager", "-c", PASSWORD), SUCCESS)
            self.assertEqual(self.lab.order(self.agent.id, "update-now")[0], 0)
            self.assertEqual(self.agent.serial(), self.lab.serial())


class Expired(Pieces):
    """Server and agent of seven years ago: the active certificate ended four years ago, the reserve one."""

    @classmethod
    def prepare(cls):
        if sanitized():
            raise lab.unittest.SkipTest("faketime and sanitizers do not go together")
        then = faked("-7y")
        here = cls.lab
        here.ok("countersign", "--data", here.data, "server", "init", "--password-file", here.secret(PASSWORD),
                *here.server_options(), env=then)
        cls.allow_export(cls)
        server = here.start_server(env=then)
        here.package()
        cls.agent = here.install(1)
        cls.agent.start(env=then)
        cls.agent.await_standing("verified")
        cls.agent.stop()
        server.stop()

    def test_it_is_said_and_mended(self):
        log = self.start_over()
        self.agent.start()
        self.assertIn("expired", log)
        self.assertIn("CertificateManager -c PASSWORD", log)
        self.assert_warns("server's certificate", "CertificateManager -c PASSWORD")
        self.assertIn("expired", self.backup())
        code, order = self.lab.order(self.agent.id, "ping", "--wait", "3")
        self.assertEqual((code, order["verdict"]), (21, "certificate-expired"), order)
        self.mend(self.agent)


if __name__ == "__main__":
    lab.main()
