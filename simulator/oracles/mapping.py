# SPDX-License-Identifier: MIT
"""What page table entries map is what is counted (O3 mapcount, O2 refcount, O19 accounting), and
what rmap walks find (O14).

Predictive. Counts are checked when a page table lock is dropped, for the pages whose entries
changed under it; with them go the promises about such pages that other oracles keep. The culprit
is after whom the counts parted. References come first and go last, mappings are counted before an
entry is set and until it has gone: while somebody else is at work under another lock, there may be
more of them, and RSS may differ. That is left to the End.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import page_state
from simulator.lock_classes import LC_PAGE_TABLE, LC_PTL
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_DEVICE_PRIVATE,
    REF_MAP,
    Folio,
    Mm,
    Page,
    folio_mapcount,
    is_migration_pte,
    page_maps,
)
from simulator.mm.pgtable import frame_text, is_linked
from simulator.oracles import anon_exclusive, pin

if TYPE_CHECKING:
    from simulator.state import Kernel


def lock_dropped(k: "Kernel", mm: Mm) -> None:
    """The lock of a page table of `mm`, or of its PMD entries, is about to be dropped."""
    t = k.cur
    for i in range(t.nr_recheck):
        page = t.recheck[i]
        page_state.note(k, page)
        folio = page.folio
        if page.mapcount != page.nr_entries or folio.ledger[REF_MAP] < folio_mapcount(folio):
            miscounted(k, page)
        if folio.order and folio.entire_mapcount != folio.nr_pmds:
            pmds_miscounted(k, folio)
        if folio.anon_vma is not None and page_maps(page) > 1:
            anon_exclusive.shared(k, page)
        if page.folio.pincount:
            pin.recheck(k, page)
    t.nr_recheck = 0
    miscounts = mm.rss_anon != mm.nr_anon or mm.rss_file != mm.nr_file
    if miscounts and not mm.collapsing and only_lock(k):
        k.violate(
            "accounting",
            mm.entry_at,
            "mm",
            f"rss is {mm.rss_anon} anonymous and {mm.rss_file} file pages, the page tables map "
            f"{mm.nr_anon} and {mm.nr_file}",
        )


def restored(k: "Kernel", src: Page) -> None:
    """O14: remove_migration_ptes() has walked the rmap of `src`. Without the folio lock others may
    migrate it, too. The culprit is who wrote an entry that the walk missed, or took its page table
    away."""
    if src.nr_migration == 0 or src.folio.lock.owner != k.cur.id:
        return
    for table in k.tables.taken():
        if not table.live or table.used == 0:
            continue
        for i in range(k.ptrs_per_pte):
            pte = table.pte[i]
            if is_migration_pte(pte) and pte >> PFN_SHIFT == src.pfn:
                va = (table.pmd << k.pmd_order) + i
                who = k.mms[table.mm_id].who[va]
                k.violate(
                    "rmap",
                    who if is_linked(k, table) else table.linked_at,
                    k.class_of(src),
                    f"rmap_walk() of {frame_text(src.pfn)} missed its migration entry at page {va}",
                )
    for mm in k.mms:
        for i in range(len(mm.pmd)):
            if is_migration_pte(mm.pmd[i]) and mm.pmd[i] >> PFN_SHIFT == src.pfn:
                va = i << k.pmd_order
                k.violate(
                    "rmap",
                    mm.who[va],
                    k.class_of(src),
                    f"rmap_walk() of frame {src.pfn} missed its migration entry for the huge page "
                    f"at {va}",
                )


def miscounted(k: "Kernel", page: Page) -> None:
    """Counts of a page differ, perhaps for good."""
    folio = page.folio
    # The split of a huge entry adds mappings before it takes one away.
    if folio.order and not only_lock(k):
        return
    if folio.ledger[REF_MAP] < folio_mapcount(folio):
        k.violate(
            "refcount",
            folio.page.refs_at or page.entry_at,
            k.class_of(page),
            f"{frame_text(page.pfn)} has {folio.ledger[REF_MAP]} references of mappings and "
            f"mapcount {folio_mapcount(folio)}",
        )
    if page.mapcount < page.nr_entries or (page.mapcount > page.nr_entries and only_lock(k)):
        k.violate(
            "mapcount",
            page.maps_at or page.entry_at,
            k.class_of(page),
            f"{frame_text(page.pfn)} has mapcount {page.mapcount}, {page.nr_entries} "
            f"entries map it",
        )


def pmds_miscounted(k: "Kernel", folio: Folio) -> None:
    """A large folio is mapped by other many PMD entries than it counts, perhaps for good."""
    counted = folio.entire_mapcount
    if folio.flags & PG_DEVICE_PRIVATE:  # the entry stands until the page table of its split does
        for mm in k.mms:
            if mm.splitting is folio:
                counted += 1
    if counted < folio.nr_pmds or only_lock(k):
        k.violate(
            "mapcount",
            folio.page.entry_at,
            k.class_of(folio.page),
            f"the huge page at frame {folio.pfn} has entire mapcount {folio.entire_mapcount}, "
            f"{folio.nr_pmds} PMD entries map it",
        )


def only_lock(k: "Kernel") -> bool:
    """Whether the one that is being dropped is the only page table lock that is held; with huge
    pages, the lock of the PMDs is one, too."""
    held: i64 = 0
    for t in k.tasks:
        held += t.held[LC_PTL] + t.held[LC_PAGE_TABLE]
    return held == 1
