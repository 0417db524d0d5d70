# SPDX-License-Identifier: MIT
"""mm/huge_memory.c (7.2): split_folio(), and the shrinker that splits what waits for it.

A large folio becomes as many small ones: its entries are replaced by migration entries, its
reference count is frozen (the only test that decides), its pages become folios, and the entries
come back.

Folios of files are split in split_file_folio.py.

Not modelled: splits to orders above 0, folios of the swap cache; the TLB flush that
unmap_folio() defers to its end (try_to_unmap_flush()) is made for each entry.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EAGAIN, EBUSY
from simulator.machine.ipi import local_irq_disable, local_irq_enable
from simulator.mm import anon_vma
from simulator.mm.deferred_split import folio_unqueue_deferred_split
from simulator.mm.migrate import remove_migration_ptes_locked, try_to_migrate_locked
from simulator.mm.mm_types import (
    PG_DEVICE_PRIVATE,
    PG_DIRTY,
    PG_LRU,
    PG_PARTIALLY_MAPPED,
    PG_SWAPBACKED,
    PG_UPTODATE,
    REF_ISOLATED,
    REF_TEMP,
    Folio,
    Page,
    folio_mapcount,
    init_page_count,
)
from simulator.mm.page_ref import folio_get, folio_put, folio_try_get
from simulator.mm.pgtable import pfn_to_page
from simulator.mm.split_file_folio import EVERYWHERE, split_file_folio
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched.lock import folio_trylock, lock_fresh, mutex_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def split_folio_to_list(k: "Kernel", folio: Folio, folios: list[Folio]) -> i64:
    """split_folio() of an isolated folio: its new folios are isolated, too, and put on the list."""
    return split_folio(k, folio, None, folios)


def split_folio(
    k: "Kernel", folio: Folio, lock_at: Page | None = None, folios: list[Folio] | None = None
) -> i64:
    """Split a folio that the caller has locked and holds a reference on (REF_TEMP): 0, -EBUSY, or
    -EAGAIN when somebody else holds one, too. What stays locked, and has the caller's reference, is
    the head, or the folio that the page `lock_at` gets; `folios`: split_folio_to_list()."""
    if folio.order == 0:
        return 0
    inode = folio.inode
    if inode is not None:
        return split_file_folio(k, inode, folio, EVERYWHERE)
    av = folio.anon_vma
    if av is None or not folio_mapcount(folio):
        return -EBUSY
    anon_vma.get_anon_vma(av)
    anon_vma.anon_vma_lock_write(k, av, sites.SPLIT_FOLIO__ANON_VMA_LOCK)
    k.step(sites.SPLIT_FOLIO__RACY_REFS, folio.obj, READ)
    ret: i64 = -EAGAIN
    if folio_mapcount(folio) == folio.ref - 1:
        ret = split_locked(k, folio, lock_at, folios)
    anon_vma.anon_vma_unlock_write(k, av)
    anon_vma.put_anon_vma(k, av)
    k.sometimes(features.Z_FOLIO_SPLIT_FAILED if ret else features.Z_FOLIO_SPLIT)
    return ret


def split_locked(
    k: "Kernel", folio: Folio, lock_at: Page | None, folios: list[Folio] | None
) -> i64:
    """The part under the anon_vma's lock: unmap, freeze, split, map again, let go of the others."""
    first = folio.pfn
    nr: i64 = 1 << folio.order
    zeroes = not folio.flags & PG_DEVICE_PRIVATE
    try_to_migrate_locked(k, folio)  # unmap_folio()
    local_irq_disable(k)
    k.step(sites.FOLIO_FREEZE_AND_SPLIT_UNMAPPED__FREEZE, folio.obj, WRITE)
    frozen = folio.ref == 1
    if frozen:
        folio.ref = 0
        k.step(sites.FOLIO_FREEZE_AND_SPLIT_UNMAPPED__FROZEN, folio.obj, WRITE)
        split_unmapped_folio(k, folio, folios is None)
        if folios is not None:  # lru_add_split_folio()
            for i in range(1, nr):
                part = pfn_to_page(k, first + i).folio
                folio_get(k, part, REF_ISOLATED)
                folios.append(part)
    local_irq_enable(k)
    if not frozen:
        remove_migration_ptes_locked(k, folio, folio, False)
        return -EAGAIN
    for i in range(nr):  # remap_page()
        part = pfn_to_page(k, first + i).folio
        remove_migration_ptes_locked(k, part, part, zeroes)
    kept = folio if lock_at is None else lock_at.folio
    for i in range(nr):
        part = pfn_to_page(k, first + i).folio
        if part is kept:
            continue
        mutex_unlock(k, part.lock)
        k.step(sites.SPLIT_FOLIO__PUT_TAIL, part.obj, WRITE)
        folio_put(k, part, REF_TEMP)
    return 0


