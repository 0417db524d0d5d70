# SPDX-License-Identifier: MIT
"""mmap(), munmap() and stack growth: mm/mmap.c (7.2), and the half of mm/vma.c about unmapping.

Both gather the VMAs of the range first (split, write-locked, detached) and free page tables
and pages after. munmap() downgrades mmap_lock for that, which is safe because nothing can
move into the range: stacks grow only under mmap_lock held for write.

Not modelled: RLIMIT_AS and overcommit (accounting never fails), hugetlb, seals, and the lowest
address that stacks may reach.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites, tables
from simulator.build.native import final
from simulator.errno import EAGAIN, EEXIST, EFAULT, EINTR, EINVAL, ENOMEM
from simulator.lib.maple_tree import find_vma, find_vma_intersection, vma_index, vma_prev
from simulator.mm import (
    anon_vma,
    mmap_lock,
    mmu_gather,
    mmu_notifier,
    shmem,
    vma_file,
    vma_merge,
    zap,
)
from simulator.mm import vma as vma_tree
from simulator.mm.mm_types import (
    VM_ACCESS_FLAGS,
    VM_ACCOUNT,
    VM_DONTDUMP,
    VM_DROPPABLE,
    VM_GROWSDOWN,
    VM_LOCKED,
    VM_LOCKED_MASK,
    VM_MAYEXEC,
    VM_MAYREAD,
    VM_MAYSHARE,
    VM_MAYWRITE,
    VM_NORESERVE,
    VM_READ,
    VM_SHARED,
    VM_SOFTDIRTY,
    VM_WIPEONFORK,
    VM_WRITE,
    Inode,
    Mm,
    Vma,
    add_locked_vm,
)
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

# What mmap() has a branch for.
_FLAGS: Final = (
    ops.MMAP_NOREPLACE,
    ops.MMAP_GROWSDOWN,
    ops.MMAP_POPULATE,
    ops.MMAP_NORESERVE,
    ops.MMAP_DROPPABLE,
    ops.MMAP_LOCKED,
)
tables.complete("mm/mmap.py: _FLAGS", "flag", tables.by_bit(ops.MMAP_FLAGS), _FLAGS)
RLIMIT_STACK_PAGES: Final = 2048  # 8 MiB, the default
RLIMIT_MEMLOCK_PAGES: Final = 2048  # so is this; nobody has CAP_IPC_LOCK
MEMLOCK_TABLES: Final = 4  # worth of pages that small machines may lock, so that the limit is met


# --- munmap ----------------------------------------------------------------------------------


@final
class VmaMunmap:
    """struct vma_munmap_struct: VMAs on their way out. `floor` and `ceiling` are the ends of
    the neighbours, between which page tables may go."""

    def __init__(self, start: i64, end: i64, unlock: bool) -> None:
        self.start: i64 = start
        self.end: i64 = end
        self.unlock: bool = unlock
        self.detached: list[Vma] = []
        self.prev: Vma | None = None
        self.next: Vma | None = None
        self.floor: i64 = 0
        self.ceiling: i64 = 0
        self.nr_pages: i64 = 0
        self.nr_accounted: i64 = 0
        self.locked_vm: i64 = 0
        self.clear_ptes: bool = False


def vms_gather_munmap_vmas(k: "Kernel", mm: Mm, vms: VmaMunmap, first: Vma) -> i64:
    """Split at the ends, write-lock and detach what lies between. On failure everything is
    attached again (splits stay)."""
    if vms.start > first.start:
        err = vma_tree.split_vma(k, first, vms.start, True)
        if err:
            return err
    i = vma_index(mm, vms.start)
    if i:
        vms.prev = mm.vmas[i - 1]
        vms.floor = vms.prev.end
    while i < len(mm.vmas) and mm.vmas[i].start < vms.end:
        vma = mm.vmas[i]
        if vma.end > vms.end:
            err = vma_tree.split_vma(k, vma, vms.end, False)
            if err:
                reattach_vmas(k, vms)
                return err
        mmap_lock.vma_start_write(k, vma)
        vms.detached.append(vma)
        mmap_lock.vma_mark_detached(k, vma)
        vms.nr_pages += vma.end - vma.start
        if vma.flags & VM_ACCOUNT:
            vms.nr_accounted += vma.end - vma.start
        if vma.flags & VM_LOCKED:
            vms.locked_vm += vma.end - vma.start
        i += 1
    if i < len(mm.vmas):
        vms.next = mm.vmas[i]
        vms.ceiling = vms.next.start
    vms.clear_ptes = True
    return 0


def reattach_vmas(k: "Kernel", vms: VmaMunmap) -> None:
    for vma in vms.detached:
        mmap_lock.vma_mark_attached(k, vma)
    vms.detached = []


def vms_clear_ptes(k: "Kernel", mm: Mm, vms: VmaMunmap) -> None:
    if vms.clear_ptes:
        unmap_region(k, mm, vms.detached, vms.start, vms.end, vms.floor, vms.ceiling)
        vms.clear_ptes = False


def unmap_region(
    k: "Kernel", mm: Mm, vmas: list[Vma], start: i64, end: i64, floor: i64, ceiling: i64
) -> None:
    """Clear the entries, unlink the VMAs from rmap, free page tables and pages."""
    tlb = mmu_gather.tlb_gather_mmu(k, mm)
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, start, end, mmu_notifier.MMU_NOTIFY_UNMAP
    )
    for vma in vmas:
        zap.unmap_single_vma(k, tlb, vma, start, end, zap.ZAP_FLAG_DROP_MARKER)
        k.watch.vma_unmapped(k, vma)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    zap.free_pgtables(k, tlb, mm, vmas, floor, ceiling, False)
    mmu_gather.tlb_finish_mmu(k, tlb)


def vms_complete_munmap_vmas(k: "Kernel", mm: Mm, vms: VmaMunmap) -> None:
    """The tree does not know the VMAs any more: free what they map, then themselves."""
    if vms.unlock:
        mm.unmapping_start = vms.start
        mm.unmapping_end = vms.end
        mmap_lock.mmap_write_downgrade(k, mm)
    if vms.nr_pages == 0:
        return
    vms_clear_ptes(k, mm, vms)
    mm.total_vm -= vms.nr_pages
    if vms.locked_vm:
        add_locked_vm(mm, -vms.locked_vm, sites.VMS_COMPLETE_MUNMAP_VMAS__ITSELF)
    for vma in vms.detached:
        vma_tree.remove_vma(k, vma)
    if vms.unlock:
        k.watch.vmas_changed(k, mm)
        mm.unmapping_end = 0
        mmap_lock.mmap_read_unlock(k, mm)


def do_vmi_munmap(k: "Kernel", mm: Mm, start: i64, end: i64, unlock: bool) -> i64:
    """Unmap [start, end) with mmap_lock held for write; on success `unlock` drops it."""
    if end <= start:
        return -EINVAL
    first = find_vma_intersection(mm, start, end)
    if first is None:
        if unlock:
            mmap_lock.mmap_write_unlock(k, mm)
        return 0
    vms = VmaMunmap(start, end, unlock)
    err = vms_gather_munmap_vmas(k, mm, vms, first)
    if err:
        return err
    vma_tree.vma_iter_clear(k, mm, start, end)
    vms_complete_munmap_vmas(k, mm, vms)
    return 0


def do_munmap(k: "Kernel", mm: Mm, start: i64, end: i64) -> i64:
    """munmap()."""
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.VM_MUNMAP__LOCK):
        return -EINTR
    ret = do_vmi_munmap(k, mm, start, end, True)
    if ret:
        mmap_lock.mmap_write_unlock(k, mm)
        return ret
    k.watch.call_returns(k, mm, start, end, "munmap")
    return 0


# --- mmap ------------------------------------------------------------------------------------


def backing_file(k: "Kernel", backing: i64) -> Inode | None:
    """The file of a BACKING argument that is not anonymous; None when it is not open."""
    if backing < ops.FIRST_OTHER_FILE:
        inode = k.inodes[backing - 1]
        return inode if inode.live else None
    return shmem.other_file(k, backing - ops.FIRST_OTHER_FILE)


def do_mmap(
    k: "Kernel",
    mm: Mm,
    start: i64,
    end: i64,
    prot: i64,
    shared: bool,
    inode: Inode | None,
    pgoff: i64,
    flags: i64,
) -> i64:
    """mm/mmap.c:do_mmap(): from the arguments to the VMA's flags."""
    assert prot <= VM_ACCESS_FLAGS
    assert flags >> len(_FLAGS) == 0
    vm_flags = (prot & VM_ACCESS_FLAGS) | mm.def_flags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC
    if flags & ops.MMAP_GROWSDOWN:
        vm_flags |= VM_GROWSDOWN
    if flags & ops.MMAP_LOCKED:
        vm_flags |= VM_LOCKED
    if flags & ops.MMAP_NOREPLACE and find_vma_intersection(mm, start, end) is not None:
        return -EEXIST
    if not mlock_future_ok(k, mm, vm_flags & VM_LOCKED != 0, end - start):
        return -EAGAIN
    if flags & ops.MMAP_DROPPABLE and (shared or not k.linux.map_droppable):
        return -EINVAL  # MAP_DROPPABLE is a map type of its own
    if inode is not None:
        if flags & ops.MMAP_DROPPABLE or vm_flags & VM_GROWSDOWN:
            return -EINVAL
        if shared:
            vm_flags |= VM_SHARED | VM_MAYSHARE
    elif shared:
        if vm_flags & VM_GROWSDOWN:
            return -EINVAL
        pgoff = 0
        vm_flags |= VM_SHARED | VM_MAYSHARE
    else:
        if flags & ops.MMAP_DROPPABLE:
            if vm_flags & VM_GROWSDOWN or flags & ops.MMAP_LOCKED:
                return -EINVAL
            vm_flags |= VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP
        pgoff = start
    if flags & ops.MMAP_NORESERVE:
        vm_flags |= VM_NORESERVE
    return mmap_region(k, mm, start, end, vm_flags, pgoff, inode)


