"""The history: what was done with keys, in lines that cannot be removed, altered or moved unnoticed."""

import base64
import hashlib
import shutil
import sqlite3

import lab
from lab import Case, until


def digest(line):
    return base64.urlsafe_b64encode(hashlib.sha256(line.encode()).digest()).decode().rstrip("=")


class History(Case):
    """Each test begins with a stopped server that has four lines."""

    def setUp(self):
        self.lab.data = self.lab.path / f"server-{self.id().rsplit('.', 1)[1]}"
        self.lab.init()
        self.lab.replace()
        self.lab.ok("CertificateManager", "-e", self.lab.path / f"{self.lab.data.name}.dat")
        self.lab.replace()

    def sql(self, statement):
        database = sqlite3.connect(self.lab.data / "registry.db")
        database.execute(statement)
        database.commit()
        database.close()

    def lines(self):
        return self.lab.ok("countersign", "events", "history").out.splitlines()

    def assert_whole(self, lines):
        shown = self.lab.json("countersign", "events", "verify")
        self.assertEqual((shown["lines"], shown["unsigned"], shown["problem"]), (lines, 0, None))
        self.assert_exit(0, self.lab.run("countersign", "events", "verify"), f"whole: {lines} lines from number 1")
        return shown["head"]

    def assert_found(self, line, *words):
        done = self.lab.run("countersign", "events", "verify", "--json")
        self.assertEqual(done.code, 11, str(done))
        self.assertEqual(done.json["problem"]["line"], line, str(done))
        self.assert_exit(11, self.lab.run("countersign", "events", "verify"), "The history was altered.", *words)

    def test_lines_are_chained_and_name_what_was_done(self):
        head = self.assert_whole(4)
        lines = self.lines()
        self.assertEqual(head, f"4:{digest(lines[-1])}")
        shown = self.lab.json("countersign", "events", "history")["lines"]
        self.assertEqual([row["line"] for row in shown], lines)
        self.assertEqual([row["kind"] for row in shown],
                         ["identity-created", "certificate-replaced", "certificate-exported", "certificate-replaced"])
        self.assertEqual({row["by"]["uid"] for row in shown}, {lab.os.geteuid()})
        self.lab.start_server()
        self.lab.replace()
        self.assertNotEqual(self.assert_whole(5), head)
        self.lab.server.stop()

    def test_altered_line(self):
        row = self.lines()[1]
        other = row[:60] + ("B" if row[60] == "A" else "A") + row[61:]
        self.sql(f"UPDATE history SET line = '{other}' WHERE number = 2")
        self.assert_found(2, "Line 2: ")
        self.lab.start_server()
        self.assert_found(2, "Line 2: ")
        self.lab.server.stop()

    def test_removed_line(self):
        self.sql("DELETE FROM history WHERE number = 2")
        self.assert_found(3, "it follows line 1")

    def test_removed_newest_line(self):
        self.sql("DELETE FROM history WHERE number = 4")
        self.assert_found(0, "has no line")

    def test_moved_line(self):
        self.sql("UPDATE history SET number = CASE number WHEN 2 THEN -3 WHEN 3 THEN -2 ELSE number END")
        self.sql("UPDATE history SET number = -number WHERE number < 0")
        self.assert_found(2, "is line 3")

    def test_altered_event(self):
        self.sql("UPDATE events SET by_name = 'mallory' WHERE kind = 'certificate-exported'")
        self.assert_found(3, "one of them was altered or removed")

    def test_agent_notices_that_the_history_was_set_back(self):
        registry = self.lab.data / "registry.db"
        older = self.lab.path / "older.db"
        shutil.copy(registry, older)
        self.lab.ok("CertificateManager", "-e", self.lab.path / "again.dat")
        head = self.assert_whole(5)
        self.lab.start_server()
        (agent,) = self.lab.start_agents(1)
        until(lambda: agent.status()["history"]["head"] == head, "the agent knows the head")
        self.assertIsNone(agent.status()["history"]["noticed"])
        agent.stop()
        self.lab.server.stop()
        self.assertEqual(agent.status()["history"]["head"], head)

        for left in self.lab.data.glob("registry.db*"):
            left.unlink()
        shutil.copy(older, registry)
        registry.chmod(0o600)
        self.assert_whole(4)
        self.lab.start_server()
        agent.start()
        noticed = until(lambda: agent.status()["history"]["noticed"], "the agent notices")
        self.assertEqual((noticed["kind"], noticed["from"], noticed["to"], noticed["count"]), ("rewind", 5, 4, 1))
        self.assertIn("set back from line 5 to line 4", agent.process.text())
        agent.stop()
        self.assertEqual(agent.status()["history"]["noticed"], noticed)
        self.assert_exit(0, self.lab.run("countersign-agentd", "--agent-folder", agent.folder, "status"), "WARNING: ",
                         "was set back from line 5 to line 4")
        self.lab.server.stop()

    def test_empty_server_goes_on_with_the_history_of_the_backup(self):
        lines = self.lines()
        backup = self.lab.path / "OfficeScanAuth.dat"
        shutil.copy(self.lab.data / "AuthCertBackup/OfficeScanAuth.dat", backup)
        shutil.rmtree(self.lab.data)
        secret = self.lab.secret(lab.PASSWORD)
        self.lab.ok("countersign", "server", "init", "--import", backup, "--import-password-file", secret,
                    *self.lab.server_options())
        self.assert_whole(4)
        self.assertEqual(self.lines()[:3], lines[:3])
        self.assertEqual(self.lab.json("countersign", "events", "history")["lines"][3]["kind"], "identity-imported")


if __name__ == "__main__":
    lab.main()
