# SPDX-License-Identifier: MIT
"""mm/khugepaged.c (7.2): collapse_huge_page() of anonymous memory: pages of one page table become
one folio.

The page table is taken away as a whole while its pages are copied: CPUs are flushed, GUP-fast is
waited for, and everybody else must be kept out by locks: mmap_lock and the VMA's for write, the
anon_vma's, and the folio locks of all that is copied. So no other VMA may have entries in that page
table, and with mTHP, where not all of its folios are locked, the anon_vma stays locked to the end.

Every failure behind that point puts the page table back.

Not modelled: swap, uffd, memory cgroups, NUMA nodes, machine checks while copying, lazyfree folios.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.lib.maple_tree import find_vma
from simulator.machine import ipi
from simulator.machine.cpu import CallSingleData, Cpu
from simulator.mm import (
    anon_vma,
    huge_memory,
    mmap_lock,
    mmu_notifier,
    page_alloc,
    swap,
    swapfile,
    tlb,
    vmscan,
)
from simulator.mm.anon_folio import map_anon_folio_pte_nopf
from simulator.mm.collapse_control import (
    SCAN_ALLOC_HUGE_PAGE_FAIL,
    SCAN_DEL_PAGE_LRU,
    SCAN_EXCEED_NONE_PTE,
    SCAN_EXCEED_SHARED_PTE,
    SCAN_EXCEED_SWAP_PTE,
    SCAN_FAIL,
    SCAN_LACK_REFERENCED_PAGE,
    SCAN_NO_PTE_TABLE,
    SCAN_PAGE_COUNT,
    SCAN_PAGE_LAZYFREE,
    SCAN_PAGE_LOCK,
    SCAN_PAGE_NULL,
    SCAN_PTE_MAPPED_HUGEPAGE,
    SCAN_PTE_NON_PRESENT,
    SCAN_PTE_UFFD_WP,
    SCAN_SUCCEED,
    SCAN_VMA_CHECK,
    CollapseControl,
    check_pmd_state,
    collapse_max_ptes_none,
    collapse_max_ptes_shared,
    collapse_possible_orders,
    lazyfree,
)
from simulator.mm.memory import copy_words, do_swap_page
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    PG_DEVICE_PRIVATE,
    PG_LRU,
    PG_SWAPCACHE,
    PG_UPTODATE,
    PTE_SPECIAL,
    PTE_UFFD_WP,
    PTE_YOUNG,
    REF_ISOLATED,
    REF_MAP,
    REF_OWNER,
    Folio,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    fill,
    folio_expected_ref_count,
    pte_present,
)
from simulator.mm.page_ref import folio_get, folio_put
from simulator.mm.pgtable import (
    clear_detached_pte,
    pfn_to_page,
    pgtable_trans_huge_deposit,
    pmd_populate_back,
    pmd_still_none,
    ptep_get,
    ptep_get_and_clear,
    set_pte_at,
    vm_normal_page,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pmdp_collapse_flush,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.mm.rmap import folio_maybe_mapped_shared, folio_remove_rmap_pte
from simulator.mm.split_huge_pmd import thp_vma_suitable
from simulator.mm.vm_fault import VM_FAULT_ERROR, VM_FAULT_RETRY, VmFault
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import folio_trylock, mutex_unlock, spin_lock, spin_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


class TlbRemoveTableSync(CallSingleData):
    """What tlb_remove_table_sync_one() has every CPU do: nothing, with interrupts on."""

    def func(self, k: "Kernel", cpu: Cpu) -> None:
        return


def tlb_remove_table_sync_one(k: "Kernel") -> None:
    """Whoever walks page tables with interrupts off has ended his walk when this returns."""
    if k.bug.gup_fast_vs_thp_collapse:
        return
    t = k.cur
    for cpu in k.cpus:
        if cpu.id != t.cpu:
            t.acks_missing += 1
            ipi.send(k, sites.TLB_REMOVE_TABLE_SYNC_ONE__IPI, cpu, TlbRemoveTableSync(t.id))
    if t.acks_missing:
        ipi.wait_for_acks(k, sites.TLB_REMOVE_TABLE_SYNC_ONE__IPI)


# --- collapsing --------------------------------------------------------------------------------


def hugepage_vma_revalidate(
    k: "Kernel", mm: Mm, start: i64, cc: CollapseControl, order: i64, expect_anon: bool = True
) -> Vma | None:
    """The VMA at the page table of `start`, if it still is one to be collapsed to that order:
    nothing is known of it since mmap_lock was dropped. It must have all that the PMD entry maps,
    whatever the order: the page table must not be somebody else's, too."""
    if mm.users == 0:
        return None
    vma = find_vma(mm, start)
    if vma is None or expect_anon and (vma.anon_vma is None or vma.inode is not None):
        return None
    if not k.bug.mthp_collapse_pmd_flush_other_vma or order == k.pmd_order:
        if not thp_vma_suitable(k, vma, start):
            return None
    elif vma.start > start + k.ptrs_per_pte:
        return None
    if not collapse_possible_orders(k, vma, cc) >> order & 1:
        return None
    return vma


