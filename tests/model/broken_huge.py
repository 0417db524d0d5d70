# SPDX-License-Identifier: MIT
"""Pairs about huge pages: O1, O3, O4, O5, O11."""

from typing import Final

from simulator.mm import (
    collapse_huge_page,
    huge_memory,
    mmu_notifier,
    pgtable,
    rmap,
    split_huge_pmd,
)
from simulator.mm.mm_types import Folio
from tests.model.broken import Pair, Patch

CONFIG: Final = "config pmd_order=3 frames=64 thp=always\n"
HUGE: Final = CONFIG + "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
SMALL: Final = HUGE.replace("always", "madvise")


def split_does_not_flush(patch: Patch) -> None:
    patch.set(split_huge_pmd, "pmdp_invalidate", pgtable.pmdp_invalidate_ad)


def collapse_does_not_flush(patch: Patch) -> None:
    patch.set(collapse_huge_page, "pmdp_collapse_flush", pgtable.pmd_detach)


def fork_keeps_writable(patch: Patch) -> None:
    patch.nothing(huge_memory, "pmdp_set_wrprotect")


def never_unmapped(patch: Patch) -> None:
    patch.nothing(rmap, "folio_remove_rmap_pmd")


def shares_exclusive(patch: Patch) -> None:
    def shares(_k: object, _folio: Folio, _vma: object, _child: object) -> bool:
        return True

    patch.set(rmap, "folio_try_dup_anon_rmap_pmd", shares)


def copies_nothing(patch: Patch) -> None:
    patch.nothing(collapse_huge_page, "collapse_huge_page_copy")


def restores_unseen(patch: Patch) -> None:
    patch.nothing(mmu_notifier, "mmu_notifier_invalidate_range_start")


PAIRS: Final = (
    Pair(
        "huge-split-flushes",
        "stale-tlb split_huge_pmd_locked anon",
        HUGE + "3 T0 madvise 0..1 DONTNEED\n",
        split_does_not_flush,
    ),
    Pair(
        "collapse-flushes",
        "stale-tlb collapse_huge_page anon",
        SMALL + "3 T0 madvise 0..8 COLLAPSE\n",
        collapse_does_not_flush,
    ),
    Pair(
        "huge-fork-write-protects",
        "anon-exclusive copy_huge_pmd anon",
        HUGE + "3 T0 fork T1\n",
        fork_keeps_writable,
    ),
    Pair(
        "huge-zap-counts", "mapcount zap_huge_pmd anon", HUGE + "3 T0 munmap 0..8\n", never_unmapped
    ),
    Pair(
        "huge-fork-counts", "mapcount copy_huge_pmd anon", HUGE + "3 T0 fork T1\n", shares_exclusive
    ),
    Pair(
        "collapse-copies",
        "memory-value map_anon_folio_pmd anon",
        SMALL + "3 T0 madvise 0..8 COLLAPSE\n",
        copies_nothing,
    ),
    Pair(
        "exclusive-notifies",
        "secondary-mmu restore_exclusive_pte anon",
        HUGE + "3 DEVICE device_exclusive 3..4\n4 T0 read 3\n",
        restores_unseen,
    ),
)
