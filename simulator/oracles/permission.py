# SPDX-License-Identifier: MIT
"""O18 permission: an access succeeded that VMA, file or seal forbids, or changed what nobody
may change: the shared zero page, or a file through a private mapping."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm.mm_types import (
    VM_EXEC, VM_READ, VM_SHARED, VM_WRITE, Inode, Mm, Page,
)
from simulator.scenario import WORDS_PER_PAGE

if TYPE_CHECKING:
    from simulator.state import Kernel


def stored(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """A user store through the current tables has succeeded."""
    vma = vma_tree.vma_lookup(mm, va)
    if vma is None:
        if mm.mmap_lock.writer < 0 and mm.mmap_lock.readers == 0:  # no munmap() at work
            k.violate(
                "permission", k.last_writer(mm, va), "pte",
                f"a store to page {va} succeeded, where nothing is mapped",
            )
        return
    if vma.lock_seq == mm.mm_lock_seq:
        return  # mprotect() or munmap() is at work: old and new are both legal
    if not vma.flags & VM_WRITE:
        k.violate(
            "permission", k.last_writer(mm, va), k.class_of(page),
            f"a store to page {va} succeeded, which is mapped read-only",
        )
    if page.inode is not None and not vma.flags & VM_SHARED:
        k.violate(
            "permission", k.last_writer(mm, va), "file",
            f"a store through the private mapping at page {va} reached the page cache",
        )


def loaded(k: "Kernel", mm: Mm, va: i64) -> None:
    """A user load through the current tables has succeeded."""
    vma = vma_tree.vma_lookup(mm, va)
    if vma is None:
        if mm.mmap_lock.writer < 0 and mm.mmap_lock.readers == 0:  # no munmap() at work
            k.violate(
                "permission", k.last_writer(mm, va), "pte",
                f"a load from page {va} succeeded, where nothing is mapped",
            )
        return
    if vma.lock_seq == mm.mm_lock_seq:
        return
    if not vma.flags & (VM_READ | VM_WRITE | VM_EXEC):
        k.violate(
            "permission", k.last_writer(mm, va), "pte",
            f"a load from page {va} succeeded, which is mapped PROT_NONE",
        )


def zero_page_stored(k: "Kernel", mm: Mm, va: i64) -> None:
    k.violate(
        "permission", k.last_writer(mm, va), "zero-page",
        f"a store to page {va} changed the shared zero page",
    )


def forced(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """A FOLL_FORCE write (/proc/self/mem) is about to change `page`."""
    vma = vma_tree.vma_lookup(mm, va)
    if page.inode is not None and (vma is None or not vma.flags & VM_SHARED):
        k.violate(
            "permission", k.cur.site, "file",
            f"a forced write to the private mapping at page {va} reached the page cache",
        )


def file_read(k: "Kernel", inode: Inode, index: i64, word: i64, value: i64) -> None:
    """pread() saw `value`: it must be what was stored into the file last."""
    want = inode.expected[index * WORDS_PER_PAGE + word]
    if value != want:
        k.violate(
            "permission", k.cur.site, "file",
            f"the file holds {value} in page {index} word {word}, the last store was {want}",
        )


from simulator.mm import vma as vma_tree  # noqa: E402