def collapse_huge_page(k: "Kernel", mm: Mm, start: i64, cc: CollapseControl, order: i64) -> i64:
    """Copy 1 << `order` pages from `start` on into one folio. mmap_lock is not held."""
    haddr = start >> k.pmd_order << k.pmd_order
    folio = page_alloc.folio_alloc_order(k, sites.COLLAPSE_HUGE_PAGE__ALLOC, order, False)
    if folio is None and vmscan.try_to_free_pages(k):
        folio = page_alloc.folio_alloc_order(k, sites.COLLAPSE_HUGE_PAGE__ALLOC, order, False)
    if folio is None:
        return SCAN_ALLOC_HUGE_PAGE_FAIL
    mmap_lock.mmap_read_lock(k, mm, sites.COLLAPSE_HUGE_PAGE__READ_LOCK)
    vma = hugepage_vma_revalidate(k, mm, haddr, cc, order)
    result: i64 = SCAN_VMA_CHECK
    if vma is not None:
        result = check_pmd_state(k, sites.COLLAPSE_HUGE_PAGE__FIND_PMD, mm, haddr)
    if result == SCAN_SUCCEED and vma is not None and cc.unmapped:
        result = collapse_huge_page_swapin(k, mm, vma, start, order)
        if result != SCAN_SUCCEED:  # it has dropped the lock
            folio_put(k, folio, REF_OWNER)
            return result
    mmap_lock.mmap_read_unlock(k, mm)
    if result != SCAN_SUCCEED:
        k.sometimes(features.Z_COLLAPSE_REVALIDATED)
        folio_put(k, folio, REF_OWNER)
        return result
    mmap_lock.mmap_write_lock(k, mm, sites.COLLAPSE_HUGE_PAGE__WRITE_LOCK)
    vma = hugepage_vma_revalidate(k, mm, haddr, cc, order)
    result = SCAN_VMA_CHECK
    if vma is not None:
        mmap_lock.vma_start_write(k, vma)
        result = check_pmd_state(k, sites.COLLAPSE_HUGE_PAGE__CHECK_PMD, mm, haddr)
    if result == SCAN_SUCCEED and vma is not None:
        result = collapse_locked(k, mm, vma, start, cc, order, folio)
    else:
        k.sometimes(features.Z_COLLAPSE_REVALIDATED)
    mmap_lock.mmap_write_unlock(k, mm)
    if result != SCAN_SUCCEED:
        folio_put(k, folio, REF_OWNER)
    return result


def collapse_huge_page_swapin(k: "Kernel", mm: Mm, vma: Vma, start: i64, order: i64) -> i64:
    """__collapse_huge_page_swapin(): fault in what is not present. mmap_lock is dropped if that
    fails."""
    va = start
    while va < start + (1 << order):
        table = mm.tables[va >> k.pmd_order]
        if table is None:
            mmap_lock.mmap_read_unlock(k, mm)
            return SCAN_NO_PTE_TABLE
        k.step(sites.COLLAPSE_HUGE_PAGE_SWAPIN__READ_PTE, pte_obj(mm.id, va), READ)
        pte = ptep_get(k, table, va)
        if pte and not pte_present(pte):
            if order != k.pmd_order:
                mmap_lock.mmap_read_unlock(k, mm)
                return SCAN_EXCEED_SWAP_PTE
            vmf = VmFault(vma, mm, va, 0)
            vmf.orig_pte = pte
            ret = do_swap_page(k, vmf)
            if ret & VM_FAULT_RETRY:
                return SCAN_PAGE_LOCK
            if ret & VM_FAULT_ERROR:
                mmap_lock.mmap_read_unlock(k, mm)
                return SCAN_FAIL
            swap.lru_add_drain(k)
        va += 1
    return SCAN_SUCCEED


