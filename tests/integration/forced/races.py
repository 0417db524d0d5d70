# SPDX-License-Identifier: MIT
"""Races of Linux, and what an engine has to bear in them, step by step.

Each answers what user space sees of it.
"""

from conformance.forced.build import Build
from conformance.forced.engine import DONE, HELD, WAITING
from conformance.forced.guest import RAW_STORE, Guest, Work
from tests.integration.forced.hand import (
    ARENA,
    HUGE,
    MADV_DONTNEED,
    MADV_HUGEPAGE,
    MADV_POPULATE_WRITE,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_HUGETLB,
    MAP_PRIVATE,
    PAGE,
    PR_SET_THP_DISABLE,
    PROT_RW,
    SCRATCH,
    UFFDIO_API,
    UFFDIO_COPY,
    UFFDIO_REGISTER,
    race,
)

FORK = 8  # the op table's
ANONYMOUS = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
_FEATURE_WP = 1
_MODE_WP = 2
# __mcopy_atomic() until 6.2, mfill_atomic() since, and 7.2's mfill_establish_pmd(); all may be
# inlined into what calls them.
_ALLOCATES = tuple(
    f"{function}@call:__pte_alloc"
    for function in (
        "mcopy_atomic",
        "__mcopy_atomic",
        "mfill_atomic_copy",
        "mfill_establish_pmd",
        "mfill_atomic",
    )
)
_ALLOCATED = tuple(rule.replace("@call", "@ret") for rule in _ALLOCATES)


def uffd_mfill(guest: Guest, build: Build) -> int:
    """UFFDIO_COPY looks at a PMD; a huge page comes and goes around its __pte_alloc(): what the
    ioctl returns. Raises Cry where the kernel has BUG_ON(pmd_none()) there."""
    with race(guest, build) as r:
        r.call(0, "prctl", PR_SET_THP_DISABLE, 0, 0, 0, 0)
        r.call(0, "mmap", ARENA, HUGE, PROT_RW, ANONYMOUS, -1, 0)
        r.call(0, "madvise", ARENA, HUGE, MADV_HUGEPAGE)
        fd = r.call(0, "userfaultfd", 0x80000 | 1)
        r.call(0, "ioctl", fd, UFFDIO_API, r.struct(0xAA, _FEATURE_WP, 0))
        r.call(0, "ioctl", fd, UFFDIO_REGISTER, r.struct(ARENA, HUGE, _MODE_WP, 0))
        copy = r.struct(ARENA, SCRATCH, PAGE, 0, 0)
        held = r.hold(0, r.work("ioctl", fd, UFFDIO_COPY, copy), *_ALLOCATES)
        assert held.kind == HELD
        assert r.store(1, ARENA + PAGE, 1) == 0
        held = r.go_on(0, *_ALLOCATED)
        assert held.kind == HELD
        r.call(1, "madvise", ARENA, HUGE, MADV_DONTNEED)
        return r.finish(0)


def hugetlb_dontneed(guest: Guest, build: Build) -> tuple[bool, int]:
    """MADV_DONTNEED has unmapped the only huge page and not freed it yet; another thread touches
    the memory: whether that waits, and what it gets."""
    with race(guest, build) as r:
        r.write_file("/proc/sys/vm/nr_hugepages", "1")
        r.call(0, "mmap", ARENA, HUGE, PROT_RW, ANONYMOUS | MAP_HUGETLB, -1, 0)
        assert r.store(0, ARENA, 1) == 0
        held = r.hold(0, r.work("madvise", ARENA, HUGE, MADV_DONTNEED), "tlb_finish_mmu")
        assert held.kind == HELD
        r.engine.start(1, Work(RAW_STORE, (ARENA, 2)))
        touched = r.engine.run(1)
        waited = touched.kind == WAITING
        assert r.finish(0) == 0
        if waited:
            touched = r.engine.run(1)
        assert touched.kind == DONE
        r.write_file("/proc/sys/vm/nr_hugepages", "0")
        return waited, touched.result


def torn_snapshot(guest: Guest, build: Build) -> tuple[int, int]:
    """fork() copies a pinned page at once and shares the next one; between, a thread stores first
    to the one and then to the other: what the child sees of the two stores."""
    with race(guest, build, 3, children=(2,)) as r:
        r.call(0, "mmap", ARENA, 2 * PAGE, PROT_RW, ANONYMOUS, -1, 0)
        for page in range(2):
            assert r.store(0, ARENA + page * PAGE, 1) == 0
        ring = r.call(0, "io_uring_setup", 1, r.struct(*[0] * 15))
        buffer = r.struct(ARENA, PAGE)
        r.call(0, "io_uring_register", ring, 0, buffer, 1)  # IORING_REGISTER_BUFFERS pins it
        held = r.hold(
            0,
            Work(FORK, (2,)),
            *(
                f"{function}@ret:copy_mc_user_highpage|copy_user_highpage|copy_mc_to_kernel|"
                "copy_mc_fragile|copy_mc_enhanced_fast_string|copy_page|copy_user_enhanced_fast_string"
                for function in ("copy_present_page", "copy_pte_range", "copy_page_range")
            ),
        )
        assert held.kind == HELD
        for page in range(2):
            assert r.store(1, ARENA + page * PAGE, 2) == 0
        assert r.finish(0) == 2
        return r.load(2, ARENA), r.load(2, ARENA + PAGE)


def writer_waits(guest: Guest, build: Build) -> tuple[str, int]:
    """munmap() while madvise() is held under the mmap_lock: how it stands, and how it ends."""
    with race(guest, build) as r:
        r.call(0, "mmap", ARENA, 4 * PAGE, PROT_RW, ANONYMOUS, -1, 0)
        assert r.store(0, ARENA, 1) == 0
        work = r.work("madvise", ARENA, 4 * PAGE, MADV_POPULATE_WRITE)
        assert r.hold(0, work, "handle_mm_fault").kind == HELD
        r.engine.start(1, r.work("munmap", ARENA, 4 * PAGE))
        waits = r.engine.run(1)
        assert r.finish(0) == 0
        return waits.kind, r.finish(1)


def shootdown(guest: Guest, build: Build) -> tuple[int, int, int]:
    """One thread is held inside a fault; another one's mprotect() has to interrupt its CPU."""
    with race(guest, build) as r:
        r.call(0, "mmap", ARENA, 4 * PAGE, PROT_RW, ANONYMOUS, -1, 0)
        for actor in range(2):
            assert r.store(actor, ARENA + actor * PAGE, 1) == 0
        assert r.hold(0, Work(RAW_STORE, (ARENA + 2 * PAGE, 1)), "do_anonymous_page").kind == HELD
        before = r.engine.breaths
        result = r.call(1, "madvise", ARENA, 2 * PAGE, MADV_DONTNEED)
        return result, r.finish(0), r.engine.breaths - before


def allocation_fails(guest: Guest, build: Build) -> int:
    """mmap() whose VMA cannot be had."""
    with race(guest, build) as r:
        work = r.work("mmap", ARENA, PAGE, PROT_RW, ANONYMOUS, -1, 0)
        place = "vm_area_alloc@call:kmem_cache_alloc_noprof|kmem_cache_alloc"
        assert r.hold(0, work, place).kind == HELD
        r.engine.skip_call(0)
        return r.finish(0)
