"""No secret leaves a trace: recognisable ones go through every operation, and are searched for in all that was written,
printed, recorded, and in the memory of the programs."""

import json
import re
import secrets
import signal
import subprocess
import sys

import lab
from lab import IS_ROOT, Case, environment
from memory_search import AtItsEnd, Needles, parts_of, search_files, search_memory


class Traces(Case):
    """One server; the tests run in the order of their names."""

    @classmethod
    def prepare(cls):
        here = cls.lab
        # A sanitizer's allocator keeps what was freed.
        cls.sees_memory = IS_ROOT and not lab.sanitized()
        cls.needles = Needles()
        cls.passwords = {}
        for name in ("first", "second", "archive", "import", "wrong"):
            cls.passwords[name] = f"{name} horse {secrets.token_hex(8)}"
            cls.needles.add_text(f"password {name}", cls.passwords[name].split()[-1])
        cls.present = "first"
        # What holds secrets because the test put them there, and where no program of ours writes.
        cls.planted = here.path / "planted"
        cls.planted.mkdir(mode=0o700)
        cls.work = here.path / "work"
        cls.work.mkdir()
        cls.temporary = here.path / "tmp"
        cls.temporary.mkdir()
        cls.printed = []
        cls.plant_import()
        cls.run_at_end("countersign", "server", "init", "--password-file", "-",
                       *here.server_options(), stdin=cls.passwords["first"])
        config = here.data / "countersign.toml"
        config.write_text(config.read_text().replace('export = "forbidden"', 'export = "allowed"'))
        cls.note_owner_key("the first owner key")

    @classmethod
    def plant_import(cls):
        """Two files to import, RSA and EC, whose keys are known."""
        here = cls.lab
        for kind, new_key in (("rsa", ("rsa:2048",)), ("ec", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))):
            prefix = cls.planted / kind
            here.openssl("req", "-x509", "-newkey", *new_key, "-nodes", "-keyout", f"{prefix}.key", "-out", f"{prefix}.pem",
                         "-days", 400, "-subj", f"/CN=Imported {kind}")
            here.openssl("pkcs12", "-export", "-inkey", f"{prefix}.key", "-in", f"{prefix}.pem", "-out", f"{prefix}.pfx",
                         "-passout", "pass:" + cls.passwords["import"])
            cls.note_key(f"the imported {kind} key", prefix.with_suffix(".key").read_text())
        (cls.planted / "damaged.pfx").write_bytes((cls.planted / "rsa.pfx").read_bytes()[:-40] + bytes(40))

    @classmethod
    def openssl_text(cls, *args, stdin=""):
        return cls.lab.ok("openssl", *args, stdin=stdin).out

    @classmethod
    def note_key(cls, name, pem):
        parts = parts_of(cls.openssl_text, pem)
        assert parts, name
        for octets in parts.values():
            cls.needles.add_number(name, octets)

    @classmethod
    def note_owner_key(cls, name):
        pem = cls.openssl_text("pkcs12", "-in", cls.lab.data / "AuthCertBackup/OfficeScanAuth.dat", "-nocerts", "-noenc",
                               "-passin", "pass:" + cls.passwords[cls.present])
        for bag in pem.split("Bag Attributes")[1:]:
            if "friendlyName: countersign owner" in bag:
                cls.note_key(name, bag[bag.index("-----BEGIN"):])
                return
        raise AssertionError("no owner key in the backup")

    # Running programs.

    @classmethod
    def look_at(cls, args, pid):
        """What a program leaves in its memory when it has done everything; argument list and environment are in it."""
        found = search_memory(pid, cls.needles)[0]
        if found:
            raise AssertionError(f"in the memory of {args}: {sorted(found)}")
        cls.assert_not_blind(pid)
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                found = cls.needles.found_in(file.read())
            if found:
                raise AssertionError(f"{name} of {args}: {found}")

    @classmethod
    def assert_not_blind(cls, pid):
        control = Needles()
        control.add_text("its folder", str(cls.lab.data))
        found, looked_at = search_memory(pid, control)
        if not found:
            raise AssertionError(f"the search is blind: {looked_at} octets")

    @classmethod
    def run_at_end(cls, *args, code=0, stdin="", **more):
        env = environment(COUNTERSIGN_DATA=str(cls.lab.data), TMPDIR=str(cls.temporary), **more)
        if cls.sees_memory:
            done, output = AtItsEnd().run(args, env, cls.work, stdin, lambda pid: cls.look_at(args[0:2], pid))
        else:
            finished = cls.lab.run(*args, stdin=stdin, env=env, cwd=cls.work)
            done, output = finished.code, (finished.out + finished.err).encode()
        cls.printed.append(output)
        if done != code:
            raise AssertionError(f"{args[0:2]}: exit {done}, not {code}: {output.decode(errors='replace')}")
        return output.decode(errors="replace")

    def refused(self, *args, code=6, **how):
        self.run_at_end(*args, code=code, **how)

    def change_password(self, to):
        given = {"COUNTERSIGN_PASSWORD": self.passwords[self.present], "COUNTERSIGN_NEW_PASSWORD": self.passwords[to]}
        self.run_at_end("countersign", "backup", "password", **given)
        type(self).present = to

    def create_owner(self, name, to):
        given = {"COUNTERSIGN_PASSWORD": self.passwords[self.present], "COUNTERSIGN_NEW_PASSWORD": self.passwords[to]}
        self.run_at_end("countersign", "owner", "create", **given)
        type(self).present = to
        self.note_owner_key(f"the new owner key in {name}")

    def play(self, name):
        """Every operation, with the password in every way that it can come."""
        manager, own = "CertificateManager", self.passwords
        wrong = own["wrong"]
        file = self.planted / "wrong-password"
        file.write_text(wrong)
        self.refused(manager, "-c", wrong)
        self.refused(manager, "-c", "-", stdin=wrong)
        self.refused(manager, "-c", "-password-file", file)
        self.refused("countersign", "cert", "replace", COUNTERSIGN_PASSWORD=wrong)
        self.refused("countersign", "backup", "verify", "--password-file", "-", stdin=wrong)
        self.refused("countersign", "backup", "password", COUNTERSIGN_PASSWORD=wrong, COUNTERSIGN_NEW_PASSWORD=wrong)
        self.refused(manager, "-ine", wrong, self.planted / "rsa.pfx")
        self.refused(manager, "-ine", own["import"], self.planted / "damaged.pfx", code=13)
        self.refused("countersign", "owner", "create", COUNTERSIGN_PASSWORD=wrong)
        self.run_at_end(manager, "-c", own[self.present])
        self.run_at_end(manager, "-e", f"{name}.dat")
        self.run_at_end(manager, "-b", own["archive"], f"{name}.zip")
        self.refused(manager, "-b", wrong, f"{name}-owner.zip", "-owner", "-backup-password-file", file)
        self.refused(manager, "-r", wrong, f"{name}.zip")
        self.run_at_end(manager, "-re", own["archive"], f"{name}.zip")
        self.run_at_end("countersign", "backup", "verify", COUNTERSIGN_PASSWORD=own[self.present])
        self.run_at_end("countersign", "backup", "drill", COUNTERSIGN_PASSWORD=own[self.present])
        self.change_password("second" if self.present == "first" else "first")
        self.create_owner(name, "second" if self.present == "first" else "first")
        self.run_at_end(manager, "-l", f"{name}.csv")
        # An imported key is the server's own until the next -c, which destroys it and makes an owner.
        for kind, switch in (("rsa", "-ine"), ("ec", "-i")):
            backup = self.planted / "backup-password"
            backup.write_text(own[self.present])
            self.run_at_end(manager, switch, own["import"], self.planted / f"{kind}.pfx", "-replace",
                            "-backup-password-file", backup)
            self.run_at_end(manager, "-c", own[self.present])
            self.note_owner_key(f"the owner key after {kind} in {name}")
        output = self.run_at_end("countersign", "agents", "package", "--no-programs", "-o", f"{name}-package", "--json")
        package = (self.work / f"{name}-package/package.toml").read_text()
        token = re.search(r'secret = "([^"]+)"', package).group(1)
        self.assertNotIn(token, output)
        self.needles.add_text("the token's secret", token)

    def test_1_search_finds_what_is_there(self):
        """The test of the test: a process that holds two secrets, one of them as a BMPString, and a key."""
        marker, number = secrets.token_hex(8), secrets.token_bytes(32)
        needles = Needles()
        needles.add_text("password", marker)
        needles.add_number("key", number)
        code = "import sys; a = bytes.fromhex(sys.stdin.readline()); b = a[:16].decode(); print(b.encode('utf-16-be'), flush=True); " \
               "c = b.encode('utf-16-be'), a[16:][::-1]; sys.stdin.readline()"
        holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            holder.stdin.write((marker.encode() + number).hex().encode() + b"\n")
            holder.stdin.flush()
            holder.stdout.readline()
            found = {what.rsplit(" in ", 1)[0] for what in search_memory(holder.pid, needles)[0]}
        finally:
            holder.stdin.close()
            holder.stdout.close()
            holder.wait()
        self.assertLessEqual({"password (utf-8)", "password (utf-16-be)", "key (DER)", "key (number)"}, found)
        planted = search_files(self.planted, self.needles)
        self.assertEqual(planted, {}, "PEM is base64, and the passwords are in no file yet")
        (self.work / "note").write_bytes(b"x" + self.passwords["first"].encode("utf-16-le"))
        self.assertEqual(set(search_files(self.work, self.needles)), {str(self.work / "note")})
        (self.work / "note").unlink()

    def test_2_running_server(self):
        server = self.lab.start_server(env=environment(TMPDIR=str(self.temporary)))
        self.play("running")
        if self.sees_memory:
            # The registry has them by design, and so its cache.
            needles = self.needles.without({"the token's secret"})
            self.assertEqual(sorted(search_memory(server.process.pid, needles)[0]), [])
            self.assert_not_blind(server.process.pid)
        self.assertEqual(server.stop(), 0)

    def test_3_stopped_server(self):
        self.play("stopped")

    def test_4_nothing_was_written(self):
        """Files, logs, events and outputs. Packages and the registry hold tokens' secrets; keys/ those in use."""
        events = self.lab.json("countersign", "events", "list")["events"]
        self.assertGreater(len(events), 30)
        self.assertEqual(self.needles.found_in(json.dumps(events).encode()), set())
        self.assertEqual(self.needles.found_in(b"\n".join(self.printed)), set())
        self.assertEqual(self.needles.found_in(self.lab.server.text().encode()), set())
        allowed = [self.planted] + list(self.work.glob("*-package"))
        found = search_files(self.lab.path, self.needles, allowed)
        registry = {path: names for path, names in found.items() if "registry.db" in path}
        for names in registry.values():
            self.assertLessEqual({name.rsplit(" (", 1)[0] for name in names}, {"the token's secret"})
        self.assertEqual({path: names for path, names in found.items() if path not in registry}, {})
        self.assertEqual(list(self.temporary.iterdir()), [])


if __name__ == "__main__":
    lab.main()
