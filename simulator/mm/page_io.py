# SPDX-License-Identifier: MIT
"""mm/page_io.c (7.2): pages to the swap device and back.

The device is ready when the call returns, and others may do what they like meanwhile: a disk is as
fast as a zram here. Words go over one by one.

Not modelled: errors of the device, zswap, completion by an interrupt after the call.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.mm import swapfile
from simulator.mm.mm_types import PG_UPTODATE, PG_WRITEBACK, Folio
from simulator.scenario import WORDS_PER_PAGE
from simulator.sched.lock import mutex_unlock
from simulator.state import READ, WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def swap_writeout(k: "Kernel", folio: Folio) -> None:
    """Write a clean, unmapped folio of the swap cache to its slot. It comes unlocked; nothing is
    written when nobody will ask for it."""
    if swapfile.folio_free_swap(k, folio):
        mutex_unlock(k, folio.lock)
        return
    k.step(sites.SWAP_WRITEOUT__ZERO_FILLED, folio.obj, READ)
    words = folio.page.words
    if not (words[0] or words[1] or words[2] or words[3]):
        for i in range(WORDS_PER_PAGE):  # the slot is marked as zero
            k.swap.words[folio.swap * WORDS_PER_PAGE + i] = 0
        mutex_unlock(k, folio.lock)
        return
    swap_writepage_bdev_sync(k, folio)


def swap_writepage_bdev_sync(k: "Kernel", folio: Folio) -> None:
    """Others may lock the folio, and map it, while it is under writeback."""
    k.step(sites.SWAP_WRITEPAGE__START_WRITEBACK, folio.obj, WRITE)
    k.watch.writeback_begins(k, folio)
    folio.flags |= PG_WRITEBACK
    first = folio.swap * WORDS_PER_PAGE
    mutex_unlock(k, folio.lock)
    for i in range(WORDS_PER_PAGE):
        k.step(sites.SWAP_WRITEPAGE__WORD, folio.obj, READ)
        k.swap.words[first + i] = folio.page.words[i]
    k.step(sites.END_SWAP_BIO_WRITE__END, folio.obj, WRITE)
    folio.flags &= ~PG_WRITEBACK
    k.sometimes(features.Z_SWAPPED_OUT)


def swap_read_folio(k: "Kernel", folio: Folio) -> None:
    """Read a new, locked folio of the swap cache from its slot, and unlock it."""
    first = folio.swap * WORDS_PER_PAGE
    read_words(k, folio, folio.swap)
    if k.bug.zram_slot_free_notify and k.swap.synchronous:
        for i in range(WORDS_PER_PAGE):
            k.swap.words[first + i] = 0
    k.step(sites.END_SWAP_BIO_READ__UPTODATE, folio.obj, WRITE)
    folio.flags |= PG_UPTODATE
    mutex_unlock(k, folio.lock)
    k.sometimes(features.Z_SWAPPED_IN)


def read_words(k: "Kernel", folio: Folio, slot: i64) -> None:
    """What the device does for a read."""
    for i in range(WORDS_PER_PAGE):
        k.step(sites.SWAP_READ_FOLIO__WORD, folio.obj, WRITE)
        folio.page.words[i] = k.swap.words[slot * WORDS_PER_PAGE + i]
