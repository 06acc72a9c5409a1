"""Networks of their own for a test: network namespaces joined by bridges, with NAT between them by nftables.

Everything is made under names of this process and taken away by end(). Needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN;
why_not() says what is missing.
"""

import contextlib
import os
import subprocess

PREFIX = f"csn{os.getpid() % 100000}"


def run(*args, stdin=None):
    done = subprocess.run([str(arg) for arg in args], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, args))}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def why_not():
    """Why this machine does not let the test make its networks, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces and NAT need root"
    name = f"{PREFIX}-try"
    try:
        run("ip", "netns", "add", name)
        run("ip", "netns", "exec", name, "nft", "add table ip try")
        run("ip", "-n", name, "link", "add", "try", "type", "bridge")
    except (RuntimeError, FileNotFoundError) as error:
        return f"network namespaces with nftables and bridges cannot be made here: {error}"
    finally:
        with contextlib.suppress(RuntimeError, FileNotFoundError):
            run("ip", "netns", "del", name)
    return None


class Namespaces:
    def __init__(self):
        self.names = []
        self.links = 0

    def end(self):
        for name in self.names:
            with contextlib.suppress(RuntimeError):
                run("ip", "netns", "del", name)

    def add(self, name):
        """A namespace with loopback only."""
        full = f"{PREFIX}-{name}"
        run("ip", "netns", "add", full)
        self.names.append(full)
        run("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def bridge(self, namespace, name, *addresses):
        run("ip", "-n", namespace, "link", "add", name, "type", "bridge")
        self.address(namespace, name, *addresses)

    def address(self, namespace, device, *addresses):
        for address in addresses:
            run("ip", "-n", namespace, "address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
        run("ip", "-n", namespace, "link", "set", device, "up")

    def join(self, namespace, device, hub, bridge, *addresses):
        """A cable from a device of a namespace to a bridge of another one."""
        self.links += 1
        port = f"p{self.links}"
        run("ip", "-n", hub, "link", "add", port, "type", "veth", "peer", "name", device, "netns", namespace)
        run("ip", "-n", hub, "link", "set", port, "master", bridge, "up")
        self.address(namespace, device, *addresses)

    def route(self, namespace, *words):
        run("ip", "-n", namespace, "route", "add", *words)

    def masquerade(self, namespace, device):
        """Makes a router of the namespace that hides what leaves by the device behind its address there."""
        run("ip", "netns", "exec", namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        run("ip", "netns", "exec", namespace, "nft", "-f", "-", stdin=f"""
            table ip hide {{
              chain out {{
                type nat hook postrouting priority 100;
                oifname "{device}" masquerade
              }}
            }}""")

    def readdress(self, namespace, device, old, new):
        """Another address: what was masqueraded behind the old one loses its way back."""
        run("ip", "-n", namespace, "address", "del", old, "dev", device)
        run("ip", "-n", namespace, "address", "add", new, "dev", device)
