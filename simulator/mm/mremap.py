# SPDX-License-Identifier: MIT
"""mm/mremap.c: shrinking, growing and moving mappings, page tables included.

The op moves with MREMAP_MAYMOVE|MREMAP_FIXED; to its own start it has no flags and resizes
in place. A move without resize may span several VMAs (since 6.17); they keep their gaps.
"""

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EFAULT, EINVAL, ENOMEM
from simulator.machine import mmu
from simulator.mm import anon_vma, memory, mmap, mmap_lock
from simulator.mm import tlb as tlb_module
from simulator.mm import vma as vma_tree
from simulator.mm.mm_types import (
    PTE_PRESENT, PTE_SOFT_DIRTY, VM_ACCOUNT, VM_MAYSHARE, VM_SHARED, Mm, PageTable, Vma,
    pte_present,
)
from simulator.mm.pgtable import pmd_clear, pmd_populate, ptep_get_and_clear, set_pte_at
from simulator.oracles import memory_value, stale_tlb, vma_change
from simulator.sched import lock
from simulator.state import OBJ_PMD, OBJ_VMA, READ, WRITE, obj, pte_obj

if TYPE_CHECKING:
    from simulator.state import Kernel

MREMAP_DONTUNMAP: Final = 1  # bit of ops.MREMAP_FLAGS


# --- page tables -----------------------------------------------------------------------------


@final
class PagetableMove:
    """struct pagetable_move_control: entries of [old_start, old_end) go to new_start and up."""

    def __init__(
        self, old: Vma, new: Vma, old_start: i64, new_start: i64, pages: i64, rmap_locks: bool
    ) -> None:
        self.old: Vma = old
        self.new: Vma = new
        self.old_va: i64 = old_start
        self.new_va: i64 = new_start
        self.old_end: i64 = old_start + pages
        self.pages: i64 = pages
        self.need_rmap_locks: bool = rmap_locks


def take_rmap_locks(k: "Kernel", vma: Vma) -> None:
    if vma.inode is not None:
        lock.down_write(k, sites.TAKE_RMAP_LOCKS__I_MMAP, vma.inode.i_mmap_rwsem)
    if vma.anon_vma is not None:
        anon_vma.anon_vma_lock_write(k, vma.anon_vma, sites.TAKE_RMAP_LOCKS__ANON_VMA)


def drop_rmap_locks(k: "Kernel", vma: Vma) -> None:
    if vma.anon_vma is not None:
        anon_vma.anon_vma_unlock_write(k, vma.anon_vma)
    if vma.inode is not None:
        lock.up_write(k, vma.inode.i_mmap_rwsem)


def move_ptes(k: "Kernel", pmc: PagetableMove, extent: i64) -> None:
    """Move the entries one by one; both page tables are there.

    Without the rmap locks a walker finds the new VMA after the old one, so it meets every
    entry at least once."""
    vma = pmc.old
    mm = vma.mm
    assert mm is not None
    if pmc.need_rmap_locks:
        take_rmap_locks(k, vma)
    old_table = memory.pte_offset_map_lock(k, sites.MOVE_PTES__LOCK_OLD, mm, pmc.old_va)
    new_table = mm.tables[pmc.new_va >> k.pmd_order]
    assert old_table is not None
    assert new_table is not None
    if new_table is not old_table:
        lock.spin_lock(k, sites.MOVE_PTES__LOCK_NEW, new_table.ptl)
    move_locked_ptes(k, mm, pmc.old_va, pmc.new_va, extent, old_table, new_table)
    if new_table is not old_table:
        lock.spin_unlock(k, new_table.ptl)
    memory.pte_unmap_unlock(k, old_table)
    if pmc.need_rmap_locks:
        drop_rmap_locks(k, vma)


