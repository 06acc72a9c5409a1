"""The proof of adoption, checked by another program: the commands that `countersign rollout proof` prints, as somebody pastes them."""

import base64
import hashlib
import json
import shutil
import sqlite3

import lab
from lab import ROOT, Case, environment

PAGE = (ROOT / "docs/rollouts.md").read_text()


def base64url(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def commands(out):
    """What can be pasted: the indented lines."""
    return [line.removeprefix("  ") for line in out.splitlines() if line.startswith("  ")]


class Proof(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agent, cls.other = cls.lab.start_agents(2)

    def setUp(self):
        self.folder = self.lab.path / self.id().rsplit(".", 1)[1]
        self.folder.mkdir()

    def proof(self, *more, agent=None):
        return self.lab.run("countersign", "rollout", "proof", "--agent", (agent or self.agent).id, *more, cwd=self.folder)

    def shown(self, agent=None):
        done = self.proof("--json", agent=agent)
        self.assertEqual(done.code, 0, str(done))
        return done.json

    def paste(self, lines, folder=None):
        """A shell that ends at the first command that fails."""
        return self.lab.run("sh", "-e", stdin="\n".join(lines) + "\n", cwd=folder or self.folder)

    def check(self, kind):
        """Pastes what is printed and looks at what came of it; returns what the agent said."""
        printed = self.assert_exit(0, self.proof(), f"by a {kind}\n")
        shown = self.shown()
        self.assertEqual(shown["kind"], kind)
        self.assertIn(shown["message"], printed.out.splitlines(), "the message is on a line by itself")
        for line in commands(printed.out)[2:]:
            self.assertIn(f"\n{line}\n", PAGE)
        said = self.paste(commands(printed.out))
        self.assertEqual(said.code, 0, str(said))
        *made, payload, verdict, thumbprint, digest = said.out.splitlines()
        self.assertEqual(verdict, "valid")
        payload = json.loads(payload)
        certificate = (self.lab.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat").read_bytes()
        self.assertEqual(thumbprint, base64url(hashlib.sha256(certificate).digest()))
        self.assertEqual(payload["held"]["x5t#S256"], thumbprint)
        self.assertEqual(payload["held"]["generation"], shown["generation"])
        self.assertEqual(payload["iss"], f"urn:uuid:{self.agent.id}")
        self.assertIn(f'"x5t#S256":"{thumbprint}"', printed.out)
        # As the printed rule has it.
        digits = self.agent.id.replace("-", "")
        self.assertEqual((digits[:12], digits[13:16], digits[17:]), (digest[:12], digest[13:16], digest[17:32]))
        self.assertEqual(digits[12], "8")
        self.assertIn(digits[16], "89ab")
        return payload

    def generation(self, expression):
        database = sqlite3.connect(self.lab.data / "registry.db")
        database.execute(f"UPDATE proofs SET generation = {expression}")
        database.commit()
        database.close()

    def test_1_report(self):
        payload = self.check("report")
        self.assertEqual(payload["host"], self.shown()["host"])

    def test_2_receipt_of_the_next_generation(self):
        before = self.shown()
        self.lab.replace()
        # The receipt is the first to say so, unless the agent's own report happens to fall in between.
        code, order = self.lab.order(self.agent.id)
        self.assertEqual((code, order["verdict"]), (0, "done"), order)
        after = self.shown()
        self.assertGreater(after["generation"], before["generation"])
        payload = self.check(after["kind"])
        if after["kind"] == "receipt":
            self.assertEqual(payload["verdict"], "done")
        self.agent.await_standing("verified")
        self.assertEqual(self.shown(), after, "later reports do not replace it")

    def test_3_altered_messages_fail(self):
        made = self.folder / "given"
        printed = self.assert_exit(0, self.proof("-o", made))
        change_folder, verify, *_ = commands(printed.out)
        self.assertEqual(change_folder, f"cd {made}")
        self.assertEqual(sorted(path.name for path in made.iterdir()), ["agent.jwk", "certificate.cer", "proof.jws"])
        message = (made / "proof.jws").read_text()
        self.assertEqual(message, self.shown()["message"])
        self.assert_exit(0, self.paste([change_folder, verify]), "\nvalid\n")
        header, payload, signature = message.split(".")
        claims = json.loads(decoded(payload))
        claims["held"]["generation"] += 1
        other = self.shown(self.other)
        for name, text, key in [
                ("a number", ".".join([header, base64url(json.dumps(claims).encode()), signature]), None),
                ("the signature", f"{header}.{payload}.{base64url(bytes(64))}", None),
                ("half", message[:-40], None),
                ("nothing signed", f"{base64url(b'{}')}.{payload}.", None),
                ("another agent's key", message, other["jwk"])]:
            (made / "proof.jws").write_text(text)
            (made / "agent.jwk").write_text(json.dumps(key or self.shown()["jwk"]))
            done = self.paste([change_folder, verify])
            self.assertNotEqual(done.code, 0, f"{name}: {done}")
            self.assertNotIn("valid\n", done.out, name)

    def test_4_outputs(self):
        raw = self.assert_exit(0, self.proof("-o", "-"))
        self.assertEqual((raw.out, raw.err), (self.shown()["message"], ""))
        made = self.folder / "it's a folder"
        shown = self.proof("-o", made, "--json")
        self.assertEqual(shown.json["folder"], str(made))
        self.assertEqual(json.loads((made / "agent.jwk").read_text()), shown.json["jwk"])
        piped = self.paste([f"countersign rollout proof --agent {self.agent.id} -o - | jose jws ver -i - -k \"{made}/agent.jwk\" -O-"])
        self.assert_exit(0, piped, self.agent.id)
        self.assert_exit(4, self.proof("-o", made), "is there already")
        shutil.rmtree(made)
        printed = self.assert_exit(0, self.proof("-o", made))
        self.assert_exit(0, self.paste(commands(printed.out)), "\nvalid\n")
        self.assert_exit(2, self.proof("-o", "-", "--json"))
        self.assert_exit(2, self.lab.run("countersign", "rollout", "proof"), "--agent")
        self.assert_exit(2, self.lab.run("countersign", "rollout", "proof", "--agent", "x"), "no agent id")
        nobody = self.agent.id[:-4] + ("0000" if self.agent.id[-4:] != "0000" else "1111")
        self.assert_exit(3, self.lab.run("countersign", "rollout", "proof", "--agent", nobody), "countersign agents list")

    def test_5_stopped_server_and_another_folder(self):
        before = self.shown()
        self.lab.server.stop()
        self.assertEqual(self.shown(), before)
        # Found without COUNTERSIGN_DATA, it is found by the printed command, too.
        env = {name: value for name, value in environment().items() if name != "COUNTERSIGN_DATA"}
        done = self.lab.run("countersign", "--data", self.lab.data, "rollout", "proof", "--agent", self.agent.id, env=env)
        self.assertIn(f"countersign --data {self.lab.data} rollout proof", self.assert_exit(0, done).out)
        self.lab.start_server()

    def test_6_altered_registry_is_noticed(self):
        self.lab.server.stop()
        self.generation("generation + 1")
        self.assert_exit(11, self.proof(), "registry.db was altered")
        self.generation("generation - 1")
        self.assert_exit(0, self.proof())
        self.lab.start_server()

    def test_7_forgotten_agent_has_none(self):
        self.lab.ok("countersign", "agents", "forget", self.other.id)
        self.assert_exit(3, self.proof(agent=self.other), "has not proved yet")
        self.assert_exit(0, self.proof())


if __name__ == "__main__":
    lab.main()
