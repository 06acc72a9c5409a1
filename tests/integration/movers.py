"""What the tests of IpXfer's full form share: two servers, an agent, and a way to the target that can be closed."""

import socket
import threading

import lab
from lab import Case, Lab, until


class Moves(Case):
    """Two servers with identities of their own, and one agent of the first."""

    @classmethod
    def prepare(cls):
        cls.here, cls.there = cls.lab, Lab()
        cls.addClassCleanup(cls.there.end)
        for server in (cls.here, cls.there):
            server.init()
            server.start_server()
            server.ok("CertificateManager", "-e", server.path / "OfcNTCer.dat")
        (cls.agent,) = cls.here.start_agents(1)

    def mover(self, *args, stdin=None, **how):
        return self.here.run("IpXfer", "-agent-folder", self.agent.folder, *args, stdin=stdin, **how)

    def move(self, server, *more, host="127.0.0.1", port=None, certificate=None, **how):
        trust = ("-e", certificate or server.path / "OfcNTCer.dat") if certificate is not False else ()
        ports = ("-p", port or server.port, "-sp", port or server.https_port)
        return self.mover("-s", host, *ports, *trust, "-json", *more, **how)

    def state(self):
        names = ("trust", "agent.toml", "OfcNTCer.dat", "agent.key")
        return [(self.agent.folder / name).read_bytes() for name in names] + [(self.agent.folder / "move").exists()]

    def admitted_by(self, server):
        server.ok("countersign", "agents", "approve", self.agent.id)
        self.belongs_to(server)

    def belongs_to(self, server):
        self.agent.lab = server
        self.agent.await_standing("verified")
        code, order = server.order(self.agent.id)
        # An agent that begins anew may have done it and lost the receipt.
        self.assertEqual(code, 0, order)
        self.assertIn(order["verdict"], ("done", "done-before"))
        self.assertEqual(self.agent.serial(), server.serial())

    def left(self, server):
        until(lambda: server.standing(self.agent.id) == "moved", "the former server shows that it has left")


class Gate:
    """Stands before a server's port: lets so many connections through, one after another, and refuses the rest until it is opened."""

    def __init__(self, port, passes):
        self.target, self.passes = port, passes
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            if self.passes <= 0:
                here.close()
                continue
            self.passes -= 1
            there = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while part := source.recv(65536):
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def open(self):
        self.passes = 1_000_000

    def end(self):
        self.listener.close()