def move_locked_ptes(
    k: "Kernel", mm: Mm, old_va: i64, new_va: i64, pages: i64, old: PageTable, new: PageTable
) -> None:
    """Both locks are held, and stay so until the old translations are flushed: the new one
    keeps the page alive, the old one keeps folio_mkclean() away."""
    mask = k.ptrs_per_pte - 1
    force_flush = False
    i: i64 = 0
    while i < pages:
        if old.pte[(old_va + i) & mask]:
            k.step(sites.MOVE_PTES__CLEAR_PTE, pte_obj(mm, old_va + i), WRITE)
            pte = ptep_get_and_clear(k, mm, old, old_va + i)
            if pte_present(pte):
                force_flush = True
            if new.pte[(new_va + i) & mask]:
                k.violate(
                    "kernel-assertion", k.cur.site, "pte",
                    f"mremap() moves an entry onto page {new_va + i}, which has one",
                )
            k.step(sites.MOVE_PTES__SET_PTE, pte_obj(mm, new_va + i), WRITE)
            set_pte_at(k, mm, new, new_va + i, pte | PTE_SOFT_DIRTY)
            memory_value.page_moved(k, mm, old_va + i, new_va + i)
            if k.tracing:
                k.note(f"move pte {old_va + i} to {new_va + i}")
        i += 1
    if force_flush:
        tlb_module.flush_tlb_mm_range(k, mm, old_va, old_va + pages, False)


def move_normal_pmd(k: "Kernel", pmc: PagetableMove) -> bool:
    """Move a whole page table. Always under the rmap locks: a walker could miss all of it."""
    vma = pmc.old
    mm = vma.mm
    assert mm is not None
    old_va = pmc.old_va
    new_va = pmc.new_va
    size = k.ptrs_per_pte
    take_rmap_locks(k, vma)
    moved = False
    if mm.tables[new_va >> k.pmd_order] is not None:
        k.violate(
            "kernel-assertion", k.cur.site, "page-table",
            f"mremap() found a page table at its destination, page {new_va}",
        )
    lock.spin_lock(k, sites.MOVE_NORMAL_PMD__LOCK, mm.page_table_lock)
    k.step(sites.MOVE_NORMAL_PMD__CLEAR, obj(OBJ_PMD, mm.id << 16 | old_va >> k.pmd_order), WRITE)
    table = pmd_clear(k, mm, old_va)
    if table is not None:
        moved = True
        i: i64 = 0
        while i < size:
            pte = table.pte[i]
            if pte & PTE_PRESENT:
                mmu.made_stale(k, mm, old_va + i, pte, None, False)
            if pte:
                memory_value.page_moved(k, mm, old_va + i, new_va + i)
            i += 1
        k.step(
            sites.MOVE_NORMAL_PMD__POPULATE, obj(OBJ_PMD, mm.id << 16 | new_va >> k.pmd_order),
            WRITE,
        )
        pmd_populate(k, mm, new_va, table)
        k.sometimes(features.Z_MREMAP_PMD_MOVED)
        if k.tracing:
            k.note(f"move page table of page {old_va} to {new_va}")
        tlb_module.flush_tlb_mm_range(k, mm, old_va, old_va + size, False)
    lock.spin_unlock(k, mm.page_table_lock)
    drop_rmap_locks(k, vma)
    return moved


def can_align_down(k: "Kernel", vma: Vma, va: i64) -> bool:
    """Whether the page table of `va` holds nothing below it that would move along."""
    mm = vma.mm
    assert mm is not None
    if vma.start != va:
        return False
    below = va // k.ptrs_per_pte * k.ptrs_per_pte
    return vma_tree.find_vma_intersection(mm, below, vma.start) is None


def try_realign_addr(k: "Kernel", pmc: PagetableMove) -> None:
    """Begin at the page table's boundary, so that the whole table can be moved."""
    size = k.ptrs_per_pte
    offset = pmc.old_va % size
    if (
        offset
        and pmc.new_va % size == offset
        and pmc.pages >= size - offset
        and can_align_down(k, pmc.old, pmc.old_va)
        and can_align_down(k, pmc.new, pmc.new_va)
    ):
        pmc.old_va -= offset
        pmc.new_va -= offset


