"""Shows that scripts/check_layers.py fails on each forbidden kind of edge, and on nothing else."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPTS))
import check_layers  # noqa: E402

TARGETS = [
    f"src/{folder}/x.h"
    for folder in "base crypto trust wire store keys net server agent mover doctor daemon cli".split()
] + ["tests/support/x.h", "src/trust/x_fixture.h", "src/crypto/openssl_x.h"]

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
    "OpenSSL through a header": ("src/trust/a.cc", '#include "crypto/openssl_x.h"', "OpenSSL: not in trust, also not"),
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
    "a fixture in product": ("src/trust/a.cc", '#include "trust/x_fixture.h"', "test code: not in trust"),
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
    "anything in a fixture": ("src/base/a_fixture.h", "#include <openssl/evp.h>\n#include <gtest/gtest.h>"),
    "anything in test support": ("src/net/test_support.cc", "#include <gtest/gtest.h>"),
    "plain words": ("src/cli/a.cc", 'Print("choose a row, update it from the list");  // SELECT one FROM many'),
}


def make_tree(root, name, text):
    """One header for each layer, and the file given."""
    for path in [*TARGETS, name]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("#pragma once\n")
    (root / "src/crypto/openssl_x.h").write_text("#include <openssl/evp.h>\n")
    (root / name).write_text(text + "\n")


def faults(name, text):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        make_tree(root, name, text)
        return [fault for path in check_layers.sources(root) for fault in check_layers.check(path, root)]


def exit_code(name, text):
    with tempfile.TemporaryDirectory() as folder:
        make_tree(Path(folder), name, text)
        command = [sys.executable, SCRIPTS / "check_layers.py", folder]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode


class CheckLayersTest(unittest.TestCase):
    def test_each_forbidden_kind_is_the_one_fault(self):
        for title, (name, text, words) in FORBIDDEN.items():
            with self.subTest(title):
                found = faults(name, text)
                self.assertEqual(len(found), 1, found)
                self.assertIn(words, found[0])
                self.assertTrue(found[0].startswith(name), found)

    def test_what_is_allowed_has_no_fault(self):
        for title, (name, text) in ALLOWED.items():
            with self.subTest(title):
                self.assertEqual(faults(name, text), [])

    def test_exit_code_tells(self):
        self.assertEqual(exit_code("src/base/a.cc", '#include "base/x.h"'), 0)
        self.assertEqual(exit_code("src/base/a.cc", '#include "trust/x.h"'), 1)

    def test_an_empty_tree_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, SCRIPTS / "check_layers.py", folder]
            self.assertEqual(subprocess.run(command, capture_output=True, timeout=30, check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
