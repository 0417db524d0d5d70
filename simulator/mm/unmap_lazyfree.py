# SPDX-License-Identifier: MIT
"""mm/rmap.c, mm/huge_memory.c (7.2): the end of pages that MADV_FREE has given up, or that live in
droppable mappings (folio_test_lazyfree(): anonymous, and not swapbacked).

Nothing is written: the mapping is taken away, and the page goes if nobody has stored to it since
and nobody else has a reference. The order decides: the entry is cleared, then the references are
counted, then the dirty bit of the folio is looked at. GUP-fast takes its reference before it looks
at the entry again, and who stores through a reference marks the folio dirty before he drops it.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import tlb, tlb_batch
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    PFN_SHIFT,
    PG_DIRTY,
    PG_SWAPBACKED,
    PTE_DIRTY,
    PTE_SOFT_DIRTY,
    PTE_SPECIAL,
    PTE_WRITE,
    PTE_YOUNG,
    REF_MAP,
    VM_DROPPABLE,
    VM_UFFD_WP,
    Folio,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    folio_mapcount,
    is_device_pte,
    pte_present,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import (
    pfn_to_page,
    pgtable_trans_huge_withdraw,
    pte_free,
    ptep_get,
    ptep_get_and_clear,
    set_pmd_at,
    set_pte_at,
)
from simulator.mm.pgtable_generic import pmdp_huge_clear_flush
from simulator.mm.rmap import folio_remove_rmap_pmd, folio_remove_rmap_pte
from simulator.objects import pmd_obj, pte_obj
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def folio_test_lazyfree(folio: Folio) -> bool:
    """Whether the anonymous folio's data may go."""
    return folio.flags & PG_SWAPBACKED == 0


def may_discard(k: "Kernel", folio: Folio, vma: Vma) -> bool:
    """Its entry has been cleared: whether the folio can go. If it is dirty it is swapbacked from
    now on."""
    k.step(sites.TRY_TO_UNMAP_ONE__LAZYFREE_REFS, folio.obj, READ)
    refs = folio.ref
    maps = folio_mapcount(folio)
    k.step(sites.TRY_TO_UNMAP_ONE__LAZYFREE_DIRTY, folio.obj, READ)
    if folio.flags & PG_DIRTY and not vma.flags & VM_DROPPABLE:
        folio.flags |= PG_SWAPBACKED
        k.sometimes(features.Z_LAZYFREE_REDIRTIED)
        return False
    return refs == 1 + maps


def folio_unmap_pte_batch(
    k: "Kernel", folio: Folio, vma: Vma, table: PageTable, va: i64, end: i64
) -> i64:
    """How many entries from `va` on map pages of the large folio in their order and are to be
    restored alike, should that be needed: hardware's bits may differ, others not."""
    if folio.order == 0 or vma.flags & VM_UFFD_WP:
        return 1
    first = ptep_get(k, table, va)
    same = PTE_YOUNG | PTE_DIRTY
    if k.bug.lazyfree_batch_restore_writable:
        same |= PTE_WRITE | PTE_SOFT_DIRTY
    nr: i64 = 1
    while va + nr < end and (first >> PFN_SHIFT) + nr < folio.pfn + (1 << folio.order):
        if (ptep_get(k, table, va + nr) ^ (first + (nr << PFN_SHIFT))) & ~same:
            break
        nr += 1
    return nr


