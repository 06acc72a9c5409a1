"""Six years under faketime, with the real programs: the reserve takes over by itself, the last certificate ends, and one `-c`
mends all; and agents whose clock stands years ahead, or in 1970."""

import lab
from lab import Case, faked, sanitized, until

DUE = "+1006d"  # 89 days before the first certificate ends; the second is valid for 2,190 days
ENDED = "+2200d"


class SixYears(Case):
    """One story: the methods run in order of their names."""

    @classmethod
    def prepare(cls):
        if sanitized():
            raise lab.unittest.SkipTest("faketime and sanitizers do not go together")
        cls.lab.init()
        cls.lab.start_server()
        cls.here, cls.away, cls.ahead, cls.past = cls.lab.start_agents(4)
        for agent in (cls.away, cls.ahead, cls.past):
            agent.stop()

    def obeys(self, agent, act="ping"):
        code, order = self.lab.order(agent.id, act)
        self.assertEqual((code, order["verdict"]), (0, "done"), order)

    def refuses(self, agent):
        code, order = self.lab.order(agent.id, "ping", "--wait", "3")
        self.assertEqual((code, order["verdict"]), (21, "certificate-expired"), order)

    def events(self, kind):
        return [one for one in self.lab.json("countersign", "events", "list")["events"] if one["kind"] == kind]

    def warning(self, words):
        found = [one["next"] for one in self.lab.json("countersign", "status")["warnings"] if words in one["text"]]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def server_at(self, offset):
        self.lab.server.stop()
        self.lab.start_server(env=faked(offset))

    def test_1_an_agent_years_ahead_refuses_until_its_clock_is_right(self):
        agent = self.ahead
        agent.start(env=faked("+10y"))
        self.lab.replace()
        agent.stop()
        agent.start(env=faked("+10y"))
        agent.await_serial(self.lab.serial())  # new trust is taken whatever the clock says
        self.refuses(agent)
        until(lambda: self.lab.row(agent.id)["clock_fault"], "the clock fault is shown")
        self.assertEqual(agent.standing(), "verified")
        agent.stop()
        agent.start()
        # The order that it refused is still open, and comes first.
        until(lambda: self.lab.order(agent.id)[0] == 0, "it obeys again")
        until(lambda: not self.lab.row(agent.id)["clock_fault"], "the clock fault is gone")
        agent.stop()

    def test_2_one_in_1970_notices_nothing(self):
        self.past.start(env=faked("-56y"))
        self.past.await_serial(self.lab.serial())
        self.obeys(self.past)
        until(lambda: self.lab.row(self.past.id)["clock_fault"], "the clock fault is shown")

    def test_3_the_reserve_takes_over_by_itself(self):
        self.obeys(self.here, "update-now")
        self.assertIsNone(self.warning("expires"))
        first = self.lab.serial()
        self.here.stop()
        self.server_at(DUE)
        until(lambda: self.lab.serial() != first, "the reserve takes over")
        self.assertEqual(len(self.events("reserve-promoted")), 1)
        self.here.start(env=faked(DUE))
        self.here.await_serial(self.lab.serial())
        for agent in (self.here, self.past):
            self.obeys(agent, "update-now")
            self.assertEqual(agent.serial(), self.lab.serial())
        self.assertIn("countersign backup password", self.warning("There is no reserve certificate"))

    def test_4_the_last_one_ends(self):
        second = self.lab.serial()
        self.here.stop()
        self.server_at(ENDED)
        self.assertEqual(self.lab.serial(), second)
        until(lambda: self.events("certificate-expired"), "it is said")
        self.assertEqual(self.warning("agents take new trust and refuse orders"), "CertificateManager -c PASSWORD")
        self.here.start(env=faked(ENDED))
        self.refuses(self.here)
        # One that slept through it all: its own certificate has ended, and the one offered too. It takes that over.
        self.assertNotEqual(self.away.serial(), second)
        self.away.start(env=faked(ENDED))
        self.away.await_serial(second)
        self.refuses(self.away)
        self.obeys(self.past)  # by its clock nothing has ended
        self.assertNotEqual(self.lab.run("countersign", "order", "send", "--all", "ping", "--wait", "3").code, 0)

    def test_5_one_replacement_mends_it(self):
        self.lab.replace()
        self.assertIsNone(self.warning("agents take new trust and refuse orders"))
        self.assertIsNone(self.warning("There is no reserve certificate"))
        for agent in (self.here, self.away, self.past):
            until(lambda one=agent: self.lab.order(one.id, "update-now")[0] == 0, f"agent {agent.number} obeys")
            self.assertEqual(agent.serial(), self.lab.serial())
            agent.await_standing("verified")
            self.obeys(agent)


if __name__ == "__main__":
    lab.main()
