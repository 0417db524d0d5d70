# SPDX-License-Identifier: MIT
"""mm/memory.c (7.2), the half of fork(): sharing the parent's pages with the child."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EAGAIN, ENOMEM
from simulator.mm import mmu_gather, mmu_notifier, page_alloc, rmap, swap, swapfile, tlb
from simulator.mm.device_exclusive import try_restore_exclusive_pte
from simulator.mm.huge_memory import copy_huge_pmd
from simulator.mm.memory import copy_words
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    MM_SWAPENTS,
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_UPTODATE,
    PTE_DIRTY,
    PTE_SOFT_DIRTY,
    PTE_SWP_EXCLUSIVE,
    PTE_SWP_MASK,
    PTE_SWP_SHIFT,
    PTE_UFFD_WP,
    PTE_WRITE,
    PTE_YOUNG,
    REF_MAP,
    REF_OWNER,
    SWP_DEVICE_EXCLUSIVE,
    SWP_DEVICE_READ,
    SWP_DEVICE_WRITE,
    SWP_MARKER_GUARD,
    SWP_MARKER_UFFD_WP,
    SWP_MIGRATION_READ,
    SWP_MIGRATION_READ_EXCLUSIVE,
    SWP_MIGRATION_WRITE,
    SWP_SWAP,
    VM_MAYBE_GUARD,
    VM_SHARED,
    Folio,
    Mm,
    Page,
    PageTable,
    Vma,
    add_mm_counter,
    is_cow_mapping,
    mm_counter,
    pte_kind,
    pte_present,
    swp_offset,
)
from simulator.mm.page_ref import add_mapcount, folio_get, folio_put
from simulator.mm.pgtable import (
    maybe_mkwrite,
    mk_pte,
    pfn_to_page,
    pmd_addr_end,
    pmd_is_huge,
    pmd_table,
    pte_mkdirty,
    ptep_get,
    ptep_set_wrprotect,
    set_pte_at,
    vm_normal_page,
    vm_page_prot,
    walk_pmd,
)
from simulator.mm.pgtable_generic import pte_alloc, pte_unmap_unlock
from simulator.objects import pte_obj
from simulator.sched.lock import spin_lock, spin_unlock
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

MAX_PROGRESS: Final = 32  # an entry counts 8, one of none 1; then others may have the locks
NEED_PAGE: Final = 1  # copy_pte_range() must come back with a preallocated page


def vma_needs_copy(dst: Vma, src: Vma) -> bool:
    """File pages fault in again by themselves; anonymous ones and guards must be copied."""
    return src.anon_vma is not None or src.flags & VM_MAYBE_GUARD != 0


def copy_page_range(k: "Kernel", dst: Vma, src: Vma) -> i64:
    """Copy the entries of one VMA into the child; 0 or -ENOMEM. Both mmap_locks are held."""
    if not vma_needs_copy(dst, src):
        return 0
    mm = src.mm
    child = dst.mm
    assert mm is not None
    assert child is not None
    cow = is_cow_mapping(src)
    if cow:
        mmu_notifier.mmu_notifier_invalidate_range_start(
            k, mm, src.start, src.end, mmu_notifier.MMU_NOTIFY_PROTECTION_PAGE
        )
        k.step(sites.COPY_PAGE_RANGE__SEQ_BEGIN, mm.obj, WRITE)
        mm.write_protect_seq += 1
    ret: i64 = 0
    va = walk_pmd(k, sites.COPY_PMD_RANGE__PMD, mm, src.start, src.end)
    while va < src.end and ret == 0:
        stop = pmd_addr_end(k, va, src.end)
        ret = -EAGAIN
        if pmd_is_huge(k, mm, va):
            ret = copy_huge_pmd(k, dst, src, mm, child, va)
        if ret == -EAGAIN:
            ret = copy_pte_range(k, dst, src, mm, child, va, stop, cow)
        if ret == 0:
            va = walk_pmd(k, sites.COPY_PMD_RANGE__PMD, mm, stop, src.end)
    if cow:
        k.step(sites.COPY_PAGE_RANGE__SEQ_END, mm.obj, WRITE)
        mm.write_protect_seq += 1
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, src.start, src.end)
    return ret


def copy_pte_range(
    k: "Kernel", dst: Vma, src: Vma, mm: Mm, child: Mm, start: i64, end: i64, cow: bool
) -> i64:
    """One page table's entries, under both page table locks."""
    prealloc: Folio | None = None
    va = start
    while True:
        if not pte_alloc(k, child, va):
            return -ENOMEM
        child_table = pmd_table(k, child, va)
        table = pmd_table(k, mm, va)
        if child_table is None or table is None:
            break
        mmu_gather.rcu_read_lock(k, sites.COPY_PTE_RANGE__LOCK_CHILD)
        spin_lock(k, sites.COPY_PTE_RANGE__LOCK_CHILD, child_table.ptl)
        spin_lock(k, sites.COPY_PTE_RANGE__LOCK_PARENT, table.ptl)
        need_page = False
        busy = False
        progress: i64 = 0
        while va < end:
            if progress >= MAX_PROGRESS:
                progress = 0
                if table.ptl.waiters or child_table.ptl.waiters:  # spin_needbreak()
                    break
            pte = ptep_get(k, table, va)
            if pte_present(pte):
                used = copy_present_pte(
                    k, dst, src, mm, child, table, child_table, va, pte, cow, prealloc
                )
                if used == NEED_PAGE:
                    need_page = True
                    break
                if used > NEED_PAGE:
                    prealloc = None
            elif pte_kind(pte) == SWP_DEVICE_EXCLUSIVE:
                if not try_restore_exclusive_pte(k, mm, src, table, va):
                    busy = True
                    break
                continue  # present now: again
            elif pte:
                copy_nonpresent_pte(k, mm, child, table, child_table, va, pte, cow)
            progress += 8 if pte else 1
            va += 1
        spin_unlock(k, table.ptl)
        pte_unmap_unlock(k, child_table)
        if busy:  # -EBUSY, of which copy_page_range() makes this
            if prealloc is not None:
                folio_put(k, prealloc, REF_OWNER)
            return -ENOMEM
        if not need_page:
            if va < end:
                continue
            break
        prealloc = page_alloc.folio_alloc(k, sites.COPY_PTE_RANGE__PREALLOC, False)
        if prealloc is None:
            return -ENOMEM
    if prealloc is not None:
        folio_put(k, prealloc, REF_OWNER)
    return 0


