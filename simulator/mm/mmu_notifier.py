# SPDX-License-Identifier: MIT
"""mm/mmu_notifier.c: telling secondary MMUs that CPU translations are about to change.

A driver that mirrors an mm inserts an interval notifier, here always over the whole arena; its
methods are Linux's `mmu_interval_notifier_ops`. The collision-retry protocol of
mmu_interval_read_begin() / mmu_interval_read_retry() is Linux's.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.build.native import vec
from simulator.lock_classes import LC_MN
from simulator.mm.mm_types import Mm
from simulator.sched import core
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
        self.seq: i64 = mm.notifier_seq - 1
        self.atomic: Final[vec[i64]] = vec[i64]([0] * pages)  # 1: no CPU has the page
        self.pt: vec[i64] = vec[i64]([EMPTY] * pages)

    def invalidate(
        self, k: "Kernel", start: i64, end: i64, event: i64, owner: "DevPagemap | None", seq: i64
    ) -> None:
        """Forget what is known of [start, end), and set `self.seq` (mmu_interval_set_seq())."""

    def release(self, k: "Kernel", seq: i64) -> None:
        """The mm goes away: forget everything. Nobody uses it any more."""


def mmu_interval_notifier_insert(notifier: MmuIntervalNotifier) -> None:
    """From now on `notifier` hears of its mm."""
    notifier.mm.notifiers.append(notifier)


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
    if not mm.notifiers:
        return
    k.step(sites.MMU_NOTIFIER_INVALIDATE_RANGE_START__SEQ, mm.obj, WRITE)
    mm.notifier_active += 1
    mm.notifier_seq |= 1  # mn_itree_inv_start_range()
    seq = mm.notifier_seq
    for notifier in mm.notifiers:
        notifier.invalidate(k, start, end, event, owner, seq)


def mmu_notifier_invalidate_range_end(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """Secondary translations may be made again."""
    if not mm.notifiers or mm.notifier_active == 0:
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
