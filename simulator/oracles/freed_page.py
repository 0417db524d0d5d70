# SPDX-License-Identifier: MIT
"""O13 use-after-free at its beginning: what must be true of a page that is freed.

No entry maps it, nobody pins it, no lock is held on it, the page cache does not point to it,
no CPU may translate to it (O1).
"""

from typing import TYPE_CHECKING

from simulator.mm.mm_types import NR_REFS, Folio, folio_mapcount
from simulator.mm.page_ref import REASONS
from simulator.mm.pgtable import frame_text
from simulator.oracles import page_cache, secondary_mmu, stale_tlb

if TYPE_CHECKING:
    from simulator.state import Kernel


def check(k: "Kernel", folio: Folio) -> None:
    """Called when the last reference goes."""
    if not folio.live:
        k.violate("use-after-free", k.cur.site, "page", f"{frame_text(folio.pfn)} was freed twice")
    if folio_mapcount(folio):
        k.violate(
            "mapcount",
            k.cur.site,
            k.class_of(folio.page),
            f"{frame_text(folio.pfn)} was freed while {folio_mapcount(folio)} entries map it",
        )
    if folio.pincount:
        k.violate(
            "pin",
            k.cur.site,
            k.class_of(folio.page),
            f"{frame_text(folio.pfn)} was freed while pinned",
        )
    if folio.lock.owner >= 0:
        k.violate(
            "kernel-assertion",
            k.cur.site,
            k.class_of(folio.page),
            f"{frame_text(folio.pfn)} was freed while its folio lock is held",
        )
    ledger = folio.ledger
    for i in range(NR_REFS):
        if ledger[i]:
            k.violate(
                "refcount",
                k.cur.site,
                k.class_of(folio.page),
                f"{frame_text(folio.pfn)} was freed with {ledger[i]} {REASONS[i]} "
                f"references booked",
            )
    if folio.inode is not None or (folio.order and folio.anon_vma is None):
        page_cache.page_freed(k, folio)
    stale_tlb.page_freed(k, folio)
    secondary_mmu.page_freed(k, folio)
