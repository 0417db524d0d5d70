# SPDX-License-Identifier: MIT
"""Calls on memory files, on files of /proc that show or change memory, and System V segments.

Contract: as `corpus.recording.calls`, which these functions are a part of.
"""

from typing import Final

from corpus.recording import values
from corpus.recording.arguments import (
    NO_OP, PAGE_SIZE, TASK_PAGES, WORD_SIZE, Listed, Odd, State, Translated, answer_of, number_of,
    page_of, pages_of, small_memfd, step_of,
)
from corpus.recording.follow import Placed
from corpus.recording.layout import ANON
from corpus.recording.events import Call
from corpus.recording.steps import ENTRY, Answer, Step
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

_ENTRY_SIZE: Final = 8  # of pagemap
_MAX_WORDS: Final = 64  # of one transfer: each becomes an op
_NOT_SMALL: Final = f"a memory file of no pages, or of more than the model's {ops.MAX_FILE_PAGES}"


def memfd_create(placed: Placed, call: Call) -> Translated:
    """Taken without an op: the model makes a memory file when it gets its size."""
    if call.result.startswith("-"):
        raise Odd(f"failed: {call.errno}")
    if not small_memfd(placed.file):
        raise Odd(_NOT_SMALL)
    return []


def ftruncate(placed: Placed, call: Call, state: State) -> Translated:
    """The one that gives a memory file the size it is mapped with is when the model makes it."""
    file = placed.file
    if call.result.startswith("-"):
        raise Odd(f"failed: {call.errno}")
    if file is None or not small_memfd(file):
        raise Odd(_NOT_SMALL)
    if call.line < file.sized_in_line:
        raise Odd("the memory file gets another size before it is mapped")
    if call.line > file.sized_in_line:
        return Listed("changes the size of a memory file: " + NO_OP, (0, TASK_PAGES))
    pages = -(-file.size // PAGE_SIZE)
    return [step_of(placed, call, ops.OP_MEMFD, (state.file(file), pages), Answer.ok())]


def transfer(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """pread64() or pwrite64() of a memory file: one op a word."""
    file = placed.file
    if call.result.startswith("-"):
        raise Odd(f"failed: {call.errno}")
    if file is None or not small_memfd(file):
        raise Odd(_NOT_SMALL)
    done, at = number_of(call.result, "result"), number_of(arguments[3], "offset")
    first, last = at // WORD_SIZE, (at + done - 1) // WORD_SIZE
    if done <= 0 or at < 0:
        raise Odd("transfers nothing")
    if at + done > file.size:
        raise Odd("goes beyond the pages of the memory file: " + NO_OP)
    if last - first >= _MAX_WORDS:
        raise Odd(f"transfers more than {_MAX_WORDS} words of the model")
    code = ops.OP_PREAD if call.name == "pread64" else ops.OP_PWRITE
    number = state.file(file)
    return [
        step_of(placed, call, code, (number * WORDS_PER_PAGE + word % WORDS_PER_PAGE,
                                     word // WORDS_PER_PAGE), Answer.ok())
        for word in range(first, last + 1)
    ]


def _own(placed: Placed) -> None:
    if placed.file and placed.file.space != placed.space:
        raise Odd("reads or writes the memory of another process")


def pagemap(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    """Each entry of a read as one op."""
    _own(placed)
    data = values.string(arguments[1])
    offset = number_of(arguments[3], "offset")
    if call.result.startswith("-") or data is None:
        raise Odd("failed" if data is not None else "the log shortens what was read")
    if offset % _ENTRY_SIZE or len(data) % _ENTRY_SIZE or len(data) != values.number(call.result):
        raise Odd("does not read whole entries")
    first = offset // _ENTRY_SIZE
    if not data or first + len(data) // _ENTRY_SIZE > TASK_PAGES:
        raise Odd("reads beyond the address space")
    return [
        step_of(placed, call, ops.OP_PAGEMAP, (first + at // _ENTRY_SIZE,),
              Answer(ENTRY, int.from_bytes(data[at:at + _ENTRY_SIZE], "little")))
        for at in range(0, len(data), _ENTRY_SIZE)
    ]


def clear_refs(placed: Placed, call: Call, arguments: list[str]) -> Translated:
    _own(placed)
    what = {b"1": "young", b"4": "soft-dirty"}.get((values.string(arguments[1]) or b"").strip())
    if what is None or call.result.startswith("-"):
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
        args = (start, start + pages, 3, 1, ANON, 0, 0)
        step = Step(call.line, placed.space, ops.OP_MMAP, args, str(call), None, chosen=True)
        return Listed(f"{NO_OP}: a shared mapping stands in", None, (step,))
    if call.name == "shmdt" and result == 0:
        start = page_of(arguments[0])
        pages = state.attached.pop(start, 0)
        if pages:
            step = Step(call.line, placed.space, ops.OP_MUNMAP, (start, start + pages), str(call),
                        None)
            return Listed(f"{NO_OP}: munmap stands in", None, (step,))
    return Listed(NO_OP)
