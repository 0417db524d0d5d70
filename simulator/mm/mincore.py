# SPDX-License-Identifier: MIT
"""mm/mincore.c (7.2): which pages of a range are in core.

Not modelled: swap, and whether the caller may know of a file's pages (it owns all files here).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.errno import EAGAIN, ENOMEM
from simulator.lib import xarray
from simulator.lib.maple_tree import vma_lookup
from simulator.mm import mmap_lock, swap_state
from simulator.mm.mm_types import (
    PG_UPTODATE,
    REF_TEMP,
    SWP_MARKER_GUARD,
    Mm,
    Vma,
    is_swap_pte,
    pte_kind,
    swp_offset,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import pmd_addr_end, pmd_is_huge, ptep_get, walk_pmd
from simulator.mm.pgtable_generic import (
    pmd_trans_huge_lock,
    pmd_unlock,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.mm.rmap import linear_page_index
from simulator.objects import OBJ_NONE, slot_obj
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel

CHUNK_PAGES: Final = 4096  # one page of answers, a byte each: mmap_lock is taken for so many


def mincore(k: "Kernel", mm: Mm, start: i64, end: i64) -> i64:
    """The number of pages in core, -ENOMEM for a hole, or -EAGAIN. mmap_lock is dropped between
    VMAs, so the answer need not be one of a single moment."""
    if k.should_fail(sites.MINCORE__ALLOC, OBJ_NONE):
        return -EAGAIN
    count: i64 = 0
    va = start
    while va < end:
        mmap_lock.mmap_read_lock(k, mm, sites.MINCORE__LOCK)
        vma = vma_lookup(mm, va)
        if vma is None:
            mmap_lock.mmap_read_unlock(k, mm)
            return -ENOMEM
        stop = min(min(vma.end, end), va + CHUNK_PAGES)
        count += do_mincore(k, mm, vma, va, stop)
        mmap_lock.mmap_read_unlock(k, mm)
        va = stop
    return count


def do_mincore(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64) -> i64:
    """walk_page_range() over a part of one VMA."""
    count: i64 = 0
    va = start
    while va < end:
        there = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, va, end)
        count += mincore_unmapped_range(k, vma, va, there)
        va = there
        if va < end:
            stop = pmd_addr_end(k, va, end)
            if pmd_is_huge(k, mm, va) and mincore_huge_pmd(k, mm, va):
                count += stop - va
                va = stop
                continue
            found = mincore_pte_range(k, mm, vma, va, stop)
            if found < 0:  # ACTION_AGAIN: the page table went meanwhile
                k.retry(sites.MINCORE_PTE_RANGE__AGAIN)
                continue
            count += found
            va = stop
    return count


def mincore_huge_pmd(k: "Kernel", mm: Mm, va: i64) -> bool:
    """Whether a huge entry is there, all of whose pages are in core."""
    if not pmd_trans_huge_lock(k, sites.MINCORE_PTE_RANGE__PMD_LOCK, mm, va):
        return False
    pmd_unlock(k, mm)
    return True


def mincore_pte_range(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64) -> i64:
    """Of the pages of one page table; -1 when that is gone. What is neither empty nor a marker is
    in core: pages on their way elsewhere and device memory, too."""
    table = pte_offset_map_lock(k, sites.MINCORE_PTE_RANGE__LOCK, mm, start)
    if table is None:
        return -1
    count: i64 = 0
    va = start
    while va < end:
        pte = ptep_get(k, table, va)
        if pte == 0 or pte_kind(pte) >= SWP_MARKER_GUARD:
            count += mincore_unmapped_range(k, vma, va, va + 1)
        elif is_swap_pte(pte):
            count += mincore_swap(k, swp_offset(pte))
        else:
            count += 1
        va += 1
    pte_unmap_unlock(k, table)
    return count


def mincore_swap(k: "Kernel", slot: i64) -> i64:
    """Whether the swap cache has the slot's page, complete."""
    folio = swap_state.swap_cache_get_folio(k, slot)
    if folio is None:
        return 0
    count: i64 = 0
    if folio.flags & PG_UPTODATE:
        count = 1
    folio_put(k, folio, REF_TEMP)
    return count


def mincore_unmapped_range(k: "Kernel", vma: Vma, start: i64, end: i64) -> i64:
    """Of pages that nothing maps here: of a file those that the page cache has, complete."""
    inode = vma.inode
    count: i64 = 0
    if inode is None:
        return count
    va = start
    while va < end:
        index = linear_page_index(vma, va)
        if index >= len(inode.i_pages.folios):
            break
        k.step(sites.MINCORE_PAGE__LOOKUP, slot_obj(inode.id, index), READ)
        folio = xarray.load(inode.i_pages, index)
        if folio is not None and folio.flags & PG_UPTODATE:
            count += 1
        va += 1
    return count
