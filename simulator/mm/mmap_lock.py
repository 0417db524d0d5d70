# SPDX-License-Identifier: MIT
"""include/linux/mmap_lock.h (7.2) and mm/mmap_lock.c: mmap_lock and the per-VMA locks.

A VMA is write-locked while its `lock_seq` equals the mm's `mm_lock_seq`, which moves on when
mmap_lock is released or downgraded. `vm_refcnt` is 0 detached, 1 attached, plus 1 for each
reader, plus VMA_LOCK_OFFSET for a writer that waits for readers to leave. Lookup is lockless:
a VMA that was found may be detached, freed and reused before its count is taken.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EINTR
from simulator.lib.maple_tree import find_vma, vma_lookup
from simulator.lock_classes import LC_VMA
from simulator.mm.mm_types import Mm, Vma
from simulator.mm.sched_mm import mmdrop, mmgrab
from simulator.sched import core, lock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

VMA_LOCK_OFFSET: Final = 0x40000000
# What vma_start_read() says.
READ_LOCKED: Final = 0
READ_DETACHED: Final = 1
READ_REFUSED: Final = 2


# --- mmap_lock -------------------------------------------------------------------------------


def mmap_read_lock(k: "Kernel", mm: Mm, site: i64) -> None:
    lock.down_read(k, site, mm.mmap_lock)


def mmap_read_lock_killable(k: "Kernel", mm: Mm, site: i64) -> i64:
    """0, or -EINTR: the actor has been killed, and has no lock."""
    return 0 if lock.down_read(k, site, mm.mmap_lock, True) else -EINTR


def mmap_read_trylock(k: "Kernel", mm: Mm, site: i64) -> bool:
    return lock.down_read_trylock(k, site, mm.mmap_lock)


def mmap_read_unlock(k: "Kernel", mm: Mm) -> None:
    lock.up_read(k, mm.mmap_lock)


def mmap_write_lock(k: "Kernel", mm: Mm, site: i64) -> None:
    lock.down_write(k, site, mm.mmap_lock)
    begin_vma_writes(mm)


def mmap_write_lock_killable(k: "Kernel", mm: Mm, site: i64) -> i64:
    """0, or -EINTR: the actor has been killed, and has no lock."""
    if not lock.down_write(k, site, mm.mmap_lock, True):
        return -EINTR
    begin_vma_writes(mm)
    return 0


def begin_vma_writes(mm: Mm) -> None:
    """mm_lock_seqcount_begin()"""
    mm.counted_at = 0
    mm.mm_lock_seq += 1  # odd: somebody may write-lock VMAs


def mmap_write_unlock(k: "Kernel", mm: Mm) -> None:
    k.watch.vmas_changed(k, mm)
    k.step(sites.MMAP_WRITE_UNLOCK__END_VMA_WRITES, mm.obj, WRITE)
    mm.mm_lock_seq += 1
    lock.up_write(k, mm.mmap_lock)


def mmap_write_downgrade(k: "Kernel", mm: Mm) -> None:
    """Go on as a reader; the VMA write locks end as well."""
    k.step(sites.MMAP_WRITE_DOWNGRADE__END_VMA_WRITES, mm.obj, WRITE)
    mm.mm_lock_seq += 1
    lock.downgrade_write(k, mm.mmap_lock)
    if k.tracing:
        k.note(f"mmap_lock {mm.id} downgraded to read")


def mmap_assert_write_locked(k: "Kernel", mm: Mm) -> None:
    if mm.mmap_lock.writer != k.cur.id:
        k.violate(
            "kernel-assertion", k.cur.site, "mmap_lock", "mmap_lock must be held for write here"
        )


# --- per-VMA locks, writers ------------------------------------------------------------------


def is_vma_write_locked(vma: Vma) -> bool:
    """Only meaningful while mmap_lock is held for write."""
    mm = vma.mm
    assert mm is not None
    return vma.lock_seq == mm.mm_lock_seq


def vma_assert_write_locked(k: "Kernel", vma: Vma) -> None:
    if not is_vma_write_locked(vma):
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "vma",
            f"VMA at page {vma.start} must be write-locked here",
        )


def vma_start_write(k: "Kernel", vma: Vma) -> None:
    """Keep readers of this VMA out until mmap_lock is released or downgraded."""
    start_write(k, vma, False)


def vma_start_write_killable(k: "Kernel", vma: Vma) -> i64:
    """The same: 0, or -EINTR when the actor is killed before the last reader has left."""
    return 0 if start_write(k, vma, True) else -EINTR


def start_write(k: "Kernel", vma: Vma, killable: bool) -> bool:
    mm = vma.mm
    assert mm is not None
    mmap_assert_write_locked(k, mm)
    if vma.lock_seq == mm.mm_lock_seq:
        return True
    k.step(sites.VMA_START_WRITE__EXCLUDE_READERS, vma.obj, WRITE)
    if vma.vm_refcnt:
        vma.vm_refcnt += VMA_LOCK_OFFSET
        alone = wait_for_readers(k, vma, VMA_LOCK_OFFSET + 1, killable)
        if alone:
            vma.lock_seq = mm.mm_lock_seq
        vma.vm_refcnt -= VMA_LOCK_OFFSET
        return alone
    vma.lock_seq = mm.mm_lock_seq
    return True


def wait_for_readers(k: "Kernel", vma: Vma, target: i64, killable: bool) -> bool:
    """rcuwait_wait_event() of a writer that has set VMA_LOCK_OFFSET. False: killed first."""
    t = k.cur
    mm = vma.mm
    assert mm is not None
    while vma.vm_refcnt != target:
        k.step(sites.VMA_START_EXCLUDE_READERS__CHECK, vma.obj, READ)
        if vma.vm_refcnt == target:
            return True
        k.sometimes(features.Z_VMA_WRITER_WAITED)
        if killable and t.killed:
            mm.vma_writer_wait = 0
            return False
        mm.vma_writer_wait = 1 << t.id
        t.killable = killable
        core.block(k, lock.first_actor(vma.readers), LC_VMA, vma.obj, sleeps=True)
        t.killable = False
    return True


def vma_mark_attached(k: "Kernel", vma: Vma) -> None:
    if vma.vm_refcnt:
        k.violate("kernel-assertion", k.cur.site, "vma", f"VMA at page {vma.start} attached twice")
    vma.attached = True
    vma.linked_at = k.cur.site
    vma.vm_refcnt = 1


def vma_mark_detached(k: "Kernel", vma: Vma) -> None:
    """The VMA leaves the tree; lockless readers that still come by get nothing."""
    if not vma.attached or not is_vma_write_locked(vma):
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "vma",
            f"VMA at page {vma.start} detached without being attached and write-locked",
        )
    vma.attached = False
    vma.linked_at = k.cur.site
    vma.vm_refcnt -= 1
    if vma.vm_refcnt:
        # Readers that took the count but have not yet looked at lock_seq.
        vma.vm_refcnt += VMA_LOCK_OFFSET
        wait_for_readers(k, vma, VMA_LOCK_OFFSET, False)
        vma.vm_refcnt -= VMA_LOCK_OFFSET


# --- per-VMA locks, readers ------------------------------------------------------------------


def vma_refcount_put(k: "Kernel", vma: Vma) -> None:
    """Drop a reader's count, and wake the writer if it is the last one that it waits for: in the mm
    that the VMA had, for with the count the VMA may go to somebody else."""
    mm = vma.mm
    assert mm is not None
    vma.readers &= ~(1 << k.cur.id)
    vma.vm_refcnt -= 1
    if VMA_LOCK_OFFSET <= vma.vm_refcnt <= VMA_LOCK_OFFSET + 1:
        k.step(sites.VMA_REFCOUNT_PUT__WAKE, mm.obj, WRITE)
        if not mm.live:
            k.violate(
                "use-after-free",
                sites.VMA_START_READ__RECHECK,
                "mm",
                f"mm{mm.id} was freed before the writer of its VMA was woken there",
            )
        mask = mm.vma_writer_wait
        mm.vma_writer_wait = 0
        core.wake(k, mask)
    elif vma.vm_refcnt > VMA_LOCK_OFFSET + 1 and vma.readers:
        # The writer sleeps on, for another reader from now on (O9).
        for writer in k.tasks:
            if mm.vma_writer_wait >> writer.id & 1 and writer.waits_for == k.cur.id:
                writer.waits_for = lock.first_actor(vma.readers)


def vma_end_read(k: "Kernel", vma: Vma) -> None:
    t = k.cur
    if not vma.readers & (1 << t.id):
        k.violate(
            "kernel-assertion",
            t.site,
            "vma",
            "a VMA read lock was released by an actor that does not hold it",
        )
    lock.released(k, t, LC_VMA, vma.obj)
    vma.read_locked &= ~(1 << t.id)
    vma_refcount_put(k, vma)


def lock_vma_under_rcu(k: "Kernel", mm: Mm, va: i64) -> Vma | None:
    """The read-locked VMA that holds page `va`, or None: take mmap_lock instead."""
    while True:
        k.step(sites.LOCK_VMA_UNDER_RCU__WALK, mm.obj, READ)
        vma = vma_lookup(mm, va)
        if vma is None:
            return None
        started = vma_start_read(k, mm, vma)
        if started == READ_DETACHED:
            k.retry(sites.LOCK_VMA_UNDER_RCU__RETRY)
            continue
        if started == READ_REFUSED:
            return None
        if not vma.start <= va < vma.end:
            k.sometimes(features.Z_VMA_LOCK_FALLBACK)
            vma_end_read(k, vma)
            return None
        return vma


def vma_start_read(k: "Kernel", mm: Mm, vma: Vma) -> i64:
    """Try to read-lock a VMA that was found without any lock: READ_LOCKED, READ_DETACHED (look
    again), or READ_REFUSED."""
    if vma.lock_seq == mm.mm_lock_seq:
        k.sometimes(features.Z_VMA_LOCK_FALLBACK)
        return READ_REFUSED
    k.step(sites.VMA_START_READ__GET, vma.obj, WRITE)
    if vma.vm_refcnt == 0:
        k.sometimes(features.Z_VMA_DETACHED_UNDER_READER)
        return READ_DETACHED
    if vma.vm_refcnt >= VMA_LOCK_OFFSET:
        k.sometimes(features.Z_VMA_LOCK_FALLBACK)
        return READ_REFUSED
    vma.vm_refcnt += 1
    vma.readers |= 1 << k.cur.id
    k.step(sites.VMA_START_READ__RECHECK, vma.obj, READ)
    other = vma.mm
    if other is not mm:
        refuse_foreign(k, vma, other)
        return READ_REFUSED
    if vma.lock_seq == mm.mm_lock_seq:
        k.sometimes(features.Z_VMA_LOCK_FALLBACK)
        vma_refcount_put(k, vma)
        return READ_REFUSED
    lock.acquired(k, k.cur, LC_VMA, ordered=False)
    vma.read_locked |= 1 << k.cur.id
    return READ_LOCKED


def refuse_foreign(k: "Kernel", vma: Vma, other: Mm | None) -> None:
    """The VMA that was found has become one of `other`'s, whose last user may go as soon as the
    VMA's count is dropped."""
    assert other is not None
    k.sometimes(features.Z_VMA_LOCK_FALLBACK)
    if k.bug.vma_refcount_put_mm_freed:
        vma_refcount_put(k, vma)
        return
    mmgrab(other)
    vma_refcount_put(k, vma)
    mmdrop(k, other)


