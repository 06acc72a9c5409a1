"""Exit codes and JSON of every command, as docs/exit-codes.md has them, with a running and with a stopped server."""

import csv
import os
import re
import unittest

import lab
from lab import IS_ROOT, NOBODY, PASSWORD, Case

UNKNOWN_ID = "00000000-0000-8000-8000-000000000000"
COLUMNS = ["agent_id", "host", "address", "port", "domain", "platform", "version", "standing", "reason", "reason_text",
           "since", "next_step", "thumbprint_held", "thumbprint_expected", "generation_held", "last_contact",
           "last_verified", "failures", "reachability", "reachability_since"]

# (command line, exit code). {data}, {agent}, {id} and {path} are filled in; run with a running and a stopped server.
USAGE = [
    ("countersign", 2),
    ("countersign frobnicate", 2),
    ("countersign frobnicate --json", 2),
    ("countersign agents list --standing verifed --json", 2),
    ("countersign order send --json", 2),
    ("CertificateManager -frobnicate -json", 2),
    ("IpXfer -frobnicate -json", 2),
    ("countersign-agentd frobnicate --json", 2),
    ("countersign --help", 0),
    ("countersign --version", 0),
    ("countersign server", 2),
    ("countersign server init --no-such-option", 2),
    ("countersign agents", 2),
    ("countersign agents show", 2),
    ("countersign agents show no-id --json", 2),
    ("countersign agents approve no-id --json", 2),
    ("countersign agents package", 2),
    ("countersign agents package -o {path}/x.rpm --no-programs --json", 2),
    ("countersign agents package -o {path}/past --no-programs --until 2020-01-01 --json", 2),
    ("countersign agents repair-kit --standing bogus -o {path}/kit.zip --json", 2),
    ("countersign server init --public-host münchen.example --data {path}/never --json", 2),
    ("countersign order send ping --json", 2),
    ("countersign order send --all --agent {id} ping", 2),
    ("countersign order send --agent no-id ping --no-wait --json", 2),
    ("countersign order send --agent {id} Not-an-act --no-wait --json", 2),
    ("countersign order send --agent {id} ping --args [1] --no-wait --json", 2),
    ("countersign order send --agent {id} ping --no-wait --expires -1 --json", 2),
    ("countersign order send --agent {id} ping --no-wait --wait 3", 2),
    ("countersign cert replace --password-file /dev/null --json", 2),
    ("CertificateManager", 2),
    ("CertificateManager -help", 0),
    ("CertificateManager -x", 2),
    ("CertificateManager -c", 2),
    ("CertificateManager -c a -l b -json", 2),
    ("CertificateManager -ine onlyone", 2),
    ("CertificateManager -b onlyone", 2),
    ("CertificateManager -r onlyone", 2),
    ("CertificateManager -re onlyone -json", 2),
    ("CertificateManager -e", 2),
    ("CertificateManager -l", 2),
    ("CertificateManager -e {path} -bom -json", 2),
    ("CertificateManager -e -json", 2),
    ("CertificateManager -c - -json", 2),
    ("CertificateManager -version", 0),
    ("countersign cert", 2),
    ("countersign cert export", 2),
    ("countersign cert import", 2),
    ("countersign cert restore", 2),
    ("countersign cert backup", 2),
    ("countersign cert mismatched", 2),
    ("countersign cert import {path}/admin.pfx --json", 2),
    ("countersign cert backup {path}/x.zip --json", 2),
    ("countersign cert replace --password-fd x --json", 2),
    ("countersign backup", 2),
    ("countersign backup verify --json", 2),
    ("countersign backup drill --json", 2),
    ("countersign server init --data {path}/never --json", 2),
    ("IpXfer", 2),
    ("IpXfer -help", 0),
    ("IpXfer -s server", 2),
    ("IpXfer -json", 2),
    ("countersign-agentd --no-such-option", 2),
    ("countersign-agentd install", 2),
    ("countersign-agentd --agent-folder {path}/new install --from {path}/package --listen name:1 --json", 2),
    ("countersign-agentd --agent-folder {path}/new install --from {path}/package --listen 127.0.77.3:99999 --json", 2),
    ("countersignd --no-such-option", 2),
]
NOT_FOUND = [
    ("countersign --data {path}/nowhere status --json", 3),
    ("CertificateManager -data {path}/nowhere -l {path}/x.csv -json", 3),
    ("countersignd --data {path}/nowhere", 3),
    ("countersign-agentd --agent-folder {path}/nowhere", 3),
    ("countersign-agentd --agent-folder {path}/nowhere status --json", 3),
    ("countersign-agentd --agent-folder {path}/new install --from {path}/nowhere --json", 3),
    ("IpXfer -agent-folder {agent} -e {path}/nowhere.dat -json", 3),
    ("IpXfer -agent-folder {path}/nowhere -e {path}/right.dat -json", 3),
    ("IpXfer -agent-folder {agent} -e {path}/right.dat -warrant {path}/nowhere -json", 3),
    ("IpXfer -agent-folder {agent} -e {path}/right.dat -pwd-file {path}/nowhere -json", 3),
    ("countersign-agentd --agent-folder {path}/nowhere update-now --json", 3),
    ("countersign agents show " + UNKNOWN_ID + " --json", 3),
    ("countersign agents approve " + UNKNOWN_ID + " --json", 3),
    ("countersign agents forget " + UNKNOWN_ID + " --json", 3),
    ("countersign order send --agent " + UNKNOWN_ID + " ping --no-wait --json", 3),
    ("CertificateManager -ine password {path}/nowhere.pfx -json", 3),
    ("CertificateManager -r password {path}/nowhere.zip -json", 3),
    ("CertificateManager -re password {path}/nowhere.zip -json", 3),
    ("CertificateManager -i password {path}/nowhere.pfx -json", 3),
    ("CertificateManager -b password-for-it {path}/nowhere/x.zip -json", 3),
    ("CertificateManager -c -password-file {path}/nowhere -json", 3),
    ("countersign cert show {path}/nowhere.dat --json", 3),
    ("countersign cert import {path}/nowhere.pfx --password-file {secret} --json", 3),
    ("countersign cert restore {path}/nowhere.zip --password-file {secret} --json", 3),
    ("countersign cert mismatched {path}/nowhere/x.csv --json", 3),
    ("countersign backup verify {path}/nowhere.dat --password-file {secret} --json", 3),
    ("CertificateManager -e {path}/nowhere/x.dat -json", 3),
    ("CertificateManager -l {path}/nowhere/x.csv -json", 3),
]
OTHERS = [
    ("countersign server init --password-file {secret} --json", 4),
    ("CertificateManager -b password-for-it {path}/nonsense -json", 4),
    ("countersign cert backup {path}/nonsense --password-file {secret} --json", 4),
    ("CertificateManager -b password-for-it {path}/x.zip -json", 7),
    ("countersign cert backup {path}/x.zip --password-file {secret} --json", 7),
    ("CertificateManager -ine {pfxword} {path}/admin.pfx -json", 7),
    ("countersign cert import {path}/admin.pfx --password-file {pfxsecret} --json", 7),
    ("CertificateManager -i wrong-password-here {path}/admin.pfx -json", 6),
    ("CertificateManager -r wrong-password-here {path}/admin.pfx -json", 6),
    ("CertificateManager -re wrong-password-here {path}/admin.pfx -json", 6),
    ("countersign cert import {path}/admin.pfx --password-file {wrong} --json", 6),
    ("countersign backup verify --password-file {wrong} --json", 6),
    ("countersign backup verify {path}/admin.pfx --password-file {wrong} --json", 6),
    ("countersign backup drill --password-file {wrong} --json", 6),
    ("CertificateManager -c wrong-password-here -json", 6),
    ("CertificateManager -ine wrong-password-here {path}/admin.pfx -json", 6),
    ("countersign cert replace --password-file {wrong} --json", 6),
    ("countersign backup password --password-file {wrong} --new-password-file {secret} --json", 6),
    ("CertificateManager -i password {path}/nonsense -json", 13),
    ("CertificateManager -r password {path}/nonsense -json", 13),
    ("CertificateManager -re password {path}/nonsense -json", 13),
    ("countersign cert show {path}/nonsense --json", 13),
    ("countersign cert show {path}/admin.pfx --json", 13),
    ("countersign backup verify {path}/nonsense --password-file {secret} --json", 13),
    ("CertificateManager -ine password {path}/nonsense -json", 13),
    ("IpXfer -agent-folder {agent} -e {path}/nonsense -json", 13),
    ("IpXfer -agent-folder {agent} -e {path}/admin.pem -json", 13),
    ("IpXfer -agent-folder {agent} -e {path} -json", 13),
    ("IpXfer -agent-folder {agent} -e {path}/right.dat -warrant {path}/right.dat -json", 42),
    ("IpXfer -agent-folder {agent} -e {path}/right.dat -warrant {path} -json", 42),
    ("countersign-agentd --agent-folder {path}/new install --from {path}/nonsense --json", 13),
    ("countersign-agentd --json --agent-folder {agent} unload-password clear --warrant {path}/right.dat", 42),
    ("countersign-agentd --agent-folder {path}/new install --from {path}/bad-package --json", 13),
]
NAMES = {1: "internal", 2: "usage", 3: "not-found", 4: "already-exists", 5: "permission-denied", 6: "wrong-password",
         7: "refused", 42: "refused", 8: "unavailable", 9: "timed-out", 10: "exhausted", 11: "damaged", 12: "io", 13: "malformed"}
