# SPDX-License-Identifier: MIT
"""mm/rmap.c (7.2), the half about pages: who maps them. The anon_vma half is anon_vma.py."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm import deferred_split
from simulator.mm.mm_types import (
    PG_ANON_EXCLUSIVE,
    PG_DEVICE_PRIVATE,
    PG_PARTIALLY_MAPPED,
    PG_SWAPBACKED,
    REF_MAP,
    REF_OWNER,
    REF_TEMP,
    VM_DROPPABLE,
    AnonVma,
    Folio,
    Mm,
    Page,
    Vma,
    folio_mapcount,
)
from simulator.mm.page_ref import (
    add_entire_mapcount,
    add_mapcount,
    folio_get,
    folio_maybe_dma_pinned,
    move_ref,
)
from simulator.mm.pgtable import frame_text, pfn_to_page
from simulator.sched.lock import down_read, up_read

if TYPE_CHECKING:
    from simulator.state import Kernel


def linear_page_index(vma: Vma, va: i64) -> i64:
    return va - vma.start + vma.pgoff


def linear_anon_page_index(vma: Vma, va: i64) -> i64:
    return va - vma.start + vma.anon_pgoff


def folio_add_new_anon_rmap(k: "Kernel", folio: Folio, vma: Vma, va: i64) -> None:
    """First mapping of a new anonymous page, exclusive to this mm. The allocation's own
    reference becomes the mapping's."""
    new_anon(k, folio, vma, va)
    folio.page.flags |= PG_ANON_EXCLUSIVE
    move_ref(k, folio, REF_OWNER, REF_MAP)
    add_mapcount(k, folio.page, 1, vma.mm)


def folio_add_new_anon_rmap_pmd(k: "Kernel", folio: Folio, vma: Vma, va: i64) -> None:
    """First mapping of a new large folio, by one PMD entry: the head says that it is exclusive."""
    new_anon(k, folio, vma, va)
    folio.page.flags |= PG_ANON_EXCLUSIVE
    move_ref(k, folio, REF_OWNER, REF_MAP)
    add_entire_mapcount(k, folio, 1, vma.mm)


def folio_add_new_anon_rmap_ptes(k: "Kernel", folio: Folio, vma: Vma, va: i64) -> None:
    """First mapping of a new large folio, by a page table entry for each of its pages, which holds
    a reference each."""
    new_anon(k, folio, vma, va)
    move_ref(k, folio, REF_OWNER, REF_MAP)
    for i in range(1 << folio.order):
        if i:
            folio_get(k, folio, REF_MAP)
        page = pfn_to_page(k, folio.pfn + i)
        page.flags |= PG_ANON_EXCLUSIVE
        add_mapcount(k, page, 1, vma.mm)


def new_anon(k: "Kernel", folio: Folio, vma: Vma, va: i64) -> None:
    """__folio_set_anon(): to whom the folio belongs, and where it is there."""
    av = vma.anon_vma
    if av is None:
        k.violate(
            "kernel-assertion",
            k.cur.site,
            "anon",
            f"anonymous page mapped at {va} in a VMA without anon_vma",
        )
        return
    k.watch.anon_added(k, vma, va)
    set_anon(folio, av)
    folio.index = linear_anon_page_index(vma, va)
    if not vma.flags & VM_DROPPABLE:
        folio.flags |= PG_SWAPBACKED


def folio_add_swapped_in_rmap(
    k: "Kernel", folio: Folio, vma: Vma, va: i64, exclusive: bool
) -> None:
    """folio_add_new_anon_rmap() of a folio of the swap cache that belongs to no anon_vma yet; the
    caller's reference (REF_TEMP) becomes the mapping's. What others may map, too, belongs to the
    oldest anon_vma that it could."""
    new_anon(k, folio, vma, va)
    av = folio.anon_vma
    if exclusive:
        folio.page.flags |= PG_ANON_EXCLUSIVE
    elif av is not None and av.root is not None:
        set_anon(folio, av.root)
    move_ref(k, folio, REF_TEMP, REF_MAP)
    add_mapcount(k, folio.page, 1, vma.mm)


def set_anon(folio: Folio, av: AnonVma) -> None:
    folio.anon_vma = av
    folio.anon_vma_gen = av.gen


