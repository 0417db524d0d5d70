# SPDX-License-Identifier: MIT
"""Single mm calls as steps, or the reason why not.

Contract: `mm_name` says whether a call is about memory and what it is counted as;
`translate_call` gives its steps or a `Listed` with a reason a person understands. Nothing
here looks at more than one call, except for the state that the kernel keeps between calls:
layouts, the break, System V segments, sizes of memory files.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from corpus.strace import follow, values
from corpus.strace.follow import File, Placed
from corpus.strace.layout import ANON, Layout
from corpus.strace.parse import Call, Signal, six_arguments, split_arguments
from corpus.strace.steps import ENTRY, ERRNO, PAGE, SIGNAL, Answer, Step
from simulator import ops

PAGE_SIZE: Final = 4096
TASK_PAGES: Final = 1 << 35  # 47 bits of user addresses on x86-64
_WORD_SIZE: Final = PAGE_SIZE // 4  # the model has four words a page
_ENTRY_SIZE: Final = 8  # of pagemap
_PIDFD_SELF: Final = (-10000, -10001)  # thread, thread group

# Calls that are about memory whatever their arguments are.
_ALWAYS: Final = frozenset((
    "mmap", "mmap2", "munmap", "mremap", "mprotect", "pkey_mprotect", "madvise",
    "process_madvise", "brk", "mlock", "mlock2", "munlock", "mlockall", "munlockall", "mincore",
    "msync", "remap_file_pages", "mbind", "set_mempolicy", "get_mempolicy", "migrate_pages",
    "move_pages", "set_mempolicy_home_node", "shmget", "shmat", "shmdt", "shmctl",
    "userfaultfd", "memfd_create", "memfd_secret", "vmsplice", "process_vm_readv",
    "process_vm_writev", "process_mrelease", "pkey_alloc", "pkey_free", "mseal",
    "map_shadow_stack", "fork", "vfork", "clone", "clone3",
))
# Calls that are about memory when their descriptor is one of these files.
_ABOUT_FILES: Final = {
    "ftruncate": (follow.MEMFD,),
    "fallocate": (follow.MEMFD,),
    "read": (follow.MEMFD, follow.PAGEMAP, follow.MEM, follow.USERFAULTFD),
    "write": (follow.MEMFD, follow.MEM, follow.CLEAR_REFS),
    "pread64": (follow.MEMFD, follow.PAGEMAP, follow.MEM),
    "pwrite64": (follow.MEMFD, follow.MEM),
    "ioctl": (follow.PAGEMAP, follow.USERFAULTFD),
}
NO_FILE_PAGES: Final = "pages of files other than memory files are not in the model"
_NO_OP: Final = "the model has no op for it yet"
# Calls without an op that change state which later answers depend on (corpus.strace.differences).
_CHANGES_ALL: Final = frozenset(("mlockall", "munlockall", "ftruncate(memfd)", "fallocate(memfd)"))
_CHANGES_RANGE: Final = frozenset((
    "mlock", "mlock2", "munlock", "remap_file_pages", "mbind", "mseal",
))
# A range in the argument of an ioctl of userfaultfd, as strace decodes it.
_IOCTL_RANGE: Final = re.compile(r"(?:start|dst)=(0x[0-9a-f]+|NULL).*?len=(0x[0-9a-f]+|\d+)")

_KEPT_MAP_FLAGS: Final = {
    "MAP_GROWSDOWN": ops.MMAP_GROWSDOWN, "MAP_NORESERVE": ops.MMAP_NORESERVE,
}
# Flags that change nothing which the model has: where mmap() looks for a place (the address is
# pinned), ignored flags, and a hint about stacks.
_HARMLESS_MAP_FLAGS: Final = (
    "MAP_FIXED", "MAP_FIXED_NOREPLACE", "MAP_ANONYMOUS", "MAP_32BIT", "MAP_ABOVE4G",
    "MAP_DENYWRITE", "MAP_EXECUTABLE", "MAP_NONBLOCK", "MAP_STACK", "MAP_POPULATE",
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A call that is not taken. `changed` are pages whose state it changed, as far as it may
    matter later; `stand_ins` keep the layout right."""

    reason: str
    changed: tuple[int, int] | None = None
    stand_ins: tuple[Step, ...] = ()


