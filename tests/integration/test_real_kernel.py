# SPDX-License-Identifier: MIT
"""What this machine's own kernel answers to hand-written programs, through the executor."""

from collections.abc import Iterator

import pytest

from conformance import executor
from conformance.features import FEATURES
from conformance.kernel import RealKernel
from conformance.observation import (
    EMPTY_PTE,
    FILE,
    GUARD,
    IN_CORE,
    MAPPED_ONCE,
    PAGE_IS_GUARD,
    PAGE_IS_PFNZERO,
    PAGE_IS_SOFT_DIRTY,
    PRESENT,
    SCANNED,
    SWAP,
    Checkpoint,
)
from conformance.order import order
from corpus import text
from simulator import ops
from simulator.outcome import result_name
from simulator.run import Machine
from simulator.scenario import Scenario
from tests.model.test_observer import GUARDED, MAPPED, OF_FILE, SCANS, ZERO
from tests.waiting import PATIENT_SECONDS

pytestmark = pytest.mark.skipif(bool(executor.why_not()), reason=executor.why_not())

PAGES = 320  # more than Linux's stack guard gap
WRITTEN = PRESENT | MAPPED_ONCE | IN_CORE


@pytest.fixture(scope="module")
def kernel() -> Iterator[RealKernel]:
    with RealKernel(timeout_seconds=PATIENT_SECONDS) as real:
        yield real


def scenario(program: str, *headers: str, pages: int = PAGES) -> Scenario:
    """Ops one a line; those without a number are numbered by their place."""
    lines = [line.strip() for line in program.strip().splitlines()]
    first = "\n".join(("# mmfarm scenario 1", *headers))
    return text.parse(
        f"{first}\nconfig pmd_order=9 frames=2048 pages={pages}\n"
        + "".join(
            f"{line}\n" if line[0] in "@123456789" else f"{i} {line}\n"
            for i, line in enumerate(lines, 1)
        )
    )


def names(results: tuple[int, ...]) -> list[str | int]:
    return [result_name(value) for value in results]


def end_state(kernel: RealKernel, program: str) -> dict[int, Checkpoint]:
    """What is seen at the end, by the actor who speaks for its process."""
    seen = kernel.run(scenario(program), every_op=False).checkpoints
    assert all(checkpoint.uid == 0 for checkpoint in seen)
    return {checkpoint.actor: checkpoint for checkpoint in seen}


