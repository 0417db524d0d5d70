# SPDX-License-Identifier: MIT
"""mm/khugepaged.c (7.2): what a collapse may do, why it did not, and what scans and collapses tell
each other."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator.build.native import final
from simulator.mm import huge_memory
from simulator.mm.mm_types import (
    PG_SWAPBACKED,
    PTE_DIRTY,
    VM_DROPPABLE,
    VM_UFFD_FLAGS,
    Folio,
    Mm,
    Vma,
    is_migration_pte,
    pmd_present,
)
from simulator.objects import pmd_obj
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel

# enum scan_result, as far as it comes up.
SCAN_FAIL: Final = 0
SCAN_SUCCEED: Final = 1
SCAN_NO_PTE_TABLE: Final = 2
SCAN_PMD_MAPPED: Final = 3
SCAN_EXCEED_NONE_PTE: Final = 4
SCAN_EXCEED_SWAP_PTE: Final = 5
SCAN_EXCEED_SHARED_PTE: Final = 6
SCAN_PTE_NON_PRESENT: Final = 7
SCAN_PAGE_NULL: Final = 8
SCAN_PAGE_ANON: Final = 9
SCAN_PAGE_COUNT: Final = 10
SCAN_PAGE_LRU: Final = 11
SCAN_PAGE_LOCK: Final = 12
SCAN_DEL_PAGE_LRU: Final = 13
SCAN_LACK_REFERENCED_PAGE: Final = 14
SCAN_ALLOC_HUGE_PAGE_FAIL: Final = 15
SCAN_ANY_PROCESS: Final = 16
SCAN_VMA_NULL: Final = 17
SCAN_VMA_CHECK: Final = 18
SCAN_ADDRESS_RANGE: Final = 19
SCAN_PTE_MAPPED_HUGEPAGE: Final = 20
SCAN_PTE_UFFD_WP: Final = 21
SCAN_PAGE_COMPOUND: Final = 22
SCAN_TRUNCATED: Final = 23
SCAN_PAGE_FILLED: Final = 24
SCAN_PAGE_LAZYFREE: Final = 25


@final
class CollapseControl:
    """struct collapse_control: who collapses, and what a scan has found."""

    def __init__(self, is_khugepaged: bool) -> None:
        self.is_khugepaged: bool = is_khugepaged
        self.lock_dropped: bool = False
        self.present: i64 = 0  # mthp_present_ptes: a bit for each entry that maps a page
        self.referenced: i64 = 0
        self.unmapped: i64 = 0
        self.failed_at: i64 = 0  # place of the entry that stood against an isolation


# --- limits ------------------------------------------------------------------------------------


def collapse_max_ptes_none(k: "Kernel", cc: CollapseControl, vma: Vma | None, order: i64) -> i64:
    """How many entries may be none or map the zero page, in `vma` if a lock keeps it as it is."""
    if vma is not None and vma.flags & VM_UFFD_FLAGS:
        return 0
    if not cc.is_khugepaged:
        return k.ptrs_per_pte
    if order == k.pmd_order:
        return k.max_ptes_none
    if k.bug.mthp_collapse_max_ptes_none_creep:
        return k.max_ptes_none >> (k.pmd_order - order)
    return (1 << order) - 1 if k.max_ptes_none == k.ptrs_per_pte - 1 else 0


def collapse_max_ptes_shared(k: "Kernel", cc: CollapseControl, order: i64) -> i64:
    """How many may map pages that other processes map, too."""
    if not cc.is_khugepaged:
        return k.ptrs_per_pte
    return k.max_ptes_shared if order == k.pmd_order else 0


def lazyfree(cc: CollapseControl, vma: Vma, folio: Folio, pte: i64) -> bool:
    """Whether khugepaged leaves the page to reclaim: MADV_FREE has given it up."""
    if not cc.is_khugepaged or folio.flags & PG_SWAPBACKED or folio.anon_vma is None:
        return False
    return not vma.flags & VM_DROPPABLE and not pte & PTE_DIRTY


def collapse_max_ptes_swap(k: "Kernel", cc: CollapseControl) -> i64:
    """How many may be neither none nor present: the default of khugepaged's knob."""
    return k.ptrs_per_pte // 8 if cc.is_khugepaged else k.ptrs_per_pte


def collapse_possible_orders(k: "Kernel", vma: Vma, cc: CollapseControl) -> i64:
    """A bit for each order that the VMA may have collapsed to."""
    tva: i64 = huge_memory.TVA_KHUGEPAGED
    if not cc.is_khugepaged:
        tva = huge_memory.TVA_FORCED_COLLAPSE
    if not huge_memory.thp_vma_allowable(k, vma, tva):
        return 0
    orders: i64 = 1 << k.pmd_order
    return orders | k.mthp if cc.is_khugepaged else orders


def check_pmd_state(k: "Kernel", site: i64, mm: Mm, start: i64) -> i64:
    """Whether there is a page table."""
    i = start >> k.pmd_order
    k.step(site, pmd_obj(mm.id, i), READ)
    pmd = mm.pmd[i]
    if pmd == 0:
        return SCAN_SUCCEED if mm.tables[i] is not None else SCAN_NO_PTE_TABLE
    return SCAN_PMD_MAPPED if pmd_present(pmd) or is_migration_pte(pmd) else SCAN_NO_PTE_TABLE
