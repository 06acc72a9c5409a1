"""Procedures 5 and 6 as docs/procedures.md prints them: a server is moved or reinstalled, with its password and without."""

import shutil

import lab
from lab import PASSWORD, until
from procedure import PAGE, SUCCESS, ZIP_PASSWORD, Procedure, pasted

OTHER = "the new server's own password"
FORGOTTEN = "what was it called again"


class Moved(Procedure):
    """5. The automatic backup is carried to a new server; the agents are not touched."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(2)

    def carry_away(self):
        self.ok("cp /var/lib/countersign/AuthCertBackup/OfficeScanAuth.dat /root/OfficeScanAuth.pfx")
        serial = self.lab.serial()
        self.server_is_lost()
        return serial

    def test_1_while_installing(self):
        self.assertIn("admitted since", self.lab.ok("countersign", "status").out)
        self.knows_all()
        self.assertNotIn("admitted since", self.lab.ok("countersign", "status").out)
        serial = self.carry_away()
        line = "countersign server init --import /root/OfficeScanAuth.pfx --import-password-file FILE"
        wrong = self.type(line, FILE=self.lab.secret(OTHER))
        self.assert_exit(6, wrong)
        self.assertFalse(self.lab.data.exists(), "a server that is half installed")
        self.init(line, FILE=self.lab.secret(PASSWORD))
        self.lab.start_server()
        self.hurry(self.agents)
        self.agents_go_on(self.agents, serial)
        self.ok("CertificateManager -c PASSWORD", PASSWORD=PASSWORD)
        self.agents_follow(self.agents)

    def test_2_install_first_and_import_afterwards(self):
        """Agents that hold the imported identity wait already, and refuse the new one; they never stand in the way."""
        serial = self.carry_away()
        self.init("countersign server init --password-file FILE", FILE=self.lab.secret(OTHER))
        self.lab.start_server()
        self.hurry(self.agents)
        for agent in self.agents:
            agent.await_standing("mismatched")
        words = self.words("CertificateManager -ine PASSWORD /root/OfficeScanAuth.pfx", PASSWORD=PASSWORD)
        for wrong in (OTHER, FORGOTTEN):
            before = self.lab.json("countersign", "cert", "list")
            self.assert_exit(6, self.lab.run(*words[:2], wrong, words[-1]))
            self.assertEqual(self.lab.json("countersign", "cert", "list"), before)
        done = self.assert_exit(0, self.lab.run(*words), SUCCESS + "imported")
        self.assertIn(serial, done.out)
        self.agents_go_on(self.agents, serial)
        with self.subTest("the password is that of the file now"):
            self.assert_exit(6, self.type("CertificateManager -c PASSWORD", PASSWORD=OTHER))
            self.ok("CertificateManager -c PASSWORD", PASSWORD=PASSWORD)
            self.agents_follow(self.agents)

    def test_3_agents_that_the_backup_does_not_know_are_approved(self):
        late = [self.lab.install(3), self.lab.install(4, self.lab.package("package-of-this-server"))]
        for agent, standing in zip(late, ("new", "verified")):  # a package of the lost server admits nobody
            agent.start()
            agent.await_standing(standing)
        serial = self.carry_away()
        self.init("countersign server init --import /root/OfficeScanAuth.pfx --import-password-file FILE",
                  FILE=self.lab.secret(PASSWORD))
        self.lab.start_server()
        self.hurry([*self.agents, *late])
        for agent in late:
            agent.await_standing("new")
        self.assertEqual({(row["agent_id"], row["reason"]) for row in self.lab.mismatched()},
                         {(agent.id, "not-admitted") for agent in late})
        listed = self.ok("countersign agents list --standing new").out
        for agent in late:
            self.assertIn(agent.id, listed)
        self.lab.ok("bash", "-o", "pipefail", "-c", PAGE.line(
            "countersign agents list --standing new --json | jq -r '.agents[].agent' | xargs countersign agents approve"))
        self.agents_go_on([*self.agents, *late], serial)

    def test_4_pasted(self):
        self.ok("cp /var/lib/countersign/AuthCertBackup/OfficeScanAuth.dat /root/OfficeScanAuth.pfx")
        self.lab.server.stop()
        for number, words in enumerate(pasted(self.words("CertificateManager -ine PASSWORD /root/OfficeScanAuth.pfx",
                                                         PASSWORD=PASSWORD))):
            with self.subTest(words):
                env = lab.environment(COUNTERSIGN_DATA=str(self.lab.path / f"pasted{number}"))
                self.type("countersign server init --password-file FILE", FILE=self.lab.secret(OTHER), env=env)
                self.assert_exit(0, self.lab.run(*words, env=env), SUCCESS + "imported", self.lab.serial())


class Forgotten(Procedure):
    """6. The password that was given at the installation is gone."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.allow_export(cls)
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(2)
        for name, more in (("plain", ()), ("owner", ("-owner", "-backup-password-file", cls.lab.secret(PASSWORD)))):
            cls.lab.ok("CertificateManager", "-b", ZIP_PASSWORD, f"{name}.zip", *more)

    def take(self, name):
        shutil.copy(self.lab.path / f"{name}.zip", self.roots / "before.zip")

    def aside(self):
        """The old server is switched off; returns what brings it back."""
        self.lab.server.stop()
        self.lab.data.rename(self.lab.path / "aside")

        def back():
            self.server_is_lost()
            (self.lab.path / "aside").rename(self.lab.data)
            self.lab.start_server()
            self.hurry(self.agents)
        return back

    def test_1_the_running_server_goes_on(self):
        serial = self.lab.serial()
        done = self.type("CertificateManager -c PASSWORD", PASSWORD=FORGOTTEN)
        self.assert_exit(6, done, "automatic backup", "not one given to -b", "Nothing was changed")
        done = self.lab.run("countersign", "backup", "password", "--password-file", self.lab.secret(FORGOTTEN),
                            "--new-password-file", self.lab.secret(OTHER))
        self.assert_exit(6, done, "Nothing was changed")
        self.agents_go_on(self.agents, serial)

    def test_2_the_automatic_backup_cannot_be_carried(self):
        """A clear failure, and nothing half-imported."""
        self.ok("cp /var/lib/countersign/AuthCertBackup/OfficeScanAuth.dat /root/OfficeScanAuth.pfx")
        back = self.aside()
        done = self.type("countersign server init --import /root/OfficeScanAuth.pfx --import-password-file FILE",
                         FILE=self.lab.secret(FORGOTTEN))
        self.assert_exit(6, done, "password does not open the file to import")
        self.assertFalse(self.lab.data.exists())
        self.init("countersign server init --password-file FILE", FILE=self.lab.secret(OTHER))
        before = sorted(path for path in self.lab.data.rglob("*") if path.suffix in (".key", ".cer", ".dat"))
        done = self.type("CertificateManager -ine PASSWORD /root/OfficeScanAuth.pfx", PASSWORD=FORGOTTEN)
        self.assert_exit(6, done)
        after = sorted(path for path in self.lab.data.rglob("*") if path.suffix in (".key", ".cer", ".dat"))
        self.assertEqual(after, before)
        self.lab.start_server()
        back()

    def test_3_an_older_zip_carries_the_certificate_to_a_new_server(self):
        serial = self.lab.serial()
        self.take("plain")
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data), COUNTERSIGN_PASSWORD=ZIP_PASSWORD)
        self.assertIn("the owner key: no", self.lab.run("countersign", "backup", "verify", self.roots / "before.zip",
                                                        env=env).out)
        back = self.aside()
        self.init("countersign server init --password-file FILE", FILE=self.lab.secret(OTHER))
        self.lab.start_server()
        done = self.ok("CertificateManager -r PASSWORD_OF_THE_ZIP /root/before.zip", PASSWORD_OF_THE_ZIP=ZIP_PASSWORD)
        self.assertIn("under the password that it had when the archive was made", done.out)
        self.hurry(self.agents)
        self.agents_go_on(self.agents, serial)
        for password in (ZIP_PASSWORD, OTHER, FORGOTTEN):
            self.assert_exit(6, self.type("CertificateManager -c PASSWORD", PASSWORD=password), "automatic backup")
        back()
        self.agents_go_on(self.agents, serial)

    def test_4_a_zip_with_the_owner_key(self):
        self.take("owner")
        words = ("CertificateManager -c PASSWORD_OF_THE_ZIP", "CertificateManager -r PASSWORD_OF_THE_ZIP /root/before.zip")
        replace, restore = (self.words(line, PASSWORD_OF_THE_ZIP=ZIP_PASSWORD) for line in words)
        with self.subTest("of the certificate in use"):
            self.assert_exit(0, self.lab.run(*restore), SUCCESS + "restored")
            self.assert_exit(0, self.lab.run(*replace), SUCCESS)
            self.agents_follow(self.agents)
        with self.subTest("older than the certificate in use"):
            self.assert_exit(7, self.lab.run(*restore), "older")
            line = PAGE.line("unzip -p /root/before.zip certificates.pfx > "
                             "/var/lib/countersign/AuthCertBackup/OfficeScanAuth.dat")
            self.lab.ok("bash", "-c", " ".join(self.paths(word) for word in line.split()))
            self.assert_exit(0, self.lab.run(*replace), SUCCESS)
            self.agents_follow(self.agents)

    def test_5_nothing_is_left_but_a_new_identity(self):
        """Every agent refuses it, looks online, and is listed with the reason; the list shrinks as the mover is run."""
        self.server_is_lost()
        self.init("countersign server init --password-file FILE", FILE=self.lab.secret(OTHER))
        self.lab.start_server()
        self.hurry(self.agents)
        for agent in self.agents:
            agent.await_standing("mismatched")
        done = self.type("CertificateManager -l /root/agents.csv")
        self.assert_exit(22, done, "2 agents")
        rows = {row["agent_id"]: row for row in self.lab.mismatched()}
        self.assertEqual(set(rows), {agent.id for agent in self.agents})
        for agent in self.agents:
            row = rows[agent.id]
            self.assertEqual((row["reason"], row["address"]), ("other-owner", agent.host))
            self.assertTrue(row["last_contact"], "online, but deaf")
            self.assertIn("IpXfer -e OfcNTCer.dat", row["next_step"])
            self.assertNotEqual(self.lab.order(agent.id, "ping", "--wait", "1")[0], 0)
        self.ok("CertificateManager -e /root/OfcNTCer.dat")
        for count, agent in ((1, self.agents[0]), (0, self.agents[1])):
            done = self.lab.run(*PAGE.words("IpXfer -e OfcNTCer.dat"), "-agent-folder", agent.folder, cwd=self.roots)
            self.assert_exit(0, done, "verified")
            until(lambda count=count: len([row for row in self.lab.mismatched() if row["standing"] == "mismatched"]) == count,
                  f"{count} left")
        status = self.lab.json("countersign", "status")
        self.assertEqual(status["mismatched"], 0)


if __name__ == "__main__":
    lab.main()
