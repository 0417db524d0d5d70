# SPDX-License-Identifier: MIT
"""Fatal signals: who waits so that it can be killed does without the lock, and everybody dies where
user space would go on."""

import pytest

from tests.model.run import results, run

# T1 waits for mmap_lock, which T0 holds for write, when T2, a child, kills both.
WAITING = """
1 T0 mmap 0..4 rw private anon populate
2 T0 memfd f0 2
3 T0 fork T2
4 T0 munmap 0..2
5 T1 {op}
6 T2 kill T0
7 T0 read 3
8 T2 read 3
@4 mmap_write_downgrade:end_vma_writes#1 -> T2
@4 vma_iter_clear:tree#1 -> T1
@6 op:end#1 -> T1
"""


@pytest.mark.parametrize(
    "op",
    [
        "mmap 8..9 rw private anon",
        "munmap 2..3",
        "mremap 2..3 to 8",
        "mprotect 2..3 r",
        "madvise 2..3 DONTFORK",
        "clear_refs soft-dirty",
        "pagemap 3",
        "pin p0 3 r",
        "mlock 2..3",
        "munlock 2..3",
        "mlockall current",
        "munlockall",
    ],
)
def test_a_killed_waiter_gives_up_the_call(op: str) -> None:
    assert results(WAITING.format(op=op)) == [0, 0, 2, 0, "EINTR", 0, "skipped", 0]


def test_a_killed_access_is_not_made() -> None:
    text = WAITING.replace(" populate", "").format(op="read 3")
    assert results(text)[4:] == ["SIGKILL", 0, "skipped", 0]


def test_a_fork_that_cannot_copy_says_that_memory_is_out() -> None:
    """copy_mm() knows no other reason."""
    assert results(WAITING.format(op="fork T3"))[4] == "ENOMEM"


def test_mincore_waits_to_the_end() -> None:
    """Its mmap_read_lock() cannot be killed."""
    assert results(WAITING.format(op="mincore 2..3"))[4] == 1


def test_who_is_killed_outside_of_a_call_is_gone_before_its_next_op() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon populate
2 T0 fork T2
3 T2 kill T1
4 T1 write 0
5 T0 write 0
6 T2 read 0
7 T2 kill T0
""")[2:] == [0, "skipped", "skipped", 0, "ESRCH"]


def test_a_killed_writer_lets_the_readers_behind_it_in() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon populate
2 T0 fork T2
3 T0 pagemap 3
4 T1 munmap 0..2
5 T3 mincore 2..3
6 T2 kill T0
7 T2 write 3
@3 pagemap_pmd_range:lock#1 park 6
@6 op:end#1 -> T1
""")[3:] == ["EINTR", 1, 0, 0]


def test_a_fork_that_is_killed_has_no_child() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon populate
2 T0 fork T2
3 T0 fork T1
4 T2 kill T0
5 T1 read 0
6 T2 read 0
@3 dup_mmap:flush#1 -> T2
""")[2:] == ["EINTR", 0, "skipped", 0]


def test_the_process_of_a_killed_thread_is_taken_apart() -> None:
    outcome = run(
        """
1 T0 mmap 0..4 rw private anon populate
2 T0 fork T1
3 T1 kill T0
4 T0 read 0
5 T1 sleep
""",
        trace=True,
    )
    assert outcome.violation is None
    exits = [e.uid for e in outcome.trace if e.site == "exit_mmap:read_lock"]
    assert exits[0] == 4
