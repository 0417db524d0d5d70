# SPDX-License-Identifier: MIT
"""O7 uffd-missed: a page that userfaultfd waits for came without it.

While a VMA is registered for missing pages, only user space puts something where nothing is mapped,
by UFFDIO_COPY and its kin. Faults wait for that, and whoever else would fill a hole (khugepaged, a
driver's migration) backs off. Reported when the hole is filled, whoever touches the page then.

A collapse fills holes of a file under the lock of its page cache. Lookups see no hole any more from
when there is a retry entry, so a VMA that is registered later may be passed over: its user cannot
tell this from a collapse that came first. One that was registered before may not.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.lib import xarray
from simulator.lib.maple_tree import vma_lookup
from simulator.mm.filemap import eof_pages
from simulator.mm.mm_types import VM_UFFD_MISSING, Awaited, Folio, Inode, Mm, Vma
from simulator.mm.pgtable import frame_text, peek

if TYPE_CHECKING:
    from simulator.state import Kernel


def hole_filled(k: "Kernel", mm: Mm, va: i64) -> None:
    """The kernel has put a page of its own where nothing was."""
    vma = vma_lookup(mm, va)
    if vma is not None and vma.flags & VM_UFFD_MISSING:
        k.violate(
            "uffd-missed",
            k.cur.site,
            "anon" if vma.inode is None else "file",
            f"page {va} was missing in a VMA whose missing pages user space resolves, and is there "
            "without an event",
        )


def hidden(k: "Kernel", inode: Inode, index: i64) -> None:
    """Nobody sees the hole at `index` any more. Who is registered by now may have."""
    if len(inode.i_pages.retry) == 1:  # the first of a collapse
        inode.awaited.clear()
    if index >= eof_pages(inode):
        return  # faults there are SIGBUS
    for vma in inode.i_mmap:
        va = vma.start + index - vma.pgoff
        if vma.flags & VM_UFFD_MISSING and vma.start <= va < vma.end:
            mm = vma.mm
            assert mm is not None
            inode.awaited.append(Awaited(mm, va, index))


def registering(vma: Vma, modes: i64) -> None:
    """What is not registered awaits nothing, also if it is registered again later."""
    inode = vma.inode
    if inode is None or not inode.awaited or modes & VM_UFFD_MISSING:
        return
    mm = vma.mm
    inode.awaited = [
        each for each in inode.awaited if each.mm is not mm or not vma.start <= each.va < vma.end
    ]


def replacing(k: "Kernel", inode: Inode, folio: Folio) -> None:
    """A folio takes the place of what the cache has, and of hidden holes."""
    for each in inode.awaited:
        if not xarray.is_retry(inode.i_pages, each.index):
            continue
        vma = vma_lookup(each.mm, each.va)
        if vma is None or vma.inode is not inode or vma.flags & VM_UFFD_MISSING == 0:
            continue
        if vma.start + each.index - vma.pgoff != each.va or peek(k, each.mm, each.va):
            continue
        k.violate(
            "uffd-missed",
            k.cur.site,
            "file",
            f"page {each.index} of a file is a hole that page {each.va} of a VMA waits for, and "
            f"{frame_text(folio.pfn)} fills it without an event",
        )
