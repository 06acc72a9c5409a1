"""A system of its own for what installs services: the machine's files under an overlay that nobody else sees.

Root only, and only where the kernel lets overlays be mounted. systemctl there is a small program that notes its calls
and starts and stops the unit's program as the unit's user, if the system is to look as if systemd ran it.
"""

import subprocess
from pathlib import Path

import lab
from lab import until

SETUP = r"""
set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
# The processes of this namespace: by the numbers that they know themselves by.
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount --bind "$2" "$1/root$2"
mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
rm -rf "$1/root/var/lib/countersign-agent" "$1/root/opt/countersign-agent"
echo ready
# Process 1 here has to take in what ends without a parent.
while :; do sleep 1; done
"""

SYSTEMCTL = r"""#!/bin/sh
# Notes the call, and does for one unit what systemd would.
echo "$*" >>/run/systemctl.log
unit=/etc/systemd/system/countersign-agentd.service
[ -f "$unit" ] || unit=/usr/lib/systemd/system/countersign-agentd.service
stop() {
  [ -f /run/agent.pid ] || return 0
  kill "$(cat /run/agent.pid)" 2>/dev/null
  while kill -0 "$(cat /run/agent.pid)" 2>/dev/null; do sleep 0.05; done
  rm -f /run/agent.pid
}
start() {
  line=$(sed -n 's/^ExecStart=//p' "$unit")
  user=$(sed -n 's/^User=//p' "$unit")
  setsid setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs $line >/run/agent.log 2>&1 &
  echo $! >/run/agent.pid
  tries=0
  until [ -S /var/lib/countersign-agent/control.sock ]; do
    kill -0 "$(cat /run/agent.pid)" 2>/dev/null || return 1
    tries=$((tries + 1)); [ $tries -lt 600 ] || return 1
    sleep 0.05
  done
}
case "$1" in
start) start ;;
restart) stop; start ;;
stop) stop ;;
disable) case "$*" in *--now*) stop ;; esac ;;
esac
"""


class ScratchSystem:
    """One overlay, kept by a process of its own; what is started in it is ended with it."""

    def __init__(self, here, systemd):
        self.here = here
        name = f"system{len(here.daemons)}"  # a log of its own: it is watched for a word
        self.base = here.path / name
        self.base.mkdir()
        self.keeper = here.start(name, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation",
                                 "private", "sh", "-c", SETUP, "sh", self.base, here.path)
        until(lambda: "ready" in self.keeper.text() or not self.keeper.runs(), "the scratch system")
        if not self.keeper.runs():
            raise lab.unittest.SkipTest(f"no overlay can be mounted here: {self.keeper.text()}")
        if systemd:
            self.sh("mkdir -p /run/systemd/system && cat >/usr/bin/systemctl && chmod 755 /usr/bin/systemctl",
                    stdin=SYSTEMCTL)

    def child(self):
        """The process that has the overlay: the keeper's child, which is process 1 of its own."""
        children = Path(f"/proc/{self.keeper.process.pid}/task/{self.keeper.process.pid}/children").read_text().split()
        return children[0]

    def run(self, *args, env=None, stdin=None):
        inside = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                  "DEBIAN_FRONTEND": "noninteractive", **(env or {})}
        return self.here.run("nsenter", "--mount", "--pid", "--target", self.child(), "chroot", self.base / "root", *args,
                             env=inside, stdin=stdin, cwd="/", prefix=())

    def ok(self, *args, **how):
        done = self.run(*args, **how)
        if done.code != 0:
            raise AssertionError(f"{done}\n{self.log()}")
        return done

    def sh(self, script, **how):
        return self.ok("sh", "-c", script, **how)

    def log(self):
        return self.run("sh", "-c", "cat /run/agent.log /run/systemctl.log 2>/dev/null").out

    def agentd(self, *args, **how):
        return self.run("countersign-agentd", *args, **how)

    def exists(self, path):
        return self.run("test", "-e", path).code == 0

    def end(self):
        subprocess.run(["kill", "-KILL", self.child()], check=False)
        self.keeper.wait()
