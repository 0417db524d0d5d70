# SPDX-License-Identifier: MIT
"""Scenarios as text of syzkaller programs.

Contract: `export` writes one call for every op that syzkaller's language can say, in their
order, and a comment for every other op and for the schedule; nothing is left out silently. The
page p of a scenario is page p of the program's data area, which begins mapped, so the first call
unmaps the arena; names and buffers lie behind it. A store of T0 is the data argument of a
write() that fails: the executor's main thread stores it before the call. A load is a write to a
memory file, and a store of another thread a read from one: the kernel loads or stores the byte
through the program's own mapping. Calls of other threads are `async`, with the thread as
comment, which `corpus.syz.execute` reads back.

Not promised: the interleaving, which syzkaller leaves to chance; the values that are stored.
"""

from typing import Final

from corpus import cform
from corpus.recording import values
from corpus.syz.program import DATA_BASE, DATA_PAGE, DATA_PAGES, PAGE_SIZE, TEXT_BASE
from corpus.text import print_directive, print_op
from simulator import ops
from simulator.scenario import ACTOR_NAMES, NR_USER_ACTORS, WORDS_PER_PAGE, Op, Scenario
from simulator.validate import arena_pages

_WORD_SIZE: Final = PAGE_SIZE // WORDS_PER_PAGE
_SCRATCH_PAGES: Final = 2  # behind the arena: names, buffers
_NAMES: Final = DATA_PAGES - 1
_BUFFER: Final = DATA_PAGES - 2
ARENA_PAGES: Final = DATA_PAGES - _SCRATCH_PAGES
_OPTIONS: Final = (
    '#{"threaded":true,"procs":1,"slowdown":1,"sandbox":"","sandbox_arg":0,"close_fds":false}'
)
_BAD_FD: Final = "0xffffffffffffffff"
_AT_FDCWD: Final = "0xffffffffffffff9c"

# As numbers: linux/falloc.h, unistd.h.
_FALLOC_MODES: Final = {ops.FALLOC_ALLOCATE: 0, ops.FALLOC_KEEP_SIZE: 1, ops.FALLOC_PUNCH_HOLE: 3}

_FEATURES: Final = {  # bits of linux/userfaultfd.h
    1 << 7: ops.UFFD_SIGBUS,
    1 << 13: ops.UFFD_WP_UNPOPULATED,
    1 << 15: ops.UFFD_WP_ASYNC,
}
_UFFDIO: Final = {
    ops.OP_UFFD_REGISTER: "UFFDIO_REGISTER",
    ops.OP_UFFD_UNREGISTER: "UFFDIO_UNREGISTER",
    ops.OP_UFFD_ZEROPAGE: "UFFDIO_ZEROPAGE",
    ops.OP_UFFD_WAKE: "UFFDIO_WAKE",
    ops.OP_UFFD_WRITEPROTECT: "UFFDIO_WRITEPROTECT",
    ops.OP_UFFD_CONTINUE: "UFFDIO_CONTINUE",
    ops.OP_UFFD_POISON: "UFFDIO_POISON",
}

# Why some ops have no call.
_NOT_USER: Final = "an actor of the kernel"
_CHILD: Final = "children of syz_clone() only sleep and exit"
_EXIT: Final = "a program cannot end its threads"
_GUP_TEST: Final = "/sys/kernel/debug/gup_test is not in its descriptions"
_SLEEP: Final = "no call makes a CPU idle and nothing else"
_KILL: Final = "a call that ends the program"
_PROCMAP: Final = "PROCMAP_QUERY is not in its descriptions"
_POSITION: Final = "an import reads and writes at positions that the call gives"
_FAR: Final = f"beyond the {DATA_PAGES} pages of the data area"
_SWAPOFF: Final = "swap is on a device that programs do not know of"
UNSAYABLE: Final = {
    ops.OP_EXIT: _EXIT,
    ops.OP_SLEEP: _SLEEP,
    ops.OP_PIN: _GUP_TEST,
    ops.OP_PIN_FAST: _GUP_TEST,
    ops.OP_DMA_READ: _GUP_TEST,
    ops.OP_DMA_WRITE: _GUP_TEST,
    ops.OP_KILL: _KILL,
    ops.OP_PROCMAP: _PROCMAP,
    ops.OP_LSEEK: _POSITION,
    ops.OP_FILE_READ: _POSITION,
    ops.OP_FILE_WRITE: _POSITION,
    ops.OP_FSTAT: _POSITION,
    ops.OP_SWAPOFF: _SWAPOFF,
}


