# SPDX-License-Identifier: MIT
"""mm/hmm.c (7.2): what a device that mirrors a process's address space reads from its tables."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.errno import EBUSY, EFAULT, EPERM
from simulator.lib.maple_tree import vma_lookup
from simulator.mm import huge_memory, migrate
from simulator.mm.memory import handle_mm_fault
from simulator.mm.memremap import DevPagemap
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_PROTNONE,
    PTE_SPECIAL,
    PTE_WRITE,
    SWP_DEVICE_WRITE,
    SWP_MARKER_UFFD_WP,
    VM_READ,
    VM_WRITE,
    Mm,
    Vma,
    is_device_private_pte,
    is_device_pte,
    is_huge_zero_pmd,
    is_migration_pte,
    is_swap_pte,
    pmd_present,
    pte_kind,
    pte_present,
)
from simulator.mm.mmu_notifier import MmuIntervalNotifier, mmu_interval_read_retry
from simulator.mm.pgtable import pfn_to_page, ptep_get, vm_normal_page
from simulator.mm.pgtable_generic import pte_offset_map, pte_unmap
from simulator.mm.vm_fault import FAULT_FLAG_REMOTE, FAULT_FLAG_WRITE, VM_FAULT_ERROR
from simulator.objects import pmd_obj, pte_obj
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel


def hmm_range_fault(
    k: "Kernel", notifier: MmuIntervalNotifier, owner: DevPagemap, va: i64, write: bool, seq: i64
) -> i64:
    """The frame of one page for the device: pfn << 1 | writable, -EBUSY when `seq` is no longer
    valid, -EPERM for a write that the mapping forbids, or -EFAULT. `owner` is the device's own
    memory. The mmap_lock is held for read."""
    while True:
        if mmu_interval_read_retry(notifier, seq):
            return -EBUSY
        entry = hmm_vma_walk_pmd(k, notifier.mm, owner, va, write)
        if entry != -EBUSY:
            return entry
        k.retry(sites.HMM_RANGE_FAULT__RESTART)


def hmm_vma_walk_pmd(k: "Kernel", mm: Mm, owner: DevPagemap, va: i64, write: bool) -> i64:
    """One walk; -EBUSY: a fault or a migration has been waited for, walk again."""
    vma = vma_lookup(mm, va)
    if vma is None or not vma.flags & VM_READ:
        return -EFAULT
    while True:
        k.step(sites.HMM_VMA_WALK_PMD__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        pmd = mm.pmd[va >> k.pmd_order]
        if pmd:
            return hmm_vma_handle_pmd(k, vma, mm, owner, va, pmd, write)
        if mm.tables[va >> k.pmd_order] is None:
            return hmm_vma_fault(k, vma, mm, va, write)
        table = pte_offset_map(k, mm, va)
        if table is not None:
            break
    k.step(sites.HMM_VMA_HANDLE_PTE__READ, pte_obj(mm.id, va), READ)
    k.watch.table_read(k, table)
    pte = ptep_get(k, table, va)
    pte_unmap(k)
    if pte_kind(pte) == SWP_MARKER_UFFD_WP:  # nothing is there
        pte = 0
    if pte and not pte_present(pte):
        return hmm_nonpresent(k, vma, mm, owner, va, pte, write)
    if pte == 0 or pte & PTE_PROTNONE or (write and not pte & PTE_WRITE):
        return hmm_vma_fault(k, vma, mm, va, write)
    if pte & PTE_SPECIAL:
        return 0
    page = vm_normal_page(k, pte)
    assert page is not None
    return page.pfn << 1 | (1 if pte & PTE_WRITE else 0)


def hmm_nonpresent(
    k: "Kernel", vma: Vma, mm: Mm, owner: DevPagemap, va: i64, pte: i64, write: bool
) -> i64:
    """Pages in the device's own memory need no fault, or only one to be written; those in another
    device's are brought back."""
    if is_device_private_pte(pte):
        mine = pfn_to_page(k, pte >> PFN_SHIFT).folio.pgmap is owner
        writable = pte_kind(pte) == SWP_DEVICE_WRITE
        if mine and (writable or not write):
            return (pte >> PFN_SHIFT) << 1 | (1 if writable else 0)
        if not mine and k.bug.hmm_nonowner_private_not_faulted:
            return -EFAULT
    elif is_migration_pte(pte):
        migrate.migration_entry_wait(k, mm, va)
        return -EBUSY
    elif not is_device_pte(pte) and not is_swap_pte(pte):
        return -EFAULT  # a marker
    return hmm_vma_fault(k, vma, mm, va, write)


def hmm_vma_handle_pmd(
    k: "Kernel", vma: Vma, mm: Mm, owner: DevPagemap, va: i64, pmd: i64, write: bool
) -> i64:
    """A huge entry, or one of migration or device memory in its place. Read without the lock: who
    splits it tells the device."""
    offset = va & (k.ptrs_per_pte - 1)
    if is_migration_pte(pmd):
        huge_memory.pmd_migration_entry_wait(k, mm, va)
        return -EBUSY
    if not pmd_present(pmd):
        if pfn_to_page(k, pmd >> PFN_SHIFT).folio.pgmap is owner:
            writable = pte_kind(pmd) == SWP_DEVICE_WRITE
            if writable or not write:
                return ((pmd >> PFN_SHIFT) + offset) << 1 | (1 if writable else 0)
        return hmm_vma_fault(k, vma, mm, va, write)
    if pmd & PTE_PROTNONE or (write and not pmd & PTE_WRITE):
        return hmm_vma_fault(k, vma, mm, va, write)
    if is_huge_zero_pmd(pmd):
        return 0
    return ((pmd >> PFN_SHIFT) + offset) << 1 | (1 if pmd & PTE_WRITE else 0)


def hmm_vma_fault(k: "Kernel", vma: Vma, mm: Mm, va: i64, write: bool) -> i64:
    """Fault the page in for the device, which then walks again."""
    flags: i64 = FAULT_FLAG_REMOTE
    if write:
        if not vma.flags & VM_WRITE:
            return -EPERM
        flags |= FAULT_FLAG_WRITE
    fault = handle_mm_fault(k, vma, mm, va, flags)
    return -EFAULT if fault & VM_FAULT_ERROR else -EBUSY
