# SPDX-License-Identifier: MIT
"""mm/userfaultfd.c (7.2), its calls of user space; fs/userfaultfd.c of older kernels.

Handles belong to nobody: every process may use them, and each means the mm that was the opener's.
An op on a handle that is not open is SKIPPED. Descriptors do not block: where there is nothing to
read, it is -EAGAIN.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.errno import EAGAIN, EBUSY, EEXIST, EINVAL, ENOMEM, EPERM, ESRCH
from simulator.kernel import exit as kernel_exit
from simulator.lib.maple_tree import find_vma, find_vma_intersection, vma_prev
from simulator.mm import mfill, mmap_lock, uffd_range, userfaultfd
from simulator.mm.mm_types import (
    VM_MAYWRITE,
    VM_UFFD_FLAGS,
    VM_UFFD_MINOR,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    Mm,
    UserfaultfdCtx,
    Vma,
)
from simulator.mm.sched_mm import mmgrab
from simulator.objects import OBJ_NONE
from simulator.outcome import SKIPPED
from simulator.state import READ, WRITE
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- open files --------------------------------------------------------------------------------


def new_userfaultfd(k: "Kernel", mm: Mm, handle: i64, flags: i64) -> i64:
    """userfaultfd() and UFFDIO_API: 0, -ENOMEM, or -EEXIST for a handle that is open."""
    assert flags < 1 << len(ops.UFFD_FLAGS)
    if k.should_fail(sites.NEW_USERFAULTFD__ALLOC, OBJ_NONE):
        return -ENOMEM
    if k.uffds[handle] is not None:
        return -EEXIST
    unpopulated = flags & (ops.UFFD_WP_UNPOPULATED | ops.UFFD_WP_ASYNC) != 0
    ctx = UserfaultfdCtx(len(k.uffd_contexts), mm, flags, unpopulated)
    ctx.got_at = k.cur.site
    mmgrab(mm)
    k.uffd_contexts.append(ctx)
    k.uffds[handle] = ctx
    return 0


def fdget(k: "Kernel", handle: i64) -> UserfaultfdCtx | None:
    """The context of an open handle, which stays open as long as a call works on it."""
    ctx = k.uffds[handle]
    if ctx is not None:
        ctx.files += 1
    return ctx


def fdput(k: "Kernel", ctx: UserfaultfdCtx, result: i64) -> i64:
    """The call is over, and returns `result`."""
    ctx.files -= 1
    if ctx.files == 0 and not ctx.released:
        userfaultfd_release(k, ctx)
    return result


def close(k: "Kernel", handle: i64) -> i64:
    ctx = k.uffds[handle]
    if ctx is None:
        return SKIPPED
    k.uffds[handle] = None
    return fdput(k, ctx, 0)


def release_all(k: "Kernel") -> None:
    """The End: handles close, and no context is left, for nobody works with one any more."""
    close_all(k)
    for ctx in k.uffd_contexts:
        if ctx.refcount:
            k.violate(
                "leak", ctx.got_at, "uffd", f"uffd {ctx.id} is left with {ctx.refcount} references"
            )


def close_all(k: "Kernel") -> None:
    """Handles close in their order, and who is inside a call does not keep them open: it may be the
    one that waits. Then what only such calls have kept open goes."""
    for handle in range(ops.NR_UFFDS):
        ctx = k.uffds[handle]
        if ctx is not None:
            k.uffds[handle] = None
            ctx.files -= 1
            userfaultfd_release(k, ctx)
    for ctx in k.uffd_contexts:
        if not ctx.released:
            userfaultfd_release(k, ctx)


def userfaultfd_release(k: "Kernel", ctx: UserfaultfdCtx) -> None:
    """Nothing is registered any more, and who waits goes on. `released` comes first: who faults
    from here on tries again until the VMA is like any other. Once only: at the End the last call
    and close_all() can both come here."""
    if ctx.releasing:
        return
    ctx.releasing = True
    k.step(sites.USERFAULTFD_RELEASE__RELEASED, ctx.obj, WRITE)
    ctx.released = True
    userfaultfd_release_all(k, ctx)
    k.step(sites.USERFAULTFD_RELEASE__WAKE, ctx.obj, WRITE)
    if ctx.fault_pending or ctx.fault:
        k.sometimes(features.Z_UFFD_CLOSED_UNDER_FAULT)
    ctx.fault_pending = userfaultfd.woken(k, ctx.fault_pending, 0, 0)
    ctx.fault = userfaultfd.woken(k, ctx.fault, 0, 0)
    k.watch.userfaults_woken(k, ctx, 0, 0)
    userfaultfd.userfaultfd_ctx_put(k, ctx)


def userfaultfd_release_all(k: "Kernel", ctx: UserfaultfdCtx) -> None:
    mm = ctx.mm
    if mm.users == 0:
        return
    kernel_exit.mmget(k, mm)
    mmap_lock.mmap_write_lock(k, mm, sites.USERFAULTFD_RELEASE_ALL__LOCK)
    prev: Vma | None = None
    vma = find_vma(mm, 0)
    while vma is not None:
        if vma.uffd is ctx:
            cleared = uffd_range.userfaultfd_clear_vma(k, prev, vma, vma.start, vma.end)
            if cleared is None:  # a whole VMA needs no memory
                k.violate(
                    "kernel-assertion",
                    sites.USERFAULTFD_RELEASE_ALL__LOCK,
                    "vma",
                    f"the error of a merge is taken for the VMA {vma.start}..{vma.end}",
                )
                break
            vma = cleared
        prev = vma
        vma = find_vma(mm, vma.end)
    mmap_lock.mmap_write_unlock(k, mm)
    kernel_exit.mmput(k, mm)


# --- read() ------------------------------------------------------------------------------------


def read(k: "Kernel", handle: i64) -> i64:
    """The oldest message that nobody has read: page * 16 + flags; -EAGAIN for none."""
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    k.step(sites.USERFAULTFD_CTX_READ__PENDING, ctx.obj, WRITE)
    if not ctx.fault_pending:
        return fdput(k, ctx, -EAGAIN)
    wait = ctx.fault_pending.pop(0)
    ctx.fault.append(wait)
    return fdput(k, ctx, wait.va * 16 + wait.msg)


# --- registering -------------------------------------------------------------------------------


def register(k: "Kernel", handle: i64, start: i64, end: i64, mode: i64) -> i64:
    """UFFDIO_REGISTER: 0, -EINVAL, -EPERM, -EBUSY or -ENOMEM."""
    assert mode < 1 << len(ops.REGISTER_FLAGS)
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    modes: i64 = 0
    if mode & ops.REGISTER_MISSING:
        modes |= VM_UFFD_MISSING
    if mode & ops.REGISTER_WP:
        modes |= VM_UFFD_WP
    if mode & ops.REGISTER_MINOR:
        modes |= VM_UFFD_MINOR
    mm = ctx.mm
    if modes == 0:
        return fdput(k, ctx, -EINVAL)
    if mm.users == 0:
        return fdput(k, ctx, -ENOMEM)
    kernel_exit.mmget(k, mm)
    mmap_lock.mmap_write_lock(k, mm, sites.USERFAULTFD_REGISTER__LOCK)
    err = register_locked(k, ctx, start, end, modes)
    mmap_lock.mmap_write_unlock(k, mm)
    kernel_exit.mmput(k, mm)
    return fdput(k, ctx, err)


def register_locked(k: "Kernel", ctx: UserfaultfdCtx, start: i64, end: i64, modes: i64) -> i64:
    """userfaultfd_register() with mmap_lock held for write: first whether all of it can be."""
    mm = ctx.mm
    first = find_vma_intersection(mm, start, end)
    vma = first
    if first is None:
        return -EINVAL
    while vma is not None and vma.start < end:
        if not uffd_range.vma_can_userfault(ctx, vma, modes):
            return -EINVAL
        if not vma.flags & VM_MAYWRITE:
            return -EPERM
        if vma.uffd is not None and vma.uffd is not ctx:
            return -EBUSY
        if k.linux.register_keeps_wp and vma.flags & VM_UFFD_WP & ~modes:
            return -EBUSY
        vma = find_vma(mm, vma.end)
    return uffd_range.userfaultfd_register_range(k, ctx, first, modes, start, end)


def unregister(k: "Kernel", handle: i64, start: i64, end: i64) -> i64:
    """UFFDIO_UNREGISTER: 0, -EINVAL or -ENOMEM."""
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    mm = ctx.mm
    if mm.users == 0:
        return fdput(k, ctx, -ENOMEM)
    kernel_exit.mmget(k, mm)
    mmap_lock.mmap_write_lock(k, mm, sites.USERFAULTFD_UNREGISTER__LOCK)
    err = unregister_locked(k, ctx, start, end)
    mmap_lock.mmap_write_unlock(k, mm)
    kernel_exit.mmput(k, mm)
    return fdput(k, ctx, err)


def unregister_locked(k: "Kernel", ctx: UserfaultfdCtx, start: i64, end: i64) -> i64:
    mm = ctx.mm
    first = find_vma_intersection(mm, start, end)
    vma = first
    if first is None:
        return -EINVAL
    while vma is not None and vma.start < end:
        if vma.uffd is not None and vma.uffd is not ctx:
            return -EINVAL
        if not uffd_range.vma_can_userfault(ctx, vma, vma.flags & VM_UFFD_FLAGS):
            return -EINVAL
        vma = find_vma(mm, vma.end)
    prev = vma_prev(mm, start) if first.start >= start else first
    vma = first
    while vma is not None and vma.start < end:
        if vma.uffd is not None:
            start = max(start, vma.start)
            stop = min(end, vma.end)
            if vma.flags & VM_UFFD_MISSING:
                userfaultfd.wake_userfault(k, ctx, start, stop)
            vma = uffd_range.userfaultfd_clear_vma(k, prev, vma, start, stop)
            if vma is None:
                return -ENOMEM
        prev = vma
        start = vma.end
        vma = find_vma(mm, start)
    return 0


# --- resolving ---------------------------------------------------------------------------------


def wake(k: "Kernel", handle: i64, start: i64, end: i64) -> i64:
    """UFFDIO_WAKE."""
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    userfaultfd.wake_userfault(k, ctx, start, end)
    return fdput(k, ctx, 0)


def copy(
    k: "Kernel", t: Task, mm: Mm, handle: i64, start: i64, end: i64, source: i64, flags: i64
) -> i64:
    """UFFDIO_COPY of pages of the caller's `mm`: 0, or -errno, of which -EAGAIN may mean that a
    part of the range has been filled."""
    assert flags < 1 << len(ops.FILL_FLAGS)
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    k.step(sites.USERFAULTFD_COPY__MMAP_CHANGING, ctx.obj, READ)
    fill = mfill.Mfill(ctx, mfill.MFILL_ATOMIC_COPY, start, end, mm, source)
    fill.wp = flags & ops.FILL_WP != 0
    err = filled(k, t, fill, flags & ops.FILL_DONTWAKE != 0)
    return fdput(k, ctx, err)


def zeropage(k: "Kernel", t: Task, mm: Mm, handle: i64, start: i64, end: i64, flags: i64) -> i64:
    """UFFDIO_ZEROPAGE: as UFFDIO_COPY."""
    assert flags < 1 << len(ops.FILL_FLAGS)
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    k.step(sites.USERFAULTFD_ZEROPAGE__MMAP_CHANGING, ctx.obj, READ)
    if ctx.mmap_changing == 0 and flags & ops.FILL_WP:
        return fdput(k, ctx, -EINVAL)
    fill = mfill.Mfill(ctx, mfill.MFILL_ATOMIC_ZEROPAGE, start, end, mm, 0)
    err = filled(k, t, fill, flags & ops.FILL_DONTWAKE != 0)
    return fdput(k, ctx, err)


def continue_(k: "Kernel", t: Task, mm: Mm, handle: i64, start: i64, end: i64, flags: i64) -> i64:
    """UFFDIO_CONTINUE: as UFFDIO_COPY."""
    assert flags < 1 << len(ops.FILL_FLAGS)
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    k.step(sites.USERFAULTFD_CONTINUE__MMAP_CHANGING, ctx.obj, READ)
    fill = mfill.Mfill(ctx, mfill.MFILL_ATOMIC_CONTINUE, start, end, mm, 0)
    fill.wp = flags & ops.FILL_WP != 0
    err = filled(k, t, fill, flags & ops.FILL_DONTWAKE != 0)
    return fdput(k, ctx, err)


def poison(k: "Kernel", t: Task, mm: Mm, handle: i64, start: i64, end: i64, flags: i64) -> i64:
    """UFFDIO_POISON: as UFFDIO_COPY."""
    assert flags < 1 << len(ops.POISON_FLAGS)
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    if not k.linux.uffd_poison:
        return fdput(k, ctx, -EINVAL)
    k.step(sites.USERFAULTFD_POISON__MMAP_CHANGING, ctx.obj, READ)
    fill = mfill.Mfill(ctx, mfill.MFILL_ATOMIC_POISON, start, end, mm, 0)
    err = filled(k, t, fill, flags & ops.POISON_DONTWAKE != 0)
    return fdput(k, ctx, err)


def filled(k: "Kernel", t: Task, fill: mfill.Mfill, dontwake: bool) -> i64:
    """What all calls that fill pages have in common. The running call has seen `mmap_changing`."""
    ctx = fill.ctx
    if ctx.mmap_changing:
        return -EAGAIN
    if ctx.mm.users == 0:
        return -ESRCH
    kernel_exit.mmget(k, ctx.mm)
    done = mfill.mfill_atomic(k, t, fill)
    kernel_exit.mmput(k, ctx.mm)
    if done < 0:
        return done
    if not dontwake:
        userfaultfd.wake_userfault(k, ctx, fill.start, fill.start + done)
    return 0 if done == fill.end - fill.start else -EAGAIN


# --- write protection --------------------------------------------------------------------------


def writeprotect(k: "Kernel", handle: i64, start: i64, end: i64, flags: i64) -> i64:
    """UFFDIO_WRITEPROTECT: 0 or -errno."""
    assert flags < 1 << len(ops.WRITEPROTECT_FLAGS)
    ctx = fdget(k, handle)
    if ctx is None:
        return SKIPPED
    return fdput(k, ctx, writeprotected(k, ctx, start, end, flags))


def writeprotected(k: "Kernel", ctx: UserfaultfdCtx, start: i64, end: i64, flags: i64) -> i64:
    k.step(sites.USERFAULTFD_WRITEPROTECT__MMAP_CHANGING, ctx.obj, READ)
    if ctx.mmap_changing:
        return -EAGAIN
    wp = flags & ops.WRITEPROTECT_WP != 0
    dontwake = flags & ops.WRITEPROTECT_DONTWAKE != 0
    if wp and dontwake:
        return -EINVAL
    if k.bug.uffd_wp_vs_exit_mmap:
        err = uffd_range.mwriteprotect_range(k, ctx, start, end, wp)
    elif ctx.mm.users == 0:
        return -ESRCH
    else:
        kernel_exit.mmget(k, ctx.mm)
        err = uffd_range.mwriteprotect_range(k, ctx, start, end, wp)
        kernel_exit.mmput(k, ctx.mm)
    if err == 0 and not wp and not dontwake:
        userfaultfd.wake_userfault(k, ctx, start, end)
    return err
