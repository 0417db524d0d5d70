# SPDX-License-Identifier: MIT
"""mm/mprotect.c (7.2): new protections for a range, VMA by VMA, and the entries behind them."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.errno import EACCES, EINTR, ENOMEM
from simulator.lib.maple_tree import find_vma, vma_prev
from simulator.mm import gup, mmap_lock, mmu_gather, mmu_notifier, tlb_batch, vma_merge
from simulator.mm.huge_memory import change_huge_pmd
from simulator.mm.mm_types import (
    MM_CP_TRY_CHANGE_WRITABLE,
    MM_CP_UFFD_WP,
    MM_CP_UFFD_WP_RESOLVE,
    PG_ANON_EXCLUSIVE,
    PTE_DIRTY,
    PTE_PRESENT,
    PTE_PROTNONE,
    PTE_SOFT_DIRTY,
    PTE_SWP_MASK,
    PTE_SWP_SHIFT,
    PTE_UFFD_WP,
    PTE_WRITE,
    SWP_DEVICE_READ,
    SWP_DEVICE_WRITE,
    SWP_MARKER_GUARD,
    SWP_MARKER_UFFD_WP,
    SWP_MIGRATION_READ,
    SWP_MIGRATION_READ_EXCLUSIVE,
    SWP_MIGRATION_WRITE,
    VM_ACCESS_FLAGS,
    VM_ACCOUNT,
    VM_LOCKED,
    VM_NORESERVE,
    VM_SHARED,
    VM_SOFTDIRTY,
    VM_WRITE,
    Mm,
    Vma,
    mk_swap_pte,
    pte_kind,
    pte_mkuffd_wp,
    pte_present,
    userfaultfd_pte_wp,
    userfaultfd_wp_use_markers,
)
from simulator.mm.pgtable import (
    pfn_to_page,
    pmd_addr_end,
    pmd_is_huge,
    pmd_none,
    ptep_get,
    ptep_modify_prot_start,
    set_pte_at,
    vm_normal_page,
    vm_page_prot,
    vma_wants_writenotify,
    walk_pmd,
)
from simulator.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.split_huge_pmd import split_huge_pmd
from simulator.objects import pmd_obj, pte_obj
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.mm.mmu_gather import MmuGather
    from simulator.state import Kernel

PTE_PROT_BITS: Final = PTE_PRESENT | PTE_PROTNONE | PTE_WRITE  # what a protection decides


def vma_wants_manual_pte_write_upgrade(vma: Vma) -> bool:
    """Whether single entries may become writable although vm_page_prot says read-only."""
    if vma.flags & VM_SHARED:
        return vma.flags & VM_WRITE != 0 and vma_wants_writenotify(vma)
    return vma.flags & VM_WRITE != 0


def can_change_pte_writable(k: "Kernel", vma: Vma, pte: i64) -> bool:
    """Whether a write fault would do nothing but set the write bit."""
    if not vma.flags & VM_WRITE or pte & PTE_PROTNONE:
        return False
    if not vma.flags & VM_SOFTDIRTY and not pte & PTE_SOFT_DIRTY:
        return False
    if userfaultfd_pte_wp(vma, pte):
        return False
    if vma.flags & VM_SHARED:
        return pte & PTE_DIRTY != 0
    page = vm_normal_page(k, pte)
    return (
        page is not None and page.folio.anon_vma is not None and page.flags & PG_ANON_EXCLUSIVE != 0
    )


def change_present_pte(
    k: "Kernel", tlb: "MmuGather", vma: Vma, va: i64, old: i64, cp_flags: i64
) -> i64:
    """What a present entry becomes; queues the flush if the hardware must forget the old."""
    new = (old & ~PTE_PROT_BITS) | vm_page_prot(vma)
    if cp_flags & MM_CP_UFFD_WP:
        new = pte_mkuffd_wp(new)
    elif cp_flags & MM_CP_UFFD_WP_RESOLVE:
        new &= ~PTE_UFFD_WP
    if (
        cp_flags & MM_CP_TRY_CHANGE_WRITABLE
        and not new & PTE_WRITE
        and can_change_pte_writable(k, vma, new)
    ):
        new |= PTE_WRITE
    if old & PTE_PRESENT and (old ^ new) & PTE_PROT_BITS:
        mmu_gather.tlb_remove_tlb_entry(tlb, va)
        if k.tracing:
            k.note("flush deferred")
    return new


def change_nonpresent_pte(k: "Kernel", old: i64, cp_flags: i64) -> i64:
    """change_softleaf_pte(): migration and device private entries lose the right to write, whatever
    is asked for; a fault gives it back. A marker of userfaultfd's goes when its protection ends."""
    kind = pte_kind(old)
    if kind >= SWP_MARKER_GUARD:
        if kind == SWP_MARKER_UFFD_WP and cp_flags & MM_CP_UFFD_WP_RESOLVE:
            return 0
        return old
    new_kind = kind
    if kind == SWP_MIGRATION_WRITE:
        page = pfn_to_page(k, old >> 16)
        new_kind = SWP_MIGRATION_READ_EXCLUSIVE
        if page.folio.anon_vma is None:
            new_kind = SWP_MIGRATION_READ
    elif kind == SWP_DEVICE_WRITE:
        new_kind = SWP_DEVICE_READ
        if k.bug.device_private_loses_soft_dirty:
            old &= ~PTE_SOFT_DIRTY
    if cp_flags & MM_CP_UFFD_WP:
        old |= PTE_UFFD_WP
    elif cp_flags & MM_CP_UFFD_WP_RESOLVE or (kind == SWP_MIGRATION_WRITE):
        old &= ~PTE_UFFD_WP
    return (old & ~PTE_SWP_MASK) | (new_kind << PTE_SWP_SHIFT)


