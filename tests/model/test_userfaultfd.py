# SPDX-License-Identifier: MIT
"""userfaultfd: who may register what, who waits for whom, what is filled, and what ends it."""

from errno import EAGAIN, EBUSY, EEXIST, EFAULT, EINVAL, ENOENT

from simulator import ops
from simulator.fs import userfaultfd
from simulator.mm.mm_types import PTE_SPECIAL, PTE_WRITE, VM_UFFD_MISSING
from simulator.mm.pgtable import peek
from tests.model.run import Process, R, boot, results, run

MISSING = ops.REGISTER_MISSING
ANON = """\
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..12 rw private anon
3 T0 write 8.1
4 T0 userfaultfd u0
5 T0 uffd_register u0 0..4 missing
"""


def opened(p: Process, handle: int = 0) -> None:
    assert userfaultfd.new_userfaultfd(p.k, p.mm, handle, ops.UFFD_SIGBUS) == 0


def registered(p: Process) -> list[tuple[int, int, bool]]:
    return [(v.start, v.end, v.flags & VM_UFFD_MISSING != 0) for v in p.mm.vmas]


def copy(p: Process, start: int, end: int, source: int) -> int:
    return userfaultfd.copy(p.k, p.k.tasks[0], p.mm, 0, start, end, source, 0)


def zeropage(p: Process, start: int, end: int) -> int:
    return userfaultfd.zeropage(p.k, p.k.tasks[0], p.mm, 0, start, end, 0)


def test_registering_splits_vmas_and_unregistering_merges_them() -> None:
    p = boot()
    p.mmap(0, 8)
    opened(p)
    assert userfaultfd.register(p.k, 0, 2, 4, MISSING) == 0
    assert registered(p) == [(0, 2, False), (2, 4, True), (4, 8, False)]
    assert userfaultfd.register(p.k, 0, 0, 8, MISSING) == 0
    assert registered(p) == [(0, 8, True)]
    assert userfaultfd.unregister(p.k, 0, 6, 8) == 0
    assert registered(p) == [(0, 6, True), (6, 8, False)]
    assert userfaultfd.close(p.k, 0) == 0
    assert registered(p) == [(0, 8, False)]


def test_one_vma_has_one_userfaultfd() -> None:
    p = boot()
    p.mmap(0, 4)
    opened(p)
    opened(p, 1)
    assert userfaultfd.register(p.k, 0, 0, 2, MISSING) == 0
    assert userfaultfd.register(p.k, 1, 2, 4, MISSING) == 0
    assert registered(p) == [(0, 2, True), (2, 4, True)]  # they are not one
    assert userfaultfd.register(p.k, 1, 0, 4, MISSING) == -EBUSY
    assert userfaultfd.unregister(p.k, 1, 0, 4) == -EINVAL


def test_what_cannot_be_registered() -> None:
    p = boot()
    p.mmap(0, 2)
    p.mmap(2, 4, flags=ops.MMAP_DROPPABLE)
    opened(p)
    assert userfaultfd.register(p.k, 0, 0, 2, 0) == -EINVAL
    assert userfaultfd.register(p.k, 0, 8, 9, MISSING) == -EINVAL
    assert userfaultfd.register(p.k, 0, 0, 4, MISSING) == -EINVAL
    assert registered(p)[0] == (0, 2, False)


def test_copies_go_where_nothing_is_and_nowhere_else() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(8, 12)
    p.write(9)
    token = p.read(9)
    opened(p)
    assert copy(p, 0, 1, 9) == -ENOENT  # not registered
    assert userfaultfd.register(p.k, 0, 0, 4, MISSING) == 0
    assert copy(p, 0, 5, 8) == -ENOENT  # more than the VMA
    assert copy(p, 1, 2, 9) == 0
    assert p.read(1) == token
    assert peek(p.k, p.mm, 1) & PTE_WRITE
    assert copy(p, 1, 2, 9) == -EEXIST
    assert copy(p, 0, 4, 8) == -EAGAIN  # a part of it
    assert p.read(0) == 0
    assert copy(p, 2, 3, 20) == -EFAULT
    assert p.read(9) == token


def test_zeroes_are_the_zero_page() -> None:
    p = boot()
    p.mmap(0, 4)
    opened(p)
    assert userfaultfd.register(p.k, 0, 0, 4, MISSING) == 0
    assert zeropage(p, 0, 2) == 0
    assert peek(p.k, p.mm, 0) & PTE_SPECIAL
    assert zeropage(p, 1, 3) == -EEXIST
    p.write(0)  # no event: it is there
    assert p.read(0)


