# SPDX-License-Identifier: MIT
"""mm/mlock.c (7.2): VM_LOCKED, and how many pages of an mm it counts.

Not modelled: what mlock() does to pages (the unevictable list, their
mlock counts, the batches that hold references); only reclaim would heed it. The walk over the page
tables is there, for it takes their locks.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import ops, sites
from simulator.errno import EAGAIN, EFAULT, EINTR, EINVAL, ENOMEM
from simulator.lib.maple_tree import find_vma, vma_lookup, vma_prev
from simulator.mm import gup, mmap_lock, swap, vma_merge
from simulator.mm.mm_types import VM_LOCKED, VM_LOCKED_MASK, VM_LOCKONFAULT, Mm, Vma, add_locked_vm
from simulator.mm.mmap import rlimit_memlock, vma_supports_mlock
from simulator.mm.pgtable import pmd_addr_end, pmd_is_huge, walk_pmd
from simulator.mm.pgtable_generic import (
    pmd_trans_huge_lock,
    pmd_unlock,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def mlock_vma_pages_range(
    k: "Kernel", vma: Vma, start: i64, end: i64, flags: i64, merged: bool
) -> None:
    """Set the flags of a VMA that becomes locked or is no longer, and walk its page tables."""
    mm = vma.mm
    assert mm is not None
    mmap_lock.vma_start_write(k, vma)
    k.step(sites.MLOCK_VMA_PAGES_RANGE__SET_FLAGS, vma.obj, WRITE)
    vma_merge.vm_flags_reset(k, vma, flags, merged)
    swap.lru_add_drain(k)
    va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, start, end)
    while va < end:
        if pmd_is_huge(k, mm, va):
            if pmd_trans_huge_lock(k, sites.MLOCK_PTE_RANGE__PMD_LOCK, mm, va):
                pmd_unlock(k, mm)
        else:
            table = pte_offset_map_lock(k, sites.MLOCK_PTE_RANGE__LOCK, mm, va)
            if table is not None:
                pte_unmap_unlock(k, table)
        va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, pmd_addr_end(k, va, end), end)
    swap.lru_add_drain(k)


def mlock_fixup(
    k: "Kernel", prev: Vma | None, vma: Vma, start: i64, end: i64, flags: i64
) -> Vma | None:
    """Give [start, end) of `vma` the flags: the VMA that now holds it, or None for -ENOMEM."""
    mm = vma.mm
    assert mm is not None
    old = vma.flags
    if flags == old or not vma_supports_mlock(vma):
        return vma
    target = vma_merge.vma_modify_flags(k, prev, vma, start, end, flags)
    if target is None:
        return None
    if not flags & VM_LOCKED:
        add_locked_vm(mm, start - end, sites.MLOCK_FIXUP__SET_FLAGS)
    elif not old & VM_LOCKED:
        add_locked_vm(mm, end - start, sites.MLOCK_FIXUP__SET_FLAGS)
    if flags & old & VM_LOCKED:
        mmap_lock.vma_start_write(k, target)
        k.step(sites.MLOCK_FIXUP__SET_FLAGS, target.obj, WRITE)
        vma_merge.vm_flags_reset(k, target, flags, target is not vma)
    else:
        mlock_vma_pages_range(k, target, start, end, flags, target is not vma)
    return target


def apply_vma_lock_flags(k: "Kernel", mm: Mm, start: i64, end: i64, flags: i64) -> i64:
    """Give what is mapped in [start, end) these of VM_LOCKED_MASK; -ENOMEM at the first hole."""
    if end <= start:
        return 0
    vma = vma_lookup(mm, start)
    if vma is None:
        return -ENOMEM
    prev = vma if start > vma.start else vma_prev(mm, start)
    here = start
    while vma is not None and vma.start < end:
        if vma.start > here:
            return -ENOMEM
        new = vma.flags & ~VM_LOCKED_MASK | flags
        prev = mlock_fixup(k, prev, vma, here, min(vma.end, end), new)
        if prev is None:
            return -ENOMEM
        here = prev.end
        vma = find_vma(mm, here)
    return -ENOMEM if here < end else 0


def count_mm_mlocked_page_nr(mm: Mm, start: i64, end: i64) -> i64:
    """Pages of the range that are locked already."""
    count: i64 = 0
    for vma in mm.vmas:
        if vma.flags & VM_LOCKED and vma.start < end and start < vma.end:
            count += min(vma.end, end) - max(vma.start, start)
    return count


def do_mlock(k: "Kernel", mm: Mm, start: i64, end: i64, flags: i64) -> i64:
    """mlock() and mlock2(): 0; -ENOMEM for a hole or too many pages; or what __mm_populate() says,
    in POSIX's words."""
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.DO_MLOCK__LOCK):
        return -EINTR
    locked = end - start + mm.locked_vm
    if locked > rlimit_memlock(k):
        locked -= count_mm_mlocked_page_nr(mm, start, end)
    err: i64 = -ENOMEM
    if locked <= rlimit_memlock(k):
        err = apply_vma_lock_flags(k, mm, start, end, flags)
    mmap_lock.mmap_write_unlock(k, mm)
    if err:
        return err
    err = gup.mm_populate(k, mm, start, end, False)
    if err == -EFAULT:
        return -ENOMEM
    return -EAGAIN if err == -ENOMEM else err


