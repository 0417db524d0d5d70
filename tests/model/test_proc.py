# SPDX-License-Identifier: MIT
"""clear_refs and pagemap, and the soft-dirty oracle."""

import pytest

from simulator.fs.proc import (
    PM_FILE,
    PM_GUARD_REGION,
    PM_MMAP_EXCLUSIVE,
    PM_PRESENT,
    PM_SOFT_DIRTY,
    PM_SWAP,
)
from tests.model.run import results, run

OWN = PM_PRESENT | PM_MMAP_EXCLUSIVE


@pytest.mark.parametrize(
    ("ops", "entry"),
    [
        ("munmap 0..4", 0),
        ("sleep", 0),
        ("read 1", PM_PRESENT),
        ("write 1", OWN | PM_SOFT_DIRTY),
        ("madvise 0..4 GUARD_INSTALL", PM_SWAP | PM_GUARD_REGION),
        ("mprotect 0..4 none", 0),
        ("mmap 0..4 r private anon", PM_SOFT_DIRTY),
    ],
)
def test_pagemap_of_anonymous_memory(ops: str, entry: int) -> None:
    assert (
        results(f"""
1 T0 mmap 0..4 rw private anon
2 T0 clear_refs soft-dirty
3 T0 {ops}
4 T0 pagemap 1
""")[3]
        == entry
    )


def test_pagemap_tells_shared_from_exclusive_pages() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 clear_refs soft-dirty
5 T0 pagemap 1
6 T1 pagemap 1
7 T1 exit
8 T0 pagemap 1
""")[4:] == [PM_PRESENT | PM_SOFT_DIRTY, PM_PRESENT, 0, OWN | PM_SOFT_DIRTY]


def test_pagemap_tells_file_from_anonymous_pages() -> None:
    assert results("""
1 T0 memfd f0 2
2 T0 mmap 0..2 rw private f0
3 T0 mmap 4..6 rw shared f0
4 T0 clear_refs soft-dirty
5 T0 read 1
6 T0 pagemap 1
7 T0 write 1
8 T0 pagemap 1
9 T0 write 4
10 T0 pagemap 4
""")[4:] == [0, OWN | PM_FILE, 0, OWN | PM_SOFT_DIRTY, 0, OWN | PM_FILE | PM_SOFT_DIRTY]


def test_pagemap_of_a_page_on_the_device() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 clear_refs soft-dirty
4 DEVICE migrate_to_device 0..4
5 T0 pagemap 1
6 T0 write 1
7 T0 pagemap 1
""")[4:] == [PM_SWAP, 0, OWN | PM_SOFT_DIRTY]


def test_soft_dirty_comes_with_the_first_store_after_clear_refs() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 write 2
4 T0 clear_refs soft-dirty
5 T0 write 2
6 T0 read 1
7 T0 pagemap 1
8 T0 pagemap 2
9 T0 pagemap 3
""")[6:] == [OWN, OWN | PM_SOFT_DIRTY, 0]


def test_soft_dirty_survives_moves_and_migration() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T0 clear_refs soft-dirty
3 T0 write 1
4 T0 mremap 0..4 to 16
5 T0 pagemap 17
6 DEVICE migrate_to_device 16..20
7 T0 pagemap 17
8 T0 read 17
9 T0 pagemap 17
""")[4:] == [OWN | PM_SOFT_DIRTY, 4, PM_SWAP | PM_SOFT_DIRTY, 1, OWN | PM_SOFT_DIRTY]


def test_clear_refs_of_young_leaves_soft_dirty_alone() -> None:
    assert (
        results("""
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 clear_refs young
4 T0 pagemap 1
""")[3]
        == OWN | PM_SOFT_DIRTY
    )


def test_clear_refs_covers_guard_regions() -> None:
    guard = PM_SWAP | PM_GUARD_REGION
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..4 GUARD_INSTALL
3 T0 clear_refs soft-dirty
4 T0 mremap 0..4 to 16
5 T0 pagemap 17
6 T0 clear_refs soft-dirty
7 T0 pagemap 17
""")[4:] == [guard | PM_SOFT_DIRTY, 0, guard]


def test_clear_refs_leaves_pinned_pages_writable() -> None:
    scenario = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 pin p0 3 w
4 T0 clear_refs soft-dirty
5 T0 write 3
6 T0 dma_read p0
7 T0 pagemap 3
"""
    assert run(scenario.format(bug="")).results[5:] == [2, OWN | PM_SOFT_DIRTY]
    violation = run(scenario.format(bug=" bug=clear-refs-wrprotect-pinned")).violation
    assert violation is not None
    assert str(violation.signature) == "pin clear_soft_dirty anon"


def test_a_pinned_page_that_shows_no_stores_shows_none_while_clear_refs_comes_again() -> None:
    """clear_refs leaves its entry writable, and has not yet come by it a second time."""
    assert (
        run("""
1 T0 mmap 0..1 r private anon
2 T0 pin p0 0 r longterm
3 T0 mprotect 0..1 w
4 T0 clear_refs soft-dirty
5 T0 clear_refs soft-dirty
6 T1 write 0
@5 clear_refs_write:flush_pending#1 -> T1
""").violation
        is None
    )


def test_clear_refs_flushes_what_it_write_protects() -> None:
    scenario = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 clear_refs soft-dirty
4 T0 write 3
5 T0 pagemap 3
"""
    assert run(scenario.format(bug="")).results[4] == OWN | PM_SOFT_DIRTY
    violation = run(scenario.format(bug=" bug=softdirty-clear-no-flush")).violation
    assert violation is not None
    assert str(violation.signature) == "soft-dirty clear_refs_write anon"


def test_a_store_that_races_with_clear_refs_may_count_or_not() -> None:
    outcome = run("""
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 clear_refs soft-dirty
4 T0 write 3
5 T0 pagemap 3
@3 clear_soft_dirty:set_pte#1 -> T0
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[4] in (OWN, OWN | PM_SOFT_DIRTY)


def test_a_fault_waits_for_clear_refs() -> None:
    outcome = run("""
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 clear_refs soft-dirty
4 T0 write 3
5 T0 pagemap 3
@3 clear_refs_write:flush#1 -> T0
""")
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[4] == OWN | PM_SOFT_DIRTY


def test_a_forced_write_to_a_page_that_was_dropped_and_read_anew_need_not_show() -> None:
    assert results("""
1 T0 mmap 0..1 w shared anon
2 T0 clear_refs soft-dirty
3 T0 madvise 0..1 DONTNEED
4 T0 read 0
5 T1 mem_write 0
@3 op:begin#1 -> T1
@5 access_remote_vm:store#1 -> T0
""") == [0, 0, 0, 0, 0]
