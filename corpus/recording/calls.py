# SPDX-License-Identifier: MIT
"""Single mm calls as steps, or the reason why not.

Contract: `mm_name` says whether a call is about memory and what it is counted as;
`translate_call` gives its steps or a `Listed` with a reason a person understands. Nothing
here looks at more than one call, except for the state that the kernel keeps between calls:
layouts, the break, System V segments, memory files, and what `corpus.recording.causes` has.
"""

import re
from typing import Final

from corpus.recording import causes, file_calls, follow, rules, uffd_calls, values
from corpus.recording.arguments import (
    NO_FILE_PAGES,
    NO_OP,
    Listed,
    Odd,
    State,
    Translated,
    answer_of,
    number_of,
    page_of,
    pages_of,
    range_of,
    small_memfd,
    step_of,
)
from corpus.recording.events import Call, six_arguments, split_arguments
from corpus.recording.follow import ALWAYS, Placed
from corpus.recording.layout import ANON
from corpus.recording.places import HUGE_PAGES
from corpus.recording.rules import PAGE_SIZE, TASK_PAGES
from corpus.recording.steps import PAGE, Answer, Step
from simulator import ops

_PIDFD_SELF: Final = (-10000, -10001)  # thread, thread group
# Calls that are about memory when their descriptor is one of these files.
_ABOUT_FILES: Final = {
    "ftruncate": (follow.MEMFD,),
    "fallocate": (follow.MEMFD,),
    "read": (follow.MEMFD, follow.PAGEMAP, follow.MEM, follow.USERFAULTFD),
    "write": (follow.MEMFD, follow.MEM, follow.CLEAR_REFS),
    "pread64": (follow.MEMFD, follow.PAGEMAP, follow.MEM),
    "pwrite64": (follow.MEMFD, follow.MEM),
    "ioctl": (follow.PAGEMAP, follow.USERFAULTFD),
    "close": (follow.USERFAULTFD,),
    "close_range": (follow.USERFAULTFD,),
}
# Calls without an op that say ENOMEM where something of their range is not mapped.
_NEEDS_MAPPED: Final = frozenset(("mlock", "mlock2", "munlock", "mseal", "msync", "mincore"))

_KEPT_MAP_FLAGS: Final = {"MAP_GROWSDOWN": ops.MMAP_GROWSDOWN, "MAP_NORESERVE": ops.MMAP_NORESERVE}
_MARKING_FLAGS: Final = (
    (values.MAP["MAP_LOCKED"], causes.LOCKED),
    (values.MAP["MAP_HUGETLB"], causes.HUGE),
)
# Flags that change nothing which the model has: where mmap() looks for a place (the address is
# pinned), ignored flags, and a hint about stacks.
_HARMLESS_MAP_FLAGS: Final = (
    "MAP_FIXED",
    "MAP_FIXED_NOREPLACE",
    "MAP_ANONYMOUS",
    "MAP_32BIT",
    "MAP_ABOVE4G",
    "MAP_DENYWRITE",
    "MAP_EXECUTABLE",
    "MAP_NONBLOCK",
    "MAP_STACK",
    "MAP_POPULATE",
)


