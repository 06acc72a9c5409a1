"""docs/reachability.md: agents that cannot be called, behind real NAT and in an IPv6 network in which nobody is called.

    server 203.0.113.1, 2001:db8:a::1 ── wan ┬ NAT 203.0.113.2 ┬ agent 1, 10.0.0.5
       │                                     │                 └ agent 2, 10.0.0.6
       └ agent 5, 10.0.0.5 (its own LAN)     ├ NAT 203.0.113.3 ── agent 3, 10.0.0.5
                                             └ agent 4, 2001:db8:b::5
"""

import re
import time
import unittest

import lab
from lab import Agent, Case, Lab, until
from namespaces import Namespaces, why_not

INTERVAL = 300  # between reports of those that cannot be called: an order that is there much sooner did not wait for one
SOON = 60
REASON = why_not()


class WideLab(Lab):
    """A lab whose server is in a namespace: what listens there is not reached from here."""

    namespace = None

    def server_options(self):
        options = [str(option) for option in super().server_options()]
        for name, value in (("--listen", "::"), ("--public-host", "203.0.113.1"), ("--call-network", "10.0.0.0/8")):
            options[options.index(name) + 1] = value
        return options

    def configure(self, **keys):
        path = self.data / "countersign.toml"
        text = path.read_text()
        for key, value in keys.items():
            text, changed = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
            assert changed == 1, key
        path.write_text(text)

    def start_wide_server(self):
        log = self.path / "server.log"
        before = log.read_text().count("serving agents at") if log.exists() else 0
        self.server = self.start("server", "ip", "netns", "exec", self.namespace, lab.PROGRAMS / "countersignd", "--data",
                                 self.data)
        until(lambda: self.server.text().count("serving agents at") > before or not self.server.runs(), "the server starts")
        if not self.server.runs():
            raise AssertionError(self.server.text())


class WideAgent(Agent):
    """An agent in a namespace."""

    def __init__(self, of, number, namespace, address, package):
        self.namespace = namespace
        of.network = "127.0.0"  # the listening address is given below
        super().__init__(of, number, package, of.agent_port)
        config = self.folder / "agent.toml"
        config.write_text(re.sub(r'(?m)^listen = .*$', f'listen = "{address}"', config.read_text()))
        self.host = address

    def start(self, *prefix, env=None, wait=True):
        return super().start("ip", "netns", "exec", self.namespace, *prefix, env=env, wait=wait)

    def alive(self):
        return "listens at" in self.process.text()


