"""Attacks a listener from many addresses of loopback, until SIGTERM: python3 listener_attacker.py MODE HOST:PORT ...

Modes: connections (thousands, silent), slow (a request octet by octet), handshakes (half a TLS handshake), garbage,
huge (bodies without end), replay (one order again and again). Prints "ready" when the attack is under way, and at its
end one JSON object: connections made, refused, cut off, answers by status.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import resource
import signal
import ssl

PAUSE = 0.05  # after a connection that was refused: nobody shall measure the attacker's own loop


class Attacker:
    def __init__(self, options):
        self.options = options
        self.host, port = options.target.rsplit(":", 1)
        self.port = int(port)
        self.counts = collections.Counter()
        self.context = None
        if options.tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.order = options.order.encode() if options.order else b"e30.e30.AA"

    async def connect(self, number, tls=True):
        source = f"{self.options.network}.{number % 250 // 10 + 1}.{number % self.options.sources + 1}"
        opened = await asyncio.open_connection(self.host, self.port, ssl=self.context if tls else None, local_addr=(source, 0))
        self.counts["connections"] += 1
        return opened

    def hello(self):
        """The first octets of a genuine handshake."""
        inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with contextlib.suppress(ssl.SSLWantReadError):
            context.wrap_bio(inner, outer).do_handshake()
        return outer.read()

    async def connections(self, number):
        reader, _ = await self.connect(number, tls=False)
        await reader.read()

    async def slow(self, number):
        text = self.hello() if self.context else b"GET /countersign/v1/challenge HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 4000
        reader, writer = await self.connect(number, tls=False)
        for octet in text:
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.wait({asyncio.ensure_future(asyncio.sleep(0.2)), asyncio.ensure_future(reader.read(1))},
                               return_when=asyncio.FIRST_COMPLETED)
            if reader.at_eof():
                return

    async def handshakes(self, number):
        reader, writer = await self.connect(number, tls=False)
        writer.write(self.hello() if self.context else b"\r\n")
        await reader.read()

    async def garbage(self, number):
        reader, writer = await self.connect(number, tls=self.context is not None and number % 2 == 0)
        writer.write(os.urandom(8192))
        await writer.drain()
        await reader.read()

    async def huge(self, number):
        reader, writer = await self.connect(number)
        writer.write(b"POST /countersign/v1/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/jose\r\n"
                     b"Content-Length: 65000\r\n\r\n" if number % 2 else
                     b"POST /countersign/v1/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/jose\r\n"
                     b"Content-Length: 1073741824\r\n\r\n")
        for _ in range(64):
            writer.write(b"x" * 16384)
            await writer.drain()
        self.note(await reader.read())

    async def replay(self, number):
        reader, writer = await self.connect(number)
        path = self.options.path.encode()
        for _ in range(20):
            writer.write(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/jose\r\nContent-Length: %d\r\n\r\n"
                         % len(self.order) + self.order)
            await writer.drain()
            self.note(await reader.read(65536))
            if reader.at_eof():
                return

    def note(self, answer):
        if answer.startswith(b"HTTP/1.1 "):
            self.counts[f"status {answer[9:12].decode()}"] += 1

    async def worker(self, number):
        attack = getattr(self, self.options.mode)
        while True:
            before = self.counts["connections"]
            try:
                async with asyncio.timeout(30):
                    await attack(number)
                self.counts["ended"] += 1
            except (OSError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError):
                self.counts["cut off" if self.counts["connections"] > before else "refused"] += 1
            await asyncio.sleep(PAUSE)

    async def run(self):
        workers = [asyncio.ensure_future(self.worker(number)) for number in range(self.options.count)]
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        while not self.counts["connections"] and not stop.is_set():
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # until it is in full swing
        print("ready", flush=True)
        await stop.wait()
        for worker in workers:
            worker.cancel()
        print(json.dumps(self.counts), flush=True)
        os._exit(0)  # thousands of connections: the kernel closes them faster


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["connections", "slow", "handshakes", "garbage", "huge", "replay"])
    parser.add_argument("target")
    parser.add_argument("--tls", action="store_true", help="the listener speaks TLS")
    parser.add_argument("--count", type=int, default=200, help="connections at once")
    parser.add_argument("--network", default="127.180", help="first two numbers of the sources' addresses")
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--order", help="what `replay` sends")
    parser.add_argument("--path", default="/countersign/v1/order", help="and where")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(Attacker(options).run())


if __name__ == "__main__":
    main()
