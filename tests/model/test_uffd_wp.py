# SPDX-License-Identifier: MIT
"""Write protection by userfaultfd: who is told of a store, what keeps the protection, what ends
it."""

from errno import EINVAL, ENOENT

from simulator import ops
from simulator.fs import userfaultfd
from simulator.mm import mprotect
from simulator.mm.mm_types import PTE_UFFD_WP, PTE_WRITE, SWP_MARKER_UFFD_WP, pte_kind
from simulator.mm.pgtable import peek
from tests.model.run import Process, R, boot, results

WP = ops.REGISTER_WP
SET = """\
1 T0 mmap 0..4 rw private anon
2 T0 write 2
3 T0 userfaultfd u0
4 T0 uffd_register u0 0..4 wp
5 T0 uffd_writeprotect u0 0..4 wp
"""


def registered(features: int = 0) -> Process:
    p = boot()
    p.mmap(0, 4)
    p.write(2)
    assert userfaultfd.new_userfaultfd(p.k, p.mm, 0, ops.UFFD_SIGBUS | features) == 0
    assert userfaultfd.register(p.k, 0, 0, 4, WP) == 0
    return p


def protect(p: Process, start: int, end: int, flags: int = ops.WRITEPROTECT_WP) -> int:
    return userfaultfd.writeprotect(p.k, 0, start, end, flags)


def marked(p: Process) -> list[bool]:
    return [peek(p.k, p.mm, page) & PTE_UFFD_WP != 0 for page in range(4)]


def test_what_is_there_is_protected_and_what_is_not_is_not() -> None:
    p = registered()
    assert protect(p, 0, 4) == 0
    assert marked(p) == [False, False, True, False]
    assert not peek(p.k, p.mm, 2) & PTE_WRITE
    assert peek(p.k, p.mm, 1) == 0
    assert protect(p, 0, 4, 0) == 0
    assert marked(p) == [False] * 4
    assert peek(p.k, p.mm, 2) & PTE_WRITE  # it is this process's alone


def test_unpopulated_memory_has_markers_which_protect_what_comes() -> None:
    p = registered(ops.UFFD_WP_UNPOPULATED)
    assert protect(p, 0, 4) == 0
    assert pte_kind(peek(p.k, p.mm, 1)) == SWP_MARKER_UFFD_WP
    assert p.read(1) == 0
    assert marked(p) == [False, True, True, False]
    assert protect(p, 0, 4, 0) == 0
    assert peek(p.k, p.mm, 0) == 0
    assert marked(p) == [False] * 4


def test_rules_of_the_call() -> None:
    p = registered()
    p.mmap(8, 9)
    both = ops.WRITEPROTECT_WP | ops.WRITEPROTECT_DONTWAKE
    assert protect(p, 0, 4, both) == -EINVAL
    assert protect(p, 8, 9) == -ENOENT
    assert protect(p, 16, 17) == -ENOENT
    assert userfaultfd.register(p.k, 0, 8, 9, ops.REGISTER_MISSING) == 0
    assert protect(p, 8, 9) == -ENOENT


def test_mprotect_gives_no_right_to_write_back() -> None:
    p = registered()
    assert protect(p, 2, 3) == 0
    assert mprotect.do_mprotect(p.k, p.mm, 0, 4, R) == 0
    assert mprotect.do_mprotect(p.k, p.mm, 0, 4, 3) == 0
    assert marked(p)[2]
    assert not peek(p.k, p.mm, 2) & PTE_WRITE


def test_unregistering_ends_it_and_so_does_closing() -> None:
    p = registered()
    assert protect(p, 0, 4) == 0
    assert userfaultfd.unregister(p.k, 0, 0, 4) == 0
    assert marked(p) == [False] * 4
    assert userfaultfd.register(p.k, 0, 0, 4, WP) == 0
    assert protect(p, 0, 4) == 0
    assert userfaultfd.close(p.k, 0) == 0
    assert marked(p) == [False] * 4


def test_a_store_waits_until_user_space_lets_it_pass() -> None:
    text = "6 T0 write 2\n7 T1 uffd_read u0\n8 T1 uffd_writeprotect u0 2..3\n9 T0 read 2\n"
    assert results(SET + text)[5:] == [0, 2 * 16 + 3, 0, 2]


def test_loads_pass_at_once() -> None:
    assert results(SET + "6 T0 read 2\n7 T1 uffd_read u0\n")[5:] == [1, "EAGAIN"]


