# SPDX-License-Identifier: MIT
"""mm/memory.c (7.2): entries of pages that a device has for itself become present again, by the
fault of a CPU that touches one, or by fork(). Who makes them is make_device_exclusive.py."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import mmap_lock, mmu_notifier
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DIRTY,
    PTE_PROTNONE,
    PTE_SOFT_DIRTY,
    PTE_UFFD_WP,
    PTE_WRITE,
    REF_TEMP,
    VM_SOFTDIRTY,
    VM_WRITE,
    Mm,
    Page,
    PageTable,
    Vma,
    pte_mkuffd_wp,
    userfaultfd_pte_wp,
)
from simulator.mm.page_ref import folio_put, folio_try_get
from simulator.mm.pgtable import (
    mk_pte,
    pfn_to_page,
    pte_mkdirty,
    ptep_get,
    set_pte_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.vm_fault import FAULT_FLAG_VMA_LOCK, VM_FAULT_RETRY, VmFault
from simulator.objects import pte_obj
from simulator.sched.lock import folio_trylock, mutex_lock, mutex_unlock, wait_queued
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def remove_device_exclusive_entry(k: "Kernel", vmf: VmFault) -> i64:
    """A CPU touches the page: the device loses it. VM_FAULT_RETRY when the lock of the fault has
    been dropped to wait for the folio's."""
    mm = vmf.mm
    va = vmf.va
    page = pfn_to_page(k, vmf.orig_pte >> PFN_SHIFT)
    folio = page.folio
    k.step(sites.REMOVE_DEVICE_EXCLUSIVE_ENTRY__GET, folio.obj, WRITE)
    if not folio_try_get(k, folio, REF_TEMP):
        return 0
    if vmf.flags & FAULT_FLAG_VMA_LOCK == 0:
        mutex_lock(k, sites.REMOVE_DEVICE_EXCLUSIVE_ENTRY__FOLIO_LOCK, folio.lock)
    elif not folio_trylock(k, sites.REMOVE_DEVICE_EXCLUSIVE_ENTRY__TRYLOCK, folio.lock):
        holder = folio.lock.owner
        if holder >= 0:
            folio.lock.waiters |= 1 << k.cur.id
        mmap_lock.vma_end_read(k, vmf.vma)
        if holder >= 0:
            wait_queued(k, folio.lock, holder)
        folio_put(k, folio, REF_TEMP)
        return VM_FAULT_RETRY
    notify = not k.bug.devexcl_restore_without_notify
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    if notify:
        mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, va, va + 1, event)
    table = pte_offset_map_lock(k, sites.REMOVE_DEVICE_EXCLUSIVE_ENTRY__LOCK, mm, va)
    if table is not None:
        if ptep_get(k, table, va) == vmf.orig_pte:
            restore_exclusive_pte(k, mm, vmf.vma, table, va, page)
        pte_unmap_unlock(k, table)
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    if notify:
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
    return 0


def try_restore_exclusive_pte(k: "Kernel", mm: Mm, vma: Vma, table: PageTable, va: i64) -> bool:
    """Give a page back to the CPU under the page table lock, as fork() must; False: the folio is
    locked by somebody."""
    page = pfn_to_page(k, ptep_get(k, table, va) >> PFN_SHIFT)
    folio = page.folio
    if not folio_trylock(k, sites.TRY_RESTORE_EXCLUSIVE_PTE__TRYLOCK, folio.lock):
        return False
    restore_exclusive_pte(k, mm, vma, table, va, page)
    mutex_unlock(k, folio.lock)
    return True


def restore_exclusive_pte(
    k: "Kernel", mm: Mm, vma: Vma, table: PageTable, va: i64, page: Page
) -> None:
    """A present entry as a fault would make it; both locks are held."""
    k.step(sites.RESTORE_EXCLUSIVE_PTE__SET_PTE, pte_obj(mm.id, va), WRITE)
    old = ptep_get(k, table, va)
    pte = (mk_pte(page, vm_page_prot(vma)) & ~PTE_SOFT_DIRTY) | old & PTE_SOFT_DIRTY
    if old & PTE_UFFD_WP:
        pte = pte_mkuffd_wp(pte)
    tracked = (
        userfaultfd_pte_wp(vma, pte) or not vma.flags & VM_SOFTDIRTY and not pte & PTE_SOFT_DIRTY
    )
    mine = page.folio.anon_vma is not None and page.flags & PG_ANON_EXCLUSIVE != 0
    if vma.flags & VM_WRITE and mine and not tracked and not pte & PTE_PROTNONE:
        if page.folio.flags & PG_DIRTY:
            pte = pte_mkdirty(pte)
        pte |= PTE_WRITE
    set_pte_at(k, mm, table, va, pte)
    k.sometimes(features.Z_DEVICE_EXCLUSIVE_RESTORED)
