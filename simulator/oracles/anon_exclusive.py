# SPDX-License-Identifier: MIT
"""O4 anon-exclusive: an anonymous page that several entries map is neither marked exclusive
nor writable through any of them. Checked when a page table lock under which its mapping
changed is dropped; the culprit is whoever drops it."""

from typing import TYPE_CHECKING

from simulator import page_state
from simulator.mm.mm_types import PG_ANON_EXCLUSIVE, Page
from simulator.oracles import pin

if TYPE_CHECKING:
    from simulator.state import Kernel


def recheck(k: "Kernel") -> None:
    """Look at every page whose mapping changed under the lock that is being dropped."""
    t = k.cur
    for i in range(t.nr_recheck):
        page = t.recheck[i]
        page_state.note(k, page)
        if page.anon_vma is not None and page.mapcount > 1:
            shared(k, page)
        if page.pincount:
            pin.recheck(k, page)
    t.nr_recheck = 0


def shared(k: "Kernel", page: Page) -> None:
    if page.flags & PG_ANON_EXCLUSIVE:
        k.violate(
            "anon-exclusive", k.cur.site, k.class_of(page),
            f"frame {page.pfn} is marked exclusive and mapped {page.mapcount} times",
        )
    if page.nr_writable > 0:
        k.violate(
            "anon-exclusive", k.cur.site, k.class_of(page),
            f"frame {page.pfn} is mapped {page.mapcount} times and writable through "
            f"{page.nr_writable} of them",
        )
