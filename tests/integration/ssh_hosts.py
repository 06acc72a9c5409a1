"""Hosts of a lab that are logged into over ssh: one sshd of its own on the loopback network, where each address is a host
with a home folder and an agent of its own. Ended by its process id."""

import os
import shlex
import shutil
import subprocess

import lab
from lab import until

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

# What a session on a host does, whatever it was asked for: it has that host's home, and finds the programs of the lab.
HOST = """#!/bin/sh
HOME=$1 COUNTERSIGN_TEST_HOST=$2
PATH={programs}:$PATH
export HOME COUNTERSIGN_TEST_HOST PATH
cd "$HOME" || exit 1
if [ -e environment ]; then . ./environment; fi
case $SSH_ORIGINAL_COMMAND in *sftp*) exec {sftp} ;; esac
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""


class SshHosts:
    """sshd, the keys of host and client, and `config`, with which ssh and scp know both."""

    def __init__(self, the_lab, addresses):
        self.lab, self.addresses = the_lab, list(addresses)
        self.path = the_lab.path / "ssh"
        self.path.mkdir(mode=0o700)
        self.port = lab.free_port()
        self.daemon = None
        for key in ("host_key", "client_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", self.path / key], check=True)
        public = (self.path / "host_key.pub").read_text().rsplit(" ", 1)[0]
        (self.path / "known_hosts").write_text(f"[127.*]:{self.port} {public}\n")
        self.config = self.path / "config"
        self.config.write_text(
            f"Host *\n  Port {self.port}\n  User root\n  IdentityFile {self.path}/client_key\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.path}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n  ConnectTimeout 20\n")
        host = self.path / "host.sh"
        sftp = next(path for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
                    if os.path.exists(path))
        host.write_text(HOST.format(programs=lab.PROGRAMS, sftp=sftp))
        host.chmod(0o755)

    def home(self, address):
        path = self.path / f"home-{address}"
        path.mkdir(exist_ok=True)
        return path

    def environment(self, address, text):
        """Shell lines that every session on that host begins with."""
        (self.home(address) / "environment").write_text(text)

    def start(self, without=()):
        """Starts sshd for all addresses but those: they are down."""
        os.makedirs("/run/sshd", exist_ok=True)
        listening = [address for address in self.addresses if address not in without]
        lines = [f"ListenAddress {address}:{self.port}" for address in listening]
        lines += [f"HostKey {self.path}/host_key", f"AuthorizedKeysFile {self.path}/client_key.pub", "PidFile none",
                  "StrictModes no", "PermitRootLogin yes", "PasswordAuthentication no", "UsePAM no", "MaxStartups 100",
                  "Subsystem sftp /usr/lib/openssh/sftp-server", "LogLevel VERBOSE"]
        for address in listening:
            command = shlex.join([str(self.path / "host.sh"), str(self.home(address)), address])
            lines += [f"Match LocalAddress {address}", f"  ForceCommand {command}"]
        config = self.path / "sshd_config"
        config.write_text("\n".join(lines) + "\n")
        self.daemon = self.lab.start("sshd", SSHD, "-D", "-e", "-f", config)
        for address in listening:
            until(lambda address=address: self.answers(address) or not self.daemon.runs(), f"sshd listens on {address}")
        if not self.daemon.runs():
            raise AssertionError(f"sshd did not start:\n{self.daemon.text()}")

    def answers(self, address):
        done = self.lab.run("ssh", "-F", self.config, "-o", "BatchMode=yes", address, "true")
        return done.code == 0

    def stop(self):
        self.daemon.stop()
