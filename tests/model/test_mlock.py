# SPDX-License-Identifier: MIT
"""mlock() and its kin: flags, counts, limits, what locked memory refuses, what is prefaulted."""

from errno import EAGAIN, EINVAL, ENOMEM

from simulator import ops
from simulator.mm import madvise, mlock, mmap, mprotect, mremap
from simulator.mm.mm_types import PTE_WRITE, VM_LOCKED, VM_LOCKONFAULT
from simulator.mm.pgtable import peek
from simulator.scenario import Config
from tests.model.run import NONE, Process, R, boot, results, run


def locked(p: Process) -> list[tuple[int, int, bool]]:
    return [(vma.start, vma.end, vma.flags & VM_LOCKED != 0) for vma in p.mm.vmas]


def test_a_part_is_locked_and_prefaulted_and_counted() -> None:
    p = boot()
    p.mmap(0, 8)
    assert mlock.mlock(p.k, p.mm, 2, 4) == 0
    assert locked(p) == [(0, 2, False), (2, 4, True), (4, 8, False)]
    assert p.mm.locked_vm == 2
    assert [bool(peek(p.k, p.mm, page)) for page in range(5)] == [False, False, True, True, False]
    assert mlock.mlock(p.k, p.mm, 0, 4) == 0  # what is locked counts once
    assert p.mm.locked_vm == 4
    assert mlock.munlock(p.k, p.mm, 0, 8) == 0
    assert locked(p) == [(0, 8, False)]
    assert p.mm.locked_vm == 0


def test_onfault_prefaults_nothing() -> None:
    p = boot()
    p.mmap(0, 4)
    assert mlock.mlock2(p.k, p.mm, 0, 4, ops.MLOCK_ONFAULT) == 0
    assert p.mm.vmas[0].flags & VM_LOCKONFAULT
    assert not peek(p.k, p.mm, 1)
    assert mlock.mlock(p.k, p.mm, 0, 4) == 0  # now it is locked as usual
    assert not p.mm.vmas[0].flags & VM_LOCKONFAULT
    assert p.mm.locked_vm == 4


def test_a_hole_is_enomem_and_what_comes_before_it_is_locked() -> None:
    p = boot()
    p.mmap(0, 2)
    p.mmap(3, 5)
    assert mlock.mlock(p.k, p.mm, 0, 5) == -ENOMEM
    assert locked(p) == [(0, 2, True), (3, 5, False)]
    assert mlock.mlock(p.k, p.mm, 2, 5) == -ENOMEM
    assert mlock.munlock(p.k, p.mm, 0, 3) == -ENOMEM
    assert p.mm.locked_vm == 0


def test_memory_that_cannot_be_touched_is_locked_and_enomem() -> None:
    p = boot()
    p.mmap(0, 2, NONE)
    assert mlock.mlock(p.k, p.mm, 0, 2) == -ENOMEM
    assert locked(p) == [(0, 2, True)]


def test_no_memory_to_prefault_is_eagain() -> None:
    outcome = run("""
1 T0 mmap 0..2 rw private anon
2 T0 mlock 0..2
@2 do_anonymous_page:alloc#1 fail
""")
    assert outcome.violation is None
    assert outcome.results[1] == -EAGAIN


def test_the_limit_is_that_of_pages_not_locked_yet() -> None:
    p = boot()
    limit = mmap.rlimit_memlock(p.k)
    p.mmap(0, limit + 2)
    assert mlock.mlock2(p.k, p.mm, 0, limit + 1, ops.MLOCK_ONFAULT) == -ENOMEM
    assert mlock.mlock2(p.k, p.mm, 0, limit, ops.MLOCK_ONFAULT) == 0
    assert mlock.mlock2(p.k, p.mm, 0, limit, ops.MLOCK_ONFAULT) == 0
    assert mlock.mlock2(p.k, p.mm, limit, limit + 1, ops.MLOCK_ONFAULT) == -ENOMEM
    assert p.mmap(limit + 2, limit + 3, flags=ops.MMAP_LOCKED) == -EAGAIN
    assert mlock.mlockall(p.k, p.mm, ops.MCL_CURRENT) == -ENOMEM
    assert p.mm.locked_vm == limit


def test_locked_memory_refuses_advice_that_takes_pages_away() -> None:
    p = boot()
    p.mmap(0, 4)
    mlock.mlock(p.k, p.mm, 0, 4)
    for name in ("DONTNEED", "FREE", "COLD", "PAGEOUT", "GUARD_INSTALL"):
        advice = ops.ADVICE.index(name)
        assert madvise.do_madvise(p.k, p.mm, 0, 4, advice) == -EINVAL, name
    assert madvise.do_madvise(p.k, p.mm, 0, 4, ops.MADV_GUARD_REMOVE) == 0
    assert madvise.do_madvise(p.k, p.mm, 0, 4, ops.MADV_WILLNEED) == 0


