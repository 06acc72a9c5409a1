"""Every way to give a password, to both front ends; none of them shows it."""

import os

import lab
from lab import PASSWORD, Case

OTHER = "another good password"
SUCCESS = "Certificate Authentication Manager has successfully "


class Passwords(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        config = cls.lab.data / "countersign.toml"
        config.write_text(config.read_text().replace('export = "forbidden"', 'export = "allowed"'))

    def env(self, **more):
        return lab.environment(COUNTERSIGN_DATA=str(self.lab.data), **more)

    def with_fd(self, text, *args):
        """Runs a command whose file descriptor 9 is a pipe with `text` in it."""
        script = 'text=$1; shift; exec "$@" 9< <(printf "%s" "$text")'
        return self.lab.run("bash", "-c", script, "bash", text, *args)

    def test_1_file_descriptor_environment_argument(self):
        secret = self.lab.secret(PASSWORD)
        before = self.lab.serial()
        run, env = self.lab.run, self.env(COUNTERSIGN_PASSWORD=PASSWORD)
        for call in (
                lambda: run("CertificateManager", "-c", "-password-file", secret),
                lambda: run("CertificateManager", "-password-file", secret, "-c"),
                lambda: run("CertificateManager", "-c", "-password-file", "-", stdin=PASSWORD + "\n"),
                lambda: self.with_fd(PASSWORD + "\nand more", "CertificateManager", "-c", "-password-fd", "9"),
                lambda: run("CertificateManager", "-c", "", env=env),
                lambda: run("countersign", "cert", "replace", "--password-file", secret),
                lambda: self.with_fd(PASSWORD, "countersign", "cert", "replace", "--password-fd", "9"),
                lambda: run("countersign", "cert", "replace", env=env)):
            done = self.assert_exit(0, call(), SUCCESS + "made a new certificate")
            self.assertNotIn(PASSWORD, done.out + done.err)
            self.assertNotEqual(self.lab.serial(), before)
            before = self.lab.serial()

    def test_2_what_makes_no_sense(self):
        secret = self.lab.secret(PASSWORD)
        before = self.lab.serial()
        for code, words in (
                (2, ["-c", PASSWORD, "-password-file", secret]),  # one too many
                (2, ["-c", "-password-file", secret, "-password-fd", "9"]),
                (2, ["-c", "-password-fd", "nine"]),
                (2, ["-c", "-password-fd", "123"]),
                (2, ["-c", "-password-file", "/dev/null"]),
                (2, ["-e", "x.dat", "-password-file", secret]),
                (2, ["-c", PASSWORD, "-bom"]),
                (2, ["-c", PASSWORD, "-owner"]),
                (2, ["-c", ""]),  # and no terminal
                (2, ["-c", "-"]),
                (3, ["-c", "-password-file", "nowhere"])):
            with self.subTest(words):
                done = self.assert_exit(code, self.lab.run("CertificateManager", *words))
                self.assertNotIn(PASSWORD, done.out + done.err)
        self.assertEqual(self.lab.serial(), before)

    def test_3_positions_of_the_other_values_stay(self):
        """-ine FILE -password-file SECRET, in any order."""
        self.lab.make_pfx("admin", password=OTHER)
        secret = self.lab.secret(OTHER)
        for number, words in enumerate((["-ine", "admin.pfx", "-password-file", secret],
                                        ["-ine", "-password-file", secret, "admin.pfx"],
                                        ["-password-file", secret, "-ine", "admin.pfx", "-json"])):
            with self.subTest(words):
                data = self.lab.path / f"new-{number}"
                env = lab.environment(COUNTERSIGN_DATA=str(data))
                self.lab.ok("countersign", "server", "init", "--password-file", self.lab.secret(PASSWORD), env=env)
                self.assert_exit(0, self.lab.run("CertificateManager", *words, env=env))
                self.assertEqual(self.lab.serial_of(data / "PCCSRV/Pccnt/Common/OfcNTCer.dat"),
                                 self.lab.serial_of(self.lab.path / "admin.dat"))

    def test_4_prompt_once_where_one_is_used_and_twice_where_one_is_set(self):
        code, said = self.lab.at_terminal([PASSWORD], "countersign", "cert", "replace")
        self.assertEqual(code, 0, said)
        code, said = self.lab.at_terminal([OTHER, OTHER], "CertificateManager", "-b", "", "prompted.zip")
        self.assertEqual(code, 0, said)
        code, said = self.lab.at_terminal([OTHER, OTHER, PASSWORD], "countersign", "cert", "backup", "--owner", "owner.zip")
        self.assertEqual(code, 0, said)
        code, said = self.lab.at_terminal([OTHER, PASSWORD], "CertificateManager", "-b", "", "differ.zip")
        self.assertEqual(code, 2, said)
        self.assertIn("differ", said)
        self.assertFalse((self.lab.path / "differ.zip").exists())
        code, said = self.lab.at_terminal([OTHER], "CertificateManager", "-r", "", "prompted.zip")
        self.assertEqual(code, 0, said)
        # The second password of an import is only asked for when it is asked for.
        code, said = self.lab.at_terminal([OTHER, PASSWORD, PASSWORD], "countersign", "cert", "restore", "owner.zip",
                                          "--backup-password-file", "")
        self.assertEqual(code, 0, said)
        for secret in (PASSWORD, OTHER):
            self.assertNotIn(secret, said)

    def test_5_passwords_are_read_before_anything_slow(self):
        """A password that is not there is told although the server could not be reached."""
        holder = self.lab.run("CertificateManager", "-c", "-password-file", "nowhere", "-data", self.lab.data)
        self.assert_exit(3, holder, "nowhere")

    def test_6_password_of_b_is_not_taken_for_that_of_the_automatic_backup(self):
        done = self.lab.run("CertificateManager", "-c", OTHER)
        self.assert_exit(6, done, "automatic backup")
        self.assertNotIn(OTHER, done.out + done.err)

    def test_7_first_line_without_its_end(self):
        for end in ("\n", "\r\n", ""):
            path = self.lab.path / "line"
            path.write_bytes((PASSWORD + end).encode())
            os.chmod(path, 0o600)
            self.assert_exit(0, self.lab.run("CertificateManager", "-c", "-password-file", path))


if __name__ == "__main__":
    lab.main()
