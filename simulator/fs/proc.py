# SPDX-License-Identifier: MIT
"""fs/proc/task_mmu.c and fs/proc/base.c (7.2): clear_refs, pagemap, PROCMAP_QUERY, /proc/self/mem.

pagemap's result is the entry without the frame number, shifted down to bit 0 so that it is
never negative: see the PM_* constants.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.errno import EINTR, ENAMETOOLONG, ENOENT, ENOMEM, ESRCH
from simulator.kernel import exit as kernel_exit
from simulator.lib.maple_tree import vma_lookup
from simulator.mm import gup, mmap_lock, mmu_notifier, tlb, vma_file
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PTE_SOFT_DIRTY,
    PTE_UFFD_WP,
    PTE_WRITE,
    PTE_YOUNG,
    SWP_MARKER_GUARD,
    SWP_MARKER_UFFD_WP,
    VM_SOFTDIRTY,
    Mm,
    Page,
    PageTable,
    Vma,
    is_cow_mapping,
    is_device_private_pte,
    is_huge_zero_pmd,
    is_migration_pte,
    pmd_present,
    pte_kind,
    pte_present,
)
from simulator.mm.page_ref import folio_maybe_dma_pinned
from simulator.mm.pgtable import (
    pfn_to_page,
    pmd_addr_end,
    pmd_is_huge,
    pmd_none,
    ptep_get,
    ptep_modify_prot_start,
    set_pmd_at,
    set_pte_at,
    vm_normal_page,
    walk_pmd,
)
from simulator.mm.pgtable_generic import (
    pmd_trans_huge_lock,
    pmd_unlock,
    pmdp_invalidate,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.objects import OBJ_NONE, pmd_obj, pte_obj
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


# Bits of a pagemap entry from bit 55 up.
PM_SOFT_DIRTY: Final = 1 << 55 - 55
PM_MMAP_EXCLUSIVE: Final = 1 << 56 - 55
PM_UFFD_WP: Final = 1 << 57 - 55
PM_GUARD_REGION: Final = 1 << 58 - 55
PM_FILE: Final = 1 << 61 - 55
PM_SWAP: Final = 1 << 62 - 55
PM_PRESENT: Final = 1 << 63 - 55


# --- clear_refs ------------------------------------------------------------------------------


def clear_refs(k: "Kernel", mm: Mm, what: i64) -> i64:
    """clear_refs_write(): write 1 or 4 to /proc/self/clear_refs."""
    soft = what == ops.CLEAR_REFS_SOFT_DIRTY
    assert soft or what == ops.CLEAR_REFS_YOUNG
    if mmap_lock.mmap_write_lock_killable(k, mm, sites.CLEAR_REFS_WRITE__LOCK):
        return -EINTR
    if soft:
        k.watch.clear_refs_begins(k, mm)
        for vma in mm.vmas:
            if vma.flags & VM_SOFTDIRTY:
                mmap_lock.vma_start_write(k, vma)
                k.step(sites.CLEAR_REFS_WRITE__CLEAR_VM_SOFTDIRTY, vma.obj, WRITE)
                vma.flags &= ~VM_SOFTDIRTY
        k.step(sites.CLEAR_REFS_WRITE__FLUSH_PENDING, mm.obj, WRITE)
        mm.tlb_flush_pending += 1
        mmu_notifier.mmu_notifier_invalidate_range_start(
            k, mm, 0, k.nr_arena, mmu_notifier.MMU_NOTIFY_SOFT_DIRTY
        )
    for vma in mm.vmas:
        mmap_lock.vma_start_write(k, vma)  # PGWALK_WRLOCK
        clear_refs_vma(k, mm, vma, soft)
    if soft:
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, 0, k.nr_arena)
        if not k.bug.softdirty_clear_no_flush:
            k.step(sites.CLEAR_REFS_WRITE__FLUSH, mm.obj, WRITE)
            tlb.flush_tlb_mm(k, mm)
        mm.tlb_flush_pending -= 1
        k.watch.clear_refs_flushed(k, mm)
    mmap_lock.mmap_write_unlock(k, mm)
    return 0


def clear_refs_vma(k: "Kernel", mm: Mm, vma: Vma, soft: bool) -> None:
    """walk_page_range() over one VMA, page table by page table."""
    va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, vma.start, vma.end)
    while va < vma.end:
        stop = pmd_addr_end(k, va, vma.end)
        if not pmd_is_huge(k, mm, va) or not clear_refs_pmd(k, mm, va, soft):
            clear_refs_pte_range(k, mm, vma, va, stop, soft)
        va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, stop, vma.end)


def clear_refs_pte_range(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64, soft: bool) -> None:
    table = pte_offset_map_lock(k, sites.CLEAR_REFS_PTE_RANGE__LOCK, mm, start)
    if table is None:
        return
    va = start
    while va < end:
        pte = ptep_get(k, table, va)
        if soft:
            if pte:
                clear_soft_dirty(k, mm, vma, table, va, pte)
        elif pte & PTE_YOUNG and pte_present(pte) and vm_normal_page(k, pte) is not None:
            k.step(sites.PTEP_TEST_AND_CLEAR_YOUNG__CLEAR, pte_obj(mm.id, va), WRITE)
            current = ptep_get(k, table, va)
            set_pte_at(k, mm, table, va, current & ~PTE_YOUNG)
        va += 1
    pte_unmap_unlock(k, table)


def clear_refs_pmd(k: "Kernel", mm: Mm, va: i64, soft: bool) -> bool:
    """clear_refs_pte_range() and clear_soft_dirty_pmd() of a huge entry; False: it is none. Unlike
    small ones, pinned huge pages are write-protected, too."""
    if not pmd_trans_huge_lock(k, sites.CLEAR_REFS_PTE_RANGE__PMD_LOCK, mm, va):
        return False
    i = va >> k.pmd_order
    pmd = mm.pmd[i]
    present = pmd_present(pmd)
    if soft and present:
        k.step(sites.CLEAR_SOFT_DIRTY_PMD__INVALIDATE, pmd_obj(mm.id, i), WRITE)
        old = pmdp_invalidate(k, mm, va)
        k.step(sites.CLEAR_SOFT_DIRTY_PMD__SET, pmd_obj(mm.id, i), WRITE)
        for page in range(va, va + k.ptrs_per_pte):
            k.watch.soft_dirty_cleared(k, mm, page)
        set_pmd_at(k, mm, va, old & ~(PTE_WRITE | PTE_SOFT_DIRTY))
    elif soft and (is_migration_pte(pmd) or not k.bug.clear_refs_skips_device_pmd):
        k.step(sites.CLEAR_SOFT_DIRTY_PMD__SET, pmd_obj(mm.id, i), WRITE)
        for page in range(va, va + k.ptrs_per_pte):
            k.watch.soft_dirty_cleared(k, mm, page)
        set_pmd_at(k, mm, va, pmd & ~PTE_SOFT_DIRTY)
    elif not soft and present and pmd & PTE_YOUNG:
        k.step(sites.PMDP_TEST_AND_CLEAR_YOUNG__CLEAR, pmd_obj(mm.id, i), WRITE)
        set_pmd_at(k, mm, va, mm.pmd[i] & ~PTE_YOUNG)
    pmd_unlock(k, mm)
    return True


def clear_soft_dirty(k: "Kernel", mm: Mm, vma: Vma, table: PageTable, va: i64, pte: i64) -> None:
    """Write-protect one entry, so that the next store faults and marks it. Not so a pinned
    page: the fault might give the process another one. Markers are entries like others."""
    if pte_present(pte) and pte_is_pinned(k, mm, vma, pte):
        if not k.bug.clear_refs_wrprotect_pinned:
            k.sometimes(features.Z_CLEAR_REFS_PINNED)
            k.watch.soft_dirty_left(k, mm, va, pte)
            return
        # Before 5.19 no page was marked exclusive: a write fault went by the reference count.
        pfn_to_page(k, pte >> PFN_SHIFT).flags &= ~PG_ANON_EXCLUSIVE
    lost = PTE_SOFT_DIRTY
    if pte_present(pte):
        k.step(sites.CLEAR_SOFT_DIRTY__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
        pte = ptep_modify_prot_start(k, mm, table, va)
        lost |= PTE_WRITE
    k.step(sites.CLEAR_SOFT_DIRTY__SET_PTE, pte_obj(mm.id, va), WRITE)
    k.watch.soft_dirty_cleared(k, mm, va)
    set_pte_at(k, mm, table, va, pte & ~lost)


def pte_is_pinned(k: "Kernel", mm: Mm, vma: Vma, pte: i64) -> bool:
    """Whether a device may write the page: writable, private, perhaps pinned."""
    if not pte & PTE_WRITE or not is_cow_mapping(vma) or not mm.has_pinned:
        return False
    page = vm_normal_page(k, pte)
    return page is not None and folio_maybe_dma_pinned(page.folio)


# --- pagemap ---------------------------------------------------------------------------------


def pagemap(k: "Kernel", mm: Mm, va: i64) -> i64:
    """pagemap_read() of one entry: PM_* bits."""
    killed = mmap_lock.mmap_read_lock_killable(k, mm, sites.PAGEMAP_READ__LOCK)
    if killed and not k.bug.killable_lock_failure_unlocks:
        return -EINTR
    bits: i64 = 0
    vma = vma_lookup(mm, va)
    if vma is not None:
        walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, va, va + 1)
        huge = pmd_is_huge(k, mm, va) and pmd_trans_huge_lock(
            k, sites.PAGEMAP_PMD_RANGE__PMD_LOCK, mm, va
        )
        table: PageTable | None = None
        if huge:
            bits = pmd_to_pagemap_entry(k, mm.pmd[va >> k.pmd_order])
        elif not pmd_none(k, mm, va):
            table = pte_offset_map_lock(k, sites.PAGEMAP_PMD_RANGE__LOCK, mm, va)
        if table is not None:
            bits = pte_to_pagemap_entry(k, ptep_get(k, table, va))
        if vma.flags & VM_SOFTDIRTY:
            bits |= PM_SOFT_DIRTY
        k.watch.soft_dirty_reported(k, mm, va, bits & PM_SOFT_DIRTY != 0)
        if table is not None:
            pte_unmap_unlock(k, table)
        elif huge:
            pmd_unlock(k, mm)
    mmap_lock.mmap_read_unlock(k, mm)
    return bits


def pmd_to_pagemap_entry(k: "Kernel", pmd: i64) -> i64:
    """pagemap_pmd_range_thp(): what a huge entry contributes for each of its pages."""
    bits: i64 = PM_PRESENT if pmd_present(pmd) else PM_SWAP
    if pmd & PTE_SOFT_DIRTY:
        bits |= PM_SOFT_DIRTY
    if is_huge_zero_pmd(pmd):
        return bits | PM_FILE  # the huge zero folio is not anonymous
    folio = pfn_to_page(k, pmd >> PFN_SHIFT).folio
    if folio.anon_vma is None:
        bits |= PM_FILE
    if bits & PM_PRESENT and folio.page.mapcount + folio.entire_mapcount == 1:
        bits |= PM_MMAP_EXCLUSIVE
    return bits


def pte_to_pagemap_entry(k: "Kernel", pte: i64) -> i64:
    """What one page table entry contributes."""
    if pte == 0:
        return 0
    bits: i64 = 0
    page: Page | None = None
    if pte_present(pte):
        bits = PM_PRESENT
        page = vm_normal_page(k, pte)
    else:
        bits = PM_SWAP
        if is_migration_pte(pte) or is_device_private_pte(pte):
            page = pfn_to_page(k, pte >> PFN_SHIFT)
        elif pte_kind(pte) == SWP_MARKER_GUARD:
            bits |= PM_GUARD_REGION
        elif pte_kind(pte) == SWP_MARKER_UFFD_WP:
            bits |= PM_UFFD_WP
    if pte & PTE_SOFT_DIRTY:
        bits |= PM_SOFT_DIRTY
    if pte & PTE_UFFD_WP:
        bits |= PM_UFFD_WP
    if page is not None:
        if page.folio.anon_vma is None:
            bits |= PM_FILE
        if bits & PM_PRESENT and page.mapcount + page.folio.entire_mapcount == 1:
            bits |= PM_MMAP_EXCLUSIVE
    return bits


# --- PROCMAP_QUERY ---------------------------------------------------------------------------


def do_procmap_query(k: "Kernel", mm: Mm, va: i64, flags: i64) -> i64:
    """PROCMAP_QUERY_COVERING_OR_NEXT_VMA with a buffer for the name, and for the build id one of a
    single byte: the VMA's first page, -ENOENT, -ENOMEM, or -ENAMETOOLONG where there is an id
    (files `x` of imported programs are executables)."""
    assert flags & ~ops.PROCMAP_BUILD_ID == 0
    if mm.users == 0:
        return -ESRCH
    kernel_exit.mmget(k, mm)
    vma = mmap_lock.lock_next_vma(k, mm, va)
    if vma is None:
        kernel_exit.mmput(k, mm)
        return -EINTR if k.cur.killed else -ENOENT
    start = vma.start
    inode = vma.inode
    if inode is not None and k.should_fail(sites.DO_PROCMAP_QUERY__NAME_BUFFER, OBJ_NONE):
        mmap_lock.vma_end_read(k, vma)
        kernel_exit.mmput(k, mm)
        return -ENOMEM
    if not flags & ops.PROCMAP_BUILD_ID:
        inode = None
    if inode is not None:
        vma_file.get_file(inode)
    mmap_lock.vma_end_read(k, vma)
    kernel_exit.mmput(k, mm)
    if inode is None:
        return start
    k.step(sites.DO_PROCMAP_QUERY__BUILD_ID, OBJ_NONE, READ)
    too_long = inode.opaque
    if too_long and k.bug.procmap_error_path_double_mmput:
        kernel_exit.mmput(k, mm)
    vma_file.fput(k, inode)
    return -ENAMETOOLONG if too_long else start


# --- /proc/self/mem --------------------------------------------------------------------------


def mem_read(k: "Kernel", mm: Mm, word: i64) -> i64:
    """Load one word with FOLL_FORCE: its token, or -EIO."""
    return gup.access_remote_vm(k, mm, word, False)


def mem_write(k: "Kernel", mm: Mm, word: i64) -> i64:
    """Store a new token with FOLL_FORCE: 0, or -EIO."""
    return gup.access_remote_vm(k, mm, word, True)
