# SPDX-License-Identifier: MIT
"""Which address space and which open file each call of a log belongs to.

Contract: follows fork, vfork, clone (CLONE_VM shares the space, CLONE_FILES the descriptors),
execve, exits, and open, dup, close, memfd_create; a userfaultfd comes out when its last descriptor
is closed. A space ends when its last user exits or calls
execve. Processes that the log does not see being born get a space of their own. Events come out in
the order of the log; a fork stands where it began, before its child's first call. Of a recording
with answers only calls come out that are about memory, or change what later ones may answer.

Not promised: descriptors that came by socket or were open before the log began; those are
files of which nothing is known. A userfaultfd whose last descriptor goes with its process stays.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from corpus.recording import values
from corpus.recording.events import (
    Call,
    Exit,
    Fault,
    Log,
    Signal,
    Touch,
    Untaken,
    six_arguments,
    split_arguments,
)

FORKS: Final = frozenset(("fork", "vfork", "clone", "clone3"))
_OPENS: Final = {"open": 0, "openat": 1, "creat": 0, "openat2": 1}  # index of the path
_PROC: Final = re.compile(r"/proc/(?:self|thread-self|\d+)/(pagemap|mem|clear_refs|maps|smaps)")
# Argument that is a descriptor of a file that matters.
FD_ARGUMENT: Final = {
    "mmap": 4,
    "mmap2": 4,
    "ftruncate": 0,
    "fallocate": 0,
    "ioctl": 0,
    "read": 0,
    "write": 0,
    "pread64": 0,
    "pwrite64": 0,
    "pread": 0,
    "pwrite": 0,
    "vmsplice": 0,
    "lseek": 0,
    "fcntl": 0,
}
# Of these only calls on files that are about memory.
_TRANSFERS: Final = frozenset(
    (
        "read",
        "write",
        "pread64",
        "pwrite64",
        "pread",
        "pwrite",
        "ioctl",
        "lseek",
        "ftruncate",
        "fallocate",
        "fcntl",
    )
)
# Calls that are about memory whatever their arguments are.
ALWAYS: Final = frozenset(
    (
        "mmap",
        "mmap2",
        "munmap",
        "mremap",
        "mprotect",
        "pkey_mprotect",
        "madvise",
        "process_madvise",
        "brk",
        "mlock",
        "mlock2",
        "munlock",
        "mlockall",
        "munlockall",
        "mincore",
        "msync",
        "remap_file_pages",
        "mbind",
        "set_mempolicy",
        "get_mempolicy",
        "migrate_pages",
        "move_pages",
        "set_mempolicy_home_node",
        "shmget",
        "shmat",
        "shmdt",
        "shmctl",
        "userfaultfd",
        "memfd_create",
        "memfd_secret",
        "vmsplice",
        "process_vm_readv",
        "process_vm_writev",
        "process_mrelease",
        "pkey_alloc",
        "pkey_free",
        "mseal",
        "map_shadow_stack",
        "fork",
        "vfork",
        "clone",
        "clone3",
    )
)
# Calls that are not about memory, but what calls that are may answer depends on them.
RULES: Final = frozenset(("prctl", "prlimit64", "setrlimit", "seccomp", "io_setup"))
_TRACKED: Final = (
    ALWAYS
    | RULES
    | frozenset(FD_ARGUMENT)
    | frozenset(_OPENS)
    | frozenset(("execve", "execveat", "close", "close_range", "dup", "dup2", "dup3"))
)

MEMFD: Final = "memfd"
PAGEMAP: Final = "pagemap"
MEM: Final = "mem"
CLEAR_REFS: Final = "clear_refs"
USERFAULTFD: Final = "userfaultfd"
ZERO: Final = "zero"  # /dev/zero, whose private mappings are anonymous memory
DEVICE: Final = "device"  # whose driver decides what a mapping of it can do
UNKNOWN: Final = "unknown"  # not opened in the log
OTHER: Final = "other"
SEAL_WRITE: Final = 8 | 16  # F_SEAL_WRITE, F_SEAL_FUTURE_WRITE (linux/fcntl.h)
_O_ACCMODE: Final = 3


@dataclass(eq=False, slots=True)
class File:
    """An open file. `access` is how it was opened (r, w, rw; empty: not known) in line `line`;
    `space` is the one that opened it: /proc/self means that. What else there is is the
    translation's: the `size` in bytes of a memory file, where its next read() or write() goes, its
    seals, its number in `Translation.files`."""

    kind: str
    name: str
    space: int
    access: str = ""
    line: int = 0
    size: int = 0
    position: int = 0
    seals: int = 0
    sealed_in_line: int = 0
    number: int = -1
    mapped: int = 0  # PROT_* bits with which it could be mapped

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Space:
    """An address space. `parent` is the one it was forked from, or None after execve and for
    processes whose birth the log does not show; `executed`: its execve() stands in the log, so
    what was mapped by calls since is all that is mapped but the program, its loader and stack."""

    ident: int
    parent: int | None
    pid: int
    executed: bool = False


class Placed(NamedTuple):
    """A call or another event, its space, and the file of its descriptor if it has one that
    matters; of memfd_create() the file that it makes."""

    event: Call | Untaken | Touch | Fault | Signal
    space: int
    file: File | None = None


class Forked(NamedTuple):
    """A new space that is a copy; `call` is the fork."""

    call: Call
    space: int
    child: int


class Ended(NamedTuple):
    """The last user of a space is gone."""

    line: int
    space: int
    place: int = 0


Following = Placed | Forked | Ended


@dataclass(slots=True)
class Followed:
    """A log that is sorted out while `events` are taken; `spaces` are those up to there."""

    spaces: list[Space] = field(default_factory=list)
    events: Iterable[Following] = ()
    answered: bool = True


@dataclass(slots=True)
class _Process:
    space: int
    files: dict[int, tuple[File, bool]]  # descriptor -> file, close-on-exec


def follow(log: Log) -> Followed:
    """The events of a log with their spaces and files."""
    follower = _Follower(log.answered)
    out = Followed(follower.spaces, answered=log.answered)
    out.events = _events(log, follower)
    return out


def _events(log: Log, follower: "_Follower") -> Iterator[Following]:
    for event in log.events:
        if isinstance(event, Call):
            follower.call(event)
        elif isinstance(event, Exit):
            follower.exit(event)
        else:
            follower.out.append(Placed(event, follower.process(event.pid).space))
        if follower.out:
            yield from follower.out
            follower.out.clear()


class _Follower:
    def __init__(self, answered: bool) -> None:
        self.answered = answered
        self.out: list[Following] = []
        self.spaces: list[Space] = []
        self.processes: dict[int, _Process] = {}
        self.users: dict[int, int] = {}  # space -> processes and threads in it
        self.uffds: list[File] = []  # userfaultfds that are open

    def process(self, pid: int) -> _Process:
        process = self.processes.get(pid)
        if process is None:
            process = self.processes[pid] = _Process(self.new_space(pid, None), {})
        return process

    def new_space(self, pid: int, parent: int | None, executed: bool = False) -> int:
        ident = len(self.spaces)
        self.spaces.append(Space(ident, parent, pid, executed))
        self.users[ident] = 1
        return ident

    def leave(self, space: int, line: int, place: int) -> None:
        self.users[space] -= 1
        if self.users[space] == 0:
            self.out.append(Ended(line, space, place))

    def exit(self, event: Exit) -> None:
        process = self.processes.pop(event.pid, None)
        if process:
            self.leave(process.space, event.line, event.place)

    def call(self, call: Call) -> None:
        process = self.process(call.pid)
        name = call.name
        if name not in _TRACKED:
            if not self.answered:
                self.out.append(Placed(call, process.space))
            return
        if name in FORKS:
            self.fork(call, process)
            return
        file = self.file_of(call, process) if name in FD_ARGUMENT else None
        if name == "memfd_create":
            file = File(MEMFD, call.arguments, process.space, "rw", call.line)
        if name not in _TRANSFERS or not self.answered or file and file.kind in _MEMORY_KINDS:
            self.out.append(Placed(call, process.space, file))
        if call.failed or call.result == "?":
            return
        self.done(call, name, process, file)

    def done(self, call: Call, name: str, process: _Process, file: File | None) -> None:
        """What a call that succeeded changed."""
        match name:
            case "execve" | "execveat":
                self.leave(process.space, call.line, call.end)
                process.space = self.new_space(call.pid, None, executed=True)
                process.files = {fd: pair for fd, pair in process.files.items() if not pair[1]}
            case "memfd_create" if file:
                self.open(call, process, file, six_arguments(call)[1])
            case "userfaultfd":
                uffd = File(USERFAULTFD, call.arguments, process.space)
                self.uffds.append(uffd)
                self.open(call, process, uffd, six_arguments(call)[0])
            case "close":
                process.files.pop(values.descriptor(call.arguments) or 0, None)
                self.closed(call, process)
            case "close_range":
                self.close_range(call, process)
                self.closed(call, process)
            case "dup" | "dup2" | "dup3":
                self.dup(call, process)
            case "fcntl":
                if "F_DUPFD" in call.arguments:
                    self.dup(call, process)
            case name if name in _OPENS:
                self.opened(call, process)

    def opened(self, call: Call, process: _Process) -> None:
        arguments = six_arguments(call)
        path = values.string(arguments[_OPENS[call.name]])
        if path is None:
            return
        text = path.decode("utf-8", "replace")
        proc = _PROC.fullmatch(text)
        kind = proc[1] if proc else ZERO if text == "/dev/zero" else OTHER
        if kind == OTHER and text.startswith("/dev/") and not text.startswith("/dev/shm/"):
            kind = DEVICE
        flags = "O_WRONLY" if call.name == "creat" else arguments[_OPENS[call.name] + 1]
        access = ""
        if self.answered:  # a program may say any number here
            mask = values.some_flags(
                flags.partition("flags=")[2].partition(",")[0] or flags, values.OPEN
            )
            access = {0: "r", 1: "w", 2: "rw"}.get(mask & _O_ACCMODE, "")
        self.open(call, process, File(kind, text, process.space, access, call.line), flags)

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
            self.out.append(Placed(call, process.space))
            return
        files = process.files if flags & values.CLONE["CLONE_FILES"] else dict(process.files)
        if flags & values.CLONE["CLONE_VM"]:
            self.users[process.space] += 1
            self.processes[child] = _Process(process.space, files)
            self.out.append(Placed(call, process.space))
            return
        space = self.new_space(child, process.space)
        self.processes[child] = _Process(space, files)
        self.out.append(Forked(call, process.space, space))

    def open(self, call: Call, process: _Process, file: File, flags: str) -> None:
        descriptor = values.descriptor(call.result)
        if descriptor is not None:
            close_on_exec = values.OPEN["MFD_CLOEXEC" if file.kind == MEMFD else "O_CLOEXEC"]
            mask = values.some_flags(flags, values.OPEN)
            process.files[descriptor] = (file, bool(mask & close_on_exec))

    def close_range(self, call: Call, process: _Process) -> None:
        first, last, flags = (values.number(word) for word in six_arguments(call)[:3])
        if first is None:
            return
        gone = [fd for fd in process.files if first <= fd and (last is None or fd <= last)]
        for fd in gone:
            if flags == 0:
                del process.files[fd]
            elif "CLOEXEC" in call.arguments:
                process.files[fd] = (process.files[fd][0], True)

    def closed(self, call: Call, process: _Process) -> None:
        """Userfaultfds that nobody has any more."""
        for uffd in list(self.uffds):
            kept = (pair[0] for each in self.processes.values() for pair in each.files.values())
            if not any(file is uffd for file in kept):
                self.uffds.remove(uffd)
                if self.out and self.out[-1] == Placed(call, process.space):
                    self.out.pop()  # of a program, all whose calls come out
                self.out.append(Placed(call, process.space, uffd))

    def dup(self, call: Call, process: _Process) -> None:
        arguments = six_arguments(call)
        old, new = values.descriptor(arguments[0]), values.descriptor(call.result)
        if old is not None and new is not None and old in process.files:
            process.files[new] = (process.files[old][0], "CLOEXEC" in call.arguments)

    def file_of(self, call: Call, process: _Process) -> File | None:
        """The file behind the call's descriptor; one that was not seen opened is made up."""
        at = FD_ARGUMENT[call.name]
        word = call.arguments.partition(",")[0] if at == 0 else six_arguments(call)[at]
        descriptor = values.descriptor(word)
        if descriptor is None or descriptor < 0:
            return None
        pair = process.files.get(descriptor)
        if pair is None:
            pair = (File(UNKNOWN, f"descriptor {descriptor}", process.space), False)
            process.files[descriptor] = pair
        return pair[0]


_MEMORY_KINDS: Final = (MEMFD, PAGEMAP, MEM, CLEAR_REFS, USERFAULTFD)
