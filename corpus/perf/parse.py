# SPDX-License-Identifier: MIT
"""The text of `perf trace -F all` as events: calls with their results, page faults, exits.

Contract: `parse` takes what perf 5.x and 6.x print for system calls and page faults. perf names
arguments and leaves out those that are zero; here they get their places back, and constants
their prefixes, so that calls read as in strace. A call is printed when it returns, with the
time at which it began: events are sorted by that, for a child's faults stand before its
parent's clone() in the text. Lines that are none of that are kept in `Log.odd_lines`. A file
without any such line raises `RecordingError`.

Not promised: strings and structures that perf shows as addresses, the flags of clone3() among
them; signals, which are not in its text.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from corpus.recording.events import (
    Call,
    Event,
    Exit,
    Fault,
    Log,
    RecordingError,
    read_text,
    split_arguments,
)

MAX_LOG_BYTES: Final = 256 << 20  # as for strace: larger is a wrong file more likely than a log
NO_PID: Final = 0
_PLACES_A_MS: Final = 1000  # perf prints microseconds

# Without --no-inherit every line names its thread.
_HEAD: Final = re.compile(
    r" *(\?|\d{1,15}\.\d{1,9}) \( *(?:(\d{1,15}\.\d{1,9}) ms)? *\): "
    r"(?:(?:[^()\"]{0,15}?/)?(\d{1,18}) +)? *"
)
_LOST: Final = re.compile(r"LOST \d+ events!")
_FAULT: Final = re.compile(r"(maj|min)fault \[(.*?)\] => (?:(.*)@)?(\S*) \((.)(.)\)")
_OFFSET: Final = re.compile(r"(.*)\+(0x[0-9a-f]+)")
_CALL: Final = re.compile(r"(\w+)\((.*)\) += *(.*)")
_BEGUN: Final = re.compile(r"(\w+)\((.*)\) +\.\.\.")
_CONTINUED: Final = re.compile(r"\.\.\. \[continued\]: (\w+)\(\)\) *= *(.*)")
_RESULT: Final = re.compile(r"(\S+)(?: (E[A-Z0-9]+)\b)?.*")
_NAMED: Final = re.compile(r"(\w+): ?(.*)", re.DOTALL)

_RANGE: Final = ("start", "len")
# The arguments of calls that the importer reads, in their places, as perf's tracepoints name
# them; of all others the text stays as it is.
_PLACES: Final[dict[str, tuple[str, ...]]] = {
    "mmap": ("addr", "len", "prot", "flags", "fd", "off"),
    "munmap": ("addr", "len"),
    "mremap": ("addr", "old_len", "new_len", "flags", "new_addr"),
    "mprotect": (*_RANGE, "prot"),
    "pkey_mprotect": (*_RANGE, "prot", "pkey"),
    "madvise": ("start", "len_in", "behavior"),
    "process_madvise": ("pidfd", "vec", "vlen", "behavior", "flags"),
    "brk": ("brk",),
    "mlock": _RANGE,
    "mlock2": (*_RANGE, "flags"),
    "munlock": _RANGE,
    "mlockall": ("flags",),
    "msync": (*_RANGE, "flags"),
    "mincore": (*_RANGE, "vec"),
    "mseal": (*_RANGE, "flags"),
    "mbind": (*_RANGE, "mode", "nmask", "maxnode", "flags"),
    "remap_file_pages": ("start", "size", "prot", "pgoff", "flags"),
    "shmget": ("key", "size", "shmflg"),
    "shmat": ("shmid", "shmaddr", "shmflg"),
    "shmdt": ("shmaddr",),
    "memfd_create": ("uname", "flags"),
    "userfaultfd": ("flags",),
    "ftruncate": ("fd", "length"),
    "fallocate": ("fd", "mode", "offset", "len"),
    "ioctl": ("fd", "cmd", "arg"),
    "read": ("fd", "buf", "count"),
    "write": ("fd", "buf", "count"),
    "pread64": ("fd", "buf", "count", "pos"),
    "pwrite64": ("fd", "buf", "count", "pos"),
    "open": ("filename", "flags", "mode"),
    "openat": ("dfd", "filename", "flags", "mode"),
    "creat": ("pathname", "mode"),
    "openat2": ("dfd", "filename", "how", "usize"),
    "close": ("fd",),
    "dup": ("fildes",),
    "dup2": ("oldfd", "newfd"),
    "dup3": ("oldfd", "newfd", "flags"),
    "fcntl": ("fd", "cmd", "arg"),
}
# What perf cuts off from the names of constants.
_PREFIXES: Final = {
    ("mmap", "prot"): "PROT_",
    ("mprotect", "prot"): "PROT_",
    ("pkey_mprotect", "prot"): "PROT_",
    ("mmap", "flags"): "MAP_",
    ("mremap", "flags"): "MREMAP_",
    ("madvise", "behavior"): "MADV_",
    ("process_madvise", "behavior"): "MADV_",
    ("open", "flags"): "O_",
    ("openat", "flags"): "O_",
    ("memfd_create", "flags"): "MFD_",
    ("clone", "clone_flags"): "CLONE_",
}
# What clone3() is taken for: threads and posix_spawn() use it, fork() does not.
_THREAD: Final = "flags=CLONE_VM|CLONE_FILES"
_ANONYMOUS: Final = ("ANONYMOUS", "ANON")
# Functions of the kernel that access user memory: their faults say what they were.
_LOADS: Final = re.compile(r"__get_user_.*|.*copy_from_user.*|copyin.*|.*fault_in_readable.*")
_STORES: Final = re.compile(
    r"__put_user_.*|.*clear_user.*|.*copy_to_user.*|copyout.*"
    r"|.*fault_in_writeable.*|elf_load"
)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A call that is printed before it returns."""

    line: int
    time: float
    name: str
    arguments: str


