# SPDX-License-Identifier: MIT
"""Small numbers for real pages: what lies where, without what lies between.

Contract: all boundaries that ops name are kept in order, and what is between two neighbours
shrinks by whole blocks (a block is what one page table maps in the model). So order,
adjacency, overlap, and the place of every page within its block are kept; ranges of fewer
than two blocks keep their size. Ranges that hold the same pages (mremap(), file mappings)
shrink by the same number of blocks, so equal sizes stay equal.

Not promised: distances. Two far mappings come to lie one to two blocks apart.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from corpus.recording.layout import ANON
from corpus.recording.events import RecordingError
from corpus.recording.steps import FILE_WORD, Step
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

ADDRESSES: Final = -2  # the axis of addresses; files have theirs, by their number
# Rounds of evening out what must shrink alike. Real logs need two or three; this ends hostile ones.
_MAX_ROUNDS: Final = 1000


@dataclass(frozen=True, slots=True)
class _Alike:
    """Pages from `first` on one axis are as many as those from `second` on the other."""

    axis: int
    first: int
    other_axis: int
    second: int
    pages: int


class Compaction:
    """A map from real pages to small ones, for all that `steps` name."""

    def __init__(self, steps: Iterable[Step], block: int) -> None:
        self._points: dict[int, list[int]] = {ADDRESSES: []}
        self._alike: list[_Alike] = []
        for step in steps:
            self._gather(step)
        # Blocks to take out behind each point, at first as many as can be.
        self._out = {
            axis: [max(0, (end - start) // block - 1) for start, end in pairwise(points)]
            for axis, points in self._points.items()
        }
        self._even_out()
        self._small = {axis: self._place(axis, block) for axis in self._points}

    @property
    def end(self) -> int:
        """The page after the last one that an op names."""
        return self._small[ADDRESSES][-1] if self._small[ADDRESSES] else 0

    def page(self, page: int, axis: int = ADDRESSES) -> int:
        """The small number of a page that is a boundary."""
        points = self._points[axis]
        at = bisect_left(points, page)
        if at == len(points) or points[at] != page:
            raise KeyError(f"page {page:#x} is no boundary")
        return self._small[axis][at]

    def args(self, step: Step) -> tuple[int, ...]:
        """The step's slots with small pages; files and spaces stay as they are."""
        args = list(step.args)
        at = 0
        for arg in ops.BY_NUMBER[step.code].args:
            if arg.kind in (ops.RANGE, ops.DEST):
                args[at], args[at + 1] = self.page(args[at]), self.page(args[at + 1])
            elif arg.kind == ops.PAGE:
                axis = step.file if step.code in FILE_WORD else ADDRESSES
                args[at] = self.page(args[at], axis)
            elif arg.kind == ops.WORD:
                page, word = divmod(args[at], WORDS_PER_PAGE)
                args[at] = self.page(page) * WORDS_PER_PAGE + word
            elif arg.kind == ops.BACKING and args[at] != ANON:
                args[at + 1] = self.page(args[at + 1], args[at])
            elif arg.kind == ops.COUNT and step.code == ops.OP_MEMFD:
                args[at] = self.page(args[at], args[0])
            at += ops.SLOTS[arg.kind]
        return tuple(args)

    def _gather(self, step: Step) -> None:
        at = 0
        for arg in ops.BY_NUMBER[step.code].args:
            if arg.kind in (ops.RANGE, ops.DEST):
                self._add(ADDRESSES, step.args[at])
                self._add(ADDRESSES, step.args[at + 1])
            elif arg.kind in (ops.PAGE, ops.WORD):
                axis = step.file if step.code in FILE_WORD else ADDRESSES
                page = step.args[at] // (WORDS_PER_PAGE if arg.kind == ops.WORD else 1)
                self._add(axis, page)
                self._add(axis, page + 1)
            elif arg.kind == ops.BACKING and step.args[at] != ANON:
                self._add_file(step, step.args[at], step.args[at + 1])
            elif arg.kind == ops.COUNT and step.code == ops.OP_MEMFD:
                self._add(step.args[0], 0)
                self._add(step.args[0], step.args[at])
            at += ops.SLOTS[arg.kind]
        if step.code == ops.OP_MREMAP:
            start, end, to, to_end = step.args[:4]
            both = min(end - start, to_end - to)
            for pages in (*(point - start for point in step.inside), both):
                self._add_alike(_Alike(ADDRESSES, start, ADDRESSES, to, min(pages, both)))

    def _add_file(self, step: Step, file: int, offset: int) -> None:
        self._add(file, 0)
        pages = step.args[1] - step.args[0]
        self._add_alike(_Alike(ADDRESSES, step.args[0], file, offset, pages))

    def _add_alike(self, alike: _Alike) -> None:
        for axis, start in ((alike.axis, alike.first), (alike.other_axis, alike.second)):
            self._add(axis, start)
            self._add(axis, start + alike.pages)
        self._alike.append(alike)

    def _add(self, axis: int, point: int) -> None:
        points = self._points.setdefault(axis, [])
        at = bisect_left(points, point)
        if at == len(points) or points[at] != point:
            insort(points, point)

    def _even_out(self) -> None:
        """Take fewer blocks out of one range where its like has fewer to give.

        Each round takes less than the one before, and nothing at all is always even.
        """
        for _ in range(_MAX_ROUNDS):
            even = True
            for alike in self._alike:
                one = self._between(alike.axis, alike.first, alike.pages)
                other = self._between(alike.other_axis, alike.second, alike.pages)
                surplus = _total(one) - _total(other)
                even = even and surplus == 0
                _give_back(one if surplus > 0 else other, abs(surplus))
            if even:
                return
        raise RecordingError("too many ranges are moved onto each other: this log cannot be made "
                          "small; trace a shorter run")

    def _between(self, axis: int, start: int, pages: int) -> tuple[list[int], range]:
        points = self._points[axis]
        return self._out[axis], range(bisect_left(points, start),
                                      bisect_left(points, start + pages))

    def _place(self, axis: int, block: int) -> list[int]:
        points = self._points[axis]
        # Nothing lies at page 0, and the first page keeps its place in its block.
        at = points[0] % block + block if axis == ADDRESSES and points else 0
        small = [at] if points else []
        for (start, end), out in zip(pairwise(points), self._out[axis], strict=True):
            at += end - start - out * block
            small.append(at)
        return small


def _total(part: tuple[list[int], range]) -> int:
    out, indices = part
    return sum(out[index] for index in indices)


def _give_back(part: tuple[list[int], range], blocks: int) -> None:
    """Leave `blocks` blocks more in this range.

    Short stretches give first: a long one lies in many ranges, and what it gives in one of
    them it gives in all, so that they would never become even.
    """
    out, indices = part
    for index in sorted(indices, key=lambda index: out[index]):
        given = min(blocks, out[index])
        out[index] -= given
        blocks -= given
