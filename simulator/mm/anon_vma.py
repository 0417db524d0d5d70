# SPDX-License-Identifier: MIT
"""The anon_vma half of mm/rmap.c (7.2): which VMAs may map an anonymous page.

`Vma.chain` is the anon_vma_chain, oldest first (Linux adds at the head and walks it in
reverse); `AnonVma.vmas` are the VMAs linked to it, in the order of its interval tree. Both change
under the root's rwsem.

Pages remember the `gen` of the anon_vma they point to: an oracle compares them.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import ENOMEM
from simulator.lib import interval_tree
from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import VM_ACCESS_FLAGS, VM_STICKY, AnonVma, Vma, reset_rwsem
from simulator.objects import OBJ_NONE
from simulator.sched import lock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- counts and locks ------------------------------------------------------------------------


def assert_live(k: "Kernel", av: AnonVma) -> None:
    if not av.live:
        k.violate("use-after-free", k.cur.site, "anon_vma", "an anon_vma is used that was freed")


def anon_vma_alloc(k: "Kernel") -> AnonVma:
    """A root that no VMA is linked to, with one reference."""
    av = k.anon_vmas.take()
    if av is None:
        av = k.anon_vmas.add(AnonVma(k.anon_vmas.nr))
    av.gen += 1
    av.live = True
    av.root = av
    av.parent = av
    av.refcount = 1
    av.num_children = 0
    av.num_active_vmas = 0
    av.counted_at = k.cur.site
    av.vmas = []
    reset_rwsem(av.rwsem)
    return av


def get_anon_vma(av: AnonVma) -> None:
    av.refcount += 1


def put_anon_vma(k: "Kernel", av: AnonVma) -> None:
    """Drop a reference; the last one frees it, and a child's one on its root."""
    assert_live(k, av)
    k.step(sites.PUT_ANON_VMA__PUT, av.obj, WRITE)
    av.refcount -= 1
    av.counted_at = k.cur.site
    if av.refcount:
        return
    root = av.root
    free_anon_vma(k, av)
    if root is not None and root is not av:
        root.refcount -= 1
        if root.refcount == 0:
            free_anon_vma(k, root)


def free_anon_vma(k: "Kernel", av: AnonVma) -> None:
    if av.vmas:
        k.violate(
            "use-after-free",
            k.cur.site,
            "anon_vma",
            f"an anon_vma is freed while {len(av.vmas)} VMAs are linked to it",
        )
    if k.tracing:
        k.note(f"frees anon_vma {av.id}")
    av.live = False
    av.root = None
    av.parent = None
    k.anon_vmas.put(av)


def anon_vma_lock_write(k: "Kernel", av: AnonVma, site: i64) -> None:
    assert_live(k, av)
    root = av.root
    assert root is not None
    lock.down_write(k, site, root.rwsem)


def anon_vma_unlock_write(k: "Kernel", av: AnonVma) -> None:
    root = av.root
    assert root is not None
    lock.up_write(k, root.rwsem)


def chain_link(vma: Vma, av: AnonVma) -> None:
    """anon_vma_chain_link(); the root is write-locked."""
    vma.chain.append(av)
    interval_tree.insert_anon(av.vmas, vma)


def pre_update_vma(vma: Vma) -> None:
    """anon_vma_interval_tree_pre_update_vma(): out of the trees while its range changes."""
    for av in vma.chain:
        interval_tree.remove(av.vmas, vma)


def post_update_vma(vma: Vma) -> None:
    for av in vma.chain:
        interval_tree.insert_anon(av.vmas, vma)


def set_anon_vma(vma: Vma, av: AnonVma) -> None:
    vma.anon_vma = av


# --- a VMA's first anonymous page ------------------------------------------------------------


def anon_vma_compatible(a: Vma, b: Vma) -> bool:
    """Whether two VMAs in address order could share one anon_vma."""
    return (
        a.end == b.start
        and a.inode is b.inode
        and not (a.flags ^ b.flags) & ~(VM_ACCESS_FLAGS | VM_STICKY)
        and b.pgoff == a.pgoff + (b.start - a.start)
        and b.anon_pgoff == a.anon_pgoff + (b.start - a.start)
    )


def reusable_anon_vma(old: Vma, a: Vma, b: Vma) -> AnonVma | None:
    if anon_vma_compatible(a, b):
        av = old.anon_vma
        if av is not None and len(old.chain) == 1:
            return av
    return None


def find_mergeable_anon_vma(k: "Kernel", vma: Vma) -> AnonVma | None:
    """A neighbour's anon_vma, so that mprotect() games do not keep VMAs apart for ever."""
    mm = vma.mm
    assert mm is not None
    next_vma = vma_lookup(mm, vma.end)
    if next_vma is not None:
        av = reusable_anon_vma(next_vma, vma, next_vma)
        if av is not None:
            return av
    prev = vma_lookup(mm, vma.start - 1) if vma.start else None
    if prev is not None:
        return reusable_anon_vma(prev, prev, vma)
    return None


def anon_vma_of(vma: Vma) -> AnonVma | None:
    """The VMA's anon_vma now. A plain read after a step would keep the type that a test before
    the step had narrowed it to, and mypyc takes types at their word."""
    return vma.anon_vma