def unmap_lazyfree_entries(
    k: "Kernel", folio: Folio, vma: Vma, table: PageTable, va: i64, end: i64, stale: i64
) -> i64:
    """try_to_unmap_one() at the entry of `va`, and those behind it that go with it: how many have
    been discarded, 0 for none, which are as they were. `stale`: how many were before."""
    mm = vma.mm
    assert mm is not None
    nr: i64 = 1
    if k.bug.lazyfree_batch_nr_pages_stale and stale:
        nr = stale
    if pte_present(ptep_get(k, table, va)):
        nr = folio_unmap_pte_batch(k, folio, vma, table, va, end)
        pte = clear_batch(k, folio, mm, table, va, nr)
    else:
        k.step(sites.TRY_TO_UNMAP_ONE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
        pte = ptep_get_and_clear(k, mm, table, va)
    if not may_discard(k, folio, vma):
        for i in range(nr):
            k.step(sites.TRY_TO_UNMAP_ONE__RESTORE, pte_obj(mm.id, va + i), WRITE)
            set_pte_at(k, mm, table, va + i, pte + (i << PFN_SHIFT))
        return 0
    add_mm_counter(mm, MM_ANONPAGES, -nr)
    first = (pte >> PFN_SHIFT) - folio.pfn
    for i in range(nr):
        if va + i < end:
            k.watch.lazyfree_discarded(k, mm, va + i, vma.flags & VM_DROPPABLE != 0)
        k.step(sites.TRY_TO_UNMAP_ONE__REMOVE_RMAP, folio.obj, WRITE)
        page = pfn_to_page(k, folio.pfn + (first + i) % (1 << folio.order))
        folio_remove_rmap_pte(k, page, mm)
    for _ in range(nr):
        folio_put(k, folio, REF_MAP)
    k.sometimes(features.Z_LAZYFREED)
    return nr


def clear_batch(k: "Kernel", folio: Folio, mm: Mm, table: PageTable, va: i64, nr: i64) -> i64:
    """get_and_clear_ptes(): the first of the entries, with the hardware's bits of all."""
    k.step(sites.TRY_TO_UNMAP_ONE__CLEAR_PTE, pte_obj(mm.id, va), WRITE)
    pte = ptep_get_and_clear(k, mm, table, va)
    for i in range(1, nr):
        k.step(sites.TRY_TO_UNMAP_ONE__CLEAR_PTE, pte_obj(mm.id, va + i), WRITE)
        pte |= ptep_get_and_clear(k, mm, table, va + i) & (PTE_YOUNG | PTE_DIRTY)
    if tlb_batch.should_defer_flush(k, mm):
        tlb_batch.set_tlb_ubc_flush_pending(k, mm, pte)
    else:
        tlb.flush_tlb_range(k, mm, va, va + nr)
    if pte & PTE_DIRTY:
        folio.flags |= PG_DIRTY
    return pte


def unmap_large_entries(
    k: "Kernel", folio: Folio, vma: Vma, table: PageTable, start: i64, end: i64
) -> bool:
    """The entries of one page table that map pages of the large folio; False: it stays."""
    va = start
    stale: i64 = 0
    while va < end:
        pte = ptep_get(k, table, va)
        offset = (pte >> PFN_SHIFT) - folio.pfn
        maps = pte_present(pte) and not pte & PTE_SPECIAL or is_device_pte(pte)
        if not maps or not 0 <= offset < 1 << folio.order:
            va += 1
            continue
        stale = unmap_lazyfree_entries(k, folio, vma, table, va, end, stale)
        if stale == 0:
            return False
        va += stale
    return True


def unmap_huge_pmd_locked(k: "Kernel", folio: Folio, vma: Vma, start: i64) -> bool:
    """__discard_anon_folio_pmd_locked(): the same of a huge entry; False: it stays."""
    mm = vma.mm
    assert mm is not None
    i = start >> k.pmd_order
    droppable = vma.flags & VM_DROPPABLE != 0
    if mm.pmd[i] & PTE_DIRTY:
        folio.flags |= PG_DIRTY
    if folio.flags & PG_DIRTY and not droppable:
        folio.flags |= PG_SWAPBACKED
        k.sometimes(features.Z_LAZYFREE_REDIRTIED)
        return False
    k.step(sites.DISCARD_ANON_FOLIO_PMD_LOCKED__CLEAR, pmd_obj(mm.id, i), WRITE)
    pmd = pmdp_huge_clear_flush(k, mm, start)
    if pmd & PTE_DIRTY:
        folio.flags |= PG_DIRTY
    if not may_discard(k, folio, vma):
        k.step(sites.DISCARD_ANON_FOLIO_PMD_LOCKED__RESTORE, pmd_obj(mm.id, i), WRITE)
        set_pmd_at(k, mm, start, pmd)
        return False
    for va in range(start, start + k.ptrs_per_pte):
        k.watch.lazyfree_discarded(k, mm, va, droppable)
    folio_remove_rmap_pmd(k, folio, mm)
    pte_free(k, pgtable_trans_huge_withdraw(k, mm, start))
    add_mm_counter(mm, MM_ANONPAGES, -k.ptrs_per_pte)
    folio_put(k, folio, REF_MAP)
    k.sometimes(features.Z_LAZYFREED)
    return True
