# SPDX-License-Identifier: MIT
"""mprotect(): layout, entries, errors."""

from simulator.mm import mprotect
from simulator.mm.mm_types import PTE_PRESENT, PTE_PROTNONE, PTE_WRITE
from simulator.mm.pgtable import peek
from tests.model.run import NONE, RW, Process, R, boot, results


def protect(p: Process, start: int, end: int, prot: int) -> int:
    return mprotect.do_mprotect(p.k, p.mm, start, end, prot)


def test_a_part_is_split_off_and_joins_again() -> None:
    p = boot()
    p.mmap(0, 12)
    protect(p, 4, 8, R)
    assert p.vmas() == ["0..4 rw-p anon", "4..8 r--p anon", "8..12 rw-p anon"]
    protect(p, 4, 8, RW)
    assert p.vmas() == ["0..12 rw-p anon"]


def test_the_neighbour_grows_by_the_part_that_becomes_like_it() -> None:
    p = boot()
    p.mmap(0, 8)
    protect(p, 0, 4, R)
    protect(p, 4, 6, R)
    assert p.vmas() == ["0..6 r--p anon", "6..8 rw-p anon"]
    protect(p, 2, 6, RW)
    assert p.vmas() == ["0..2 r--p anon", "2..8 rw-p anon"]


def test_parts_touched_alone_find_one_anon_vma_and_join() -> None:
    p = boot()
    p.mmap(0, 8)
    protect(p, 4, 8, R)
    p.write(0)
    protect(p, 4, 8, RW)
    p.write(4)
    assert p.vmas() == ["0..8 rw-p anon"]
    assert len(p.mm.vmas[0].chain) == 1


def test_entries_lose_and_regain_the_write_bit() -> None:
    p = boot()
    p.mmap(0, 4)
    p.write(1)
    protect(p, 0, 4, R)
    assert peek(p.k, p.mm, 1) & (PTE_PRESENT | PTE_WRITE) == PTE_PRESENT
    protect(p, 0, 4, RW)
    # Exclusive to this process and dirty: no write fault is needed.
    assert peek(p.k, p.mm, 1) & PTE_WRITE


def test_prot_none_hides_a_page_from_the_hardware_only() -> None:
    p = boot()
    p.mmap(0, 4)
    p.write(1)
    protect(p, 0, 4, NONE)
    assert peek(p.k, p.mm, 1) & (PTE_PRESENT | PTE_PROTNONE) == PTE_PROTNONE
    assert p.mm.rss_anon == 1
    assert p.read(1) == -1001
    protect(p, 0, 4, R)
    assert p.read(1) == 1


def test_a_hole_stops_the_call_after_what_comes_before_it() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 mmap 6..8 rw private anon
3 T0 mprotect 0..8 r
4 T0 write 1
5 T0 write 6
6 T0 mprotect 5..8 r
7 T0 mprotect 20..24 r
""") == [0, 6, "ENOMEM", "SIGSEGV", 0, "ENOMEM", "ENOMEM"]


def test_a_private_mapping_that_was_never_writable_is_accounted_when_it_becomes_so() -> None:
    p = boot()
    p.mmap(0, 4, R)
    p.mmap(4, 8, RW)
    protect(p, 0, 4, RW)
    assert p.vmas() == ["0..8 rw-p anon"]


def test_a_store_races_with_mprotect_and_is_not_lost() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mprotect 0..4 r
4 T1 write 1
5 T1 read 1
@3 change_pte_range:modify#1 -> T1
""") == [0, 0, 0, 0, 2]