# Every command that only reads: exit code 0, and one JSON object that says ok.
READING = ["countersign status", "countersign events list", "countersign events verify",
           "countersign events history", "countersign agents list", "countersign agents list --mismatched",
           "countersign agents list --standing verified",
           "countersign agents list --standing arriving --standing moved", "countersign agents show {id}", "countersign cert list",
           "countersign cert show", "countersign cert show {path}/right.dat", "countersign cert show {path}/admin.pem",
           "countersign cert mismatched {path}/list.csv", "countersign backup status",
           "countersign backup verify --password-file {secret}", "countersign backup drill --password-file {secret}",
           "countersign cert export {path}/exported.dat", "CertificateManager -e {path}/exported.dat",
           "CertificateManager -l {path}/list.csv", "countersign agents package --no-programs -o {path}/package2.tar.gz",
           "countersign-agentd --agent-folder {agent} status"]


class ExitCodes(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        (cls.agent,) = cls.lab.start_agents(1)
        # The automatic backup lists the agents that were admitted when its password was last given.
        cls.lab.replace()
        cls.lab.ok("countersign", "order", "send", "--all", "update-now")
        cls.lab.make_pfx("admin", password="pfx-password")
        (cls.lab.path / "nonsense").write_text("this is nothing")
        (cls.lab.path / "right.dat").write_bytes((cls.agent.folder / "OfcNTCer.dat").read_bytes())
        (cls.lab.path / "bad-package").mkdir()
        (cls.lab.path / "bad-package/package.toml").write_text("surprise = 1\n")
        (cls.lab.path / "bad-package/OfcNTCer.dat").write_text("nothing")

    def words(self, line):
        here = self.lab
        known = {"path": here.path, "agent": self.agent.folder, "id": self.agent.id, "data": here.data,
                 "secret": here.secret(PASSWORD), "wrong": here.secret("wrong password here"),
                 "pfxword": "pfx-password", "pfxsecret": here.secret("pfx-password")}
        return [word.format(**known) for word in line.split()]

    def try_all(self, cases):
        for line, code in cases:
            with self.subTest(line):
                done = self.lab.run(*self.words(line))
                self.assert_exit(code, done)
                if code and "json" in line:
                    self.assertEqual(done.json.get("ok"), False, done)
                    self.assertEqual(done.json.get("code"), NAMES[code], done)
                    self.assertTrue(done.json.get("message"), done)
                    if line.startswith(("IpXfer", "countersign-agentd")):
                        self.assertTrue(done.json.get("next"), done)
                if code:
                    self.assertTrue(done.out + done.err, "a failure says something")

    def read_all(self):
        for line in READING:
            with self.subTest(line):
                done = self.lab.run(*self.words(line), "-json" if line.startswith("C") else "--json")
                self.assert_exit(0, done)
                self.assertIs(done.json.get("ok"), True, done)
                plain = self.lab.run(*self.words(line))
                self.assert_exit(0, plain)
                self.assertFalse(plain.out.startswith("{"), plain)

    def state(self):
        """Everything of the server and the agent that a refused command must not change."""
        files = {}
        for folder in (self.lab.data / "keys", self.lab.data / "AuthCertBackup", self.lab.data / "certificates",
                       self.lab.data / "PCCSRV/Pccnt"):
            for path in sorted(folder.rglob("*")):
                files[path] = path.read_bytes() if path.is_file() else None
        trust = self.agent.folder / "trust"
        files[trust] = trust.read_bytes()
        return files

    def test_1_running(self):
        before = self.state()
        self.try_all(USAGE + NOT_FOUND + OTHERS)
        self.assertEqual(self.state(), before)
        self.read_all()

    def test_2_wrong_password_names_the_password_and_changes_nothing(self):
        before, serial = self.state(), self.lab.serial()
        done = self.lab.run("CertificateManager", "-c", "not the password of it")
        self.assert_exit(6, done, "automatic backup")
        self.assertNotIn("not the password of it", done.out + done.err)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.lab.json("countersign", "status")["certificate"]["serial"], serial)

    def test_3_backup_that_would_not_bring_everything_back(self):
        copy = self.lab.path / "earlier.dat"
        copy.write_bytes((self.lab.data / "AuthCertBackup/OfficeScanAuth.dat").read_bytes())
        self.lab.replace()
        for extra in ([], ["--json"]):
            done = self.lab.run("countersign", "backup", "verify", copy, "--password-file", self.lab.secret(PASSWORD), *extra)
            self.assert_exit(23, done)
        self.assertTrue(done.json["ok"] and done.json["problems"], done)
        self.assertFalse(done.json["automatic"])
        done = self.lab.run("countersign", "backup", "verify", "--password-file", self.lab.secret(PASSWORD), "--json")
        self.assertTrue(self.assert_exit(0, done).json["automatic"])
        self.lab.ok("countersign", "order", "send", "--all", "update-now")

    def test_3_refused(self):
        stranger = self.lab.path / "package-stranger"
        self.lab.package(stranger.name)
        text = (stranger / "package.toml").read_text()
        (stranger / "package.toml").write_text(text.split("[enrol]")[0].rsplit("#", 1)[0])
        agent = self.lab.install(9, stranger)
        agent.start()
        agent.await_standing("new")
        done = self.lab.run("countersign", "order", "send", "--json", "--agent", agent.id, "ping")
        self.assert_exit(7, done, "not admitted")
        self.assertEqual([row["agent_id"] for row in self.lab.mismatched()], [agent.id])  # new ones are in the list
        self.assert_exit(0, self.lab.run("countersign", "agents", "approve", agent.id, "--json"))
        agent.await_standing("verified")
        self.assertEqual(self.lab.order(agent.id)[0], 0)
        self.assert_exit(0, self.lab.run("countersign", "agents", "forget", agent.id, "--json"))
        done = self.lab.run("countersign", "agents", "approve", agent.id, "--json")
        self.assert_exit(7, done)
        agent.stop()

    def test_4_orders_not_done_and_not_ended(self):
        code, order = self.lab.order(self.agent.id, "dance")
        self.assertEqual((code, order["verdict"]), (20, "unknown-action"))
        code, order = self.lab.order(self.agent.id, "ping", "--args", '{"a":1}')
        self.assertEqual((code, order["verdict"]), (20, "failed"))
        self.agent.stop()
        code, order = self.lab.order(self.agent.id, "ping", "--wait", "1")
        self.assertEqual((code, order["verdict"]), (21, ""))
        code, order = self.lab.order(self.agent.id, "ping", "--no-wait")
        self.assertEqual(code, 0)
        self.agent.start()

    def test_5_csv(self):
        path = self.lab.path / "list.csv"
        self.assert_exit(0, self.lab.run("CertificateManager", "-l", path, "-bom"))
        octets = path.read_bytes()
        self.assertTrue(octets.startswith(b"\xef\xbb\xbfagent_id,"))
        self.lab.ok("CertificateManager", "-l", path)
        octets = path.read_bytes()
        self.assertTrue(octets.startswith(b"agent_id,"))
        self.assertTrue(octets.endswith(b"\r\n"))
        # One that came with a package for nobody, from a domain that a spreadsheet would compute.
        package = self.lab.path / "package-odd"
        self.lab.ok("countersign", "agents", "package", "--no-programs", "-o", package, "--domain", '=HYPERLINK("x"),"y"')
        text = (package / "package.toml").read_text()
        (package / "package.toml").write_text(re.sub(r"(?s)# The token by which.*", "", text))
        agent = self.lab.install(8, package)
        agent.start()
        agent.await_standing("new")
        with open(path, newline="", encoding="utf-8") as file:
            self.assertEqual(next(csv.reader(file)), COLUMNS)
        (row,) = [row for row in self.lab.mismatched() if row["agent_id"] == agent.id]
        self.assertEqual(list(row), COLUMNS)
        self.assertEqual(row["domain"], "'" + '=HYPERLINK("x"),"y"')
        self.assertEqual((row["standing"], row["reason"], row["address"]), ("new", "not-admitted", agent.host))
        self.assertRegex(row["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("approve", row["next_step"])
        agent.stop()
        self.lab.ok("countersign", "agents", "forget", agent.id)

    @unittest.skipUnless(IS_ROOT, "needs root to become another user")
    def test_6_another_user_is_refused(self):
        self.refuse_another_user()

    def refuse_another_user(self):
        self.lab.path.chmod(0o755)
        for line in ("countersign status --json", "CertificateManager -c anything -json", "CertificateManager -l /tmp/x -json",
                     "CertificateManager -b anything-of-its-own {path}/x.zip -json", "CertificateManager -e {path}/x.dat -json",
                     "CertificateManager -r anything {path}/admin.pem -json", "CertificateManager -re anything {path}/admin.pem -json",
                     "CertificateManager -i anything {path}/admin.pem -json",
                     "CertificateManager -ine anything {path}/admin.pem -json", "countersign cert list --json",
                     "countersign cert show --json", "countersign backup status --json", "countersign events list --json",
                     "countersign agents list --json",
                     *(f"countersign-agentd --agent-folder {{agent}} {command} --json"
                       for command in ("status", "check", "start", "stop", "stop --unload", "uninstall", "update-now")),
                     "IpXfer -agent-folder {agent} -e {path}/right.dat -json"):
            with self.subTest(line):
                done = self.lab.run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                                    *self.words(line))
                # The mover has a code of its own for it: its callers are scripts on many endpoints.
                self.assert_exit(35 if line.startswith("IpXfer") else 5, done)
                self.assertEqual(done.json["code"], "permission-denied")

    def test_7_stopped(self):
        self.assertEqual(self.lab.server.stop(), 0)
        self.assertEqual(self.agent.stop(), 0)
        before = self.state()
        self.try_all(USAGE + NOT_FOUND + OTHERS)
        self.assertEqual(self.state(), before)
        self.read_all()
        done = self.lab.run("countersign", "order", "send", "--json", "--all", "ping")
        self.assert_exit(8, done, "not running", "--no-wait")
        self.assertEqual(self.lab.order(self.agent.id, "ping", "--no-wait")[0], 0)
        if IS_ROOT:
            self.refuse_another_user()

    def test_9_damaged_files_are_told(self):
        agent = ("countersign-agentd", "--agent-folder", self.agent.folder)
        cases = [(self.agent.folder / "trust", "trust", agent), (self.agent.folder / "orders", "order memory", agent),
                 (self.agent.folder / "agent.key", "agent.key", agent),
                 (self.lab.data / "AuthCertBackup/OfficeScanAuth.dat", "automatic backup",
                  ("CertificateManager", "-c", PASSWORD))]
        for path, word, command in cases:
            with self.subTest(path.name):
                good = path.read_bytes()
                path.write_bytes(bytes([good[0] ^ 0xFF]) + good[1:])
                self.assert_exit(11, self.lab.run(*command), word, "next: ")
                path.write_bytes(good)
        config = self.agent.folder / "agent.toml"
        good = config.read_text()
        config.write_text(good + "surprise = 1\n")
        self.assert_exit(13, self.lab.run("countersign-agentd", "--agent-folder", self.agent.folder), "surprise")
        config.write_text(good)

    def test_8_unwritable_output(self):
        folder = self.lab.path / "closed"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o500)
        if os.access(folder, os.W_OK):
            self.skipTest("root may write everywhere")
        self.assert_exit(5, self.lab.run("CertificateManager", "-l", folder / "x.csv", "-json"))


if __name__ == "__main__":
    lab.main()
