# SPDX-License-Identifier: MIT
"""Mistakes on the way to swap and back: what the oracles of slots, data and flushes say of them."""

from typing import Final

from simulator.kernel import swapoff
from simulator.mm import (
    copy_page_range,
    page_io,
    swap_state,
    swapfile,
    swapin,
    tlb_batch,
    try_to_unmap,
    unmap_lazyfree,
    zap,
)
from simulator.mm.mm_types import (
    MM_SWAPENTS,
    PG_DIRTY,
    PG_UPTODATE,
    PTE_DIRTY,
    PTE_SOFT_DIRTY,
    REF_TEMP,
    Folio,
    Mm,
    PageTable,
    Vma,
    add_mm_counter,
    swp_offset,
)
from simulator.mm.page_ref import folio_get
from simulator.mm.pgtable import set_pte_at
from simulator.sched.lock import mutex_unlock
from simulator.state import Kernel
from tests.model.broken import Pair, Patch

OUT: Final = (
    "config pmd_order=3 frames=64 swap=8\n1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
    "3 T0 madvise 0..8 PAGEOUT\n"
)


def swap_in_forgets_the_slot(patch: Patch) -> None:
    def put(k: Kernel, slot: int, reclaim_cache: bool) -> None:
        if reclaim_cache:
            original(k, slot, reclaim_cache)

    original = swapfile.swap_put
    patch.set(swapfile, "swap_put", put)


def zaps_put_twice(patch: Patch) -> None:
    def zap_entry(k: Kernel, mm: Mm, table: PageTable, va: int, pte: int, flags: int) -> None:
        k.swap.count[swp_offset(pte)] -= 1
        original(k, mm, table, va, pte, flags)

    original = zap.zap_swap_entry
    patch.set(zap, "zap_swap_entry", zap_entry)


def unmaps_do_not_flush(patch: Patch) -> None:
    patch.set(tlb_batch, "try_to_unmap_flush", lambda k: None)
    patch.set(tlb_batch, "try_to_unmap_flush_dirty", lambda k: None)


def unmaps_lose_dirty(patch: Patch) -> None:
    patch.result(try_to_unmap, "ptep_get_and_clear", lambda pte, *_: pte & ~PTE_DIRTY)


def nothing_is_written(patch: Patch) -> None:
    def writeout(k: Kernel, folio: Folio) -> None:
        mutex_unlock(k, folio.lock)

    patch.set(page_io, "swap_writeout", writeout)


def slots_are_given_up_while_in_use(patch: Patch) -> None:
    def free_swap(k: Kernel, folio: Folio) -> bool:
        if not swapfile.folio_swapcache_freeable(folio):
            return False
        swap_state.swap_cache_del_folio(k, folio)
        folio.flags |= PG_DIRTY
        return True

    patch.set(swapfile, "folio_free_swap", free_swap)


def fork_does_not_count_swap_entries(patch: Patch) -> None:
    def add(mm: Mm, member: int, pages: int) -> None:
        if member != MM_SWAPENTS:
            original(mm, member, pages)

    original = add_mm_counter
    patch.set(copy_page_range, "add_mm_counter", add)


def what_is_read_is_not_waited_for(patch: Patch) -> None:
    def read(k: Kernel, folio: Folio) -> None:
        folio.flags |= PG_UPTODATE
        mutex_unlock(k, folio.lock)

    patch.set(page_io, "swap_read_folio", read)


def unmaps_forget_soft_dirty(patch: Patch) -> None:
    def set_pte(k: Kernel, mm: Mm, table: PageTable, va: int, pte: int) -> None:
        original(k, mm, table, va, pte & ~PTE_SOFT_DIRTY)

    original = set_pte_at
    patch.set(try_to_unmap, "set_pte_at", set_pte)


def swap_in_keeps_a_reference(patch: Patch) -> None:
    def swapin_folio(k: Kernel, slot: int) -> Folio | None:
        folio: Folio | None = original(k, slot)
        if folio is not None:
            folio_get(k, folio, REF_TEMP)
        return folio

    original = swapin.swapin_folio
    patch.set(swapin, "swapin_folio", swapin_folio)


