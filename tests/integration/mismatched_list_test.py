"""CertificateManager -l: who is in the list, why, and how it leaves; the file itself; and where it is written."""

import contextlib
import csv
import io
import json
import os
import pty
import re
import signal
import subprocess

import lab
from lab import PASSWORD, Case

COLUMNS = ["agent_id", "host", "address", "port", "domain", "platform", "version", "standing", "reason", "reason_text",
           "since", "next_step", "thumbprint_held", "thumbprint_expected", "generation_held", "last_contact",
           "last_verified", "failures", "reachability", "reachability_since"]
SUCCESS = "Certificate Authentication Manager has successfully listed "
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"


class MismatchedList(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(3)
        cls.right = cls.lab.path / "right.dat"
        cls.lab.ok("CertificateManager", "-e", cls.right)
        other = lab.environment(COUNTERSIGN_DATA=str(cls.lab.path / "other-server"))
        cls.lab.ok("countersign", "server", "init", "--password-file", cls.lab.secret(PASSWORD), env=other)
        cls.other = cls.lab.path / "other.dat"
        cls.lab.ok("CertificateManager", "-e", cls.other, env=other)
        cls.folder = cls.lab.path / "caller's folder"
        cls.folder.mkdir()

    def show(self, path):
        return self.lab.json("countersign", "cert", "show", path)["certificate"]

    def listed(self):
        return {row["agent_id"] for row in self.lab.mismatched()}

    def break_agent(self, agent):
        self.assert_exit(30, agent.renew(self.other, "-no-verify"))
        agent.await_standing("mismatched")

    def mend(self, agent):
        self.assert_exit(0, agent.renew(self.right))
        agent.await_standing("verified")

    def test_1_none(self):
        done = self.lab.run("CertificateManager", "-l", "-", cwd=self.folder)
        self.assert_exit(0, done)
        self.assertEqual(done.out, ",".join(COLUMNS) + "\r\n")
        self.assertEqual(done.err, SUCCESS + "0 agents without a valid certificate.\n")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_2_some_with_every_column(self):
        agent = self.agents[0]
        self.break_agent(agent)
        done = self.assert_exit(22, self.lab.run("CertificateManager", "-l", "-", cwd=self.folder))
        self.assertIn(SUCCESS + "1 agent without", done.err)
        (row,) = csv.DictReader(io.StringIO(done.out, newline=""))
        self.assertEqual(list(row), COLUMNS)
        self.assertEqual((row["agent_id"], row["address"], row["port"]), (agent.id, agent.host, str(agent.port)))
        self.assertEqual((row["domain"], row["standing"], row["reason"]), ("eu/paris", "mismatched", "other-owner"))
        self.assertIn("another owner", row["reason_text"])
        self.assertIn("IpXfer -e OfcNTCer.dat", row["next_step"])
        held, expected = self.show(self.other), self.show(self.right)
        self.assertEqual((row["thumbprint_held"], row["thumbprint_expected"]), (held["sha256"], expected["sha256"]))
        self.assertEqual(row["generation_held"], str(held["generation"]))
        self.assertEqual(row["reachability"], "online")
        for column in ("since", "last_contact", "last_verified", "reachability_since"):
            self.assertRegex(row[column], TIME)
        self.assertRegex(row["failures"], r"^\d+$")
        self.assertTrue(row["host"] and row["platform"] and row["version"])
        # As the console of the reference system says it.
        self.assertIn("One or more agents do not have a valid server certificate.",
                      self.lab.ok("countersign", "status").out)
        self.mend(agent)

    def test_3_where_it_is_written(self):
        """By paths of the caller's folder, though the server runs somewhere else."""
        agent = self.agents[0]
        self.break_agent(agent)
        plain = self.lab.run("CertificateManager", "-l", "-").out.encode()
        for name in ("list.csv", "./Agenten ohne Zertifikat – 一覧.csv", self.folder / "full path.csv", "no ending"):
            for front in (["CertificateManager", "-l"], ["countersign", "cert", "mismatched"]):
                with self.subTest(name=name, front=front):
                    done = self.lab.run(*front, name, cwd=self.folder)
                    self.assert_exit(22, done, SUCCESS + "1 agent ", str(name))
                    self.assertEqual((self.folder / name).read_bytes(), plain)
                    bom = "--bom" if front[0] == "countersign" else "-bom"
                    self.assert_exit(22, self.lab.run(*front, name, bom, cwd=self.folder))  # replaces it
                    self.assertEqual((self.folder / name).read_bytes(), b"\xef\xbb\xbf" + plain)
                    (self.folder / name).unlink()
        done = self.assert_exit(22, self.lab.run("CertificateManager", "-l", "list.csv", "-json", cwd=self.folder))
        self.assertEqual(done.json, {"ok": True, "agents": 1, "file": "list.csv"})
        done = self.assert_exit(22, self.lab.run("CertificateManager", "-l", "-", "-bom"))
        self.assertTrue(done.out.startswith("\ufeffagent_id,"))
        done = self.assert_exit(22, self.lab.run("CertificateManager", "-l", "-", "-json"))
        self.assertEqual(done.out.encode(), plain)
        self.assertEqual(json.loads(done.err), {"ok": True, "agents": 1, "file": "-"})
        self.mend(agent)

    def test_4_what_is_no_file_stays_what_it_is(self):
        for name in (".", "/dev/null", "/dev/stdout", ""):
            with self.subTest(name):
                self.assert_exit(2, self.lab.run("CertificateManager", "-l", name, cwd=self.folder))
        self.assertFalse(lab.Path("/dev/null").is_file())

    def test_5_new_agents_are_in_it_until_they_are_approved(self):
        package = self.lab.package("without-token")
        text = (package / "package.toml").read_text()
        (package / "package.toml").write_text(re.sub(r"(?s)# The token by which.*", "", text))
        agent = self.lab.install(9, package)
        agent.start()
        agent.await_standing("new")
        (row,) = self.lab.mismatched()
        self.assertEqual((row["agent_id"], row["standing"], row["reason"]), (agent.id, "new", "not-admitted"))
        self.assertIn("countersign agents approve", row["next_step"])
        self.lab.ok("countersign", "agents", "approve", agent.id)
        agent.await_standing("verified")
        self.assertEqual(self.listed(), set())

    def test_6_rows_vanish_when_repaired_and_when_forgotten(self):
        repaired, forgotten = self.agents[:2]
        for agent in (repaired, forgotten):
            self.break_agent(agent)
        self.assertEqual(self.listed(), {repaired.id, forgotten.id})
        self.mend(repaired)
        self.assertEqual(self.listed(), {forgotten.id})
        forgotten.stop()
        self.lab.ok("countersign", "agents", "forget", forgotten.id)
        self.assertEqual(self.listed(), set())

    def test_6b_rows_vanish_when_reinstalled(self):
        agent = self.agents[2]
        self.break_agent(agent)
        self.assertIn(agent.id, self.listed())
        agent.stop()
        agent.folder.rename(agent.folder.with_name("agent-before"))
        anew = self.lab.install(agent.number)
        self.assertNotEqual(anew.id, agent.id)
        anew.start()
        anew.await_standing("verified")
        self.assertNotIn(agent.id, self.listed())
        row = self.lab.row(agent.id)
        self.assertEqual((row["standing"], row["reason"], row["successor"]), ("retired", "reinstalled", anew.id))
        self.assertEqual(self.lab.json("countersign", "status")["mismatched"], 0)
        sent = self.lab.run("countersign", "order", "send", "--all", "--no-wait", "--json", "ping").json
        self.assertNotIn(agent.id, [order["agent"] for order in sent["orders"]])
        self.agents[2] = anew

    def test_7_progress_on_a_terminal_where_it_takes_longer(self):
        """A server that does not answer for now: a line on standard error, gone again in the end; none in a file."""
        terminal, screen = pty.openpty()
        self.lab.server.signal(signal.SIGSTOP)
        try:
            listing = subprocess.Popen([lab.PROGRAMS / "CertificateManager", "-l", self.folder / "slow.csv"],
                                       stdout=subprocess.PIPE, stderr=screen,
                                       env=lab.environment(COUNTERSIGN_DATA=str(self.lab.data)))
            os.close(screen)
            said = b""
            while b"reading the agents ... " not in said:
                said += os.read(terminal, 4096)
        finally:
            self.lab.server.signal(signal.SIGCONT)
        out = listing.communicate(timeout=60)[0]
        with contextlib.suppress(OSError):  # the terminal ends with the program
            while part := os.read(terminal, 4096):
                said += part
        os.close(terminal)
        self.assertIn(listing.returncode, (0, 22))
        self.assertRegex(said, rb"\r +\r$")
        self.assertNotIn(b"reading", out)

    def test_8_stopped_server(self):
        before = self.lab.run("CertificateManager", "-l", "-")
        self.lab.server.stop()
        after = self.lab.run("CertificateManager", "-l", "-")
        self.assertEqual((after.code, after.out), (before.code, before.out))
        self.assertIn(SUCCESS, after.err)


if __name__ == "__main__":
    lab.main()
