# SPDX-License-Identifier: MIT
"""mm/huge_memory.c (Linux 7.2): folio_split() of a large folio of the page cache.

It is unmapped everywhere; its reference count is frozen under i_pages_lock (the only test that
decides); its pages become folios in its place, but for those behind the end of the file.

Not modelled: other smallest orders than 0.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EAGAIN
from simulator.lib import xarray
from simulator.mm.filemap import eof_pages, page_cache_delete, xa_lock_irq, xa_unlock_irq
from simulator.mm.mm_types import (
    PG_DIRTY,
    PG_LRU,
    PG_SWAPBACKED,
    PG_UPTODATE,
    REF_CACHE,
    REF_TEMP,
    Folio,
    Inode,
    folio_mapcount,
    init_page_count,
)
from simulator.mm.page_ref import booked, folio_put
from simulator.mm.pgtable import pfn_to_page
from simulator.mm.try_to_unmap import try_to_unmap
from simulator.sched.lock import down_read, lock_fresh, mutex_unlock, up_read
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


EVERYWHERE: Final = -1


def split_file_folio(k: "Kernel", inode: Inode, folio: Folio, at: i64) -> i64:
    """folio_split() at the page `at` of a folio that the caller has locked and holds a reference on
    (REF_TEMP): 0, or -EAGAIN when somebody else holds one, too. That page is alone then, and the
    others are in the largest folios that leaves; or every page is (EVERYWHERE). The head's stays
    locked."""
    nr: i64 = 1 << folio.order
    parts = split_parts(folio.order, at)
    down_read(k, sites.SPLIT_FOLIO__I_MMAP_LOCK, inode.i_mmap_rwsem)
    end = max(eof_pages(inode), inode.fallocend)
    k.step(sites.SPLIT_FOLIO__RACY_REFS, folio.obj, READ)
    made: list[Folio] = []
    ret: i64 = -EAGAIN
    if folio.ref == folio_mapcount(folio) + nr + 1:
        ret = split_unmapped(k, inode, folio, parts, end, made)
    up_read(k, inode.i_mmap_rwsem)
    for part in made:
        mutex_unlock(k, part.lock)
        folio_put(k, part, REF_TEMP)
    k.sometimes(features.Z_FOLIO_SPLIT_FAILED if ret else features.Z_FOLIO_SPLIT)
    return ret


def split_parts(order: i64, at: i64) -> list[tuple[int, int]]:
    """Where the parts begin and of which order they are, from the first to the last: halves of what
    holds the page, again and again."""
    if at == EVERYWHERE:
        return [(i, 0) for i in range(1 << order)]
    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    first: i64 = 0
    while order > 0:
        order -= 1
        half: i64 = 1 << order
        if at - first < half:
            after.append((first + half, order))
        else:
            before.append((first, order))
            first += half
    after.reverse()
    return [*before, (first, 0), *after]


def split_unmapped(
    k: "Kernel",
    inode: Inode,
    folio: Folio,
    parts: list[tuple[int, int]],
    end: i64,
    made: list[Folio],
) -> i64:
    """The part under i_mmap_rwsem. Folios from `end` on leave the file."""
    nr: i64 = 1 << folio.order
    try_to_unmap(k, folio, True)
    xa_lock_irq(k, sites.SPLIT_FOLIO__XA_LOCK, inode)
    k.step(sites.FOLIO_FREEZE_AND_SPLIT_UNMAPPED__FREEZE, folio.obj, WRITE)
    if folio.ref != 1 + nr or xarray.load(inode.i_pages, folio.index) is not folio:
        xa_unlock_irq(k, inode)
        return -EAGAIN
    folio.ref = 0
    k.step(sites.FOLIO_FREEZE_AND_SPLIT_UNMAPPED__FROZEN, folio.obj, WRITE)
    flags = folio.flags & (PG_SWAPBACKED | PG_UPTODATE | PG_DIRTY | PG_LRU)
    for first, order in parts[1:]:
        part = make_part(k, inode, folio, first, order, flags)
        xarray.store(inode.i_pages, part.index, order, part)
        made.append(part)
    folio.order = parts[0][1]
    kept: i64 = 1 << folio.order
    folio.ledger[REF_CACHE] = kept
    for part in made:
        if part.index >= end:
            page_cache_delete(k, inode, part)
    folio.ref = 1 + kept  # the last whose count is no longer frozen
    xa_unlock_irq(k, inode)
    for part in made:
        if part.inode is None:
            for _ in range(1 if k.bug.split_drop_eof_wrong_refs else 1 << part.order):
                folio_put(k, part, REF_CACHE)
    return 0


def make_part(k: "Kernel", inode: Inode, folio: Folio, first: i64, order: i64, flags: i64) -> Folio:
    """Pages of the folio become one of their own: locked, in the cache, and held by the caller."""
    page = pfn_to_page(k, folio.pfn + first)
    part = page.single
    part.live = True
    part.order = order
    part.pincount = 0
    part.flags = flags
    part.anon_vma = None
    part.anon_vma_gen = 0
    part.inode = inode
    part.pgmap = None
    part.index = folio.index + first
    part.entire_mapcount = 0
    part.large_mapcount = 0
    part.mm_id_0 = -1
    part.mm_maps_0 = 0
    part.mm_id_1 = -1
    part.mm_maps_1 = 0
    part.nr_pages_mapped = 0
    part.nr_pmds = 0
    part.nr_pmds_writable = 0
    for reason in range(len(part.ledger)):
        part.ledger[reason] = 0
    part.lock.owner = -1
    part.lock.waiters = 0
    lock_fresh(k, part.lock)
    for i in range(1 << order):
        pfn_to_page(k, page.pfn + i).folio = part
    init_page_count(part, REF_TEMP, k.cur.site)
    for _ in range(1 << order):
        part.ref += 1
        booked(k, part, REF_CACHE)
    return part
