# SPDX-License-Identifier: MIT
"""fs/proc/task_mmu.c and fs/proc/base.c: clear_refs, pagemap, /proc/self/mem."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, sites
from simulator.errno import EIO
from simulator.mm import gup, mmap_lock, mmu_notifier, tlb
from simulator.mm import vma as vma_tree
from simulator.mm.copy_page_range import is_cow_mapping
from simulator.mm.memory import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.mm_types import (
    PFN_SHIFT, PG_DIRTY, PG_ZERO, PTE_SOFT_DIRTY, PTE_SPECIAL, PTE_WRITE, PTE_YOUNG,
    SWP_MARKER_GUARD, VM_SOFTDIRTY, Mm, Page, PageTable, Vma, is_device_private_pte,
    is_migration_pte, pte_kind, pte_present,
)
from simulator.mm.page_ref import folio_maybe_dma_pinned
from simulator.mm.pgtable import pfn_to_page, set_pte_at
from simulator.oracles import memory_value, permission, soft_dirty, stale_tlb
from simulator.state import OBJ_MM, OBJ_PMD, READ, WRITE, obj, page_obj, pte_obj

if TYPE_CHECKING:
    from simulator.state import Kernel

CLEAR_YOUNG: Final = 0
PM_SOFT_DIRTY: Final = 1 << 55
PM_MMAP_EXCLUSIVE: Final = 1 << 56
PM_GUARD_REGION: Final = 1 << 58
PM_FILE: Final = 1 << 61
PM_SWAP: Final = 1 << 62
PM_PRESENT: Final = 1 << 63
# Results stay below 2**63: the bits are returned shifted down by this much.
PM_SHIFT: Final = 55


# --- clear_refs -----------------------------------------------------------------------------------


def clear_refs(k: "Kernel", mm: Mm, what: i64) -> i64:
    """Write 1 or 4 to /proc/self/clear_refs."""
    if what == CLEAR_YOUNG:
        mmap_lock.mmap_write_lock(k, mm, sites.CLEAR_REFS_WRITE__LOCK)
        walk(k, mm, False)
        mmap_lock.mmap_write_unlock(k, mm)
        return 0
    mmap_lock.mmap_write_lock(k, mm, sites.CLEAR_REFS_WRITE__LOCK)
    mm.soft_dirty_clearing += 1
    for vma in mm.vmas:
        if vma.flags & VM_SOFTDIRTY:
            mmap_lock.vma_start_write(k, vma)
            vma.flags &= ~VM_SOFTDIRTY
    k.step(sites.CLEAR_REFS_WRITE__PENDING, obj(OBJ_MM, mm.id), WRITE)
    mm.tlb_flush_pending += 1
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, 0, k.nr_arena, mmu_notifier.MMU_NOTIFY_SOFT_DIRTY
    )
    walk(k, mm, True)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, 0, k.nr_arena)
    if not k.bug.softdirty_clear_no_flush:
        tlb.flush_tlb_mm(k, mm)
    k.step(sites.CLEAR_REFS_WRITE__FLUSHED, obj(OBJ_MM, mm.id), WRITE)
    mm.tlb_flush_pending -= 1
    mm.soft_dirty_clearing -= 1
    soft_dirty.still_writable(k, mm)
    mmap_lock.mmap_write_unlock(k, mm)
    stale_tlb.call_returns(k, mm, 0, k.nr_arena, "clear_refs")
    return 0


def walk(k: "Kernel", mm: Mm, soft: bool) -> None:
    """clear_refs_pte_range() over every page table of every VMA."""
    size = k.ptrs_per_pte
    for vma in mm.vmas:
        va = vma.start
        while va < vma.end:
            stop = min(vma.end, (va // size + 1) * size)
            k.step(
                sites.CLEAR_REFS_PTE_RANGE__PMD, obj(OBJ_PMD, mm.id << 16 | va >> k.pmd_order), READ
            )
            if mm.tables[va >> k.pmd_order] is not None:
                clear_refs_pte_range(k, mm, vma, va, stop, soft)
            va = stop


def clear_refs_pte_range(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64, soft: bool) -> None:
    table = pte_offset_map_lock(k, sites.CLEAR_REFS_PTE_RANGE__LOCK, mm, start)
    if table is None:
        return
    for va in range(start, end):
        pte = table.pte[va & (k.ptrs_per_pte - 1)]
        if pte == 0:
            continue
        if soft:
            clear_soft_dirty(k, mm, vma, table, va, pte)
        elif pte_present(pte) and not pte & PTE_SPECIAL:
            k.step(sites.CLEAR_REFS_PTE_RANGE__CLEAR_YOUNG, pte_obj(mm, va), WRITE)
            current = table.pte[va & (k.ptrs_per_pte - 1)]
            set_pte_at(k, mm, table, va, current & ~PTE_YOUNG)
    pte_unmap_unlock(k, table)


def clear_soft_dirty(
    k: "Kernel", mm: Mm, vma: Vma, table: PageTable, va: i64, pte: i64
) -> None:
    """Write-protect one entry, so that the next store faults and marks it; not a pinned page,
    whose fault would copy it."""
    if pte_present(pte):
        if pte_is_pinned(k, mm, vma, pte) and not k.bug.clear_refs_wrprotect_pinned:
            k.sometimes(features.Z_CLEAR_REFS_PINNED)
            return
        k.step(sites.CLEAR_SOFT_DIRTY__WRPROTECT, pte_obj(mm, va), WRITE)
        current = table.pte[va & (k.ptrs_per_pte - 1)]
        set_pte_at(k, mm, table, va, current & ~(PTE_WRITE | PTE_SOFT_DIRTY))
    elif pte_kind(pte) != SWP_MARKER_GUARD:
        set_pte_at(k, mm, table, va, pte & ~PTE_SOFT_DIRTY)


def pte_is_pinned(k: "Kernel", mm: Mm, vma: Vma, pte: i64) -> bool:
    if not pte & PTE_WRITE or not is_cow_mapping(vma) or not mm.has_pinned:
        return False
    if pte & PTE_SPECIAL:
        return False
    return folio_maybe_dma_pinned(pfn_to_page(k, pte >> PFN_SHIFT))


# --- pagemap ----------------------------------------------------------------------------------------


def pagemap(k: "Kernel", mm: Mm, va: i64) -> i64:
    """The bits of the page's entry from bit 55 up, shifted down (PM_* >> PM_SHIFT)."""
    mmap_lock.mmap_read_lock(k, mm, sites.PAGEMAP_READ__LOCK)
    vma = vma_tree.vma_lookup(mm, va)
    bits: i64 = 0
    if vma is not None:
        if vma.flags & VM_SOFTDIRTY:
            bits |= PM_SOFT_DIRTY >> PM_SHIFT
        table = pte_offset_map_lock(k, sites.PAGEMAP_PMD_RANGE__LOCK, mm, va)
        if table is not None:
            bits |= entry_bits(k, table.pte[va & (k.ptrs_per_pte - 1)])
            pte_unmap_unlock(k, table)
    mmap_lock.mmap_read_unlock(k, mm)
    return bits


