# SPDX-License-Identifier: MIT
"""madvise(): each advice, errors and their order, races."""

from errno import EINVAL, ENOMEM

import pytest

from simulator import ops
from simulator.mm import madvise
from simulator.mm.mm_types import PTE_DIRTY, PTE_YOUNG, VM_DONTCOPY, VM_DONTDUMP, VM_WIPEONFORK
from simulator.mm.pgtable import peek
from simulator.scenario import Config
from tests.model.run import NONE, Process, boot, results, run


def advise(p: Process, start: int, end: int, advice: int) -> int:
    return madvise.do_madvise(p.k, p.mm, start, end, advice)


def test_dontneed_gives_zeroes_and_goes_on_past_holes() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 6..8 rw private anon
3 T0 write 1
4 T0 write 6
5 T0 madvise 0..8 DONTNEED
6 T0 read 1
7 T0 read 6
""") == [0, 6, 0, 0, "ENOMEM", 0, 0]


def test_dontneed_frees_page_tables_that_become_empty() -> None:
    p = boot()
    p.mmap(0, 16)
    p.write(1)
    p.write(9)
    advise(p, 0, 8, ops.MADV_DONTNEED)
    assert p.mm.tables[0] is None
    advise(p, 9, 10, ops.MADV_DONTNEED)
    assert p.mm.tables[1] is not None  # not all of it was in the range


def test_dontneed_frees_page_tables_when_it_had_to_flush_on_the_way() -> None:
    p = boot(Config(gather_batch=4))
    p.mmap(0, 16)
    advise(p, 0, 16, ops.MADV_POPULATE_WRITE)
    advise(p, 0, 8, ops.MADV_DONTNEED)
    assert p.mm.tables[0] is None
    advise(p, 10, 11, ops.MADV_GUARD_INSTALL)
    advise(p, 8, 16, ops.MADV_DONTNEED)
    assert p.mm.tables[1] is not None  # a guard region is left in it


def test_free_cleans_entries_and_keeps_data_without_reclaim() -> None:
    p = boot()
    p.mmap(0, 4)
    p.write(1)
    assert peek(p.k, p.mm, 1) & PTE_DIRTY
    assert advise(p, 0, 4, ops.MADV_FREE) == 0
    assert not peek(p.k, p.mm, 1) & PTE_DIRTY
    assert p.read(1) == 1
    p.mmap(8, 12, shared=True)
    assert advise(p, 8, 12, ops.MADV_FREE) == -EINVAL


def test_populate_says_what_kept_it_from_populating() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(4, 8, 1)
    p.mmap(8, 12, NONE)
    assert advise(p, 0, 4, ops.MADV_POPULATE_WRITE) == 0
    assert p.mm.rss_anon == 4
    assert advise(p, 0, 8, ops.MADV_POPULATE_READ) == 0
    assert advise(p, 4, 8, ops.MADV_POPULATE_WRITE) == -EINVAL
    assert advise(p, 8, 12, ops.MADV_POPULATE_READ) == -EINVAL
    assert advise(p, 20, 24, ops.MADV_POPULATE_READ) == -ENOMEM


def test_flags_split_mappings_and_join_them_again() -> None:
    p = boot()
    p.mmap(0, 8)
    advise(p, 2, 4, ops.MADV_DONTFORK)
    assert [vma.flags & VM_DONTCOPY != 0 for vma in p.mm.vmas] == [False, True, False]
    advise(p, 2, 4, ops.MADV_DOFORK)
    assert len(p.mm.vmas) == 1
    for on, off in ((ops.MADV_RANDOM, ops.MADV_NORMAL), (ops.MADV_SEQUENTIAL, ops.MADV_NORMAL)):
        advise(p, 0, 4, on)
        assert len(p.mm.vmas) == 2
        advise(p, 0, 4, off)
        assert len(p.mm.vmas) == 1


def test_wipeonfork_is_for_anonymous_private_memory() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(4, 8, shared=True)
    p.mmap(8, 12, flags=ops.MMAP_DROPPABLE)
    assert advise(p, 0, 4, ops.MADV_WIPEONFORK) == 0
    assert p.mm.vmas[0].flags & VM_WIPEONFORK
    assert advise(p, 4, 8, ops.MADV_WIPEONFORK) == -EINVAL
    assert advise(p, 8, 12, ops.MADV_KEEPONFORK) == -EINVAL


def test_guards_stop_accesses_survive_zaps_and_can_be_removed() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 1..2 GUARD_INSTALL
4 T0 read 1
5 T0 madvise 0..4 DONTNEED
6 T0 write 1
7 T0 write 2
8 T0 madvise 0..4 GUARD_REMOVE
9 T0 read 1
10 T0 read 2
""") == [0, 0, 0, "SIGSEGV", 0, "SIGSEGV", 0, 0, 0, 2]