Translated = list[Step] | Listed


@dataclass(slots=True)
class State:
    """What the kernel keeps between calls."""

    files: list[File]
    layouts: dict[int, Layout] = field(default_factory=dict)
    breaks: dict[int, int] = field(default_factory=dict)  # space -> address
    segments: dict[int, int] = field(default_factory=dict)  # System V id -> pages
    attached: dict[int, int] = field(default_factory=dict)  # page -> pages

    def fork(self, space: int, child: int) -> None:
        self.layouts[child] = self.layouts[space].copy()
        if space in self.breaks:
            self.breaks[child] = self.breaks[space]

    def file(self, file: File) -> int:
        """The number of a file."""
        if file not in self.files:
            self.files.append(file)
        return self.files.index(file)


def mm_name(placed: Placed) -> str:
    """What an mm call is counted as, or nothing for other calls."""
    call = placed.event
    if call.name in _ALWAYS:
        return call.name
    if placed.file and placed.file.kind in _ABOUT_FILES.get(call.name, ()):
        return f"{call.name}({placed.file.kind})"
    return ""


def small_memfd(file: File | None) -> bool:
    """Whether it is a memory file with as many pages as the model's have."""
    if file is None or file.kind != follow.MEMFD:
        return False
    return 0 < file.size <= ops.MAX_FILE_PAGES * PAGE_SIZE and "HUGETLB" not in file.name


def translate_call(placed: Placed, name: str, state: State) -> Translated:
    """The steps of an mm call."""
    call = placed.event
    assert isinstance(call, Call)
    arguments = six_arguments(call)
    if call.result == "?":
        return Listed("did not return within the log")
    try:
        match name:
            case "mmap" | "mmap2":
                return _mmap(placed, call, arguments, state)
            case "munmap":
                return _range_op(placed, call, arguments, ops.OP_MUNMAP, ())
            case "mprotect" | "pkey_mprotect":
                return _mprotect(placed, call, arguments)
            case "mremap":
                return _mremap(placed, call, arguments)
            case "madvise":
                return _madvise(placed, call, arguments, state)
            case "process_madvise":
                return _process_madvise(placed, call, arguments, state)
            case "brk":
                return _brk(placed, call, arguments, state)
            case "memfd_create":
                return _memfd_create(placed, call)
            case "ftruncate(memfd)":
                return _ftruncate(placed, call, state)
            case "pread64(pagemap)":
                return _pagemap(placed, call, arguments)
            case "write(clear_refs)":
                return _clear_refs(placed, call, arguments)
            case "pread64(mem)" | "pwrite64(mem)":
                return _mem(placed, call, arguments)
            case "shmget" | "shmat" | "shmdt":
                return _shm(placed, call, arguments, state)
            case "fork" | "vfork" | "clone" | "clone3":
                failed = call.result.startswith("-")
                return Listed(f"failed: {call.errno}" if failed else
                              "shares its address space with the parent: threads and vfork "
                              "children are no processes of their own")
            case "read(mem)" | "write(mem)" | "read(pagemap)":
                return Listed("the log does not show the position of the descriptor")
    except _Odd as odd:
        return Listed(str(odd))
    return Listed(_NO_OP, _changed(name, arguments, call))


class _Odd(Exception):
    """A call that the scenario language cannot say; the text is the reason."""


def _number(word: str, what: str) -> int:
    value = values.address(values.named(word))
    if value is None:
        raise _Odd(f"{what} is not a number: {word[:40]}")
    return value


