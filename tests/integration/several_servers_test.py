"""docs/several-servers.md, its commands as they are printed there, with real agents on both sides."""

import re
import shutil

import lab
from lab import PASSWORD, Case, Lab
from pages import Page

SECOND = "another good password"
THIRD = "a third good password"
SUCCESS = "Certificate Authentication Manager has successfully "
as_printed = Page("several-servers.md").words


def automatic(server):
    return server.data / "AuthCertBackup/OfficeScanAuth.dat"


def report_to(agent, server):
    """The name of the agent's server points to another one now."""
    if agent.process.runs():
        agent.stop()
    config = agent.folder / "agent.toml"
    text = re.sub(r"(?m)^http_port = \d+", f"http_port = {server.port}", config.read_text())
    config.write_text(re.sub(r"(?m)^https_port = \d+", f"https_port = {server.https_port}", text))
    agent.lab = server
    agent.start()


class Several(Case):
    """A case with more servers than one; each has a lab, for they have nothing in common."""

    @classmethod
    def another(cls):
        server = Lab()
        cls.addClassCleanup(server.end)
        return server

    def assert_obeys(self, agent, act="ping"):
        code, order = agent.lab.order(agent.id, act)
        self.assertEqual((code, order["verdict"]), (0, "done"), order)

    def update(self, *agents):
        for agent in agents:
            self.assert_obeys(agent, "update-now")
            self.assertEqual(agent.serial(), agent.lab.serial())
            agent.await_standing("verified")


class OneIdentity(Several):
    @classmethod
    def prepare(cls):
        cls.issuer, cls.follower = cls.lab, cls.another()
        env = lab.environment(COUNTERSIGN_DATA=str(cls.issuer.data), COUNTERSIGN_PASSWORD=PASSWORD)
        cls.issuer.ok(*as_printed("countersign server init --public-host issuer.example"), "--listen", "127.0.0.1",
                      "--http-port", cls.issuer.port, "--https-port", cls.issuer.https_port, "--call-network", "127.0.0.0/8", env=env)
        config = cls.issuer.data / "countersign.toml"  # that name means nothing here
        config.write_text(config.read_text().replace('"issuer.example"', '"127.0.0.1"'))
        cls.issuer.start_server()
        (cls.roamer,) = cls.issuer.start_agents(1)
        shutil.copy(automatic(cls.issuer), cls.follower.path)
        env = lab.environment(COUNTERSIGN_DATA=str(cls.follower.data), COUNTERSIGN_IMPORT_PASSWORD=PASSWORD)
        cls.follower.ok(*as_printed("countersign server init --import OfficeScanAuth.dat --follower issuer.example"),
                        *cls.follower.server_options(), env=env)
        cls.follower.start_server()
        (cls.resident,) = cls.follower.start_agents(1, first=2)

    def test_1_the_same_certificate_and_only_the_issuer_makes_the_next(self):
        self.assertEqual(self.issuer.serial(), self.follower.serial())
        self.assertEqual(self.resident.serial(), self.issuer.serial())
        done = self.follower.run("CertificateManager", "-c", PASSWORD)
        self.assert_exit(7, done, "issuer.example")
        reserves = [server.json("countersign", "status")["reserve"]["serial"] for server in (self.issuer, self.follower)]
        self.assertEqual(reserves[0], reserves[1])
        self.assertEqual(self.issuer.serial(), self.follower.serial())

    def test_2_an_agent_of_both(self):
        """Behind the issuer it is up to date; the follower, whose certificate is the one before, has to import first."""
        self.issuer.replace()
        self.update(self.roamer)
        self.assert_obeys(self.resident)
        report_to(self.roamer, self.follower)
        with self.subTest("it refuses the older certificate, and is listed"):
            self.roamer.await_standing("mismatched")
            (row,) = self.follower.mismatched()
            self.assertEqual((row["agent_id"], row["reason"]), (self.roamer.id, "unproved"))
        with self.subTest("the follower imports, and both follow by themselves"):
            shutil.copy(automatic(self.issuer), self.follower.path)
            done = self.follower.run(*as_printed("CertificateManager -ine PASSWORD OfficeScanAuth.dat",
                                                 PASSWORD=PASSWORD))
            self.assert_exit(0, done, SUCCESS + "imported")
            self.assertEqual(self.issuer.serial(), self.follower.serial())
            self.roamer.stop()
            self.roamer.start()  # or wait for its next report
            self.update(self.roamer, self.resident)
            self.assertEqual(self.follower.mismatched(), [])
        with self.subTest("and back to the issuer"):
            report_to(self.roamer, self.issuer)
            self.update(self.roamer)


