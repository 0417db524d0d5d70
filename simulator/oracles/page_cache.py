# SPDX-License-Identifier: MIT
"""O15 page-cache: what a file's page cache has at an index is the folio of that index, once, as
long as the file lives; nothing is left behind the end of a file that was truncated, in the cache or
in a page table, and nothing at all when the file is evicted; mappings of a file map what its cache
has.

Predictive: checked when a folio is found, removed, freed or mapped, when a truncation is over and
when an inode goes, not when somebody reads wrong data. The numbers of pages and blocks that the
inode counts are O19 accounting.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.lib import xarray
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_SPECIAL,
    REF_CACHE,
    Folio,
    Inode,
    Page,
    Vma,
    folio_mapcount,
    is_device_pte,
    pte_present,
)
from simulator.mm.pgtable import frame_text, next_entry, peek, pfn_to_page
from simulator.scenario import WORDS_PER_PAGE

if TYPE_CHECKING:
    from simulator.state import Kernel


def found(k: "Kernel", inode: Inode, index: i64, folio: Folio, site: i64) -> None:
    """A lookup of `index` has returned `folio`, locked: no one can remove it any more."""
    if folio.inode is not inode or not folio.index <= index < folio.index + (1 << folio.order):
        k.violate(
            "page-cache",
            site,
            "file",
            f"slot {index} of a file's page cache holds {frame_text(folio.pfn)}, which is "
            f"not its page",
        )


def added(k: "Kernel", index: i64, old: Folio | None) -> None:
    """A page is being put into slot `index`, where `old` is."""
    if old is not None:
        k.violate(
            "page-cache",
            k.cur.site,
            "file",
            f"a second page was put into slot {index} of a file's page cache, over frame {old.pfn}",
        )


def removing(k: "Kernel", inode: Inode, folio: Folio) -> None:
    """A folio is about to leave the cache: it is there, at all its indices, and mapped nowhere."""
    if inode.seen:
        end = folio.index + (1 << folio.order)
        inode.seen = [each for each in inode.seen if not folio.index <= each < end]
    for index in range(folio.index, folio.index + (1 << folio.order)):
        if xarray.load(inode.i_pages, index) is not folio:
            k.violate(
                "page-cache",
                k.cur.site,
                "file",
                f"{frame_text(folio.pfn)} leaves slot {index} of a file's page cache, where it is "
                "not",
            )
    if folio_mapcount(folio):
        k.violate(
            "page-cache",
            k.cur.site,
            "file",
            f"{frame_text(folio.pfn)} leaves the page cache while page tables map it",
        )


def truncated(k: "Kernel", inode: Inode, end: i64) -> None:
    """The file ends before page `end` from now on. What is behind it in the cache is locked by
    somebody who has not looked at the size again yet. No page table has anything of it, but for the
    rest of a large folio in which the file ends and which could not be split: memory files map that
    whole (finish_fault() and filemap_map_pages(), v7.2)."""
    index = xarray.find(inode.i_pages, end, len(inode.i_pages.folios))
    while index >= 0:
        folio = xarray.load(inode.i_pages, index)
        if folio is not None and folio.lock.owner < 0 and folio.index >= end:
            k.violate(
                "page-cache",
                sites.SHMEM_UNDO_RANGE__LOCK,
                "file",
                f"page {index} of a file that was truncated to {end} is left in its page cache",
            )
        index = xarray.find(inode.i_pages, index + 1, len(inode.i_pages.folios))
    for vma in inode.i_mmap:
        mm = vma.mm
        assert mm is not None
        va = next_entry(k, mm, max(vma.start, vma.start + end - vma.pgoff), vma.end)
        while va < vma.end:
            pte = peek(k, mm, va)
            mapped_here = not pte & PTE_SPECIAL and (pte_present(pte) or is_device_pte(pte))
            if mapped_here and not ends_in(inode, end, pfn_to_page(k, pte >> PFN_SHIFT).folio):
                k.violate(
                    "page-cache",
                    mm.who[va],
                    "pte",
                    f"page {va} is behind the end of a file that was truncated to {end} pages, "
                    "and still mapped",
                )
            va = next_entry(k, mm, va + 1, vma.end)


def ends_in(inode: Inode, end: i64, folio: Folio) -> bool:
    """Whether the folio is the file's, and has pages before page `end`."""
    return folio.inode is inode and folio.index < end


def replacing(k: "Kernel", inode: Inode, folio: Folio) -> None:
    """A folio is about to take the place of others, all of which its owner has locked."""
    for index in range(folio.index, folio.index + (1 << folio.order)):
        old = xarray.load(inode.i_pages, index)
        if old is not None and old is not folio and old.lock.owner != k.cur.id:
            k.violate(
                "page-cache",
                k.cur.site,
                "file",
                f"{frame_text(folio.pfn)} takes the place of {frame_text(old.pfn)} in slot {index} "
                "of a file's page cache, which nobody has locked and copied",
            )


