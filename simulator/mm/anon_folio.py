# SPDX-License-Identifier: MIT
"""mm/memory.c (7.2): large folios of anonymous memory that page table entries map (mTHP), as faults
make them (alloc_anon_folio()); collapses map theirs with the same function.

`config mthp=` has the orders; they are enabled where huge pages are (`inherit` in
/sys/kernel/mm/transparent_hugepage/hugepages-*kB/enabled).
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import huge_memory, page_alloc, rmap, swap
from simulator.mm.mm_types import (
    MM_ANONPAGES,
    PG_UPTODATE,
    PTE_WRITE,
    PTE_YOUNG,
    REF_OWNER,
    VM_UFFD_FLAGS,
    VM_WRITE,
    Folio,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
)
from simulator.mm.page_ref import folio_put
from simulator.mm.pgtable import (
    mk_pte,
    pfn_to_page,
    pte_mkdirty,
    ptep_get,
    set_pte_at,
    vm_page_prot,
)
from simulator.mm.pgtable_generic import (
    pte_offset_map,
    pte_offset_map_lock,
    pte_unmap,
    pte_unmap_unlock,
)
from simulator.mm.vm_fault import VM_FAULT_FALLBACK, VmFault
from simulator.objects import pte_obj
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def do_anonymous_folio(k: "Kernel", vmf: VmFault) -> i64:
    """do_anonymous_page() of a write fault, as far as it gets by with more than one page: 0 when it
    is done or was too late, VM_FAULT_FALLBACK when one page must do."""
    mm = vmf.mm
    vma = vmf.vma
    orders = anon_orders(k, vma, vmf.va)
    if orders == 0:
        return VM_FAULT_FALLBACK
    table = pte_offset_map(k, mm, vmf.va)
    if table is None:
        return 0
    order = highest_order(orders)
    while orders and not reads_none(k, mm, table, align_down(vmf.va, order), order):
        orders &= ~(1 << order)
        order = highest_order(orders)
    pte_unmap(k)
    folio: Folio | None = None
    while orders and folio is None:
        folio = page_alloc.folio_alloc_order(k, sites.ALLOC_ANON_FOLIO__ALLOC, order, True)
        if folio is None:
            orders &= ~(1 << order)
            order = highest_order(orders)
    if folio is None:
        return VM_FAULT_FALLBACK
    folio.flags |= PG_UPTODATE
    start = align_down(vmf.va, order)
    table = pte_offset_map_lock(k, sites.DO_ANONYMOUS_PAGE__LOCK, mm, start)
    if table is None:
        folio_put(k, folio, REF_OWNER)
        return 0
    if not pte_range_none(k, table, start, order):
        k.sometimes(features.Z_FAULT_RACED_ZAP)
        pte_unmap_unlock(k, table)
        folio_put(k, folio, REF_OWNER)
        return 0
    map_anon_folio_pte_nopf(k, mm, folio, table, vma, start, dirty=False, zeroes=True)
    add_mm_counter(mm, MM_ANONPAGES, 1 << order)
    pte_unmap_unlock(k, table)
    k.sometimes(features.Z_MTHP_FAULT)
    return 0


def anon_orders(k: "Kernel", vma: Vma, va: i64) -> i64:
    """A bit for each order below that of the PMD that is enabled for the VMA and fits in there;
    none where user space resolves faults, one by one."""
    if vma.flags & VM_UFFD_FLAGS:
        return 0
    if not huge_memory.thp_vma_allowable(k, vma, huge_memory.TVA_PAGEFAULT):
        return 0
    orders = k.mthp
    order = highest_order(orders)
    while order:
        start = align_down(va, order)
        if start < vma.start or start + (1 << order) > vma.end:
            orders &= ~(1 << order)
        order -= 1
    return orders


def highest_order(orders: i64) -> i64:
    """The largest of them; 0 if there is none."""
    order: i64 = 0
    while orders > 1:
        orders >>= 1
        order += 1
    return order


def align_down(va: i64, order: i64) -> i64:
    return va >> order << order


def reads_none(k: "Kernel", mm: Mm, table: PageTable, start: i64, order: i64) -> bool:
    """pte_range_none() without the lock."""
    k.watch.table_read(k, table)
    for va in range(start, start + (1 << order)):
        k.step(sites.ALLOC_ANON_FOLIO__READ_PTE, pte_obj(mm.id, va), READ)
        if ptep_get(k, table, va):
            return False
    return True


def pte_range_none(k: "Kernel", table: PageTable, start: i64, order: i64) -> bool:
    """Whether the entries are all none; the lock is held."""
    return not any(ptep_get(k, table, va) for va in range(start, start + (1 << order)))


def map_anon_folio_pte_nopf(
    k: "Kernel",
    mm: Mm,
    folio: Folio,
    table: PageTable,
    vma: Vma,
    start: i64,
    *,
    dirty: bool,
    zeroes: bool,
) -> None:
    """Map a new large folio by page table entries, of which RSS knows or will. `dirty`: also where
    the VMA may not be written, for what is mapped there is a copy of what was. `zeroes`: nothing
    was there, and others may store to the first page before the last one is mapped."""
    rmap.folio_add_new_anon_rmap_ptes(k, folio, vma, start)
    swap.folio_add_lru(k, folio)
    for i in range(1 << folio.order):
        entry = mk_pte(pfn_to_page(k, folio.pfn + i), vm_page_prot(vma)) | PTE_YOUNG
        if vma.flags & VM_WRITE:
            entry = pte_mkdirty(entry) | PTE_WRITE
        elif dirty:
            entry = pte_mkdirty(entry)
        k.step(sites.MAP_ANON_FOLIO_PTE_NOPF__SET_PTE, pte_obj(mm.id, start + i), WRITE)
        set_pte_at(k, mm, table, start + i, entry)
        if zeroes:
            k.watch.hole_filled(k, mm, start + i)
            k.watch.zeroes_installed(k, mm, start + i, pfn_to_page(k, folio.pfn + i))
