# SPDX-License-Identifier: MIT
"""O16 soft-dirty: a page was modified since clear_refs, and its soft-dirty bit is clear.

Checked at the store itself: the entry that let it through has the bit, or its VMA reports
everything as soft-dirty. (x86 sets the bit in the fault that makes the entry writable.)
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.mm.mm_types import PTE_SOFT_DIRTY, VM_SOFTDIRTY, Mm, Page
from simulator.mm.pgtable import peek

if TYPE_CHECKING:
    from simulator.state import Kernel


def stored(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """A user store through the current tables has succeeded."""
    if peek(k, mm, va) & PTE_SOFT_DIRTY:
        return
    vma = vma_tree.vma_lookup(mm, va)
    if vma is None or vma.flags & VM_SOFTDIRTY or vma.lock_seq == mm.mm_lock_seq:
        return
    if mm.soft_dirty_clearing:
        return  # clear_refs has not returned: either order is legal
    k.violate(
        "soft-dirty", k.last_writer(mm, va), k.class_of(page),
        f"a store to page {va} succeeded and its entry is not soft-dirty",
    )


def still_writable(k: "Kernel", mm: Mm) -> None:
    """clear_refs returns: no CPU may go on writing through a translation of before."""
    since = k.cur.began_seq
    for s in mm.stale:
        if s.pte & 2 and s.table is None and s.seq > since and s.owner == k.cur.id:
            if stale_tlb.active_cpus(k, mm, s.mask):
                k.violate(
                    "soft-dirty", s.who, stale_tlb.object_class(k, s),
                    f"clear_refs returned while a CPU can still write page {s.va} through its "
                    "old translation",
                )


from simulator.mm import vma as vma_tree  # noqa: E402
from simulator.oracles import stale_tlb  # noqa: E402
