#!/usr/bin/env python3
"""A small agent of another make: enrols with a package's token, reports, listens, takes orders.

  agent.py --package DIR --folder DIR --listen ADDRESS:PORT [--interval SECONDS]

DIR of --package: OfcNTCer.dat and package.toml, as `countersign agents package` makes them; read only while --folder
is empty. Speaks plain HTTP (no `tls` in its reports). Acts: ping and report. What a product would add stands in act().
"""

import argparse
import base64
import dataclasses
import hashlib
import hmac
import http.client
import http.server
import json
import os
import platform
import secrets
import socket
import struct
import sys
import threading
import time
import tomllib
from pathlib import Path

import verifier
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from verifier import decode, encode

JOSE = "application/jose"
CHALLENGE_LIFE = 300  # seconds
KEPT_ORDERS, KEPT_FOR = 4_096, 48 * 3_600
SEQ_BLOCK = 1_024


def boot_seconds():
    """A clock that counts sleep and cannot be set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Challenges:
    """16 random octets, a time, the use and a MAC: good for one message and 300 s, without state until one is used."""

    def __init__(self):
        self.key, self.spent = secrets.token_bytes(32), {}

    def mac(self, head):
        return hmac.digest(self.key, head, "sha256")[:16]

    def draw(self, use):
        head = secrets.token_bytes(16) + struct.pack(">dB", boot_seconds(), use)
        return encode(head + self.mac(head))

    def is_good(self, text, use):
        try:
            octets = decode(text, 41)
        except ValueError:
            return False
        head, age = octets[:25], boot_seconds() - struct.unpack(">d", octets[16:24])[0]
        good = hmac.compare_digest(self.mac(head), octets[25:]) and octets[24] == use
        return good and 0 <= age <= CHALLENGE_LIFE and text not in self.spent

    def spend(self, text):
        now = boot_seconds()
        self.spent = {one: at for one, at in self.spent.items() if now - at <= CHALLENGE_LIFE}
        self.spent[text] = now


class Store:
    """One file, replaced durably: trust, orders, seq. Whatever is in it was written before anything followed from it."""

    def __init__(self, folder):
        self.path = folder / "state.json"
        self.state = json.loads(self.path.read_text()) if self.path.exists() else {"orders": {}, "seq": 0}

    def save(self):
        temporary = self.path.with_suffix(".new")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self.state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def load_trust(self):
        saved = self.state["trust"]
        certificate = verifier.Certificate(base64.b64decode(saved["certificate"]))
        highest = {server: (one[0], decode(one[1])) for server, one in saved["highest"].items()}
        bundle = tuple(base64.b64decode(der) for der in saved["bundle"])
        return verifier.Trust(certificate, bundle, decode(saved["owner"]), saved["server"], saved["generation"], highest)

    def save_trust(self, trust):
        self.state["trust"] = {
            "certificate": base64.b64encode(trust.certificate.der).decode(), "owner": encode(trust.owner),
            "server": trust.server, "generation": trust.generation,
            "bundle": [base64.b64encode(der).decode() for der in trust.bundle],
            "highest": {server: [one[0], encode(one[1])] for server, one in trust.highest.items()}}
        self.save()


@dataclasses.dataclass
class Settings:
    host: str
    port: int
    listen: str
    listen_port: int
    domain: str
    enrol: dict


class Agent:
    def __init__(self, folder, settings):
        self.settings, self.store, self.challenges = settings, Store(folder), Challenges()
        self.key = serialization.load_pem_private_key((folder / "agent.key").read_bytes(), None)
        self.trust, self.lock = self.store.load_trust(), threading.RLock()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.id = verifier.uuid_of(hashlib.sha256(self.key.public_key().public_bytes(serialization.Encoding.DER, form)).digest())
        self.instance, self.seq = encode(secrets.token_bytes(16)), self.store.state["seq"]
        self.nonce, self.want_bundle, self.report_soon, self.interval = None, False, threading.Event(), 60

    # What is signed.

    def sign(self, header, payload):
        parts = [encode(json.dumps(part, ensure_ascii=False).encode()) for part in ({"alg": "ES256", **header}, payload)]
        signed = ".".join(parts)
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def next_seq(self):
        if self.seq >= self.store.state["seq"]:  # reserved in blocks: none is used twice, whatever happens
            self.store.state["seq"] = self.seq + SEQ_BLOCK
            self.store.save()
        self.seq += 1
        return self.seq

    def common(self):
        return {"iss": self.id, "aud": self.trust.server, "held": self.trust.held(), "time": int(time.time()),
                "seq": self.next_seq(), "instance": self.instance}

    def receipt(self, text, jti, verdict, earlier=None, result=None):
        oh = encode(hashlib.sha256(verifier.signing_input(text)).digest())
        more = {name: value for name, value in (("earlier", earlier), ("result", result)) if value is not None}
        return self.sign({"typ": "countersign-receipt+jwt"}, {**self.common(), "order": jti, "oh": oh, "verdict": verdict, **more})

    def report(self):
        numbers = self.key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32, "big")), "y": encode(numbers.y.to_bytes(32, "big"))}
        header = {"typ": "countersign-report+jwt", "jwk": jwk}
        if self.want_bundle:
            bundle = self.trust.bundle or (self.trust.certificate.der,)
            header["x5c"] = [base64.b64encode(der).decode() for der in bundle]
        challenge = self.challenges.draw(2)
        payload = {**self.common(), "challenge": challenge, "host": socket.gethostname(), "addresses": [self.settings.listen],
                   "port": self.settings.listen_port, "domain": self.settings.domain, "version": "example-python 1",
                   "platform": platform.platform()[:255], "batch": False, "failures": []}
        if self.nonce:
            payload["echo"], self.nonce = self.nonce, None
        if self.settings.enrol:
            text = "\0".join(["countersign enrol v1", self.id, self.trust.server, challenge])
            proof = hmac.digest(decode(self.settings.enrol["secret"]), text.encode(), "sha256")
            payload["enrol"] = {"token": self.settings.enrol["token"], "proof": encode(proof)}
        return self.sign(header, payload), challenge

    # What is taken.

    def settle(self, message, challenge, verdict):
        """Commits what follows from steps 2 to 7."""
        refused, after, used = verdict
        if used:
            self.challenges.spend(challenge)
            if after != self.trust:
                self.store.save_trust(after)  # first on the disk
                self.trust = after
                print(f"trust moved to generation {after.generation}", flush=True)
        return refused

    def take_order(self, text):
        """Steps 1 to 10 for the listener; returns the receipt."""
        with self.lock:
            try:
                message = verifier.parse_order(text)
            except (ValueError, RecursionError):
                return self.receipt(text, None, "malformed")
            challenge = message.payload["challenge"]
            fresh = self.challenges.is_good(challenge, 1)
            refused = self.settle(message, challenge, verifier.judge(self.trust, message, self.id, time.time(), fresh))
            return self.receipt(text, message.payload["jti"], refused) if refused else self.run_once(text, message)

    def run_once(self, text, message):
        jti, orders = message.payload["jti"], self.store.state["orders"]
        before = orders.get(jti)
        if before and before["verdict"]:
            earlier = {"verdict": before["verdict"], **({"result": before["result"]} if before["result"] else {})}
            return self.receipt(text, jti, "done-before", earlier=earlier)
        if before:
            return self.receipt(text, jti, "interrupted")
        now = int(time.time())
        for one in list(orders)[:-KEPT_ORDERS]:
            if now - orders[one]["at"] > KEPT_FOR:
                del orders[one]
        if len(orders) >= 4 * KEPT_ORDERS:
            return self.receipt(text, jti, "busy")
        orders[jti] = {"at": now, "verdict": None, "result": None}
        self.store.save()  # before anything is done
        verdict, result = self.act(message.payload["act"], message.payload.get("args", {}))
        orders[jti].update(verdict=verdict, result=result)
        self.store.save()
        return self.receipt(text, jti, verdict, result=result)

    def act(self, act, args):
        """Step 9 and 10: here a product does what it does."""
        if act not in ("ping", "report"):
            return "unknown-action", None
        if args:
            return "failed", {"error": "this act takes no arguments"}
        if act == "report":
            self.report_soon.set()
        return "done", None

    def take_reply(self, text, field, challenge):
        """Returns the receipts of orders in it, or None if it was refused."""
        with self.lock:
            try:
                reply = verifier.parse_reply(text)
            except (ValueError, RecursionError):
                return None
            fresh = reply.payload["challenge"] == challenge and self.challenges.is_good(challenge, 2)
            refused = self.settle(reply, challenge, verifier.judge(self.trust, reply, self.id, time.time(), fresh))
            if refused:
                print(f"reply refused: {refused}", flush=True)
                self.nonce, self.want_bundle = field, fresh and "want" in reply.payload
                return None
            self.nonce, self.want_bundle = reply.payload["nonce"], "want" in reply.payload
            self.interval = reply.payload["interval"]
            if reply.payload.get("jump", 0) > self.seq and reply.payload["jump"] - self.seq <= 2**32:
                self.seq = reply.payload["jump"]
            receipts = []
            for order in reply.payload["orders"]:
                refused = verifier.judge_inner(self.trust, order, reply, self.id, time.time())
                if refused:
                    jti = None if refused == "malformed" else verifier.parse_order(order).payload["jti"]
                    receipts.append(self.receipt(order, jti, refused))
                else:
                    receipts.append(self.run_once(order, verifier.parse_order(order)))
            return receipts

    # The server.

    def post(self, path, body):
        connection = http.client.HTTPConnection(self.settings.host, self.settings.port, timeout=60,
                                                source_address=(self.settings.listen, 0))
        try:
            connection.request("POST", path, body, {"Content-Type": JOSE})
            answer = connection.getresponse()
            return answer.status, answer.read(262_145).decode("ascii", "replace"), answer.headers.get("Countersign-Nonce")
        finally:
            connection.close()

    def exchange(self):
        """One report; whether the next one is to follow at once (this one proved nothing)."""
        with self.lock:
            proves = self.nonce is not None
            report, challenge = self.report()
        status, text, field = self.post("/countersign/v1/report", report)
        receipts = self.take_reply(text, field, challenge) if status == 200 else None
        for receipt in receipts or []:
            self.post("/countersign/v1/receipt", receipt)
        return receipts is not None and (not proves or self.want_bundle)

    def run(self, fastest):
        failed = 0
        while True:
            try:
                again, failed = self.exchange(), 0
            except OSError as error:
                print(f"report failed: {error}", flush=True)
                again, failed = False, failed + 1
            wait = min(self.interval, fastest, 2**failed if failed else self.interval)
            if not again:
                self.report_soon.wait(wait)
            self.report_soon.clear()


class Listener(http.server.BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 10
    agent = None

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self):
        if self.path == "/countersign/v1/challenge":
            return self.answer(200, "application/json", json.dumps({"challenge": self.agent.challenges.draw(1)}))
        if self.path == "/countersign/v1/alive":
            return self.answer(200, "text/plain", "alive")
        return self.answer(404, "text/plain", "nothing here")

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > 64 * 1024:
            self.close_connection = True
            return self.answer(413, "text/plain", "too long")
        body = self.rfile.read(int(length)).decode("latin-1")
        if self.path != "/countersign/v1/order":
            return self.answer(404, "text/plain", "nothing here")
        if not body or self.headers.get("Content-Type") != JOSE:
            return self.answer(400, "text/plain", "an order is expected")
        return self.answer(200, JOSE, self.agent.take_order(body))

    def log_message(self, *args):
        pass


def install(folder, package):
    """First trust: the certificate of the package. All of it or nothing: the settings come last."""
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = tomllib.loads((package / "package.toml").read_text())
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with open(os.open(folder / "agent.key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    Store(folder).save_trust(verifier.first_trust((package / "OfcNTCer.dat").read_bytes()))
    (folder / "settings.json").write_text(json.dumps(settings))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--interval", type=float, default=3_600, help="seconds, at most as the server says")
    given = parser.parse_args()
    if not (given.folder / "settings.json").exists():
        install(given.folder, given.package)
    known = json.loads((given.folder / "settings.json").read_text())
    address, port = given.listen.rsplit(":", 1)
    agent = Agent(given.folder, Settings(known["server_host"], known["http_port"], address, int(port), known.get("domain", ""),
                                         known.get("enrol", {})))
    Listener.agent = agent
    listener = http.server.ThreadingHTTPServer((address, int(port)), Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    print(f"agent {agent.id.removeprefix('urn:uuid:')} listens at {given.listen}", flush=True)
    agent.run(given.interval)


if __name__ == "__main__":
    sys.exit(main())