def export(scenario: Scenario) -> str:
    """The program, as text that ends with a newline."""
    writer = _Writer()
    title = dict(scenario.headers).get("title", "a scenario of mmfarm")
    lines = [_OPTIONS, f"# {title}", "# nothing is mapped when a scenario begins"]
    arena = min(arena_pages(scenario.config), ARENA_PAGES)
    lines.append(f"munmap({_vma(0, arena)}, {arena * PAGE_SIZE:#x})")
    children = {op.args[0] for op in scenario.ops if op.code == ops.OP_FORK}
    for op in scenario.ops:
        why = _unsayable(op, children)
        if why:
            lines.append(f"# not said here: {print_op(op)}: {why}")
        else:
            lines += writer.op(op)
    lines += [f"# not said here: {print_directive(directive)}" for directive in scenario.directives]
    return "\n".join(lines) + "\n"


def _unsayable(op: Op, children: set[int]) -> str:
    """Why an op has no call, or nothing."""
    if op.actor >= NR_USER_ACTORS:
        return _NOT_USER
    if op.actor in children:
        return _CHILD
    if op.code in UNSAYABLE:
        return UNSAYABLE[op.code]
    at = 0
    for arg in ops.BY_NUMBER[op.code].args:
        if arg.kind in (ops.RANGE, ops.DEST) and op.args[at + 1] > ARENA_PAGES:
            return _FAR
        words = WORDS_PER_PAGE if arg.kind == ops.WORD else 1
        if arg.kind in (ops.PAGE, ops.WORD) and op.args[at] // words >= ARENA_PAGES:
            return _FAR
        at += ops.SLOTS[arg.kind]
    return ""


