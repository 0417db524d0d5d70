# SPDX-License-Identifier: MIT
"""Calls on memory files, on files of /proc that show or change memory, and System V segments.

Contract: as `corpus.recording.calls`, which these functions are a part of.
"""

import re
from typing import Final

from corpus.recording import causes, values
from corpus.recording.arguments import (
    NO_OP,
    WORD_SIZE,
    Listed,
    Odd,
    State,
    Translated,
    answer_of,
    number_of,
    page_of,
    pages_of,
    small_memfd,
    step_of,
)
from corpus.recording.events import Call
from corpus.recording.follow import Placed
from corpus.recording.layout import ANON
from corpus.recording.rules import PAGE_SIZE, TASK_PAGES
from corpus.recording.steps import ENTRY, Answer, Step
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

_ENTRY_SIZE: Final = 8  # of pagemap
_MAX_WORDS: Final = 64  # of one transfer: each becomes an op
_FALLOCATE: Final = {"FALLOC_FL_KEEP_SIZE": 1, "FALLOC_FL_PUNCH_HOLE": 2}
_FALLOC_MODES: Final[dict[int | None, int]] = {
    0: ops.FALLOC_ALLOCATE,
    1: ops.FALLOC_KEEP_SIZE,
    3: ops.FALLOC_PUNCH_HOLE,
}
_SHMAT: Final = {
    "SHM_RDONLY": 0o10000,
    "SHM_RND": 0o20000,
    "SHM_REMAP": 0o40000,
    "SHM_EXEC": 0o100000,
}
_SEALS: Final = {  # linux/fcntl.h
    "F_SEAL_SEAL": 1,
    "F_SEAL_SHRINK": 2,
    "F_SEAL_GROW": 4,
    "F_SEAL_WRITE": 8,
    "F_SEAL_FUTURE_WRITE": 16,
    "F_SEAL_EXEC": 32,
}
_BASE: Final = re.compile(r"iov_base=(0x[0-9a-f]+), iov_len=(0x[0-9a-f]+|\d+)")
_NOT_SMALL: Final = f"a memory file of no pages, or of more than the model's {ops.MAX_FILE_PAGES}"


def memfd_create(placed: Placed, call: Call) -> Translated:
    """Taken without an op: the model makes a memory file when it needs it with its size."""
    if call.failed:
        raise Odd(f"failed: {call.errno}")
    if "HUGETLB" in call.arguments:
        raise Odd("huge pages: " + NO_OP)
    return []