def folio_add_anon_rmap_pte(k: "Kernel", page: Page, vma: Vma, va: i64, exclusive: bool) -> None:
    """One more entry maps an anonymous page; the caller has taken the reference (REF_MAP)."""
    folio = page.folio
    av = vma.anon_vma
    if folio.anon_vma is None and av is not None:
        set_anon(folio, av)
        folio.index = linear_anon_page_index(vma, va) - (page.pfn - folio.pfn)
    add_mapcount(k, page, 1, vma.mm)
    if exclusive:
        page.flags |= PG_ANON_EXCLUSIVE


def folio_add_anon_rmap_ptes(k: "Kernel", folio: Folio, vma: Vma, va: i64, exclusive: bool) -> None:
    """Page table entries are about to map all pages of a large folio; the caller has taken their
    references."""
    for i in range(1 << folio.order):
        folio_add_anon_rmap_pte(k, pfn_to_page(k, folio.pfn + i), vma, va + i, exclusive)


def folio_add_anon_rmap_pmd(k: "Kernel", folio: Folio, vma: Vma, va: i64, exclusive: bool) -> None:
    """One more PMD entry maps a large anonymous folio; the caller has taken the reference."""
    av = vma.anon_vma
    if folio.anon_vma is None and av is not None:
        set_anon(folio, av)
        folio.index = linear_anon_page_index(vma, va)
    add_entire_mapcount(k, folio, 1, vma.mm)
    if exclusive:
        folio.page.flags |= PG_ANON_EXCLUSIVE


def folio_add_file_rmap_pte(k: "Kernel", page: Page, mm: Mm) -> None:
    """One more entry maps a page cache page; the caller has taken the reference."""
    add_mapcount(k, page, 1, mm)


def folio_add_file_rmap_pmd(k: "Kernel", folio: Folio, mm: Mm) -> None:
    """One more PMD entry maps a huge folio of a file; the caller has taken the reference."""
    add_entire_mapcount(k, folio, 1, mm)


def folio_dup_file_rmap_pte(k: "Kernel", page: Page, mm: Mm) -> None:
    add_mapcount(k, page, 1, mm)


def folio_remove_rmap_pte(k: "Kernel", page: Page, mm: Mm) -> None:
    """An entry no longer maps the page; its reference is still the caller's to drop."""
    add_mapcount(k, page, -1, mm)
    if page.mapcount < 0:
        k.violate(
            "mapcount",
            k.cur.site,
            k.class_of(page),
            f"{frame_text(page.pfn)} was unmapped more often than mapped",
        )
    if page.folio.order and page.mapcount == 0 and page.folio.entire_mapcount == 0:
        deferred_split_unmapped(k, page.folio)


def folio_remove_rmap_pmd(k: "Kernel", folio: Folio, mm: Mm) -> None:
    """A PMD entry no longer maps the folio; its reference is still the caller's to drop."""
    add_entire_mapcount(k, folio, -1, mm)
    if folio.entire_mapcount < 0:
        k.violate(
            "mapcount",
            k.cur.site,
            k.class_of(folio.page),
            f"the huge page at frame {folio.pfn} was unmapped more often than mapped",
        )
    if folio.entire_mapcount == 0:
        deferred_split_unmapped(k, folio)


def deferred_split_unmapped(k: "Kernel", folio: Folio) -> None:
    """Some of an anonymous folio's pages are mapped no longer: others may be."""
    if folio.anon_vma is None or not 0 < folio.nr_pages_mapped < 1 << folio.order:
        return
    if not folio.flags & (PG_PARTIALLY_MAPPED | PG_DEVICE_PRIVATE):
        deferred_split.deferred_split_folio(k, folio, True)


def folio_needs_cow_for_dma(k: "Kernel", vma: Vma, folio: Folio) -> bool:
    """fork() must copy instead of sharing: the page may be pinned."""
    mm = vma.mm
    assert mm is not None
    return mm.has_pinned and folio_maybe_dma_pinned(folio)


