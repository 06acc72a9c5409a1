"""docs/moves.md with the real programs: agents to another server and back, and everything that may come in between."""

import json
import os
import shutil
import signal
import sqlite3

import lab
from lab import PASSWORD, Case, Lab, until

FLEET = int(os.environ.get("COUNTERSIGN_MOVE_FLEET", "200"))
OTHER = "another good password"


class Moves(Case):
    """An old server with agents, and a new one."""

    @classmethod
    def another(cls, *more, password=OTHER):
        server = Lab()
        cls.addClassCleanup(server.end)
        server.init(*more, password=password)
        server.start_server()
        return server

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.new = cls.make_new()
        cls.agents = cls.lab.start_agents(cls.count())

    @classmethod
    def make_new(cls):
        return cls.another()

    @classmethod
    def count(cls):
        return 1

    # What an administrator types.

    def plan(self, server, name="agents.list", *whom):
        path = self.lab.path / name
        server.ok("countersign", "move", "plan", *(whom or ("--all",)), "-o", path, "--replace")
        return path

    def expect(self, server, agents, name="target.json", address=None):
        path = self.lab.path / name
        more = ("--address", address) if address else ()
        server.ok("countersign", "move", "expect", agents, "-o", path, "--replace", *more)
        return path

    def start(self, server, target, *more, password=PASSWORD):
        return server.run("countersign", "move", "start", "--target", target, "--password-file", server.secret(password),
                          "--json", *more)

    def wait(self, server, seconds=lab.PATIENCE):
        return server.run("countersign", "move", "status", "--json", "--wait", f"{seconds}s", timeout=seconds + 60)

    def failed(self, server):
        return server.json("countersign", "move", "status", "--names", "failed")["names"]

    # Whom an agent belongs to: what it holds itself, whom it obeys, and what both servers say.

    def assert_belongs(self, agent, server, other):
        self.assertEqual(agent.serial(), server.serial())
        until(lambda: server.standing(agent.id) == "verified", f"agent {agent.number} is verified at its server")
        code, order = server.order(agent.id)
        self.assertEqual((code, order["verdict"]), (0, "done"), order)
        self.assertIn(other.standing(agent.id), ("moved", None))
        self.assertIn(f"http_port = {server.port}\n", (agent.folder / "agent.toml").read_text())


