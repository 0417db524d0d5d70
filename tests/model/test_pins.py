# SPDX-License-Identifier: MIT
"""Handles: what a device or a pipe sees of a process's memory, and the oracle that watches."""

import pytest

from tests.model.run import results, run

ANON = """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
"""


# --- handles ---


def test_ops_on_handles_that_are_closed_are_skipped() -> None:
    assert (
        results("1 T0 unpin p0\n2 T0 dma_read p0\n3 T0 dma_write p0\n4 T0 pipe_read p0\n")
        == ["skipped"] * 4
    )


def test_a_handle_holds_one_page_of_one_kind() -> None:
    assert results(
        ANON
        + """
3 T0 pin p0 3 r
4 T0 vmsplice p0 3
5 T0 pipe_read p0
6 T0 dma_write p0
7 T0 unpin p0
8 T0 vmsplice p0 3
9 T0 pin p0 3 w
10 T0 dma_read p0
11 T0 unpin p0
12 T0 pin p0 3 w
"""
    )[2:] == [0, "EEXIST", "EINVAL", "EACCES", 0, 0, "EEXIST", "EINVAL", 0, 0]


def test_two_actors_race_for_a_handle() -> None:
    outcome = run(
        ANON
        + """
3 T0 pin p0 3 w
4 T1 pin p0 3 w
@3 follow_page_pte:grab#1 -> T1
"""
    )
    assert outcome.violation is None
    assert sorted(outcome.results[2:]) == [-17, 0]


def test_a_pipe_is_read_once() -> None:
    assert results(ANON + "3 T0 vmsplice p0 3\n4 T0 pipe_read p0\n5 T0 pipe_read p0\n")[3:] == [
        1,
        "skipped",
    ]


# --- pins ---


@pytest.mark.parametrize("op", ["pin", "pin_fast"])
def test_device_and_process_see_each_other(op: str) -> None:
    assert results(
        ANON
        + f"""
3 T0 {op} p0 3 w
4 T0 dma_write p0.1
5 T0 read 3.1
6 T0 write 3
7 T0 dma_read p0
"""
    )[3:] == [0, 2, 0, 3]


@pytest.mark.parametrize(
    ("change", "token"),
    [
        ("mprotect 0..8 r\n5 T0 mprotect 0..8 rw", 3),
        ("clear_refs soft-dirty\n5 T0 pagemap 3", 3),
        ("fork T1\n5 T1 write 3", 4),
        ("fork T1\n5 T1 exit", 3),
        ("madvise 0..8 FREE\n5 T0 clear_refs young", 3),
    ],
)
def test_a_pin_survives_what_write_protects(change: str, token: int) -> None:
    assert (
        results(
            ANON
            + f"""
3 T0 pin p0 3 w
4 T0 {change}
6 T0 write 3.2
7 T0 dma_write p0.1
8 T0 read 3.1
"""
        )[7]
        == token
    )


def test_a_read_pin_of_a_shared_page_unshares_it_first() -> None:
    assert results(
        ANON
        + """
3 T0 fork T1
4 T0 pin p0 3 r
5 T0 write 3
6 T0 dma_read p0
7 T1 read 3
"""
    )[3:] == [0, 0, 2, 1]


def test_a_long_term_read_pin_of_a_private_file_mapping_breaks_cow_early() -> None:
    text = """
1 T0 memfd f0 1
2 T0 mmap 0..1 rw private f0
3 T0 pin p0 0 r{longterm}
4 T0 write 0
5 T0 dma_read p0
"""
    assert results(text.format(longterm=" longterm"))[4] == 1
    assert results(text.format(longterm=""))[4] == 0


def test_a_pin_outlives_the_mapping_and_touches_it_no_more() -> None:
    assert results(
        ANON
        + """
3 T0 pin p0 3 w
4 T0 madvise 3..4 DONTNEED
5 T0 dma_write p0
6 T0 read 3
7 T0 write 3
8 T0 dma_read p0
9 T0 munmap 0..8
10 T0 dma_read p0
"""
    )[3:] == [0, 0, 0, 0, 2, 0, 2]


def test_a_pin_moves_with_the_page() -> None:
    assert results(
        ANON
        + """
3 T0 pin p0 3 w
4 T0 mremap 0..8 to 16
5 T0 dma_write p0
6 T0 read 19
7 T0 write 19.1
8 T0 dma_read p0.1
"""
    )[3:] == [16, 0, 2, 0, 3]


def test_a_pin_outlives_its_process() -> None:
    assert results(
        ANON
        + """
3 T0 fork T1
4 T1 write 3
5 T1 pin p0 3 w
6 T1 exit
7 T0 dma_read p0
8 T0 dma_write p0
9 T0 read 3
"""
    )[6:] == [2, 0, 1]


def test_a_pin_of_a_file_page_writes_the_file() -> None:
    assert results("""
1 T0 memfd f0 1
2 T0 mmap 0..1 rw shared f0
3 T0 pin p0 0 w longterm
4 T0 munmap 0..1
5 T0 dma_write p0.3
6 T0 pread f0.3 0
""")[4:] == [0, 1]


def test_the_zero_page_can_be_pinned_for_reading() -> None:
    assert results("""
1 T0 mmap 0..1 rw private anon
2 T0 read 0
3 T0 pin p0 0 r
4 T0 vmsplice p1 0
5 T0 write 0
6 T0 dma_read p0
7 T0 pipe_read p1
""")[5:] == [0, 0]


# --- pipes ---


def test_a_pipe_never_shows_what_another_process_stores() -> None:
    scenario = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T1 vmsplice p0 3
5 T1 munmap 0..8
6 T0 write 3
7 T1 pipe_read p0
"""
    assert run(scenario.format(bug="")).results[6] == 1
    violation = run(scenario.format(bug=" bug=vmsplice-child-cow")).violation
    assert violation is not None
    assert str(violation.signature) == "pin wp_page_reuse anon"


def test_a_pipe_may_show_later_stores_of_its_own_process() -> None:
    assert results(ANON + "3 T0 vmsplice p0 3\n4 T0 write 3\n5 T0 pipe_read p0\n")[4] == 2


# --- the oracle ---


def test_reuse_by_reference_count_replaces_a_pinned_page() -> None:
    scenario = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T1 exit
5 T0 pin p0 3 r
6 T0 write 3
7 T0 dma_read p0
"""
    assert run(scenario.format(bug="")).results[6] == 2
    violation = run(scenario.format(bug=" bug=do-wp-page-copies-pinned-page")).violation
    assert violation is not None
    assert str(violation.signature) == "pin wp_page_copy anon"
