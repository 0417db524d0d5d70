# SPDX-License-Identifier: MIT
"""O8 uffd-wp-bypass: a store to what userfaultfd has write-protected, without an event.

A page is protected from when UFFDIO_WRITEPROTECT (or UFFDIO_COPY) returns until user space ends
that, the page is given up or moved away, or a store passes on purpose (UFFD_FEATURE_WP_ASYNC).
Predictive: at the End each such page still has the bit, or a marker in its place. Not promised for
what GUP has let through before: a write to /proc/self/mem goes on with the page that it has found.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.lib.maple_tree import vma_lookup
from simulator.mm.mm_types import PTE_UFFD_WP, SWP_MARKER_UFFD_WP, VM_UFFD_WP, Mm, pte_kind
from simulator.mm.pgtable import peek

if TYPE_CHECKING:
    from simulator.state import Kernel


def has_bit(pte: i64) -> bool:
    return pte & PTE_UFFD_WP != 0 or pte_kind(pte) == SWP_MARKER_UFFD_WP


def protected(k: "Kernel", mm: Mm, start: i64, end: i64) -> None:
    """No CPU can store to what has the bit by now."""
    for va in range(start, end):
        if has_bit(peek(k, mm, va)):
            mm.uffd_wp[va] = 1


def unprotecting(mm: Mm, start: i64, end: i64) -> None:
    for va in range(start, end):
        mm.uffd_wp[va] = 0


def dropped(mm: Mm, va: i64) -> None:
    """What is mapped at `va` is given up. What a file has there stays protected."""
    vma = vma_lookup(mm, va)
    if vma is None or vma.inode is None or vma.flags & VM_UFFD_WP == 0:
        mm.uffd_wp[va] = 0


def stored(k: "Kernel", mm: Mm, va: i64) -> None:
    """A store has reached what is mapped at `va`, or was until a moment ago."""
    if mm.uffd_wp[va]:
        bypassed(k, mm, va, f"a store to page {va} has passed")


def audit(k: "Kernel", mm: Mm) -> None:
    """The End: who is protected still has the bit."""
    for va in range(k.nr_arena):
        if mm.uffd_wp[va] and not has_bit(peek(k, mm, va)):
            bypassed(k, mm, va, f"page {va} has lost")


def bypassed(k: "Kernel", mm: Mm, va: i64, what: str) -> None:
    vma = vma_lookup(mm, va)
    if vma is None or vma.flags & VM_UFFD_WP == 0:
        return
    k.violate(
        "uffd-wp-bypass",
        mm.who[va] or sites.OP__BEGIN,
        "anon" if vma.inode is None else "file",
        f"{what} the write protection that userfaultfd was promised",
    )
