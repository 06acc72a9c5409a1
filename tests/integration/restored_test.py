"""Restored from yesterday: a server whose agents are ahead, an agent from a snapshot, and a cloned agent."""

import shutil
import subprocess

import lab
from lab import PASSWORD, Case, faked, sanitized, until

AUTOMATIC = "AuthCertBackup/OfficeScanAuth.dat"


class Story(Case):
    def events(self, kind, agent=None):
        events = self.lab.json("countersign", "events", "list")["events"]
        return [one for one in events if one["kind"] == kind and agent in (None, one["agent"])]

    def warning(self, words):
        """The next step of the one warning with these words, or nothing."""
        found = [one["next"] for one in self.lab.json("countersign", "status")["warnings"] if words in one["text"]]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def keep(self):
        """Yesterday's copy of the stopped server's folder."""
        subprocess.run(["cp", "-a", self.lab.data, self.lab.path / "yesterday"], check=True)

    def put_back(self):
        shutil.rmtree(self.lab.data)
        (self.lab.path / "yesterday").rename(self.lab.data)

    def obeys(self, agent, act="ping"):
        code, order = self.lab.order(agent.id, act)
        self.assertEqual((code, order["verdict"]), (0, "done"), order)

    def report(self, *agents):
        """Started anew, an agent reports."""
        for agent in agents:
            agent.stop()
            agent.start()


class ServerRestored(Story):
    """`-c` after the backup: the restored server mends itself by another one."""

    def test_it_is_noticed_others_are_served_and_one_more_mends_it(self):
        here = self.lab
        here.init()
        here.start_server()
        ahead, other = here.start_agents(2)
        here.server.stop()
        other.stop()
        self.keep()
        here.start_server()
        here.replace()
        self.obeys(ahead, "update-now")
        newer = here.serial()
        here.server.stop()
        self.put_back()
        here.start_server()
        self.assertNotEqual(here.serial(), newer)
        self.assertIsNone(self.warning("restored from an older backup"))

        self.report(ahead)
        (event,) = until(lambda: self.events("server-rewound"), "the first proved claim is noticed")
        self.assertEqual(event["agent"], ahead.id)
        self.assertIn("restored from an older backup", here.server.text())
        self.assertEqual(self.warning("restored from an older backup"), "CertificateManager -c PASSWORD")
        ahead.await_standing("mismatched")
        self.assertEqual(here.row(ahead.id)["reason"], "ahead")
        self.assertEqual(ahead.serial(), newer)  # it does not go back
        code, _ = here.order(ahead.id, "ping", "--wait", "3")
        self.assertNotEqual(code, 0)

        other.start()
        other.await_standing("verified")
        self.obeys(other)

        here.replace()
        self.assertIsNone(self.warning("restored from an older backup"))
        self.report(ahead, other)
        for agent in (ahead, other):
            agent.await_standing("verified")
            self.assertEqual(agent.serial(), here.serial())
            self.obeys(agent)
        self.assertEqual(len(self.events("server-rewound")), 1)


class ServerRestoredToBeforeTheReserve(Story):
    """The reserve took over after the backup: the restored server promotes it by itself."""

    @classmethod
    def prepare(cls):
        if sanitized():
            raise lab.unittest.SkipTest("faketime and sanitizers do not go together")

    def test_it_takes_over_again_by_itself(self):
        here = self.lab
        here.init()
        here.start_server()
        (agent,) = here.start_agents(1)
        first = here.serial()
        here.server.stop()
        self.keep()
        here.start_server(env=faked("+1006d"))  # 89 days before the end
        until(lambda: here.serial() != first, "the reserve takes over")
        self.report(agent)
        agent.await_serial(here.serial())
        second = here.serial()
        here.server.stop()
        self.put_back()
        here.start_server()
        self.assertEqual(here.serial(), first)
        self.report(agent)
        until(lambda: here.serial() == second, "the reserve takes over again")
        agent.await_standing("verified")
        self.obeys(agent)
        self.assertEqual(len(self.events("server-rewound")), 1)
        self.assertEqual(len(self.events("reserve-promoted")), 1)
        self.assertIsNone(self.warning("restored from an older backup"))


