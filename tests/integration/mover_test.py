"""IpXfer's full form: moving an agent to another server and back, repairing it where it is, and staying where it is."""

import http.server
import shutil
import socket
import threading
import unittest

import lab
from lab import PASSWORD, Case, IS_ROOT, Lab, until
from movers import Gate, Moves


class ToAnotherServer(Moves):
    def test_1_there_and_back(self):
        """Running, then stopped: it keeps its id, and the server that is left shows where it went."""
        settings = self.agent.folder / "agent.toml"
        before = "# Ask Mia first.\n" + settings.read_text().replace(f"listen_port = {self.agent.port}",
                                                                     f"listen_port = {self.agent.port} # the firewall's")
        settings.write_text(before)
        done = self.assert_exit(0, self.move(self.there, "-c", lab.free_port(), "-d", "eu/rome", "-m", "1"))
        self.assert_only_values_changed(before, settings.read_text())
        self.assertFalse((self.agent.folder / "agent.toml.old").exists())
        said = done.json
        self.assertEqual((said["ok"], said["result"], said["agent"]), (True, "moved", self.agent.id))
        self.assertEqual((said["old_told"], said["accepted"], said["proved"], said["unfinished"]), (True, False, True, ""))
        self.assertEqual(said["next"], f"on that server: countersign agents approve {self.agent.id}")
        self.assertEqual(done.out.count("\n"), 1, "one line")
        self.agent.port = said["to"]["listen_port"]
        self.assertEqual(self.there.standing(self.agent.id), "new")
        self.admitted_by(self.there)
        self.assertEqual(self.there.row(self.agent.id)["domain"], "eu/rome")
        self.left(self.here)
        self.assertEqual(self.agent.stop(), 0)
        done = self.assert_exit(0, self.move(self.here, "-wait"))
        self.assertEqual((done.json["result"], done.json["agent"]), ("moved", self.agent.id))
        self.assertEqual((done.json["accepted"], done.json["old_told"]), (True, True))
        self.agent.start()
        self.belongs_to(self.here)
        self.left(self.there)
        self.assertEqual(len(self.here.agents()), 1)
        self.assert_exit(0, self.move(self.here, "-m", "0"))
        self.assertTrue(self.agent.speaks_tls())
        self.belongs_to(self.here)

    def assert_only_values_changed(self, before, after):
        """But for the token and the pins of the server that was left, with what the package said about the token."""
        kept = before[:before.index("\n# The token by which")].splitlines()
        lines = after.splitlines()
        self.assertEqual(len(lines), len(kept), after)
        for old, new in zip(kept, lines):
            if old != new:
                self.assertEqual(old.split(" = ")[0], new.split(" = ")[0])
                self.assertEqual(old.partition(" # ")[2], new.partition(" # ")[2])
        self.assertIn("# Ask Mia first.", lines)
        self.assertTrue([line for line in lines if line.startswith("listen_port") and line.endswith(" # the firewall's")])

    def test_2_text_says_what_happened_and_what_to_run(self):
        for server, words in ((self.there, ["knows that the agent has left"]), (self.here, [])):
            words = ["moved: ", f"Agent {self.agent.id}", f"ports {server.port} and {server.https_port}", *words]
            done = self.mover("-S", "127.0.0.1", "–P", server.port, "–SP", server.https_port, "-e", server.path / "OfcNTCer.dat")
            self.assert_exit(0, done, *words)
            self.belongs_to(server)

    def test_3_former_server_away_is_told_later(self):
        self.here.server.stop()
        done = self.assert_exit(0, self.move(self.there))
        self.assertEqual((done.json["result"], done.json["old_told"]), ("moved", False))
        self.belongs_to(self.there)
        self.here.start_server()
        self.agent.stop()
        self.agent.start()  # tries at once; otherwise every hour
        self.left(self.here)
        until(lambda: not (self.agent.folder / "move").exists(), "nobody is left to be told")
        self.assert_exit(0, self.move(self.here))
        self.belongs_to(self.here)

    def test_4_without_the_file(self):
        """By its thumbprint, in the forms in which people have it, or on first use if told so."""
        digits = self.there.json("countersign", "cert", "show")["certificate"]["sha256"]
        colons = ":".join(digits[i:i + 2] for i in range(0, 64, 2)).upper()
        before = self.state()
        for short, word in ((digits[:40], "SHA-1"), (digits[:63], "too few"), (digits + "0", "64"), ("x" * 64, "64")):
            done = self.move(self.there, "-thumbprint", short, certificate=False)
            self.assert_exit(2, done, word, "countersign cert show")
        other = self.here.json("countersign", "cert", "show")["certificate"]["sha256"]
        done = self.assert_exit(36, self.move(self.there, "-thumbprint", other, certificate=False), digits)
        self.assertEqual((done.json["ok"], done.json["result"]), (False, "other-certificate"))
        self.assertEqual(self.state(), before)
        self.assert_exit(2, self.move(self.there, certificate=False), "-thumbprint", "-trust-on-first-use")
        self.assert_exit(0, self.move(self.there, "-thumbprint", colons, certificate=False))
        self.belongs_to(self.there)
        done = self.assert_exit(0, self.move(self.here, "-trust-on-first-use", certificate=False))
        self.assertEqual(done.json["thumbprint"], other)
        self.belongs_to(self.here)


