"""A new owner: agents follow by succession, two of them in one exchange, and what still holds the earlier key is named."""

import shutil

import lab
from lab import PASSWORD, Case

FRESH = "another good password"


def with_passwords(data, password=PASSWORD, fresh=None):
    more = {"COUNTERSIGN_NEW_PASSWORD": fresh} if fresh else {}
    return lab.environment(COUNTERSIGN_DATA=str(data), COUNTERSIGN_PASSWORD=password, **more)


class Owner(Case):
    """One story: the methods run in order of their names."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.here, cls.away = cls.lab.start_agents(2)
        cls.away.stop()
        cls.copy = cls.lab.path / "copy"  # of the whole folder, whose password is known
        shutil.copytree(cls.lab.data, cls.copy, ignore=shutil.ignore_patterns("control.sock", "lock"))
        cls.first = cls.lab.json("countersign", "owner", "show")["owner"]

    def create(self, *more, password=PASSWORD, fresh=None):
        return self.lab.run("countersign", "owner", "create", *more, env=with_passwords(self.lab.data, password, fresh))

    def earlier(self):
        return sorted(agent["agent"] for agent in self.lab.agents("--earlier-owner"))

    def test_1_refusals_change_nothing(self):
        serial = self.lab.serial()
        self.assert_exit(6, self.create(password="not the password"), "procedures.md")
        self.assert_exit(7, self.create("--offline"), "owner request --compromised")
        self.assert_exit(7, self.create(fresh="short"), "--new-password-file")
        self.assertEqual(self.lab.serial(), serial)
        self.assertEqual(self.lab.json("countersign", "owner", "show")["owner"], self.first)
        self.assertEqual(self.earlier(), [])

    def test_2_the_agents_that_are_here_follow(self):
        made = self.assert_exit(0, self.create("--json")).json
        self.assertNotEqual(made["owner"], self.first)
        self.assertIn(self.first, made["notes"][0])
        self.assertEqual(made["agents_of_earlier"], 2)
        self.assertEqual(self.lab.order(self.here.id, "update-now")[0], 0)
        self.here.await_standing("verified")
        self.assertEqual(self.here.serial(), self.lab.serial())
        self.assertEqual(self.earlier(), [self.away.id])
        shown = self.lab.ok("countersign", "owner", "show").out
        self.assertIn("earlier:    " + self.first, shown)
        self.assertIn("not proved yet to follow this owner: 1", shown)

    def test_3_and_again_with_a_new_password_and_a_copy_on_this_server(self):
        kept = self.lab.data / "AuthCertBackup/OfficeScanAuth-0123456789abcdef.dat"
        shutil.copy(self.lab.data / "AuthCertBackup/OfficeScanAuth.dat", kept)
        made = self.assert_exit(0, self.create(fresh=FRESH), kept.name, "under the new password")
        self.assertIn("until an agent has", made.out)
        self.assert_exit(6, self.create())
        self.assert_exit(0, self.lab.run("countersign", "backup", "verify", env=with_passwords(self.lab.data, FRESH)))
        kinds = [event["kind"] for event in self.lab.json("countersign", "events", "list")["events"]]
        self.assertEqual(kinds.count("owner-created"), 2)
        self.lab.ok("countersign", "events", "verify")

    def test_4_the_agent_that_was_away_follows_at_once(self):
        self.away.start()
        self.away.await_standing("verified")
        self.assertEqual(self.away.serial(), self.lab.serial())
        self.assertEqual(self.lab.order(self.here.id, "update-now")[0], 0)
        lab.until(lambda: self.earlier() == [], "nobody follows an earlier owner")
        done = self.lab.run("countersign", "order", "send", "--all", "ping")
        self.assert_exit(0, done)

    def test_5_the_earlier_owner_certifies_nobody_any_more(self):
        self.lab.server.stop()
        self.lab.ok("CertificateManager", "-c", PASSWORD, env=with_passwords(self.copy))
        thief = self.lab.start("thief", lab.PROGRAMS / "countersignd", "--data", self.copy)
        try:
            lab.until(lambda: "serving agents" in thief.text(), "the copy's server runs")
            for agent in (self.here, self.away):
                before = (agent.folder / "trust").read_bytes()
                done = self.lab.run("countersign", "order", "send", "--json", "--agent", agent.id, "ping", "--wait", "5",
                                    env=with_passwords(self.copy))
                self.assertNotEqual(done.code, 0, done)
                self.assertEqual(done.json["orders"][0]["verdict"], "other-owner", done)
                self.assertEqual((agent.folder / "trust").read_bytes(), before)
        finally:
            thief.stop()
        self.lab.start_server()
        self.assert_exit(0, self.lab.run("countersign", "order", "send", "--all", "ping"))

    def test_6_its_backup_is_not_taken_back(self):
        backup = self.lab.data / "AuthCertBackup/OfficeScanAuth.dat"
        whole = backup.read_bytes()
        shutil.copy(self.copy / "AuthCertBackup/OfficeScanAuth.dat", backup)
        self.assert_exit(7, self.lab.run("CertificateManager", "-c", PASSWORD), "not that of this server's identity")
        backup.write_bytes(whole)
        self.assert_exit(0, self.lab.run("CertificateManager", "-c", FRESH))

    def test_7_its_password_changes_by_either_name(self):
        for words, old, new in ((("owner", "change-password"), FRESH, PASSWORD), (("backup", "password"), PASSWORD, FRESH)):
            done = self.lab.run("countersign", *words, env=with_passwords(self.lab.data, old, new))
            self.assert_exit(0, done, "sealed with the new password")
            self.assert_exit(6, self.lab.run("countersign", *words, env=with_passwords(self.lab.data, old, new)))


class Imported(Case):
    """The first owner of an imported identity, whose key is RSA and its own owner until then."""

    def test_agents_follow_from_the_imported_key_over_two_owners(self):
        here = self.lab
        here.make_pfx("admin")
        here.ok("countersign", "server", "init", "--import", "admin.pfx", *here.server_options(),
                env=lab.environment(COUNTERSIGN_DATA=str(here.data), COUNTERSIGN_IMPORT_PASSWORD=PASSWORD))
        here.start_server()
        (agent,) = here.start_agents(1)
        agent.stop()
        for _ in range(2):
            self.assert_exit(0, here.run("countersign", "owner", "create", env=with_passwords(here.data)))
        agent.start()
        agent.await_standing("verified")
        self.assertEqual(agent.serial(), here.serial())
        self.assertEqual(here.order(agent.id)[0], 0)
        self.assertEqual(len(here.json("countersign", "owner", "show")["earlier"]), 2)


if __name__ == "__main__":
    lab.main()
