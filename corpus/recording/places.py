# SPDX-License-Identifier: MIT
"""Where the kernel maps what may lie anywhere: mm/mmap.c's vm_unmapped_area(), from the top down.

Contract: `Places` belongs to one address space. `wrong` says where else a mapping should have come
to lie: at the highest gap that is known to be free and holds it. It knows Linux's exception, large
mappings that are aligned for huge pages. It says nothing before the choices of the recording have
shown that they follow the rule (other architectures and the legacy layout go from the bottom up),
nor after something was mapped that no call shows.

Not promised: what lies above the first choice, where the loader and the vDSO are.
"""

from typing import Final

from corpus.recording.layout import Layout

HUGE_PAGES: Final = 512  # of a huge page
# Where programs and their heaps are: low, or at ELF_ET_DYN_BASE (0x55.., 0x56..; in pages).
_AFTER_FIXED_PROGRAMS: Final = 1 << 24
_PROGRAMS: Final = (0x55, 0x56)
_PROVEN: Final = 4  # choices that must have fitted
_FITTING_OF_TEN: Final = 9
_MAX_REGIONS: Final = 4096  # each choice looks at all of them


class Tally:
    """How many choices of a recording followed the rule, and how many did not."""

    def __init__(self) -> None:
        self.fitting = 0
        self.others = 0

    @property
    def proven(self) -> bool:
        return self.fitting >= _PROVEN and self.fitting * 10 >= _FITTING_OF_TEN * (
            self.fitting + self.others
        )


class Places:
    """What the choices of one space were so far. `complete`: its execve() stands in the recording,
    so that below its first choice nothing is mapped but what calls mapped. `tally` is that of all
    spaces: they have one kernel."""

    def __init__(self, complete: bool, tally: Tally) -> None:
        self.complete = complete
        self.tally = tally
        self.top = 0
        self.unsure = False

    def copy(self) -> "Places":
        other = Places(self.complete, self.tally)
        other.top, other.unsure = self.top, self.unsure
        return other

    def wrong(self, layout: Layout, start: int, pages: int, offset: int) -> int:
        """The page at which the mapping should lie, or 0. `offset` is where it begins in its
        file."""
        if self.unsure or len(layout.regions) > _MAX_REGIONS:
            return 0
        if not self.top:
            self.top = start + pages
        if start >= self.top:
            return 0
        place = self._highest(layout, pages, start)
        if place <= start or pages >= HUGE_PAGES and self._aligned(layout, start, pages, offset):
            self.tally.fitting += 1
            return 0
        proven = self.tally.proven
        self.tally.others += 1
        return place if proven else 0

    def free(self, layout: Layout, start: int, pages: int) -> bool:
        """Whether nothing is mapped there, for certain: neither by a call nor by execve()."""
        if not self.complete or self.unsure or start + pages > self.top:
            return False
        if start < _AFTER_FIXED_PROGRAMS or start >> 28 in _PROGRAMS:
            return False
        return not any(layout.within(start, start + pages))

    def _aligned(self, layout: Layout, start: int, pages: int, offset: int) -> bool:
        """Whether it lies as thp_get_unmapped_area() lets it lie."""
        place = self._highest(layout, pages + HUGE_PAGES, 0) + HUGE_PAGES
        return (start - offset) % HUGE_PAGES == 0 and place - HUGE_PAGES <= start <= place

    def _highest(self, layout: Layout, pages: int, enough: int) -> int:
        """The highest place known to be free for so many pages, or something below `enough`."""
        high = self.top
        for region in reversed(layout.regions):
            if region.start >= self.top:
                continue
            place = high - pages
            if region.end <= place and (self.complete or layout.told(place, high)):
                return place
            high = min(high, region.start)
            if high <= enough:
                return 0
        return high - pages
