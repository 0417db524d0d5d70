# SPDX-License-Identifier: MIT
"""A step: one op on real page numbers, and what the real kernel answered.

Contract: `args` has the slots of the op's row in `simulator.ops`, with pages of the traced
process where the row has pages, an index into the log's files where it has a file, and a
space where it has an actor. `apply` does to a `Layout` what the step did, if it succeeded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from corpus.recording.follow import File
from corpus.recording.layout import ANON, Layout, Region
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

# What an answer is.
OK: Final = "ok"
PAGE: Final = "page"  # the address that was returned
ERRNO: Final = "errno"
SIGNAL: Final = "signal"
ENTRY: Final = "entry"  # a pagemap entry

CHANGES_LAYOUT: Final = (ops.OP_MMAP, ops.OP_MUNMAP, ops.OP_MPROTECT, ops.OP_MREMAP)
_TOUCHES: Final = (ops.OP_READ, ops.OP_WRITE)
# Ops that succeed only where everything is mapped (madvise() says ENOMEM for holes).
_PROVING: Final = (ops.OP_MPROTECT, ops.OP_MADVISE, ops.OP_MREMAP)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the real kernel answered: `value` of a page or entry, `name` of an errno or signal."""

    kind: str
    value: int = 0
    name: str = ""

    @staticmethod
    def ok() -> "Answer":
        return Answer(OK)

    @property
    def good(self) -> bool:
        return self.kind in (OK, PAGE, ENTRY)

    def __str__(self) -> str:
        if self.kind in (PAGE, ENTRY):
            return f"{self.value << 12 if self.kind == PAGE else self.value:#x}"
        return self.name or self.kind


FILE_WORD: Final = (ops.OP_PREAD, ops.OP_PWRITE)  # their page is one of the file


@dataclass(frozen=True, slots=True)
class Step:
    """One op of one space. A step without an answer stands in for something that is no call
    of its own. `chosen`: the kernel chose the address, so nothing was mapped there. `inside`:
    where regions ended within the source of an mremap. `thread` tells threads of a space apart."""

    line: int
    space: int
    code: int
    args: tuple[int, ...]
    call: str
    answer: Answer | None
    chosen: bool = False
    why_not_compared: str = ""
    inside: tuple[int, ...] = ()
    thread: int = 0

    @property
    def file(self) -> int:
        """The file that the step names, or ANON."""
        if self.code == ops.OP_MMAP:
            return self.args[4]
        if self.code == ops.OP_MEMFD:
            return self.args[0]
        return self.args[0] // WORDS_PER_PAGE if self.code in FILE_WORD else ANON

    def proves_mapped(self, layout: Layout) -> Iterator[tuple[int, int]]:
        """Ranges that were mapped before this step, or it would have answered otherwise."""
        if self.answer is None:
            return
        if self.answer.good and self.code in _PROVING:
            yield self.args[0], self.args[1]
        if self.answer.good and self.code in _TOUCHES:
            yield self.args[0] // WORDS_PER_PAGE, self.args[0] // WORDS_PER_PAGE + 1
        if self.answer.name == "EEXIST" and not any(layout.within(*self.args[:2])):
            yield self.args[0], self.args[1]


def _failed(layout: Layout, step: Step) -> bool:
    """Whether the step failed; without an answer as far as the layout tells."""
    if step.answer is not None:
        return not step.answer.good
    if step.code == ops.OP_MMAP and step.args[6] & ops.MMAP_NOREPLACE:
        return any(layout.within(step.args[0], step.args[1]))
    return step.code == ops.OP_MREMAP and not any(layout.within(step.args[0], step.args[0] + 1))


def apply(layout: Layout, step: Step, files: list[File]) -> None:
    """What the step did to the layout; nothing if it failed."""
    if _failed(layout, step):
        return
    args = step.args
    match step.code:
        case ops.OP_MMAP:
            start, end, prot, sharing, file, offset, flags = args
            kept = flags & (ops.MMAP_GROWSDOWN | ops.MMAP_NORESERVE | ops.MMAP_DROPPABLE)
            shared_anon = sharing and file == ANON
            layout.map(Region(start, end, prot, bool(sharing), file, offset, kept,
                              step.line if shared_anon else 0))
            layout.tell(start, end)
        case ops.OP_MUNMAP:
            layout.unmap(args[0], args[1])
        case ops.OP_MPROTECT:
            layout.protect(args[0], args[1], args[2])
        case ops.OP_MREMAP:
            start, end, to, to_end, flags = args
            if to == start:
                tail = list(layout.within(end - 1, end))
                if to_end < end:
                    layout.unmap(to_end, end)
                elif tail:
                    last = tail[0]
                    layout.map(Region(end, to_end, last.prot, last.shared, last.file,
                                      last.offset + 1, last.flags, last.origin))
            else:
                layout.move(start, end, to, to_end, bool(flags))
