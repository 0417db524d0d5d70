# SPDX-License-Identifier: MIT
"""O16 soft-dirty: a page was modified since clear_refs, and pagemap would not say so.

Pagemap says soft-dirty when the entry or its VMA does. So an entry that lets user code write
has the bit, or its VMA has VM_SOFTDIRTY (checked at the store); once stored to, the page
stays soft-dirty until clear_refs or the page's end (checked at pagemap and at the End); and
no CPU may go on writing through a translation of before clear_refs (checked when it returns).

`Mm.modified[va]` is what happened since the last clear_refs. Not covered: writes that Linux
does not track either, by devices, through pinned pages (clear_refs leaves them writable), or
to memory that was zapped after.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PTE_DIRTY,
    PTE_SOFT_DIRTY,
    PTE_WRITE,
    VM_SOFTDIRTY,
    Mm,
    Page,
    Vma,
)
from simulator.mm.pgtable import peek
from simulator.oracles import stale_tlb

if TYPE_CHECKING:
    from simulator.state import Kernel

UNMODIFIED: Final = 0
MODIFIED: Final = 1
EXEMPT: Final = 2  # pinned and writable without the bit when clear_refs came by


def stored(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """User code stored into `page`, which the tables map at `va`."""
    check(k, mm, va, page, mm.who[va])


def forced(k: "Kernel", mm: Mm, va: i64, page: Page, seen: i64) -> None:
    """/proc/self/mem did. GUP looks at the bit of the entry, which was `seen`, before it lets a
    write through. With mmap_lock held since, only who drops the entry takes the bit away: then
    the store is one to memory that was zapped."""
    if seen & PTE_SOFT_DIRTY and not peek(k, mm, va) & PTE_SOFT_DIRTY:
        return
    check(k, mm, va, page, sites.GET_USER_PAGES__RETRY)


def check(k: "Kernel", mm: Mm, va: i64, page: Page, culprit: i64) -> None:
    if mm.modified[va] == EXEMPT:
        return
    mm.modified[va] = MODIFIED
    if peek(k, mm, va) & PTE_SOFT_DIRTY:
        return
    vma = vma_lookup(mm, va)
    if vma is None or not tracked(mm, vma):
        return
    k.violate(
        "soft-dirty",
        culprit,
        k.class_of(page),
        f"a store to page {va} left no trace: neither its entry nor its VMA is soft-dirty",
    )


def tracked(mm: Mm, vma: Vma) -> bool:
    """Whether the entries alone must tell. Not while somebody rearranges the VMA."""
    return not vma.flags & VM_SOFTDIRTY and vma.lock_seq != mm.mm_lock_seq


def clear_refs_begins(mm: Mm) -> None:
    """All modifications are forgotten. Entries that show none stay so until it comes by."""
    for va in range(len(mm.modified)):
        if mm.modified[va] == MODIFIED:
            mm.modified[va] = UNMODIFIED


def entry_written(k: "Kernel", mm: Mm, va: i64, new: i64) -> None:
    """An entry that was soft-dirty comes back without the bit: only clear_refs may do that. Those
    that are taken out, to be changed, to be moved, or for good, are none."""
    has = new & PTE_SOFT_DIRTY
    had = mm.soft[va]
    if had == has:
        return
    mm.soft[va] = has
    if had and mm.modified[va] == MODIFIED:
        vma = vma_lookup(mm, va)
        if vma is not None and tracked(mm, vma):
            k.violate(
                "soft-dirty",
                k.cur.site,
                "pte",
                f"page {va} was modified since clear_refs, and its entry lost the soft-dirty bit",
            )


def cleared(mm: Mm, va: i64) -> None:
    """clear_refs has come by this entry; stores since it began may count or not."""
    mm.modified[va] = UNMODIFIED


def skipped(mm: Mm, va: i64, pte: i64) -> None:
    """clear_refs leaves a pinned page writable: stores to it need not show."""
    if not pte & PTE_SOFT_DIRTY:
        mm.modified[va] = EXEMPT


def clear_refs_returns(k: "Kernel", mm: Mm) -> None:
    """Everything is write-protected and flushed: no CPU may still store through a writable,
    dirty translation, for which the hardware asks no page table."""
    for s in mm.stale:
        if s.table is not None or s.zapped or not s.pte & PTE_WRITE or not s.pte & PTE_DIRTY:
            continue
        if not stale_tlb.active_cpus(k, mm, s.mask):
            continue
        pte = peek(k, mm, s.va)  # of a huge page, its first: all have the same
        vma = vma_lookup(mm, s.va)
        if pte >> PFN_SHIFT != s.pte >> PFN_SHIFT or pte & PTE_SOFT_DIRTY or vma is None:
            continue
        if not vma.flags & VM_SOFTDIRTY:
            k.violate(
                "soft-dirty",
                sites.CLEAR_REFS_WRITE__FLUSH,
                stale_tlb.object_class(k, s),
                f"clear_refs returned while a CPU can still store to page {s.va} through its "
                "old translation, which sets no soft-dirty bit",
            )


def reported(k: "Kernel", mm: Mm, va: i64, soft_dirty: bool) -> None:
    """Pagemap says whether page `va` is soft-dirty."""
    if mm.modified[va] == MODIFIED and not soft_dirty:
        k.violate(
            "soft-dirty",
            mm.who[va],
            "pte",
            f"page {va} was modified since clear_refs, and pagemap says that it was not",
        )


def audit(k: "Kernel", mm: Mm) -> None:
    """The End: what pagemap would say of every page that was modified."""
    for va in range(len(mm.modified)):
        if mm.modified[va] == MODIFIED and not peek(k, mm, va) & PTE_SOFT_DIRTY:
            vma = vma_lookup(mm, va)
            if vma is not None and not vma.flags & VM_SOFTDIRTY:
                reported(k, mm, va, False)


def zeroed(k: "Kernel", mm: Mm, va: i64) -> None:
    """A new page stands where other data, or none, was before: that is a modification, too, if the
    entry says so."""
    if peek(k, mm, va) & PTE_SOFT_DIRTY:
        mm.modified[va] = MODIFIED


def dropped(mm: Mm, va: i64) -> None:
    """The page is gone; what comes next starts anew."""
    mm.modified[va] = UNMODIFIED


def unmapped(vma: Vma) -> None:
    """The mapping is gone, with what the kernel itself had unmapped of it before."""
    mm = vma.mm
    assert mm is not None
    for va in range(vma.start, vma.end):
        mm.modified[va] = UNMODIFIED


def moved(mm: Mm, old_va: i64, new_va: i64) -> None:
    """mremap() moved the entry."""
    mm.modified[new_va] = mm.modified[old_va]
    mm.modified[old_va] = UNMODIFIED


def shared(parent: Mm, child: Mm, va: i64) -> None:
    """fork() copied the entry, soft-dirty bit included."""
    child.modified[va] = parent.modified[va]