def change_pte_range(
    k: "Kernel", tlb: "MmuGather", vma: Vma, start: i64, end: i64, cp_flags: i64
) -> bool:
    """The entries of one page table, whose flush is left to the gather. False: there is none."""
    mm = tlb.mm
    table = pte_offset_map_lock(k, sites.CHANGE_PTE_RANGE__LOCK, mm, start)
    if table is None:
        return False
    if mm.tlb_batched != mm.tlb_flushed:
        if not k.bug.mprotect_vs_batched_unmap:
            tlb_batch.flush_tlb_batched_pending(k, mm)
        k.watch.put_off_flushed(k, mm, start, end, "mprotect")
    va = start
    while va < end:
        if ptep_get(k, table, va):
            k.step(sites.CHANGE_PTE_RANGE__MODIFY, pte_obj(mm.id, va), WRITE)
            if pte_present(ptep_get(k, table, va)):
                old = ptep_modify_prot_start(k, mm, table, va)
                new = change_present_pte(k, tlb, vma, va, old, cp_flags)
                k.step(sites.CHANGE_PTE_RANGE__COMMIT, pte_obj(mm.id, va), WRITE)
                set_pte_at(k, mm, table, va, new)
            else:
                old = ptep_get(k, table, va)
                new = change_nonpresent_pte(k, old, cp_flags)
                if new != old:
                    set_pte_at(k, mm, table, va, new)
            if cp_flags & MM_CP_UFFD_WP_RESOLVE:  # another call may have protected it meanwhile
                k.watch.uffd_unprotecting(k, mm, va, va + 1)
        elif cp_flags & MM_CP_UFFD_WP and userfaultfd_wp_use_markers(vma):
            k.step(sites.CHANGE_PTE_RANGE__SET_MARKER, pte_obj(mm.id, va), WRITE)
            set_pte_at(k, mm, table, va, mk_swap_pte(SWP_MARKER_UFFD_WP, 0))
        va += 1
    pte_unmap_unlock(k, table)
    return True