class SmallCases(Moves):
    @classmethod
    def count(cls):
        return 3

    def test_1_plan_changes_nothing_and_names_whom(self):
        path = self.lab.path / "plan.list"
        done = self.lab.run("countersign", "move", "plan", "--all", "-o", path, "--json")
        self.assert_exit(0, done)
        self.assertEqual((done.json["agents"], done.json["at_once"], done.json["hands"]), (3, 3, 0))
        listed = path.read_text()
        for agent in self.agents:
            self.assertIn(agent.id, listed)
        self.assertEqual(self.lab.json("countersign", "move", "status")["earlier"], [])
        self.assert_exit(4, self.lab.run("countersign", "move", "plan", "--all", "-o", path))
        self.assert_exit(2, self.lab.run("countersign", "move", "plan"))
        self.assert_exit(3, self.wait(self.lab))

    def test_2_agent_that_is_not_expected_stays(self):
        one, two, _ = self.agents
        other = self.lab.path / "other.list"
        listed = self.plan(self.lab, "all.list").read_text().splitlines()
        other.write_text("\n".join(line for line in listed if not line.startswith(one.id)) + "\n")
        target = self.expect(self.new, other)
        self.assert_exit(0, self.start(self.lab, target, "--agent", one.id))
        done = self.wait(self.lab)
        self.assert_exit(43, done)  # halted by itself
        (failed,) = self.failed(self.lab)
        self.assertEqual((failed["agent"], failed["reason"]), (one.id, "not-accepted"))
        self.assertIn("move expect", failed["next_step"])
        self.assertEqual(one.serial(), self.lab.serial())
        self.assertEqual(self.lab.order(one.id)[0], 0)
        # Once it is announced, `resume` brings it over.
        self.expect(self.new, self.plan(self.lab, "all.list"))
        self.lab.ok("countersign", "move", "resume")
        self.assert_exit(0, self.wait(self.lab))
        self.assert_belongs(one, self.new, self.lab)
        self.assertEqual(self.new.row(one.id)["admitted_by"], "move")
        # And it is in no list of those that need hands.
        self.assertEqual(self.lab.mismatched(), [])
        self.assertNotEqual(two.serial(), self.new.serial())

    def test_3_wrong_server_at_the_targets_address_gets_nobody(self):
        _, two, _ = self.agents
        target = self.expect(self.new, self.plan(self.lab), address=f"127.0.0.1:{self.lab.port}:{self.lab.https_port}")
        self.assert_exit(0, self.start(self.lab, target, "--agent", two.id))
        self.assert_exit(43, self.wait(self.lab))
        self.assertEqual(self.failed(self.lab)[0]["reason"], "not-proved")
        self.assertEqual(two.serial(), self.lab.serial())
        self.lab.ok("countersign", "move", "abort")
        self.assert_exit(46, self.wait(self.lab))

    def test_4_abort_leaves_the_rest(self):
        _, two, three = self.agents
        target = self.expect(self.new, self.plan(self.lab))
        self.assert_exit(0, self.start(self.lab, target, "--agent", two.id, "--agent", three.id, "--rate", "1/min"))
        until(lambda: self.lab.json("countersign", "move", "status")["move"]["moved"] == 1, "the first has moved")
        self.assert_exit(7, self.start(self.lab, target, "--all"), "under way")
        self.lab.ok("countersign", "move", "abort")
        self.assert_exit(46, self.wait(self.lab))
        moved = [agent for agent in (two, three) if agent.serial() == self.new.serial()]
        self.assertEqual(len(moved), 1)
        for agent in (two, three):
            self.assert_belongs(agent, *((self.new, self.lab) if agent in moved else (self.lab, self.new)))

    def test_5_wrong_password_and_wrong_files_start_nothing(self):
        target = self.expect(self.new, self.plan(self.lab))
        self.assert_exit(6, self.start(self.lab, target, "--all", password="not the password"))
        self.assert_exit(13, self.start(self.lab, self.plan(self.lab), "--all"))
        self.assert_exit(3, self.start(self.lab, self.lab.path / "nowhere.json", "--all"), "countersign move expect")
        self.assert_exit(13, self.new.run("countersign", "move", "expect", target))
        self.assert_exit(2, self.new.run("countersign", "move", "expect", self.plan(self.lab), "--address", f"{'n' * 60}.example"),
                         "at most 64 octets", "--address")
        self.assert_exit(7, self.lab.run("countersign", "move", "expect", self.plan(self.lab)), "own agents", "on that server")
        self.assert_exit(2, self.start(self.lab, target, "--all", "--rate", "many"))
        self.assert_exit(2, self.new.run("countersign", "move", "expect", self.plan(self.lab), "--address", "münchen.example"))

    def test_5b_both_sides_show_whom_the_agents_are_to_belong_to(self):
        owner = self.new.json("countersign", "owner", "show")
        agents = self.plan(self.lab)
        said = self.new.ok("countersign", "move", "expect", agents, "-o", self.lab.path / "target.json", "--replace").err
        code, shown = self.lab.at_terminal(["not the password"], "countersign", "move", "start", "--all", "--target",
                                           self.lab.path / "target.json")
        self.assertEqual(code, 6, shown)
        before = shown[:shown.index("assword")]
        for text in (owner["owner"], owner["server_ids"][0]):
            self.assertIn(text, said)
            self.assertIn(text, before)

    def test_6_warrant_made_elsewhere(self):
        left = [agent for agent in self.agents if agent.serial() == self.lab.serial()]
        agents = self.plan(self.lab)
        target = self.expect(self.new, agents)
        warrants = self.lab.path / "warrants"
        backup = self.lab.path / "copy-of-OfficeScanAuth.dat"
        shutil.copy(self.lab.data / "AuthCertBackup/OfficeScanAuth.dat", backup)
        elsewhere = lab.environment(COUNTERSIGN_DATA=str(self.lab.path / "no-server-here"))
        self.lab.ok("countersign", "move", "warrant", "--target", target, "--list", agents, "--backup", backup, "-o",
                    warrants, "--password-file", self.lab.secret(PASSWORD), env=elsewhere)
        self.lab.ok("countersign", "move", "start", "--target", target, "--list", agents, "--warrant", warrants)
        self.assert_exit(0, self.wait(self.lab))
        for agent in left:
            self.assert_belongs(agent, self.new, self.lab)

    def test_7_everything_is_an_event(self):
        kinds = {event["kind"] for event in self.lab.json("countersign", "events", "list")["events"]}
        self.assertLessEqual({"move-started", "move-halted", "move-resumed", "move-finished", "move-aborted", "agent-moved",
                              "move-start-refused"}, kinds)
        kinds = {event["kind"] for event in self.new.json("countersign", "events", "list")["events"]}
        self.assertLessEqual({"agents-expected", "agent-admitted"}, kinds)
        self.lab.ok("countersign", "events", "verify")