def move_page_tables(k: "Kernel", pmc: PagetableMove) -> i64:
    """Move the entries; how many pages of the range were dealt with."""
    mm = pmc.old.mm
    assert mm is not None
    size = k.ptrs_per_pte
    first = pmc.old_va
    if pmc.pages == 0:
        return 0
    try_realign_addr(k, pmc)
    start = pmc.old_va
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, start, pmc.old_end, mmu_notifier.MMU_NOTIFY_UNMAP
    )
    while pmc.old_va < pmc.old_end:
        extent = min(size - pmc.old_va % size, size - pmc.new_va % size)
        extent = min(extent, pmc.old_end - pmc.old_va)
        if not move_extent(k, mm, pmc, extent):
            break
        pmc.old_va += extent
        pmc.new_va += extent
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, pmc.old_end)
    return max(pmc.old_va - first, 0)


def move_extent(k: "Kernel", mm: Mm, pmc: PagetableMove, extent: i64) -> bool:
    """Move what one old and one new page table share of the range; False: out of memory."""
    k.step(
        sites.MOVE_PAGE_TABLES__PMD, obj(OBJ_PMD, mm.id << 16 | pmc.old_va >> k.pmd_order), READ
    )
    if mm.tables[pmc.old_va >> k.pmd_order] is None:
        return True
    if extent == k.ptrs_per_pte and move_normal_pmd(k, pmc):
        return True
    if not memory.pte_alloc(k, mm, pmc.new_va):
        return False
    move_ptes(k, pmc, extent)
    return True


# --- one call --------------------------------------------------------------------------------


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


def check_mremap_params(vrm: VmaRemap) -> i64:
    if vrm.new_len <= 0:
        return -EINVAL
    if not vrm.fixed:
        return 0
    if vrm.dontunmap and vrm.old_len != vrm.new_len:
        return -EINVAL
    if (
        vrm.start + vrm.old_len > vrm.new_start
        and vrm.new_start + vrm.new_len > vrm.start
    ):
        return -EINVAL
    return 0


def check_prep_vma(vrm: VmaRemap) -> i64:
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
    return 0


def shrink_vma(k: "Kernel", mm: Mm, vrm: VmaRemap, drop_lock: bool) -> i64:
    err = mmap.do_vmi_munmap(
        k, mm, vrm.start + vrm.new_len, vrm.start + vrm.old_len, drop_lock
    )
    vrm.vma = None
    if err:
        return err
    if drop_lock:
        vrm.mmap_locked = False
        return 0
    vrm.vma = vma_tree.vma_lookup(mm, vrm.start)
    return 0 if vrm.vma is not None else -EFAULT


