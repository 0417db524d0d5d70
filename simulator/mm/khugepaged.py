# SPDX-License-Identifier: MIT
"""mm/khugepaged.c (7.2), its half about anonymous memory: small pages of one page table become one
huge page, or large folios of smaller orders (mTHP), by the kernel's own thread (op `scan`) or by
MADV_COLLAPSE.

The page table is taken away as a whole while its pages are copied: CPUs are flushed, GUP-fast is
waited for, and everybody else must be kept out by locks: mmap_lock and the VMA's for write, the
anon_vma's, and the folio locks of all that is copied. So no other VMA may have entries in that page
table, and with mTHP, where not all of its folios are locked, the anon_vma stays locked to the end.

Every failure behind that point puts the page table back.

Not modelled: files (collapse_file()), swap, uffd, memory cgroups, NUMA nodes, machine checks while
copying, lazyfree folios, khugepaged's list of mms and its pace: `scan` goes through one mm.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.build.native import final
from simulator.errno import EAGAIN, EBUSY, EINVAL, ENOMEM
from simulator.lib.maple_tree import find_vma
from simulator.machine import ipi
from simulator.machine.cpu import CallSingleData, Cpu
from simulator.mm import anon_vma, huge_memory, mmap_lock, mmu_notifier, page_alloc, swap, tlb
from simulator.mm.memory import copy_words, do_swap_page
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    PG_DEVICE_PRIVATE,
    PG_LRU,
    PG_UPTODATE,
    PTE_SPECIAL,
    PTE_WRITE,
    PTE_YOUNG,
    REF_ISOLATED,
    REF_MAP,
    REF_OWNER,
    VM_WRITE,
    Folio,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    fill,
    folio_mapcount,
    is_migration_pte,
    pmd_present,
    pte_present,
)
from simulator.mm.page_ref import folio_get, folio_put
from simulator.mm.pgtable import (
    clear_detached_pte,
    mk_pte,
    pfn_to_page,
    pgtable_trans_huge_deposit,
    pmd_populate_back,
    pmd_still_none,
    pte_mkdirty,
    ptep_get,
    ptep_get_and_clear,
    set_pte_at,
    vm_normal_page,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pmdp_collapse_flush,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.mm.rmap import (
    folio_add_new_anon_rmap_ptes,
    folio_maybe_mapped_shared,
    folio_remove_rmap_pte,
)
from simulator.mm.vm_fault import VM_FAULT_ERROR, VM_FAULT_RETRY, VmFault
from simulator.objects import pmd_obj, pte_obj
from simulator.scenario import THP_NEVER
from simulator.sched.lock import folio_trylock, mutex_unlock, spin_lock, spin_unlock
from simulator.state import READ, WRITE

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

KHUGEPAGED_MIN_MTHP_ORDER: Final = 2
# What lets mthp_collapse() try smaller orders at the same place.
_SOFT: Final = (
    SCAN_ALLOC_HUGE_PAGE_FAIL,
    SCAN_LACK_REFERENCED_PAGE,
    SCAN_EXCEED_NONE_PTE,
    SCAN_EXCEED_SWAP_PTE,
    SCAN_EXCEED_SHARED_PTE,
    SCAN_PAGE_LOCK,
    SCAN_PAGE_COUNT,
    SCAN_PAGE_NULL,
    SCAN_DEL_PAGE_LRU,
    SCAN_PTE_NON_PRESENT,
)
# What lets MADV_COLLAPSE go on with the next huge page.
_GOES_ON: Final = (
    SCAN_NO_PTE_TABLE,
    SCAN_PTE_NON_PRESENT,
    SCAN_LACK_REFERENCED_PAGE,
    SCAN_PAGE_NULL,
    SCAN_PAGE_COUNT,
    SCAN_PAGE_LOCK,
    SCAN_PAGE_LRU,
    SCAN_DEL_PAGE_LRU,
)


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


class TlbRemoveTableSync(CallSingleData):
    """What tlb_remove_table_sync_one() has every CPU do: nothing, with interrupts on."""

    def func(self, k: "Kernel", cpu: Cpu) -> None:
        return


def tlb_remove_table_sync_one(k: "Kernel") -> None:
    """Whoever walks page tables with interrupts off has ended his walk when this returns."""
    t = k.cur
    for cpu in k.cpus:
        if cpu.id != t.cpu:
            t.acks_missing += 1
            ipi.send(k, sites.TLB_REMOVE_TABLE_SYNC_ONE__IPI, cpu, TlbRemoveTableSync(t.id))
    if t.acks_missing:
        ipi.wait_for_acks(k, sites.TLB_REMOVE_TABLE_SYNC_ONE__IPI)


# --- limits ------------------------------------------------------------------------------------


def collapse_max_ptes_none(k: "Kernel", cc: CollapseControl, order: i64) -> i64:
    """How many entries may be none or map the zero page."""
    if not cc.is_khugepaged:
        return k.ptrs_per_pte
    if order == k.pmd_order:
        return k.max_ptes_none
    return (1 << order) - 1 if k.max_ptes_none == k.ptrs_per_pte - 1 else 0


def collapse_max_ptes_shared(k: "Kernel", cc: CollapseControl, order: i64) -> i64:
    """How many may map pages that other processes map, too."""
    if not cc.is_khugepaged:
        return k.ptrs_per_pte
    return k.max_ptes_shared if order == k.pmd_order else 0


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


# --- scanning ----------------------------------------------------------------------------------


def check_pmd_state(k: "Kernel", site: i64, mm: Mm, start: i64) -> i64:
    """Whether there is a page table."""
    i = start >> k.pmd_order
    k.step(site, pmd_obj(mm.id, i), READ)
    pmd = mm.pmd[i]
    if pmd == 0:
        return SCAN_SUCCEED if mm.tables[i] is not None else SCAN_NO_PTE_TABLE
    return SCAN_PMD_MAPPED if pmd_present(pmd) or is_migration_pte(pmd) else SCAN_NO_PTE_TABLE


def collapse_scan_pmd(k: "Kernel", mm: Mm, vma: Vma, start: i64, cc: CollapseControl) -> i64:
    """Look whether the pages of one page table are worth a huge page, and make it. mmap_lock is
    held for read; `cc.lock_dropped` says that it is not any more."""
    result = check_pmd_state(k, sites.COLLAPSE_SCAN_PMD__PMD, mm, start)
    if result != SCAN_SUCCEED:
        return result
    cc.present = 0
    cc.referenced = 0
    cc.unmapped = 0
    orders = collapse_possible_orders(k, vma, cc)
    limit = collapse_max_ptes_none(k, cc, k.pmd_order)
    if orders != 1 << k.pmd_order:
        limit = k.ptrs_per_pte - 1
    table = pte_offset_map_lock(k, sites.COLLAPSE_SCAN_PMD__LOCK, mm, start)
    if table is None:
        return SCAN_NO_PTE_TABLE
    none_or_zero: i64 = 0
    shared: i64 = 0
    va = start
    while va < start + k.ptrs_per_pte and result == SCAN_SUCCEED:
        pte = ptep_get(k, table, va)
        if pte == 0 or (pte_present(pte) and pte & PTE_SPECIAL):
            none_or_zero += 1
            if none_or_zero > limit:
                result = SCAN_EXCEED_NONE_PTE
        elif not pte_present(pte):
            cc.unmapped += 1
            if cc.unmapped > collapse_max_ptes_swap(k, cc):
                result = SCAN_EXCEED_SWAP_PTE
        else:
            page = vm_normal_page(k, pte)
            assert page is not None
            folio = page.folio
            shared += 1 if folio_maybe_mapped_shared(folio) else 0
            result = scan_page(k, cc, folio, shared)
            cc.present |= 1 << (va - start)
            if result == SCAN_SUCCEED and pte & PTE_YOUNG:
                cc.referenced += 1
        va += 1
    pte_unmap_unlock(k, table)
    if (
        result == SCAN_SUCCEED
        and cc.is_khugepaged
        and (cc.referenced == 0 or (cc.unmapped and cc.referenced < k.ptrs_per_pte // 2))
    ):
        result = SCAN_LACK_REFERENCED_PAGE
    if result == SCAN_SUCCEED:
        mmap_lock.mmap_read_unlock(k, mm)
        cc.lock_dropped = True
        result = mthp_collapse(k, mm, start, cc, orders)
    return result


def scan_page(k: "Kernel", cc: CollapseControl, folio: Folio, shared: i64) -> i64:
    """What stands against the collapse of a page, as far as a scan sees."""
    if folio.anon_vma is None:
        return SCAN_PAGE_ANON
    if shared > collapse_max_ptes_shared(k, cc, k.pmd_order):
        return SCAN_EXCEED_SHARED_PTE
    if not folio.flags & PG_LRU:
        return SCAN_PAGE_LRU
    if folio.lock.owner >= 0:
        return SCAN_PAGE_LOCK
    if folio_mapcount(folio) != folio.ref:
        return SCAN_PAGE_COUNT
    return SCAN_SUCCEED


def mthp_collapse(k: "Kernel", mm: Mm, start: i64, cc: CollapseControl, orders: i64) -> i64:
    """Collapse what the scan has found to the largest folios that are enabled and full enough, from
    the first page on."""
    last: i64 = SCAN_FAIL
    collapsed = False
    alloc_failed = False
    offset: i64 = 0
    order = k.pmd_order
    while offset < k.ptrs_per_pte:
        size: i64 = 1 << order
        smaller = True
        if orders & size:
            occupied = weight(cc.present >> offset & ((1 << size) - 1))
            if order == k.pmd_order:
                occupied += cc.unmapped
            if occupied >= size - collapse_max_ptes_none(k, cc, order):
                result = collapse_huge_page(k, mm, start + offset, cc, order)
                if result == SCAN_SUCCEED:
                    collapsed = True
                    smaller = False
                elif result == SCAN_PTE_MAPPED_HUGEPAGE:
                    smaller = False
                else:
                    last = result
                    alloc_failed = alloc_failed or result == SCAN_ALLOC_HUGE_PAGE_FAIL
                    if result not in _SOFT:
                        break
        if smaller and order > KHUGEPAGED_MIN_MTHP_ORDER and orders & (size - 1):
            order -= 1
            continue
        offset += size
        order = max_order_from_offset(k, offset)
    if collapsed:
        return SCAN_SUCCEED
    return SCAN_ALLOC_HUGE_PAGE_FAIL if alloc_failed else last


def weight(bits: i64) -> i64:
    """How many bits are set."""
    n: i64 = 0
    while bits:
        bits &= bits - 1
        n += 1
    return n


def max_order_from_offset(k: "Kernel", offset: i64) -> i64:
    """The largest order whose folios may begin at this page of a page table."""
    order: i64 = 0
    while order < k.pmd_order and not offset >> order & 1:
        order += 1
    return order


# --- collapsing --------------------------------------------------------------------------------


def hugepage_vma_revalidate(
    k: "Kernel", mm: Mm, start: i64, cc: CollapseControl, order: i64
) -> Vma | None:
    """The VMA at the page table of `start`, if it still is one to be collapsed to that order:
    nothing is known of it since mmap_lock was dropped. It must have all that the PMD entry maps,
    whatever the order: the page table must not be somebody else's, too."""
    if mm.users == 0:
        return None
    vma = find_vma(mm, start)
    if vma is None or vma.anon_vma is None or vma.inode is not None:
        return None
    if not k.bug.mthp_collapse_pmd_flush_other_vma or order == k.pmd_order:
        if not huge_memory.thp_vma_suitable(k, vma, start):
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
    if k.bug.mthp_collapse_rollback_incomplete and order != k.pmd_order:
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
        map_anon_folio_pte_nopf(k, mm, folio, table, vma, start)
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
    entries are taken out one by one and remembered, and set again if the collapse fails; here from
    the one on that stands against it, so that those before it are lost."""
    av = vma.anon_vma
    assert av is not None
    end = start + (1 << order)
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    anon_vma.anon_vma_lock_write(k, av, sites.COLLAPSE_HUGE_PAGE__ANON_VMA_LOCK)
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    table = pte_offset_map_lock(k, sites.COLLAPSE_HUGE_PAGE__PTE_LOCK, mm, start)
    assert table is not None
    mm.collapsing += 1
    ptes: list[int] = []
    for va in range(start, end):
        ptes.append(ptep_get(k, table, va))
        if ptes[va - start]:
            k.step(sites.COLLAPSE_HUGE_PAGE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
            ptes[va - start] = ptep_get_and_clear(k, mm, table, va)
    tlb.flush_tlb_range(k, mm, start, end)
    taken: list[Folio] = []
    result = collapse_huge_page_isolate(k, vma, ptes, cc, order, taken)
    if result != SCAN_SUCCEED:
        k.sometimes(features.Z_COLLAPSE_ROLLED_BACK)
        for va in range(start + cc.failed_at, end):
            if ptes[va - start]:
                k.step(sites.COLLAPSE_HUGE_PAGE__RESTORE_PTE, pte_obj(mm.id, va), WRITE)
                set_pte_at(k, mm, table, va, ptes[va - start])
    else:
        spin_unlock(k, table.ptl)
        collapse_huge_page_copy(k, ptes, folio)
        for pte in ptes:
            page = vm_normal_page(k, pte) if pte_present(pte) else None
            if page is None:
                add_mm_counter(mm, MM_ANONPAGES, 1)
            else:
                folio_remove_rmap_pte(k, page, mm)
                folio_put(k, page.folio, REF_MAP)
        for old in taken:
            release_pte_folio(k, old)
        folio.flags |= PG_UPTODATE
        spin_lock(k, sites.COLLAPSE_HUGE_PAGE__SET_PTE_LOCK, table.ptl)
        map_anon_folio_pte_nopf(k, mm, folio, table, vma, start)
        for va in range(start, end):
            k.watch.copy_installed(k, mm, va, pfn_to_page(k, folio.pfn + va - start))
    mm.collapsing -= 1
    pte_unmap_unlock(k, table)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    anon_vma.anon_vma_unlock_write(k, av)
    return result


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
            if none_or_zero > collapse_max_ptes_none(k, cc, order):
                result = SCAN_EXCEED_NONE_PTE
                break
            continue
        if not pte_present(pte):
            result = SCAN_PTE_NON_PRESENT
            break
        page = vm_normal_page(k, pte)
        assert page is not None
        if page.folio.flags & PG_DEVICE_PRIVATE:
            result = SCAN_PAGE_NULL
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
    if folio_mapcount(folio) != folio.ref:
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
            continue
        folio = page.folio
        if folio.order == 0:
            release_pte_folio(k, folio)
        spin_lock(k, sites.COLLAPSE_HUGE_PAGE_COPY_SUCCEEDED__LOCK, table.ptl)
        clear_detached_pte(k, mm, table, va)
        folio_remove_rmap_pte(k, page, mm)
        spin_unlock(k, table.ptl)
        folio_put(k, folio, REF_MAP)
    for folio in taken:
        if folio.order:
            release_pte_folio(k, folio)


def map_anon_folio_pte_nopf(
    k: "Kernel", mm: Mm, folio: Folio, table: PageTable, vma: Vma, start: i64
) -> None:
    """Map a new large folio by page table entries."""
    folio_add_new_anon_rmap_ptes(k, folio, vma, start)
    swap.folio_add_lru(k, folio)
    for i in range(1 << folio.order):
        entry = mk_pte(pfn_to_page(k, folio.pfn + i), vm_page_prot(vma)) | PTE_YOUNG
        if vma.flags & VM_WRITE:
            entry = pte_mkdirty(entry) | PTE_WRITE
        k.step(sites.MAP_ANON_FOLIO_PTE_NOPF__SET_PTE, pte_obj(mm.id, start + i), WRITE)
        set_pte_at(k, mm, table, start + i, entry)


# --- who collapses -----------------------------------------------------------------------------


def madvise_collapse(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64) -> tuple[i64, bool]:
    """MADV_COLLAPSE of [start, end) in `vma`: 0 or -errno, and whether mmap_lock, which is held for
    read, has been dropped meanwhile."""
    cc = CollapseControl(False)
    if not collapse_possible_orders(k, vma, cc):
        return -EINVAL, False
    size = k.ptrs_per_pte
    first = (start + size - 1) // size * size
    last = end // size * size
    if first >= last:
        return 0, False
    mm.count += 1  # mmgrab()
    swap.lru_add_drain_all(k)
    done: i64 = 0
    fail: i64 = SCAN_FAIL
    dropped = False
    va = first
    here: Vma | None = vma
    while va < last:
        if cc.lock_dropped:
            mmap_lock.mmap_read_lock(k, mm, sites.MADVISE_COLLAPSE__RELOCK)
            cc.lock_dropped = False
            dropped = True
            here = hugepage_vma_revalidate(k, mm, va, cc, k.pmd_order)
            if here is None:
                fail = SCAN_VMA_CHECK
                break
            last = min(last, here.end // size * size)
            if va >= last:
                break
        assert here is not None
        result = collapse_scan_pmd(k, mm, here, va, cc)
        va += size
        if result == SCAN_SUCCEED or result == SCAN_PMD_MAPPED:
            done += 1
            continue
        fail = result
        if result not in _GOES_ON:
            break
    if cc.lock_dropped:
        dropped = True
        mmap_lock.mmap_read_lock(k, mm, sites.MADVISE_COLLAPSE__RELOCK)
    mm.count -= 1
    if done == (last - first) // size:
        return 0, dropped
    return madvise_collapse_errno(fail), dropped


def madvise_collapse_errno(result: i64) -> i64:
    """What user space is told of a failure."""
    if result == SCAN_ALLOC_HUGE_PAGE_FAIL:
        return -ENOMEM
    if result == SCAN_EXCEED_NONE_PTE:
        return -EBUSY
    if result in (SCAN_PAGE_COUNT, SCAN_PAGE_LOCK, SCAN_PAGE_LRU, SCAN_DEL_PAGE_LRU):
        return -EAGAIN
    return -EINVAL


def scan(k: "Kernel", mm: Mm) -> i64:
    """collapse_scan_mm_slot() of one mm until all of it has been seen: 0. It is not waited for an
    mmap_lock that is busy. The caller has a count on the mm."""
    if k.thp == THP_NEVER:
        return 0
    cc = CollapseControl(True)
    address: i64 = 0
    while address < k.nr_arena:
        if not mmap_lock.mmap_read_trylock(k, mm, sites.COLLAPSE_SCAN_MM_SLOT__TRYLOCK):
            break
        address = scan_from(k, mm, address, cc)
        if not cc.lock_dropped:
            mmap_lock.mmap_read_unlock(k, mm)
            break
        k.cur.retries = 0  # progress
    return 0


def scan_from(k: "Kernel", mm: Mm, address: i64, cc: CollapseControl) -> i64:
    """Scan from `address` on until mmap_lock has been dropped, or all is done; where to go on."""
    size = k.ptrs_per_pte
    cc.lock_dropped = False
    vma = find_vma(mm, address)
    while vma is not None and mm.users:
        first = (vma.start + size - 1) // size * size
        last = vma.end // size * size
        address = max(address, first)
        if collapse_possible_orders(k, vma, cc):
            while address < last:
                collapse_scan_pmd(k, mm, vma, address, cc)
                address += size
                if cc.lock_dropped:
                    return address
        vma = find_vma(mm, vma.end)
    return k.nr_arena