def collapse_locked(
    k: "Kernel", mm: Mm, vma: Vma, start: i64, cc: CollapseControl, order: i64, folio: Folio
) -> i64:
    """The part of collapse_huge_page() with mmap_lock and the VMA locked for write."""
    av = vma.anon_vma
    assert av is not None
    haddr = start >> k.pmd_order << k.pmd_order
    end = start + (1 << order)
    attached = k.bug.mthp_collapse_rollback_incomplete or k.bug.mthp_collapse_gup_fast_race
    if attached and order != k.pmd_order:
        return collapse_attached(k, mm, vma, start, cc, order, folio)
    anon_vma.anon_vma_lock_write(k, av, sites.COLLAPSE_HUGE_PAGE__ANON_VMA_LOCK)
    notify_start = haddr if k.bug.mthp_collapse_notifier_wrong_range else start
    notify_end = notify_start + (1 << order)
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, notify_start, notify_end, event)
    pmd_lock(k, sites.COLLAPSE_HUGE_PAGE__PMD_LOCK, mm)
    k.step(sites.COLLAPSE_HUGE_PAGE__COLLAPSE_FLUSH, pmd_obj(mm.id, haddr >> k.pmd_order), WRITE)
    table = pmdp_collapse_flush(k, mm, haddr)
    spin_unlock(k, mm.page_table_lock)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, notify_start, notify_end)
    tlb_remove_table_sync_one(k)
    spin_lock(k, sites.COLLAPSE_HUGE_PAGE__PTE_LOCK, table.ptl)
    taken: list[Folio] = []
    first = start - haddr
    ptes = [table.pte[first + i] for i in range(1 << order)]
    result = collapse_huge_page_isolate(k, vma, ptes, cc, order, taken)
    spin_unlock(k, table.ptl)
    if result != SCAN_SUCCEED:
        k.sometimes(features.Z_COLLAPSE_ROLLED_BACK)
        pmd_lock(k, sites.COLLAPSE_HUGE_PAGE__ROLL_BACK, mm)
        pmd_populate_back(k, mm, haddr, table)
        pmd_unlock(k, mm)
        anon_vma.anon_vma_unlock_write(k, av)
        return result
    whole = order == k.pmd_order
    held = not whole and not k.bug.mthp_collapse_anon_vma_unlock_early
    if not held:
        anon_vma.anon_vma_unlock_write(k, av)
    collapse_huge_page_copy(k, ptes, folio)
    mm.collapsing += 1
    collapse_huge_page_copy_succeeded(k, mm, table, start, order, taken)
    folio.flags |= PG_UPTODATE
    pmd_lock(k, sites.COLLAPSE_HUGE_PAGE__SET_LOCK, mm)
    mm.collapsing -= 1
    if whole:
        pmd_still_none(k, mm, haddr)
        mm.detached[haddr >> k.pmd_order] = None
        pgtable_trans_huge_deposit(k, mm, haddr, table)
        huge_memory.map_anon_folio_pmd_nopf(k, folio, vma, haddr)
        k.sometimes(features.Z_COLLAPSED)
    else:
        spin_lock(k, sites.COLLAPSE_HUGE_PAGE__SET_PTE_LOCK, table.ptl)
        k.step(sites.COLLAPSE_HUGE_PAGE__POPULATE, pmd_obj(mm.id, haddr >> k.pmd_order), WRITE)
        pmd_populate_back(k, mm, haddr, table)
        map_anon_folio_pte_nopf(k, mm, folio, table, vma, start, dirty=keeps_dirty(k), zeroes=False)
        k.watch.ptl_dropping(k, table)
        spin_unlock(k, table.ptl)
        k.sometimes(features.Z_MTHP_COLLAPSED)
    for va in range(start, end):
        k.watch.copy_installed(k, mm, va, pfn_to_page(k, folio.pfn + va - start))
    pmd_unlock(k, mm)
    if held:
        anon_vma.anon_vma_unlock_write(k, av)
    return SCAN_SUCCEED


