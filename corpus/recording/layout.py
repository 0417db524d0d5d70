# SPDX-License-Identifier: MIT
"""The mappings of one address space as a log shows them, in real page numbers.

Contract: plain interval arithmetic over what calls said. It also keeps which pages the log
has told about at all: a call that succeeds on pages of which nothing is known proves that
they were mapped before the log began (the program's own text, the stack).

Not promised: VMAs as the kernel splits and merges them. Regions of one mapping that lie side
by side with equal attributes are one region here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

ANON: Final = -1  # the file of anonymous memory


@dataclass(frozen=True, slots=True)
class Region:
    """Pages start..end (exclusive). `file` is an index into `Translation.files` or ANON;
    `origin` tells shared anonymous mappings apart, which look alike but share nothing."""

    start: int
    end: int
    prot: int
    shared: bool
    file: int
    offset: int
    flags: int = 0
    origin: int = 0

    def part(self, start: int, end: int) -> "Region":
        """The pages of it within start..end."""
        low, high = max(start, self.start), min(end, self.end)
        return replace(self, start=low, end=high, offset=self.offset + low - self.start)

    def continues(self, other: "Region") -> bool:
        """Whether `other` is the same mapping and ends where this begins."""
        if other.end != self.start or self._kind != other._kind:
            return False
        anonymous = self.file == ANON and not self.shared
        return anonymous or other.offset + other.end - other.start == self.offset

    @property
    def _kind(self) -> tuple[int, bool, int, int, int]:
        return self.prot, self.shared, self.file, self.flags, self.origin


class Layout:
    """Sorted regions, and the pages the log has told about."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self._told: list[tuple[int, int]] = []  # sorted, disjoint

    def copy(self) -> "Layout":
        other = Layout()
        other.regions = list(self.regions)
        other._told = list(self._told)
        return other

    def within(self, start: int, end: int) -> Iterator[Region]:
        """The parts of regions in start..end, in order."""
        for region in self.regions:
            if region.start < end and start < region.end:
                yield region.part(start, end)

    def holes(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What of start..end is not mapped."""
        for region in self.within(start, end):
            if start < region.start:
                yield start, region.start
            start = region.end
        if start < end:
            yield start, end

    def untold(self, start: int, end: int) -> list[tuple[int, int]]:
        """The holes in start..end of which the log has said nothing."""
        found: list[tuple[int, int]] = []
        for low, high in self.holes(start, end):
            for told_low, told_high in self._told:
                if told_high <= low or high <= told_low:
                    continue
                if low < told_low:
                    found.append((low, told_low))
                low = max(low, told_high)
            if low < high:
                found.append((low, high))
        return found

    def map(self, region: Region) -> None:
        """Replace what is there by `region`."""
        self.unmap(region.start, region.end)
        self.regions.append(region)
        self._tidy()

    def unmap(self, start: int, end: int) -> None:
        kept: list[Region] = []
        for region in self.regions:
            if region.end <= start or end <= region.start:
                kept.append(region)
                continue
            if region.start < start:
                kept.append(region.part(region.start, start))
            if end < region.end:
                kept.append(region.part(end, region.end))
        self.regions = kept
        self.tell(start, end)

    def protect(self, start: int, end: int, prot: int) -> None:
        for region in list(self.within(start, end)):
            self.map(replace(region, prot=prot))

    def move(self, start: int, end: int, to: int, to_end: int, keep: bool) -> None:
        """mremap(): the pages of start..end to `to`, the last region grown or cut to fit."""
        parts = list(self.within(start, min(end, start + to_end - to)))
        if not keep:
            self.unmap(start, end)
        self.unmap(to, to_end)
        for part in parts:
            moved = replace(part, start=part.start - start + to, end=part.end - start + to)
            if part is parts[-1] and part.end == end:
                moved = replace(moved, end=to_end)
            self.map(moved)

    def tell(self, start: int, end: int) -> None:
        """The log has told about these pages."""
        merged: list[tuple[int, int]] = []
        for low, high in self._told:
            if high < start or end < low:
                merged.append((low, high))
            else:
                start, end = min(start, low), max(end, high)
        self._told = sorted([*merged, (start, end)])

    def _tidy(self) -> None:
        self.regions.sort(key=lambda region: region.start)
        merged: list[Region] = []
        for region in self.regions:
            if merged and region.continues(merged[-1]):
                merged[-1] = replace(merged[-1], end=region.end)
            else:
                merged.append(region)
        self.regions = merged
