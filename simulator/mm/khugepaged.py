# SPDX-License-Identifier: MIT
"""mm/khugepaged.c (7.2): small pages of one page table become one
huge page, or large folios of smaller orders (mTHP), by the kernel's own thread (op `scan`) or by
MADV_COLLAPSE.

What is done about it is in collapse_huge_page.py.

Not modelled: khugepaged's list of mms and its pace: `scan` goes through
one mm.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.errno import EAGAIN, EBUSY, EINVAL, ENOMEM
from simulator.lib.maple_tree import find_vma
from simulator.mm import mmap_lock, swap, vma_file
from simulator.mm.collapse_control import (
    SCAN_ALLOC_HUGE_PAGE_FAIL,
    SCAN_ANY_PROCESS,
    SCAN_DEL_PAGE_LRU,
    SCAN_EXCEED_NONE_PTE,
    SCAN_EXCEED_SHARED_PTE,
    SCAN_EXCEED_SWAP_PTE,
    SCAN_FAIL,
    SCAN_LACK_REFERENCED_PAGE,
    SCAN_NO_PTE_TABLE,
    SCAN_PAGE_ANON,
    SCAN_PAGE_COMPOUND,
    SCAN_PAGE_COUNT,
    SCAN_PAGE_FILLED,
    SCAN_PAGE_LAZYFREE,
    SCAN_PAGE_LOCK,
    SCAN_PAGE_LRU,
    SCAN_PAGE_NULL,
    SCAN_PMD_MAPPED,
    SCAN_PTE_MAPPED_HUGEPAGE,
    SCAN_PTE_NON_PRESENT,
    SCAN_PTE_UFFD_WP,
    SCAN_SUCCEED,
    SCAN_VMA_CHECK,
    CollapseControl,
    check_pmd_state,
    collapse_max_ptes_none,
    collapse_max_ptes_shared,
    collapse_max_ptes_swap,
    collapse_possible_orders,
    lazyfree,
)
from simulator.mm.collapse_file import collapse_scan_file
from simulator.mm.collapse_huge_page import collapse_huge_page, hugepage_vma_revalidate
from simulator.mm.mm_types import (
    PG_LRU,
    PTE_SPECIAL,
    PTE_UFFD_WP,
    PTE_YOUNG,
    SWP_MARKER_UFFD_WP,
    Folio,
    Mm,
    Vma,
    folio_expected_ref_count,
    pte_kind,
    pte_present,
)
from simulator.mm.pgtable import ptep_get, vm_normal_page
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.retract_page_tables import try_collapse_pte_mapped_thp
from simulator.mm.rmap import folio_maybe_mapped_shared, linear_page_index
from simulator.scenario import THP_NEVER

if TYPE_CHECKING:
    from simulator.state import Kernel

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
    SCAN_PTE_UFFD_WP,
    SCAN_PAGE_LAZYFREE,
)
# What lets MADV_COLLAPSE go on with the next huge page.
_GOES_ON: Final = (
    SCAN_NO_PTE_TABLE,
    SCAN_PTE_NON_PRESENT,
    SCAN_PTE_UFFD_WP,
    SCAN_LACK_REFERENCED_PAGE,
    SCAN_PAGE_NULL,
    SCAN_PAGE_COUNT,
    SCAN_PAGE_LOCK,
    SCAN_PAGE_LRU,
    SCAN_DEL_PAGE_LRU,
    SCAN_PAGE_COMPOUND,
)
# What may be otherwise a moment later.
_TRY_AGAIN: Final = (
    SCAN_PAGE_COUNT,
    SCAN_PAGE_LOCK,
    SCAN_PAGE_LRU,
    SCAN_DEL_PAGE_LRU,
    SCAN_PAGE_FILLED,
)


# --- scanning ----------------------------------------------------------------------------------


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
    limit = collapse_max_ptes_none(k, cc, vma, k.pmd_order)
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
            elif pte & PTE_UFFD_WP or pte_kind(pte) == SWP_MARKER_UFFD_WP:
                result = SCAN_PTE_UFFD_WP
        elif pte & PTE_UFFD_WP:
            result = SCAN_PTE_UFFD_WP
        else:
            page = vm_normal_page(k, pte)
            assert page is not None
            folio = page.folio
            shared += 1 if folio_maybe_mapped_shared(folio) else 0
            result = scan_page(k, cc, folio, shared)
            if lazyfree(cc, vma, folio, pte):
                result = SCAN_PAGE_LAZYFREE
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
    if folio_expected_ref_count(folio) != folio.ref:
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
            if occupied >= size - collapse_max_ptes_none(k, cc, None, order):
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


def collapse_single_pmd(k: "Kernel", mm: Mm, vma: Vma, va: i64, cc: CollapseControl) -> i64:
    """What one PMD entry maps, of whatever kind it is. mmap_lock is held for read; files are
    collapsed without it."""
    inode = vma.inode
    if inode is None:
        return collapse_scan_pmd(k, mm, vma, va, cc)
    index = linear_page_index(vma, va)
    vma_file.get_file(inode)
    mmap_lock.mmap_read_unlock(k, mm)
    cc.lock_dropped = True
    result = collapse_scan_file(k, inode, index, cc)
    vma_file.fput(k, inode)
    if result == SCAN_PTE_MAPPED_HUGEPAGE:
        mmap_lock.mmap_read_lock(k, mm, sites.TRY_COLLAPSE_PTE_MAPPED_THP__LOCK)
        if mm.users == 0:
            result = SCAN_ANY_PROCESS
        else:
            result = try_collapse_pte_mapped_thp(k, mm, va, not cc.is_khugepaged)
        if result == SCAN_PMD_MAPPED:
            result = SCAN_SUCCEED
        mmap_lock.mmap_read_unlock(k, mm)
    return result


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
    if first >= last and k.linux.collapse_of_nothing:
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
            here = hugepage_vma_revalidate(k, mm, va, cc, k.pmd_order, False)
            if here is None:
                fail = SCAN_VMA_CHECK
                break
            last = min(last, here.end // size * size)
            if va >= last:
                break
        assert here is not None
        result = collapse_single_pmd(k, mm, here, va, cc)
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
    return madvise_collapse_errno(k, fail), dropped


def madvise_collapse_errno(k: "Kernel", result: i64) -> i64:
    """What user space is told of a failure."""
    if result == SCAN_ALLOC_HUGE_PAGE_FAIL:
        return -ENOMEM
    if result == SCAN_EXCEED_NONE_PTE:
        return -EAGAIN if k.bug.collapsefile_errno_semantics else -EBUSY
    if result in _TRY_AGAIN:
        return -EAGAIN
    return -EINVAL


def scan(k: "Kernel", mm: Mm) -> i64:
    """collapse_scan_mm_slot() of one mm until all of it has been seen: 0. It is not waited for an
    mmap_lock that is busy. The caller has a count on the mm."""
    if k.thp == THP_NEVER:
        return 0
    cc = CollapseControl(True)
    swap.lru_add_drain_all(k)
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
