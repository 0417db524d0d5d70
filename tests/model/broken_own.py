# SPDX-License-Identifier: MIT
"""Mistakes that somebody could make, each in one function of the model: the oracles see them, and
name that function. They are no known bugs of Linux."""

from typing import Any, Final

from simulator import sites
from simulator.kernel import exit as kernel_exit
from simulator.mm import (
    anon_vma,
    copy_page_range,
    madvise,
    memory,
    migrate,
    migrate_device,
    mmap,
    mmap_lock,
    mmu_gather,
    mmu_notifier,
    move_page_tables,
    mprotect,
    mremap,
    pgtable,
    vma_merge,
)
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_DIRTY,
    PTE_PRESENT,
    PTE_SOFT_DIRTY,
    REF_MAP,
    VM_MAYBE_GUARD,
    Mm,
    Page,
    PageTable,
    Vma,
    is_migration_pte,
)
from simulator.mm.mmu_gather import MmuGather
from simulator.mm.page_ref import folio_get
from simulator.mm.pgtable import pfn_to_page
from simulator.objects import pmd_obj
from simulator.sched.lock import spin_lock
from simulator.state import READ, Kernel
from tests.model.broken import Pair, Patch

ANON: Final = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"


def mprotect_flushes_lost_access_only(patch: Patch) -> None:
    def change(k: Kernel, tlb: MmuGather, vma: Vma, va: int, old: int, cp_flags: int) -> int:
        quiet = MmuGather(tlb.mm, False)
        new: int = original(k, quiet, vma, va, old, cp_flags)
        if old & PTE_PRESENT and not new & PTE_PRESENT:
            mmu_gather.tlb_remove_tlb_entry(tlb, va)
        else:
            for stale in tlb.mm.stale:
                stale.queued = False
        return new

    original = mprotect.change_present_pte
    patch.set(mprotect, "change_present_pte", change)


def fork_keeps_a_reference(patch: Patch) -> None:
    """Of a page that it copies, when it must first get a page for that."""
    original = copy_page_range.copy_present_pte

    def copy(*args: Any) -> Any:
        result = original(*args)
        if result == copy_page_range.NEED_PAGE:
            k, pte = args[0], args[8]
            folio_get(k, pfn_to_page(k, pte >> PFN_SHIFT).folio, REF_MAP)
        return result

    patch.set(copy_page_range, "copy_present_pte", copy)