def test_guards_move_with_mremap_and_end_with_munmap() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 1..2 GUARD_INSTALL
3 T0 mremap 0..4 to 20
4 T0 read 21
5 T0 munmap 20..24
6 T0 mmap 20..24 rw private anon
7 T0 read 21
""") == [0, 0, 20, "SIGSEGV", 0, 20, 0]


def test_a_fault_between_zap_and_guard_is_zapped_again() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 madvise 1..2 GUARD_INSTALL
4 T1 write 1
5 T1 read 1
@3 guard_install_pte_entry:lock#2 -> T1
""")[2:] == [0, 0, "SIGSEGV"]


def test_an_empty_range_is_nothing() -> None:
    p = boot()
    assert advise(p, 4, 4, ops.MADV_DONTNEED) == 0
    assert advise(p, 4, 8, ops.MADV_DONTNEED) == -ENOMEM


def test_two_dontneeds_flush_for_each_other() -> None:
    outcome = run("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T1 madvise 0..4 DONTNEED
4 T2 madvise 0..4 DONTNEED
@3 tlb_finish_mmu:nested#1 -> T2
""")
    assert outcome.violation is None, outcome.violation
    assert not outcome.dead


def test_cold_makes_entries_old_that_nobody_else_maps() -> None:
    p = boot(Config(folio_batch=1))
    p.mmap(0, 4)
    p.write(1)
    assert peek(p.k, p.mm, 1) & PTE_YOUNG
    assert advise(p, 0, 4, ops.MADV_COLD) == 0
    assert not peek(p.k, p.mm, 1) & PTE_YOUNG
    assert peek(p.k, p.mm, 1) & PTE_DIRTY  # nothing else changes
    assert p.read(1) == 1


def test_cold_leaves_pages_alone_that_a_child_shares() -> None:
    """And passes by their site once they are somebody's own."""
    outcome = run(
        """
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 madvise 0..4 COLD
5 T1 exit
6 T0 madvise 0..4 COLD
""",
        trace=True,
    )
    assert outcome.violation is None
    assert {e.uid for e in outcome.trace if e.site.endswith("pte_range:clear_young")} == {6}


def test_pageout_keeps_young_bits_and_data_without_reclaim() -> None:
    p = boot(Config(folio_batch=1))
    p.mmap(0, 4)
    p.write(1)
    assert advise(p, 0, 4, ops.MADV_PAGEOUT) == 0
    assert peek(p.k, p.mm, 1) & PTE_YOUNG
    assert p.read(1) == 1


def test_dump_flags_split_and_join_and_droppable_memory_keeps_its_own() -> None:
    p = boot()
    p.mmap(0, 8)
    assert advise(p, 2, 4, ops.MADV_DONTDUMP) == 0
    assert [vma.flags & VM_DONTDUMP for vma in p.mm.vmas] == [0, VM_DONTDUMP, 0]
    assert advise(p, 0, 8, ops.MADV_DODUMP) == 0
    assert len(p.mm.vmas) == 1
    p.mmap(16, 20, flags=ops.MMAP_DROPPABLE)
    assert p.mm.vmas[1].flags & VM_DONTDUMP
    assert advise(p, 16, 20, ops.MADV_DODUMP) == -EINVAL


@pytest.mark.parametrize(("before", "waits"), [("write 3", False), ("read 3", True)])
def test_guards_take_the_lock_of_their_vma_unless_it_has_no_anon_vma(
    before: str, waits: bool
) -> None:
    outcome = run(
        f"1 T0 mmap 0..8 rw private anon\n2 T0 {before}\n3 T0 madvise 4..6 GUARD_INSTALL\n",
        trace=True,
    )
    steps = [event.site for event in outcome.trace if event.uid == 3]
    assert "vma_start_read:get" in steps
    assert ("madvise_lock:read" in steps) == waits