def mm_name(placed: Placed) -> str:
    """What an mm call is counted as, or nothing for other calls."""
    call = placed.event
    assert isinstance(call, Call)
    if call.name in ALWAYS:
        return call.name
    if placed.file and placed.file.kind in _ABOUT_FILES.get(call.name, ()):
        return f"{call.name}({placed.file.kind})"
    return ""


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
                return _mprotect(placed, call, arguments, state)
            case "mremap":
                return _mremap(placed, call, arguments, state)
            case "madvise":
                return _madvise(placed, call, arguments, state)
            case "process_madvise":
                return _process_madvise(placed, call, arguments, state)
            case "mincore":
                if call.errno == "EFAULT":
                    return Listed("scenarios do not say where the answer goes")
                return _range_op(placed, call, arguments, ops.OP_MINCORE, ())
            case "brk":
                return _brk(placed, call, arguments, state)
            case "memfd_create":
                return file_calls.memfd_create(placed, call)
            case "ftruncate(memfd)" | "fallocate(memfd)":
                return file_calls.resize(placed, call, arguments, state)
            case "pread64(memfd)" | "pwrite64(memfd)" | "read(memfd)" | "write(memfd)":
                return file_calls.transfer(placed, call, arguments, state)
            case "userfaultfd":
                return uffd_calls.userfaultfd(call)
            case "ioctl(userfaultfd)":
                return uffd_calls.ioctl(placed, call, arguments, state)
            case "read(userfaultfd)":
                return uffd_calls.read(placed, call, state)
            case "close(userfaultfd)" | "close_range(userfaultfd)":
                return uffd_calls.close(placed, call, state)
            case "pread64(pagemap)":
                return file_calls.pagemap(placed, call, arguments)
            case "write(clear_refs)":
                return file_calls.clear_refs(placed, call, arguments)
            case "pread64(mem)" | "pwrite64(mem)":
                return file_calls.mem(placed, call, arguments)
            case "shmget" | "shmat" | "shmdt":
                return file_calls.shm(placed, call, arguments, state)
            case "vmsplice":
                return file_calls.vmsplice(placed, call, arguments)
            case "fork" | "vfork" | "clone" | "clone3":
                return Listed(
                    f"failed: {call.errno}"
                    if call.failed
                    else "shares its address space with the parent: threads and vfork "
                    "children are no processes of their own"
                )
            case "read(mem)" | "write(mem)" | "read(pagemap)":
                return Listed("the log does not show the position of the descriptor")
            case "mlock" | "mlock2" | "munlock" | "mseal" | "msync" | "mincore":
                return _on_mapped(placed, call, name, arguments, state)
            case "mlockall" | "munlockall":
                _lock_all(placed, call, state)
            case "mbind" | "remap_file_pages":
                _mark(placed, call, arguments, causes.SPLIT, state)
    except Odd as odd:
        return Listed(str(odd), answers=odd.answers)
    return Listed(NO_OP)


def _prot(word: str) -> int:
    prot = values.flags(word, values.PROT)
    if prot is None or not 0 <= prot <= 7:
        raise Odd(f"protection bits that the model has not: {word[:60]}")
    return prot


