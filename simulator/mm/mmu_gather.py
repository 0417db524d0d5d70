# SPDX-License-Identifier: MIT
"""mm/mmu_gather.c (7.2): pages and page tables that wait for a TLB flush before they are freed."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from simulator import features, sites
from simulator.build.native import final
from simulator.mm import rmap, swap, swapfile
from simulator.mm import tlb as tlb_module
from simulator.mm.mm_types import PG_SWAPCACHE, REF_GATHER, REF_MAP, Mm, Page, PageTable
from simulator.mm.page_ref import folio_put, move_ref
from simulator.mm.pgtable import pte_free
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

NO_RANGE: Final[i64] = 1 << 40


@mypyc_attr(acyclic=True)
@final
class MmuGather:
    """struct mmu_gather. `start` and `end` (pages) are what must be flushed."""

    def __init__(self, mm: Mm, fullmm: bool) -> None:
        self.mm: Final[Mm] = mm
        self.fullmm: bool = fullmm
        self.start: i64 = NO_RANGE
        self.end: i64 = 0
        self.freed_tables: bool = False
        self.cleared: bool = False  # cleared_ptes
        self.cleared_pmds: bool = False
        self.pages: list[Page] = []
        self.delayed_rmap: list[Page] = []  # of those, which count as mapped until the flush
        self.tables: list[PageTable] = []


def tlb_gather_mmu(k: "Kernel", mm: Mm) -> MmuGather:
    return gather(k, mm, False)


def tlb_gather_mmu_fullmm(k: "Kernel", mm: Mm) -> MmuGather:
    return gather(k, mm, True)


def gather(k: "Kernel", mm: Mm, fullmm: bool) -> MmuGather:
    k.step(sites.TLB_GATHER_MMU__PENDING, mm.obj, WRITE)
    mm.tlb_flush_pending += 1
    k.cur.gathering += 1
    return MmuGather(mm, fullmm)


def tlb_remove_tlb_entry(tlb: MmuGather, va: i64) -> None:
    """The entry of this page was cleared; it must be flushed before anything is freed."""
    if va < tlb.start:
        tlb.start = va
    if va >= tlb.end:
        tlb.end = va + 1
    tlb.cleared = True
    stale = tlb.mm.stale
    i: i64 = len(stale) - 1
    while i >= 0:
        s = stale[i]
        if s.va == va and s.table is None:
            s.queued = True
            break
        i -= 1


def tlb_flush_pmd_range(k: "Kernel", tlb: MmuGather, va: i64) -> None:
    """The huge entry of the pages from `va` on has changed, so that it must be flushed."""
    if va < tlb.start:
        tlb.start = va
    if va + k.ptrs_per_pte > tlb.end:
        tlb.end = va + k.ptrs_per_pte
    tlb.cleared_pmds = True


def tlb_remove_pmd_tlb_entry(k: "Kernel", tlb: MmuGather, va: i64) -> None:
    """The huge entry of the pages from `va` on was cleared; it must be flushed before anything is
    freed."""
    tlb_flush_pmd_range(k, tlb, va)
    for s in tlb.mm.stale:
        if s.va == va and s.pages > 1:
            s.queued = True


def tlb_remove_page(k: "Kernel", tlb: MmuGather, page: Page, delay_rmap: bool) -> bool:
    """Queue the page with the reference of the mapping that was removed, or will be by
    tlb_flush_rmaps(). True: the batch is full and the caller must flush."""
    if delay_rmap:
        tlb.delayed_rmap.append(page)
    else:
        move_ref(k, page.folio, REF_MAP, REF_GATHER)
    tlb.pages.append(page)
    if len(tlb.pages) >= k.gather_batch:
        k.sometimes(features.Z_GATHER_BATCH_FULL)
        return True
    return False


def pte_free_tlb(k: "Kernel", tlb: MmuGather, table: PageTable) -> None:
    """Queue an unlinked page table."""
    k.step(sites.TLB_REMOVE_TABLE__QUEUE, tlb.mm.obj, WRITE)
    va = table.pmd << k.pmd_order
    if va < tlb.start:
        tlb.start = va
    if va + k.ptrs_per_pte > tlb.end:
        tlb.end = va + k.ptrs_per_pte
    tlb.freed_tables = True
    tlb.tables.append(table)
    for s in tlb.mm.stale:
        if s.table is table:
            s.queued = True


def tlb_flush_mmu_tlbonly(k: "Kernel", tlb: MmuGather) -> None:
    if not (tlb.cleared or tlb.cleared_pmds or tlb.freed_tables):
        if k.tracing:
            k.note("nothing to flush")
        return
    if tlb.fullmm:
        tlb_module.flush_tlb_mm(k, tlb.mm)
    elif tlb.cleared_pmds and not tlb.cleared and not tlb.freed_tables:
        tlb_module.flush_pmd_tlb_range(k, tlb.mm, tlb.start, tlb.end)
    else:
        tlb_module.flush_tlb_mm_range(k, tlb.mm, tlb.start, tlb.end, tlb.freed_tables)
    tlb.start = NO_RANGE
    tlb.end = 0
    tlb.cleared = False
    tlb.cleared_pmds = False
    tlb.freed_tables = False


def tlb_flush_rmaps(k: "Kernel", tlb: MmuGather) -> None:
    """No CPU can store to these pages any more: they are mapped no longer. The page table lock is
    held."""
    if tlb.delayed_rmap:
        pages = tlb.delayed_rmap
        tlb.delayed_rmap = []
        for page in pages:
            k.step(sites.TLB_FLUSH_RMAPS__REMOVE, page.obj, WRITE)
            rmap.folio_remove_rmap_pte(k, page, tlb.mm)
            move_ref(k, page.folio, REF_MAP, REF_GATHER)


def tlb_flush_mmu(k: "Kernel", tlb: MmuGather) -> None:
    """Flush, then free what waited for it."""
    tlb_flush_mmu_tlbonly(k, tlb)
    if tlb.tables:
        tables = tlb.tables
        tlb.tables = []
        for table in tables:
            call_rcu_table(k, table)
    if tlb.pages:
        swap.lru_add_drain(k)
        pages = tlb.pages
        tlb.pages = []
        for page in pages:
            k.step(sites.TLB_FLUSH_MMU__FREE_BATCH, page.obj, WRITE)
            if page.folio.flags & PG_SWAPCACHE:
                swapfile.free_swap_cache(k, page.folio)
            folio_put(k, page.folio, REF_GATHER)


def tlb_finish_mmu(k: "Kernel", tlb: MmuGather) -> None:
    """The last flush. With another gather pending on the mm everything is flushed: its owner
    may have cleared entries of this range that we saw as none."""
    mm = tlb.mm
    k.step(sites.TLB_FINISH_MMU__NESTED, mm.obj, WRITE)
    if mm.tlb_flush_pending > 1 and not k.bug.madv_dontneed_parallel_flush_miss:
        k.sometimes(features.Z_NESTED_FLUSH)
        tlb.fullmm = True
        tlb.cleared = True
        tlb.freed_tables = True
    tlb_flush_mmu(k, tlb)
    k.step(sites.TLB_FINISH_MMU__FLUSH, mm.obj, WRITE)
    mm.tlb_flush_pending -= 1
    k.cur.gathering -= 1


# --- RCU-freed page tables -------------------------------------------------------------------


def reset(k: "Kernel") -> None:
    """No table waits."""
    if k.rcu_tables:
        k.rcu_tables = []
        k.rcu_masks = []


def call_rcu_table(k: "Kernel", table: PageTable) -> None:
    """Free the table when everybody who may be walking it without a lock has finished."""
    readers = rcu_readers(k)
    k.sometimes(features.Z_PAGE_TABLE_FREED)
    if readers == 0:
        free_table(k, table)
    else:
        k.rcu_tables.append(table)
        k.rcu_masks.append(readers)


def rcu_readers(k: "Kernel") -> i64:
    """Actors inside a read-side section; irqs off counts as one (GUP-fast)."""
    mask: i64 = 0
    for t in k.tasks:
        if t.rcu_readers:
            mask |= 1 << t.id
    return mask


def rcu_read_lock(k: "Kernel", site: i64) -> None:
    """Page tables that are unlinked from now on stay readable until the section ends; `site` is
    one of the function that has to end it."""
    t = k.cur
    t.rcu_readers += 1
    t.rcu_at = site


def rcu_read_unlock(k: "Kernel") -> None:
    """Leave a read-side section; the last reader of a grace period frees what waited."""
    t = k.cur
    t.rcu_readers -= 1
    if t.rcu_readers or not k.rcu_tables:
        return
    keep_tables: list[PageTable] = []
    keep_masks: list[i64] = []
    done: list[PageTable] = []
    i: i64 = 0
    while i < len(k.rcu_tables):
        mask = k.rcu_masks[i] & ~(1 << t.id)
        if mask:
            keep_tables.append(k.rcu_tables[i])
            keep_masks.append(mask)
        else:
            done.append(k.rcu_tables[i])
        i += 1
    k.rcu_tables = keep_tables
    k.rcu_masks = keep_masks
    for table in done:
        free_table(k, table)


def free_table(k: "Kernel", table: PageTable) -> None:
    k.watch.table_freed(k, table)
    pte_free(k, table)
