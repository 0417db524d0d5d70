# SPDX-License-Identifier: MIT
"""mm/mmu_notifier.c: telling secondary MMUs that CPU translations are about to change.

One interval notifier a mm, the device's, over the whole arena. The collision-retry protocol
of mmu_interval_read_begin() / mmu_interval_read_retry() is Linux's.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.mm.mm_types import LC_MN, Mm
from simulator.sched import core
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

MMU_NOTIFY_UNMAP: Final = 0
MMU_NOTIFY_CLEAR: Final = 1
MMU_NOTIFY_PROTECTION_VMA: Final = 2
MMU_NOTIFY_PROTECTION_PAGE: Final = 3
MMU_NOTIFY_SOFT_DIRTY: Final = 4
MMU_NOTIFY_RELEASE: Final = 5
MMU_NOTIFY_MIGRATE: Final = 6  # always with the device as owner: it skips its own pages


def mmu_notifier_invalidate_range_start(
    k: "Kernel", mm: Mm, start: i64, end: i64, event: i64
) -> None:
    """From here to the end nobody may establish new secondary translations of the range."""
    if k.dmirror.mm is not mm:
        return
    k.step(sites.MMU_NOTIFIER_INVALIDATE_RANGE_START__SEQ, mm.obj, WRITE)
    mm.notifier_active += 1
    dmirror.interval_invalidate(k, start, end, event)


def mmu_notifier_invalidate_range_end(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """Secondary translations may be made again."""
    if k.dmirror.mm is not mm or mm.notifier_active == 0:
        return
    k.step(sites.MMU_NOTIFIER_INVALIDATE_RANGE_END__SEQ, mm.obj, WRITE)
    mm.notifier_active -= 1
    if mm.notifier_active == 0:
        if mm.notifier_waiters:
            mask = mm.notifier_waiters
            mm.notifier_waiters = 0
            core.wake(k, mask)


def interval_read_begin(k: "Kernel", mm: Mm) -> i64:
    """Wait for invalidations in progress; the sequence to check against later."""
    k.step(sites.MMU_INTERVAL_READ_BEGIN__SEQ, mm.obj, READ)
    while mm.notifier_active:
        mm.notifier_waiters |= 1 << k.cur.id
        core.block(k, -1, LC_MN, sleeps=True)
    return k.dmirror.seq


def interval_read_retry(k: "Kernel", seq: i64) -> bool:
    """Whether an invalidation came since; the driver's lock is held."""
    return k.dmirror.seq != seq


from simulator.drivers import dmirror  # noqa: E402
