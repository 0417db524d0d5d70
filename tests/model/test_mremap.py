# SPDX-License-Identifier: MIT
"""mremap(): shrinking, growing, moving, and what moves along."""

from errno import EFAULT, EINVAL, ENOMEM

from simulator.mm import mremap
from simulator.ops import MREMAP_DONTUNMAP
from simulator.scenario import Config
from tests.model.run import Process, R, boot, results, run


def remap(p: Process, start: int, end: int, to: int, to_end: int, flags: int = 0) -> int:
    return mremap.do_mremap(p.k, p.mm, start, end, to, to_end, flags)


def test_growing_in_place_takes_free_pages_only() -> None:
    p = boot()
    p.mmap(0, 4)
    assert remap(p, 0, 4, 0, 8) == 0
    assert p.vmas() == ["0..8 rw-p anon"]
    p.mmap(10, 12, R)
    assert remap(p, 0, 8, 0, 12) == -ENOMEM
    assert remap(p, 0, 4, 0, 6) == -ENOMEM  # the range does not end where the VMA ends


def test_growing_up_to_a_neighbour_joins_it() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(8, 12)
    assert remap(p, 0, 4, 0, 8) == 0
    assert p.vmas() == ["0..12 rw-p anon"]


def test_shrinking_unmaps_the_rest_even_across_mappings() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(4, 8, R)
    assert remap(p, 0, 8, 0, 2) == 0
    assert p.vmas() == ["0..2 rw-p anon"]


def test_moving_carries_pages_and_their_contents() -> None:
    p = boot()
    p.mmap(0, 4)
    p.write(1)
    p.write(3)
    assert remap(p, 0, 4, 21, 25) == 21
    assert p.vmas() == ["21..25 rw-p anon"]
    assert [p.read(page) for page in (21, 22, 23, 24)] == [0, 1, 0, 2]
    assert p.read(1) == -1001


def test_an_aligned_page_table_moves_as_a_whole() -> None:
    p = boot(Config(pmd_order=3))
    p.mmap(0, 16)
    p.write(3)
    p.write(9)
    table = p.mm.tables[0]
    assert remap(p, 0, 16, 24, 40) == 24
    assert p.mm.tables[3] is table
    assert [p.read(page) for page in (27, 33)] == [1, 2]


def test_a_move_begins_at_the_table_when_nothing_else_is_in_it() -> None:
    p = boot(Config(pmd_order=3))
    p.mmap(4, 16)
    p.write(5)
    table = p.mm.tables[0]
    assert remap(p, 4, 16, 28, 40) == 28
    assert p.mm.tables[3] is table
    assert p.read(29) == 1


def test_growing_while_moving_leaves_the_new_part_empty() -> None:
    p = boot()
    p.mmap(0, 2)
    p.write(1)
    assert remap(p, 0, 2, 10, 14) == 10
    assert p.vmas() == ["10..14 rw-p anon"]
    assert [p.read(page) for page in (11, 13)] == [1, 0]


def test_dontunmap_leaves_an_empty_mapping_behind() -> None:
    p = boot()
    p.mmap(0, 4)
    p.write(1)
    assert remap(p, 0, 4, 20, 24, MREMAP_DONTUNMAP) == 20
    assert p.vmas() == ["0..4 rw-p anon", "20..24 rw-p anon"]
    assert [p.read(1), p.read(21)] == [0, 1]


def test_dontunmap_right_behind_grows_the_mapping_and_ends_there() -> None:
    """Seen on 6.18: the grown VMA reaches over the end of the range, and is not moved again."""
    p = boot(Config(kernel="6.18"))
    p.mmap(0, 4)
    assert remap(p, 2, 4, 4, 6, MREMAP_DONTUNMAP) == 4
    assert p.vmas() == ["0..6 rw-p anon"]


def test_a_move_takes_several_mappings_and_keeps_their_gaps() -> None:
    p = boot()
    p.mmap(0, 2)
    p.mmap(2, 4, R)
    p.mmap(6, 8)
    p.write(7)
    assert remap(p, 0, 8, 20, 28) == 20
    assert p.vmas() == ["20..22 rw-p anon", "22..24 r--p anon", "26..28 rw-p anon"]
    assert p.read(27) == 1


def test_errors_in_the_kernels_order() -> None:
    p = boot()
    p.mmap(0, 4)
    p.mmap(4, 8, R)
    assert remap(p, 0, 4, 20, 20) == -EINVAL  # no new length
    assert remap(p, 0, 4, 2, 6) == -EINVAL  # overlap
    assert remap(p, 0, 4, 20, 26, MREMAP_DONTUNMAP) == -EINVAL  # resize
    assert remap(p, 30, 34, 20, 24) == -EFAULT  # nothing mapped
    assert remap(p, 0, 8, 20, 30) == -EFAULT  # growing across two mappings
    assert remap(p, 0, 0, 0, 4) == -EINVAL  # duplicates a private mapping
    assert p.vmas() == ["0..4 rw-p anon", "4..8 r--p anon"]


def test_the_destination_is_unmapped_even_if_the_move_then_fails() -> None:
    p = boot()
    p.mmap(20, 24)
    p.mmap(0, 4)
    assert remap(p, 2, 6, 20, 25) == -EFAULT  # old range beyond the mapping: found before
    assert p.vmas() == ["0..4 rw-p anon", "20..24 rw-p anon"]


def test_out_of_page_tables_moves_everything_back() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 4..12 rw private anon
2 T0 write 5
3 T0 write 9
4 T0 mremap 4..12 to 34
5 T0 read 5
6 T0 read 9
7 T0 read 35
@4 pte_alloc:new_table#2 fail
""") == [4, 0, 0, "ENOMEM", 1, 2, "SIGSEGV"]


def test_a_merge_with_an_untouched_neighbour_keeps_the_pages_in_rmap() -> None:
    text = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 8..12 rw private anon
2 T0 write 8
3 T0 mremap 8..12 to 40
4 T0 mmap 4..8 rw private anon
5 T0 mremap 40..44 to 8
6 T0 read 8
"""
    assert results(text.format(bug="")) == [8, 0, 40, 4, 8, 1]
    broken = run(text.format(bug=" bug=mremap-merge-anon-vma-uaf"))
    assert broken.violation is not None
    assert broken.violation.signature.oracle in ("use-after-free", "rmap")


def test_a_store_meets_the_page_at_its_old_or_its_new_place() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 mremap 0..4 to 20
4 T1 write 1
5 T1 read 21
@3 move_ptes:set_pte#1 -> T1
""") == [0, 0, 20, "SIGSEGV", 1]
