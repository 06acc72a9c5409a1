"""What the end-to-end tests share: a scratch folder, free ports, the real programs, and their end by process id.

Every test file is a program: `python3 x_test.py PROGRAMS` runs its cases, where PROGRAMS is the folder with countersignd
and the others. Nothing is shared between two of them, so they may run at the same time.
"""

import contextlib
import csv
import glob
import http.client
import json
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from free_port import free_port  # noqa: E402
PROGRAMS = Path("/")  # set by main
PASSWORD = "correct horse battery"
PATIENCE = 60  # seconds; only reached when something is wrong

IS_ROOT = os.geteuid() == 0
NOBODY = 65534


def environment(**more):
    """The environment of the programs: nothing of the caller's that they read."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "NOTIFY_"))}
    env["PATH"] = f"{PROGRAMS}:{env['PATH']}"
    # The programs forbid debuggers, and LeakSanitizer is one; faketime wants to be loaded before AddressSanitizer.
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0:verify_asan_link_order=0"
    env.update(more)
    return env


def faked(offset):
    """The environment of a program whose clock is off, like "+4y"; time goes on from there, sleeping stays as it is."""
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return environment(LD_PRELOAD=library, FAKETIME=offset, FAKETIME_DONT_FAKE_MONOTONIC="1")


def sanitized():
    """Whether the programs were built with a sanitizer, whose memory allocator faketime does not get along with."""
    program = (PROGRAMS / "countersign-agentd").read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


def until(condition, what, seconds=PATIENCE):
    """Polls until `condition()` is true and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Finished:
    """What a program left: exit code, output, and the JSON object in it."""

    def __init__(self, args, done):
        self.args = [str(arg) for arg in args]
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except json.JSONDecodeError as error:
            raise AssertionError(f"no JSON: {self}") from error

    def __str__(self):
        return f"{' '.join(self.args)}\n  exit {self.code}\n  out: {self.out}\n  err: {self.err}"


class Daemon:
    """A program that runs in the background, with its log; ended by its own process id."""

    def __init__(self, name, command, log, env=None, cwd=None):
        self.name, self.log = name, log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                [str(arg) for arg in command], env=env or environment(), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True)

    def runs(self):
        return self.process.poll() is None

    def text(self):
        return Path(self.log).read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def stop(self):
        """SIGTERM; returns the exit code."""
        if self.runs():
            self.process.terminate()
        try:
            return self.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop at SIGTERM:\n{self.text()}") from None

    def kill(self):
        self.process.kill()
        self.wait()


