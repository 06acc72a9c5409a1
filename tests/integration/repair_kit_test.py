"""The repair kit over a real sshd: by the ssh script, by ClusterShell and by Ansible. Each host is this machine, with
another address, home folder and agent folder."""

import re
import shutil

import lab
from lab import until
from repair_kits import AGENTS, Kits, needs_root_and_ssh


@needs_root_and_ssh
class ThreeWays(Kits):
    def play(self, way, code_of_down, said_of_down, code_of_fine=0):
        """One host is down; then all are up; then there is nothing left to do."""
        self.break_all()
        kit = self.kit("--mismatched")
        self.assertEqual((self.made["agents"], self.made["left_out"], self.made["missing"]), (AGENTS, 0, []))
        down = self.agents[-1]
        self.hosts.start(without=[down.host])
        done = self.assert_exit(code_of_down, way(kit), down.host)
        self.assertRegex(done.out + done.err, said_of_down)
        for agent in self.agents[:-1]:
            agent.await_standing("verified")
        self.assertEqual([row["agent_id"] for row in self.lab.mismatched()], [down.id])
        self.hosts.stop()

        self.hosts.start()
        self.assert_exit(code_of_fine, way(kit))
        self.assert_none_is_listed()
        before = self.state()
        again = self.assert_exit(code_of_fine, way(kit))
        self.assertEqual(self.state(), before)
        self.assert_none_is_listed()
        return again

    def test_1_ssh(self):
        done = self.play(self.by_ssh, 60, rf"(?m)^3 hosts: 2 repaired, 1 failed\n  {re.escape(self.agents[-1].host)} "
                                          rf"\(agent {self.agents[-1].id}\): exit 255: .*refused")
        self.assertIn("3 hosts: 3 repaired, 0 failed", done.out)
        self.assertEqual(done.err.count(": unchanged: "), AGENTS)

    def test_2_clush(self):
        done = self.play(self.by_clush, 255, rf"clush: {re.escape(self.agents[-1].host)}: exited with exit code 255")
        self.assertEqual(done.out.count(": unchanged: "), AGENTS)

    def test_3_ansible(self):
        done = self.play(self.by_ansible, 4, rf"(?m)^fatal: .*UNREACHABLE.*{re.escape(self.agents[-1].host)}")
        self.assertEqual(len(re.findall(r"changed=0 +unreachable=0 +failed=0", done.out)), AGENTS)
        self.assertIn("unchanged: ", done.out)

    def test_4_failed_hosts_are_the_list_for_the_next_time(self):
        self.break_all()
        kit = self.kit("--mismatched")
        down = self.agents[0]
        failed = self.lab.path / "failed.txt"
        self.hosts.start(without=[down.host])
        self.assert_exit(60, self.by_ssh(kit, "-n", "2", "-w", failed))
        self.assertEqual(failed.read_text(), f"{down.host} {down.id} {down.folder}\n")
        self.hosts.stop()
        self.hosts.start()
        done = self.assert_exit(0, self.by_ssh(kit, failed))
        self.assertIn("1 hosts: 1 repaired, 0 failed", done.out)
        self.assert_none_is_listed()


@needs_root_and_ssh
class ServerReinstalled(Kits):
    """With a new key and no backup: all agents refuse it, and none is known to it."""

    def test_everybody_comes_back(self):
        self.lab.server.stop()
        shutil.rmtree(self.lab.data)
        self.lab.init()
        self.lab.start_server()
        for agent in self.agents:  # one that was started anew reports at once
            agent.stop()
            agent.start()
        until(lambda: len(self.lab.mismatched()) == AGENTS, "all are listed")
        kit = self.kit("--mismatched")
        self.assertEqual((self.made["agents"], self.made["not_admitted"]), (AGENTS, AGENTS))
        self.assertIn("approve", (kit / "README.txt").read_text())
        self.hosts.start()
        self.assert_exit(0, self.by_ssh(kit))
        for agent in self.agents:
            until(lambda agent=agent: self.lab.row(agent.id)["thumbprint_held"] == self.made["sha256"], "it holds it")
            self.assertEqual(agent.standing(), "new")
        # Who only waits for that is no case for the mover.
        self.kit("--mismatched")
        self.assertEqual((self.made["agents"], self.made["left_out"]), (0, AGENTS))
        self.lab.ok("sh", "-c", 'xargs countersign agents approve <"$0"', kit / "not-admitted.txt")
        self.assert_none_is_listed()


if __name__ == "__main__":
    lab.main()
