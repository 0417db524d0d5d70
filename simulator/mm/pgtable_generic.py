# SPDX-License-Identifier: MIT
"""mm/pgtable-generic.c (7.2): page tables with their lock, and entries that are taken out together
with every cached copy. With it __pte_alloc() (mm/memory.c), which file systems need, too."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import mmu_gather, tlb
from simulator.mm.mm_types import PTE_PRESENT, PTE_PROTNONE, Mm, PageTable
from simulator.mm.pgtable import (
    pagetable_alloc,
    pmd_detach,
    pmd_none,
    pmd_populate,
    pmdp_huge_get_and_clear,
    pmdp_invalidate_ad,
    pte_free,
    write_pte,
)
from simulator.objects import OBJ_NONE, pmd_obj
from simulator.sched.lock import spin_lock, spin_unlock
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel


def pte_accessible(mm: Mm, pte: i64) -> bool:
    """Whether a CPU may hold a translation of the entry: also of a PROT_NONE one whose flush
    is still on its way."""
    if pte & PTE_PRESENT:
        return True
    return pte & PTE_PROTNONE != 0 and mm.tlb_flush_pending > 0


def ptep_clear_flush(k: "Kernel", mm: Mm, table: PageTable, va: i64) -> i64:
    """Take the entry out and make sure that no CPU has it cached."""
    pte = write_pte(k, mm, table, va, 0, False)
    if pte_accessible(mm, pte):
        tlb.flush_tlb_page(k, mm, va)
    return pte


def pte_offset_map_lock(k: "Kernel", site: i64, mm: Mm, va: i64) -> PageTable | None:
    """The locked page table of `va`; None when the PMD entry is none. Looks the entry up again
    under the lock: the table may have been freed meanwhile, RCU keeps it readable."""
    mmu_gather.rcu_read_lock(k, site)
    while True:
        k.step(sites.PTE_OFFSET_MAP_LOCK__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        table = mm.tables[va >> k.pmd_order]
        if table is None:
            mmu_gather.rcu_read_unlock(k)
            return None
        spin_lock(k, site, table.ptl)
        if mm.tables[va >> k.pmd_order] is table:
            k.watch.table_locked(k, mm, va, table)
            return table
        spin_unlock(k, table.ptl)


def pte_offset_map(k: "Kernel", mm: Mm, va: i64) -> PageTable | None:
    """The page table of `va`, kept readable by RCU until pte_unmap() or pte_unmap_unlock();
    whoever locks it (pte_offset_map_rw_nolock()) compares entries before it writes."""
    mmu_gather.rcu_read_lock(k, sites.PTE_OFFSET_MAP__PMD)
    k.step(sites.PTE_OFFSET_MAP__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
    table = mm.tables[va >> k.pmd_order]
    if table is None:
        mmu_gather.rcu_read_unlock(k)
    return table


def pte_unmap(k: "Kernel") -> None:
    """The page table is looked at no longer."""
    mmu_gather.rcu_read_unlock(k)


def pte_unmap_unlock(k: "Kernel", table: PageTable) -> None:
    """Drop the lock; pages whose mapping changed under it must be in order now."""
    k.watch.ptl_dropping(k, table)
    spin_unlock(k, table.ptl)
    mmu_gather.rcu_read_unlock(k)


def pte_alloc(k: "Kernel", mm: Mm, va: i64) -> bool:
    """__pte_alloc(): make sure a page table is there. False: out of memory."""
    k.step(sites.PTE_ALLOC__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
    if not pmd_none(k, mm, va):
        return True
    table = pte_alloc_one(k)
    if table is None:
        return False
    if not pmd_install(k, mm, va, table):
        pte_free(k, table)
    return True


def pte_alloc_one(k: "Kernel") -> PageTable | None:
    """A page table that nothing points to; None: out of memory."""
    if k.should_fail(sites.PTE_ALLOC__NEW_TABLE, OBJ_NONE):
        k.sometimes(features.Z_ALLOC_FAILED)
        return None
    return pagetable_alloc(k)


def pmd_lock(k: "Kernel", site: i64, mm: Mm) -> None:
    """The lock of all huge PMD entries of the mm."""
    spin_lock(k, site, mm.page_table_lock)


def pmd_unlock(k: "Kernel", mm: Mm) -> None:
    """Drop it; folios whose mapping changed under it must be in order now."""
    k.watch.pml_dropping(k, mm)
    spin_unlock(k, mm.page_table_lock)


def pmd_trans_huge_lock(k: "Kernel", site: i64, mm: Mm, va: i64) -> bool:
    """__pmd_trans_huge_lock(): the PMD lock, if the entry of `va` is a huge one under it."""
    pmd_lock(k, site, mm)
    if mm.pmd[va >> k.pmd_order]:
        return True
    spin_unlock(k, mm.page_table_lock)
    return False


def pmdp_invalidate(k: "Kernel", mm: Mm, va: i64) -> i64:
    """pmdp_invalidate_ad(), and no CPU has the huge entry cached any more."""
    old = pmdp_invalidate_ad(k, mm, va)
    tlb.flush_tlb_range(k, mm, va, va + k.ptrs_per_pte)
    return old


def pmdp_huge_clear_flush(k: "Kernel", mm: Mm, va: i64) -> i64:
    """Take the huge entry out and make sure that no CPU has it cached."""
    old = pmdp_huge_get_and_clear(k, mm, va)
    tlb.flush_tlb_range(k, mm, va, va + k.ptrs_per_pte)
    return old


def pmdp_collapse_flush(k: "Kernel", mm: Mm, va: i64) -> PageTable:
    """Take a whole page table away, and make sure that no CPU has an entry of it cached."""
    table = pmd_detach(k, mm, va)
    if k.bug.gup_fast_vs_thp_collapse:
        tlb.broadcast_tlb_flush(k, mm, va, va + k.ptrs_per_pte)
        return table
    tlb.flush_tlb_range(k, mm, va, va + k.ptrs_per_pte)
    return table


def pmd_install(k: "Kernel", mm: Mm, va: i64, table: PageTable) -> bool:
    """Link the page table, unless one is there already."""
    spin_lock(k, sites.PTE_ALLOC__PMD_LOCK, mm.page_table_lock)
    first = pmd_none(k, mm, va)
    if first:
        pmd_populate(k, mm, va, table)
    spin_unlock(k, mm.page_table_lock)
    return first