def rlimit_memlock(k: "Kernel") -> i64:
    """Pages that an mm may lock."""
    return min(i64(RLIMIT_MEMLOCK_PAGES), MEMLOCK_TABLES * k.ptrs_per_pte)


def mlock_future_ok(k: "Kernel", mm: Mm, locked: bool, pages: i64) -> bool:
    """Whether there may be so many pages more, if they are to be locked."""
    return not locked or mm.locked_vm + pages <= rlimit_memlock(k)


def vma_supports_mlock(vma: Vma) -> bool:
    return vma.flags & VM_DROPPABLE == 0


def accountable_mapping(flags: i64) -> bool:
    return flags & (VM_NORESERVE | VM_SHARED | VM_WRITE) == VM_WRITE


def mmap_region(
    k: "Kernel", mm: Mm, start: i64, end: i64, flags: i64, pgoff: i64, inode: Inode | None
) -> i64:
    """Replace whatever is at [start, end) by one mapping; mmap_lock is held for write."""
    mmap_lock.mmap_assert_write_locked(k, mm)
    anon_pgoff = start if k.linux.anon_pgoff else pgoff
    vms = VmaMunmap(start, end, False)
    first = find_vma_intersection(mm, start, end)
    if first is not None:
        err = vms_gather_munmap_vmas(k, mm, vms, first)
        if err:
            return err
    else:
        vms.prev = vma_prev(mm, start)
        vms.next = find_vma(mm, start)
    if accountable_mapping(flags):
        flags |= VM_ACCOUNT
    # Entries go while the old VMAs are still in the tree, where rmap may look for them.
    if vms.nr_pages:
        vms_clear_ptes(k, mm, vms)
    prepared: Inode | None = None
    if inode is None and flags & VM_SHARED and k.bug.mmap_error_path_leaks_prepared_file:
        prepared = mmap_prepare(k, end - start)
    vma: Vma | None = None
    if vms.prev is not None or vms.next is not None:
        vmg = vma_merge.VmaMerge(mm, start, end, flags, pgoff, anon_pgoff)
        vmg.inode = inode
        vmg.prev = vms.prev
        vmg.next = vms.next
        if not k.linux.mmap_merges_left_first:
            vma_merge.prefer_next(k, vmg)
        vma = vma_merge.vma_merge_new_range(k, vmg)
    if vma is None:
        vma = mmap_new_vma(k, mm, start, end, flags, pgoff, anon_pgoff, inode, prepared)
        if vma is None:
            vms_abort_munmap_vmas(k, mm, vms)
            return -ENOMEM
    # Finish: free the old VMAs, then what a new or grown VMA always gets.
    vms_complete_munmap_vmas(k, mm, vms)
    mm.total_vm += end - start
    k.step(sites.MMAP_REGION__SET_FLAGS, vma.obj, WRITE)
    vma.flags |= VM_SOFTDIRTY
    if k.bug.mmap_vma_visible_before_locked:
        vma.flags = flags | VM_SOFTDIRTY
    if vma.flags & VM_LOCKED:
        if vma_supports_mlock(vma):
            add_locked_vm(mm, end - start, sites.MMAP_REGION__SET_FLAGS)
        else:
            vma.flags &= ~VM_LOCKED_MASK
    k.watch.vma_flags_set(k, mm, vma, start, end)
    return 0


