"""Shows that scripts/check_layers.py fails on each forbidden kind of edge, and on nothing else."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_layers.py"
TARGETS = [
    f"src/{folder}/x.h"
    for folder in "base crypto trust wire store keys net server agent mover doctor daemon cli".split()
] + ["tests/support/x.h"]

# (file, its text, words that the fault must contain)
FORBIDDEN = {
    "upward by one level": ("src/base/a.cc", '#include "crypto/x.h"', "upward: base may not include crypto"),
    "upward from the core": ("src/trust/a.cc", '#include "wire/x.h"', "upward: trust may not include wire"),
    "upward from a header": ("src/wire/a.h", '#include "store/x.h"', "upward: wire may not include store"),
    "upward to the loops": ("src/agent/a.cc", '#include "daemon/x.h"', "upward: agent may not include daemon"),
    "upward in angle brackets": ("src/base/a.cc", "#include <trust/x.h>", "upward"),
    "upward by a relative path": ("src/base/a.cc", '#include "../trust/x.h"', "upward"),
    "upward in an old spelling": ("src/base/a.cc", '  #  include  "trust/x.h"', "upward"),
    "upward in a folder below": ("src/base/deep/a.cc", '#include "trust/x.h"', "upward"),
    "sideways between adapters": ("src/store/a.cc", '#include "net/x.h"', "sideways: store may not include net"),
    "sideways between logics": ("src/server/a.cc", '#include "agent/x.h"', "sideways: server may not include agent"),
    "sideways between fronts": ("src/cli/a.cc", '#include "daemon/x.h"', "sideways: cli may not include daemon"),
    "OpenSSL in trust": ("src/trust/a.cc", "#include <openssl/evp.h>", "OpenSSL: not in trust"),
    "OpenSSL in apps": ("apps/p/main.cc", "#include <openssl/evp.h>", "OpenSSL: not in apps"),
    "SQLiteCpp in server": ("src/server/a.cc", "#include <SQLiteCpp/Database.h>", "SQLite: not in server"),
    "sqlite3 in daemon": ("src/daemon/a.cc", "#include <sqlite3.h>", "SQLite: not in daemon"),
    "Asio in agent": ("src/agent/a.cc", "#include <boost/asio/ip/tcp.hpp>", "Asio or Beast: not in agent"),
    "Asio, the whole, in cli": ("src/cli/a.cc", "#include <boost/asio.hpp>", "Asio or Beast: not in cli"),
    "Beast in wire": ("src/wire/a.cc", "#include <boost/beast/http.hpp>", "Asio or Beast: not in wire"),
    "POSIX in store": ("src/store/a.cc", "#include <unistd.h>", "POSIX: not in store"),
    "POSIX terminal in cli": ("src/cli/a.cc", "#include <termios.h>", "POSIX: not in cli"),
    "POSIX sys in keys": ("src/keys/a.cc", "#include <sys/stat.h>", "POSIX: not in keys"),
    "POSIX net in trust": ("src/trust/a.cc", "#include <net/if.h>", "POSIX: not in trust"),
    "POSIX in apps": ("apps/p/main.cc", "#include <fcntl.h>", "POSIX: not in apps"),
    "a thread in logic": ("src/server/a.cc", "#include <thread>", "threads or chance: not in server"),
    "chance in the core": ("src/trust/a.cc", "#include <random>", "threads or chance: not in trust"),
    "a stream in logic": ("src/agent/a.cc", "#include <fstream>", "streams: not in agent"),
    "a clock in the core": ("src/wire/a.cc", "auto t = std::chrono::system_clock::now();", "a clock: not in wire"),
    "test support in product": ("src/base/a.cc", '#include "tests/support/x.h"', "test code: not in base"),
    "GoogleTest in product": ("src/base/a.h", "#include <gtest/gtest.h>", "test code: not in base"),
    "SQL text outside store": ("src/server/a.cc", 'Run("SELECT id FROM agents");', "SQL: not in server"),
    "raw SQL text outside store": ("src/cli/a.cc", 'R"(DELETE FROM agents)"', "SQL: not in cli"),
    "raw SQL of several lines": ("src/cli/a.cc", 'R"sql(\n SELECT id\n FROM agents)sql"', "SQL: not in cli"),
    "SQL file outside store": ("src/server/a.sql", "", "SQL: not in server"),
    "unknown layer": ("src/helpers/a.cc", "", "no such layer"),
    "file beside the layers": ("src/a.cc", "", "no such layer"),
    "computed include": ("src/base/a.cc", "#include HEADER", "computed include"),
    "missing header": ("src/base/a.cc", '#include "base/none.h"', "not a file of the project"),
}
ALLOWED = {
    "downward": ("src/agent/a.cc", '#include "base/x.h"\n#include "store/x.h"\n#include "net/x.h"'),
    "all from apps": ("apps/p/main.cc", '#include "daemon/x.h"\n#include "cli/x.h"\n#include "base/x.h"'),
    "own folder": ("src/trust/a.cc", '#include "trust/x.h"\n#include "x.h"'),
    "OpenSSL in crypto": ("src/crypto/a.cc", "#include <openssl/evp.h>"),
    "SQLite in store": ("src/store/a.cc", '#include <SQLiteCpp/Database.h>\nRun("SELECT id FROM agents");'),
    "SQL file in store": ("src/store/sqlite/0001_first.sql", "CREATE TABLE agents (id);"),
    "Asio in net": ("src/net/a.cc", "#include <boost/asio/ip/tcp.hpp>\n#include <sys/socket.h>"),
    "Asio in daemon": ("src/daemon/a.cc", "#include <boost/beast/http.hpp>\n#include <unistd.h>"),
    "POSIX in base": ("src/base/a.cc", "#include <fcntl.h>\nauto t = std::chrono::system_clock::now();"),
    "anything in a test": ("src/base/a_test.cc", '#include <openssl/evp.h>\n#include "cli/x.h"\n#include <gtest/gtest.h>'),
    "plain words": ("src/cli/a.cc", 'Print("choose a row, update it from the list");  // SELECT one FROM many'),
}


def run(name, text):
    """Makes a tree of one header for each layer and the file given, and returns the script's exit code and output."""
    with tempfile.TemporaryDirectory() as root:
        for path in [*TARGETS, name]:
            (Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(root) / path).write_text("#pragma once\n")
        (Path(root) / name).write_text(text + "\n")
        done = subprocess.run(
            [sys.executable, SCRIPT, root], capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stdout + done.stderr


class CheckLayersTest(unittest.TestCase):
    def test_each_forbidden_kind_fails(self):
        for title, (name, text, words) in FORBIDDEN.items():
            with self.subTest(title):
                code, output = run(name, text)
                self.assertEqual(code, 1, output)
                self.assertIn(words, output)
                self.assertIn(name, output)
                self.assertIn(", 1 faults", output)

    def test_what_is_allowed_passes(self):
        for title, (name, text) in ALLOWED.items():
            with self.subTest(title):
                code, output = run(name, text)
                self.assertEqual(code, 0, output)

    def test_an_empty_tree_fails(self):
        with tempfile.TemporaryDirectory() as root:
            done = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, timeout=30, check=False)
            self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
