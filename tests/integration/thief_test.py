"""The thief with a copy of the server's whole folder, but not the password: what it tries, and the verdict of each.

Before the owner's `-c -compromised` has come to an agent, the thief commands it, which is all that it can do; afterwards
not even that. Neither before nor after does it move an agent's trust to anything that the owner did not certify.
"""

import base64
import json
import re
import shutil

import lab
from lab import PASSWORD, Case, until
from thief import Thief

OTHER_SERVER = "00000000-0000-8000-8000-000000000001"

# (attempt, verdict before the owner's replacement has come to the agent, verdict after it, arguments of attacker.mjs).
# Names in braces are certificates in the thief's folder; --key and --cert or --bundle are given by them.
ATTEMPTS = [
    # To make agents trust a key of its own.
    ("re-keys: a certificate signed with the stolen server key", "chain", "chain",
     ("leaf-of-active", ["leaf-of-active", "new-active", "new-owner"], [])),
    ("re-keys: a certificate signed with the stolen reserve key", "chain", "chain",
     ("leaf-of-reserve", ["leaf-of-reserve", "new-reserve", "new-owner"], [])),
    ("re-keys: an owner made by itself", "other-owner", "other-owner", ("server", ["server", "owner"], [])),
    ("re-keys: the same, with the real owner's certificate at the end", "chain", "chain", ("server", ["server", "new-owner"], [])),
    ("re-keys: a succession to its own owner, signed with the stolen server key", "chain", "chain",
     ("server", ["server", "succession", "new-active", "new-owner"], [])),
    ("re-keys: the same without what is between", "chain", "chain", ("server", ["server", "succession", "new-owner"], [])),
    ("re-keys: a self-signed certificate for the stolen key", "other-owner", "other-owner",
     ("new-active", ["self-signed", "self-signed"], [])),
    # To move agents to a server of its own.
    ("moves: speaks for a server id of its own", "wrong-server", "unknown-key",
     ("new-active", "new-active", ["--iss", OTHER_SERVER])),
    ("moves: an order to move, with a warrant signed with the stolen server key", "bad-warrant", "unknown-key",
     ("new-active", "new-active", ["--act", "move", "--args", "{warrant}"])),
    # To play old things again.
    ("replays: a recorded order", "stale", "stale", "replay"),
    ("replays: a recorded order, with a fresh challenge in it", "bad-signature", "unknown-key",
     "replay-challenge"),
    ("replays: the bundle of an earlier certificate, without its key", "older-generation", "older-generation",
     ("new-active", ["old-active", "old-owner"], [])),
    # To roll back.
    ("rolls back: the certificate before, with its key", "older-generation", "older-generation",
     ("old-active", ["old-active", "old-owner"], [])),
    ("rolls back: the reserve before, with its key", "older-generation", "older-generation",
     ("old-reserve", ["old-reserve", "old-owner"], [])),
    ("rolls back: the certificate before, alone", "unknown-key", "unknown-key", ("old-active", "old-active", [])),
    # To fork.
    ("forks: the same generation, signed with the stolen server key", "chain", "chain",
     ("fork", ["fork", "new-active", "new-owner"], [])),
    # To command.
    ("commands with the stolen server key", "done", "unknown-key", ("new-active", "new-active", [])),
    ("commands with the stolen server key and its bundle", "done", "older-generation",
     ("new-active", ["new-active", "new-owner"], [])),
    ("commands under another key, in the name of the stolen certificate", "bad-signature", "unknown-key",
     ("server", "new-active", [])),
    # The last of all: where it is taken, the agent holds the reserve from then on.
    ("commands with the stolen reserve, whose certificate the owner signed", "done", "older-generation",
     ("new-reserve", ["new-reserve", "new-owner"], [])),
]


