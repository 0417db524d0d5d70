# SPDX-License-Identifier: MIT
"""O13 use-after-free of page tables, at its beginning: a table that is freed is unlinked,
empty, unlocked, and no CPU may still walk it (O1)."""

from typing import TYPE_CHECKING

from simulator import sites
from simulator.mm.mm_types import PageTable
from simulator.oracles import stale_tlb

if TYPE_CHECKING:
    from simulator.state import Kernel


def check(k: "Kernel", table: PageTable) -> None:
    """Called when a table goes back to the allocator."""
    if not table.live:
        k.violate("use-after-free", k.cur.site, "page-table", "a page table was freed twice")
    if table.used:
        k.violate(
            "use-after-free", sites.FREE_PGTABLES__PMD_CLEARED, "page-table",
            f"the page table of pages {table.pmd << k.pmd_order} and up was freed with "
            f"{table.used} entries in it",
        )
    if table.ptl.owner >= 0:
        k.violate(
            "use-after-free", sites.FREE_PGTABLES__PMD_CLEARED, "page-table",
            "a page table was freed while its lock is held",
        )
    stale_tlb.table_freed(k, table)
