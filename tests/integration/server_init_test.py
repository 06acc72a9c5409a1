"""countersign server init: by questions on a terminal, by options without any; one issuer and one owner for several servers."""

import shutil

import lab
from lab import PASSWORD, Case

OTHER = "another good password"


class ServerInit(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.backup = cls.lab.path / "OfficeScanAuth.dat"
        shutil.copy(cls.lab.data / "AuthCertBackup/OfficeScanAuth.dat", cls.backup)
        shutil.copy(cls.backup, cls.lab.path / "carried copy.pfx")

    def env(self, name, **more):
        return lab.environment(COUNTERSIGN_DATA=str(self.lab.path / name), **more)

    def ask(self, name, answers, *words):
        return self.lab.at_terminal(answers, "countersign", "server", "init", *words, env=self.env(name))

    def public(self, name):
        return self.lab.serial_of(self.lab.path / name / "PCCSRV/Pccnt/Common/OfcNTCer.dat")

    def make_certificate(self, name, password):
        return self.lab.run("CertificateManager", "-c", password, env=self.env(name))

    def test_1_new_by_questions(self):
        code, said = self.ask("asked-new", ["1", "no", "short", OTHER, OTHER])
        self.assertEqual(code, 0, said)
        for words in ("cuts off the agents of an earlier server", "Is there a backup", "12"):
            self.assertIn(words, said)
        self.assertNotIn(OTHER, said)
        self.assertNotEqual(self.public("asked-new"), self.lab.serial())
        self.assert_exit(0, self.make_certificate("asked-new", OTHER))

    def test_2_import_by_questions(self):
        code, said = self.ask("asked-import", ["2", "nowhere.pfx", "carried copy.pfx", PASSWORD, ""])
        self.assertEqual(code, 0, said)
        self.assertIn("no such file", said)
        self.assertNotIn("cuts off", said)
        self.assertEqual(self.public("asked-import"), self.lab.serial())
        self.assert_exit(0, self.make_certificate("asked-import", PASSWORD))

    def test_3_who_has_a_backup_is_led_to_it_and_may_set_another_password(self):
        code, said = self.ask("asked-led", ["new", "yes", self.backup.name, PASSWORD, OTHER, OTHER])
        self.assertEqual(code, 0, said)
        self.assertEqual(self.public("asked-led"), self.lab.serial())
        self.assert_exit(6, self.make_certificate("asked-led", PASSWORD))
        self.assert_exit(0, self.make_certificate("asked-led", OTHER))

    def test_4_given_up_and_wrong_password_leave_nothing(self):
        code, said = self.ask("asked-never", ["what", "is", "this"])
        self.assertEqual(code, 2, said)
        code, said = self.ask("asked-never", ["2", self.backup.name, "wrong password", ""])
        self.assertEqual(code, 6, said)
        self.assertFalse((self.lab.path / "asked-never").exists())

    def test_5_with_options_nothing_is_asked_but_the_password(self):
        code, said = self.ask("optioned", [PASSWORD, PASSWORD], "--http-port", "18080")
        self.assertEqual(code, 0, said)
        self.assertNotIn("1 or 2", said)
        code, said = self.ask("optioned-2", [], "--password-file", self.lab.secret(PASSWORD))
        self.assertEqual(code, 0, said)
        code, said = self.lab.at_terminal([], "countersign", "server", "init",
                                          env=self.env("optioned-3", COUNTERSIGN_PASSWORD=PASSWORD))
        self.assertEqual(code, 0, said)

    def test_6_without_a_terminal_nothing_is_asked(self):
        done = self.lab.run("countersign", "server", "init", env=self.env("scripted"))
        self.assert_exit(2, done, "--password-file", "COUNTERSIGN_PASSWORD")
        self.assertFalse((self.lab.path / "scripted").exists())

    def test_7_files_are_recognised_by_content(self):
        self.lab.make_pfx("admin", password=OTHER)
        shutil.copy(self.lab.path / "admin.pfx", self.lab.path / "no-ending")
        for number, (name, password, serial) in enumerate((
                ("OfficeScanAuth.dat", PASSWORD, self.lab.serial()),
                ("carried copy.pfx", PASSWORD, self.lab.serial()),
                ("no-ending", OTHER, self.lab.serial_of(self.lab.path / "admin.dat")))):
            with self.subTest(name):
                done = self.lab.run("countersign", "server", "init", "--import", name, "--import-password-file",
                                    self.lab.secret(password), env=self.env(f"imported-{number}"))
                self.assert_exit(0, done)
                self.assertEqual(self.public(f"imported-{number}"), serial)

    def test_8_options_that_do_not_go_together(self):
        for words in (["--follower", "paris"], ["--key", "0123456789"], ["--import", "x", "--owner-from", "y"],
                      ["--import", "x", "--generate-password"]):
            with self.subTest(words):
                done = self.lab.run("countersign", "server", "init", "--json", *words, env=self.env("never"))
                self.assert_exit(2, done)
                self.assertEqual(done.json["code"], "usage")

    def test_9_follower_shares_the_identity_and_makes_no_certificate(self):
        done = self.lab.run("countersign", "server", "init", "--follower", "paris", "--import", self.backup, "--json",
                            env=self.env("follower", COUNTERSIGN_IMPORT_PASSWORD=PASSWORD))
        self.assert_exit(0, done)
        self.assertEqual(self.public("follower"), self.lab.serial())
        self.assert_exit(7, self.make_certificate("follower", PASSWORD), "paris")

    def test_a_one_owner_for_two_servers(self):
        done = self.lab.run("countersign", "server", "init", "--owner-from", self.backup, "--owner-password-file",
                            self.lab.secret(PASSWORD), "--password-file", self.lab.secret(OTHER),
                            env=self.env("sibling"))
        self.assert_exit(0, done)
        self.assertNotEqual(self.public("sibling"), self.lab.serial())
        first, second = (
            self.lab.json("countersign", "cert", "show", self.lab.path / name / "PCCSRV/Pccnt/Common/OfcNTCer.dat")
            ["certificate"] for name in ("server", "sibling"))
        self.assertEqual(first["issuer"], second["issuer"])
        self.assertNotEqual(first["server_ids"], second["server_ids"])
        self.assert_exit(0, self.make_certificate("sibling", OTHER))
        wrong = self.lab.run("countersign", "server", "init", "--owner-from", self.backup, "--owner-password-file",
                             self.lab.secret(OTHER), "--password-file", self.lab.secret(OTHER), env=self.env("never"))
        self.assert_exit(6, wrong)


if __name__ == "__main__":
    lab.main()
