"""IpXfer where an unload password is set: the password in each form, and the owner's warrant."""

import lab
from lab import PASSWORD
from movers import Moves

OTHER_AGENT = "00000000-0000-4000-8000-000000000001"


class Locked(Moves):
    """Where an unload password is set: each way to give it, and none without; a dry run needs none."""

    WORD = "unload-word"

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.here.ok("countersign-agentd", "--agent-folder", cls.agent.folder, "unload-password", "set",
                    env=lab.environment(COUNTERSIGN_NEW_UNLOAD_PASSWORD=cls.WORD))

    def test_1_needed(self):
        for way in ("running", "stopped"):
            before = self.state()
            for words in ((), ("-pwd", "wrong-word")):
                with self.subTest(words, way=way):
                    done = self.assert_exit(40, self.move(self.there, *words))
                    self.assertEqual((done.json["ok"], done.json["code"]), (False, "wrong-password"))
            self.assert_exit(0, self.move(self.there, "-dry-run"))
            self.assertEqual(self.state(), before)
            file, env = self.here.secret(self.WORD), lab.environment(COUNTERSIGN_UNLOAD_PASSWORD=self.WORD)
            for words, how in ((("-pwd", self.WORD), {}), (("-p", self.WORD), {}), (("-pwd-file", file), {}),
                               (("-pwd", "-"), {"stdin": self.WORD}), ((), {"env": env})):
                with self.subTest(words, way=way):
                    done = self.assert_exit(0, self.move(self.here, *words, **how))
                    self.assertEqual((done.json["result"], done.json["unload_passed"]), ("repaired", True))
                    self.assertNotIn(self.WORD, done.out + done.err)
            right = self.here.path / "OfcNTCer.dat"
            self.assert_exit(40, self.agent.renew(right))
            self.assert_exit(0, self.agent.renew(right, "-pwd", self.WORD))
            if way == "running":
                self.agent.process.kill()
        code, said = self.here.at_terminal([self.WORD], "IpXfer", "-agent-folder", self.agent.folder, "-e", right)
        self.assertEqual(code, 0, said)
        self.assertNotIn(self.WORD, said)
        self.agent.start()

    def test_2_warrant(self):
        """Running and stopped: a warrant that is not taken changes nothing; the right one passes once, and no more."""
        with self.subTest("running"):
            self.play("running")
            self.belongs_to(self.here)
        with self.subTest("stopped"):
            self.assertEqual(self.agent.stop(), 0)
            self.play("stopped")
            self.agent.start()
            self.belongs_to(self.here)

    def play(self, way):
        name = f"{way}.warrant"
        right = self.warrant(self.here, name, self.agent.id)
        there = self.there.json("countersign", "cert", "show")["certificate"]["server_ids"][0]
        refused = {
            "for another agent": (self.warrant(self.here, f"other-{name}", OTHER_AGENT), "does not name this agent"),
            "of another owner": (self.warrant(self.there, f"stranger-{name}", self.agent.id, "--server", there), "owner key"),
            "no text": (self.here.path / "OfcNTCer.dat", "bad-warrant"),
            "nothing": (self.text_file("empty", " \n"), "bad-warrant"),
            "any text": (self.text_file("nonsense", "not a warrant"), "bad-warrant"),
            "too large": (self.text_file("large", "x" * 100_000), "bad-warrant"),
        }
        before = self.state()
        for what, (file, reason) in refused.items():
            with self.subTest(what):
                self.not_taken(self.move(self.here, "-warrant", file), reason)
                self.not_taken(self.agent.renew(self.here.path / "OfcNTCer.dat", "-warrant", file), reason)
        self.assert_exit(3, self.move(self.here, "-warrant", self.here.path / "not-there"))
        # A mover that changes nothing uses none up: neither a dry run nor a target that does not answer.
        self.assert_exit(0, self.move(self.there, "-warrant", right, "-dry-run"))
        self.assert_exit(32, self.move(self.there, "-warrant", right, port=lab.free_port()))
        self.assertEqual(self.state(), before)
        self.passes("repaired", self.move(self.here, "-warrant", right))
        self.not_taken(self.move(self.here, "-warrant", right), "used up")
        self.not_taken(self.agent.renew(self.here.path / "OfcNTCer.dat", "-warrant", right), "used up")
        again = self.warrant(self.here, f"renewing-{name}", self.agent.id)
        self.passes("verified", self.agent.renew(self.here.path / "OfcNTCer.dat", "-warrant", again))
        self.not_taken(self.move(self.here, "-warrant", again), "used up")
        # Away and back, as each server's own owner allows it; what was used up stays so.
        away = self.warrant(self.here, f"away-{name}", self.agent.id)
        self.passes("moved", self.move(self.there, "-warrant", away))
        self.not_taken(self.move(self.here, "-warrant", away), "bad-warrant")
        # Its former server says whose word is needed now.
        done = self.here.run("countersign", "owner", "warrant", "--unlock", self.agent.id, "-o", self.here.path / "late",
                             "--password-file", self.here.secret(PASSWORD))
        self.assert_exit(7, done, f"belongs to the server {there}", "--server")
        self.passes("moved", self.move(self.here, "-warrant", self.warrant(self.there, f"back-{name}", self.agent.id)))
        self.not_taken(self.move(self.there, "-warrant", away), "used up")

    def warrant(self, server, name, agent_id, *more):
        path = server.path / name
        server.ok("countersign", "owner", "warrant", "--unlock", agent_id, "-o", path, "--password-file",
                  server.secret(PASSWORD), *more)
        return path

    def text_file(self, name, text):
        path = self.here.path / name
        path.write_text(text)
        return path

    def not_taken(self, done, reason):
        self.assert_exit(42, done, reason)
        self.assertEqual((done.json["ok"], done.json["code"]), (False, "refused"))

    def passes(self, result, done):
        self.assert_exit(0, done)
        self.assertEqual((done.json["result"], done.json["unload_passed"]), (result, True))


if __name__ == "__main__":
    lab.main()