def anon_vma_prepare(k: "Kernel", vma: Vma) -> i64:
    """Give the VMA an anon_vma. Needs mmap_lock, for reading at least."""
    if vma.anon_vma is not None:
        return 0
    mm = vma.mm
    assert mm is not None
    lock.mmap_assert_locked(k, mm.mmap_lock)
    if k.should_fail(sites.ANON_VMA_PREPARE__ALLOC, OBJ_NONE):
        return -ENOMEM
    k.step(sites.ANON_VMA_PREPARE__FIND_MERGEABLE, vma.obj, READ)
    av = find_mergeable_anon_vma(k, vma)
    allocated: AnonVma | None = None
    if av is None:
        av = anon_vma_alloc(k)
        av.num_children += 1  # self-parent link of a new root
        allocated = av
    anon_vma_lock_write(k, av, sites.ANON_VMA_PREPARE__LOCK)
    # page_table_lock: two threads may be here for one VMA, both as mmap_lock readers.
    lock.spin_lock(k, sites.ANON_VMA_PREPARE__PAGE_TABLE_LOCK, mm.page_table_lock)
    if anon_vma_of(vma) is None:
        set_anon_vma(vma, av)
        chain_link(vma, av)
        av.num_active_vmas += 1
        if allocated is None:
            k.sometimes(features.Z_ANON_VMA_SHARED)
        allocated = None
    lock.spin_unlock(k, mm.page_table_lock)
    anon_vma_unlock_write(k, av)
    if allocated is not None:
        put_anon_vma(k, allocated)
    return 0


# --- copies ----------------------------------------------------------------------------------


def anon_vma_clone(k: "Kernel", dst: Vma, src: Vma) -> i64:
    """Link `dst` to every anon_vma of `src`. A `dst` without one of its own (fork) may take
    over one that no VMA uses as its own any more."""
    if src.anon_vma is None:
        return 0
    for _ in src.chain:
        if k.should_fail(sites.ANON_VMA_CLONE__ALLOC, OBJ_NONE):
            dst.anon_vma = None  # cleanup_partial_anon_vmas(): it is linked to none yet
            return -ENOMEM
    root: AnonVma | None = None
    for av in src.chain:
        root = lock_anon_vma_root(k, root, av, sites.ANON_VMA_CLONE__LOCK)
        chain_link(dst, av)
        if dst.anon_vma is None and av.num_children < 2 and av.num_active_vmas == 0:
            set_anon_vma(dst, av)
            k.sometimes(features.Z_ANON_VMA_REUSED)
    own = dst.anon_vma
    if own is not None:
        own.num_active_vmas += 1
    if root is not None:
        anon_vma_unlock_write(k, root)
    return 0


def lock_anon_vma_root(
    k: "Kernel", locked: AnonVma | None, av: AnonVma, site: i64
) -> AnonVma | None:
    """Lock the root of `av`, unless it is the one that is locked already."""
    assert_live(k, av)
    root = av.root
    if root is not locked:
        if locked is not None:
            k.violate(
                "kernel-assertion",
                k.cur.site,
                "anon_vma",
                "one VMA is linked to anon_vmas of different roots",
            )
        assert root is not None
        lock.down_write(k, site, root.rwsem)
    return root


def has_anon_vma(vma: Vma) -> bool:
    return vma.anon_vma is not None


def anon_vma_fork(k: "Kernel", vma: Vma, pvma: Vma) -> i64:
    """The child's copy `vma` of `pvma`: linked to all of the parent's and one of its own."""
    pav = pvma.anon_vma
    if pav is None:
        return 0
    vma.anon_vma = None
    if k.should_fail(sites.ANON_VMA_FORK__ALLOC, OBJ_NONE):
        return -ENOMEM
    av = anon_vma_alloc(k)
    err = anon_vma_clone(k, vma, pvma)
    if err or has_anon_vma(vma):  # anon_vma_clone() reused one
        put_anon_vma(k, av)
        return err
    av.num_active_vmas = 1
    av.root = pav.root
    av.parent = pav
    assert av.root is not None
    get_anon_vma(av.root)
    set_anon_vma(vma, av)
    anon_vma_lock_write(k, av, sites.ANON_VMA_FORK__LOCK)
    chain_link(vma, av)
    pav.num_children += 1
    anon_vma_unlock_write(k, av)
    return 0


def unlink_anon_vmas(k: "Kernel", vma: Vma) -> None:
    """Take the VMA off all its anon_vmas and free those that nobody uses any more."""
    if not vma.chain:
        return
    k.watch.vma_unlinking(k, vma)
    root: AnonVma | None = None
    empty: list[AnonVma] = []
    for av in vma.chain:
        root = lock_anon_vma_root(k, root, av, sites.UNLINK_ANON_VMAS__LOCK)
        interval_tree.remove(av.vmas, vma)
        if not av.vmas:
            parent = av.parent
            assert parent is not None
            parent.num_children -= 1
            av.counted_at = k.cur.site
            empty.append(av)
    own = vma.anon_vma
    if own is not None:
        own.num_active_vmas -= 1
        vma.anon_vma = None
    vma.chain = []
    if root is not None:
        anon_vma_unlock_write(k, root)
    for av in empty:
        if av.num_children or av.num_active_vmas:
            k.violate(
                "kernel-assertion",
                k.cur.site,
                "anon_vma",
                f"an empty anon_vma counts {av.num_children} children and "
                f"{av.num_active_vmas} active VMAs",
            )
        put_anon_vma(k, av)
