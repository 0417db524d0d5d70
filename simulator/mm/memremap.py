# SPDX-License-Identifier: MIT
"""mm/memremap.c (7.2): ZONE_DEVICE pages, whose free page has reference count 0.

A driver's `DevPagemap` is its device memory; its methods are Linux's `dev_pagemap_ops`. Struct
pages are made when they are first used, and stay for later runs.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.lib.slab import Slab
from simulator.mm.mm_types import (
    GARBAGE,
    PG_DEVICE_PRIVATE,
    REF_OWNER,
    Folio,
    Page,
    fill,
    init_page_count,
    prep_compound_page,
    prep_folio,
)
from simulator.mm.pgtable import DEVICE_PFN_BASE, frame_text
from simulator.sched.lock import lock_fresh

if TYPE_CHECKING:
    from simulator.mm.vm_fault import VmFault
    from simulator.state import Kernel


class DevPagemap:
    """struct dev_pagemap: the pages of `slab`, whose free ones are the driver's to hand out.
    `first_pfn` is that of the first."""

    def __init__(self, first_pfn: i64) -> None:
        self.first_pfn: i64 = first_pfn
        self.slab: Slab[Page] = Slab()

    def migrate_to_ram(self, k: "Kernel", vmf: "VmFault", page: Page) -> i64:
        """A CPU touches `page`: bring it back. VM_FAULT_* bits."""
        raise NotImplementedError

    def folio_free(self, folio: Folio) -> None:
        """The last reference is gone: the pages are the driver's again."""
        first = folio.pfn - self.first_pfn
        nr: i64 = 1 << folio.order
        folio.order = 0
        for i in range(nr):
            page = self.slab.objects[first + i]
            page.flags = 0
            page.folio = page.single
            page.single.live = False
            self.slab.put(page)


def memremap_pages(k: "Kernel", pgmap: DevPagemap) -> None:
    """Give a driver's memory page frame numbers; pgtable.pfn_to_page() finds its pages."""
    assert pgmap.first_pfn == (len(k.pagemaps) + 1) * DEVICE_PFN_BASE
    k.pagemaps.append(pgmap)


def reset(k: "Kernel") -> None:
    """No device page is in use."""
    for pgmap in k.pagemaps:
        pgmap.slab.reset()


def next_page(pgmap: DevPagemap) -> Page:
    """The first page that was not used in this run; its memory holds garbage."""
    page = pgmap.slab.take()
    if page is None:
        page = pgmap.slab.add(Page(pgmap.first_pfn + pgmap.slab.nr))
    return reset_page(pgmap, page)


def reset_page(pgmap: DevPagemap, page: Page) -> Page:
    """Nothing is left of what a run before has made of it."""
    folio = page.single
    page.folio = folio
    folio.flags = PG_DEVICE_PRIVATE
    folio.pgmap = pgmap
    folio.ref = 0
    folio.live = False
    fill(page, GARBAGE)
    return page


def unused_pages(pgmap: DevPagemap, count: i64) -> list[Page]:
    """The next `count` pages in a row that were not used in this run."""
    slab = pgmap.slab
    pages: list[Page] = []
    while len(pages) < count:
        if slab.nr == len(slab.objects):
            page = slab.add(Page(pgmap.first_pfn + slab.nr))
        else:
            page = slab.objects[slab.nr]
            slab.nr += 1
        pages.append(reset_page(pgmap, page))
    return pages


def zone_device_folio_init(k: "Kernel", pages: list[Page], order: i64) -> Folio:
    """Hand free device pages in a row out as one folio: one reference, locked."""
    site = k.cur.site
    folio = prep_compound_page(pages, order, PG_DEVICE_PRIVATE, site)
    init_page_count(folio, REF_OWNER, site)
    lock_fresh(k, folio.lock)
    return folio


def zone_device_page_init(k: "Kernel", page: Page) -> None:
    """Hand a free device page out: one reference, locked."""
    folio = page.folio
    if folio.ref != 0:
        k.violate(
            "refcount",
            k.cur.site,
            "device-private",
            f"{frame_text(page.pfn)} is handed out with {folio.ref} references",
        )
    init_page_count(prep_folio(page, PG_DEVICE_PRIVATE, k.cur.site), REF_OWNER, k.cur.site)
    lock_fresh(k, folio.lock)


def free_zone_device_folio(folio: Folio) -> None:
    """The last reference is gone: back to the driver."""
    pgmap = folio.pgmap
    assert pgmap is not None
    pgmap.folio_free(folio)