def copy_present_pte(
    k: "Kernel",
    dst: Vma,
    src: Vma,
    mm: Mm,
    child: Mm,
    table: PageTable,
    child_table: PageTable,
    va: i64,
    pte: i64,
    cow: bool,
    prealloc: Folio | None,
) -> i64:
    """0: shared. NEED_PAGE: the page is pinned and must be copied into a new one. 2: it was."""
    page = vm_normal_page(k, pte)
    if page is not None:
        folio = page.folio
        if folio.anon_vma is not None:
            k.step(sites.COPY_PRESENT_PTE__DUP_RMAP, pte_obj(mm.id, va), WRITE)
            folio_get(k, folio, REF_MAP)
            if not rmap.folio_try_dup_anon_rmap_pte(k, page, src, child):
                folio_put(k, folio, REF_MAP)
                if prealloc is None:
                    return NEED_PAGE
                if pte & PTE_WRITE and not k.bug.fork_early_cow_torn_snapshot:
                    k.step(sites.COPY_PRESENT_PAGE__WRPROTECT, pte_obj(mm.id, va), WRITE)
                    ptep_set_wrprotect(k, mm, table, va)
                    tlb.flush_tlb_page(k, mm, va)
                k.watch.fork_copying(k, mm, va, page)
                copy_present_page(k, dst, child, child_table, va, pte, page, prealloc)
                return 2
            add_mm_counter(child, MM_ANONPAGES, 1)
        else:
            folio_get(k, folio, REF_MAP)
            rmap.folio_dup_file_rmap_pte(k, page, child)
            add_mm_counter(child, MM_FILEPAGES, 1)
    if cow and pte & PTE_WRITE:
        k.step(sites.COPY_PRESENT_PTE__WRPROTECT, pte_obj(mm.id, va), WRITE)
        ptep_set_wrprotect(k, mm, table, va)
        pte &= ~PTE_WRITE  # what hardware has set in the parent's entry since is its own
    if src.flags & VM_SHARED:
        pte &= ~PTE_DIRTY
    if not k.bug.uffd_wp_fork_special_cases:
        pte &= ~PTE_UFFD_WP  # the child has no userfaultfd
    k.watch.page_shared(k, mm, child, va)
    set_pte_at(k, child, child_table, va, pte & ~PTE_YOUNG)
    return 0


