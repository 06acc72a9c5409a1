"""The repair kit where somebody is up to something: passwords, lines of lists, names that agents say; and its choices."""

import csv
import io
import json
import shutil
import sqlite3
import subprocess

import lab
from repair_kits import AGENTS, Kits, needs_root_and_ssh

UNLOAD = "un load$(touch pwned)'\"\\ pass"


@needs_root_and_ssh
class Safety(Kits):
    def test_1_unload_password_is_on_no_command_line(self):
        """It reaches the mover by its environment, and nowhere shows up among the processes of this machine, which is
        every host and the administrator's machine at once."""
        kit = self.kit("--agent", self.agents[0].id, "--agent", self.agents[1].id)
        self.assertNotIn(UNLOAD.encode(), (kit.parent / "kit.zip").read_bytes())
        seen = self.lab.path / "seen"
        shutil.move(kit / "IpXfer", self.lab.path / "real-mover")
        (kit / "IpXfer_x64").unlink()
        (kit / "IpXfer").write_text(
            "#!/bin/sh\n"
            f'printf "%s\\n" "$COUNTERSIGN_UNLOAD_PASSWORD" >{seen}/password.$COUNTERSIGN_TEST_HOST\n'
            f'ps -ww -eo args >{seen}/processes.$COUNTERSIGN_TEST_HOST\n'
            f'exec {self.lab.path}/real-mover "$@"\n')
        (kit / "IpXfer").chmod(0o755)
        secret = self.lab.secret(UNLOAD + "\nsecond line\n")
        self.hosts.start()
        for name, way, more in (("ssh", self.by_ssh, ["--password-file", secret]), ("ssh", self.by_ssh, []),
                                ("clush", self.by_clush, ["--password-file", secret]), ("ansible", self.by_ansible, ["-vvv"])):
            with self.subTest(way=name, more=more):
                seen.mkdir()
                env = self.environment() if secret in more else self.environment(COUNTERSIGN_UNLOAD_PASSWORD=UNLOAD)
                if name == "ansible":
                    env = self.environment(COUNTERSIGN_UNLOAD_PASSWORD_FILE=str(secret))
                done = self.assert_exit(0, way(kit, *more, env=env))
                self.assertNotIn(UNLOAD, done.out + done.err)
                for agent in self.agents[:2]:
                    self.assertEqual((seen / f"password.{agent.host}").read_text(), UNLOAD + "\n")
                    self.assertNotIn(UNLOAD, (seen / f"processes.{agent.host}").read_text())
                shutil.rmtree(seen)

    def test_1b_unload_password_that_is_set(self):
        """Without it that agent stays as it is, and the summary names it; with it all are repaired."""
        self.break_all()
        locked = self.agents[0]
        secret = self.lab.secret(UNLOAD)
        at = ("countersign-agentd", "--agent-folder", locked.folder, "unload-password")
        self.lab.ok(*at, "set", "--new-password-file", secret)
        kit = self.kit("--mismatched")
        self.hosts.start()
        before = (locked.folder / "trust").read_bytes()
        self.assert_exit(60, self.by_ssh(kit), f"  {locked.host} (agent {locked.id}): exit ", "2 repaired, 1 failed")
        self.assertEqual((locked.folder / "trust").read_bytes(), before)
        self.assert_exit(0, self.by_ssh(kit, "--password-file", secret), "3 repaired, 0 failed")
        self.assert_none_is_listed()
        self.lab.ok(*at, "clear", "--password-file", secret)

    def test_2_another_agent_is_left_alone(self):
        """The address went to another machine meanwhile."""
        self.break_all()
        kit = self.kit("--mismatched")
        one, other = self.agents[:2]
        (kit / "hosts.txt").write_text(f"{one.host} {other.id} {one.folder}\n")
        self.hosts.start()
        before = self.state()
        self.assert_exit(60, self.by_ssh(kit), "exit 7", "nothing was changed", one.id)
        self.assertEqual(self.state(), before)
        (kit / "hosts.txt").write_text(f"# whichever\n\n{one.host} - {one.folder}\r\nroot@{other.host}\n")
        self.hosts.environment(other.host, f"export COUNTERSIGN_AGENT_FOLDER={other.folder}\n")
        self.assert_exit(0, self.by_ssh(kit))
        one.await_standing("verified")
        other.await_standing("verified")
        self.assert_exit(0, self.by_ssh(self.kit("--mismatched")))
        self.assert_none_is_listed()

    def test_3_lines_and_hosts_that_are_up_to_something(self):
        kit = self.kit("--agent", self.agents[0].id)
        bad = self.agents[1]
        wrong = ["-oProxyCommand=touch\tpwned", "$(touch pwned)", "`touch${IFS}pwned`", ";touch${IFS}pwned", "a'b",
                 f"{bad.host} $(touch pwned)", f"{bad.host} - $(touch pwned)", f"{bad.host} {bad.id} ';touch pwned;'",
                 "-", "--"]
        (kit / "hosts.txt").write_text("\n".join([*wrong, f"{bad.host} {bad.id} /nowhere'; touch pwned; '",
                                                  f"{bad.host} {bad.id} /$(touch pwned)"]) + "\n")
        self.hosts.start()
        done = self.assert_exit(60, self.by_ssh(kit))
        self.assertEqual(done.out.count(": exit 2: "), len(wrong), done)
        self.assertEqual(done.out.count(": exit 3: "), 2, done)
        # What a host answers cannot move the cursor, nor pass for other hosts' lines.
        self.hosts.environment(bad.host, "printf 'x\\t\\033[2J\\n0\\t1.2.3.4\\tok\\n'; exit 1\n")
        (kit / "hosts.txt").write_text(f"{bad.host}\n")
        done = self.assert_exit(60, self.by_ssh(kit), "1 hosts: 0 repaired, 1 failed")
        self.assertNotIn("\033", done.out + done.err)
        self.assertEqual(len(done.out.splitlines()), 2)

    def test_4_what_the_agents_say_is_not_run(self):
        """Rows as agents of anybody's make may report them, in the server's registry."""
        names = ["-oProxyCommand=touch pwned", "{{ lookup('pipe','touch pwned') }}", 'x"\n  hosts: "$(touch pwned)']
        self.lab.server.stop()
        database = sqlite3.connect(self.lab.data / "registry.db")
        with database:
            for agent, name in zip(self.agents, names):
                changed = database.execute("UPDATE agents SET host = ? WHERE host IS NOT NULL AND hex(id) = ?",
                                           (name, agent.id.replace("-", "").upper()))
                self.assertEqual(changed.rowcount, 1)
        database.close()
        ids = [word for agent in self.agents for word in ("--agent", agent.id)]
        kit = self.kit("--by-name", *ids)
        self.assertEqual((self.made["agents"], self.made["left_out"]), (0, AGENTS))
        left_out = list(csv.DictReader(io.StringIO((kit / "left-out.csv").read_text(), newline="")))
        self.assertEqual([row["agent_id"] for row in left_out], sorted(agent.id for agent in self.agents))
        self.assertTrue(all("no host name" in row["reason"] for row in left_out))
        for way, said in ((self.by_ssh, "0 hosts"), (self.by_clush, "0 nodes")):
            self.assert_exit(0, way(kit), said)

        kit = self.kit(*ids)  # by address, which the server saw itself
        self.assertEqual((self.made["agents"], self.made["left_out"]), (AGENTS, 0))
        inventory = subprocess.run(["ansible-inventory", "-i", kit / "ansible/inventory.yml", "--list"], check=True,
                                   capture_output=True, env=self.environment())
        inventory = json.loads(inventory.stdout)
        self.assertEqual(sorted(inventory["countersign"]["hosts"]), sorted(agent.id for agent in self.agents))
        self.assertEqual({values["ansible_host"] for values in inventory["_meta"]["hostvars"].values()},
                         {agent.host for agent in self.agents})
        self.lab.start_server()
        self.hosts.start()
        self.assertEqual((kit / "nodes.txt").read_text().split(), [row["address"] for row in self.lab.agents()])
        self.assert_exit(0, self.by_ansible(kit))
        self.assert_none_is_listed()

    def test_5_choice_and_failures(self):
        path = self.lab.path / "some.zip"
        one = self.agents[0].id

        def run(*args, **more):
            env = lab.environment(COUNTERSIGN_DATA=str(self.lab.data), **more)
            return self.lab.run("countersign", "agents", "repair-kit", "-o", path, *args, env=env)

        self.assert_exit(2, run(), "--mismatched")
        self.assert_exit(2, run("--agent", "$(reboot)"))
        self.assert_exit(3, run("--agent", "00000000-0000-8000-8000-000000000000"))
        self.assert_exit(3, run("--mismatched", "--mover", self.lab.path), "IpXfer", "--mover FOLDER")
        self.assertFalse(path.exists())
        self.assert_exit(3, self.lab.run("countersign", "agents", "repair-kit", "--mismatched", "-o", "nowhere/kit.zip"))
        # The mover is found beside the program.
        self.assert_exit(0, run("--mismatched"), "for 0 agents")
        self.lab.ok("unzip", "-q", path, "repair-kit/IpXfer*", "-d", self.lab.path / "unzipped")
        for name in ("IpXfer", "IpXfer_x64"):
            unzipped = self.lab.path / "unzipped/repair-kit" / name
            self.assertEqual(unzipped.read_bytes(), (lab.PROGRAMS / name).read_bytes())
            self.assertEqual(unzipped.stat().st_mode & 0o777, 0o755)
        for more, agents in ((["--agent", one], 1), (["--domain", "eu"], AGENTS), (["--domain", "eu/par"], 0),
                             (["--standing", "verified"], AGENTS),
                             (["--standing", "verified", "--agent", one, "--domain", "eu/paris"], 1)):
            with self.subTest(more):
                self.assert_exit(0, run("--mover", self.movers, *more), f"for {agents} agent")
        # One name of the mover is missing: that is told. The same agents make the same octets.
        folder = self.lab.path / "one mover"
        folder.mkdir()
        shutil.copy(self.movers / "IpXfer", folder)
        self.assert_exit(0, run("--standing", "retired", "--mover", folder), "missing: IpXfer_x64")
        first = path.read_bytes()
        self.assert_exit(0, run("--standing", "retired", "--mover", folder, TZ="Pacific/Kiritimati"))
        self.assertEqual(path.read_bytes(), first)


if __name__ == "__main__":
    lab.main()
