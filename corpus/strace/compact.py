# SPDX-License-Identifier: MIT
"""Small numbers for real pages: what lies where, without what lies between.

Contract: all boundaries that ops name are kept in order, and what is between two neighbours
shrinks by whole blocks (a block is what one page table maps in the model). So order,
adjacency, overlap, and the place of every page within its block are kept; ranges of fewer
than two blocks keep their size. Where mremap() or a file mapping says that two ranges hold
the same pages, boundaries of one are boundaries of the other, so that both shrink alike and
equal sizes stay equal.

Not promised: distances. Two far mappings come to lie one to two blocks apart.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from corpus.strace.layout import ANON
from corpus.strace.steps import Step
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

ADDRESSES: Final = -2  # the axis of addresses; files have theirs, by their number
# Boundaries multiply when ranges are moved by odd distances again and again. No real log comes
# near this; it keeps a hostile one from taking all memory.
_MAX_POINTS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Same:
    """`pages` pages from `first` on one axis are those from `second` on the other."""

    axis: int
    first: int
    other_axis: int
    second: int
    pages: int


class Compaction:
    """A map from real pages to small ones, for all that `steps` name."""

    def __init__(self, steps: Iterable[Step], block: int) -> None:
        self._points: dict[int, list[int]] = {ADDRESSES: []}
        self._small: dict[int, list[int]] = {}
        self._same: set[_Same] = set()
        for step in steps:
            self._gather(step)
        self._mirror()
        for axis, points in self._points.items():
            at = points[0] % block + block if axis == ADDRESSES and points else 0
            small = []
            for index, point in enumerate(points):
                if index:
                    at += _shrunk(point - points[index - 1], block)
                small.append(at)
            self._small[axis] = small

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
                args[at] = self.page(args[at])
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
                words = WORDS_PER_PAGE if arg.kind == ops.WORD else 1
                self._add(ADDRESSES, step.args[at] // words)
                self._add(ADDRESSES, step.args[at] // words + 1)
            elif arg.kind == ops.BACKING and step.args[at] != ANON:
                file, offset = step.args[at], step.args[at + 1]
                pages = step.args[1] - step.args[0]
                for point in (0, offset, offset + pages):
                    self._add(file, point)
                self._same.add(_Same(ADDRESSES, step.args[0], file, offset, pages))
            elif arg.kind == ops.DEST:
                pages = min(step.args[1] - step.args[0], step.args[3] - step.args[2])
                self._same.add(_Same(ADDRESSES, step.args[0], ADDRESSES, step.args[2], pages))
            elif arg.kind == ops.COUNT and step.code == ops.OP_MEMFD:
                self._add(step.args[0], 0)
                self._add(step.args[0], step.args[at])
            at += ops.SLOTS[arg.kind]
        if step.code == ops.OP_MREMAP:
            start, end, to, to_end = step.args[:4]
            pages = min(end - start, to_end - to)
            self._same.add(_Same(ADDRESSES, start, ADDRESSES, to, pages))

    def _add(self, axis: int, point: int) -> bool:
        points = self._points.setdefault(axis, [])
        at = bisect_left(points, point)
        if at < len(points) and points[at] == point:
            return False
        if len(points) >= _MAX_POINTS:
            raise ValueError("too many different places: this log cannot be made small")
        insort(points, point)
        return True

    def _mirror(self) -> None:
        """Boundaries inside of ranges that hold the same pages, until no more come."""
        changed = True
        while changed:
            changed = False
            for same in self._same:
                for axis, start, other, other_start in (
                    (same.axis, same.first, same.other_axis, same.second),
                    (same.other_axis, same.second, same.axis, same.first),
                ):
                    points = self._points[axis]
                    low = bisect_left(points, start)
                    high = bisect_right(points, start + same.pages)
                    for point in points[low:high]:
                        changed |= self._add(other, point - start + other_start)


def _shrunk(pages: int, block: int) -> int:
    return pages if pages < 2 * block else block + pages % block