class ServerRestoredToBeforeTheOwner(Story):
    """Agents follow a later owner: only that one's backup mends it, and it is said so."""

    def test_the_later_backup_is_asked_for(self):
        here = self.lab
        here.init()
        here.start_server()
        (agent,) = here.start_agents(1)
        here.server.stop()
        self.keep()
        here.start_server()
        env = lab.environment(COUNTERSIGN_DATA=str(here.data), COUNTERSIGN_PASSWORD=PASSWORD)
        later = here.json("countersign", "owner", "create", env=env)["owner"]
        self.obeys(agent, "update-now")
        serial = here.serial()
        shutil.copy(here.data / AUTOMATIC, here.path / "later.dat")
        here.server.stop()
        self.put_back()
        here.start_server()
        self.report(agent)
        until(lambda: self.events("server-rewound"), "the proved claim is noticed")
        step = self.warning("restored from an older backup")
        self.assertIn("CertificateManager -ine PASSWORD OfficeScanAuth.dat", step)
        self.assertIn(later, step)
        here.ok("CertificateManager", "-ine", PASSWORD, here.path / "later.dat")
        self.assertEqual(here.serial(), serial)
        self.assertIsNone(self.warning("restored from an older backup"))
        self.report(agent)
        agent.await_standing("verified")
        self.obeys(agent)


class Agents(Story):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()

    def test_1_restored_from_a_snapshot(self):
        here = self.lab
        (agent,) = here.start_agents(1)
        agent.stop()
        snapshot = here.path / "snapshot"
        subprocess.run(["cp", "-a", agent.folder, snapshot], check=True)
        for _ in range(3):  # each start takes another block of sequence numbers
            agent.start()
            self.obeys(agent, "update-now")
            agent.stop()
        agent.start()
        _, order = here.order(agent.id)
        here.replace()
        self.obeys(agent, "update-now")
        agent.stop()
        shutil.rmtree(agent.folder)
        snapshot.rename(agent.folder)
        self.assertNotEqual(agent.serial(), here.serial())
        agent.start()
        agent.await_standing("verified")
        self.assertEqual(agent.serial(), here.serial())
        until(lambda: self.events("agent-restored", agent.id), "it is noticed")
        self.obeys(agent)
        until(lambda: not here.row(agent.id)["restored"], "it jumps above what was seen of it")
        self.assertEqual(len(self.events("agent-restored", agent.id)), 1)
        self.assertEqual(here.agents("--standing", "quarantined"), [])
        self.assertEqual(agent.process.text().count(order["order"]), 1, "the order ran once")
        agent.stop()

    def test_2_cloned(self):
        here = self.lab
        (one,) = here.start_agents(1, first=2)
        one.stop()
        two = self.clone(one, 3)
        one.start()
        two.start()
        # Each of them tells of itself in turn, without being started anew.
        for _ in range(3):
            for agent in (one, two):
                agent.renew(agent.folder / "OfcNTCer.dat")
                self.seen_from(one.id, agent)
        until(lambda: self.events("agent-cloned", one.id), "the clone is noticed")
        one.await_standing("quarantined")
        row = here.row(one.id)
        self.assertIn("cloned", row["reason"])
        self.assertIn(one.id, [listed["agent_id"] for listed in here.mismatched()])
        code, order = here.order(one.id)
        self.assertNotEqual(code, 0, order)

        here.replace()
        self.report(one, two)
        for agent in (one, two):
            agent.await_serial(here.serial())
        self.assertEqual(here.standing(one.id), "quarantined")

        # The way out: each is installed anew, and the doubled key is forgotten.
        one.stop()
        two.stop()
        here.ok("countersign", "agents", "forget", one.id)
        for number in (2, 3):
            shutil.rmtree(here.path / f"agent{number}")
        for agent in here.start_agents(2, first=2):
            self.assertNotEqual(agent.id, one.id)
            self.obeys(agent)

    def seen_from(self, agent_id, agent):
        until(lambda: self.lab.row(agent_id).get("address") == agent.host, f"the server hears of {agent.host}")

    def clone(self, agent, number):
        """The folder of a stopped agent on another machine."""
        folder = self.lab.path / f"agent{number}"
        subprocess.run(["cp", "-a", agent.folder, folder], check=True)
        config = folder / "agent.toml"
        host = f"{self.lab.network}.{number}"
        config.write_text(config.read_text().replace(agent.host, host))
        twin = object.__new__(lab.Agent)
        twin.lab, twin.number, twin.folder, twin.host, twin.port, twin.id = (
            self.lab, number, folder, host, agent.port, agent.id)
        twin.process = None
        return twin


if __name__ == "__main__":
    lab.main()