def _mprotect(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    prot = _prot(arguments[2])
    if call.name == "pkey_mprotect" and values.number(arguments[3]) != -1:
        if call.failed:
            raise Odd("a protection key: " + NO_OP)
        _mark(placed, call, arguments, causes.SPLIT, state)
        step = _range_op(placed, call, arguments, ops.OP_MPROTECT, (prot,))[0]
        return Listed("a protection key: " + NO_OP, (step._replace(answer=None),))
    return _range_op(placed, call, arguments, ops.OP_MPROTECT, (prot,))


def _range_op(
    placed: Placed, call: Call, arguments: list[str], code: int, more: tuple[int, ...]
) -> list[Step]:
    args = (*_range(call.name, arguments), *more)
    return [step_of(placed, call, code, args, answer_of(call))]


def _range(name: str, arguments: list[str]) -> tuple[int, int]:
    """The pages of a call, whose first arguments are an address and a length."""
    start, length = values.address(arguments[0]), values.number(arguments[1])
    answers = () if start is None or length is None else rules.of_range(name, start, length)
    return range_of(arguments[0], arguments[1], answers)


def _mmap(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    flags = values.flags(arguments[3], values.MAP)
    if flags is None:
        raise Odd(f"flags that are not known: {arguments[3][:60]}")
    size, hint = number_of(arguments[1], "length"), number_of(arguments[0], "address")
    odd = rules.of_mmap(hint, size, flags, values.number(arguments[5]) or 0)
    if odd and call.failed:
        raise Odd("arguments that scenarios cannot say", odd)
    length, prot = pages_of(arguments[1], odd), _prot(arguments[2])
    fixed = bool(flags & (values.MAP["MAP_FIXED"] | values.MAP["MAP_FIXED_NOREPLACE"]))
    if call.failed and not (fixed and call.errno == "EEXIST"):
        why = rules.mmap_refused(
            call,
            prot,
            flags,
            size,
            hint,
            placed.file,
            state.causes[placed.space],
            state.layouts[placed.space],
        )
        return Listed(
            "failed: scenarios have no mmap() that fails but for what is mapped there",
            answers=("ok",),
            excuse=why,
        )
    start = page_of(arguments[0] if call.failed else call.result)
    sharing = {1: 1, 2: 0, 3: 1, 8: 0}.get(flags & 15)
    if sharing is None:
        raise Odd("neither MAP_PRIVATE nor MAP_SHARED")
    kept = ops.MMAP_DROPPABLE if flags & 15 == values.MAP["MAP_DROPPABLE"] else 0
    for name, bit in _KEPT_MAP_FLAGS.items():
        if flags & values.MAP[name]:
            kept |= bit
    if flags & values.MAP["MAP_POPULATE"] and not flags & values.MAP["MAP_NONBLOCK"]:
        kept |= ops.MMAP_POPULATE
    if flags & values.MAP["MAP_FIXED_NOREPLACE"]:
        kept |= ops.MMAP_NOREPLACE
    file, offset = ANON, 0
    stand_ins: list[Step] = []
    if not flags & values.MAP["MAP_ANONYMOUS"]:
        if placed.file is None:
            raise Odd("maps a descriptor that is not open")
        if placed.file.kind != follow.ZERO:  # its mappings are anonymous memory
            file, offset = state.file(placed.file), page_of(arguments[5])
            stand_ins = file_calls.made(placed, call, state)
    if flags & values.MAP["MAP_HUGETLB"]:
        length = -(-length // HUGE_PAGES) * HUGE_PAGES
    args = (start, start + length, prot, sharing, file, offset, kept)
    answer = answer_of(call, returns_page=True)
    rest = flags & ~15
    for name in (*_HARMLESS_MAP_FLAGS, *_KEPT_MAP_FLAGS):
        rest &= ~values.MAP[name]
    if rest:
        stand_in = Step(call.line, placed.space, ops.OP_MMAP, args, str(call), None, not fixed)
        names = [name for name, bit in values.MAP.items() if bit and rest & bit == bit]
        marks = [(kind, start, args[1]) for flag, kind in _MARKING_FLAGS if rest & flag]
        return Listed(
            f"flags that the model has not: {' '.join(names) or hex(rest)}",
            (*stand_ins, stand_in),
            marks=tuple(marks),
        )
    right = _right_place(placed, flags, hint, args, state)
    if placed.file:
        placed.file.mapped |= prot | 1
    return [*stand_ins, step_of(placed, call, ops.OP_MMAP, args, answer, not fixed, right=right)]


def _right_place(placed: Placed, flags: int, hint: int, args: tuple[int, ...], state: State) -> str:
    """Where mmap() should have mapped it, or nothing."""
    start, end, _, sharing, file, offset, _ = args
    if flags & values.MAP["MAP_FIXED"] or hint and hint // PAGE_SIZE == start:
        return "" if hint == start * PAGE_SIZE else f"{hint:#x}"
    places = state.places[placed.space]
    driver = placed.file is not None and placed.file.kind in (follow.DEVICE, follow.UNKNOWN)
    if not state.alone or driver or flags & (values.MAP["MAP_32BIT"] | values.MAP["MAP_GROWSDOWN"]):
        return ""
    if hint:
        if (
            end - start < HUGE_PAGES
            and hint % PAGE_SIZE == 0
            and places.free(state.layouts[placed.space], hint // PAGE_SIZE, end - start)
        ):
            return f"{hint:#x}"
        return ""
    if sharing and end - start >= HUGE_PAGES:
        return ""
    page = places.wrong(state.layouts[placed.space], start, end - start, max(0, offset))
    return f"{page * PAGE_SIZE:#x}" if page else ""


def _mremap(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    flags = values.flags(arguments[3], values.MREMAP)
    if flags is None:
        raise Odd(f"flags that are not known: {arguments[3][:60]}")
    to_address = values.address(arguments[4]) if arguments[4] else 0
    odd = rules.of_mremap(number_of(arguments[2], "length"), flags, to_address or 0)
    if odd:
        raise Odd("arguments that scenarios cannot say", odd)
    start, end = _range(call.name, arguments)
    size = pages_of(arguments[2])
    fixed = bool(flags & values.MREMAP["MREMAP_FIXED"])
    keep = int(bool(flags & values.MREMAP["MREMAP_DONTUNMAP"]))
    answer = answer_of(call, returns_page=True)
    if not answer.good and not fixed and (keep or call.errno == "ENOMEM" and flags):
        raise Odd(f"{call.errno}, and the place which the kernel looked for is not shown")
    if fixed:
        to = page_of(arguments[4])
        if to == start and not keep:
            raise Odd("MREMAP_FIXED onto its own start: in an op that means to stay", ("EINVAL",))
    else:
        to = answer.value if answer.good else start
    args = (start, end, to, to + size, keep)
    right = ""
    if answer.good:
        may_move = flags & values.MREMAP["MREMAP_MAYMOVE"]
        if fixed and to_address is not None and to_address != to * PAGE_SIZE:
            right = f"{to_address:#x}"
        elif not fixed and not keep and to != start and (not may_move or size <= end - start):
            right = f"{start * PAGE_SIZE:#x}"
        elif not fixed and to != start and state.alone:
            page = state.places[placed.space].wrong(state.layouts[placed.space], to, size, 0)
            right = f"{page * PAGE_SIZE:#x}" if page and size < HUGE_PAGES else ""
    return [
        step_of(
            placed, call, ops.OP_MREMAP, args, answer, chosen=not fixed and to != start, right=right
        )
    ]


# Advice without an op that takes pages away; the rest changes what a VMA is.
_TAKES: Final = re.compile(r"MADV_(REMOVE|PAGEOUT|COLLAPSE|COLD|HWPOISON|SOFT_OFFLINE)")


def _advice(word: str) -> int:
    """The index of an advice in the op table."""
    value = values.flags(word, values.MADV)
    name = next((name for name, number in values.MADV.items() if number == value), "")
    if not word:  # perf does not know the name of some
        raise Odd("the log does not name the advice")
    if name.removeprefix("MADV_") not in ops.ADVICE:
        raise Odd(f"the model has no advice {name or word[:40]} yet")
    return ops.ADVICE.index(name.removeprefix("MADV_"))


def _madvise(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    start, end = _range(call.name, arguments)
    try:
        advice = _advice(arguments[2])
    except Odd as odd:
        if not call.failed:
            kind = causes.TAKEN if _TAKES.search(str(odd)) else causes.SPLIT
            state.causes[placed.space].mark(kind, start, end, call.line, f"madvise({arguments[2]})")
        return Listed(str(odd), answers=_mapped_answers(call, placed, start, end, state))
    return [_advise(placed, call, start, end, advice, answer_of(call), state)]


def _advise(
    placed: Placed, call: Call, start: int, end: int, advice: int, answer: Answer, state: State
) -> Step:
    why = ""
    if advice in (ops.MADV_POPULATE_READ, ops.MADV_POPULATE_WRITE):
        for region in state.layouts[placed.space].within(start, end):
            if region.file != ANON and not small_memfd(state.files[region.file]):
                why = NO_FILE_PAGES
    return step_of(placed, call, ops.OP_MADVISE, (start, end, advice), answer, why_not_compared=why)


def _process_madvise(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """Of oneself it is one madvise() a vector, which either all succeed or are listed."""
    advice = _advice(arguments[3])
    if values.descriptor(arguments[0]) not in _PIDFD_SELF:
        raise Odd("advises another process")
    steps: list[Step] = []
    total = 0
    vectors = split_arguments(arguments[1].strip("[]"))
    for vector in vectors:
        fields = dict(
            pair.split("=", 1) for pair in split_arguments(vector.strip("{}")) if "=" in pair
        )
        if "iov_base" not in fields or "iov_len" not in fields:
            raise Odd("the log shortens its vectors: trace with -v")
        start, end = range_of(fields["iov_base"], fields["iov_len"])
        total += (end - start) * PAGE_SIZE
        steps.append(_advise(placed, call, start, end, advice, Answer.ok(), state))
    if not steps:
        raise Odd("no vectors")
    if total != values.number(call.result):
        raise Odd("advised only a part of its vectors")
    return steps


def _brk(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """The heap as mmap() and munmap()."""
    wanted, got = number_of(arguments[0], "address"), number_of(call.result, "result")
    before = state.breaks.get(placed.space)
    state.breaks[placed.space] = got
    state.first_breaks.setdefault(placed.space, got)
    if before is None:
        raise Odd(
            "only asks where the heap ends"
            if wanted == 0
            else "where the heap ended before is not in the log"
        )
    if wanted == 0:
        return Listed("only asks where the heap ends", answers=(f"{before:#x}",))
    old, new = -(-before // PAGE_SIZE), -(-got // PAGE_SIZE)
    if got != wanted:
        why = ""
        if got == before:
            why = _heap_stays(placed, old, wanted, state)
        state.breaks[placed.space] = before
        return Listed("failed: no room, or a limit", answers=(f"{wanted:#x}",), excuse=why)
    if old == new:
        raise Odd("stays within a page", (f"{wanted:#x}",))
    if new < old:
        return [step_of(placed, call, ops.OP_MUNMAP, (new, old), Answer.ok())]
    args = (old, new, 3, 0, ANON, 0, 0)
    return [step_of(placed, call, ops.OP_MMAP, args, Answer(PAGE, old), chosen=True)]


def _heap_stays(placed: Placed, old: int, wanted: int, state: State) -> str:
    """Why brk() may have left the heap as it was, or nothing."""
    layout = state.layouts[placed.space]
    if wanted < state.first_breaks[placed.space]:
        return "below where the heap begins"
    new = -(-wanted // PAGE_SIZE)
    if new > TASK_PAGES:
        return "beyond the address space"
    if any(layout.within(old, new + 1)):
        return "something is mapped there"
    return state.causes[placed.space].too_much((new - old) * PAGE_SIZE, layout)


def _on_mapped(placed: Placed, call: Call, name: str, arguments: list[str], state: State) -> Listed:
    """A call without an op on what must be mapped."""
    address, length = values.address(arguments[0]), values.number(arguments[1])
    if address is None or length is None:
        return Listed(NO_OP)
    start, end = address // PAGE_SIZE, -(-(address + length) // PAGE_SIZE)
    if not 0 <= start < end <= TASK_PAGES or call.errno not in ("", "ENOMEM"):
        return Listed(NO_OP)
    kind = {"mlock": causes.LOCKED, "mlock2": causes.LOCKED, "mseal": causes.SEALED}.get(name)
    found = state.causes[placed.space]
    excuse = ""
    if kind and not call.failed:
        found.mark(kind, start, end, call.line, name)
    elif name == "munlock":
        found.clear(causes.LOCKED, start, end)
    elif kind == causes.LOCKED:
        excuse = found.lock_limit((end - start) * PAGE_SIZE)
    return Listed(NO_OP, answers=_mapped_answers(call, placed, start, end, state), excuse=excuse)


def _mapped_answers(
    call: Call, placed: Placed, start: int, end: int, state: State
) -> tuple[str, ...]:
    """What a call may say whose whole range must be mapped, as far as the log tells."""
    if call.errno not in ("", "ENOMEM"):
        return ()
    layout = state.layouts[placed.space]
    if not any(layout.holes(start, end)):
        return ("ok",)
    told = sum(high - low for low, high in layout.untold(start, end))
    holes = sum(high - low for low, high in layout.holes(start, end))
    return ("ENOMEM",) if told < holes else ()


def _lock_all(placed: Placed, call: Call, state: State) -> None:
    found = state.causes[placed.space]
    if call.failed:
        return
    if call.name == "munlockall":
        found.locks_future = 0
        found.clear(causes.LOCKED, 0, TASK_PAGES)
        return
    if "MCL_FUTURE" in call.arguments or (values.number(call.arguments) or 0) & 2:
        found.locks_future = call.line
    if "MCL_CURRENT" in call.arguments or (values.number(call.arguments) or 0) & 1:
        found.mark(causes.LOCKED, 0, TASK_PAGES, call.line, "mlockall")


def _mark(placed: Placed, call: Call, arguments: list[str], kind: str, state: State) -> None:
    start, length = values.address(arguments[0]), values.number(arguments[1])
    if not call.failed and start is not None and length and 0 < length < TASK_PAGES * PAGE_SIZE:
        state.causes[placed.space].mark(
            kind, start // PAGE_SIZE, -(-(start + length) // PAGE_SIZE), call.line, call.name
        )
