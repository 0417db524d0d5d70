# SPDX-License-Identifier: MIT
"""O7 uffd-missed: a page that userfaultfd waits for came without it.

While a VMA is registered for missing pages, only user space puts something where nothing is mapped,
by UFFDIO_COPY and its kin. Faults wait for that, and whoever else would fill a hole (khugepaged, a
driver's migration) backs off. Reported when the hole is filled, whoever touches the page then.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import VM_UFFD_MISSING, Mm

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
