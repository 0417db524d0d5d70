# SPDX-License-Identifier: MIT
"""Per-VMA locks: lookup without mmap_lock against everything that changes VMAs."""

import pytest

from simulator.lib.maple_tree import find_vma, vma_lookup, vma_prev
from simulator.mm import mmap_lock
from tests.model.run import boot, results, run

RACES = ("lock_vma_under_rcu:walk", "vma_start_read:get", "vma_start_read:recheck")


@pytest.mark.parametrize("site", RACES)
def test_a_vma_that_is_unmapped_between_lookup_and_lock_is_not_used(site: str) -> None:
    assert results(f"""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T1 write 1
4 T0 munmap 0..4
@3 {site}#1 -> T0
""")[2] in (0, "SIGSEGV")


@pytest.mark.parametrize("site", RACES)
def test_a_vma_struct_reused_for_another_place_is_noticed(site: str) -> None:
    outcome = run(f"""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T1 write 1
4 T0 munmap 0..4
5 T0 mmap 40..44 r private anon
@3 {site}#1 -> T0
@4 op:end#1 park 5
""")
    assert outcome.violation is None, outcome.violation


def test_a_writer_waits_for_a_fault_that_holds_the_vma() -> None:
    outcome = run("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T1 write 1
4 T0 mprotect 0..4 r
5 T1 read 1
@3 do_anonymous_page:set_pte#1 -> T0
""")
    assert outcome.violation is None
    assert outcome.results == [0, 0, 0, 0, 2]
    assert not outcome.dead


def test_readers_come_back_when_mmap_lock_is_released() -> None:
    p = boot()
    p.mmap(0, 4)
    vma = mmap_lock.lock_vma_under_rcu(p.k, p.mm, 1)
    assert vma is not None
    assert vma.vm_refcnt == 2
    mmap_lock.vma_end_read(p.k, vma)
    mmap_lock.mmap_write_lock(p.k, p.mm, 1)
    mmap_lock.vma_start_write(p.k, vma)
    assert mmap_lock.lock_vma_under_rcu(p.k, p.mm, 1) is None
    mmap_lock.mmap_write_unlock(p.k, p.mm)
    again = mmap_lock.lock_vma_under_rcu(p.k, p.mm, 1)
    assert again is vma
    mmap_lock.vma_end_read(p.k, vma)


def test_the_tree_finds_what_a_linear_search_finds() -> None:
    p = boot()
    for start, end in ((3, 5), (8, 9), (12, 20), (30, 31)):
        p.mmap(start, end)
    for page in range(40):
        holds = [v for v in p.mm.vmas if v.start <= page < v.end]
        above = [v for v in p.mm.vmas if v.end > page]
        below = [v for v in p.mm.vmas if v.end <= page]
        assert vma_lookup(p.mm, page) is (holds[0] if holds else None)
        assert find_vma(p.mm, page) is (above[0] if above else None)
        assert vma_prev(p.mm, page) is (below[-1] if below else None)


def test_a_writer_that_waits_for_two_readers_waits_for_the_one_that_is_left() -> None:
    """The first gives the VMA up for mmap_lock, which the writer has: no circle."""
    outcome = run("""
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE migrate_to_device 0..1
4 T1 read 0
5 T2 write 1
6 T0 mprotect 0..8 r
@4 handle_pte_fault:read_pte#1 -> T2
@5 do_anonymous_page:alloc#1 -> T0
""")
    assert outcome.violation is None
    assert not outcome.dead
