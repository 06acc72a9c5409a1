"""Attacks of docs/threat-model.md (N: on the network, T1: with the server's key, T4: with another agent's key), played
against the real programs by attacker.mjs. After each the agent trusts what it trusted before."""

import base64
import json
import shutil

import lab
from lab import Case, faked, sanitized, until
from thief import Thief


def decoded(text, part):
    """Header (0) or payload (1) of a JWS."""
    piece = text.split(".")[part]
    return json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))


class Attacks(Case):
    @classmethod
    def prepare(cls):
        here = cls.lab
        here.tls = False
        here.make_pfx("admin")
        here.ok("countersign", "server", "init", "--import", "admin.pfx", *here.server_options(),
                env=lab.environment(COUNTERSIGN_DATA=str(here.data), COUNTERSIGN_IMPORT_PASSWORD=lab.PASSWORD))
        here.start_server()
        cls.agent, cls.other = here.start_agents(2)
        # Agent 3 is reached, and reaches its server, through a man in the middle who keeps what he sees.
        cls.middle = f"{here.network}.200"
        cls.seen = here.path / "seen"
        cls.watched = here.install(3, here.package("package-middle", "--host", cls.middle))
        here.attacker("middle", "relay", "--from", f"{cls.middle}:{here.port}", "--to", f"127.0.0.1:{here.port}", "--from",
                      f"{cls.middle}:{here.agent_port}", "--to", cls.watched.address, "--record", cls.seen)
        cls.watched.start()
        cls.watched.await_standing("verified")
        cls.server_id = cls.agent.status()["certificate"]["server"]
        # Two replacements, so that the bundles seen are: one over the succession, one under the owner alone.
        cls.stolen = []
        for _ in range(2):
            here.replace()
            here.ok("countersign", "order", "send", "--all", "update-now")
            cls.stolen.append(cls.steal_key())
        cls.thief = Thief(here, cls.server_id)
        shutil.copy(cls.agent.folder / "OfcNTCer.dat", cls.thief.path / "public.der")
        cls.keep_bundles()

    @classmethod
    def steal_key(cls):
        """T1: the online key of the certificate in use, with that certificate."""
        number = len(cls.stolen)
        status = cls.lab.json("countersign", "status")["certificate"]
        der = cls.lab.path / f"stolen{number}.der"
        shutil.copy(cls.agent.folder / "OfcNTCer.dat", der)
        public = cls.lab.openssl("x509", "-inform", "DER", "-in", der, "-noout", "-pubkey").out
        for key in (cls.lab.data / "keys").glob("*.key"):
            if cls.lab.openssl("pkey", "-inform", "DER", "-in", key, "-pubout").out == public:
                stolen = cls.lab.path / f"stolen{number}.key"
                shutil.copy(key, stolen)
                return stolen, der
        raise AssertionError(f"no key of {status['serial']}")

    @classmethod
    def keep_bundles(cls):
        """The genuine bundles that travelled, as files bundleN-I.der in the thief's folder."""
        cls.bundles = []
        for path in sorted(cls.seen.glob("order-*"), key=lambda one: int(one.name.split("-")[1])):
            bundle = decoded(path.read_text(), 0).get("x5c", [])
            names = []
            for i, text in enumerate(bundle):
                names.append(f"bundle{len(cls.bundles)}-{i}")
                (cls.thief.path / f"{names[-1]}.der").write_bytes(base64.b64decode(text))
            if names:
                cls.bundles.append(names)

    def orders_seen(self, kind="order"):
        return sorted(self.seen.glob(f"{kind}-*"), key=lambda one: int(one.name.split("-")[1]))

    def trust(self, agent):
        return (agent.folder / "trust").read_bytes()

    def forge(self, agent, *more, aud=None, iss=None):
        return self.lab.attack("forge", "--to", agent.address, "--iss", iss or self.server_id, "--aud", aud or agent.id,
                               "--receipt-key", agent.folder / "agent.key", *more)

    def expect(self, agent, verdict, receipts):
        for receipt in receipts:
            self.assertEqual((receipt["verdict"], receipt.get("signed"), receipt.get("about")), (verdict, True, True), receipt)

    def test_1_orders_on_the_network(self):
        thief, agent = self.thief, self.agent
        key, cert = ("--key", thief.key("server")), ("--cert", thief.der("public"))
        stolen_key, stolen_cert = self.stolen[1]
        right = ("--key", stolen_key, "--cert", stolen_cert)
        thief.certificate("leaf-of-server", None, issuer_key=self.pem_key(stolen_key), issuer_pem=self.pem(stolen_cert))
        old = self.bundles[0]
        cases = [
            ("N: an order with a key of the attacker", "unknown-key", (*key, "--cert", thief.der("server"))),
            ("N: the same in the server's name", "bad-signature", (*key, *cert)),
            ("N: with the algorithm of another kind of key", "bad-signature", (*key, *cert, "--alg", "RS256")),
            ("N: with an algorithm that is none of ours", "malformed", (*key, *cert, "--alg", "HS256")),
            ("N: a bundle of the attacker's own", "other-owner", (*key, "--bundle", thief.der("server", "owner"))),
            ("N: the same, ending in the real owner's certificate", "chain", (*key, "--bundle", thief.der("server", self.bundles[-1][-1]))),
            ("N: a genuine bundle, signed by another key", "bad-signature", (*key, "--bundle", thief.der(*self.bundles[-1]))),
            ("N: one certificate as bundle", "other-owner", (*key, "--bundle", thief.der("server"))),
            ("N: the real owner's certificate alone as bundle", "chain", (*key, "--bundle", thief.der(self.bundles[-1][-1]))),
            ("N: a challenge of the attacker's own", "stale", (*right, "--challenge", "A" * 54)),
            ("N: a challenge from another agent", "stale", (*right, "--challenge", self.challenge(self.other))),
            ("T1: the old key, after the replacement reached the agent", "unknown-key",
             ("--key", self.stolen[0][0], "--cert", self.stolen[0][1])),
            ("T1: the old key with its genuine bundle", None, ("--key", self.stolen[0][0], "--bundle", thief.der(*old))),
            ("T1: a certificate signed with the server's key", "chain",
             ("--key", thief.key("leaf-of-server"), "--bundle", thief.der("leaf-of-server", "public", self.bundles[-1][-1]))),
        ]
        for what, verdict, args in cases:
            with self.subTest(what):
                before = self.trust(agent)
                receipts = self.forge(agent, *args)
                if verdict is None:
                    self.assertIn(receipts[0]["verdict"], ("older-generation", "other-owner"), receipts)
                else:
                    self.expect(agent, verdict, receipts)
                self.assertEqual(self.trust(agent), before)
        with self.subTest("T1: for another agent, for another server"):
            self.expect(agent, "wrong-agent", self.forge(agent, *right, aud=self.other.id))
            self.expect(agent, "wrong-server", self.forge(agent, *right, iss="00000000-0000-8000-8000-000000000001"))
        with self.subTest("T1: whoever has the key commands, once for each order, and cannot move the trust"):
            before = self.trust(agent)
            jti = base64.urlsafe_b64encode(b"0123456789abcdef").decode().rstrip("=")
            first, *again = self.forge(agent, *right, "--jti", jti, "--repeat", "3")
            self.assertEqual(first["verdict"], "done")
            self.assertEqual([one["verdict"] for one in again], ["done-before"] * 2)
            self.expect(agent, "unknown-action", self.forge(agent, *right, "--act", "install"))
            self.expect(agent, "failed", self.forge(agent, *right, "--args", '{"path":"/etc"}'))
            self.assertEqual(self.trust(agent), before)

    def challenge(self, agent):
        return json.loads(self.lab.fetch("/countersign/v1/challenge", agent.host, agent.port).content)["challenge"]

    def pem(self, der):
        path = self.lab.path / f"{der.name}.pem"
        self.lab.openssl("x509", "-inform", "DER", "-in", der, "-out", path)
        return path

    def pem_key(self, der):
        path = self.lab.path / f"{der.name}.pem"
        self.lab.openssl("pkey", "-inform", "DER", "-in", der, "-out", path)
        return path

    def test_2_replay(self):
        self.assertEqual(self.lab.order(self.watched.id)[0], 0)
        order = self.orders_seen()[-1]
        for alter, verdict in (("", "stale"), ("signature", "stale"), ("challenge", "bad-signature"),
                               ("payload", "bad-signature")):
            with self.subTest(alter or "as it was"):
                more = ("--alter", alter) if alter else ()
                for agent in (self.watched, self.agent):
                    receipts = self.lab.attack("replay", "--to", agent.address, "--order", order, "--receipt-key",
                                               agent.folder / "agent.key", *more)
                    self.expect(agent, verdict, receipts)

    def test_3_nonsense(self):
        key, cert = self.stolen[1]
        answers = self.lab.attack("nonsense", "--to", self.agent.address, "--key", key, "--cert", cert, "--iss",
                                  self.server_id, "--aud", self.agent.id)
        expected = {"empty body": (400, None), "another media type": (400, None), "more than 64 KiB": (413, None)}
        self.assertGreater(len(answers), 12)
        for answer in answers:
            with self.subTest(answer["case"]):
                status, verdict = expected.get(answer["case"], (200, "malformed"))
                self.assertIn(answer["status"], (status, "closed") if status == 413 else (status,))
                self.assertEqual(answer.get("verdict"), verdict)
                self.assertIsNone(answer.get("order"))  # nothing unauthenticated is echoed
        self.assertTrue(self.agent.alive())

    def test_8_one_source_is_limited_and_the_server_is_not(self):
        """N floods an agent: beyond a limit it gets no signatures any more, and the server's orders go through."""
        args = ("--key", self.thief.key("server"), "--cert", self.thief.der("public"), "--iss", self.server_id, "--aud",
                self.agent.id, "--repeat", "60")
        answers = self.lab.attack("forge", "--to", self.agent.address, *args, source=f"{self.lab.network}.99")
        statuses = [answer["status"] for answer in answers]
        self.assertEqual((statuses[0], statuses[-1]), (200, 429))
        self.assertEqual(self.lab.order(self.agent.id)[0], 0)

    def test_4_order_for_another_agent_and_receipts_of_another_agent(self):
        """N takes the address of an agent that is off, and passes its orders on; T4 answers for it."""
        agent, other = self.agent, self.other
        agent.stop()
        crossed = self.lab.path / "crossed"
        relay = self.lab.attacker("crossed", "relay", "--from", agent.address, "--to", other.address, "--record", crossed)
        code, order = self.lab.order(agent.id, "ping", "--wait", "3")
        self.assertEqual((code, order["state"]), (21, "sent"))
        receipt = decoded((crossed / "receipt-1").read_text(), 1)
        self.assertEqual((receipt["verdict"], receipt["iss"]), ("wrong-agent", f"urn:uuid:{other.id}"))
        relay.stop()
        held = json.dumps({**receipt["held"]})
        for what, iss, key in (("another's name, own key", agent.id, other), ("own name, own key", other.id, other)):
            for verdict in ("done", "failed"):
                with self.subTest(f"T4: {what}: {verdict}"):
                    (answer,) = self.lab.attack(
                        "receipt", "--to", f"127.0.0.1:{self.lab.port}", "--key", key.folder / "agent.key", "--iss", iss,
                        "--aud", self.server_id, "--order", order["order"], "--oh", receipt["oh"], "--verdict", verdict,
                        "--held", held)
                    self.assertEqual(answer["status"], 400)
        with self.subTest("the right key, for another version of the order"):
            (answer,) = self.lab.attack(
                "receipt", "--to", f"127.0.0.1:{self.lab.port}", "--key", agent.folder / "agent.key", "--iss", agent.id,
                "--aud", self.server_id, "--order", order["order"], "--oh", "A" * 43, "--held", held)
            self.assertEqual(answer["status"], 400)
        shown = self.lab.json("countersign", "agents", "show", agent.id)
        self.assertEqual([one["state"] for one in shown["open_orders"]], ["sent"])
        agent.start()
        agent.await_standing("verified")
        self.assertEqual(self.lab.order(agent.id)[0], 0)

    def test_5_replayed_report_changes_nothing(self):
        report = self.orders_seen("report")[0].read_text()
        before = self.lab.row(self.watched.id)
        for _ in range(3):
            answer = self.lab.fetch("/countersign/v1/report", method="POST", body=report,
                                    headers={"Content-Type": "application/jose"})
            self.assertEqual(answer.status, 200)
        self.assertEqual(self.lab.row(self.watched.id), before)
        head, payload, signature = report.split(".")
        forged = json.loads(base64.urlsafe_b64decode(payload + "=="))
        forged["iss"] = f"urn:uuid:{self.agent.id}"
        payload = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
        answer = self.lab.fetch("/countersign/v1/report", method="POST", body=f"{head}.{payload}.{signature}",
                                headers={"Content-Type": "application/jose"})
        self.assertEqual(answer.status, 400)

    def test_6_false_servers(self):
        """Replies by a false server: each is refused with its verdict, and nothing of it is taken."""
        thief = self.thief
        stolen = ("--key", self.stolen[1][0], "--cert", self.stolen[1][1])
        key = ("--key", thief.key("server"))
        host = f"{self.lab.network}.201"
        cases = [
            ("a key of his own", "unknown-key", (*key, "--cert", thief.der("server"))),
            ("in the server's name", "bad-signature", (*key, "--cert", thief.der("public"))),
            ("his own bundle", "other-owner", (*key, "--bundle", thief.der("server", "owner"))),
            ("under the real owner", "chain", (*key, "--bundle", thief.der("server", self.bundles[-1][-1]))),
            ("T1: another challenge", "stale", (*stolen, "--challenge", "A" * 54)),
            ("T1: to another agent", "wrong-agent", (*stolen, "--aud", self.other.id)),
            ("T1: from another server", "wrong-server", (*stolen, "--iss", "00000000-0000-8000-8000-000000000001")),
        ]
        agent = self.lab.install(5, self.lab.package("package-false", "--host", host))
        for number, (what, verdict, args) in enumerate(cases):
            with self.subTest(what):
                before = self.trust(agent)
                if "--iss" not in args:
                    args = (*args, "--iss", self.server_id)
                false = self.lab.attacker(f"false{number}", "server", "--from", f"{host}:{self.lab.port}", *args)
                (self.lab.path / "agent5.log").write_text("")
                agent.start()
                until(lambda: "refused: " in agent.process.text(), f"a reply is refused: {what}")
                self.assertIn(f"refused: {verdict}\n", agent.process.text())
                self.assertIn(verdict, agent.status()["last_error"])
                agent.stop()
                false.stop()
                self.assertEqual(self.trust(agent), before)
        with self.subTest("a genuine reply, replayed"):
            reply = self.orders_seen("reply")[-1]
            relay = self.lab.attacker("replayed", "relay", "--from", f"{host}:{self.lab.port}", "--to",
                                      f"127.0.0.1:{self.lab.port}", "--alter", reply)
            (self.lab.path / "agent5.log").write_text("")
            agent.start()
            until(lambda: "refused: " in agent.process.text(), "the replayed reply is refused")
            self.assertIn("refused: stale\n", agent.process.text())
            relay.stop()
        with self.subTest("what was refused is reported to the real server"):
            self.lab.attacker("honest", "relay", "--from", f"{host}:{self.lab.port}", "--to", f"127.0.0.1:{self.lab.port}")
            agent.await_standing("verified")
            until(lambda: self.lab.row(agent.id)["failures"] > 0, "failures are counted")
        agent.stop()

    def test_7_clocks(self):
        if sanitized():
            self.skipTest("faketime and sanitizers do not go together")
        agent = self.other
        with self.subTest("years ahead: takes new trust, refuses orders, is shown with a clock fault"):
            agent.stop()
            self.lab.replace()
            agent.start(env=faked("+4y"))
            agent.await_serial(self.lab.serial())
            code, order = self.lab.order(agent.id, "ping", "--wait", "3")
            self.assertEqual((code, order["state"], order["verdict"]), (21, "sent", "certificate-expired"), order)
            row = until(lambda: self.lab.row(agent.id) if self.lab.row(agent.id).get("clock_fault") else None,
                        "the clock fault is shown")
            self.assertEqual(row["standing"], "verified", row)
            self.assertGreater(row["clock_offset_seconds"], 3 * 365 * 86400)
        with self.subTest("mended: it obeys again"):
            agent.stop()
            agent.start()
            until(lambda: self.lab.order(agent.id)[0] == 0, "it obeys again")
            self.assertFalse(self.lab.row(agent.id)["clock_fault"])
        with self.subTest("1970 notices nothing"):
            agent.stop()
            agent.start(env=faked("-56y"))
            self.lab.replace()
            self.assertEqual(self.lab.order(agent.id, "update-now")[0], 0)
            self.assertEqual(agent.serial(), self.lab.serial())
            self.assertEqual(self.lab.order(agent.id)[0], 0)
            until(lambda: self.lab.row(agent.id)["clock_fault"], "the clock fault is shown")
        agent.stop()
        agent.start()


if __name__ == "__main__":
    lab.main()
