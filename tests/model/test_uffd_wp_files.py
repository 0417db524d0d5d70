# SPDX-License-Identifier: MIT
"""Write protection of mappings of files by userfaultfd: markers where nothing is mapped."""

from tests.model.run import results

FILE_WP = """\
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 write 0
4 T0 pwrite f0 1
5 T0 userfaultfd u0 sigbus
6 T0 uffd_register u0 0..4 wp
7 T0 uffd_writeprotect u0 0..3 wp
"""


def after(text: str) -> list[str | int]:
    return results(FILE_WP + text)[7:]


def test_pages_of_a_file_are_protected_mapped_or_not() -> None:
    assert after(
        "8 T0 write 0\n9 T0 write 1\n10 T0 write 2\n11 T0 write 3\n12 T0 pread f0 3\n"
    ) == ["SIGBUS", "SIGBUS", "SIGBUS", 0, 3]


def test_unprotected_pages_of_a_file_are_written_without_a_fault() -> None:
    assert after("8 T0 uffd_writeprotect u0 0..4\n9 T0 write 0\n10 T0 write 1\n11 T0 read 0\n") == [
        0,
        0,
        0,
        3,
    ]


def test_zaps_leave_markers_and_munmap_takes_them() -> None:
    zapped = after("8 T0 madvise 0..1 DONTNEED\n9 T0 write 0\n10 T0 read 0\n11 T0 write 0\n")
    assert zapped == [0, "SIGBUS", 1, "SIGBUS"]
    mapped = after("8 T0 munmap 0..4\n9 T0 mmap 0..4 rw shared f0\n10 T0 write 0\n")
    assert mapped == [0, 0, 0]


def test_truncation_of_a_file_keeps_its_mappings_protected() -> None:
    assert after("8 T0 ftruncate f0 0\n9 T0 ftruncate f0 4\n10 T0 write 0\n11 T0 read 0\n") == [
        0,
        0,
        "SIGBUS",
        0,
    ]


def test_a_child_has_no_markers() -> None:
    assert after("8 T0 madvise 0..4 DONTNEED\n9 T0 fork T1\n10 T1 write 0\n11 T0 write 0\n") == [
        0,
        1,
        0,
        "SIGBUS",
    ]


def test_guards_come_where_markers_are() -> None:
    assert after("8 T0 madvise 2..3 GUARD_INSTALL\n9 T0 read 2\n") == [0, "SIGSEGV"]


def test_a_file_that_becomes_huge_keeps_markers_of_other_mappings() -> None:
    text = """\
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 mmap 8..16 rw shared f0
5 T0 userfaultfd u0 sigbus
6 T0 uffd_register u0 8..16 wp
7 T0 uffd_writeprotect u0 8..9 wp
8 T0 madvise 0..8 COLLAPSE
9 T0 write 8
10 T0 write 9
11 T0 write 0
"""
    assert results(text)[7:] == [0, "SIGBUS", 0, 0]
