"""The listeners under attack: a legitimate order goes through, and memory and descriptors stay within bounds."""

import lab
from lab import Case
from listener import ATTACKS, Watch, attack, timed_order

# Generous: figures are bench/listener_bench's. What is asserted is that the order is done, and that nothing grows with
# the attacker's effort.
ALIVE_WITHIN = 30  # seconds
AGENT_RSS = 96 * 1024  # KiB
AGENT_FDS = 64 + 36  # connections, and the daemon's own files
SERVER_RSS = 640 * 1024
SERVER_FDS = 2 * 4096 + 512


class Listener(Case):
    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agent, cls.other = cls.lab.start_agents(2)
        package = cls.lab.package("package-plain")
        cls.lab.make_plain(package / "package.toml")
        cls.plain = cls.lab.install(3, package)
        cls.plain.start()
        cls.plain.await_standing("verified")

    def withstands(self, agent, daemon, target, tls, most, act, *more):
        """The order is done during each attack on `target`, and `daemon` stays within bounds."""
        for name, mode, count in ATTACKS:
            with self.subTest(name), attack(self.lab, name, mode, count, target, tls, *more), Watch(daemon.process.pid) as watch:
                seconds = timed_order(self.lab, agent.id, act)
                self.assertIsNotNone(seconds, f"{name}: the order was not done\n{self.lab.logs()}")
                self.assertLess(seconds, ALIVE_WITHIN)
            with self.subTest(f"bounds: {name}"):
                if lab.IS_ROOT:  # otherwise the kernel does not say
                    self.assertGreater(watch.fds, 0)
                self.assertLess(watch.fds, most["fds"])
                if not lab.sanitized():
                    self.assertLess(watch.rss, most["rss"])
        self.assertTrue(daemon.runs())

    def test_1_agent_with_tls(self):
        self.withstands(self.agent, self.agent.process, self.agent.address, True, {"fds": AGENT_FDS, "rss": AGENT_RSS}, "ping")

    def test_2_agent_without_tls(self):
        self.withstands(self.plain, self.plain.process, self.plain.address, False, {"fds": AGENT_FDS, "rss": AGENT_RSS}, "ping")

    def test_3_server_over_https(self):
        """`update-now` is done when the agent's report has been answered, so it goes through the listener under attack."""
        self.withstands(self.agent, self.lab.server, f"127.0.0.1:{self.lab.https_port}", True,
                        {"fds": SERVER_FDS, "rss": SERVER_RSS}, "update-now", "--path", "/countersign/v1/report")

    def test_4_server_over_http(self):
        self.withstands(self.plain, self.lab.server, f"127.0.0.1:{self.lab.port}", False,
                        {"fds": SERVER_FDS, "rss": SERVER_RSS}, "update-now", "--path", "/countersign/v1/report")

    def test_5_attacked_are_as_before(self):
        for agent in (self.agent, self.other, self.plain):
            agent.await_standing("verified")
            self.assertEqual(self.lab.order(agent.id)[0], 0)


if __name__ == "__main__":
    lab.main()