class Lab:
    """A fleet of its own in a scratch folder and a loopback network of its own."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="countersign-it."))
        self.network = f"127.{16 + os.getpid() % 100}.{os.getpid() // 100 % 250 + 1}"
        self.port, self.https_port, self.agent_port = free_port(), free_port(), free_port()
        self.tls = True  # what packages say; attackers who put themselves between need plain agents
        self.data = self.path / "server"
        self.daemons = []
        self.server = None
        self.attacks = 0

    def end(self):
        for daemon in reversed(self.daemons):
            if daemon.runs():
                daemon.process.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(15)
            except subprocess.TimeoutExpired:
                daemon.kill()
        shutil.rmtree(self.path, ignore_errors=True)

    def logs(self):
        """The ends of all logs, for a failure's message."""
        texts = [f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in sorted(self.path.glob("*.log"))]
        return "\n".join(texts)

    # Programs.

    def run(self, *args, stdin=None, cwd=None, env=None, timeout=120, prefix=()):
        """Runs a program to its end; never raises for its exit code."""
        done = subprocess.run(
            [str(arg) for arg in (*prefix, *args)], input=(stdin or "").encode(), cwd=cwd or self.path,
            env=env or environment(COUNTERSIGN_DATA=str(self.data)), capture_output=True, timeout=timeout, check=False)
        return Finished(args, done)

    def at_terminal(self, answers, *args, env=None, cwd=None):
        """Runs a program on a terminal of its own, and gives one answer to each question; returns exit code and output."""
        env = env or environment(COUNTERSIGN_DATA=str(self.data))
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(cwd or self.path)
            os.execvpe(str(args[0]), [str(arg) for arg in args], env)
        said, seen, answers = b"", 0, list(answers)
        with contextlib.suppress(OSError):  # the terminal ends with the program
            while part := os.read(terminal, 4096):
                said += part
                if answers and said[seen:].endswith(b": "):
                    seen = len(said)
                    # A question without echo stands there when the echo is off already.
                    os.write(terminal, answers.pop(0).encode() + b"\n")
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        text = said.decode(errors="replace").replace("\r\n", "\n")
        if answers:
            raise AssertionError(f"never asked for {len(answers)} answers, exit {code}: {text}")
        return code, text

    def ok(self, *args, **how):
        """Runs a program that must succeed."""
        done = self.run(*args, **how)
        if done.code != 0:
            raise AssertionError(f"{done}\n{self.logs()}")
        return done

    def json(self, *args, **how):
        return self.ok(*args, "--json", **how).json

    def start(self, name, *command, env=None, cwd=None):
        daemon = Daemon(name, command, self.path / f"{name}.log", env, cwd)
        self.daemons.append(daemon)
        return daemon

    # The server.

    def init(self, *more, password=PASSWORD):
        """Makes a server's folder with a new identity."""
        secret = self.secret(password)
        self.ok("countersign", "server", "init", "--password-file", secret, *self.server_options(), *more)

    def server_options(self):
        return ["--listen", "127.0.0.1", "--http-port", self.port, "--https-port", self.https_port, "--public-host", "127.0.0.1", "--call-network",
                "127.0.0.0/8", "--report-interval", "60"]

    def secret(self, text):
        """A file with a password."""
        path = self.path / f"secret-{abs(hash(text))}"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start_server(self, *prefix, env=None):
        self.server = self.start("server", *prefix, PROGRAMS / "countersignd", "--data", self.data, env=env)
        until(lambda: self.serves() or not self.server.runs(), "the server starts")
        if not self.server.runs():
            raise AssertionError(f"the server did not start:\n{self.server.text()}")
        return self.server

    def serves(self):
        try:
            return self.fetch("/countersign/v1/certificate").status == 200
        except OSError:
            return False

    def fetch(self, path, host="127.0.0.1", port=None, method="GET", body=None, headers=None, tls=False):
        if tls:  # no certificate is looked at
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(host, port or self.https_port, timeout=20, context=context)
        else:
            connection = http.client.HTTPConnection(host, port or self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.content = answer.read()
            return answer

    def replace(self, password=PASSWORD):
        return self.ok("CertificateManager", "-c", "-", stdin=password)

    def serial(self):
        return self.serial_of(self.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat")

    def serial_of(self, path):
        done = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", path, "-noout", "-serial"], check=True,
                              capture_output=True, text=True)
        return done.stdout.strip().split("=")[1]

    # Agents as the server sees them.

    def agents(self, *more):
        return self.json("countersign", "agents", "list", *more)["agents"]

    def row(self, agent_id):
        for row in self.agents():
            if row["agent"] == agent_id:
                return row
        return {}

    def standing(self, agent_id):
        return self.row(agent_id).get("standing")

    def order(self, agent_id, act="ping", *more):
        """Sends an order; returns (exit code, the order)."""
        done = self.run("countersign", "order", "send", "--json", "--agent", agent_id, act, *more)
        return done.code, done.json.get("orders", [done.json])[0]

    def mismatched(self):
        """The rows of `CertificateManager -l`."""
        path = self.path / "mismatched.csv"
        done = self.run("CertificateManager", "-l", path)
        if done.code not in (0, 22):
            raise AssertionError(f"{done}\n{self.logs()}")
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if (done.code == 22) != bool(rows):
            raise AssertionError(f"exit code 22 tells some from none: {done}, {rows}")
        return rows

    # Agents.

    def package(self, name="package", *more):
        path = self.path / name
        self.ok("countersign", "agents", "package", "-o", path, "--domain", "eu/paris", "--no-programs", *more)
        if not self.tls:
            self.make_plain(path / "package.toml")
        return path

    @staticmethod
    def make_plain(config):
        """A package, or a stopped agent, that speaks HTTP without TLS."""
        text = config.read_text()
        if "tls = true" not in text:
            raise AssertionError(f"no tls = true in {config}")
        config.write_text(text.replace("tls = true", "tls = false"))

    def install(self, number, package=None, port=None):
        return Agent(self, number, package or self.path / "package", port or self.agent_port)

    def start_agents(self, count, first=1):
        """Installs and starts agents, and waits until they are verified."""
        if not (self.path / "package").exists():
            self.package()
        agents = [self.install(number) for number in range(first, first + count)]
        for agent in agents:
            agent.start()
        for agent in agents:
            agent.await_standing("verified")
        return agents

    # The attacker.

    def attack(self, command, *args, source=None):
        """Runs attacker.mjs, from many addresses if not from `source`; returns the objects that it printed."""
        self.attacks += 1
        more = ("--source", source) if source else ("--sources", f"127.{150 + self.attacks // 200}.{self.attacks % 200}")
        done = self.run("node", HERE / "attacker.mjs", command, *args, *more)
        if done.code != 0:
            raise AssertionError(str(done))
        return [json.loads(line) for line in done.out.splitlines()]

    def attacker(self, name, command, *args):
        """Starts the attacker in the background and waits until it is ready."""
        daemon = self.start(name, "node", HERE / "attacker.mjs", command, *args)
        until(lambda: "ready" in daemon.text() or not daemon.runs(), f"the attacker's {command}")
        if not daemon.runs():
            raise AssertionError(daemon.text())
        return daemon

    def openssl(self, *args):
        return self.ok("openssl", *args)

    def make_pfx(self, name, password=PASSWORD, days=1095, when=None):
        """As an administrator makes it: RSA-2048, self-signed. Leaves NAME.key, NAME.pem, NAME.dat and NAME.pfx."""
        prefix = ("faketime", when) if when else ()
        self.ok("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.pem", "-days", days, "-subj", "/CN=OfficeScan Server NTSG", prefix=prefix)
        self.openssl("pkcs12", "-export", "-inkey", f"{name}.key", "-in", f"{name}.pem", "-out", f"{name}.pfx",
                     "-passout", f"pass:{password}")
        self.openssl("x509", "-in", f"{name}.pem", "-outform", "DER", "-out", f"{name}.dat")
        return self.path / f"{name}.pfx"


class Agent:
    """One agent: folder, address, process."""

    def __init__(self, lab, number, package, port):
        self.lab, self.number = lab, number
        self.folder = lab.path / f"agent{number}"
        self.host, self.port = f"{lab.network}.{number}", port
        installed = lab.json("countersign-agentd", "--agent-folder", self.folder, "install", "--from", package, "--listen",
                             f"{self.host}:{port}")
        self.id = installed["agent"]
        self.process = None

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self, *prefix, env=None, wait=True):
        self.process = self.lab.start(f"agent{self.number}", *prefix, PROGRAMS / "countersign-agentd", "--agent-folder",
                                      self.folder, env=env)
        if wait:
            until(lambda: self.alive() or not self.process.runs(), f"agent {self.number} listens")
            if not self.process.runs():
                raise AssertionError(f"agent {self.number} did not start:\n{self.process.text()}")
        return self.process

    def speaks_tls(self):
        return "\ntls = true\n" in (self.folder / "agent.toml").read_text()

    def alive(self):
        try:
            return self.lab.fetch("/countersign/v1/alive", self.host, self.port, tls=self.speaks_tls()).status == 200
        except OSError:
            return False

    def stop(self):
        return self.process.stop()

    def status(self):
        return self.lab.json("countersign-agentd", "--agent-folder", self.folder, "status")

    def serial(self):
        """As the documented procedure has it: a copy of OfcNTCer.dat, renamed, and its serial number."""
        copy = self.lab.path / f"copy{self.number}.cer"
        shutil.copy(self.folder / "OfcNTCer.dat", copy)
        return self.lab.serial_of(copy)

    def renew(self, certificate, *more):
        return self.lab.run("IpXfer", "-agent-folder", self.folder, "-e", certificate, "-json", *more)

    def standing(self):
        return self.lab.standing(self.id)

    def await_standing(self, standing):
        try:
            until(lambda: self.standing() == standing, f"agent {self.number} is {standing}")
        except AssertionError as error:
            raise AssertionError(f"{error}; its row: {self.lab.row(self.id)}\n{self.lab.logs()}") from None

    def await_serial(self, serial):
        until(lambda: self.status()["certificate"]["serial"] == serial, f"agent {self.number} holds {serial}")


class Case(unittest.TestCase):
    """A test case with a lab for all its tests, made by prepare()."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.end)
        try:
            cls.prepare()
        except Exception:
            print(cls.lab.logs(), file=sys.stderr)
            raise

    @classmethod
    def prepare(cls):
        pass

    def assert_exit(self, code, done, *words):
        """The exit code, and words that the output must have."""
        self.assertEqual(done.code, code, str(done))
        for word in words:
            self.assertIn(word, done.out + done.err, str(done))
        return done

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self.lab.logs(), file=sys.stderr)


def main():
    global PROGRAMS
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} PROGRAMS [unittest options]")
    PROGRAMS = Path(sys.argv.pop(1)).resolve()
    # Other modules look at lab.PROGRAMS: the same object whether this file is a module or not.
    sys.modules["lab"].PROGRAMS = PROGRAMS
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.umask(0o022)
    unittest.main(module="__main__", verbosity=2)
