"""Agents of another make (examples/): their verifiers pass the published vectors, and they are agents of a real server:
enrolled by a token, verified, obedient, and moved by a replacement of its certificate."""

import base64
import json
import sys

import lab
from lab import ROOT, Case, until

EXAMPLES = ROOT / "examples"
VECTORS = ROOT / "tests/vectors"
# More than the file of the same name lets a reader pass by: as many cases as there are.
FILES = ("first_trust", "rule_a", "orders", "replies")


class Example:
    """One running agent of another make."""

    def __init__(self, here, name, command, number, package):
        self.lab, self.name, self.starts = here, name, 1
        self.folder = here.path / name
        self.address = f"{here.network}.{number}:{here.agent_port}"
        self.command = (*command, "--folder", self.folder, "--listen", self.address, "--interval", "2")
        self.daemon = here.start(name, *self.command, "--package", package)
        until(lambda: "listens at" in self.daemon.text() or not self.daemon.runs(), f"{name} listens")
        if not self.daemon.runs():
            raise AssertionError(self.daemon.text())
        self.id = self.daemon.text().split("agent ")[1].split()[0]

    def restart(self):
        if self.daemon.runs():
            self.daemon.kill()
        self.starts += 1
        self.daemon = self.lab.start(f"{self.name}-{self.starts}", *self.command)
        until(lambda: "listens at" in self.daemon.text(), f"{self.name} listens again")

    def await_standing(self, standing):
        until(lambda: self.lab.standing(self.id) == standing, f"{self.name} is {standing}")


class Examples(Case):
    @classmethod
    def prepare(cls):
        here = cls.lab
        cls.compiled = here.path / "typescript"
        here.ok("node", ROOT / "node_modules/typescript/bin/tsc", "--project", EXAMPLES / "typescript", "--outDir", cls.compiled)
        here.init()
        here.start_server()
        package = here.package()
        cls.agents = [
            Example(here, "python", (sys.executable, EXAMPLES / "python/agent.py"), 1, package),
            Example(here, "typescript", ("node", cls.compiled / "agent.js"), 2, package),
        ]

    def order(self, agent, act="ping"):
        """Exit code and verdict. An order may come by a call and by a reply at once: one of the receipts says so then."""
        code, order = self.lab.order(agent.id, act)
        return code, order["earlier"] if order["verdict"] == "done-before" else order["verdict"]

    def test_1_vectors(self):
        for name, command in (("python", (sys.executable, EXAMPLES / "python/vectors.py")), ("typescript", ("node", self.compiled / "vectors.js"))):
            with self.subTest(name):
                done = self.lab.ok(*command, VECTORS)
                for file in FILES:
                    cases = len(json.loads((VECTORS / f"{file}.json").read_text())["cases"])
                    self.assertIn(f"{file}: {cases} cases", done.out)

    def test_2_a_wrong_vector_is_noticed(self):
        for name, command in (("python", (sys.executable, EXAMPLES / "python/vectors.py")), ("typescript", ("node", self.compiled / "vectors.js"))):
            with self.subTest(name):
                folder = self.lab.path / f"wrong-{name}"
                folder.mkdir()
                for file in FILES:
                    content = json.loads((VECTORS / f"{file}.json").read_text())
                    if file == "rule_a":
                        content["cases"][0]["expect"] = "chain"
                    (folder / f"{file}.json").write_text(json.dumps(content))
                done = self.lab.run(*command, folder)
                self.assert_exit(1, done, "certificate of the stored owner")

    def test_3_enrolled_verified_and_obedient(self):
        for agent in self.agents:
            with self.subTest(agent.name):
                agent.await_standing("verified")
                self.assertEqual(self.lab.row(agent.id)["domain"], "eu/paris")
                for act, verdict in (("ping", "done"), ("report", "done"), ("install", "unknown-action")):
                    self.assertEqual(self.order(agent, act), (0 if verdict == "done" else 20, verdict))

    def test_4_a_replacement_moves_their_trust(self):
        self.lab.replace()
        for agent in self.agents:
            with self.subTest(agent.name):
                self.assertEqual(self.order(agent), (0, "done"))
                self.assertIn("trust moved to generation", agent.daemon.text())
                agent.await_standing("verified")

    def test_5_what_they_hold_lasts(self):
        self.lab.replace()
        for agent in self.agents:
            with self.subTest(agent.name):
                self.assertEqual(self.order(agent), (0, "done"))
                agent.restart()
                self.assertEqual(self.order(agent), (0, "done"))
                agent.await_standing("verified")

    def test_6_an_order_in_a_reply(self):
        """Sent to an agent that cannot be called: the order waits for its report."""
        for agent in self.agents:
            with self.subTest(agent.name):
                agent.daemon.kill()
                self.lab.ok("countersign", "order", "send", "--agent", agent.id, "ping", "--no-wait")
                agent.restart()
                until(lambda agent=agent: not self.open_orders(agent), "the order is done")
                agent.await_standing("verified")

    def open_orders(self, agent):
        shown = self.lab.json("countersign", "agents", "show", agent.id)
        return shown["open_orders"]

    def test_7_lies_are_refused(self):
        for agent in self.agents:
            with self.subTest(agent.name):
                answer = self.lab.fetch("/countersign/v1/order", *agent.address.split(":"), method="POST", body="x.y.z",
                                        headers={"Content-Type": "application/jose"})
                self.assertEqual(answer.status, 200)
                self.assertEqual(self.verdict(answer.content), "malformed")

    def verdict(self, receipt):
        text = receipt.decode().split(".")[1]
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["verdict"]


if __name__ == "__main__":
    lab.main()
