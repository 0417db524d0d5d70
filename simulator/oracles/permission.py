# SPDX-License-Identifier: MIT
"""O18 permission: an access succeeded that its VMA forbids, or something changed that nobody
may change: the shared zero page, or a file behind a private or read-only mapping.

A user access is compared with the VMA as it is now, except while somebody holds it
write-locked (mprotect(), mmap()) or may be unmapping the range: then old and new are legal.
A file's words are compared with `Inode.expected`, which the stores that may change it keep.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_UPTODATE,
    PG_ZERO,
    PTE_PRESENT,
    PTE_SPECIAL,
    PTE_WRITE,
    REF_CACHE,
    VM_EXEC,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    Inode,
    Mm,
    Page,
    Vma,
)
from simulator.mm.pgtable import next_entry, peek, pfn_to_page
from simulator.scenario import WORDS_PER_PAGE

if TYPE_CHECKING:
    from simulator.state import Kernel


# --- user accesses -----------------------------------------------------------------------------


def settled(mm: Mm, vma: Vma | None) -> bool:
    """Whether page tables and VMAs have to agree now."""
    if vma is None:  # munmap() zaps what the tree has forgotten already
        return mm.mmap_lock.writer < 0 and mm.mmap_lock.readers == 0
    return vma.lock_seq != mm.mm_lock_seq


def stored(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """User code stored into `page`, which the tables map at `va`."""
    vma = vma_lookup(mm, va)
    if not settled(mm, vma):
        return
    if vma is None or not vma.flags & VM_WRITE:
        k.violate(
            "permission",
            mm.who[va],
            k.class_of(page),
            f"a store to page {va} succeeded, which may not be written",
        )
    elif page.folio.inode is not None and not vma.flags & VM_SHARED:
        k.violate(
            "permission",
            mm.who[va],
            "file",
            f"a store through the private mapping at page {va} went into the file",
        )


def loaded(k: "Kernel", mm: Mm, va: i64) -> None:
    """User code loaded from page `va`."""
    vma = vma_lookup(mm, va)
    if settled(mm, vma) and (vma is None or not vma.flags & (VM_READ | VM_WRITE | VM_EXEC)):
        k.violate(
            "permission",
            mm.who[va],
            "pte",
            f"a load from page {va} succeeded, which may not be read",
        )


def zero_page_stored(k: "Kernel", mm: Mm, va: i64) -> None:
    """A store went into the shared zero page."""
    k.violate(
        "permission", mm.who[va], "zero-page", f"a store to page {va} changed the shared zero page"
    )


# --- forced accesses ---------------------------------------------------------------------------


def forced(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """/proc/self/mem is about to store into `page`, which GUP has returned for `va`. GUP
    should have broken COW: it is the culprit."""
    folio = page.folio
    if folio.flags & PG_ZERO:
        k.violate(
            "permission",
            sites.GET_USER_PAGES__RETRY,
            "zero-page",
            f"a forced write to page {va} goes into the shared zero page",
        )
    if folio.inode is None:
        return
    vma = vma_lookup(mm, va)
    if vma is None or vma.flags & (VM_SHARED | VM_WRITE) != VM_SHARED | VM_WRITE:
        k.violate(
            "permission",
            sites.GET_USER_PAGES__RETRY,
            "file",
            f"a forced write to the private or read-only mapping at page {va} goes into the file",
        )


# --- files -------------------------------------------------------------------------------------


def file_content(k: "Kernel", inode: Inode, page: Page, word: i64, site: i64) -> None:
    """The file's word is what was last stored there by somebody who may. A folio that has left the
    file meanwhile says nothing about it."""
    folio = page.folio
    if folio.inode is not inode:
        return
    index = folio.index + page.pfn - folio.pfn
    want = inode.expected[index * WORDS_PER_PAGE + word]
    if page.words[word] != want:
        k.violate(
            "permission",
            site,
            "file",
            f"page {index} of the file has {page.words[word]} in word {word}, the last "
            f"legal store was {want}",
        )


# --- audits ------------------------------------------------------------------------------------


def audit(k: "Kernel") -> None:
    """The End: every entry against its VMA, every file against what was stored."""
    for mm in k.mms:
        if mm.live and mm.users > 0:
            for vma in mm.vmas:
                audit_vma(k, mm, vma, vma.start, vma.end)
    for inode in k.inodes:
        if inode.live:
            audit_file(k, inode)
    for inode in k.shared_anon:
        if inode.live:
            audit_file(k, inode)


def audit_vma(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64) -> None:
    va = next_entry(k, mm, start, end)
    while va < end:
        audit_pte(k, mm, vma, va, peek(k, mm, va))
        va = next_entry(k, mm, va + 1, end)


def audit_pte(k: "Kernel", mm: Mm, vma: Vma, va: i64, pte: i64) -> None:
    if not pte & PTE_PRESENT:
        return
    if pte & PTE_WRITE and not vma.flags & VM_WRITE:
        k.violate(
            "permission", mm.who[va], "pte", f"the entry of page {va} is writable, its VMA is not"
        )
    if not vma.flags & (VM_READ | VM_WRITE | VM_EXEC):
        k.violate(
            "permission", mm.who[va], "pte", f"the entry of page {va} is accessible, its VMA is not"
        )
    if pte & PTE_WRITE and not vma.flags & VM_SHARED:
        page = pfn_to_page(k, pte >> PFN_SHIFT)
        if pte & PTE_SPECIAL or page.folio.inode is not None:
            k.violate(
                "permission",
                mm.who[va],
                k.class_of(page),
                f"the private mapping at page {va} can write a page that is not its own",
            )


def audit_file(k: "Kernel", inode: Inode) -> None:
    for index, folio in enumerate(inode.i_pages.folios):
        if folio is not None and folio.flags & PG_UPTODATE:
            page = pfn_to_page(k, folio.pfn + index - folio.index)
            for word in range(WORDS_PER_PAGE):
                file_content(k, inode, page, word, folio.taken_at[REF_CACHE])
