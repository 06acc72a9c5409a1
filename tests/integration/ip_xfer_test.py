"""IpXfer -e: renewing an agent's trust by local authority, on a running and on a stopped agent."""

import shutil
import signal
from pathlib import Path

import lab
from lab import PASSWORD, Case, until


class IpXfer(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        (cls.agent,) = cls.lab.start_agents(1)
        cls.right = cls.lab.path / "OfcNTCer.dat"
        cls.lab.ok("CertificateManager", "-e", cls.right)
        # Another server's certificate, and a stolen look-alike: self-signed.
        other = lab.environment(COUNTERSIGN_DATA=str(cls.lab.path / "other-server"))
        cls.lab.ok("countersign", "server", "init", "--password-file", cls.lab.secret(PASSWORD), env=other)
        cls.other = cls.lab.path / "other.dat"
        cls.lab.ok("CertificateManager", "-e", cls.other, env=other)
        cls.lab.make_pfx("stranger")

    def trust(self):
        return (self.agent.folder / "trust").read_bytes(), (self.agent.folder / "OfcNTCer.dat").read_bytes()

    def play(self, runs):
        agent, lab_ = self.agent, self.lab
        with self.subTest("the right certificate is verified"):
            done = self.assert_exit(0, agent.renew(self.right))
            self.assertEqual((done.json["result"], done.json["ok"]), ("verified", True))
            self.assertEqual(done.json["certificate"]["serial"], lab_.serial())
        for name in ("other.dat", "stranger.dat"):
            with self.subTest(f"{name} is refused and nothing changes"):
                before = self.trust()
                done = self.assert_exit(31, agent.renew(lab_.path / name))
                self.assertEqual(done.json["result"], "other-key")
                self.assertEqual(self.trust(), before)
                plain = lab_.run("IpXfer", "-agent-folder", agent.folder, "-e", lab_.path / name)
                self.assert_exit(31, plain, "Nothing was changed", "-no-verify")
        with self.subTest("-no-verify installs it all the same, and the right one repairs"):
            done = self.assert_exit(30, agent.renew(self.other, "-no-verify"))
            self.assertEqual(done.json["result"], "installed-not-verified")
            self.assertEqual(agent.status()["certificate"]["serial"], lab_.serial_of(self.other))
            self.assertEqual(agent.serial(), lab_.serial_of(self.other))
            if runs:
                agent.await_standing("mismatched")
                self.assertEqual([row["reason"] for row in lab_.mismatched()], ["other-owner"])
            self.assert_exit(0, agent.renew(self.right))
            self.assertEqual(agent.serial(), lab_.serial())
        with self.subTest("an old certificate of this owner ends on the newest"):
            lab_.replace()
            done = self.assert_exit(0, agent.renew(self.right))
            self.assertEqual(done.json["certificate"]["serial"], lab_.serial())
            lab_.ok("CertificateManager", "-e", self.right)
        with self.subTest("-pwd is not needed: a note, and the word is not echoed"):
            done = lab_.run("IpXfer", "-agent-folder", agent.folder, "-e", self.right, "-pwd", "unload-word")
            self.assert_exit(0, done, "ignored")
            self.assertNotIn("unload-word", done.out + done.err)
        with self.subTest("a relative path belongs to the caller's folder, a bare name is also looked for beside it"):
            elsewhere = lab_.path / "elsewhere"
            elsewhere.mkdir(exist_ok=True)
            shutil.copy(self.right, elsewhere / "renamed.cer")
            done = lab_.run("IpXfer", "-agent-folder", agent.folder, "–E", "./renamed.cer", cwd=elsewhere)
            self.assert_exit(0, done, "verified")

    def test_1_running_agent(self):
        self.play(runs=True)
        self.agent.await_standing("verified")
        self.assertEqual(self.lab.order(self.agent.id)[0], 0)

    def test_2_stopped_agent(self):
        self.assertEqual(self.agent.stop(), 0)
        self.play(runs=False)
        self.agent.start()
        self.agent.await_standing("verified")
        self.assertEqual(self.lab.order(self.agent.id)[0], 0)

    def test_3_server_down(self):
        self.lab.server.stop()
        for runs in (True, False):
            with self.subTest(runs=runs):
                if not runs:
                    self.agent.stop()
                done = self.assert_exit(30, self.agent.renew(self.right))
                self.assertEqual(done.json["result"], "installed-not-verified")
                self.assertIn("could not be asked", done.json["why"])
                self.assertEqual(self.agent.serial(), self.lab.serial())
                # Another server's is taken too (this one may have been installed anew), and both are named.
                done = self.assert_exit(30, self.agent.renew(self.other), "belonged to", "IpXfer -s")
                self.assertEqual(done.json["result"], "installed-not-verified")
                self.assert_exit(30, self.agent.renew(self.right), "belonged to")
        self.lab.start_server()
        self.agent.start()
        self.agent.await_standing("verified")

    def test_4_mover_copied_to_an_endpoint_works_alone(self):
        """The mover's folder and OfcNTCer.dat, with nothing else of the server on it."""
        folder = self.lab.path / "copied"
        folder.mkdir()
        for name in ("IpXfer", "IpXfer_x64"):
            shutil.copy(lab.PROGRAMS / name, folder / name)
        shutil.copy(self.right, folder / "OfcNTCer.dat")
        for name in ("IpXfer", "IpXfer_x64"):
            done = self.lab.run(folder / name, "-agent-folder", self.agent.folder, "-e", "OfcNTCer.dat", cwd="/")
            self.assert_exit(0, done, "verified")

    def test_5_unload_password_is_not_in_the_process_list(self):
        self.lab.server.signal(signal.SIGSTOP)  # so that there is time to look
        try:
            mover = self.lab.start("mover", lab.PROGRAMS / "IpXfer", "-agent-folder", self.agent.folder, "-pwd",
                                   "unload-word", "-e", self.right)
            shown = Path(f"/proc/{mover.process.pid}/cmdline")
            until(lambda: b"-pwd" in shown.read_bytes() and b"unload-word" not in shown.read_bytes(), "it is wiped")
        finally:
            self.lab.server.signal(signal.SIGCONT)
        self.assertEqual(mover.wait(), 0, mover.text())

    def test_6_what_a_switch_cannot_hold_is_named(self):
        for words in (("-s", "[::1]:80"), ("-s", "a:80"), ("-s", "a", "-d", "two\nlines"), ("-s", "a", "-d", "d" * 256)):
            with self.subTest(words):
                done = self.lab.run("IpXfer", "-agent-folder", self.agent.folder, *words, "-e", self.right)
                self.assert_exit(2, done, f"{words[-2]} takes")


if __name__ == "__main__":
    lab.main()