def entry_bits(k: "Kernel", pte: i64) -> i64:
    """pte_to_pagemap_entry()."""
    if pte == 0:
        return 0
    bits: i64 = 0
    page: Page | None = None
    if pte_present(pte):
        bits |= PM_PRESENT >> PM_SHIFT
        if not pte & PTE_SPECIAL:
            page = pfn_to_page(k, pte >> PFN_SHIFT)
        if pte & PTE_SOFT_DIRTY:
            bits |= PM_SOFT_DIRTY >> PM_SHIFT
    else:
        bits |= PM_SWAP >> PM_SHIFT
        if pte_kind(pte) == SWP_MARKER_GUARD:
            return bits | PM_GUARD_REGION >> PM_SHIFT
        if pte & PTE_SOFT_DIRTY:
            bits |= PM_SOFT_DIRTY >> PM_SHIFT
        if is_migration_pte(pte) or is_device_private_pte(pte):
            page = pfn_to_page(k, pte >> PFN_SHIFT)
    if page is not None:
        if page.anon_vma is None:
            bits |= PM_FILE >> PM_SHIFT
        if pte_present(pte) and page.mapcount == 1:
            bits |= PM_MMAP_EXCLUSIVE >> PM_SHIFT
    return bits


# --- /proc/self/mem ------------------------------------------------------------------------------------


def mem_read(k: "Kernel", mm: Mm, word: i64) -> i64:
    """Read one word with FOLL_FORCE; the token, or -EIO."""
    va = word >> 2
    flags: i64 = gup.FOLL_GET | gup.FOLL_FORCE | gup.FOLL_REMOTE
    pfn = gup.get_user_page_unlocked(k, mm, va, flags)
    if pfn < 0:
        return -EIO
    page = pfn_to_page(k, pfn)
    k.step(sites.ACCESS_REMOTE_VM__COPY, page_obj(page), READ)
    value = page.words[word & 3]
    gup.put(k, page, flags)
    return value


def mem_write(k: "Kernel", mm: Mm, word: i64) -> i64:
    """Write a new token with FOLL_FORCE; 0, or -EIO."""
    va = word >> 2
    flags: i64 = gup.FOLL_GET | gup.FOLL_FORCE | gup.FOLL_REMOTE | gup.FOLL_WRITE
    pfn = gup.get_user_page_unlocked(k, mm, va, flags)
    if pfn < 0:
        return -EIO
    page = pfn_to_page(k, pfn)
    k.step(sites.ACCESS_REMOTE_VM__COPY, page_obj(page), WRITE)
    permission.forced(k, mm, va, page)
    token = k.new_token(mm)
    page.words[word & 3] = token
    if page.flags & PG_ZERO:
        permission.zero_page_stored(k, mm, va)
    if page.inode is None and still_mapped(k, mm, va, page):
        memory_value.stored(k, mm, va, page, word & 3, token)
    else:
        memory_value.stored_stale(k, page, word & 3, token)
    page.flags |= PG_DIRTY
    gup.put(k, page, flags)
    return 0


def still_mapped(k: "Kernel", mm: Mm, va: i64, page: Page) -> bool:
    """Whether the page gotten is still the one at `va`: it may have been zapped since."""
    table = mm.tables[va >> k.pmd_order]
    if table is None:
        return False
    pte = table.pte[va & (k.ptrs_per_pte - 1)]
    return pte_present(pte) and pte >> PFN_SHIFT == page.pfn
