# SPDX-License-Identifier: MIT
"""A step: one op on real page numbers, and what the real kernel answered.

Contract: `args` has the slots of the op's row in `simulator.ops`, with pages of the traced
process where the row has pages, an index into the log's files where it has a file, and a
space where it has an actor. `apply` does to a `Layout` what the step did, if it succeeded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from corpus.recording.layout import ANON, Layout, Region
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

# What an answer is.
OK: Final = "ok"
PAGE: Final = "page"  # the address that was returned
ERRNO: Final = "errno"
SIGNAL: Final = "signal"
ENTRY: Final = "entry"  # a pagemap entry

CHANGES_LAYOUT: Final = (
    ops.OP_MMAP,
    ops.OP_MUNMAP,
    ops.OP_MPROTECT,
    ops.OP_MREMAP,
    ops.OP_MADVISE,
    ops.OP_UFFD_REGISTER,
    ops.OP_UFFD_UNREGISTER,
    ops.OP_UFFD_CLOSE,
)
# Ops that name a userfaultfd, in their first slot.
OF_UFFD: Final = tuple(
    code for code, spec in ops.BY_NUMBER.items() if spec.args and spec.args[0].names == ("u",)
)
# Advice that a mapping keeps: bits that it clears, and the one that it sets in `Region.advice`.
DONTFORK: Final = 1
WIPEONFORK: Final = 2
_RANDOM: Final = 4
_SEQUENTIAL: Final = 8
_DONTDUMP: Final = 16
_HUGEPAGE: Final = 32
_NOHUGEPAGE: Final = 64
_KEPT_ADVICE: Final = {
    ops.MADV_DONTFORK: (0, DONTFORK),
    ops.MADV_DOFORK: (DONTFORK, 0),
    ops.MADV_WIPEONFORK: (0, WIPEONFORK),
    ops.MADV_KEEPONFORK: (WIPEONFORK, 0),
    ops.MADV_DONTDUMP: (0, _DONTDUMP),
    ops.MADV_DODUMP: (_DONTDUMP, 0),
    ops.MADV_HUGEPAGE: (_NOHUGEPAGE, _HUGEPAGE),
    ops.MADV_NOHUGEPAGE: (_HUGEPAGE, _NOHUGEPAGE),
    ops.MADV_NORMAL: (_RANDOM | _SEQUENTIAL, 0),
    ops.MADV_RANDOM: (_SEQUENTIAL, _RANDOM),
    ops.MADV_SEQUENTIAL: (_RANDOM, _SEQUENTIAL),
}
_TOUCHES: Final = (ops.OP_READ, ops.OP_WRITE)
# Ops that succeed only where everything is mapped (madvise() says ENOMEM for holes).
_PROVING: Final = (ops.OP_MPROTECT, ops.OP_MADVISE, ops.OP_MREMAP, ops.OP_MINCORE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the real kernel answered: `value` of a page or entry, `name` of an errno or signal."""

    kind: str
    value: int = 0
    name: str = ""

    @staticmethod
    def ok() -> "Answer":
        return _OK

    @property
    def good(self) -> bool:
        return self.kind in (OK, PAGE, ENTRY)

    def __str__(self) -> str:
        if self.kind in (PAGE, ENTRY):
            return f"{self.value << 12 if self.kind == PAGE else self.value:#x}"
        return self.name or self.kind


_OK: Final = Answer(OK)
# Slots of each op that name addresses; a destination is a range, too.
PLACES: Final = {
    code: tuple(
        (
            sum(ops.SLOTS[before.kind] for before in spec.args[:at]),
            ops.RANGE if arg.kind == ops.DEST else arg.kind,
        )
        for at, arg in enumerate(spec.args)
        if arg.kind in (ops.RANGE, ops.DEST, ops.PAGE, ops.WORD)
    )
    for code, spec in ops.BY_NUMBER.items()
}
# Ops on memory files, by a word of one or by its handle: their page is one of the file.
FILE_WORD: Final = (ops.OP_PREAD, ops.OP_PWRITE, ops.OP_FTRUNCATE)
FILE_HANDLE: Final = (ops.OP_FALLOCATE,)
OF_FILE: Final = (*FILE_WORD, *FILE_HANDLE)