def folio_split_unmapped(k: "Kernel", folio: Folio) -> bool:
    """Split a locked folio that migration entries alone stand for, and that is not on the LRU. Its
    pages are left locked, with a reference each. False: the caller's is not the only one."""
    k.step(sites.FOLIO_SPLIT_UNMAPPED__REFS, folio.obj, READ)
    if folio.ref != 1:
        return False
    local_irq_disable(k)
    k.step(sites.FOLIO_FREEZE_AND_SPLIT_UNMAPPED__FREEZE, folio.obj, WRITE)
    frozen = folio.ref == 1
    if frozen:
        folio.ref = 0
        k.step(sites.FOLIO_FREEZE_AND_SPLIT_UNMAPPED__FROZEN, folio.obj, WRITE)
        split_unmapped_folio(k, folio, False)
    local_irq_enable(k)
    return frozen


def split_unmapped_folio(k: "Kernel", folio: Folio, lru: bool) -> None:
    """__split_unmapped_folio(): every page becomes a folio of its own, locked and with one
    reference, on the LRU if it is memory and `lru`; the head is the last whose count is no longer
    frozen."""
    order = folio.order
    folio_unqueue_deferred_split(k, folio)
    flags = folio.flags & (PG_SWAPBACKED | PG_UPTODATE | PG_DIRTY | PG_DEVICE_PRIVATE)
    if lru and not folio.flags & PG_DEVICE_PRIVATE:
        flags |= PG_LRU
    for i in range(1, 1 << order):
        page = pfn_to_page(k, folio.pfn + i)
        page.flags = 0
        part = page.single
        part.live = True
        part.order = 0
        part.pincount = 0
        part.flags = flags
        part.anon_vma = folio.anon_vma
        part.anon_vma_gen = folio.anon_vma_gen
        part.inode = None
        part.pgmap = folio.pgmap
        part.index = folio.index + i
        for reason in range(len(part.ledger)):
            part.ledger[reason] = 0
        part.lock.owner = -1
        part.lock.waiters = 0
        lock_fresh(k, part.lock)
        page.folio = part
        init_page_count(part, REF_TEMP, k.cur.site)
    folio.page.flags = 0
    folio.order = 0
    folio.ref = 1


def deferred_split_scan(k: "Kernel") -> i64:
    """The shrinker: split the folios that are partially mapped or underused, as far as they can be
    locked. How many were."""
    split: i64 = 0
    waiting = k.deferred_split
    k.deferred_split = []
    for folio in waiting:
        k.step(sites.DEFERRED_SPLIT_SCAN__GET, folio.obj, WRITE)
        if not folio.live or folio.order == 0 or not folio_try_get(k, folio, REF_TEMP):
            continue
        done = False
        wanted = folio.flags & PG_PARTIALLY_MAPPED != 0 or thp_underused(k, folio)
        if wanted and folio_trylock(k, sites.DEFERRED_SPLIT_SCAN__TRYLOCK, folio.lock):
            done = split_folio(k, folio) == 0
            mutex_unlock(k, folio.lock)
        if done:
            split += 1
            k.sometimes(features.Z_DEFERRED_SPLIT)
        elif folio.flags & PG_PARTIALLY_MAPPED and folio not in k.deferred_split:
            k.deferred_split.append(folio)  # try again the next time
        folio_put(k, folio, REF_TEMP)
    return split


def thp_underused(k: "Kernel", folio: Folio) -> bool:
    """Whether more of the folio's pages are zero-filled than khugepaged would fill in."""
    if k.max_ptes_none == k.ptrs_per_pte - 1:
        return False
    zeroes: i64 = 0
    for i in range(1 << folio.order):
        page = pfn_to_page(k, folio.pfn + i)
        if not any(page.words[w] for w in range(WORDS_PER_PAGE)):
            zeroes += 1
    return zeroes > k.max_ptes_none
