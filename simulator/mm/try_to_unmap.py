# SPDX-License-Identifier: MIT
"""mm/rmap.c (Linux 7.2): try_to_unmap() of locked folios of the page cache, and of anonymous ones.
The flush that TTU_BATCH_FLUSH leaves to the caller, for many entries at once, is in tlb_batch.py.

Not modelled: such flushes for folios of the page cache, whose entries are flushed one by one.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm import anon_vma, mmu_notifier, swapfile, tlb, tlb_batch
from simulator.mm.migrate import page_vma_mapped_walk
from simulator.mm.mm_inline import pte_install_uffd_wp_if_needed
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    MM_SWAPENTS,
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    PG_DIRTY,
    PTE_DIRTY,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_SWP_EXCLUSIVE,
    PTE_UFFD_WP,
    REF_MAP,
    SWP_OFFSET_BASE,
    SWP_SWAP,
    VM_LOCKED,
    AnonVma,
    Folio,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    folio_mapcount,
    mk_swap_pte,
    mm_counter,
    pmd_present,
    pte_present,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import (
    keep_soft_dirty,
    pfn_to_page,
    pmd_addr_end,
    ptep_get,
    ptep_get_and_clear,
    set_pte_at,
)
from simulator.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pte_offset_map_lock,
    pte_unmap_unlock,
    ptep_clear_flush,
)
from simulator.mm.rmap import (
    RmapWalkControl,
    folio_remove_rmap_pte,
    folio_try_share_anon_rmap_pte,
    vma_address_end,
    walk_vmas,
)
from simulator.mm.split_huge_pmd import split_huge_pmd_locked
from simulator.mm.unmap_lazyfree import (
    folio_test_lazyfree,
    unmap_huge_pmd_locked,
    unmap_large_entries,
    unmap_lazyfree_entries,
)
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import down_read, down_read_trylock, up_read
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def try_to_unmap(k: "Kernel", folio: Folio, locked: bool) -> None:
    """Take the folio away from all who map it; `locked`: the caller has the file's i_mmap_rwsem."""
    inode = folio.inode
    assert inode is not None
    if not locked:
        down_read(k, sites.TRY_TO_UNMAP__I_MMAP_LOCK, inode.i_mmap_rwsem)
    walk_vmas(k, inode.i_mmap, folio, TryToUnmap())
    if not locked:
        up_read(k, inode.i_mmap_rwsem)


class TryToUnmap(RmapWalkControl):
    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """try_to_unmap_one(); False: nobody maps it any more."""
        mm = vma.mm
        assert mm is not None
        end = va + 1 if folio.order == 0 else vma_address_end(vma, folio)
        event = mmu_notifier.MMU_NOTIFY_CLEAR
        mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, va, end, event)
        at = va
        while at < end:
            stop = pmd_addr_end(k, at, end)
            k.step(sites.PAGE_VMA_MAPPED_WALK__PMD, pmd_obj(mm.id, at >> k.pmd_order), READ)
            if mm.pmd[at >> k.pmd_order]:
                pmd_lock(k, sites.PAGE_VMA_MAPPED_WALK__PMD_LOCK, mm)
                pmd = mm.pmd[at >> k.pmd_order]
                if pmd and pmd >> PFN_SHIFT == folio.pfn:
                    split_huge_pmd_locked(k, vma, at >> k.pmd_order << k.pmd_order, False)
                pmd_unlock(k, mm)
            elif mm.tables[at >> k.pmd_order] is not None:
                unmap_entries(k, folio, vma, at, stop)
            at = stop
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, end)
        return folio_mapcount(folio) > 0


def unmap_entries(k: "Kernel", folio: Folio, vma: Vma, start: i64, end: i64) -> None:
    """The entries of one page table that map pages of the folio."""
    mm = vma.mm
    assert mm is not None
    table = pte_offset_map_lock(k, sites.TRY_TO_UNMAP_ONE__LOCK, mm, start)
    if table is None:
        return
    for va in range(start, end):
        pte = ptep_get(k, table, va)
        offset = (pte >> PFN_SHIFT) - folio.pfn
        if not pte_present(pte) or pte & PTE_SPECIAL or not 0 <= offset < 1 << folio.order:
            continue
        k.step(sites.TRY_TO_UNMAP_ONE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
        pte = ptep_clear_flush(k, mm, table, va)
        pte_install_uffd_wp_if_needed(k, vma, mm, table, va, pte)
        keep_soft_dirty(k, vma, pte)
        if pte & PTE_DIRTY:
            folio.flags |= PG_DIRTY
        add_mm_counter(mm, mm_counter(folio), -1)
        k.step(sites.TRY_TO_UNMAP_ONE__REMOVE_RMAP, folio.obj, WRITE)
        folio_remove_rmap_pte(k, pfn_to_page(k, folio.pfn + offset), mm)
        folio_put(k, folio, REF_MAP)
    pte_unmap_unlock(k, table)


def try_to_unmap_anon(k: "Kernel", folio: Folio) -> None:
    """The same of an anonymous folio, with TTU_BATCH_FLUSH: swap entries take its place, or nothing
    if it is lazyfree, which alone may be large."""
    av = folio_lock_anon_vma_read(k, folio, False)
    if av is not None:
        walk_vmas(k, av.vmas, folio, TryToUnmapAnon())
        folio_unlock_anon_vma_read(k, av)


def folio_lock_anon_vma_read(k: "Kernel", folio: Folio, try_lock: bool) -> AnonVma | None:
    """The anon_vma of a locked folio, locked for reading; None if nobody maps the folio any more,
    so that its anon_vma may be gone or another one, or if the lock is taken and `try_lock`. While
    the folio is mapped its anon_vma stays."""
    av = folio.anon_vma
    k.step(sites.FOLIO_LOCK_ANON_VMA_READ__MAPPED, folio.obj, READ)
    if av is None or not folio_mapcount(folio):
        return None
    root = av.root
    assert root is not None
    if down_read_trylock(k, sites.FOLIO_LOCK_ANON_VMA_READ__TRYLOCK, root.rwsem):
        if folio_mapcount(folio):
            return av
        up_read(k, root.rwsem)
        return None
    if try_lock or not av.live:
        return None
    anon_vma.get_anon_vma(av)
    if not folio_mapcount(folio):
        anon_vma.put_anon_vma(k, av)
        return None
    down_read(k, sites.FOLIO_LOCK_ANON_VMA_READ__LOCK, root.rwsem)
    if av.refcount == 1:  # all that is left of it is this
        up_read(k, root.rwsem)
        anon_vma.put_anon_vma(k, av)
        return None
    av.refcount -= 1
    return av


def folio_unlock_anon_vma_read(k: "Kernel", av: AnonVma) -> None:
    root = av.root
    assert root is not None
    up_read(k, root.rwsem)


class TryToUnmapAnon(RmapWalkControl):
    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """try_to_unmap_one(); False: it may not be unmapped, or nobody maps it any more."""
        mm = vma.mm
        assert mm is not None
        if folio.order:
            return unmap_large(k, folio, vma, va)
        event = mmu_notifier.MMU_NOTIFY_CLEAR
        mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, va, va + 1, event)
        done = True
        table = page_vma_mapped_walk(k, folio.page, mm, va, sites.TRY_TO_UNMAP_ONE__LOCK)
        if table is not None:
            if vma.flags & VM_LOCKED:
                done = False
            elif folio_test_lazyfree(folio):
                done = unmap_lazyfree_entries(k, folio, vma, table, va, va + 1, 0) > 0
            else:
                done = unmap_anon_entry(k, folio, mm, table, va)
            pte_unmap_unlock(k, table)
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, va, va + 1)
        return done and folio.page.mapcount > 0