def retry_left(k: "Kernel", inode: Inode) -> None:
    """The lock of the cache is about to be dropped: readers would go round until it is taken again,
    for as long as that may be."""
    k.violate(
        "livelock",
        k.cur.site,
        "file",
        f"a retry entry stays in slot {inode.i_pages.retry[0]} of a file's page cache, whose lock "
        "is dropped: readers spin",
    )


def data_found(inode: Inode, index: i64) -> None:
    """lseek() has found data."""
    if index not in inode.seen:
        inode.seen.append(index)


def hole_found(k: "Kernel", inode: Inode, start: i64, end: i64) -> None:
    """lseek() takes pages for a hole: nothing has been written there, and no data was seen, or it
    has been removed since."""
    for index in range(start, min(end, len(inode.expected) // WORDS_PER_PAGE)):
        written = any(inode.expected[index * WORDS_PER_PAGE + i] for i in range(WORDS_PER_PAGE))
        if written or index in inode.seen:
            k.violate(
                "page-cache",
                inode.stored_at or k.cur.site,
                "file",
                f"page {index} of a file is a hole to lseek(), and "
                f"{'has been written to' if written else 'was data a moment ago'}",
            )


def page_freed(k: "Kernel", folio: Folio) -> None:
    """A frame goes back to the allocator; it must have left the cache."""
    if folio.order:
        huge_page_freed(k, folio)
    inode = folio.inode
    if inode is not None and inode.live and xarray.load(inode.i_pages, folio.index) is folio:
        k.violate(
            "page-cache",
            k.cur.site,
            "file",
            f"{frame_text(folio.pfn)} was freed while it is page {folio.index} of a file",
        )


def huge_page_freed(k: "Kernel", folio: Folio) -> None:
    """No slot of any file has it, be it one that is not its own."""
    for inode in k.inodes + k.shared_anon:
        if inode.live and any(each is folio for each in inode.i_pages.folios):
            k.violate(
                "page-cache",
                k.cur.site,
                "file",
                f"the huge page at frame {folio.pfn} was freed while a file's page cache has it",
            )


def mapped(k: "Kernel", vma: Vma, va: i64, page: Page, who: i64) -> None:
    """`page` of a file is mapped at `va`; `who` wrote the entry."""
    folio = page.folio
    index = folio.index + page.pfn - folio.pfn
    if folio.inode is not vma.inode or index != va - vma.start + vma.pgoff:
        k.violate(
            "page-cache",
            who,
            "file",
            f"page {va} should map page {va - vma.start + vma.pgoff} of its file, and maps page "
            f"{index} of {'it' if folio.inode is vma.inode else 'another one'}",
        )


def evicted(k: "Kernel", inode: Inode) -> None:
    """The inode is about to be freed (clear_inode())."""
    if inode.nrpages or inode.i_blocks:
        k.violate(
            "page-cache",
            sites.SHMEM_EVICT_INODE__REMOVE,
            "file",
            f"a file is freed with {inode.nrpages} pages in its page cache and "
            f"{inode.i_blocks} blocks",
        )


def audit(k: "Kernel") -> None:
    """The End: every slot of every file."""
    for inode in k.inodes:
        if inode.live:
            audit_file(k, inode)
    for inode in k.shared_anon:
        if inode.live:
            audit_file(k, inode)


def audit_file(k: "Kernel", inode: Inode) -> None:
    pages: i64 = 0
    index: i64 = -1
    end = (inode.i_size + WORDS_PER_PAGE - 1) // WORDS_PER_PAGE
    for folio in inode.i_pages.folios:
        index += 1
        if folio is None:
            continue
        pages += 1
        found(k, inode, index, folio, sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT)
        if not folio.live or folio.ledger[REF_CACHE] != 1 << folio.order:
            k.violate(
                "page-cache",
                sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT,
                "file",
                f"slot {index} of a file's page cache holds {frame_text(folio.pfn)} with "
                f"{folio.ledger[REF_CACHE]} references of the cache",
            )
        if folio.index >= max(end, inode.fallocend):
            k.violate(
                "page-cache",
                folio.taken_at[REF_CACHE],
                "file",
                f"page {index} of a file of {end} pages is in its page cache",
            )
    if inode.i_pages.retry:
        k.violate(
            "page-cache",
            sites.COLLAPSE_FILE__RETRY_ENTRY,
            "file",
            f"a retry entry is left in slot {inode.i_pages.retry[0]} of a file's page cache",
        )
    if pages != inode.nrpages or inode.alloced < pages or inode.alloced != inode.i_blocks:
        k.violate(
            "accounting",
            inode.counted_at or sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT,
            "file",
            f"a file counts {inode.nrpages} pages and {inode.i_blocks} blocks of {inode.alloced} "
            f"charged, its page cache has {pages}",
        )