def mlock(k: "Kernel", mm: Mm, start: i64, end: i64) -> i64:
    return do_mlock(k, mm, start, end, VM_LOCKED)


def mlock2(k: "Kernel", mm: Mm, start: i64, end: i64, flags: i64) -> i64:
    """`flags` are ops.MLOCK_*."""
    assert flags & ~ops.MLOCK_ONFAULT == 0
    onfault = VM_LOCKONFAULT if flags & ops.MLOCK_ONFAULT else 0
    return do_mlock(k, mm, start, end, VM_LOCKED | onfault)


def munlock(k: "Kernel", mm: Mm, start: i64, end: i64) -> i64:
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.MUNLOCK__LOCK):
        return -EINTR
    err = apply_vma_lock_flags(k, mm, start, end, 0)
    mmap_lock.mmap_write_unlock(k, mm)
    return err


def apply_mlockall_flags(k: "Kernel", mm: Mm, flags: i64) -> None:
    """What mappings to come have, then those that are there. Whatever fails is passed over."""
    onfault: i64 = VM_LOCKONFAULT if flags & ops.MCL_ONFAULT else 0
    mm.def_flags &= ~VM_LOCKED_MASK
    if flags & ops.MCL_FUTURE:
        mm.def_flags |= VM_LOCKED | onfault
        if not flags & ops.MCL_CURRENT:
            return
    add: i64 = VM_LOCKED | onfault if flags & ops.MCL_CURRENT else 0
    prev: Vma | None = None
    vma = find_vma(mm, 0)
    while vma is not None:
        new = vma.flags & ~VM_LOCKED_MASK | add
        done = mlock_fixup(k, prev, vma, vma.start, vma.end, new)
        prev = vma if done is None else done
        vma = find_vma(mm, prev.end)


def mlockall(k: "Kernel", mm: Mm, flags: i64) -> i64:
    """`flags` are ops.MCL_*. 0, -EINVAL, or -ENOMEM: all of the mm is too much."""
    assert flags >> len(ops.MCL_FLAGS) == 0
    if flags == 0 or flags == ops.MCL_ONFAULT:
        return -EINVAL
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.MLOCKALL__LOCK):
        return -EINTR
    err: i64 = 0
    if flags & ops.MCL_CURRENT and mm.total_vm > rlimit_memlock(k):
        err = -ENOMEM
    else:
        apply_mlockall_flags(k, mm, flags)
    mmap_lock.mmap_write_unlock(k, mm)
    if err == 0 and flags & ops.MCL_CURRENT:
        gup.mm_populate(k, mm, 0, k.nr_arena, True)
    return err


def munlockall(k: "Kernel", mm: Mm) -> i64:
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.MLOCKALL__LOCK):
        return -EINTR
    apply_mlockall_flags(k, mm, 0)
    mmap_lock.mmap_write_unlock(k, mm)
    return 0
