"""What the tests of docs/procedures.md share: its lines typed with the paths of a lab, and as somebody pastes them."""

import os
import shutil

import lab
from lab import PASSWORD, Case
from pages import Page

ZIP_PASSWORD = "the ZIP has its own"
SUCCESS = "Certificate Authentication Manager has successfully "
PAGE = Page("procedures.md")


def pasted(words):
    """The ways in which a command of CertificateManager arrives from articles; its last word is a path or a password."""
    tool, switch, *values = words
    dash = "–" + switch[1:]
    yield [tool, dash, *values]
    yield [tool, f"－{switch[1:].upper()}　{values[0]}", *values[1:]]
    yield [tool, "▲".join([dash, *values])]
    if os.sep in values[-1]:
        yield [tool, "　" + dash + "　", *values[:-1], f"“{values[-1]}”"]


class Procedure(Case):
    """Types lines of the page: the default paths are those of this lab, names in capitals are `values`."""

    def setUp(self):
        self.roots = self.lab.path / "root"
        self.roots.mkdir(exist_ok=True)

    def paths(self, word, agent=None):
        for default, here in (("/var/lib/countersign-agent/", agent and agent.folder), ("/tmp/", self.lab.path),
                              ("/var/lib/countersign/", self.lab.data), ("/root/", self.roots)):
            if word.startswith(default):
                return str(here / word.removeprefix(default))
        return word

    def words(self, line, agent=None, **values):
        return [str(values.get(word, self.paths(word, agent))) for word in PAGE.words(line)]

    def type(self, line, *more, agent=None, env=None, **values):
        return self.lab.run(*self.words(line, agent, **values), *more, env=env)

    def ok(self, line, *more, **how):
        return self.assert_exit(0, self.type(line, *more, **how))

    def init(self, line, *more, **values):
        """A server is installed: with the ports and the name that the old one had."""
        return self.ok(line, *self.lab.server_options(), *more, **values)

    def server_is_lost(self):
        self.lab.server.stop()
        shutil.rmtree(self.lab.data)

    def allow_export(self):
        config = self.lab.data / "countersign.toml"
        config.write_text(config.read_text().replace('export = "forbidden"', 'export = "allowed"'))

    def knows_all(self):
        """`countersign backup password`, where the password stays what it is."""
        self.ok("countersign backup password",
                env=lab.environment(COUNTERSIGN_DATA=str(self.lab.data), COUNTERSIGN_PASSWORD=PASSWORD,
                                    COUNTERSIGN_NEW_PASSWORD=PASSWORD))

    def agents_go_on(self, agents, serial):
        """They were not touched, and obey the server as it is now."""
        for agent in agents:
            agent.await_standing("verified")
            self.assertEqual(agent.serial(), serial)
        self.ok("countersign order send --all update-now")
        self.assertEqual(self.lab.mismatched(), [])

    def agents_follow(self, agents):
        """To a new certificate, by an order."""
        self.ok("countersign order send --all update-now")
        self.agents_go_on(agents, self.lab.serial())

    def hurry(self, agents):
        """An agent whose server was away waits for its next report; being started anew is one."""
        for agent in agents:
            agent.stop()
            agent.start()