def test_async_stores_pass_and_leave_a_trace() -> None:
    p = registered(ops.UFFD_WP_ASYNC)
    assert protect(p, 0, 4) == 0
    assert p.write(2) == 0
    assert p.write(1) == 0
    assert pte_kind(peek(p.k, p.mm, 0)) == SWP_MARKER_UFFD_WP
    assert marked(p) == [False] * 4


def test_the_kernel_does_not_store_where_nobody_may_wait() -> None:
    text = "6 T0 mem_write 2\n7 T0 pin p0 2 w\n8 T0 read 2\n"
    assert results(SET + text)[5:] == ["EIO", "EFAULT", 1]


def test_copies_may_come_write_protected() -> None:
    text = (
        "1 T0 mmap 0..4 rw private anon\n2 T0 userfaultfd u0\n"
        "3 T0 uffd_register u0 0..2 missing wp\n4 T0 uffd_copy u0 0..1 from 2 wp\n"
        "5 T0 uffd_copy u0 1..2 from 2\n6 T0 write 1\n7 T0 write 0\n8 T1 uffd_read u0\n"
        "9 T1 uffd_writeprotect u0 0..1\n"
    )
    assert results(text)[3:] == [0, 0, 0, 0, 3, 0]


def test_children_and_moved_memory_are_not_protected() -> None:
    text = "6 T0 fork T2\n7 T2 write 2\n8 T0 mremap 2..3 to 16\n9 T0 write 16\n"
    assert results(SET + text)[5:] == [2, 0, 16, 0]


def test_migration_to_a_device_and_back_keeps_it() -> None:
    text = (
        "6 DEVICE migrate_to_device 2..3\n7 DEVICE device_write 2\n8 T0 read 2\n"
        "9 T0 write 2\n10 T1 uffd_read u0\n"
    )
    assert results(SET + text)[5:] == [1, "EFAULT", 1, 0, 2 * 16 + 3]


def test_a_huge_page_is_protected_as_a_whole_and_in_part() -> None:
    text = (
        "config pmd_order=3 frames=64 thp=always\n1 T0 mmap 0..8 rw private anon\n"
        "2 T0 write 2\n3 T0 userfaultfd u0\n4 T0 uffd_register u0 0..8 wp\n"
        "5 T0 uffd_writeprotect u0 0..8 wp\n6 T0 write 3\n7 T1 uffd_read u0\n"
        "8 T1 uffd_writeprotect u0 0..4\n9 T0 write 3\n10 T0 write 4\n11 T1 uffd_read u0\n"
    )
    assert results(text)[5:] == [0, 3 * 16 + 3, 0, 0, 0, 4 * 16 + 3]


def test_no_collapse_takes_it_away() -> None:
    text = (
        "config pmd_order=3 frames=64 thp=madvise\n1 T0 mmap 0..8 rw private anon populate\n"
        "2 T0 userfaultfd u0 sigbus\n3 T0 uffd_register u0 0..8 wp\n"
        "4 T0 uffd_writeprotect u0 2..3 wp\n5 T0 madvise 0..8 COLLAPSE\n6 T0 write 2\n"
    )
    assert results(text)[3:] == [0, "EINVAL", "SIGBUS"]


def test_the_huge_zero_page_keeps_it_whatever_takes_its_place() -> None:
    text = (
        "config pmd_order=3 frames=64 thp=always\n1 T0 mmap 0..8 r private anon populate\n"
        "2 T0 userfaultfd u0\n3 T0 uffd_register u0 0..8 wp\n"
        "4 T0 uffd_writeprotect u0 0..8 wp\n"
    )
    assert results(text + "5 T0 munmap 0..1\n")[4:] == [0]
    assert results(text + "5 T0 pin p0 0 r longterm\n")[4:] == [0]
    assert results(text + "5 DEVICE migrate_to_device 0..8\n")[4:] == [0]


def test_a_userfaultfd_that_is_being_released_is_not_released_again() -> None:
    p = registered()
    ctx = userfaultfd.fdget(p.k, 0)
    assert ctx is not None
    userfaultfd.close_all(p.k)  # a call is still inside, as at the End
    ctx.released = False  # how the last call finds it when release has only just begun
    assert userfaultfd.fdput(p.k, ctx, 0) == 0
    assert ctx.refcount == 0


def test_what_gup_has_let_through_before_is_no_bypass() -> None:
    text = (
        "config pmd_order=3 frames=64\n1 T0 mmap 0..1 rw private anon populate\n"
        "2 T0 userfaultfd u0\n3 T0 uffd_register u0 0..1 wp\n4 T1 mem_write 0\n"
        "5 T0 uffd_writeprotect u0 0..1 wp\n@4 access_remote_vm:store#1 -> T0\n"
    )
    assert results(text)[3:] == [0, 0]
