# SPDX-License-Identifier: MIT
"""mm/truncate.c (Linux 7.2): folios leave the page cache because their part of the file goes.

Not modelled: what file systems keep behind folios (folio_invalidate()), writeback.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm.filemap import filemap_remove_folio
from simulator.mm.mm_types import PG_DIRTY, REF_TEMP, Folio, Inode, Page, folio_mapcount
from simulator.mm.page_ref import folio_put, folio_try_get
from simulator.mm.pgtable import pfn_to_page
from simulator.mm.split_file_folio import split_file_folio
from simulator.mm.unmap_mapping import unmap_mapping_folio
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched.lock import folio_trylock, mutex_unlock
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def truncate_inode_folio(k: "Kernel", inode: Inode, folio: Folio) -> None:
    """A locked folio, if it is of the file still."""
    if folio.inode is not inode:
        return
    if folio_mapcount(folio):  # truncate_cleanup_folio()
        unmap_mapping_folio(k, folio)
    folio.flags &= ~PG_DIRTY
    filemap_remove_folio(k, folio)


def truncate_inode_partial_folio(k: "Kernel", folio: Folio, start: i64, end: i64) -> bool:
    """A locked folio that start..end, in words, may cover in part only: zero that part. False: the
    folio is large and could not be split, so its other pages must stay."""
    inode = folio.inode
    assert inode is not None
    first = folio.index * WORDS_PER_PAGE
    size: i64 = WORDS_PER_PAGE << folio.order
    offset = start - first if first < start else 0
    length = size - offset if first + size <= end else end + 1 - first - offset
    if length == size:
        truncate_inode_folio(k, inode, folio)
        return True
    folio_zero_range(k, inode, folio, offset, length)
    if folio.order == 0:
        return True
    head = folio.pfn
    if split_file_folio(k, inode, folio, offset // WORDS_PER_PAGE) == 0:
        if offset + length != size:
            split_end(k, inode, pfn_to_page(k, head + (offset + length) // WORDS_PER_PAGE))
        return True
    if folio.flags & PG_DIRTY:
        return False
    truncate_inode_folio(k, inode, folio)
    return True


def split_end(k: "Kernel", inode: Inode, page: Page) -> None:
    """Split where the range ends, too, so that what it has can go."""
    folio = page.folio
    if not folio_try_get(k, folio, REF_TEMP):
        return
    if folio.order and folio_trylock(k, sites.TRUNCATE_INODE_PARTIAL_FOLIO__TRYLOCK, folio.lock):
        if folio.order and folio.inode is inode:
            split_file_folio(k, inode, folio, page.pfn - folio.pfn)
        mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)


def folio_zero_range(k: "Kernel", inode: Inode, folio: Folio, offset: i64, length: i64) -> None:
    """Zero words of a folio of the cache, which may be mapped."""
    for i in range(offset, offset + length):
        page = pfn_to_page(k, folio.pfn + i // WORDS_PER_PAGE)
        k.step(sites.FOLIO_ZERO_RANGE__ZERO, page.obj, WRITE)
        page.words[i % WORDS_PER_PAGE] = 0
        k.watch.file_zeroed(k, inode, folio.index * WORDS_PER_PAGE + i)
