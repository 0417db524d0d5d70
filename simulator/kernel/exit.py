# SPDX-License-Identifier: MIT
"""kernel/exit.c (7.2), mmput() (kernel/fork.c), exit_mmap() (mm/mmap.c).

`mm.users` counts threads and those who work in the mm for them; the last mmput() unmaps
everything, and drops the users' count of the mm_struct (mm/sched_mm.py).
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import ESRCH
from simulator.machine import ipi
from simulator.machine.cpu import Cpu
from simulator.mm import mmap_lock, mmu_gather, mmu_notifier, tlb, zap
from simulator.mm import vma as vma_tree
from simulator.mm.mm_types import Mm
from simulator.mm.sched_mm import mmdrop, mmgrab
from simulator.scenario import NR_USER_ACTORS
from simulator.sched import core
from simulator.state import WRITE
from simulator.task import GONE, Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def do_exit(k: "Kernel", t: Task) -> i64:
    """The actor is no more when its op has ended; the last thread takes the mm with it."""
    exit_mm(k, t)
    t.state = GONE
    return 0


def kill(k: "Kernel", mm: Mm | None) -> i64:
    """kill(pid, SIGKILL): every thread of the process is told, and woken if its wait is killable.
    0, or -ESRCH. A thread dies where it would return to user space."""
    if mm is None:
        return -ESRCH
    k.step(sites.COMPLETE_SIGNAL__SET, mm.obj, WRITE)
    woken: i64 = 0
    for t in k.tasks:
        if t.mm is mm and t.id < NR_USER_ACTORS:
            t.killed = True
            if t.killable:
                woken |= 1 << t.id
    core.wake(k, woken)
    return 0


def exit_mm(k: "Kernel", t: Task) -> None:
    """Give up the address space. The CPU keeps it loaded, lazily, with a count of its own."""
    mm = t.mm
    assert mm is not None
    mmap_lock.mmap_read_lock(k, mm, sites.EXIT_MM__LOCK)
    cpu = k.cpus[t.cpu]
    mmgrab(mm)  # mmgrab_lazy_tlb()
    ipi.local_irq_disable(k)
    k.step(sites.EXIT_MM__LAZY, cpu.obj, WRITE)
    t.mm = None
    cpu.lazy_mm = mm
    tlb.enter_lazy_tlb(cpu)
    ipi.local_irq_enable(k)
    mmap_lock.mmap_read_unlock(k, mm)
    drop_user(k, mm)


def mmget(k: "Kernel", mm: Mm) -> None:
    """One more user, as long as the running op works in the mm; mmget_not_zero() has been asked."""
    mm.users += 1
    k.cur.mm_gets += 1
    k.cur.mm_got_at = k.cur.site


def mmput(k: "Kernel", mm: Mm) -> None:
    """Drop what mmget() has taken."""
    t = k.cur
    if t.mm_gets == 0:
        k.violate("refcount", t.site, "mm", f"mm{mm.id} is put more often than the op has got it")
    t.mm_gets -= 1
    drop_user(k, mm)


def drop_user(k: "Kernel", mm: Mm) -> None:
    """One user less; the last one tears the address space down."""
    k.step(sites.MMPUT__USERS, mm.obj, WRITE)
    mm.users -= 1
    if mm.users < 0:
        k.violate("refcount", k.cur.site, "mm", f"mm{mm.id} has lost more users than it had")
    if mm.users:
        return
    exit_mmap(k, mm)
    mmdrop(k, mm)


def drop_lazy_mm(k: "Kernel", cpu: Cpu) -> None:
    """finish_task_switch(): the CPU has left the mm that it had borrowed."""
    mm = cpu.lazy_mm
    if mm is not None:
        cpu.lazy_mm = None
        k.sometimes(features.Z_LAST_MM_LAZY)
        mmdrop(k, mm)


def exit_mmap(k: "Kernel", mm: Mm) -> None:
    """Nobody runs in this mm any more: unmap and free everything."""
    mmu_notifier.mmu_notifier_release(k, mm)
    if not mm.vmas:
        return  # dup_mmap() ran out of memory at once, or all was unmapped
    mmap_lock.mmap_read_lock(k, mm, sites.EXIT_MMAP__READ_LOCK)
    gather = mmu_gather.tlb_gather_mmu_fullmm(k, mm)
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, 0, k.nr_arena, mmu_notifier.MMU_NOTIFY_UNMAP
    )
    for vma in mm.vmas:
        zap.unmap_single_vma(k, gather, vma, vma.start, vma.end, zap.ZAP_FLAG_DROP_MARKER)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, 0, k.nr_arena)
    mmap_lock.mmap_read_unlock(k, mm)
    mmap_lock.mmap_write_lock(k, mm, sites.EXIT_MMAP__WRITE_LOCK)
    zap.free_pgtables(k, gather, mm, mm.vmas, 0, 0, True)
    mmu_gather.tlb_finish_mmu(k, gather)
    tear_down_vmas(k, mm)
    mm.total_vm = 0
    mm.locked_vm = 0
    mmap_lock.mmap_write_unlock(k, mm)


def tear_down_vmas(k: "Kernel", mm: Mm) -> None:
    """Close and free VMAs that map nothing any more, and their tree."""
    for vma in mm.vmas:
        mmap_lock.vma_mark_detached(k, vma)
        vma_tree.remove_vma(k, vma)
    mm.vmas = []


def release_lazy_mms(k: "Kernel") -> None:
    """The End: no CPU borrows an mm any more, so every mm_struct is gone."""
    for cpu in k.cpus:
        cpu.loaded_mm = None
        cpu.cr3 = None
        cpu.is_lazy = False
        drop_lazy_mm(k, cpu)
    for mm in k.mms:
        if mm.live:
            k.violate(
                "leak",
                sites.MMDROP__COUNT,
                "mm",
                f"mm{mm.id} is left with {mm.users} users and a count of {mm.count}",
            )
