# SPDX-License-Identifier: MIT
"""mm/vma.c (7.2): when VMAs become one, and copying one for mremap().

A merge is decided from attributes, offsets and anon_vmas first (`can_vma_merge_*`), and
carried out by `commit_merge`, which fails before anything has changed or not at all.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.build.native import final
from simulator.errno import ENOMEM
from simulator.lib.maple_tree import find_vma, vma_prev
from simulator.mm import anon_vma, mmap_lock, vma_file
from simulator.mm.mm_types import (
    VM_MAYWRITE,
    VM_SHARED,
    VM_STICKY,
    AnonVma,
    Inode,
    Mm,
    UserfaultfdCtx,
    Vma,
)
from simulator.mm.split_huge_pmd import vma_adjust_trans_huge
from simulator.mm.vma import (
    VmaPrepare,
    split_vma,
    vm_area_dup,
    vm_area_free,
    vma_add_pgoff,
    vma_complete,
    vma_iter_store,
    vma_link,
    vma_prepare,
    vma_set_range,
)
from simulator.objects import OBJ_NONE
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

# enum vma_merge_state
MERGE_START: Final = 0
MERGE_NOMERGE: Final = 1
MERGE_SUCCESS: Final = 2
MERGE_NOMEM: Final = 3


# --- merging ---------------------------------------------------------------------------------


@final
class VmaMerge:
    """struct vma_merge_struct: a range with attributes, and where it could go."""

    def __init__(
        self, mm: Mm, start: i64, end: i64, flags: i64, pgoff: i64, anon_pgoff: i64
    ) -> None:
        self.mm: Mm = mm
        self.start: i64 = start
        self.end: i64 = end
        self.flags: i64 = flags
        self.pgoff: i64 = pgoff
        self.anon_pgoff: i64 = anon_pgoff
        self.inode: Inode | None = None
        self.anon_vma: AnonVma | None = None
        self.uffd: UserfaultfdCtx | None = None
        self.give_up_on_oom: bool = False  # a merge that fails is none
        self.prev: Vma | None = None
        self.middle: Vma | None = None
        self.next: Vma | None = None
        self.target: Vma | None = None
        self.copied_from: Vma | None = None
        self.remove_middle: bool = False
        self.remove_next: bool = False
        self.adjust_middle_start: bool = False
        self.adjust_next_start: bool = False
        self.state: i64 = MERGE_START


def vma_merge_of(vma: Vma, prev: Vma | None, start: i64, end: i64) -> VmaMerge:
    """VMG_VMA_STATE(): a part of an existing VMA, with its attributes."""
    mm = vma.mm
    assert mm is not None
    inside = start - vma.start
    vmg = VmaMerge(mm, start, end, vma.flags, vma.pgoff + inside, vma.anon_pgoff + inside)
    vmg.prev = prev
    vmg.middle = vma
    vmg.inode = vma.inode
    vmg.anon_vma = vma.anon_vma
    vmg.uffd = vma.uffd
    return vmg


def vma_is_fork_child(vma: Vma | None) -> bool:
    """Linked to more than one anon_vma: it came through a fork, or merged with one that did.
    Such VMAs do not spread, for the sake of the root's lock."""
    return vma is not None and vma.anon_vma is not None and len(vma.chain) != 1


def is_mergeable_vma(vmg: VmaMerge, vma: Vma) -> bool:
    return (
        not (vma.flags ^ vmg.flags) & ~VM_STICKY and vma.inode is vmg.inode and vma.uffd is vmg.uffd
    )


def sticky(k: "Kernel", flags: i64) -> i64:
    """Those of the flags that a merged VMA has when any of its parts had them."""
    return flags & VM_STICKY if k.linux.sticky_softdirty else 0


def is_mergeable_anon_vma(k: "Kernel", vmg: VmaMerge, tgt: Vma) -> bool:
    if tgt.anon_vma is None and vmg.anon_vma is not None:
        if not k.linux.unfaulted_merges_faulted:
            return False
        return not vma_is_fork_child(vmg.middle) and not vma_is_fork_child(vmg.copied_from)
    if tgt.anon_vma is not None and vmg.anon_vma is None:
        return not vma_is_fork_child(tgt)
    return tgt.anon_vma is vmg.anon_vma


