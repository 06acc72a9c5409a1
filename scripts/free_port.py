#!/usr/bin/env python3
"""Prints COUNT (1) TCP ports of this machine that nothing uses; for tests, demo and benches, which start servers on them.

    scripts/free_port.py [COUNT]

Not one that the system chose: those are also given to outgoing connections, and one of these may have taken it by the time
the server starts, or starts again.
"""

import random
import socket
import sys

# Below the ports that systems hand out (ip(7), ip_local_port_range) and below those that agents draw when installed.
FIRST, LAST = 2_000, 9_999
TRIES = 1_000


def free_port():
    """A port that is free on every address now, and that no other process was given that still runs.

    A name that this process holds until it ends says that it is taken: two tests at the same time do not choose the same.
    """
    for _ in range(TRIES):
        port = random.randint(FIRST, LAST)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0countersign-port-{port}")
            with socket.socket() as probe:
                probe.bind(("", port))
        except OSError:
            claim.close()
            continue
        claim.detach()
        return port
    raise OSError(f"no free port between {FIRST} and {LAST}")


if __name__ == "__main__":
    print(*(free_port() for _ in range(int(*sys.argv[1:] or [1]))))
