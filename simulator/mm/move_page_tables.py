# SPDX-License-Identifier: MIT
"""mm/mremap.c:move_page_tables() (7.2): the entries behind a mapping that moves, one by one or a
whole page table at once. mmap_lock is held for write and both VMAs are write-locked, so
nobody else adds or takes page tables there; rmap walkers and GUP-fast may come by.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.build.native import final
from simulator.lib.maple_tree import find_vma_intersection
from simulator.machine import mmu
from simulator.mm import anon_vma, mmu_notifier, tlb_batch
from simulator.mm import tlb as tlb_module
from simulator.mm.huge_memory import move_huge_pmd
from simulator.mm.mm_types import (
    PTE_PRESENT,
    PTE_SOFT_DIRTY,
    PTE_UFFD_WP,
    SWP_MARKER_UFFD_WP,
    Mm,
    PageTable,
    Vma,
    pte_kind,
    pte_present,
)
from simulator.mm.pgtable import (
    next_entry,
    pmd_clear,
    pmd_index,
    pmd_is_huge,
    pmd_none,
    pmd_populate,
    pmd_table,
    ptep_get,
    ptep_get_and_clear,
    set_pte_at,
)
from simulator.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.split_huge_pmd import split_huge_pmd
from simulator.objects import pmd_obj, pte_obj
from simulator.sched import lock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


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
        self.reverts: bool = False  # takes back what a move has done that has failed


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


def move_ptes(k: "Kernel", pmc: PagetableMove, extent: i64) -> bool:
    """Move the entries one by one; False: a page table is there no more (retract_page_tables()).

    Without the rmap locks a walker finds the new VMA after the old one, so it meets every
    entry at least once."""
    vma = pmc.old
    mm = vma.mm
    assert mm is not None
    if pmc.need_rmap_locks:
        take_rmap_locks(k, vma)
    old_table = pte_offset_map_lock(k, sites.MOVE_PTES__LOCK_OLD, mm, pmc.old_va)
    new_table = pmd_table(k, mm, pmc.new_va)
    if old_table is None or new_table is None:
        if old_table is not None:
            pte_unmap_unlock(k, old_table)
        if pmc.need_rmap_locks:
            drop_rmap_locks(k, vma)
        return False
    if new_table is not old_table:
        lock.spin_lock(k, sites.MOVE_PTES__LOCK_NEW, new_table.ptl)
    if mm.tlb_batched != mm.tlb_flushed:
        tlb_batch.flush_tlb_batched_pending(k, mm)
    uffd = loses_uffd_wp(k, vma)
    flush = move_locked_ptes(k, mm, pmc.old_va, pmc.new_va, extent, old_table, new_table, uffd)
    if flush and not k.bug.mremap_tlb_flush_late:
        tlb_module.flush_tlb_range(k, mm, pmc.old_va, pmc.old_va + extent)
    if new_table is not old_table:
        lock.spin_unlock(k, new_table.ptl)
    pte_unmap_unlock(k, old_table)
    if flush and k.bug.mremap_tlb_flush_late:
        tlb_module.flush_tlb_range(k, mm, pmc.old_va, pmc.old_va + extent)
    if pmc.need_rmap_locks:
        drop_rmap_locks(k, vma)
    return True


def loses_uffd_wp(k: "Kernel", vma: Vma) -> bool:
    """vma_has_uffd_without_event_remap(): what moves out of the VMA has no userfaultfd then."""
    return vma.uffd is not None and not k.bug.mremap_leaves_uffd_wp


def move_locked_ptes(
    k: "Kernel",
    mm: Mm,
    old_va: i64,
    new_va: i64,
    pages: i64,
    old: PageTable,
    new: PageTable,
    uffd: bool,
) -> bool:
    """Both locks are held, and stay so until the old translations are flushed, if there are any,
    which is returned: the new one keeps the page alive, the old one folio_mkclean() away. `uffd`:
    write protection by userfaultfd ends here."""
    force_flush = False
    i: i64 = 0
    while i < pages:
        if ptep_get(k, old, old_va + i):
            k.step(sites.MOVE_PTES__CLEAR_PTE, pte_obj(mm.id, old_va + i), WRITE)
            pte = ptep_get_and_clear(k, mm, old, old_va + i)
            if pte_present(pte):
                force_flush = True
            if ptep_get(k, new, new_va + i):
                k.violate(
                    "kernel-assertion",
                    k.cur.site,
                    "pte",
                    f"mremap() moves an entry onto page {new_va + i}, which has one",
                )
            if uffd:
                pte &= ~PTE_UFFD_WP
            k.step(sites.MOVE_PTES__SET_PTE, pte_obj(mm.id, new_va + i), WRITE)
            if not uffd or pte_kind(pte) != SWP_MARKER_UFFD_WP:
                set_pte_at(k, mm, new, new_va + i, pte | PTE_SOFT_DIRTY)
            k.watch.entry_moved(k, mm, old_va + i, new_va + i)
        i += 1
    return force_flush


def move_normal_pmd(k: "Kernel", pmc: PagetableMove) -> bool:
    """Move a whole page table. Always under the rmap locks: a walker could miss all of it."""
    vma = pmc.old
    mm = vma.mm
    assert mm is not None
    old_va = pmc.old_va
    new_va = pmc.new_va
    size = k.ptrs_per_pte
    rmap_locks = not k.bug.mremap_move_pmd_no_rmap_lock
    if rmap_locks:
        take_rmap_locks(k, vma)
    moved = False
    if not pmd_none(k, mm, new_va):
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "page-table",
            f"mremap() found a page table at its destination, page {new_va}",
        )
    lock.spin_lock(k, sites.MOVE_NORMAL_PMD__LOCK, mm.page_table_lock)
    k.step(sites.MOVE_NORMAL_PMD__CLEAR, pmd_obj(mm.id, pmd_index(k, old_va)), WRITE)
    table = pmd_clear(k, mm, old_va)
    if table is None and k.bug.mremap_move_pmd_vs_retract:
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "page-table",
            f"mremap() moves the page table of page {old_va}, which is there no more: what the new "
            "PMD entry points to is none",
        )
    if table is not None:
        moved = True
        i: i64 = 0
        while i < size:
            pte = table.pte[i]
            if pte & PTE_PRESENT:
                mmu.made_stale(k, mm, old_va + i, pte, None, False)
            if pte:
                mm.who[old_va + i] = k.cur.site
                mm.who[new_va + i] = k.cur.site
                k.watch.entry_moved(k, mm, old_va + i, new_va + i)
            i += 1
        k.step(sites.MOVE_NORMAL_PMD__POPULATE, pmd_obj(mm.id, pmd_index(k, new_va)), WRITE)
        pmd_populate(k, mm, new_va, table)
        k.sometimes(features.Z_MREMAP_PMD_MOVED)
        if k.tracing:
            k.note(f"moves the page table of page {old_va} to {new_va}")
        tlb_module.flush_tlb_range(k, mm, old_va, old_va + size)
    lock.spin_unlock(k, mm.page_table_lock)
    if rmap_locks:
        drop_rmap_locks(k, vma)
    return moved


def move_locked_huge_pmd(k: "Kernel", pmc: PagetableMove) -> bool:
    """move_pgt_entry() of a huge page: under the rmap locks where walkers could miss it."""
    mm = pmc.old.mm
    assert mm is not None
    if pmc.need_rmap_locks:
        take_rmap_locks(k, pmc.old)
    moved = move_huge_pmd(k, mm, pmc.old_va, pmc.new_va, loses_uffd_wp(k, pmc.old))
    if pmc.need_rmap_locks:
        drop_rmap_locks(k, pmc.old)
    return moved


def can_align_down(k: "Kernel", vma: Vma, va: i64) -> bool:
    """Whether the page table of `va` holds nothing below it that would move along."""
    mm = vma.mm
    assert mm is not None
    if vma.start != va:
        return False
    below = va // k.ptrs_per_pte * k.ptrs_per_pte
    return find_vma_intersection(mm, below, vma.start) is None


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


def nothing_to_revert(k: "Kernel", mm: Mm, pmc: PagetableMove, extent: i64) -> bool:
    """Whether nothing came from there: then there may be no page table, and none is needed."""
    if not pmc.reverts or k.bug.mremap_revert_allocates or not pmd_none(k, mm, pmc.new_va):
        return False
    end = pmc.old_va + extent
    return next_entry(k, mm, pmc.old_va, end) == end


def move_extent(k: "Kernel", mm: Mm, pmc: PagetableMove, extent: i64) -> bool:
    """Move what one old and one new page table share of the range; False: out of memory."""
    while True:
        k.step(sites.MOVE_PAGE_TABLES__PMD, pmd_obj(mm.id, pmd_index(k, pmc.old_va)), READ)
        if pmd_none(k, mm, pmc.old_va):
            return True
        if pmd_is_huge(k, mm, pmc.old_va):
            if extent == k.ptrs_per_pte and move_locked_huge_pmd(k, pmc):
                return True
            split_huge_pmd(k, pmc.old, pmc.old_va)
        elif (
            extent == k.ptrs_per_pte
            and not loses_uffd_wp(k, pmc.old)
            and not loses_uffd_wp(k, pmc.new)
            and move_normal_pmd(k, pmc)
        ):
            return True
        if pmd_none(k, mm, pmc.old_va) or nothing_to_revert(k, mm, pmc, extent):
            return True
        if not pte_alloc(k, mm, pmc.new_va):
            return False
        if move_ptes(k, pmc, extent):
            return True
        k.retry(sites.MOVE_PAGE_TABLES__AGAIN)
