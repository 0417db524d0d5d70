# SPDX-License-Identifier: MIT
"""Pages that a device has for itself: how drivers ask for them, and atomic operations of devices.

DEVICE asks as lib/test_hmm.c (7.2), DEVICE1 as nouveau
(drivers/gpu/drm/nouveau/nouveau_svm.c): in a loop, with mmap_lock for each round, until no
invalidation has come meanwhile. What comes before the page is its own does not count for either:
the split of a huge page, and the fault that takes the page back from who had it. Notifiers of
those name no owner.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.drivers.dmirror import Dmirror, do_access, opened
from simulator.errno import EBADF, EBUSY, EFAULT, EINVAL
from simulator.kernel import exit as kernel_exit
from simulator.mm import mmap_lock, mmu_notifier
from simulator.mm.exclusive_range import make_device_exclusive_range
from simulator.mm.make_device_exclusive import make_device_exclusive, unlock_exclusive
from simulator.mm.pgtable import pfn_to_page
from simulator.sched.lock import mutex_lock, mutex_unlock
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def device_exclusive(k: "Kernel", t: Task, start: i64, end: i64) -> i64:
    """The device alone has the pages of [start, end), until a CPU touches them. 0, or the errno of
    the first that it cannot have, before 6.15 -EBUSY."""
    d = opened(t)
    if d is None:
        return -EBADF
    mm = d.mm
    if mm.users == 0:
        return -EINVAL
    kernel_exit.mmget(k, mm)
    ret: i64 = 0
    if d.is_nouveau:
        va = start
        while va < end and ret == 0:
            ret = nouveau_atomic_range_fault(k, d, va)
            va += 1
    else:
        mmap_lock.mmap_read_lock(k, mm, sites.DMIRROR_EXCLUSIVE__MMAP_LOCK)
        va = start
        while va < end and ret == 0:
            ret = make_exclusive(k, d, va)
            va += 1
        mmap_lock.mmap_read_unlock(k, mm)
    kernel_exit.mmput(k, mm)
    return ret


def make_exclusive(k: "Kernel", d: Dmirror, va: i64) -> i64:
    """dmirror_exclusive() of one page, mapped unless it was taken away since: a zap does not wait
    for the folio lock, and its invalidation would never be seen again. test_hmm looks at
    nothing."""
    d.wanted = va
    while True:
        mmu_notifier.mmu_interval_read_begin(k, d)
        pfn = get_exclusive(k, d, va)
        if pfn < 0:
            return pfn
        mutex_lock(k, sites.DMIRROR_ATOMIC_MAP__LOCK, d.mutex)
        valid = d.invalidations == d.exclusive_since
        if valid:
            atomic_map(k, d, va, pfn)
        mutex_unlock(k, d.mutex)
        unlock_exclusive(k, pfn_to_page(k, pfn))
        if valid:
            return 0
        k.sometimes(features.Z_HMM_RETRY)
        k.retry(sites.DMIRROR_ATOMIC_MAP__LOCK)


def get_exclusive(k: "Kernel", d: Dmirror, va: i64) -> i64:
    """make_device_exclusive(), or what there was before 6.15, of one page."""
    if not k.linux.exclusive_range and not k.bug.devexcl_subpage_range_mismatch:
        return make_device_exclusive(k, d.mm, va, d.devmem)
    pfns = make_device_exclusive_range(k, d.mm, va, va + 1, d.devmem)
    return pfns[0] if pfns and pfns[0] >= 0 else -EBUSY


def nouveau_atomic_range_fault(k: "Kernel", d: Dmirror, va: i64) -> i64:
    """One page, tried again until nothing was invalidated since it was the device's."""
    mm = d.mm
    d.wanted = va
    while True:
        seq = mmu_notifier.mmu_interval_read_begin(k, d)
        mmap_lock.mmap_read_lock(k, mm, sites.NOUVEAU_ATOMIC_RANGE_FAULT__MMAP_LOCK)
        pfn = get_exclusive(k, d, va)
        mmap_lock.mmap_read_unlock(k, mm)
        if pfn < 0:
            return pfn
        mutex_lock(k, sites.NOUVEAU_ATOMIC_RANGE_FAULT__LOCK, d.mutex)
        valid = d.invalidations == d.exclusive_since
        if k.bug.devexcl_split_notifier_owner_livelock:
            valid = not mmu_notifier.mmu_interval_read_retry(d, seq)
        if valid:
            atomic_map(k, d, va, pfn)
        mutex_unlock(k, d.mutex)
        unlock_exclusive(k, pfn_to_page(k, pfn))
        if valid:
            return 0
        k.sometimes(features.Z_HMM_RETRY)
        k.retry(sites.NOUVEAU_ATOMIC_RANGE_FAULT__LOCK)


def atomic_map(k: "Kernel", d: Dmirror, va: i64, pfn: i64) -> None:
    """The device maps the page for itself; its mutex is held."""
    d.pt[va] = pfn << 1 | 1
    d.atomic[va] = 1
    k.watch.device_made_exclusive(k, d.mm, va, pfn_to_page(k, pfn))


def device_atomic(k: "Kernel", t: Task, word: i64) -> i64:
    """An atomic operation of the device: 0, or -EFAULT if it has no exclusive access (any more)."""
    d = opened(t)
    if d is None:
        return -EBADF
    va = word >> 2
    mutex_lock(k, sites.DMIRROR_ACCESS__LOCK, d.mutex)
    result: i64 = -EFAULT
    if d.atomic[va]:
        result = do_access(k, d.mm, va, word & 3, d.pt[va], True)
    mutex_unlock(k, d.mutex)
    return result