class Step(NamedTuple):
    """One op of one space. A step without an answer stands in for something that is no call
    of its own. `chosen`: the kernel chose the address, so nothing was mapped there. `inside`:
    where regions ended within the source of an mremap. `thread` tells threads of a space apart.
    `excuse` is what may make the real kernel answer otherwise than the model: where it says why
    this failed, `refused`, the model is not asked, for it would do what was not done. `right` is
    the answer that this one should have been, where the rules of the call say so."""

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
    excuse: str = ""
    refused: bool = False
    right: str = ""

    @property
    def file(self) -> int:
        """The file that the step names, or ANON."""
        if self.code == ops.OP_MMAP:
            return self.args[4]
        if self.code == ops.OP_MEMFD or self.code in FILE_HANDLE:
            return self.args[0]
        return self.args[0] // WORDS_PER_PAGE if self.code in FILE_WORD else ANON

    @property
    def uffd(self) -> int:
        """The userfaultfd that the step names, or ANON."""
        return self.args[0] if self.code in OF_UFFD else ANON

    @property
    def resized(self) -> int | None:
        """The pages that the step's memory file has behind it, if it says so."""
        if self.code == ops.OP_MEMFD:
            return self.args[1]
        if self.code == ops.OP_FTRUNCATE:
            return self.args[1] + (self.args[0] % WORDS_PER_PAGE != 0)
        return None

    def places(self) -> Iterator[tuple[int, int]]:
        """The ranges of addresses that the step names."""
        for at, kind in PLACES[self.code]:
            if kind == ops.RANGE:
                yield self.args[at], self.args[at + 1]
            elif kind == ops.WORD:
                page = self.args[at] // WORDS_PER_PAGE
                yield page, page + 1
            elif self.code not in OF_FILE:
                yield self.args[at], self.args[at] + 1

    def proves_mapped(self, layout: Layout) -> Iterator[tuple[int, int]]:
        """Ranges that were mapped before this step, or it would have answered otherwise."""
        if self.answer is None:
            return
        if self.answer.good and self.code in _PROVING:
            yield self.args[0], self.args[1]
        if self.answer.good and self.code == ops.OP_UFFD_COPY:
            yield self.args[3], self.args[4]
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


def apply(layout: Layout, step: Step) -> None:
    """What the step did to the layout; nothing if it failed."""
    code = step.code
    if code not in CHANGES_LAYOUT or _failed(layout, step):
        return
    args = step.args
    if code == ops.OP_MMAP:
        start, end, prot, sharing, file, offset, flags = args
        kept = flags & (ops.MMAP_GROWSDOWN | ops.MMAP_NORESERVE | ops.MMAP_DROPPABLE)
        shared_anon = sharing and file == ANON
        layout.map(
            Region(
                start, end, prot, bool(sharing), file, offset, kept, step.line if shared_anon else 0
            )
        )
    elif code == ops.OP_MUNMAP:
        layout.unmap(args[0], args[1])
    elif code == ops.OP_MPROTECT:
        layout.protect(args[0], args[1], args[2])
    elif code == ops.OP_MADVISE:
        _advise(layout, *args)
    elif code == ops.OP_UFFD_REGISTER:
        layout.register(args[1], args[2], args[0], args[3])
    elif code == ops.OP_UFFD_UNREGISTER:
        layout.register(args[1], args[2], ANON, 0)
    elif code == ops.OP_UFFD_CLOSE:
        layout.close(args[0])
    else:
        _move(layout, *args)


def _advise(layout: Layout, start: int, end: int, advice: int) -> None:
    if advice in _KEPT_ADVICE:
        layout.advise(start, end, *_KEPT_ADVICE[advice])
    elif advice == ops.MADV_GUARD_INSTALL:
        for region in layout.within(start, end):
            layout.guards.add(region.start, region.end)
    elif advice == ops.MADV_GUARD_REMOVE:
        layout.guards.remove(start, end)


def kept_advice(bits: int) -> list[int]:
    """The advice that `Region.advice` stands for."""
    return [advice for advice, (_, bit) in _KEPT_ADVICE.items() if bits & bit]


def _move(layout: Layout, start: int, end: int, to: int, to_end: int, keep: int) -> None:
    if to != start:
        layout.move(start, end, to, to_end, bool(keep))
    elif to_end < end:
        layout.unmap(to_end, end)
    elif tail := list(layout.within(end - 1, end)):
        layout.map(tail[0].at(end, to_end, tail[0].offset + 1))


def forked(layout: Layout) -> Layout:
    """The layout of a child."""
    child = layout.copy()
    for region in layout.regions:
        if region.uffd != ANON:
            child.register(region.start, region.end, ANON, 0)
        if region.advice & DONTFORK:
            child.unmap(region.start, region.end)
        elif region.advice & WIPEONFORK or region.flags & ops.MMAP_DROPPABLE:
            child.guards.remove(region.start, region.end)
    return child
