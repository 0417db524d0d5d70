# SPDX-License-Identifier: MIT
"""Anonymous pages out to swap and back: what is kept, who shares, who is first, when it is full."""

from simulator import ops
from simulator.mm import madvise
from simulator.mm.mm_types import (
    PG_ANON_EXCLUSIVE,
    PG_SWAPCACHE,
    PTE_SOFT_DIRTY,
    PTE_SWP_EXCLUSIVE,
    PTE_WRITE,
    is_swap_pte,
    swp_offset,
)
from simulator.mm.pgtable import peek, pfn_to_page
from simulator.scenario import SWAP_ZRAM, THP_ALWAYS, Config
from tests.model.run import Process, boot, results, run

SWAP = "config pmd_order=3 frames=64 swap=8\n"
OUT = SWAP + "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n3 T0 madvise 0..8 PAGEOUT\n"


def pageout(p: Process, start: int, end: int) -> int:
    return madvise.do_madvise(p.k, p.mm, start, end, ops.MADV_PAGEOUT)


def swapping(device: int = 0, slots: int = 8) -> Process:
    p = boot(Config(swap=slots, swap_device=device))
    p.mmap(0, 8)
    return p


def test_a_page_that_goes_out_leaves_its_frame_and_keeps_its_data() -> None:
    p = swapping()
    p.write(3)
    frames = len(p.k.frames.free)
    assert pageout(p, 0, 8) == 0
    pte = peek(p.k, p.mm, 3)
    assert is_swap_pte(pte)
    assert pte & (PTE_SWP_EXCLUSIVE | PTE_SOFT_DIRTY) == PTE_SWP_EXCLUSIVE | PTE_SOFT_DIRTY
    assert p.k.swap.count[swp_offset(pte)] == 1
    assert (p.mm.rss_anon, p.mm.swapents) == (0, 1)
    assert len(p.k.frames.free) == frames + 1
    assert p.read(3) == 1
    assert (p.mm.rss_anon, p.mm.swapents) == (1, 0)


def test_what_was_exclusive_is_so_again_and_needs_no_copy() -> None:
    p = swapping()
    p.write(3)
    pageout(p, 0, 8)
    p.read(3)
    pte = peek(p.k, p.mm, 3)
    page = pfn_to_page(p.k, pte >> 16)
    assert pte & PTE_WRITE
    assert page.flags & PG_ANON_EXCLUSIVE
    assert page.folio.flags & PG_SWAPCACHE  # a read leaves the slot as it is
    p.write(3)
    assert pfn_to_page(p.k, peek(p.k, p.mm, 3) >> 16) is page


def test_a_zram_frees_its_slot_at_once_and_a_disk_keeps_it() -> None:
    for device, left in ((0, 1), (SWAP_ZRAM, 0)):
        p = swapping(device)
        p.write(3)
        pageout(p, 0, 8)
        p.read(3)
        assert p.k.swap.used == left


def test_a_page_alone_in_its_slot_frees_it_for_a_store_and_when_slots_are_few() -> None:
    assert results(
        OUT
        + """
4 T0 fork T1
5 T1 madvise 0..8 DONTNEED
6 T0 write 3
7 T0 read 3
"""
    )[5:] == [0, 2]
    p = swapping(slots=1)
    p.write(3)
    pageout(p, 0, 8)
    p.read(3)
    assert p.k.swap.used == 0


def test_a_clean_page_that_has_its_slot_still_is_not_written_again() -> None:
    outcome = run(OUT + "4 T0 read 3\n5 T0 madvise 0..8 PAGEOUT\n6 T0 read 3\n", trace=True)
    assert outcome.violation is None
    written = [e for e in outcome.trace if "swap_writepage:word" in e.site]
    assert {e.uid for e in written} == {3}


def test_parent_and_child_share_a_slot_and_copy_what_they_write() -> None:
    assert results(
        OUT
        + """
4 T0 fork T1
5 T0 read 3
6 T1 write 3
7 T0 read 3
8 T1 read 3
9 T0 write 3
10 T1 read 3
11 T0 read 3
"""
    )[4:] == [1, 0, 1, 2, 0, 2, 3]


def test_entries_move_are_zapped_and_freed_like_pages() -> None:
    assert results(
        OUT
        + """
4 T0 mremap 0..8 to 16
5 T0 read 19
6 T0 madvise 16..24 PAGEOUT
7 T0 madvise 16..24 FREE
8 T0 read 19
9 T0 write 20
10 T0 madvise 16..24 PAGEOUT
11 T0 munmap 16..24
"""
    )[4:8] == [1, 0, 0, 0]


