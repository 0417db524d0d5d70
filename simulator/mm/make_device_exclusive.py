# SPDX-License-Identifier: MIT
"""mm/rmap.c (7.2): make_device_exclusive() (6.15 and later).

A device that wants to do atomic operations on a page of a process has the CPU's entry replaced by
one that maps the page for the device alone; it counts as a mapping like any other. The next touch
by a CPU tells the device and puts a present entry back (device_exclusive.py). Anonymous memory
only, one small page a call: a huge page is split first, for the entry that GUP finds is a small
one's then.

The range form of before, which replaced all entries of a folio by an rmap walk, is in
exclusive_range.py.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EOPNOTSUPP
from simulator.mm import gup, mmu_notifier
from simulator.mm.memremap import DevPagemap
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_DIRTY,
    PTE_DIRTY,
    PTE_SOFT_DIRTY,
    PTE_UFFD_WP,
    PTE_WRITE,
    REF_GUP,
    SWP_DEVICE_EXCLUSIVE,
    Mm,
    Page,
    PageTable,
    mk_swap_pte,
    pte_present,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import pfn_to_page, ptep_get, set_pte_at
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock, ptep_clear_flush
from simulator.mm.rmap import folio_remove_rmap_pte
from simulator.objects import pte_obj
from simulator.sched.lock import mutex_lock, mutex_unlock
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def make_device_exclusive(k: "Kernel", mm: Mm, va: i64, owner: DevPagemap) -> i64:
    """The frame of page `va`, which no CPU can use any more, its folio locked and with a reference
    (REF_GUP); -EOPNOTSUPP for what is not anonymous, or the errno of the fault. mmap_lock is held
    for read. `owner` is the device that is not to be told."""
    flags: i64 = gup.FOLL_GET | gup.FOLL_WRITE | gup.FOLL_REMOTE
    if not k.bug.devexcl_pmd_mapped_thp_not_split:
        flags |= gup.FOLL_SPLIT_PMD
    while True:
        pfn = gup.get_user_page_locked(k, mm, va, flags)
        if pfn < 0:
            return pfn
        page = pfn_to_page(k, pfn)
        folio = page.folio
        if folio.anon_vma is None:
            gup.gup_put_folio(k, folio, flags)
            return -EOPNOTSUPP
        mutex_lock(k, sites.MAKE_DEVICE_EXCLUSIVE__FOLIO_LOCK, folio.lock)
        event = mmu_notifier.MMU_NOTIFY_EXCLUSIVE
        mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, va, va + 1, event, owner)
        if k.bug.devexcl_tail_page_rmap_walk and page is not folio.page:
            # 2021: a walk of the tail's own mapping, which is none, replaces nothing
            mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
            return pfn
        table = pte_offset_map_lock(k, sites.FOLIO_WALK_START__LOCK, mm, va)
        if table is not None:
            pte = ptep_get(k, table, va)
            if pte_present(pte) and pte & PTE_WRITE and pte >> PFN_SHIFT == pfn:
                replace(k, mm, va, table, page)
                pte_unmap_unlock(k, table)
                mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
                k.sometimes(features.Z_DEVICE_EXCLUSIVE)
                return pfn
            pte_unmap_unlock(k, table)
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
        mutex_unlock(k, folio.lock)
        gup.gup_put_folio(k, folio, flags)
        k.sometimes(features.Z_DEVICE_EXCLUSIVE_RETRY)
        k.retry_on(sites.MAKE_DEVICE_EXCLUSIVE__RETRY, pfn)


def replace(k: "Kernel", mm: Mm, va: i64, table: PageTable, page: Page) -> None:
    """Take the present entry out, and put the device's in its place; the lock is held."""
    k.step(sites.MAKE_DEVICE_EXCLUSIVE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
    pte = ptep_clear_flush(k, mm, table, va)
    if pte & PTE_DIRTY:
        page.folio.flags |= PG_DIRTY
    entry = mk_swap_pte(SWP_DEVICE_EXCLUSIVE, page.pfn)
    if not k.bug.devexcl_entry_loses_softdirty_uffdwp:
        entry |= pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP)
    k.step(sites.MAKE_DEVICE_EXCLUSIVE__SET_ENTRY, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, entry)
    if k.bug.devexcl_mapcount_dropped_while_entry_live:
        folio_remove_rmap_pte(k, page, mm)


def unlock_exclusive(k: "Kernel", page: Page) -> None:
    """The driver has programmed the device: let go of what make_device_exclusive() has returned."""
    mutex_unlock(k, page.folio.lock)
    folio_put(k, page.folio, REF_GUP)