class WithinOneOwner(Moves):
    """The other server stands under the same owner key."""

    @classmethod
    def make_new(cls):
        backup = cls.lab.path / "owner.dat"
        shutil.copy(cls.lab.data / "AuthCertBackup/OfficeScanAuth.dat", backup)
        server = Lab()
        cls.addClassCleanup(server.end)
        env = lab.environment(COUNTERSIGN_DATA=str(server.data), COUNTERSIGN_PASSWORD=OTHER,
                              COUNTERSIGN_OWNER_PASSWORD=PASSWORD)
        server.ok("countersign", "server", "init", "--owner-from", backup, *server.server_options(), env=env)
        server.start_server()
        return server

    def test_warrant_is_needed_and_moves(self):
        (agent,) = self.agents
        agents = self.plan(self.lab)
        target = self.expect(self.new, agents)
        self.assert_exit(0, self.start(self.lab, target, "--all"))
        self.assert_exit(0, self.wait(self.lab))
        self.assert_belongs(agent, self.new, self.lab)


class Stray(Moves):
    """An agent that was moved comes back from an old snapshot."""

    def test_it_is_sent_after_the_others(self):
        (agent,) = self.agents
        agent.stop()
        shutil.copytree(agent.folder, self.lab.path / "snapshot")
        agent.start()
        agent.await_standing("verified")
        target = self.expect(self.new, self.plan(self.lab))
        self.assert_exit(0, self.start(self.lab, target, "--all"))
        self.assert_exit(0, self.wait(self.lab))
        self.assert_belongs(agent, self.new, self.lab)

        agent.stop()
        shutil.rmtree(agent.folder)
        shutil.copytree(self.lab.path / "snapshot", agent.folder)
        self.assertEqual(agent.serial(), self.lab.serial())
        agent.start()
        until(lambda: agent.serial() == self.new.serial(), "the stray has moved again")
        self.assert_belongs(agent, self.new, self.lab)
        until(lambda: self.lab.standing(agent.id) == "moved", "the tombstone is there again")

        # When the warrant has run out nobody sends it any more: it is named, with what to do.
        agent.stop()
        with sqlite3.connect(self.lab.data / "registry.db") as registry:
            registry.execute("UPDATE moves SET expires = 1")
        shutil.rmtree(agent.folder)
        shutil.copytree(self.lab.path / "snapshot", agent.folder)
        agent.start()
        agent.await_standing("mismatched")
        row = self.lab.row(agent.id)
        self.assertEqual(row["reason"], "stray")
        self.assertIn("IpXfer", row["next_step"])
        self.assertEqual([listed["agent_id"] for listed in self.lab.mismatched()], [agent.id])
        # A person may keep it.
        self.lab.ok("countersign", "agents", "approve", agent.id)
        agent.await_standing("verified")


class BroughtBack(Moves):
    """An agent that was moved is brought back by hand, while the warrant is good."""

    def test_it_is_taken_back_with_its_own_next_report(self):
        (agent,) = self.agents
        target = self.expect(self.new, self.plan(self.lab))
        self.assert_exit(0, self.start(self.lab, target, "--all"))
        self.assert_exit(0, self.wait(self.lab))
        self.assert_belongs(agent, self.new, self.lab)
        own = self.lab.path / "OfcNTCer.dat"
        self.lab.ok("CertificateManager", "-e", own)
        done = self.lab.run("IpXfer", "-agent-folder", agent.folder, "-s", "127.0.0.1", "-p", self.lab.port, "-sp",
                            self.lab.https_port, "-e", own)
        self.assert_exit(0, done, "moved: ")
        self.assertNotIn("as new", done.out)
        agent.await_standing("verified")
        self.assert_belongs(agent, self.lab, self.new)
        kinds = [event["kind"] for event in self.lab.json("countersign", "events", "list")["events"]]
        self.assertIn("agent-returned", kinds)