def _page(word: str) -> int:
    """The page of an address, which must be page-aligned."""
    address = _number(word, "address")
    if address % PAGE_SIZE:
        raise _Odd("the address is not page-aligned: scenarios have page numbers")
    return address // PAGE_SIZE


def _pages(word: str) -> int:
    """Pages of a length, rounded up as the kernel does."""
    length = _number(word, "length")
    if length == 0:
        raise _Odd("the length is 0: scenarios have no empty ranges")
    if not 0 < length <= TASK_PAGES * PAGE_SIZE:
        raise _Odd("the range is larger than the address space")
    return -(-length // PAGE_SIZE)


def _range(first: str, second: str) -> tuple[int, int]:
    start = _page(first)
    end = start + _pages(second)
    if end > TASK_PAGES or start < 0:
        raise _Odd("the range lies beyond the address space")
    return start, end


def _answer(call: Call, returns_page: bool = False) -> Answer:
    if call.result.startswith("-"):
        return Answer(ERRNO, 0, call.errno)
    if returns_page:
        return Answer(PAGE, _page(call.result))
    return Answer.ok()


def _step(placed: Placed, call: Call, code: int, args: tuple[int, ...], answer: Answer,
          chosen: bool = False, why_not_compared: str = "") -> Step:
    return Step(call.line, placed.space, code, args, str(call), answer, chosen, why_not_compared)


def _range_op(placed: Placed, call: Call, arguments: list[str], code: int,
              more: tuple[int, ...]) -> Translated:
    args = (*_range(arguments[0], arguments[1]), *more)
    return [_step(placed, call, code, args, _answer(call))]


def _prot(word: str) -> int:
    prot = values.flags(word, values.PROT)
    if prot is None or not 0 <= prot <= 7:
        raise _Odd(f"protection bits that the model has not: {word[:60]}")
    return prot


def _mprotect(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    if call.name == "pkey_mprotect" and values.number(arguments[3]) != -1:
        raise _Odd("a protection key: " + _NO_OP)
    prot = _prot(arguments[2])
    return _range_op(placed, call, arguments, ops.OP_MPROTECT, (prot,))


def _mmap(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    length, prot = _pages(arguments[1]), _prot(arguments[2])
    flags = values.flags(arguments[3], values.MAP)
    if flags is None:
        raise _Odd(f"flags that are not known: {arguments[3][:60]}")
    fixed = bool(flags & (values.MAP["MAP_FIXED"] | values.MAP["MAP_FIXED_NOREPLACE"]))
    failed = call.result.startswith("-")
    if failed and not (fixed and call.errno == "EEXIST"):
        _page(arguments[0])
        raise _Odd(f"{call.errno} depends on what scenarios do not say: limits, the file's "
                   "mode, the kernel's choice of a place")
    start = _page(arguments[0] if failed else call.result)
    sharing = {1: 1, 2: 0, 3: 1, 8: 0}.get(flags & 15)
    if sharing is None:
        raise _Odd("neither MAP_PRIVATE nor MAP_SHARED")
    kept = ops.MMAP_DROPPABLE if flags & 15 == values.MAP["MAP_DROPPABLE"] else 0
    for name, bit in _KEPT_MAP_FLAGS.items():
        if flags & values.MAP[name]:
            kept |= bit
    if flags & values.MAP["MAP_POPULATE"] and not flags & values.MAP["MAP_NONBLOCK"]:
        kept |= ops.MMAP_POPULATE
    if flags & values.MAP["MAP_FIXED_NOREPLACE"]:
        kept |= ops.MMAP_NOREPLACE
    file, offset = ANON, 0
    if not flags & values.MAP["MAP_ANONYMOUS"]:
        if placed.file is None:
            raise _Odd("maps a descriptor that is not open")
        file, offset = state.file(placed.file), _page(arguments[5])
    args = (start, start + length, prot, sharing, file, offset, kept)
    answer = _answer(call, returns_page=True)
    rest = flags & ~15
    for name in (*_HARMLESS_MAP_FLAGS, *_KEPT_MAP_FLAGS):
        rest &= ~values.MAP[name]
    if rest:
        stand_in = Step(call.line, placed.space, ops.OP_MMAP, args, str(call), None, not fixed)
        names = [name for name, bit in values.MAP.items() if bit and rest & bit == bit]
        return Listed(f"flags that the model has not: {' '.join(names) or hex(rest)}",
                      (start, start + length), (stand_in,))
    return [_step(placed, call, ops.OP_MMAP, args, answer, chosen=not fixed)]


def _mremap(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    start, end = _range(arguments[0], arguments[1])
    size = _pages(arguments[2])
    flags = values.flags(arguments[3], values.MREMAP)
    if flags is None or flags & ~7:
        raise _Odd(f"flags that are not known: {arguments[3][:60]}")
    fixed = bool(flags & values.MREMAP["MREMAP_FIXED"])
    keep = int(bool(flags & values.MREMAP["MREMAP_DONTUNMAP"]))
    answer = _answer(call, returns_page=True)
    if fixed and not flags & values.MREMAP["MREMAP_MAYMOVE"]:
        raise _Odd("MREMAP_FIXED without MREMAP_MAYMOVE: an op names a place or stays")
    if not answer.good and not fixed and (keep or call.errno == "ENOMEM" and flags):
        raise _Odd(f"{call.errno}, and the place which the kernel looked for is not shown")
    if fixed:
        to = _page(arguments[4])
        if to == start:
            raise _Odd("MREMAP_FIXED onto its own start: in an op that means to stay")
    else:
        to = answer.value if answer.good else start
    args = (start, end, to, to + size, keep)
    return [_step(placed, call, ops.OP_MREMAP, args, answer,
                  chosen=not fixed and to != start)]


def _advice(word: str) -> int:
    """The index of an advice in the op table."""
    value = values.flags(word, values.MADV)
    name = next((name for name, number in values.MADV.items() if number == value), "")
    if name.removeprefix("MADV_") not in ops.ADVICE:
        raise _Odd(f"the model has no advice {name or word[:40]} yet")
    return ops.ADVICE.index(name.removeprefix("MADV_"))


def _madvise(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    start, end = _range(arguments[0], arguments[1])
    try:
        advice = _advice(arguments[2])
    except _Odd as odd:
        return Listed(str(odd), None if call.result.startswith("-") else (start, end))
    return [_advise(placed, call, start, end, advice, _answer(call), state)]


def _advise(placed: Placed, call: Call, start: int, end: int, advice: int, answer: Answer,
            state: State) -> Step:
    why = ""
    if advice in (ops.MADV_POPULATE_READ, ops.MADV_POPULATE_WRITE):
        for region in state.layouts[placed.space].within(start, end):
            if region.file != ANON and not small_memfd(state.files[region.file]):
                why = NO_FILE_PAGES
    return _step(placed, call, ops.OP_MADVISE, (start, end, advice), answer, why_not_compared=why)


def _process_madvise(
    placed: Placed, call: Call, arguments: list[str], state: State
) -> Translated:
    """Of oneself it is one madvise() a vector, which either all succeed or are listed."""
    advice = _advice(arguments[3])
    if values.descriptor(arguments[0]) not in _PIDFD_SELF:
        raise _Odd("advises another process")
    steps: list[Step] = []
    total = 0
    vectors = split_arguments(arguments[1].strip("[]"))
    for vector in vectors:
        fields = dict(pair.split("=", 1) for pair in split_arguments(vector.strip("{}"))
                      if "=" in pair)
        if "iov_base" not in fields or "iov_len" not in fields:
            raise _Odd("the log shortens its vectors: trace with -v")
        start, end = _range(fields["iov_base"], fields["iov_len"])
        total += (end - start) * PAGE_SIZE
        steps.append(_advise(placed, call, start, end, advice, Answer.ok(), state))
    if not steps:
        raise _Odd("no vectors")
    if str(total) != call.result:
        changed = (min(step.args[0] for step in steps), max(step.args[1] for step in steps))
        return Listed("advised only a part of its vectors", changed)
    return steps


def _brk(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """The heap as mmap() and munmap()."""
    wanted, got = _number(arguments[0], "address"), _number(call.result, "result")
    before = state.breaks.get(placed.space)
    state.breaks[placed.space] = got
    if before is None or wanted == 0:
        raise _Odd("only asks where the heap ends" if wanted == 0
                   else "where the heap ended before is not in the log")
    if got != wanted:
        raise _Odd("failed: no room, or a limit")
    old, new = -(-before // PAGE_SIZE), -(-got // PAGE_SIZE)
    if old == new:
        raise _Odd("stays within a page")
    if new < old:
        return [_step(placed, call, ops.OP_MUNMAP, (new, old), Answer.ok())]
    args = (old, new, 3, 0, ANON, 0, 0)
    return [_step(placed, call, ops.OP_MMAP, args, Answer(PAGE, old), chosen=True)]


_NOT_SMALL: Final = f"a memory file of no pages, or of more than the model's {ops.MAX_FILE_PAGES}"


def _memfd_create(placed: Placed, call: Call) -> Translated:
    """Taken without an op: the model makes a memory file when it gets its size."""
    if call.result.startswith("-"):
        raise _Odd(f"failed: {call.errno}")
    if not small_memfd(placed.file):
        raise _Odd(_NOT_SMALL)
    return []


def _ftruncate(placed: Placed, call: Call, state: State) -> Translated:
    """The one that gives a memory file the size it is mapped with is when the model makes it."""
    file = placed.file
    if call.result.startswith("-"):
        raise _Odd(f"failed: {call.errno}")
    if file is None or not small_memfd(file):
        raise _Odd(_NOT_SMALL)
    if call.line < file.sized_in_line:
        raise _Odd("the memory file gets another size before it is mapped")
    if call.line > file.sized_in_line:
        return Listed("changes the size of a memory file: " + _NO_OP, (0, TASK_PAGES))
    pages = -(-file.size // PAGE_SIZE)
    return [_step(placed, call, ops.OP_MEMFD, (state.file(file), pages), Answer.ok())]


def _own(placed: Placed) -> None:
    if placed.file and placed.file.space != placed.space:
        raise _Odd("reads or writes the memory of another process")


def _pagemap(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    """Each entry of a read as one op."""
    _own(placed)
    data = values.string(arguments[1])
    offset = _number(arguments[3], "offset")
    if call.result.startswith("-") or data is None:
        raise _Odd("failed" if data is not None else "the log shortens what was read")
    if offset % _ENTRY_SIZE or len(data) % _ENTRY_SIZE or len(data) != values.number(call.result):
        raise _Odd("does not read whole entries")
    first = offset // _ENTRY_SIZE
    if not data or first + len(data) // _ENTRY_SIZE > TASK_PAGES:
        raise _Odd("reads beyond the address space")
    return [
        _step(placed, call, ops.OP_PAGEMAP, (first + at // _ENTRY_SIZE,),
              Answer(ENTRY, int.from_bytes(data[at:at + _ENTRY_SIZE], "little")))
        for at in range(0, len(data), _ENTRY_SIZE)
    ]


def _clear_refs(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    _own(placed)
    what = {b"1": "young", b"4": "soft-dirty"}.get((values.string(arguments[1]) or b"").strip())
    if what is None or call.result.startswith("-"):
        raise _Odd("another request than 1 or 4, or it failed")
    return [_step(placed, call, ops.OP_CLEAR_REFS, (ops.CLEAR_REFS.index(what),), Answer.ok())]


def _mem(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    """One word for the whole access, for an access within one word or page is one to GUP."""
    _own(placed)
    size, at = _number(arguments[2], "count"), _number(arguments[3], "offset")
    if size <= 0 or at // PAGE_SIZE != (at + size - 1) // PAGE_SIZE or at >= TASK_PAGES * PAGE_SIZE:
        raise _Odd("accesses more than one page")
    code = ops.OP_MEM_READ if call.name == "pread64" else ops.OP_MEM_WRITE
    return [_step(placed, call, code, (at // _WORD_SIZE,), _answer(call))]


def _shm(placed: Placed, call: Call, arguments: list[str], state: State) -> Listed:
    """System V memory has no op; an attached segment stands in as a shared mapping."""
    result = values.number(call.result)
    if call.name == "shmget" and result is not None and result >= 0:
        state.segments[result] = _pages(arguments[1])
    if call.name == "shmat" and result is not None and result > 0:
        segment = values.number(arguments[0])
        pages = state.segments.get(segment if segment is not None else -1)
        if pages is None:
            return Listed(f"{_NO_OP}; its size is not in the log")
        start = _page(call.result)
        state.attached[start] = pages
        args = (start, start + pages, 3, 1, ANON, 0, 0)
        step = Step(call.line, placed.space, ops.OP_MMAP, args, str(call), None, chosen=True)
        return Listed(f"{_NO_OP}: a shared mapping stands in", None, (step,))
    if call.name == "shmdt" and result == 0:
        start = _page(arguments[0])
        pages = state.attached.pop(start, 0)
        if pages:
            step = Step(call.line, placed.space, ops.OP_MUNMAP, (start, start + pages), str(call),
                        None)
            return Listed(f"{_NO_OP}: munmap stands in", None, (step,))
    return Listed(_NO_OP)


def _changed(name: str, arguments: list[str], call: Call) -> tuple[int, int] | None:
    """The pages whose state a call without an op changed."""
    if call.result.startswith("-"):
        return None
    if name in _CHANGES_ALL:
        return 0, TASK_PAGES
    start, length = values.address(arguments[0]), values.number(arguments[1])
    if name == "ioctl(userfaultfd)":
        if "UFFDIO_API" in call.arguments:
            return None
        decoded = _IOCTL_RANGE.search(call.arguments)
        if not decoded:
            return 0, TASK_PAGES
        start, length = values.address(decoded[1]), values.number(decoded[2])
    if name in _CHANGES_RANGE or name == "ioctl(userfaultfd)":
        if start is not None and length is not None:
            return start // PAGE_SIZE, -(-(start + length) // PAGE_SIZE)
    return None


def touch(signal: Signal, space: int, layout: Layout, files: list[File]) -> Step | None:
    """The access that ended in a signal for a bad address, if the log shows which it was.

    SEGV_ACCERR at a readable page was a store; where neither may pass, a load says the same.
    """
    address = values.number(signal.fields.get("si_addr", ""))
    code = signal.fields.get("si_code", "")
    wanted = {"SIGSEGV": ("SEGV_MAPERR", "SEGV_ACCERR"), "SIGBUS": ("BUS_ADRERR",)}
    if address is None or code not in wanted.get(signal.name, ()):
        return None
    if not 0 <= address < TASK_PAGES * PAGE_SIZE:
        return None
    page = address // PAGE_SIZE
    regions = list(layout.within(page, page + 1))
    if not regions and layout.untold(page, page + 1):
        return None
    op, why = ops.OP_READ, ""
    if regions:
        region = regions[0]
        if code == "SEGV_ACCERR" and region.prot & 1:
            op = ops.OP_WRITE
        other_file = region.file != ANON and not small_memfd(files[region.file])
        if other_file and signal.name == "SIGBUS":
            why = NO_FILE_PAGES
    text = f"{signal.name} {code} at {address:#x}"
    return Step(signal.line, space, op, (address // _WORD_SIZE,), text,
                Answer(SIGNAL, 0, signal.name), why_not_compared=why)
