#!/usr/bin/env python3
"""The unload password, on real programs: set, wrong tries, the owner's warrant, and the way that its verifier takes."""

import base64
import json
import re
import shutil
import signal
import socket
import stat
import threading
import time

import lab
from lab import environment, until

RIGHT = "hunter2 and more"
OTHER = "another unload password"


def decoded(token):
    """The octets of a part of a JWS, or nothing."""
    try:
        return base64.urlsafe_b64decode(token + b"=" * (-len(token) % 4))
    except ValueError:
        return b""


def clear_text(octets, depth=0):
    """What somebody reads who decodes every JWS in it, and those within."""
    text = [octets]
    if depth < 3:
        for token in re.findall(rb"[A-Za-z0-9_-]{24,}", octets):
            text.append(clear_text(decoded(token), depth + 1))
    return b"\n".join(text)


class Sniffer:
    """Stands between agent and server in both directions, and keeps every octet. To the server it is the agent's address."""

    def __init__(self, address, server_port, agent_port):
        self.address, self.octets, self.agent = address, bytearray(), None
        self.lock = threading.Lock()
        self.sockets = []
        self.listen(server_port, lambda: ("127.0.0.1", server_port))
        self.listen(agent_port, lambda: self.agent)

    def listen(self, port, target):
        listener = socket.create_server((self.address, port))
        self.sockets.append(listener)
        threading.Thread(target=self.accept, args=(listener, target), daemon=True).start()

    def accept(self, listener, target):
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(target(), timeout=20, source_address=(self.address, 0))
            except OSError:
                here.close()
                continue
            self.sockets += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source, sink):
        try:
            while part := source.recv(65536):
                with self.lock:
                    self.octets += part
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def seen(self):
        with self.lock:
            return clear_text(bytes(self.octets))

    def end(self):
        for one in self.sockets:
            one.close()


class UnloadCase(lab.Case):
    def secret_env(self, present=None, new=None):
        more = {"COUNTERSIGN_DATA": str(self.lab.data)}
        if present:
            more["COUNTERSIGN_UNLOAD_PASSWORD"] = present
        if new:
            more["COUNTERSIGN_NEW_UNLOAD_PASSWORD"] = new
        return environment(**more)

    def change(self, agent, what, *more, present=None, new=None):
        """countersign-agentd unload-password set or clear."""
        return self.lab.run("countersign-agentd", "--agent-folder", agent.folder, "unload-password", what, *more,
                            env=self.secret_env(present, new))

    def warrant(self, agent_id, name, *more, **how):
        """Makes a warrant on the server; returns its file."""
        path = self.lab.path / name
        self.lab.ok("countersign", "owner", "warrant", "--unlock", agent_id, "-o", path, "--password-file",
                    self.lab.secret(lab.PASSWORD), *more, **how)
        return path

    def is_set(self, agent):
        return agent.status()["unload_password"]["set"]

    def assert_nobody_told(self):
        for log in self.lab.path.glob("*.log"):
            text = log.read_text(errors="replace")
            for secret in (RIGHT, OTHER, "argon2"):
                self.assertNotIn(secret, text, log)