def lock_next_vma(k: "Kernel", mm: Mm, va: i64) -> Vma | None:
    """The read-locked VMA that holds page `va` or is the first behind it, or None."""
    while True:
        seq = mm.mm_lock_seq
        k.step(sites.LOCK_NEXT_VMA__WALK, mm.obj, READ)
        vma = find_vma(mm, va)
        if vma is None:
            return None
        started = vma_start_read(k, mm, vma)
        if started == READ_DETACHED:
            k.retry(sites.LOCK_NEXT_VMA__RETRY)
            continue
        if started == READ_LOCKED:
            # One that is ahead may have been preceded by another one since; one that was, no more.
            stale = va >= vma.end
            if va < vma.start and (seq & 1 or mm.mm_lock_seq != seq):
                k.step(sites.LOCK_NEXT_VMA__RECHECK, mm.obj, READ)
                stale = find_vma(mm, va) is not vma
            if not stale:
                return vma
            vma_end_read(k, vma)
        return lock_next_vma_under_mmap_lock(k, mm, va)


def lock_next_vma_under_mmap_lock(k: "Kernel", mm: Mm, va: i64) -> Vma | None:
    """The same where the VMA lock alone could not be had: nobody changes VMAs meanwhile."""
    if mmap_read_lock_killable(k, mm, sites.LOCK_NEXT_VMA_UNDER_MMAP_LOCK__LOCK):
        return None
    vma = find_vma(mm, va)
    if vma is not None:
        vma_start_read_locked(k, vma)
    mmap_read_unlock(k, mm)
    return vma


def vma_start_read_locked(k: "Kernel", vma: Vma) -> None:
    """Read-lock a VMA while mmap_lock is held for read, so that nobody can have write-locked it."""
    vma.vm_refcnt += 1
    vma.readers |= 1 << k.cur.id
    lock.acquired(k, k.cur, LC_VMA, ordered=False)
    vma.read_locked |= 1 << k.cur.id


def read_held(k: "Kernel", mm: Mm) -> bool:
    """Whether the running actor holds mmap_lock for read: what callers of GUP keep in `locked`."""
    return (mm.mmap_lock.readers >> k.cur.id) & 1 == 1
