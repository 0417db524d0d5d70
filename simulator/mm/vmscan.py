# SPDX-License-Identifier: MIT
"""mm/vmscan.c (7.2): anonymous folios out to swap, for MADV_PAGEOUT, for kswapd, and for who needs
memory and takes it back himself (direct reclaim), who has the shrinker, too, that splits large
folios. Which folios are looked at is in kswapd.py.

Not modelled: reclaim of files' pages, demotion, memory cgroups, active and inactive lists.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import page_alloc, page_io, swap, swap_state, swapfile, tlb_batch
from simulator.mm.kswapd import folio_referenced, isolate_lru_folios
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
from simulator.mm.unmap_lazyfree import folio_test_lazyfree
from simulator.objects import OBJ_NONE
from simulator.sched.lock import folio_trylock, mutex_unlock, spin_lock, spin_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

PRIORITIES: Final = 2  # Linux: DEF_PRIORITY, 12, of which most find nothing else to look at


def try_to_free_pages(k: "Kernel") -> bool:
    """Whether it is worth while to try the allocation again. The caller holds no lock that a split
    takes: no folio's, no anon_vma's, no page table's."""
    freed: i64 = 0
    if k.swap.max:
        freed = shrink_node(k, 1)
    if k.deferred_split:
        freed += deferred_split_scan(k)
    if not freed:
        return False
    k.cur.reclaimed = k.cur.uid
    return True


def balance_pgdat(k: "Kernel", wanted: i64) -> i64:
    """What kswapd does to free so many folios. Without swap there is nothing for it here."""
    if k.swap.max:
        shrink_node(k, wanted)
    return 0


def shrink_node(k: "Kernel", wanted: i64) -> i64:
    """Go over the LRU, if need be with a higher priority once more, until so many folios are freed:
    what has been used comes second. How many were."""
    freed: i64 = 0
    for _ in range(PRIORITIES):
        k.step(sites.SHRINK_NODE__PRIORITY, OBJ_NONE, READ)
        scanned: i64 = 0
        while freed < wanted and scanned < k.frames.nr:
            swap.lru_add_drain(k)
            folios = isolate_lru_folios(k, wanted - freed)
            if not folios:
                break
            scanned += len(folios)
            freed += shrink_inactive_list(k, folios)
    return freed


def shrink_inactive_list(k: "Kernel", folios: list[Folio]) -> i64:
    """Reclaim what of these isolated folios nobody uses; how many were freed."""
    kept: list[Folio] = []
    freed = shrink_folio_list(k, folios, False, kept)
    for folio in kept:
        swap.folio_putback_lru(k, folio)
    return freed


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
    kept: list[Folio] = []
    shrink_folio_list(k, folios, True, kept)
    for folio in kept:
        swap.folio_putback_lru(k, folio)


def shrink_folio_list(
    k: "Kernel", folios: list[Folio], ignore_references: bool, kept: list[Folio]
) -> i64:
    """Isolated anonymous folios, which the list loses: those that stay are put to `kept`, and it is
    said how many others were freed. What is to be freed waits for a flush of the TLBs."""
    freed: i64 = 0
    free: list[Folio] = []
    while folios:
        folio = folios.pop(0)
        locked = folio_trylock(k, sites.SHRINK_FOLIO_LIST__TRYLOCK, folio.lock)
        if locked and shrink_folio(k, folio, folios, ignore_references):
            freed += 1
            free.append(folio)
            if len(free) >= k.folio_batch:
                free_unref_folios(k, free)
                free = []
        else:
            kept.append(folio)
    free_unref_folios(k, free)
    return freed


def free_unref_folios(k: "Kernel", folios: list[Folio]) -> None:
    """Flush what has been put off, and free folios whose count is frozen at zero."""
    tlb_batch.try_to_unmap_flush(k)
    for folio in folios:
        k.sometimes(features.Z_RECLAIMED)
        page_alloc.free_folio(k, folio)


def shrink_folio(k: "Kernel", folio: Folio, folios: list[Folio], ignore_references: bool) -> bool:
    """One locked folio, which comes unlocked: True, its count is frozen at zero, and all that is
    left is to free it; False, it stays. What of a large one has been split off is put on the
    list."""
    used = folio.flags & PG_WRITEBACK != 0
    if not used and not ignore_references:
        used = folio_referenced(k, folio)
    if used or not prepare_swap(k, folio, folios):
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
    if folio.flags & PG_DIRTY:
        if folio_test_lazyfree(folio):  # it counts as a file's
            mutex_unlock(k, folio.lock)
            return False
        tlb_batch.try_to_unmap_flush_dirty(k)
        if not pageout(k, folio):
            return False
    if folio_test_lazyfree(folio):
        gone = freeze_lazyfree(k, folio)
    else:
        gone = folio.flags & PG_SWAPCACHE != 0 and remove_mapping(k, folio)
    mutex_unlock(k, folio.lock)
    return gone


def freeze_lazyfree(k: "Kernel", folio: Folio) -> bool:
    """A lazyfree folio that nobody maps: whether nobody else has a reference. Its count is frozen
    at zero then."""
    k.step(sites.SHRINK_FOLIO_LIST__FREEZE, folio.obj, WRITE)
    if folio.ref != 1:
        return False
    folio.ref = 0
    folio.ledger[REF_ISOLATED] -= 1
    return True


def prepare_swap(k: "Kernel", folio: Folio, folios: list[Folio]) -> bool:
    """Give the locked folio a slot, if it has none and needs one: of a large one the first page,
    when the others have been split off. What has got a slot is dirty, whatever its entries say:
    MADV_FREE may have cleaned them, and not come to make it lazyfree."""
    if folio.flags & PG_SWAPCACHE or folio_test_lazyfree(folio):
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
