"""countersign-agentd install, uninstall, start, stop, update-now, check: the agent as a service of its machine."""

import fcntl
import json
import os
import shutil
import signal
import unittest
from pathlib import Path

import lab
from lab import IS_ROOT, PASSWORD, Case, environment, until
from scratch_system import ScratchSystem


def findings(done):
    return {finding["checkpoint"]: finding for finding in done.json["findings"]}


class ByHand(Case):
    """Without a service manager, in a folder of its own."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.lab.package()
        cls.agent = cls.lab.install(1)

    def agentd(self, *args, **how):
        return self.lab.run("countersign-agentd", "--agent-folder", self.agent.folder, *args, **how)

    def tearDown(self):
        self.agentd("stop")

    def test_starts_and_stops(self):
        self.assert_exit(0, self.agentd("start"), "is started", "agent.log")
        self.assertTrue(self.agent.alive())
        self.assert_exit(0, self.agentd("start"), "running already")
        status = self.agentd("status", "--json").json
        self.assertTrue(status["running"])
        self.assert_exit(0, self.agentd("stop"), "is stopped")
        self.assertFalse(self.agent.alive())
        self.assert_exit(0, self.agentd("stop"), "is not running")
        self.assertFalse(self.agentd("status", "--json").json["running"])

    def test_start_that_fails_says_why(self):
        config = self.agent.folder / "agent.toml"
        before = config.read_text()
        self.addCleanup(config.write_text, before)
        config.write_text(before.replace(f'listen = "{self.agent.host}"', 'listen = "192.0.2.1"'))
        self.assert_exit(7, self.agentd("start"), "192.0.2.1")

    def test_update_now_says_what_came_of_it(self):
        self.assert_exit(8, self.agentd("update-now"), f"countersign-agentd --agent-folder {self.agent.folder} start")
        self.agentd("start")
        self.agent.await_standing("verified")
        done = self.assert_exit(0, self.agentd("update-now", "--json"))
        self.assertEqual((done.json["result"], done.json["accepted"], done.json["moved"]), ("verified", True, False))
        # What it takes over is said.
        self.lab.replace()
        serials = set()
        until(lambda: serials.add(self.agentd("update-now", "--json").json["serial"]) or self.lab.serial() in serials,
              "the new certificate is taken over")
        self.lab.server.stop()
        try:
            self.assert_exit(48, self.agentd("update-now"), "not-reached",
                             f"countersign-agentd --agent-folder {self.agent.folder} check")
        finally:
            self.lab.start_server()

    def test_sighup_rereads_the_settings(self):
        self.agentd("start")
        self.agent.await_standing("verified")
        config = self.agent.folder / "agent.toml"
        before = config.read_text()
        self.addCleanup(config.write_text, before)
        config.write_text(before.replace('domain = "eu/paris"', 'domain = "eu/lyon"'))
        self.hang_up()
        until(lambda: self.agentd("update-now", "--json") and self.lab.row(self.agent.id)["domain"] == "eu/lyon",
              "the server hears of the new domain")
        config.write_text("nonsense = 1\n")
        self.hang_up()
        until(lambda: "stay as they were" in (self.agent.folder / "agent.log").read_text(), "it is said")
        self.assertEqual(self.agentd("status", "--json").json["domain"], "eu/lyon")

    def hang_up(self):
        for process in os.listdir("/proc"):
            if not process.isdigit():
                continue
            try:
                words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"countersign-agentd") and os.fsencode(self.agent.folder) in words:
                os.kill(int(process), signal.SIGHUP)


class Check(Case):
    """Is a certificate mismatch the problem, or what else."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        (cls.agent,) = cls.lab.start_agents(1)

    def check(self, code, agent=None):
        agent = agent or self.agent
        done = self.assert_exit(code, self.lab.run("countersign-agentd", "--agent-folder", agent.folder, "check", "--json"))
        for finding in done.json["findings"]:
            if finding["verdict"] == "bad":
                self.assertTrue(finding["cause"] and finding["next"], finding)
        return done

    def bad(self, done):
        return [finding["checkpoint"] for finding in done.json["findings"] if finding["verdict"] == "bad"]

    def test_1_all_well_running_and_stopped(self):
        before = (self.agent.folder / "trust").read_bytes()
        for runs in (True, False):
            if not runs:
                self.agent.stop()
            done = self.check(0)
            self.assertEqual(done.json["outcome"], "well")
            self.assertEqual(findings(done)["service"]["verdict"], "good" if runs else "note")
            for checkpoint in ("files", "distrust", "held-certificate", "name", "port", "server-certificate", "clock",
                               "exchange", "admission"):
                self.assertEqual(findings(done)[checkpoint]["verdict"], "good", checkpoint)
        self.assertEqual((self.agent.folder / "trust").read_bytes(), before, "nothing was changed")
        self.agent.start()
        plain = self.lab.run("countersign-agentd", "--agent-folder", self.agent.folder, "check")
        self.assert_exit(0, plain, "[good] exchange", "Verdict: all well")

    def test_2_certificate_mismatch(self):
        other = environment(COUNTERSIGN_DATA=str(self.lab.path / "other-server"))
        self.lab.ok("countersign", "server", "init", "--password-file", self.lab.secret(PASSWORD), env=other)
        stranger = self.lab.path / "other.dat"
        self.lab.ok("CertificateManager", "-e", stranger, env=other)
        self.agent.renew(stranger, "-no-verify")
        try:
            done = self.check(47)
            self.assertEqual((done.json["outcome"], self.bad(done)), ("mismatch", ["exchange"]))
            self.assertIn("IpXfer -e", findings(done)["exchange"]["next"])
            self.assertIn(self.lab.serial(), findings(done)["server-certificate"]["looked_at"])
        finally:
            self.agent.renew(self.lab.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat")
        self.check(0)

    def test_3_behind_is_no_mismatch(self):
        self.agent.stop()
        self.lab.replace()
        done = self.check(0)
        self.assertEqual(findings(done)["server-certificate"]["verdict"], "note")
        self.assertIn("newer certificate", findings(done)["exchange"]["looked_at"])
        self.agent.start()
        self.agent.await_serial(self.lab.serial())

    def change(self, **values):
        """Changes agent.toml of the stopped agent; undone at the end of the test."""
        self.agent.stop()
        config = self.agent.folder / "agent.toml"
        before = config.read_text()

        def undo():
            config.write_text(before)
            self.agent.start()

        self.addCleanup(undo)
        lines = []
        for line in before.splitlines():
            name = line.split(" =")[0]
            lines.append(f"{name} = {json.dumps(values[name])}" if name in values else line)
        config.write_text("\n".join(lines) + "\n")

    def test_4_name_does_not_resolve(self):
        self.change(server_host="no-such-server.invalid")
        self.assertEqual(self.bad(self.check(48)), ["name"])

    def test_4_port_closed(self):
        port = lab.free_port()
        self.change(http_port=port, https_port=port)
        self.assertEqual(self.bad(self.check(48)), ["port"])

    def test_4_something_else_answers(self):
        port = lab.free_port()
        web = self.lab.start("web", "python3", "-m", "http.server", "--bind", "127.0.0.1", port)
        self.addCleanup(web.stop)
        until(lambda: "Serving" in web.text() or self.answers(port), "another web server")
        self.change(http_port=port, https_port=port)
        done = self.check(48)
        self.assertTrue({"server-certificate", "tls"} & set(self.bad(done)), str(done))

    def answers(self, port):
        try:
            return self.lab.fetch("/", port=port).status
        except OSError:
            return None

    def test_4_clock_wrong(self):
        if lab.sanitized():
            self.skipTest("faketime and sanitizers do not go together")
        self.agent.stop()
        self.addCleanup(self.agent.start)
        done = self.lab.run("countersign-agentd", "--agent-folder", self.agent.folder, "check", "--json", env=lab.faked("+10y"))
        self.assert_exit(48, done)
        self.assertEqual(findings(done)["clock"]["verdict"], "note")
        self.assertIn("clock", done.json["summary"])
        self.agent.start(env=lab.faked("+10y"))
        self.addCleanup(self.agent.stop)
        done = self.lab.run("countersign-agentd", "--agent-folder", self.agent.folder, "update-now", "--json")
        self.assert_exit(48, done)
        self.assertEqual((done.json["result"], done.json["verdict"]), ("refused", "certificate-expired"))

    def test_4_damaged_file(self):
        self.agent.stop()
        trust = self.agent.folder / "trust"
        before = trust.read_bytes()
        trust.write_bytes(before[:-1])

        def undo():
            trust.write_bytes(before)
            self.agent.start()

        self.addCleanup(undo)
        done = self.check(48)
        self.assertEqual(self.bad(done), ["files"])
        # What it says to run makes a new agent.
        self.assertIn(f"mv {self.agent.folder} {self.agent.folder}.old, then countersign-agentd install --from",
                      findings(done)["files"]["next"])
        old = self.agent.folder.with_name(self.agent.folder.name + ".old")
        self.agent.folder.rename(old)
        try:
            self.lab.ok("countersign-agentd", "--agent-folder", self.agent.folder, "install", "--from",
                        self.lab.path / "package")
            self.check(0)
        finally:
            shutil.rmtree(self.agent.folder)
            old.rename(self.agent.folder)

    def test_5_not_admitted_and_forgotten(self):
        self.lab.package("plain", "--no-token")
        agent = self.lab.install(2, self.lab.path / "plain")
        agent.start()
        agent.await_standing("new")
        done = self.check(48, agent)
        self.assertEqual(self.bad(done), ["admission"])
        done = self.lab.run("countersign-agentd", "--agent-folder", agent.folder, "update-now", "--json")
        self.assert_exit(48, done)
        self.assertEqual((done.json["result"], done.json["accepted"]), ("verified", False))
        self.lab.ok("countersign", "agents", "forget", agent.id)
        done = self.check(48, agent)
        self.assertEqual(self.bad(done), ["exchange"])
        self.assertIn("forgotten", done.json["summary"])
        agent.stop()

    def test_6_not_installed(self):
        done = self.lab.run("countersign-agentd", "--agent-folder", self.lab.path / "nowhere", "check", "--json")
        self.assert_exit(48, done)
        self.assertEqual(self.bad(done), ["installation"])


class Stale(Case):
    """A package whose certificate the server does not use."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.old = cls.lab.package("old")

    def install(self, folder, *more):
        return self.lab.run("countersign-agentd", "--agent-folder", folder, "install", "--from", self.old, *more)

    def test_older_certificate_from_which_a_bundle_leads_on_installs(self):
        self.lab.replace()
        agent = self.lab.install(1, self.old)
        agent.start()
        agent.await_serial(self.lab.serial())
        agent.stop()

    def test_server_installed_anew_makes_it_stale(self):
        self.lab.server.stop()
        shutil.rmtree(self.lab.data)
        self.lab.init()
        self.lab.start_server()
        folder = self.lab.path / "stale"
        self.assert_exit(49, self.install(folder), "stale", "countersign agents package")
        self.assertFalse(folder.exists(), "nothing was left")
        self.assert_exit(0, self.install(folder, "--no-verify"))

    def test_server_that_cannot_be_asked_is_no_reason_to_refuse(self):
        self.lab.server.stop()
        try:
            self.assert_exit(0, self.install(self.lab.path / "offline"))
        finally:
            self.lab.start_server()


class Over(Case):
    """Installing over an agent from a fresh package."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.lab.package()
        (cls.agent,) = cls.lab.start_agents(1)
        other = environment(COUNTERSIGN_DATA=str(cls.lab.path / "other-server"))
        cls.lab.ok("countersign", "server", "init", "--password-file", cls.lab.secret(PASSWORD), env=other)
        cls.stranger = cls.lab.path / "other.dat"
        cls.lab.ok("CertificateManager", "-e", cls.stranger, env=other)
        cls.lab.ok("countersign", "agents", "package", "-o", cls.lab.path / "strange", "--no-programs", "--host",
                   "127.0.0.1", env=other)

    def install(self, package, *more, **how):
        return self.lab.run("countersign-agentd", "--agent-folder", self.agent.folder, "install", "--from", package,
                            "--json", *more, **how)

    def spoil(self):
        """The agent trusts a stranger, as after a server installed anew."""
        done = self.agent.renew(self.stranger, "-no-verify")
        self.assert_exit(30, done)
        self.assertNotEqual(self.agent.serial(), self.lab.serial())

    def test_1_fresh_package_mends_a_mismatched_agent(self):
        for runs in (True, False):
            with self.subTest(runs=runs):
                self.spoil()
                if not runs:
                    self.agent.stop()
                done = self.assert_exit(0, self.install(self.lab.path / "package"))
                self.assertEqual(self.agent.serial(), self.lab.serial())
                self.assertEqual(self.agent.status()["agent"], self.agent.id, f"it keeps its key: {done}")
        self.agent.start()
        self.agent.await_standing("verified")
        self.assertEqual(len(self.lab.agents()), 1, "and so its row")

    def test_2_nothing_to_mend(self):
        done = self.assert_exit(0, self.install(self.lab.path / "package"))
        self.assertEqual(done.json["result"], "kept")

    def test_2_listen_is_for_a_new_agent(self):
        package = self.lab.path / "package"
        status = self.agent.status()
        before = self.files()
        self.assert_exit(2, self.install(package, "--listen", "rubbish"))
        done = self.assert_exit(2, self.install(package, "--listen", f"{status['listen']}:19999"), "is for a new agent")
        self.assertIn("IpXfer -s SERVER -c 19999", done.json["next"])
        done = self.assert_exit(2, self.install(package, "--listen", "127.0.77.5"), "is for a new agent")
        self.assertIn("agent.toml", done.json["next"])
        self.assertEqual(self.files(), before)
        same = f"{status['listen']}:{status['listen_port']}"
        self.assert_exit(0, self.install(package, "--listen", same))

    def test_2_what_is_no_package_or_no_folder(self):
        deb = self.lab.path / "p ü.deb"
        deb.write_bytes(b"!<arch>")
        self.assertEqual(self.assert_exit(2, self.install(deb)).json["next"], f"dpkg -i '{deb}'")
        done = self.lab.run("countersign-agentd", "--agent-folder", deb, "install", "--from", self.lab.path / "package", "--json")
        self.assert_exit(4, done, "no folder")
        self.assertIn("--agent-folder", done.json["next"])

    def test_3_stale_package_is_refused_and_changes_nothing(self):
        config = self.lab.path / "strange/package.toml"
        here = (self.lab.path / "package/package.toml").read_text()
        config.write_text(here)  # the address of this server, the certificate of another
        before = self.files()
        done = self.assert_exit(49, self.install(self.lab.path / "strange"), "stale")
        self.assertIn("countersign agents package", done.json["next"])
        self.assertEqual(self.files(), before)

    def test_3_old_package_leads_nowhere_back(self):
        self.agent.await_standing("verified")
        self.lab.package("old")
        self.lab.replace()
        self.agent.await_serial(self.lab.serial())
        self.lab.server.stop()
        try:
            for runs in (True, False):
                with self.subTest(runs=runs):
                    if not runs:
                        self.agent.stop()
                    before = self.files()
                    done = self.assert_exit(8, self.install(self.lab.path / "old"), "nothing was changed")
                    self.assertIn("countersign-agentd check", done.json["next"])
                    self.assertEqual(self.files(), before)
        finally:
            self.lab.start_server()
        # Where the server answers, it leads on from the older certificate to its own.
        self.assert_exit(0, self.install(self.lab.path / "old"))
        self.assertEqual(self.agent.serial(), self.lab.serial())
        self.agent.start()
        self.agent.await_standing("verified")
        shutil.rmtree(self.lab.path / "package")
        self.lab.package()

    def test_3_token_of_the_package_admits_at_once(self):
        self.lab.package("plain", "--no-token")
        agent = self.lab.install(2, self.lab.path / "plain")
        for runs in (False, True):
            with self.subTest(runs=runs):
                if runs:
                    agent.start()
                agent.renew(self.stranger, "-no-verify")
                done = self.assert_exit(0, self.lab.run(
                    "countersign-agentd", "--agent-folder", agent.folder, "install", "--from", self.lab.path / "package",
                    "--json"))
                self.assertEqual((done.json["result"], done.json["accepted"]), ("moved", True))
                self.assertFalse(done.json["settings_taken"], "the move took them")
        agent.stop()
        self.lab.ok("countersign", "agents", "forget", agent.id)

    def test_4_settings_of_a_package_leave_the_comments(self):
        settings = self.agent.folder / "agent.toml"
        before = "# Ask Mia first.\n" + settings.read_text()
        settings.write_text(before)
        fresh = self.lab.package("fresh")  # of the same place, with a token of its own
        done = self.assert_exit(0, self.install(fresh))
        self.assertTrue(done.json["settings_taken"])
        changed = [pair for pair in zip(before.splitlines(), settings.read_text().splitlines(), strict=True) if pair[0] != pair[1]]
        self.assertEqual({line.split(" = ")[0] for pair in changed for line in pair}, {"token", "secret"})
        self.assertFalse((self.agent.folder / "agent.toml.old").exists())

    def files(self):
        return (self.agent.folder / "trust").read_bytes(), (self.agent.folder / "agent.toml").read_bytes()

    def test_4_unload_password_is_asked_for(self):
        self.spoil()
        self.lab.ok("countersign-agentd", "--agent-folder", self.agent.folder, "unload-password", "set",
                    env=environment(COUNTERSIGN_NEW_UNLOAD_PASSWORD="unload word", COUNTERSIGN_UNLOAD_PASSWORD="unload word"))
        package = self.lab.path / "package"
        self.assert_exit(40, self.install(package))
        self.assertNotEqual(self.agent.serial(), self.lab.serial())
        done = self.install(package, env=environment(COUNTERSIGN_UNLOAD_PASSWORD="unload word"))
        self.assert_exit(0, done)
        self.assertEqual(self.agent.serial(), self.lab.serial())
        # Stopping and removing want it, too, also when it does not run.
        agentd = ("countersign-agentd", "--agent-folder", self.agent.folder)
        self.assert_exit(40, self.lab.run(*agentd, "stop"))
        self.assertTrue(self.agent.alive())
        word = self.lab.secret("unload word")
        self.assert_exit(0, self.lab.run(*agentd, "stop", "--password-file", word))
        self.assert_exit(40, self.lab.run(*agentd, "uninstall"))
        self.assertTrue((self.agent.folder / "trust").exists())
        # What lies beside it, by whatever name, is not its own.
        kept = self.agent.folder.with_name(self.agent.folder.name + ".removed") / "kept"
        kept.mkdir(parents=True)
        self.assert_exit(0, self.lab.run(*agentd, "uninstall", "--password-file", word))
        self.assertFalse(self.agent.folder.exists())
        self.assertTrue(kept.exists())

    def test_5_two_installations_at_the_same_moment(self):
        place = self.lab.path / "twice"
        holder = self.lab.path / ".twice.new"
        holder.mkdir(mode=0o700)
        self.addCleanup(shutil.rmtree, holder)
        install = ("countersign-agentd", "--agent-folder", place, "install", "--from", self.lab.path / "package")
        lock = os.open(holder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            said = self.assert_exit(8, self.lab.run(*install), "another process is making")
            self.assertNotIn(".old", str(said))
        finally:
            os.close(lock)
        self.assertFalse(place.exists())


@unittest.skipUnless(IS_ROOT, "only root installs services")
class Service(Case):
    """A whole installation, on a system of its own."""

    @classmethod
    def prepare(cls):
        cls.lab.path.chmod(0o755)
        cls.lab.init()
        cls.lab.start_server()
        cls.package = cls.lab.path / "agents.tar.gz"
        cls.lab.ok("countersign", "agents", "package", "-o", cls.package, "--domain", "eu/paris")

    def system(self, systemd):
        system = ScratchSystem(self.lab, systemd)
        self.addCleanup(shutil.rmtree, system.base, True)
        self.addCleanup(system.end)
        system.sh(f"mkdir /root/unpacked && tar -xzf {self.package} -C /root/unpacked")
        return system

    def test_1_install_and_uninstall_by_systemd(self):
        system = self.system(systemd=True)
        done = system.ok("sh", "/root/unpacked/countersign-agent/install.sh", "--json").json
        self.assertIn("starts at every boot", done["service"])
        self.assertIn("admits it", done["service"])
        self.assertEqual(self.lab.standing(done["agent"]), "verified")
        calls = system.sh("cat /run/systemctl.log").out.splitlines()
        self.assertEqual(calls, ["daemon-reload", "enable countersign-agentd.service", "restart countersign-agentd.service"])
        facts = system.sh("stat -c '%U %a' /var/lib/countersign-agent /opt/countersign-agent/countersign-agentd "
                          "/etc/systemd/system/countersign-agentd.service; ps -o user:20= -p $(cat /run/agent.pid)").out
        self.assertEqual(facts.split(), ["countersign-agent", "700", "root", "755", "root", "644", "countersign-agent"])
        self.assertIn("/opt/countersign-agent/countersign-agentd",
                      system.sh("systemd-analyze verify --man=no /etc/systemd/system/countersign-agentd.service 2>&1; "
                                "cat /etc/systemd/system/countersign-agentd.service").out)
        self.assert_exit(0, system.agentd("stop"), "is stopped")
        self.assert_exit(0, system.agentd("start"), "by systemd")
        self.assert_exit(0, system.agentd("check"), "all well")
        # Once more over it: the same agent, started anew.
        again = system.ok("sh", "/root/unpacked/countersign-agent/install.sh", "--json").json
        self.assertEqual(again["result"], "kept")
        self.assertEqual(system.ok("countersign-agentd", "status", "--json").json["agent"], done["agent"])
        self.assert_exit(0, system.agentd("uninstall"), "countersign agents forget " + done["agent"])
        for path in ("/var/lib/countersign-agent", "/opt/countersign-agent", "/usr/local/bin/countersign-agentd",
                     "/etc/systemd/system/countersign-agentd.service"):
            self.assertFalse(system.exists(path), path)
        self.assertEqual(system.run("id", "countersign-agent").code, 1)

    def test_2_without_systemd_it_says_what_it_did_not_do(self):
        system = self.system(systemd=False)
        done = system.ok("sh", "/root/unpacked/countersign-agent/install.sh").out
        self.assertIn("systemd does not run this machine", done)
        self.assertIn("countersign-agentd start", done)
        self.assert_exit(0, system.agentd("start"), "until this machine stops")
        agent = system.ok("countersign-agentd", "status", "--json").json
        self.assertTrue(agent["running"])
        user = system.sh("stat -c %U /var/lib/countersign-agent/control.sock").out.strip()
        self.assertEqual(user, "countersign-agent", "it runs as a user of its own")
        self.assert_exit(0, system.agentd("update-now"), "Verified")
        self.assert_exit(0, system.agentd("uninstall"))
        self.assertFalse(system.exists("/var/lib/countersign-agent"))
        self.assertFalse(system.exists("/opt/countersign-agent"))


if __name__ == "__main__":
    lab.main()
