# SPDX-License-Identifier: MIT
"""mm/filemap.c (Linux 7.2): the page cache of a file, which its lock changes and nobody needs a
lock to read.

Contract: lookups return folios with a reference (REF_TEMP). One that has no lock tries to get it,
and looks again: the folio may have left the cache, and its frame may be somebody else's, in
between. Who has the folio lock tests the folio's file once more. Indices are in pages, positions
and sizes in words.

Not modelled: reading and writing back (all files are in memory), marks, shadow and swap entries.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.errno import ENXIO
from simulator.lib import xarray
from simulator.machine.ipi import local_irq_disable, local_irq_enable
from simulator.mm import set_pmd
from simulator.mm.mm_types import PG_UPTODATE, REF_CACHE, REF_TEMP, Folio, Inode
from simulator.mm.page_ref import folio_put, folio_try_get
from simulator.mm.pgtable import pfn_to_page, pmd_addr_end, pmd_none, ptep_get
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.rmap import linear_page_index
from simulator.mm.vm_fault import VM_FAULT_NOPAGE, install_prealloc_pte, set_pte_range
from simulator.objects import pte_obj, slot_obj
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched.lock import folio_trylock, mutex_unlock, spin_lock, spin_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.mm.vm_fault import VmFault
    from simulator.state import Kernel

FAULT_AROUND_PAGES: Final = 16  # fault_around_bytes is 64 KiB
END_OF_FILE: Final = 1 << 40  # -1 of an end: there is none; no file is so long


def eof_pages(inode: Inode) -> i64:
    """The first index that is wholly behind the end of the file."""
    return (inode.i_size + WORDS_PER_PAGE - 1) // WORDS_PER_PAGE


def folio_end(folio: Folio) -> i64:
    """folio_next_index()."""
    return folio.index + (1 << folio.order)


# --- the lock of the cache ---------------------------------------------------------------------


def xa_lock_irq(k: "Kernel", site: i64, inode: Inode) -> None:
    """Nobody else changes the cache; readers go on. Interrupts wait on this CPU."""
    local_irq_disable(k)
    spin_lock(k, site, inode.i_pages_lock)


def xa_unlock_irq(k: "Kernel", inode: Inode) -> None:
    if inode.i_pages.retry:
        k.watch.retry_entries_left(k, inode)
    spin_unlock(k, inode.i_pages_lock)
    local_irq_enable(k)


# --- lookups -----------------------------------------------------------------------------------


def filemap_get_entry(k: "Kernel", site: i64, inode: Inode, index: i64) -> Folio | None:
    """The folio at `index`, not locked; None for a hole."""
    while True:
        k.step(site, slot_obj(inode.id, index), READ)
        folio = xarray.load(inode.i_pages, index)
        if folio is None:
            if not xarray.is_retry(inode.i_pages, index):
                return None
        elif folio_try_get(k, folio, REF_TEMP):
            k.step(sites.FILEMAP_GET_ENTRY__RELOAD, slot_obj(inode.id, index), READ)
            if xarray.load(inode.i_pages, index) is folio:
                return folio
            folio_put(k, folio, REF_TEMP)
        k.sometimes(features.Z_PAGE_CACHE_RACE)
        k.retry(sites.FILEMAP_GET_ENTRY__AGAIN)


def find_get_entry(k: "Kernel", inode: Inode, index: i64, last: i64) -> tuple[i64, Folio | None]:
    """The first folio in index..last, not locked, and the index at which it was found."""
    while True:
        k.step(sites.FIND_GET_ENTRY__LOOKUP, slot_obj(inode.id, index), READ)
        at = xarray.find(inode.i_pages, index, last)
        if at < 0:
            return -1, None
        folio = xarray.load(inode.i_pages, at)
        if folio is not None and folio_try_get(k, folio, REF_TEMP):
            k.step(sites.FIND_GET_ENTRY__RELOAD, slot_obj(inode.id, at), READ)
            if xarray.load(inode.i_pages, at) is folio:
                return at, folio
            folio_put(k, folio, REF_TEMP)
        k.sometimes(features.Z_PAGE_CACHE_RACE)
        k.retry(sites.FIND_GET_ENTRY__AGAIN)


def find_lock_entries(k: "Kernel", inode: Inode, start: i64, last: i64, fbatch: list[Folio]) -> i64:
    """Fill the batch with folios that lie wholly in start..last and whose lock is free, all locked.
    Returns where the next call should begin."""
    at = start
    while len(fbatch) < k.folio_batch:
        at, folio = find_get_entry(k, inode, at, last)
        if folio is None:
            break
        base = folio.index
        end = folio_end(folio)
        if (
            base < start
            or end - 1 > last
            or not folio_trylock(k, sites.FIND_LOCK_ENTRIES__TRYLOCK, folio.lock)
        ):
            folio_put(k, folio, REF_TEMP)
            at = max(at + 1, end)
            continue
        if folio.inode is not inode:
            mutex_unlock(k, folio.lock)
            folio_put(k, folio, REF_TEMP)
            at += 1
            continue
        fbatch.append(folio)
        start = end
        at = end
    return start


def find_get_entries(
    k: "Kernel", inode: Inode, start: i64, last: i64, fbatch: list[Folio], indices: list[int]
) -> i64:
    """Fill the batch with the folios of start..last, and the indices at which they were found.
    Returns where the next call should begin."""
    while len(fbatch) < k.folio_batch:
        at, folio = find_get_entry(k, inode, start, last)
        if folio is None:
            break
        fbatch.append(folio)
        indices.append(at)
        size: i64 = 1 << folio.order
        start = (at + size) // size * size
    return start


def release_batch(k: "Kernel", fbatch: list[Folio]) -> None:
    """folio_batch_release()."""
    for folio in fbatch:
        folio_put(k, folio, REF_TEMP)
    fbatch.clear()


# --- taking out --------------------------------------------------------------------------------


def filemap_remove_folio(k: "Kernel", folio: Folio) -> None:
    """The locked folio leaves the cache, with the cache's references; its index stays."""
    inode = folio.inode
    assert inode is not None
    xa_lock_irq(k, sites.FILEMAP_REMOVE_FOLIO__LOCK, inode)
    page_cache_delete(k, inode, folio)
    xa_unlock_irq(k, inode)
    for _ in range(1 << folio.order):
        folio_put(k, folio, REF_CACHE)


