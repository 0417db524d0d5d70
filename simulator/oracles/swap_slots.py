# SPDX-License-Identifier: MIT
"""O12 leak, O13 use-after-free, O6 dirty-loss and O4 anon-exclusive of swap: a slot's count is that
of the swap entries that stand for it; it is free when there is none and the swap cache has no folio
for it, and only then; what leaves the swap cache is what the slot holds, if anybody will ask.

Predictive. Counts change together with entries, under a page table lock: they are compared when one
is dropped and nobody else holds another, and at the End.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator.lock_classes import LC_PTL
from simulator.mm.mm_types import PG_DIRTY, PG_SWAPCACHE, PG_UPTODATE, Folio, Mm
from simulator.mm.pgtable import frame_text
from simulator.oracles.mapping import only_lock
from simulator.oracles.memory_value import LogicalPages
from simulator.scenario import WORDS_PER_PAGE

if TYPE_CHECKING:
    from simulator.state import Kernel


def entry_counted(k: "Kernel", slot: i64, n: i64) -> None:
    """There are more swap entries of the slot, or fewer."""
    si = k.swap
    si.entries[slot] += n
    si.changed_at[slot] = k.cur.site
    if slot not in si.recheck:
        si.recheck.append(slot)


def lock_dropped(k: "Kernel") -> None:
    """A page table lock is about to be dropped."""
    if not only_lock(k):
        return
    for slot in k.swap.recheck:
        compare(k, slot)
    k.swap.recheck = []
    for mm in k.mms:
        if mm.swapents != mm.nr_swap:
            miscounted(k, mm)


def compare(k: "Kernel", slot: i64) -> None:
    """The count of the slot and its entries."""
    si = k.swap
    if si.count[slot] > si.entries[slot]:
        k.violate(
            "leak",
            si.changed_at[slot],
            "swap",
            f"slot {slot} is counted {si.count[slot]} times, {si.entries[slot]} swap entries stand "
            "for it: it will never be free",
        )
    if si.count[slot] < si.entries[slot]:
        k.violate(
            "use-after-free",
            si.changed_at[slot],
            "swap",
            f"slot {slot} is counted {si.count[slot]} times, {si.entries[slot]} swap entries stand "
            "for it: it will be free too early",
        )


def miscounted(k: "Kernel", mm: Mm) -> None:
    """O19"""
    k.violate(
        "accounting",
        mm.entry_at,
        "mm",
        f"MM_SWAPENTS is {mm.swapents}, the page tables have {mm.nr_swap} swap entries",
    )


def exclusive(k: "Kernel", slot: i64) -> None:
    """A swap entry that calls its page exclusive is about to become a mapping
    (check_swap_exclusive())."""
    if k.swap.count[slot] != 1:
        k.violate(
            "anon-exclusive",
            k.swap.changed_at[slot],
            "swap",
            f"a swap entry says that its mm alone has the page in slot {slot}, which "
            f"{k.swap.count[slot]} entries stand for",
        )


def freed(k: "Kernel", slot: i64) -> None:
    """The slot has neither a count nor a folio. Who has let go of it, perhaps earlier, may still
    have to take his entry away before he drops the lock of its page table."""
    entries = k.swap.entries[slot]
    if entries == 0:
        return
    for t in k.tasks:
        if t.held[LC_PTL]:
            return
    k.violate(
        "use-after-free",
        k.swap.changed_at[slot],
        "swap",
        f"slot {slot} is free, and {entries} swap entries stand for it",
    )


def cache_removing(k: "Kernel", folio: Folio) -> None:
    """O6: a locked folio is about to leave the swap cache. Whoever faults on an entry of its slot
    will read it from there."""
    si = k.swap
    slot = folio.swap
    if si.count[slot] == 0:
        return
    words = folio.page.words
    for i in range(WORDS_PER_PAGE):
        if words[i] != si.words[slot * WORDS_PER_PAGE + i]:
            k.violate(
                "dirty-loss",
                k.cur.site,
                "anon",
                f"{frame_text(folio.pfn)} leaves the swap cache with {words[i]} in word {i}, slot "
                f"{slot} holds {si.words[slot * WORDS_PER_PAGE + i]}",
            )
    if folio.flags & PG_DIRTY:
        k.violate(
            "dirty-loss",
            k.cur.site,
            "anon",
            f"{frame_text(folio.pfn)} leaves the swap cache dirty, and slot {slot} is in use",
        )


def audit(k: "Kernel") -> None:
    """The End, nobody is at work: every slot."""
    si = k.swap
    used: i64 = 0
    for slot in range(1, si.max + 1):
        compare(k, slot)
        folio = si.folio[slot]
        if si.count[slot] or folio is not None:
            used += 1
        if folio is not None and (
            not folio.live or not folio.flags & PG_SWAPCACHE or folio.swap != slot
        ):
            k.violate(
                "state",
                si.changed_at[slot],
                "swap",
                f"the swap cache has {frame_text(folio.pfn)} for slot {slot}, which is not its",
            )
    if used != si.used:
        k.violate(
            "accounting",
            si.changed_at[1],
            "swap",
            f"{si.used} slots are counted as used, {used} are",
        )
    for mm in k.mms:
        if mm.swapents != mm.nr_swap:
            miscounted(k, mm)


def audit_entry(k: "Kernel", v: LogicalPages, mm: Mm, va: i64, slot: i64) -> None:
    """The End: what a fault on the entry at `va` would find (O5)."""
    folio = k.swap.folio[slot]
    if v.lazy[mm.shadow[va]]:
        return
    for i in range(WORDS_PER_PAGE):
        found = k.swap.words[slot * WORDS_PER_PAGE + i]
        if folio is not None and folio.flags & PG_UPTODATE:
            found = folio.page.words[i]
        want = v.word(mm.shadow[va], i)
        if found != want:
            k.violate(
                "memory-value",
                mm.who[va],
                "anon",
                f"page {va} ends in slot {slot} with {found} in word {i}, the last store was "
                f"{want}",
            )


def device_gone(k: "Kernel") -> None:
    """O13: swapoff() has let go of the device, and whoever counts on a slot finds nothing. Who zaps
    an entry gives its slot up first."""
    si = k.swap
    for slot in range(1, si.max + 1):
        if si.count[slot] or si.folio[slot] is not None:
            k.violate(
                "use-after-free",
                k.cur.site,
                "swap",
                f"the swap device is gone, and slot {slot} is in use",
            )


def after_exit(k: "Kernel") -> None:
    """All processes have exited: no slot is in use."""
    si = k.swap
    for slot in range(1, si.max + 1):
        if si.count[slot] or si.folio[slot] is not None:
            k.violate("leak", si.changed_at[slot], "swap", f"slot {slot} is left in use")
