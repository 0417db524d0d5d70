# SPDX-License-Identifier: MIT
"""mm/userfaultfd.c (7.2): which VMAs a userfaultfd has, and what of them is write-protected.

Not modelled: hugetlb.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import ops, sites
from simulator.errno import EAGAIN, ENOENT, ENOMEM
from simulator.lib.maple_tree import find_vma, vma_prev
from simulator.mm import mmap_lock, mmu_gather, mprotect, userfaultfd, vma_merge
from simulator.mm.mm_types import (
    MM_CP_TRY_CHANGE_WRITABLE,
    MM_CP_UFFD_WP,
    MM_CP_UFFD_WP_RESOLVE,
    VM_DROPPABLE,
    VM_UFFD_FLAGS,
    VM_UFFD_MINOR,
    VM_UFFD_WP,
    UserfaultfdCtx,
    Vma,
)
from simulator.sched.lock import down_read, up_read
from simulator.state import READ

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- registering -------------------------------------------------------------------------------


def vma_can_userfault(ctx: UserfaultfdCtx, vma: Vma, modes: i64) -> bool:
    """Whether this kind of memory can be registered for `modes` (VM_UFFD_*). Stores that pass by
    themselves can be remembered in any."""
    if vma.flags & VM_DROPPABLE:
        return False
    if modes == VM_UFFD_WP and ctx.features & ops.UFFD_WP_ASYNC:
        return True
    inode = vma.inode
    if inode is None:
        return modes & VM_UFFD_MINOR == 0
    return not inode.opaque


def userfaultfd_register_range(
    k: "Kernel", ctx: UserfaultfdCtx, vma: Vma, modes: i64, start: i64, end: i64
) -> i64:
    """Register what is mapped in [start, end), from `vma` on: 0 or -ENOMEM."""
    mm = ctx.mm
    prev = vma_prev(mm, start) if vma.start >= start else vma
    current: Vma | None = vma
    while current is not None and current.start < end:
        if current.uffd is not ctx or current.flags & modes != modes:
            start = max(start, current.start)
            flags = current.flags & ~VM_UFFD_FLAGS | modes
            stop = min(end, current.end)
            ends_wp = current.flags & VM_UFFD_WP != 0 and modes & VM_UFFD_WP == 0
            if ends_wp and not k.bug.uffd_reregister_leaves_wp:
                mmap_lock.vma_start_write(k, current)
                uffd_wp_range(k, current, start, stop, False)
            current = vma_merge.vma_modify_flags_uffd(
                k, prev, current, start, stop, flags, ctx, False
            )
            if current is None:
                return -ENOMEM
            userfaultfd.userfaultfd_set_ctx(k, current, ctx, modes)
        prev = current
        start = current.end
        current = find_vma(mm, start)
    return 0


def userfaultfd_clear_vma(
    k: "Kernel", prev: Vma | None, vma: Vma, start: i64, end: i64
) -> Vma | None:
    """[start, end) of `vma` is registered no more: the VMA that holds it, or None: -ENOMEM."""
    whole = start == vma.start and end == vma.end and not k.bug.uffd_release_merge_oom
    if vma.flags & VM_UFFD_WP and not k.bug.uffd_close_leaves_wp:
        if not k.bug.uffd_unregister_vma_not_locked:  # who fills pages has the VMA's lock only
            mmap_lock.vma_start_write(k, vma)
        uffd_wp_range(k, vma, start, end, False)
    flags = vma.flags & ~VM_UFFD_FLAGS
    got = vma_merge.vma_modify_flags_uffd(k, prev, vma, start, end, flags, None, whole)
    if got is not None:
        userfaultfd.userfaultfd_reset_ctx(k, got)
    return got


# --- write protection --------------------------------------------------------------------------


def uffd_wp_range(k: "Kernel", vma: Vma, start: i64, end: i64, enable: bool) -> i64:
    """Write-protect [start, end) of `vma`, or do so no longer: 0, or -ENOMEM, when a part may be
    done."""
    mm = vma.mm
    assert mm is not None
    cp_flags: i64 = MM_CP_UFFD_WP
    if not enable:
        cp_flags = MM_CP_UFFD_WP_RESOLVE
        if mprotect.vma_wants_manual_pte_write_upgrade(vma):
            cp_flags |= MM_CP_TRY_CHANGE_WRITABLE
    if not enable:
        k.watch.uffd_unprotecting(k, mm, start, end)
    tlb = mmu_gather.tlb_gather_mmu(k, mm)
    err = mprotect.change_protection(k, tlb, vma, start, end, cp_flags)
    mmu_gather.tlb_finish_mmu(k, tlb)
    if enable:
        k.watch.uffd_protected(k, mm, start, end)
    return err


def mwriteprotect_range(k: "Kernel", ctx: UserfaultfdCtx, start: i64, end: i64, wp: bool) -> i64:
    """uffd_wp_range() of every VMA: 0, -ENOENT where one is not registered for it or there is none,
    -EAGAIN while mappings are changing, or -ENOMEM."""
    mm = ctx.mm
    mmap_lock.mmap_read_lock(k, mm, sites.MWRITEPROTECT_RANGE__LOCK)
    down_read(k, sites.MWRITEPROTECT_RANGE__MAP_CHANGING_LOCK, ctx.map_changing_lock)
    k.step(sites.MWRITEPROTECT_RANGE__MMAP_CHANGING, ctx.obj, READ)
    err: i64 = -ENOENT
    if ctx.mmap_changing:
        err = -EAGAIN
    else:
        for vma in mm.vmas:
            if vma.end <= start or end <= vma.start:
                continue
            if vma.flags & VM_UFFD_WP == 0:
                err = -ENOENT
                break
            err = uffd_wp_range(k, vma, max(vma.start, start), min(vma.end, end), wp)
            if err:
                break
    up_read(k, ctx.map_changing_lock)
    mmap_lock.mmap_read_unlock(k, mm)
    return err
