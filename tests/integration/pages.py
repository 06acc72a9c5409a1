"""Command lines that a page of docs/ prints, for tests that type them."""

import re
import shlex

import lab


class Page:
    """A page whose commands a test types; one that is not printed any more is an error."""

    def __init__(self, name):
        self.name = name
        text = (lab.ROOT / "docs" / name).read_text()
        lines = [line.strip() for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
        self.printed = [line for line in lines if line and not line.startswith("#")]

    def line(self, line):
        """`line`, if the page prints it."""
        if line not in self.printed:
            raise AssertionError(f"docs/{self.name} does not print {line!r} any more: adapt this test; it has {self.printed}")
        return line

    def words(self, line, **values):
        """A command line as words; those that are a name in `values` are replaced."""
        return [str(values.get(word, word)) for word in shlex.split(self.line(line))]