def test_a_copy_into_memory_that_is_not_writable_is_not_writable() -> None:
    p = boot()
    p.mmap(0, 2, R)
    p.mmap(8, 9)
    p.write(8)
    opened(p)
    assert userfaultfd.register(p.k, 0, 0, 2, MISSING) == 0
    assert copy(p, 0, 1, 8) == 0
    assert not peek(p.k, p.mm, 0) & PTE_WRITE


def test_a_fault_waits_for_a_copy_and_sees_it() -> None:
    assert results(ANON + "6 T0 read 2.1\n7 T1 uffd_read u0\n8 T1 uffd_copy u0 2..3 from 8\n") == [
        *(0, 8, 0, 0, 0),
        *(1, 2 * 16, 0),
    ]


def test_a_store_is_told_as_one() -> None:
    text = ANON + "6 T0 write 3\n7 T1 uffd_read u0\n8 T1 uffd_read u0\n9 T1 uffd_close u0\n"
    assert results(text)[5:] == [0, 3 * 16 + 1, "EAGAIN", 0]


def test_who_is_woken_too_early_waits_again_and_is_told_again() -> None:
    text = "6 T0 read 2\n7 T1 uffd_read u0\n8 T1 uffd_wake u0 2..3\n9 T1 uffd_read u0\n"
    more = "10 T1 uffd_zeropage u0 2..3\n11 T0 uffd_read u0\n"
    assert results(ANON + text + more)[5:] == [0, 32, 0, 32, 0, "EAGAIN"]


def test_who_resolves_a_fault_before_its_actor_has_queued_keeps_it_from_sleeping() -> None:
    """It looks at the page tables after it has queued."""
    text = "6 T0 read 2\n7 T1 uffd_zeropage u0 2..3\n8 T0 uffd_read u0\n"
    switch = "@6 handle_userfault:queue#1 -> T1\n"
    assert results(ANON + text + switch)[5:] == [0, 0, "EAGAIN"]


def test_nobody_to_resolve_it_is_the_end() -> None:
    outcome = run(ANON + "6 T0 read 2\n7 T0 write 1\n")
    assert outcome.violation is None
    assert outcome.results[5:] == [0, 0]


def test_a_call_that_waits_for_itself_keeps_no_userfaultfd_open_at_the_end() -> None:
    text = ANON + "6 T0 uffd_copy u0 0..1 from 0\n7 T1 uffd_close u0\n"
    assert results(text)[5:] == ["ENOENT", 0]


def test_the_source_of_a_copy_may_fault_and_even_wait() -> None:
    text = "6 T0 uffd_register u0 8..9 missing\n7 T1 madvise 8..9 DONTNEED\n"
    more = "8 T0 uffd_copy u0 1..2 from 8\n9 T1 uffd_zeropage u0 8..9\n10 T0 read 1.1\n"
    assert results(ANON + text + more)[5:] == [0, 0, 0, 0, 0]


def test_a_vma_that_changes_while_the_source_is_faulted_in_is_refused() -> None:
    text = "6 T0 uffd_copy u0 1..2 from 9\n7 T1 uffd_unregister u0 0..4\n"
    switch = "@6 mfill_copy_folio_retry:copy_word#1 -> T1\n"
    assert results(ANON + text + switch)[5:] == ["ENOENT", 0]


def test_a_child_has_no_userfaultfd() -> None:
    assert results(ANON + "6 T0 fork T1\n7 T1 write 2\n8 T1 read 2\n")[5:] == [1, 0, 2]


def test_moved_memory_has_none() -> None:
    text = "6 T0 mremap 0..2 to 16\n7 T0 read 17\n8 T0 uffd_zeropage u0 17..18\n"
    assert results(ANON + text)[5:] == [16, 0, "ENOENT"]


def test_a_process_that_is_killed_waits_no_more() -> None:
    text = ANON + "6 T0 fork T2\n7 T0 read 2\n8 T2 kill T0\n9 T2 uffd_zeropage u0 2..3\n"
    assert results(text)[6:] == ["SIGKILL", 0, "ESRCH"]


def test_populating_waits_with_mmap_lock_dropped() -> None:
    text = "6 T0 madvise 0..4 POPULATE_WRITE\n7 T1 mmap 32..33 rw private anon\n"
    more = "8 T1 uffd_zeropage u0 0..4\n9 T0 write 3\n"
    assert results(ANON + text + more)[5:] == [0, 32, 0, 0]


