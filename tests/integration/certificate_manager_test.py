"""CertificateManager -c -e -i -ine -l, with a running and with a stopped server; passwords from every source."""

import contextlib
import os
import shutil
import subprocess
import time

import lab
from lab import PASSWORD, Case

SUCCESS = "Certificate Authentication Manager has successfully "


class CertificateManager(Case):
    @classmethod
    def prepare(cls):
        cls.lab.make_pfx("admin", password="the file's own password")
        cls.lab.init()
        cls.lab.package()
        cls.folder = cls.lab.path / "elsewhere"
        cls.folder.mkdir()

    def certificate_in_use(self):
        return self.lab.json("countersign", "status")["certificate"]["serial"]

    def play(self):
        """Every switch, with the server as it is now."""
        here = self.lab
        # -c: a new serial number everywhere; the old certificate goes to the expired store.
        before = here.serial()
        done = here.run("CertificateManager", "-c", PASSWORD)
        self.assert_exit(0, done, SUCCESS + "made a new certificate", before, "OfficeScan NT Expired")
        self.assertNotIn(PASSWORD, done.out + done.err)
        self.assertNotEqual(here.serial(), before)
        self.assertEqual(self.certificate_in_use(), here.serial())
        # -e: to a file and into a folder, by paths of the caller's folder.
        for path in ("public.dat", ".", "../elsewhere/public.cer"):
            self.assert_exit(0, here.run("CertificateManager", "-e", path, cwd=self.folder), SUCCESS + "exported")
        for name in ("public.dat", "OfcNTCer.dat", "public.cer"):
            self.assertEqual(here.serial_of(self.folder / name), here.serial())
            (self.folder / name).unlink()
        # -l: as documented with a full path, and relative.
        for path in (self.folder / "list.csv", "list.csv"):
            self.assert_exit(0, here.run("CertificateManager", "-l", path, cwd=self.folder), SUCCESS + "listed")
            (self.folder / "list.csv").unlink()
        # Any letter case, and typographic dashes of published procedures.
        for switch in ("-E", "–e", "－e", "--e"):
            self.assert_exit(0, here.run("CertificateManager", switch, "public.dat", cwd=self.folder))
        (self.folder / "public.dat").unlink()
        # -ine: onto a server without agents, by a relative path; whatever the file is called.
        shutil.copy(here.path / "admin.pfx", self.folder / "anything")
        wrong = here.run("CertificateManager", "-ine", "wrong", "anything", cwd=self.folder)
        self.assert_exit(6, wrong)
        self.assertEqual(self.certificate_in_use(), here.serial())

    def test_1_running_server(self):
        self.lab.start_server()
        self.play()
        self.lab.server.stop()

    def test_2_stopped_server(self):
        self.play()

    def test_3_password_sources(self):
        run = self.lab.run
        env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data), COUNTERSIGN_PASSWORD=PASSWORD)
        self.assert_exit(0, run("CertificateManager", "-c", "-", stdin=PASSWORD))
        self.assert_exit(0, run("CertificateManager", "-c", "-", stdin=PASSWORD + "\n"))
        self.assert_exit(0, run("CertificateManager", "-c", "", env=env))
        self.assert_exit(0, run("countersign", "cert", "replace", "--password-file", self.lab.secret(PASSWORD)))
        self.assert_exit(0, run("countersign", "cert", "replace", "--password-file", "-", stdin=PASSWORD))
        self.assert_exit(0, run("countersign", "cert", "replace", env=env))
        self.assert_exit(2, run("CertificateManager", "-c", "-", stdin=""))
        self.assert_exit(3, run("countersign", "cert", "replace", "--password-file", "nowhere"))

    def test_3_password_as_a_credential_of_systemd(self):
        credentials = self.lab.path / "credentials"
        credentials.mkdir(mode=0o700)
        (credentials / "backup-password").write_text(PASSWORD)
        data = str(self.lab.path / "server-by-credential")
        env = lab.environment(COUNTERSIGN_DATA=data, CREDENTIALS_DIRECTORY=str(credentials))
        self.assert_exit(0, self.lab.run("countersign", "server", "init", "--http-port", self.lab.port, env=env))
        self.assert_exit(0, self.lab.run("CertificateManager", "-data", data, "-c", PASSWORD))
        done = self.lab.run("countersign", "server", "init", "--json", "--generate-password",
                            env=lab.environment(COUNTERSIGN_DATA=data + "-2"))
        self.assert_exit(0, done)
        self.assertGreaterEqual(len(done.json["generated_password"]), 12)
        self.assert_exit(0, self.lab.run("CertificateManager", "-data", data + "-2", "-c", "-",
                                         stdin=done.json["generated_password"]))
        with self.subTest("one that is too short is refused, and no folder is left"):
            done = self.lab.run("countersign", "server", "init", "--password-file", self.lab.secret("short"), "--json",
                                env=lab.environment(COUNTERSIGN_DATA=data + "-3"))
            self.assertIn(done.code, (2, 7), done)
            self.assertFalse((self.lab.path / "server-by-credential-3").exists())

    def test_4_password_from_a_prompt(self):
        self.lab.start_server()
        before = self.lab.serial()
        code, said = self.lab.at_terminal([PASSWORD], "CertificateManager", "-c", "")
        self.assertEqual(code, 0, said)
        self.assertIn("password of the automatic backup", said)
        self.assertNotIn(PASSWORD, said)
        self.assertNotEqual(self.lab.serial(), before)
        self.lab.server.stop()

    def test_5_password_is_not_in_the_process_list(self):
        """The documented call has the password as an argument: it is gone from /proc at once."""
        self.lab.start_server()
        seen = []
        process = subprocess.Popen(
            [lab.PROGRAMS / "CertificateManager", "-data", self.lab.data, "-c", PASSWORD], env=lab.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            with contextlib.suppress(OSError), open(f"/proc/{process.pid}/cmdline", "rb") as file:
                seen.append(file.read())
            time.sleep(0.005)
        self.assertEqual(process.returncode, 0)
        shown = [one for one in seen if b"-c" in one]
        self.assertTrue(shown)
        # It may be seen between exec and main, and never again.
        self.assertNotIn(PASSWORD.encode(), b"".join(shown[len(shown) // 4:]))
        self.lab.server.stop()

    def test_6_import_is_refused_for_the_sake_of_agents_and_replaces_when_told(self):
        self.lab.start_server()
        (agent,) = self.lab.start_agents(1)
        before = self.lab.serial()
        done = self.lab.run("CertificateManager", "-ine", "the file's own password", "admin.pfx", "-json")
        self.assert_exit(7, done)
        self.assertEqual(done.json["code"], "refused")
        self.assertEqual(self.lab.serial(), before)
        done = self.lab.run("CertificateManager", "-ine", "-", "admin.pfx", "-replace", stdin="the file's own password")
        self.assert_exit(0, done, SUCCESS + "imported")
        self.assertEqual(self.lab.serial(), self.lab.serial_of(self.lab.path / "admin.dat"))
        agent.stop()
        agent.start()
        agent.await_standing("mismatched")
        self.assertEqual([row["agent_id"] for row in self.lab.mismatched()], [agent.id])
        done = agent.renew(self.lab.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat")
        self.assert_exit(0, done)
        agent.await_standing("verified")
        agent.stop()
        self.lab.server.stop()

    def test_7_moved_server_goes_on_with_the_automatic_backup(self):
        """Procedure 5: OfficeScanAuth.dat, renamed, and its password, on a server installed anew."""
        backup = self.lab.path / "carried.pfx"
        shutil.copy(self.lab.data / "AuthCertBackup/OfficeScanAuth.dat", backup)
        serial = self.lab.serial()
        new = self.lab.path / "new-server"
        env = lab.environment(COUNTERSIGN_DATA=str(new), COUNTERSIGN_IMPORT_PASSWORD="the file's own password")
        self.assert_exit(0, self.lab.run("countersign", "server", "init", "--import", backup,
                                         *self.lab.server_options(), env=env))
        self.assertEqual(self.lab.serial_of(new / "PCCSRV/Pccnt/Common/OfcNTCer.dat"), serial)

    def test_8_i_and_ine_differ_in_whether_the_key_can_be_exported(self):
        for switch in ("-i", "-ine"):
            data = self.lab.path / f"server{switch}"
            env = lab.environment(COUNTERSIGN_DATA=str(data))
            self.lab.ok("countersign", "server", "init", "--password-file", self.lab.secret(PASSWORD),
                        *self.lab.server_options(), env=env)
            done = self.lab.run("CertificateManager", switch, "the file's own password", "admin.pfx", env=env)
            self.assert_exit(0, done, SUCCESS + "imported")
            self.assertEqual(self.lab.serial_of(data / "PCCSRV/Pccnt/Common/OfcNTCer.dat"),
                             self.lab.serial_of(self.lab.path / "admin.dat"))


if __name__ == "__main__":
    lab.main()