def page_cache_delete(k: "Kernel", inode: Inode, folio: Folio) -> None:
    k.step(sites.PAGE_CACHE_DELETE__STORE, slot_obj(inode.id, folio.index), WRITE)
    k.watch.cache_removing(k, inode, folio)
    xarray.store(inode.i_pages, folio.index, folio.order, None)
    folio.inode = None
    inode.nrpages -= 1 << folio.order


# --- faults ------------------------------------------------------------------------------------


def filemap_map_pages(k: "Kernel", vmf: "VmFault") -> i64:
    """Fault-around: map what the page cache has around a read fault, within the VMA, the file
    and the page table. Where the VMA cuts the window's beginning off, as much is added at its
    end (do_fault_around()). VM_FAULT_NOPAGE when that includes the faulting page."""
    vma = vmf.vma
    inode = vma.inode
    assert inode is not None
    mm = vmf.mm
    window = min(i64(FAULT_AROUND_PAGES), k.ptrs_per_pte)
    first = max(vmf.va // window * window, vma.start)
    last = min(first + window, min(vma.end, vma.start + eof_pages(inode) - vma.pgoff))
    last = pmd_addr_end(k, vmf.va, last)
    va = first
    folio: Folio | None = None
    while va < last and folio is None:
        folio = next_uptodate_folio(k, inode, linear_page_index(vma, va))
        if folio is None:
            va += 1
    if folio is None:
        return 0
    if folio.order and filemap_map_pmd(k, vmf, folio):
        return VM_FAULT_NOPAGE
    if vmf.prealloc_pte is not None:
        install_prealloc_pte(k, vmf)
    table = pte_offset_map_lock(k, sites.FILEMAP_MAP_PAGES__LOCK, mm, vmf.va)
    if table is None:
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
        return 0
    ret: i64 = 0
    while va < last:
        if folio is not None:
            begins, ends = folio_range(k, vmf, folio, va, last)
            for each in range(begins, ends):
                if ptep_get(k, table, each) == 0:
                    page = pfn_to_page(k, folio.pfn + linear_page_index(vma, each) - folio.index)
                    k.step(sites.FILEMAP_MAP_PAGES__SET_PTE, pte_obj(mm.id, each), WRITE)
                    set_pte_range(k, mm, table, vma, each, page, False, False)
                    if each == vmf.va:
                        ret = VM_FAULT_NOPAGE
            folio_put(k, folio, REF_TEMP)
            mutex_unlock(k, folio.lock)
            va = ends - 1
        va += 1
        if va < last:
            folio = next_uptodate_folio(k, inode, linear_page_index(vma, va))
    pte_unmap_unlock(k, table)
    return ret


def filemap_map_pmd(k: "Kernel", vmf: "VmFault", folio: Folio) -> bool:
    """Whether a PMD entry maps the fault's page by now: that of the locked folio, which is let go
    of then, or somebody else's."""
    mm = vmf.mm
    mapped = mm.pmd[vmf.va >> k.pmd_order] != 0
    if not mapped and pmd_none(k, mm, vmf.va) and not set_pmd.wants_ptes(k, vmf):
        mapped = set_pmd.do_set_pmd(k, mm, vmf.vma, vmf.va, folio, False)
    if mapped:
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
        return True
    return False


def folio_range(k: "Kernel", vmf: "VmFault", folio: Folio, va: i64, last: i64) -> tuple[i64, i64]:
    """Which pages to map of a folio that is found at `va`: all of it, if VMA and page table have
    room for that."""
    if folio.order == 0:
        return va, va + 1
    vma = vmf.vma
    begins = va - (linear_page_index(vma, va) - folio.index)
    ends = begins + (1 << folio.order)
    if begins < vma.start or ends > vma.end or begins >> k.pmd_order != (ends - 1) >> k.pmd_order:
        return va, min(ends, last)
    return begins, ends


def next_uptodate_folio(k: "Kernel", inode: Inode, index: i64) -> Folio | None:
    """The folio at `index`, locked and with a reference, if it is complete and can be locked at
    once."""
    k.step(sites.NEXT_UPTODATE_FOLIO__LOOKUP, slot_obj(inode.id, index), READ)
    folio = xarray.load(inode.i_pages, index)
    if folio is None or not folio_try_get(k, folio, REF_TEMP):
        return None
    k.step(sites.NEXT_UPTODATE_FOLIO__RELOAD, slot_obj(inode.id, index), READ)
    if (
        folio.lock.owner < 0
        and xarray.load(inode.i_pages, index) is folio
        and folio.flags & PG_UPTODATE
        and folio_trylock(k, sites.NEXT_UPTODATE_FOLIO__TRYLOCK, folio.lock)
    ):
        if folio.inode is inode and folio.flags & PG_UPTODATE:
            k.step(sites.NEXT_UPTODATE_FOLIO__I_SIZE, slot_obj(inode.id, 0), READ)
            if index < eof_pages(inode):
                return folio
        mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    return None


# --- lseek() -----------------------------------------------------------------------------------


def mapping_seek_hole_data(k: "Kernel", inode: Inode, start: i64, end: i64, whence: i64) -> i64:
    """The position of the next data or hole at or behind `start` and before `end`, or -ENXIO. What
    fallocate() has put there is a hole until somebody uses it."""
    if end <= start:
        return -ENXIO
    last = (end - 1) // WORDS_PER_PAGE
    index = start // WORDS_PER_PAGE
    seeks_data = whence == ops.SEEK_DATA
    while True:
        at, folio = find_get_entry(k, inode, index, last)
        if folio is None:
            k.watch.hole_found(k, inode, index, last + 1)
            if seeks_data:
                return -ENXIO
            return min(start, end)
        begins = at * WORDS_PER_PAGE
        if start < begins:
            k.watch.hole_found(k, inode, index, at)
            if not seeks_data:
                folio_put(k, folio, REF_TEMP)
                return min(start, end)
            start = begins
        size: i64 = 1 << folio.order
        index = (at + size) // size * size
        behind = index * WORDS_PER_PAGE
        k.step(sites.MAPPING_SEEK_HOLE_DATA__UPTODATE, folio.obj, READ)
        if folio.flags & PG_UPTODATE:
            k.watch.data_found(k, inode, at)
        else:
            k.watch.hole_found(k, inode, at, index)
        if (folio.flags & PG_UPTODATE != 0) != seeks_data:
            start = behind
        folio_put(k, folio, REF_TEMP)
        if start < behind:
            return min(start, end)
        if start >= end:
            return -ENXIO if seeks_data else min(start, end)