def needs_adjacent_anon_pgoff(vmg: VmaMerge) -> bool:
    """Of a private mapping of a file both offsets must go on; of others one says it."""
    return vmg.inode is not None and vmg.flags & (VM_SHARED | VM_MAYWRITE) == VM_MAYWRITE


def can_vma_merge_left(k: "Kernel", vmg: VmaMerge) -> bool:
    prev = vmg.prev
    return (
        prev is not None
        and prev.end == vmg.start
        and is_mergeable_vma(vmg, prev)
        and is_mergeable_anon_vma(k, vmg, prev)
        and prev.pgoff + prev.end - prev.start == vmg.pgoff
        and not (
            needs_adjacent_anon_pgoff(vmg)
            and prev.anon_pgoff + prev.end - prev.start != vmg.anon_pgoff
        )
    )


def can_vma_merge_right(k: "Kernel", vmg: VmaMerge, can_merge_left: bool) -> bool:
    nxt = vmg.next
    if (
        nxt is None
        or vmg.end != nxt.start
        or not is_mergeable_vma(vmg, nxt)
        or not is_mergeable_anon_vma(k, vmg, nxt)
        or nxt.pgoff != vmg.pgoff + vmg.end - vmg.start
        or (
            needs_adjacent_anon_pgoff(vmg)
            and nxt.anon_pgoff != vmg.anon_pgoff + vmg.end - vmg.start
        )
    ):
        return False
    if not can_merge_left:
        return True
    # Both fit the range in the middle; they must fit each other too.
    prev = vmg.prev
    assert prev is not None
    return prev.anon_vma is None or nxt.anon_vma is None or prev.anon_vma is nxt.anon_vma


def dup_anon_vma(k: "Kernel", dst: Vma, src: Vma) -> i64:
    """`dst` will map what `src` maps: link it to the same anon_vmas if it has none. 1 when
    it did so, 0 when there was nothing to do, -ENOMEM."""
    if src.anon_vma is None or dst.anon_vma is not None:
        return 0
    anon_vma.set_anon_vma(dst, src.anon_vma)
    err = anon_vma.anon_vma_clone(k, dst, src)
    return err if err else 1


def commit_merge(k: "Kernel", vmg: VmaMerge) -> i64:
    """Carry out a merge that has been decided. Fails before anything has changed, or not."""
    target = vmg.target
    assert target is not None
    vma = target
    adjust: Vma | None = None
    if vmg.adjust_next_start:
        assert vmg.middle is not None
        vma = vmg.middle
        adjust = vmg.next
    elif vmg.adjust_middle_start:
        adjust = vmg.middle
    if k.should_fail(sites.COMMIT_MERGE__PREALLOC, OBJ_NONE):
        return -ENOMEM
    vp = VmaPrepare(vma)
    vp.adjust = adjust
    if adjust is not None and vp.anon_vma is None:
        vp.anon_vma = adjust.anon_vma
    if vmg.remove_middle:
        vp.remove = vmg.middle
        if vmg.remove_next:
            vp.remove2 = vmg.next
    elif vmg.remove_next:
        vp.remove = vmg.next
    middle = vmg.middle
    nxt = vmg.next
    if middle is not None:
        k.watch.ranges_merging(k, middle.start, middle.pgoff, target.start, target.pgoff, False)
    if vmg.remove_next and nxt is not None:
        k.watch.ranges_merging(k, nxt.start, nxt.pgoff, target.start, target.pgoff, middle is None)
    vma_prepare(k, vp)
    vma_adjust_trans_huge(
        k, vma, vmg.start, vmg.end, vmg.middle if vmg.adjust_middle_start else None
    )
    k.step(sites.COMMIT_MERGE__SET_RANGE, vma.obj, WRITE)
    vma_set_range(vma, vmg.start, vmg.end, vmg.pgoff, vmg.anon_pgoff)
    if adjust is not None:
        vma_add_pgoff(adjust, vmg.end - adjust.start)
        adjust.start = vmg.end
    vma_iter_store(k, vmg.mm, target)
    vma_complete(k, vmg.mm, vp)
    return 0