def test_mprotect_of_a_swapped_page_holds_when_it_is_back() -> None:
    assert results(
        OUT
        + """
4 T0 mprotect 0..8 r
5 T0 read 3
6 T0 write 3
"""
    )[3:] == [0, 1, "SIGSEGV"]


def test_mincore_and_pagemap_tell_where_a_page_is() -> None:
    assert results(
        OUT
        + """
4 T0 mincore 0..8
5 T0 madvise 0..8 WILLNEED
6 T0 mincore 0..8
7 T0 read 3
"""
    )[3:] == [0, 0, 1, 1]
    swapped = run(OUT + "4 T0 pagemap 3\n").results[3]
    assert swapped & 1 << 7  # PM_SWAP


def test_pages_stay_when_swap_is_full_or_somebody_else_maps_them() -> None:
    p = swapping(slots=2)
    for va in range(4):
        p.write(va)
    pageout(p, 0, 8)
    assert p.mm.swapents == 2
    assert p.mm.rss_anon == 2
    assert (
        results(
            SWAP
            + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T0 madvise 0..8 PAGEOUT
5 T0 mincore 3..4
"""
        )[4]
        == 1
    )


def test_pinned_pages_are_left_alone() -> None:
    assert results(
        SWAP
        + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 pin p0 3 w
4 T0 madvise 0..8 PAGEOUT
5 T0 mincore 3..4
6 T0 unpin p0
7 T0 madvise 0..8 PAGEOUT
8 T0 mincore 3..4
"""
    )[4:] == [1, 0, 0, 0]


def test_a_huge_page_goes_out_page_by_page() -> None:
    p = boot(Config(swap=8, thp=THP_ALWAYS))
    p.mmap(0, 8)
    p.write(3)
    pageout(p, 0, 8)
    assert p.mm.rss_anon + p.mm.swapents >= 1
    assert p.mm.swapents >= 1  # what holds zeroes alone may be the zero page now
    assert p.read(3) == 1


def test_who_faults_while_another_reads_the_page_waits_for_it() -> None:
    text = (
        SWAP
        + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T0 read 3
5 T1 read 3
@4 swap_read_folio:word#2 -> T1
"""
    )
    assert results(text)[3:] == [1, 1]


def test_a_fault_finds_a_page_that_is_being_written_and_its_store_is_kept() -> None:
    for device in ("", " swap_device=zram"):
        text = (
            f"config pmd_order=3 frames=64 swap=8{device}"
            + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T1 write 3
5 T0 madvise 0..8 PAGEOUT
6 T0 read 3
@3 swap_writepage:word#2 -> T1
"""
        )
        assert results(text)[5] == 2


def test_a_page_that_was_zapped_while_it_was_written_is_let_go() -> None:
    assert (
        results(
            SWAP
            + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T1 madvise 0..8 DONTNEED
5 T0 read 3
@3 swap_writepage:word#2 -> T1
"""
        )[4]
        == 0
    )


def test_userfaultfd_protection_survives_swap() -> None:
    assert (
        results(
            SWAP
            + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 userfaultfd u0 wp-async
4 T0 uffd_register u0 0..8 wp
5 T0 uffd_writeprotect u0 0..8 wp
6 T0 madvise 0..8 PAGEOUT
7 T0 read 3
8 T0 pagemap 3
"""
        )[6]
        == 1
    )


def test_swapoff_gives_all_pages_back_and_the_device_goes() -> None:
    assert results(
        OUT
        + """
4 T0 fork T1
5 T0 swapoff
6 T0 pagemap 3
7 T0 read 3
8 T1 write 3
9 T0 read 3
10 T0 madvise 0..8 PAGEOUT
11 T0 mincore 3..4
12 T0 swapoff
"""
    )[4:] == [0, 129 ^ 128 ^ 256, 1, 0, 1, 0, 1, "EINVAL"]


def test_swapoff_without_swap_is_refused() -> None:
    assert results("1 T0 mmap 0..8 rw private anon\n2 T0 swapoff\n") == [0, "EINVAL"]


def test_swapoff_meets_fork_and_exit() -> None:
    for other in ("5 T1 fork T2\n", "5 T1 exit\n"):
        outcome = run(OUT + "4 T0 swapoff\n" + other + "@4 unuse_pte_range:read_pte#4 -> T1\n")
        assert outcome.violation is None
        assert outcome.results[3] == 0


def test_swapoff_waits_for_who_uses_the_device() -> None:
    text = OUT + "4 T1 read 3\n5 T0 swapoff\n6 T0 read 3\n@4 swap_read_folio:word#2 -> T0\n"
    assert results(text)[3:] == [1, 0, 1]
