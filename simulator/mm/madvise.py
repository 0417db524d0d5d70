# SPDX-License-Identifier: MIT
"""mm/madvise.c (7.2): advice that zaps, frees, populates, guards, or changes VMA flags.

Holes do not stop a call: what is mapped is advised, and -ENOMEM tells at the end. DONTNEED
and FREE inside one VMA take only its lock, and flush after they have dropped it.

Not modelled: read-ahead of MADV_WILLNEED; that what MADV_FREE has given up goes, too, where there
is no swap.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import features, ops, sites
from simulator.build.native import final
from simulator.errno import EAGAIN, EINTR, EINVAL, ENOMEM
from simulator.lib.maple_tree import find_vma, vma_prev
from simulator.mm import (
    anon_vma,
    gup,
    mmap_lock,
    mmu_gather,
    mmu_notifier,
    shmem_file,
    swap,
    swapfile,
    swapin,
    tlb_batch,
    vma_file,
    vma_merge,
    vmscan,
    zap,
)
from simulator.mm.khugepaged import madvise_collapse
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_DEVICE_PRIVATE,
    PG_DIRTY,
    PG_LRU,
    PG_SWAPCACHE,
    PTE_DIRTY,
    PTE_SPECIAL,
    PTE_YOUNG,
    REF_TEMP,
    SWP_MARKER_GUARD,
    SWP_MARKER_UFFD_WP,
    VM_DONTCOPY,
    VM_DONTDUMP,
    VM_DROPPABLE,
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_MAYBE_GUARD,
    VM_NOHUGEPAGE,
    VM_RAND_READ,
    VM_SEQ_READ,
    VM_SHARED,
    VM_UFFD_FLAGS,
    VM_WIPEONFORK,
    Folio,
    Mm,
    PageTable,
    Vma,
    folio_mapcount,
    is_huge_zero_pmd,
    is_swap_pte,
    mk_swap_pte,
    pmd_present,
    pte_kind,
    pte_present,
)
from simulator.mm.page_ref import folio_get, folio_put
from simulator.mm.pgtable import (
    pfn_to_page,
    pmd_addr_end,
    pmd_is_huge,
    pmdp_huge_get_and_clear,
    ptep_get,
    ptep_get_and_clear,
    set_pmd_at,
    set_pte_at,
    vm_normal_page,
    walk_pmd,
)
from simulator.mm.pgtable_generic import (
    pmd_trans_huge_lock,
    pmd_unlock,
    pmdp_invalidate,
    pte_alloc,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from simulator.mm.rmap import folio_maybe_mapped_shared, linear_page_index
from simulator.mm.split_folio import split_folio
from simulator.objects import pmd_obj, pte_obj
from simulator.sched.lock import folio_trylock, mutex_lock, mutex_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.mm.mmu_gather import MmuGather
    from simulator.state import Kernel

# enum madvise_lock_mode
MADVISE_NO_LOCK: Final = 0
MADVISE_MMAP_READ_LOCK: Final = 1
MADVISE_MMAP_WRITE_LOCK: Final = 2
MADVISE_VMA_READ_LOCK: Final = 3

# get_lock_mode(), by advice: what changes VMAs takes mmap_lock for write.
_LOCK_MODES: Final[dict[int, int]] = {
    ops.MADV_NORMAL: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_RANDOM: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_SEQUENTIAL: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_WILLNEED: MADVISE_MMAP_READ_LOCK,
    ops.MADV_DONTNEED: MADVISE_VMA_READ_LOCK,
    ops.MADV_FREE: MADVISE_VMA_READ_LOCK,
    ops.MADV_DONTFORK: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_DOFORK: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_WIPEONFORK: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_KEEPONFORK: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_POPULATE_READ: MADVISE_MMAP_READ_LOCK,
    ops.MADV_POPULATE_WRITE: MADVISE_MMAP_READ_LOCK,
    ops.MADV_GUARD_INSTALL: MADVISE_VMA_READ_LOCK,
    ops.MADV_GUARD_REMOVE: MADVISE_VMA_READ_LOCK,
    ops.MADV_COLD: MADVISE_MMAP_READ_LOCK,
    ops.MADV_PAGEOUT: MADVISE_MMAP_READ_LOCK,
    ops.MADV_DONTDUMP: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_DODUMP: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_HUGEPAGE: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_NOHUGEPAGE: MADVISE_MMAP_WRITE_LOCK,
    ops.MADV_COLLAPSE: MADVISE_MMAP_READ_LOCK,
    ops.MADV_REMOVE: MADVISE_MMAP_READ_LOCK,
}
ops.of_every_advice("mm/madvise.py: _LOCK_MODES", _LOCK_MODES)
LOCK_MODE: Final[list[int]] = [mode for _, mode in sorted(_LOCK_MODES.items())]

MAX_MADVISE_GUARD_RETRIES: Final = 3
RESTART: Final = -512  # -ERESTARTSYS of restart_syscall(): the call begins anew


@final
class MadviseBehavior:
    """struct madvise_behavior: one call, and the part of it inside one VMA."""

    def __init__(self, mm: Mm, behavior: i64, start: i64, end: i64) -> None:
        self.mm: Mm = mm
        self.behavior: i64 = behavior
        self.start: i64 = start
        self.end: i64 = end
        self.lock_mode: i64 = MADVISE_NO_LOCK
        self.tlb: MmuGather | None = None
        self.prev: Vma | None = None
        self.lock_dropped: bool = False  # and taken again: the VMA may be gone


# --- MADV_FREE -------------------------------------------------------------------------------


def madvise_free_pte_range(k: "Kernel", tlb: "MmuGather", start: i64, end: i64) -> None:
    """Make the private pages of one page table clean and old, so that reclaim may drop them."""
    mm = tlb.mm
    if pmd_is_huge(k, mm, start) and madvise_free_huge_pmd(k, tlb, start, end):
        return
    table = pte_offset_map_lock(k, sites.MADVISE_FREE_PTE_RANGE__LOCK, mm, start)
    if table is None:
        return
    if mm.tlb_batched != mm.tlb_flushed:
        tlb_batch.flush_tlb_batched_pending(k, mm)
    va = start
    whole = start  # up to here all pages of a large folio are looked at
    while va < end:
        pte = ptep_get(k, table, va)
        page = vm_normal_page(k, pte) if pte_present(pte) else None
        if page is None or page.folio.flags & PG_DEVICE_PRIVATE:
            if is_swap_pte(pte):
                zap.zap_swap_entry(k, mm, table, va, pte, 0)
            va += 1
            continue
        folio = page.folio
        if va >= whole:
            nr = folio_pte_batch(k, table, va, end, folio)
            if nr < 1 << folio.order:
                site = sites.MADVISE_FREE_PTE_RANGE__TRYLOCK_LARGE
                va, table = split_part(k, site, table, mm, va, nr, folio)
                if table is None:
                    return
                continue
            whole = va + nr
        if folio.flags & (PG_DIRTY | PG_SWAPCACHE):
            if not folio_trylock(k, sites.MADVISE_FREE_PTE_RANGE__TRYLOCK, folio.lock):
                va = whole
                continue
            shared = folio_mapcount(folio) != 1 << folio.order
            if not shared and folio.flags & PG_SWAPCACHE:
                shared = not swapfile.folio_free_swap(k, folio)
            if not shared:
                folio.flags &= ~PG_DIRTY
            mutex_unlock(k, folio.lock)
            if shared:
                va = whole
                continue
        if pte & (PTE_YOUNG | PTE_DIRTY):
            k.step(sites.MADVISE_FREE_PTE_RANGE__CLEAN, pte_obj(mm.id, va), WRITE)
            pte = ptep_get_and_clear(k, mm, table, va)  # clear_young_dirty_ptes()
            k.step(sites.MADVISE_FREE_PTE_RANGE__SET, pte_obj(mm.id, va), WRITE)
            k.watch.page_cleaned(k, mm, va)
            set_pte_at(k, mm, table, va, pte & ~(PTE_YOUNG | PTE_DIRTY))
            mmu_gather.tlb_remove_tlb_entry(tlb, va)
            if k.tracing:
                k.note("flush deferred")
        if k.swap.max:
            k.watch.lazyfree_marked(k, mm, va)
            if page.pfn == folio.pfn + (1 << folio.order) - 1:
                swap.folio_mark_lazyfree(k, folio)
        va += 1
    pte_unmap_unlock(k, table)


def folio_pte_batch(k: "Kernel", table: PageTable, start: i64, end: i64, folio: Folio) -> i64:
    """madvise_folio_pte_batch(): how many entries from `start` on map the folio's pages in their
    order."""
    if folio.order == 0:
        return 1
    pfn = ptep_get(k, table, start) >> PFN_SHIFT
    va = start
    while va < end:
        pte = ptep_get(k, table, va)
        here = pfn + va - start
        if not pte_present(pte) or pte >> PFN_SHIFT != here or pte & PTE_SPECIAL:
            break
        if here >= folio.pfn + (1 << folio.order):
            break
        va += 1
    return va - start


def split_part(
    k: "Kernel", site: i64, table: PageTable, mm: Mm, va: i64, nr: i64, folio: Folio
) -> tuple[i64, PageTable | None]:
    """Of a large folio the range has `nr` pages only, from `va` on. Split it if nobody else maps or
    locks it: drop the page table lock for that, and take the one that is there then. Returns the
    page to go on from, which is `va` again after a split, and the locked table, if one is there."""
    if folio_maybe_mapped_shared(folio) or not folio_trylock(k, site, folio.lock):
        return va + nr, table
    folio_get(k, folio, REF_TEMP)
    pte_unmap_unlock(k, table)
    err = split_folio(k, folio)
    mutex_unlock(k, folio.lock)
    folio_put(k, folio, REF_TEMP)
    again = pte_offset_map_lock(k, sites.MADVISE_PTE_RANGE__RELOCK, mm, va)
    if again is not None and mm.tlb_batched != mm.tlb_flushed:
        if not k.bug.madvise_relock_no_batched_flush:
            tlb_batch.flush_tlb_batched_pending(k, mm)
        k.watch.put_off_flushed(k, mm, va, pmd_addr_end(k, va, k.nr_arena), "madvise")
    return va + nr if err else va, again


def madvise_free_huge_pmd(k: "Kernel", tlb: "MmuGather", start: i64, end: i64) -> bool:
    """MADV_FREE of a huge page; False: the page table that is there (by now) is to be looked at."""
    mm = tlb.mm
    if not pmd_trans_huge_lock(k, sites.MADVISE_FREE_HUGE_PMD__LOCK, mm, start):
        return False
    i = start >> k.pmd_order
    pmd = mm.pmd[i]
    if is_huge_zero_pmd(pmd) or not pmd_present(pmd):
        pmd_unlock(k, mm)
        return False
    folio = pfn_to_page(k, pmd >> PFN_SHIFT).folio
    if folio_maybe_mapped_shared(folio) or not folio_trylock(
        k, sites.MADVISE_FREE_HUGE_PMD__TRYLOCK, folio.lock
    ):
        pmd_unlock(k, mm)
        return False
    if end - start != k.ptrs_per_pte:
        folio_get(k, folio, REF_TEMP)
        pmd_unlock(k, mm)
        split_folio(k, folio)
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
        return False
    folio.flags &= ~PG_DIRTY
    mutex_unlock(k, folio.lock)
    if pmd & (PTE_YOUNG | PTE_DIRTY):
        k.step(sites.MADVISE_FREE_HUGE_PMD__INVALIDATE, pmd_obj(mm.id, i), WRITE)
        if k.bug.madv_dontneed_vs_madv_free_thp:
            pmdp_huge_get_and_clear(k, mm, start)
        else:
            pmdp_invalidate(k, mm, start)
        k.step(sites.MADVISE_FREE_HUGE_PMD__SET, pmd_obj(mm.id, i), WRITE)
        for va in range(start, end):
            k.watch.page_cleaned(k, mm, va)
        set_pmd_at(k, mm, start, pmd & ~(PTE_YOUNG | PTE_DIRTY))
        mmu_gather.tlb_remove_pmd_tlb_entry(k, tlb, start)
    if k.swap.max:
        for va in range(start, end):
            k.watch.lazyfree_marked(k, mm, va)
        swap.folio_mark_lazyfree(k, folio)
    pmd_unlock(k, mm)
    return True


def madvise_free_single_vma(k: "Kernel", behavior: MadviseBehavior, vma: Vma) -> i64:
    mm = behavior.mm
    tlb = behavior.tlb
    assert tlb is not None
    if vma.inode is not None or vma.flags & VM_LOCKED:
        return -EINVAL
    swap.lru_add_drain(k)
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, behavior.start, behavior.end, mmu_notifier.MMU_NOTIFY_CLEAR
    )
    va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, behavior.start, behavior.end)
    while va < behavior.end:
        stop = pmd_addr_end(k, va, behavior.end)
        madvise_free_pte_range(k, tlb, va, stop)
        va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, stop, behavior.end)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, behavior.start, behavior.end)
    return 0


# --- MADV_COLD, MADV_PAGEOUT -------------------------------------------------------------------


def madvise_cold_or_pageout(k: "Kernel", behavior: MadviseBehavior, vma: Vma) -> i64:
    """madvise_cold() and madvise_pageout(), with an mmu_gather of their own."""
    if vma.flags & VM_LOCKED:
        return -EINVAL
    mm = behavior.mm
    pageout = behavior.behavior == ops.MADV_PAGEOUT
    swap.lru_add_drain(k)
    tlb = mmu_gather.tlb_gather_mmu(k, mm)
    va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, behavior.start, behavior.end)
    while va < behavior.end:
        stop = pmd_addr_end(k, va, behavior.end)
        folios: list[Folio] = []
        madvise_cold_or_pageout_pte_range(k, tlb, va, stop, pageout, folios)
        if folios:
            vmscan.reclaim_pages(k, folios)
        va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, stop, behavior.end)
    mmu_gather.tlb_finish_mmu(k, tlb)
    return 0


def madvise_cold_or_pageout_pte_range(
    k: "Kernel", tlb: "MmuGather", start: i64, end: i64, pageout: bool, folios: list[Folio]
) -> None:
    """Pages on the LRU that nobody else maps: MADV_COLD makes their entries old, MADV_PAGEOUT
    isolates them for reclaim, if there is swap for them."""
    mm = tlb.mm
    if pmd_is_huge(k, mm, start) and madvise_cold_huge_pmd(k, tlb, start, end, pageout, folios):
        return
    table = pte_offset_map_lock(k, sites.MADVISE_COLD_OR_PAGEOUT_PTE_RANGE__LOCK, mm, start)
    if table is None:
        return
    if mm.tlb_batched != mm.tlb_flushed:
        tlb_batch.flush_tlb_batched_pending(k, mm)
    va = start
    whole = start
    while va < end:
        pte = ptep_get(k, table, va)
        page = vm_normal_page(k, pte) if pte_present(pte) else None
        if page is not None and va >= whole:
            nr = folio_pte_batch(k, table, va, end, page.folio)
            whole = va + nr
            if nr < 1 << page.folio.order:
                site = sites.MADVISE_COLD_OR_PAGEOUT_PTE_RANGE__TRYLOCK
                va, table = split_part(k, site, table, mm, va, nr, page.folio)
                if table is None:
                    return
                continue
        if (
            page is not None
            and page.folio.flags & PG_LRU
            and folio_mapcount(page.folio) == 1 << page.folio.order
            and (pageout or pte & PTE_YOUNG)
        ):
            if pageout:
                isolate_for_pageout(k, page.folio, folios)
                va += 1
                continue
            site = sites.MADVISE_COLD_OR_PAGEOUT_PTE_RANGE__CLEAR_YOUNG
            k.step(site, pte_obj(mm.id, va), WRITE)
            set_pte_at(k, mm, table, va, ptep_get(k, table, va) & ~PTE_YOUNG)
            mmu_gather.tlb_remove_tlb_entry(tlb, va)
        va += 1
    pte_unmap_unlock(k, table)


def isolate_for_pageout(k: "Kernel", folio: Folio, folios: list[Folio]) -> None:
    """Not modelled: that pages of files could be written out, too."""
    if k.swap.max and folio.anon_vma is not None and vmscan.folio_isolate_lru(k, folio):
        folios.append(folio)


def madvise_cold_huge_pmd(
    k: "Kernel", tlb: "MmuGather", start: i64, end: i64, pageout: bool, folios: list[Folio]
) -> bool:
    """MADV_COLD or MADV_PAGEOUT of a huge page; False: it has been split, and the page table is to
    be looked at."""
    mm = tlb.mm
    if not pmd_trans_huge_lock(k, sites.MADVISE_COLD_OR_PAGEOUT_PTE_RANGE__PMD_LOCK, mm, start):
        return True
    i = start >> k.pmd_order
    pmd = mm.pmd[i]
    if is_huge_zero_pmd(pmd) or not pmd_present(pmd):
        pmd_unlock(k, mm)
        return True
    folio = pfn_to_page(k, pmd >> PFN_SHIFT).folio
    if folio_maybe_mapped_shared(folio):
        pmd_unlock(k, mm)
        return True
    if end - start != k.ptrs_per_pte:
        folio_get(k, folio, REF_TEMP)
        pmd_unlock(k, mm)
        mutex_lock(k, sites.MADVISE_COLD_OR_PAGEOUT_PTE_RANGE__FOLIO_LOCK, folio.lock)
        err = split_folio(k, folio)
        mutex_unlock(k, folio.lock)
        folio_put(k, folio, REF_TEMP)
        return err != 0
    if not pageout and pmd & PTE_YOUNG:
        site = sites.MADVISE_COLD_OR_PAGEOUT_PTE_RANGE__INVALIDATE
        k.step(site, pmd_obj(mm.id, i), WRITE)
        old = pmdp_invalidate(k, mm, start)
        k.step(sites.MADVISE_COLD_OR_PAGEOUT_PTE_RANGE__SET_PMD, pmd_obj(mm.id, i), WRITE)
        set_pmd_at(k, mm, start, old & ~PTE_YOUNG)
        mmu_gather.tlb_remove_pmd_tlb_entry(k, tlb, start)
    if pageout:
        isolate_for_pageout(k, folio, folios)
    pmd_unlock(k, mm)
    return True


# --- MADV_WILLNEED ---------------------------------------------------------------------------


def madvise_willneed(k: "Kernel", behavior: MadviseBehavior, vma: Vma) -> None:
    """Read what has gone to swap. Files are in memory all the time."""
    if vma.inode is not None:
        return
    mm = behavior.mm
    va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, behavior.start, behavior.end)
    while va < behavior.end:
        stop = pmd_addr_end(k, va, behavior.end)
        swapin.swapin_walk_pmd_entry(k, vma, va, stop)
        va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, stop, behavior.end)
    swap.lru_add_drain(k)


# --- MADV_DONTNEED ---------------------------------------------------------------------------


def madvise_dontneed_single_vma(k: "Kernel", behavior: MadviseBehavior, vma: Vma) -> i64:
    """zap_page_range_single_batched(), freeing page tables that become empty."""
    if vma.flags & VM_LOCKED:
        return -EINVAL
    mm = behavior.mm
    tlb = behavior.tlb
    assert tlb is not None
    mmu_notifier.mmu_notifier_invalidate_range_start(
        k, mm, behavior.start, behavior.end, mmu_notifier.MMU_NOTIFY_CLEAR
    )
    zap.unmap_single_vma(k, tlb, vma, behavior.start, behavior.end, zap.ZAP_FLAG_RECLAIM_PT)
    mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, behavior.start, behavior.end)
    return 0


# --- MADV_REMOVE -----------------------------------------------------------------------------


def madvise_remove(k: "Kernel", behavior: MadviseBehavior, vma: Vma) -> i64:
    """Punch a hole into the file, whose lock comes before mmap_lock."""
    behavior.lock_dropped = True
    err = shmem_file.may_remove(vma)
    if err:
        return err
    inode = vma.inode
    assert inode is not None
    mm = behavior.mm
    first = linear_page_index(vma, behavior.start)
    vma_file.get_file(inode)
    mmap_lock.mmap_read_unlock(k, mm)
    err = shmem_file.remove(k, inode, first, first + behavior.end - behavior.start)
    vma_file.fput(k, inode)
    mmap_lock.mmap_read_lock(k, mm, sites.MADVISE_REMOVE__RELOCK)
    return err


# --- MADV_POPULATE_* -------------------------------------------------------------------------


def populates(advice: i64) -> bool:
    return advice == ops.MADV_POPULATE_READ or advice == ops.MADV_POPULATE_WRITE


def madvise_populate(k: "Kernel", behavior: MadviseBehavior) -> i64:
    """Fault the range in; mmap_lock is held for read, though not all the time."""
    start = behavior.start
    write = behavior.behavior == ops.MADV_POPULATE_WRITE
    while start < behavior.end:
        pages = gup.faultin_page_range(k, behavior.mm, start, behavior.end, write)
        if not mmap_lock.read_held(k, behavior.mm):  # it has waited for user space
            mmap_lock.mmap_read_lock(k, behavior.mm, sites.MADVISE_POPULATE__RELOCK)
            behavior.lock_dropped = True
            k.retry(sites.MADVISE_POPULATE__RELOCK)
        if pages < 0:
            return pages
        start += pages
    return 0


# --- MADV_GUARD_* ----------------------------------------------------------------------------


def guards(advice: i64) -> bool:
    return advice == ops.MADV_GUARD_INSTALL or advice == ops.MADV_GUARD_REMOVE


def madvise_guard_install(k: "Kernel", behavior: MadviseBehavior, vma: Vma) -> i64:
    """Markers on every page. Optimistic: only when something is mapped there is it zapped
    and the walk tried again; after some lost races the whole call begins anew."""
    if vma.flags & VM_LOCKED:  # they would have to be zapped
        return -EINVAL
    # Set atomically, for a lock is held for reading: fork() must copy the page tables.
    k.step(sites.MADVISE_GUARD_INSTALL__SET_FLAG, vma.obj, WRITE)
    vma.flags |= VM_MAYBE_GUARD
    if vma.inode is None:
        err = anon_vma.anon_vma_prepare(k, vma)
        if err:
            return err
    tries: i64 = 0
    while tries < MAX_MADVISE_GUARD_RETRIES:
        err = guard_install_walk(k, behavior.mm, behavior.start, behavior.end)
        if err <= 0:
            return err
        if tries:
            k.sometimes(features.Z_GUARD_RACED_FAULT)
        zap.zap_vma_range(k, vma, behavior.start, behavior.end, 0)
        tries += 1
    return RESTART


def guard_install_walk(k: "Kernel", mm: Mm, start: i64, end: i64) -> i64:
    """Put markers where nothing is. 1: something is there; 0: all done; or -ENOMEM."""
    va = start
    while va < end:
        stop = pmd_addr_end(k, va, end)
        k.step(sites.WALK_PMD_RANGE__PMD, pmd_obj(mm.id, va >> k.pmd_order), READ)
        if pmd_is_huge(k, mm, va):
            return 1
        if not pte_alloc(k, mm, va):
            return -ENOMEM
        table = pte_offset_map_lock(k, sites.GUARD_INSTALL_PTE_ENTRY__LOCK, mm, va)
        if table is None:
            k.retry(sites.GUARD_INSTALL_PTE_ENTRY__RETRY)
            continue
        while va < stop:
            pte = ptep_get(k, table, va)
            # No zap takes such a marker out of a mapping of a file.
            free = pte_kind(pte) == SWP_MARKER_UFFD_WP and not k.bug.guard_install_spins_on_markers
            if pte == 0 or free:
                if free:
                    k.watch.uffd_unprotecting(k, mm, va, va + 1)
                k.step(sites.GUARD_INSTALL_SET_PTE__SET, pte_obj(mm.id, va), WRITE)
                set_pte_at(k, mm, table, va, mk_swap_pte(SWP_MARKER_GUARD, 0))
            elif pte_kind(pte) != SWP_MARKER_GUARD:
                pte_unmap_unlock(k, table)
                return 1
            va += 1
        pte_unmap_unlock(k, table)
    return 0


def madvise_guard_remove(k: "Kernel", mm: Mm, start: i64, end: i64) -> i64:
    va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, start, end)
    while va < end:
        stop = pmd_addr_end(k, va, end)
        table = pte_offset_map_lock(k, sites.GUARD_REMOVE_PTE_ENTRY__LOCK, mm, va)
        if table is not None:
            while va < stop:
                if pte_kind(ptep_get(k, table, va)) == SWP_MARKER_GUARD:
                    k.step(sites.GUARD_REMOVE_PTE_ENTRY__CLEAR, pte_obj(mm.id, va), WRITE)
                    set_pte_at(k, mm, table, va, 0)
                va += 1
            pte_unmap_unlock(k, table)
        va = walk_pmd(k, sites.WALK_PMD_RANGE__PMD, mm, stop, end)
    return 0


# --- advice about flags ----------------------------------------------------------------------


def madvise_update_vma(k: "Kernel", behavior: MadviseBehavior, vma: Vma, flags: i64) -> Vma | None:
    """Set the flags of the call's part of `vma`; the VMA that holds it, None: -ENOMEM."""
    if flags == vma.flags:
        return vma
    target = vma_merge.vma_modify_flags(k, behavior.prev, vma, behavior.start, behavior.end, flags)
    if target is None:
        return None
    mmap_lock.vma_start_write(k, target)
    k.step(sites.MADVISE_UPDATE_VMA__SET_FLAGS, target.obj, WRITE)
    vma_merge.vm_flags_reset(k, target, flags, target is not vma)
    return target