def copy_present_page(
    k: "Kernel",
    dst: Vma,
    child: Mm,
    child_table: PageTable,
    va: i64,
    pte: i64,
    page: Page,
    copy: Folio,
) -> None:
    """The page may be pinned: the child gets a copy at once, the parent keeps its page."""
    copy_words(k, sites.COPY_PRESENT_PAGE__COPY_WORD, copy.page, page)
    copy.flags |= PG_UPTODATE
    rmap.folio_add_new_anon_rmap(k, copy, dst, va)
    swap.folio_add_lru(k, copy)
    add_mm_counter(child, MM_ANONPAGES, 1)
    entry = maybe_mkwrite(pte_mkdirty(mk_pte(copy.page, vm_page_prot(dst))), dst)
    if not pte & PTE_SOFT_DIRTY:
        entry |= PTE_SOFT_DIRTY
    set_pte_at(k, child, child_table, va, entry)
    k.watch.copy_installed(k, child, va, copy.page)
    k.sometimes(features.Z_FORK_COPIED_PINNED)


def copy_nonpresent_pte(
    k: "Kernel",
    mm: Mm,
    child: Mm,
    table: PageTable,
    child_table: PageTable,
    va: i64,
    pte: i64,
    cow: bool,
) -> None:
    """Migration and device private entries, and markers."""
    kind = pte_kind(pte)
    if kind == SWP_SWAP:
        copy_swap_pte(k, mm, child, table, child_table, va, pte)
        return
    if kind >= SWP_MARKER_GUARD:
        if kind != SWP_MARKER_UFFD_WP or k.bug.uffd_wp_fork_special_cases:
            set_pte_at(k, child, child_table, va, pte)
        return
    k.step(sites.COPY_NONPRESENT_PTE__COPY, pte_obj(mm.id, va), WRITE)
    page = pfn_to_page(k, pte >> PFN_SHIFT)
    add_mm_counter(child, mm_counter(page.folio), 1)
    if kind == SWP_DEVICE_READ or kind == SWP_DEVICE_WRITE:
        folio_get(k, page.folio, REF_MAP)
        page.flags &= ~PG_ANON_EXCLUSIVE
        add_mapcount(k, page, 1, child)
        if kind == SWP_DEVICE_WRITE and cow:
            pte = set_kind(pte, SWP_DEVICE_READ)
            if k.bug.device_private_loses_soft_dirty:
                pte &= ~PTE_SOFT_DIRTY
            set_pte_at(k, mm, table, va, pte)
    elif kind != SWP_MIGRATION_READ and cow and not k.bug.fork_migration_entry_stays_writable:
        assert SWP_MIGRATION_READ_EXCLUSIVE <= kind <= SWP_MIGRATION_WRITE
        pte = set_kind(pte, SWP_MIGRATION_READ)
        set_pte_at(k, mm, table, va, pte)
    if not k.bug.uffd_wp_fork_special_cases:
        pte &= ~PTE_UFFD_WP
    k.watch.page_shared(k, mm, child, va)
    set_pte_at(k, child, child_table, va, pte)


def copy_swap_pte(
    k: "Kernel", mm: Mm, child: Mm, table: PageTable, child_table: PageTable, va: i64, pte: i64
) -> None:
    """Both have the slot's page then, and neither alone."""
    swapfile.swap_dup(k, swp_offset(pte))
    if pte & PTE_SWP_EXCLUSIVE and not k.bug.swp_exclusive_bit_fork:
        pte &= ~PTE_SWP_EXCLUSIVE
        k.step(sites.COPY_NONPRESENT_PTE__COPY, pte_obj(mm.id, va), WRITE)
        set_pte_at(k, mm, table, va, pte)
    add_mm_counter(child, MM_SWAPENTS, 1)
    if not k.bug.uffd_wp_fork_special_cases:
        pte &= ~PTE_UFFD_WP
    k.step(sites.COPY_NONPRESENT_PTE__COPY_SWAP, pte_obj(child.id, va), WRITE)
    k.watch.page_shared(k, mm, child, va)
    set_pte_at(k, child, child_table, va, pte)


def set_kind(pte: i64, kind: i64) -> i64:
    return pte & ~PTE_SWP_MASK | kind << PTE_SWP_SHIFT
