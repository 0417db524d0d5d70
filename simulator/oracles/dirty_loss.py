# SPDX-License-Identifier: MIT
"""O6 dirty-loss: a page that was written to would count as clean, and could be dropped.

An entry's dirty bit goes where the entry goes: to what it is changed or moved to, to the migration
entry and back, or to the page (PG_dirty). MADV_FREE gives it up on purpose. Predictive: reported
when the entry is written that has lost it, for nothing here writes back or drops clean pages.
`Mm.dirty[va]` is the frame of a dirty entry that was taken out, until there is a new one.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import (
    PFN_SHIFT,
    PG_DIRTY,
    PTE_DIRTY,
    PTE_SPECIAL,
    VM_MAYSHARE,
    Mm,
    Page,
    is_device_private_pte,
    is_migration_pte,
    is_swap_pte,
)
from simulator.mm.pgtable import frame_text, peek, pfn_to_page

if TYPE_CHECKING:
    from simulator.state import Kernel


GIVEN_UP: Final = -1  # in `Mm.dirty`: whatever the next entry says is right


class Taken:
    """A dirty entry of a file's page that an actor has taken out under the lock it holds."""

    def __init__(self, mm: Mm, va: i64, page: Page, actor: i64, site: i64) -> None:
        self.mm: Mm = mm
        self.va: i64 = va
        self.page: Page = page
        self.actor: i64 = actor
        self.site: i64 = site


def entry_written(k: "Kernel", taken: list[Taken], mm: Mm, va: i64, old: i64, new: i64) -> None:
    """The entry of `va` was `old` and is `new`."""
    frame = mm.dirty[va]
    if frame == GIVEN_UP:
        if new:
            mm.dirty[va] = 0
        return
    if old & PTE_DIRTY:
        frame = old >> PFN_SHIFT
    elif old:
        frame = 0
    if new == 0:
        mm.dirty[va] = frame
        if frame:
            page = pfn_to_page(k, frame)
            if page.folio.inode is not None:
                taken.append(Taken(mm, va, page, k.cur.id, k.cur.site))
        return
    if frame == 0:
        return
    mm.dirty[va] = 0
    if new & (PTE_DIRTY | PTE_SPECIAL) or is_device_private_pte(new):
        return
    if is_swap_pte(new):
        lost(k, mm, va, pfn_to_page(k, frame), k.cur.site)
        return
    if new >> PFN_SHIFT == frame or is_migration_pte(old):
        lost(k, mm, va, pfn_to_page(k, new >> PFN_SHIFT), k.cur.site)


def lost(k: "Kernel", mm: Mm, va: i64, page: Page, culprit: i64) -> None:
    """An entry's dirty bit has gone: the page must have it. Through a private mapping nobody stores
    to a file, and a dirty bit says nothing: UFFDIO_CONTINUE sets it always."""
    vma = vma_lookup(mm, va)
    if page.folio.inode is not None and vma is not None and not vma.flags & VM_MAYSHARE:
        return
    if not page.folio.flags & PG_DIRTY:
        k.violate(
            "dirty-loss",
            culprit,
            k.class_of(page),
            f"the dirty bit of page {va} is lost: neither its entry nor "
            f"{frame_text(page.pfn)} has it",
        )


def moved(k: "Kernel", taken: list[Taken], mm: Mm, old_va: i64, new_va: i64) -> None:
    """mremap() has moved an entry."""
    frame = mm.dirty[old_va]
    mm.dirty[old_va] = 0
    for i in range(len(taken)):
        if taken[i].mm is mm and taken[i].va == old_va:
            del taken[i]
            break
    pte = peek(k, mm, new_va)
    if frame and pte >> PFN_SHIFT == frame and not pte & PTE_DIRTY:
        lost(k, mm, new_va, pfn_to_page(k, frame), k.cur.site)


def given_up(mm: Mm, va: i64) -> None:
    """The data at `va` is given up, or may be (MADV_FREE)."""
    mm.dirty[va] = GIVEN_UP


def lock_dropped(k: "Kernel", taken: list[Taken]) -> list[Taken]:
    """What the actor has taken out is back, or its page knows by now. Returns what others have."""
    kept: list[Taken] = []
    for each in taken:
        if each.actor != k.cur.id:
            kept.append(each)
        elif each.page.folio.live and each.page.folio.inode is not None:
            pte = peek(k, each.mm, each.va)
            if not pte & PTE_DIRTY or pte >> PFN_SHIFT != each.page.pfn:
                lost(k, each.mm, each.va, each.page, each.site)
                each.mm.dirty[each.va] = 0  # the page knows: what comes there next need not
    return kept
