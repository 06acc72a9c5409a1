"""Orders that do something (docs/actions.md): the local policy decides, programs are run without a shell and within their
limits, hooks get verified orders, and a restart answers first."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import lab
from lab import Case, until

POLICY = """
allow = ["update-now", "restart", "set-interval", "run", "scan", "survey", "slow", "gone"]
at_once = 1
hook_time_limit = 20

[programs.echo]
path = "/bin/echo"
args = ["[a-zA-Z0-9 .;$()|*-]{1,64}"]

[programs.script]
path = "%(script)s"
args = [["ok", "fail", "environment", "big", "binary", "sleep", "descriptors"]]
time_limit = 3
folder = "/usr"

[programs.long]
path = "/bin/sleep"
args = ["[0-9]{1,4}"]
time_limit = 600

[programs.foreign]
path = "%(foreign)s"
"""

SCRIPT = """#!/bin/sh
case $1 in
  ok) echo all is well; echo and this too >&2 ;;
  fail) echo no; exit 7 ;;
  environment) env | sort; pwd ;;
  descriptors) ls /proc/self/fd ;;
  big) head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end ;;
  binary) printf 'a\\377b\\000c\\033[31m\\303\\244' ;;
  sleep) sleep 1000 & echo $! > %(pid)s; sleep 1000 ;;
