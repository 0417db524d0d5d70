# SPDX-License-Identifier: MIT
"""mm/vmscan.c, mm/rmap.c (7.2): reclaim that chooses for itself: what nobody has used since it last
came by.

The LRU list is all anonymous folios on it in the order of their frames, and every scan goes on
where the last one has stopped. What has been used is kept, as with MGLRU, and counts as unused from
then on.

Not modelled: files' pages, generations, watermarks, what kswapd sleeps and is woken for.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm import tlb
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_LRU,
    PTE_SPECIAL,
    PTE_YOUNG,
    REF_ISOLATED,
    VM_LOCKED,
    Folio,
    Vma,
    pmd_present,
    pte_present,
)
from simulator.mm.page_ref import folio_put, folio_try_get
from simulator.mm.pgtable import pmd_addr_end, ptep_get, set_pmd_at, set_pte_at
from simulator.mm.pgtable_generic import pmd_lock, pmd_unlock, pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.rmap import RmapWalkControl, vma_address_end, walk_vmas
from simulator.mm.try_to_unmap import folio_lock_anon_vma_read, folio_unlock_anon_vma_read
from simulator.objects import pmd_obj, pte_obj
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def isolate_lru_folios(k: "Kernel", wanted: i64) -> list[Folio]:
    """Up to so many folios off the LRU, with a reference (REF_ISOLATED) each."""
    taken: list[Folio] = []
    pages = k.frames.taken()
    i: i64 = 0
    while i < len(pages) and len(taken) < wanted:
        i += 1
        k.lru_hand = (k.lru_hand + 1) % len(pages)
        folio = pages[k.lru_hand].single
        if not folio.live or not folio.flags & PG_LRU or not is_anon(folio):
            continue
        k.step(sites.ISOLATE_LRU_FOLIOS__GET, folio.obj, WRITE)
        if not folio_try_get(k, folio, REF_ISOLATED):
            continue
        if not folio.flags & PG_LRU or not is_anon(folio):  # by now it may be another one
            folio_put(k, folio, REF_ISOLATED)
            continue
        folio.flags &= ~PG_LRU
        taken.append(folio)
    return taken


def is_anon(folio: Folio) -> bool:
    """folio_test_anon()"""
    return folio.anon_vma is not None


def folio_referenced(k: "Kernel", folio: Folio) -> bool:
    """Whether anybody has used the locked folio since it was last asked, or is to keep it: its
    entries are made old. So it is, too, where the walk would have to wait for a lock."""
    av = folio_lock_anon_vma_read(k, folio, True)
    if av is None:
        return folio.page.mapcount > 0 or folio.entire_mapcount > 0
    walk = FolioReferenced()
    walk_vmas(k, av.vmas, folio, walk)
    folio_unlock_anon_vma_read(k, av)
    return walk.referenced


class FolioReferenced(RmapWalkControl):
    def __init__(self) -> None:
        self.referenced: bool = False

    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """folio_referenced_one()"""
        mm = vma.mm
        assert mm is not None
        if vma.flags & VM_LOCKED or mm.users == 0:
            self.referenced = True
            return False
        end = vma_address_end(vma, folio)
        at = va
        while at < end:
            stop = pmd_addr_end(k, at, end)
            k.step(sites.PAGE_VMA_MAPPED_WALK__PMD, pmd_obj(mm.id, at >> k.pmd_order), READ)
            if mm.pmd[at >> k.pmd_order]:
                self.clear_young_pmd(k, folio, vma, at)
            elif mm.tables[at >> k.pmd_order] is not None:
                self.clear_young_ptes(k, folio, vma, at, stop)
            at = stop
        return True

    def clear_young_pmd(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> None:
        """pmdp_clear_flush_young()"""
        mm = vma.mm
        assert mm is not None
        start = va >> k.pmd_order << k.pmd_order
        i = va >> k.pmd_order
        pmd_lock(k, sites.FOLIO_REFERENCED_ONE__PMD_LOCK, mm)
        pmd = mm.pmd[i]
        if pmd_present(pmd) and pmd >> PFN_SHIFT == folio.pfn and pmd & PTE_YOUNG:
            self.referenced = True
            k.step(sites.FOLIO_REFERENCED_ONE__CLEAR_YOUNG, pmd_obj(mm.id, i), WRITE)
            set_pmd_at(k, mm, start, mm.pmd[i] & ~PTE_YOUNG)
            tlb.flush_pmd_tlb_range(k, mm, start, start + k.ptrs_per_pte)
        pmd_unlock(k, mm)

    def clear_young_ptes(self, k: "Kernel", folio: Folio, vma: Vma, start: i64, end: i64) -> None:
        """clear_flush_young_ptes(), which on x86 flushes nothing."""
        mm = vma.mm
        assert mm is not None
        table = pte_offset_map_lock(k, sites.FOLIO_REFERENCED_ONE__LOCK, mm, start)
        if table is None:
            return
        for va in range(start, end):
            pte = ptep_get(k, table, va)
            offset = (pte >> PFN_SHIFT) - folio.pfn
            ours = pte_present(pte) and not pte & PTE_SPECIAL and 0 <= offset < 1 << folio.order
            if ours and pte & PTE_YOUNG:
                self.referenced = True
                k.step(sites.FOLIO_REFERENCED_ONE__CLEAR_YOUNG, pte_obj(mm.id, va), WRITE)
                set_pte_at(k, mm, table, va, ptep_get(k, table, va) & ~PTE_YOUNG)
        pte_unmap_unlock(k, table)
