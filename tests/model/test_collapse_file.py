# SPDX-License-Identifier: MIT
"""Huge pages of memory files: made by MADV_COLLAPSE, mapped, split, and given up half-way."""

from simulator.outcome import result_name
from tests.model.run import results, run

FILE = """
1 T0 memfd f0 8
2 T0 pwrite f0 1
3 T0 pwrite f0.2 5
4 T0 mmap 0..8 rw shared f0
"""


def after(text: str) -> list[str | int]:
    return results(FILE + text)[4:]


def test_holes_become_pages_of_the_file_and_data_stays() -> None:
    assert after("""
5 T0 madvise 0..8 COLLAPSE
6 T0 read 1
7 T0 read 5.2
8 T0 read 7
9 T0 fstat f0 blocks
10 T0 lseek f0 0 hole
11 T0 mincore 0..8
12 T0 write 6
13 T0 pread f0 6
14 T0 madvise 0..8 COLLAPSE
""") == [0, 1, 2, 0, 8, 32, 8, 0, 3, 0]


def test_a_punched_hole_splits_the_huge_page() -> None:
    assert after("""
5 T0 madvise 0..8 COLLAPSE
6 T0 fallocate f0 2 3 punch-hole
7 T0 fstat f0 blocks
8 T0 lseek f0 2 data
9 T0 read 1
10 T0 read 5.2
11 T0 madvise 0..8 COLLAPSE
12 T0 fstat f0 blocks
""") == [0, 0, 5, 20, 1, 2, 0, 8]


def test_a_huge_page_that_somebody_holds_is_not_split_and_its_part_is_zeroed() -> None:
    assert after("""
5 T0 madvise 0..8 COLLAPSE
6 T0 vmsplice p0 5
7 T0 fallocate f0 4 2 punch-hole
8 T0 fstat f0 blocks
9 T0 read 5.2
10 T0 read 1
""") == [0, 0, 0, 8, 0, 1]


def test_truncation_leaves_what_is_before_the_end() -> None:
    assert after("""
5 T0 madvise 0..8 COLLAPSE
6 T0 ftruncate f0.1 5
7 T0 fstat f0 blocks
8 T0 read 5.2
9 T0 read 6
10 T0 read 1
11 T0 ftruncate f0 0
12 T0 fstat f0 blocks
""") == [0, 0, 6, 0, "SIGBUS", 1, 0, 0]


def test_files_are_collapsed_where_they_can_be_mapped_and_have_pages() -> None:
    assert results("""
1 T0 memfd f0 16
2 T0 pwrite f0 1
3 T0 mmap 1..17 rw shared f0
4 T0 madvise 8..16 COLLAPSE
5 T0 mmap 32..48 rw shared f0
6 T0 madvise 40..48 COLLAPSE
7 T0 madvise 32..40 NOHUGEPAGE
8 T0 madvise 32..40 COLLAPSE
""")[3:] == ["EINVAL", 32, "EINVAL", 0, "EINVAL"]


def test_a_collapse_that_fails_leaves_size_and_blocks_as_they_were() -> None:
    outcome = run(
        FILE
        + """
5 T0 madvise 0..8 COLLAPSE
6 T1 pwrite f0 2
7 T0 fstat f0 blocks
8 T0 lseek f0 3 data
9 T0 read 5.2
@5 collapse_file:copy_word#1 -> T1
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert [result_name(each) for each in outcome.results[4:]] == ["EAGAIN", 0, 3, 20, 2]


def test_readers_wait_for_the_moment_in_which_holes_are_reserved() -> None:
    outcome = run(
        FILE
        + """
5 T0 madvise 0..8 COLLAPSE
6 T1 pread f0 3
7 T1 pread f0.2 5
@5 collapse_file:store#1 -> T1
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert list(outcome.results[4:]) == [0, 0, 2]


def test_a_store_through_an_entry_that_is_taken_away_comes_into_the_huge_page() -> None:
    outcome = run(
        FILE
        + """
5 T1 write 1.1
6 T0 madvise 0..8 COLLAPSE
7 T1 write 1.3
8 T0 read 1.1
9 T0 read 1.3
@6 try_to_unmap_one:clear_pte#1 -> T1
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert list(outcome.results[4:]) == [0, 0, 0, 3, 4]


def test_page_tables_with_private_copies_and_guards_stay() -> None:
    assert after("""
5 T0 mmap 8..16 rw private f0
6 T0 write 9
7 T0 fork T1
8 T1 read 1
9 T1 madvise 2..3 GUARD_INSTALL
10 T0 madvise 0..8 COLLAPSE
11 T0 read 9
12 T1 read 2
13 T1 read 1
14 T1 madvise 2..3 GUARD_REMOVE
15 T1 read 2
""") == [8, 0, 1, 1, 0, 0, 3, "SIGSEGV", 1, 0, 0]


def test_every_process_that_has_the_file_may_change_its_protection() -> None:
    assert after("""
5 T0 madvise 0..8 COLLAPSE
6 T0 fork T1
7 T1 read 1
8 T0 mprotect 0..4 r
9 T0 read 1
10 T1 write 1
11 T0 read 1
12 T0 write 1
13 T0 write 5
14 T1 read 5
15 T0 madvise 0..8 DONTNEED
16 T0 read 5
17 T0 munmap 2..6
18 T1 read 5
""") == [0, 1, 1, 0, 1, 0, 3, "SIGSEGV", 0, 4, 0, 4, 0, 4]
