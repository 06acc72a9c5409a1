"""TLS between server and agents: what each side shows, what it refuses, and keys that change under way."""

import base64
import hashlib
import re
import socket
import subprocess
import uuid

import lab
from lab import Case, until


def spki_of(der):
    """The SubjectPublicKeyInfo of a certificate, as openssl cuts it out."""
    pem = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"], input=der, check=True,
                         capture_output=True).stdout
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem, check=True, capture_output=True).stdout


def digest_text(spki):
    return base64.urlsafe_b64encode(hashlib.sha256(spki).digest()).rstrip(b"=").decode()


def id_of(spki):
    """UUIDv8 of the digest: the agent's id."""
    octets = bytearray(hashlib.sha256(spki).digest()[:16])
    octets[6], octets[8] = octets[6] & 0x0F | 0x80, octets[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(octets)))


class Shown:
    """What `openssl s_client` sees at a port."""

    def __init__(self, place, *more):
        done = subprocess.run(["openssl", "s_client", "-connect", place, "-showcerts", *more], input=b"", capture_output=True,
                              timeout=30, check=False)
        self.code, self.text = done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    @property
    def der(self):
        pem = re.search(r"-----BEGIN CERTIFICATE-----\n(.*?)-----END", self.text, re.S).group(1)
        return base64.b64decode(pem)


class Tls(Case):
    @classmethod
    def prepare(cls):
        here = cls.lab
        here.init()
        here.start_server()
        cls.one, cls.two = here.start_agents(2)
        package = here.package("package-plain")
        here.make_plain(package / "package.toml")
        cls.plain = here.install(3, package)
        cls.plain.start()
        cls.plain.await_standing("verified")
        cls.web = f"127.0.0.1:{here.https_port}"

    def pins(self, agent):
        path = agent.folder / "web-keys"
        return path.read_text().splitlines()[1:] if path.exists() else []

    def web_certificate(self):
        return self.lab.json("countersign", "server", "web-certificate", "show")

    def install(self, name):
        return self.lab.run("countersign", "server", "web-certificate", "install", "--json", "--cert", f"{name}.pem", "--key",
                            f"{name}.key")

    def make(self, name, *more):
        self.lab.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                         "-out", f"{name}.pem", "-subj", "/CN=brought along", "-addext", "subjectAltName=IP:127.0.0.1", *more)

    def report(self, agent):
        """The agent makes a report, whose reply it verifies."""
        code, order = self.lab.order(agent.id, "update-now")
        self.assertEqual((code, order["verdict"]), (0, "done"))

    def test_01_agent_shows_its_own_key_with_tls_13(self):
        for agent in (self.one, self.two):
            shown = Shown(agent.address, "-tls1_3")
            self.assertIn("TLSv1.3", shown.text)
            self.assertIn("Compression: NONE", shown.text)
            self.assertNotIn("TLS session ticket:", shown.text)
            self.assertNotIn("Early data was accepted", shown.text)
            self.assertEqual(id_of(spki_of(shown.der)), agent.id)

    def test_02_nothing_older_is_spoken(self):
        for place in (self.one.address, self.web):
            for version in ("-tls1", "-tls1_1", "-tls1_2"):
                shown = Shown(place, version)
                self.assertNotEqual(shown.code, 0, shown.text)
                self.assertNotIn("BEGIN CERTIFICATE", shown.text)

    def test_03_web_host_was_made_at_the_first_start(self):
        web = self.web_certificate()
        self.assertTrue(web["made_here"])
        self.assertEqual(web["warnings"], [])
        shown = Shown(self.web, "-tls1_3")
        self.assertEqual(digest_text(spki_of(shown.der)), web["key"])
        (file,) = (self.lab.data / "certificates/Web Hosting").glob("*.cer")
        self.assertEqual(file.read_bytes(), shown.der)
        self.assertEqual(hashlib.sha256(shown.der).hexdigest(), web["certificate"]["sha256"])
        # It has nothing to do with the certificate that agents trust.
        self.assertNotEqual(web["certificate"]["serial"], self.lab.serial())
        answer = self.lab.fetch("/countersign/v1/certificate", tls=True)
        self.assertEqual(answer.content, (self.lab.data / "PCCSRV/Pccnt/Common/OfcNTCer.dat").read_bytes())

    def test_04_agents_with_and_without_tls_obey(self):
        for agent, speaks in ((self.one, True), (self.two, True), (self.plain, False)):
            self.report(agent)
            self.assertEqual(agent.status()["tls"], speaks)
        for agent in (self.one, self.two):
            self.assertTrue(agent.status()["pinned"])
            self.assertEqual(self.pins(agent), [self.web_certificate()["key"]])
        self.assertFalse(self.plain.status()["pinned"])

    def test_05_plain_client_is_told(self):
        for host, port in ((self.one.host, self.one.port), ("127.0.0.1", self.lab.https_port)):
            answer = self.lab.fetch("/countersign/v1/alive", host, port)
            self.assertEqual(answer.status, 400)
            self.assertIn(b"HTTPS", answer.content)
        with socket.create_connection((self.one.host, self.one.port)) as peer:
            peer.sendall(b"\xff" * 1000)
            peer.settimeout(lab.PATIENCE)
            while peer.recv(4096):
                pass
        self.assertTrue(self.one.alive())

    def test_06_renewed_certificate_keeps_the_key(self):
        before = self.web_certificate()
        self.assert_exit(0, self.lab.run("countersign", "server", "web-certificate", "renew"), before["key"])
        after = Shown(self.web, "-tls1_3")  # without a restart
        self.assertNotEqual(hashlib.sha256(after.der).hexdigest(), before["certificate"]["sha256"])
        self.assertEqual(digest_text(spki_of(after.der)), before["key"])
        self.report(self.one)
        self.assertTrue(self.one.status()["pinned"])

    def test_07_replaced_key_cuts_nobody_off(self):
        self.make("brought", "-days", "400")
        done = self.assert_exit(0, self.install("brought"))
        new = done.json["key"]
        self.assertEqual(done.json["warnings"], [])
        self.assertEqual(digest_text(spki_of(Shown(self.web, "-tls1_3").der)), new)
        for agent in (self.one, self.two):
            self.report(agent)  # to a host that it does not know: it goes all the same
            self.assertEqual(self.pins(agent), [new])
            self.report(agent)
            self.assertTrue(agent.status()["pinned"])
        self.lab.server.stop()
        self.lab.start_server()
        self.assertEqual(self.web_certificate()["key"], new)
        self.report(self.one)
        self.assertTrue(self.one.status()["pinned"])

    def test_08_what_does_not_fit_is_refused(self):
        self.make("other", "-days", "400")
        (self.lab.path / "mixed.pem").write_bytes((self.lab.path / "other.pem").read_bytes())
        (self.lab.path / "mixed.key").write_bytes((self.lab.path / "brought.key").read_bytes())
        before = self.web_certificate()
        refused = self.install("mixed")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("not the one of the certificate", refused.json["message"])
        self.lab.ok("openssl", "x509", "-in", "other.pem", "-signkey", "other.key", "-days", "1", "-out", "old.pem",
                    prefix=("faketime", "2020-01-01 00:00:00"))
        (self.lab.path / "old.key").write_bytes((self.lab.path / "other.key").read_bytes())
        refused = self.install("old")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("expired", refused.json["message"])
        for done in (refused, self.install("nowhere")):
            self.assertIn(".pem", done.json["message"], "the file is named")
            self.assertTrue(done.json["next"], done)
        self.assertEqual(self.web_certificate(), before)

    def test_09_another_agent_in_its_place_is_refused(self):
        self.one.stop()
        self.two.stop()
        config = self.two.folder / "agent.toml"
        text = config.read_text()
        config.write_text(text.replace(f'listen = "{self.two.host}"', f'listen = "{self.one.host}"'))
        self.two.process = self.lab.start("agent2-elsewhere", lab.PROGRAMS / "countersign-agentd", "--agent-folder", self.two.folder)
        until(lambda: self.one.alive(), "agent 2 listens where agent 1 did")
        code, order = self.lab.order(self.one.id, "ping", "--wait", "3")
        self.assertEqual((code, order["state"]), (21, "queued"))
        said = f"the agent at {self.one.address} shows another key than agent {self.one.id}: is another agent on that address?"
        until(lambda: said in self.lab.server.text(), "the server sees it")
        self.two.stop()
        config.write_text(text)
        for agent in (self.one, self.two):
            agent.start()
        self.report(self.one)
        self.report(self.two)

    def test_10_nothing_secret_in_logs(self):
        secrets = [(self.lab.data / "keys/web-host.pem").read_text().splitlines()[1]]
        secrets += [base64.b64encode((agent.folder / "agent.key").read_bytes()).decode()[:40] for agent in (self.one, self.two)]
        for log in self.lab.path.glob("*.log"):
            text = log.read_text(errors="replace")
            self.assertNotIn("PRIVATE KEY", text)
            for secret in secrets:
                self.assertNotIn(secret, text)
        self.assertEqual((self.lab.data / "keys/web-host.pem").stat().st_mode & 0o777, 0o600)


