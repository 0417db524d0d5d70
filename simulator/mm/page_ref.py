# SPDX-License-Identifier: MIT
"""Reference counts of pages (include/linux/page_ref.h, 7.2) and the ledger behind them (O2).

Every reference has a reason (REF_*). `ref` is what the kernel sees; the ledger says who owns
it, so a put for the wrong reason, an underflow or a leak names its owner at once.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator.mm import mm_types, page_alloc
from simulator.mm.mm_types import (
    GUP_PIN_COUNTING_BIAS,
    REF_MAP,
    REF_PIN,
    Folio,
    Mm,
    Page,
    folio_mapcount,
)
from simulator.mm.pgtable import frame_text
from simulator.tables import by_number

if TYPE_CHECKING:
    from simulator.state import Kernel

REASONS: Final = by_number(
    "reasons for references",
    (
        (mm_types.REF_MAP, "mapping"),
        (mm_types.REF_CACHE, "page cache"),
        (mm_types.REF_BATCH, "lru batch"),
        (mm_types.REF_GUP, "gup"),
        (mm_types.REF_PIN, "pin"),
        (mm_types.REF_TEMP, "temporary"),
        (mm_types.REF_GATHER, "mmu_gather"),
        (mm_types.REF_ISOLATED, "isolation"),
        (mm_types.REF_OWNER, "allocation"),
    ),
)
assert len(REASONS) == mm_types.NR_REFS


def folio_get(k: "Kernel", folio: Folio, reason: i64) -> None:
    """One more reference; the page must have one already."""
    if folio.ref <= 0 or not folio.live:
        k.violate(
            "refcount",
            k.cur.site,
            k.class_of(folio.page),
            f"a {REASONS[reason]} reference was taken on {frame_text(folio.pfn)}, which has none",
        )
    folio.ref += 1
    booked(k, folio, reason)
    if k.tracing:
        k.watch.ref_taken(k, folio, reason)


def booked(k: "Kernel", folio: Folio, reason: i64) -> None:
    """Enter a reference in the ledger. Who took the first of those that are there is remembered:
    when they are never dropped, that one was."""
    if folio.ledger[reason] == 0:
        folio.taken_at[reason] = k.cur.site
    folio.ledger[reason] += 1
    if reason == REF_MAP:
        refs_changed(k, folio.page)


def refs_changed(k: "Kernel", page: Page) -> None:
    """References of mappings come first and go last; where they part from the mapcount for good,
    it was after the site at which they last were equal. A large folio has both in its head."""
    folio = page.folio
    page = folio.page
    if folio.ledger[REF_MAP] == folio_mapcount(folio):
        page.refs_at = 0
    elif page.refs_at == 0:
        page.refs_at = k.cur.site


def add_mapcount(k: "Kernel", page: Page, n: i64, mm: Mm | None) -> None:
    """The page is mapped by `n` entries of `mm` more."""
    page.mapcount += n
    folio = page.folio
    if folio.order:
        folio.large_mapcount += n
        count_mm(folio, mm, n)
        if page.mapcount == 0:
            folio.nr_pages_mapped -= 1
        elif page.mapcount == n:
            folio.nr_pages_mapped += 1
    refs_changed(k, page)
    maps_changed(k, page)


def count_mm(folio: Folio, mm: Mm | None, n: i64) -> None:
    """`mm` has `n` mappings more of the folio, which keeps count of two mms (_mm_id_mapcount)."""
    assert mm is not None
    if folio.mm_id_0 == mm.id or (n > 0 and folio.mm_maps_0 == 0 and folio.mm_id_1 != mm.id):
        folio.mm_id_0 = mm.id
        folio.mm_maps_0 += n
        if folio.mm_maps_0 == 0:
            folio.mm_id_0 = -1
    elif folio.mm_id_1 == mm.id or (n > 0 and folio.mm_maps_1 == 0):
        folio.mm_id_1 = mm.id
        folio.mm_maps_1 += n
        if folio.mm_maps_1 == 0:
            folio.mm_id_1 = -1


def add_entire_mapcount(k: "Kernel", folio: Folio, n: i64, mm: Mm | None) -> None:
    """The large folio is mapped by `n` PMD entries of `mm` more."""
    count_mm(folio, mm, n)
    folio.entire_mapcount += n
    folio.large_mapcount += n
    refs_changed(k, folio.page)


def maps_changed(k: "Kernel", page: Page) -> None:
    """Where the mapcount and the entries that are there part, it was after the site at which they
    last were equal."""
    if page.mapcount == page.nr_entries:
        page.maps_at = 0
    elif page.maps_at == 0:
        page.maps_at = k.cur.site


def folio_try_get(k: "Kernel", folio: Folio, reason: i64) -> bool:
    """A reference unless the page is free: for lockless lookups."""
    if folio.ref <= 0:
        return False
    folio.ref += 1
    booked(k, folio, reason)
    if k.tracing:
        k.watch.ref_taken(k, folio, reason)
    return True


def folio_put(k: "Kernel", folio: Folio, reason: i64) -> None:
    """Drop one reference; the last one frees the page."""
    if folio.ledger[reason] <= 0:
        k.violate(
            "refcount",
            k.cur.site,
            k.class_of(folio.page),
            f"a {REASONS[reason]} reference on {frame_text(folio.pfn)} was dropped that "
            f"nobody holds",
        )
    folio.ledger[reason] -= 1
    if reason == REF_MAP:
        refs_changed(k, folio.page)
    folio.ref -= 1
    if k.tracing:
        k.watch.ref_dropped(k, folio, reason)
    if folio.ref == 0:
        page_alloc.free_folio(k, folio)


def move_ref(k: "Kernel", folio: Folio, old: i64, new: i64) -> None:
    """The same reference for another reason: a mapping's goes to an mmu_gather, say."""
    folio.ledger[old] -= 1
    if old == REF_MAP:
        refs_changed(k, folio.page)
    booked(k, folio, new)


def folio_pin(k: "Kernel", folio: Folio) -> None:
    """FOLL_PIN; the caller knows that the folio is live."""
    refs: i64 = 1 if folio.order else GUP_PIN_COUNTING_BIAS
    folio.ref += refs
    folio.ledger[REF_PIN] += refs
    folio.pincount += 1
    if k.tracing:
        k.watch.ref_taken(k, folio, REF_PIN)


def folio_unpin(k: "Kernel", folio: Folio) -> None:
    refs: i64 = 1 if folio.order else GUP_PIN_COUNTING_BIAS
    folio.pincount -= 1
    folio.ledger[REF_PIN] -= refs
    folio.ref -= refs
    if k.tracing:
        k.watch.ref_dropped(k, folio, REF_PIN)
    if folio.ledger[REF_PIN] < 0:
        k.violate(
            "refcount",
            k.cur.site,
            k.class_of(folio.page),
            f"{frame_text(folio.pfn)} was unpinned too often",
        )
    if folio.ref == 0:
        page_alloc.free_folio(k, folio)


def folio_maybe_dma_pinned(folio: Folio) -> bool:
    """Large folios count their pins. Of small ones the reference count says so, and other
    references may pretend it."""
    if folio.order:
        return folio.pincount > 0
    return folio.ref >= GUP_PIN_COUNTING_BIAS
