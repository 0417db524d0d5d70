# SPDX-License-Identifier: MIT
"""mm/rmap.c, the half about pages: who maps them. The anon_vma half is anon_vma.py."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm.mm_types import (
    PG_ANON_EXCLUSIVE, PG_DEVICE_PRIVATE, PG_SWAPBACKED, REF_MAP, REF_OWNER, AnonVma, Folio, Page,
    Vma,
)
from simulator.mm.page_ref import add_mapcount, folio_maybe_dma_pinned, move_ref
from simulator.mm.pgtable import frame_text
from simulator.sched.lock import down_read, up_read

if TYPE_CHECKING:
    from simulator.state import Kernel


def linear_page_index(vma: Vma, va: i64) -> i64:
    return va - vma.start + vma.pgoff


def folio_add_new_anon_rmap(k: "Kernel", folio: Folio, vma: Vma, va: i64) -> None:
    """First mapping of a new anonymous page, exclusive to this mm. The allocation's own
    reference becomes the mapping's."""
    av = vma.anon_vma
    if av is None:
        k.violate(
            "kernel-assertion", k.cur.site, "anon",
            f"anonymous page mapped at {va} in a VMA without anon_vma",
        )
        return
    k.watch.anon_added(k, vma, va)
    set_anon(folio, av)
    folio.index = linear_page_index(vma, va)
    folio.flags |= PG_SWAPBACKED
    folio.page.flags |= PG_ANON_EXCLUSIVE
    move_ref(k, folio, REF_OWNER, REF_MAP)
    add_mapcount(k, folio.page, 1)


def set_anon(folio: Folio, av: AnonVma) -> None:
    folio.anon_vma = av
    folio.anon_vma_gen = av.gen


def folio_add_anon_rmap_pte(k: "Kernel", page: Page, vma: Vma, va: i64, exclusive: bool) -> None:
    """One more entry maps an anonymous page; the caller has taken the reference (REF_MAP)."""
    folio = page.folio
    av = vma.anon_vma
    if folio.anon_vma is None and av is not None:
        set_anon(folio, av)
        folio.index = linear_page_index(vma, va)
    add_mapcount(k, page, 1)
    if exclusive:
        page.flags |= PG_ANON_EXCLUSIVE


def folio_add_file_rmap_pte(k: "Kernel", page: Page) -> None:
    """One more entry maps a page cache page; the caller has taken the reference."""
    add_mapcount(k, page, 1)


def folio_dup_file_rmap_pte(k: "Kernel", page: Page) -> None:
    add_mapcount(k, page, 1)


def folio_remove_rmap_pte(k: "Kernel", page: Page) -> None:
    """An entry no longer maps the page; its reference is still the caller's to drop."""
    add_mapcount(k, page, -1)
    if page.mapcount < 0:
        k.violate(
            "mapcount", k.cur.site, k.class_of(page),
            f"{frame_text(page.pfn)} was unmapped more often than mapped",
        )


def folio_needs_cow_for_dma(k: "Kernel", vma: Vma, folio: Folio) -> bool:
    """fork() must copy instead of sharing: the page may be pinned."""
    mm = vma.mm
    assert mm is not None
    return mm.has_pinned and folio_maybe_dma_pinned(folio)


def folio_try_dup_anon_rmap_pte(k: "Kernel", page: Page, src_vma: Vma) -> bool:
    """fork() shares the page with the child, unless it is exclusive and may be pinned."""
    folio = page.folio
    if page.flags & PG_ANON_EXCLUSIVE:
        if not folio.flags & PG_DEVICE_PRIVATE and folio_needs_cow_for_dma(k, src_vma, folio):
            return False
        page.flags &= ~PG_ANON_EXCLUSIVE
    add_mapcount(k, page, 1)
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


class RmapWalkControl:
    """struct rmap_walk_control: what to do at each entry that may map the folio."""

    def rmap_one(self, k: "Kernel", folio: Folio, vma: Vma, va: i64) -> bool:
        """`vma` would have the page at `va`. False ends the walk."""
        raise NotImplementedError


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
    """Where the page would be in this VMA, -1 when outside."""
    va = vma.start + folio.index - vma.pgoff
    return va if folio.index >= vma.pgoff and va < vma.end else -1