def mmap_prepare(k: "Kernel", pages: i64) -> Inode | None:
    """Known bug mmap-error-path-leaks-prepared-file: the file comes before the VMA that takes it,
    as that of a shared mapping of /dev/zero does (mmap_zero_prepare()), which the model lacks."""
    inode = shmem.shmem_zero_setup(k, pages)
    if inode is not None:
        inode.opened_at = sites.MMAP_REGION__SET_FLAGS
    return inode


def mmap_new_vma(
    k: "Kernel",
    mm: Mm,
    start: i64,
    end: i64,
    flags: i64,
    pgoff: i64,
    anon_pgoff: i64,
    inode: Inode | None,
    prepared: Inode | None,
) -> Vma | None:
    """Allocate, lock and insert a VMA, in this order: lockless readers find it at once. It takes
    over `prepared`, the file that it shall have anyway."""
    vma = vma_tree.vm_area_alloc(k, mm)
    if vma is None:
        return None
    vma_tree.vma_set_range(vma, start, end, pgoff, anon_pgoff)
    vma.flags = flags
    if inode is not None:
        vma_file.get_file(inode)
        vma.inode = inode
    elif flags & VM_SHARED:
        vma.inode = prepared or shmem.shmem_zero_setup(k, end - start)
        if vma.inode is None:
            vma_tree.vm_area_free(k, vma)
            return None
    if k.bug.mmap_vma_visible_before_locked:
        insert_unlocked(k, mm, vma)
    else:
        mmap_lock.vma_start_write(k, vma)
        vma_tree.vma_iter_store_new(k, mm, vma)
    vma_file.vma_link_file(k, vma)
    return vma