class Fleet(Moves):
    """Many agents to another server and back, and the target dies in the middle."""

    @classmethod
    def prepare(cls):
        global FLEET
        if lab.sanitized():
            FLEET = min(FLEET, 20)  # each of them takes many times the memory
        cls.lab.init()
        cls.lab.start_server()
        cls.new = cls.make_new()
        cls.lab.package()
        cls.agents = []
        for number in range(1, FLEET + 1):
            agent = cls.lab.install(number)
            agent.start(wait=False)
            cls.agents.append(agent)
        until(lambda: cls.count_of(cls.lab, "verified") == FLEET, f"{FLEET} agents are verified", 240)

    @staticmethod
    def count_of(server, standing):
        return server.json("countersign", "status")["by_standing"].get(standing, 0)

    def held(self):
        """How many agents hold which server's certificate, by their own word."""
        serials = {self.lab.serial(): "old", self.new.serial(): "new"}
        counts = {"old": 0, "new": 0}
        for agent in self.agents:
            counts[serials[agent.serial()]] += 1
        return counts

    def assert_everybody_at(self, server, other):
        until(lambda: self.count_of(server, "verified") == FLEET, "everybody is verified", 240)
        until(lambda: self.count_of(other, "moved") == FLEET, "everybody has a tombstone", 240)
        here = {row["agent"] for row in server.agents("--standing", "verified")}
        self.assertEqual(here, {agent.id for agent in self.agents})
        for agent in self.agents:
            self.assertTrue(agent.process.runs(), f"agent {agent.number} has died")
            self.assertEqual(agent.serial(), server.serial())
            self.assertIn(f"http_port = {server.port}\n", (agent.folder / "agent.toml").read_text())
        orders = server.json("countersign", "order", "send", "--all", "ping", "--wait", "120", timeout=200)["orders"]
        self.assertEqual(len(orders), FLEET)
        for order in orders:  # a receipt may be lost: the order comes again, and was done before
            self.assertIn("done", (order["verdict"], order["earlier"]), order)

    def test_there_and_back_while_the_target_dies(self):
        agents = self.plan(self.lab)
        target = self.expect(self.new, agents)
        self.assert_exit(0, self.start(self.lab, target, "--list", agents, "--rate", f"{max(1, FLEET // 20)}/s"))
        until(lambda: self.lab.json("countersign", "move", "status")["move"]["moved"] >= FLEET // 4, "a quarter has moved",
              240)
        self.new.server.signal(signal.SIGKILL)
        self.new.server.wait()
        done = self.wait(self.lab, 240)
        self.assert_exit(43, done)  # it halts by itself
        status = done.json["move"]
        self.assertGreater(status["failed"], 0)
        self.assertLess(status["moved"], FLEET)
        self.assertLessEqual({reason["reason"] for reason in status["reasons"]}, {"target-not-reached", "interrupted"})
        # Nobody is lost: whoever is not there is here, and obeys.
        held = self.held()
        self.assertEqual(held["old"] + held["new"], FLEET)
        self.assertGreaterEqual(held["new"], FLEET // 4)
        here = self.lab.json("countersign", "status")["by_standing"]
        self.assertEqual(here.get("verified", 0) + here.get("moved", 0), FLEET, here)
        self.new.start_server()
        self.lab.ok("countersign", "move", "resume", "--halt-at", "50%", "--rate", "0")
        self.assert_exit(0, self.wait(self.lab, 240))
        self.assert_everybody_at(self.new, self.lab)

        # And back.
        agents = self.plan(self.new, "back.list")
        target = self.expect(self.lab, agents, "back.json")
        self.assert_exit(0, self.start(self.new, target, "--all", "--rate", "0", password=OTHER))
        self.assert_exit(0, self.wait(self.new, 240))
        self.assert_everybody_at(self.lab, self.new)
        print(json.dumps({"fleet": FLEET, "moved before the target died": held["new"]}))


if __name__ == "__main__":
    lab.main()
