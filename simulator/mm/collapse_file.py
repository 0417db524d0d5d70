# SPDX-License-Identifier: MIT
"""mm/khugepaged.c (Linux 7.2): small folios of a memory file, and holes between them, become one
huge folio.

The small folios are locked, unmapped, and counted: then whoever wants their pages must come through
the page cache, and waits for their locks. They stay in the cache until the huge folio takes their
place, in one step under i_pages_lock. Holes are counted, and filled with retry entries only while
that lock is held, which keeps lockless readers from them.

Every failure leaves the cache as it was; what the file is charged for the holes is given back.

Not modelled: swap, machine checks while copying, memory cgroups.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.lib import xarray
from simulator.mm import page_alloc, swap
from simulator.mm.collapse_control import (
    SCAN_ALLOC_HUGE_PAGE_FAIL,
    SCAN_DEL_PAGE_LRU,
    SCAN_EXCEED_NONE_PTE,
    SCAN_FAIL,
    SCAN_PAGE_COUNT,
    SCAN_PAGE_FILLED,
    SCAN_PAGE_LOCK,
    SCAN_PAGE_LRU,
    SCAN_PTE_MAPPED_HUGEPAGE,
    SCAN_SUCCEED,
    SCAN_TRUNCATED,
    CollapseControl,
    collapse_max_ptes_none,
)
from simulator.mm.filemap import find_get_entry, folio_end, xa_lock_irq, xa_unlock_irq
from simulator.mm.mm_types import (
    PG_DIRTY,
    PG_LRU,
    PG_SWAPBACKED,
    PG_UPTODATE,
    REF_CACHE,
    REF_ISOLATED,
    REF_OWNER,
    REF_TEMP,
    VM_UFFD_MISSING,
    Folio,
    Inode,
    folio_mapcount,
)
from simulator.mm.page_ref import folio_get, folio_put, move_ref
from simulator.mm.pgtable import pfn_to_page
from simulator.mm.retract_page_tables import retract_page_tables
from simulator.mm.shmem import (
    SGP_NOALLOC,
    make_room,
    shmem_get_folio,
    shmem_inode_acct_blocks,
    shmem_recalc_inode,
)
from simulator.mm.try_to_unmap import try_to_unmap
from simulator.objects import slot_obj
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched.lock import down_read, folio_trylock, lock_fresh, mutex_unlock, up_read
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def collapse_scan_file(k: "Kernel", inode: Inode, start: i64, cc: CollapseControl) -> i64:
    """Look whether the pages of the file from `start` on are worth a huge page, and make it. No
    lock is held, but a count on the file."""
    limit = collapse_max_ptes_none(k, cc, None, k.pmd_order)
    present: i64 = 0
    result: i64 = SCAN_SUCCEED
    index = start
    last = start + k.ptrs_per_pte - 1
    while index <= last and result == SCAN_SUCCEED:
        at, folio = find_get_entry(k, inode, index, last)
        if folio is None:
            break
        size: i64 = 1 << folio.order
        if folio.order == k.pmd_order:
            result = SCAN_PTE_MAPPED_HUGEPAGE
        elif not folio.flags & PG_LRU:
            result = SCAN_PAGE_LRU
        elif folio_mapcount(folio) + size + 1 != folio.ref:
            result = SCAN_PAGE_COUNT
        else:
            present += size
        index = (at + size) // size * size
        folio_put(k, folio, REF_TEMP)
    if result != SCAN_SUCCEED:
        return result
    if present < k.ptrs_per_pte - limit:
        return SCAN_EXCEED_NONE_PTE
    return collapse_file(k, inode, start, cc)


def collapse_file(k: "Kernel", inode: Inode, start: i64, cc: CollapseControl) -> i64:
    """1 << pmd_order pages from `start` on become one folio of the cache, for MADV_COLLAPSE
    SCAN_PTE_MAPPED_HUGEPAGE then, as mappings of it are still to come."""
    new = page_alloc.folio_alloc_order(k, sites.COLLAPSE_FILE__ALLOC, k.pmd_order, False)
    if new is None:
        return SCAN_ALLOC_HUGE_PAGE_FAIL
    lock_fresh(k, new.lock)
    new.flags |= PG_SWAPBACKED
    new.index = start
    new.inode = inode
    make_room(inode, start + k.ptrs_per_pte)
    taken: list[Folio] = []
    result, nr_none = collect(k, inode, new, start, taken)
    if result == SCAN_SUCCEED and nr_none:
        charge(k, inode, nr_none)
    elif result != SCAN_SUCCEED:
        nr_none = 0
    if result == SCAN_SUCCEED:
        copy(k, new, start, taken)
        result = replace(k, inode, new, start, nr_none)
    if result != SCAN_SUCCEED:
        k.sometimes(features.Z_COLLAPSE_FILE_ROLLED_BACK)
        roll_back(k, inode, new, nr_none, taken)
        return result
    k.sometimes(features.Z_COLLAPSED_FILE)
    retract_page_tables(k, inode, start)
    mutex_unlock(k, new.lock)
    move_ref(k, new, REF_OWNER, REF_TEMP)
    folio_put(k, new, REF_TEMP)
    for folio in taken:
        folio.inode = None
        mutex_unlock(k, folio.lock)
        k.step(sites.COLLAPSE_FILE__PUT, folio.obj, WRITE)
        folio_put(k, folio, REF_ISOLATED)
        folio_put(k, folio, REF_TEMP)
        for _ in range(1 << folio.order):
            folio_put(k, folio, REF_CACHE)
    return result if cc.is_khugepaged else SCAN_PTE_MAPPED_HUGEPAGE


def collect(
    k: "Kernel", inode: Inode, new: Folio, start: i64, taken: list[Folio]
) -> tuple[i64, i64]:
    """Lock, unmap and count what is there; how many pages are not."""
    nr_none: i64 = 0
    end = start + k.ptrs_per_pte
    index = start
    xa_lock_irq(k, sites.COLLAPSE_FILE__XA_LOCK, inode)
    while index < end:
        k.step(sites.COLLAPSE_FILE__LOOKUP, slot_obj(inode.id, index), READ)
        folio = xarray.load(inode.i_pages, index)
        if folio is None:
            if index == start and xarray.find(inode.i_pages, start, end - 1) < 0:
                xa_unlock_irq(k, inode)
                return SCAN_TRUNCATED, 0
            nr_none += 1
            if k.bug.collapsefile_transient_state_visible:
                new.flags |= PG_UPTODATE
                cache_store(k, inode, index, new)
            if k.bug.collapsefile_conflicting_xas_store:
                cache_store(k, inode, index, new)
            index += 1
            continue
        if not folio.flags & PG_UPTODATE:
            xa_unlock_irq(k, inode)
            _, folio = shmem_get_folio(k, inode, index, SGP_NOALLOC, None)
            if folio is None:
                return SCAN_FAIL, 0
            swap.lru_add_drain(k)
        elif folio_trylock(k, sites.COLLAPSE_FILE__TRYLOCK, folio.lock):
            folio_get(k, folio, REF_TEMP)
            xa_unlock_irq(k, inode)
        else:
            xa_unlock_irq(k, inode)
            return SCAN_PAGE_LOCK, 0
        result = take(k, inode, folio)
        if result != SCAN_SUCCEED:
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
            return result, 0
        taken.append(folio)
        if k.bug.collapsefile_not_uptodate_hides_data:
            cache_store(k, inode, index, new)
        index = folio_end(folio)
    xa_unlock_irq(k, inode)
    return SCAN_SUCCEED, nr_none


def cache_store(k: "Kernel", inode: Inode, index: i64, folio: Folio | None) -> None:
    """What older forms of the loop put into single slots, and back."""
    k.step(sites.COLLAPSE_FILE__STORE, slot_obj(inode.id, index), WRITE)
    xarray.store(inode.i_pages, index, 0, folio)
    inode.stored_at = k.cur.site


def take(k: "Kernel", inode: Inode, folio: Folio) -> i64:
    """One locked folio, unmapped and with no other references than are known. i_pages_lock is held
    after SCAN_SUCCEED."""
    if not folio.flags & PG_UPTODATE:
        return SCAN_FAIL
    if folio.order == k.pmd_order:
        return SCAN_PTE_MAPPED_HUGEPAGE
    if folio.inode is not inode:
        return SCAN_TRUNCATED
    k.step(sites.COLLAPSE_FILE__ISOLATE, folio.obj, WRITE)
    if not folio.flags & PG_LRU:
        return SCAN_DEL_PAGE_LRU
    folio.flags &= ~PG_LRU
    folio_get(k, folio, REF_ISOLATED)
    if folio_mapcount(folio):
        try_to_unmap(k, folio, False)
    xa_lock_irq(k, sites.COLLAPSE_FILE__XA_LOCK, inode)
    k.step(sites.COLLAPSE_FILE__REFS, folio.obj, READ)
    if folio.ref == 2 + (1 << folio.order):
        return SCAN_SUCCEED
    xa_unlock_irq(k, inode)
    putback_lru(k, folio)
    return SCAN_PAGE_COUNT


def putback_lru(k: "Kernel", folio: Folio) -> None:
    """folio_putback_lru() of what has been isolated."""
    folio.flags |= PG_LRU
    folio_put(k, folio, REF_ISOLATED)


def charge(k: "Kernel", inode: Inode, pages: i64) -> None:
    """shmem_charge(): the file counts the holes that it will not have any more."""
    shmem_inode_acct_blocks(k, inode, pages)
    xa_lock_irq(k, sites.COLLAPSE_FILE__CHARGE, inode)
    inode.nrpages += pages
    inode.counted_at = k.cur.site
    xa_unlock_irq(k, inode)
    shmem_recalc_inode(k, inode, pages)


def copy(k: "Kernel", new: Folio, start: i64, taken: list[Folio]) -> None:
    """What is locked cannot change any more, and holes become zeroes."""
    index = start
    for folio in taken:
        while index < folio.index:
            clear(k, new, index)
            index += 1
        while index < folio_end(folio):
            src = pfn_to_page(k, folio.pfn + index - folio.index)
            dst = pfn_to_page(k, new.pfn + index - start)
            for word in range(WORDS_PER_PAGE):
                k.step(sites.COLLAPSE_FILE__COPY_WORD, src.obj, READ)
                dst.words[word] = src.words[word]
            index += 1
    while index < start + k.ptrs_per_pte:
        clear(k, new, index)
        index += 1


def clear(k: "Kernel", new: Folio, index: i64) -> None:
    page = pfn_to_page(k, new.pfn + index - new.index)
    k.step(sites.COLLAPSE_FILE__CLEAR, page.obj, WRITE)
    for word in range(WORDS_PER_PAGE):
        page.words[word] = 0


def replace(k: "Kernel", inode: Inode, new: Folio, start: i64, nr_none: i64) -> i64:
    """The huge folio takes the place of all others, if the holes are still as many, and nobody
    waits to hear of them."""
    if nr_none:
        result = reserve_holes(k, inode, start, nr_none)
        if result != SCAN_SUCCEED:
            xa_unlock_irq(k, inode)
            return result
        if k.bug.collapsefile_retry_entries_with_lock_dropped:
            xa_unlock_irq(k, inode)
            xa_lock_irq(k, sites.COLLAPSE_FILE__XA_LOCK, inode)
    else:
        xa_lock_irq(k, sites.COLLAPSE_FILE__XA_LOCK, inode)
    new.flags |= PG_UPTODATE | PG_DIRTY
    for _ in range(k.ptrs_per_pte):
        folio_get(k, new, REF_CACHE)
    swap.folio_add_lru(k, new)
    k.step(sites.COLLAPSE_FILE__STORE, slot_obj(inode.id, start), WRITE)
    inode.stored_at = k.cur.site
    k.watch.cache_replacing(k, inode, new)
    inode.i_pages.retry.clear()
    xarray.store(inode.i_pages, start, k.pmd_order, new)
    xa_unlock_irq(k, inode)
    return SCAN_SUCCEED


def reserve_holes(k: "Kernel", inode: Inode, start: i64, nr_none: i64) -> i64:
    """Put retry entries into the holes, which go again if it fails. i_pages_lock is held after
    this."""
    end = start + k.ptrs_per_pte
    down_read(k, sites.COLLAPSE_FILE__I_MMAP_LOCK, inode.i_mmap_rwsem)
    xa_lock_irq(k, sites.COLLAPSE_FILE__XA_LOCK, inode)
    early = k.bug.collapsefile_uffd_check_vs_register_race
    awaited = early and userfaultfd_missing(k, inode, start, end)
    found: i64 = 0
    for index in range(start, end):
        k.step(sites.COLLAPSE_FILE__RETRY_ENTRY, slot_obj(inode.id, index), WRITE)
        if xarray.load(inode.i_pages, index) is None:
            inode.i_pages.retry.append(index)
            k.watch.hole_hidden(k, inode, index)
            found += 1
    if k.tracing:
        k.note(f"retry entries hide {found} holes of file {inode.id}")
    result: i64 = SCAN_SUCCEED
    if found != nr_none and not k.bug.collapsefile_hole_filled_after_scan:
        result = SCAN_PAGE_FILLED
    elif awaited or not early and userfaultfd_missing(k, inode, start, end):
        result = SCAN_EXCEED_NONE_PTE
    up_read(k, inode.i_mmap_rwsem)
    if result != SCAN_SUCCEED:
        inode.i_pages.retry.clear()
    return result


def userfaultfd_missing(k: "Kernel", inode: Inode, start: i64, end: i64) -> bool:
    """Whether user space waits for missing pages of a mapping of [start, end]: with those that
    begin right behind the huge page, as in Linux. i_mmap_rwsem is held."""
    if k.bug.collapsefile_fills_hole_under_uffd_missing:
        return False
    if k.bug.collapsefile_uffd_check_first_index_only:
        end = start
    asked: i64 = 0
    for vma in inode.i_mmap:
        if vma.pgoff <= end and vma.pgoff + vma.end - vma.start > start:
            asked += 1
            k.step(sites.COLLAPSE_FILE__USERFAULTFD_MISSING, vma.obj, READ)
            if vma.flags & VM_UFFD_MISSING:
                if k.tracing:
                    k.note(f"userfaultfd waits for missing pages of vma {vma.start}..{vma.end}")
                return True
    if k.tracing:
        k.note(
            f"no userfaultfd waits in {asked} mappings of pages {start}..{end} of file {inode.id}"
        )
    return False


def put_back(k: "Kernel", inode: Inode, new: Folio, taken: list[Folio]) -> None:
    """Older forms of the loop: what was in the slots before."""
    xa_lock_irq(k, sites.COLLAPSE_FILE__XA_LOCK, inode)
    for index in range(new.index, new.index + k.ptrs_per_pte):
        if xarray.load(inode.i_pages, index) is new:
            cache_store(k, inode, index, None)
    for folio in taken:
        for index in range(folio.index, folio_end(folio)):
            cache_store(k, inode, index, folio)
    xa_unlock_irq(k, inode)


def roll_back(k: "Kernel", inode: Inode, new: Folio, nr_none: i64, taken: list[Folio]) -> None:
    if k.bug.collapsefile_transient_state_visible or k.bug.collapsefile_not_uptodate_hides_data:
        put_back(k, inode, new, taken)
    if nr_none and not k.bug.collapsefile_rollback_leaks:
        xa_lock_irq(k, sites.COLLAPSE_FILE__XA_LOCK, inode)
        inode.nrpages -= nr_none
        xa_unlock_irq(k, inode)
        shmem_recalc_inode(k, inode, 0)
    for folio in taken:
        mutex_unlock(k, folio.lock)
        putback_lru(k, folio)
        folio_put(k, folio, REF_TEMP)
    new.inode = None
    mutex_unlock(k, new.lock)
    folio_put(k, new, REF_OWNER)