def insert_unlocked(k: "Kernel", mm: Mm, vma: Vma) -> None:
    """Known bug mmap-vma-visible-before-locked: in the tree, open to readers, and with the
    mm's default protection until mmap_region() sets the flags that were asked for."""
    vma.flags |= VM_READ | VM_WRITE
    vma_tree.vma_iter_store_new(k, mm, vma)


def vms_abort_munmap_vmas(k: "Kernel", mm: Mm, vms: VmaMunmap) -> None:
    """A MAP_FIXED mapping failed after the old one was cleared: a gap stays."""
    if vms.nr_pages == 0:
        return
    vma_tree.vma_iter_clear(k, mm, vms.start, vms.end)
    vms_complete_munmap_vmas(k, mm, vms)


# --- stacks ----------------------------------------------------------------------------------


def expand_downwards(k: "Kernel", vma: Vma, va: i64) -> i64:
    """Let `vma` begin at `va`, below its start; 0 or -errno."""
    mm = vma.mm
    assert mm is not None
    if not vma.flags & VM_GROWSDOWN:
        return -EFAULT
    if not k.bug.expand_stack_vs_munmap_downgrade:
        mmap_lock.mmap_assert_write_locked(k, mm)
    prev = vma_prev(mm, vma.start)
    if (
        prev is not None
        and not prev.flags & VM_GROWSDOWN
        and prev.flags & VM_ACCESS_FLAGS
        and va - prev.end < k.stack_gap
    ):
        k.sometimes(features.Z_STACK_GAP_REFUSED)
        return -ENOMEM
    if anon_vma.anon_vma_prepare(k, vma):
        return -ENOMEM
    if not k.bug.expand_stack_vs_munmap_downgrade:
        mmap_lock.vma_start_write(k, vma)
    av = vma.anon_vma
    assert av is not None
    anon_vma.anon_vma_lock_write(k, av, sites.EXPAND_DOWNWARDS__ANON_VMA_LOCK)
    err: i64 = 0
    if va < vma.start:
        grow = vma.start - va
        locked = vma.flags & VM_LOCKED != 0
        if vma.end - va > RLIMIT_STACK_PAGES or not mlock_future_ok(k, mm, locked, grow):
            err = -ENOMEM
        else:
            mm.total_vm += grow
            if locked:
                add_locked_vm(mm, grow, sites.EXPAND_DOWNWARDS__SET_START)
            k.step(sites.EXPAND_DOWNWARDS__SET_START, mm.obj, WRITE)
            anon_vma.pre_update_vma(vma)
            vma.start = va
            vma_tree.vma_add_pgoff(vma, -grow)
            anon_vma.post_update_vma(vma)
            k.watch.stack_grown(k, mm, vma)
            k.sometimes(features.Z_STACK_GROWN)
            if k.tracing:
                k.note(f"stack grows down to page {va}")
    anon_vma.anon_vma_unlock_write(k, av)
    return err


def expand_stack(k: "Kernel", mm: Mm, va: i64) -> Vma | None:
    """Make a stack hold `va`. Called with mmap_lock held for read, which it drops; it is held
    for read again when a VMA is returned."""
    mmap_lock.mmap_read_unlock(k, mm)
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.EXPAND_STACK__LOCK):
        return None
    vma = find_vma(mm, va)
    if vma is not None and (vma.start <= va or not expand_downwards(k, vma, va)):
        mmap_lock.mmap_write_downgrade(k, mm)
        return vma
    mmap_lock.mmap_write_unlock(k, mm)
    return None
