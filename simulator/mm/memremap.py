# SPDX-License-Identifier: MIT
"""mm/memremap.c: the life of ZONE_DEVICE pages, whose free page has reference count 0."""

from typing import TYPE_CHECKING

from simulator.mm.mm_types import PG_DEVICE_PRIVATE, REF_OWNER, Page
from simulator.sched.lock import lock_fresh
from simulator.state import reset_page

if TYPE_CHECKING:
    from simulator.state import Kernel


def zone_device_page_init(k: "Kernel", page: Page) -> None:
    """Hand a free device page out: one reference, locked."""
    if page.ref != 0:
        k.violate(
            "refcount", k.cur.site, "device-private",
            f"device page {page.pfn} is handed out with {page.ref} references",
        )
    reset_page(page)
    page.flags = PG_DEVICE_PRIVATE
    page.ref = 1
    page.ledger[REF_OWNER] = 1
    page.taken_at[REF_OWNER] = k.cur.site
    page.entry_at = k.cur.site
    lock_fresh(k, page.lock)


def free_zone_device_folio(k: "Kernel", page: Page) -> None:
    """The last reference is gone: back to the driver."""
    k.free_device_pages.append(page)