def vma_merge_existing_range(k: "Kernel", vmg: VmaMerge) -> Vma | None:
    """`vmg.middle` gets other attributes in [start, end): merge that range with its
    neighbours. None: not mergeable, or (vmg.state) out of memory; nothing has changed."""
    middle = vmg.middle
    assert middle is not None
    prev = vmg.prev
    start = vmg.start
    end = vmg.end
    left_side = start == middle.start
    right_side = end == middle.end
    mmap_lock.mmap_assert_write_locked(k, vmg.mm)
    vmg.state = MERGE_NOMERGE
    if not left_side and not right_side:
        return None
    merge_left = left_side and can_vma_merge_left(k, vmg)
    merge_right = False
    if right_side:
        vmg.next = find_vma(vmg.mm, middle.end)
        merge_right = can_vma_merge_right(k, vmg, merge_left)
    if not merge_left and not merge_right:
        return None
    nxt = vmg.next
    vmg.remove_middle = left_side and right_side
    vmg.remove_next = merge_left and merge_right
    kept = sticky(k, vmg.flags)
    mmap_lock.vma_start_write(k, middle)
    if not k.bug.vma_merge_copies_flags_early:
        kept |= sticky(k, middle.flags)  # set meanwhile by who held it for reading
    if merge_right:
        assert nxt is not None
        mmap_lock.vma_start_write(k, nxt)
        vmg.target = nxt
        kept |= sticky(k, nxt.flags)
    if merge_left:
        assert prev is not None
        mmap_lock.vma_start_write(k, prev)
        vmg.target = prev
        kept |= sticky(k, prev.flags)
    target = vmg.target
    assert target is not None
    dup: i64 = 0
    if merge_left and merge_right:
        assert nxt is not None
        vmg.start = target.start
        vmg.end = nxt.end
        vmg.pgoff = target.pgoff
        vmg.anon_pgoff = target.anon_pgoff
        dup = dup_anon_vma(k, target, nxt if nxt.anon_vma is not None else middle)
    elif merge_left:
        vmg.start = target.start
        vmg.pgoff = target.pgoff
        vmg.anon_pgoff = target.anon_pgoff
        vmg.adjust_middle_start = not vmg.remove_middle
        dup = dup_anon_vma(k, target, middle)
    else:
        if vmg.remove_middle:
            vmg.end = target.end
            vmg.pgoff = target.pgoff - (end - start)
            vmg.anon_pgoff = target.anon_pgoff - (end - start)
        else:
            # Middle shrinks, next grows down to `start`.
            vmg.adjust_next_start = True
            vmg.start = middle.start
            vmg.end = start
            vmg.pgoff = middle.pgoff
            vmg.anon_pgoff = middle.anon_pgoff
        dup = dup_anon_vma(k, target, middle)
    if dup < 0 or commit_merge(k, vmg):
        if dup > 0:
            anon_vma.unlink_anon_vmas(k, target)
        if not vmg.give_up_on_oom:
            vmg.state = MERGE_NOMEM
        return None
    target.flags |= kept
    vmg.state = MERGE_SUCCESS
    k.sometimes(
        features.Z_VMA_MERGED_BOTH if merge_left and merge_right else features.Z_VMA_MERGED_NEW
    )
    return target


