# SPDX-License-Identifier: MIT
"""The audits at the End, when nothing runs any more.

Before the processes exit: page tables against rmap, counts and values (O3, O5, O14, O19), and
nothing lives that nobody knows any more (O12). After they exited: nothing is left (O2, O12).
The culprit is whoever wrote the entry, took the reference or touched the object's links last.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_SPECIAL,
    REF_CACHE,
    REF_GATHER,
    REF_ISOLATED,
    REF_MAP,
    REF_OWNER,
    REF_TEMP,
    AnonVma,
    Mm,
    Page,
    Vma,
    folio_mapcount,
    is_device_pte,
    is_migration_pte,
    is_swap_pte,
    page_maps,
    pte_present,
    swp_offset,
)
from simulator.mm.page_ref import REASONS
from simulator.mm.pgtable import frame_text, is_deposited, is_linked, next_entry, peek, pfn_to_page
from simulator.oracles import (
    memory_value,
    page_cache,
    permission,
    secondary_mmu,
    soft_dirty,
    state,
    swap_slots,
    uffd_wp_bypass,
)
from simulator.oracles.memory_value import LogicalPages
from simulator.scenario import WORDS_PER_PAGE

if TYPE_CHECKING:
    from simulator.state import Kernel

_MOMENTARY: Final = (REF_TEMP, REF_GATHER, REF_ISOLATED, REF_OWNER)


def while_mapped(k: "Kernel", values: LogicalPages) -> None:
    """Every live mm: what its page tables say is what everything else says."""
    for page in used_pages(k):
        page.audit = 0
    for mm in k.mms:
        if mm.live and mm.users > 0:
            audit_mm(k, values, mm)
            soft_dirty.audit(k, mm)
            if k.uffd_contexts:
                uffd_wp_bypass.audit(k, mm)
    permission.audit(k)
    page_cache.audit(k)
    secondary_mmu.audit(k)
    if k.swap.max:
        swap_slots.audit(k)
    for page in used_pages(k):
        if not page.folio.live:
            continue
        maps = page_maps(page)
        if page.audit != maps:
            k.violate(
                "mapcount",
                page.maps_at or page.entry_at,
                k.class_of(page),
                f"{frame_text(page.pfn)} has mapcount {maps}, {page.audit} entries map it",
            )
        if page.folio.ledger[REF_MAP] != folio_mapcount(page.folio):
            k.violate(
                "refcount",
                page.folio.page.refs_at or page.entry_at,
                k.class_of(page),
                f"{frame_text(page.folio.pfn)} has {page.folio.ledger[REF_MAP]} references of "
                f"mappings and mapcount {folio_mapcount(page.folio)}",
            )
        state.audit_page(k, page)
        for reason in _MOMENTARY:
            if page.folio.ledger[reason]:
                k.violate(
                    "leak",
                    page.folio.taken_at[reason],
                    k.class_of(page),
                    f"{frame_text(page.pfn)} has {page.folio.ledger[reason]} {REASONS[reason]} "
                    "references left when all ops have ended",
                )
    audit_structs(k)


def audit_structs(k: "Kernel") -> None:
    """Page tables, VMAs and anon_vmas that no mm leads to."""
    for table in k.tables.taken():
        if table.live and not is_linked(k, table) and not is_deposited(k, table):
            k.violate("leak", table.linked_at, "page-table", "a page table is linked nowhere")
    for vma in k.vmas.taken():
        if vma.live and not vma.attached:
            k.violate(
                "leak",
                vma.linked_at,
                "vma",
                f"VMA {vma.start}..{vma.end} is in no tree and has not been freed",
            )
    for av in k.anon_vmas.taken():
        if av.live and not av.vmas and not is_root(k, av):
            k.violate("leak", av.counted_at, "anon_vma", "no VMA is linked to an anon_vma")


def is_root(k: "Kernel", root: AnonVma) -> bool:
    """Whether another anon_vma has a count on this one."""
    return any(av.live and av is not root and av.root is root for av in k.anon_vmas.taken())


def used_pages(k: "Kernel") -> list[Page]:
    """Every frame and device page that this run has touched."""
    pages = k.frames.taken()
    for pgmap in k.pagemaps:
        pages += pgmap.slab.taken()
    return pages


def audit_mm(k: "Kernel", values: LogicalPages, mm: Mm) -> None:
    anon: i64 = 0
    file: i64 = 0
    vma: Vma | None = None
    state.audit_vmas(k, mm)
    va = next_entry(k, mm, 0, k.nr_arena)
    while va < k.nr_arena:
        pte = peek(k, mm, va)
        if vma is None or va >= vma.end:
            vma = vma_lookup(mm, va)
        state.audit_entry(k, vma, va, pte, mm.who[va])
        if not pte & PTE_SPECIAL and (pte_present(pte) or is_device_pte(pte)):
            page = pfn_to_page(k, pte >> PFN_SHIFT)
            audit_page(k, values, mm, va, page, mm.who[va])
            if page.folio.inode is None:
                anon += 1
            else:
                file += 1
                if vma is not None:
                    page_cache.mapped(k, vma, va, page, mm.who[va])
        elif is_swap_pte(pte):
            swap_slots.audit_entry(k, values, mm, va, swp_offset(pte))
        elif is_migration_pte(pte):
            k.violate("leak", mm.who[va], "pte", f"page {va} still has a migration entry")
        va = next_entry(k, mm, va + 1, k.nr_arena)
    for va in range(k.nr_arena):
        if mm.shadow[va] and not has_data(k, values, mm, va):
            k.violate(
                "memory-value",
                mm.who[va],
                "anon",
                f"page {va} held data that no load could find any more",
            )
    if anon != mm.rss_anon or file != mm.rss_file:
        k.violate(
            "accounting",
            mm.entry_at,
            "mm",
            f"rss is {mm.rss_anon} anonymous and {mm.rss_file} file pages, the page tables map "
            f"{anon} and {file}",
        )


def has_data(k: "Kernel", values: LogicalPages, mm: Mm, va: i64) -> bool:
    """Whether an entry stands for the logical page at `va`. Zero words need none."""
    pte = peek(k, mm, va)
    if pte_present(pte) or is_device_pte(pte) or is_swap_pte(pte):
        return True
    return all(not values.word(mm.shadow[va], word) for word in range(WORDS_PER_PAGE))


def audit_page(k: "Kernel", values: LogicalPages, mm: Mm, va: i64, page: Page, who: i64) -> None:
    folio = page.folio
    if not folio.live:
        k.violate(
            "use-after-free", who, "page", f"page {va} maps {frame_text(page.pfn)}, which is free"
        )
    page.audit += 1
    if folio.inode is None:
        memory_value.compare(k, values, mm, va, page, who, "ends")
        audit_rmap(k, mm, va, page, who)
    elif folio.ledger[REF_CACHE] <= 0:
        k.violate(
            "page-cache",
            who,
            "file",
            f"page {va} maps {frame_text(page.pfn)}, which left the cache",
        )


def audit_rmap(k: "Kernel", mm: Mm, va: i64, page: Page, who: i64) -> None:
    """O14 and O13: rmap_walk() from the page reaches this entry."""
    folio = page.folio
    av = folio.anon_vma
    if av is None:
        k.violate("rmap", who, "anon", f"anonymous {frame_text(page.pfn)} has no anon_vma")
        return
    if not av.live or av.gen != folio.anon_vma_gen:
        k.violate(
            "use-after-free",
            who,
            "anon_vma",
            f"{frame_text(page.pfn)} at page {va} points to an anon_vma that was freed",
        )
    for vma in av.vmas:
        if vma.mm is mm and vma.attached and vma.start <= va < vma.end:
            if folio.index + page.pfn - folio.pfn - vma.anon_pgoff + vma.start == va:
                return
    k.violate(
        "rmap",
        who,
        "anon",
        f"rmap_walk() of {frame_text(page.pfn)} does not reach page {va}, which maps it",
    )


def after_exit(k: "Kernel") -> None:
    """All processes have exited and all handles are closed: nothing is left."""
    for page in used_pages(k):
        if page.folio.live:
            for reason in range(len(REASONS)):
                if page.folio.ledger[reason]:
                    k.violate(
                        "leak",
                        page.folio.taken_at[reason],
                        k.class_of(page),
                        f"{frame_text(page.pfn)} is left with {page.folio.ledger[reason]} "
                        f"{REASONS[reason]} references",
                    )
            k.violate(
                "refcount",
                sites.EXIT_MMAP__BEGIN,
                k.class_of(page),
                f"{frame_text(page.pfn)} is left without a reference",
            )
    left = k.frames.left() - k.nr_block_frames
    for pgmap in k.pagemaps:
        left += pgmap.slab.left()
    if left:
        k.violate(
            "leak", sites.EXIT_MMAP__BEGIN, "page", "a free page is not on its allocator's list"
        )
    if k.swap.max:
        swap_slots.after_exit(k)
    left = k.tables.left()
    if left:
        k.violate("leak", sites.EXIT_MMAP__BEGIN, "page-table", f"{left} page tables are left")
    left = k.vmas.left()
    if left:
        k.violate("leak", sites.EXIT_MMAP__BEGIN, "vma", f"{left} VMAs are left")
    left = k.anon_vmas.left()
    if left:
        k.violate("leak", sites.EXIT_MMAP__BEGIN, "anon_vma", f"{left} anon_vmas are left")
