# SPDX-License-Identifier: MIT
"""O17 pin: a pinned page is the page mapped there, and a pipe shows no foreign stores.

A FOLL_PIN reference to an anonymous page is reliable: the page is exclusive when the pin is
taken and stays so, and it stays mapped where it was, until the range is given up (zapped,
unmapped) or moved on purpose. A pipe's FOLL_GET reference promises less: its reader may or
may not see later stores of the process it came from, never those of another one.

Predictive: reported when exclusivity is lost, another page is installed or the foreign store
happens, not when the device or the reader notices. Pins of page cache pages and of the zero
page promise nothing that could break here.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm import pins
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_ANON_EXCLUSIVE,
    Mm,
    Page,
    folio_mapcount,
    is_device_pte,
    is_migration_pte,
    page_is_exclusive,
    pte_present,
)
from simulator.mm.pgtable import frame_text, peek

if TYPE_CHECKING:
    from simulator.mm.pins import Pin
    from simulator.state import Kernel


def taken(k: "Kernel", p: "Pin") -> None:
    """GUP has returned `p`'s page (sanity_check_pinned_pages())."""
    page = p.page
    mm = p.mm
    assert page is not None
    assert mm is not None
    if p.kind != pins.PINNED or page.folio.anon_vma is None:
        return
    # Of a huge page that GUP-fast has taken while it was zapped the head still tells.
    head = page.folio.page
    zapped = folio_mapcount(page.folio) == 0 and head.flags & PG_ANON_EXCLUSIVE != 0
    if not page_is_exclusive(page) and not zapped:
        k.violate(
            "pin",
            k.cur.site,
            "anon",
            f"page {p.va} was pinned although {frame_text(page.pfn)} may be shared",
        )
    # GUP-fast may have raced with a zap: the pin is good, but of a page that is gone.
    p.tied = peek(k, mm, p.va) >> PFN_SHIFT == page.pfn
    p.lost_at = 0


def entry_written(k: "Kernel", mm: Mm, va: i64, old: i64, new: i64) -> None:
    """Remember who takes the entry of a pinned page away: whoever puts another there only finds
    none."""
    for p in k.pins:
        page = p.page
        if p.tied and p.va == va and p.mm is mm and page is not None:
            if new >> PFN_SHIFT == page.pfn:
                p.lost_at = 0
            elif old >> PFN_SHIFT == page.pfn:
                p.lost_at = k.cur.site


def recheck(k: "Kernel", page: Page) -> None:
    """The mapping of a pinned page changed under the page table lock being dropped."""
    if not k.open_pins or page.folio.anon_vma is None:
        return
    for p in k.pins:
        mm = p.mm
        pinned = p.page
        if p.tied and pinned is not None and mm is not None and pinned.folio is page.folio:
            check(k, p, pinned, mm)


def check(k: "Kernel", p: "Pin", page: Page, mm: Mm) -> None:
    pte = peek(k, mm, p.va)
    if pte == 0 and is_being_changed(k, mm, p.va):
        return  # who has taken it out, of a large folio of which the caller has changed another
    # A device-exclusive entry keeps the page, and a fault brings back the same one.
    kept = pte_present(pte) or is_migration_pte(pte) or is_device_pte(pte)
    if pte >> PFN_SHIFT != page.pfn or not kept:
        k.violate(
            "pin",
            p.lost_at or mm.who[p.va],
            "anon",
            f"{frame_text(page.pfn)} is pinned as page {p.va}, which no longer maps it",
        )
    if not page_is_exclusive(page):
        k.violate(
            "pin",
            k.cur.site,
            "anon",
            f"{frame_text(page.pfn)} is pinned as page {p.va} and lost its exclusivity",
        )


def is_being_changed(k: "Kernel", mm: Mm, va: i64) -> bool:
    """Whether another one has the lock of the entry."""
    owner = mm.page_table_lock.owner
    table = mm.tables[va >> k.pmd_order]
    if table is not None:
        owner = table.ptl.owner
    return owner >= 0 and owner != k.cur.id


def dropped(k: "Kernel", mm: Mm, va: i64) -> None:
    """The range was given up: the pin's page is no longer promised to be there."""
    for p in k.pins:
        if p.tied and p.va == va and p.mm is mm:
            p.tied = False


def moved(k: "Kernel", mm: Mm, old_va: i64, new_va: i64) -> None:
    """mremap() moved the entry, and the pin's promise with it."""
    for p in k.pins:
        if p.tied and p.va == old_va and p.mm is mm:
            p.va = new_va


def stored(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """User code of `mm` stored into `page`, which it maps at `va`."""
    if page.folio.anon_vma is None:
        return
    for p in k.pins:
        if p.kind == pins.PIPE and p.page is page and p.mm is not mm:
            k.violate(
                "pin",
                mm.who[va],
                "anon",
                f"a store to page {va} went into {frame_text(page.pfn)}, which another process has "
                "put into a pipe",
            )