class _Writer:
    """Calls one after the other, and the descriptors that they have given so far."""

    def __init__(self) -> None:
        self.results = 0
        self.opened: dict[str, str] = {}  # what a descriptor is for -> its result
        self.lines: list[str] = []
        self.behind = ""  # what stands behind the op's call

    def op(self, op: Op) -> list[str]:
        self.lines = []
        self.behind = f" (async) # {ACTOR_NAMES[op.actor]}" if op.actor else ""
        a = op.args
        match op.code:
            case ops.OP_READ:
                file = self.memory_file("sink")
                self.say(f"pwrite64({file}, {_pointer(_address(a[0]))}, 0x1, 0x0)")
            case ops.OP_WRITE:
                self.store(op.actor, _pointer(_address(a[0])))
            case ops.OP_MMAP:
                self.mmap(a)
            case ops.OP_MUNMAP:
                self.say(f"munmap({_range(a)})")
            case ops.OP_MPROTECT:
                self.say(f"mprotect({_range(a)}, {a[2]:#x})")
            case ops.OP_MADVISE:
                self.say(f"madvise({_range(a)}, {values.MADV[f'MADV_{ops.ADVICE[a[2]]}']:#x})")
            case ops.OP_MLOCK:
                self.say(f"mlock({_range(a)})")
            case ops.OP_MUNLOCK:
                self.say(f"munlock({_range(a)})")
            case ops.OP_MLOCK2:
                self.say(f"mlock2({_range(a)}, {a[2]:#x})")
            case ops.OP_MLOCKALL:
                self.say(f"mlockall({a[0]:#x})")
            case ops.OP_MUNLOCKALL:
                self.say("munlockall()")
            case ops.OP_MINCORE:
                self.say(f'mincore({_range(a)}, {_scratch(_BUFFER)}=""/{a[1] - a[0]})')
            case ops.OP_MREMAP:
                flags = 3 if a[2] != a[0] or a[4] else 0  # as in the row of the table
                for bit, name in cform.MREMAP_FLAGS.items():
                    flags |= values.MREMAP[name] if a[4] & bit else 0
                size = (a[3] - a[2]) * PAGE_SIZE
                self.say(f"mremap({_range(a)}, {size:#x}, {flags:#x}, {_vma(a[2], a[3])})")
            case ops.OP_FORK:
                self.say("syz_clone(0x0, 0x0, 0x0, 0x0, 0x0, 0x0)")
            case ops.OP_MEMFD:
                self.opened.pop(f"f{a[0]}", None)
                file = self.memory_file(f"f{a[0]}")
                self.say(f"ftruncate({file}, {a[1] * PAGE_SIZE:#x})")
            case ops.OP_PREAD | ops.OP_PWRITE:
                number, word = divmod(a[0], WORDS_PER_PAGE)
                self.transfer(
                    self.memory_file(f"f{number}"),
                    op.code == ops.OP_PWRITE,
                    a[1] * PAGE_SIZE + word * _WORD_SIZE,
                )
            case ops.OP_FTRUNCATE:
                number, word = divmod(a[0], WORDS_PER_PAGE)
                size = a[1] * PAGE_SIZE + word * _WORD_SIZE
                self.say(f"ftruncate({self.memory_file(f'f{number}')}, {size:#x})")
            case ops.OP_FALLOCATE:
                self.say(
                    f"fallocate({self.memory_file(f'f{a[0]}')}, {_FALLOC_MODES[a[3]]:#x}, "
                    f"{a[1] * PAGE_SIZE:#x}, {a[2] * PAGE_SIZE:#x})"
                )
            case ops.OP_CLEAR_REFS:
                file = self.opening("clear_refs", "syz_open_procfs(0x0, NAME)", "clear_refs")
                digit = {"young": "1", "soft-dirty": "4"}[ops.CLEAR_REFS[a[0]]]
                self.say(f"write({file}, {_scratch(_BUFFER)}='{digit}', 0x1)")
            case ops.OP_PAGEMAP:
                file = self.opening("pagemap", "syz_open_procfs$pagemap(0x0, NAME)", "pagemap")
                self.say(
                    f'pread64({file}, {_scratch(_BUFFER)}=""/8, 0x8, {(DATA_PAGE + a[0]) * 8:#x})'
                )
            case ops.OP_MEM_READ | ops.OP_MEM_WRITE:
                file = self.opening(
                    "mem",
                    f"openat$auto_proc_mem_operations_base({_AT_FDCWD}, NAME, 0x2, 0x0)",
                    "/proc/self/mem",
                )
                self.transfer(file, op.code == ops.OP_MEM_WRITE, DATA_BASE + a[0] * _WORD_SIZE)
            case ops.OP_VMSPLICE:
                self.pipe(a[0])
                self.say(
                    f"vmsplice({self.opened[f'p{a[0]} in']}, {_scratch(_BUFFER)}="
                    f"[{{{_pointer(TEXT_BASE + a[1] * PAGE_SIZE)}, {PAGE_SIZE:#x}}}], "
                    "0x1, 0x0)"
                )
            case ops.OP_PIPE_READ:
                pipe = self.opened.get(f"p{a[0] // WORDS_PER_PAGE} out", _BAD_FD)
                self.say(f'read({pipe}, {_scratch(_BUFFER)}=""/{PAGE_SIZE}, {PAGE_SIZE:#x})')
            case ops.OP_UNPIN:
                for end in ("in", "out"):
                    self.say(f"close({self.opened.pop(f'p{a[0]} {end}', _BAD_FD)})")
            case ops.OP_USERFAULTFD:
                self.userfaultfd(a[0], a[1])
            case ops.OP_UFFD_CLOSE:
                self.say(f"close({self.opened.pop(f'u{a[0]}', _BAD_FD)})")
            case ops.OP_UFFD_READ:
                self.say(f'read({self.uffd(a)}, {_scratch(_BUFFER)}=""/32, 0x20)')
            case ops.OP_UFFD_COPY:
                source = _vma(a[3], a[4])
                self.uffdio(
                    "UFFDIO_COPY", a, f"{{{_vma(a[1], a[2])}, {source}, {_size(a)}, {a[5]:#x}}}"
                )
            case code if code in _UFFDIO:
                span = f"{_vma(a[1], a[2])}, {_size(a)}"
                self.uffdio(
                    _UFFDIO[code], a, f"{{{{{span}}}, {a[3]:#x}}}" if len(a) > 3 else f"{{{span}}}"
                )
            case _:
                name = ops.BY_NUMBER[op.code].name
                raise NotImplementedError(f"op {name} has no form in syzkaller's language")
        return self.lines

    def say(self, call: str) -> None:
        self.lines.append(call + self.behind)

    def result(self) -> str:
        self.results += 1
        return f"r{self.results - 1}"

    def opening(self, what: str, call: str, path: str) -> str:
        """The descriptor for something, which `call` opens the first time; NAME is `path`. Such
        calls are waited for whoever's op it is: an async one may give its result too late."""
        if what not in self.opened:
            self.opened[what] = self.result()
            name = f"{_scratch(_NAMES)}='{path}\\x00'"
            self.lines.append(f"{self.opened[what]} = {call.replace('NAME', name)}")
        return self.opened[what]

    def memory_file(self, name: str) -> str:
        """A memory file; one that no op has made has no pages, and every access fails."""
        return self.opening(name, "memfd_create(NAME, 0x0)", name)

    def userfaultfd(self, handle: int, flags: int) -> None:
        """With its features. Such calls are waited for, too."""
        what = f"u{handle}"
        if what in self.opened:  # the op fails, a call would not
            self.lines.append(f"# not said here: {what} is open")
            return
        self.opened[what] = self.result()
        features = sum(bit for bit, flag in _FEATURES.items() if flags & flag)
        mode = int(flags & ops.UFFD_USER_ONLY != 0)
        self.lines.append(f"{self.opened[what]} = userfaultfd({mode:#x})")
        api = f"{{0xaa, {features:#x}}}"
        self.lines.append(self.ioctl("UFFDIO_API", self.opened[what], api))

    def uffd(self, a: tuple[int, ...]) -> str:
        return self.opened.get(f"u{a[0]}", _BAD_FD)

    def uffdio(self, name: str, a: tuple[int, ...], argument: str) -> None:
        self.say(self.ioctl(name, self.uffd(a), argument))

    def ioctl(self, name: str, file: str, argument: str) -> str:
        number = values.UFFDIO[name]
        return f"ioctl${name}({file}, {number:#x}, {_scratch(_BUFFER)}={argument})"

    def store(self, actor: int, place: str) -> None:
        if actor == 0:
            self.say(f'write({_BAD_FD}, {place}="01", 0x1)')
            return
        if "source" not in self.opened:
            file = self.memory_file("source")
            self.lines.append(f'pwrite64({file}, {_scratch(_BUFFER)}="01", 0x1, 0x0)')
        self.say(f'pread64({self.memory_file("source")}, {place}=""/1, 0x1, 0x0)')

    def transfer(self, file: str, writes: bool, offset: int) -> None:
        if writes:
            self.say(f'pwrite64({file}, {_scratch(_BUFFER)}="01", 0x1, {offset:#x})')
        else:
            self.say(f'pread64({file}, {_scratch(_BUFFER)}=""/1, 0x1, {offset:#x})')

    def mmap(self, a: tuple[int, ...]) -> None:
        prot, shared, backing, offset, kept = a[2:]
        flags = values.MAP["MAP_FIXED_NOREPLACE" if kept & ops.MMAP_NOREPLACE else "MAP_FIXED"]
        if kept & ops.MMAP_DROPPABLE:  # a type of its own; with MAP_SHARED it is none, as in an op
            flags |= values.MAP["MAP_DROPPABLE"] | (values.MAP["MAP_SHARED"] if shared else 0)
        else:
            flags |= values.MAP["MAP_SHARED" if shared else "MAP_PRIVATE"]
        for bit, name in cform.MAP_FLAGS.items():
            if bit not in (ops.MMAP_NOREPLACE, ops.MMAP_DROPPABLE):  # see above
                flags |= values.MAP[name] if kept & bit else 0
        file = _BAD_FD
        if backing == 0:
            flags |= values.MAP["MAP_ANONYMOUS"]
        elif backing < ops.FIRST_OTHER_FILE:
            file = self.memory_file(f"f{backing - 1}")
        else:
            name = f"./x{backing - ops.FIRST_OTHER_FILE}"
            file = self.opening(name, f"openat({_AT_FDCWD}, NAME, 0x42, 0x1ff)", name)
        self.say(f"mmap({_range(a)}, {prot:#x}, {flags:#x}, {file}, {offset * PAGE_SIZE:#x})")

    def pipe(self, pin: int) -> None:
        out, into = self.result(), self.result()
        self.opened[f"p{pin} out"], self.opened[f"p{pin} in"] = out, into
        self.lines.append(
            f"pipe2({_scratch(_BUFFER)}={{<{out}=>{_BAD_FD}, <{into}=>{_BAD_FD}}}, 0x0)"
        )


def _address(word: int) -> int:
    return TEXT_BASE + word * _WORD_SIZE


def _pointer(address: int) -> str:
    return f"&({address:#x})"


def _size(a: tuple[int, ...]) -> str:
    """Bytes of the range of an op on a userfaultfd."""
    return f"{(a[2] - a[1]) * PAGE_SIZE:#x}"


def _scratch(page: int) -> str:
    return _pointer(TEXT_BASE + page * PAGE_SIZE)


def _vma(start: int, end: int) -> str:
    return f"&({TEXT_BASE + start * PAGE_SIZE:#x}/{(end - start) * PAGE_SIZE:#x})=nil"


def _range(a: tuple[int, ...]) -> str:
    """The first range of an op as address and length."""
    return f"{_vma(a[0], a[1])}, {(a[1] - a[0]) * PAGE_SIZE:#x}"