class LocalAdministratorTest(UnloadCase):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(3)

    def lock_out(self, agent):
        for _ in range(3):
            self.assert_exit(40, self.change(agent, "clear", present="wrong one"))

    def test_set_changed_and_taken_away(self):
        agent = self.agents[0]
        self.assertFalse(self.is_set(agent))
        self.assert_exit(0, self.change(agent, "set", new=RIGHT))
        self.assertTrue(self.is_set(agent))
        self.assert_exit(40, self.change(agent, "set", new=OTHER), "protected by an unload password")
        self.assert_exit(40, self.change(agent, "clear", present=OTHER), "free tries left")
        self.assert_exit(0, self.change(agent, "set", present=RIGHT, new=OTHER))
        # Also on an agent that does not run.
        self.assertEqual(agent.stop(), 0)
        self.assert_exit(40, self.change(agent, "clear", present=RIGHT))
        self.assert_exit(0, self.change(agent, "clear", present=OTHER))
        agent.start()
        self.assertFalse(self.is_set(agent))
        self.assert_nobody_told()

    def test_typed_at_a_terminal(self):
        agent = self.agents[2]
        command = [lab.PROGRAMS / "countersign-agentd", "--agent-folder", agent.folder, "unload-password"]
        code, said = self.lab.at_terminal([RIGHT, RIGHT], *command, "set")
        self.assertEqual(code, 0, said)
        self.assertNotIn(RIGHT, said)
        code, said = self.lab.at_terminal([RIGHT], *command, "clear")
        self.assertEqual(code, 0, said)
        self.assertFalse(self.is_set(agent))

    def test_locked_after_wrong_tries_across_kills_until_a_warrant(self):
        agent = self.agents[1]
        self.assert_exit(0, self.change(agent, "set", new=RIGHT))
        self.lock_out(agent)
        self.assert_exit(41, self.change(agent, "clear", present=RIGHT), "no unload password is taken")
        agent.process.kill()
        self.assert_exit(41, self.change(agent, "clear", present=RIGHT))  # stopped
        agent.start()
        self.assert_exit(41, self.change(agent, "clear", present=RIGHT))
        status = agent.status()["unload_password"]
        self.assertEqual(status["failures"], 3)
        self.assertGreater(status["locked_seconds"], 0)

        # The right one is of no use now, the owner's word is.
        warrant = self.warrant(agent.id, "unlock1")
        self.assertEqual(stat.S_IMODE(warrant.stat().st_mode), 0o600)
        self.assert_exit(0, self.change(agent, "set", "--warrant", warrant, new=OTHER))
        self.assert_exit(42, self.change(agent, "clear", "--warrant", warrant), "used up")
        agent.process.kill()
        agent.start()
        self.assert_exit(42, self.change(agent, "clear", "--warrant", warrant), "used up")
        # Another password has free tries again.
        self.assert_exit(40, self.change(agent, "clear", present=RIGHT))
        self.assert_exit(0, self.change(agent, "clear", present=OTHER))
        self.assert_nobody_told()

    def test_warrants_that_are_not_taken(self):
        agent, other = self.agents[2], self.agents[0]
        self.assert_exit(0, self.change(agent, "set", new=RIGHT))
        for_other = self.warrant(other.id, "for-other")
        self.assert_exit(42, self.change(agent, "clear", "--warrant", for_other), "does not name this agent", agent.id)
        short = self.warrant(agent.id, "short", "--expires", "1s")
        made = time.time()
        until(lambda: time.time() > made + 1, "the warrant runs out")
        self.assert_exit(42, self.change(agent, "clear", "--warrant", short), "ran out")
        nonsense = self.lab.path / "nonsense"
        nonsense.write_text("not a warrant")
        self.assert_exit(42, self.change(agent, "clear", "--warrant", nonsense), "bad-warrant")
        self.assert_exit(3, self.change(agent, "clear", "--warrant", self.lab.path / "not-there"))
        foreign = self.lab.path / "foreign"
        self.lab.ok("countersign", "--data", foreign, "server", "init", "--password-file",
                    self.lab.secret(lab.PASSWORD), "--listen", "127.0.0.1", "--http-port", lab.free_port())
        stranger = self.warrant(agent.id, "stranger", "--data", foreign)
        self.assert_exit(42, self.change(agent, "clear", "--warrant", stranger), "owner key")
        self.assertTrue(self.is_set(agent))
        self.assert_exit(0, self.change(agent, "clear", present=RIGHT))

    def test_warrant_from_a_copy_of_the_backup_without_a_server(self):
        agent = self.agents[2]
        elsewhere = self.lab.path / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(self.lab.data / "AuthCertBackup/OfficeScanAuth.dat", elsewhere / "copy.dat")
        made = ["countersign", "owner", "warrant", "--unlock", agent.id, "--backup", "copy.dat", "-o", "unlock"]
        alone = environment(COUNTERSIGN_DATA=str(elsewhere / "no server"), COUNTERSIGN_PASSWORD="not the password")
        self.assert_exit(6, self.lab.run(*made, cwd=elsewhere, env=alone))
        self.assertFalse((elsewhere / "unlock").exists())
        alone["COUNTERSIGN_PASSWORD"] = lab.PASSWORD
        (elsewhere / "target.json").write_text("{}")
        wrong = ["target.json" if word == "copy.dat" else word for word in made]
        self.assert_exit(13, self.lab.run(*wrong, cwd=elsewhere, env=alone), "target.json: ", "no automatic backup")
        self.assert_exit(2, self.lab.run(*made, "--expires", "31d", cwd=elsewhere, env=alone), "30 days")
        self.lab.ok(*made, cwd=elsewhere, env=alone)
        self.assert_exit(4, self.lab.run(*made, cwd=elsewhere, env=alone))
        self.assert_exit(0, self.change(agent, "set", new=RIGHT))
        self.assert_exit(0, self.change(agent, "clear", "--warrant", elsewhere / "unlock"))

    def test_too_short_and_two_at_once_are_refused(self):
        agent = self.agents[0]
        self.assert_exit(2, self.change(agent, "set", new="four"))
        scope = ("countersign", "agents", "unload-password", "set")
        self.assert_exit(2, self.lab.run(*scope, env=self.secret_env(RIGHT)))
        self.assert_exit(2, self.lab.run(*scope, "--all", "--domain", "eu", env=self.secret_env(RIGHT)))

    def test_state_that_others_may_read_stops_the_agent(self):
        agent = self.agents[0]
        self.assert_exit(0, self.change(agent, "set", new=RIGHT))
        (agent.folder / "unload").chmod(0o644)
        agent.process.signal(signal.SIGKILL)
        agent.process.wait()
        agent.start(wait=False)
        self.assertEqual(agent.process.wait(), 5)
        (agent.folder / "unload").chmod(0o600)
        agent.start()
        self.assert_exit(0, self.change(agent, "clear", present=RIGHT))


