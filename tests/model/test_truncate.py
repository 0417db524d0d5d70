# SPDX-License-Identifier: MIT
"""Memory files that change their size and get holes, while others map, read and write them."""

from simulator.outcome import result_name
from tests.model.run import results, run

FILE = """
1 T0 memfd f0 4
2 T0 pwrite f0 0
3 T0 pwrite f0.2 1
4 T0 pwrite f0 2
5 T0 mmap 0..4 rw shared f0
6 T0 mmap 8..12 rw private f0
"""


def after(text: str) -> list[str | int]:
    return results(FILE + text)[6:]


def test_what_is_cut_off_is_gone_and_grows_back_as_zeroes() -> None:
    assert after("""
7 T0 read 1.2
8 T0 ftruncate f0.2 1
9 T0 read 2
10 T0 read 1.2
11 T0 pread f0.2 1
12 T0 ftruncate f0 3
13 T0 read 1.2
14 T0 pread f0 2
15 T0 pread f0 0
""") == [2, 0, "SIGBUS", 0, 0, 0, 0, 0, 1]


def test_truncation_takes_private_copies_along_and_a_hole_punch_does_not() -> None:
    assert after("""
7 T0 write 9
8 T0 fallocate f0 1 1 punch-hole
9 T0 read 9
10 T0 read 9.2
11 T0 read 1.2
12 T0 ftruncate f0 1
13 T0 ftruncate f0 2
14 T0 read 9
""") == [0, 0, 4, 2, 0, 0, 0, 0]


def test_madv_remove_punches_into_shared_writable_mappings_only() -> None:
    assert after("""
7 T0 madvise 8..12 REMOVE
8 T0 madvise 1..3 REMOVE
9 T0 pread f0.2 1
10 T0 read 2
11 T0 fstat f0 blocks
12 T0 mmap 16..20 rw private anon
13 T0 madvise 16..17 REMOVE
14 T0 mprotect 0..4 r
15 T0 madvise 0..1 REMOVE
16 T0 read 0
17 T0 mlock 0..1
18 T0 madvise 0..1 REMOVE
""") == ["EACCES", 0, 0, 0, 2, 16, "EINVAL", 0, 0, 0, 0, "EINVAL"]


def test_size_and_blocks() -> None:
    assert after("""
7 T0 fstat f0 size
8 T0 fstat f0 blocks
9 T0 fallocate f0 3 3 keep-size
10 T0 fstat f0 size
11 T0 fstat f0 blocks
12 T0 fallocate f0 5 2 allocate
13 T0 fstat f0 size
14 T0 fstat f0 blocks
15 T0 ftruncate f0.1 2
16 T0 fstat f0 size
17 T0 fstat f0 blocks
18 T0 fallocate f0 0 8 punch-hole
19 T0 fstat f0 size
20 T0 fstat f0 blocks
""") == [16, 3, 0, 16, 6, 0, 28, 7, 0, 9, 3, 0, 9, 0]


def test_a_truncation_to_the_same_size_drops_what_is_behind_the_end() -> None:
    assert after("""
7 T0 fallocate f0 4 2 keep-size
8 T0 fstat f0 blocks
9 T0 ftruncate f0 4
10 T0 fstat f0 blocks
""") == [0, 5, 0, 3]


def test_data_and_holes() -> None:
    assert after("""
7 T0 lseek f0 0 hole
8 T0 lseek f0.1 2 data
9 T0 lseek f0 3 data
10 T0 fallocate f0 3 1 keep-size
11 T0 lseek f0 3 data
12 T0 read 3
13 T0 lseek f0 3 data
14 T0 lseek f0 1 hole
15 T0 lseek f0 4 data
16 T0 fallocate f0 1 1 punch-hole
17 T0 lseek f0.3 0 hole
18 T0 lseek f0.2 1 hole
19 T0 lseek f0.2 1 data
""") == [12, 9, "ENXIO", 0, "ENXIO", 0, 12, 16, "ENXIO", 0, 4, 6, 8]


def test_reads_and_writes_move_the_position_that_processes_share() -> None:
    assert after("""
7 T0 lseek f0.3 1 set
8 T0 file_write f0
9 T0 fork T1
10 T1 file_read f0
11 T0 file_write f0
12 T0 lseek f0.3 1 set
13 T0 file_read f0
14 T0 file_read f0
15 T0 file_read f0
16 T0 lseek f0 3 data
17 T0 lseek f0 4 set
18 T0 file_read f0
19 T0 fstat f0 size
20 T0 file_write f0
21 T0 fstat f0 size
""") == [7, 0, 1, 3, 0, 7, 4, 3, 5, "ENXIO", 16, 0, 16, 0, 17]


def test_a_fault_that_has_looked_at_the_size_before_a_truncation_leaves_nothing_behind() -> None:
    outcome = run("""
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 2
4 T1 ftruncate f0 1
5 T0 fstat f0 blocks
@3 shmem_alloc_folio:alloc#1 -> T1
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert [result_name(each) for each in outcome.results][2:] == ["SIGBUS", 0, 0]


def test_a_truncation_waits_for_the_page_that_a_fault_is_mapping() -> None:
    outcome = run("""
1 T0 memfd f0 4
2 T0 pwrite f0 2
3 T0 mmap 0..4 rw shared f0
4 T0 write 2.1
5 T1 ftruncate f0 1
6 T0 read 2
@4 finish_fault:lock#1 -> T1
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert [result_name(each) for each in outcome.results][3:] == [0, 0, "SIGBUS"]


def test_faults_wait_for_the_end_of_a_hole_punch() -> None:
    outcome = run("""
1 T0 memfd f0 4
2 T0 pwrite f0 2
3 T0 mmap 0..4 rw shared f0
4 T1 fallocate f0 1 2 punch-hole
5 T0 write 2.1
6 T2 write 3
7 T0 read 2
8 T0 read 2.1
@4 unmap_mapping_pages:lock#1 -> T0
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[3:] == [0, 0, 0, 0, 2]


def test_fallocate_takes_back_what_it_has_added_when_memory_runs_out() -> None:
    assert results("""
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 fallocate f0 0 4 allocate
4 T0 fstat f0 blocks
5 T0 pread f0 1
6 T0 lseek f0 0 data
@3 shmem_alloc_folio:alloc#3 fail
""")[2:] == ["ENOMEM", 1, 1, 4]


def test_a_read_that_found_a_page_before_its_truncation_sees_it_or_nothing() -> None:
    outcome = run("""
1 T0 memfd f0 4
2 T0 pwrite f0 2
3 T0 pread f0 2
4 T1 ftruncate f0 1
5 T0 pread f0 2
@3 shmem_file_read_iter:copy#1 -> T1
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2:] == [1, 0, 0]


def test_a_file_that_grows_keeps_what_was_allocated_behind_its_end() -> None:
    assert after("""
7 T0 ftruncate f0 1
8 T0 fallocate f0 2 2 keep-size
9 T0 ftruncate f0 2
10 T0 fstat f0 blocks
11 T0 ftruncate f0 2
12 T0 fstat f0 blocks
""") == [0, 0, 0, 3, 0, 1]
