"""Administrators only, on this machine only, told clearly; and each of their operations is an event that names them."""

import json
import os
import pty
import resource
import shutil
import subprocess
import unittest

import lab
from lab import IS_ROOT, NOBODY, PASSWORD, Case, environment, until

UNKNOWN = "00000000-0000-8000-8000-000000000000"
ROOT_AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


class Administrators(Case):
    @classmethod
    def prepare(cls):
        here = cls.lab
        here.path.chmod(0o755)
        here.init()
        config = here.data / "countersign.toml"
        config.write_text(config.read_text().replace('export = "forbidden"', 'export = "allowed"'))
        cls.wrong = here.secret("a wrong password")

    def events(self):
        return self.lab.json("countersign", "events", "list")["events"]

    def events_of(self, *args, code=0, **how):
        """The events that one command made; what the server reminds of by itself may come in between."""
        before = self.events()
        self.assert_exit(code, self.lab.run(*args, **how))
        return [event for event in self.events()[len(before):] if event["by"]]

    # Events.

    def assert_event(self, kind, *args, text=None, **how):
        events = self.events_of(*args, **how)
        self.assertEqual([event["kind"] for event in events], [kind], args)
        by = events[0]["by"]
        self.assertEqual(by["uid"], os.getuid(), events)
        self.assertEqual(by["terminal"], "none", "no stream of the test is a terminal")
        if IS_ROOT:
            self.assertEqual(by["name"], "root")
        if text is not None:
            self.assertIn(text, events[0]["text"])

    def every_operation(self, name):
        manager, path = "CertificateManager", self.lab.path
        refused = "wrong-password"
        self.assert_event("replace-refused", manager, "-c", "a wrong password", code=6, text=refused)
        self.assert_event("certificate-replaced", manager, "-c", PASSWORD)
        self.assert_event("certificate-exported", manager, "-e", path / f"{name}.dat")
        self.assert_event("keys-exported", manager, "-b", PASSWORD, path / f"{name}.zip")
        self.assert_event("import-refused", manager, "-r", "a wrong password", path / f"{name}.zip", code=6, text=refused)
        self.assert_event("identity-restored", manager, "-r", PASSWORD, path / f"{name}.zip")
        self.lab.make_pfx(name)
        self.assert_event("import-refused", manager, "-ine", "a wrong password", path / f"{name}.pfx", code=6)
        self.assert_event("identity-imported", manager, "-ine", PASSWORD, path / f"{name}.pfx", "-replace")
        self.assert_event("certificate-replaced", manager, "-c", PASSWORD)
        verify = ("countersign", "backup", "verify", "--password-file")
        self.assert_event("backup-verify-refused", *verify, self.wrong, code=6, text=refused)
        self.assert_event("backup-verified", *verify, self.lab.secret(PASSWORD))
        change = ("countersign", "backup", "password", "--new-password-file", self.lab.secret(PASSWORD), "--password-file")
        self.assert_event("backup-password-refused", *change, self.wrong, code=6, text=refused)
        self.assert_event("backup-password-changed", *change, self.lab.secret(PASSWORD))
        drill = self.events_of("countersign", "backup", "drill", "--password-file", self.lab.secret(PASSWORD))
        self.assertIn("backup-drilled", [event["kind"] for event in drill])
        self.assert_event("package-made", "countersign", "agents", "package", "--no-programs", "-o", path / f"{name}-package", text="token ")
        self.assert_event("approve-refused", "countersign", "agents", "approve", UNKNOWN, code=3, text="not-found")
        self.assert_event("forget-refused", "countersign", "agents", "forget", UNKNOWN, code=3)
        self.assert_event("order-refused", "countersign", "order", "send", "--agent", UNKNOWN, "ping", "--no-wait", code=3)
        self.assertEqual(self.events_of("countersign", "status"), [], "what only shows is no event")

    def test_1_creation_names_who_made_the_server(self):
        first = self.events()[0]
        self.assertEqual((first["kind"], first["by"]["uid"]), ("identity-created", os.getuid()))

    def test_2_running_server(self):
        self.lab.start_server()
        self.every_operation("running")

    def test_3_terminal_and_login_are_what_the_client_says(self):
        main, terminal = pty.openpty()
        self.addCleanup(os.close, main)
        before = len(self.events())
        env = environment(COUNTERSIGN_DATA=str(self.lab.data), SUDO_UID=str(NOBODY))
        subprocess.run(["CertificateManager", "-e", str(self.lab.path / "x.dat")], env=env, stdin=terminal, check=True,
                       capture_output=True)
        (by,) = [event["by"] for event in self.events()[before:] if event["by"]]
        self.assertEqual("/dev/" + by["terminal"], os.ttyname(terminal))
        os.close(terminal)
        with open("/proc/self/loginuid", encoding="ascii") as file:
            if file.read() == str(2**32 - 1):
                self.assertIn(f"(uid {NOBODY})", by["login"])
        table = self.lab.ok("countersign", "events", "list").out
        self.assertIn(f"terminal {by['terminal']}", table)

    def test_4_reload_is_an_event(self):
        before = len(self.events())
        self.lab.server.signal(lab.signal.SIGHUP)
        event = until(lambda: [event for event in self.events()[before:] if event["kind"] == "configuration-read"],
                      "the configuration is read")[0]
        self.assertIsNone(event["by"])

    # Who may.

    def refusals(self):
        data = ("--data", self.lab.data)
        yield "countersign", *data, "status", "--json"
        yield "countersign", *data, "events", "list", "--json"
        yield "countersign", *data, "backup", "verify", "--password-file", "/dev/null", "--json"
        yield "CertificateManager", "-c", PASSWORD, "-data", self.lab.data, "-json"
        yield "CertificateManager", "-l", "-", "-data", self.lab.data, "-json"
        yield "countersignd", *data

    def assert_others_are_told(self):
        before = self.events()
        for mode in (0o700, 0o755):  # also where the folder itself may be looked into
            self.lab.data.chmod(mode)
            for command in self.refusals():
                done = self.lab.run(*command, prefix=ROOT_AS_NOBODY, env=environment())
                self.assert_exit(5, done, "only root and its owner, root (uid 0), may", "sudo", f"(uid {NOBODY})")
                if "json" in str(command):
                    self.assertEqual(json.loads(done.out)["code"], "permission-denied")
        self.lab.data.chmod(0o700)
        self.assertEqual(self.events(), before)

    @unittest.skipUnless(IS_ROOT, "needs another user")
    def test_5_others_are_told_who_may_with_a_running_server(self):
        self.assertEqual(os.stat(self.lab.data / "control.sock").st_mode & 0o777, 0o600)
        self.assert_others_are_told()

    def test_6_no_network_port_offers_administration(self):
        listening = {line.split()[3] for line in self.sockets("/proc/net/tcp", "/proc/net/tcp6") if self.is_the_servers(line)}
        self.assertEqual(len(listening), 1, "HTTP for agents, and nothing else")
        for path in ("/", "/control", "/countersign/v1/admin", "/countersign/v1/status", "/status"):
            for body in (None, '{"command":"status"}'):
                answer = self.lab.fetch(path, method="POST" if body else "GET", body=body)
                self.assertEqual(answer.status, 404, path)

    def sockets(self, *tables):
        for table in tables:
            with open(table, encoding="ascii") as file:
                yield from (line for line in list(file)[1:] if line.split()[3] == "0A")

    def is_the_servers(self, line):
        inode = line.split()[9]
        links = f"/proc/{self.lab.server.process.pid}/fd"
        return f"socket:[{inode}]" in [os.readlink(f"{links}/{fd}") for fd in os.listdir(links)]

    def test_7_stopped_server(self):
        self.assertEqual(self.lab.server.stop(), 0)
        self.every_operation("stopped")
        if IS_ROOT:
            self.assert_others_are_told()
        documented = (lab.ROOT / "docs/events.md").read_text(encoding="utf-8")
        for event in self.events():
            self.assertIn(f"`{event['kind']}`", documented)

    # Memory.

    @unittest.skipUnless(IS_ROOT, "needs another user")
    def test_8_owner_of_the_service_is_named_and_may_not_look_into_its_memory(self):
        """As packaged: the folder is a service user's; root administers it, and so may that user."""
        for path in (self.lab.data, *self.lab.data.rglob("*")):
            os.lchown(path, NOBODY, NOBODY)
        server = self.lab.start_server()
        pid = server.process.pid
        plain = subprocess.Popen([*ROOT_AS_NOBODY, "sleep", "60"])
        self.addCleanup(plain.wait)
        self.addCleanup(plain.kill)
        until(lambda: os.stat(f"/proc/{plain.pid}/mem").st_uid == NOBODY, "a process that any of its user's may look into")
        self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0, "root's alone, though the process is the service's")
        for name in ("mem", "environ", "maps"):
            done = self.lab.run("head", "-c1", f"/proc/{pid}/{name}", prefix=ROOT_AS_NOBODY)
            self.assertIn("Permission denied", done.err, str(done))
        shared = self.lab.path / "shared"
        shared.mkdir()
        os.chown(shared, NOBODY, NOBODY)
        for prefix, uid in ((ROOT_AS_NOBODY, NOBODY), ((), 0)):
            event, = self.events_of("CertificateManager", "-e", f"{uid}.dat", prefix=prefix, cwd=shared)
            self.assertEqual(event["by"]["uid"], uid)
        server.stop()
        event, = self.events_of("CertificateManager", "-e", "2.dat", cwd=shared)
        self.assertEqual(event["by"]["uid"], 0, "root, not the owner as whom it acts")

    def test_9_no_core_is_left(self):
        folder = self.lab.path / "cores"
        folder.mkdir()

        def allow_cores():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        commands = (["countersignd", "--data", str(self.lab.data)],
                    ["CertificateManager", "-c", "-", "-data", str(self.lab.data)])
        for command in commands:
            process = subprocess.Popen(command, cwd=folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, preexec_fn=allow_cores)
            until(lambda: self.core_limit(process.pid) == "0", f"{command[0]} forbids cores")
            process.send_signal(lab.signal.SIGABRT)
            status = os.waitpid(process.pid, 0)[1]
            process.returncode = -lab.signal.SIGABRT
            process.stdin.close()
            self.assertTrue(os.WIFSIGNALED(status))
            self.assertFalse(os.WCOREDUMP(status), command)
        self.assertEqual(list(folder.iterdir()), [])
        shutil.rmtree(folder)

    def core_limit(self, pid):
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            return next(line for line in file if line.startswith("Max core")).split()[4]


if __name__ == "__main__":
    lab.main()
