# SPDX-License-Identifier: MIT
"""mm/mremap.c (7.2): shrinking, growing and moving mappings. Page tables: move_page_tables.py.

The op moves with MREMAP_MAYMOVE|MREMAP_FIXED; to its own start it has no flags and resizes
in place. A move without resize may span several VMAs (since 6.17); they keep their gaps.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import ops, sites
from simulator.build.native import final
from simulator.errno import EAGAIN, EFAULT, EINTR, EINVAL, ENOMEM
from simulator.lib.maple_tree import find_vma, find_vma_intersection, vma_lookup, vma_prev
from simulator.mm import anon_vma, gup, mmap, mmap_lock, userfaultfd, vma_merge
from simulator.mm import vma as vma_tree
from simulator.mm.mm_types import (
    VM_ACCOUNT,
    VM_LOCKED,
    VM_LOCKED_MASK,
    VM_MAYSHARE,
    VM_SHARED,
    Mm,
    Vma,
    add_locked_vm,
)
from simulator.mm.move_page_tables import PagetableMove, move_page_tables
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


@final
class VmaRemap:
    """struct vma_remap_struct. Lengths in pages; `fixed` is MREMAP_FIXED|MREMAP_MAYMOVE."""

    def __init__(
        self, start: i64, old_len: i64, new_start: i64, new_len: i64, fixed: bool, dontunmap: bool
    ) -> None:
        self.start: i64 = start
        self.old_len: i64 = old_len
        self.new_start: i64 = new_start
        self.new_len: i64 = new_len
        self.fixed: bool = fixed
        self.dontunmap: bool = dontunmap
        self.vma: Vma | None = None
        self.mmap_locked: bool = True
        self.populate_expand: bool = False  # what is locked and grows is prefaulted


def check_mremap_params(k: "Kernel", vrm: VmaRemap) -> i64:
    if vrm.new_len <= 0:
        return -EINVAL
    if not vrm.fixed:
        return 0
    if vrm.dontunmap and vrm.old_len != vrm.new_len:
        return -EINVAL
    if k.linux.remap_move and overlaps(vrm):
        return -EINVAL
    return 0


def overlaps(vrm: VmaRemap) -> bool:
    return vrm.start + vrm.old_len > vrm.new_start and vrm.new_start + vrm.new_len > vrm.start


def check_prep_vma(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """Whether `vrm.vma` allows the call; 0 or -errno, in Linux's order of checks."""
    vma = vrm.vma
    if vma is None:
        return -EFAULT
    if not vrm.fixed and vrm.new_len <= vrm.old_len:
        return 0
    old_len = vrm.old_len
    if old_len == 0 and not vma.flags & (VM_SHARED | VM_MAYSHARE):
        return -EINVAL
    if old_len > vrm.new_len:
        old_len = vrm.new_len
    if old_len > vma.end - vrm.start:
        return -EFAULT
    if old_len == vrm.new_len:
        return 0
    locked = vma.flags & VM_LOCKED != 0
    vrm.populate_expand = locked
    if not mmap.mlock_future_ok(k, mm, locked, vrm.new_len - vrm.old_len):
        return -EAGAIN
    return 0


def shrink_vma(k: "Kernel", mm: Mm, vrm: VmaRemap, drop_lock: bool) -> i64:
    err = mmap.do_vmi_munmap(k, mm, vrm.start + vrm.new_len, vrm.start + vrm.old_len, drop_lock)
    vrm.vma = None
    if err:
        return err
    if drop_lock:
        vrm.mmap_locked = False
        return 0
    vrm.vma = vma_lookup(mm, vrm.start)
    return 0 if vrm.vma is not None else -EFAULT


