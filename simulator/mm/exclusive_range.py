# SPDX-License-Identifier: MIT
"""mm/rmap.c (6.12, gone in 7.2): make_device_exclusive_range(), for make_device_exclusive() since
6.15.

Pages are looked up first, then each folio's rmap is walked from its head: where it is mapped, all
of its entries are replaced, and all of their addresses are told to devices. A tail is left out.

Not as it was: an entry of a device goes on counting as a mapping, and lets it write.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.mm import gup, mmu_notifier
from simulator.mm.make_device_exclusive import replace
from simulator.mm.memremap import DevPagemap
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_SPECIAL,
    PTE_WRITE,
    Folio,
    Mm,
    Page,
    Vma,
    pte_present,
)
from simulator.mm.pgtable import pfn_to_page, pmd_addr_end, ptep_get
from simulator.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from simulator.mm.rmap import RmapWalkControl, rmap_walk, vma_address_end
from simulator.sched.lock import folio_trylock, mutex_unlock

if TYPE_CHECKING:
    from simulator.state import Kernel

FLAGS: Final[i64] = gup.FOLL_GET | gup.FOLL_WRITE | gup.FOLL_REMOTE | gup.FOLL_SPLIT_PMD


def make_device_exclusive_range(
    k: "Kernel", mm: Mm, start: i64, end: i64, owner: DevPagemap
) -> list[int]:
    """The frames of [start, end), as far as GUP has found pages: those that no CPU can use any
    more, locked and with a reference (REF_GUP), the others -1. mmap_lock is held for read."""
    found: list[int] = []
    for va in range(start, end):
        pfn = gup.get_user_page_locked(k, mm, va, FLAGS)
        if pfn < 0:
            break
        found.append(pfn)
    for i, pfn in enumerate(found):
        page = pfn_to_page(k, pfn)
        folio = page.folio
        tail = page is not folio.page and not k.bug.devexcl_subpage_range_mismatch
        site = sites.MAKE_DEVICE_EXCLUSIVE_RANGE__TRYLOCK
        if tail or not folio_trylock(k, site, folio.lock):
            gup.gup_put_folio(k, folio, FLAGS)
            found[i] = -1
        elif not folio_make_device_exclusive(k, page, mm, start + i, owner):
            mutex_unlock(k, folio.lock)
            gup.gup_put_folio(k, folio, FLAGS)
            found[i] = -1
    return found


def folio_make_device_exclusive(
    k: "Kernel", page: Page, mm: Mm, va: i64, owner: DevPagemap
) -> bool:
    """Replace all entries that map the locked folio of `page`; False: not the one at `va`."""
    if page.folio.anon_vma is None:
        return False
    args = MakeExclusiveArgs(mm, va, owner)
    site = sites.FOLIO_MAKE_DEVICE_EXCLUSIVE__ANON_VMA_LOCK
    rmap_walk(k, site, site, page.folio, args)
    return args.valid


class MakeExclusiveArgs(RmapWalkControl):
    """struct make_exclusive_args."""

    def __init__(self, mm: Mm, va: i64, owner: DevPagemap) -> None:
        self.mm: Mm = mm
        self.va: i64 = va
        self.owner: DevPagemap = owner
        self.valid: bool = False

    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """page_make_device_exclusive_one()"""
        mm = vma.mm
        assert mm is not None
        end = vma_address_end(vma, folio)
        first = va
        last = end
        if k.bug.devexcl_subpage_range_mismatch:
            first = self.va
            last = self.va + 1
        mmu_notifier.mmu_notifier_invalidate_range_start(
            k, mm, first, last, mmu_notifier.MMU_NOTIFY_EXCLUSIVE, self.owner
        )
        while va < end:
            stop = pmd_addr_end(k, va, end)
            self.replace_ptes(k, mm, folio, va, stop)
            va = stop
        mmu_notifier.mmu_notifier_invalidate_range_end(k, mm, first, last)
        return True

    def replace_ptes(self, k: "Kernel", mm: Mm, folio: Folio, start: i64, end: i64) -> None:
        """The entries of one page table."""
        table = pte_offset_map_lock(k, sites.PAGE_MAKE_DEVICE_EXCLUSIVE_ONE__LOCK, mm, start)
        if table is None:
            return
        for va in range(start, end):
            pte = ptep_get(k, table, va)
            offset = (pte >> PFN_SHIFT) - folio.pfn
            if pte_present(pte) and not pte & PTE_SPECIAL and 0 <= offset < 1 << folio.order:
                replace(k, mm, va, table, pfn_to_page(k, pte >> PFN_SHIFT))
                if mm is self.mm and va == self.va and pte & PTE_WRITE:
                    self.valid = True
        pte_unmap_unlock(k, table)