def resize(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """ftruncate() or fallocate(): the model makes a memory file when it gets its first size."""
    file = placed.file
    if file is None:
        raise Odd(NO_OP)
    if call.failed:
        sealed = f"{file} was sealed in line {file.sealed_in_line}" if file.seals else ""
        size = number_of(arguments[1], "size") if call.name == "ftruncate" else -1
        answers = ("ok",) if 0 <= size <= file.size and call.errno == "EPERM" else ()
        return Listed(f"failed: {call.errno}", answers=answers, excuse=sealed)
    before = file.size
    mode = 0
    offset, length = 0, 0
    if call.name == "ftruncate":
        file.size = number_of(arguments[1], "size")
    else:
        flags = values.flags(arguments[1], _FALLOCATE)
        offset, length = number_of(arguments[2], "offset"), number_of(arguments[3], "length")
        if flags not in _FALLOC_MODES:
            state.causes[placed.space].mark(causes.TAKEN, 0, TASK_PAGES, call.line, call.name)
            raise Odd(NO_OP)
        mode = _FALLOC_MODES[flags]
        if mode == ops.FALLOC_ALLOCATE:
            file.size = max(file.size, offset + length)
    if (file.size < before or mode == ops.FALLOC_PUNCH_HOLE) and file.number >= 0:
        state.causes[placed.space].mark(causes.TAKEN, 0, TASK_PAGES, call.line, call.name)
    known = state.sizes.get(file.number) is not None
    if not small_memfd(file) and not (known and file.size == 0):
        raise Odd(_NOT_SMALL)
    steps = [step._replace(answer=Answer.ok()) for step in made(placed, call, state)]
    if call.name != "ftruncate":
        return [*steps, *_allocated(placed, call, state, offset, length, mode)]
    words = -(-file.size // WORD_SIZE)
    pages = file.size // PAGE_SIZE
    if known or words % WORDS_PER_PAGE:
        args = (file.number * WORDS_PER_PAGE + words % WORDS_PER_PAGE, words // WORDS_PER_PAGE)
        steps.append(step_of(placed, call, ops.OP_FTRUNCATE, args, Answer.ok()))
    state.sizes[file.number] = max(pages, words // WORDS_PER_PAGE)
    return steps


def _allocated(
    placed: Placed, call: Call, state: State, offset: int, length: int, mode: int
) -> list[Step]:
    """fallocate() of a memory file that is made."""
    assert placed.file is not None
    first, pages = offset // PAGE_SIZE, length // PAGE_SIZE
    if offset % PAGE_SIZE or length % PAGE_SIZE:
        raise Odd("allocates or removes parts of pages")
    if first + pages > ops.MAX_FILE_PAGES or pages == 0:
        raise Odd(_NOT_SMALL)
    number = placed.file.number
    if mode == ops.FALLOC_ALLOCATE:
        state.sizes[number] = max(state.sizes[number], first + pages)
    args = (number, first, pages, mode)
    return [step_of(placed, call, ops.OP_FALLOCATE, args, Answer.ok())]


def made(placed: Placed, call: Call, state: State) -> list[Step]:
    """The step that makes a memory file, where the next step needs it and it is not made yet."""
    file = placed.file
    if file is None or not small_memfd(file):
        return []
    pages = -(-file.size // PAGE_SIZE)
    number = state.file(file)
    if number in state.sizes:
        return []
    state.sizes[number] = pages
    return [
        Step(
            call.line,
            placed.space,
            ops.OP_MEMFD,
            (number, pages),
            str(call),
            None,
            thread=call.thread,
        )
    ]


def transfer(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """read(), write(), pread64() or pwrite64() of a memory file: one op a word."""
    file = placed.file
    if call.failed:
        raise Odd(f"failed: {call.errno}")
    if file is None:
        raise Odd(_NOT_SMALL)
    done = number_of(call.result, "result")
    at = file.position
    if call.name in ("read", "write"):
        file.position += done
    else:
        at = number_of(arguments[3], "offset")
    writes = "write" in call.name
    if writes and at + done > file.size and state.answered:  # programs only say how much they try
        file.size = at + done
    if not small_memfd(file):
        raise Odd(_NOT_SMALL)
    first, last = at // WORD_SIZE, (at + done - 1) // WORD_SIZE
    if done <= 0 or at < 0:
        raise Odd("transfers nothing")
    if at + done > file.size:
        raise Odd("goes beyond the pages of the memory file: " + NO_OP)
    if last - first >= _MAX_WORDS:
        raise Odd(f"transfers more than {_MAX_WORDS} words of the model")
    code = ops.OP_PWRITE if writes else ops.OP_PREAD
    number = state.file(file)
    steps = made(placed, call, state)
    if writes:
        state.sizes[number] = max(state.sizes[number], last // WORDS_PER_PAGE + 1)
    return [
        *steps,
        *(
            step_of(
                placed,
                call,
                code,
                (number * WORDS_PER_PAGE + word % WORDS_PER_PAGE, word // WORDS_PER_PAGE),
                Answer.ok(),
            )
            for word in range(first, last + 1)
        ),
    ]


def position(placed: Placed, call: Call) -> None:
    """lseek() and fcntl(F_ADD_SEALS), which are not about memory but change a memory file."""
    file = placed.file
    if file is None or call.failed:
        return
    if call.name == "lseek":
        file.position = values.number(call.result) or 0
    elif "F_ADD_SEALS" in call.arguments or ", 0x409," in call.arguments:
        seals = values.flags(call.arguments.rpartition(",")[2].strip(), _SEALS)
        file.seals |= seals or 0
        file.sealed_in_line = call.line


def _own(placed: Placed) -> None:
    if placed.file and placed.file.space != placed.space:
        raise Odd("reads or writes the memory of another process")


def pagemap(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    """Each entry of a read as one op."""
    _own(placed)
    data = values.string(arguments[1])
    offset = number_of(arguments[3], "offset")
    if call.failed or data is None:
        raise Odd("failed" if data is not None else "the log shortens what was read")
    if offset % _ENTRY_SIZE or len(data) % _ENTRY_SIZE or len(data) != values.number(call.result):
        raise Odd("does not read whole entries")
    first = offset // _ENTRY_SIZE
    if not data or first + len(data) // _ENTRY_SIZE > TASK_PAGES:
        raise Odd("reads beyond the address space")
    return [
        step_of(
            placed,
            call,
            ops.OP_PAGEMAP,
            (first + at // _ENTRY_SIZE,),
            Answer(ENTRY, int.from_bytes(data[at : at + _ENTRY_SIZE], "little")),
        )
        for at in range(0, len(data), _ENTRY_SIZE)
    ]


def clear_refs(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    _own(placed)
    what = {b"1": "young", b"4": "soft-dirty"}.get((values.string(arguments[1]) or b"").strip())
    if what is None or call.failed:
        raise Odd("another request than 1 or 4, or it failed")
    return [step_of(placed, call, ops.OP_CLEAR_REFS, (ops.CLEAR_REFS.index(what),), Answer.ok())]


def mem(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    """One word for the whole access, for an access within one word or page is one to GUP."""
    _own(placed)
    size, at = number_of(arguments[2], "count"), number_of(arguments[3], "offset")
    if size <= 0 or at // PAGE_SIZE != (at + size - 1) // PAGE_SIZE or at >= TASK_PAGES * PAGE_SIZE:
        raise Odd("accesses more than one page")
    code = ops.OP_MEM_READ if call.name == "pread64" else ops.OP_MEM_WRITE
    return [step_of(placed, call, code, (at // WORD_SIZE,), answer_of(call))]


def shm(placed: Placed, call: Call, arguments: list[str], state: State) -> Listed:
    """System V memory has no op; an attached segment stands in as a shared mapping."""
    result = values.number(call.result)
    if call.name == "shmget" and result is not None and result >= 0:
        state.segments[result] = pages_of(arguments[1])
    if call.name == "shmat" and result is not None and result > 0:
        segment = values.number(arguments[0])
        pages = state.segments.get(segment if segment is not None else -1)
        if pages is None:
            return Listed(f"{NO_OP}; its size is not in the log")
        start = page_of(call.result)
        state.attached[start] = pages
        flags = values.flags(arguments[2], _SHMAT)
        read_only = flags is None or flags & _SHMAT["SHM_RDONLY"]
        args = (start, start + pages, 1 if read_only else 3, 1, ANON, 0, 0)
        step = Step(call.line, placed.space, ops.OP_MMAP, args, str(call), None, chosen=True)
        marks = ((causes.READ_ONLY, start, start + pages),) if read_only else ()
        return Listed(f"{NO_OP}: a shared mapping stands in", (step,), marks=marks)
    if call.name == "shmdt" and result == 0:
        start = page_of(arguments[0])
        pages = state.attached.pop(start, 0)
        if pages:
            step = Step(
                call.line, placed.space, ops.OP_MUNMAP, (start, start + pages), str(call), None
            )
            return Listed(f"{NO_OP}: munmap stands in", (step,))
    return Listed(NO_OP)


def vmsplice(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    """One op a page. strace shows the data and not where it lies, so these are of programs."""
    vector = _BASE.search(call.arguments)
    if vector is None:
        raise Odd("the log does not show the addresses")
    address, length = number_of(vector[1], "address"), number_of(vector[2], "length")
    start, end = address // PAGE_SIZE, -(-(address + length) // PAGE_SIZE)
    if not 0 <= start < end <= TASK_PAGES or end - start > ops.NR_PINS:
        raise Odd(f"splices no pages, or more than {ops.NR_PINS}")
    steps: list[Step] = []
    for handle, page in enumerate(range(start, end)):
        # A pipe that is full is emptied by somebody: a handle holds one page.
        steps.append(
            Step(
                call.line,
                placed.space,
                ops.OP_UNPIN,
                (handle,),
                str(call),
                None,
                thread=call.thread,
            )
        )
        steps.append(step_of(placed, call, ops.OP_VMSPLICE, (handle, page), answer_of(call)))
    return steps
