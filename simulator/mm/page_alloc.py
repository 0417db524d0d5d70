# SPDX-License-Identifier: MIT
"""mm/page_alloc.c: frames out and in. Small memory, and freed frames are reused at once."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features
from simulator.mm import memremap
from simulator.mm.mm_types import PG_DEVICE_PRIVATE, PG_LRU, REF_OWNER, Page
from simulator.objects import OBJ_NONE
from simulator.state import GARBAGE, fill, reset_page

if TYPE_CHECKING:
    from simulator.state import Kernel


def alloc_page(k: "Kernel", site: i64, zero: bool) -> Page | None:
    """A frame with one reference (REF_OWNER), or None: memory is out or a directive says so."""
    if k.should_fail(site, OBJ_NONE):
        k.sometimes(features.Z_ALLOC_FAILED)
        return None
    if k.free_pages:
        page = k.free_pages.pop()
        k.watch.frame_handed_out(k, page, site)
        k.sometimes(features.Z_PAGE_REUSED_AT_ONCE)
    else:
        if k.nr_pages >= k.nr_frames:
            return None
        if k.nr_pages == len(k.page_pool):
            k.page_pool.append(Page(k.nr_pages + 1))
        page = k.page_pool[k.nr_pages]
        page.gen = 0
        fill(page, GARBAGE)
        k.nr_pages += 1
    reset_page(page)
    page.ref = 1
    page.ledger[REF_OWNER] = 1
    page.taken_at[REF_OWNER] = site
    page.entry_at = site
    if zero:
        fill(page, 0)
    return page


def free_folio(k: "Kernel", page: Page) -> None:
    """__folio_put(): the last reference is gone."""
    k.watch.page_freed(k, page)
    page.live = False
    page.flags &= ~PG_LRU
    page.anon_vma = None
    page.inode = None
    if page.flags & PG_DEVICE_PRIVATE:
        memremap.free_zone_device_folio(page)
    else:
        k.free_pages.append(page)