class Impostor(http.server.BaseHTTPRequestHandler):
    """Answers every report as if it had been taken, without the key of any server."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/jose")
        self.send_header("Countersign-Nonce", "A" * 22)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class ImpostorInTheOldPlace(Moves):
    def test_1(self):
        """Whoever answers in the place of the server that was left does not end the telling."""
        self.assert_exit(0, self.move(self.here, "-m", "1"))  # so that it needs no TLS
        self.belongs_to(self.here)
        self.here.server.stop()
        web = http.server.HTTPServer(("127.0.0.1", self.here.port), Impostor)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        done = self.assert_exit(0, self.move(self.there))
        self.assertEqual((done.json["result"], done.json["old_told"]), ("moved", False))
        self.admitted_by(self.there)
        self.assertTrue((self.agent.folder / "move").exists(), "it is still to be told")
        web.shutdown()
        web.server_close()
        self.here.start_server()
        self.agent.stop()
        self.agent.start()  # tries at once; otherwise every hour
        self.left(self.here)
        until(lambda: not (self.agent.folder / "move").exists(), "nobody is left to be told")


class Stays(Moves):
    """Whatever goes wrong before the step: nothing is changed, and the agent obeys its server."""

    def refused(self, code, result, done):
        self.assert_exit(code, done)
        self.assertEqual((done.json["ok"], done.json["result"]), (False, result))
        self.assertTrue(done.json["why"])
        self.assertTrue(done.json["next"])

    def each_way(self):
        yield "running"
        self.assertEqual(self.agent.stop(), 0)
        yield "stopped"
        self.agent.start()

    def test_1_target(self):
        class NoServer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.send_error(404)

            def log_message(self, *_):
                pass

        web = http.server.HTTPServer(("127.0.0.1", 0), NoServer)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        for way in self.each_way():
            before = self.state()
            with self.subTest("nobody there", way=way):
                self.refused(32, "unreachable", self.move(self.there, port=lab.free_port()))
            with self.subTest("no such name", way=way):
                self.refused(32, "unreachable", self.move(self.there, host="no-such-host.invalid"))
            with self.subTest("another server's certificate", way=way):
                self.refused(31, "other-key", self.move(self.there, certificate=self.here.path / "OfcNTCer.dat"))
            with self.subTest("no server of ours", way=way):
                self.refused(33, "not-taken", self.move(self.there, "-m", "1", port=web.server_port))
            with self.subTest("dead with its certificate fetched", way=way):
                self.refused(32, "unreachable", self.move(self.there, "-trust-on-first-use", certificate=False,
                                                          port=lab.free_port()))
            self.assertEqual(self.state(), before)
        self.belongs_to(self.here)
        # Whom it asked for proof lists it at most as one of nobody's.
        self.assertIn([row["standing"] for row in self.there.agents()], ([], ["new"]))

    def test_2_own_port_is_taken(self):
        with socket.socket() as taken:
            taken.bind((self.agent.host, 0))
            taken.listen()
            before = self.state()
            for way in self.each_way():
                with self.subTest(way=way):
                    self.refused(37, "failed", self.move(self.there, "-c", taken.getsockname()[1]))
            self.assertEqual(self.state(), before)
        self.belongs_to(self.here)

    def test_3_dry_run(self):
        before, listed = self.state(), self.there.agents()
        for way in self.each_way():
            with self.subTest(way=way):
                done = self.assert_exit(0, self.move(self.there, "-dry-run"))
                self.assertEqual(done.json["result"], "would-move")
                done = self.assert_exit(0, self.move(self.here, "-dry-run"))
                self.assertEqual(done.json["result"], "would-repair")
                self.refused(32, "unreachable", self.move(self.there, "-dry-run", port=lab.free_port()))
                self.refused(31, "other-key",
                             self.move(self.there, "-dry-run", certificate=self.here.path / "OfcNTCer.dat"))
        self.assertEqual(self.state(), before)
        self.assertEqual(self.there.agents(), listed)

    def test_4_switches(self):
        """Refused with the present form and the older spelling; what may be a password is not repeated."""
        forms = ("-pwd PASSWORD", "before version XG: -p PASSWORD")
        certificate = self.there.path / "OfcNTCer.dat"
        for words in (["-frobnicate"], ["-s", "127.0.0.1", "-x", "1"], ["-c", "12345", "-e", certificate],
                      ["-s", "http://a", "-e", certificate], ["-s", "a", "-p", "s3cret", "-e", certificate],
                      ["-s", "a", "-p", "80800", "-e", certificate], ["-s", "a", "-m", "2", "-e", certificate],
                      ["-s", "a", "-p", "1", "-p", "s3cret", "-pwd", "s3cret", "-e", certificate],
                      ["-s", "a", "-no-verify", "-e", certificate], ["-s", "a", "-timeout", "0", "-e", certificate]):
            with self.subTest(words):
                done = self.assert_exit(2, self.mover(*words), *forms)
                self.assertNotIn("s3cret", done.out + done.err)
        done = self.assert_exit(0, self.mover("--help"))
        for example in ("-s server.example.com -p 8080 -sp 4343 -c 12345 -e OfcNTCer.dat -pwd secret", "-p PASSWORD",
                        "IpXfer -e OfcNTCer.dat"):
            self.assertIn(example, done.out)


class Repair(Moves):
    def test_1_where_it_is(self):
        """The full form aimed at the present server: trust, address and ports; nobody is signed off, and no new row."""
        config = self.agent.folder / "agent.toml"
        for way in ("wrong address", "wrong trust", "nothing wrong", "older words"):
            with self.subTest(way):
                if way == "wrong address":
                    self.agent.stop()
                    config.write_text(config.read_text().replace(f"https_port = {self.here.https_port}", "https_port = 9"))
                    self.agent.start()
                if way == "wrong trust":
                    self.assert_exit(30, self.agent.renew(self.there.path / "OfcNTCer.dat", "-no-verify"))
                # -p again is the unload password of the older mover; none is set.
                more = ("-p", "an-older-word") if way == "older words" else ()
                done = self.assert_exit(0, self.move(self.here, *more, "-wait", "-timeout", "30s"))
                self.assertNotIn("an-older-word", done.out + done.err)
                self.assertEqual(done.json["result"], "moved" if way == "wrong trust" else "repaired")
                # Another identity in the same place: a move, and nobody is left to be told.
                self.assertEqual(done.json["old_told"], way == "wrong trust")
                self.assertEqual((done.json["accepted"], done.json["proved"]), (True, True))
                self.belongs_to(self.here)
        self.assertEqual([row["agent"] for row in self.here.agents()], [self.agent.id])
        self.assertEqual(self.there.agents(), [])

    def test_2_new_port_of_the_agent(self):
        port = lab.free_port()
        self.assert_exit(0, self.move(self.here, "-c", port))
        self.agent.port = port
        until(self.agent.alive, "it listens there")
        until(lambda: self.here.row(self.agent.id)["port"] == port, "the server knows")
        self.belongs_to(self.here)

    def test_3_older_certificate_ends_on_the_newest(self):
        self.here.replace()
        self.assert_exit(0, self.move(self.here))
        self.belongs_to(self.here)


class WaitsInVain(Moves):
    """-wait runs out: the step is done, and the new server answered no more. It is no failure, and the next report ends it."""

    def gate(self, server):
        gate = Gate(server.https_port, passes=1)  # the exchange before the step
        self.addClassCleanup(gate.end)  # the agent knows the server by it
        return gate

    def assert_not_seen(self, result, done, server):
        said = self.assert_exit(34, done).json
        self.assertEqual((said["ok"], said["result"], said["proved"], said["unfinished"]), (True, result, False, ""))
        self.assertEqual(self.agent.serial(), server.serial())
        return said

    def test_1_running(self):
        """Announced there, it is `arriving` until it has proved itself, and people see that."""
        self.here.ok("countersign", "move", "plan", "--all", "-o", "agents.list")
        self.there.ok("countersign", "move", "expect", self.here.path / "agents.list")
        gate = self.gate(self.there)
        said = self.assert_not_seen("moved", self.move(self.there, "-wait", "-timeout", "1s", port=gate.port), self.there)
        self.assertEqual((said["accepted"], said["old_told"]), (True, True))
        self.assertEqual(said["next"], "countersign-agentd check")
        self.left(self.here)
        self.assertIn("1 have reported and not proved themselves yet", self.there.ok("countersign", "status").out)
        (row,) = self.there.agents("--standing", "arriving")
        self.assertEqual(row["agent"], self.agent.id)
        self.assertIn("next report", row["next_step"])
        (row,) = self.here.agents("--standing", "moved")
        self.assertIn("nothing", row["next_step"])
        gate.open()
        self.belongs_to(self.there)
        self.assertNotIn("not proved themselves", self.there.ok("countersign", "status").out)

    def test_2_stopped(self):
        gate = self.gate(self.here)
        self.assertEqual(self.agent.stop(), 0)
        said = self.assert_not_seen("moved", self.move(self.here, "-wait", "-timeout", "1s", port=gate.port), self.here)
        # That it is back is not believed without proof, so nothing is said yet of its admission.
        self.assertEqual((said["accepted"], said["old_told"]), (False, True))
        self.assertIn("countersign-agentd check", said["next"])
        gate.open()
        self.agent.start()
        self.belongs_to(self.here)
        self.left(self.there)

    def test_3_repaired_and_in_words(self):
        first = self.gate(self.here)
        self.assert_not_seen("repaired", self.move(self.here, "-wait", "-timeout", "1s", port=first.port), self.here)
        # A gate of its own: the agent tries the first one again whenever it likes.
        gate = self.gate(self.here)
        done = self.mover("-s", "127.0.0.1", "-p", gate.port, "-sp", gate.port, "-e", self.here.path / "OfcNTCer.dat",
                          "-wait", "-timeout", "1s")
        self.assert_exit(34, done, "repaired: ", "no proof of the agent yet", "next: ", "countersign-agentd check")
        self.assertNotIn("Nothing was changed", done.out)
        self.assertNotIn("as new", done.out)
        gate.open()
        self.belongs_to(self.here)


class NewIdentityInTheSamePlace(Moves):
    """A server that was installed anew where the old one was: a move, and nobody is left to be told."""

    def test_1(self):
        self.here.server.stop()
        shutil.rmtree(self.here.data)
        self.here.init()
        self.here.start_server()
        self.here.ok("CertificateManager", "-e", self.here.path / "new.dat")
        done = self.assert_exit(0, self.move(self.here, certificate=self.here.path / "new.dat"))
        self.assertEqual((done.json["result"], done.json["old_told"]), ("moved", True))
        self.assertFalse((self.agent.folder / "move").exists())
        self.admitted_by(self.here)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


@unittest.skipUnless(has_ipv6(), "no IPv6 on loopback")
class ToIpv6(Case):
    def test_1(self):
        """By address, with and without brackets."""
        target = Lab()
        self.addCleanup(target.end)
        target.ok("countersign", "server", "init", "--password-file", target.secret(PASSWORD), "--listen", "::1",
                  "--http-port", target.port, "--https-port", target.https_port, "--public-host", "::1", "--call-network", "::1/128")
        server = target.start("server", lab.PROGRAMS / "countersignd", "--data", target.data)
        until(lambda: answers("::1", target.port) or not server.runs(), "the server starts")
        target.ok("CertificateManager", "-e", target.path / "OfcNTCer.dat")
        self.lab.init()
        self.lab.start_server()
        package = self.lab.package()
        folder, port = self.lab.path / "agent-of-two", lab.free_port()
        agent_id = self.lab.json("countersign-agentd", "--agent-folder", folder, "install", "--from", package, "--listen",
                                 f"[::1]:{port}")["agent"]
        for host in ("::1", "[::1]"):
            done = self.lab.run("IpXfer", "-agent-folder", folder, "-s", host, "-p", target.port, "-sp", target.https_port, "-e",
                                target.path / "OfcNTCer.dat", "-json")
            self.assert_exit(0, done)
        self.assertEqual(done.json["result"], "repaired")
        target.ok("countersign", "agents", "approve", agent_id)
        agent = target.start("agent", lab.PROGRAMS / "countersign-agentd", "--agent-folder", folder)
        until(lambda: target.standing(agent_id) == "verified" or not agent.runs(), "the agent is verified there")
        self.assertEqual(target.order(agent_id)[0], 0)


def answers(host, port):
    try:
        with socket.create_connection((host, port), 1):
            return True
    except OSError:
        return False


class Alone(Moves):
    """The mover's folder and OfcNTCer.dat, with nothing else of ours: in a root of its own that has nothing else at all."""

    @unittest.skipUnless(IS_ROOT, "needs root for chroot")
    def test_1_bare_root(self):
        if lab.sanitized():
            self.skipTest("programs with a sanitizer are not static")
        root = self.here.path / "bare"
        mover = root / "IpXfer"
        mover.mkdir(parents=True)
        for name in ("IpXfer", "IpXfer_x64"):
            shutil.copy(lab.PROGRAMS / name, mover / name)
        self.agent.stop()
        shutil.copytree(self.agent.folder, root / "agent", ignore=shutil.ignore_patterns("control.sock"))
        for number, (name, server) in enumerate((("IpXfer", self.there), ("IpXfer_x64", self.here))):
            shutil.copy(server.path / "OfcNTCer.dat", mover / "OfcNTCer.dat")
            self.assertEqual(sorted(path.name for path in root.iterdir()), ["IpXfer", "agent"])
            done = self.here.run("chroot", root, f"/IpXfer/{name}", "-agent-folder", "/agent", "-s", "127.0.0.1", "-p",
                                 server.port, "-sp", server.https_port, "-e", "OfcNTCer.dat", "-json", cwd="/")
            self.assert_exit(0, done)
            self.assertEqual(done.json["result"], "moved", number)
        done = self.here.run("chroot", root, "/IpXfer/IpXfer", "-agent-folder", "/agent", "-e", "OfcNTCer.dat", cwd="/")
        self.assert_exit(0, done, "verified")
        # Names: by /etc/hosts if there is one; told plainly if there is nothing to resolve by.
        named = ("chroot", root, "/IpXfer/IpXfer", "-agent-folder", "/agent", "-s", "management.test", "-sp", self.here.https_port,
                 "-e", "OfcNTCer.dat", "-json")
        self.assertEqual(self.assert_exit(32, self.here.run(*named, cwd="/")).json["result"], "unreachable")
        (root / "etc").mkdir()
        (root / "etc/hosts").write_text("127.0.0.1 management.test\n")
        self.assertEqual(self.assert_exit(0, self.here.run(*named, cwd="/")).json["result"], "repaired")


if __name__ == "__main__":
    lab.main()
