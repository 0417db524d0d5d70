# SPDX-License-Identifier: MIT
"""mm/vmscan.c (7.2): anonymous folios out to swap, and what who needs memory takes back himself
(direct reclaim), which is what the shrinker can do that splits large folios.

Not modelled: reclaim of files' pages, demotion, memory cgroups, active and inactive lists.
"""

from typing import TYPE_CHECKING

from simulator import features, sites
from simulator.mm import page_alloc, page_io, swap, swap_state, swapfile
from simulator.mm.mm_types import (
    PG_DIRTY,
    PG_LRU,
    PG_SWAPCACHE,
    PG_WRITEBACK,
    REF_CACHE,
    REF_ISOLATED,
    Folio,
    folio_mapcount,
)
from simulator.mm.page_ref import folio_get, folio_maybe_dma_pinned
from simulator.mm.split_folio import deferred_split_scan, split_folio_to_list
from simulator.mm.try_to_unmap import try_to_unmap_anon
from simulator.sched.lock import folio_trylock, mutex_unlock, spin_lock, spin_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def try_to_free_pages(k: "Kernel") -> bool:
    """Whether it is worth while to try the allocation again. The caller holds no lock that a split
    takes: no folio's, no anon_vma's, no page table's."""
    if not k.deferred_split or not deferred_split_scan(k):
        return False
    k.cur.reclaimed = k.cur.uid
    return True


def folio_isolate_lru(k: "Kernel", folio: Folio) -> bool:
    """Take a folio off the LRU, with a reference (REF_ISOLATED); False: it is not there."""
    k.step(sites.FOLIO_ISOLATE_LRU__CLEAR, folio.obj, WRITE)
    if not folio.flags & PG_LRU:
        return False
    folio.flags &= ~PG_LRU
    folio_get(k, folio, REF_ISOLATED)
    return True


def reclaim_pages(k: "Kernel", folios: list[Folio]) -> None:
    """Reclaim what of these isolated folios can be; the others go back to the LRU."""
    for folio in shrink_folio_list(k, folios):
        swap.folio_putback_lru(k, folio)


def shrink_folio_list(k: "Kernel", folios: list[Folio]) -> list[Folio]:
    """Isolated anonymous folios, which the list loses: those are returned that stay. Who has used
    them lately is not asked for."""
    kept: list[Folio] = []
    while folios:
        folio = folios.pop(0)
        if not folio_trylock(k, sites.SHRINK_FOLIO_LIST__TRYLOCK, folio.lock):
            kept.append(folio)
            continue
        if not shrink_folio(k, folio, folios):
            kept.append(folio)
            continue
        k.sometimes(features.Z_RECLAIMED)
        page_alloc.free_folio(k, folio)
    return kept


def shrink_folio(k: "Kernel", folio: Folio, folios: list[Folio]) -> bool:
    """One locked folio, which comes unlocked: True, its count is frozen at zero, and all that is
    left is to free it; False, it stays. What of a large one has been split off is put on the
    list."""
    if folio.flags & PG_WRITEBACK or not prepare_swap(k, folio, folios):
        mutex_unlock(k, folio.lock)
        return False
    if folio_mapcount(folio):
        try_to_unmap_anon(k, folio)
        if folio_mapcount(folio):
            k.sometimes(features.Z_UNMAP_FAILED)
            mutex_unlock(k, folio.lock)
            return False
    k.step(sites.SHRINK_FOLIO_LIST__PINNED_UNMAPPED, folio.obj, READ)
    if folio_maybe_dma_pinned(folio):
        mutex_unlock(k, folio.lock)
        return False
    if folio.flags & PG_DIRTY and not pageout(k, folio):
        return False
    if not folio.flags & PG_SWAPCACHE or not remove_mapping(k, folio):
        mutex_unlock(k, folio.lock)
        return False
    mutex_unlock(k, folio.lock)
    return True


def prepare_swap(k: "Kernel", folio: Folio, folios: list[Folio]) -> bool:
    """Give the locked folio a slot, if it has none: of a large one the first page, when the others
    have been split off. What has got a slot is dirty, whatever its entries say: MADV_FREE may have
    cleaned them."""
    if folio.flags & PG_SWAPCACHE:
        return True
    k.step(sites.SHRINK_FOLIO_LIST__PINNED, folio.obj, READ)
    if folio_maybe_dma_pinned(folio) and not k.bug.pinned_page_added_to_swapcache:
        return False
    if folio.order:
        if folio_mapcount(folio) != folio.ref - 1 or split_folio_to_list(k, folio, folios):
            return False
    if swapfile.folio_alloc_swap(k, folio):
        return False
    folio.flags |= PG_DIRTY
    return True


def pageout(k: "Kernel", folio: Folio) -> bool:
    """Write a dirty, unmapped folio out. True: it has been, and is locked; False: it is to be kept,
    and not locked."""
    k.step(sites.PAGEOUT__REFS, folio.obj, READ)
    if folio.ref != 2 or not folio.flags & PG_SWAPCACHE:
        mutex_unlock(k, folio.lock)
        return False
    folio.flags &= ~PG_DIRTY  # folio_clear_dirty_for_io()
    page_io.swap_writeout(k, folio)
    if folio.flags & (PG_WRITEBACK | PG_DIRTY):
        return False
    if not folio_trylock(k, sites.SHRINK_FOLIO_LIST__WRITTEN_TRYLOCK, folio.lock):
        return False
    if folio.flags & (PG_WRITEBACK | PG_DIRTY):
        mutex_unlock(k, folio.lock)
        return False
    return True


def remove_mapping(k: "Kernel", folio: Folio) -> bool:
    """__remove_mapping(): take a locked folio out of the swap cache, if nobody but the caller and
    the cache has a reference, and then nobody has stored to it. Its count is frozen at zero."""
    si = k.swap
    spin_lock(k, sites.REMOVE_MAPPING__LOCK, si.lock)
    k.step(sites.REMOVE_MAPPING__FREEZE, folio.obj, WRITE)
    if folio.ref != 2:
        spin_unlock(k, si.lock)
        return False
    folio.ref = 0
    k.step(sites.REMOVE_MAPPING__DIRTY, folio.obj, READ)
    if folio.flags & PG_DIRTY:
        folio.ref = 2
        spin_unlock(k, si.lock)
        return False
    swap_state.swap_cache_del_locked(k, folio)
    folio.ledger[REF_CACHE] -= 1
    folio.ledger[REF_ISOLATED] -= 1
    spin_unlock(k, si.lock)
    return True