class PlainServer(Case):
    """A server that is configured to speak no TLS."""

    @classmethod
    def prepare(cls):
        cls.lab.init("--no-https")
        cls.lab.start_server()
        (cls.agent,) = cls.lab.start_agents(1)

    def test_its_agents_are_plain(self):
        self.assertFalse(self.agent.speaks_tls())
        self.assertEqual(self.lab.order(self.agent.id)[0], 0)
        with self.assertRaises(ConnectionRefusedError):
            self.lab.fetch("/countersign/v1/certificate", tls=True)

    def test_one_of_the_two_there_must_be(self):
        config = self.lab.data / "countersign.toml"
        text = config.read_text()
        config.write_text(text.replace("http = true", "http = false"))
        try:
            self.lab.server.stop()
            refused = self.lab.run(lab.PROGRAMS / "countersignd", "--data", self.lab.data)
            self.assertNotEqual(refused.code, 0)
            self.assertIn("agents could not reach the server", refused.err)
        finally:
            config.write_text(text)
            self.lab.start_server()


class OnlyHttps(Case):
    """A server without HTTP: `lab.serves` looks at HTTP, so this one waits for HTTPS."""

    @classmethod
    def prepare(cls):
        cls.lab.init("--no-http")
        cls.lab.serves = cls.answers
        cls.lab.start_server()

    @classmethod
    def answers(cls):
        try:
            return cls.lab.fetch("/countersign/v1/certificate", tls=True).status == 200
        except OSError:
            return False

    def test_its_agents_obey(self):
        (agent,) = self.lab.start_agents(1)
        self.assertEqual(self.lab.order(agent.id)[0], 0)


if __name__ == "__main__":
    lab.main()
