# SPDX-License-Identifier: MIT
"""mm/memory.c (7.2), mm/pt_reclaim.c: taking away what an address range maps, and its page tables.

Flushing and freeing is left to the mmu_gather.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.mm import anon_vma, mmap_lock, mmu_gather, mmu_notifier, rmap, swapfile, tlb_batch
from simulator.mm.huge_memory import zap_huge_pmd
from simulator.mm.mm_inline import pte_install_uffd_wp_if_needed
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    MM_SWAPENTS,
    PFN_SHIFT,
    PG_DIRTY,
    PTE_DIRTY,
    PTE_UFFD_WP,
    REF_MAP,
    SWP_DEVICE_EXCLUSIVE,
    SWP_DEVICE_READ,
    SWP_MARKER_GUARD,
    SWP_MARKER_POISON,
    SWP_MARKER_UFFD_WP,
    SWP_MIGRATION_READ,
    SWP_MIGRATION_WRITE,
    SWP_SWAP,
    VM_UFFD_WP,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    mm_counter,
    pte_kind,
    pte_present,
    swp_offset,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import (
    pfn_to_page,
    pmd_addr_end,
    pmd_clear,
    pmd_index,
    pmd_is_huge,
    pmd_table,
    ptep_get,
    ptep_zap,
    vm_normal_page,
    walk_pmd,
    write_pte,
)
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.split_huge_pmd import split_huge_pmd
from simulator.mm.vma_file import unlink_file_vma
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import spin_lock, spin_unlock
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.mm.mmu_gather import MmuGather
    from simulator.state import Kernel

ZAP_FLAG_DROP_MARKER: Final = 1
ZAP_FLAG_RECLAIM_PT: Final = 2  # zap_details.reclaim_pt: free page tables that become empty
ZAP_FLAG_SKIP_COWS: Final = 4  # zap_details.skip_cows: private copies of file pages stay

FORCE_FLUSH: Final = 1  # before the page table lock is dropped
FORCE_BREAK: Final = 2  # at once: the batch is full


def unmap_single_vma(
    k: "Kernel", tlb: "MmuGather", vma: Vma, start: i64, end: i64, zap_flags: i64
) -> None:
    """Clear the entries of [start, end) within the VMA, page table by page table."""
    start = max(start, vma.start)
    end = min(end, vma.end)
    va = walk_pmd(k, sites.ZAP_PMD_RANGE__PMD, tlb.mm, start, end)
    while va < end:
        stop = pmd_addr_end(k, va, end)
        if pmd_is_huge(k, tlb.mm, va):
            if stop - va != k.ptrs_per_pte:
                split_huge_pmd(k, vma, va)
            elif zap_huge_pmd(k, tlb, va):
                va = walk_pmd(k, sites.ZAP_PMD_RANGE__PMD, tlb.mm, stop, end)
                continue
        va = zap_pte_range(k, tlb, vma, va, stop, zap_flags)
        if va < stop and pmd_is_huge(k, tlb.mm, va):
            k.retry(sites.ZAP_PMD_RANGE__AGAIN)
        else:
            va = stop
        va = walk_pmd(k, sites.ZAP_PMD_RANGE__PMD, tlb.mm, va, end)


def zap_pte_range(
    k: "Kernel", tlb: "MmuGather", vma: Vma, start: i64, end: i64, zap_flags: i64
) -> i64:
    """One page table's part of a zap, and how far it got: no further when the page table is there
    no more. The flush is left to the gather, except that a full batch
    and dirty pages of files are flushed before the lock is dropped: who finds such a page without
    mappings may write it back, and no CPU may still store to it then."""
    mm = tlb.mm
    size = k.ptrs_per_pte
    reclaim = k.linux.reclaim_pt and zap_flags & ZAP_FLAG_RECLAIM_PT != 0 and end - start == size
    direct = True  # nobody can have used the table since it was emptied
    gone: PageTable | None = None
    va = start
    while va < end:
        table = pte_offset_map_lock(k, sites.ZAP_PTE_RANGE__LOCK, mm, va)
        if table is None:
            return va
        if mm.tlb_batched != mm.tlb_flushed:
            tlb_batch.flush_tlb_batched_pending(k, mm)
        force_flush = False
        force_break = False
        while va < end and not force_break:
            pte = ptep_get(k, table, va)
            if pte_present(pte):
                if zap_flags & ZAP_FLAG_SKIP_COWS and is_anon_pte(k, pte):
                    va += 1
                    continue
                what = zap_present_pte(k, tlb, vma, table, va, zap_flags)
                if reclaim and vma.flags & VM_UFFD_WP:
                    reclaim = ptep_get(k, table, va) == 0  # a marker may be left
                force_flush = force_flush or what != 0
                force_break = what & FORCE_BREAK != 0
            elif pte:
                zap_nonpresent_pte(k, tlb, vma, table, va, zap_flags)
                reclaim = reclaim and ptep_get(k, table, va) == 0
            va += 1
        direct = direct and not force_break
        if reclaim and direct and k.bug.pt_reclaim_unlinks_before_flush:
            gone = try_get_and_clear_pmd(k, mm, start)
        if force_flush:
            mmu_gather.tlb_flush_mmu_tlbonly(k, tlb)
            mmu_gather.tlb_flush_rmaps(k, tlb)
        # Now nobody needs to come by the lock to see that the pages are mapped no more.
        if reclaim and direct and gone is None:
            gone = try_get_and_clear_pmd(k, mm, start)
        pte_unmap_unlock(k, table)
        if force_flush:
            mmu_gather.tlb_flush_mmu(k, tlb)
    if reclaim and gone is None:
        gone = try_to_free_pte(k, mm, start)
    if gone is not None:
        mmu_gather.pte_free_tlb(k, tlb, gone)
    return end


def is_anon_pte(k: "Kernel", pte: i64) -> bool:
    """!should_zap_folio() where private copies are to stay."""
    page = vm_normal_page(k, pte)
    return page is not None and page.folio.anon_vma is not None


def zap_present_pte(
    k: "Kernel", tlb: "MmuGather", vma: Vma, table: PageTable, va: i64, zap_flags: i64
) -> i64:
    """zap_present_folio_ptes(): clear one present entry and queue its page. FORCE_* bits say that
    the flush must come before the lock is dropped, and that it must come now."""
    mm = tlb.mm
    k.step(sites.ZAP_PTE_RANGE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
    pte = ptep_zap(k, mm, table, va)
    if pte & PTE_UFFD_WP:
        zap_install_uffd_wp_if_needed(k, vma, table, va, zap_flags, pte)
    k.watch.data_dropped(k, mm, va)
    mmu_gather.tlb_remove_tlb_entry(tlb, va)
    if k.tracing:
        k.note("flush deferred")
    page = vm_normal_page(k, pte)
    if page is None:
        return 0
    what: i64 = 0
    add_mm_counter(mm, mm_counter(page.folio), -1)
    if page.folio.anon_vma is None and pte & PTE_DIRTY:
        page.folio.flags |= PG_DIRTY
        what = FORCE_FLUSH
    delay_rmap = what != 0
    if not delay_rmap:
        k.step(sites.ZAP_PRESENT_FOLIO_PTES__REMOVE_RMAP, page.obj, WRITE)
        rmap.folio_remove_rmap_pte(k, page, mm)
    if mmu_gather.tlb_remove_page(k, tlb, page, delay_rmap):
        what |= FORCE_FLUSH | FORCE_BREAK
    return what


def zap_install_uffd_wp_if_needed(
    k: "Kernel", vma: Vma, table: PageTable, va: i64, zap_flags: i64, old: i64
) -> None:
    """A zap has taken out an entry that was write-protected for userfaultfd."""
    mm = vma.mm
    assert mm is not None
    if zap_flags & ZAP_FLAG_DROP_MARKER:
        k.watch.uffd_unprotecting(k, mm, va, va + 1)
    else:
        pte_install_uffd_wp_if_needed(k, vma, mm, table, va, old)


def zap_nonpresent_pte(
    k: "Kernel", tlb: "MmuGather", vma: Vma, table: PageTable, va: i64, zap_flags: i64
) -> None:
    """Clear a device private or migration entry, or a marker that is to go. Markers of userfaultfd
    stay in mappings of files, as guards do."""
    mm = tlb.mm
    pte = ptep_get(k, table, va)
    kind = pte_kind(pte)
    if kind == SWP_SWAP:
        zap_swap_entry(k, mm, table, va, pte, zap_flags)
        if pte & PTE_UFFD_WP and ptep_get(k, table, va) == 0:
            zap_install_uffd_wp_if_needed(k, vma, table, va, zap_flags, pte)
        return
    if zap_flags & ZAP_FLAG_SKIP_COWS and kind < SWP_MARKER_GUARD:
        if pfn_to_page(k, pte >> PFN_SHIFT).folio.anon_vma is not None:
            return
    k.step(sites.ZAP_PTE_RANGE__CLEAR_NONPRESENT, pte_obj(mm.id, va), WRITE)
    if kind == SWP_MARKER_GUARD:
        if not zap_flags & ZAP_FLAG_DROP_MARKER:
            return
        write_pte(k, mm, table, va, 0, True)
        return
    if kind == SWP_MARKER_POISON:  # it is lost in this mapping, like a private copy
        if zap_flags & ZAP_FLAG_SKIP_COWS:
            return
        write_pte(k, mm, table, va, 0, True)
        k.watch.data_dropped(k, mm, va)
        return
    if kind == SWP_MARKER_UFFD_WP:
        if vma.inode is not None and not zap_flags & ZAP_FLAG_DROP_MARKER:
            return
        k.watch.uffd_unprotecting(k, mm, va, va + 1)
        write_pte(k, mm, table, va, 0, True)
        k.watch.data_dropped(k, mm, va)
        return
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    if SWP_DEVICE_READ <= kind <= SWP_DEVICE_EXCLUSIVE:
        k.watch.data_dropped(k, mm, va)
        add_mm_counter(mm, MM_ANONPAGES, -1)
        # In this order: only lockless readers could tell, and nothing comes in between.
        rmap.folio_remove_rmap_pte(k, page, mm)
        folio_put(k, page.folio, REF_MAP)
        write_pte(k, mm, table, va, 0, True)
        return
    if SWP_MIGRATION_READ <= kind <= SWP_MIGRATION_WRITE:
        add_mm_counter(mm, mm_counter(page.folio), -1)
        write_pte(k, mm, table, va, 0, True)
        if pte & PTE_UFFD_WP:
            zap_install_uffd_wp_if_needed(k, vma, table, va, zap_flags, pte)
        k.watch.data_dropped(k, mm, va)


def zap_swap_entry(
    k: "Kernel", mm: Mm, table: PageTable, va: i64, pte: i64, zap_flags: i64
) -> None:
    """A genuine swap entry, hence anonymous memory."""
    if zap_flags & ZAP_FLAG_SKIP_COWS:
        return
    add_mm_counter(mm, MM_SWAPENTS, -1)
    swapfile.swap_put(k, swp_offset(pte), True)
    k.step(sites.ZAP_PTE_RANGE__CLEAR_NONPRESENT, pte_obj(mm.id, va), WRITE)
    write_pte(k, mm, table, va, 0, True)
    k.watch.data_dropped(k, mm, va)


def try_get_and_clear_pmd(k: "Kernel", mm: Mm, va: i64) -> PageTable | None:
    """mm/pt_reclaim.c: unlink a page table that the zap has emptied, under its lock."""
    pmd = pmd_obj(mm.id, pmd_index(k, va))
    k.step(sites.TRY_GET_AND_CLEAR_PMD__TRYLOCK, pmd, WRITE)
    if mm.page_table_lock.owner >= 0:
        return None
    return pmd_clear(k, mm, va)


def try_to_free_pte(k: "Kernel", mm: Mm, va: i64) -> PageTable | None:
    """mm/pt_reclaim.c: the same for a zap that has dropped the lock meanwhile, if the table is
    still empty."""
    gone: PageTable | None = None
    spin_lock(k, sites.TRY_TO_FREE_PTE__PMD_LOCK, mm.page_table_lock)
    table = pmd_table(k, mm, va)
    if table is not None:
        spin_lock(k, sites.TRY_TO_FREE_PTE__LOCK, table.ptl)
        if table.used == 0:
            gone = pmd_clear(k, mm, va)
        spin_unlock(k, table.ptl)
    spin_unlock(k, mm.page_table_lock)
    return gone


def zap_vma_range(k: "Kernel", vma: Vma, start: i64, end: i64, zap_flags: i64) -> None:
    """zap_page_range_single(): zap, flush and free what one VMA maps in [start, end)."""
    mm = vma.mm
    assert mm is not None
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    tlb = mmu_gather.tlb_gather_mmu(k, mm)
    unmap_single_vma(k, tlb, vma, start, end, zap_flags)
    mmu_gather.tlb_finish_mmu(k, tlb)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)


def free_pgtables(
    k: "Kernel", tlb: "MmuGather", mm: Mm, vmas: list[Vma], floor: i64, ceiling: i64, exiting: bool
) -> None:
    """Take the VMAs out of rmap, then their page tables away, which walkers must not meet half
    freed: group by group of neighbours within one page table's reach."""
    n = len(vmas)
    i = 0
    while i < n:
        first = vmas[i].start
        last = i
        while True:
            vma = vmas[last]
            if exiting:
                mmap_lock.vma_start_write(k, vma)
            anon_vma.unlink_anon_vmas(k, vma)
            unlink_file_vma(k, vma)
            if last + 1 >= n or vmas[last + 1].start > vma.end + k.ptrs_per_pte:
                break
            last += 1
        above = ceiling if last + 1 == n else vmas[last + 1].start
        free_pgd_range(k, tlb, mm, first, vmas[last].end, floor, above)
        i = last + 1


def free_pgd_range(
    k: "Kernel", tlb: "MmuGather", mm: Mm, start: i64, end: i64, floor: i64, ceiling: i64
) -> None:
    """Unlink and queue the page tables of [start, end) that lie wholly between `floor` and
    `ceiling` (the neighbours' ends; ceiling 0 is the end of the arena)."""
    size = k.ptrs_per_pte
    if ceiling == 0:
        ceiling = (k.nr_arena + size - 1) // size * size
    va = start // size * size
    while va < end:
        if va >= floor and va + size <= ceiling and pmd_table(k, mm, va) is not None:
            k.step(sites.FREE_PGTABLES__PMD_CLEARED, pmd_obj(mm.id, pmd_index(k, va)), WRITE)
            table = pmd_clear(k, mm, va)
            if table is not None:
                mmu_gather.pte_free_tlb(k, tlb, table)
        va += size
