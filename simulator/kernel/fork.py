# SPDX-License-Identifier: MIT
"""kernel/fork.c (7.2): fork() of one actor, and dup_mmap() (mm/mmap.c).

The child is the actor that the op names. Its mm is complete before anybody runs in it; only
rmap can reach its VMAs earlier.

Not modelled: policies, uprobes, cgroup charges, and fork()'s failures that have nothing to
do with mm.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.errno import EINTR, ENOMEM
from simulator.kernel import exit as kernel_exit
from simulator.lib import interval_tree
from simulator.mm import anon_vma, mmap_lock, mmu_gather, tlb, userfaultfd, vma_file, zap
from simulator.mm import vma as vma_tree
from simulator.mm.copy_page_range import copy_page_range
from simulator.mm.mm_types import VM_DONTCOPY, VM_LOCKED_MASK, VM_WIPEONFORK, Mm, Vma
from simulator.objects import OBJ_NONE
from simulator.sched import core, lock
from simulator.state import WRITE
from simulator.task import ABSENT, Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def mm_alloc(k: "Kernel") -> Mm:
    """A new mm_struct (mm_init())."""
    mm = Mm(len(k.mms), k.nr_arena, (k.nr_arena + k.ptrs_per_pte - 1) // k.ptrs_per_pte)
    k.mms.append(mm)
    return mm


def do_fork(k: "Kernel", t: Task, child: i64) -> i64:
    """fork(): kernel_clone() and copy_process(). The child's actor number, -ENOMEM, or -EINTR."""
    oldmm = t.mm
    assert oldmm is not None
    c = k.tasks[child]
    assert c.state == ABSENT  # one fork a child: simulator/validate.py
    k.sched.being_forked |= 1 << child
    mm = dup_mm(k, oldmm)
    if mm is None:
        k.sched.being_forked &= ~(1 << child)
        return -ENOMEM
    if t.killed:  # copy_process() looks before others can see the child
        kernel_exit.drop_user(k, mm)
        k.sched.being_forked &= ~(1 << child)
        return -EINTR
    c.mm = mm
    k.step(sites.WAKE_UP_NEW_TASK__RUN, k.cpus[c.cpu].obj, WRITE)
    core.started(k, c)
    k.watch.call_returns(k, oldmm, 0, k.nr_arena, "fork")
    return child


def dup_mm(k: "Kernel", oldmm: Mm) -> Mm | None:
    """A copy of the address space; None when memory ran out, and nothing is left of it."""
    if k.should_fail(sites.DUP_MM__ALLOC, OBJ_NONE):
        return None
    mm = mm_alloc(k)
    if dup_mmap(k, mm, oldmm):
        kernel_exit.drop_user(k, mm)
        return None
    return mm


def dup_mmap(k: "Kernel", mm: Mm, oldmm: Mm) -> i64:
    """Copy every VMA, and share or copy what it maps. On failure `mm` has none."""
    if mmap_lock.mmap_write_lock_killable(k, oldmm, sites.DUP_MMAP__LOCK_PARENT):
        return -EINTR
    mmap_lock.mmap_write_lock(k, mm, sites.DUP_MMAP__LOCK_CHILD)
    mm.total_vm = oldmm.total_vm
    err: i64 = 0
    if k.should_fail(sites.DUP_MMAP__MT_DUP, OBJ_NONE):
        err = -ENOMEM
    else:
        for mpnt in oldmm.vmas:
            err = dup_vma(k, mm, mpnt)
            if err:
                break
        if err and mm.vmas:
            unmap_half_copy(k, mm)
    mm.unstable = err != 0
    mmap_lock.mmap_write_unlock(k, mm)
    k.step(sites.DUP_MMAP__FLUSH, oldmm.obj, WRITE)
    tlb.flush_tlb_mm(k, oldmm)
    mmap_lock.mmap_write_unlock(k, oldmm)
    return err


def unmap_half_copy(k: "Kernel", mm: Mm) -> None:
    """What a dup_mmap() that failed has copied goes while both locks are held; rmap led there."""
    tlb = mmu_gather.tlb_gather_mmu(k, mm)
    for vma in mm.vmas:
        zap.unmap_single_vma(k, tlb, vma, vma.start, vma.end, zap.ZAP_FLAG_DROP_MARKER)
    zap.free_pgtables(k, tlb, mm, mm.vmas, 0, 0, True)
    mmu_gather.tlb_finish_mmu(k, tlb)
    kernel_exit.tear_down_vmas(k, mm)


def dup_vma(k: "Kernel", mm: Mm, mpnt: Vma) -> i64:
    """One round of dup_mmap()'s loop: 0 or -ENOMEM."""
    if not k.bug.fork_parent_vma_not_locked:
        err = mmap_lock.vma_start_write_killable(k, mpnt)
        if err:
            return err
    if mpnt.flags & VM_DONTCOPY:
        mm.total_vm -= mpnt.end - mpnt.start
        return 0
    tmp = vma_tree.vm_area_dup(k, mpnt)
    if tmp is None:
        return -ENOMEM
    tmp.mm = mm
    tmp.flags &= ~VM_LOCKED_MASK  # locks are not inherited
    if tmp.uffd is not None:  # dup_userfaultfd()
        userfaultfd.userfaultfd_reset_ctx(k, tmp)
    wipe = tmp.flags & VM_WIPEONFORK != 0
    if wipe:
        tmp.anon_vma = None
    elif anon_vma.anon_vma_fork(k, tmp, mpnt):
        vma_tree.vm_area_free(k, tmp)
        return -ENOMEM
    mmap_lock.vma_mark_attached(k, tmp)
    mm.vmas.append(tmp)
    inode = tmp.inode
    if inode is not None:
        vma_file.get_file(inode)
        lock.down_write(k, sites.DUP_MMAP__I_MMAP_LOCK, inode.i_mmap_rwsem)
        interval_tree.insert_after(inode.i_mmap, tmp, mpnt)
        lock.up_write(k, inode.i_mmap_rwsem)
    if wipe:
        return 0
    return copy_page_range(k, tmp, mpnt)
