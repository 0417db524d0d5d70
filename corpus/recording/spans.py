# SPDX-License-Identifier: MIT
"""Sets of pages as sorted, disjoint ranges.

Contract: ranges are start..end (exclusive). Ranges that touch become one. Asking costs the
logarithm of the number of ranges, and what it finds.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class Spans:
    """A set of pages."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._starts, self._ends)))

    def copy(self) -> "Spans":
        other = Spans()
        other._starts, other._ends = self._starts.copy(), self._ends.copy()
        return other

    def add(self, start: int, end: int) -> None:
        starts, ends = self._starts, self._ends
        first = bisect_left(ends, start)
        last = bisect_right(starts, end)
        if first < last:
            start, end = min(start, starts[first]), max(end, ends[last - 1])
            if last - first == 1:
                starts[first], ends[first] = start, end
                return
        starts[first:last] = [start]
        ends[first:last] = [end]

    def remove(self, start: int, end: int) -> None:
        starts, ends = self._starts, self._ends
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        if first >= last:
            return
        before, after = starts[first], ends[last - 1]
        kept = [(low, high) for low, high in ((before, start), (end, after)) if low < high]
        starts[first:last] = [low for low, _ in kept]
        ends[first:last] = [high for _, high in kept]

    def within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of it in start..end, in order."""
        starts, ends = self._starts, self._ends
        at = bisect_right(ends, start)
        while at < len(starts) and starts[at] < end:
            yield max(start, starts[at]), min(end, ends[at])
            at += 1

    def meets(self, start: int, end: int) -> bool:
        """Whether any page of start..end is in it."""
        at = bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end

    def without(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What of start..end is not in it, in order."""
        for low, high in self.within(start, end):
            if start < low:
                yield start, low
            start = high
        if start < end:
            yield start, end
