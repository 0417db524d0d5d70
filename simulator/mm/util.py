# SPDX-License-Identifier: MIT
"""mm/util.c (7.2): mmap() as a call, which may prefault what it has mapped."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import ops, sites
from simulator.errno import EINTR, EINVAL
from simulator.mm import gup, mmap, mmap_lock
from simulator.mm.mm_types import VM_LOCKED, Inode, Mm
from simulator.mm.mmap import backing_file
from simulator.outcome import SKIPPED

if TYPE_CHECKING:
    from simulator.state import Kernel


def vm_mmap_pgoff(
    k: "Kernel",
    mm: Mm,
    start: i64,
    end: i64,
    prot: i64,
    sharing: i64,
    backing: i64,
    offset: i64,
    flags: i64,
) -> i64:
    """mmap() at a fixed place; the first page, or -errno. `flags` are ops.MMAP_*."""
    assert sharing <= 1
    inode: Inode | None = None
    if backing:
        inode = backing_file(k, backing)
        if inode is None:
            return SKIPPED
    if end <= start:
        return -EINVAL
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.VM_MMAP_PGOFF__LOCK):
        return -EINTR
    ret = mmap.do_mmap(k, mm, start, end, prot, sharing != 0, inode, offset, flags)
    locked = flags & ops.MMAP_LOCKED != 0 or mm.def_flags & VM_LOCKED != 0
    mmap_lock.mmap_write_unlock(k, mm)
    if ret < 0:
        return ret
    if locked or flags & ops.MMAP_POPULATE:
        gup.mm_populate(k, mm, start, end, True)
    k.watch.call_returns(k, mm, start, end, "mmap")
    return start
