# SPDX-License-Identifier: MIT
"""Reclaim that chooses for itself: kswapd, and who needs memory."""

from simulator.mm import kswapd, swap, vmscan
from simulator.mm.mm_types import is_swap_pte
from simulator.mm.pgtable import peek
from simulator.scenario import Config
from tests.model.run import Process, boot, results

SWAP = "config pmd_order=3 frames=64 swap=8\n"


def swapping(frames: int = 64, slots: int = 8) -> Process:
    p = boot(Config(frames=frames, swap=slots))
    p.mmap(0, 8)
    return p


def test_what_was_used_comes_second() -> None:
    p = swapping()
    p.write(3)
    for freed in (0, 1):
        swap.lru_add_drain(p.k)
        assert vmscan.shrink_inactive_list(p.k, kswapd.isolate_lru_folios(p.k, 8)) == freed
    assert is_swap_pte(peek(p.k, p.mm, 3))
    p.read(3)
    assert vmscan.balance_pgdat(p.k, 8) == 0
    assert is_swap_pte(peek(p.k, p.mm, 3))


def test_kswapd_takes_no_more_than_it_is_asked_for() -> None:
    p = swapping()
    for va in range(6):
        p.write(va)
    vmscan.balance_pgdat(p.k, 2)
    assert p.mm.swapents == 2


def test_without_swap_there_is_nothing_for_it() -> None:
    p = boot()
    p.mmap(0, 8)
    p.write(3)
    assert vmscan.balance_pgdat(p.k, 8) == 0
    assert p.mm.rss_anon == 1


def test_a_fault_that_finds_no_memory_takes_some_back() -> None:
    p = swapping(frames=4)
    for va in range(8):
        assert p.write(va) == 0
    assert p.mm.rss_anon + p.mm.swapents == 8
    assert p.mm.swapents >= 4
    for va in (7, 6):
        assert p.read(va) == va + 1


def test_both_mms_of_a_shared_page_get_swap_entries_and_find_it_again() -> None:
    assert results(
        SWAP
        + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 KSWAPD reclaim 8
5 T0 pagemap 3
6 T1 pagemap 3
7 T0 read 3
8 T1 write 3
9 T0 read 3
"""
    )[6:] == [1, 0, 1]


def test_locked_memory_stays() -> None:
    assert (
        results(
            SWAP
            + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mlock 0..8
4 KSWAPD reclaim 8
5 T0 mincore 3..4
"""
        )[4]
        == 1
    )


def test_kswapd_meets_a_process_that_exits() -> None:
    assert (
        results(
            SWAP
            + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 KSWAPD reclaim 8
5 T1 exit
6 T0 read 3
@4 folio_lock_anon_vma_read:mapped#2 -> T1
"""
        )[5]
        == 1
    )
