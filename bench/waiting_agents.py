#!/usr/bin/env python3
"""How many agents may wait for orders at one server (docs/reachability.md), and what each costs.

    bench/waiting_agents.py PROGRAMS [COUNT] [tls]      # PROGRAMS: the folder with countersignd; COUNT: 2000

A real server in a scratch folder, and COUNT agents that are only their keys: each reports, is admitted by a token, and posts
a report that waits; with `tls` over HTTPS. Prints JSON: the server's resident memory before and with all of them waiting (the rows of
the registry are there in both), how long the reports took, and how long an order took to an agent among them.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from free_port import free_port  # noqa: E402

AT_ONCE = 64


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class FakeAgent:
    """A key, and the reports signed by it."""

    def __init__(self, number, held, token):
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key()
        spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        octets = bytearray(hashlib.sha256(spki).digest()[:16])
        octets[6] = octets[6] & 0x0F | 0x80
        octets[8] = octets[8] & 0x3F | 0x80
        self.id = str(uuid.UUID(bytes=bytes(octets)))
        point = public.public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big"))}
        self.held, self.token = held, token
        self.seq, self.instance, self.nonce = 0, b64(os.urandom(16)), None
        self.host = f"bench{number}"

    def report(self):
        self.seq += 1
        challenge = b64(os.urandom(48))
        parts = (f"urn:uuid:{self.id}", self.held["server"], challenge)
        message = b"\0".join([b"countersign enrol v1", *(part.encode() for part in parts)])
        body = {"iss": f"urn:uuid:{self.id}", "aud": self.held["server"], "challenge": challenge, "held": self.held,
                "time": int(time.time()), "seq": self.seq, "instance": self.instance, "host": self.host,
                "addresses": ["10.0.0.5"], "port": 21112, "domain": "bench", "version": "1", "platform": "none", "batch": False,
                "failures": [],
                "enrol": {"token": self.token[0], "proof": b64(hmac.new(self.token[1], message, hashlib.sha256).digest())}}
        if self.nonce:
            body["echo"] = self.nonce
        header = {"alg": "ES256", "typ": "countersign-report+jwt", "jwk": self.jwk}
        signed = ".".join(b64(json.dumps(part).encode()) for part in (header, body))
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()


async def post(server, body, query=""):
    """Posts a report; returns the connection after the request was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=server.tls)
    writer.write(f"POST /countersign/v1/report{query} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/jose\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    return reader, writer


async def answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(re.search(r"(?i)content-length: (\d+)", head)[1])
    return int(head.split()[1]), head, await reader.readexactly(length)


class Server:
    def __init__(self, programs, folder, count, tls):
        self.programs, self.folder = programs, folder
        ports = [free_port(), free_port()]
        self.port, self.tls = ports[tls], ssl.create_default_context() if tls else None
        if tls:  # what the agents do is signed anyhow; these look at no certificate
            self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        (folder / "password").write_text("correct horse battery")
        (folder / "password").chmod(0o600)
        self.data = folder / "server"
        self.run("countersign", "server", "init", "--password-file", folder / "password", "--listen", "127.0.0.1",
                 "--http-port", ports[0], "--https-port", ports[1], "--public-host", "127.0.0.1", "--report-interval", 86400)
        config = self.data / "countersign.toml"
        text = config.read_text()
        for key, value in (("max_waiting", count), ("max_waiting_per_source", count), ("long_poll", '"all"'),
                           ("https", "true" if tls else "false")):
            text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        config.write_text(text)
        self.process = subprocess.Popen([programs / "countersignd", "--data", self.data], stderr=open(folder / "log", "wb"))
        while not self.status().get("running"):
            time.sleep(0.1)

    def run(self, *args):
        env = dict(os.environ, COUNTERSIGN_DATA=str(self.data))
        done = subprocess.run([str(self.programs / args[0]), *map(str, args[1:])], env=env, capture_output=True, text=True,
                              check=True)
        return done.stdout

    def status(self):
        return json.loads(self.run("countersign", "status", "--json"))

    def resident(self):
        """In KiB."""
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def token(self):
        self.run("countersign", "agents", "package", "-o", self.folder / "package")
        text = (self.folder / "package/package.toml").read_text()
        secret = re.search(r'(?m)^secret = "(.*)"', text)[1]
        return re.search(r'(?m)^token = "(.*)"', text)[1], base64.urlsafe_b64decode(secret + "=")

    def held(self):
        """What an agent holds that was installed from the package: its own word for it."""
        agent = self.folder / "agent"
        self.run("countersign-agentd", "--agent-folder", agent, "install", "--from", self.folder / "package", "--listen",
                 "127.0.0.9:21112")
        process = subprocess.Popen([self.programs / "countersign-agentd", "--agent-folder", agent],
                                   stderr=open(self.folder / "agent.log", "wb"))
        try:
            while True:
                rows = json.loads(self.run("countersign", "agents", "list", "--json"))["agents"]
                if rows and rows[0]["standing"] == "verified":
                    break
                time.sleep(0.1)
        finally:
            process.terminate()
            process.wait()
        row = rows[0]
        return {"x5t#S256": b64(bytes.fromhex(row["thumbprint_held"])), "generation": row["generation_held"],
                "owner": b64(bytes.fromhex(row["owner_held"])), "server": f"urn:uuid:{row['server_held']}"}


async def introduce(server, agents):
    """Each reports until it is proved and admitted."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(agent):
        async with room:
            for _ in range(2):
                reader, writer = await post(server, agent.report())
                status, head, _ = await answer(reader)
                assert status == 200, head
                agent.nonce = re.search(r"(?i)countersign-nonce: (\S+)", head)[1]
                writer.close()
                await writer.wait_closed()

    await asyncio.gather(*map(one, agents))


async def wait(server, agents):
    """Each posts a report that waits; returns the connections."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(agent):
        async with room:
            return await post(server, agent.report(), "?wait=240")

    waiting = await asyncio.gather(*map(one, agents))
    while server.status()["waiting"] < len(agents):
        await asyncio.sleep(0.2)
    return waiting


async def measure(server, agents):
    begun = time.monotonic()
    await introduce(server, agents)
    introduced = time.monotonic() - begun
    await asyncio.sleep(1)
    before = server.resident()
    begun = time.monotonic()
    waiting = await wait(server, agents)
    entered = time.monotonic() - begun
    resident = server.resident()
    chosen = len(agents) // 2
    begun = time.monotonic()
    server.run("countersign", "order", "send", "--no-wait", "--agent", agents[chosen].id, "ping")
    status, _, _ = await answer(waiting[chosen][0])
    latency = time.monotonic() - begun
    print(json.dumps({
        "agents": len(agents), "tls": server.tls is not None, "status": status, "introduce_s": round(introduced, 1),
        "enter_s": round(entered, 1),
        "rss_before_kib": before, "rss_waiting_kib": resident,
        "kib_per_waiting_agent": round((resident - before) / len(agents), 1), "order_latency_s": round(latency, 3)}))
    begun = time.monotonic()
    server.process.terminate()
    codes = [(await answer(reader))[0] for number, (reader, _) in enumerate(waiting) if number != chosen]
    print(json.dumps({"stop_s": round(time.monotonic() - begun, 1), "answered_503": codes.count(503)}))
    server.process.wait()


def main():
    tls = sys.argv[-1] == "tls"
    given = sys.argv[1 : len(sys.argv) - tls]
    if len(given) not in (1, 2):
        sys.exit(__doc__)
    count = int(given[1]) if len(given) == 2 else 2000
    with tempfile.TemporaryDirectory(prefix="countersign-bench.") as folder:
        server = Server(Path(given[0]).resolve(), Path(folder), count, tls)
        try:
            token = server.token()
            held = server.held()
            asyncio.run(measure(server, [FakeAgent(number, held, token) for number in range(count)]))
        finally:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()


if __name__ == "__main__":
    main()
