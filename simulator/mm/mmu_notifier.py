# SPDX-License-Identifier: MIT
"""mm/mmu_notifier.c (7.2): telling secondary MMUs that CPU translations are about to change.

A driver that mirrors an mm inserts an interval notifier, here always over the whole arena; its
methods are Linux's `mmu_interval_notifier_ops`. The collision-retry protocol of
mmu_interval_read_begin() / mmu_interval_read_retry() is Linux's.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.build.native import vec
from simulator.lock_classes import LC_MN
from simulator.mm import mmap_lock
from simulator.mm.mm_types import Mm, RwSem
from simulator.sched import core, lock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.mm.memremap import DevPagemap
    from simulator.state import Kernel

MMU_NOTIFY_UNMAP: Final = 0
MMU_NOTIFY_CLEAR: Final = 1
MMU_NOTIFY_PROTECTION_VMA: Final = 2
MMU_NOTIFY_PROTECTION_PAGE: Final = 3
MMU_NOTIFY_SOFT_DIRTY: Final = 4
MMU_NOTIFY_RELEASE: Final = 5
MMU_NOTIFY_MIGRATE: Final = 6  # the owner of the device memory skips it

MMU_NOTIFY_EXCLUSIVE: Final = 7  # a page becomes a device's alone; its driver may skip it

EMPTY: Final = -1  # entry of a secondary page table


class MmuIntervalNotifier:
    """struct mmu_interval_notifier, and the secondary page table behind it, where oracles look:
    `pt[page]` is pfn << 1 | writable, or EMPTY. `seq` is the mm's of the last invalidation that
    this notifier has taken note of."""

    def __init__(self, mm: Mm, pages: i64) -> None:
        self.mm: Mm = mm
        self.seq: i64 = 0
        self.atomic: Final[vec[i64]] = vec[i64]([0] * pages)  # 1: no CPU has the page
        self.pt: vec[i64] = vec[i64]([EMPTY] * pages)

    def invalidate(
        self, k: "Kernel", start: i64, end: i64, event: i64, owner: "DevPagemap | None", seq: i64
    ) -> None:
        """Forget what is known of [start, end), and set `self.seq` (mmu_interval_set_seq())."""

    def release(self, k: "Kernel", seq: i64) -> None:
        """The mm goes away: forget everything. Nobody uses it any more."""


def subscribe(notifier: MmuIntervalNotifier) -> None:
    """From now on `notifier` hears of its mm. What is being invalidated it does not know, and its
    first mmu_interval_read_begin() waits for the end of that."""
    mm = notifier.mm
    mm.subscribed = True
    notifier.seq = mm.notifier_seq if mm.notifier_active else mm.notifier_seq - 1
    mm.notifiers.append(notifier)


def mmu_interval_notifier_insert(k: "Kernel", notifier: MmuIntervalNotifier) -> None:
    """The same while others run. Before the first notifier nobody counts invalidations, so that
    one waits until none is under way."""
    mm = notifier.mm
    if not mm.subscribed:
        mmu_notifier_register(k, mm)
    k.step(sites.MMU_INTERVAL_NOTIFIER_INSERT__SEQ, mm.obj, WRITE)
    subscribe(notifier)


def mmu_notifier_register(k: "Kernel", mm: Mm) -> None:
    """Invalidations count from now on. mm_take_all_locks() keeps out whoever is inside one."""
    mmap_lock.mmap_write_lock(k, mm, sites.MMU_NOTIFIER_REGISTER__MMAP_LOCK)
    files: list[RwSem] = []
    roots: list[RwSem] = []
    for vma in mm.vmas:
        mmap_lock.vma_start_write(k, vma)
    for vma in mm.vmas:
        inode = vma.inode
        if inode is not None and inode.i_mmap_rwsem not in files:
            files.append(inode.i_mmap_rwsem)
            lock.down_write(k, sites.MM_TAKE_ALL_LOCKS__I_MMAP, inode.i_mmap_rwsem)
    for vma in mm.vmas:
        for av in vma.chain:
            root = av.root
            assert root is not None
            if root.rwsem not in roots:
                roots.append(root.rwsem)
                lock.down_write(k, sites.MM_TAKE_ALL_LOCKS__ANON_VMA, root.rwsem)
    k.step(sites.MMU_NOTIFIER_REGISTER__SEQ, mm.obj, WRITE)
    mm.subscribed = True
    for sem in roots:
        lock.up_write(k, sem)
    for sem in files:
        lock.up_write(k, sem)
    mmap_lock.mmap_write_unlock(k, mm)


def mmu_interval_notifier_remove(k: "Kernel", notifier: MmuIntervalNotifier) -> None:
    """`notifier` hears of nothing more; waits for the end of what is being invalidated."""
    mm = notifier.mm
    k.step(sites.MMU_INTERVAL_NOTIFIER_REMOVE__SEQ, mm.obj, WRITE)
    while mm.notifier_active:
        mm.notifier_waiters |= 1 << k.cur.id
        core.block(k, -1, LC_MN, mm.obj, sleeps=True)
    mm.notifiers.remove(notifier)


def mmu_notifier_release(k: "Kernel", mm: Mm) -> None:
    """exit_mmap() begins."""
    for notifier in mm.notifiers:
        notifier.release(k, mm.notifier_seq | 1)
    mm.notifier_seq = (mm.notifier_seq | 1) + 1


def mmu_notifier_invalidate_range_start(
    k: "Kernel", mm: Mm, start: i64, end: i64, event: i64, owner: "DevPagemap | None" = None
) -> None:
    """From here to the end nobody may establish new secondary translations of the range. `owner`
    is whose device memory pages migrate to or from."""
    if not mm.subscribed:
        return
    k.step(sites.MMU_NOTIFIER_INVALIDATE_RANGE_START__SEQ, mm.obj, WRITE)
    mm.notifier_active += 1
    mm.notifier_seq |= 1  # mn_itree_inv_start_range()
    seq = mm.notifier_seq
    for notifier in mm.notifiers:
        notifier.invalidate(k, start, end, event, owner, seq)


def mmu_notifier_invalidate_range_end(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """Secondary translations may be made again."""
    if not mm.subscribed:
        return
    k.step(sites.MMU_NOTIFIER_INVALIDATE_RANGE_END__SEQ, mm.obj, WRITE)
    mm.notifier_active -= 1
    if mm.notifier_active == 0:
        mm.notifier_seq += 1  # even: nothing is being invalidated
        if mm.notifier_waiters:
            mask = mm.notifier_waiters
            mm.notifier_waiters = 0
            core.wake(k, mask)


def mmu_interval_read_begin(k: "Kernel", notifier: MmuIntervalNotifier) -> i64:
    """Wait for the end of an invalidation that the notifier has taken note of; the sequence to
    check against later. One that it has not (a migration by its own device) does not concern it."""
    mm = notifier.mm
    k.step(sites.MMU_INTERVAL_READ_BEGIN__SEQ, mm.obj, READ)
    seq = notifier.seq
    while mm.notifier_seq == seq:
        mm.notifier_waiters |= 1 << k.cur.id
        core.block(k, -1, LC_MN, mm.obj, sleeps=True)
    return seq


def mmu_interval_read_retry(notifier: MmuIntervalNotifier, seq: i64) -> bool:
    """Whether an invalidation came since; the driver's lock is held."""
    return notifier.seq != seq
