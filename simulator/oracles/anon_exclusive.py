# SPDX-License-Identifier: MIT
"""O4 anon-exclusive: an anonymous page that several entries map is neither marked exclusive
nor writable through any of them. Checked when a page table lock under which its mapping
changed is dropped (mapping.py); the culprit is whoever drops it."""

from typing import TYPE_CHECKING

from simulator.mm.mm_types import Page, page_is_exclusive, page_maps
from simulator.mm.pgtable import frame_text

if TYPE_CHECKING:
    from simulator.state import Kernel


def shared(k: "Kernel", page: Page) -> None:
    """Several entries map an anonymous page."""
    maps = page_maps(page)
    writable = page.nr_writable
    if page.folio.order:
        writable += page.folio.nr_pmds_writable
    if page_is_exclusive(page):
        k.violate(
            "anon-exclusive", k.cur.site, k.class_of(page),
            f"{frame_text(page.pfn)} is marked exclusive and mapped {maps} times",
        )
    if writable > 0:
        k.violate(
            "anon-exclusive", k.cur.site, k.class_of(page),
            f"{frame_text(page.pfn)} is mapped {maps} times and writable through {writable} of "
            "them",
        )