def advised_flags(vma: Vma, advice: i64) -> i64:
    """The VMA's flags after the advice, or -EINVAL."""
    flags = vma.flags
    if advice == ops.MADV_NORMAL:
        return flags & ~(VM_RAND_READ | VM_SEQ_READ)
    if advice == ops.MADV_SEQUENTIAL:
        return (flags & ~VM_RAND_READ) | VM_SEQ_READ
    if advice == ops.MADV_RANDOM:
        return (flags & ~VM_SEQ_READ) | VM_RAND_READ
    if advice == ops.MADV_DONTFORK:
        return flags | VM_DONTCOPY
    if advice == ops.MADV_DOFORK:
        return flags & ~VM_DONTCOPY
    if advice == ops.MADV_WIPEONFORK:
        if vma.inode is not None or flags & VM_SHARED:
            return -EINVAL
        return flags | VM_WIPEONFORK
    if advice == ops.MADV_DONTDUMP:
        return flags | VM_DONTDUMP
    if advice == ops.MADV_HUGEPAGE:
        return (flags & ~VM_NOHUGEPAGE) | VM_HUGEPAGE
    if advice == ops.MADV_NOHUGEPAGE:
        return (flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE
    assert advice == ops.MADV_KEEPONFORK or advice == ops.MADV_DODUMP
    if flags & VM_DROPPABLE:
        return -EINVAL
    return flags & ~(VM_WIPEONFORK if advice == ops.MADV_KEEPONFORK else VM_DONTDUMP)


# --- one call --------------------------------------------------------------------------------


def madvise_vma_read(k: "Kernel", behavior: MadviseBehavior, vma: Vma) -> i64:
    """Advice that leaves the VMA as it is, on [behavior.start, behavior.end) inside it."""
    advice = behavior.behavior
    if advice == ops.MADV_DONTNEED:
        return madvise_dontneed_single_vma(k, behavior, vma)
    if advice == ops.MADV_FREE:
        return madvise_free_single_vma(k, behavior, vma)
    if advice == ops.MADV_GUARD_INSTALL:
        return madvise_guard_install(k, behavior, vma)
    if advice == ops.MADV_GUARD_REMOVE:
        return madvise_guard_remove(k, behavior.mm, behavior.start, behavior.end)
    if populates(advice):
        return madvise_populate(k, behavior)
    if advice == ops.MADV_COLD or advice == ops.MADV_PAGEOUT:
        return madvise_cold_or_pageout(k, behavior, vma)
    if advice == ops.MADV_COLLAPSE:
        err, behavior.lock_dropped = madvise_collapse(
            k, behavior.mm, vma, behavior.start, behavior.end
        )
        return err
    if advice == ops.MADV_REMOVE:
        return madvise_remove(k, behavior, vma)
    assert advice == ops.MADV_WILLNEED, f"no branch for MADV_{ops.ADVICE[advice]}"
    if k.swap.max:
        madvise_willneed(k, behavior, vma)
    return 0


def is_vma_lock_sufficient(vma: Vma, behavior: MadviseBehavior) -> bool:
    """For a call inside one VMA. anon_vma_prepare(), which guards need, asks for mmap_lock."""
    if behavior.end > vma.end or vma.flags & VM_UFFD_FLAGS:
        return False
    prepares = behavior.behavior == ops.MADV_GUARD_INSTALL
    return not (prepares and vma.inode is None and vma.anon_vma is None)


def try_vma_read_lock(k: "Kernel", behavior: MadviseBehavior) -> Vma | None:
    """The locked VMA when that suffices; else mmap_lock is taken."""
    vma = mmap_lock.lock_vma_under_rcu(k, behavior.mm, behavior.start)
    if vma is not None:
        if is_vma_lock_sufficient(vma, behavior):
            return vma
        mmap_lock.vma_end_read(k, vma)
    mmap_lock.mmap_read_lock(k, behavior.mm, sites.MADVISE_LOCK__READ)
    behavior.lock_mode = MADVISE_MMAP_READ_LOCK
    return None


def madvise_walk_vmas(k: "Kernel", behavior: MadviseBehavior) -> i64:
    """Apply the advice to every VMA of the range."""
    mm = behavior.mm
    last_end = behavior.end
    if behavior.lock_mode == MADVISE_VMA_READ_LOCK:
        locked = try_vma_read_lock(k, behavior)
        if locked is not None:
            err = madvise_vma_read(k, behavior, locked)
            mmap_lock.vma_end_read(k, locked)
            return err
    unmapped: i64 = 0
    vma = find_vma(mm, behavior.start)
    behavior.prev = vma
    if vma is None or behavior.start <= vma.start:
        behavior.prev = vma_prev(mm, behavior.start)
    while True:
        if vma is None:
            return -ENOMEM
        if behavior.start < vma.start:
            unmapped = -ENOMEM
            behavior.start = vma.start
            if behavior.start >= last_end:
                return unmapped
        behavior.end = min(vma.end, last_end)
        if behavior.lock_mode == MADVISE_MMAP_WRITE_LOCK:
            flags = advised_flags(vma, behavior.behavior)
            if flags < 0:
                return flags
            vma = madvise_update_vma(k, behavior, vma, flags)
            if vma is None:
                return -EAGAIN
        else:
            err = madvise_vma_read(k, behavior, vma)
            if err:
                return err
        if behavior.lock_dropped:
            behavior.lock_dropped = False
            if behavior.end >= last_end:
                return unmapped
            behavior.start = behavior.end
            vma = find_vma(mm, behavior.end)
            continue
        behavior.prev = vma
        if behavior.end < vma.end:
            behavior.end = vma.end
        if behavior.end >= last_end:
            return unmapped
        behavior.start = behavior.end
        vma = find_vma(mm, vma.end)


def madvise_once(k: "Kernel", behavior: MadviseBehavior) -> i64:
    """Lock, gather, advise, flush, unlock."""
    mm = behavior.mm
    advice = behavior.behavior
    behavior.lock_mode = LOCK_MODE[advice]
    if behavior.lock_mode == MADVISE_MMAP_WRITE_LOCK:
        if mmap_lock.mmap_write_lock_killable(k, mm, sites.MADVISE_LOCK__WRITE):
            return -EINTR
    elif behavior.lock_mode == MADVISE_MMAP_READ_LOCK:
        mmap_lock.mmap_read_lock(k, mm, sites.MADVISE_LOCK__READ)
    if advice == ops.MADV_DONTNEED or advice == ops.MADV_FREE:  # madvise_batch_tlb_flush()
        behavior.tlb = mmu_gather.tlb_gather_mmu(k, mm)
    if populates(advice) and k.linux.populate_stops_at_holes:
        err = madvise_populate(k, behavior)
    else:
        err = madvise_walk_vmas(k, behavior)
    if behavior.tlb is not None:
        mmu_gather.tlb_finish_mmu(k, behavior.tlb)
    if behavior.lock_mode == MADVISE_MMAP_WRITE_LOCK:
        mmap_lock.mmap_write_unlock(k, mm)
    elif behavior.lock_mode == MADVISE_MMAP_READ_LOCK:
        mmap_lock.mmap_read_unlock(k, mm)
    return err


def do_madvise(k: "Kernel", mm: Mm, start: i64, end: i64, advice: i64) -> i64:
    """madvise(); `advice` is an index of ops.ADVICE."""
    assert advice < len(ops.ADVICE)
    if guards(advice) and not k.linux.guard_regions:
        return -EINVAL
    if end <= start:
        return 0
    if k.thp and advice == ops.MADV_DONTNEED:
        k.watch.dontneed_begins(k, mm, start, end)
    while True:
        err = madvise_once(k, MadviseBehavior(mm, advice, start, end))
        if err != RESTART:
            break
        if k.cur.killed:  # restart_syscall()
            return -EINTR
        k.retry(sites.MADVISE_GUARD_INSTALL__RESTART)
    if err == 0 or err == -ENOMEM:
        if advice == ops.MADV_DONTNEED:
            k.watch.call_returns(k, mm, start, end, "madvise(MADV_DONTNEED)")
            if k.thp and err == 0:
                k.watch.dontneed_returns(k, mm, start, end)
        elif advice == ops.MADV_GUARD_INSTALL:
            k.watch.own_call_returns(k, mm, start, end, "madvise(MADV_GUARD_INSTALL)")
    return err