def expand_vma_in_place(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """Grow at the end of the VMA, if that is where the range ends and nothing is behind."""
    vma = vrm.vma
    assert vma is not None
    delta = vrm.new_len - vrm.old_len
    if (
        vma.end - vrm.start != vrm.old_len
        or vma.end + delta > k.nr_arena
        or find_vma_intersection(mm, vma.end, vma.end + delta) is not None
    ):
        return -ENOMEM
    if vma_merge.vma_merge_extend(k, vma, delta) is None:
        return -ENOMEM
    mm.total_vm += delta
    if vma.flags & VM_LOCKED:
        add_locked_vm(mm, delta, sites.EXPAND_VMA_IN_PLACE__ITSELF)
    return 0


def mremap_at(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """Resize in place."""
    if vrm.new_len < vrm.old_len:
        err = shrink_vma(k, mm, vrm, True)
    elif vrm.new_len > vrm.old_len:
        err = expand_vma_in_place(k, mm, vrm)
    else:
        err = 0
    return err if err else vrm.start


def mremap_to(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """Move to vrm.new_start; what was there is unmapped first."""
    err = mmap.do_vmi_munmap(k, mm, vrm.new_start, vrm.new_start + vrm.new_len, False)
    if err:
        return err
    # The range may have been a part of the VMA that was just split.
    vrm.vma = vma_lookup(mm, vrm.start)
    if vrm.vma is None:
        return -EFAULT
    if vrm.old_len > vrm.new_len:
        err = shrink_vma(k, mm, vrm, False)
        if err:
            return err
        vrm.old_len = vrm.new_len
    if not k.linux.remap_move:
        err = check_prep_vma(k, mm, vrm)
        if err:
            return err
    return move_vma(k, mm, vrm)


def prep_move_vma(k: "Kernel", vrm: VmaRemap, vma: Vma) -> i64:
    """MREMAP_DONTUNMAP leaves an unlocked VMA behind: of a locked one just the part that moves."""
    if not vrm.dontunmap or not vma.flags & VM_LOCKED or k.bug.mremap_dontunmap_locked_vm_partial:
        return 0
    err: i64 = 0
    end = vrm.start + vrm.old_len
    if vma.start != vrm.start:
        err = vma_tree.split_vma(k, vma, vrm.start, True)
    if not err and vma.end != end:
        err = vma_tree.split_vma(k, vma, end, False)
    return err


def move_vma(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    k.watch.data_stays(k, True)
    res = move_locked_vma(k, mm, vrm)
    k.watch.data_stays(k, False)
    return res


def move_locked_vma(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """move_vma(), which moves data and gives none up."""
    vma = vrm.vma
    assert vma is not None
    err = prep_move_vma(k, vrm, vma)
    if err:
        return err
    mmap_lock.vma_start_write(k, vma)  # no racing faults
    inside = vrm.start - vma.start
    copy = vma_merge.copy_vma(
        k,
        vma,
        vrm.new_start,
        vrm.new_start + vrm.new_len,
        vma.pgoff + inside,
        vma.anon_pgoff + inside,
        vrm.dontunmap,
    )
    if copy is None:
        return -ENOMEM
    new_vma = copy.new_vma
    vrm.vma = copy.vma
    k.watch.vma_copied(k, copy.vma, new_vma)
    pmc = PagetableMove(
        copy.vma, new_vma, vrm.start, vrm.new_start, vrm.old_len, copy.need_rmap_locks
    )
    moved = move_page_tables(k, pmc)
    if moved < vrm.old_len:
        err = -ENOMEM
        # Back again, which needs no memory; then the copy is unmapped instead.
        back = PagetableMove(new_vma, copy.vma, vrm.new_start, vrm.start, moved, True)
        back.reverts = True
        move_page_tables(k, back)
        vrm.vma = new_vma
        vrm.old_len = vrm.new_len
        vrm.start = vrm.new_start
    elif new_vma.uffd is not None:  # mremap_userfaultfd_prep()
        userfaultfd.userfaultfd_reset_ctx(k, new_vma)
    stays = vrm.dontunmap and not err
    late = k.bug.mremap_dontunmap_locked_vm_partial  # counts the copy while the source is locked
    if stays and not late:
        dontunmap_complete(k, vrm, copy)
    mm.total_vm += vrm.new_len
    if vrm.vma.flags & VM_LOCKED:
        add_locked_vm(mm, vrm.new_len, sites.MOVE_VMA__ITSELF)
    if stays and late:
        dontunmap_complete(k, vrm, copy)
    if err or not vrm.dontunmap:
        unmap_source_vma(k, mm, vrm)
    return err if err else vrm.new_start


def dontunmap_complete(k: "Kernel", vrm: VmaRemap, copy: vma_merge.VmaCopy) -> None:
    """The source stays, empty and unlocked; its count goes over to the copy. As a whole VMA it no
    longer needs its anon_vmas."""
    vma = copy.vma
    vma.flags &= ~VM_LOCKED_MASK
    if copy.new_vma is not vma and vrm.start == vma.start and vrm.start + vrm.old_len == vma.end:
        anon_vma.unlink_anon_vmas(k, vma)
        if k.linux.anon_pgoff:
            vma.anon_pgoff = vma.start
        if k.linux.dontunmap_keeps_source and vma.inode is None:
            vma.pgoff = vma.start
            vma.anon_pgoff = vma.start


def unmap_source_vma(k: "Kernel", mm: Mm, vrm: VmaRemap) -> None:
    """What makes the copy a move. VM_ACCOUNT is hidden meanwhile: the pages stay charged."""
    vma = vrm.vma
    assert vma is not None
    start = vrm.start
    end = vrm.start + vrm.old_len
    vma_start = vma.start
    vma_end = vma.end
    accountable = vma.flags & VM_ACCOUNT != 0 and not vrm.dontunmap
    if accountable:
        mmap_lock.vma_start_write(k, vma)
        vma.flags &= ~VM_ACCOUNT
    err = mmap.do_vmi_munmap(k, mm, start, end, False)
    vrm.vma = None
    if err or not accountable:
        return
    if vma_start < start:
        restore_account(k, vma_prev(mm, start))
    if vma_end > end:
        restore_account(k, find_vma(mm, start))


def restore_account(k: "Kernel", vma: Vma | None) -> None:
    if vma is not None:
        mmap_lock.vma_start_write(k, vma)
        k.step(sites.UNMAP_SOURCE_VMA__SET_ACCOUNT, vma.obj, WRITE)
        vma.flags |= VM_ACCOUNT


def remap_move(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """Move every VMA of the range, one by one; the first hole may not be at its start."""
    start = vrm.start
    end = vrm.start + vrm.old_len
    target = vrm.new_start
    res: i64 = -EFAULT
    seen = False
    last_end: i64 = 0
    vma = find_vma_intersection(mm, start, end)
    while vma is not None:
        if not seen and start < vma.start:
            return -EFAULT
        va = max(vma.start, start)
        offset = vma.start - last_end if seen else 0
        last_end = vma.end
        vrm.vma = vma
        vrm.start = va
        if vma.uffd is not None and (seen or vma.end < end):  # vma_multi_allowed()
            return -EFAULT
        vrm.new_start = target + offset
        vrm.old_len = min(end, vma.end) - va
        vrm.new_len = vrm.old_len
        moved = check_prep_vma(k, mm, vrm)
        if moved == 0:
            moved = mremap_to(k, mm, vrm)
        if moved < 0:
            return moved
        if not seen:
            res = moved
        seen = True
        target = moved + vrm.new_len
        if last_end >= end:  # the VMA may have grown over its copy: the iterator is past it
            break
        vma = find_vma_intersection(mm, last_end, end)
    return res


def move_one(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """A move before 6.17: of one VMA, and mremap_to() unmaps before it checks the rest."""
    if vma_lookup(mm, vrm.start) is None:
        return -EFAULT
    if overlaps(vrm):
        return -EINVAL
    return mremap_to(k, mm, vrm)


def do_mremap(
    k: "Kernel", mm: Mm, start: i64, end: i64, new_start: i64, new_end: i64, flags: i64
) -> i64:
    """mremap(); the new first page or -errno."""
    assert flags & ~ops.MREMAP_DONTUNMAP == 0
    dontunmap = flags & ops.MREMAP_DONTUNMAP != 0
    fixed = new_start != start or dontunmap
    vrm = VmaRemap(start, end - start, new_start, new_end - new_start, fixed, dontunmap)
    err = check_mremap_params(k, vrm)
    if err:
        return err
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.DO_MREMAP__LOCK):
        return -EINTR
    if fixed and not k.linux.remap_move:
        res = move_one(k, mm, vrm)
    elif fixed and vrm.old_len == vrm.new_len:
        res = remap_move(k, mm, vrm)
    else:
        vrm.vma = vma_lookup(mm, start)
        res = check_prep_vma(k, mm, vrm)
        if res == 0:
            res = mremap_to(k, mm, vrm) if fixed else mremap_at(k, mm, vrm)
    if vrm.mmap_locked:
        mmap_lock.mmap_write_unlock(k, mm)
    if res >= 0 and vrm.populate_expand:
        gup.mm_populate(k, mm, new_start + vrm.old_len, new_end, True)
    if res >= 0:
        k.watch.own_call_returns(k, mm, start, end, "mremap")
        if fixed:
            k.watch.call_returns(k, mm, new_start, new_end, "mremap")
    return res
