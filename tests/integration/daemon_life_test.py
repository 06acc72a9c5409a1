"""The life of the daemons: signals, the service manager, one process for a folder, power cuts, queues, permissions."""

import json
import re
import signal
import socket
import time

import lab
from lab import Case, until


class NotifySocket:
    """A service manager: takes what sd_notify sends."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(lab.PATIENCE)

    def next(self):
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines() if "=" in line)

    def await_state(self, name):
        while True:
            state = self.next()
            if name in state:
                return state


class DaemonLife(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(2)

    def notified(self, name, command, reload_says):
        manager = NotifySocket(self.lab.path / f"{name}.notify")
        daemon = self.lab.start(f"notify-{name}", *command, env=lab.environment(NOTIFY_SOCKET=str(manager.path)))
        self.assertEqual(manager.await_state("READY")["READY"], "1")
        daemon.signal(signal.SIGHUP)
        state = manager.await_state("RELOADING")
        self.assertIn("MONOTONIC_USEC", state)
        manager.await_state("READY")
        self.assertIn(reload_says, daemon.text())
        daemon.signal(signal.SIGTERM)
        manager.await_state("STOPPING")
        self.assertEqual(daemon.wait(), 0)
        self.assertIn("stopping", daemon.text())
        return daemon

    def test_1_service_manager_and_signals(self):
        agent = self.agents[0]
        self.assertEqual(self.lab.server.stop(), 0)
        self.assertEqual(agent.stop(), 0)
        self.notified("server", (lab.PROGRAMS / "countersignd", "--data", self.lab.data), "configuration read anew")
        self.notified("agent", (lab.PROGRAMS / "countersign-agentd", "--agent-folder", agent.folder), "agent.toml")
        with self.subTest("SIGINT is as good"):
            self.lab.start_server()
            self.lab.server.signal(signal.SIGINT)
            self.assertEqual(self.lab.server.wait(), 0)
        self.lab.start_server()
        agent.start()

    def test_2_reload_takes_what_is_good_and_keeps_on_with_the_rest(self):
        config = self.lab.data / "countersign.toml"
        text = config.read_text()
        with self.subTest("a mistake is told by line, and changes nothing"):
            config.write_text(text + "\nsurprise = 1\n")
            self.lab.server.signal(signal.SIGHUP)
            until(lambda: "surprise" in self.lab.server.text(), "the mistake is in the log")
            self.assertTrue(self.lab.serves())
        with self.subTest("a good one is taken"):
            config.write_text(re.sub(r'(?m)^public_host = .*', 'public_host = "after.example"', text))
            self.lab.server.signal(signal.SIGHUP)
            until(lambda: "read anew" in self.lab.server.text(), "it is read")
            self.assertIn("after.example", (self.lab.package("package-after") / "package.toml").read_text())
        config.write_text(text)
        self.lab.server.signal(signal.SIGHUP)

    def test_3_one_process_for_a_folder(self):
        for name, command in (("second-server", ("countersignd", "--data", self.lab.data)),
                              ("second-agent", ("countersign-agentd", "--agent-folder", self.agents[0].folder))):
            with self.subTest(name):
                done = self.lab.run(*command)
                self.assert_exit(8, done)
        self.assertEqual(self.lab.order(self.agents[0].id)[0], 0)

    def test_4_server_started_beside_commands(self):
        """A command that just has the stopped server's folder is waited for, and the other way round."""
        self.lab.server.stop()
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data))
        for round_ in range(3):
            commands = [self.lab.start(f"command{round_}-{i}", lab.PROGRAMS / "countersign", "status", env=env)
                        for i in range(3)]
            self.lab.start_server()
            self.assertEqual([one.wait() for one in commands], [0, 0, 0],
                             "\n".join(one.text() for one in commands))
            self.lab.server.stop()
        self.lab.start_server()

    def test_5_killed_server_goes_on(self):
        self.lab.server.kill()
        self.lab.start_server()
        self.assertEqual(self.lab.order(self.agents[0].id)[0], 0)
        self.lab.server.kill()
        self.assertEqual(self.lab.run("countersign", "status").code, 0)  # what a dead server left is no obstacle
        self.lab.start_server()

    def test_6_agent_killed_during_an_order(self):
        """F4: the order is interrupted, and stays so; it never runs twice."""
        package = self.lab.package("package-slow", "--host", f"{self.lab.network}.210")
        self.lab.make_plain(package / "package.toml")
        agent = self.lab.install(3, package)
        host = f"{self.lab.network}.210"
        record = self.lab.path / "seen"
        reports = self.lab.attacker("reports", "relay", "--from", f"{host}:{self.lab.port}", "--to", f"127.0.0.1:{self.lab.port}")
        self.lab.attacker("orders", "relay", "--from", f"{host}:{self.lab.agent_port}", "--to", agent.address, "--record", record)
        agent.start()
        agent.await_standing("verified")
        reports.signal(signal.SIGSTOP)  # the report that ends update-now gets no answer
        self.assertEqual(self.lab.order(agent.id, "update-now", "--no-wait")[0], 0)
        until(lambda: ": update-now" in agent.process.text(), "the order has begun")
        agent.process.kill()
        reports.signal(signal.SIGCONT)
        agent.start()
        (jti,) = re.findall(r"order (\S+): update-now", agent.process.text())
        # The server would sign it anew in a quarter of an hour; its key does it now.
        key, certificate = self.server_key()
        answers = self.lab.attack("forge", "--to", agent.address, "--key", key, "--cert", certificate, "--iss",
                                  agent.status()["certificate"]["server"], "--aud", agent.id, "--act", "update-now",
                                  "--jti", jti, "--repeat", "2")
        self.assertEqual([answer["verdict"] for answer in answers], ["interrupted", "interrupted"])
        self.assertEqual(agent.process.text().count(": update-now"), 1)
        agent.stop()

    def server_key(self):
        certificate = self.agents[0].folder / "OfcNTCer.dat"
        public = self.lab.openssl("x509", "-inform", "DER", "-in", certificate, "-noout", "-pubkey").out
        for key in (self.lab.data / "keys").glob("*.key"):
            if self.lab.openssl("pkey", "-inform", "DER", "-in", key, "-pubout").out == public:
                return key, certificate
        raise AssertionError("the server's key is not there")

    def test_7_agent_killed_at_any_time_starts_again(self):
        agent = self.agents[1]
        for delay in (0, 0.02, 0.1, 0.3):
            agent.process.kill()
            agent.start(wait=False)
            time.sleep(delay)
            agent.process.kill()
            self.lab.replace()
            agent.start()
            agent.await_serial(self.lab.serial())
        until(lambda: self.lab.order(agent.id)[0] == 0, "it obeys")

    def test_8_unsafe_permissions(self):
        agent = self.agents[0]
        agent.stop()
        for path, mode in ((agent.folder / "agent.key", 0o644), (agent.folder / "trust", 0o660), (agent.folder, 0o777)):
            with self.subTest(path.name):
                good = path.stat().st_mode & 0o777
                path.chmod(mode)
                done = self.assert_exit(5, self.lab.run("countersign-agentd", "--agent-folder", agent.folder))
                (command,) = re.findall(r"chmod .*", done.err)
                path.chmod(mode)
                self.lab.ok("sh", "-c", command)
                self.assertFalse(path.stat().st_mode & 0o022)
                path.chmod(good)
        self.lab.server.stop()
        self.lab.data.chmod(0o777)
        done = self.assert_exit(5, self.lab.run("countersignd", "--data", self.lab.data), "chmod")
        self.lab.data.chmod(0o700)
        self.lab.start_server()
        agent.start()

    def test_9_output_file_is_no_input(self):
        """OfcNTCer.dat at the agent, tampered with while it is off: put back, and said."""
        agent = self.agents[0]
        self.assertEqual(self.lab.order(agent.id, "update-now")[0], 0)  # so that it has nothing to take over meanwhile
        agent.stop()
        right = (agent.folder / "OfcNTCer.dat").read_bytes()
        self.lab.make_pfx("other")
        for name, octets in (("another certificate", (self.lab.path / "other.dat").read_bytes()), ("nonsense", b"x"), ("nothing", None)):
            with self.subTest(name):
                if octets is None:
                    (agent.folder / "OfcNTCer.dat").unlink()
                else:
                    (agent.folder / "OfcNTCer.dat").write_bytes(octets)
                (self.lab.path / "agent1.log").write_text("")
                agent.start()
                until(lambda: (agent.folder / "OfcNTCer.dat").exists()
                      and (agent.folder / "OfcNTCer.dat").read_bytes() == right, "it is put back")
                until(lambda: "IpXfer -e" in agent.process.text(), "it is said, with the hint")
                agent.stop()
        agent.start()
        agent.await_standing("verified")


