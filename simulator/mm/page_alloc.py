# SPDX-License-Identifier: MIT
"""mm/page_alloc.c: frames out and in. Small memory, and freed frames are reused at once."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import memremap
from simulator.mm.mm_types import (
    GARBAGE, PG_DEVICE_PRIVATE, PG_LRU, PG_ZERO, REF_OWNER, Folio, Page, fill, init_page_count,
    prep_folio,
)
from simulator.objects import OBJ_NONE
from simulator.sched.strategy import ALLOCATOR

if TYPE_CHECKING:
    from simulator.state import Kernel


def reset(k: "Kernel") -> None:
    """All memory is free."""
    k.frames.reset()
    prep_folio(k.zero_page, PG_ZERO, sites.OP__BEGIN)
    fill(k.zero_page, 0)


def folio_alloc(k: "Kernel", site: i64, zero: bool) -> Folio | None:
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
    folio = prep_folio(page, 0, site)
    init_page_count(folio, REF_OWNER, site)
    if zero:
        fill(page, 0)
    return folio


def free_folio(k: "Kernel", folio: Folio) -> None:
    """__folio_put(): the last reference is gone."""
    k.watch.page_freed(k, folio)
    folio.live = False
    folio.flags &= ~PG_LRU
    folio.anon_vma = None
    folio.inode = None
    if folio.flags & PG_DEVICE_PRIVATE:
        memremap.free_zone_device_folio(folio)
    else:
        k.frames.put(folio.page)
        s = k.strategy
        if s is not None:
            s.silent(k.cur.id, ALLOCATOR)
