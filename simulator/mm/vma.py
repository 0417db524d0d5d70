# SPDX-License-Identifier: MIT
"""mm/vma.c (7.2): the tree of VMAs, their structs, changes of extent, splitting. The other half is
vma_merge.py.

The maple tree is `Mm.vmas`, a list by address; a store into it is one step. VMAs that munmap
has detached stay in it until it is cleared or overwritten, as in Linux: lockless readers
find them and are turned away by their counts.

sysctl max_map_count is not modelled.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.build.native import final
from simulator.errno import ENOMEM
from simulator.lib import interval_tree
from simulator.mm import anon_vma, mmap_lock, vma_file
from simulator.mm.mm_types import VM_MAYBE_GUARD, VM_SOFTDIRTY, AnonVma, Inode, Mm, Vma
from simulator.mm.split_huge_pmd import vma_adjust_trans_huge
from simulator.objects import OBJ_NONE
from simulator.sched import lock
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- the tree --------------------------------------------------------------------------------


def vma_iter_store(k: "Kernel", mm: Mm, vma: Vma) -> None:
    """Put `vma` at its range; whatever else was there is gone from the tree."""
    k.step(sites.VMA_ITER_STORE__TREE, mm.obj, WRITE)
    kept: list[Vma] = []
    placed = False
    for v in mm.vmas:
        if v is vma:
            continue
        if not placed and v.start >= vma.start:
            kept.append(vma)
            placed = True
        if v.end <= vma.start or v.start >= vma.end:
            kept.append(v)
    if not placed:
        kept.append(vma)
    mm.vmas = kept


def vma_iter_store_new(k: "Kernel", mm: Mm, vma: Vma) -> None:
    mmap_lock.vma_mark_attached(k, vma)
    vma_iter_store(k, mm, vma)


def vma_iter_clear(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """Nothing is in the tree at [start, end) any more; VMAs lie wholly inside or outside."""
    k.step(sites.VMA_ITER_CLEAR__TREE, mm.obj, WRITE)
    kept: list[Vma] = []
    for v in mm.vmas:
        if v.end <= start or v.start >= end:
            kept.append(v)
    mm.vmas = kept


# --- VMA structs -----------------------------------------------------------------------------


def take_vma(k: "Kernel") -> Vma:
    """A VMA that is in no tree."""
    vma = k.vmas.take()
    if vma is None:
        vma = k.vmas.add(Vma(k.vmas.nr))
    vma.live = True
    vma.mm = None
    vma.start = 0
    vma.end = 0
    vma.pgoff = 0
    vma.anon_pgoff = 0
    vma.flags = 0
    vma.inode = None
    vma.anon_vma = None
    vma.uffd = None
    vma.chain = []
    vma.attached = False
    vma.vm_refcnt = 0
    vma.lock_seq = -1
    vma.readers = 0
    vma.read_locked = 0
    vma.linked_at = k.cur.site
    return vma


def vm_area_alloc(k: "Kernel", mm: Mm) -> Vma | None:
    if k.should_fail(sites.VM_AREA_ALLOC__ALLOC, OBJ_NONE):
        return None
    vma = take_vma(k)
    vma.mm = mm
    return vma


def vm_area_dup(k: "Kernel", orig: Vma) -> Vma | None:
    """A copy that is in no tree and has no anon_vma_chain yet."""
    if k.should_fail(sites.VM_AREA_DUP__ALLOC, OBJ_NONE):
        return None
    vma = take_vma(k)
    vma.mm = orig.mm
    vma.start = orig.start
    vma.end = orig.end
    vma.pgoff = orig.pgoff
    vma.anon_pgoff = orig.anon_pgoff
    vma.flags = orig.flags
    vma.inode = orig.inode
    vma.anon_vma = orig.anon_vma
    vma.uffd = orig.uffd
    return vma


def vm_area_free(k: "Kernel", vma: Vma) -> None:
    """Back to a slab that may hand it out at once (SLAB_TYPESAFE_BY_RCU)."""
    if vma.vm_refcnt or vma.readers or vma.chain:
        readers = vma.vm_refcnt or vma.readers  # whoever detached it should have waited for them
        k.violate(
            "use-after-free",
            sites.VMA_START_WRITE__EXCLUDE_READERS if readers else sites.UNLINK_ANON_VMAS__LOCK,
            "vma",
            f"VMA at page {vma.start} is freed with count {vma.vm_refcnt} and "
            f"{len(vma.chain)} anon_vmas",
        )
    vma.live = False
    k.vmas.put(vma)


def remove_vma(k: "Kernel", vma: Vma) -> None:
    """Free a VMA that is detached and unlinked from rmap."""
    inode = vma.inode
    if inode is not None:
        vma_file.fput(k, inode)
    vm_area_free(k, vma)


def vma_set_range(vma: Vma, start: i64, end: i64, pgoff: i64, anon_pgoff: i64) -> None:
    vma.start = start
    vma.end = end
    vma.pgoff = pgoff
    vma.anon_pgoff = anon_pgoff


def vma_add_pgoff(vma: Vma, pages: i64) -> None:
    """The start of the VMA moves by so many pages, and what it maps stays where it is."""
    vma.pgoff += pages
    vma.anon_pgoff += pages


def vma_link(k: "Kernel", mm: Mm, vma: Vma) -> None:
    """Insert a finished VMA; its write lock keeps others out until mmap_lock is released."""
    mmap_lock.vma_start_write(k, vma)
    vma_iter_store_new(k, mm, vma)
    vma_file.vma_link_file(k, vma)


# --- changing the extent of VMAs -------------------------------------------------------------


@final
class VmaPrepare:
    """struct vma_prepare: what one change of extents touches."""

    def __init__(self, vma: Vma) -> None:
        self.vma: Vma = vma
        self.inode: Inode | None = vma.inode
        self.anon_vma: AnonVma | None = vma.anon_vma
        self.adjust: Vma | None = None  # adj_next: a neighbour whose start moves along
        self.insert: Vma | None = None
        self.remove: Vma | None = None
        self.remove2: Vma | None = None


def vma_prepare(k: "Kernel", vp: VmaPrepare) -> None:
    """Lock rmap walkers out: they use the extents that are about to change."""
    inode = vp.inode
    if inode is not None:
        lock.down_write(k, sites.VMA_PREPARE__I_MMAP_LOCK, inode.i_mmap_rwsem)
        if vp.insert is not None:
            interval_tree.insert(inode.i_mmap, vp.insert)
    av = vp.anon_vma
    if av is not None:
        anon_vma.anon_vma_lock_write(k, av, sites.VMA_PREPARE__ANON_VMA_LOCK)
        anon_vma.pre_update_vma(vp.vma)
        if vp.adjust is not None:
            anon_vma.pre_update_vma(vp.adjust)
    if inode is not None:
        interval_tree.remove(inode.i_mmap, vp.vma)
        if vp.adjust is not None:
            interval_tree.remove(inode.i_mmap, vp.adjust)


def vma_complete(k: "Kernel", mm: Mm, vp: VmaPrepare) -> None:
    """Insert or remove what the change made or swallowed, and let walkers in again."""
    inode = vp.inode
    insert = vp.insert
    if inode is not None:
        if vp.adjust is not None:
            interval_tree.insert(inode.i_mmap, vp.adjust)
        interval_tree.insert(inode.i_mmap, vp.vma)
    if vp.remove is not None and inode is not None:
        interval_tree.remove(inode.i_mmap, vp.remove)
        if vp.remove2 is not None:
            interval_tree.remove(inode.i_mmap, vp.remove2)
    elif insert is not None:
        vma_iter_store_new(k, mm, insert)
    av = vp.anon_vma
    if av is not None:
        anon_vma.post_update_vma(vp.vma)
        if vp.adjust is not None:
            anon_vma.post_update_vma(vp.adjust)
        anon_vma.anon_vma_unlock_write(k, av)
    if inode is not None:
        lock.up_write(k, inode.i_mmap_rwsem)
    if vp.remove is not None:
        complete_removal(k, vp.remove)
    if vp.remove2 is not None:
        complete_removal(k, vp.remove2)


def complete_removal(k: "Kernel", vma: Vma) -> None:
    """A VMA that a neighbour has swallowed goes; the neighbour is linked to its anon_vmas."""
    mmap_lock.vma_mark_detached(k, vma)
    if vma.anon_vma is not None:
        anon_vma.unlink_anon_vmas(k, vma)
    remove_vma(k, vma)


def split_vma(k: "Kernel", vma: Vma, va: i64, new_below: bool) -> i64:
    """Cut `vma` at `va`; it keeps the upper part when `new_below`, else the lower one."""
    mm = vma.mm
    assert mm is not None
    new = vm_area_dup(k, vma)
    if new is None:
        return -ENOMEM
    if new_below:
        new.end = va
    else:
        new.start = va
        vma_add_pgoff(new, va - vma.start)
    if anon_vma.anon_vma_clone(k, new, vma):
        vm_area_free(k, new)
        return -ENOMEM
    if new.inode is not None:
        vma_file.get_file(new.inode)
    mmap_lock.vma_start_write(k, vma)
    mmap_lock.vma_start_write(k, new)
    vp = VmaPrepare(vma)
    vp.insert = new
    vma_prepare(k, vp)
    vma_adjust_trans_huge(k, vma, vma.start, va, None)
    # What was set meanwhile: by those who hold the VMA, or the file's mappings, for reading, and by
    # the split of a huge page.
    new.flags |= vma.flags & VM_SOFTDIRTY
    if not k.bug.split_vma_copies_flags_early:
        new.flags |= vma.flags & VM_MAYBE_GUARD
    k.watch.vma_splitting(k, vma, new)
    k.step(sites.SPLIT_VMA__SET_RANGE, vma.obj, WRITE)
    if new_below:
        vma_add_pgoff(vma, va - new.start)
        vma.start = va
    else:
        vma.end = va
    vma_complete(k, mm, vp)
    k.sometimes(features.Z_VMA_SPLIT)
    return 0
