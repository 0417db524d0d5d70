# SPDX-License-Identifier: MIT
"""What both sides show of a run: the words in which the model and a real kernel are compared.

Contract: plain data that either side can fill from what it has. A field that a side cannot
know is left out on both (`conformance.compare` says which), never guessed. Addresses are
arena pages, sizes are pages, words of memory are the uid of the op whose store they hold (0:
zeroes), so that both sides say the same whatever they number tokens with.
"""

from dataclasses import dataclass
from typing import Final

# Bits of one page, in the order of Documentation/admin-guide/mm/pagemap.rst.
SOFT_DIRTY: Final = 1 << 0
MAPPED_ONCE: Final = 1 << 1  # pagemap's "exclusive": one mapping, not PageAnonExclusive
UFFD_WP: Final = 1 << 2
GUARD: Final = 1 << 3
FILE: Final = 1 << 4  # of a file or of shared anonymous memory
SWAP: Final = 1 << 5  # not present, but not none: also migration entries and markers
PRESENT: Final = 1 << 6
IN_CORE: Final = 1 << 7  # mincore()

# Categories of PAGEMAP_SCAN, in the order of include/uapi/linux/fs.h.
PAGE_IS_WPALLOWED: Final = 1 << 8  # of a VMA that UFFD_FEATURE_WP_ASYNC write-protects
PAGE_IS_WRITTEN: Final = 1 << 9  # present or swapped, and not write-protected by userfaultfd
PAGE_IS_FILE: Final = 1 << 10
PAGE_IS_PRESENT: Final = 1 << 11
PAGE_IS_SWAPPED: Final = 1 << 12
PAGE_IS_PFNZERO: Final = 1 << 13  # the shared zero page
PAGE_IS_HUGE: Final = 1 << 14  # mapped by a PMD
PAGE_IS_SOFT_DIRTY: Final = 1 << 15
PAGE_IS_GUARD: Final = 1 << 16
SCANNED: Final = (1 << 17) - (1 << 8)  # all of them
# An empty entry of a page table, which a scan calls PAGE_IS_WRITTEN too since 2026.
EMPTY_PTE: Final = 1 << 17
ALL_PAGE_BITS: Final = (1 << 18) - 1


@dataclass(frozen=True, slots=True)
class Region:
    """One line of /proc/PID/maps within the arena, with the lines of smaps the model has.

    `backing` is an op table's BACKING slot: 0 anonymous, 1 + n for memory file fn; -1 is shared
    anonymous memory, which has an unnamed file. `offset` is 0 without a file. `vm_flags` are
    smaps' VmFlags, sorted, out of those that the model has."""

    start: int
    end: int  # exclusive
    prot: int  # PROT_* bits
    shared: bool
    backing: int
    offset: int
    vm_flags: tuple[str, ...] = ()
    rss: int = 0
    anonymous: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The address space of `actor`'s process right after op `uid` ended; `uid` 0 is the end of
    the scenario. `pages` has one entry for each page of the arena."""

    uid: int
    actor: int
    regions: tuple[Region, ...]
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """One run on one side. `results[i]` belongs to `scenario.ops[i]`, as in
    `simulator.outcome`, with uids in place of tokens. Checkpoints are in the order in which
    they were taken."""

    results: tuple[int, ...]
    checkpoints: tuple[Checkpoint, ...]
