# SPDX-License-Identifier: MIT
"""O11 secondary-mmu: the device maps what the CPU's page tables no longer map or permit.

Predictive: a page must not be freed while the device's page table still points to it, and at
the End the two tables are compared.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.build.native import vec
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_WRITE,
    SWP_DEVICE_EXCLUSIVE,
    SWP_DEVICE_WRITE,
    Folio,
    Mm,
    Page,
    pte_kind,
    pte_present,
)
from simulator.mm.pgtable import DEVICE_PFN_BASE, frame_text, peek, pfn_to_page

if TYPE_CHECKING:
    from simulator.state import Kernel


WRITES: Final = (SWP_DEVICE_WRITE, SWP_DEVICE_EXCLUSIVE)  # kinds of entries that let a device write


def page_freed(k: "Kernel", folio: Folio) -> None:
    """A frame or device page goes back to its allocator."""
    for mm in k.mms:
        for notifier in mm.notifiers:
            not_mapped(k, notifier.pt, folio)


def not_mapped(k: "Kernel", pt: "vec[i64]", folio: Folio) -> None:
    """The device's page table has no entry for a page of the folio."""
    end = k.nr_arena
    page = folio.page
    first = page.pfn << 1
    last = first + (2 << folio.order)
    va: i64 = 0
    while va < end:
        if first <= pt[va] < last and page.pfn:
            k.violate(
                "secondary-mmu",
                sites.DMIRROR_MIGRATE_FINALIZE_AND_MAP__LOCK
                if page.pfn >= DEVICE_PFN_BASE
                else k.cur.site,
                k.class_of(page),
                f"{frame_text(page.pfn)} was freed while the device still maps it at page {va}",
            )
        va += 1


def entry_written(k: "Kernel", mm: Mm, va: i64, old: i64, new: i64) -> None:
    """The CPU's entry of `va` has changed: what the device has there must have gone before, by an
    invalidation that is not over. Not so the locked page of a migration, which its driver sees
    to, and the zero page, which is nobody's."""
    for notifier in mm.notifiers:
        entry = notifier.pt[va]
        pfn = entry >> 1
        if entry < 0 or pfn == 0 or old >> PFN_SHIFT != pfn:
            continue
        if notifier.atomic[va] and pte_present(new):
            k.violate(
                "secondary-mmu",
                k.cur.site,
                k.class_of(pfn_to_page(k, pfn)),
                f"a CPU maps page {va} again, and the device has it still for itself",
            )
        page = pfn_to_page(k, pfn)
        lost = new >> PFN_SHIFT != pfn
        if entry & 1 and not new & PTE_WRITE and pte_kind(new) not in WRITES:
            lost = True
        if lost and page.folio.lock.owner != k.cur.id:
            k.violate(
                "secondary-mmu",
                k.cur.site,
                k.class_of(page),
                f"the entry of page {va} changed while a device maps {frame_text(pfn)} "
                f"there, and the "
                "device was not told",
            )


def exclusive_entry_set(k: "Kernel", mm: Mm, va: i64, new: i64) -> None:
    """The running actor's device gets the page at `va` for itself: no other one maps it."""
    pfn = new >> PFN_SHIFT
    for notifier in mm.notifiers:
        if notifier is not k.cur.device and notifier.pt[va] >> 1 == pfn:
            k.violate(
                "secondary-mmu",
                k.cur.site,
                k.class_of(pfn_to_page(k, pfn)),
                f"page {va} becomes one device's alone while another one maps it, which was not "
                "told",
            )


def made_exclusive(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """The device maps `page` for itself: no CPU may. The folio lock keeps the entry as it is."""
    pte = peek(k, mm, va)
    if pte_present(pte) and pte >> PFN_SHIFT == page.pfn:
        k.violate(
            "contract",
            sites.MAKE_DEVICE_EXCLUSIVE__SET_ENTRY,
            k.class_of(page),
            f"make_device_exclusive() has returned page {va}, which the CPU still maps",
        )


def used(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """The device accesses `page` at `va`: the CPU's tables must say the same, or the page is
    locked because it migrates right now."""
    folio = page.folio
    if folio.live and folio.lock.owner >= 0:
        return
    pte = peek(k, mm, va)
    if pte >> PFN_SHIFT != page.pfn or not folio.live and page.pfn:
        k.violate(
            "secondary-mmu",
            mm.who[va],
            k.class_of(page),
            f"the device uses {frame_text(page.pfn)} for page {va}, the page tables do not",
        )


def audit(k: "Kernel") -> None:
    """The End: every entry of the device's page table, and what it permits."""
    for mm in k.mms:
        if mm.users:
            for notifier in mm.notifiers:
                audit_pt(k, mm, notifier.pt)


def audit_pt(k: "Kernel", mm: Mm, pt: "vec[i64]") -> None:
    va: i64 = -1
    end = k.nr_arena - 1
    while va < end:
        va += 1
        entry = pt[va]
        if entry < 0:
            continue
        pte = peek(k, mm, va)
        if pte == 0 or pte >> PFN_SHIFT != entry >> 1:
            k.violate(
                "secondary-mmu",
                mm.who[va],
                k.class_of(pfn_to_page(k, entry >> 1)),
                f"the device maps frame {entry >> 1} at page {va}, the page tables do not",
            )
        if entry & 1 and not pte & PTE_WRITE and pte_kind(pte) not in WRITES:
            k.violate(
                "secondary-mmu",
                mm.who[va],
                k.class_of(pfn_to_page(k, entry >> 1)),
                f"the device may write page {va}, the page tables forbid it",
            )