def load(path: Path) -> Log:
    """The log in a file. Raises OSError for what is not readable."""
    return parse(read_text(path, MAX_LOG_BYTES, "the text that perf trace -o writes"), str(path))


def parse(text: str, name: str = "<log>") -> Log:
    """The events of a log."""
    log = Log(name, "perf")
    reader = _Reader()
    for at, line in enumerate(text.split("\n"), 1):
        if line.strip():
            problem = reader.line(at, line.rstrip())
            if problem:
                log.odd_lines.append((at, problem))
    for pid, begun in reader.begun.items():
        reader.add(begun.time, Call(begun.line, pid, begun.name, begun.arguments, "?", ""))
    log.events = reader.in_order()
    if not reader.events:
        raise RecordingError(
            f"{name}:1: no line of this is a line of perf trace: give what "
            "`perf trace -F all --syscalls -o FILE` wrote"
        )
    return log


class _Reader:
    """Lines, one by one, and the calls that have not returned yet."""

    def __init__(self) -> None:
        self.events: list[tuple[tuple[float, int], Event]] = []
        self.begun: dict[int, _Begun] = {}
        self.took = 0.0  # milliseconds of the call in this line
        self.now = 0.0  # the time of lines that have none is that of the line before

    def add(self, time: float, event: Event) -> None:
        self.events.append(((time, event.line), event))

    def in_order(self) -> list[Event]:
        """The events by when they began; of calls begin and end become places among these."""
        self.events.sort(key=lambda pair: pair[0])
        times = [round(time * _PLACES_A_MS) for (time, _), _ in self.events]
        found: list[Event] = []
        after: dict[int, int] = {}  # pid -> where its next event stands
        for at in range(len(times) - 1, -1, -1):
            event = self.events[at][1]
            if isinstance(event, Call):
                end = min(bisect_right(times, event.end), after.get(event.pid, len(times))) - 1
                event = event._replace(begin=at, end=max(at, end))
            elif isinstance(event, (Fault, Exit)):
                event = replace(event, place=at)
            after[event.pid] = at
            found.append(event)
        return found[::-1]

    def line(self, at: int, text: str) -> str:
        """Take a line, or say why not."""
        head = _HEAD.match(text)
        if not head and _LOST.fullmatch(text):
            return "perf lost events here, so what follows may not fit what was before"
        if not head:
            return "does not begin as lines of perf trace: time (duration): command/thread"
        pid = int(head[3] or NO_PID)
        self.took = float(head[2] or 0)
        time = self.now if head[1] == "?" else float(head[1])
        self.now = time
        rest = text[head.end() :]
        fault = _FAULT.fullmatch(rest)
        if fault:
            event = _fault(at, pid, fault)
            if event is None:
                return f"a page fault at an address that is no number: {fault[4][:40]}"
            self.add(time, event)
            return ""
        continued = _CONTINUED.fullmatch(rest)
        if continued:
            return self._returned(at, pid, continued)
        begun = _BEGUN.fullmatch(rest)
        if begun:
            self.begun[pid] = _Begun(at, time, begun[1], _positional(begun[1], begun[2]))
            return ""
        call = _CALL.fullmatch(rest)
        if not call:
            return "neither a call nor a page fault, or cut off"
        if call[1] in ("exit", "exit_group"):
            self.add(time, Exit(at, pid))
            return ""
        self.add(
            time,
            _call(at, pid, call[1], _positional(call[1], call[2]), call[3], time, time + self.took),
        )
        return ""

    def _returned(self, at: int, pid: int, continued: re.Match[str]) -> str:
        """The second half of a call. A new thread returns from a clone() that its parent made."""
        name, result = continued[1], continued[2]
        begun = self.begun.get(pid)
        if begun is None:
            if name in ("execve", "execveat"):  # of the command that perf starts
                self.add(self.now, _call(at, pid, name, "", result, self.now, self.now))
                return ""
            forks = ("clone", "clone3", "fork", "vfork")
            return "" if name in forks else "the call that goes on here did not begin in this log"
        if begun.name != name:
            return f"goes on with {name}, but {begun.name} is what did not return"
        del self.begun[pid]
        self.add(
            begun.time, _call(begun.line, pid, name, begun.arguments, result, begun.time, self.now)
        )
        return ""