def expand_vma_in_place(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """Grow at the end of the VMA, if that is where the range ends and nothing is behind."""
    vma = vrm.vma
    assert vma is not None
    delta = vrm.new_len - vrm.old_len
    if (
        vma.end - vrm.start != vrm.old_len
        or vma.end + delta > k.nr_arena
        or vma_tree.find_vma_intersection(mm, vma.end, vma.end + delta) is not None
    ):
        return -ENOMEM
    if vma_tree.vma_merge_extend(k, vma, delta) is None:
        return -ENOMEM
    mm.total_vm += delta
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
    vrm.vma = vma_tree.vma_lookup(mm, vrm.start)
    if vrm.vma is None:
        return -EFAULT
    if vrm.old_len > vrm.new_len:
        err = shrink_vma(k, mm, vrm, False)
        if err:
            return err
        vrm.old_len = vrm.new_len
    return move_vma(k, mm, vrm)


def move_vma(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    vma = vrm.vma
    assert vma is not None
    mmap_lock.vma_start_write(k, vma)  # no racing faults
    pgoff = vma.pgoff + vrm.start - vma.start
    copy = vma_tree.copy_vma(k, vma, vrm.new_start, vrm.new_start + vrm.new_len, pgoff)
    if copy is None:
        return -ENOMEM
    new_vma = copy.new_vma
    vrm.vma = copy.vma
    vma_change.copied(k, copy.vma, new_vma)
    pmc = PagetableMove(
        copy.vma, new_vma, vrm.start, vrm.new_start, vrm.old_len, copy.need_rmap_locks
    )
    moved = move_page_tables(k, pmc)
    err: i64 = 0
    if moved < vrm.old_len:
        err = -ENOMEM
        # Back again, which needs no memory; then the copy is unmapped instead.
        move_page_tables(
            k, PagetableMove(new_vma, copy.vma, vrm.new_start, vrm.start, moved, True)
        )
        vrm.vma = new_vma
        vrm.old_len = vrm.new_len
        vrm.start = vrm.new_start
    elif vrm.dontunmap:
        dontunmap_complete(k, vrm, copy)
    mm.total_vm += vrm.new_len
    if err or not vrm.dontunmap:
        unmap_source_vma(k, mm, vrm)
    return err if err else vrm.new_start


def dontunmap_complete(k: "Kernel", vrm: VmaRemap, copy: vma_tree.VmaCopy) -> None:
    """The source stays, empty. As a whole VMA it no longer needs its anon_vmas."""
    vma = copy.vma
    if (
        copy.new_vma is not vma
        and vrm.start == vma.start
        and vrm.start + vrm.old_len == vma.end
    ):
        anon_vma.unlink_anon_vmas(k, vma)


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
        restore_account(k, vma_tree.vma_prev(mm, start))
    if vma_end > end:
        restore_account(k, vma_tree.find_vma(mm, start))


def restore_account(k: "Kernel", vma: Vma | None) -> None:
    if vma is not None:
        mmap_lock.vma_start_write(k, vma)
        k.step(sites.UNMAP_SOURCE_VMA__SET_ACCOUNT, obj(OBJ_VMA, vma.id), WRITE)
        vma.flags |= VM_ACCOUNT


def remap_move(k: "Kernel", mm: Mm, vrm: VmaRemap) -> i64:
    """Move every VMA of the range, one by one; the first hole may not be at its start."""
    start = vrm.start
    end = vrm.start + vrm.old_len
    target = vrm.new_start
    res: i64 = -EFAULT
    seen = False
    last_end: i64 = 0
    vma = vma_tree.find_vma_intersection(mm, start, end)
    while vma is not None:
        if not seen and start < vma.start:
            return -EFAULT
        va = max(vma.start, start)
        offset = vma.start - last_end if seen else 0
        last_end = vma.end
        vrm.vma = vma
        vrm.start = va
        vrm.new_start = target + offset
        vrm.old_len = min(end, vma.end) - va
        vrm.new_len = vrm.old_len
        moved = check_prep_vma(vrm)
        if moved == 0:
            moved = mremap_to(k, mm, vrm)
        if moved < 0:
            return moved
        if not seen:
            res = moved
        seen = True
        target = moved + vrm.new_len
        vma = vma_tree.find_vma_intersection(mm, last_end, end)
    return res


def do_mremap(
    k: "Kernel", mm: Mm, start: i64, end: i64, new_start: i64, new_end: i64, flags: i64
) -> i64:
    """mremap(); the new first page or -errno."""
    dontunmap = flags & MREMAP_DONTUNMAP != 0
    fixed = new_start != start or dontunmap
    vrm = VmaRemap(start, end - start, new_start, new_end - new_start, fixed, dontunmap)
    err = check_mremap_params(vrm)
    if err:
        return err
    mmap_lock.mmap_write_lock(k, mm, sites.DO_MREMAP__LOCK)
    if fixed and vrm.old_len == vrm.new_len:
        res = remap_move(k, mm, vrm)
    else:
        vrm.vma = vma_tree.vma_lookup(mm, start)
        res = check_prep_vma(vrm)
        if res == 0:
            res = mremap_to(k, mm, vrm) if fixed else mremap_at(k, mm, vrm)
    if vrm.mmap_locked:
        mmap_lock.mmap_write_unlock(k, mm)
    if res >= 0:
        stale_tlb.own_call_returns(k, mm, start, end, "mremap")
        if fixed:
            stale_tlb.call_returns(k, mm, new_start, new_end, "mremap")
    return res


from simulator.mm import mmu_notifier  # noqa: E402
