# SPDX-License-Identifier: MIT
"""get_user_pages(): rules, the fast form's races, populate, and /proc/self/mem."""

from errno import EFAULT

import pytest

from simulator.outcome import SKIPPED
from tests.model.run import results, run

ANON = """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
"""


# --- /proc/self/mem ---


def test_a_forced_write_breaks_cow_of_a_read_only_private_file_mapping() -> None:
    assert results("""
1 T0 memfd f0 2
2 T0 pwrite f0 1
3 T0 mmap 0..2 r private f0
4 T0 mem_write 1.1
5 T0 read 1.1
6 T0 read 1
7 T0 pread f0.1 1
8 T0 write 1
""")[3:] == [0, 2, 1, 0, "SIGSEGV"]


def test_a_forced_write_to_a_read_only_shared_mapping_fails() -> None:
    assert results("""
1 T0 memfd f0 2
2 T0 mmap 0..2 r shared f0
3 T0 mem_write 1
4 T0 mem_read 1
""")[2:] == ["EIO", 0]


def test_a_forced_access_ignores_prot_none() -> None:
    assert results(
        ANON
        + """
3 T0 mprotect 0..8 none
4 T0 read 3
5 T0 mem_read 3
6 T0 mem_write 3
7 T0 mprotect 0..8 r
8 T0 read 3
"""
    )[3:] == ["SIGSEGV", 1, 0, 0, 2]


def test_a_forced_access_outside_of_mappings_fails() -> None:
    assert results("1 T0 mem_read 5\n2 T0 mem_write 5\n") == ["EIO", "EIO"]


def test_a_forced_access_grows_a_stack() -> None:
    assert results("""
1 T0 mmap 20..24 rw private anon growsdown
2 T0 mem_write 17
3 T0 read 17
""") == [20, 0, 1]


def test_a_forced_write_races_with_dontneed_and_never_reaches_the_file() -> None:
    scenario = """
config pmd_order=3 frames=64{bug}
1 T0 memfd f0 4
2 T0 mmap 0..4 r private f0
3 T0 mem_write 1
4 T1 madvise 1..2 DONTNEED
5 T0 pread f0 1
@3 get_user_pages:retry#1 -> T1
"""
    outcome = run(scenario.format(bug=""))
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[4] == 0
    violation = run(scenario.format(bug=" bug=dirtycow-foll-write-dropped")).violation
    assert violation is not None
    assert str(violation.signature) == "permission get_user_pages file"


def test_dirty_cow_of_anonymous_memory_would_write_the_zero_page() -> None:
    violation = run("""
config pmd_order=3 frames=64 bug=dirtycow-foll-write-dropped
1 T0 mmap 0..4 r private anon
2 T0 mem_write 1
3 T1 madvise 1..2 DONTNEED
@2 get_user_pages:retry#1 -> T1
""").violation
    assert violation is not None
    assert str(violation.signature) == "permission get_user_pages zero-page"


# --- what may be pinned ---


@pytest.mark.parametrize("op", ["pin", "pin_fast"])
@pytest.mark.parametrize(
    ("mapping", "access", "result"),
    [
        ("r private anon", "r", 0),
        ("r private anon", "w", "EFAULT"),
        ("w private anon", "r", "EFAULT"),
        ("w private anon", "w", 0),
        ("none private anon", "r", "EFAULT"),
        ("rw shared anon", "w", 0),
        ("rw private anon growsdown", "w", 0),
    ],
)
def test_a_pin_needs_the_rights_of_the_vma(
    op: str, mapping: str, access: str, result: int | str
) -> None:
    assert results(f"1 T0 mmap 8..10 {mapping}\n2 T0 {op} p0 9 {access}\n")[1] == result


@pytest.mark.parametrize("op", ["pin", "pin_fast"])
def test_gup_grows_no_stack_and_finds_no_page_behind_the_end_of_a_file(op: str) -> None:
    assert results(f"""
1 T0 mmap 20..24 rw private anon growsdown
2 T0 {op} p0 19 w
3 T0 memfd f0 1
4 T0 mmap 0..2 rw shared f0
5 T0 {op} p0 1 w
6 T0 {op} p0 0 w longterm
""")[1:] == ["EFAULT", 0, 0, "EFAULT", 0]