def unmap_large(k: "Kernel", folio: Folio, vma: Vma, start: i64) -> bool:
    """try_to_unmap_one() of a large lazyfree folio, which PMD and page table entries may map, with
    TTU_SYNC: locks are taken before anything is looked at."""
    mm = vma.mm
    assert mm is not None
    end = vma_address_end(vma, folio)
    event = mmu_notifier.MMU_NOTIFY_CLEAR
    mmu_notifier.mmu_notifier_invalidate_range_start(k, mm, start, end, event)
    done = not vma.flags & VM_LOCKED
    va = start
    while va < end and done:
        stop = pmd_addr_end(k, va, end)
        k.step(sites.PAGE_VMA_MAPPED_WALK__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        if mm.pmd[va >> k.pmd_order]:
            pmd_lock(k, sites.TRY_TO_UNMAP_ONE__PMD_LOCK, mm)
            pmd = mm.pmd[va >> k.pmd_order]
            if pmd_present(pmd) and pmd >> PFN_SHIFT == folio.pfn:
                done = unmap_huge_pmd_locked(k, folio, vma, va >> k.pmd_order << k.pmd_order)
            pmd_unlock(k, mm)
            if pmd == 0:
                continue
        elif mm.tables[va >> k.pmd_order] is not None:
            table = pte_offset_map_lock(k, sites.TRY_TO_UNMAP_ONE__LOCK, mm, va)
            if table is not None:
                done = unmap_large_entries(k, folio, vma, table, va, stop)
                pte_unmap_unlock(k, table)
        va = stop
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, start, end)
    return done and folio_mapcount(folio) > 0


def unmap_anon_entry(k: "Kernel", folio: Folio, mm: Mm, table: PageTable, va: i64) -> bool:
    """The entry that maps the folio, be it present or device exclusive. False: the page is pinned,
    and its entry is back."""
    page = folio.page
    slot = folio.swap
    exclusive = page.flags & PG_ANON_EXCLUSIVE != 0
    k.step(sites.TRY_TO_UNMAP_ONE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
    present = pte_present(ptep_get(k, table, va))
    pte = ptep_get_and_clear(k, mm, table, va)
    if present:
        if tlb_batch.should_defer_flush(k, mm):
            tlb_batch.set_tlb_ubc_flush_pending(k, mm, pte)
        else:
            tlb.flush_tlb_range(k, mm, va, va + 1)
        if pte & PTE_DIRTY:
            folio.flags |= PG_DIRTY
    swapfile.swap_dup(k, slot)
    # After the entry was cleared: GUP-fast cannot take it any more.
    k.step(sites.TRY_TO_UNMAP_ONE__SHARE, folio.obj, READ)
    if k.bug.pinned_page_added_to_swapcache:
        page.flags &= ~PG_ANON_EXCLUSIVE  # there was none when pins were not asked for
        exclusive = False
    if exclusive and not folio_try_share_anon_rmap_pte(page):
        swapfile.swap_put(k, slot, False)
        set_pte_at(k, mm, table, va, pte)
        return False
    add_mm_counter(mm, MM_ANONPAGES, -1)
    add_mm_counter(mm, MM_SWAPENTS, 1)
    entry = mk_swap_pte(SWP_SWAP, SWP_OFFSET_BASE + slot) | pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP)
    if exclusive:
        entry |= PTE_SWP_EXCLUSIVE
    k.step(sites.TRY_TO_UNMAP_ONE__SET_SWAP, pte_obj(mm.id, va), WRITE)
    set_pte_at(k, mm, table, va, entry)
    k.step(sites.TRY_TO_UNMAP_ONE__REMOVE_RMAP, folio.obj, WRITE)
    folio_remove_rmap_pte(k, page, mm)
    folio_put(k, folio, REF_MAP)
    return True