def vma_merge_new_range(k: "Kernel", vmg: VmaMerge) -> Vma | None:
    """Cover [start, end), which is or will be empty, by growing a neighbour. `vmg.prev` and
    `vmg.next` are set. None: no merge; `vmg.start` and `vmg.end` are then undefined."""
    prev = vmg.prev
    nxt = vmg.next
    mmap_lock.mmap_assert_write_locked(k, vmg.mm)
    vmg.state = MERGE_NOMERGE
    left = can_vma_merge_left(k, vmg)
    right = can_vma_merge_right(k, vmg, left)
    if right:
        assert nxt is not None
        k.watch.ranges_merging(k, vmg.start, vmg.pgoff, nxt.start, nxt.pgoff, True)
        vmg.end = nxt.end
        vmg.target = nxt
    if left:
        assert prev is not None
        k.watch.ranges_merging(k, vmg.start, vmg.pgoff, prev.start, prev.pgoff, True)
        vmg.start = prev.start
        vmg.target = prev
        vmg.pgoff = prev.pgoff
        vmg.anon_pgoff = prev.anon_pgoff
    if vmg.target is None or vma_expand(k, vmg):
        return None
    vmg.state = MERGE_SUCCESS
    k.sometimes(features.Z_VMA_MERGED_BOTH if left and right else features.Z_VMA_MERGED_NEW)
    return vmg.target


def prefer_next(k: "Kernel", vmg: VmaMerge) -> None:
    """mmap_region() before 6.12: `prev` merges as well only if it fits what `next` has."""
    prev = vmg.prev
    nxt = vmg.next
    if prev is None or nxt is None or not can_vma_merge_right(k, vmg, False):
        return
    if prev.anon_vma is nxt.anon_vma:
        return
    if (prev.anon_vma is not None and nxt.anon_vma is not None) or len(prev.chain) != 1:
        vmg.prev = None


def vma_merge_copied_range(k: "Kernel", vmg: VmaMerge) -> Vma | None:
    """vma_merge_new_range() for the range that mremap() copies `vmg.middle` to."""
    vmg.copied_from = vmg.middle
    vmg.middle = None
    return vma_merge_new_range(k, vmg)


def vma_merge_extend(k: "Kernel", vma: Vma, delta: i64) -> Vma | None:
    """Grow `vma` by `delta` pages at its end, perhaps into its successor."""
    vmg = vma_merge_of(vma, vma, vma.end, vma.end + delta)
    vmg.next = find_vma(vmg.mm, vma.end)
    vmg.middle = None
    return vma_merge_new_range(k, vmg)


def vma_expand(k: "Kernel", vmg: VmaMerge) -> i64:
    """Grow `vmg.target` to [start, end), swallowing `vmg.next` if that is inside."""
    target = vmg.target
    assert target is not None
    nxt = vmg.next
    mmap_lock.vma_start_write(k, target)
    kept = sticky(k, vmg.flags)
    dup: i64 = 0
    remove_next = nxt is not None and nxt is not target and vmg.end == nxt.end
    if remove_next:
        assert nxt is not None
        dup = dup_anon_vma(k, target, nxt)
    copied = vmg.copied_from
    k.step(sites.VMA_EXPAND__DUP_ANON_VMA, target.obj, READ)
    if dup >= 0 and copied is not None and not k.bug.mremap_merge_anon_vma_uaf:
        more = dup_anon_vma(k, target, copied)
        if more:
            dup = more
    if dup < 0:
        return dup
    if remove_next:
        assert nxt is not None
        mmap_lock.vma_start_write(k, nxt)
        vmg.remove_next = True
        kept |= sticky(k, nxt.flags)
    if commit_merge(k, vmg):
        if dup > 0:
            anon_vma.unlink_anon_vmas(k, target)
        vmg.state = MERGE_NOMEM
        return -ENOMEM
    target.flags |= kept
    return 0


def vm_flags_reset(k: "Kernel", vma: Vma, flags: i64, merged: bool) -> None:
    """The VMA gets `flags`, and keeps what those have set in it who held it for reading: it is
    locked for writing only now, or, when it was `merged`, since then."""
    mmap_lock.vma_assert_write_locked(k, vma)
    if merged or not k.bug.vma_flags_reset_early:
        flags |= sticky(k, vma.flags)
    vma.flags = flags


def vma_modify_flags(
    k: "Kernel", prev: Vma | None, vma: Vma, start: i64, end: i64, new_flags: i64
) -> Vma | None:
    """The VMA that is exactly [start, end) of `vma`, or a merged one around it, ready to be
    given `new_flags`; None is -ENOMEM."""
    vmg = vma_merge_of(vma, prev, start, end)
    vmg.flags = new_flags
    return vma_modify(k, vmg, vma)


