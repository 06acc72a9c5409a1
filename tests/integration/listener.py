"""Shared by listener_test.py and bench/listener_bench: attacks on a listener, and what they cost a daemon."""

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path

import lab

# Name, mode of listener_attacker.py, connections at once. As many as one attacker's machine brings up.
ATTACKS = (
    ("silent connections", "connections", 3000),
    ("slow senders", "slow", 400),
    ("half TLS handshakes", "handshakes", 400),
    ("garbage", "garbage", 60),
    ("huge bodies", "huge", 60),
    ("replayed orders", "replay", 60),
)


class Watch:
    """The largest resident memory (KiB) and number of descriptors of a process while it is watched."""

    def __init__(self, pid):
        self.pid, self.fds, self.rss = pid, 0, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def look(self):
        with contextlib.suppress(OSError):
            self.fds = max(self.fds, len(os.listdir(f"/proc/{self.pid}/fd")))
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                self.rss = max(self.rss, int(line.split()[1]))

    def run(self):
        while not self.over.wait(0.05):
            self.look()

    def __enter__(self):
        self.look()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@contextlib.contextmanager
def attack(here, name, mode, count, target, tls, *more):
    """Runs an attack; gives its process, whose `counts` are there afterwards."""
    here.attacks += 1
    network = f"127.{180 + here.attacks % 60}"
    daemon = here.start(f"attack{here.attacks}", sys.executable, lab.HERE / "listener_attacker.py", mode, target, "--count", count,
                        "--network", network, *(["--tls"] if tls else []), *more)
    lab.until(lambda: "ready" in daemon.text() or not daemon.runs(), f"the attack begins: {name}")
    if not daemon.runs():
        raise AssertionError(daemon.text())
    daemon.counts = {}
    try:
        yield daemon
    finally:
        daemon.stop()
        daemon.counts = json.loads(daemon.text().splitlines()[-1])


def timed_order(here, agent_id, act):
    """Sends one order; returns the seconds until its receipt, or None if there was none in a minute."""
    begin = time.monotonic()
    code, order = here.order(agent_id, act, "--wait", "60")
    return time.monotonic() - begin if code == 0 and order.get("state") == "done" else None
