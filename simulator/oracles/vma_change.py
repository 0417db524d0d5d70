# SPDX-License-Identifier: MIT
"""Promises about changes of VMAs, checked when the change is made: nobody has to suffer.

O18 permission: when mmap() or mprotect() has set a VMA's flags, no entry allows more.
O14 rmap: mremap() moves pages only to where their anon_vma can find them.
O13 use-after-free: munmap() frees pages and page tables of a range with mmap_lock downgraded;
nothing may grow into that range meanwhile.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm.mm_types import PTE_PRESENT, PTE_WRITE, VM_ACCESS_FLAGS, VM_WRITE, Mm, Vma
from simulator.mm.pgtable import next_entry, peek

if TYPE_CHECKING:
    from simulator.state import Kernel


def flags_set(k: "Kernel", mm: Mm, vma: Vma, start: i64, end: i64) -> None:
    """[start, end) has the flags of `vma` now; the culprit is who set them too late."""
    va = next_entry(k, mm, start, end)
    while va < end:
        pte = peek(k, mm, va)
        if (pte & PTE_WRITE and not vma.flags & VM_WRITE) or (
            pte & PTE_PRESENT and not vma.flags & VM_ACCESS_FLAGS
        ):
            k.violate(
                "permission", k.cur.site, "pte",
                f"page {va} is mapped with more rights than its VMA has",
            )
        va = next_entry(k, mm, va + 1, end)


def copied(k: "Kernel", old: Vma, new: Vma) -> None:
    """mremap() is about to move what `old` maps into `new`."""
    if old.anon_vma is not None and new.anon_vma is None:
        k.violate(
            "rmap", sites.VMA_EXPAND__DUP_ANON_VMA, "anon",
            f"pages of the VMA at page {old.start} move into one that their anon_vma does not "
            "know",
        )


def grown(k: "Kernel", mm: Mm, vma: Vma) -> None:
    """`vma`, a stack, has got a new start."""
    if vma.start < mm.unmapping_end and vma.end > mm.unmapping_start:
        k.violate(
            "use-after-free", k.cur.site, "page-table",
            f"a stack grew to page {vma.start}, into pages {mm.unmapping_start}.."
            f"{mm.unmapping_end} that munmap() is still freeing",
        )
