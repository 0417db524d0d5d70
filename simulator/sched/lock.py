# SPDX-License-Identifier: MIT
"""The kernel's locks as the scheduler sees them: who holds, who waits, in which order.

Every acquisition is a step at the caller's site. Order violations and misuse are reported
when they happen, not when they deadlock (lockdep's idea): a class may only be taken while
no class with a higher number is held (`LC_*` follow the order documented in mm/rmap.c).
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features
from simulator.lock_classes import LC_FOLIO, LC_PTL, LOCK_CLASS_NAMES
from simulator.mm.mm_types import Lock, RwSem
from simulator.sched import core
from simulator.state import READ, WRITE
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def first_actor(mask: i64) -> i64:
    """The lowest actor in a mask, -1 for none."""
    if mask == 0:
        return -1
    i: i64 = 0
    while not (mask >> i) & 1:
        i += 1
    return i


def acquired(k: "Kernel", t: Task, cls: i64, *, ordered: bool) -> None:
    """Book a lock of class `cls`; `ordered` is False for trylocks, which cannot deadlock."""
    held = t.held_mask
    if held:
        k.feature(features.LOCK + (held * 64 + cls) % features.LOCK_SIZE)
        if ordered and held >> (cls + 1):
            above = cls + 1
            while not (held >> above) & 1:
                above += 1
            k.violate(
                "kernel-assertion",
                t.took[above],
                "lock",  # who calls with it held, or kept it
                f"{LOCK_CLASS_NAMES[cls]} taken while {LOCK_CLASS_NAMES[above]} is held: "
                "against the documented lock order",
            )
    t.held[cls] += 1
    t.held_mask = held | 1 << cls
    t.took[cls] = t.site
    t.missed[cls] = 0


def released(k: "Kernel", t: Task, cls: i64, obj: i64) -> None:
    """Book the end of a lock of class `cls`; `obj` is what it is as an object of steps."""
    s = k.strategy
    if s is not None:
        s.silent(t.id, obj)
    if k.tracing:
        k.watch.lock_released(k, obj)
    n = t.held[cls] - 1
    t.held[cls] = n
    if n == 0:
        t.held_mask &= ~(1 << cls)


def spin_lock(k: "Kernel", site: i64, lock: Lock) -> None:
    """Take a spinlock; the CPU is busy while it waits and cannot be preempted after."""
    take(k, site, lock, sleeps=False)
    k.cur.preempt_count += 1


def spin_unlock(k: "Kernel", lock: Lock) -> None:
    k.cur.preempt_count -= 1
    drop(k, lock)


def mutex_lock(k: "Kernel", site: i64, lock: Lock) -> None:
    take(k, site, lock, sleeps=True)


def mutex_unlock(k: "Kernel", lock: Lock) -> None:
    drop(k, lock)


def folio_trylock(k: "Kernel", site: i64, lock: Lock) -> bool:
    """A trylock that a directive may make fail, as if somebody held the folio lock."""
    if k.should_fail(site, lock.obj):
        if k.tracing:
            k.watch.lock_busy(k, lock.obj, -1)
        return False
    if lock.owner >= 0:
        k.sometimes(features.Z_FOLIO_LOCK_CONTENDED)
        if k.tracing:
            k.watch.lock_busy(k, lock.obj, lock.owner)
        return False
    t = k.cur
    lock.owner = t.id
    acquired(k, t, LC_FOLIO, ordered=False)
    if k.tracing:
        k.watch.lock_taken(k, lock.obj, "")
    return True


def take(k: "Kernel", site: i64, lock: Lock, *, sleeps: bool) -> None:
    t = k.cur
    k.step(site, lock.obj, WRITE)
    while lock.owner >= 0:
        if lock.owner == t.id:
            k.violate(
                "deadlock",
                t.took[lock.cls],
                LOCK_CLASS_NAMES[lock.cls],  # who kept it
                f"{LOCK_CLASS_NAMES[lock.cls]} taken twice by one actor",
            )
        if lock.cls == LC_PTL:
            k.sometimes(features.Z_PTL_CONTENDED)
        elif lock.cls == LC_FOLIO:
            k.sometimes(features.Z_FOLIO_LOCK_CONTENDED)
        lock.waiters |= 1 << t.id
        core.block(k, lock.owner, lock.cls, lock.obj, sleeps=sleeps)
    lock.owner = t.id
    acquired(k, t, lock.cls, ordered=True)
    if k.tracing:
        k.watch.lock_taken(k, lock.obj, "")


def drop(k: "Kernel", lock: Lock) -> None:
    t = k.cur
    if lock.owner != t.id:
        k.violate(
            "kernel-assertion",
            t.site,
            LOCK_CLASS_NAMES[lock.cls],
            f"{LOCK_CLASS_NAMES[lock.cls]} released by an actor that does not hold it",
        )
    lock.owner = -1
    released(k, t, lock.cls, lock.obj)
    if lock.waiters:
        mask = lock.waiters
        lock.waiters = 0
        core.wake(k, mask)


def down_read(k: "Kernel", site: i64, sem: RwSem, killable: bool = False) -> bool:
    """False, which only a killable caller sees: a fatal signal came first."""
    t = k.cur
    bit: i64 = 1 << t.id
    k.step(site, sem.obj, READ)
    while sem.writer >= 0 or sem.write_waiters & ~bit:
        k.sometimes(features.Z_RWSEM_CONTENDED)
        if killable and t.killed:
            gives_up(k, t, sem, site)
            return False
        sem.waiters |= bit
        holder = sem.writer if sem.writer >= 0 else first_actor(sem.write_waiters)
        t.killable = killable
        core.block(k, holder, sem.cls, sem.obj, sleeps=True)
        t.killable = False
    sem.readers |= bit
    acquired(k, t, sem.cls, ordered=True)
    if k.tracing:
        k.watch.lock_taken(k, sem.obj, "for read")
    return True


def gives_up(k: "Kernel", t: Task, sem: RwSem, site: i64) -> None:
    """A waiter that is killed does without the lock; those behind it may have it."""
    bit: i64 = 1 << t.id
    t.missed[sem.cls] = site
    sem.waiters &= ~bit
    sem.write_waiters &= ~bit
    k.sometimes(features.Z_KILLED_WAITER)
    if k.tracing:
        k.watch.lock_busy(k, sem.obj, sem.writer)
    wake_waiters(k, sem)


def down_read_trylock(k: "Kernel", site: i64, sem: RwSem) -> bool:
    """Fails also where somebody waits already (RWSEM_READ_FAILED_MASK)."""
    if k.should_fail(site, sem.obj) or sem.writer >= 0 or sem.waiters:
        if k.tracing:
            k.watch.lock_busy(k, sem.obj, sem.writer)
        return False
    t = k.cur
    sem.readers |= 1 << t.id
    acquired(k, t, sem.cls, ordered=False)
    if k.tracing:
        k.watch.lock_taken(k, sem.obj, "for read")
    return True


def up_read(k: "Kernel", sem: RwSem) -> None:
    t = k.cur
    bit: i64 = 1 << t.id
    if not sem.readers & bit:
        k.violate(
            "kernel-assertion",
            t.missed[sem.cls] or t.site,
            LOCK_CLASS_NAMES[sem.cls],
            f"{LOCK_CLASS_NAMES[sem.cls]} read-released by an actor that does not hold it",
        )
    sem.readers &= ~bit
    released(k, t, sem.cls, sem.obj)
    wake_waiters(k, sem)


def down_write(k: "Kernel", site: i64, sem: RwSem, killable: bool = False) -> bool:
    """False, which only a killable caller sees: a fatal signal came first."""
    t = k.cur
    bit: i64 = 1 << t.id
    k.step(site, sem.obj, WRITE)
    while sem.writer >= 0 or sem.readers:
        k.sometimes(features.Z_RWSEM_CONTENDED)
        if killable and t.killed:
            gives_up(k, t, sem, site)
            return False
        sem.waiters |= bit
        sem.write_waiters |= bit
        holder = sem.writer if sem.writer >= 0 else first_actor(sem.readers)
        t.killable = killable
        core.block(k, holder, sem.cls, sem.obj, sleeps=True)
        t.killable = False
    sem.write_waiters &= ~bit
    sem.writer = t.id
    acquired(k, t, sem.cls, ordered=True)
    if k.tracing:
        k.watch.lock_taken(k, sem.obj, "for write")
    return True


def up_write(k: "Kernel", sem: RwSem) -> None:
    t = k.cur
    if sem.writer != t.id:
        k.violate(
            "kernel-assertion",
            t.missed[sem.cls] or t.site,
            LOCK_CLASS_NAMES[sem.cls],
            f"{LOCK_CLASS_NAMES[sem.cls]} write-released by an actor that does not hold it",
        )
    sem.writer = -1
    released(k, t, sem.cls, sem.obj)
    wake_waiters(k, sem)


def downgrade_write(k: "Kernel", sem: RwSem) -> None:
    """Writer becomes reader without a gap."""
    t = k.cur
    sem.writer = -1
    sem.readers |= 1 << t.id
    s = k.strategy
    if s is not None:
        s.silent(t.id, sem.obj)
    wake_waiters(k, sem)


def wake_waiters(k: "Kernel", sem: RwSem) -> None:
    if sem.waiters:
        mask = sem.waiters
        sem.waiters = 0
        core.wake(k, mask)


def mmap_assert_locked(k: "Kernel", sem: RwSem) -> None:
    if sem.writer != k.cur.id and not sem.readers & (1 << k.cur.id):
        k.violate(
            "kernel-assertion",
            k.cur.site,
            LOCK_CLASS_NAMES[sem.cls],
            f"{LOCK_CLASS_NAMES[sem.cls]} must be held here",
        )


def lock_fresh(k: "Kernel", lock: Lock) -> None:
    """Lock an object that nobody else can know yet (folio_lock() of a new page)."""
    if lock.owner >= 0:
        k.violate(
            "kernel-assertion",
            k.cur.site,
            LOCK_CLASS_NAMES[lock.cls],
            "a new object is already locked",
        )
    lock.owner = k.cur.id
    acquired(k, k.cur, lock.cls, ordered=False)


def wait_queued(k: "Kernel", lock: Lock, holder: i64) -> None:
    """Sleep until `holder` has unlocked, without taking the lock. The caller has put itself among
    the waiters; who has been woken since then does not sleep."""
    if lock.waiters & (1 << k.cur.id):
        core.block(k, holder, lock.cls, lock.obj, sleeps=True)
