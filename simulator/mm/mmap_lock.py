# SPDX-License-Identifier: MIT
"""include/linux/mmap_lock.h and mm/mmap_lock.c: mmap_lock and the per-VMA locks.

A VMA is write-locked while its `lock_seq` equals the mm's `mm_lock_seq`, which moves on when
mmap_lock is released or downgraded. `vm_refcnt` is 0 detached, 1 attached, plus 1 for each
reader, plus VMA_LOCK_OFFSET for a writer that waits for readers to leave. Lookup is lockless:
a VMA that was found may be detached, freed and reused before its count is taken.

Not promised: killable waits; nobody is killed inside a call here.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.lib.maple_tree import vma_lookup
from simulator.lock_classes import LC_VMA
from simulator.mm.mm_types import Mm, Vma
from simulator.sched import core, lock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

VMA_LOCK_OFFSET: Final = 0x40000000


# --- mmap_lock -------------------------------------------------------------------------------


def mmap_read_lock(k: "Kernel", mm: Mm, site: i64) -> None:
    lock.down_read(k, site, mm.mmap_lock)


def mmap_read_trylock(k: "Kernel", mm: Mm, site: i64) -> bool:
    return lock.down_read_trylock(k, site, mm.mmap_lock)


def mmap_read_unlock(k: "Kernel", mm: Mm) -> None:
    lock.up_read(k, mm.mmap_lock)


def mmap_write_lock(k: "Kernel", mm: Mm, site: i64) -> None:
    lock.down_write(k, site, mm.mmap_lock)
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
            "kernel-assertion", k.cur.site, "vma",
            f"VMA at page {vma.start} must be write-locked here",
        )


def vma_start_write(k: "Kernel", vma: Vma) -> None:
    """Keep readers of this VMA out until mmap_lock is released or downgraded."""
    mm = vma.mm
    assert mm is not None
    mmap_assert_write_locked(k, mm)
    if vma.lock_seq == mm.mm_lock_seq:
        return
    k.step(sites.VMA_START_WRITE__EXCLUDE_READERS, vma.obj, WRITE)
    if vma.vm_refcnt:
        vma.vm_refcnt += VMA_LOCK_OFFSET
        wait_for_readers(k, vma, VMA_LOCK_OFFSET + 1)
        vma.lock_seq = mm.mm_lock_seq
        vma.vm_refcnt -= VMA_LOCK_OFFSET
    else:
        vma.lock_seq = mm.mm_lock_seq


def wait_for_readers(k: "Kernel", vma: Vma, target: i64) -> None:
    """rcuwait_wait_event() of a writer that has set VMA_LOCK_OFFSET."""
    while vma.vm_refcnt != target:
        k.sometimes(features.Z_VMA_WRITER_WAITED)
        vma.waiters |= 1 << k.cur.id
        core.block(k, lock.first_actor(vma.readers), LC_VMA, vma.obj, sleeps=True)


def vma_mark_attached(k: "Kernel", vma: Vma) -> None:
    if vma.vm_refcnt:
        k.violate(
            "kernel-assertion", k.cur.site, "vma", f"VMA at page {vma.start} attached twice"
        )
    vma.attached = True
    vma.linked_at = k.cur.site
    vma.vm_refcnt = 1


def vma_mark_detached(k: "Kernel", vma: Vma) -> None:
    """The VMA leaves the tree; lockless readers that still come by get nothing."""
    if not vma.attached or not is_vma_write_locked(vma):
        k.violate(
            "kernel-assertion", k.cur.site, "vma",
            f"VMA at page {vma.start} detached without being attached and write-locked",
        )
    vma.attached = False
    vma.linked_at = k.cur.site
    vma.vm_refcnt -= 1
    if vma.vm_refcnt:
        # Readers that took the count but have not yet looked at lock_seq.
        vma.vm_refcnt += VMA_LOCK_OFFSET
        wait_for_readers(k, vma, VMA_LOCK_OFFSET)
        vma.vm_refcnt -= VMA_LOCK_OFFSET


# --- per-VMA locks, readers ------------------------------------------------------------------


def vma_refcount_put(k: "Kernel", vma: Vma) -> None:
    vma.readers &= ~(1 << k.cur.id)
    vma.vm_refcnt -= 1
    if vma.waiters:
        mask = vma.waiters
        vma.waiters = 0
        core.wake(k, mask)


def vma_end_read(k: "Kernel", vma: Vma) -> None:
    t = k.cur
    if not vma.readers & (1 << t.id):
        k.violate(
            "kernel-assertion", t.site, "vma",
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
        if vma.lock_seq == mm.mm_lock_seq:
            k.sometimes(features.Z_VMA_LOCK_FALLBACK)
            return None
        k.step(sites.VMA_START_READ__GET, vma.obj, WRITE)
        if vma.vm_refcnt == 0:
            k.sometimes(features.Z_VMA_DETACHED_UNDER_READER)
            k.retry(sites.LOCK_VMA_UNDER_RCU__RETRY)
            continue
        if vma.vm_refcnt >= VMA_LOCK_OFFSET:
            k.sometimes(features.Z_VMA_LOCK_FALLBACK)
            return None
        vma.vm_refcnt += 1
        vma.readers |= 1 << k.cur.id
        k.step(sites.VMA_START_READ__RECHECK, vma.obj, READ)
        if (
            vma.mm is not mm
            or vma.lock_seq == mm.mm_lock_seq
            or not vma.start <= va < vma.end
        ):
            k.sometimes(features.Z_VMA_LOCK_FALLBACK)
            vma_refcount_put(k, vma)
            return None
        lock.acquired(k, k.cur, LC_VMA, ordered=False)
        vma.read_locked |= 1 << k.cur.id
        return vma