class WithoutTlsTest(UnloadCase):
    """An agent without TLS: nothing that crosses its connections is a verifier."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.lab.tls = False
        address = f"{cls.lab.network}.200"
        cls.sniffer = Sniffer(address, cls.lab.port, cls.lab.agent_port)
        cls.addClassCleanup(cls.sniffer.end)
        cls.lab.package("package", "--host", address)
        cls.agent = cls.lab.install(1)
        cls.sniffer.agent = (cls.agent.host, cls.agent.port)
        cls.agent.start()
        cls.agent.await_standing("verified")

    def test_1_verifier_never_crosses_a_plain_connection(self):
        said = self.lab.json("countersign", "agents", "unload-password", "set", "--all", env=self.secret_env(RIGHT))
        self.assertEqual((said["covered"], said["asked"], said["no_private_way"]), (1, 0, 1))
        said = self.lab.run("countersign", "agents", "unload-password", "set", "--all", env=self.secret_env(RIGHT))
        self.assert_exit(0, said, "Only the local administrator", "countersign-agentd unload-password set")
        self.assertNotIn("package", said.out)
        # Both ways are used after it: a call, and a reply with an order in it.
        code, order = self.lab.order(self.agent.id, "ping")
        self.assertEqual((code, order["verdict"]), (0, "done"))
        code, order = self.lab.order(self.agent.id, "update-now")
        self.assertEqual((code, order["verdict"]), (0, "done"))
        # One that somebody gives by hand does not go either.
        verifier = "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"
        self.lab.run("countersign", "order", "send", "--agent", self.agent.id, "set-unload", "--args",
                     json.dumps({"verifier": verifier}), "--wait", "2")
        self.lab.order(self.agent.id, "update-now")
        seen = self.sniffer.seen()
        self.assertIn(b'"act":"ping"', seen, "the sniffer reads orders")
        self.assertIn(b"countersign-reply+jwt", seen, "and replies")
        self.assertNotIn(b"argon2id", seen)
        self.assertNotIn(b"set-unload", seen)
        self.assertFalse(self.is_set(self.agent))
        shown = self.lab.json("countersign", "agents", "unload-password", "show")
        self.assertEqual(shown["agents"][0]["state"], "no-private-way")

    def test_2_package_brings_it(self):
        self.lab.ok("countersign", "agents", "unload-password", "set", "--domain", "eu", env=self.secret_env(OTHER))
        package = self.lab.package("with password")
        self.assertEqual(stat.S_IMODE((package / "package.toml").stat().st_mode), 0o600)
        agent = self.lab.install(2, package)
        self.assert_exit(40, self.change(agent, "clear"))
        agent.start()
        self.assertTrue(self.is_set(agent))
        self.assert_exit(0, self.change(agent, "clear", present=OTHER))



class OverTlsTest(UnloadCase):
    """Agents that speak TLS get it from the server."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agent, = cls.lab.start_agents(1)

    def state(self, agent):
        for row in self.lab.json("countersign", "agents", "unload-password", "show")["agents"]:
            if row["agent"] == agent.id:
                return row["state"]
        return None

    def say(self, what, *scope, password=RIGHT):
        return self.lab.json("countersign", "agents", "unload-password", what, *scope, env=self.secret_env(password))

    def test_set_for_a_domain_for_who_joins_later_and_cleared(self):
        said = self.say("set", "--domain", "eu")
        self.assertEqual((said["covered"], said["asked"], said["no_private_way"]), (1, 1, 0))
        until(lambda: self.state(self.agent) == "done", "the agent has it")
        self.assert_exit(40, self.change(self.agent, "clear"))
        self.assert_exit(0, self.change(self.agent, "clear", present=RIGHT))
        self.say("set", "--agent", self.agent.id, password=OTHER)
        until(lambda: self.state(self.agent) == "done", "the agent has another one")
        self.assert_exit(40, self.change(self.agent, "clear", present=RIGHT))

        # Its package was made before anything was said.
        later, = self.lab.start_agents(1, first=2)
        until(lambda: self.state(later) == "done", "who joins later has it")
        self.assert_exit(40, self.change(later, "clear", present=OTHER))

        self.lab.json("countersign", "agents", "unload-password", "clear", "--all")
        for agent in (self.agent, later):
            until(lambda one=agent: self.state(one) == "done" and not self.is_set(one), "it is taken away")
        self.assert_nobody_told()
        kinds = [event["kind"] for event in self.lab.json("countersign", "events", "list")["events"]]
        self.assertIn("unload-password-set", kinds)
        self.assertIn("unload-password-cleared", kinds)

    def test_whoever_commands_the_server_locks_the_administrator_out_of_nothing(self):
        self.say("set", "--agent", self.agent.id, password="the thief's own password")
        until(lambda: self.state(self.agent) == "done", "the thief's password is there")
        self.assert_exit(40, self.change(self.agent, "clear", present=RIGHT))
        warrant = self.warrant(self.agent.id, "against the thief")
        self.assert_exit(0, self.change(self.agent, "clear", "--warrant", warrant))
        self.assertFalse(self.is_set(self.agent))


if __name__ == "__main__":
    lab.main()