def test_mlockall_is_about_what_is_there_what_comes_or_both() -> None:
    p = boot()
    p.mmap(0, 2)
    assert mlock.mlockall(p.k, p.mm, ops.MCL_FUTURE) == 0
    p.mmap(4, 6)
    assert locked(p) == [(0, 2, False), (4, 6, True)]
    assert peek(p.k, p.mm, 4)
    assert mlock.mlockall(p.k, p.mm, ops.MCL_CURRENT | ops.MCL_ONFAULT) == 0
    p.mmap(8, 10)
    assert locked(p) == [(0, 2, True), (4, 6, True), (8, 10, False)]
    assert not peek(p.k, p.mm, 0)
    assert mlock.munlockall(p.k, p.mm) == 0
    assert p.mm.locked_vm == 0
    for flags in (0, ops.MCL_ONFAULT):
        assert mlock.mlockall(p.k, p.mm, flags) == -EINVAL


def test_droppable_memory_is_never_locked() -> None:
    p = boot()
    p.mmap(0, 2, flags=ops.MMAP_DROPPABLE)
    assert mlock.mlock(p.k, p.mm, 0, 2) == 0
    assert p.mmap(4, 6, flags=ops.MMAP_DROPPABLE | ops.MMAP_LOCKED) == -EINVAL
    mlock.mlockall(p.k, p.mm, ops.MCL_FUTURE)
    p.mmap(8, 10, flags=ops.MMAP_DROPPABLE)
    assert locked(p) == [(0, 2, False), (8, 10, False)]
    assert peek(p.k, p.mm, 8)  # prefaulted all the same


def test_a_child_inherits_no_lock() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon locked
2 T0 mlockall future
3 T0 fork T1
4 T1 madvise 0..4 DONTNEED
5 T1 mmap 8..12 rw private anon
6 T1 madvise 8..12 DONTNEED
7 T0 madvise 0..4 DONTNEED
""") == [0, 0, 1, 0, 8, 0, "EINVAL"]


def test_locked_memory_that_grows_is_counted_and_prefaulted() -> None:
    p = boot()
    p.mmap(0, 2, flags=ops.MMAP_LOCKED)
    assert mremap.do_mremap(p.k, p.mm, 0, 2, 0, 4, 0) == 0
    assert p.mm.locked_vm == 4
    assert peek(p.k, p.mm, 3)
    assert mremap.do_mremap(p.k, p.mm, 0, 4, 16, 22, 0) == 16
    assert p.mm.locked_vm == 6
    assert peek(p.k, p.mm, 21)
    limit = mmap.rlimit_memlock(p.k)
    assert mremap.do_mremap(p.k, p.mm, 16, 22, 16, 16 + limit + 1, 0) == -EAGAIN


def test_dontunmap_leaves_an_unlocked_mapping_behind() -> None:
    """Only of the part that moves. What kernels did before: mremap-dontunmap-locked-vm-partial."""
    p = boot()
    p.mmap(0, 4, flags=ops.MMAP_LOCKED)
    assert mremap.do_mremap(p.k, p.mm, 1, 2, 16, 17, ops.MREMAP_DONTUNMAP) == 16
    assert locked(p) == [(0, 1, True), (1, 2, False), (2, 4, True), (16, 17, True)]
    assert p.mm.locked_vm == 4


def test_private_locked_memory_that_becomes_writable_is_copied_at_once() -> None:
    p = boot()
    p.mmap(0, 2, R, flags=ops.MMAP_LOCKED)
    assert not peek(p.k, p.mm, 1) & PTE_WRITE
    assert mprotect.do_mprotect(p.k, p.mm, 0, 2, 3) == 0
    assert peek(p.k, p.mm, 1) & PTE_WRITE


def test_a_locked_stack_grows_to_the_limit() -> None:
    p = boot(Config(pages=128))
    limit = mmap.rlimit_memlock(p.k)
    p.mmap(60, 64, flags=ops.MMAP_GROWSDOWN | ops.MMAP_LOCKED)
    assert p.write(58) == 0
    assert p.mm.locked_vm == 6
    assert p.write(64 - limit) == 0
    assert p.write(63 - limit) < 0
    assert p.mm.locked_vm == limit


def test_munmap_gives_locked_pages_back() -> None:
    p = boot()
    p.mmap(0, 8, flags=ops.MMAP_LOCKED)
    p.munmap(2, 4)
    assert p.mm.locked_vm == 6
    p.mmap(0, 8)
    assert p.mm.locked_vm == 0


def test_munlockall_passes_over_what_it_has_no_memory_for() -> None:
    """apply_mlockall_flags() ignores errors, and munlockall() returns 0."""
    outcome = run("""
1 T0 mmap 0..3 rw private anon
2 T0 mlock 1..2
3 T0 munlockall
@3 commit_merge:prealloc#1 fail
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2] == 0
