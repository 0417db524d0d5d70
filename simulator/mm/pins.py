# SPDX-License-Identifier: MIT
"""Handles p0..p7: references to pages that somebody outside the page tables holds.

FOLL_PIN by a device that does DMA (lib/gup_test.c, io_uring's fixed buffers), or the FOLL_GET
of a page in a pipe (vmsplice()).
"""

from typing import TYPE_CHECKING, Final, final

from librt.vecs import vec
from mypy_extensions import i64

from simulator import ops, sites
from simulator.errno import EBUSY
from simulator.mm import gup
from simulator.mm.mm_types import PG_ZERO, Mm, Page
from simulator.mm.pgtable import pfn_to_page
from simulator.oracles import memory_value
from simulator.oracles import pin as pin_oracle
from simulator.outcome import SKIPPED
from simulator.state import READ, WRITE, page_obj

if TYPE_CHECKING:
    from simulator.state import Kernel

CLOSED: Final = 0
PINNED: Final = 1  # FOLL_PIN
PIPE: Final = 2  # FOLL_GET, read-only


@final
class Pin:
    """One handle. `valid` is True while (mm, va) must map the page: until a zap gives the
    range up; mremap() moves `va` along."""

    def __init__(self, ident: i64) -> None:
        self.id: i64 = ident
        self.kind: i64 = CLOSED
        self.page: Page | None = None
        self.mm: Mm | None = None
        self.va: i64 = 0
        self.write: bool = False
        self.flags: i64 = 0
        self.valid: bool = False
        self.was_anon: bool = False
        self.seen: vec[i64] = vec[i64]([0, 0, 0, 0])  # the words when a pipe took the page


def reset(k: "Kernel") -> None:
    """All handles closed."""
    while len(k.pins) < ops.NR_PINS:
        k.pins.append(Pin(len(k.pins)))
    for p in k.pins:
        p.kind = CLOSED
        p.page = None
        p.mm = None
        p.valid = False
    k.open_pins = 0


def take(k: "Kernel", handle: i64, mm: Mm, va: i64, pfn: i64, kind: i64, flags: i64) -> None:
    p = k.pins[handle]
    page = pfn_to_page(k, pfn)
    p.kind = kind
    p.page = page
    p.mm = mm
    p.va = va
    p.flags = flags
    p.write = flags & gup.FOLL_WRITE != 0
    p.was_anon = page.anon_vma is not None
    p.valid = kind == PINNED and p.was_anon
    for i in range(4):
        p.seen[i] = page.words[i]
    k.open_pins += 1
    pin_oracle.taken(k, p)


def pin(k: "Kernel", mm: Mm, handle: i64, va: i64, access: i64, longterm: i64, fast: bool) -> i64:
    """pin_user_pages() or pin_user_pages_fast() of one page: 0, -EBUSY for a handle in use,
    or the call's errno."""
    if k.pins[handle].kind != CLOSED:
        return -EBUSY
    flags: i64 = gup.FOLL_PIN | gup.FOLL_TOUCH
    if access:
        flags |= gup.FOLL_WRITE
    if longterm:
        flags |= gup.FOLL_LONGTERM
    if fast:
        pfn = gup.get_user_page_fast(k, mm, va, flags)
    else:
        pfn = gup.get_user_page_unlocked(k, mm, va, flags)
    if pfn < 0:
        return pfn
    if k.pins[handle].kind != CLOSED:  # another thread was faster with the handle
        gup.put(k, pfn_to_page(k, pfn), flags)
        return -EBUSY
    take(k, handle, mm, va, pfn, PINNED, flags)
    return 0


def vmsplice(k: "Kernel", mm: Mm, handle: i64, va: i64) -> i64:
    """vmsplice() of one page into an empty pipe: 0, -EBUSY, or -EFAULT."""
    if k.pins[handle].kind != CLOSED:
        return -EBUSY
    flags: i64 = gup.FOLL_GET | gup.FOLL_TOUCH
    pfn = gup.get_user_page_fast(k, mm, va, flags)
    if pfn < 0:
        return pfn
    if k.pins[handle].kind != CLOSED:
        gup.put(k, pfn_to_page(k, pfn), flags)
        return -EBUSY
    take(k, handle, mm, va, pfn, PIPE, flags)
    return 0


def release(k: "Kernel", p: Pin) -> None:
    page = p.page
    assert page is not None
    p.kind = CLOSED
    p.valid = False
    p.page = None
    p.mm = None
    k.open_pins -= 1
    k.step(sites.UNPIN_USER_PAGE__PUT, page_obj(page), WRITE)
    gup.put(k, page, p.flags)


def unpin(k: "Kernel", mm: Mm, handle: i64) -> i64:
    """unpin_user_page(), or close the pipe."""
    p = k.pins[handle]
    if p.kind == CLOSED:
        return SKIPPED
    release(k, p)
    return 0


def release_all(k: "Kernel") -> None:
    """At the End, in handle order."""
    for p in k.pins:
        if p.kind != CLOSED:
            release(k, p)


def dma_read(k: "Kernel", mm: Mm, handle: i64, word: i64) -> i64:
    """The device reads a pinned page."""
    p = k.pins[handle]
    page = p.page
    if p.kind != PINNED or page is None:
        return SKIPPED
    k.step(sites.DMA__ACCESS, page_obj(page), READ)
    value = page.words[word]
    pin_oracle.dma_loaded(k, p, page, word, value)
    return value


def dma_write(k: "Kernel", mm: Mm, handle: i64, word: i64) -> i64:
    """The device writes into a page pinned for write."""
    p = k.pins[handle]
    page = p.page
    if p.kind != PINNED or page is None or not p.write or page.flags & PG_ZERO:
        return SKIPPED
    k.step(sites.DMA__ACCESS, page_obj(page), WRITE)
    if p.page is not page:
        return SKIPPED  # unpinned meanwhile
    owner = p.mm
    assert owner is not None
    token = k.new_token(owner)
    page.words[word] = token
    if p.valid:
        memory_value.stored(k, owner, p.va, page, word, token)
    else:
        memory_value.stored_stale(k, page, word, token)
    return 0


def pipe_read(k: "Kernel", mm: Mm, handle: i64, word: i64) -> i64:
    """Read the page out of the pipe: one of its words; the reference goes."""
    p = k.pins[handle]
    page = p.page
    if p.kind != PIPE or page is None:
        return SKIPPED
    k.step(sites.PIPE_READ__COPY, page_obj(page), READ)
    if p.page is not page:
        return SKIPPED
    value = page.words[word]
    pin_oracle.pipe_loaded(k, p, page, word, value)
    release(k, p)
    return value
