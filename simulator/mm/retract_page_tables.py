# SPDX-License-Identifier: MIT
"""mm/khugepaged.c (Linux 7.2): page tables that map a file go, so that faults map a huge page in
their place; and a PMD entry is put there at once, for MADV_COLLAPSE.

retract_page_tables() does without mmap_lock: whoever else changes PMD entries, or puts something
into an empty page table, is kept out by page table locks, under which everything is looked at
again, and by the lock of the huge folio, without which no fault maps it.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.lib.maple_tree import vma_lookup
from simulator.mm import mmu_notifier, tlb
from simulator.mm.collapse_control import (
    SCAN_FAIL,
    SCAN_NO_PTE_TABLE,
    SCAN_PAGE_COMPOUND,
    SCAN_PAGE_NULL,
    SCAN_PMD_MAPPED,
    SCAN_PTE_NON_PRESENT,
    SCAN_PTE_UFFD_WP,
    SCAN_SUCCEED,
    SCAN_VMA_CHECK,
    check_pmd_state,
)
from simulator.mm.collapse_huge_page import tlb_remove_table_sync_one
from simulator.mm.filemap import filemap_get_entry
from simulator.mm.mm_types import (
    MM_FILEPAGES,
    PFN_SHIFT,
    PTE_SPECIAL,
    REF_MAP,
    REF_TEMP,
    SWP_MARKER_POISON,
    VM_MAYBE_GUARD,
    VM_NOHUGEPAGE,
    VM_SHARED,
    VM_UFFD_FLAGS,
    VM_UFFD_WP,
    Folio,
    Inode,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    pte_kind,
    pte_present,
)
from simulator.mm.mmu_gather import call_rcu_table
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import keep_soft_dirty, pfn_to_page, ptep_get, ptep_get_and_clear
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pmdp_collapse_flush,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.mm.rmap import folio_remove_rmap_pte, linear_page_index
from simulator.mm.set_pmd import do_set_pmd, file_thp_suitable
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import (
    down_read,
    mutex_lock,
    mutex_unlock,
    spin_lock,
    spin_unlock,
    up_read,
)
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def file_backed_vma_is_retractable(k: "Kernel", vma: Vma) -> bool:
    """Whether page tables of the VMA hold nothing but entries of the file's pages."""
    if k.bug.retract_drops_uffd_wp_markers:
        return vma.anon_vma is None and not vma.flags & VM_MAYBE_GUARD
    return vma.anon_vma is None and not vma.flags & (VM_MAYBE_GUARD | VM_UFFD_WP)


def retract_page_tables(k: "Kernel", inode: Inode, index: i64) -> None:
    """The page tables that map the huge page at `index`, whose folio is locked."""
    down_read(k, sites.RETRACT_PAGE_TABLES__I_MMAP_LOCK, inode.i_mmap_rwsem)
    for vma in inode.i_mmap:
        va = vma.start + index - vma.pgoff
        mm = vma.mm
        assert mm is not None
        if not vma.pgoff <= index < vma.pgoff + vma.end - vma.start:
            continue
        if va & (k.ptrs_per_pte - 1) or vma.end < va + k.ptrs_per_pte:
            continue
        if check_pmd_state(k, sites.RETRACT_PAGE_TABLES__PMD, mm, va) != SCAN_SUCCEED:
            continue
        k.step(sites.RETRACT_PAGE_TABLES__CHECK, vma.obj, READ)
        if mm.users == 0 or not file_backed_vma_is_retractable(k, vma):
            continue
        retract_one(k, mm, vma, va)
    up_read(k, inode.i_mmap_rwsem)


def retract_one(k: "Kernel", mm: Mm, vma: Vma, va: i64) -> None:
    """One page table, if it is still one that may go under the locks."""
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    gone: PageTable | None = None
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, va, va + k.ptrs_per_pte, event)
    pmd_lock(k, sites.RETRACT_PAGE_TABLES__PMD_LOCK, mm)
    table = mm.tables[va >> k.pmd_order]
    if table is not None:
        spin_lock(k, sites.RETRACT_PAGE_TABLES__PTE_LOCK, table.ptl)
        if (
            file_backed_vma_is_retractable(k, vma) or k.bug.retract_anon_vma_race
        ) and not has_poison(k, table, va):
            gone = take_table(k, sites.RETRACT_PAGE_TABLES__COLLAPSE_FLUSH, mm, va)
        spin_unlock(k, table.ptl)
    pmd_unlock(k, mm)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + k.ptrs_per_pte)
    if gone is not None:
        k.sometimes(features.Z_PAGE_TABLE_RETRACTED)
        call_rcu_table(k, gone)


def has_poison(k: "Kernel", table: PageTable, start: i64) -> bool:
    """Whether pages are said to be lost there, of which no flag of the VMA tells."""
    if k.bug.retract_drops_poison_markers:
        return False
    for va in range(start, start + k.ptrs_per_pte):
        if pte_kind(ptep_get(k, table, va)) == SWP_MARKER_POISON:
            return True
    return False


def take_table(k: "Kernel", site: i64, mm: Mm, va: i64) -> PageTable:
    """Unlink a page table, with nobody translating through it any more; its locks are held."""
    k.step(site, pmd_obj(mm.id, va >> k.pmd_order), WRITE)
    table = pmdp_collapse_flush(k, mm, va)
    mm.detached[va >> k.pmd_order] = None
    tlb_remove_table_sync_one(k)
    return table