def page_tables_are_not_looked_up_again(patch: Patch) -> None:
    def lock(k: Kernel, site: int, mm: Mm, va: int) -> PageTable | None:
        mmu_gather.rcu_read_lock(k, site)
        k.step(sites.PTE_OFFSET_MAP_LOCK__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        table = mm.tables[va >> k.pmd_order]
        if table is None:
            mmu_gather.rcu_read_unlock(k)
            return None
        spin_lock(k, site, table.ptl)
        k.watch.table_locked(k, mm, va, table)
        return table

    patch.set(memory, "pte_offset_map_lock", lock)


def fork_does_not_count_migration_entries(patch: Patch) -> None:
    original = copy_page_range.copy_nonpresent_pte

    def copy(k: Kernel, mm: Mm, child: Mm, *rest: Any) -> None:
        original(k, mm, child, *rest)
        if is_migration_pte(rest[3]):
            child.rss_anon -= 1

    patch.set(copy_page_range, "copy_nonpresent_pte", copy)


def cow_tells_no_device(patch: Patch) -> None:
    patch.nothing(mmu_notifier, "mmu_notifier_invalidate_range_start")
    patch.nothing(mmu_notifier, "mmu_notifier_invalidate_range_end")


def migration_loses_soft_dirty(patch: Patch) -> None:
    def make(k: Kernel, pte: int, page: Page, exclusive: bool) -> int:
        return original(k, pte, page, exclusive) & ~PTE_SOFT_DIRTY

    original = migrate.make_migration_pte
    patch.set(migrate_device, "make_migration_pte", make)


def exit_takes_no_count(patch: Patch) -> None:
    original = kernel_exit.drop_user

    def drop_user(k: Kernel, mm: Mm) -> None:
        for cpu in k.cpus:
            if cpu.lazy_mm is not None:
                cpu.lazy_mm.count -= 1
                cpu.lazy_mm = None
        original(k, mm)

    patch.set(kernel_exit, "drop_user", drop_user)


def guards_set_no_flag(patch: Patch) -> None:
    original = madvise.guard_install_walk

    def walk(k: Kernel, mm: Mm, start: int, end: int) -> int:
        for vma in mm.vmas:
            vma.flags &= ~VM_MAYBE_GUARD
        err: int = original(k, mm, start, end)
        return err

    patch.set(madvise, "guard_install_walk", walk)


def merges_ignore_offsets(patch: Patch) -> None:
    def left(k: Kernel, vmg: vma_merge.VmaMerge) -> bool:
        prev = vmg.prev
        return (
            prev is not None
            and prev.end == vmg.start
            and vma_merge.is_mergeable_vma(vmg, prev)
            and vma_merge.is_mergeable_anon_vma(k, vmg, prev)
        )

    patch.set(vma_merge, "can_vma_merge_left", left)


def moves_leave_faults_in(patch: Patch) -> None:
    original = mmap_lock.vma_start_write

    def start(k: Kernel, vma: Vma) -> None:
        if vma.start != 0:
            original(k, vma)

    patch.set(mmap_lock, "vma_start_write", start)


def munmap_unlinks_first(patch: Patch) -> None:
    original = mmap.unmap_region

    def unmap(k: Kernel, mm: Mm, vmas: list[Vma], *rest: Any) -> None:
        for vma in vmas:
            anon_vma.unlink_anon_vmas(k, vma)
        original(k, mm, vmas, *rest)

    patch.set(mmap, "unmap_region", unmap)


def failed_moves_do_not_move_back(patch: Patch) -> None:
    original = move_page_tables.move_page_tables
    calls: list[object] = []

    def move(k: Kernel, pmc: move_page_tables.PagetableMove) -> int:
        calls.append(pmc)
        if len(calls) % 2 == 0:
            return 0
        moved: int = original(k, pmc)
        return moved

    patch.set(mremap, "move_page_tables", move)


def fork_loses_dirty(patch: Patch) -> None:
    """Of the parent's entry and of the child's."""
    original = pgtable.ptep_set_wrprotect
    keep = pgtable.set_pte_at

    def wrprotect(k: Kernel, mm: Mm, table: PageTable, va: int) -> None:
        original(k, mm, table, va)
        keep(k, mm, table, va, table.pte[va & (k.ptrs_per_pte - 1)] & ~PTE_DIRTY)

    def clean(k: Kernel, mm: Mm, table: PageTable, va: int, new: int) -> None:
        keep(k, mm, table, va, new & ~PTE_DIRTY)

    patch.set(copy_page_range, "ptep_set_wrprotect", wrprotect)
    patch.set(copy_page_range, "set_pte_at", clean)


PAIRS: Final = (
    Pair(
        "own-mprotect-flush",
        "stale-tlb change_pte_range anon",
        ANON + "3 T1 mprotect 0..8 r\n",
        mprotect_flushes_lost_access_only,
    ),
    Pair(
        "own-fork-reference",
        "refcount copy_present_pte anon",
        ANON + "3 T0 pin p0 3 w\n4 T0 fork T1\n5 T0 unpin p0\n6 T0 mprotect 0..8 r\n",
        fork_keeps_a_reference,
    ),
    Pair(
        "own-table-lookup",
        "use-after-free pte_offset_map_lock page-table",
        ANON + "3 T1 write 4\n4 T0 madvise 0..8 DONTNEED\n@3 do_anonymous_page:lock#1 -> T0\n",
        page_tables_are_not_looked_up_again,
    ),
    Pair(
        "own-fork-rss",
        "accounting copy_nonpresent_pte mm",
        ANON + "3 T0 fork T1\n4 DEVICE migrate_to_device 0..8\n5 T1 fork T2\n"
        "@4 dmirror_migrate_alloc_and_copy:copy_word#1 -> T1\n",
        fork_does_not_count_migration_entries,
    ),
    Pair(
        "own-cow-notifier",
        "secondary-mmu wp_page_copy anon",
        ANON + "3 T0 fork T1\n4 DEVICE device_read 3\n5 T0 write 3\n",
        cow_tells_no_device,
    ),
    Pair(
        "own-migration-soft-dirty",
        "soft-dirty migrate_vma_collect_pmd pte",
        ANON + "3 T0 clear_refs soft-dirty\n4 T0 write 3\n5 DEVICE migrate_to_device 0..8\n",
        migration_loses_soft_dirty,
    ),
    Pair(
        "own-exit-count",
        "use-after-free exit_mm mm",
        "1 T0 fork T1\n2 T1 exit\n",
        exit_takes_no_count,
    ),
    Pair(
        "own-guard-flag",
        "state madvise_guard_install pte",
        ANON + "3 T0 madvise 4..8 GUARD_INSTALL\n",
        guards_set_no_flag,
    ),
    Pair(
        "own-merge-offsets",
        "rmap vma_merge_new_range vma",
        "1 T0 memfd f0 8\n2 T0 mmap 0..2 rw shared f0\n3 T0 mmap 2..4 rw shared f0+4\n",
        merges_ignore_offsets,
    ),
    Pair(
        "own-move-unlocked",
        "state move_vma vma",
        ANON + "3 T0 mremap 0..8 to 16\n",
        moves_leave_faults_in,
    ),
    Pair(
        "own-unlink-first",
        "rmap unmap_region anon",
        ANON + "3 T0 munmap 0..8\n",
        munmap_unlinks_first,
    ),
    Pair(
        "own-failed-move",
        "memory-value move_vma anon",
        "1 T0 mmap 0..12 rw private anon\n2 T0 write 3\n3 T0 write 11\n"
        "4 T0 mremap 3..12 to 19\n@4 pte_alloc:new_table#2 fail\n",
        failed_moves_do_not_move_back,
    ),
    Pair(
        "own-fork-dirty",
        "dirty-loss copy_present_pte anon",
        ANON + "3 T0 fork T1\n",
        fork_loses_dirty,
    ),
)
