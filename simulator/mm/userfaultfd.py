# SPDX-License-Identifier: MIT
"""mm/userfaultfd.c (7.2): faults that user space resolves. What fills pages is in mfill.py, what is
done to ranges of memory in uffd_range.py, and the calls of user space are in
simulator/fs/userfaultfd.py.

Contract: who meets a missing page in a registered VMA queues first and looks at the page tables
then, so that no wakeup is lost; it sleeps once and faults again, whatever it was woken for.

Not modelled: hugetlb, polling, signals that are not fatal, and the limits of who may open one
(vm.unprivileged_userfaultfd).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.lock_classes import LC_USERFAULT
from simulator.mm import mmap_lock
from simulator.mm.mm_types import (
    PTE_WRITE,
    SWP_MARKER_UFFD_WP,
    VM_UFFD_FLAGS,
    VM_UFFD_MINOR,
    VM_UFFD_WP,
    UserfaultfdCtx,
    UserfaultWait,
    Vma,
    pmd_present,
    pte_kind,
    pte_present,
)
from simulator.mm.pgtable import pmd_table, ptep_get
from simulator.mm.sched_mm import mmdrop
from simulator.mm.vm_fault import (
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_USER,
    FAULT_FLAG_VMA_LOCK,
    FAULT_FLAG_WRITE,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
    VmFault,
)
from simulator.objects import pmd_obj, pte_obj
from simulator.sched import core
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

PAGEFAULT_FLAG_WRITE: Final = 1
PAGEFAULT_FLAG_WP: Final = 2
PAGEFAULT_FLAG_MINOR: Final = 4


# --- contexts ----------------------------------------------------------------------------------


def reset(k: "Kernel") -> None:
    """There is no userfaultfd."""
    for handle in range(ops.NR_UFFDS):
        if handle == len(k.uffds):
            k.uffds.append(None)
        k.uffds[handle] = None
    if k.uffd_contexts:
        k.uffd_contexts = []


def userfaultfd_ctx_get(k: "Kernel", ctx: UserfaultfdCtx) -> None:
    ctx.refcount += 1
    ctx.got_at = k.cur.site


def release_fault_lock(k: "Kernel", vmf: VmFault) -> None:
    if vmf.flags & FAULT_FLAG_VMA_LOCK:
        mmap_lock.vma_end_read(k, vmf.vma)
    else:
        mmap_lock.mmap_read_unlock(k, vmf.mm)


# --- who faults --------------------------------------------------------------------------------


def handle_userfault(k: "Kernel", vmf: VmFault, reason: i64) -> i64:
    """Tell user space of a fault and sleep until it is resolved: VM_FAULT_RETRY, without the lock.
    VM_FAULT_SIGBUS, with it, where nobody may wait."""
    ctx = vmf.vma.uffd
    if ctx is None or ctx.features & ops.UFFD_SIGBUS:
        return VM_FAULT_SIGBUS
    if not vmf.flags & FAULT_FLAG_USER and ctx.features & ops.UFFD_USER_ONLY:
        return VM_FAULT_SIGBUS
    if not vmf.flags & FAULT_FLAG_ALLOW_RETRY:
        return VM_FAULT_SIGBUS
    k.step(sites.HANDLE_USERFAULT__RELEASED, ctx.obj, READ)
    if ctx.released:
        release_fault_lock(k, vmf)
        return VM_FAULT_RETRY
    userfaultfd_ctx_get(k, ctx)
    msg: i64 = 0
    if vmf.flags & FAULT_FLAG_WRITE:
        msg |= PAGEFAULT_FLAG_WRITE
    if reason == VM_UFFD_WP:
        msg |= PAGEFAULT_FLAG_WP
        k.sometimes(features.Z_UFFD_WP_FAULT)
    elif reason == VM_UFFD_MINOR:
        msg |= PAGEFAULT_FLAG_MINOR
    wait = UserfaultWait(k.cur.id, vmf.va, reason, msg)
    k.watch.userfault_begins(k, ctx, wait)
    k.step(sites.HANDLE_USERFAULT__QUEUE, ctx.obj, WRITE)
    ctx.fault_pending.append(wait)
    must_wait = userfaultfd_must_wait(k, vmf, reason)
    release_fault_lock(k, vmf)
    k.step(sites.HANDLE_USERFAULT__SLEEP, ctx.obj, READ)
    if not must_wait:
        k.sometimes(features.Z_USERFAULT_RESOLVED_FIRST)
    elif not ctx.released:
        sleep(k, ctx, wait)
    k.step(sites.HANDLE_USERFAULT__DEQUEUE, ctx.obj, WRITE)
    if wait in ctx.fault_pending:
        ctx.fault_pending.remove(wait)
    elif wait in ctx.fault:
        ctx.fault.remove(wait)
    k.watch.userfault_ends(k, ctx, wait)
    userfaultfd_ctx_put(k, ctx)
    return VM_FAULT_RETRY


def userfaultfd_must_wait(k: "Kernel", vmf: VmFault, reason: i64) -> bool:
    """Whether the fault is still to be resolved: a lockless look, after the waiter has queued."""
    mm = vmf.mm
    va = vmf.va
    k.step(sites.USERFAULTFD_MUST_WAIT__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
    table = pmd_table(k, mm, va)
    if table is None:
        pmd = mm.pmd[va >> k.pmd_order]
        if pmd == 0:
            return True
        return pmd_present(pmd) and reason == VM_UFFD_WP and not pmd & PTE_WRITE
    k.step(sites.USERFAULTFD_MUST_WAIT__PTE, pte_obj(mm.id, va), READ)
    return unresolved(ptep_get(k, table, va), reason)


def unresolved(pte: i64, reason: i64) -> bool:
    """Whether a fault for that reason (VM_UFFD_*) is still to be resolved by user space."""
    if pte == 0 or pte_kind(pte) == SWP_MARKER_UFFD_WP:
        return True
    return reason == VM_UFFD_WP and pte_present(pte) and not pte & PTE_WRITE


def sleep(k: "Kernel", ctx: UserfaultfdCtx, wait: UserfaultWait) -> None:
    """schedule() of a waiter, unless it has been woken since it has queued."""
    t = k.cur
    if wait.waken or t.killed:
        return
    k.sometimes(features.Z_USERFAULT)
    wait.asleep = True
    k.watch.userfault_sleeps(k, ctx, wait)
    t.userfault = True
    t.killable = True
    core.block(k, -1, LC_USERFAULT, ctx.obj, sleeps=True)
    t.killable = False
    t.userfault = False
    wait.asleep = False
    if t.closes_uffds:  # nobody was left to resolve it
        t.closes_uffds = False
        k.above.close_userfaultfds(k)


def userfaultfd_ctx_put(k: "Kernel", ctx: UserfaultfdCtx) -> None:
    """Drop a reference; the last one lets go of the mm."""
    ctx.refcount -= 1
    if ctx.refcount < 0:
        k.violate("refcount", k.cur.site, "uffd", f"uffd {ctx.id} is put more often than got")
    if ctx.refcount == 0:
        mmdrop(k, ctx.mm)


# --- who resolves ------------------------------------------------------------------------------


def wake_userfault(k: "Kernel", ctx: UserfaultfdCtx, start: i64, end: i64) -> None:
    """Wake those who wait for a page of [start, end); for any if `end` is 0."""
    k.step(sites.WAKE_USERFAULT__ACTIVE, ctx.obj, READ)
    if ctx.fault_pending or ctx.fault:
        wake_queues(k, ctx, start, end)
    k.watch.userfaults_woken(k, ctx, start, end)


def wake_queues(k: "Kernel", ctx: UserfaultfdCtx, start: i64, end: i64) -> None:
    """__wake_userfault(): the lock of fault_pending_wqh is held."""
    k.step(sites.WAKE_USERFAULT__WAKE, ctx.obj, WRITE)
    ctx.fault_pending = woken(k, ctx.fault_pending, start, end)
    ctx.fault = woken(k, ctx.fault, start, end)


def woken(k: "Kernel", queue: list[UserfaultWait], start: i64, end: i64) -> list[UserfaultWait]:
    """What is left of a queue when those in the range have been woken."""
    left: list[UserfaultWait] = []
    for wait in queue:
        if end and not start <= wait.va < end:
            left.append(wait)
            continue
        wait.waken = True
        if wait.asleep:
            core.wake(k, 1 << wait.actor)
    return left


# --- VMAs --------------------------------------------------------------------------------------


def userfaultfd_set_ctx(k: "Kernel", vma: Vma, ctx: UserfaultfdCtx | None, modes: i64) -> None:
    mmap_lock.vma_start_write(k, vma)
    k.step(sites.USERFAULTFD_SET_CTX__SET, vma.obj, WRITE)
    k.watch.uffd_registering(k, vma, modes)
    vma.uffd = ctx
    vma.flags = vma.flags & ~VM_UFFD_FLAGS | modes


def userfaultfd_reset_ctx(k: "Kernel", vma: Vma) -> None:
    userfaultfd_set_ctx(k, vma, None, 0)
