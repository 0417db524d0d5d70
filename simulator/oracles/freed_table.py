# SPDX-License-Identifier: MIT
"""O13 use-after-free of page tables, at its beginning: a table that is freed is unlinked,
empty, unlocked, and no CPU may still walk it (O1)."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm.mm_types import Mm, PageTable
from simulator.mm.pgtable import is_linked
from simulator.oracles import stale_tlb

if TYPE_CHECKING:
    from simulator.state import Kernel


def check(k: "Kernel", table: PageTable) -> None:
    """Called when a table goes back to the allocator."""
    if not table.live:
        k.violate("use-after-free", k.cur.site, "page-table", "a page table was freed twice")
    if table.used:
        k.violate(
            "use-after-free",
            table.linked_at,
            "page-table",
            f"the page table of pages {table.pmd << k.pmd_order} and up was freed with "
            f"{table.used} entries in it",
        )
    if table.ptl.owner >= 0:
        k.violate(
            "use-after-free",
            sites.FREE_PGTABLES__PMD_CLEARED,
            "page-table",
            "a page table was freed while its lock is held",
        )
    stale_tlb.table_freed(k, table)


def locked(k: "Kernel", mm: Mm, va: i64, table: PageTable) -> None:
    """Whoever locks the page table of `va` must find it linked, or let it go."""
    if mm.tables[va >> k.pmd_order] is not table and not is_linked(k, table):
        k.violate(
            "use-after-free",
            sites.PTE_OFFSET_MAP_LOCK__PMD,
            "page-table",
            f"the page table of page {va} is used, which was unlinked before it was locked",
        )


def read(k: "Kernel", table: PageTable) -> None:
    """Readers without a lock may meet a table that is unlinked, not one that is freed."""
    if not table.live:
        k.violate(
            "use-after-free",
            table.linked_at,
            "page-table",
            "a page table is read that was freed under its reader",
        )


def written(k: "Kernel", va: i64, table: PageTable) -> None:
    """An entry of `va` is written to a table to which the PMD entry of `va` does not point."""
    if not is_linked(k, table):
        k.violate(
            "use-after-free",
            k.cur.site,
            "page-table",
            f"an entry for page {va} is written to a page table that is linked nowhere",
        )