def collapse_attached(
    k: "Kernel", mm: Mm, vma: Vma, start: i64, cc: CollapseControl, order: i64, folio: Folio
) -> i64:
    """What was proposed instead for orders below the PMD's: the page table stays where it is, its
    entries are taken out one by one and remembered, and set again if the collapse fails. GUP-fast
    goes on meanwhile: references must be counted when the entries are gone."""
    av = vma.anon_vma
    assert av is not None
    end = start + (1 << order)
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    anon_vma.anon_vma_lock_write(k, av, sites.COLLAPSE_HUGE_PAGE__ANON_VMA_LOCK)
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    table = pte_offset_map_lock(k, sites.COLLAPSE_HUGE_PAGE__PTE_LOCK, mm, start)
    assert table is not None
    mm.collapsing += 1
    ptes = [table.pte[va & (k.ptrs_per_pte - 1)] for va in range(start, end)]
    taken: list[Folio] = []
    if k.bug.mthp_collapse_gup_fast_race:
        result = collapse_huge_page_isolate(k, vma, ptes, cc, order, taken)
        if result == SCAN_SUCCEED:
            take_out(k, mm, table, start, ptes)
    else:
        take_out(k, mm, table, start, ptes)
        result = collapse_huge_page_isolate(k, vma, ptes, cc, order, taken)
        if result != SCAN_SUCCEED:
            k.sometimes(features.Z_COLLAPSE_ROLLED_BACK)
            set_back(k, mm, table, start, ptes, cc)
    if result == SCAN_SUCCEED:
        spin_unlock(k, table.ptl)
        collapse_huge_page_copy(k, ptes, folio)
        give_up(k, mm, ptes, taken)
        folio.flags |= PG_UPTODATE
        spin_lock(k, sites.COLLAPSE_HUGE_PAGE__SET_PTE_LOCK, table.ptl)
        map_anon_folio_pte_nopf(k, mm, folio, table, vma, start, dirty=keeps_dirty(k), zeroes=False)
        for va in range(start, end):
            k.watch.copy_installed(k, mm, va, pfn_to_page(k, folio.pfn + va - start))
    mm.collapsing -= 1
    pte_unmap_unlock(k, table)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    anon_vma.anon_vma_unlock_write(k, av)
    return result


def keeps_dirty(k: "Kernel") -> bool:
    """Whether copies in memory that may only be read are dirty, as in a huge page they are."""
    return not k.bug.mthp_collapse_loses_soft_dirty


def take_out(k: "Kernel", mm: Mm, table: PageTable, start: i64, ptes: list[int]) -> None:
    """Clear the entries one by one, and flush; `ptes` become what they were."""
    for i in range(len(ptes)):
        if ptes[i]:
            k.step(sites.COLLAPSE_HUGE_PAGE__CLEAR_PTE, pte_obj(mm.id, start + i), WRITE)
            ptes[i] = ptep_get_and_clear(k, mm, table, start + i)
    tlb.flush_tlb_range(k, mm, start, start + len(ptes))


def set_back(
    k: "Kernel", mm: Mm, table: PageTable, start: i64, ptes: list[int], cc: CollapseControl
) -> None:
    """Put the entries back that were taken out."""
    first = cc.failed_at if k.bug.mthp_collapse_rollback_incomplete else 0
    for i in range(first, len(ptes)):
        if ptes[i]:
            k.step(sites.COLLAPSE_HUGE_PAGE__RESTORE_PTE, pte_obj(mm.id, start + i), WRITE)
            set_pte_at(k, mm, table, start + i, ptes[i])


def give_up(k: "Kernel", mm: Mm, ptes: list[int], taken: list[Folio]) -> None:
    """Nothing maps the old pages any more, whose entries were `ptes`."""
    for pte in ptes:
        page = vm_normal_page(k, pte) if pte_present(pte) else None
        if page is None:
            add_mm_counter(mm, MM_ANONPAGES, 1)
        else:
            folio_remove_rmap_pte(k, page, mm)
            folio_put(k, page.folio, REF_MAP)
    for old in taken:
        release_pte_folio(k, old)