esac
"""

SCAN = """#!/usr/bin/env python3
import json, sys
order = json.load(sys.stdin)
print(json.dumps(order, sort_keys=True))
sys.exit(0 if order["args"].get("path") == "/srv" else 3)
"""


@unittest.skipUnless(lab.IS_ROOT, "a policy belongs to root")
class Actions(Case):
    @classmethod
    def prepare(cls):
        here = cls.lab
        cls.policy = here.path / "policy"
        (cls.policy / "hooks").mkdir(parents=True)
        cls.pid_file = here.path / "sleeping.pid"
        cls.script = cls.write("script", SCRIPT % {"pid": cls.pid_file}, 0o755)
        foreign = cls.write("foreign", "#!/bin/sh\necho not root's\n", 0o755)
        os.chown(foreign, lab.NOBODY, lab.NOBODY)
        cls.text = POLICY % {"script": cls.script, "foreign": foreign}
        cls.write("policy.toml", cls.text)
        cls.write("hooks/scan", SCAN, 0o755)
        cls.write("hooks/survey", (lab.ROOT / "examples/hook/scan").read_text(), 0o755)
        cls.write("hooks/slow", "#!/bin/sh\nexec sleep 1000\n", 0o755)
        cls.write("hooks/forbidden", "#!/bin/sh\necho never\n", 0o755)
        here.init()
        here.start_server()
        here.package()
        cls.agent = here.install(1)
        cls.start()

    @classmethod
    def write(cls, name, text, mode=0o644):
        path = cls.policy / name
        path.write_text(text)
        path.chmod(mode)
        return path

    @classmethod
    def start(cls, agent=None, **environment):
        agent = agent or cls.agent
        agent.start(env=lab.environment(COUNTERSIGN_AGENT_POLICY=str(cls.policy), **environment))
        agent.await_standing("verified")

    def order(self, act, args=None, *more):
        """What became of an order: verdict and result."""
        given = ("--args", json.dumps(args)) if args is not None else ()
        code, order = self.lab.order(self.agent.id, act, *given, *more)
        self.assertEqual(code, 0 if order["verdict"] == "done" or order["earlier"] == "done" else 20, order)
        # It may have come by a call and by a reply at once: the receipt that says so is as good.
        verdict = order["earlier"] if order["verdict"] == "done-before" else order["verdict"]
        return verdict, json.loads(order["result"] or "{}")

    def script_result(self, word):
        return self.order("run", {"program": "script", "args": [word]})

    def reload(self):
        """SIGHUP, and the policy is read anew."""
        before = self.agent.process.text().count("policy read anew")
        self.agent.process.signal(signal.SIGHUP)
        until(lambda: self.agent.process.text().count("policy read anew") > before, "the policy is read")

    def test_1_programs(self):
        with self.subTest("output and exit code"):
            self.assertEqual(self.script_result("ok"), ("done", {"exit": 0, "output": "all is well\nand this too\n"}))
            self.assertEqual(self.script_result("fail"), ("failed", {"exit": 7, "output": "no\n"}))
        with self.subTest("no shell looks at an argument"):
            text = "$(id); a | b *"
            self.assertEqual(self.order("run", {"program": "echo", "args": [text]}), ("done", {"exit": 0, "output": text + "\n"}))
        with self.subTest("a clean environment, a fixed folder, no descriptors"):
            output = self.script_result("environment")[1]["output"].splitlines()
            self.assertEqual(output[-1], "/usr")
            self.assertEqual({line.split("=")[0] for line in output[:-1]} - {"_", "OLDPWD", "SHLVL"}, {"HOME", "LANG", "PATH", "PWD"})
            self.assertEqual(self.script_result("descriptors")[1]["output"].split(), ["0", "1", "2", "3"])
        with self.subTest("what does not fit is cut at its front, and said"):
            result = self.script_result("big")[1]
            self.assertTrue(result["output"].endswith("x\nthe end\n"))
            self.assertEqual(result["cut"] + len(result["output"]), 3_000_009)
            self.assertGreater(len(result["output"]), 3_000)
        with self.subTest("what is no text"):
            self.assertEqual(self.script_result("binary")[1]["output"], "a\ufffdb\0c\033[31m\u00e4")
            shown = self.lab.ok("countersign", "order", "send", "--agent", self.agent.id, "run", "script", "binary")
            self.assertNotIn("\033", shown.out)
            self.assertIn("Output of order", shown.out)

    def test_2_what_the_policy_does_not_name(self):
        for args, verdict in (({"program": "sh", "args": ["-c", "id"]}, "not-allowed"), ({"program": "/bin/sh"}, "not-allowed"),
                              ({"program": "echo", "args": ["-n"]}, "not-allowed"), ({"program": "echo", "args": ["a/b"]}, "not-allowed"),
                              ({"program": "echo", "args": []}, "not-allowed"), ({"program": "echo", "args": ["a", "b"]}, "not-allowed"),
                              ({"program": "echo", "args": ["a\nb"]}, "not-allowed"), ({"args": ["a"]}, "failed"), ({}, "failed"),
                              ({"program": "echo", "args": "a"}, "failed"), ({"program": "foreign"}, "failed")):
            with self.subTest(args):
                found, result = self.order("run", args)
                self.assertEqual(found, verdict, result)
                self.assertIn("error", result)
        with self.subTest("what somebody else could have changed says whose it is"):
            self.assertIn("belongs to user id", self.order("run", {"program": "foreign"})[1]["error"])
        self.assertEqual(self.order("forbidden")[0], "not-allowed")
        self.assertEqual(self.order("install")[0], "unknown-action")

    def test_3_time_and_number(self):
        with self.subTest("killed with its children when the time is over"):
            verdict, result = self.script_result("sleep")
            self.assertEqual((verdict, result), ("failed", {"signal": 9, "timed_out": True}))
            child = int(self.pid_file.read_text())
            until(lambda: not self.runs(child), "its child is gone")
        with self.subTest("as many at once as the policy says: the next has to wait"):
            waiting = self.begin("run", {"program": "long", "args": ["600"]})
            until(lambda: "runs /bin/sleep" in self.agent.process.text(), "it runs")
            # The server sends one order after the other: the next one when this one is answered with `running`.
            code, order = self.lab.order(self.agent.id, "run", "--args", '{"program":"echo","args":["late"]}', "--wait", "40")
            self.assertEqual((code, order["state"], order["verdict"]), (21, "sent", "busy"), order)
            self.assertEqual(self.order("ping")[0], "done")
        with self.subTest("a killed agent leaves it interrupted, and takes it along"):
            (sleeping,) = self.children()
            self.agent.process.kill()
            until(lambda: not self.runs(sleeping), "it is gone")
            self.start()
            out, _ = waiting.communicate(timeout=200)
            self.assertEqual(json.loads(out)["orders"][0]["verdict"], "interrupted")
            self.assertEqual(waiting.returncode, 20)

    def begin(self, act, args):
        """Sends an order and does not wait for its end; the program that does is returned."""
        return subprocess.Popen(
            ["countersign", "order", "send", "--json", "--agent", self.agent.id, act, "--args", json.dumps(args), "--wait", "180"],
            env=lab.environment(COUNTERSIGN_DATA=str(self.lab.data)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def children(self):
        path = f"/proc/{self.agent.process.process.pid}/task/{self.agent.process.process.pid}/children"
        with open(path, encoding="ascii") as file:
            return [int(one) for one in file.read().split()]

    def runs(self, pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return ") Z " not in file.read()
        except FileNotFoundError:
            return False

    def test_4_hooks(self):
        verdict, result = self.order("scan", {"path": "/srv", "deep": True})
        self.assertEqual((verdict, result["exit"]), ("done", 0))
        given = json.loads(result["output"])
        self.assertEqual((given["act"], given["args"], given["agent"]), ("scan", {"path": "/srv", "deep": True}, self.agent.id))
        self.assertEqual(given["server"], self.agent.status()["certificate"]["server"])
        self.assertEqual(self.order("scan", {"path": "/etc"})[1]["exit"], 3)
        with self.subTest("the example"):
            verdict, result = self.order("survey", {"path": "/srv"})
            self.assertEqual((verdict, result["exit"]), ("done", 0), result)
            self.assertRegex(result["output"], "^scanned [0-9]+ files in /srv for order [A-Za-z0-9_-]{22}\n$")
            for path in ("/etc", "/srv/../etc", "/srv/$(id)", ""):
                self.assertEqual(self.order("survey", {"path": path})[1]["exit"], 2)
        with self.subTest("allowed, but not there"):
            self.assertEqual(self.order("gone")[0], "unknown-action")

    def test_5_restart(self):
        pid = self.agent.process.process.pid
        time.sleep(max(0, 11 - self.uptime(pid)))
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            before = file.read().split()[0]
        starts, restarts = self.count("listens at"), self.count(": restart")
        self.assertEqual(self.order("restart")[0], "done")
        until(lambda: self.count("listens at") > starts, "it listens again")
        self.assertEqual(self.agent.process.process.poll(), None)
        self.assertEqual(before, str(pid))  # the same process has become its program anew
        self.assertIn("restarting", self.agent.process.text())
        with self.subTest("done, and once"):
            self.assertEqual(self.order("ping")[0], "done")
            self.assertEqual(self.count(": restart"), restarts + 1)
        with self.subTest("not again at once"):
            verdict, result = self.order("restart")
            self.assertEqual((verdict, "only just" in result["error"]), ("failed", True))
        self.agent.await_standing("verified")

    def count(self, words):
        return self.agent.process.text().count(words)

    def uptime(self, pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            started = int(file.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started

    def test_6_the_service_manager_sees_a_reload(self):
        """Not an end: systemd would take it for one, and kill what follows."""
        path = self.lab.path / "notify"
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(str(path))
        manager.settimeout(lab.PATIENCE)
        self.agent.stop()
        self.start(NOTIFY_SOCKET=str(path))
        self.assertIn("READY=1", manager.recv(4096).decode())
        time.sleep(max(0, 11 - self.uptime(self.agent.process.process.pid)))
        self.assertEqual(self.order("restart")[0], "done")
        self.assertIn("RELOADING=1", manager.recv(4096).decode())
        self.assertIn("READY=1", manager.recv(4096).decode())
        self.agent.stop()
        self.assertIn("STOPPING=1", manager.recv(4096).decode())
        self.start()

    def test_7_interval(self):
        self.assertEqual(self.order("set-interval", {"seconds": 59})[0], "failed")
        verdict, result = self.order("set-interval", {"seconds": 3600})
        self.assertEqual((verdict, result), ("done", {"interval": 60, "server": 60}))  # never later than the server expects
        self.assertEqual(self.agent.status()["acts"]["interval_by_order"], 3600)
        self.agent.stop()
        self.start()
        acts = self.agent.status()["acts"]
        self.assertEqual((acts["interval"], acts["interval_by_order"]), (60, 3600))
        self.assertEqual(self.order("set-interval")[0], "done")
        self.assertEqual(self.agent.status()["acts"]["interval_by_order"], 0)

    def test_8_the_policy_is_the_administrators(self):
        with self.subTest("nobody else's file is taken, and then nothing but ping and report is allowed"):
            os.chown(self.policy / "policy.toml", lab.NOBODY, lab.NOBODY)
            self.reload()
            self.assertEqual(self.order("ping")[0], "done")
            verdict, result = self.order("update-now")
            self.assertEqual((verdict, "not taken" in result["error"]), ("not-allowed", True))
            self.assertEqual(self.script_result("ok")[0], "not-allowed")
            self.assertIn("belongs to user id", self.agent.status()["acts"]["policy_not_taken"])
            shown = self.lab.ok("countersign-agentd", "--agent-folder", self.agent.folder, "status")
            self.assertIn("WARNING: the local policy is not taken", shown.out)
            os.chown(self.policy / "policy.toml", 0, 0)
        for what, mode, words in (("writable by a group", 0o664, "is writable by others"), ("a mistake", 0o644, "line 1")):
            with self.subTest(what):
                self.write("policy.toml", self.text if mode == 0o664 else "allow = 1\n", mode)
                self.reload()
                self.assertIn(words, self.agent.status()["acts"]["policy_not_taken"])
                self.assertEqual(self.order("update-now")[0], "not-allowed")
        with self.subTest("mended, it is taken"):
            self.write("policy.toml", self.text)
            self.reload()
            self.assertEqual(self.script_result("ok")[0], "done")
        with self.subTest("the example"):
            self.write("policy.toml", (lab.ROOT / "examples/hook/policy.toml").read_text())
            self.reload()
            acts = self.agent.status()["acts"]
            self.assertEqual((acts["policy_not_taken"], acts["programs"]), ("", ["df", "service"]))
            self.assertEqual(self.order("run", {"program": "df", "args": ["-h", "/"]})[0], "done")
            self.assertEqual(self.order("run", {"program": "df", "args": ["-h", "/etc"]})[0], "not-allowed")
        with self.subTest("without one: what runs no code"):
            self.write("policy.toml", self.text).rename(self.policy / "away")
            self.reload()
            self.assertEqual(self.order("update-now")[0], "done")
            self.assertEqual(self.script_result("ok")[0], "not-allowed")
            self.assertEqual(self.order("scan")[0], "not-allowed")
            (self.policy / "away").rename(self.policy / "policy.toml")
            self.reload()

    def test_9_how_an_order_is_given(self):
        args = self.lab.path / "args.json"
        args.write_text('{"program": "echo", "args": ["from a file"]}\n')
        send = ("countersign", "order", "send", "--agent", self.agent.id, "run")
        for more in (("--args-file", args), ("--", "echo", "from a file")):
            done = self.lab.ok(*send, *more)
            self.assertIn("\n  from a file\n", done.out)
        self.assert_exit(2, self.lab.run(*send, "--args", "{}", "echo"))
        self.assert_exit(2, self.lab.run("countersign", "order", "send", "--agent", self.agent.id, "ping", "echo"), "only run")
        done = self.lab.run(*send, "--args-file", self.lab.path / "nowhere")
        self.assertNotEqual(done.code, 0)
        self.assertIn("--args-file", done.err)
        self.assertIn("set-interval", self.lab.ok("countersign", "order", "send", "--help").out)


@unittest.skipUnless(lab.IS_ROOT, "a policy belongs to root")
class WaitingAgent(Case):
    """Orders come in the answer to a report that waits; what they start ends while the next one waits."""

    def test_the_receipt_does_not_wait(self):
        here = self.lab
        here.init()
        config = here.data / "countersign.toml"
        config.write_text(re.sub(r"(?m)^long_poll = .*", 'long_poll = "all"', config.read_text()))
        policy = here.path / "policy"
        policy.mkdir()
        (policy / "policy.toml").write_text('allow = ["run", "restart"]\n[programs.sleep]\npath = "/bin/sleep"\nargs = ["2"]\n')
        here.start_server()
        here.package()
        agent = here.install(1)
        agent.start(env=lab.environment(COUNTERSIGN_AGENT_POLICY=str(policy)))
        agent.await_standing("verified")
        until(lambda: here.json("countersign", "agents", "show", agent.id)["agent"].get("waiting"), "its report waits")
        # Less than a report waits: the receipt is posted beside it.
        code, order = here.order(agent.id, "run", "--args", '{"program":"sleep","args":["2"]}', "--wait", "60")
        self.assertEqual((code, order["verdict"], order["result"]), (0, "done", '{"exit":0}'))
        with self.subTest("a restart answers first here, too"):
            time.sleep(10)
            self.assertEqual(here.order(agent.id, "restart", "--wait", "60")[0], 0)
            until(lambda: agent.process.text().count("listens at") == 2, "it listens again")


@unittest.skipUnless(lab.IS_ROOT, "an agent of another user needs root to begin with")
class UnprivilegedAgent(Case):
    """The agent's own user cannot give itself a policy."""

    def test_its_own_file_is_refused(self):
        here = self.lab
        here.path.chmod(0o755)
        here.init()
        here.start_server()
        here.package()
        agent = here.install(1)
        here.ok("chown", "-R", f"{lab.NOBODY}:{lab.NOBODY}", agent.folder)
        policy = here.path / "policy"
        policy.mkdir()
        (policy / "policy.toml").write_text('allow = ["run"]\n[programs.id]\npath = "/usr/bin/id"\n')
        os.chown(policy / "policy.toml", lab.NOBODY, lab.NOBODY)
        user = ("setpriv", f"--reuid={lab.NOBODY}", f"--regid={lab.NOBODY}", "--clear-groups")
        environment = lab.environment(COUNTERSIGN_AGENT_POLICY=str(policy))
        agent.start(*user, env=environment)
        agent.await_standing("verified")
        code, order = here.order(agent.id, "run", "--args", '{"program":"id"}')
        self.assertEqual((code, order["verdict"]), (20, "not-allowed"))
        with self.subTest("root's is taken, and the program runs as the agent's user"):
            agent.stop()
            os.chown(policy / "policy.toml", 0, 0)
            agent.start(*user, env=environment)
            agent.await_standing("verified")
            code, order = here.order(agent.id, "run", "--args", '{"program":"id"}')
            self.assertEqual((code, order["verdict"]), (0, "done"))
            self.assertIn(f"uid={lab.NOBODY}", order["result"])


if __name__ == "__main__":
    lab.main()
