# SPDX-License-Identifier: MIT
"""Single mm calls as steps, or the reason why not.

Contract: `mm_name` says whether a call is about memory and what it is counted as;
`translate_call` gives its steps or a `Listed` with a reason a person understands. Nothing
here looks at more than one call, except for the state that the kernel keeps between calls:
layouts, the break, System V segments, sizes of memory files.
"""

import re
from typing import Final

from corpus.recording import file_calls, follow, values
from corpus.recording.arguments import (
    NO_FILE_PAGES, NO_OP, PAGE_SIZE, TASK_PAGES, Listed, Odd, State, Translated,
    answer_of, number_of, page_of, pages_of, range_of, small_memfd, step_of,
)
from corpus.recording.follow import Placed
from corpus.recording.layout import ANON
from corpus.recording.events import Call, six_arguments, split_arguments
from corpus.recording.steps import PAGE, Answer, Step
from simulator import ops

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
# Calls without an op that change what later answers depend on (corpus.recording.differences).
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


def mm_name(placed: Placed) -> str:
    """What an mm call is counted as, or nothing for other calls."""
    call = placed.event
    assert isinstance(call, Call)
    if call.name in _ALWAYS:
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
                return file_calls.memfd_create(placed, call)
            case "ftruncate(memfd)":
                return file_calls.ftruncate(placed, call, state)
            case "pread64(memfd)" | "pwrite64(memfd)":
                return file_calls.transfer(placed, call, arguments, state)
            case "ioctl(userfaultfd)":
                return Listed(f"{values.uffdio(arguments[1])}: {NO_OP}",
                              _changed(name, arguments, call))
            case "pread64(pagemap)":
                return file_calls.pagemap(placed, call, arguments)
            case "write(clear_refs)":
                return file_calls.clear_refs(placed, call, arguments)
            case "pread64(mem)" | "pwrite64(mem)":
                return file_calls.mem(placed, call, arguments)
            case "shmget" | "shmat" | "shmdt":
                return file_calls.shm(placed, call, arguments, state)
            case "fork" | "vfork" | "clone" | "clone3":
                failed = call.result.startswith("-")
                return Listed(f"failed: {call.errno}" if failed else
                              "shares its address space with the parent: threads and vfork "
                              "children are no processes of their own")
            case "read(mem)" | "write(mem)" | "read(pagemap)":
                return Listed("the log does not show the position of the descriptor")
    except Odd as odd:
        return Listed(str(odd))
    return Listed(NO_OP, _changed(name, arguments, call))


def _prot(word: str) -> int:
    prot = values.flags(word, values.PROT)
    if prot is None or not 0 <= prot <= 7:
        raise Odd(f"protection bits that the model has not: {word[:60]}")
    return prot


