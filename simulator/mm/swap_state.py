# SPDX-License-Identifier: MIT
"""mm/swap_state.c (7.2): the swap cache. How folios come into it to be read is in swapin.py.

Not modelled: shadow entries, folios of more than one page.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm.mm_types import PG_SWAPCACHE, PG_WRITEBACK, REF_CACHE, REF_TEMP, Folio
from simulator.mm.page_ref import folio_get, folio_put, folio_try_get
from simulator.objects import swap_obj
from simulator.sched.lock import spin_lock, spin_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def swap_cache_get_folio(k: "Kernel", slot: i64) -> Folio | None:
    """The folio that the swap cache has for the slot, with a reference (REF_TEMP): the caller must
    lock it and look whether it still is."""
    while True:
        k.step(sites.SWAP_CACHE_GET_FOLIO__READ, swap_obj(slot), READ)
        folio = k.swap.folio[slot]
        if folio is None:
            return None
        k.step(sites.SWAP_CACHE_GET_FOLIO__GET, folio.obj, WRITE)
        if folio_try_get(k, folio, REF_TEMP):
            return folio
        k.retry(sites.SWAP_CACHE_GET_FOLIO__READ)


def swap_cache_has_folio(k: "Kernel", slot: i64) -> bool:
    """Whether the swap cache has a folio for the slot."""
    k.step(sites.SWAP_CACHE_GET_FOLIO__READ, swap_obj(slot), READ)
    return k.swap.folio[slot] is not None


def folio_matches_swap_entry(folio: Folio, slot: i64) -> bool:
    """Whether the locked folio is the slot's."""
    return folio.flags & PG_SWAPCACHE != 0 and folio.swap == slot


def swap_cache_add_folio(k: "Kernel", folio: Folio, slot: i64) -> None:
    """__swap_cache_add_folio(): the cluster is locked, so is the folio."""
    k.swap.folio[slot] = folio
    folio_get(k, folio, REF_CACHE)
    folio.flags |= PG_SWAPCACHE
    folio.swap = slot


def swap_cache_del_locked(k: "Kernel", folio: Folio) -> None:
    """__swap_cache_del_folio(): the cluster and the folio are locked. The reference is still the
    caller's to drop."""
    slot = folio.swap
    if k.swap.folio[slot] is not folio or folio.flags & PG_WRITEBACK:
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "swap",
            f"a folio leaves the swap cache that is not that of slot {slot}, or being written",
        )
    k.watch.swap_cache_removing(k, folio)
    k.swap.folio[slot] = None
    folio.flags &= ~PG_SWAPCACHE
    folio.swap = 0
    if k.swap.count[slot] == 0:
        free_slot(k, slot)


def swap_cache_del_folio(k: "Kernel", folio: Folio) -> None:
    """Take a locked folio out of the swap cache that is clean, or that nobody will look for."""
    spin_lock(k, sites.SWAP_CACHE_DEL_FOLIO__LOCK, k.swap.lock)
    swap_cache_del_locked(k, folio)
    spin_unlock(k, k.swap.lock)
    folio_put(k, folio, REF_CACHE)


def free_slot(k: "Kernel", slot: i64) -> None:
    """__swap_cluster_free_entries() of one slot, which has neither a count nor a folio."""
    k.swap.used -= 1
    k.watch.swap_slot_freed(k, slot)