class OneOwner(Several):
    @classmethod
    def prepare(cls):
        cls.first, cls.second = cls.lab, cls.another()
        cls.first.init()
        shutil.copy(automatic(cls.first), cls.second.path)
        env = lab.environment(COUNTERSIGN_DATA=str(cls.second.data), COUNTERSIGN_PASSWORD=SECOND,
                              COUNTERSIGN_OWNER_PASSWORD=PASSWORD)
        cls.second.ok(*as_printed("countersign server init --owner-from OfficeScanAuth.dat"),
                      *cls.second.server_options(), env=env)
        for server in (cls.first, cls.second):
            server.start_server()
        cls.agents = [*cls.first.start_agents(1), *cls.second.start_agents(1, first=2)]

    def test_each_server_commands_its_own_agents_and_replaces_by_itself(self):
        shown = [server.json("countersign", "cert", "show")["certificate"] for server in (self.first, self.second)]
        self.assertEqual(shown[0]["issuer"], shown[1]["issuer"])
        self.assertNotEqual(shown[0]["server_ids"], shown[1]["server_ids"])
        self.first.replace()
        self.second.replace(password=SECOND)
        self.update(*self.agents)
        report_to(self.agents[0], self.second)
        self.agents[0].await_standing("mismatched")
        (row,) = self.second.mismatched()
        self.assertEqual((row["agent_id"], row["reason"]), (self.agents[0].id, "wrong-server"))
        self.assertNotEqual(self.second.order(self.agents[0].id, "ping", "--wait", "1")[0], 0)
        report_to(self.agents[0], self.first)
        self.update(self.agents[0])