def test_a_pin_waits_where_the_caller_can_and_fails_where_not() -> None:
    text = "6 T0 pin p0 1 w\n7 T0 pin_fast p1 1 w\n8 T1 uffd_copy u0 1..2 from 8\n"
    assert results(ANON + text)[5:] == ["EFAULT", 0, 0]


def test_a_huge_page_is_missing_as_a_whole() -> None:
    text = (
        "config pmd_order=3 frames=64 thp=always\n1 T0 mmap 0..8 rw private anon\n"
        "2 T0 userfaultfd u0\n3 T0 uffd_register u0 0..8 missing\n4 T0 write 3\n"
        "5 T1 uffd_zeropage u0 3..4\n6 T1 mincore 0..8\n"
    )
    assert results(text)[3:] == [0, 0, 1]


def test_no_collapse_fills_a_hole_that_userfaultfd_waits_for() -> None:
    text = (
        "config pmd_order=3 frames=64 thp=always\n1 T0 mmap 0..8 rw private anon\n"
        "2 T0 userfaultfd u0 sigbus\n3 T0 uffd_register u0 0..8 missing\n"
        "4 T0 uffd_zeropage u0 3..4\n5 T0 write 3\n6 KHUGEPAGED scan T0\n"
        "7 T0 madvise 0..8 COLLAPSE\n8 T0 mincore 0..8\n"
    )
    assert results(text)[4:] == [0, 0, "EBUSY", 1]


FILE = """\
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..6 rw shared f0
4 T0 mmap 8..9 rw private anon
5 T0 write 8
6 T0 userfaultfd u0 user-only sigbus
"""


def test_a_hole_of_a_file_is_missing_until_it_is_filled() -> None:
    got = results(
        FILE
        + "7 T0 uffd_register u0 0..6 missing\n8 T0 read 2\n9 T0 read 1\n"
        + "10 T0 uffd_copy u0 2..3 from 8\n11 T0 pread f0 2\n12 T0 uffd_copy u0 1..2 from 8\n"
        + "13 T0 uffd_copy u0 4..5 from 8\n14 T0 uffd_zeropage u0 3..4\n15 T0 pread f0 3\n"
    )
    assert got[6:9] == [0, "SIGBUS", 1]  # values of the first and, then, the second write
    assert got[9:] == [0, 2, "EEXIST", "ENOMEM", 0, 0]


def test_what_a_file_has_waits_for_continue() -> None:
    got = results(
        FILE
        + "7 T0 uffd_register u0 0..6 minor\n8 T0 read 1\n9 T0 read 2\n"
        + "10 T0 uffd_continue u0 1..2\n11 T0 read 1\n12 T0 uffd_continue u0 1..2\n"
        + "13 T0 uffd_continue u0 3..4\n14 T0 uffd_continue u0 4..5\n"
    )
    assert got[6:9] == [0, "SIGBUS", 0]
    assert got[9:] == [0, 1, "EEXIST", "EFAULT", "EFAULT"]


def test_only_files_have_minor_faults() -> None:
    got = results(FILE + "7 T0 uffd_register u0 8..9 minor\n8 T0 uffd_continue u0 8..9\n")
    assert got[6:] == ["EINVAL", "ENOENT"]


def test_a_file_page_that_is_continued_privately_was_not_modified() -> None:
    """UFFDIO_CONTINUE sets the dirty bit always, and a store goes to a copy."""
    text = """config pmd_order=3 frames=64
1 T0 memfd f0 1
2 T0 mmap 0..1 r private f0 populate
3 T0 mmap 0..1 w private f0
4 T0 userfaultfd u0
5 T0 uffd_register u0 0..1 missing
6 T0 uffd_continue u0 0..1
7 T0 write 0
"""
    assert results(text)[5:] == [0, 0]


def test_lost_pages_fail_every_access_until_they_are_given_up() -> None:
    text = """\
1 T0 mmap 0..4 rw private anon
2 T0 userfaultfd u0 sigbus
3 T0 uffd_register u0 0..4 missing
4 T0 uffd_poison u0 1..3
5 T0 read 1
6 T0 uffd_poison u0 2..4
7 T0 fork T1
8 T1 write 2
9 T0 uffd_unregister u0 0..4
10 T0 madvise 1..2 POPULATE_READ
11 T0 madvise 0..4 DONTNEED
12 T0 read 1
"""
    assert results(text)[3:] == [0, "SIGBUS", "EEXIST", 1, "SIGBUS", 0, "EHWPOISON", 0, 0]
