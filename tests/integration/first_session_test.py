"""The first session of the README, word by word but for ports and paths; then the same by hand and looked at closely."""

import re

import lab
from lab import PASSWORD, Case, until


class FirstSession(Case):
    def test_readme_works_by_copy_and_paste(self):
        text = (lab.ROOT / "README.md").read_text()
        session = re.search(r"## A first session.*?```sh\n(.*?)```", text, re.S).group(1)
        here = self.lab
        for old, new in (
                ("$PWD/build/dev/bin", str(lab.PROGRAMS)),
                ("/tmp/first", str(here.path / "first")),
                ("server init --listen", f"server init --http-port {here.port} --https-port {here.https_port} --listen"),
                ("127.0.1.$n:12345", f"{here.network}.$n:{here.agent_port}"),
                # Slow machines, and sanitizers, may need longer than a person who looks at the screen.
                ("sleep 2\n", "for _ in $(seq 300); do [[ $(countersign agents list | grep -c verified) == 2 ]] && break; "
                              "sleep 0.1; done\n")):
            self.assertIn(old, session, "the README's session has changed: adapt this test")
            session = session.replace(old, new)
        script = here.path / "session.sh"
        script.write_text("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + session)
        shell = here.start("session", "bash", "-euxo", "pipefail", script)
        code, said = shell.wait(180), shell.text()
        self.assertEqual(code, 0, said)
        self.assertEqual(len(re.findall(r" done +done ", said)), 4, said)  # ping and update-now, two agents
        self.assertIn("Certificate Authentication Manager has successfully made a new certificate", said)
        self.assertIn("Agents: 2, verified 2", said)
        self.assertIn("listed 0 agents", said)


class ByHand(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(3)

    def test_1_orders_are_answered_with_receipts(self):
        done = self.lab.json("countersign", "order", "send", "--all", "ping")
        self.assertEqual([order["verdict"] for order in done["orders"]], ["done"] * 3)
        for act in ("report", "update-now"):
            code, order = self.lab.order(self.agents[0].id, act)
            self.assertEqual((code, order["verdict"]), (0, "done"), order)

    def test_2_replaced_certificate_is_taken_over_by_an_update(self):
        before = self.lab.serial()
        self.lab.replace()
        after = self.lab.serial()
        self.assertNotEqual(before, after)
        self.assertEqual({agent.serial() for agent in self.agents}, {before})
        self.lab.ok("countersign", "order", "send", "--all", "update-now")
        self.assertEqual({agent.serial() for agent in self.agents}, {after})
        for agent in self.agents:
            self.assertEqual(agent.status()["certificate"]["serial"], after)
            agent.await_standing("verified")

    def test_3_any_order_brings_the_bundle(self):
        self.lab.replace()
        self.lab.ok("countersign", "order", "send", "--all", "ping")
        self.assertEqual({agent.serial() for agent in self.agents}, {self.lab.serial()})

    def test_4_sleeper_catches_up_by_itself_over_two_replacements(self):
        sleeper = self.agents[2]
        held = sleeper.status()["certificate"]
        self.assertEqual(sleeper.stop(), 0)
        for _ in range(2):
            self.lab.replace()
        self.assertEqual(sleeper.status()["certificate"], held)  # a stopped agent's status, from its files
        (self.lab.path / "agent3.log").write_text("")
        sleeper.start()
        sleeper.await_serial(self.lab.serial())
        self.assertEqual(sleeper.process.text().count("trust moved"), 1)
        sleeper.await_standing("verified")

    def test_5_exported_certificate_renews_by_hand(self):
        self.lab.ok("CertificateManager", "-e", "handed-out.dat")
        done = self.agents[0].renew(self.lab.path / "handed-out.dat")
        self.assert_exit(0, done)
        self.assertEqual(done.json["result"], "verified")

    def test_6_nobody_is_mismatched(self):
        self.lab.ok("countersign", "order", "send", "--all", "update-now")
        until(lambda: {row["standing"] for row in self.lab.agents()} == {"verified"}, "all verified")
        self.assertEqual(self.lab.mismatched(), [])
        status = self.lab.json("countersign", "status")
        self.assertEqual((status["agents"], status["mismatched"], status["running"]), (3, 0, True))
        self.assertEqual(status["certificate"]["store"], "OfficeScan NT")
        self.assertEqual(status["certificate"]["serial"], self.lab.serial())
        self.assertIn("reserve", status)

    def test_7_old_certificates_are_kept_without_keys(self):
        listed = self.lab.json("countersign", "cert", "list")["certificates"]
        stores = [one["store"] for one in listed if one["role"] == "server"]
        self.assertEqual(sorted(set(stores)), ["", "OfficeScan NT", "OfficeScan NT Expired"])
        keys = list((self.lab.data / "keys").glob("*.key"))
        self.assertEqual(len(keys), 2, keys)  # the active one's and the reserve's

    def test_8_password_is_nowhere_on_the_disk(self):
        for path in self.lab.path.rglob("*"):
            if path.is_file() and not path.name.startswith("secret-"):
                self.assertNotIn(PASSWORD.encode(), path.read_bytes(), path)


if __name__ == "__main__":
    lab.main()