def collapse_huge_page_isolate(
    k: "Kernel", vma: Vma, ptes: list[int], cc: CollapseControl, order: i64, taken: list[Folio]
) -> i64:
    """__collapse_huge_page_isolate(): lock all folios, see that nobody else has a reference on
    them, and take them off the LRU; or give all back. No CPU has these entries any more, and nobody
    finds them."""
    none_or_zero: i64 = 0
    shared: i64 = 0
    referenced: i64 = 0
    result: i64 = SCAN_SUCCEED
    cc.failed_at = -1
    for pte in ptes:
        cc.failed_at += 1
        if pte == 0 or (pte_present(pte) and pte & PTE_SPECIAL):
            none_or_zero += 1
            armed = None if k.bug.collapse_anon_fills_uffd_armed_hole else vma
            if none_or_zero > collapse_max_ptes_none(k, cc, armed, order):
                result = SCAN_EXCEED_NONE_PTE
                break
            continue
        if not pte_present(pte):
            result = SCAN_PTE_NON_PRESENT
            break
        if pte & PTE_UFFD_WP:
            result = SCAN_PTE_UFFD_WP
            break
        page = vm_normal_page(k, pte)
        assert page is not None
        if page.folio.flags & PG_DEVICE_PRIVATE:
            result = SCAN_PAGE_NULL
            break
        if lazyfree(cc, vma, page.folio, pte):
            result = SCAN_PAGE_LAZYFREE
            break
        shared += 1 if folio_maybe_mapped_shared(page.folio) else 0
        if shared > collapse_max_ptes_shared(k, cc, order):
            result = SCAN_EXCEED_SHARED_PTE
            break
        result = isolate_folio(k, page.folio, order, taken)
        if result != SCAN_SUCCEED:
            break
        if pte & PTE_YOUNG:
            referenced += 1
    if result == SCAN_SUCCEED and cc.is_khugepaged and referenced == 0:
        result = SCAN_LACK_REFERENCED_PAGE
    if result != SCAN_SUCCEED:
        for folio in taken:
            release_pte_folio(k, folio)
    elif cc.is_khugepaged:
        k.watch.holes_filling(k, order, none_or_zero)
    return result


def isolate_folio(k: "Kernel", folio: Folio, order: i64, taken: list[Folio]) -> i64:
    """Lock and isolate one folio, unless that has been done for another page of it."""
    if order != k.pmd_order and folio.order >= order:
        return SCAN_PTE_MAPPED_HUGEPAGE
    if folio.order and folio in taken:
        return SCAN_SUCCEED
    if not folio_trylock(k, sites.COLLAPSE_HUGE_PAGE_ISOLATE__TRYLOCK, folio.lock):
        return SCAN_PAGE_LOCK
    k.step(sites.COLLAPSE_HUGE_PAGE_ISOLATE__REFS, folio.obj, READ)
    if folio_expected_ref_count(folio) != folio.ref:
        k.sometimes(features.Z_COLLAPSE_PINNED)
        mutex_unlock(k, folio.lock)
        return SCAN_PAGE_COUNT
    if not folio.flags & PG_LRU:
        mutex_unlock(k, folio.lock)
        return SCAN_DEL_PAGE_LRU
    folio.flags &= ~PG_LRU
    folio_get(k, folio, REF_ISOLATED)
    taken.append(folio)
    return SCAN_SUCCEED


def release_pte_folio(k: "Kernel", folio: Folio) -> None:
    """Unlock an isolated folio and put it back."""
    mutex_unlock(k, folio.lock)
    swap.folio_putback_lru(k, folio)


def collapse_huge_page_copy(k: "Kernel", ptes: list[int], folio: Folio) -> None:
    """__collapse_huge_page_copy(): the pages' words, zeroes where there is none."""
    for i, pte in enumerate(ptes):
        page = pfn_to_page(k, folio.pfn + i)
        source = vm_normal_page(k, pte) if pte_present(pte) else None
        if source is None:
            fill(page, 0)
        else:
            copy_words(k, sites.COLLAPSE_HUGE_PAGE_COPY__COPY_WORD, page, source)


def collapse_huge_page_copy_succeeded(
    k: "Kernel", mm: Mm, table: PageTable, start: i64, order: i64, taken: list[Folio]
) -> None:
    """__collapse_huge_page_copy_succeeded(): empty the page table, and let the old pages go."""
    for va in range(start, start + (1 << order)):
        pte = ptep_get(k, table, va)
        page = vm_normal_page(k, pte) if pte_present(pte) else None
        if page is None:
            add_mm_counter(mm, MM_ANONPAGES, 1)
            if pte:
                spin_lock(k, sites.COLLAPSE_HUGE_PAGE_COPY_SUCCEEDED__LOCK, table.ptl)
                clear_detached_pte(k, mm, table, va)
                spin_unlock(k, table.ptl)
            else:
                k.watch.hole_filled(k, mm, va)
            continue
        folio = page.folio
        if folio.order == 0:
            release_pte_folio(k, folio)
        spin_lock(k, sites.COLLAPSE_HUGE_PAGE_COPY_SUCCEEDED__LOCK, table.ptl)
        clear_detached_pte(k, mm, table, va)
        folio_remove_rmap_pte(k, page, mm)
        spin_unlock(k, table.ptl)
        if folio.flags & PG_SWAPCACHE:
            swapfile.free_swap_cache(k, folio)
        folio_put(k, folio, REF_MAP)
    for folio in taken:
        if folio.order:
            release_pte_folio(k, folio)
