"""Installation packages: as a folder, as an archive and for dpkg; with tokens that end, and that are taken back."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tarfile
import time
import unittest

import lab
from lab import IS_ROOT, Case, environment, until
from scratch_system import ScratchSystem

FILES = {"OfcNTCer.dat", "package.toml", "countersign-agentd", "IpXfer", "countersign-agentd.service", "install.sh",
         "README"}


class Packages(Case):
    @classmethod
    def prepare(cls):
        cls.lab.path.chmod(0o755)
        cls.lab.init()
        cls.lab.start_server()

    def make(self, name, *more, **how):
        path = self.lab.path / name
        return path, self.lab.json("countersign", "agents", "package", "-o", path, "--domain", "eu/paris", *more, **how)

    def tokens(self):
        return {token["token"]: token for token in self.lab.json("countersign", "token", "list")["tokens"]}

    def test_folder_has_programs_unit_and_script(self):
        path, _ = self.make("folder")
        self.assertEqual({entry.name for entry in path.iterdir()}, FILES)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((path / "package.toml").stat().st_mode), 0o600)
        for program in ("countersign-agentd", "IpXfer", "install.sh"):
            self.assertTrue(os.access(path / program, os.X_OK), program)
        self.assertIn("/opt/countersign-agent/countersign-agentd --agent-folder /var/lib/countersign-agent",
                      (path / "countersign-agentd.service").read_text())
        folder = self.lab.path / "by-script"
        done = self.lab.ok("sh", path / "install.sh", "--no-service", "--agent-folder", folder, cwd="/")
        self.assertIn("is installed", done.out)
        self.assertTrue((folder / "trust").exists())

    def test_programs_need_nothing_of_this_machine(self):
        if lab.sanitized():
            self.skipTest("sanitizers need their libraries")
        path, _ = self.make("static")
        for program in ("countersign-agentd", "IpXfer"):
            self.assertNotIn(b"ld-linux", (path / program).read_bytes()[:4096], f"{program} is linked statically")
        if not IS_ROOT:
            return
        # Nothing but the package, in a root of its own.
        bare = self.lab.path / "bare"
        shutil.copytree(path, bare / "package")
        for place in ("etc", "var/lib", "dev", "proc"):
            (bare / place).mkdir(parents=True)
        done = self.lab.run("chroot", bare, "/package/countersign-agentd", "install", "--from", "/package", "--no-service",
                            "--json")
        self.assert_exit(0, done)
        self.assertTrue((bare / "var/lib/countersign-agent/agent.key").exists())

    def test_archive_is_private_and_installs(self):
        path, _ = self.make("agents.tar.gz")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        with tarfile.open(path) as archive:
            names = {member.name for member in archive.getmembers()}
            self.assertEqual(names, {"countersign-agent"} | {f"countersign-agent/{name}" for name in FILES})
            self.assertEqual(archive.getmember("countersign-agent/package.toml").mode, 0o600)
        agent = self.lab.install(1, path)
        agent.start()
        agent.await_standing("verified")
        self.assertEqual(self.lab.row(agent.id)["domain"], "eu/paris")
        self.assertFalse(list(self.lab.path.glob("*.package*")), "nothing of the unpacked archive stays")
        path.write_bytes(path.read_bytes()[:-2000])
        damaged = self.lab.run("countersign-agentd", "--agent-folder", self.lab.path / "none", "install", "--from", path)
        self.assert_exit(13, damaged, "damaged")
        self.assertFalse((self.lab.path / "none").exists())

    def test_archive_without_programs_says_what_installs_it(self):
        path = self.lab.path / "bare.tar.gz"
        said = self.lab.ok("countersign", "agents", "package", "-o", path, "--no-programs").out
        self.assertIn("countersign-agentd install --from bare.tar.gz", said)
        self.assertNotIn("install.sh", said)

    def test_without_a_token_a_person_admits(self):
        path, answer = self.make("plain.tar.gz", "--no-token")
        self.assertNotIn("token", answer)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o644)
        agent = self.lab.install(2, path)
        agent.start()
        agent.await_standing("new")
        self.assertFalse(agent.status()["accepted"])
        self.lab.ok("countersign", "agents", "approve", agent.id)
        agent.await_standing("verified")

    def test_one_time_token_admits_one(self):
        path, answer = self.make("once", "--one-time", "--no-programs")
        agents = [self.lab.install(number, path) for number in (3, 4)]
        agents[0].start()
        agents[0].await_standing("verified")
        agents[1].start()
        agents[1].await_standing("new")
        self.assertEqual(self.tokens()[answer["token"]]["state"], "used-up")

    def test_revoked_token_admits_nobody(self):
        path, answer = self.make("revoked", "--uses", "9", "--no-programs")
        token = answer["token"]
        self.assertEqual((self.tokens()[token]["uses_left"], self.tokens()[token]["state"]), (9, "good"))
        self.assert_exit(0, self.lab.run("countersign", "token", "revoke", token), "Revoked: 1")
        self.assertNotIn(token, self.tokens())
        self.assert_exit(3, self.lab.run("countersign", "token", "revoke", token), "countersign token list")
        agent = self.lab.install(5, path)
        agent.start()
        agent.await_standing("new")

    def test_token_until_a_date(self):
        year = time.gmtime().tm_year + 1
        _, answer = self.make("dated", "--until", f"{year}-01-31", "--no-programs")
        self.assertEqual(answer["token_expires"], f"{year}-02-01T00:00:00Z")
        done = self.lab.run("countersign", "agents", "package", "-o", self.lab.path / "never", "--until", "tomorrow")
        self.assert_exit(2, done, "is no date")
        self.assertFalse((self.lab.path / "never").exists())

    def test_where_it_cannot_go_no_token_is_made(self):
        before = set(self.tokens())
        file = self.lab.path / "agents.list"
        file.write_text("mine")
        full = self.lab.path / "full"
        full.mkdir()
        (full / "mine").write_text("mine")
        for place, code in ((file, 4), (full, 4), ("/proc/x.tar.gz", None), (self.lab.path / "x.rpm", 2)):
            with self.subTest(place):
                done = self.lab.run("countersign", "agents", "package", "--no-programs", "-o", place)
                self.assertIn(done.code, (code,) if code else (3, 5, 12), done)
        self.assertEqual(file.read_text(), "mine")
        self.assertEqual([entry.name for entry in full.iterdir()], ["mine"])
        self.assertEqual(set(self.tokens()), before)
        (full / "mine").unlink()
        self.make("full", "--no-programs")

    def test_the_commands_that_it_prints_can_be_typed(self):
        done = self.lab.ok("countersign", "agents", "package", "-o", self.lab.path / "for paris.tar.gz")
        self.assertIn("tar -xzf 'for paris.tar.gz' && ", done.out)
        token = re.search(r"token revoke (\S+)", done.out).group(1)
        self.lab.ok("countersign", "token", "revoke", token)

    def test_same_content_and_time_is_the_same_package(self):
        env = environment(COUNTERSIGN_DATA=str(self.lab.data), SOURCE_DATE_EPOCH="1790000000")
        for name in ("same.deb", "same.tar.gz"):
            digests = set()
            for _ in range(2):
                path, _ = self.make(name, "--no-token", env=env)
                digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
            self.assertEqual(len(digests), 1, name)

    def test_deb_as_dpkg_sees_it(self):
        path, _ = self.make("agent.deb")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        info = self.lab.ok("dpkg-deb", "--info", path).out
        for word in ("Package: countersign-agent", "postinst", "prerm", "postrm", "Architecture: "):
            self.assertIn(word, info)
        contents = {line.split()[5]: line.split()[0] for line in self.lab.ok("dpkg-deb", "--contents", path).out.splitlines()}
        self.assertEqual(contents["./usr/share/countersign-agent/package.toml"], "-rw-------")
        self.assertEqual(contents["./usr/share/countersign-agent/"], "drwx------")
        self.assertEqual(contents["./usr/bin/countersign-agentd"], "-rwxr-xr-x")
        out = self.lab.path / "unpacked"
        self.lab.ok("dpkg-deb", "-x", path, out)
        self.assertEqual((out / "usr/share/countersign-agent/OfcNTCer.dat").read_bytes(),
                         (self.lab.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat").read_bytes())
        self.lab.ok("dpkg-deb", "-e", path, self.lab.path / "scripts")
        for script in ("postinst", "prerm", "postrm"):
            self.lab.ok("sh", "-n", self.lab.path / "scripts" / script)

    @unittest.skipUnless(IS_ROOT, "only root installs packages")
    def test_dpkg_installs_upgrades_removes_and_purges(self):
        system = ScratchSystem(self.lab, systemd=True)
        self.addCleanup(system.end)
        path, _ = self.make("real.deb")
        system.ok("dpkg", "-i", path)
        agent = system.ok("countersign-agentd", "status", "--json").json
        self.assertTrue(agent["running"])
        until(lambda: self.lab.standing(agent["agent"]) == "verified", "the packaged agent is verified")
        owner = system.sh("stat -c %U /var/lib/countersign-agent /var/lib/countersign-agent/agent.key").out.split()
        self.assertEqual(owner, ["countersign-agent"] * 2)
        # A fresh package over it: the same agent.
        newer, _ = self.make("newer.deb", env=environment(COUNTERSIGN_DATA=str(self.lab.data),
                                                          SOURCE_DATE_EPOCH=str(int(time.time()) + 60)))
        system.ok("dpkg", "-i", newer)
        self.assertEqual(system.ok("countersign-agentd", "status", "--json").json["agent"], agent["agent"])
        self.assert_exit(7, system.agentd("uninstall"), "dpkg --purge countersign-agent")
        system.ok("dpkg", "-r", "countersign-agent")
        self.assertFalse(system.exists("/usr/bin/countersign-agentd"))
        self.assertTrue(system.exists("/var/lib/countersign-agent/agent.key"), "state stays until it is purged")
        system.ok("dpkg", "-P", "countersign-agent")
        self.assertFalse(system.exists("/var/lib/countersign-agent"))
        self.assertEqual(subprocess.run(["id", "countersign-agent"], capture_output=True, check=False).returncode, 1,
                         "nothing of it reached this machine")


if __name__ == "__main__":
    lab.main()
