# SPDX-License-Identifier: MIT
"""mm/page_alloc.c (7.2): frames out and in. Small memory, and freed frames are reused at once.

Single frames go to a list and come from it, last in first out, as from a CPU's list (pcp). Larger
blocks are aligned by their size, as a buddy system has them: one is taken from its order's list,
split off a larger one, cut from memory that nobody has used yet, or, when there is none, put
together from free frames (drain_all_pages(), and __free_one_page(), which merges).

Not modelled: compaction, migrate types, watermarks, zones; one list serves all CPUs.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import deferred_split, memremap
from simulator.mm.mm_types import (
    GARBAGE,
    PG_DEVICE_PRIVATE,
    PG_LRU,
    PG_ZERO,
    REF_OWNER,
    Folio,
    Page,
    fill,
    init_page_count,
    prep_compound_page,
    prep_folio,
)
from simulator.objects import OBJ_NONE
from simulator.sched.strategy import ALLOCATOR
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def reset(k: "Kernel") -> None:
    """All memory is free."""
    k.frames.reset()
    for order in range(len(k.free_blocks)):
        if k.free_blocks[order]:
            k.free_blocks[order] = []
    k.nr_block_frames = 0
    deferred_split.reset(k)
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
    elif k.nr_block_frames:
        page = split_block(k)
        k.watch.frame_handed_out(k, page, site)
    else:
        if k.frames.nr >= k.nr_frames:
            return None
        page = unused_frame(k)
    return hand_out(page, site, zero)


def folio_alloc_nofail(k: "Kernel", site: i64) -> Folio:
    """folio_alloc() with __GFP_NOFAIL: where Linux waits until somebody has been killed for it, the
    machine has a frame more."""
    k.step(site, OBJ_NONE, WRITE)
    if k.frames.free:
        page = k.frames.free.pop()
        k.watch.frame_handed_out(k, page, site)
    elif k.nr_block_frames:
        page = split_block(k)
        k.watch.frame_handed_out(k, page, site)
    else:
        page = unused_frame(k)
    return hand_out(page, site, False)


def hand_out(page: Page, site: i64, zero: bool) -> Folio:
    folio = prep_folio(page, 0, site)
    init_page_count(folio, REF_OWNER, site)
    if zero:
        fill(page, 0)
    return folio


def unused_frame(k: "Kernel") -> Page:
    """The next frame that nobody has used in this run; there is one."""
    frames = k.frames
    if frames.nr == len(frames.objects):
        page = frames.add(Page(frames.nr + 1))
    else:
        page = frames.objects[frames.nr]
        frames.nr += 1
    fill(page, GARBAGE)
    return page


# --- orders above 0 ----------------------------------------------------------------------------


def folio_alloc_order(k: "Kernel", site: i64, order: i64, zero: bool) -> Folio | None:
    """1 << `order` frames in a row as one folio, with one reference (REF_OWNER); None: there are
    none, or a directive says so."""
    if k.should_fail(site, OBJ_NONE):
        k.sometimes(features.Z_ALLOC_FAILED)
        return None
    first = rmqueue(k, order)
    if first == 0:
        drain_all_pages(k, order)
        first = rmqueue(k, order)
        if first == 0:
            k.sometimes(features.Z_THP_ALLOC_FAILED)
            return None
    pages = k.frames.objects[first - 1 : first - 1 + (1 << order)]
    for page in pages:
        k.watch.frame_handed_out(k, page, site)
        if zero:
            fill(page, 0)
    folio = prep_compound_page(pages, order, 0, site)
    init_page_count(folio, REF_OWNER, site)
    return folio


def rmqueue(k: "Kernel", order: i64) -> i64:
    """The first frame of a free block: of a list, or the first half of a larger block, or unused
    memory. 0: there is none."""
    for larger in range(order, len(k.free_blocks)):
        if k.free_blocks[larger]:
            return expand(k, larger, order)
    size: i64 = 1 << order
    first = (k.frames.nr + size) // size * size
    if first + size - 1 > k.nr_frames:
        return 0
    skipped: list[Page] = []
    while k.frames.nr < first - 1:
        skipped.append(reset_frame(unused_frame(k)))
    while skipped:
        k.frames.put(skipped.pop())
    while k.frames.nr < first + size - 1:
        reset_frame(unused_frame(k))
    return first


def reset_frame(page: Page) -> Page:
    """A frame that becomes free without having been used: of runs before nothing is left."""
    folio = prep_folio(page, 0, sites.OP__BEGIN)
    folio.live = False
    return page


def expand(k: "Kernel", order: i64, wanted: i64) -> i64:
    """Take the last block of a list, and give back all but its first 1 << `wanted` frames."""
    first = k.free_blocks[order].pop()
    k.nr_block_frames -= 1 << order
    while order > wanted:
        order -= 1
        free_block(k, first + (1 << order), order)
    return first


def free_block(k: "Kernel", first: i64, order: i64) -> None:
    """1 << `order` frames from `first` on are free."""
    if order == 0:
        k.frames.put(k.frames.objects[first - 1])
        return
    k.free_blocks[order].append(first)
    k.nr_block_frames += 1 << order


def split_block(k: "Kernel") -> Page:
    """One frame of the smallest free block."""
    for order in range(1, len(k.free_blocks)):
        if k.free_blocks[order]:
            return k.frames.objects[expand(k, order, 0) - 1]
    raise AssertionError("nr_block_frames counts blocks that are on no list")


def drain_all_pages(k: "Kernel", order: i64) -> None:
    """Merge what is free to blocks of up to `order`; what nobody has used yet of the block that is
    in use goes along."""
    while k.frames.nr < k.nr_frames and (k.frames.nr + 1) % (1 << order):
        k.frames.put(reset_frame(unused_frame(k)))
    free = [False] * (k.frames.nr + 1)
    for page in k.frames.free:
        free[page.pfn] = True
    for each in range(1, len(k.free_blocks)):
        for first in k.free_blocks[each]:
            for frame in range(first, first + (1 << each)):
                free[frame] = True
        k.free_blocks[each] = []
    k.nr_block_frames = 0
    single: list[Page] = []
    end = k.frames.nr + 1
    pfn: i64 = 1
    while pfn < end:
        size: i64 = 1 << order
        shift = order
        while shift > 0 and (pfn % size or pfn + size > end or not all(free[pfn : pfn + size])):
            shift -= 1
            size >>= 1
        if shift > 0:
            free_block(k, pfn, shift)
        elif free[pfn]:
            single.append(k.frames.objects[pfn - 1])
        pfn += size
    k.frames.free = single


def free_large_folio(k: "Kernel", folio: Folio) -> None:
    """The frames of a large folio are no folio any more, but a free block."""
    deferred_split.folio_unqueue_deferred_split(k, folio)
    order = folio.order
    first = folio.pfn
    for page in k.frames.objects[first - 1 : first - 1 + (1 << order)]:
        page.flags = 0
        page.folio = page.single
        page.single.live = False
    folio.order = 0
    free_block(k, first, order)


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
        if folio.order:
            free_large_folio(k, folio)
        else:
            k.frames.put(folio.page)
        s = k.strategy
        if s is not None:
            s.silent(k.cur.id, ALLOCATOR)
