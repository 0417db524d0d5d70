# SPDX-License-Identifier: MIT
"""Which address space and which open file each call of a log belongs to.

Contract: follows fork, vfork, clone (CLONE_VM shares the space, CLONE_FILES the descriptors),
execve, exits, and open, dup, close, memfd_create. A space ends when its last user exits or
calls execve. Processes that the log does not see being born get a space of their own. Events
come out in the order of the log; a fork stands where it began, before its child's first call.

Not promised: descriptors that came by socket or were open before the log began; those are
files of which nothing is known.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from corpus.recording import values
from corpus.recording.events import (
    Call, Exit, Fault, Log, Signal, Touch, Untaken, six_arguments, split_arguments,
)

_FORKS: Final = ("fork", "vfork", "clone", "clone3")
_OPENS: Final = {"open": 0, "openat": 1, "creat": 0, "openat2": 1}  # index of the path
_PROC: Final = re.compile(r"/proc/(?:self|thread-self|\d+)/(pagemap|mem|clear_refs|maps|smaps)")
# Argument that is a descriptor of a file that matters.
FD_ARGUMENT: Final = {
    "mmap": 4, "mmap2": 4, "ftruncate": 0, "fallocate": 0, "ioctl": 0, "read": 0, "write": 0,
    "pread64": 0, "pwrite64": 0, "pread": 0, "pwrite": 0, "vmsplice": 0,
}

MEMFD: Final = "memfd"
PAGEMAP: Final = "pagemap"
MEM: Final = "mem"
CLEAR_REFS: Final = "clear_refs"
USERFAULTFD: Final = "userfaultfd"
OTHER: Final = "other"


@dataclass(eq=False, slots=True)
class File:
    """An open file. `size` is the one in bytes that it had when it was first mapped, set by the
    ftruncate() of `sized_in_line`; `space` is the one that opened it: /proc/self means that."""

    kind: str
    name: str
    space: int
    size: int = 0
    sized_in_line: int = 0
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """An address space. `parent` is the one it was forked from, or None after execve and for
    processes whose birth the log does not show."""

    ident: int
    parent: int | None
    pid: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A call or another event, its space, and the file of its descriptor if it has one that
    matters; of memfd_create() the file that it makes."""

    event: Call | Untaken | Touch | Fault | Signal
    space: int
    file: File | None = None


