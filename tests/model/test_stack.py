# SPDX-License-Identifier: MIT
"""Mappings that grow down when pages below them are touched."""

from simulator import ops
from simulator.scenario import Config
from tests.model.run import NONE, boot, results, run


def test_an_access_below_a_stack_grows_it() -> None:
    p = boot()
    p.mmap(16, 20, flags=ops.MMAP_GROWSDOWN)
    assert p.write(12) == 0
    assert p.vmas() == ["12..20 rw-p anon growsdown"]
    assert p.read(10) == 0
    assert p.mm.total_vm == 10


def test_the_guard_gap_keeps_stacks_from_their_neighbours() -> None:
    p = boot(Config(stack_gap=4))
    p.mmap(0, 4)
    p.mmap(16, 20, flags=ops.MMAP_GROWSDOWN)
    assert p.write(7) == -1001
    assert p.write(8) == 0
    p.munmap(0, 4)
    assert p.write(4) == 0


def test_inaccessible_neighbours_and_other_stacks_need_no_gap() -> None:
    p = boot(Config(stack_gap=4))
    p.mmap(0, 4, NONE)
    p.mmap(8, 10, flags=ops.MMAP_GROWSDOWN)
    assert p.write(4) == 0
    p.mmap(20, 22, flags=ops.MMAP_GROWSDOWN)
    assert p.write(10) == 0


def test_nothing_grows_without_the_flag() -> None:
    p = boot()
    p.mmap(16, 20)
    assert p.write(15) == -1001


def test_a_stack_waits_for_a_munmap_that_frees_the_pages_below_it() -> None:
    text = """
config pmd_order=3 frames=64{bug}
1 T0 mmap 8..16 rw private anon
2 T0 write 8
3 T0 mmap 16..20 rw private anon growsdown
4 T1 munmap 8..16
5 T0 write 13
6 T0 read 13
@4 tlb_gather_mmu:pending#1 -> T0
"""
    assert results(text.format(bug=""))[4:] == [0, 2]
    broken = run(text.format(bug=" bug=expand-stack-vs-munmap-downgrade"))
    assert broken.violation is not None
    assert str(broken.violation.signature) == "use-after-free expand_downwards page-table"


def test_two_threads_may_race_to_grow_one_stack() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 16..20 rw private anon growsdown
2 T0 write 12
3 T1 write 10
4 T0 read 10
5 T0 read 12
@2 expand_stack:lock#1 -> T1
""") == [16, 0, 0, 1, 2]
