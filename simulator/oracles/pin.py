# SPDX-License-Identifier: MIT
"""O17 pin: a pinned page is the page mapped there; and what a reference may see.

A FOLL_PIN reference to an anonymous page is reliable: the page is exclusive when the pin is
taken and stays so, and it stays mapped where it was until the range is given up on purpose.
A FOLL_GET reference of another process (a pipe) must not see what is stored after the
processes parted. Predictive: reported when another page is installed, exclusivity is lost, or
the store happens, not when the device or the reader notices.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm.mm_types import (
    PFN_SHIFT, PG_ANON_EXCLUSIVE, Mm, Page, is_device_private_pte, pte_present,
)
from simulator.mm.pgtable import peek

if TYPE_CHECKING:
    from simulator.mm.pins import Pin
    from simulator.state import Kernel


def taken(k: "Kernel", p: "Pin") -> None:
    """A pin has just been taken (sanity_check_pinned_pages())."""
    page = p.page
    assert page is not None
    if p.kind != 1 or page.anon_vma is None:
        return
    if not page.flags & PG_ANON_EXCLUSIVE:
        k.violate(
            "pin", k.cur.site, "anon",
            f"page {p.va} was pinned although frame {page.pfn} is not exclusive",
        )


def recheck(k: "Kernel", page: Page) -> None:
    """The mapping of a pinned page changed under the lock that is being dropped."""
    if not k.open_pins or page.anon_vma is None:
        return
    for p in k.pins:
        if p.valid and p.page is page and not page.flags & PG_ANON_EXCLUSIVE:
            k.violate(
                "pin", k.cur.site, "anon",
                f"frame {page.pfn} lost its exclusivity while it is pinned",
            )


def installed(k: "Kernel", mm: Mm, va: i64, pte: i64, who: i64) -> None:
    """An entry was written at `va`: it must not map another page than the pinned one."""
    if not pte or not (pte_present(pte) or is_device_private_pte(pte)):
        return
    for p in k.pins:
        page = p.page
        if p.valid and p.mm is mm and p.va == va and page is not None:
            if pte >> PFN_SHIFT != page.pfn:
                k.violate(
                    "pin", who, "anon",
                    f"page {va} is pinned to frame {page.pfn} and now maps frame "
                    f"{pte >> PFN_SHIFT}",
                )


def dropped(k: "Kernel", mm: Mm, va: i64) -> None:
    """The range was given up: the pin no longer promises anything."""
    for p in k.pins:
        if p.valid and p.mm is mm and p.va == va:
            p.valid = False


def moved(k: "Kernel", mm: Mm, old_va: i64, new_va: i64) -> None:
    """mremap() moved the entry."""
    for p in k.pins:
        if p.valid and p.mm is mm and p.va == old_va:
            p.va = new_va


def dma_loaded(k: "Kernel", p: "Pin", page: Page, word: i64, value: i64) -> None:
    """The device sees what the process stored last."""
    mm = p.mm
    if not p.valid or mm is None:
        return
    pte = peek(k, mm, p.va)
    if pte_present(pte) and pte >> PFN_SHIFT != page.pfn:
        k.violate(
            "pin", k.last_writer(mm, p.va), "anon",
            f"the device reads frame {page.pfn}, page {p.va} maps frame {pte >> PFN_SHIFT}",
        )


def stored(k: "Kernel", mm: Mm, va: i64, page: Page, who: i64) -> None:
    """A store reached `page`: a reader in another process must not see it."""
    if page.anon_vma is None:
        return
    for p in k.pins:
        if p.kind == 2 and p.page is page and p.mm is not mm:
            k.violate(
                "pin", who, "anon",
                f"a store of mm{mm.id} to page {va} reached frame {page.pfn}, which a pipe of "
                "another process holds",
            )


def pipe_loaded(k: "Kernel", p: "Pin", page: Page, word: i64, value: i64) -> None:
    """The reader sees the words of then, or later stores of its own process."""
    mm = p.mm
    if not p.was_anon or mm is None or value == p.seen[word]:
        return
    if page.inode is None and k.token_mm[value] != mm.id:
        k.violate(
            "memory-value", k.cur.site, "anon",
            f"the pipe holds a word that mm{k.token_mm[value]} stored after the page was taken",
        )
