"""CertificateManager -b, -r, -re, -i and -ine: the archive of the server's keys, and what it is taken back onto."""

import os
import shutil
import stat
import unittest
import zipfile

import lab
from lab import IS_ROOT, NOBODY, PASSWORD, Case

ARCHIVE_PASSWORD = "the archive's own password"
SUCCESS = "Certificate Authentication Manager has successfully "


class Archive(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.allow(cls.lab.data)
        cls.folder = cls.lab.path / "caller's folder"
        cls.folder.mkdir()

    @staticmethod
    def allow(data, what="allowed"):
        config = data / "countersign.toml"
        text = config.read_text()
        for old in ("allowed", "forbidden"):
            text = text.replace(f'export = "{old}"', f'export = "{what}"')
        config.write_text(text)

    def other(self, name):
        """Another server, without agents; returns its folder and the environment of its commands."""
        data = self.lab.path / name
        env = lab.environment(COUNTERSIGN_DATA=str(data))
        if not data.exists():
            self.lab.ok("countersign", "server", "init", "--password-file", self.lab.secret(PASSWORD),
                        *self.lab.server_options(), env=env)
        return data, env

    def manager(self, *args, **how):
        return self.lab.run("CertificateManager", *args, cwd=self.folder, **how)

    def public(self, data):
        return self.lab.serial_of(data / "PCCSRV/Pccnt/Common/OfcNTCer.dat")

    def test_1_forbidden_names_the_file_to_copy(self):
        self.allow(self.lab.data, "forbidden")
        for extra in ([], ["-json"]):
            done = self.assert_exit(7, self.manager("-b", ARCHIVE_PASSWORD, "never.zip", *extra), "OfficeScanAuth.dat")
            self.assertNotIn(ARCHIVE_PASSWORD, done.out + done.err)
        self.assertEqual(list(self.folder.iterdir()), [])
        self.allow(self.lab.data)

    def test_2_makes_a_zip_and_keeps_an_existing_file(self):
        self.lab.start_server()
        done = self.assert_exit(0, self.manager("-b", ARCHIVE_PASSWORD, "kept.zip"), SUCCESS + "backed up", "kept.zip")
        self.assertNotIn(ARCHIVE_PASSWORD, done.out + done.err)
        path = self.folder / "kept.zip"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        self.assertIn("OfficeScanAuth.dat", names)
        self.assertTrue([name for name in names if name.endswith(".cer")], names)
        octets = path.read_bytes()
        done = self.assert_exit(4, self.manager("-b", ARCHIVE_PASSWORD, "kept.zip", "-json"))
        self.assertEqual(done.json["code"], "already-exists")
        self.assertEqual(path.read_bytes(), octets)
        done = self.assert_exit(0, self.manager("-b", ARCHIVE_PASSWORD, "kept.zip", "-replace", "-json"))
        self.assertEqual((done.json["ok"], done.json["owner_key"], done.json["file"]), (True, False, "kept.zip"))
        self.assertNotEqual(path.read_bytes(), octets)
        for name, code in (("nowhere/x.zip", 3), (".", 2), ("/dev/null", 2)):
            with self.subTest(name):
                self.assert_exit(code, self.manager("-b", ARCHIVE_PASSWORD, name, "-replace"))
        self.lab.server.stop()

    def test_3_owner_key_only_with_the_other_password(self):
        done = self.assert_exit(2, self.manager("-b", ARCHIVE_PASSWORD, "owner.zip", "-owner"))
        done = self.assert_exit(6, self.manager("-b", ARCHIVE_PASSWORD, "owner.zip", "-owner", "-backup-password-file",
                                                self.lab.secret("not that password")), "automatic backup")
        self.assertFalse((self.folder / "owner.zip").exists())
        done = self.manager("-b", ARCHIVE_PASSWORD, "owner.zip", "-owner", "-backup-password-file",
                            self.lab.secret(PASSWORD), "-json")
        self.assertTrue(self.assert_exit(0, done).json["owner_key"])
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data), COUNTERSIGN_BACKUP_PASSWORD=PASSWORD,
                              COUNTERSIGN_PASSWORD=ARCHIVE_PASSWORD)
        done = self.lab.run("countersign", "cert", "backup", "--owner", self.folder / "owner2.zip", env=env)
        self.assert_exit(0, done, "with the owner key")

    def test_4_back_onto_the_same_an_empty_and_another_server(self):
        self.assert_exit(0, self.manager("-b", ARCHIVE_PASSWORD, "back.zip"))
        done = self.assert_exit(0, self.manager("-r", ARCHIVE_PASSWORD, "back.zip"), SUCCESS + "restored")
        self.assertIn(self.lab.serial(), done.out)
        data, env = self.other("another")
        self.assertNotEqual(self.public(data), self.lab.serial())
        done = self.assert_exit(6, self.manager("-re", "wrong password here", "back.zip", env=env))
        self.assert_exit(0, self.manager("-re", ARCHIVE_PASSWORD, "back.zip", env=env), SUCCESS + "restored")
        self.assertEqual(self.public(data), self.lab.serial())
        installed = lab.environment(COUNTERSIGN_DATA=str(self.lab.path / "installed"),
                                    COUNTERSIGN_IMPORT_PASSWORD=ARCHIVE_PASSWORD)
        self.assert_exit(0, self.lab.run("countersign", "server", "init", "--import", self.folder / "back.zip",
                                         env=installed))
        self.assertEqual(self.public(self.lab.path / "installed"), self.lab.serial())

    def test_5_keys_of_re_and_ine_never_come_out_again(self):
        self.assert_exit(0, self.manager("-b", ARCHIVE_PASSWORD, "once.zip"))
        for switch, keys in (("-r", True), ("-re", False)):
            data, env = self.other(f"keys{switch}")
            self.allow(data)
            self.assert_exit(0, self.manager(switch, ARCHIVE_PASSWORD, "once.zip", env=env))
            done = self.assert_exit(0, self.manager("-b", ARCHIVE_PASSWORD, f"again{switch}.zip", "-json", env=env))
            self.assertEqual(done.json["keys"] > 0, keys, done)
            if not keys:
                self.assertTrue(done.json["missing"], done)
                plain = self.manager("-b", ARCHIVE_PASSWORD, "plain.zip", "-replace", env=env)
                self.assert_exit(0, plain, "missing: ")

    def test_6_an_earlier_archive_is_taken_although_export_is_forbidden(self):
        self.assert_exit(0, self.manager("-b", ARCHIVE_PASSWORD, "earlier.zip"))
        data, env = self.other("forbidding")
        self.allow(data, "forbidden")
        self.assert_exit(0, self.manager("-re", ARCHIVE_PASSWORD, "earlier.zip", env=env))
        self.assertEqual(self.public(data), self.lab.serial())

    def test_7_what_is_no_such_file(self):
        serial = self.lab.serial()
        (self.folder / "nonsense").write_bytes(b"this is nothing")
        (self.folder / "empty").write_bytes(b"")
        with open(self.folder / "huge.pfx", "wb") as file:
            file.truncate(2 * 1024 ** 3)
        with zipfile.ZipFile(self.folder / "holiday.zip", "w") as archive:
            archive.writestr("picture.jpg", "x")
        for name in ("nonsense", "empty", "huge.pfx", "holiday.zip"):
            for switch in ("-r", "-re", "-i", "-ine"):
                with self.subTest(name=name, switch=switch):
                    done = self.assert_exit(13, self.manager(switch, ARCHIVE_PASSWORD, name, "-json"))
                    self.assertEqual(done.json["code"], "malformed")
        self.assert_exit(3, self.manager("-r", ARCHIVE_PASSWORD, "nowhere.zip"))
        self.assertEqual(self.lab.serial(), serial)

    def test_8_agents_of_the_present_identity(self):
        """Refused, naming both ways; with the present password both fleets come together."""
        here = self.lab
        here.start_server()
        (agent,) = here.start_agents(1)
        here.make_pfx("admin", password=ARCHIVE_PASSWORD)
        before = here.serial()
        done = self.assert_exit(7, self.manager("-ine", ARCHIVE_PASSWORD, "../admin.pfx"), "1 agent",
                                "-present-password-file", "-replace")
        self.assertEqual(here.serial(), before)
        wrong = self.manager("-ine", ARCHIVE_PASSWORD, "../admin.pfx", "-present-password-file",
                             here.secret("not that password"))
        self.assert_exit(6, wrong)
        self.assertEqual(here.serial(), before)
        env = lab.environment(COUNTERSIGN_DATA=str(here.data), COUNTERSIGN_PRESENT_PASSWORD=PASSWORD)
        done = self.manager("-ine", ARCHIVE_PASSWORD, "../admin.pfx", "-json", env=env)
        self.assertTrue(self.assert_exit(0, done).json["merged"])
        here.ok("countersign", "order", "send", "--all", "update-now")
        agent.await_standing("verified")
        agent.stop()
        here.server.stop()

    @unittest.skipUnless(IS_ROOT, "needs root, and a server that belongs to another user")
    def test_9_root_reads_and_writes_its_own_files(self):
        """The server's folder belongs to a service's user; the caller's files are root's, before and after."""
        data, env = self.other("of-a-service")
        self.allow(data)
        self.lab.path.chmod(0o755)
        for path in [data, *data.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        self.folder.chmod(0o700)
        secret = self.lab.secret(ARCHIVE_PASSWORD)
        for words in (["-b", "of-service.zip"], ["-r", "of-service.zip"]):
            self.assert_exit(0, self.manager(*words, "-password-file", secret, env=env))
        self.assert_exit(0, self.manager("-e", "of-service.dat", env=env))
        self.assertIn(self.manager("-l", "of-service.csv", env=env).code, (0, 22))
        for name in ("of-service.zip", "of-service.dat", "of-service.csv"):
            self.assertEqual((self.folder / name).stat().st_uid, 0)
        links = {path for path in data.rglob("*") if path.is_symlink()}
        strangers = [path for path in data.rglob("*") if path not in links and path.stat().st_uid != NOBODY]
        self.assertEqual(strangers, [])
        shutil.rmtree(data)


if __name__ == "__main__":
    lab.main()
