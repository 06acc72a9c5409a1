"""Rollouts on real daemons: plan, waves, rate, halt, pause, gate, abort, rollback, and a server that is killed at each of them.

Throughout, orders reach everybody.
"""

import contextlib
import os
import pty
import sqlite3
import subprocess
import time

import lab
from lab import IS_ROOT, PASSWORD, Case, environment, until

DOMAINS = {1: "eu/paris", 2: "eu/paris", 3: "eu/rome", 4: "us", 5: "us/boston"}
# Puts a distrust list into the /etc of one process: sh -c … sh SCRATCH LIST PROGRAM ….
WITH_DISTRUST = """set -e
scratch=$1; list=$2; shift 2
rm -rf "$scratch/etc"; mkdir -p "$scratch/real" "$scratch/etc"
mount --rbind /etc "$scratch/real"
for file in /etc/*; do ln -s "$scratch/real/${file##*/}" "$scratch/etc/"; done
rm -f "$scratch/etc/countersign"; mkdir "$scratch/etc/countersign"; cp "$list" "$scratch/etc/countersign/distrust"
mount --bind "$scratch/etc" /etc
exec "$@"
"""
NAMESPACE = ("unshare", "-m") if IS_ROOT else ("unshare", "-rm")


def has_namespaces():
    probe = (*NAMESPACE, "mount", "--rbind", "/etc", "/mnt")
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


