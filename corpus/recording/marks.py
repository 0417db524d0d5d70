# SPDX-License-Identifier: MIT
"""Which call did something to which pages: sorted, disjoint ranges that each name a line.

Contract: the latest call on a page counts. Marks of one line that touch are one.
"""

from bisect import bisect_left, bisect_right


class Marks:
    """Ranges of pages, each with the line of a call."""

    __slots__ = ("_ends", "_lines", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._lines: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._starts)

    def copy(self) -> "Marks":
        other = Marks()
        other._starts, other._ends = self._starts.copy(), self._ends.copy()
        other._lines = self._lines.copy()
        return other

    def set(self, start: int, end: int, line: int) -> None:
        at = self._cut(start, end)
        self._starts.insert(at, start)
        self._ends.insert(at, end)
        self._lines.insert(at, line)

    def clear(self, start: int, end: int) -> None:
        self._cut(start, end)

    def first(self, start: int, end: int) -> int:
        """The line of the first mark in start..end, or 0."""
        at = bisect_right(self._ends, start)
        return self._lines[at] if at < len(self._starts) and self._starts[at] < end else 0

    def border(self, start: int, end: int) -> int:
        """The line of a mark that begins or ends within start..end, or 0."""
        at = bisect_right(self._ends, start)
        while at < len(self._starts) and self._starts[at] < end:
            if start < self._starts[at] or self._ends[at] < end:
                return self._lines[at]
            at += 1
        return 0

    def move(self, start: int, end: int, to: int, to_end: int) -> None:
        """What is marked in start..end is marked at `to` instead, as mremap() moves it."""
        moved: list[tuple[int, int, int]] = []
        at = bisect_right(self._ends, start)
        while at < len(self._starts) and self._starts[at] < end:
            low, high = max(start, self._starts[at]), min(end, self._ends[at])
            grown = to_end if high == end else min(high - start + to, to_end)
            if low - start + to < grown:
                moved.append((low - start + to, grown, self._lines[at]))
            at += 1
        self._cut(start, end)
        self._cut(to, to_end)
        for mark in moved:
            self.set(*mark)

    def _cut(self, start: int, end: int) -> int:
        """Take start..end out; where a mark of it would stand."""
        starts, ends, lines = self._starts, self._ends, self._lines
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        if first >= last:
            return first
        pieces: list[tuple[int, int, int]] = []
        if starts[first] < start:
            pieces.append((starts[first], start, lines[first]))
        at = first + len(pieces)
        if end < ends[last - 1]:
            pieces.append((end, ends[last - 1], lines[last - 1]))
        starts[first:last] = [low for low, _, _ in pieces]
        ends[first:last] = [high for _, high, _ in pieces]
        lines[first:last] = [line for _, _, line in pieces]
        return at
