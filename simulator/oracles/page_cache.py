# SPDX-License-Identifier: MIT
"""O15 page-cache: a slot of a file's page cache holds the page of that index, once, as long as
the file lives, and nothing when it is evicted; mappings of the file map what is in the slot.

Predictive: checked when a page is found, freed or mapped and when an inode goes, not when
somebody reads wrong data. The number of pages that the inode counts is O19 accounting.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm.mm_types import REF_CACHE, Folio, Inode, Page, Vma
from simulator.mm.pgtable import frame_text

if TYPE_CHECKING:
    from simulator.state import Kernel


def found(k: "Kernel", inode: Inode, index: i64, folio: Folio, site: i64) -> None:
    """A lookup of `index` has returned `page`, locked: no one can remove it any more."""
    if folio.inode is not inode or folio.index != index:
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


def page_freed(k: "Kernel", folio: Folio) -> None:
    """A frame goes back to the allocator; it must have left its slot."""
    inode = folio.inode
    if inode is not None and inode.live and folio.index < len(inode.cache):
        if inode.cache[folio.index] is folio:
            k.violate(
                "page-cache",
                k.cur.site,
                "file",
                f"{frame_text(folio.pfn)} was freed while it is page {folio.index} of a file",
            )


def mapped(k: "Kernel", vma: Vma, va: i64, page: Page, who: i64) -> None:
    """`page` of a file is mapped at `va`; `who` wrote the entry."""
    folio = page.folio
    if folio.inode is not vma.inode or folio.index != va - vma.start + vma.pgoff:
        k.violate(
            "page-cache",
            who,
            "file",
            f"page {va} should map page {va - vma.start + vma.pgoff} of its file, and maps page "
            f"{folio.index} of {'it' if folio.inode is vma.inode else 'another one'}",
        )


def evicted(k: "Kernel", inode: Inode) -> None:
    """The inode is about to be freed (clear_inode())."""
    if inode.nrpages:
        k.violate(
            "page-cache",
            sites.SHMEM_EVICT_INODE__REMOVE,
            "file",
            f"a file is freed with {inode.nrpages} pages in its page cache",
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
    for page in inode.cache:
        index += 1
        if page is None:
            continue
        pages += 1
        found(k, inode, index, page, sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT)
        if not page.live or page.ledger[REF_CACHE] != 1:
            k.violate(
                "page-cache",
                sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT,
                "file",
                f"slot {index} of a file's page cache holds {frame_text(page.pfn)} with "
                f"{page.ledger[REF_CACHE]} references of the cache",
            )
    if pages != inode.nrpages:
        k.violate(
            "accounting",
            sites.SHMEM_ADD_TO_PAGE_CACHE__INSERT,
            "file",
            f"a file counts {inode.nrpages} pages, its page cache has {pages}",
        )