def change_pmd_range(
    k: "Kernel", tlb: "MmuGather", vma: Vma, va: i64, stop: i64, cp_flags: i64, populates: bool
) -> bool:
    """What one PMD entry maps, again while its page table goes or comes meanwhile. False: no
    memory for a page table."""
    mm = tlb.mm
    while True:
        if populates:  # change_pmd_prepare()
            k.step(sites.CHANGE_PMD_RANGE__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
            if not pmd_is_huge(k, mm, va) and not pte_alloc(k, mm, va):
                return False
        if pmd_is_huge(k, mm, va):
            # Markers are in page tables only, and a huge page of a file is split by unmapping it.
            if stop - va != k.ptrs_per_pte or (cp_flags & MM_CP_UFFD_WP and vma.inode is not None):
                split_huge_pmd(k, vma, va)
                if populates and not pmd_is_huge(k, mm, va) and not pte_alloc(k, mm, va):
                    return False
            elif change_huge_pmd(k, tlb, vma, va, cp_flags):
                return True
        if change_pte_range(k, tlb, vma, va, stop, cp_flags):
            return True
        k.retry(sites.CHANGE_PMD_RANGE__AGAIN)
        if not populates and pmd_none(k, mm, va):
            return True


def change_protection(
    k: "Kernel", tlb: "MmuGather", vma: Vma, start: i64, end: i64, cp_flags: i64
) -> i64:
    """Bring the entries of [start, end) in line with the VMA's flags, and do with them what
    userfaultfd asks for: 0, or -ENOMEM, for which a part may be done."""
    mm = tlb.mm
    populates = cp_flags & MM_CP_UFFD_WP != 0 and userfaultfd_wp_use_markers(vma)
    if not populates:
        start = walk_pmd(k, sites.CHANGE_PMD_RANGE__PMD, mm, start, end)
    if start >= end:
        return 0
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, start, end, mmu_notifier.MMU_NOTIFY_PROTECTION_VMA
    )
    va = start
    err: i64 = 0
    while va < end:
        stop = pmd_addr_end(k, va, end)
        if not change_pmd_range(k, tlb, vma, va, stop, cp_flags, populates):
            err = -ENOMEM
            break
        va = stop if populates else walk_pmd(k, sites.CHANGE_PMD_RANGE__PMD, mm, stop, end)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    return err


def mprotect_fixup(
    k: "Kernel", tlb: "MmuGather", prev: Vma | None, vma: Vma, start: i64, end: i64, flags: i64
) -> Vma | None:
    """Give [start, end) of `vma` the flags: the VMA that now holds it, or None for -ENOMEM."""
    old = vma.flags
    if flags == old:
        return vma
    if flags & VM_WRITE:
        if not old & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE):
            flags |= VM_ACCOUNT
    elif old & VM_ACCOUNT and vma.inode is None and vma.anon_vma is None:
        if k.linux.mprotect_unaccounts:
            flags &= ~VM_ACCOUNT
    target = vma_merge.vma_modify_flags(k, prev, vma, start, end, flags)
    if target is None:
        return None
    mmap_lock.vma_start_write(k, target)
    k.step(sites.MPROTECT_FIXUP__SET_FLAGS, target.obj, WRITE)
    vma_merge.vm_flags_reset(k, target, flags, target is not vma)
    cp_flags: i64 = 0
    if vma_wants_manual_pte_write_upgrade(target):
        cp_flags = MM_CP_TRY_CHANGE_WRITABLE
    change_protection(k, tlb, target, start, end, cp_flags)
    k.watch.vma_flags_set(k, tlb.mm, target, start, end)
    if flags & VM_WRITE and old & (VM_LOCKED | VM_WRITE | VM_SHARED) == VM_LOCKED:
        gup.populate_vma_page_range(k, target, tlb.mm, start, end, False)  # breaks COW now
    return target


def do_mprotect(k: "Kernel", mm: Mm, start: i64, end: i64, prot: i64) -> i64:
    """mprotect(). What comes before a hole gets its protection; then -ENOMEM."""
    assert prot <= VM_ACCESS_FLAGS
    if end <= start:
        return 0
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.DO_MPROTECT_PKEY__LOCK):
        return -EINTR
    vma = find_vma(mm, start)
    if vma is None or vma.start > start:
        mmap_lock.mmap_write_unlock(k, mm)
        return -ENOMEM
    prev = vma if start > vma.start else vma_prev(mm, start)
    tlb = mmu_gather.tlb_gather_mmu(k, mm)
    err: i64 = 0
    here = start
    while here < end:
        if vma is None or vma.start > here:
            err = -ENOMEM
            break
        flags = (vma.flags & ~VM_ACCESS_FLAGS) | prot
        if flags & ~(flags >> 4) & VM_ACCESS_FLAGS:
            err = -EACCES
            break
        changed = mprotect_fixup(k, tlb, prev, vma, here, min(vma.end, end), flags)
        if changed is None:
            err = -ENOMEM
            break
        prev = changed
        here = changed.end
        vma = find_vma(mm, here)
    mmu_gather.tlb_finish_mmu(k, tlb)
    mmap_lock.mmap_write_unlock(k, mm)
    if err == 0:
        k.watch.own_call_returns(k, mm, start, end, "mprotect")
    return err
