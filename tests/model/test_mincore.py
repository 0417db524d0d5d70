# SPDX-License-Identifier: MIT
"""mincore(): what counts as in core, holes, races."""

from errno import EAGAIN, ENOMEM

from simulator.mm import mincore
from tests.model.run import Process, boot, results, run


def count(p: Process, start: int, end: int) -> int:
    return mincore.mincore(p.k, p.mm, start, end)


def test_pages_that_were_touched_count_and_guards_do_not() -> None:
    assert results("""
1 T0 mmap 0..16 rw private anon
2 T0 write 1
3 T0 read 9
4 T0 mincore 0..16
5 T0 madvise 1..2 GUARD_INSTALL
6 T0 mincore 0..16
""") == [0, 0, 0, 2, 0, 1]


def test_pages_of_a_file_count_when_the_page_cache_has_them() -> None:
    assert results("""
1 T0 memfd f0 4
2 T0 pwrite f0 2
3 T0 mmap 8..16 r shared f0
4 T0 mincore 8..16
5 T0 mincore 8..10
""")[3:] == [1, 0]


def test_entries_on_their_way_to_a_device_count() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon populate
2 DEVICE migrate_to_device 0..4
3 T0 mincore 0..4
""") == [0, 4, 4]


def test_a_hole_is_enomem_wherever_it_is() -> None:
    p = boot()
    p.mmap(0, 2)
    p.mmap(3, 5)
    assert count(p, 0, 5) == -ENOMEM
    assert count(p, 2, 3) == -ENOMEM
    assert count(p, 0, 2) == 0


def test_no_memory_for_the_answer_is_eagain() -> None:
    outcome = run("""
1 T0 mmap 0..2 rw private anon
2 T0 mincore 0..2
@2 mincore:alloc#1 fail
""")
    assert outcome.violation is None
    assert outcome.results[1] == -EAGAIN


def test_the_lock_is_dropped_between_two_mappings() -> None:
    outcome = run("""
1 T0 mmap 0..2 rw private anon populate
2 T0 mmap 2..4 r private anon populate
3 T0 mincore 0..4
4 T1 munmap 2..4
@3 mincore:lock#2 -> T1
""")
    assert not outcome.dead
    assert outcome.results[2] == -ENOMEM


def test_a_page_table_that_goes_meanwhile_is_walked_again() -> None:
    """MADV_DONTNEED frees it between the look at the PMD and the lock."""
    outcome = run("""
config pmd_order=3 frames=64 cpus=2 T0@0 T1@1
1 T0 mmap 0..8 rw private anon populate
2 T0 mincore 0..8
3 T1 madvise 0..8 DONTNEED
@2 mincore_pte_range:lock#1 -> T1
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[1] == 0
