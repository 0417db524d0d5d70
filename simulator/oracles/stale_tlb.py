# SPDX-License-Identifier: MIT
"""O1 stale-tlb: a translation may still be used after somebody promised its end.

Promises: a frame or page table that goes back to the allocator is cached by no CPU that runs
its mm; when munmap(), mprotect(), madvise(), mremap() or clear_refs return, nothing that was
stale before they began is cached for their range; a CPU that returns to user space in an mm
holds nothing whose end was promised while it was lazy or elsewhere. Predictive: no victim has
to use the translation.

The culprit is who owed the flush: the function that took the entry away, or tlb_finish_mmu() where
an mmu_gather was told of it (tlb_remove_tlb_entry()), or flush_tlb_mm_range() where a flush that
covers it is over and has left it somewhere.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.machine.cpu import Cpu
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_DIRTY,
    PTE_PRESENT,
    PTE_WRITE,
    Folio,
    Mm,
    Page,
    PageTable,
    Stale,
    pmd_pte,
)
from simulator.mm.pgtable import frame_text, pfn_to_page

if TYPE_CHECKING:
    from simulator.state import Kernel


def active_cpus(k: "Kernel", mm: Mm, mask: i64) -> i64:
    """Those of the CPUs in `mask` on which a user instruction could use the entry now."""
    out: i64 = 0
    i: i64 = 0
    while mask:
        if mask & 1:
            cpu = k.cpus[i]
            if cpu.loaded_mm is mm and not cpu.is_lazy and not k.tasks[cpu.curr].in_switch:
                out |= 1 << i
        mask >>= 1
        i += 1
    return out


def walking_cpus(k: "Kernel", mm: Mm, mask: i64) -> i64:
    """Those of the CPUs in `mask` whose hardware may walk tables of `mm` now."""
    out: i64 = 0
    for cpu in k.cpus:
        if cpu.cr3 is mm:
            out |= 1 << cpu.id
    return out & mask


def report(k: "Kernel", s: Stale, why: str) -> None:
    culprit = s.who
    if s.flushed:
        culprit = sites.FLUSH_TLB_MM_RANGE__INC_GEN
    elif s.queued:
        culprit = sites.TLB_FINISH_MMU__FLUSH
    k.violate("stale-tlb", culprit, object_class(k, s), why)


def object_class(k: "Kernel", s: Stale) -> str:
    return "page-table" if s.table is not None else k.class_of(pfn_to_page(k, s.pte >> PFN_SHIFT))


def translates(s: Stale, va: i64, page: Page) -> bool:
    """Whether it is a translation of page `va` to the frame `page`."""
    return (
        s.table is None
        and s.va <= va < s.va + s.pages
        and (s.pte if s.pages == 1 else pmd_pte(s.pte, va - s.va)) >> PFN_SHIFT == page.pfn
    )


def broken(k: "Kernel", mm: Mm, s: Stale) -> bool:
    """The end of `s` is promised now; whether some CPU may still use it."""
    s.promised = True
    return active_cpus(k, mm, s.mask) != 0


def page_freed(k: "Kernel", folio: Folio) -> None:
    """A frame goes back to the allocator."""
    pfn = folio.pfn
    end = pfn + (1 << folio.order)
    for mm in k.mms:
        for s in mm.stale:
            first = s.pte >> PFN_SHIFT
            if not first or first >= end or first + s.pages <= pfn:  # pfn 0 are zeroes all over
                continue
            if s.table is None and broken(k, mm, s):
                report(
                    k,
                    s,
                    f"{frame_text(pfn)} was freed while a CPU may still translate page "
                    f"{s.va} to it",
                )


def writeback_begins(k: "Kernel", folio: Folio) -> None:
    """A folio is about to be written out, and may be dropped then: what CPUs store to it later
    through a translation that is writable and dirty is lost, for it sets no bit."""
    for mm in k.mms:
        for s in mm.stale:
            if s.table is not None or not folio.pfn <= s.pte >> PFN_SHIFT < folio.pfn + 1:
                continue
            if s.queued:  # by MADV_FREE, which has given the data up: such stores may be lost
                continue
            if s.pte & (PTE_WRITE | PTE_DIRTY) == PTE_WRITE | PTE_DIRTY and broken(k, mm, s):
                report(
                    k,
                    s,
                    f"{frame_text(folio.pfn)} is written to swap while a CPU may still store to "
                    f"it as page {s.va}",
                )


def table_freed(k: "Kernel", table: PageTable) -> None:
    """A page table goes back to the allocator. A CPU that has its mm loaded may walk it of its own
    accord, be it lazy."""
    for mm in k.mms:
        for s in mm.stale:
            if s.table is table and walking_cpus(k, mm, s.mask):
                report(
                    k,
                    s,
                    f"the page table of pages {s.va} and up was freed while a CPU may still "
                    "walk it",
                )


def call_returns(k: "Kernel", mm: Mm, start: i64, end: i64, call: str) -> None:
    """`call` on pages [start, end) returns; it must not leave behind what it met."""
    if not mm.stale:
        return
    since = k.cur.began_seq
    for s in mm.stale:
        # Zeroes that somebody else is taking away are what the range holds now, too. Who puts a
        # page in their place waits for the lock under which they are flushed.
        if not s.pte >> PFN_SHIFT and s.owner != k.cur.id:
            continue
        if (
            s.table is None
            and s.va < end
            and start < s.va + s.pages
            and (s.seq <= since or s.owner == k.cur.id)
            and broken(k, mm, s)
        ):
            report(
                k,
                s,
                f"{call} returned while a CPU may still use the old translation of page {s.va}",
            )


def put_off_flushed(k: "Kernel", mm: Mm, start: i64, end: i64, call: str) -> None:
    """`call` has the lock of the page table of [start, end), and what reclaim had taken away there
    without a flush is flushed, or CPUs could go on with what they were allowed then: `call` finds
    nothing that it would flush for."""
    for s in mm.stale:
        if (
            s.table is None
            and s.va < end
            and start < s.va + s.pages
            and k.tasks[s.owner].ubc_cpus
            and broken(k, mm, s)
        ):
            report(
                k,
                s,
                f"{call} goes on while a CPU may still use the translation of page {s.va} that "
                "reclaim has taken away, and not flushed yet",
            )


def own_call_returns(k: "Kernel", mm: Mm, start: i64, end: i64, call: str) -> None:
    """`call` returns to user space, and promises only for what it took away itself: mremap() and
    MADV_GUARD_INSTALL do not wait for the flush of a madvise() that is still on its way."""
    for s in mm.stale:
        if (
            s.table is None
            and s.va < end
            and start < s.va + s.pages
            and s.owner == k.cur.id
            and broken(k, mm, s)
        ):
            report(
                k,
                s,
                f"{call} returned while a CPU may still use the old translation of page {s.va}",
            )


def resized(k: "Kernel", mm: Mm, va: i64) -> None:
    """The PMD entry of the pages from `va` on is another one now: as long as a CPU may hold a
    translation of a huge page, none of a small one there may be loaded, and the other way round.
    Not meant is what a zap has given up and will flush."""
    i = va >> k.pmd_order
    if mm.tables[i] is not None:
        cached(k, mm, va, 1)
    elif mm.pmd[i] & PTE_PRESENT:
        cached(k, mm, va, k.ptrs_per_pte)


def cached(k: "Kernel", mm: Mm, va: i64, pages: i64) -> None:
    """Translations of `pages` pages may be loaded from the entry of `va`, or one has been."""
    end = va + k.ptrs_per_pte if pages == 1 and va & (k.ptrs_per_pte - 1) == 0 else va + pages
    for s in mm.stale:
        if (
            s.table is None
            and s.pages != pages
            and s.va < end
            and va < s.va + s.pages
            and not s.zapped
            and not s.queued
            and active_cpus(k, mm, s.mask)
        ):
            report(
                k,
                s,
                f"a CPU may hold translations of page {max(va, s.va)} as a small page and as part "
                "of a huge one",
            )


def user_returns(k: "Kernel", cpu: Cpu, mm: Mm) -> None:
    """This CPU will run user code of `mm` next."""
    bit: i64 = 1 << cpu.id
    for s in mm.stale:
        if s.promised and s.mask & bit:
            k.violate(
                "stale-tlb",
                sites.SWITCH_MM_IRQS_OFF__LOADED_MM,
                object_class(k, s),
                f"CPU{cpu.id} runs user code again with a translation of page {s.va} that it "
                "should have flushed",
            )
