# SPDX-License-Identifier: MIT
"""mm/swapfile.c (7.2): the slots of the swap device and their counts.

A slot is taken by add_to_swap with its folio in the swap cache and a count of none; each swap entry
that stands for it counts one. It is free again when neither is left.

Not modelled: several devices and their priorities, clusters, discard, CONFIG_THP_SWAP: large folios
are split before they get slots. swapoff() is in kernel/swapoff.py.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EAGAIN, ENOMEM
from simulator.mm import swap_state
from simulator.mm.mm_types import PG_DIRTY, PG_SWAPCACHE, PG_WRITEBACK, REF_TEMP, Folio
from simulator.mm.page_ref import folio_put
from simulator.objects import swap_obj
from simulator.sched.lock import folio_trylock, mutex_unlock, spin_lock, spin_unlock
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel


def folio_alloc_swap(k: "Kernel", folio: Folio) -> i64:
    """Find a free slot for the locked folio and put it into the swap cache: 0, -ENOMEM, or -EAGAIN
    for a large one."""
    if folio.order:
        return -EAGAIN
    si = k.swap
    if not si.on:
        return -ENOMEM
    spin_lock(k, sites.FOLIO_ALLOC_SWAP__LOCK, si.lock)
    if not si.on:  # cluster_alloc_range()
        spin_unlock(k, si.lock)
        return -ENOMEM
    slot = si.next
    tried: i64 = 0
    while tried < si.max and (si.count[slot] or si.folio[slot] is not None):
        slot = slot + 1 if slot < si.max else 1
        tried += 1
    if tried == si.max:
        spin_unlock(k, si.lock)
        k.sometimes(features.Z_SWAP_FULL)
        return -ENOMEM
    si.next = slot + 1 if slot < si.max else 1
    si.used += 1
    swap_state.swap_cache_add_folio(k, folio, slot)
    spin_unlock(k, si.lock)
    return 0


def vm_swap_full(k: "Kernel") -> bool:
    """Whether more than half of the slots are used: swap cache is given up where it can be."""
    return (k.swap.max - k.swap.used) * 2 < k.swap.max


def swap_dup(k: "Kernel", slot: i64) -> None:
    """swap_dup_entries_cluster(): one more swap entry, of somebody who has the slot's folio in the
    swap cache locked, or an entry of his own for it."""
    si = k.swap
    caller = k.cur.site
    spin_lock(k, sites.SWAP_DUP_ENTRIES_CLUSTER__LOCK, si.lock)
    if si.count[slot] == 0 and si.folio[slot] is None:
        k.violate(
            "use-after-free",
            caller,
            "swap",
            f"another swap entry is made for slot {slot}, which is free",
        )
    si.count[slot] += 1
    si.changed_at[slot] = caller
    spin_unlock(k, si.lock)


def swap_put(k: "Kernel", slot: i64, reclaim_cache: bool) -> None:
    """swap_put_entries_cluster(): one swap entry less. `reclaim_cache`: with the last one goes what
    the swap cache has, if nobody uses it."""
    si = k.swap
    caller = k.cur.site
    spin_lock(k, sites.SWAP_PUT_ENTRIES_CLUSTER__LOCK, si.lock)
    if si.count[slot] <= 0:
        k.violate(
            "use-after-free",
            caller,
            "swap",
            f"slot {slot} is let go of by more swap entries than there were",
        )
    si.count[slot] -= 1
    si.changed_at[slot] = caller
    cached = si.folio[slot] is not None
    last = si.count[slot] == 0
    if last and not cached:
        swap_state.free_slot(k, slot)
    spin_unlock(k, si.lock)
    if last and cached and reclaim_cache:
        try_to_reclaim_swap(k, slot)


def try_to_reclaim_swap(k: "Kernel", slot: i64) -> None:
    """__try_to_reclaim_swap() with TTRS_UNMAPPED | TTRS_FULL: give up the swap cache's folio of a
    slot that no entry stands for."""
    while True:
        folio = swap_state.swap_cache_get_folio(k, slot)
        if folio is None:
            return
        if not folio_trylock(k, sites.TRY_TO_RECLAIM_SWAP__TRYLOCK, folio.lock):
            folio_put(k, folio, REF_TEMP)
            return
        if swap_state.folio_matches_swap_entry(folio, slot):
            break
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
        k.retry(sites.TRY_TO_RECLAIM_SWAP__TRYLOCK)
    wanted = folio.page.mapcount == 0 or vm_swap_full(k)
    if wanted and folio_swapcache_freeable(folio):
        si = k.swap
        spin_lock(k, sites.TRY_TO_RECLAIM_SWAP__LOCK, si.lock)
        only_cache = si.count[slot] == 0
        spin_unlock(k, si.lock)
        if only_cache:
            swap_state.swap_cache_del_folio(k, folio)
            folio.flags |= PG_DIRTY
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)


def folio_swapcache_freeable(folio: Folio) -> bool:
    """Whether the locked folio is in the swap cache and not on its way to the device."""
    return folio.flags & (PG_SWAPCACHE | PG_WRITEBACK) == PG_SWAPCACHE


def folio_free_swap(k: "Kernel", folio: Folio) -> bool:
    """Give up the slot of a locked folio that no swap entry stands for. Its data is nowhere else
    then: it is dirty."""
    if not folio_swapcache_freeable(folio):
        return False
    slot = folio.swap
    k.step(sites.FOLIO_MAYBE_SWAPPED__READ, swap_obj(slot), READ)
    if k.swap.count[slot]:
        return False
    swap_state.swap_cache_del_folio(k, folio)
    folio.flags |= PG_DIRTY
    return True


def free_swap_cache(k: "Kernel", folio: Folio) -> None:
    """Who lets go of a folio of the swap cache gives up its slot, if he was the last user."""
    if folio.page.mapcount == 0 and folio_trylock(k, sites.FREE_SWAP_CACHE__TRYLOCK, folio.lock):
        folio_free_swap(k, folio)
        mutex_unlock(k, folio.lock)


def reclaim_all(k: "Kernel") -> None:
    """The End: nobody is left who could ask for what the swap cache still holds."""
    for slot in range(1, k.swap.max + 1):
        if k.swap.folio[slot] is not None:
            k.step(sites.SWAP_RECLAIM_ALL__SLOT, swap_obj(slot), READ)
            try_to_reclaim_swap(k, slot)
