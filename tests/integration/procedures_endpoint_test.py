"""Procedures 2, 3 and 8 as docs/procedures.md prints them: what happens on the endpoints."""

import shutil

import lab
from lab import PASSWORD
from procedure import PAGE, Procedure


class OnEndpoints(Procedure):
    """Agents of which the first trusts another server than its own."""

    @classmethod
    def prepare(cls):
        cls.lab.init()
        cls.lab.start_server()
        cls.agents = cls.lab.start_agents(2)
        other = lab.environment(COUNTERSIGN_DATA=str(cls.lab.path / "other"))
        cls.lab.ok("countersign", "server", "init", "--password-file", cls.lab.secret(PASSWORD), env=other)
        cls.lab.ok("CertificateManager", "-e", cls.lab.path / "other.dat", env=other)

    def distrusts(self, agent):
        self.assert_exit(30, agent.renew(self.lab.path / "other.dat", "-no-verify"))
        agent.await_standing("mismatched")

    def listed(self):
        """Procedure 2, on the server: who is in the list, and why."""
        path = self.roots / "agents.csv"
        path.unlink(missing_ok=True)
        done = self.type("CertificateManager -l /root/agents.csv")
        rows = self.lab.mismatched()
        self.assert_exit(22 if rows else 0, done)
        self.assertEqual(path.read_text().count("\n"), len(rows) + 1)
        return [(row["agent_id"], row["reason"]) for row in rows]

    def on(self, agent, line, folder, **values):
        """Types a line of the mover's on the endpoint."""
        tool, *words = PAGE.words(line, SERVER="127.0.0.1", PORT=self.lab.port, HTTPS_PORT=self.lab.https_port,
                                  AGENT_PORT=agent.port, **values)
        return self.lab.run(folder / tool if (folder / tool).exists() else tool, "-agent-folder", agent.folder, *words,
                            cwd=folder)

    def is_well(self, agent):
        agent.await_standing("verified")
        self.assertEqual(agent.serial(), self.lab.serial())
        self.assertEqual(self.listed(), [])


class Mismatched(OnEndpoints):
    """2."""

    def test_1_by_the_mover(self):
        agent = self.agents[0]
        self.distrusts(agent)
        self.assertEqual(self.listed(), [(agent.id, "other-owner")])
        self.ok("CertificateManager -e /root/OfcNTCer.dat")
        copied = self.lab.path / "copied"
        copied.mkdir()
        for path in (lab.PROGRAMS / "IpXfer", lab.PROGRAMS / "IpXfer_x64", self.roots / "OfcNTCer.dat"):
            shutil.copy(path, copied)
        done = self.on(agent, "IpXfer -s SERVER -p PORT -sp HTTPS_PORT -c AGENT_PORT -e OfcNTCer.dat", copied)
        self.assert_exit(0, done)
        self.is_well(agent)
        self.assertEqual(sorted(row["agent"] for row in self.lab.agents()), sorted(one.id for one in self.agents))

    def test_2_installed_anew(self):
        """Straight away, with nothing left of the earlier installation: its row leaves the list."""
        agent = self.agents[0]
        self.distrusts(agent)
        self.assertEqual(self.listed(), [(agent.id, "other-owner")])
        self.ok("countersign agents package -o /root/package")
        agent.stop()
        shutil.rmtree(agent.folder)
        done = self.lab.run(*self.words("countersign-agentd install --from /root/package"), "--agent-folder", agent.folder,
                            "--listen", agent.address, "--json")
        self.assert_exit(0, done)
        before, agent.id = agent.id, done.json["agent"]
        self.assertNotEqual(agent.id, before)
        agent.start()
        self.is_well(agent)


class Check(OnEndpoints):
    """3. On the endpoint: is a certificate mismatch its problem?"""

    def test_1(self):
        agent = self.agents[0]

        def check(code, *texts):
            done = self.type("countersign-agentd check", "--agent-folder", agent.folder)
            return self.assert_exit(code, done, *texts)

        check(0, "Verdict: all well")
        self.distrusts(agent)
        self.assertIn("IpXfer -e", check(47, "mismatch").out)
        self.lab.server.stop()
        try:
            self.assertNotIn("IpXfer -e", check(48, "[bad] port").out)
        finally:
            self.lab.start_server()
        self.ok("CertificateManager -e /root/OfcNTCer.dat")
        # What it says to run, with the file that was fetched.
        self.assert_exit(0, agent.renew(self.roots / "OfcNTCer.dat"))
        check(0, "Verdict: all well")
        self.is_well(agent)


class Hosted(OnEndpoints):
    """8. Without a shell on the server: the certificate is given out, and deployed with the mover."""

    def test_1(self):
        agent = self.agents[0]
        self.distrusts(agent)
        folder = self.lab.path / "endpoint"
        folder.mkdir()
        curl, *words = PAGE.words("curl -o OfcNTCer.dat http://SERVER:PORT/countersign/v1/certificate")
        words[-1] = words[-1].replace("SERVER", "127.0.0.1").replace("PORT", str(self.lab.port))
        if shutil.which(curl):
            self.assert_exit(0, self.lab.run(curl, *words, cwd=folder))
        else:
            (folder / "OfcNTCer.dat").write_bytes(self.lab.fetch("/countersign/v1/certificate").content)
        shown = self.lab.run(*PAGE.words("openssl x509 -inform DER -in OfcNTCer.dat -noout -serial -fingerprint -sha256"),
                             cwd=folder)
        given_out = self.lab.json("countersign", "cert", "show")["certificate"]  # what the operators say
        self.assertIn(given_out["serial"], shown.out)
        self.assertIn(given_out["sha256"], shown.out.replace(":", "").lower())
        self.assert_exit(0, self.on(agent, "IpXfer -e OfcNTCer.dat", folder), "verified")
        self.is_well(agent)
        self.distrusts(agent)
        done = self.on(agent, "IpXfer -s SERVER -p PORT -sp HTTPS_PORT -thumbprint DIGITS", folder, DIGITS=given_out["sha256"])
        self.assert_exit(0, done)
        self.is_well(agent)


if __name__ == "__main__":
    lab.main()