def reclaim_drops_what_is_dirty(patch: Patch) -> None:
    def may_discard(k: Kernel, folio: Folio, vma: Vma) -> bool:
        folio.flags &= ~PG_DIRTY
        return bool(original(k, folio, vma))

    original = unmap_lazyfree.may_discard
    patch.set(unmap_lazyfree, "may_discard", may_discard)


def swapoff_leaves_entries(patch: Patch) -> None:
    patch.set(swapoff, "try_to_unuse", lambda k: 0)


def mprotect_leaves_what_was_put_off(patch: Patch) -> None:
    def pending(k: Kernel, mm: Mm) -> None:
        mm.tlb_flushed = mm.tlb_batched

    patch.set(tlb_batch, "flush_tlb_batched_pending", pending)


PAIRS: Final = (
    Pair(
        "swap-lazyfree",
        "dirty-loss try_to_unmap_one anon",
        "config pmd_order=3 frames=64 swap=8\n1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
        "3 T0 madvise 0..8 FREE\n4 T0 write 3\n5 T0 madvise 0..8 PAGEOUT\n",
        reclaim_drops_what_is_dirty,
    ),
    Pair("swap-off", "use-after-free swapoff swap", OUT + "4 T0 swapoff\n", swapoff_leaves_entries),
    Pair(
        "swap-put-off",
        "stale-tlb try_to_unmap_one anon",
        "config pmd_order=3 frames=64 swap=8\n1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n"
        "3 T0 madvise 0..1 WILLNEED\n4 T1 write 0\n5 KSWAPD reclaim 8\n6 T0 mprotect 0..1 r\n"
        "@5 shrink_folio_list:pinned_unmapped#1 -> T0\n",
        mprotect_leaves_what_was_put_off,
    ),
    Pair("swap-leak", "leak do_swap_page swap", OUT + "4 T0 read 3\n", swap_in_forgets_the_slot),
    Pair(
        "swap-put-twice",
        "use-after-free zap_pte_range swap",
        OUT + "4 T0 madvise 0..8 DONTNEED\n",
        zaps_put_twice,
    ),
    Pair(
        "swap-unflushed",
        "stale-tlb try_to_unmap_one anon",
        "config pmd_order=3 frames=64 swap=8\n1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
        "3 T1 write 3\n4 T0 madvise 0..8 PAGEOUT\n",
        unmaps_do_not_flush,
    ),
    Pair(
        "swap-dirty",
        "dirty-loss try_to_unmap_one anon",
        OUT + "4 T0 read 3\n5 T0 write 3\n6 T0 madvise 0..8 PAGEOUT\n",
        unmaps_lose_dirty,
    ),
    Pair("swap-unwritten", "dirty-loss remove_mapping anon", OUT, nothing_is_written),
    Pair(
        "swap-free-in-use",
        "dirty-loss swap_cache_del_folio anon",
        OUT + "4 T0 fork T1\n5 T0 read 3\n6 T0 write 3\n",
        slots_are_given_up_while_in_use,
    ),
    Pair(
        "swap-entries",
        "accounting copy_nonpresent_pte mm",
        OUT + "4 T0 fork T1\n",
        fork_does_not_count_swap_entries,
    ),
    Pair(
        "swap-unread",
        "memory-value do_swap_page anon",
        OUT + "4 T0 write 4\n5 T0 read 3\n",
        what_is_read_is_not_waited_for,
    ),
    Pair(
        "swap-soft-dirty",
        "soft-dirty try_to_unmap_one pte",
        "config pmd_order=3 frames=64 swap=8\n1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
        "3 T0 clear_refs soft-dirty\n4 T0 write 3\n5 T0 madvise 0..8 PAGEOUT\n",
        unmaps_forget_soft_dirty,
    ),
    Pair(
        "swap-reference",
        "leak swap_cache_alloc anon",
        OUT + "4 T0 read 3\n",
        swap_in_keeps_a_reference,
    ),
)