@dataclass(frozen=True, slots=True)
class Forked:
    """A new space that is a copy; `call` is the fork."""

    call: Call
    space: int
    child: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The last user of a space is gone."""

    line: int
    space: int


@dataclass(slots=True)
class Followed:
    """A log sorted out."""

    spaces: list[Space] = field(default_factory=list)
    events: list[Placed | Forked | Ended] = field(default_factory=list)
    answered: bool = True


@dataclass(slots=True)
class _Process:
    space: int
    files: dict[int, tuple[File, bool]]  # descriptor -> file, close-on-exec


def follow(log: Log) -> Followed:
    """The events of a log with their spaces and files."""
    follower = _Follower()
    for event in log.events:
        match event:
            case Call():
                follower.call(event)
            case Untaken() | Touch() | Fault() | Signal():
                process = follower.process(event.pid)
                follower.out.events.append(Placed(event, process.space))
            case Exit():
                follower.exit(event)
    follower.out.answered = log.answered
    return follower.out


class _Follower:
    def __init__(self) -> None:
        self.out = Followed()
        self.processes: dict[int, _Process] = {}
        self.users: dict[int, int] = {}  # space -> processes and threads in it

    def process(self, pid: int) -> _Process:
        if pid not in self.processes:
            self.processes[pid] = _Process(self.new_space(pid, None), {})
        return self.processes[pid]

    def new_space(self, pid: int, parent: int | None) -> int:
        ident = len(self.out.spaces)
        self.out.spaces.append(Space(ident, parent, pid))
        self.users[ident] = 1
        return ident

    def leave(self, space: int, line: int) -> None:
        self.users[space] -= 1
        if self.users[space] == 0:
            self.out.events.append(Ended(line, space))

    def exit(self, event: Exit) -> None:
        process = self.processes.pop(event.pid, None)
        if process:
            self.leave(process.space, event.line)

    def call(self, call: Call) -> None:
        process = self.process(call.pid)
        if call.name in _FORKS:
            self.fork(call, process)
            return
        file = self.file_of(call, process)
        if call.name == "memfd_create":
            file = File(MEMFD, call.arguments, process.space)
        self.out.events.append(Placed(call, process.space, file))
        if call.result.startswith("-") or call.result == "?":
            return
        match call.name:
            case "execve" | "execveat":
                self.leave(process.space, call.line)
                process.space = self.new_space(call.pid, None)
                process.files = {fd: pair for fd, pair in process.files.items() if not pair[1]}
            case "memfd_create" if file:
                self.open(call, process, file, 1)
            case "userfaultfd":
                self.open(call, process, File(USERFAULTFD, "", process.space), 0)
            case "close":
                process.files.pop(values.descriptor(call.arguments) or 0, None)
            case "dup" | "dup2" | "dup3" | "fcntl":
                self.dup(call, process)
            case "ftruncate":
                size = values.number(six_arguments(call)[1])
                if file and size is not None and not file.mapped:
                    file.size, file.sized_in_line = size, call.line
            case "mmap" | "mmap2" if file:
                file.mapped = True
            case name if name in _OPENS:
                path = values.string(six_arguments(call)[_OPENS[name]])
                if path is not None:
                    proc = _PROC.fullmatch(path.decode("utf-8", "replace"))
                    kind = proc[1] if proc else OTHER
                    flags_at = _OPENS[name] + 1
                    self.open(call, process, File(kind, repr(path), process.space), flags_at)

    def fork(self, call: Call, process: _Process) -> None:
        flags = 0
        for argument in split_arguments(call.arguments):
            if "flags=" in argument or "CLONE_" in argument:
                text = argument.partition("flags=")[2].partition(",")[0] or argument
                flags = values.some_flags(text.strip("{} "), values.CLONE)
        if call.name == "vfork":
            flags = values.CLONE["CLONE_VM"] | values.CLONE["CLONE_VFORK"]
        child = values.number(call.result)
        if child is None or child <= 0:
            self.out.events.append(Placed(call, process.space))
            return
        files = process.files if flags & values.CLONE["CLONE_FILES"] else dict(process.files)
        if flags & values.CLONE["CLONE_VM"]:
            self.users[process.space] += 1
            self.processes[child] = _Process(process.space, files)
            self.out.events.append(Placed(call, process.space))
            return
        space = self.new_space(child, process.space)
        self.processes[child] = _Process(space, files)
        self.out.events.append(Forked(call, process.space, space))

    def open(self, call: Call, process: _Process, file: File, flags_at: int) -> None:
        descriptor = values.descriptor(call.result)
        if descriptor is not None:
            flags = six_arguments(call)[flags_at]
            close_on_exec = values.OPEN["MFD_CLOEXEC" if file.kind == MEMFD else "O_CLOEXEC"]
            mask = values.some_flags(flags, values.OPEN)
            process.files[descriptor] = (file, bool(mask & close_on_exec))

    def dup(self, call: Call, process: _Process) -> None:
        arguments = six_arguments(call)
        if call.name == "fcntl" and "F_DUPFD" not in call.arguments:
            return
        old, new = values.descriptor(arguments[0]), values.descriptor(call.result)
        if old is not None and new is not None and old in process.files:
            process.files[new] = (process.files[old][0], "CLOEXEC" in call.arguments)

    def file_of(self, call: Call, process: _Process) -> File | None:
        """The file behind the call's descriptor; one that was not seen opened is made up."""
        at = FD_ARGUMENT.get(call.name)
        if at is None:
            return None
        descriptor = values.descriptor(six_arguments(call)[at])
        if descriptor is None or descriptor < 0:
            return None
        if descriptor not in process.files:
            process.files[descriptor] = (File(OTHER, f"descriptor {descriptor}", process.space),
                                         False)
        return process.files[descriptor][0]