def vma_modify_flags_uffd(
    k: "Kernel",
    prev: Vma | None,
    vma: Vma,
    start: i64,
    end: i64,
    new_flags: i64,
    uffd: UserfaultfdCtx | None,
    give_up_on_oom: bool,
) -> Vma | None:
    """The same for who gives it another userfaultfd as well."""
    vmg = vma_merge_of(vma, prev, start, end)
    vmg.flags = new_flags
    vmg.uffd = uffd
    vmg.give_up_on_oom = give_up_on_oom
    return vma_modify(k, vmg, vma)


def vma_modify(k: "Kernel", vmg: VmaMerge, vma: Vma) -> Vma | None:
    start = vmg.start
    end = vmg.end
    merged = vma_merge_existing_range(k, vmg)
    if merged is not None:
        return merged
    if vmg.state == MERGE_NOMEM:
        return None
    if vma.start < start and split_vma(k, vma, start, True):
        return None
    if vma.end > end and split_vma(k, vma, end, False):
        return None
    return vma


# --- mremap's copy ---------------------------------------------------------------------------


@final
class VmaCopy:
    """What copy_vma() returns: the new VMA, the source (which may have been merged into it),
    and whether the move must hold the rmap locks."""

    def __init__(self, new_vma: Vma, vma: Vma, need_rmap_locks: bool) -> None:
        self.new_vma: Vma = new_vma
        self.vma: Vma = vma
        self.need_rmap_locks: bool = need_rmap_locks


def copy_vma(
    k: "Kernel", vma: Vma, start: i64, end: i64, pgoff: i64, anon_pgoff: i64, keep_source: bool
) -> VmaCopy | None:
    """A VMA at [start, end), which is empty, with the attributes of `vma`; None: -ENOMEM."""
    mm = vma.mm
    assert mm is not None
    old_start = vma.start
    faulted = vma.inode is not None or vma.anon_vma is not None
    if k.linux.anon_pgoff and vma.anon_vma is None:
        anon_pgoff = start
    if not faulted:
        pgoff = start
        anon_pgoff = start
    vmg = vma_merge_of(vma, vma_prev(mm, start), start, end)
    vmg.pgoff = pgoff
    vmg.anon_pgoff = anon_pgoff
    vmg.next = find_vma(mm, start)
    if vma.uffd is not None and not k.bug.mremap_merges_userfaultfd:
        vmg.prev = None  # what has been there before stays registered, the copy does not
        vmg.next = None
    if not faulted and keep_source and k.linux.dontunmap_keeps_source:
        beside = vmg.prev is vma or vmg.next is vma
        if vmg.prev is vma or (beside and not k.linux.dontunmap_merges_beside):
            vmg.prev = None
        if vmg.next is vma or (beside and not k.linux.dontunmap_merges_beside):
            vmg.next = None
    new_vma = vma_merge_copied_range(k, vmg)
    if new_vma is not None:
        k.sometimes(features.Z_COPY_MERGED)
        if new_vma.start <= old_start < new_vma.end:
            if faulted:
                k.violate(
                    "kernel-assertion",
                    k.cur.site,
                    "vma",
                    "mremap() merged a populated VMA with its own copy",
                )
            vma = new_vma
        return VmaCopy(new_vma, vma, new_vma.pgoff <= vma.pgoff)
    if faulted and pgoff == start:
        k.sometimes(features.Z_COPY_WENT_HOME)
    new_vma = vm_area_dup(k, vma)
    if new_vma is None:
        return None
    vma_set_range(new_vma, start, end, pgoff, anon_pgoff)
    if anon_vma.anon_vma_clone(k, new_vma, vma):
        vm_area_free(k, new_vma)
        return None
    if new_vma.inode is not None:
        vma_file.get_file(new_vma.inode)
    vma_link(k, mm, new_vma)
    return VmaCopy(new_vma, vma, False)