def folio_try_dup_anon_rmap_pte(k: "Kernel", page: Page, src_vma: Vma, child: Mm) -> bool:
    """fork() shares the page with the child, unless it is exclusive and may be pinned."""
    folio = page.folio
    if page.flags & PG_ANON_EXCLUSIVE:
        if not folio.flags & PG_DEVICE_PRIVATE and folio_needs_cow_for_dma(k, src_vma, folio):
            return False
        page.flags &= ~PG_ANON_EXCLUSIVE
    add_mapcount(k, page, 1, child)
    return True


def folio_try_dup_anon_rmap_pmd(k: "Kernel", folio: Folio, src_vma: Vma, child: Mm) -> bool:
    """fork() shares a huge page with the child, unless it is exclusive and may be pinned."""
    page = folio.page
    if page.flags & PG_ANON_EXCLUSIVE:
        if not folio.flags & PG_DEVICE_PRIVATE and folio_needs_cow_for_dma(k, src_vma, folio):
            return False
        page.flags &= ~PG_ANON_EXCLUSIVE
    add_entire_mapcount(k, folio, 1, child)
    return True


def folio_try_share_anon_rmap_pte(page: Page) -> bool:
    """Give up exclusivity before migration or swap-out; fails while the page may be pinned.
    The entry must have been cleared, so that GUP-fast cannot come in after the check."""
    folio = page.folio
    if not folio.flags & PG_DEVICE_PRIVATE and folio_maybe_dma_pinned(folio):
        return False
    page.flags &= ~PG_ANON_EXCLUSIVE
    return True


def folio_move_anon_rmap(folio: Folio, vma: Vma) -> None:
    """The page now belongs to this VMA's anon_vma alone."""
    av = vma.anon_vma
    assert av is not None
    set_anon(folio, av)


def folio_maybe_mapped_shared(folio: Folio) -> bool:
    """Whether several mms may map the folio: none of the two that a large folio keeps count of has
    all of its mappings. So a third may be forgotten, and the folio look shared when it is not."""
    maps = folio_mapcount(folio)
    if maps <= 1:
        return False
    return folio.order == 0 or (folio.mm_maps_0 != maps and folio.mm_maps_1 != maps)


class RmapWalkControl:
    """struct rmap_walk_control: what to do at each entry that may map the folio."""

    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """`vma` would have the page at `va`. False ends the walk."""
        raise NotImplementedError


def rmap_walk_locked(k: "Kernel", folio: Folio, rwc: RmapWalkControl) -> None:
    """rmap_walk() by somebody who holds the anon_vma's lock."""
    av = folio.anon_vma
    if av is not None:
        walk_vmas(k, av.vmas, folio, rwc)


def rmap_walk(
    k: "Kernel", anon_site: i64, file_site: i64, folio: Folio, rwc: RmapWalkControl
) -> None:
    """Every VMA that may map the folio, in the order of their offsets, under the lock that keeps
    them: the anon_vma's, or the file's. The folio is locked."""
    inode = folio.inode
    av = folio.anon_vma
    if inode is not None:
        down_read(k, file_site, inode.i_mmap_rwsem)
        walk_vmas(k, inode.i_mmap, folio, rwc)
        up_read(k, inode.i_mmap_rwsem)
    elif av is not None:
        root = av.root
        assert root is not None
        down_read(k, anon_site, root.rwsem)
        walk_vmas(k, av.vmas, folio, rwc)
        up_read(k, root.rwsem)


def walk_vmas(k: "Kernel", vmas: list[Vma], folio: Folio, rwc: RmapWalkControl) -> None:
    for vma in vmas:
        va = vma_address(vma, folio)
        if va >= 0 and not rwc.rmap_one(k, folio, vma, va):
            break


def vma_address(vma: Vma, folio: Folio) -> i64:
    """Where the first page of the folio would be that this VMA has room for, -1 for none."""
    first = first_index(vma, folio)
    va = vma.start + folio.index - first
    if folio.index >= first:
        return va if va < vma.end else -1
    return vma.start if va + (1 << folio.order) > vma.start else -1


def vma_address_end(vma: Vma, folio: Folio) -> i64:
    """Behind the last page of the folio that this VMA has room for."""
    last = vma.start + folio.index - first_index(vma, folio) + (1 << folio.order)
    return min(last, vma.end)


def first_index(vma: Vma, folio: Folio) -> i64:
    """What the VMA counts pages of this kind from."""
    return vma.pgoff if folio.inode is not None else vma.anon_pgoff
