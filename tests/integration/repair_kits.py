"""What the tests of the repair kit share: agents on hosts of their own, kits, and the three ways to use one."""

import os
import re
import shutil
import unittest

import lab
from lab import PASSWORD, Case
from ssh_hosts import SSHD, SshHosts

AGENTS = 3


def needs_root_and_ssh(case):
    missing = [tool for tool in ("ssh", "clush", "ansible-playbook", "unzip") if not shutil.which(tool)]
    if not SSHD:
        missing.append("sshd")
    return unittest.skipUnless(lab.IS_ROOT and not missing, f"needs root, and is missing {missing}")(case)


class Kits(Case):
    """Kits, and the three ways to use one."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(AGENTS)
        cls.hosts = SshHosts(cls.lab, [agent.host for agent in cls.agents])
        cls.kits = 0
        # A mover without its symbols for the debugger: it travels some eighty times.
        cls.movers = cls.lab.path / "movers"
        cls.movers.mkdir()
        cls.lab.ok("strip", "-o", cls.movers / "IpXfer", lab.PROGRAMS / "IpXfer")
        os.link(cls.movers / "IpXfer", cls.movers / "IpXfer_x64")
        other = lab.environment(COUNTERSIGN_DATA=str(cls.lab.path / "other-server"))
        cls.lab.ok("countersign", "server", "init", "--password-file", cls.lab.secret(PASSWORD), env=other)
        cls.other = cls.lab.path / "other.dat"
        cls.lab.ok("CertificateManager", "-e", cls.other, env=other)

    def setUp(self):
        for agent in self.agents:
            self.hosts.environment(agent.host, "")

    def tearDown(self):
        if self.hosts.daemon and self.hosts.daemon.runs():
            self.hosts.stop()
        self.assertEqual(list(self.lab.path.rglob("pwned")), [], "something that an agent said was run")
        for agent in self.agents:
            left = [path.name for path in self.hosts.home(agent.host).glob(".countersign*")]
            self.assertEqual(left, [], f"files are left behind on {agent.host}")

    def kit(self, *more):
        """Makes a kit as the administrator does, and returns its folder."""
        type(self).kits += 1
        folder = self.lab.path / f"kit{self.kits}"
        folder.mkdir()
        self.made = self.lab.json("countersign", "agents", "repair-kit", "-o", folder / "kit.zip", "--mover", self.movers,
                                  *more)
        self.lab.ok("unzip", "-q", folder / "kit.zip", "-d", folder)
        return folder / "repair-kit"

    def environment(self, **more):
        """That of the machine from which all are repaired."""
        home = self.lab.path / "administrator"
        home.mkdir(exist_ok=True)
        (home / "ansible.cfg").touch()
        return lab.environment(HOME=str(home), TMPDIR=str(home), ANSIBLE_HOME=str(home / "ansible"), ANSIBLE_NOCOLOR="1",
                               ANSIBLE_SSH_ARGS=f"-F {self.hosts.config}", ANSIBLE_PIPELINING="1",
                               ANSIBLE_CONFIG=str(home / "ansible.cfg"), ANSIBLE_LOCAL_TEMP=str(home / "ansible-tmp"), **more)

    # The agents' folders are where no default is: each way has a place to say so.

    def by_ssh(self, kit, *more, env=None):
        text = (kit / "hosts.txt").read_text()
        for agent in self.agents:
            text = re.sub(rf"(?m)^({re.escape(agent.host)} {agent.id}) -$", rf"\1 {agent.folder}", text)
        (kit / "hosts.txt").write_text(text)
        return self.lab.run(kit / "repair-all.sh", "-F", self.hosts.config, *more, env=env or self.environment())

    def by_clush(self, kit, *more, env=None):
        for agent in self.agents:
            self.hosts.environment(agent.host, f"export COUNTERSIGN_AGENT_FOLDER={agent.folder}\n")
        return self.lab.run(kit / "repair-clush.sh", *more, "-o", f"-F {self.hosts.config}", env=env or self.environment())

    def by_ansible(self, kit, *more, env=None):
        inventory = kit / "ansible/inventory.yml"
        text = inventory.read_text()
        for agent in self.agents:
            line = f'          countersign_agent: "{agent.id}"\n'
            text = text.replace(line, f'{line}          countersign_agent_folder: "{agent.folder}"\n')
        inventory.write_text(text)
        return self.lab.run("ansible-playbook", "-i", inventory, kit / "ansible/playbook.yml", *more,
                            env=env or self.environment())

    def break_all(self):
        """They trust another server's certificate now."""
        for agent in self.agents:
            self.assert_exit(30, agent.renew(self.other, "-no-verify"))
        for agent in self.agents:
            agent.await_standing("mismatched")

    def state(self):
        """What each agent trusts, octet by octet."""
        return {(agent.number, name): (agent.folder / name).read_bytes()
                for agent in self.agents for name in ("trust", "OfcNTCer.dat", "agent.toml", "agent.key")}

    def assert_none_is_listed(self):
        for agent in self.agents:
            agent.await_standing("verified")
        done = self.assert_exit(0, self.lab.run("CertificateManager", "-l", "-"))
        self.assertEqual(done.out.count("\n"), 1)
