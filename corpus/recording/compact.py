# SPDX-License-Identifier: MIT
"""Small numbers for real pages: what lies where, without what lies between.

Contract: all boundaries that ops name are kept in order, and what is between two neighbours
shrinks by whole blocks (a block is what one page table maps in the model). So order,
adjacency, overlap, and the place of every page within its block are kept; ranges of fewer
than two blocks keep their size. Ranges that hold the same pages (mremap(), file mappings)
shrink by the same number of blocks, so equal sizes stay equal.

Not promised: distances. Two far mappings come to lie one to two blocks apart.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from corpus.recording.events import RecordingError
from corpus.recording.layout import ANON
from corpus.recording.steps import OF_FILE, PLACES, Step
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

# Slots of each op that are pages of some axis.
_SLOTS: Final = {
    code: (
        *PLACES[code],
        *(
            (sum(ops.SLOTS[before.kind] for before in spec.args[:at]), arg.kind)
            for at, arg in enumerate(spec.args)
            if arg.kind == ops.BACKING or arg.kind == ops.COUNT and code == ops.OP_MEMFD
        ),
    )
    for code, spec in ops.BY_NUMBER.items()
}
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
        found: dict[int, set[int]] = {ADDRESSES: set()}
        for step in steps:
            self._gather(step, found)
        self._points = {axis: sorted(points) for axis, points in found.items()}
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
        return max(self._small[ADDRESSES].values(), default=0)

    def page(self, page: int, axis: int = ADDRESSES) -> int:
        """The small number of a page that is a boundary."""
        return self._small[axis][page]

    def args(self, step: Step) -> tuple[int, ...]:
        """The step's slots with small pages; files and spaces stay as they are."""
        args = list(step.args)
        for at, kind in _SLOTS[step.code]:
            if kind == ops.RANGE:
                args[at], args[at + 1] = self.page(args[at]), self.page(args[at + 1])
            elif kind == ops.PAGE:
                axis = step.file if step.code in OF_FILE else ADDRESSES
                args[at] = self.page(args[at], axis)
            elif kind == ops.WORD:
                page, word = divmod(args[at], WORDS_PER_PAGE)
                args[at] = self.page(page) * WORDS_PER_PAGE + word
            elif kind == ops.BACKING and args[at] != ANON:
                args[at + 1] = self.page(args[at + 1], args[at])
            elif kind == ops.COUNT:
                args[at] = self.page(args[at], args[0])
        return tuple(args)

    def _gather(self, step: Step, found: dict[int, set[int]]) -> None:
        args = step.args
        for at, kind in _SLOTS[step.code]:
            if kind == ops.RANGE:
                found[ADDRESSES].update(args[at : at + 2])
            elif kind in (ops.PAGE, ops.WORD):
                axis = step.file if step.code in OF_FILE else ADDRESSES
                page = args[at] // (WORDS_PER_PAGE if kind == ops.WORD else 1)
                found.setdefault(axis, set()).update((page, page + 1))
            elif kind == ops.BACKING and args[at] != ANON:
                found.setdefault(args[at], set()).add(0)
                pages = args[1] - args[0]
                self._add_alike(_Alike(ADDRESSES, args[0], args[at], args[at + 1], pages), found)
            elif kind == ops.COUNT:
                found.setdefault(args[0], set()).update((0, args[at]))
        if step.code == ops.OP_UFFD_COPY:
            start, end, source = args[1:4]
            self._add_alike(_Alike(ADDRESSES, start, ADDRESSES, source, end - start), found)
        if step.code == ops.OP_MREMAP:
            start, end, to, to_end = args[:4]
            both = min(end - start, to_end - to)
            for pages in (*(point - start for point in step.inside), both):
                self._add_alike(_Alike(ADDRESSES, start, ADDRESSES, to, min(pages, both)), found)

    def _add_alike(self, alike: _Alike, found: dict[int, set[int]]) -> None:
        for axis, start in ((alike.axis, alike.first), (alike.other_axis, alike.second)):
            found[axis].update((start, start + alike.pages))
        self._alike.append(alike)

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
        raise RecordingError(
            "too many ranges are moved onto each other: this log cannot be made "
            "small; trace a shorter run"
        )

    def _between(self, axis: int, start: int, pages: int) -> tuple[list[int], range]:
        points = self._points[axis]
        return self._out[axis], range(
            bisect_left(points, start), bisect_left(points, start + pages)
        )

    def _place(self, axis: int, block: int) -> dict[int, int]:
        points = self._points[axis]
        if not points:
            return {}
        # Nothing lies at page 0, and the first page keeps its place in its block.
        at = points[0] % block + block if axis == ADDRESSES else 0
        small = {points[0]: at}
        for (start, end), out in zip(pairwise(points), self._out[axis], strict=True):
            at += end - start - out * block
            small[end] = at
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