def _mprotect(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    if call.name == "pkey_mprotect" and values.number(arguments[3]) != -1:
        raise Odd("a protection key: " + NO_OP)
    prot = _prot(arguments[2])
    return _range_op(placed, call, arguments, ops.OP_MPROTECT, (prot,))


def _range_op(placed: Placed, call: Call, arguments: list[str], code: int,
              more: tuple[int, ...]) -> Translated:
    args = (*range_of(arguments[0], arguments[1]), *more)
    return [step_of(placed, call, code, args, answer_of(call))]


def _mmap(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    length, prot = pages_of(arguments[1]), _prot(arguments[2])
    flags = values.flags(arguments[3], values.MAP)
    if flags is None:
        raise Odd(f"flags that are not known: {arguments[3][:60]}")
    fixed = bool(flags & (values.MAP["MAP_FIXED"] | values.MAP["MAP_FIXED_NOREPLACE"]))
    failed = call.result.startswith("-")
    if failed and not (fixed and call.errno == "EEXIST"):
        page_of(arguments[0])
        raise Odd(f"{call.errno} depends on what scenarios do not say: limits, the file's "
                   "mode, the kernel's choice of a place")
    start = page_of(arguments[0] if failed else call.result)
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
    if not flags & values.MAP["MAP_ANONYMOUS"]:
        if placed.file is None:
            raise Odd("maps a descriptor that is not open")
        file, offset = state.file(placed.file), page_of(arguments[5])
    args = (start, start + length, prot, sharing, file, offset, kept)
    answer = answer_of(call, returns_page=True)
    rest = flags & ~15
    for name in (*_HARMLESS_MAP_FLAGS, *_KEPT_MAP_FLAGS):
        rest &= ~values.MAP[name]
    if rest:
        stand_in = Step(call.line, placed.space, ops.OP_MMAP, args, str(call), None, not fixed)
        names = [name for name, bit in values.MAP.items() if bit and rest & bit == bit]
        return Listed(f"flags that the model has not: {' '.join(names) or hex(rest)}",
                      (start, start + length), (stand_in,))
    return [step_of(placed, call, ops.OP_MMAP, args, answer, chosen=not fixed)]


def _mremap(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    start, end = range_of(arguments[0], arguments[1])
    size = pages_of(arguments[2])
    flags = values.flags(arguments[3], values.MREMAP)
    if flags is None or flags & ~7:
        raise Odd(f"flags that are not known: {arguments[3][:60]}")
    fixed = bool(flags & values.MREMAP["MREMAP_FIXED"])
    keep = int(bool(flags & values.MREMAP["MREMAP_DONTUNMAP"]))
    answer = answer_of(call, returns_page=True)
    if fixed and not flags & values.MREMAP["MREMAP_MAYMOVE"]:
        raise Odd("MREMAP_FIXED without MREMAP_MAYMOVE: an op names a place or stays")
    if not answer.good and not fixed and (keep or call.errno == "ENOMEM" and flags):
        raise Odd(f"{call.errno}, and the place which the kernel looked for is not shown")
    if fixed:
        to = page_of(arguments[4])
        if to == start and not keep:
            raise Odd("MREMAP_FIXED onto its own start: in an op that means to stay")
    else:
        to = answer.value if answer.good else start
    args = (start, end, to, to + size, keep)
    return [step_of(placed, call, ops.OP_MREMAP, args, answer,
                  chosen=not fixed and to != start)]


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
    start, end = range_of(arguments[0], arguments[1])
    try:
        advice = _advice(arguments[2])
    except Odd as odd:
        return Listed(str(odd), None if call.result.startswith("-") else (start, end))
    return [_advise(placed, call, start, end, advice, answer_of(call), state)]


def _advise(placed: Placed, call: Call, start: int, end: int, advice: int, answer: Answer,
            state: State) -> Step:
    why = ""
    if advice in (ops.MADV_POPULATE_READ, ops.MADV_POPULATE_WRITE):
        for region in state.layouts[placed.space].within(start, end):
            if region.file != ANON and not small_memfd(state.files[region.file]):
                why = NO_FILE_PAGES
    return step_of(placed, call, ops.OP_MADVISE, (start, end, advice), answer, why_not_compared=why)


def _process_madvise(
    placed: Placed, call: Call, arguments: list[str], state: State
) -> Translated:
    """Of oneself it is one madvise() a vector, which either all succeed or are listed."""
    advice = _advice(arguments[3])
    if values.descriptor(arguments[0]) not in _PIDFD_SELF:
        raise Odd("advises another process")
    steps: list[Step] = []
    total = 0
    vectors = split_arguments(arguments[1].strip("[]"))
    for vector in vectors:
        fields = dict(pair.split("=", 1) for pair in split_arguments(vector.strip("{}"))
                      if "=" in pair)
        if "iov_base" not in fields or "iov_len" not in fields:
            raise Odd("the log shortens its vectors: trace with -v")
        start, end = range_of(fields["iov_base"], fields["iov_len"])
        total += (end - start) * PAGE_SIZE
        steps.append(_advise(placed, call, start, end, advice, Answer.ok(), state))
    if not steps:
        raise Odd("no vectors")
    if str(total) != call.result:
        changed = (min(step.args[0] for step in steps), max(step.args[1] for step in steps))
        return Listed("advised only a part of its vectors", changed)
    return steps


def _brk(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """The heap as mmap() and munmap()."""
    wanted, got = number_of(arguments[0], "address"), number_of(call.result, "result")
    before = state.breaks.get(placed.space)
    state.breaks[placed.space] = got
    if before is None or wanted == 0:
        raise Odd("only asks where the heap ends" if wanted == 0
                   else "where the heap ended before is not in the log")
    if got != wanted:
        raise Odd("failed: no room, or a limit")
    old, new = -(-before // PAGE_SIZE), -(-got // PAGE_SIZE)
    if old == new:
        raise Odd("stays within a page")
    if new < old:
        return [step_of(placed, call, ops.OP_MUNMAP, (new, old), Answer.ok())]
    args = (old, new, 3, 0, ANON, 0, 0)
    return [step_of(placed, call, ops.OP_MMAP, args, Answer(PAGE, old), chosen=True)]


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