def try_collapse_pte_mapped_thp(k: "Kernel", mm: Mm, va: i64, install_pmd: bool) -> i64:
    """Where entries of a page table map the huge page of the cache, or nothing does, a PMD entry
    takes their place. mmap_lock is held for read."""
    vma = vma_lookup(mm, va)
    size = k.ptrs_per_pte
    if vma is None or vma.inode is None or va < vma.start or va + size > vma.end:
        return SCAN_VMA_CHECK
    state = check_pmd_state(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__PMD, mm, va)
    if state == SCAN_PMD_MAPPED:
        return state
    if vma.flags & VM_NOHUGEPAGE or not file_thp_suitable(k, vma, va):
        return SCAN_VMA_CHECK
    if vma.flags & VM_UFFD_WP:
        return SCAN_PTE_UFFD_WP
    inode = vma.inode
    index = linear_page_index(vma, va)
    folio = filemap_get_entry(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__FOLIO, inode, index)
    if folio is None:
        return SCAN_PAGE_NULL
    mutex_lock(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__FOLIO_LOCK, folio.lock)
    result: i64 = SCAN_PAGE_COMPOUND
    if folio.inode is not inode:
        result = SCAN_PAGE_NULL
    elif folio.order == k.pmd_order:
        state = check_pmd_state(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__PMD, mm, va)
        result = state
        if state == SCAN_SUCCEED:
            result = collapse_entries(k, mm, vma, va, folio)
        elif state == SCAN_NO_PTE_TABLE:
            result = SCAN_SUCCEED
        if result == SCAN_SUCCEED and install_pmd:
            if not do_set_pmd(k, mm, vma, va, folio, False):
                result = SCAN_FAIL
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return result


def collapse_entries(k: "Kernel", mm: Mm, vma: Vma, start: i64, folio: Folio) -> i64:
    """Take the entries of a page table out, if all are of the huge page, and the page table."""
    table = pte_offset_map_lock(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__SCAN_LOCK, mm, start)
    if table is None:
        return SCAN_FAIL
    result = maps_only(k, table, start, folio)
    pte_unmap_unlock(k, table)
    if result != SCAN_SUCCEED:
        return result
    end = start + k.ptrs_per_pte
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    # Nobody puts an entry of another kind, or a marker, into the table that is about to go.
    early = True
    if k.bug.collapse_pte_mapped_lets_markers_in:
        early = vma.flags & VM_UFFD_FLAGS != 0 and not vma.flags & VM_SHARED
    if early:
        pmd_lock(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__PMD_LOCK, mm)
    spin_lock(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__PTE_LOCK, table.ptl)
    gone: PageTable | None = None
    if mm.tables[start >> k.pmd_order] is not table:
        result = SCAN_FAIL
        spin_unlock(k, table.ptl)
    else:
        result, cleared = clear_entries(k, vma, table, start, folio)
        if result != SCAN_SUCCEED:
            if cleared:
                tlb.flush_tlb_range(k, mm, start, end)
            spin_unlock(k, table.ptl)
        else:
            if not early:
                spin_unlock(k, table.ptl)
                pmd_lock(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__PMD_LOCK, mm)
                early = True
                spin_lock(k, sites.TRY_COLLAPSE_PTE_MAPPED_THP__PTE_LOCK, table.ptl)
            if mm.tables[start >> k.pmd_order] is table:
                site = sites.TRY_COLLAPSE_PTE_MAPPED_THP__COLLAPSE_FLUSH
                gone = take_table(k, site, mm, start)
            else:
                tlb.flush_tlb_range(k, mm, start, end)
                result = SCAN_FAIL
            spin_unlock(k, table.ptl)
    if early:
        pmd_unlock(k, mm)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    if gone is not None:
        call_rcu_table(k, gone)
    return result


def maps_only(k: "Kernel", table: PageTable, start: i64, folio: Folio) -> i64:
    """Whether the entries map the pages of the folio in their order, as far as there are any."""
    for i in range(k.ptrs_per_pte):
        pte = ptep_get(k, table, start + i)
        if pte == 0:
            continue
        if not pte_present(pte):
            return SCAN_PTE_NON_PRESENT
        if pte & PTE_SPECIAL or pte >> PFN_SHIFT != folio.pfn + i:
            return SCAN_FAIL
    return SCAN_SUCCEED


def clear_entries(
    k: "Kernel", vma: Vma, table: PageTable, start: i64, folio: Folio
) -> tuple[i64, i64]:
    """Clear them one by one; what was private by now ends that. How many were."""
    mm = vma.mm
    assert mm is not None
    cleared: i64 = 0
    result: i64 = SCAN_SUCCEED
    for i in range(k.ptrs_per_pte):
        pte = ptep_get(k, table, start + i)
        if pte == 0:
            continue
        if not pte_present(pte):
            result = SCAN_PTE_NON_PRESENT
            break
        if pte & PTE_SPECIAL or pte >> PFN_SHIFT != folio.pfn + i:
            result = SCAN_FAIL
            break
        site = sites.TRY_COLLAPSE_PTE_MAPPED_THP__CLEAR_PTE
        k.step(site, pte_obj(mm.id, start + i), WRITE)
        keep_soft_dirty(k, vma, ptep_get_and_clear(k, mm, table, start + i))
        folio_remove_rmap_pte(k, pfn_to_page(k, folio.pfn + i), mm)
        cleared += 1
    for _ in range(cleared):
        folio_put(k, folio, REF_MAP)
    add_mm_counter(mm, MM_FILEPAGES, -cleared)
    return result, cleared