PROGRAMS = {
    "a read names the store it sees": (
        """T0 mmap 0..8 rw private anon
        T0 write 3
        T0 write 3.2
        T0 read 3
        T0 read 3.2
        T0 read 3.1""",
        [0, 0, 0, 2, 3, 0],
    ),
    "nothing is mapped at first": ("T0 read 0\nT0 write 0\nT0 munmap 0..8", ["SIGSEGV"] * 2 + [0]),
    "parent and child write copies": (
        """T0 mmap 0..8 rw private anon
        T0 write 3
        T0 fork T2
        T0 write 3
        T2 read 3
        T2 write 3
        T0 read 3
        T2 read 3""",
        [0, 0, 2, 0, 2, 0, 4, 6],
    ),
    "shared memory is shared with the child": (
        """T0 mmap 0..8 rw shared anon
        T0 fork T1
        T1 write 3
        T0 read 3""",
        [0, 1, 0, 3],
    ),
    "mprotect() makes accesses fault, and the program goes on": (
        """T0 mmap 0..8 rw private anon
        T0 write 3
        T0 mprotect 2..4 r
        T0 write 3
        T0 read 3
        T0 mprotect 2..4 none
        T0 read 3
        T0 mprotect 2..4 rw
        T0 write 3
        T0 mprotect 6..10 r""",
        [0, 0, 0, "SIGSEGV", 2, 0, "SIGSEGV", 0, 0, "ENOMEM"],
    ),
    "behind the end of a file there is SIGBUS": (
        """T0 memfd f0 2
        T0 mmap 0..4 rw shared f0
        T0 write 1
        T0 read 2
        T0 write 3
        T0 pwrite f0 3
        T0 read 3
        T0 pread f0 1
        T0 pread f0.3 3
        T0 memfd f0 1""",
        [0, 0, 0, "SIGBUS", "SIGBUS", 0, 6, 3, 0, "EEXIST"],
    ),
    "a private mapping of a file does not write to it": (
        """T0 memfd f1 4
        T0 pwrite f1.2 1
        T0 mmap 0..2 rw private f1+1
        T0 read 0.2
        T0 write 0.2
        T0 read 0.2
        T0 pread f1.2 1""",
        [0, 0, 0, 2, 0, 5, 2],
    ),
    "a file has a position, a size and blocks": (
        """T0 memfd f0 2
        T0 file_write f0
        T0 lseek f0 0 set
        T0 file_read f0
        T0 fstat f0 size
        T0 ftruncate f0 1
        T0 fallocate f0 0 3 keep-size
        T0 fstat f0 blocks
        T0 fstat f0 size""",
        [0, 0, 0, 2, 8, 0, 0, 3, 4],
    ),
    "missing pages are filled by user space": (
        """T0 mmap 0..8 rw private anon
        T0 write 6
        T0 userfaultfd u0
        T0 uffd_register u0 0..4 missing
        T0 uffd_copy u0 0..1 from 6
        T0 read 0
        T0 uffd_zeropage u0 1..2
        T0 read 1
        T0 uffd_wake u0 0..4
        T0 uffd_read u0
        T0 uffd_writeprotect u0 0..1 wp
        T0 uffd_continue u0 0..1
        T0 uffd_poison u0 2..3
        T0 read 2
        T0 uffd_unregister u0 0..4
        T0 read 3
        T0 uffd_close u0""",
        [0, 0, 0, 0, 0, 2, 0, 0, 0, "EAGAIN", "ENOENT", "EINVAL", 0, "SIGBUS", 0, 0, 0],
    ),
    "an op on a file that is not open is skipped": (
        "T0 mmap 0..2 rw shared f3\nT0 pread f3 0\nT0 pwrite f3 0",
        ["skipped"] * 3,
    ),
    "a file opened by a child is open for all": (
        """T0 fork T1
        T1 memfd f0 1
        T1 pwrite f0 0
        T0 pread f0 0
        T1 exit
        T0 mmap 0..1 r shared f0
        T0 read 0""",
        [1, 0, 0, 3, 0, 0, 3],
    ),
    "guards fault until they are removed, and lose what was there": (
        """T0 mmap 0..8 rw private anon
        T0 write 3
        T0 madvise 2..4 GUARD_INSTALL
        T0 read 3
        T0 write 2
        T0 madvise 0..8 GUARD_REMOVE
        T0 read 3""",
        [0, 0, 0, "SIGSEGV", "SIGSEGV", 0, 0],
    ),
    "mremap() moves, grows, shrinks, and leaves when asked to": (
        """T0 mmap 0..4 rw private anon
        T0 write 1
        T0 mremap 0..4 to 16
        T0 read 17
        T0 read 1
        T0 mremap 16..20 to 16..24
        T0 write 23
        T0 mremap 16..24 to 16..18
        T0 read 23
        T0 mremap 16..18 to 0 dontunmap
        T0 read 1
        T0 read 17
        T0 mremap 40..41 to 50
        T0 mremap 0..2 to 1""",
        [0, 0, 16, 2, "SIGSEGV", 16, 0, 16, "SIGSEGV", 0, 2, 0, "EFAULT", "EINVAL"],
    ),
    "a stack grows down, but not into the gap": (
        """T0 mmap 310..312 rw private anon growsdown
        T0 write 300
        T0 read 301
        T0 read 312
        T0 mmap 10..11 rw private anon
        T0 write 270
        T0 write 266
        T0 munmap 10..11
        T0 write 266""",
        [310, 0, 0, "SIGSEGV", 10, 0, "SIGSEGV", 0, 0],
    ),
    "mmap() with noreplace replaces nothing": (
        """T0 mmap 4..6 rw private anon
        T0 mmap 0..8 rw private anon noreplace
        T0 mmap 0..4 rw private anon noreplace
        T0 write 3
        T0 mmap 0..8 rw private anon
        T0 read 3""",
        [4, "EEXIST", 0, 0, 0, 0],
    ),
    "threads share an address space, T0 may leave it": (
        """T0 mmap 0..4 rw private anon
        T1 write 1
        T0 exit
        T3 read 1
        T0 read 1
        T1 exit
        T3 write 1
        T3 pagemap 9
        T3 read 1""",
        [0, 0, 0, 2, "skipped", 0, 0, 0, 7],
    ),
    "actors exist from their fork to their exit": (
        """T2 read 0
        T1 fork T2
        T2 fork T3
        T1 exit
        T2 exit
        T2 read 0
        T3 mmap 0..1 rw private anon
        T3 write 0
        T3 exit
        T3 read 0
        T5 read 0
        T0 exit
        T5 exit
        T5 read 0""",
        ["skipped", 2, 3, 0, 0, "skipped", 0, 0, 0, "skipped", "SIGSEGV", 0, 0, "skipped"],
    ),
    "an exit has given up its pages when the next op begins": (
        """T0 mmap 0..4 rw private anon
        T0 write 1
        T0 fork T2
        T0 pagemap 1
        T2 exit
        T0 pagemap 1""",
        [0, 0, 2, 256, 0, 258],
    ),
    "advice about fork": (
        """T0 mmap 0..4 rw private anon
        T0 write 1
        T0 write 2
        T0 madvise 1..2 WIPEONFORK
        T0 madvise 2..3 DONTFORK
        T0 fork T2
        T2 read 1
        T2 read 2
        T0 read 1
        T0 madvise 0..8 DONTFORK""",
        [0, 0, 0, 0, 0, 2, 0, "SIGSEGV", 2, "ENOMEM"],
    ),
    "advice that frees, populates, is refused": (
        """T0 mmap 0..4 rw private anon
        T0 write 1
        T0 madvise 0..4 DONTNEED
        T0 read 1
        T0 madvise 0..8 POPULATE_WRITE
        T0 mmap 8..10 rw shared anon
        T0 madvise 8..10 FREE
        T0 madvise 8..10 WIPEONFORK""",
        [0, 0, 0, 0, "ENOMEM", 8, "EINVAL", "EINVAL"],
    ),
    "droppable memory": (
        """T0 mmap 0..2 rw private anon droppable
        T0 write 0
        T0 madvise 0..2 KEEPONFORK
        T0 fork T1
        T1 read 0
        T0 mmap 4..6 rw shared anon droppable""",
        [0, 0, "EINVAL", 1, 0, "EINVAL"],
    ),
    "/proc/self/mem forces its way, but not everywhere": (
        """T0 mmap 0..2 r private anon
        T0 mem_write 1.3
        T0 mem_read 1.3
        T0 read 1.3
        T0 write 1.3
        T0 mem_write 5
        T0 mem_read 5""",
        [0, 0, 2, 2, "SIGSEGV", "EIO", "EIO"],
    ),
    "a pipe holds the page, not a copy": (
        """T0 mmap 0..2 rw private anon
        T0 write 1
        T0 vmsplice p0 1
        T0 vmsplice p0 0
        T0 write 1.3
        T0 madvise 0..2 DONTNEED
        T0 pipe_read p0.3
        T0 pipe_read p0
        T0 vmsplice p1 5
        T0 vmsplice p1 1
        T0 unpin p1
        T0 unpin p1""",
        [0, 0, 0, "EEXIST", 0, 0, 5, "skipped", "EFAULT", 0, 0, "skipped"],
    ),
    "clear_refs, sleep": (
        "T0 mmap 0..1 rw private anon\nT0 write 0\nT0 clear_refs young\nT0 sleep\nT0 read 0",
        [0, 0, 0, 0, 2],
    ),
    "what is in core, and what is locked there": (
        """T0 mmap 0..4 rw private anon
        T0 write 0
        T0 mincore 0..4
        T0 mlock 1..2
        T0 mincore 0..4
        T0 mlock2 1..2 onfault
        T0 munlock 0..2
        T0 mlock 8..9
        T0 mincore 2..9
        T0 mlockall current
        T0 mincore 0..4
        T0 munlockall""",
        [0, 0, 1, 0, 2, 0, 0, "ENOMEM", "ENOMEM", 0, 4, 0],
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_results(kernel: RealKernel, name: str) -> None:
    program, expected = PROGRAMS[name]
    asked = scenario(program)
    reason = kernel.why_not(asked)
    if reason:
        pytest.skip(reason)
    assert names(kernel.run(asked, every_op=False).results) == expected
    assert names(kernel.run(asked, every_op=True).results) == expected, "when watched"


def test_every_row_with_a_form_stands_in_one_of_the_programs() -> None:
    stand = {op.code for program, _ in PROGRAMS.values() for op in scenario(program).ops}
    assert {spec.number for spec in ops.OPS if spec.c} == stand


# --- what is seen ------------------------------------------------------------------------------


def test_pages_tell_how_they_are_mapped(kernel: RealKernel) -> None:
    seen = end_state(
        kernel,
        """T0 mmap 0..8 rw private anon
        T0 write 1
        T0 read 2
        T0 madvise 3..4 GUARD_INSTALL
        T0 memfd f0 4
        T0 mmap 8..12 rw shared f0
        T0 write 9
        T0 write 4
        T0 madvise 4..5 DONTNEED""",
    )[0]
    expected = {
        1: WRITTEN | MAPPED,
        2: PRESENT | IN_CORE | ZERO,
        3: SWAP | GUARD | GUARDED,
        9: WRITTEN | FILE | OF_FILE,
    }
    mask = kernel.page_bits
    assert len(seen.pages) == PAGES
    for page, bits in enumerate(seen.pages[:8]):
        want = expected.get(page, EMPTY_PTE)
        assert (bits ^ want) & mask & ~IN_CORE == 0, page
    assert not seen.pages[4] & ~EMPTY_PTE
    assert (seen.pages[9] ^ expected[9]) & mask == 0
    assert not any(seen.pages[12:])


@pytest.mark.parametrize("name", SCANS)
def test_pages_have_the_categories_of_a_scan(kernel: RealKernel, name: str) -> None:
    program, expected = SCANS[name]
    reason = kernel.why_not(scenario(program))
    if reason:
        pytest.skip(reason)
    mask = kernel.page_bits & (SCANNED | EMPTY_PTE) & ~PAGE_IS_SOFT_DIRTY
    pages = end_state(kernel, program)[0].pages
    assert tuple(bits & mask for bits in pages[: len(expected)]) == tuple(
        bits & mask for bits in expected
    )


def test_a_scan_in_many_pieces_is_seen_whole(kernel: RealKernel) -> None:
    """Its regions do not fit into one call."""
    program = f"T0 mmap 0..{PAGES} rw private anon\n" + "\n".join(
        f"T0 {'write' if page % 4 else 'read'} {page}" for page in range(0, PAGES, 2)
    )
    mask = kernel.page_bits & SCANNED & ~PAGE_IS_SOFT_DIRTY
    assert [bits & mask for bits in end_state(kernel, program)[0].pages] == [
        bits & mask for bits in (ZERO, 0, MAPPED, 0)
    ] * (PAGES // 4)


def test_only_what_was_probed_counts(kernel: RealKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    for probed, bits in (
        (frozenset({"pagemap-scan"}), SCANNED & ~PAGE_IS_SOFT_DIRTY & ~PAGE_IS_GUARD),
        (frozenset({"pagemap-scan", "pagemap-scan-guard"}), SCANNED & ~PAGE_IS_SOFT_DIRTY),
        (frozenset(FEATURES), SCANNED),
        (frozenset(FEATURES) - {"pagemap-scan"}, 0),
    ):
        monkeypatch.setattr(kernel, "features", probed)
        assert kernel.page_bits & SCANNED == bits


def test_regions_are_the_lines_of_smaps_inside_the_arena(kernel: RealKernel) -> None:
    seen = end_state(
        kernel,
        """T0 memfd f0 8
        T0 memfd f2 8
        T0 mmap 0..8 rw private anon
        T0 write 1
        T0 write 2
        T0 mprotect 2..4 r
        T0 mmap 8..10 rx shared f2+3
        T0 mmap 16..20 rw private f0+1
        T0 read 16
        T0 write 17
        T0 mmap 30..32 none shared anon
        T0 madvise 4..8 RANDOM""",
    )[0]
    rows = [
        (r.start, r.end, r.prot, r.shared, r.backing, r.offset, r.rss, r.anonymous)
        for r in seen.regions
    ]
    assert rows[:3] == [
        (0, 2, 3, False, 0, 0, 1, 1),
        (2, 4, 1, False, 0, 0, 1, 1),
        (4, 8, 3, False, 0, 0, 0, 0),
    ]
    assert rows[3] == (8, 10, 5, True, 3, 3, 0, 0)
    assert rows[4] == (16, 20, 3, False, 1, 1, 2, 1)
    assert rows[5] == (30, 32, 0, True, -1, 0, 0, 0)
    assert len(rows) == 6
    assert set(seen.regions[0].vm_flags) - {"sd"} == {"ac", "me", "mr", "mw", "rd", "wr"}
    assert "rr" in seen.regions[2].vm_flags
    assert "wr" not in seen.regions[1].vm_flags
    assert list(seen.regions[0].vm_flags) == sorted(seen.regions[0].vm_flags)


def test_an_arena_full_of_small_mappings_is_seen_whole(kernel: RealKernel) -> None:
    program = "\n".join(
        f"T0 mmap {i}..{i + 1} {'r' if i % 2 else 'rw'} private anon" for i in range(PAGES)
    )
    assert [(r.start, r.end) for r in end_state(kernel, program)[0].regions] == [
        (i, i + 1) for i in range(PAGES)
    ]


def test_the_largest_arena(kernel: RealKernel) -> None:
    asked = scenario(
        """T0 mmap 0..4096 rw private anon
        T0 write 4095
        T0 madvise 0..9 POPULATE_READ""",
        pages=4096,
    )
    (seen,) = kernel.run(asked, every_op=False).checkpoints
    assert seen.pages[4095] & PRESENT
    assert len(seen.pages) == 4096
    zero = PAGE_IS_PFNZERO
    assert (seen.pages[8] & zero, seen.pages[9] & ~PAGE_IS_SOFT_DIRTY & ~EMPTY_PTE) == (
        zero & kernel.page_bits,
        0,
    )


def test_the_end_state_is_of_every_process_that_is_left(kernel: RealKernel) -> None:
    seen = end_state(
        kernel,
        """T0 mmap 0..4 rw private anon
        T0 fork T2
        T2 fork T4
        T0 fork T3
        T2 munmap 0..2
        T3 exit
        T1 read 0
        T0 exit""",
    )
    assert sorted(seen) == [1, 2, 4]  # T1 speaks for T0's process
    assert [r.start for r in seen[2].regions] == [2]
    assert [r.start for r in seen[4].regions] == [0]


def test_every_op_shows_its_own_process(kernel: RealKernel) -> None:
    seen = kernel.run(
        scenario("""5 T0 mmap 0..4 rw private anon
        6 T0 fork T2
        7 T2 munmap 0..4
        8 T3 read 0
        9 T2 exit
        10 T2 read 0"""),
        every_op=True,
    ).checkpoints
    assert [(c.uid, c.actor, len(c.regions)) for c in seen] == [
        (5, 0, 1),
        (6, 0, 1),
        (7, 2, 0),
        (8, 3, 1),
    ]


def test_looking_changes_nothing(kernel: RealKernel) -> None:
    program = scenario("""T0 memfd f0 8
        T0 mmap 0..8 rw private anon
        T0 write 1
        T0 fork T2
        T0 write 1
        T0 mmap 8..16 rw private f0
        T0 read 9
        T0 write 10
        T0 pwrite f0 5
        T0 madvise 1..2 FREE
        T0 madvise 3..5 GUARD_INSTALL
        T2 write 1
        T1 mremap 0..4 to 24
        T0 mprotect 0..5 none""")
    watched = kernel.run(program, every_op=True)
    at_end = kernel.run(program, every_op=False)
    last, end = watched.checkpoints[-1], at_end.checkpoints[0]
    assert (last.pages, last.regions) == (end.pages, end.regions)
    assert watched.results == at_end.results


# --- order -------------------------------------------------------------------------------------


def test_ops_run_in_the_order_that_is_asked_for(kernel: RealKernel) -> None:
    asked = scenario("T0 mmap 0..1 rw private anon\nT0 write 0\nT1 write 0\nT0 read 0")
    assert kernel.run(asked, every_op=False).results[-1] == 3
    assert kernel.run(asked, every_op=False, order=(0, 2, 1, 3)).results == (0, 0, 0, 2)


def test_directives_between_ops_are_an_order(kernel: RealKernel) -> None:
    asked = scenario("""1 T0 mmap 0..8 rw private anon
        2 T0 write 3
        3 T2 read 3
        4 T0 fork T2
        5 T0 write 3
        6 T2 write 3
        7 T1 read 3
        8 T2 exit
        9 T2 read 3
        @5 op:begin#1 -> T1
        @6 op:end#1 -> T0
        @7 op:begin#1 -> T2""")
    assert not kernel.why_not(asked)
    forced = order(asked, Machine())
    assert forced == (2, 0, 1, 3, 5, 4, 6, 7, 8)
    assert names(kernel.run(asked, every_op=False, order=forced).results) == [
        0,
        0,
        "skipped",
        2,
        0,
        0,
        5,
        0,
        "skipped",
    ]


def test_without_directives_the_order_is_that_of_the_text() -> None:
    assert order(scenario("T0 exit\nT1 exit\nT0 exit"), Machine()) == (0, 1, 2)


# --- what cannot be run ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (scenario("T0 read 0", "# requires: device-private"), "device-private"),
        (scenario("T0 read 0", "# requires: moon-phase"), "no probe knows"),
        (scenario("7 T0 pin p0 0 r"), "op 7: pin needs gup_test"),
        (scenario("7 DEVICE device_read 0"), "op 7 is DEVICE's"),
        (scenario("T0 mmap 0..1 r private x0"), "imported program"),
        (scenario("1 T0 read 0\n2 T1 read 0\n@1 do_user_addr_fault:begin#1 -> T1"), "inside an op"),
        (scenario("T0 read 0", pages=5000), "an arena of 5000 pages"),
        (
            text.parse("# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 read 0\n"),
            "pmd_order=3",
        ),
    ],
)
def test_what_cannot_be_run_is_named(kernel: RealKernel, asked: Scenario, reason: str) -> None:
    assert reason in kernel.why_not(asked)
