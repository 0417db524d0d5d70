# SPDX-License-Identifier: MIT
"""O4 anon-exclusive: an anonymous page that several entries map is neither marked exclusive
nor writable through any of them. Checked when a page table lock under which its mapping
changed is dropped (mapping.py); the culprit is whoever drops it. The entry of one under migration
that fork() shares says so too, or the end of the migration makes both mms its only owner."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_SWP_EXCLUSIVE,
    SWP_MIGRATION_READ,
    Mm,
    Page,
    is_migration_pte,
    is_swap_pte,
    page_is_exclusive,
    page_maps,
    pte_kind,
)
from simulator.mm.pgtable import frame_text, peek, pfn_to_page

if TYPE_CHECKING:
    from simulator.state import Kernel


def entry_shared(k: "Kernel", parent: Mm, va: i64) -> None:
    """fork() is about to give the child the parent's entry at `va`, as it is now."""
    pte = peek(k, parent, va)
    if is_migration_pte(pte) and pte_kind(pte) != SWP_MIGRATION_READ:
        page = pfn_to_page(k, pte >> PFN_SHIFT)
        if page.folio.inode is None:
            k.violate(
                "anon-exclusive",
                k.cur.site,
                k.class_of(page),
                f"page {va} is shared with a child while its migration entry says that the parent "
                "alone has it",
            )
    elif is_swap_pte(pte) and pte & PTE_SWP_EXCLUSIVE:
        k.violate(
            "anon-exclusive",
            k.cur.site,
            "swap",
            f"page {va} is shared with a child while its swap entry says that the parent alone has "
            "it",
        )


def shared(k: "Kernel", page: Page) -> None:
    """Several entries map an anonymous page."""
    maps = page_maps(page)
    writable = page.nr_writable
    if page.folio.order:
        writable += page.folio.nr_pmds_writable
    if page_is_exclusive(page):
        k.violate(
            "anon-exclusive",
            k.cur.site,
            k.class_of(page),
            f"{frame_text(page.pfn)} is marked exclusive and mapped {maps} times",
        )
    if writable > 0:
        k.violate(
            "anon-exclusive",
            k.cur.site,
            k.class_of(page),
            f"{frame_text(page.pfn)} is mapped {maps} times and writable through {writable} of "
            "them",
        )
