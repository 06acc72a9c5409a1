#!/usr/bin/env python3
"""Fails on an include that points upward or sideways, or that brings the outside world into the wrong folder.

usage: check_layers.py [ROOT]

Reads src/ and apps/ of ROOT (default: this project). The picture is in docs/architecture.md. Test code that stands
beside the code (TEST_CODE) may look anywhere, and nothing that ships may include it.
"""

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Lowest first. A folder may include itself and every folder of a level below its own.
LEVELS = (
    {"base"},
    {"crypto"},
    {"trust"},
    {"wire"},
    {"store", "keys", "net"},
    {"server", "agent", "mover", "doctor"},
    {"daemon", "cli"},
    {"apps"},
)
LEVEL_OF = {folder: level for level, folders in enumerate(LEVELS) for folder in folders}
PURE = {"trust", "wire"}
LOGIC = PURE | {"server", "agent", "mover", "doctor"}  # sans-I/O: the simulator runs these in one thread under a seed


@dataclass(frozen=True)
class Rule:
    """What `pattern` matches is allowed only in `folders`; if `also_through`, also not through the project's headers."""

    what: str
    pattern: re.Pattern
    folders: frozenset
    also_through: bool = False


def everywhere_but(folders):
    return frozenset(LEVEL_OF) - frozenset(folders)


INCLUDE_RULES = (
    Rule("OpenSSL", re.compile(r"openssl/"), frozenset({"crypto"}), also_through=True),
    Rule("SQLite", re.compile(r"SQLiteCpp/|sqlite3"), frozenset({"store"}), also_through=True),
    Rule("Asio or Beast", re.compile(r"boost/(asio|beast)\b"), frozenset({"net", "daemon"})),
    Rule(
        "POSIX",
        re.compile(
            r"(sys|netinet|arpa|net|linux|asm|bits|systemd)/"
            r"|(unistd|fcntl|poll|netdb|ifaddrs|termios|signal|pwd|grp|dirent|dlfcn|pthread|sched|semaphore|spawn|syslog"
            r"|aio|ftw|glob|fnmatch|regex|mqueue|utime|libgen|strings|getopt)\.h$"
        ),
        frozenset({"base", "net", "daemon"}),
    ),
    Rule("threads or chance", re.compile(r"(thread|random)$"), everywhere_but(LOGIC)),
    Rule("streams", re.compile(r"(fstream|iostream)$"), everywhere_but(LOGIC)),
    Rule("test code", re.compile(r"(tests|gtest|gmock|benchmark)/"), frozenset()),
)
CLOCK = Rule(
    "a clock", re.compile(r"\b(system|steady|high_resolution)_clock::now\b"), everywhere_but(LOGIC)
)
SQL = Rule(
    "SQL",
    re.compile(
        r"\b(SELECT|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|PRAGMA"
        r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX))\s"
    ),
    frozenset({"store"}),
)
# Comments are here so that a quotation mark in one does not open a literal.
COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|(?P<literal>R"(?P<mark>\w*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*")', re.DOTALL
)
TEST_CODE = re.compile(r"(.*_test|.*_fixture|.*_conformance|(.*_)?test_support)\.(cc|h)$")
INCLUDE = re.compile(r"^\s*#\s*include\s*(?:<([^>]+)>|\"([^\"]+)\"|(\S.*))", re.MULTILINE)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def folder_of(path, root):
    """The layer that a file belongs to: src/<layer>/... or apps/...; None for what lies outside."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
    if parts[:1] == ("apps",):
        return "apps"
    return parts[1] if parts[:1] == ("src",) and len(parts) > 2 else None


def our_file(name, includer, root):
    """The project's file that an include names, found as the compiler would; None for a header from elsewhere."""
    for base in (includer.parent, root / "src", root):
        candidate = (base / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate
    return None


@cache
def external_includes(header, root):
    """The names of all headers from elsewhere that a header of the project includes, also through others."""
    names, seen, todo = set(), {header}, [header]
    while todo:
        path = todo.pop()
        for angle, quoted, _ in INCLUDE.findall(path.read_text(encoding="utf-8")):
            target = our_file(angle or quoted, path, root)
            if not target:
                names.add(angle or quoted)
            elif target not in seen:
                seen.add(target)
                todo.append(target)
    return names


def seeping_through(header, folder, root):
    """Why a header that may be included as such brings what may not, or None."""
    for rule in INCLUDE_RULES:
        if rule.also_through and folder not in rule.folders:
            if any(rule.pattern.match(name) for name in external_includes(header, root)):
                return f"{rule.what}: not in {folder}, also not through a header"
    return None


def check_include(name, path, folder, root):
    """Why this include is forbidden, or None."""
    target = our_file(name, path, root)
    if target and TEST_CODE.match(target.name):
        return f"test code: not in {folder}"
    target_folder = folder_of(target, root) if target else None
    if target_folder == folder:
        return None
    if target_folder in LEVEL_OF:
        if LEVEL_OF[target_folder] < LEVEL_OF[folder]:
            return seeping_through(target, folder, root)
        kind = "sideways" if LEVEL_OF[target_folder] == LEVEL_OF[folder] else "upward"
        return f"{kind}: {folder} may not include {target_folder}"
    for rule in INCLUDE_RULES:
        if rule.pattern.match(name) and folder not in rule.folders:
            return f"{rule.what}: not in {folder}"
    return None


def check_file(path, folder, root):
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        angle, quoted, computed = match.groups()
        line = line_of(text, match.start(match.lastindex))
        if computed:
            yield line, f"computed include cannot be checked: {computed}"
        elif quoted and not our_file(quoted, path, root):
            yield line, f'"{quoted}" is not a file of the project'
        else:
            why = check_include(angle or quoted, path, folder, root)
            if why:
                yield line, f"{why} ({angle or quoted})"
    for match in CLOCK.pattern.finditer(text):
        if folder not in CLOCK.folders:
            yield line_of(text, match.start()), f"{CLOCK.what}: not in {folder}"
    for match in COMMENT_OR_LITERAL.finditer(text):
        if folder not in SQL.folders and SQL.pattern.search(match["literal"] or ""):
            yield line_of(text, match.start()), f"{SQL.what}: not in {folder}"


def sources(root):
    """The files that ship."""
    files = [*root.glob("src/**/*"), *root.glob("apps/**/*")]
    return sorted(f for f in files if f.suffix in {".cc", ".h", ".sql"} and not TEST_CODE.match(f.name))


def check(path, root):
    """Yields one line of text for each fault of a file."""
    where = path.relative_to(root)
    folder = folder_of(path, root)
    if folder not in LEVEL_OF:
        yield f"{where}: no such layer; see LEVELS in {Path(__file__).name}"
    elif path.suffix != ".sql":
        for line, fault in check_file(path, folder, root):
            yield f"{where}:{line}: {fault}"
    elif folder != "store":
        yield f"{where}: SQL: not in {folder}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    files = sources(root)
    faults = [fault for path in files for fault in check(path, root)]
    print(*faults, f"layers: {len(files)} files, {len(faults)} faults", sep="\n")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
