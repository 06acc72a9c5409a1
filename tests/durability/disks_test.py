"""Full, read-only, missing and foreign folders: a clear error with its documented exit code, nothing changed, and the
message's next command mends it. Mounts are made in a mount namespace of their own, and vanish with it."""

import hashlib
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
import lab  # noqa: E402
from lab import PASSWORD, Case  # noqa: E402

NEW_PASSWORD = "another horse, another battery"
FILE_PASSWORD = "the file's own password"
STRANGER = 12345  # a user who owns nothing
MARK = "COUNTERSIGN_TEST_OWN_MOUNTS"


def own_mounts():
    """Runs this program again in a mount namespace of its own, where that is possible."""
    if MARK in os.environ:
        return
    how = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    try:
        possible = subprocess.run([*how, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
        why = possible.stderr.decode() if possible.returncode != 0 else ""
    except OSError as error:
        why = str(error)
    os.environ[MARK] = why.strip()
    if not why:
        os.execvp(how[0], [*how, sys.executable, *sys.argv])


def needs_mounts(test):
    return unittest.skipIf(os.environ.get(MARK), f"no mounts here: {os.environ.get(MARK)}")(test)


def snapshot(folder):
    """Every file with mode and content, but for the registry's, which also opening it touches, and the lock."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.name.startswith("registry.db") or path.name in ("lock", "control.sock"):
            continue
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        files[str(path.relative_to(folder))] = (oct(path.stat().st_mode), content)
    return files


def fill(folder):
    """Takes all the room that there is; returns the file that has it."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return filler


class Disks(Case):
    @classmethod
    def prepare(cls):
        cls.lab.make_pfx("admin", password=FILE_PASSWORD)

    def mount(self, path, *options):
        path.mkdir(exist_ok=True)
        self.lab.ok("mount", *options, path)
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=False)
        return path

    def small_disk(self, name, size):
        return self.mount(self.lab.path / name, "-t", "tmpfs", "-o", f"size={size},mode=0700", "none")

    def server(self, folder):
        """Makes a server in `folder` that may export its keys."""
        self.lab.data = folder
        self.lab.ok(*self.init_command(folder))
        config = folder / "countersign.toml"
        config.write_text(config.read_text().replace('"forbidden"', '"allowed"'))
        return folder

    def init_command(self, folder):
        return ("countersign", "server", "init", "--data", folder, "--password-file", self.lab.secret(PASSWORD),
                *self.lab.server_options())

    def run_here(self, *command):
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data), COUNTERSIGN_PASSWORD=PASSWORD,
                              COUNTERSIGN_NEW_PASSWORD=NEW_PASSWORD)
        return self.lab.run(*command, env=env)

    def changes(self):
        pfx = self.lab.path / "admin.pfx"
        return {
            "-c": ("CertificateManager", "-json", "-c", PASSWORD),
            "-i": ("CertificateManager", "-json", "-i", FILE_PASSWORD, pfx),
            "-ine": ("CertificateManager", "-json", "-ine", FILE_PASSWORD, pfx),
            "password": ("countersign", "backup", "password", "--json"),
        }

    def outputs(self, folder):
        return {
            "-e": ("CertificateManager", "-json", "-e", folder / "out.dat"),
            "-l": ("CertificateManager", "-json", "-l", folder / "out.csv"),
            "-b": ("CertificateManager", "-json", "-b", PASSWORD, folder / "out.zip"),
        }

    def certificates(self):
        return [(one["sha256"], one["state"]) for one in self.lab.json("countersign", "cert", "list")["certificates"]]

    def assert_refused(self, done, code, name):
        """One JSON object that says what, and names a file or folder."""
        self.assertEqual(done.code, code, str(done))
        self.assertEqual(done.json["code"], name, str(done))
        self.assertIn("/", done.json["message"], str(done))
        return done.json

    def refused_by_disk(self, code, name):
        """No operation goes through, and nothing is changed."""
        before = snapshot(self.lab.data)
        for what, command in self.changes().items():
            with self.subTest(what):
                self.assert_refused(self.run_here(*command), code, name)
                self.assertEqual(snapshot(self.lab.data), before)

    @needs_mounts
    def test_full_disk(self):
        disk = self.small_disk("full", "8m")
        self.server(disk / "server")
        before = self.certificates()
        filler = fill(disk)
        self.refused_by_disk(10, "exhausted")
        filler.unlink()
        self.assertEqual(self.certificates(), before)
        self.assertEqual(self.run_here(*self.changes()["-c"]).code, 0)

    @needs_mounts
    def test_disk_with_little_room(self):
        """However much room there is: the old state or the new one, and told."""
        disk = self.small_disk("little", "8m")
        self.server(disk / "server")
        codes = set()
        for room in range(0, 200_000, 24_000):
            filler = fill(disk)
            os.truncate(filler, filler.stat().st_size - room)
            with self.subTest(room=room):
                before = self.lab.serial()
                done = self.run_here(*self.changes()["-c"])
                codes.add(done.code)
                self.assertIn(done.code, (0, 10), str(done))
                filler.unlink()
                self.assertEqual(self.lab.ok("countersign", "backup", "verify", "--password-file",
                                             self.lab.secret(PASSWORD), "--json").json["problems"], [])
                self.assertEqual(self.lab.serial() == before, done.code != 0)
            filler.unlink(missing_ok=True)
        self.assertEqual(codes, {0, 10})

    @needs_mounts
    def test_full_disk_under_a_running_server(self):
        disk = self.small_disk("running", "8m")
        self.server(disk / "server")
        self.lab.start_server()
        before = snapshot(self.lab.data)
        filler = fill(disk)
        self.assert_refused(self.run_here(*self.changes()["-c"]), 10, "exhausted")
        self.assertEqual(snapshot(self.lab.data), before)
        self.assertTrue(self.lab.serves())
        filler.unlink()
        self.assertEqual(self.run_here(*self.changes()["-c"]).code, 0)
        self.assertEqual(self.lab.server.stop(), 0)

    @needs_mounts
    def test_full_disk_under_an_agent(self):
        """The check does not take for silence of the server what this machine does not let the agent do."""
        self.server(self.lab.path / "of-the-agent")
        self.lab.start_server()
        disk = self.small_disk("agent", "1m")
        agent = ("countersign-agentd", "--agent-folder", disk / "agent")
        self.lab.ok(*agent, "install", "--no-service", "--from", self.lab.package())
        filler = fill(disk)
        done = self.run_here(*agent, "check", "--json")
        self.assertEqual(done.code, 48, str(done))
        (bad,) = [finding for finding in done.json["findings"] if finding["verdict"] == "bad"]
        self.assertEqual(bad["checkpoint"], "report")
        self.assertIn(str(disk), bad["looked_at"] + bad["next"])
        self.assertNotIn("on the server", bad["next"])
        filler.unlink()
        self.assertEqual(self.run_here(*agent, "check", "--json").code, 0)
        self.assertEqual(self.lab.server.stop(), 0)

    @needs_mounts
    def test_init_on_a_small_disk(self):
        for number, size in enumerate(("4k", "32k", "64k", "128k")):
            with self.subTest(size):
                disk = self.small_disk(f"init{number}", size)
                self.assert_refused(self.lab.run(*self.init_command(disk / "server"), "--json"), 10, "exhausted")
                self.assertEqual(list(disk.iterdir()), [])

    @needs_mounts
    def test_outputs_onto_a_full_disk(self):
        disk = self.small_disk("output", "64k")
        self.server(self.lab.path / "outputs")
        fill(disk)
        for what, command in self.outputs(disk).items():
            with self.subTest(what):
                self.assert_refused(self.run_here(*command), 10, "exhausted")
                self.assertEqual([path.name for path in disk.iterdir()], ["filler"])

    @needs_mounts
    def test_read_only_folder(self):
        folder = self.server(self.lab.path / "readonly")
        before = self.certificates()
        self.mount(folder, "--bind", folder)
        self.lab.ok("mount", "-o", "remount,ro,bind", folder)
        self.refused_by_disk(5, "permission-denied")
        for what, command in self.outputs(folder).items():
            with self.subTest(what):
                self.assert_refused(self.run_here(*command), 5, "permission-denied")
        with self.subTest("init"):
            done = self.lab.run(*self.init_command(folder / "another"), "--json")
            self.assert_refused(done, 5, "permission-denied")
        self.lab.ok("mount", "-o", "remount,rw,bind", folder)
        self.assertEqual(self.certificates(), before)
        self.assertEqual(self.run_here(*self.changes()["-c"]).code, 0)

    def test_missing_folder(self):
        self.lab.data = self.lab.path / "missing" / "server"
        for what, command in {**self.changes(), **self.outputs(self.lab.path)}.items():
            with self.subTest(what):
                said = self.assert_refused(self.run_here(*command), 3, "not-found")
                self.assertFalse(self.lab.data.parent.exists())
        self.assertIn("countersign server init", said["next"])
        self.assertEqual(self.run_here("sh", "-c", said["next"] + " --public-host 127.0.0.1").code, 0)
        self.assertEqual(self.run_here(*self.changes()["-c"]).code, 0)

    def test_missing_folder_of_an_output(self):
        self.server(self.lab.path / "nowhere-to")
        for what, command in self.outputs(self.lab.path / "is" / "not" / "there").items():
            with self.subTest(what):
                self.assert_refused(self.run_here(*command), 3, "not-found")

    def test_unsafe_permissions(self):
        folder = self.server(self.lab.path / "unsafe")
        for name, mode in ((".", 0o777), ("keys", 0o777), ("keys/*.key", 0o644), ("registry.db", 0o666)):
            with self.subTest(name):
                path = folder if name == "." else next(folder.glob(name))
                path.chmod(mode)
                before = snapshot(folder)
                for command in self.changes().values():
                    said = self.assert_refused(self.run_here(*command), 5, "permission-denied")
                    self.assertEqual(snapshot(folder), before)
                self.assertEqual(self.run_here("sh", "-c", said["next"]).code, 0)
                self.assertEqual(self.run_here(*self.changes()["-c"]).code, 0)

    @unittest.skipUnless(lab.IS_ROOT, "only root can play other users")
    def test_folder_of_another_user(self):
        folder = self.server(self.lab.path / "foreign")
        self.lab.path.chmod(0o755)
        before = snapshot(folder)
        as_stranger = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups")
        if self.lab.run("true", prefix=as_stranger).code != 0:
            self.skipTest("there are no other users in this namespace")
        for what, command in {**self.changes(), "-e": ("CertificateManager", "-json", "-e", "/dev/null")}.items():
            with self.subTest(what):
                self.assert_refused(self.run_here(*as_stranger, *command), 5, "permission-denied")
                self.assertEqual(snapshot(folder), before)
        with self.subTest("a part of it belongs to somebody else"):
            os.chown(folder / "keys", STRANGER, STRANGER)
            said = self.assert_refused(self.run_here(*self.changes()["-c"]), 5, "permission-denied")
            self.assertEqual(self.run_here("sh", "-c", said["next"]).code, 0)
            self.assertEqual(self.run_here(*self.changes()["-c"]).code, 0)
        with self.subTest("root works for the owner, and leaves nothing of its own"):
            self.lab.ok("chown", "-R", f"{STRANGER}:{STRANGER}", folder)
            self.assertEqual(self.run_here(*self.changes()["-c"]).code, 0)
            self.assertEqual([path for path in folder.rglob("*") if path.lstat().st_uid != STRANGER], [])

    def test_place_of_a_new_server_is_taken(self):
        place = self.lab.path / "taken"
        place.mkdir()
        (place / "something").write_text("")
        done = self.lab.run(*self.init_command(place), "--json")
        self.assertEqual((done.code, done.json["code"]), (4, "already-exists"), str(done))
        self.assertEqual([path.name for path in place.iterdir()], ["something"])
        shutil.rmtree(place)


if __name__ == "__main__":
    own_mounts()
    lab.main()
