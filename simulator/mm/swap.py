# SPDX-License-Identifier: MIT
"""mm/swap.c (7.2): per-CPU batches in front of the LRU lists. Each page in one holds a reference,
which is why a fresh page may look shared to do_wp_page() until the batch is drained."""

from typing import TYPE_CHECKING

from simulator import sites
from simulator.mm.mm_types import (
    PG_DEVICE_PRIVATE,
    PG_LRU,
    PG_SWAPBACKED,
    PG_SWAPCACHE,
    REF_BATCH,
    REF_ISOLATED,
    Folio,
)
from simulator.mm.page_ref import folio_get, folio_put
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def folio_add_lru(k: "Kernel", folio: Folio) -> None:
    """Queue a new page for the LRU on this CPU."""
    if folio.flags & PG_DEVICE_PRIVATE:
        return
    k.watch.lru_adding(k, folio)
    folio_get(k, folio, REF_BATCH)
    batch = k.cpus[k.cur.cpu].lru_add
    batch.append(folio)
    if len(batch) >= k.folio_batch or folio.order:  # folio_may_be_lru_cached()
        lru_add_drain(k)


def folio_putback_lru(k: "Kernel", folio: Folio) -> None:
    """A page that was isolated goes back, which is to a batch first; the reference of its
    isolation goes."""
    folio_add_lru(k, folio)
    folio_put(k, folio, REF_ISOLATED)


def lru_add_drain(k: "Kernel") -> None:
    """Move this CPU's batch to the LRU lists."""
    drain_cpu(k, k.cur.cpu)


def lru_add_drain_all(k: "Kernel") -> None:
    """Move the batches of all CPUs to the LRU lists, by a worker on each: not all at once."""
    for cpu in k.cpus:
        if cpu.lru_add or cpu.lru_lazyfree:
            k.step(sites.LRU_ADD_DRAIN_ALL__CPU, cpu.obj, WRITE)
            drain_cpu(k, cpu.id)


def drain_cpu(k: "Kernel", cpu: int) -> None:
    batch = k.cpus[cpu].lru_add
    if batch:
        k.cpus[cpu].lru_add = []
        for folio in batch:
            folio.flags |= PG_LRU
            folio_put(k, folio, REF_BATCH)
    if k.cpus[cpu].lru_lazyfree:
        drain_lazyfree(k, cpu)


def folio_mark_lazyfree(k: "Kernel", folio: Folio) -> None:
    """MADV_FREE has given the folio's data up: queue it for the list of what reclaim drops."""
    if not folio.flags & PG_SWAPBACKED or not folio.flags & PG_LRU or folio.flags & PG_SWAPCACHE:
        return
    folio_get(k, folio, REF_BATCH)
    batch = k.cpus[k.cur.cpu].lru_lazyfree
    batch.append(folio)
    if len(batch) >= k.folio_batch or folio.order:
        drain_lazyfree(k, k.cur.cpu)


def drain_lazyfree(k: "Kernel", cpu: int) -> None:
    """lru_lazyfree() of each that is still on the LRU."""
    batch = k.cpus[cpu].lru_lazyfree
    k.cpus[cpu].lru_lazyfree = []
    for folio in batch:
        if folio.flags & (PG_LRU | PG_SWAPCACHE) == PG_LRU and folio.anon_vma is not None:
            folio.flags &= ~PG_SWAPBACKED
        folio_put(k, folio, REF_BATCH)