@unittest.skipIf(REASON, REASON)
class UnreachableTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.lab = WideLab()
        cls.addClassCleanup(cls.lab.end)
        cls.nets = Namespaces()
        cls.addClassCleanup(cls.nets.end)
        try:
            cls.prepare()
        except Exception:
            print(cls.lab.logs())
            raise

    @classmethod
    def prepare(cls):
        places = cls.lay_cables()
        cls.lab.namespace = places["server"]
        cls.lab.init()
        cls.lab.configure(unreachable_networks='["203.0.113.2/31", "2001:db8:b::/48"]', unreachable_interval=INTERVAL)
        cls.lab.start_wide_server()
        package = cls.lab.package()
        six = cls.lab.package("package6", "--host", "2001:db8:a::1")
        cls.agents = [
            WideAgent(cls.lab, 1, places["one"], "10.0.0.5", package),
            WideAgent(cls.lab, 2, places["two"], "10.0.0.6", package),
            WideAgent(cls.lab, 3, places["three"], "10.0.0.5", package),
            WideAgent(cls.lab, 4, places["four"], "2001:db8:b::5", six),
            WideAgent(cls.lab, 5, places["five"], "10.0.0.5", package)]
        for agent in cls.agents:
            agent.start()
        for agent in cls.agents:
            agent.await_standing("verified")

    @classmethod
    def lay_cables(cls):
        nets = cls.nets
        wan, server = nets.add("wan"), nets.add("server")
        nets.bridge(wan, "net")
        nets.join(server, "out", wan, "net", "203.0.113.1/24", "2001:db8:a::1/64")
        nets.bridge(server, "lan", "10.0.0.1/24")
        nets.route(server, "2001:db8:b::/48", "dev", "out")
        places = {"server": server}
        for site, address, inside in (("nat-a", "203.0.113.2/24", {"one": "10.0.0.5", "two": "10.0.0.6"}),
                                      ("nat-b", "203.0.113.3/24", {"three": "10.0.0.5"})):
            router = nets.add(site)
            nets.join(router, "out", wan, "net", address)
            nets.bridge(router, "lan", "10.0.0.1/24")
            nets.masquerade(router, "out")
            places[site] = router
            for name, own in inside.items():
                places[name] = nets.add(name)
                nets.join(places[name], "eth", router, "lan", own + "/24")
                nets.route(places[name], "default", "via", "10.0.0.1")
        places["four"] = nets.add("four")
        nets.join(places["four"], "eth", wan, "net", "2001:db8:b::5/64")
        nets.route(places["four"], "2001:db8:a::/64", "dev", "eth")
        places["five"] = nets.add("five")
        nets.join(places["five"], "eth", server, "lan", "10.0.0.5/24")
        nets.route(places["five"], "203.0.113.0/24", "via", "10.0.0.1")
        cls.router = places["nat-a"]
        return places

    def show(self, agent):
        return self.lab.json("countersign", "agents", "show", agent.id)["agent"]

    def await_waiting(self, *agents):
        for agent in agents:
            until(lambda one=agent: self.show(one)["waiting"], f"agent {agent.number} waits for orders")

    def await_reach(self, agent, reach, seconds=lab.PATIENCE):
        until(lambda: self.lab.row(agent.id)["reachability"] == reach, f"agent {agent.number} is {reach}", seconds)

    def assert_obeys(self, agent):
        begun = time.monotonic()
        code, order = self.lab.order(agent.id)
        self.assertEqual((code, order.get("verdict")), (0, "done"), f"{order}\n{self.show(agent)}")
        return time.monotonic() - begun, order

    def assert_healthy(self, *agents):
        for agent in agents:
            row = self.show(agent)
            self.assertEqual((row["standing"], row["cloned"], row["restored"]), ("verified", False, False), row)

    def test_1_reachability_is_told_beside_the_standing(self):
        sources = ["203.0.113.2", "203.0.113.2", "203.0.113.3", "2001:db8:b::5", "10.0.0.5"]
        self.assertEqual([self.lab.row(agent.id)["address"] for agent in self.agents], sources)
        for agent in self.agents[:4]:
            row = self.lab.row(agent.id)
            self.assertEqual((row["reachability"], row["reachability_reason"]), ("unreachable", "network"), row)
        self.assertEqual(self.lab.row(self.agents[4].id)["reachability"], "online")
        status = self.lab.json("countersign", "status")
        self.assertEqual(status["by_reachability"], {"online": 1, "unreachable": 4, "offline": 0})
        listed = self.lab.ok("countersign", "agents", "list", "--reach", "online").out
        self.assertIn(self.agents[4].id, listed)
        self.assertNotIn(self.agents[0].id, listed)
        self.assertIn("unreachable 4", self.lab.ok("countersign", "status").out)
        self.assert_healthy(*self.agents)

    def test_2_orders_reach_those_who_wait_without_a_call(self):
        self.await_waiting(*self.agents[:4])
        for agent in self.agents[:4]:
            took, order = self.assert_obeys(agent)
            self.assertLess(took, SOON)
            self.assertEqual(order["attempts"], 0, "nobody is called there")
        self.assertEqual(self.lab.json("countersign", "status")["by_standing"], {"verified": 5})

    def test_3_the_same_address_three_times(self):
        """Agents 1, 3 and 5 listen at 10.0.0.5: each order comes to the one that it is for."""
        before = [self.show(agent)["failures"] for agent in self.agents]
        for agent in (self.agents[0], self.agents[2], self.agents[4]):
            self.assert_obeys(agent)
        _, order = self.assert_obeys(self.agents[4])
        self.assertEqual(order["attempts"], 1, "this one can be called")
        self.assertEqual([self.show(agent)["failures"] for agent in self.agents], before)
        self.assert_healthy(*self.agents)

    def test_4_an_order_during_another_wait_of_the_same_agent(self):
        agent = self.agents[0]
        self.await_waiting(agent)
        for _ in range(3):
            took, _ = self.assert_obeys(agent)
            self.assertLess(took, SOON)

    def test_5_the_server_is_started_anew(self):
        self.await_waiting(*self.agents[:4])
        before = {agent.id: self.show(agent)["reachability_since"] for agent in self.agents}
        self.lab.server.stop()
        self.lab.start_wide_server()
        for agent in self.agents[:4]:
            took, order = self.assert_obeys(agent)
            self.assertLess(took, SOON)
            self.assertEqual(order["attempts"], 0)
        self.assert_healthy(*self.agents)
        self.assertEqual({agent.id: self.show(agent)["reachability_since"] for agent in self.agents}, before, "flapped")

    def test_6_an_agent_that_waits_takes_local_orders_to_report(self):
        """What makes it report gives the wait up, and the next report waits again."""
        agent = self.agents[0]
        self.await_waiting(agent)
        last = self.show(agent)["last_verified"]
        code, order = self.lab.order(agent.id, "update-now")
        self.assertEqual((code, order["verdict"]), (0, "done"), order)
        until(lambda: self.show(agent)["last_verified"] > last, "it reported")
        self.await_waiting(agent)

    def test_7_the_nat_has_another_address(self):
        """Its agents are neither cloned nor offline, and no longer in a network in which nobody is called."""
        one, two = self.agents[:2]
        self.await_waiting(one, two)
        since = self.show(one)["reachability_since"]
        self.nets.readdress(self.router, "out", "203.0.113.2/24", "203.0.113.4/24")
        for agent in (one, two):
            until(lambda of=agent: self.lab.row(of.id)["address"] == "203.0.113.4", "its report comes from there", 150)
        self.assert_healthy(one, two)
        self.assertNotEqual(self.lab.row(one.id)["reachability"], "offline")
        self.await_reach(one, "online")
        self.assertGreater(self.show(one)["reachability_since"], since)
        self.assert_healthy(*self.agents)

    def test_8_the_server_tells_all_who_wait_of_a_new_certificate(self):
        waiting = self.agents[2:4]
        self.await_waiting(*waiting)
        begun = time.monotonic()
        self.lab.replace()
        for agent in waiting:
            until(lambda of=agent: self.show(of)["standing"] == "verified" and
                  self.show(of)["thumbprint_held"] == self.show(of)["thumbprint_expected"], "it has taken it over")
        self.assertLess(time.monotonic() - begun, SOON)


if __name__ == "__main__":
    lab.main()