class Queues(Case):
    """A server that may not call its agents (no call_networks): everything goes by their reports."""

    @classmethod
    def prepare(cls):
        cls.lab.ok("countersign", "server", "init", "--password-file", cls.lab.secret(lab.PASSWORD), "--listen", "127.0.0.1",
                   "--http-port", cls.lab.port, "--https-port", cls.lab.https_port, "--public-host", "127.0.0.1", "--report-interval", "60")
        cls.lab.start_server()
        (cls.agent,) = cls.lab.start_agents(1)

    def open_orders(self):
        return self.lab.json("countersign", "agents", "show", self.agent.id)["open_orders"]

    def test_1_order_waits_for_the_report(self):
        self.agent.stop()  # it may still have a report to make, which would fetch the order
        self.assertEqual(self.lab.order(self.agent.id, "ping", "--no-wait")[0], 0)
        self.assertEqual([order["state"] for order in self.open_orders()], ["queued"])
        # It reports as it starts.
        self.agent.start()
        until(lambda: not self.open_orders(), "the order is done")
        self.assertEqual(len(re.findall(r"order \S+: ping", self.agent.process.text())), 1)

    def test_2_waiting_order_ends_with_its_receipt(self):
        self.agent.stop()
        waiting = self.lab.start("waiting", lab.PROGRAMS / "countersign", "order", "send", "--json", "--agent",
                                 self.agent.id, "--wait", "60", "update-now",
                                 env=lab.environment(COUNTERSIGN_DATA=str(self.lab.data)))
        until(self.open_orders, "it is queued")
        self.agent.start()
        self.assertEqual(waiting.wait(), 0, waiting.text())
        self.assertEqual(json.loads(waiting.text())["orders"][0]["verdict"], "done")

    def test_3_queued_on_a_stopped_server(self):
        self.lab.server.stop()
        self.assertEqual(self.lab.order(self.agent.id, "ping", "--no-wait")[0], 0)
        before = len(re.findall(r"order \S+: ping", self.agent.process.text()))
        self.lab.start_server()
        self.agent.stop()
        self.agent.start()
        until(lambda: not self.open_orders(), "the order is done")
        self.assertEqual(len(re.findall(r"order \S+: ping", self.agent.process.text())), before + 1)

    def test_4_lapses(self):
        self.lab.server.stop()
        code, order = self.lab.order(self.agent.id, "report", "--no-wait", "--expires", "1")
        self.assertEqual((code, order["state"]), (0, "queued"))
        time.sleep(1.1)
        self.lab.start_server()
        until(lambda: not self.open_orders(), "it lapses")
        self.agent.stop()
        self.agent.start()
        self.agent.await_standing("verified")
        self.assertNotIn(": report", self.agent.process.text())

    def test_5_new_certificate_comes_with_the_report(self):
        self.agent.stop()
        self.lab.replace()
        self.assertEqual(self.agent.standing(), "behind")
        self.agent.start()
        self.agent.await_serial(self.lab.serial())
        self.agent.await_standing("verified")


if __name__ == "__main__":
    lab.main()
