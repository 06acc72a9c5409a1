"""Searching for secrets: in files, in the memory of a running process, and in that of one at its very end."""

import ctypes
import os
import re
import signal
import tempfile

CHUNK = 16 * 1024 * 1024
PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
PTRACE_O_EXITKILL, PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT = 0x100000, 0x40, 6


class Needles:
    """What to look for: names, and for each the octets that would give the secret away."""

    def __init__(self):
        self.forms = {}

    def add_text(self, name, text):
        """A password, as programs hold it: as it is, as a BMPString, as UTF-16 of this machine."""
        for encoding in ("utf-8", "utf-16-be", "utf-16-le"):
            self.forms[text.encode(encoding)] = f"{name} ({encoding})"

    def add_number(self, name, octets):
        """A part of a private key: as DER has it, and as OpenSSL holds large numbers. Half of it is too much already."""
        octets = octets.lstrip(b"\0")
        for what, value in (("DER", octets), ("number", octets[::-1])):
            for half in (value[:len(value) // 2], value[len(value) // 2:]):
                self.forms[half] = f"{name} ({what})"

    def without(self, names):
        other = Needles()
        other.forms = {form: name for form, name in self.forms.items() if name.rsplit(" (", 1)[0] not in names}
        return other

    def names(self):
        return {name.rsplit(" (", 1)[0] for name in self.forms.values()}

    def found_in(self, octets):
        return {name for form, name in self.forms.items() if form in octets}


def search_files(folder, needles, leave_out=()):
    """{path: names of what is in it} of all files below the folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or any(path.is_relative_to(other) for other in leave_out):
            continue
        names = needles.found_in(path.read_bytes())
        if names:
            found[str(path)] = names
    return found


def mapped(pid):
    """(begin, end, name) of all memory that the process can have written: not what it has of its program files."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            fields = line.split(maxsplit=5)
            name = fields[5].strip() if len(fields) > 5 else ""
            own = name not in ("[vvar]", "[vsyscall]", "[vvar_vclock]") and (fields[4] == "0" or "w" in fields[1])
            if fields[1].startswith("r") and own:
                begin, end = (int(part, 16) for part in fields[0].split("-"))
                yield begin, end, name


def search_memory(pid, needles):
    """(what was found and where, number of octets looked at) of a process that runs, or stands still."""
    found, looked_at = set(), 0
    overlap = max(len(form) for form in needles.forms)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, name in mapped(pid):
            tail, at = b"", begin
            while at < end:
                try:
                    octets = os.pread(memory.fileno(), min(CHUNK, end - at), at)
                except OSError:
                    break  # a device's
                if not octets:
                    break
                looked_at += len(octets)
                found |= {f"{what} in {name or 'anonymous memory'}" for what in needles.found_in(tail + octets)}
                tail = octets[-overlap:]
                at += len(octets)
    return found, looked_at


class AtItsEnd:
    """Runs a program and stops it when it has done everything, to look at its memory. One thread: ptrace knows it."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long

    def ptrace(self, request, pid, data):
        if self.libc.ptrace(request, pid, None, data) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def run(self, args, env, cwd, stdin, look):
        """`look(pid)` at the end; returns (exit code, output of both kinds)."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            pid = os.fork()
            if pid == 0:
                self.begin(args, env, cwd, given.fileno(), output.fileno())
            status = os.waitpid(pid, 0)[1]  # it stands at its first instruction
            if os.WIFSTOPPED(status):
                self.ptrace(PTRACE_SETOPTIONS, pid, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)
            passed_on = 0
            while os.WIFSTOPPED(status):
                self.ptrace(PTRACE_CONT, pid, passed_on)
                status = os.waitpid(pid, 0)[1]
                passed_on = os.WSTOPSIG(status) if os.WIFSTOPPED(status) else 0
                if status >> 8 == signal.SIGTRAP | PTRACE_EVENT_EXIT << 8:
                    passed_on = 0
                    look(pid)
            output.seek(0)
            return os.waitstatus_to_exitcode(status), output.read()

    def begin(self, args, env, cwd, stdin, output):
        try:
            os.dup2(stdin, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.chdir(cwd)
            self.ptrace(PTRACE_TRACEME, 0, None)
            os.execvpe(str(args[0]), [str(arg) for arg in args], env)
        finally:
            os._exit(127)


def parts_of(openssl, pem):
    """The secret numbers of a private key in PEM, by `openssl pkey -text`."""
    text = openssl("pkey", "-noout", "-text", stdin=pem)
    parts = {}
    for name in ("priv", "privateExponent", "prime1", "prime2"):
        match = re.search(rf"^{name}:\n((?:    .*\n)+)", text, re.MULTILINE)
        if match:
            parts[name] = bytes.fromhex(re.sub(r"[^0-9a-f]", "", match.group(1)))
    return parts
