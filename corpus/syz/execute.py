# SPDX-License-Identifier: MIT
"""What syzkaller's executor does with a program, as events of a process.

Contract: every call of the program is one event, a `Call` in the notation of strace or an
`Untaken` with a reason, so that `corpus.recording` translates programs as it does logs. Numbers
decide and not the names of variants. Before a call the executor stores the data that its
pointers point at: those are stores of the main thread. `async` calls go to further threads, one
after the other, if the header does not forbid threads; with `collide`, which old programs have,
the program runs a second time and nobody waits for every other call. `rerun` repeats a call.
Results are made up: all calls that open or map something succeed.

Not promised: what depends on results of the real kernel, or on sizes of types that only
syzkaller's descriptions know. One iteration of one process is one scenario: `repeat` starts
others with fresh memory, `procs` have memory of their own. The injected failure of `fail_nth`
is left out: the n-th allocation of the kernel is not that of the model.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from corpus.recording import values as constants
from corpus.recording.arguments import WORD_SIZE
from corpus.recording.events import Call, Event, Exit, Log, Touch, Untaken
from corpus.recording.follow import FD_ARGUMENT
from corpus.recording.layout import ANON, Region
from corpus.recording.rules import PAGE_SIZE, TASK_PAGES
from corpus.syz.pointers import bounds, flattened, items, stored, string
from corpus.syz.program import (
    DATA_BASE,
    DATA_PAGE,
    DATA_PAGES,
    OLD_BASE,
    Bound,
    Group,
    Number,
    Pointer,
    Program,
    ProgramCall,
    Result,
    Value,
)
from simulator import ops
from simulator.scenario import NR_USER_ACTORS

MAIN: Final = 1  # the pid of the process
_FIRST_CHILD: Final = 1000
_MAX_TOUCHES: Final = 8  # stores of one call's data: more of them tell a fuzzer nothing new
_MAX_RERUNS: Final = 3  # likewise
_MAX_ENTRIES: Final = 64  # of pagemap in one read, likewise

_THREAD: Final = re.compile(r"T([1-7])")  # a comment of `corpus.syz.export`
_PROT_SEM: Final = 8
_MAP_TYPE: Final = 15
_MAP_IGNORED: Final = ("MAP_SYNC", "MAP_UNINITIALIZED")  # but for MAP_SHARED_VALIDATE, no MMU
_MAP_BITS: Final = sum(
    {value for name, value in constants.MAP.items() if name not in _MAP_IGNORED} - set(range(16))
)
_CLONES: Final = ("fork", "vfork", "clone", "clone3", "syz_clone", "syz_clone3")
_OPENS: Final = {"open": 0, "openat": 1, "openat2": 1, "creat": 0, "syz_open_procfs": 1}
# Calls whose first argument is an address of the program; the fifth of mremap() is one too.
_ADDRESSED: Final = frozenset(
    (
        "mmap",
        "munmap",
        "mremap",
        "mprotect",
        "pkey_mprotect",
        "madvise",
        "mlock",
        "mlock2",
        "munlock",
        "mincore",
        "msync",
        "remap_file_pages",
        "mbind",
        "mseal",
        "brk",
        "shmdt",
    )
)

# Fields of the arguments of userfaultfd's ioctls, in their order in memory.
_UFFDIO_RANGE: Final = ("start", "len", "mode")
_UFFDIO_COPY: Final = ("dst", "src", "len", "mode")
_UFFDIO: Final = {
    "UFFDIO_API": ("api", "features"),
    "UFFDIO_REGISTER": _UFFDIO_RANGE,
    "UFFDIO_UNREGISTER": _UFFDIO_RANGE[:2],
    "UFFDIO_WAKE": _UFFDIO_RANGE[:2],
    "UFFDIO_COPY": _UFFDIO_COPY,
    "UFFDIO_ZEROPAGE": _UFFDIO_RANGE,
    "UFFDIO_MOVE": _UFFDIO_COPY,
    "UFFDIO_WRITEPROTECT": _UFFDIO_RANGE,
    "UFFDIO_CONTINUE": _UFFDIO_RANGE,
    "UFFDIO_POISON": _UFFDIO_RANGE,
}

_INJECTED: Final = "fail_nth: the call is taken without its failure"
CHOSEN: Final = "the kernel chooses its place, which a program does not show"
CLOSED: Final = "its descriptor is -1: the call fails"
DRIVER: Final = "maps what a driver gives: such pages are not in the model"
NOT_A_FILE: Final = "MAP_SHARED_VALIDATE is for files: the call fails"


@dataclass(slots=True)
class Executed:
    """The events, the mappings that were there before, and what is not as the program says:
    reasons with counts."""

    log: Log
    before: list[Region]
    notes: Counter[str] = field(default_factory=Counter)


def execute(program: Program) -> Executed:
    """Run a program, as far as its text tells what happens."""
    executor = _Executor(program)
    executor.run()
    return executor.out


def data_area() -> list[Region]:
    """What the executor maps before a program runs."""
    end = DATA_PAGE + DATA_PAGES
    return [
        Region(DATA_PAGE - 1, DATA_PAGE, 0, False, ANON, 0),
        Region(DATA_PAGE, end, 7, False, ANON, 0),
        Region(end, end + 1, 0, False, ANON, 0),
    ]


class _Executor:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.out = Executed(
            Log(program.name, "syz", odd_lines=program.odd_lines, answered=False), data_area()
        )
        self.events: list[Event] = []
        self.out.log.events = self.events
        self.results: dict[str, int] = {}
        self.fresh = 3  # descriptors, and results of which nothing else is known
        self.pid = _FIRST_CHILD
        self.rotation = 0
        self.files: set[int] = set()  # descriptors of files that can be mapped
        self.memory_files: set[int] = set()
        self.again = False
        self.leaving: list[int] = []  # children that exit when the program is over

    def run(self) -> None:
        options = self.program.options
        threaded = not options or options.get("threaded") == "true"
        injected = options.get("fault") == "true"  # what `fail_nth` was in old programs
        collide = threaded and options.get("collide") == "true" and not injected
        if injected:
            self.note(_INJECTED)
        if collide:
            self.note("collide: the program runs a second time, with every other call async")
        for self.again in (False, True) if collide else (False,):
            for index, call in enumerate(self.program.calls):
                unwaited = call.asynchronous or self.again and index % 2 == 1
                self.call(call, self.thread(call) if threaded and unwaited else 0)
        if self.leaving:
            line = self.program.calls[-1].line
            self.events += [Exit(line, pid) for pid in self.leaving]

    def thread(self, call: ProgramCall) -> int:
        """The thread of a call that nobody waits for: the comment names it where this project
        wrote the program, else it is the next one."""
        named = _THREAD.fullmatch(call.comment)
        if named:
            return int(named[1])
        self.rotation = self.rotation % (NR_USER_ACTORS - 1) + 1
        return self.rotation

    def call(self, call: ProgramCall, thread: int) -> None:
        self.stores(call)
        if call.fail_nth:
            self.note(_INJECTED)
        event = self.event(call)
        if isinstance(event, Untaken):
            if not self.again:
                self.events.append(event)
            return
        name, arguments, result = event
        for again in range(1 + min(call.rerun, _MAX_RERUNS)):
            self.loads(call, name, thread)
            self.events.append(
                Call(call.line, MAIN, name, arguments, result, "", thread, self.again or again > 0)
            )
        if call.rerun > _MAX_RERUNS:
            self.note(f"rerun: {_MAX_RERUNS} repetitions stand for more")

    def note(self, what: str) -> None:
        if not self.again:
            self.out.notes[what] += 1

    # Values.

    def number(self, call: ProgramCall, at: int) -> int:
        return self.value(call.arguments[at]) if at < len(call.arguments) else 0

    def value(self, value: Value) -> int:
        match value:
            case Number():
                return value.value
            case Pointer():
                return value.address
            case Bound():
                return self.value(value.value)
            case Result():
                number = self.results.get(value.name, 0)
                return number // (value.div or 1) + value.add
        return 0

    def address(self, call: ProgramCall, at: int) -> int:
        """An address; in old programs numbers may mean the data area where it was then."""
        value = self.number(call, at)
        if OLD_BASE - PAGE_SIZE <= value < OLD_BASE + (DATA_PAGES + 1) * PAGE_SIZE:
            return value - OLD_BASE + DATA_BASE
        return value

    def descriptor(self, call: ProgramCall, at: int) -> int:
        value = self.number(call, at) & 0xFFFFFFFF
        return value - (1 << 32) if value >> 31 else value

    def bind(self, call: ProgramCall) -> int:
        """A new result for a call, and for what it stores."""
        self.fresh += 1
        result = self.fresh
        if call.result:
            self.results[call.result] = result
        for argument in call.arguments:
            for bound in bounds(argument):
                self.fresh += 1
                self.results[bound.name] = self.fresh
        return result

    # Touches.

    def stores(self, call: ProgramCall) -> None:
        """The executor stores what the pointers of a call point at."""
        words: dict[int, None] = {}
        for argument in call.arguments:
            for address, size in stored(argument):
                first, last = address // WORD_SIZE, (address + size - 1) // WORD_SIZE
                for word in range(first, min(last, first + _MAX_TOUCHES) + 1):
                    words[word] = None
        if len(words) > _MAX_TOUCHES:
            self.note(f"data: stores of {_MAX_TOUCHES} words of a call stand for more")
        for word in list(words)[:_MAX_TOUCHES]:
            self.touch(call, ops.OP_WRITE, word, 0)

    def loads(self, call: ProgramCall, name: str, thread: int) -> None:
        """The kernel loads what is written to a memory file, and stores what is read from it."""
        code = {
            "write": ops.OP_READ,
            "pwrite64": ops.OP_READ,
            "read": ops.OP_WRITE,
            "pread64": ops.OP_WRITE,
        }.get(name)
        if code is None or self.descriptor(call, 0) not in self.memory_files:
            return
        address, size = self.number(call, 1), self.number(call, 2)
        if size > 0:
            first, last = address // WORD_SIZE, (address + size - 1) // WORD_SIZE
            for word in range(first, min(last + 1, first + _MAX_TOUCHES)):
                self.touch(call, code, word, thread)

    def touch(self, call: ProgramCall, code: int, word: int, thread: int) -> None:
        if 0 <= word * WORD_SIZE < TASK_PAGES * PAGE_SIZE:
            self.events.append(Touch(call.line, MAIN, code, word * WORD_SIZE, thread))

    # Calls: name, arguments and result in the notation of strace.

    def event(self, call: ProgramCall) -> tuple[str, str, str] | Untaken:
        name = call.name
        at_fd = FD_ARGUMENT.get(name)
        if name != "mmap" and at_fd is not None and self.descriptor(call, at_fd) == -1:
            self.bind(call)
            return Untaken(call.line, MAIN, name, CLOSED)
        if name in _CLONES:
            return self.clone(call)
        if name in _OPENS or name == "syz_open_dev":
            return self.open(call)
        match name:
            case "mmap":
                return self.mmap(call)
            case "mremap":
                return self.mremap(call)
            case "mprotect" | "pkey_mprotect":
                prot = self.number(call, 2) & ~_PROT_SEM
                rest = [self.number(call, at) for at in range(3, len(call.arguments))]
                return name, self.text(call, 2, prot, *rest), "0"
            case "madvise":  # whose advice is an int
                return name, self.text(call, 2, self.number(call, 2) & 0xFFFFFFFF), "0"
            case "dup" | "dup2" | "dup3":
                return self.dup(call)
            case "close":
                return name, str(self.descriptor(call, 0)), "0"
            case "memfd_create":
                return self.memfd_create(call)
            case "write" | "pwrite64" | "read" | "pread64":
                return self.transfer(call)
            case "process_madvise":
                return self.process_madvise(call)
            case "ioctl" if constants.uffdio(f"{self.number(call, 1):#x}") in _UFFDIO:
                return self.uffdio(call)
            case "vmsplice":
                vectors, _ = self.vectors(call)
                return (
                    name,
                    f"{self.descriptor(call, 0)}, [{', '.join(vectors)}], {len(vectors)}, 0",
                    str(self.bind(call)),
                )
            case "shmat":
                if not self.address(call, 1):
                    return Untaken(call.line, MAIN, name, CHOSEN)
                place = self.address(call, 1)
                return name, f"{self.number(call, 0)}, {place:#x}, 0", f"{place:#x}"
            case "shmget":
                size = self.number(call, 1)
                return name, f"0, {size}, 0", str(self.bind(call))
        if at_fd == 0:
            rest = [self.number(call, at) for at in range(1, len(call.arguments))]
            return (
                name,
                ", ".join((str(self.descriptor(call, 0)), *(f"{v:#x}" for v in rest))),
                str(self.bind(call)),
            )
        result = str(self.bind(call))
        return name, self.text(call, len(call.arguments)), "0" if name in _ADDRESSED else result

    def text(self, call: ProgramCall, count: int, *more: int) -> str:
        """The first `count` arguments as numbers, and `more`."""
        first = (
            self.address(call, at) if at == 0 and call.name in _ADDRESSED else self.number(call, at)
            for at in range(count)
        )
        return ", ".join(f"{value:#x}" for value in (*first, *more))

    def mmap(self, call: ProgramCall) -> tuple[str, str, str] | Untaken:
        """syzkaller sets MAP_FIXED in every mmap() that it runs. The kernel ignores bits that it
        does not know, but for MAP_SHARED_VALIDATE."""
        address, flags = self.address(call, 0), self.number(call, 3)
        anonymous = flags & constants.MAP["MAP_ANONYMOUS"]
        descriptor = self.descriptor(call, 4)
        if flags & _MAP_TYPE == constants.MAP["MAP_SHARED_VALIDATE"] and anonymous:
            return Untaken(call.line, MAIN, call.name, NOT_A_FILE)
        if not anonymous and descriptor == -1:
            return Untaken(call.line, MAIN, call.name, CLOSED)
        if not anonymous and descriptor not in self.files:
            return Untaken(call.line, MAIN, call.name, DRIVER)
        flags = flags & (_MAP_BITS | _MAP_TYPE) | constants.MAP["MAP_FIXED"]
        if call.result:
            self.results[call.result] = address
        arguments = (
            f"{address:#x}, {self.number(call, 1):#x}, {self.number(call, 2) & 7:#x}, "
            f"{flags:#x}, {descriptor}, {self.number(call, 5):#x}"
        )
        return call.name, arguments, f"{address:#x}"

    def mremap(self, call: ProgramCall) -> tuple[str, str, str] | Untaken:
        start, old, new, flags = (
            self.address(call, 0),
            self.number(call, 1),
            self.number(call, 2),
            self.number(call, 3),
        )
        to = self.address(call, 4)
        if not flags & constants.MREMAP["MREMAP_FIXED"]:
            grows = -(-new // PAGE_SIZE) > -(-old // PAGE_SIZE)
            if flags & constants.MREMAP["MREMAP_DONTUNMAP"] or grows and flags:
                return Untaken(call.line, MAIN, call.name, CHOSEN)
            to = start
        if call.result:
            self.results[call.result] = to
        return call.name, f"{start:#x}, {old:#x}, {new:#x}, {flags:#x}, {to:#x}", f"{to:#x}"

    def memfd_create(self, call: ProgramCall) -> tuple[str, str, str]:
        descriptor = self.bind(call)
        self.files.add(descriptor)
        self.memory_files.add(descriptor)
        return call.name, f'"", {self.number(call, 1):#x}', str(descriptor)

    def dup(self, call: ProgramCall) -> tuple[str, str, str]:
        old, new = self.descriptor(call, 0), self.bind(call)
        if call.name != "dup":  # whose new descriptor is given
            new = self.descriptor(call, 1)
            if call.result:
                self.results[call.result] = new
        for kind in (self.files, self.memory_files):
            kind.discard(new)
            if old in kind:
                kind.add(new)
        return call.name, f"{old}, {new}", str(new)

    def open(self, call: ProgramCall) -> tuple[str, str, str]:
        """Files of drivers cannot be mapped like others, and their data is no file's."""
        descriptor = self.bind(call)
        path = b""
        at = _OPENS.get(call.name, 0)
        if at < len(call.arguments):
            path = string(call.arguments[at])
        if call.name == "syz_open_procfs":
            path = b"/proc/self/" + (path or call.variant.encode())
        elif call.name == "syz_open_dev" or call.variant and not path:
            path = b"/dev/" + call.variant.encode()
        if not path.startswith((b"/dev/", b"/proc/", b"/sys/")):
            self.files.add(descriptor)
        quoted = "".join(f"\\x{byte:02x}" for byte in path)
        return "openat", f'-100, "{quoted}", 0, 0', str(descriptor)

    def transfer(self, call: ProgramCall) -> tuple[str, str, str]:
        """read(), write() and their like, with the data that /proc files are about."""
        descriptor, size = self.descriptor(call, 0), self.number(call, 2)
        buffer = f"{self.number(call, 1):#x}"
        offset = self.address(call, 3)
        if call.name == "write" and len(call.arguments) > 1:
            text = string(call.arguments[1])
            buffer = '"' + "".join(f"\\x{byte:02x}" for byte in text[:size]) + '"'
        if call.name == "pread64" and descriptor not in self.memory_files:
            entries = min(size // 8, _MAX_ENTRIES)  # of pagemap, if it is that
            if entries and size % 8 == 0:
                buffer, size = '"' + "\\0" * 8 * entries + '"', 8 * entries
            old = OLD_BASE // PAGE_SIZE * 8
            if old <= offset < old + 8 * DATA_PAGES:
                offset += (DATA_BASE - OLD_BASE) // PAGE_SIZE * 8
        return call.name, f"{descriptor}, {buffer}, {size}, {offset:#x}", str(size)

    def process_madvise(self, call: ProgramCall) -> tuple[str, str, str]:
        vectors, total = self.vectors(call)
        arguments = (
            f"{self.descriptor(call, 0)}, [{', '.join(vectors)}], {len(vectors)}, "
            f"{self.number(call, 3):#x}, 0"
        )
        return call.name, arguments, str(total)

    def uffdio(self, call: ProgramCall) -> tuple[str, str, str]:
        """An ioctl of userfaultfd; its argument as strace shows it, where the program does."""
        number = self.number(call, 1)
        values = [self.value(field) for field in flattened(items(call.arguments[2:3]))]
        names = _UFFDIO[constants.uffdio(f"{number:#x}")]
        shown = f"{self.number(call, 2):#x}"
        if values:
            values += [0] * (len(names) - len(values))
            fields = (f"{name}={value:#x}" for name, value in zip(names, values, strict=False))
            shown = f"{{{', '.join(fields)}}}"
        self.bind(call)
        return call.name, f"{self.descriptor(call, 0)}, {number:#x}, {shown}", "0"

    def vectors(self, call: ProgramCall) -> tuple[list[str], int]:
        """Vectors as strace prints them, and how many bytes they are in whole pages."""
        vectors, total = [], 0
        for vector in items(call.arguments[1:2]):
            if isinstance(vector, Group) and len(vector.items) == 2:
                base, size = (self.value(part) for part in vector.items)
                vectors.append(f"{{iov_base={base:#x}, iov_len={size:#x}}}")
                total += -(-size // PAGE_SIZE) * PAGE_SIZE
        return vectors, total

    def clone(self, call: ProgramCall) -> tuple[str, str, str]:
        """syz_clone() never shares memory, and its child exits after a while: when the program
        is over. The child of a plain clone() stays."""
        flags = 0
        if call.name in ("clone", "syz_clone"):
            flags = self.number(call, 0)
        elif call.name in ("clone3", "syz_clone3"):
            flags = next((self.value(item) for item in items(call.arguments[:1])), 0)
        elif call.name == "vfork":
            flags = constants.CLONE["CLONE_VM"] | constants.CLONE["CLONE_VFORK"]
        if call.name.startswith("syz_"):
            flags &= ~constants.CLONE["CLONE_VM"]
        self.bind(call)
        self.pid += 1
        if call.result:
            self.results[call.result] = self.pid
        if call.name.startswith("syz_"):
            self.leaving.append(self.pid)
        return call.name.removeprefix("syz_"), f"flags={flags:#x}", str(self.pid)
