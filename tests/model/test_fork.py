# SPDX-License-Identifier: MIT
"""fork(): what parent and child share, what they do not, and what a failure leaves."""

import pytest

from tests.model.run import results, run

PARENT_WITH_DATA = """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
"""


def test_parent_and_child_see_the_past_together_and_the_future_alone() -> None:
    assert results(
        PARENT_WITH_DATA
        + """
3 T0 fork T1
4 T0 write 3
5 T1 read 3
6 T1 write 3
7 T0 read 3
8 T1 read 3
"""
    )[2:] == [1, 0, 1, 0, 2, 3]


def test_a_shared_mapping_stays_shared() -> None:
    assert results("""
1 T0 mmap 0..4 rw shared anon
2 T0 fork T1
3 T0 write 2
4 T1 read 2
5 T1 write 2.1
6 T0 read 2.1
""")[1:] == [1, 0, 1, 0, 2]


def test_dontfork_is_missing_in_the_child_and_wipeonfork_is_empty() -> None:
    assert results("""
1 T0 mmap 0..3 rw private anon
2 T0 write 0
3 T0 write 1
4 T0 write 2
5 T0 madvise 0..1 DONTFORK
6 T0 madvise 1..2 WIPEONFORK
7 T0 fork T1
8 T1 read 0
9 T1 read 1
10 T1 read 2
11 T0 read 1
""")[7:] == ["SIGSEGV", 0, 3, 2]


def test_a_grandchild_inherits_from_both() -> None:
    assert results(
        PARENT_WITH_DATA
        + """
3 T0 fork T1
4 T1 write 4
5 T1 fork T2
6 T2 read 3
7 T2 read 4
8 T0 read 4
9 T1 exit
10 T2 write 3
11 T0 read 3
"""
    )[5:] == [1, 2, 0, 0, 0, 1]


def test_ops_before_the_fork_are_skipped() -> None:
    assert results("1 T1 read 0\n2 T0 fork T1\n3 T1 read 0\n") == ["skipped", 1, "SIGSEGV"]


@pytest.mark.parametrize(
    "site",
    [
        "dup_mm:alloc#1",
        "dup_mmap:mt_dup#1",
        "vm_area_dup:alloc#1",
        "vm_area_dup:alloc#2",
        "anon_vma_clone:alloc#1",
        "anon_vma_fork:alloc#1",
        "pte_alloc:new_table#1",
    ],
)
def test_a_fork_without_memory_leaves_nothing_behind(site: str) -> None:
    # The End audits every count; the parent goes on as if nothing had happened.
    assert results(f"""
1 T0 mmap 0..8 rw private anon
2 T0 memfd f0 2
3 T0 mmap 8..10 rw private f0
4 T0 write 3
5 T0 write 8
6 T0 fork T1
7 T1 read 3
8 T0 write 3
9 T0 read 3
@6 {site} fail
""")[5:] == ["ENOMEM", "skipped", 0, 3]


def test_a_fork_that_fails_takes_its_copy_apart_before_it_lets_others_in() -> None:
    outcome = run(
        """
1 T0 mmap 0..8 rw private anon populate
2 T0 mmap 8..10 r private anon
3 T0 fork T1
@3 vm_area_dup:alloc#2 fail
""",
        trace=True,
    )
    assert outcome.violation is None
    seen = [event.site for event in outcome.trace if event.uid == 3]
    assert "zap_pte_range:clear_pte" in seen[: seen.index("dup_mmap:flush")]
    assert "exit_mmap:write_lock" not in seen


def test_a_fork_fails_when_a_pinned_page_cannot_be_copied() -> None:
    assert results(
        PARENT_WITH_DATA
        + """
3 T0 pin p0 3 w
4 T0 fork T1
5 T0 dma_write p0
6 T0 read 3
@4 copy_pte_range:prealloc#1 fail
"""
    )[3:] == ["ENOMEM", 0, 2]


def test_a_pinned_page_is_copied_for_the_child() -> None:
    assert results(
        PARENT_WITH_DATA
        + """
3 T0 pin p0 3 w
4 T0 fork T1
5 T0 write 3
6 T0 dma_read p0
7 T0 dma_write p0.1
8 T0 read 3.1
9 T1 read 3
10 T1 read 3.1
"""
    )[4:] == [0, 2, 0, 3, 1, 0]


def test_page_faults_wait_for_a_fork_to_finish() -> None:
    outcome = run(
        PARENT_WITH_DATA
        + """
3 T0 fork T2
4 T1 write 3.1
5 T2 read 3.1
6 T0 read 3.1
@3 dup_mmap:flush#1 -> T1
"""
    )
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[3:] == [0, 0, 2]


def test_faults_under_the_vma_lock_would_copy_what_is_not_flushed() -> None:
    scenario = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T3
4 T1 write 3.1
5 T2 write 3.2
6 T0 read 3.2
@3 dup_mmap:flush#1 -> T1
"""
    assert run(scenario.format(bug="")).violation is None
    violation = run(scenario.format(bug=" bug=fork-parent-vma-not-locked")).violation
    assert violation is not None
    assert str(violation.signature) == "memory-value copy_present_pte anon"


def test_a_child_has_its_anon_vma_before_it_is_linked_to_those_of_its_parent() -> None:
    outcome = run("1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n3 T0 fork T1\n", trace=True)
    steps = [event.site for event in outcome.trace if event.uid == 3 and "anon_vma_" in event.site]
    assert list(dict.fromkeys(steps)) == [
        "anon_vma_fork:alloc",
        "anon_vma_clone:alloc",
        "anon_vma_clone:lock",
        "anon_vma_fork:lock",
    ]
