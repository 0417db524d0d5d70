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
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_PRESENT,
    PTE_WRITE,
    VM_ACCESS_FLAGS,
    VM_WRITE,
    Mm,
    Vma,
    is_device_pte,
    pte_present,
)
from simulator.mm.pgtable import next_entry, peek, pfn_to_page

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
                "permission",
                k.cur.site,
                "pte",
                f"page {va} is mapped with more rights than its VMA has",
            )
        va = next_entry(k, mm, va + 1, end)


def merging(k: "Kernel", a: i64, a_pgoff: i64, b: i64, b_pgoff: i64, new: bool) -> None:
    """Pages of ranges that become one VMA keep their offsets."""
    if a_pgoff - a != b_pgoff - b:
        site = sites.VMA_MERGE_EXISTING_RANGE__ITSELF
        if new:
            site = sites.VMA_MERGE_NEW_RANGE__ITSELF
        k.violate(
            "rmap",
            site,
            "vma",
            f"what is mapped at page {a} with offset {a_pgoff} is merged with page {b}, whose "
            f"offset is {b_pgoff}",
        )


def unlinking(k: "Kernel", vma: Vma) -> None:
    """A VMA leaves the rmap: whatever it maps must be found through another one."""
    mm = vma.mm
    assert mm is not None
    va = vma.start - 1
    while va + 1 < vma.end:
        va += 1
        table = mm.tables[va >> k.pmd_order]
        if (table is None or table.used == 0) and not mm.pmd[va >> k.pmd_order]:
            va |= k.ptrs_per_pte - 1
            continue
        pte = peek(k, mm, va)
        if not pte >> PFN_SHIFT or not (pte_present(pte) or is_device_pte(pte)):
            continue
        av = pfn_to_page(k, pte >> PFN_SHIFT).folio.anon_vma
        if av is None or not av.live:
            continue
        for other in av.vmas:
            if other is not vma and other.mm is mm and other.start <= va < other.end:
                break
        else:
            k.violate(
                "rmap",
                sites.UNMAP_REGION__ITSELF,
                "anon",
                f"VMA {vma.start}..{vma.end} left the rmap while page {va} is mapped",
            )


def copied(k: "Kernel", old: Vma, new: Vma) -> None:
    """mremap() is about to move what `old` maps into `new`: nobody may fault in either."""
    for vma in (old, new):
        mm = vma.mm
        if mm is not None and vma.lock_seq != mm.mm_lock_seq:
            k.violate(
                "state",
                sites.MOVE_VMA__ITSELF,
                "vma",
                f"mremap() moves pages of VMA {vma.start}..{vma.end}, which can still fault",
            )
    if old.anon_vma is not None and new.anon_vma is None:
        k.violate(
            "rmap",
            sites.VMA_EXPAND__DUP_ANON_VMA,
            "anon",
            f"pages of the VMA at page {old.start} move into one that their anon_vma does not know",
        )


def splitting(k: "Kernel", vma: Vma, new: Vma) -> None:
    """`vma` gives a part of its range to its copy: what was true of the whole is true of both."""
    if vma.flags != new.flags:
        k.violate(
            "state",
            sites.SPLIT_VMA__SET_RANGE,
            "vma",
            f"the parts of the VMA that is split at page {max(vma.start, new.start)} have other "
            "flags than each other",
        )


def grown(k: "Kernel", mm: Mm, vma: Vma) -> None:
    """`vma`, a stack, has got a new start."""
    if vma.start < mm.unmapping_end and vma.end > mm.unmapping_start:
        k.violate(
            "use-after-free",
            k.cur.site,
            "page-table",
            f"a stack grew to page {vma.start}, into pages {mm.unmapping_start}.."
            f"{mm.unmapping_end} that munmap() is still freeing",
        )
