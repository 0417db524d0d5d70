# SPDX-License-Identifier: MIT
"""Handles p0..p7: references to pages that somebody outside the page tables holds.

A pin is a device's (FOLL_PIN, as lib/gup_test.c (7.2) and io_uring's fixed buffers take it); a pipe
holds the FOLL_GET reference of a vmsplice(). Handles belong to nobody: every process may use
them. An op on a handle that is not open is SKIPPED, one of the wrong kind is -EINVAL.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import ops, sites
from simulator.build.native import final
from simulator.errno import EACCES, EEXIST, EINVAL
from simulator.mm import gup
from simulator.mm.mm_types import PG_DIRTY, Mm, Page
from simulator.mm.pgtable import pfn_to_page
from simulator.outcome import SKIPPED
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel

CLOSED: Final = 0
PINNED: Final = 1
PIPE: Final = 2


@final
class Pin:
    """One handle. `tied` says that page `va` of `mm` must map the page: a pin of anonymous
    memory, until the range is given up. mremap() moves `va` along."""

    def __init__(self, ident: i64) -> None:
        self.id: i64 = ident
        self.kind: i64 = CLOSED
        self.flags: i64 = 0  # FOLL_*
        self.page: Page | None = None
        self.mm: Mm | None = None
        self.va: i64 = 0
        self.tied: bool = False
        self.lost_at: i64 = 0  # site in who took the entry of a tied page away; 0 it is there (O17)


def reset(k: "Kernel") -> None:
    """All handles closed."""
    while len(k.pins) < ops.NR_PINS:
        k.pins.append(Pin(len(k.pins)))
    for p in k.pins:
        close(p)
    k.open_pins = 0


def close(p: Pin) -> None:
    p.kind = CLOSED
    p.flags = 0
    p.page = None
    p.mm = None
    p.va = 0
    p.tied = False
    p.lost_at = 0


# --- opening and closing -----------------------------------------------------------------------


def pin(k: "Kernel", mm: Mm, handle: i64, va: i64, access: i64, how: i64, fast: bool) -> i64:
    """pin_user_pages() or pin_user_pages_fast() of one page: 0, -EEXIST for a handle that is
    open, or GUP's errno. `how` are ops.GUP_*."""
    assert access <= 1
    assert how & ~ops.GUP_LONGTERM == 0
    flags: i64 = gup.FOLL_PIN
    if access:
        flags |= gup.FOLL_WRITE
    if how & ops.GUP_LONGTERM:
        flags |= gup.FOLL_LONGTERM
    return take(k, mm, handle, va, flags, fast)


def vmsplice(k: "Kernel", mm: Mm, handle: i64, va: i64) -> i64:
    """vmsplice() of one page into an empty pipe: 0, -EEXIST, or GUP's errno."""
    return take(k, mm, handle, va, gup.FOLL_GET, True)


def take(k: "Kernel", mm: Mm, handle: i64, va: i64, flags: i64, fast: bool) -> i64:
    p = k.pins[handle]
    if p.kind != CLOSED:
        return -EEXIST
    if fast:
        pfn = gup.pin_user_page_fast(k, mm, va, flags)
    else:
        pfn = gup.pin_user_page(k, mm, va, flags)
    if pfn < 0:
        return pfn
    page = pfn_to_page(k, pfn)
    if p.kind != CLOSED:  # another actor was faster with the handle
        gup.gup_put_folio(k, page.folio, flags)
        return -EEXIST
    p.kind = PINNED if flags & gup.FOLL_PIN else PIPE
    p.flags = flags
    p.page = page
    p.mm = mm
    p.va = va
    k.open_pins += 1
    k.watch.pin_taken(k, p)
    if k.tracing:
        k.note(f"p{handle} holds page {va}")
    return 0


def unpin(k: "Kernel", mm: Mm, handle: i64) -> i64:
    """unpin_user_page(), or close the pipe: 0."""
    p = k.pins[handle]
    if p.kind == CLOSED:
        return SKIPPED
    release(k, p)
    return 0


def release(k: "Kernel", p: Pin) -> None:
    """Drop the reference; a page that a device could write is dirty."""
    page = p.page
    assert page is not None
    flags = p.flags
    close(p)
    k.open_pins -= 1
    k.step(sites.UNPIN_USER_PAGE__PUT, page.obj, WRITE)
    if flags & gup.FOLL_PIN and flags & gup.FOLL_WRITE:
        page.folio.flags |= PG_DIRTY
    gup.gup_put_folio(k, page.folio, flags)


def release_all(k: "Kernel") -> None:
    """The End: handles close in their order."""
    for p in k.pins:
        if p.kind != CLOSED:
            release(k, p)


# --- using -------------------------------------------------------------------------------------


def dma_read(k: "Kernel", mm: Mm, handle: i64, word: i64) -> i64:
    """The device reads a word of the page it has pinned."""
    p = k.pins[handle]
    page = p.page
    if page is None:
        return SKIPPED
    if p.kind != PINNED:
        return -EINVAL
    k.step(sites.DMA__LOAD, page.obj, READ)
    owner = p.mm
    if p.page is not page or owner is None:
        return SKIPPED  # unpinned meanwhile
    value = page.words[word]
    if p.tied:
        k.watch.loaded(k, owner, p.va, page, word, value)
    return value


def dma_write(k: "Kernel", mm: Mm, handle: i64, word: i64) -> i64:
    """The device writes a new token into a page pinned for write: 0, or -EACCES."""
    p = k.pins[handle]
    page = p.page
    if page is None:
        return SKIPPED
    if p.kind != PINNED:
        return -EINVAL
    if not p.flags & gup.FOLL_WRITE:
        return -EACCES
    k.step(sites.DMA__STORE, page.obj, WRITE)
    owner = p.mm
    if p.page is not page or owner is None:
        return SKIPPED
    token = k.new_token()
    page.words[word] = token
    k.watch.stored(k, owner, p.va, page, word, token, p.tied)
    return 0


def pipe_read(k: "Kernel", mm: Mm, handle: i64, word: i64) -> i64:
    """Read the page out of the pipe: one of its words. The pipe is empty then."""
    p = k.pins[handle]
    page = p.page
    if page is None:
        return SKIPPED
    if p.kind != PIPE:
        return -EINVAL
    k.step(sites.PIPE_READ__COPY, page.obj, READ)
    if p.page is not page:
        return SKIPPED
    value = page.words[word]
    release(k, p)
    return value
