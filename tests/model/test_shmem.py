# SPDX-License-Identifier: MIT
"""Memory files: sizes, page cache, private and shared mappings."""

from simulator.fs.proc import PM_FILE, PM_MMAP_EXCLUSIVE, PM_PRESENT, PM_SOFT_DIRTY
from tests.model.run import results, run

FILE = """
1 T0 memfd f0 2
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 8..12 rw private f0
"""


def test_a_handle_opens_once() -> None:
    assert results("1 T0 pread f1 0\n2 T0 memfd f1 1\n3 T0 memfd f1 2\n4 T0 pread f1 0\n") == [
        "skipped",
        0,
        "EEXIST",
        0,
    ]


def test_mapping_a_file_that_is_not_open_is_skipped() -> None:
    assert results("1 T0 mmap 0..4 rw shared f2\n") == ["skipped"]


def test_stores_reach_the_file_and_pwrite_reaches_the_mapping() -> None:
    assert results(
        FILE
        + """
4 T0 write 1.2
5 T0 pread f0.2 1
6 T0 pwrite f0.1 1
7 T0 read 1.1
"""
    )[3:] == [0, 1, 0, 2]


def test_a_private_mapping_follows_the_file_until_it_is_written() -> None:
    assert results(
        FILE
        + """
4 T0 pwrite f0 1
5 T0 read 9
6 T0 write 9.1
7 T0 pwrite f0 1
8 T0 read 9
9 T0 read 1
10 T0 pread f0.1 1
"""
    )[4:] == [1, 0, 0, 1, 3, 0]


def test_a_touch_beyond_the_end_is_sigbus() -> None:
    assert results(
        FILE
        + """
4 T0 read 2
5 T0 write 11
6 T0 read 1
7 T0 pread f0 2
"""
    )[3:] == ["SIGBUS", "SIGBUS", 0, 0]


def test_pwrite_beyond_the_end_extends_the_file() -> None:
    assert results(
        FILE
        + """
4 T0 pwrite f0.1 3
5 T0 pread f0.1 3
6 T0 pread f0.2 3
7 T0 read 3.1
8 T0 read 2
9 T0 read 3.3
"""
    )[3:] == [0, 1, 0, 1, 0, 0]


def test_a_reused_frame_shows_no_old_data_through_a_file() -> None:
    assert results("""
config pmd_order=3 frames=2
1 T0 mmap 0..1 rw private anon
2 T0 write 0.2
3 T0 munmap 0..1
4 T0 memfd f0 2
5 T0 pwrite f0.1 0
6 T0 pread f0.2 0
7 T0 mmap 4..6 rw shared f0
8 T0 read 5.2
""")[4:] == [0, 0, 4, 0]


def test_two_first_faults_on_one_index_end_with_one_page() -> None:
    outcome = run("""
1 T0 memfd f0 2
2 T0 mmap 0..2 rw shared f0
3 T0 write 1
4 T1 write 1.1
5 T0 read 1.1
6 T1 read 1
7 T0 pread f0.1 1
@3 shmem_add_to_page_cache:insert#1 -> T1
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert sorted(outcome.results[4:6]) == [1, 2]
    assert outcome.results[6] == outcome.results[4]


def test_a_fault_waits_for_the_page_that_another_one_is_filling() -> None:
    outcome = run("""
1 T0 memfd f0 2
2 T0 mmap 0..2 rw shared f0
3 T0 read 1
4 T1 read 1
@3 shmem_get_folio:clear#1 -> T1
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2:] == [0, 0]


def test_no_memory_for_the_page_cache() -> None:
    assert results(
        FILE
        + """
4 T0 read 0
5 T0 pwrite f0 0
6 T0 read 0
@4 shmem_alloc_folio:alloc#1 fail
@5 shmem_alloc_folio:alloc#1 fail
"""
    )[3:] == ["SIGBUS", "ENOMEM", 0]


def test_a_read_fault_maps_what_is_cached_around_it() -> None:
    assert results("""
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 r shared f0
4 T0 clear_refs soft-dirty
5 T0 pagemap 1
6 T0 read 0
7 T0 pagemap 1
8 T0 pagemap 2
""")[4:] == [0, 0, PM_PRESENT | PM_FILE | PM_MMAP_EXCLUSIVE, 0]


def test_a_fault_around_window_that_begins_with_the_mapping_is_as_long_as_any() -> None:
    """Seen on 6.18: do_fault_around() adds at the end what the VMA takes from the beginning,
    up to the end of the page table."""
    text = "config pmd_order=9 frames=256 pages=544\n1 T0 memfd f0 32\n"
    text += "".join(f"{2 + page} T0 pwrite f0 {page}\n" for page in range(32))
    within = "40 T0 mmap 6..38 r shared f0\n41 T0 read 8\n"
    assert results(text + within + "42 T0 pagemap 21\n43 T0 pagemap 22\n")[-2:] == [
        PM_PRESENT | PM_MMAP_EXCLUSIVE | PM_FILE | PM_SOFT_DIRTY,
        PM_SOFT_DIRTY,
    ]
    across = "40 T0 mmap 502..534 r shared f0\n41 T0 read 503\n"
    assert results(text + across + "42 T0 pagemap 511\n43 T0 pagemap 512\n")[-2:] == [
        PM_PRESENT | PM_MMAP_EXCLUSIVE | PM_FILE | PM_SOFT_DIRTY,
        PM_SOFT_DIRTY,
    ]


def test_shared_anonymous_memory_is_a_file_as_long_as_the_mapping() -> None:
    assert results("""
1 T0 mmap 0..2 rw shared anon
2 T0 write 1
3 T0 mremap 0..2 to 0..4
4 T0 read 1
5 T0 read 3
""")[2:] == [0, 1, "SIGBUS"]


def test_files_of_imported_programs_are_vmas_only() -> None:
    assert results("""
1 T0 mmap 0..2 rw private x3+7
2 T0 mprotect 0..1 r
3 T0 read 0
4 T0 munmap 0..2
""") == [0, 0, "SIGBUS", 0]


def test_the_file_outlives_its_mappings() -> None:
    assert results(
        FILE
        + """
4 T0 write 0
5 T0 munmap 0..4
6 T0 pread f0 0
"""
    )[3:] == [0, 0, 1]
