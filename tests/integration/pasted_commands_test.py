"""Commands pasted from published procedures: typographic dashes, U+3000, ▲, quotation marks, paths of Windows."""

import shutil

import lab
from lab import PASSWORD, Case

FILE_PASSWORD = "pass　word with ▲"  # both belong to it


class PastedCommands(Case):
    @classmethod
    def prepare(cls):
        cls.lab.make_pfx("admin", password=FILE_PASSWORD)
        cls.lab.make_pfx("plain", password="s3cret-password")
        cls.lab.init()
        cls.folder = cls.lab.path / "caller's folder"
        cls.folder.mkdir()
        shutil.copy(cls.lab.path / "plain.pfx", cls.folder / "with space.pfx")
        shutil.copy(cls.lab.path / "admin.pfx", cls.folder / "admin.pfx")

    def manager(self, *args):
        return self.lab.run("CertificateManager", *args, cwd=self.folder)

    def test_1_understood(self):
        for words in (
                [f"-c　{PASSWORD}"],
                ["　–c　", PASSWORD],
                ["－C", PASSWORD, "　-json"],
                [f"-c▲{PASSWORD}"],
                ["-e", "“public.dat”"],
                ["–e　public.dat"],
                ["-e▲public.dat▲-json"],
                ["-l", "„list one.csv“"],
                ["-l", "list　two.csv"],
                ["-ine", "s3cret-password", "“with space.pfx”"],
                ["–ine▲s3cret-password▲with space.pfx"],
                ["-i", FILE_PASSWORD, "admin.pfx"]):
            with self.subTest(words):
                done = self.assert_exit(0, self.manager(*words))
                for password in (PASSWORD, FILE_PASSWORD, "s3cret"):
                    self.assertNotIn(password, done.out + done.err)
        for name in ("public.dat", "list one.csv", "list　two.csv"):
            (self.folder / name).unlink()
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["admin.pfx", "with space.pfx"])

    def test_2_refused_with_a_reason_and_no_oddly_named_file(self):
        before, serial = sorted(self.folder.iterdir()), self.lab.serial()
        for words, reason in (
                (["-e", "C:\\OfcNTCer.dat"], "drive letter"),
                (["-e", "“C:\\temp\\OfcNTCer.dat”"], "drive letter"),
                (["-l", "C:¥list.csv"], "¥"),
                (["-l", "￥list.csv"], "¥"),
                (["-b", "s3cret-password", "D:\\backup.zip"], "drive letter"),
                (["-ine", "s3cret-password", "C:\\a.pfx"], "drive letter"),
                (["-data", "C:\\server", "-l", "-"], "drive letter"),
                (["-e", "my▲file.dat"], "▲"),
                (["-c▲s3cret▲password"], "▲"),
                (["-ine▲s3cret-password"], "▲"),
                (["-ine　s3cret-password　with space.pfx"], "takes 2 values"),
                (["-e", "“with", "space.dat”"], "typographic"),
                (["-ine", "with space.pfx", "s3cret-password"], "password comes first")):
            with self.subTest(words):
                done = self.assert_exit(2, self.manager(*words), reason)
                self.assertNotIn("s3cret", done.out + done.err)
                as_json = self.assert_exit(2, self.manager(*words, "-json"))
                self.assertEqual(as_json.json["code"], "usage")
        self.assertEqual(sorted(self.folder.iterdir()), before)
        self.assertEqual(self.lab.serial(), serial)

    def test_3_the_mover_understands_the_same(self):
        self.lab.start_server()
        (agent,) = self.lab.start_agents(1)
        self.lab.ok("CertificateManager", "-e", self.folder / "Ofc NTCer.dat")
        mover = ("IpXfer", "-agent-folder", agent.folder)
        for words in (["–e　Ofc NTCer.dat"], ["-E", "“Ofc NTCer.dat”"], ["−e▲Ofc NTCer.dat▲–pwd▲unload-word"]):
            with self.subTest(words):
                done = self.assert_exit(0, self.lab.run(*mover, *words, cwd=self.folder), "verified")
                self.assertNotIn("unload-word", done.out + done.err)
        for words in (["-e", "C:¥OfcNTCer.dat"], ["-e", "Ofc▲NTCer.dat"], ["-e", "Ofc NTCer.dat", "-pwd▲unload-word▲x"]):
            with self.subTest(words):
                done = self.assert_exit(2, self.lab.run(*mover, *words, cwd=self.folder))
                self.assertNotIn("unload-word", done.out + done.err)


if __name__ == "__main__":
    lab.main()
