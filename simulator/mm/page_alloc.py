# SPDX-License-Identifier: MIT
"""mm/page_alloc.c: frames out and in. Small memory, and freed frames are reused at once."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features
from simulator.mm import memremap
from simulator.mm.mm_types import (
    GARBAGE, PG_DEVICE_PRIVATE, PG_LRU, PG_ZERO, REF_OWNER, Page, fill, reset_page,
)
from simulator.objects import OBJ_NONE

if TYPE_CHECKING:
    from simulator.state import Kernel


def reset(k: "Kernel") -> None:
    """All memory is free."""
    k.frames.reset()
    zero = k.zero_page
    reset_page(zero)
    zero.flags = PG_ZERO
    fill(zero, 0)


def alloc_page(k: "Kernel", site: i64, zero: bool) -> Page | None:
    """A frame with one reference (REF_OWNER), or None: memory is out or a directive says so."""
    if k.should_fail(site, OBJ_NONE):
        k.sometimes(features.Z_ALLOC_FAILED)
        return None
    if k.frames.free:
        page = k.frames.free.pop()
        k.watch.frame_handed_out(k, page, site)
        k.sometimes(features.Z_PAGE_REUSED_AT_ONCE)
    else:
        if k.frames.nr >= k.nr_frames:
            return None
        unused = k.frames.take()
        page = k.frames.add(Page(k.frames.nr + 1)) if unused is None else unused
        fill(page, GARBAGE)
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
        k.frames.put(page)