class Rollouts(Case):
    @classmethod
    def prepare(cls):
        here = cls.lab
        here.init()
        here.start_server()
        cls.agents = {}
        for number, domain in DOMAINS.items():
            package = here.path / domain.replace("/", "-")
            if not package.exists():
                here.ok("countersign", "agents", "package", "--no-programs", "-o", package, "--domain", domain)
            cls.agents[number] = here.install(number, package)
            cls.agents[number].start(wait=False)
        for agent in cls.agents.values():
            agent.await_standing("verified")
        cls.secret = here.secret(PASSWORD)

    # Help.

    def rollout(self, *args):
        return self.lab.run("countersign", "rollout", *args)

    def start(self, *args):
        """Starts one; returns the serial number of its certificate."""
        password = () if "--reserve" in args else ("--password-file", self.secret)
        return self.lab.json("countersign", "rollout", "start", *password, *args)["certificate"]["serial"]

    def now(self):
        """The rollout that is under way, or {}."""
        return self.rollout("status").json.get("rollout", {})

    def await_state(self, state):
        until(lambda: self.now().get("state") == state, f"the rollout is {state}")

    def await_end(self, state):
        until(lambda: not self.now(), "no rollout is under way")
        self.assertEqual(self.rollout("status").json["earlier"][0]["state"], state)

    def await_taken(self, count):
        until(lambda: self.now().get("taken") == count, f"{count} agents have taken it over")

    def holders(self, serial):
        return [number for number, agent in self.agents.items() if agent.serial() == serial]

    def assert_everybody_obeys(self, *away):
        """An order reaches everybody, those excepted that are away."""
        ids = [("--agent", agent.id) for number, agent in self.agents.items() if number not in away]
        done = self.lab.run("countersign", "order", "send", *(word for pair in ids for word in pair), "ping")
        self.assert_exit(0, done)

    def kill_server(self):
        """The server dies and comes back; the rollout stands where it stood."""
        before = self.now().get("state")
        self.lab.server.kill()
        self.lab.start_server()
        self.assertEqual(self.now().get("state"), before)

    def ids(self, names):
        return sorted(name["agent"] for name in names)

    def id_list(self, *numbers):
        return sorted(self.agents[number].id for number in numbers)

    def registry(self):
        """Everything in the registry but what agents' own messages change."""
        with contextlib.closing(sqlite3.connect(f"file:{self.lab.data / 'registry.db'}?mode=ro", uri=True)) as base:
            tables = ("certificates", "rollouts", "offers", "orders", "events", "tokens")
            return {table: sorted(base.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in tables}

    # Tests, in this order.

    def test_01_the_plan_is_a_dry_run(self):
        before, keys = self.registry(), sorted(os.listdir(self.lab.data / "keys"))
        plan = self.rollout("plan", "--canary", "20%", "--json").json
        self.assertEqual((plan["fleet"]["agents"], plan["fleet"]["at_once"], plan["canary"]), (5, 5, 1), plan)
        self.assertNotIn("names", plan)
        domains = {domain["domain"]: domain["agents"] for domain in plan["fleet"]["domains"]}
        self.assertEqual(domains, {"eu/paris": 2, "eu/rome": 1, "us": 1, "us/boston": 1})
        self.assertEqual(self.rollout("plan", "--domain", "eu", "--json").json["canary"], 3)
        self.assertEqual(self.rollout("plan", "--domain", "eu/paris", "--domain", "us", "--json").json["canary"], 4)
        text = self.assert_exit(0, self.rollout("plan", "--names", "at-once")).out
        for agent in self.agents.values():
            self.assertIn(agent.id, text)
        self.assertEqual(self.rollout("plan", "--names", "hands", "--json").json["names"], [])
        self.assert_exit(2, self.rollout("plan", "--names", "nonsense"))
        self.assertEqual(self.registry(), before)
        self.assertEqual(sorted(os.listdir(self.lab.data / "keys")), keys)

    def test_02_what_makes_no_sense_is_refused_before_anything_is_done(self):
        before = self.registry()["certificates"]
        start = ("start", "--password-file", self.secret)
        for share in ("5", "0%", "101%", "x%"):
            self.assert_exit(2, self.rollout(*start, "--canary", share), "a share is like")
            self.assert_exit(2, self.rollout(*start, "--halt-at", share), "a share is like")
        self.assert_exit(2, self.rollout(*start, "--soak", "soon"), "a duration is like")
        self.assert_exit(2, self.rollout(*start, "--rate", "-1"))
        self.assert_exit(2, self.rollout(*start, "--reserve"))
        self.assert_exit(2, self.rollout("start", "--canary", "5%"), "password")
        wrong = self.lab.secret("a wrong password")
        self.assert_exit(6, self.rollout("start", "--password-file", wrong), "automatic backup")
        for command in ("pause", "resume", "finish", "abort"):
            self.assert_exit(3, self.rollout(command, "--json"))
        self.assert_exit(3, self.rollout("rollback", "--password-file", self.secret))
        status = self.assert_exit(0, self.rollout("status")).json
        self.assertEqual((status["earlier"], status["kept"]), ([], []))
        self.assertNotIn("rollout", status)
        self.assert_exit(0, self.rollout("status", "--wait", "1s", "--json"))
        self.assertEqual(self.registry()["certificates"], before)

    def test_03_canary_by_share_waits_for_its_time_and_goes_on_when_told(self):
        active = self.lab.serial()
        serial = self.start("--canary", "20%", "--soak", "1h")
        self.assertEqual(self.lab.serial(), active, "the certificate in use stays in use")
        self.assert_exit(7, self.rollout("start", "--password-file", self.secret))
        self.await_taken(1)
        self.assertEqual(self.now()["state"], "canary")
        self.assertEqual(len(self.holders(serial)), 1)
        self.assertEqual(len(self.holders(active)), 4)
        self.kill_server()
        self.assert_everybody_obeys()
        self.assertEqual(self.lab.mismatched(), [])
        text = self.assert_exit(0, self.rollout("status", "--once"), "canary", "1 of 5 agents").out
        self.assertIn("20% of the agents", text)
        self.assert_exit(9, self.rollout("status", "--wait", "1s"))
        self.assert_exit(0, self.rollout("resume"))
        self.assert_exit(0, self.rollout("status", "--wait", "60s"))
        self.await_end("finished")
        self.assertEqual(self.lab.serial(), serial)
        self.assertEqual(self.holders(serial), [1, 2, 3, 4, 5])
        self.assert_exit(3, self.rollout("resume"))

    def test_04_canary_by_domain_goes_on_by_itself(self):
        serial = self.start("--domain", "us", "--soak", "0s")
        self.await_end("finished")
        self.assertEqual(self.lab.serial(), serial)
        kinds = [event["kind"] for event in self.lab.json("countersign", "events", "list")["events"]]
        kinds = [kind for kind in kinds if kind.startswith("rollout-")]
        self.assertEqual(kinds[-3:], ["rollout-started", "rollout-rolling", "rollout-finished"], kinds)
        self.assert_everybody_obeys()

    def test_05_on_a_terminal_a_bar_and_ctrl_c_ends_only_the_watching(self):
        self.start("--domain", "us/boston")
        self.await_taken(1)
        pid, terminal = pty.fork()
        if pid == 0:
            env = environment(COUNTERSIGN_DATA=str(self.lab.data))
            os.execvpe("countersign", ["countersign", "rollout", "status"], env)
        said, asked = b"", False
        with contextlib.suppress(OSError):  # the terminal ends with the program
            while part := os.read(terminal, 4096):
                said += part
                if not asked and b"1/5 have it" in said:
                    os.write(terminal, b"\x03")
                    asked = True
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, said)
        self.assertIn("\rcanary [####....................] 1/5 have it", said.decode())
        self.assertIn("goes on by itself", said.decode())
        self.assertEqual(self.now()["state"], "canary")

    def test_06_pause_resume_and_rate(self):
        self.assert_exit(0, self.rollout("pause", "--json"))
        self.assertEqual(self.now()["state"], "paused")
        self.assert_exit(7, self.rollout("pause"))
        self.assert_exit(24, self.rollout("status", "--wait", "60s"))
        self.kill_server()
        self.assert_everybody_obeys()
        code, text = self.lab.at_terminal([], "countersign", "rollout", "status")
        self.assertEqual(code, 0, text)
        self.assertIn("countersign rollout resume", text)
        self.assertEqual(self.rollout("resume", "--rate", "1", "--json").json["rollout"]["state"], "canary")
        self.assert_exit(0, self.rollout("resume"))  # from the canary to everybody
        # One agent in the first hour: two have it, whoever reports meanwhile.
        self.await_taken(2)
        self.assert_exit(0, self.lab.run("countersign", "order", "send", "--all", "update-now"))
        self.kill_server()
        self.assert_everybody_obeys()
        now = self.now()
        self.assertEqual((now["state"], now["taken"], now["rate"]), ("rolling", 2, 1), now)
        self.assert_exit(0, self.rollout("resume"))  # asks anew who refused: nobody here
        self.assert_exit(0, self.rollout("pause"))
        self.assertEqual(self.rollout("resume", "--rate", "0", "--json").json["rollout"]["rate"], 0)
        self.await_end("finished")

    def test_07_it_halts_by_itself_when_an_agent_refuses(self):
        if not has_namespaces():
            self.skipTest("an agent's own /etc needs a mount namespace")
        certificates = self.lab.json("countersign", "cert", "list")["certificates"]
        (reserve,) = [certificate for certificate in certificates if certificate["state"] == "reserve"]
        distrust = self.lab.path / "distrust"
        distrust.write_text(reserve["sha256"] + "\n")
        refusing = self.agents[5]
        refusing.stop()
        refusing.start(*NAMESPACE, "sh", "-c", WITH_DISTRUST, "sh", self.lab.path / "etc5", distrust)
        serial = self.start("--reserve", "--domain", "us")
        self.assertEqual(serial, reserve["serial"])
        self.await_state("halted")
        self.assert_exit(24, self.rollout("status", "--wait", "60s"))
        self.assertRegex(self.now()["why"], "^1 of [12] agents")  # the other one may not have answered yet
        self.kill_server()
        self.assert_everybody_obeys()
        hands = self.rollout("plan", "--names", "hands", "--json").json
        self.assertEqual([(name["agent"], name["reason"]) for name in hands["names"]], [(refusing.id, "distrusted")])
        # It refuses again.
        self.assert_exit(0, self.rollout("resume"))
        self.await_state("halted")
        self.assert_exit(0, self.rollout("resume", "--halt-at", "50%"))
        until(lambda: self.now()["refused"] == 1, "it has refused a third time")
        self.assert_exit(0, self.rollout("resume"))
        self.await_taken(4)
        self.assert_everybody_obeys()
        until(lambda: self.now()["refused"] == 1, "it has refused once more")
        time.sleep(1.1)  # who refuses in the second in which the gate is shown counts as not shown
        gate = self.assert_exit(24, self.rollout("finish", "--json")).json
        self.assertEqual((gate["done"], gate["fleet"]["hands"]), (False, 1), gate)
        self.assertEqual(self.ids(gate["names"]), self.id_list(5))
        self.assertTrue(gate["names"][0]["next"])
        self.kill_server()
        self.assert_exit(0, self.rollout("finish", "--accept"), serial)
        self.assertEqual(self.lab.serial(), serial)
        self.assert_everybody_obeys(5)
        refusing.stop()
        refusing.start()  # without the list
        refusing.await_standing("verified")
        self.assertEqual(refusing.serial(), serial)

    def test_08_an_agent_that_is_away_is_named_and_heals_when_it_returns(self):
        away = self.agents[3]
        away.stop()
        serial = self.start()
        self.await_taken(4)
        done = self.assert_exit(24, self.rollout("finish"), "1 of 5 agents", away.id, "--accept")
        self.assertIn("by themselves", done.out)
        self.assertNotEqual(self.lab.serial(), serial)
        done = self.assert_exit(0, self.rollout("finish", "--accept"), "finished the rollout", serial, "1 without it take it over")
        self.assertEqual(self.lab.serial(), serial)
        self.assert_everybody_obeys(3)
        away.start()
        until(lambda: away.serial() == serial, "it takes the certificate over when it is back")
        self.assert_everybody_obeys()

    def test_09_accept_without_having_seen_the_gate_shows_it(self):
        self.start("--domain", "us")
        self.await_taken(2)
        self.assert_exit(24, self.rollout("finish", "--accept", "--json"))
        self.assertEqual(self.now()["state"], "canary")

    def test_10_abort_names_the_holders_and_keeps_their_key(self):
        active = self.lab.serial()
        aborted = self.assert_exit(0, self.rollout("abort", "--json")).json
        self.assertEqual(self.ids(aborted["names"]), self.id_list(4, 5))
        self.await_end("aborted")
        self.assertEqual(self.lab.serial(), active)
        (kept,) = self.rollout("status").json["kept"]
        self.assertEqual(kept["agents"], 2)
        self.assert_everybody_obeys()
        self.kill_server()
        self.assert_everybody_obeys()
        self.assertEqual(len(self.holders(kept["serial"])), 2)
        self.assertIn(kept["serial"], self.rollout("status", "--once").out)

    def test_11_the_holders_are_given_up_only_when_told_and_the_next_certificate_brings_them_back(self):
        (kept,) = self.rollout("status").json["kept"]
        seen = self.assert_exit(24, self.rollout("abort", "--json")).json
        self.assertEqual(self.ids(seen["names"]), self.id_list(4, 5))
        self.assert_everybody_obeys()
        done = self.assert_exit(0, self.rollout("abort", "--accept"), self.agents[4].id, "obey nobody")
        self.assertIn(self.agents[5].id, done.out)
        self.assertEqual(self.rollout("status").json["kept"], [])
        self.assertEqual(sorted(row["agent_id"] for row in self.lab.mismatched()), self.id_list(4, 5))
        code, _ = self.lab.order(self.agents[4].id, "ping", "--wait", "1")
        self.assertNotEqual(code, 0)
        self.assert_everybody_obeys(4, 5)
        self.lab.replace()
        self.assert_everybody_obeys()
        self.assertNotIn(kept["serial"], [agent.serial() for agent in self.agents.values()])

    def test_12_rollback_is_a_new_certificate_for_the_earlier_key(self):
        certificate = self.lab.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat"
        key = ("openssl", "x509", "-inform", "DER", "-in", certificate, "-noout", "-pubkey")
        before, active = self.lab.ok(*key).out, self.lab.serial()
        serial = self.start("--domain", "us")
        self.await_taken(2)
        wrong = self.lab.secret("a wrong password")
        self.assert_exit(6, self.rollout("rollback", "--password-file", wrong))
        self.assertEqual(self.now()["state"], "canary")
        self.assert_exit(0, self.rollout("rollback", "--password-file", self.secret), "rolled back")
        self.assertEqual(self.lab.ok(*key).out, before)
        self.assertNotIn(self.lab.serial(), (active, serial))
        self.await_end("aborted")
        self.assert_everybody_obeys()
        self.assert_exit(0, self.lab.run("countersign", "order", "send", "--all", "update-now"))
        self.assertEqual(self.holders(self.lab.serial()), [1, 2, 3, 4, 5])
        self.lab.server.kill()
        self.lab.start_server()  # it looks at its start, and every half minute
        until(lambda: not self.rollout("status").json["kept"], "nobody can hold the aborted one, and its key is destroyed")

    def test_13_a_plain_c_ends_a_rollout(self):
        self.start("--domain", "us")
        self.await_taken(2)
        self.lab.replace()
        self.await_end("aborted")
        self.assert_everybody_obeys()
        self.assert_exit(0, self.lab.run("countersign", "order", "send", "--all", "update-now"))
        self.assertEqual(self.holders(self.lab.serial()), [1, 2, 3, 4, 5])
        self.assertEqual(self.lab.mismatched(), [])
        self.assert_exit(0, self.lab.run("countersign", "events", "verify"))

    def test_14_a_rollout_is_begun_and_ended_while_the_server_is_stopped(self):
        self.lab.server.stop()
        serial = self.start("--domain", "us")
        code, text = self.lab.at_terminal([], "countersign", "rollout", "status")
        self.assertEqual(code, 0, text)
        self.assertIn("The server is not running", text)
        self.lab.start_server()
        self.await_taken(2)
        self.assertEqual(self.holders(serial), [4, 5])
        self.lab.server.stop()
        # What is given up has to have been seen.
        self.assert_exit(24, self.rollout("abort", "--accept"), self.agents[4].id, self.agents[5].id)
        self.lab.start_server()
        self.assert_everybody_obeys()
        self.lab.replace()

    def test_15_silence_leads_to_the_gate_and_a_kill_there_changes_nothing(self):
        if lab.sanitized():
            self.skipTest("faketime and the sanitizers' allocators do not get along")
        away = self.agents[3]
        away.stop()
        serial = self.start()
        self.await_taken(4)
        self.lab.server.stop()
        ahead = lab.faked("+10m")
        self.lab.start_server(env=ahead)
        self.await_state("gate")
        self.assert_exit(24, self.rollout("status", "--wait", "60s"))
        self.lab.server.kill()
        self.lab.start_server(env=ahead)
        self.assertEqual(self.now()["state"], "gate")
        self.assert_everybody_obeys(3)
        gate = self.assert_exit(24, self.rollout("finish", "--json")).json
        self.assertEqual(self.ids(gate["names"]), self.id_list(3))
        away.start()
        self.await_end("finished")  # all have it now: nobody has to accept anything
        self.assertEqual(self.lab.serial(), serial)
        self.assert_everybody_obeys()


if __name__ == "__main__":
    lab.main()
