# SPDX-License-Identifier: MIT
"""The mappings of one address space as a log shows them, in real page numbers.

Contract: plain interval arithmetic over what calls said: what is mapped, what advice a mapping
keeps, where guards are. It also keeps which pages the log has told about at all: a call that
succeeds on pages of which nothing is known proves that they were mapped before the log began (the
program's own text, the stack).

Not promised: VMAs as the kernel splits and merges them. Regions of one mapping that lie side
by side with equal attributes are one region here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from corpus.recording.spans import Spans

ANON: Final = -1  # the file of anonymous memory


class Region(NamedTuple):
    """Pages start..end (exclusive). `file` is an index into `Translation.files` or ANON;
    `origin` tells shared anonymous mappings apart, which look alike but share nothing. `flags` are
    those of mmap that are kept, `advice` is a bit for each advice that a fork looks at. `uffd` is
    the userfaultfd (a file, or ANON) with which it is registered for `modes`."""

    start: int
    end: int
    prot: int
    shared: bool
    file: int
    offset: int
    flags: int = 0
    origin: int = 0
    advice: int = 0
    uffd: int = ANON
    modes: int = 0

    def part(self, start: int, end: int) -> "Region":
        """The pages of it within start..end."""
        low, high = max(start, self.start), min(end, self.end)
        if low == self.start and high == self.end:
            return self
        return self.at(low, high, self.offset + low - self.start)

    def at(self, start: int, end: int, offset: int) -> "Region":
        return Region(
            start,
            end,
            self.prot,
            self.shared,
            self.file,
            offset,
            self.flags,
            self.origin,
            self.advice,
            self.uffd,
            self.modes,
        )

    def unregistered(self) -> "Region":
        """The same without a userfaultfd."""
        return self if self.uffd == ANON else self._replace(uffd=ANON, modes=0)

    def continues(self, other: "Region") -> bool:
        """Whether `other` is the same mapping and ends where this begins."""
        if other.end != self.start or self[2:5] != other[2:5] or self[6:] != other[6:]:
            return False
        anonymous = self.file == ANON and not self.shared
        return anonymous or other.offset + other.end - other.start == self.offset


class Layout:
    """Sorted regions, guards, and the pages the log has told about."""

    __slots__ = ("_starts", "_told", "guards", "regions")

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self._starts: list[int] = []  # of regions
        self._told = Spans()
        self.guards = Spans()

    def copy(self) -> "Layout":
        other = Layout()
        other.regions, other._starts = self.regions.copy(), self._starts.copy()
        other._told, other.guards = self._told.copy(), self.guards.copy()
        return other

    def near(self, start: int, end: int) -> list[Region]:
        """Regions that lie in start..end or border on it, whole."""
        regions = self.regions
        first = max(0, bisect_left(self._starts, start) - 1)
        if first < len(regions) and regions[first].end < start:
            first += 1
        return regions[first : bisect_right(self._starts, end)]

    def within(self, start: int, end: int) -> Iterator[Region]:
        """The parts of regions in start..end, in order."""
        regions = self.regions
        at = bisect_right(self._starts, start)
        if at and regions[at - 1].end > start:
            at -= 1
        while at < len(regions) and regions[at].start < end:
            yield regions[at].part(start, end)
            at += 1

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
        return [
            hole for low, high in self.holes(start, end) for hole in self._told.without(low, high)
        ]

    def map(self, region: Region) -> None:
        """Replace what is there by `region`."""
        self.unmap(region.start, region.end)
        at = bisect_left(self._starts, region.start)
        regions, starts = self.regions, self._starts
        if at and region.continues(regions[at - 1]):
            at -= 1
            region = regions[at].at(regions[at].start, region.end, regions[at].offset)
            regions[at] = region
        else:
            regions.insert(at, region)
            starts.insert(at, region.start)
        if at + 1 < len(regions) and regions[at + 1].continues(region):
            regions[at] = region.at(region.start, regions[at + 1].end, region.offset)
            del regions[at + 1], starts[at + 1]

    def unmap(self, start: int, end: int) -> None:
        regions, starts = self.regions, self._starts
        first = bisect_right(starts, start)
        if first and regions[first - 1].end > start:
            first -= 1
        last = bisect_left(starts, end)
        if first < last:
            low, high = regions[first], regions[last - 1]
            kept = []
            if low.start < start:
                kept.append(low.part(low.start, start))
            if end < high.end:
                kept.append(high.part(end, high.end))
            regions[first:last] = kept
            starts[first:last] = [region.start for region in kept]
        if self.guards:
            self.guards.remove(start, end)
        self._told.add(start, end)

    def protect(self, start: int, end: int, prot: int) -> None:
        for region in list(self.within(start, end)):
            if region.prot != prot:
                self._put_back(region._replace(prot=prot))

    def advise(self, start: int, end: int, clear: int, bits: int) -> None:
        """Take bits of advice away, and give others."""
        for region in list(self.within(start, end)):
            advice = region.advice & ~clear | bits
            if region.advice != advice:
                self._put_back(region._replace(advice=advice))

    def register(self, start: int, end: int, uffd: int, modes: int) -> None:
        """Give pages to a userfaultfd; with ANON to none."""
        for region in list(self.within(start, end)):
            if (region.uffd, region.modes) != (uffd, modes):
                self._put_back(region._replace(uffd=uffd, modes=modes))

    def close(self, uffd: int) -> None:
        """A userfaultfd is closed."""
        for region in [each for each in self.regions if each.uffd == uffd]:
            self._put_back(region.unregistered())

    def _put_back(self, region: Region) -> None:
        """A region with other attributes: its guards stay."""
        guards = list(self.guards.within(region.start, region.end)) if self.guards else []
        self.map(region)
        for guard in guards:
            self.guards.add(*guard)

    def move(self, start: int, end: int, to: int, to_end: int, keep: bool) -> None:
        """mremap(): the pages of start..end to `to`, the last region grown or cut to fit."""
        moved_end = min(end, start + to_end - to)
        parts = list(self.within(start, moved_end))
        guards = list(self.guards.within(start, moved_end)) if self.guards else []
        if keep:
            self.guards.remove(start, end)
        else:
            self.unmap(start, end)
        self.unmap(to, to_end)
        for part in parts:
            last = part is parts[-1] and part.end == end
            self.map(
                part.at(
                    part.start - start + to, to_end if last else part.end - start + to, part.offset
                ).unregistered()
            )
        for low, high in guards:
            self.guards.add(low - start + to, high - start + to)

    def tell(self, start: int, end: int) -> None:
        """The log has told about these pages."""
        self._told.add(start, end)

    def told(self, start: int, end: int) -> bool:
        """Whether the log has told about all of these pages, mapped or not."""
        return not any(self._told.without(start, end))