class WholeFolder(Case):
    """One story: the methods run in order of their names."""

    @classmethod
    def prepare(cls):
        here = cls.lab
        here.tls = False
        here.init()
        here.start_server()
        cls.one, cls.two = here.start_agents(2)
        # What agent 3 hears is recorded on its way.
        middle, cls.seen = f"{here.network}.200", here.path / "seen"
        cls.watched = here.install(3, here.package("package-middle", "--host", middle))
        here.attacker("middle", "relay", "--from", f"{middle}:{here.port}", "--to", f"127.0.0.1:{here.port}", "--from",
                      f"{middle}:{here.agent_port}", "--to", cls.watched.address, "--record", cls.seen)
        cls.watched.start()
        cls.watched.await_standing("verified")
        cls.agents = [cls.one, cls.two, cls.watched]
        cls.server_id = cls.one.status()["certificate"]["server"]
        cls.thief = Thief(here, cls.server_id)
        cls.steal("old")
        here.replace()
        here.ok("countersign", "order", "send", "--all", "update-now")
        here.ok("countersign", "order", "send", "--all", "ping")
        cls.folder = cls.steal("new")
        cls.recorded = max(cls.seen.glob("order-*"), key=lambda one: int(one.name.split("-")[1]))
        cls.make_own()

    @classmethod
    def steal(cls, name):
        folder = cls.lab.path / f"loot-{name}"
        cls.lab.server.stop()
        shutil.copytree(cls.lab.data, folder, ignore=shutil.ignore_patterns("control.sock", "lock"))
        cls.lab.start_server()
        cls.thief.loot(folder, name)
        return folder

    @classmethod
    def make_own(cls):
        """What the thief makes of its loot."""
        thief = cls.thief
        for what in ("active", "reserve"):
            by = {"issuer_key": thief.key(f"new-{what}"), "issuer_pem": thief.path / f"new-{what}.pem"}
            thief.certificate(f"leaf-of-{what}", None, **by)
        held = cls.one.status()["certificate"]["generation"]
        thief.certificate("fork", None, issuer_key=thief.key("new-active"), issuer_pem=thief.path / "new-active.pem",
                          generation=held)
        thief.succession("succession", thief.key("new-active"), thief.path / "new-active.pem")
        cls.lab.openssl("req", "-x509", "-new", "-key", thief.key("new-active"), "-subj",
                        "/CN=OfficeScan Server NTSG/dnQualifier=9000000000", "-days", "9000", "-addext",
                        f"subjectAltName=URI:urn:uuid:{cls.server_id}", "-out", thief.path / "self-signed.pem")
        thief.to_der("self-signed")

    def warrant(self):
        """As section 8 of the specification has it, but signed with the server's key: the owner's is not in the folder."""
        target = {"server": OTHER_SERVER, "addresses": ["127.0.0.1:1"], "generation": 9_000_000_000}
        part = base64.urlsafe_b64encode(json.dumps({"act": "move", "target": target}).encode()).decode().rstrip("=")
        return json.dumps({"warrant": f"{part}.{part}.{part}"})

    def attempt(self, agent, what):
        """The verdict in the agent's receipt, which is signed by the agent."""
        to = ("--to", agent.address, "--receipt-key", agent.folder / "agent.key")
        if isinstance(what, str):
            alter = ("--alter", "challenge") if what == "replay-challenge" else ()
            (receipt,) = self.lab.attack("replay", *to, "--order", self.recorded, *alter)
        else:
            key, claim, more = what
            by = ("--cert", self.thief.der(claim)) if isinstance(claim, str) else ("--bundle", self.thief.der(*claim))
            more = [self.warrant() if one == "{warrant}" else one for one in more]
            if "--iss" not in more:
                more = ["--iss", self.server_id, *more]
            (receipt,) = self.lab.attack("forge", *to, "--key", self.thief.key(key), *by, "--aud", agent.id, *more)
        self.assertTrue(receipt["signed"], receipt)
        return receipt["verdict"]

    def trust(self, agent):
        return (agent.folder / "trust").read_bytes()

    def play(self, agent, phase):
        for row in ATTEMPTS:
            what, expected, args = row[0], row[phase], row[3]
            with self.subTest(what):
                before = self.trust(agent)
                self.assertEqual(self.attempt(agent, args), expected)
                if row is not ATTEMPTS[-1] or phase == 2:
                    self.assertEqual(self.trust(agent), before)

    def thieves_server(self, *agents):
        """The stolen folder served as it is, on another port, so that no agent reports there; the verdicts on its orders."""
        env = lab.environment(COUNTERSIGN_DATA=str(self.folder))
        config = self.folder / "countersign.toml"
        text = re.sub(r"(?m)^http_port = \d+", f"http_port = {lab.free_port()}", config.read_text())
        config.write_text(re.sub(r"(?m)^https = true", "https = false", text))
        server = self.lab.start("thief", lab.PROGRAMS / "countersignd", "--data", self.folder)
        try:
            until(lambda: "serving agents" in server.text(), "the thief's server runs")
            verdicts = []
            for agent in agents:
                done = self.lab.run("countersign", "order", "send", "--json", "--agent", agent.id, "ping", "--wait", "5", env=env)
                self.assertIn("orders", done.json, done)
                verdicts.append(done.json["orders"][0]["verdict"])
            return verdicts
        finally:
            server.stop()
            (self.lab.path / "thief.log").write_text("")

    def test_1_the_password_is_what_it_lacks(self):
        env = lab.environment(COUNTERSIGN_DATA=str(self.folder), COUNTERSIGN_PASSWORD="a guess of the thief")
        rows = (self.folder / "AuthCertBackup/OfficeScanAuth.dat").read_bytes()
        for words in (("CertificateManager", "-c", "a guess of the thief"), ("countersign", "cert", "replace"),
                      ("countersign", "owner", "create"), ("countersign", "backup", "verify")):
            self.assert_exit(6, self.lab.run(*words, env=env))
        env["COUNTERSIGN_NEW_PASSWORD"] = "a password of the thief"
        self.assert_exit(6, self.lab.run("countersign", "backup", "password", env=env))
        self.assertEqual((self.folder / "AuthCertBackup/OfficeScanAuth.dat").read_bytes(), rows)

    def test_2_before_the_replacement_it_commands_and_no_more(self):
        held = self.watched.serial()
        self.play(self.watched, 1)
        self.assertNotEqual(self.watched.serial(), held)  # the reserve: certified by the owner
        self.assertEqual(self.thieves_server(self.one), ["done"])

    def test_3_the_owner_replaces_and_names_who_is_exposed(self):
        self.two.stop()
        done = self.lab.run("CertificateManager", "-c", PASSWORD, "-compromised", "-on-this-server", "-json")
        exposed = [agent["agent"] for agent in self.assert_exit(0, done).json["exposed_agents"]]
        self.assertEqual(sorted(exposed), sorted(agent.id for agent in self.agents))
        until(lambda: [row["agent"] for row in self.lab.agents("--exposed")] == [self.two.id],
              "those that can be called have heard, the one that the thief gave the reserve too")
        for agent in (self.one, self.watched):
            self.assertEqual(agent.serial(), self.lab.serial())

    def test_4_after_it_nothing_is_left_to_the_thief(self):
        for agent in (self.one, self.watched):
            self.play(agent, 2)
            agent.await_standing("verified")
            self.assertEqual(agent.serial(), self.lab.serial())
        self.assertEqual(self.thieves_server(self.one, self.watched), ["unknown-key"] * 2)

    def test_5_a_server_of_its_own_in_the_stolen_folder(self):
        """The thief cuts the stolen registry off its owner, and serves the agents in it under a key of its own."""
        self.lab.make_pfx("own")
        self.assert_exit(0, self.lab.run("CertificateManager", "-i", PASSWORD, self.lab.path / "own.pfx", "-replace",
                                         env=lab.environment(COUNTERSIGN_DATA=str(self.folder))))
        self.assertEqual(self.thieves_server(self.one, self.watched), ["unknown-key"] * 2)

    def test_6_who_was_away_obeys_only_the_owner_once_it_has_heard(self):
        self.two.start()
        self.two.await_standing("verified")
        until(lambda: self.lab.agents("--exposed") == [], "nobody is exposed")
        self.play(self.two, 2)
        self.assert_exit(0, self.lab.run("countersign", "order", "send", "--all", "ping"))
        for agent in self.agents:
            self.assertEqual(agent.serial(), self.lab.serial())


if __name__ == "__main__":
    lab.main()