# --- the fast form ---


def test_the_fast_form_gives_its_pin_back_when_fork_was_at_work() -> None:
    scenario = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T2
4 T1 pin_fast p0 3 w
5 T0 write 3
6 T1 dma_read p0
@3 copy_present_pte:wrprotect#1 -> T1
"""
    outcome = run(scenario.format(bug=""))
    assert outcome.violation is None
    assert outcome.results[2:] == [2, 0, 0, 2]
    violation = run(scenario.format(bug=" bug=gup-fast-vs-fork-cow")).violation
    assert violation is not None
    assert str(violation.signature) == "pin gup_fast anon"


def test_the_fast_form_notices_a_fork_that_came_and_went() -> None:
    outcome = run(
        ANON
        + """
3 T1 pin_fast p0 3 w
4 T0 fork T2
5 T2 read 3
6 T1 dma_write p0
7 T0 read 3
@3 gup_fast:seq_retry#1 -> T0
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2:] == [0, 2, 1, 0, 2]


def test_the_fast_form_backs_off_from_a_page_that_was_zapped_meanwhile() -> None:
    outcome = run(
        ANON
        + """
3 T1 pin_fast p0 3 w
4 T0 madvise 3..4 DONTNEED
5 T1 dma_read p0
6 T1 dma_write p0
7 T0 read 3
@3 try_grab_folio_fast:grab#1 -> T0
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2:] == [0, 0, 0, 0, 2]


def test_a_flush_waits_for_the_fast_form_on_another_cpu() -> None:
    # The page cannot be freed between the two looks at the entry: T1's CPU takes no IPI.
    outcome = run(
        ANON
        + """
3 T1 pin_fast p0 3 w
4 T0 munmap 0..8
5 T1 dma_read p0
@3 gup_fast_pte_range:recheck#1 -> T0
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2:] == [-EFAULT, 0, SKIPPED]


def test_a_page_table_is_not_freed_under_the_fast_form() -> None:
    outcome = run(
        ANON
        + """
3 T1 pin_fast p0 3 w
4 T0 munmap 0..8
@3 gup_fast_pte_range:read_pte#1 -> T0
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2:] == [-EFAULT, 0]


# --- populate ---


def test_populate_maps_every_page_of_a_writable_private_mapping_for_writing() -> None:
    assert results("""
1 T0 mmap 0..2 rw private anon populate
2 T0 pagemap 0
3 T0 pagemap 1
""")[1:] == [0x103, 0x103]


def test_populate_stops_at_the_end_of_a_file_and_reports_nothing() -> None:
    assert results("""
1 T0 memfd f0 1
2 T0 mmap 0..2 rw shared f0 populate
3 T0 pagemap 0
4 T0 pagemap 1
""")[1:] == [0, 0x143, 1]


@pytest.mark.parametrize(
    ("range_and_advice", "result"),
    [
        ("0..4 POPULATE_WRITE", 0),
        ("4..6 POPULATE_WRITE", "EINVAL"),
        ("4..6 POPULATE_READ", 0),
        ("6..8 POPULATE_READ", "EFAULT"),
        ("3..9 POPULATE_READ", "EFAULT"),
        ("8..9 POPULATE_READ", "ENOMEM"),
    ],
)
def test_madvise_populate_reports_what_stopped_it(range_and_advice: str, result: int | str) -> None:
    assert (
        results(f"""
1 T0 mmap 0..4 rw private anon
2 T0 mmap 4..6 r private anon
3 T0 memfd f0 1
4 T0 mmap 6..8 rw shared f0+1
5 T0 madvise {range_and_advice}
""")[4]
        == result
    )


def test_a_page_of_a_huge_page_that_is_zapped_under_gup_fast_was_exclusive() -> None:
    text = """config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 w private anon populate
2 T0 pin_fast p0 1 r
3 T1 mmap 0..8 none private anon
@2 gup_fast:seq_retry#1 -> T1
"""
    assert results(text)[1] == 0
