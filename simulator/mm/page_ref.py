# SPDX-License-Identifier: MIT
"""Reference counts of pages (include/linux/page_ref.h) and the ledger behind them (O2).

Every reference has a reason (REF_*). `ref` is what the kernel sees; the ledger says who owns
it, so a put for the wrong reason, an underflow or a leak names its owner at once.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm import page_alloc
from simulator.mm.mm_types import GUP_PIN_COUNTING_BIAS, REF_PIN, Page

if TYPE_CHECKING:
    from simulator.state import Kernel

REASONS = (
    "mapping", "page cache", "lru batch", "gup", "pin", "temporary", "mmu_gather", "isolation",
    "allocation",
)


def folio_get(k: "Kernel", page: Page, reason: i64) -> None:
    """One more reference; the page must have one already."""
    if page.ref <= 0 or not page.live:
        k.violate(
            "refcount", k.cur.site, k.class_of(page),
            f"a {REASONS[reason]} reference was taken on frame {page.pfn}, which has none",
        )
    page.ref += 1
    page.ledger[reason] += 1
    page.taken_at[reason] = k.cur.site


def folio_try_get(k: "Kernel", page: Page, reason: i64) -> bool:
    """A reference unless the page is free: for lockless lookups."""
    if page.ref <= 0:
        return False
    page.ref += 1
    page.ledger[reason] += 1
    page.taken_at[reason] = k.cur.site
    return True


def folio_put(k: "Kernel", page: Page, reason: i64) -> None:
    """Drop one reference; the last one frees the page."""
    if page.ledger[reason] <= 0:
        k.violate(
            "refcount", k.cur.site, k.class_of(page),
            f"a {REASONS[reason]} reference on frame {page.pfn} was dropped that nobody holds",
        )
    page.ledger[reason] -= 1
    page.ref -= 1
    if page.ref == 0:
        page_alloc.free_folio(k, page)


def move_ref(k: "Kernel", page: Page, old: i64, new: i64) -> None:
    """The same reference for another reason: a mapping's goes to an mmu_gather, say."""
    page.ledger[old] -= 1
    page.ledger[new] += 1
    page.taken_at[new] = k.cur.site


def folio_pin(page: Page) -> None:
    """FOLL_PIN of a small folio; the caller knows that the page is live."""
    page.ref += GUP_PIN_COUNTING_BIAS
    page.ledger[REF_PIN] += GUP_PIN_COUNTING_BIAS
    page.pincount += 1


def folio_unpin(k: "Kernel", page: Page) -> None:
    page.pincount -= 1
    page.ledger[REF_PIN] -= GUP_PIN_COUNTING_BIAS
    page.ref -= GUP_PIN_COUNTING_BIAS
    if page.ledger[REF_PIN] < 0:
        k.violate(
            "refcount", k.cur.site, k.class_of(page), f"frame {page.pfn} was unpinned too often"
        )
    if page.ref == 0:
        page_alloc.free_folio(k, page)


def folio_maybe_dma_pinned(page: Page) -> bool:
    """Small folios: the reference count says so, other references may pretend it."""
    return page.ref >= GUP_PIN_COUNTING_BIAS
