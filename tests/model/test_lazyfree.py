# SPDX-License-Identifier: MIT
"""What MADV_FREE has given up and reclaim drops, and flushes that reclaim puts off."""

from simulator import ops
from simulator.mm import madvise
from simulator.mm.mm_types import PG_SWAPBACKED, is_swap_pte
from simulator.mm.pgtable import peek, pfn_to_page
from simulator.scenario import THP_ALWAYS, Config
from tests.model.run import Process, boot, results, run

SWAP = "config pmd_order=3 frames=64 swap=8\n"
FREED = SWAP + "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n3 T0 madvise 0..8 FREE\n"
UNMAPPED = "shrink_folio_list:pinned_unmapped#1"


def advise(p: Process, advice: int) -> None:
    assert madvise.do_madvise(p.k, p.mm, 0, 8, advice) == 0


def test_what_was_given_up_is_dropped_without_a_slot() -> None:
    p = boot(Config(swap=8))
    p.mmap(0, 8)
    p.write(3)
    advise(p, ops.MADV_FREE)
    advise(p, ops.MADV_PAGEOUT)
    assert peek(p.k, p.mm, 3) == 0
    assert (p.mm.rss_anon, p.mm.swapents, p.k.swap.used) == (0, 0, 0)
    assert p.read(3) == 0


def test_without_swap_nothing_is_given_up() -> None:
    p = boot()
    p.mmap(0, 8)
    p.write(3)
    advise(p, ops.MADV_FREE)
    advise(p, ops.MADV_PAGEOUT)
    assert p.read(3) == 1


def test_a_store_takes_it_back() -> None:
    p = boot(Config(swap=8))
    p.mmap(0, 8)
    p.write(3)
    advise(p, ops.MADV_FREE)
    p.write(3)
    advise(p, ops.MADV_PAGEOUT)
    folio = pfn_to_page(p.k, peek(p.k, p.mm, 3) >> 16).folio
    assert folio.flags & PG_SWAPBACKED  # not dropped, but put back
    advise(p, ops.MADV_PAGEOUT)
    assert is_swap_pte(peek(p.k, p.mm, 3))
    assert p.read(3) == 2


def test_a_store_while_it_is_unmapped_is_not_lost() -> None:
    assert (
        results(
            FREED
            + """
4 T0 madvise 0..8 PAGEOUT
5 T1 write 3
6 T0 read 3
@4 try_to_unmap_one:lock#1 -> T1
"""
        )[5]
        == 2
    )


def test_a_reference_keeps_it() -> None:
    assert (
        results(
            FREED
            + """
4 T0 vmsplice p0 3
5 T0 madvise 0..8 PAGEOUT
6 T0 read 3
7 T0 pipe_read p0
"""
        )[5]
        == 1
    )


def test_the_parent_gives_up_and_the_child_does_not() -> None:
    assert (
        results(
            SWAP
            + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T0 madvise 0..8 FREE
5 T1 read 3
6 T1 munmap 0..8
7 T0 madvise 0..8 PAGEOUT
"""
        )[4]
        == 1
    )


def test_a_huge_page_is_dropped_as_a_whole_or_kept() -> None:
    for stores, left in ((False, 0), (True, 8)):
        p = boot(Config(swap=16, thp=THP_ALWAYS))
        p.mmap(0, 8)
        p.write(3)
        advise(p, ops.MADV_FREE)
        if stores:
            p.write(5)
        advise(p, ops.MADV_PAGEOUT)
        assert p.mm.rss_anon == left
        assert p.read(5) == (2 if stores else 0)


def test_a_large_folio_is_dropped_by_its_page_table_entries() -> None:
    p = boot(Config(pmd_order=4, swap=16, thp=THP_ALWAYS, mthp=1 << 2))
    p.mmap(2, 14)
    p.write(5)
    assert madvise.do_madvise(p.k, p.mm, 4, 8, ops.MADV_FREE) == 0
    assert p.mm.rss_anon == 4
    assert madvise.do_madvise(p.k, p.mm, 4, 8, ops.MADV_PAGEOUT) == 0
    assert p.mm.rss_anon == 0


def test_droppable_memory_is_dropped_although_it_is_dirty() -> None:
    assert (
        results(
            SWAP
            + """
1 T0 mmap 0..8 rw private anon droppable
2 T0 write 3
3 T0 madvise 0..8 PAGEOUT
4 T0 read 3
"""
        )[3]
        == 0
    )


def test_flushes_are_put_off_until_pages_are_written_or_freed() -> None:
    text = (
        SWAP
        + """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 write 4
4 T1 read 3
5 T0 madvise 0..8 PAGEOUT
"""
    )
    outcome = run(text, trace=True)
    assert outcome.violation is None
    sites = [e.site for e in outcome.trace if e.uid == 5]
    flush = sites.index("arch_tlbbatch_flush:ipi")
    assert sites.index("set_tlb_ubc_flush_pending:pending") < flush
    assert flush < sites.index("swap_writepage:start_writeback")


def test_who_finds_entries_gone_flushes_before_he_promises() -> None:
    for call in ("mprotect 0..8 r", "madvise 0..8 DONTNEED", "mremap 2..6 to 16", "munmap 0..8"):
        text = (
            SWAP
            + f"""
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T2 write 3
4 T0 madvise 0..8 PAGEOUT
5 T1 {call}
@4 {UNMAPPED} -> T1
"""
        )
        outcome = run(text, trace=True)
        assert outcome.violation is None, (call, outcome.violation)
        flushed = [e.uid for e in outcome.trace if e.site == "flush_tlb_batched_pending:flushed"]
        assert flushed == [5], call
