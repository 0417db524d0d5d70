# SPDX-License-Identifier: MIT
"""mm/memory.c (Linux 7.2): a PMD entry for a huge folio of the page cache."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm import rmap
from simulator.mm.mm_types import (
    MM_FILEPAGES,
    PTE_YOUNG,
    REF_MAP,
    VM_NOHUGEPAGE,
    Folio,
    Mm,
    Vma,
    add_mm_counter,
)
from simulator.mm.page_ref import folio_get
from simulator.mm.pgtable import (
    folio_mk_pmd,
    maybe_mkwrite,
    pfn_to_page,
    pmd_none,
    pte_mkdirty,
    set_pmd_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import pmd_lock, pmd_unlock
from simulator.mm.split_huge_pmd import haddr_of, thp_vma_suitable
from simulator.mm.vm_fault import FAULT_FLAG_UNSHARE, VmFault
from simulator.objects import pmd_obj
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def file_thp_suitable(k: "Kernel", vma: Vma, va: i64) -> bool:
    """thp_vma_suitable_order() of a file: the VMA has room for the whole huge page, and maps such
    pages where PMD entries can."""
    return (vma.start - vma.pgoff) & (k.ptrs_per_pte - 1) == 0 and thp_vma_suitable(k, vma, va)


def wants_ptes(k: "Kernel", vmf: VmFault) -> bool:
    """Whether the fault is to break COW for GUP (FAULT_FLAG_UNSHARE): that is done entry by entry,
    and a PMD entry would have to be split again, only to be set again, for ever."""
    return vmf.flags & FAULT_FLAG_UNSHARE != 0 and not k.bug.gup_unshare_maps_file_pmd


def do_set_pmd(k: "Kernel", mm: Mm, vma: Vma, va: i64, folio: Folio, write: bool) -> bool:
    """Map all of a locked huge folio of the page cache by one entry; False: it cannot be, or
    something is there by now."""
    if folio.order != k.pmd_order or vma.flags & VM_NOHUGEPAGE:
        return False
    if not file_thp_suitable(k, vma, va):
        return False
    start = haddr_of(k, va)
    pmd_lock(k, sites.DO_SET_PMD__LOCK, mm)
    if not pmd_none(k, mm, start):
        pmd_unlock(k, mm)
        return False
    entry = folio_mk_pmd(folio.page, vm_page_prot(vma)) | PTE_YOUNG
    if write:
        entry = maybe_mkwrite(pte_mkdirty(entry), vma)
    folio_get(k, folio, REF_MAP)
    rmap.folio_add_file_rmap_pmd(k, folio, mm)
    add_mm_counter(mm, MM_FILEPAGES, k.ptrs_per_pte)
    k.step(sites.DO_SET_PMD__SET_PMD, pmd_obj(mm.id, start >> k.pmd_order), WRITE)
    set_pmd_at(k, mm, start, entry)
    for i in range(k.ptrs_per_pte):
        k.watch.file_page_mapped(k, vma, start + i, pfn_to_page(k, folio.pfn + i))
    pmd_unlock(k, mm)
    return True
