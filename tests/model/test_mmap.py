# SPDX-License-Identifier: MIT
"""mmap() and munmap(): layout, errors, and what others see meanwhile."""

from errno import EEXIST, EINVAL, ENOMEM

from simulator import ops
from simulator.mm import shmem
from simulator.scenario import Config
from tests.model.run import NONE, R, boot, results, run


def test_a_mapping_between_two_alike_joins_them() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(8, 12)
    assert p.vmas() == ["0..4 rw-p anon", "8..12 rw-p anon"]
    p.mmap(4, 8)
    assert p.vmas() == ["0..12 rw-p anon"]


def test_other_protection_or_accounting_keeps_mappings_apart() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(4, 8, R)
    p.mmap(8, 12, R, flags=ops.MMAP_NORESERVE)
    assert p.vmas() == ["0..4 rw-p anon", "4..8 r--p anon", "8..12 r--p anon"]


def test_two_touched_neighbours_with_anon_vmas_of_their_own_stay_apart() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(8, 12)
    p.write(0)
    p.write(8)
    p.mmap(4, 8)
    assert p.vmas() == ["0..8 rw-p anon", "8..12 rw-p anon"]


def test_fixed_replaces_the_middle_of_a_mapping() -> None:
    p = boot()
    p.mmap(0, 12)
    p.write(5)
    p.mmap(4, 8, R)
    assert p.vmas() == ["0..4 rw-p anon", "4..8 r--p anon", "8..12 rw-p anon"]
    assert p.mm.rss_anon == 0
    assert p.mm.total_vm == 12


def test_noreplace_refuses_and_changes_nothing() -> None:
    p = boot()
    p.mmap(0, 4)
    assert p.mmap(3, 6, flags=ops.MMAP_NOREPLACE) == -EEXIST
    assert p.vmas() == ["0..4 rw-p anon"]


def test_senseless_combinations_are_refused() -> None:
    p = boot()
    assert p.mmap(4, 4) == -EINVAL
    assert p.mmap(0, 4, shared=True, flags=ops.MMAP_GROWSDOWN) == -EINVAL
    assert p.mmap(0, 4, shared=True, flags=ops.MMAP_DROPPABLE) == -EINVAL
    assert p.mmap(0, 4, flags=ops.MMAP_DROPPABLE | ops.MMAP_GROWSDOWN) == -EINVAL
    assert p.vmas() == []


def test_shared_anonymous_mappings_are_files_of_their_own() -> None:
    p = boot()
    p.mmap(0, 4, shared=True)
    p.mmap(4, 8, shared=True)
    assert len(p.mm.vmas) == 2
    assert p.mm.vmas[0].inode is not p.mm.vmas[1].inode


def test_file_mappings_join_only_where_offsets_go_on() -> None:
    p = boot()
    shmem.memfd_create(p.k, 0, 8)
    p.mmap(0, 4, shared=True, backing=1, offset=0)
    p.mmap(4, 8, shared=True, backing=1, offset=4)
    assert len(p.mm.vmas) == 1
    p.mmap(8, 12, shared=True, backing=1, offset=4)
    assert len(p.mm.vmas) == 2


def test_munmap_cuts_a_hole_and_frees_its_page_table() -> None:
    p = boot(Config(pmd_order=3))
    p.mmap(0, 24)
    for page in (1, 9, 17):
        p.write(page)
    assert p.munmap(8, 16) == 0
    assert p.vmas() == ["0..8 rw-p anon", "16..24 rw-p anon"]
    assert [table is not None for table in p.mm.tables[:3]] == [True, False, True]
    assert p.mm.rss_anon == 2


def test_a_page_table_shared_with_a_neighbour_stays() -> None:
    p = boot(Config(pmd_order=3))
    p.mmap(0, 8)
    p.write(0)
    p.write(7)
    p.munmap(4, 8)
    assert p.mm.tables[0] is not None
    p.munmap(0, 4)
    assert p.mm.tables[0] is None


def test_munmap_of_nothing_succeeds_and_of_an_empty_range_does_not() -> None:
    p = boot()
    assert p.munmap(0, 8) == 0
    assert p.munmap(4, 4) == -EINVAL


def test_a_mapping_that_fails_late_leaves_a_gap() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 mmap 2..4 r private anon
3 T0 read 2
4 T0 read 4
@2 vm_area_alloc:alloc#1 fail
""") == [0, "ENOMEM", "SIGSEGV", 0]


def test_a_split_that_fails_leaves_everything_mapped() -> None:
    p = boot()
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 munmap 2..4
3 T0 munmap 2..4
4 T0 read 2
@2 vm_area_dup:alloc#1 fail
@3 vm_area_dup:alloc#2 fail
""") == [0, "ENOMEM", "ENOMEM", 0]
    assert p.mmap(0, 8, NONE) == 0


def test_a_fault_during_munmap_finds_either_all_or_nothing() -> None:
    outcome = run("""
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T0 munmap 0..8
4 T1 write 2
@3 mmap_write_downgrade:end_vma_writes#1 -> T1
""")
    assert outcome.violation is None
    assert outcome.results[3] == -1001
    assert outcome.results[2] == 0


def test_a_fault_cannot_use_a_new_mapping_before_it_is_complete() -> None:
    text = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..4 none private anon
2 T1 read 1
@1 mmap_region:set_flags#1 -> T1
"""
    assert results(text.format(bug="")) == [0, "SIGSEGV"]
    broken = run(text.format(bug=" bug=mmap-vma-visible-before-locked"))
    assert broken.violation is not None
    assert str(broken.violation.signature) == "permission mmap_region pte"


def test_populate_maps_every_page_at_once() -> None:
    p = boot()
    p.mmap(0, 6, flags=ops.MMAP_POPULATE)
    assert p.mm.rss_anon == 6
    assert ENOMEM == 12


def test_ops_on_all_pages_of_a_large_arena_are_no_livelock() -> None:
    """From the first step on in turns: many thousand steps pass before either ends."""
    outcome = run("""
config pmd_order=9 frames=2000 pages=640 steps=1
1 T0 mmap 0..320 rw private anon populate
2 T1 mmap 320..640 rw shared anon populate
""")
    assert outcome.violation is None
    assert outcome.steps > 10_000
