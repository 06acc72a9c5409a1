"""The server key is stolen: the owner's part on another machine, the exposed list, and the thief with a copy of all."""

import shutil

import lab
from lab import PASSWORD, Case


class Theft(Case):
    """One story: the methods run in order of their names."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.here, cls.away = cls.lab.start_agents(2)
        cls.away.stop()
        cls.owner = cls.lab.path / "owner"  # a machine without a server's folder
        cls.owner.mkdir()
        shutil.copy(cls.lab.data / "AuthCertBackup/OfficeScanAuth.dat", cls.owner / "copy.dat")
        cls.thief = cls.lab.path / "thief"
        shutil.copytree(cls.lab.data, cls.thief, ignore=shutil.ignore_patterns("control.sock", "lock"))

    def exposed(self):
        return [agent["agent"] for agent in self.lab.agents("--exposed")]

    def test_1_the_password_is_not_asked_for_on_the_server(self):
        serial = self.lab.serial()
        for command in (("CertificateManager", "-c", PASSWORD, "-compromised"),
                        ("countersign", "cert", "replace", "--compromised")):
            self.assert_exit(7, self.lab.run(*command), "another machine", "-offline")
        forgotten = self.lab.run("CertificateManager", "-c", "-compromised", "-on-this-server")
        self.assert_exit(2, forgotten, "PASSWORD is missing")
        self.assertEqual(self.lab.serial(), serial)

    def test_2_the_owner_signs_elsewhere(self):
        done = self.lab.run("CertificateManager", "-c", "-offline", "request.json", "-compromised", cwd=self.owner)
        self.assert_exit(0, done, "owner sign")
        again = self.lab.run("CertificateManager", "-c", "-offline", "request.json", cwd=self.owner)
        self.assert_exit(4, again, "or -replace to overwrite it")  # an existing file is kept
        replaced = self.lab.run("CertificateManager", "-c", "-offline", "request.json", "-compromised", "-replace", cwd=self.owner)
        self.assert_exit(0, replaced, "owner sign")
        sign = ["countersign", "owner", "sign", "request.json", "--backup", "copy.dat", "-o", "answer.json"]
        env = lab.environment(COUNTERSIGN_DATA="/nonexistent", COUNTERSIGN_PASSWORD="not the password")
        self.assert_exit(6, self.lab.run(*sign, "--yes", cwd=self.owner, env=env))
        env = lab.environment(COUNTERSIGN_DATA="/nonexistent", COUNTERSIGN_PASSWORD=PASSWORD)
        self.assert_exit(2, self.lab.run(*sign, cwd=self.owner, env=env), "--yes")  # nobody can be asked
        self.assertFalse((self.owner / "answer.json").exists())
        self.assert_exit(0, self.lab.run(*sign, "--yes", cwd=self.owner, env=env), "Signed")
        self.assertEqual((self.owner / "answer.json").stat().st_mode & 0o777, 0o600)

    def test_3_the_answer_is_installed_and_the_exposed_are_named(self):
        before = self.lab.serial()
        other = self.owner / "other.json"
        other.write_text((self.owner / "answer.json").read_text().replace('"active":"', '"active":"AAAA'))
        self.assert_exit(13, self.lab.run("countersign", "owner", "install", other))
        self.assertEqual(self.lab.serial(), before)
        done = self.lab.json("countersign", "owner", "install", self.owner / "answer.json")
        self.assertIn(self.away.id, [agent["agent"] for agent in done["exposed_agents"]])
        self.assertNotEqual(self.lab.serial(), before)
        lab.until(lambda: self.exposed() == [self.away.id], "only the agent that is away is exposed")
        status = self.lab.json("countersign", "status")
        self.assertEqual(status["exposed"], 1)
        self.assertTrue(any("stolen key" in warning["text"] for warning in status["warnings"]))
        self.assert_exit(3, self.lab.run("countersign", "owner", "install", self.owner / "answer.json"))

    def test_4_the_stolen_key_commands_nobody_who_has_heard(self):
        self.lab.server.stop()
        thief = self.lab.start("thief", lab.PROGRAMS / "countersignd", "--data", self.thief)
        try:
            lab.until(lambda: "serving agents" in thief.text(), "the thief's server runs")
            env = lab.environment(COUNTERSIGN_DATA=str(self.thief))
            done = self.lab.run("countersign", "order", "send", "--agent", self.here.id, "ping", "--wait", "10", env=env)
            self.assertNotEqual(done.code, 0, done)
            # The one that has not heard obeys still: that is what "exposed" means.
            self.away.start()
            done = self.lab.run("countersign", "order", "send", "--agent", self.away.id, "ping", env=env)
            self.assert_exit(0, done)
        finally:
            thief.stop()

    def test_5_the_owner_has_it_back_and_the_list_shrinks(self):
        self.lab.start_server()
        self.away.stop()
        self.away.start()  # an agent reports when it starts
        lab.until(lambda: not self.exposed(), "nobody is exposed")
        done = self.lab.run("countersign", "order", "send", "--all", "ping")
        self.assert_exit(0, done)
        status = self.lab.json("countersign", "status")
        self.assertEqual(status["exposed"], 0)

    def test_6_once_the_password_is_given_the_backup_is_whole(self):
        whole = self.lab.run("countersign", "backup", "verify")
        self.assertNotEqual(whole.code, 0, whole)
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data), COUNTERSIGN_PASSWORD=PASSWORD,
                              COUNTERSIGN_NEW_PASSWORD="another good password")
        self.assert_exit(0, self.lab.run("countersign", "backup", "password", env=env))
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data), COUNTERSIGN_PASSWORD="another good password")
        self.assert_exit(0, self.lab.run("countersign", "backup", "verify", env=env))
        self.assert_exit(0, self.lab.run("countersign", "backup", "drill", env=env))


if __name__ == "__main__":
    lab.main()