class TwoFleets(Several):
    @classmethod
    def prepare(cls):
        cls.stays, cls.goes = cls.lab, cls.another()
        cls.stays.init()
        cls.goes.init(password=SECOND)
        for server in (cls.stays, cls.goes):
            server.start_server()
        cls.own, cls.guest = [*cls.stays.start_agents(1), *cls.goes.start_agents(1, first=2)]
        env = lab.environment(COUNTERSIGN_DATA=str(cls.goes.data), COUNTERSIGN_PASSWORD=SECOND,
                              COUNTERSIGN_NEW_PASSWORD=SECOND)
        cls.goes.ok(*as_printed("countersign backup password"), env=env)
        shutil.copy(automatic(cls.goes), cls.stays.path)

    def importing(self, *more, password=SECOND):
        return self.stays.run("CertificateManager", "-ine", password, "OfficeScanAuth.dat", *more)

    def test_1_refused_without_the_present_password(self):
        before = self.stays.json("countersign", "cert", "list")
        self.assert_exit(7, self.importing(), "1 agent", "-present-password-file", "-replace", "Nothing was changed")
        wrong = self.importing("-present-password-file", self.stays.secret(SECOND))
        self.assert_exit(6, wrong, "automatic backup")
        self.assertEqual(self.stays.json("countersign", "cert", "list"), before)
        self.assert_obeys(self.own)

    def test_2_brought_together(self):
        done = self.stays.run(*as_printed(
            "CertificateManager -ine PASSWORD_OF_THE_FILE OfficeScanAuth.dat -present-password-file FILE",
            PASSWORD_OF_THE_FILE=SECOND, FILE=self.stays.secret(PASSWORD)))
        self.assert_exit(0, done, SUCCESS + "imported")
        ids = [server.json("countersign", "cert", "show")["certificate"]["server_ids"]
               for server in (self.stays, self.goes)]
        self.assertEqual(len(ids[0]), 2)
        self.assertLess(set(ids[1]), set(ids[0]))
        self.update(self.own)
        self.goes.server.stop()
        report_to(self.guest, self.stays)
        self.guest.await_serial(self.stays.serial())
        self.guest.await_standing("verified")
        self.assertEqual(self.stays.mismatched(), [])
        self.stays.replace()
        self.update(self.own, self.guest)

    def test_3_replace_cuts_off_and_says_how_many(self):
        third = self.another()
        third.init(password=THIRD)
        shutil.copy(automatic(third), self.stays.path)
        self.assert_exit(7, self.importing(password=THIRD), "2 agents")
        done = self.assert_exit(0, self.importing("-replace", password=THIRD), "2 agents", "cut off",
                                "CertificateManager -l")
        kept = re.search(r"AuthCertBackup/OfficeScanAuth-\w+\.dat", done.out)
        self.assertTrue((self.stays.data / kept[0]).exists(), done)
        for agent in (self.own, self.guest):
            agent.stop()
            agent.start()
            agent.await_standing("mismatched")
        rows = self.stays.mismatched()
        self.assertEqual({row["agent_id"] for row in rows}, {self.own.id, self.guest.id})
        self.assertEqual({row["reason"] for row in rows}, {"other-owner"})
        with self.subTest("the kept backup brings them back"):
            shutil.copy(self.stays.data / kept[0], self.stays.path / "OfficeScanAuth.dat")
            self.assert_exit(0, self.importing(password=PASSWORD), SUCCESS)
            for agent in (self.own, self.guest):
                agent.stop()
                agent.start()
                agent.await_standing("verified")

    def test_4_owner_and_moves_reach_the_agents_of_both(self):
        """The joined agents still belong to the server that went: what is signed for them has to be for that one."""
        held = {agent.id: agent.status()["certificate"]["server"] for agent in (self.own, self.guest)}
        self.assertEqual(len(set(held.values())), 2)
        with self.subTest("the owner's warrant passes the unload password of each"):
            for agent in (self.own, self.guest):
                agentd = ("countersign-agentd", "--agent-folder", agent.folder, "unload-password")
                self.stays.ok(*agentd, "set", "--new-password-file", self.stays.secret("a word for unloading"))
                warrant = self.stays.path / f"unlock-{agent.number}"
                self.stays.ok("countersign", "owner", "warrant", "--unlock", agent.id, "-o", warrant, "--password-file",
                              self.stays.secret(PASSWORD))
                self.stays.ok(*agentd, "clear", "--warrant", warrant)
        with self.subTest("without the server's registry it has to be said for which server"):
            shutil.copy(automatic(self.stays), self.stays.path / "copy.dat")
            elsewhere = ("countersign", "owner", "warrant", "--unlock", self.guest.id, "--backup", "copy.dat", "-o",
                         "elsewhere", "--password-file", self.stays.secret(PASSWORD))
            self.assert_exit(2, self.stays.run(*elsewhere), "--server", held[self.guest.id])
            self.stays.ok(*elsewhere, "--server", held[self.guest.id])
        target = self.another()
        target.init(password=THIRD)
        target.start_server()
        agents = self.stays.path / "agents.list"
        self.stays.ok("countersign", "move", "plan", "--all", "-o", agents)
        for agent, server in held.items():
            self.assertIn(f"{agent} server={server} ", agents.read_text())
        with self.subTest("with warrants for all, each takes its own: nobody answers at that port"):
            nowhere = self.stays.path / "nowhere.json"
            port = lab.free_port()
            target.ok("countersign", "move", "expect", agents, "-o", nowhere, "--address", f"127.0.0.1:{port}:{port}")
            self.stays.ok("countersign", "move", "start", "--all", "--target", nowhere, "--halt-at", "100%", "--password-file",
                          self.stays.secret(PASSWORD))
            self.assert_exit(44, self.stays.run("countersign", "move", "status", "--json", "--wait", "120s", timeout=180))
            names = self.stays.json("countersign", "move", "status", "--names", "failed")["names"]
            self.assertEqual([name["reason"] for name in names], ["target-not-reached"] * 2, names)
        with self.subTest("with warrants for those of a list, made elsewhere, both move"):
            there = self.stays.path / "target.json"
            target.ok("countersign", "move", "expect", agents, "-o", there)
            self.stays.ok("countersign", "move", "warrant", "--target", there, "--list", agents, "--backup", "copy.dat", "-o",
                          "warrants", "--password-file", self.stays.secret(PASSWORD))
            self.stays.ok("countersign", "move", "start", "--target", there, "--list", agents, "--warrant", "warrants")
            self.assert_exit(0, self.stays.run("countersign", "move", "status", "--json", "--wait", "120s", timeout=180))
            for agent in (self.own, self.guest):
                self.assertEqual(agent.serial(), target.serial())
                self.assertEqual(target.standing(agent.id), "verified")


if __name__ == "__main__":
    lab.main()