def _fault(line: int, pid: int, match: re.Match[str]) -> Fault | None:
    """`[function+offset] => where@address (map level)`; the level k is the kernel."""
    where = match[3] or ""
    try:
        address = int(match[4], 16)
    except ValueError:
        if not where:
            return None
        address = 0  # in a file, as a symbol and offset
    function = _OFFSET.sub(r"\1", match[2])
    access = ""
    if match[6] == "k":
        access = (
            "load" if _LOADS.fullmatch(function) else "store" if _STORES.fullmatch(function) else ""
        )
    elif match[2] == match[4] or match[5] == "x":
        access = "load"  # the instruction itself
    return Fault(line, pid, f"{match[1]}fault", address, where, access)


def _call(
    line: int, pid: int, name: str, arguments: str, result: str, begin: float, end: float
) -> Call:
    """A call that was served from `begin` to `end`, in milliseconds."""
    match = _RESULT.fullmatch(result)
    value, errno = (match[1], match[2] or "") if match else ("?", "")
    return Call(
        line,
        pid,
        name,
        arguments,
        value,
        errno,
        0,
        False,
        round(begin * _PLACES_A_MS),
        round(end * _PLACES_A_MS),
    )


def _positional(name: str, text: str) -> str:
    """`len: 8192, prot: READ` as `0, 8192, PROT_READ`."""
    values: dict[str, str] = {}
    for argument in split_arguments(text):
        named = _NAMED.fullmatch(argument)
        if not named:
            return text
        key, value = named[1], named[2]
        prefix = _PREFIXES.get((name, key))
        values[key] = _with_prefix(value, prefix) if prefix else value
    if name == "clone":
        return ", ".join(f"{key.removeprefix('clone_')}={value}" for key, value in values.items())
    if name == "clone3":  # its flags are behind a pointer
        return _THREAD
    places = _PLACES.get(name)
    if places is None:
        return text
    if name == "mmap" and any(
        f"MAP_{word}" in values.get("flags", "").split("|") for word in _ANONYMOUS
    ):
        values.setdefault("fd", "-1")
    return ", ".join(values.get(place, "0") for place in places)


def _with_prefix(value: str, prefix: str) -> str:
    """Names with their prefix, which some perfs print for some of them."""
    return "|".join(
        word if word[:1].isdigit() or not word or word.startswith(prefix) else prefix + word
        for word in value.split("|")
    )
