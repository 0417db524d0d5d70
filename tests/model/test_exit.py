# SPDX-License-Identifier: MIT
"""exit(): threads, the last user of an mm, and CPUs that borrow an mm lazily."""

from simulator.run import Machine
from tests.model.run import results, scenario


def mms_alive_after(text: str) -> list[bool]:
    """Whether each mm_struct is still there when the run is over."""
    machine = Machine()
    outcome = machine.run(scenario(text))
    assert outcome.violation is None, outcome.violation
    return [mm.live for mm in machine.k.mms]


def test_a_thread_that_exits_leaves_the_process_alone() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T1 write 2
3 T1 exit
4 T1 write 2
5 T0 read 2
""") == [0, 0, 0, "skipped", 1]


def test_the_child_lives_on_without_its_parent() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T0 write 2
3 T0 fork T1
4 T0 exit
5 T1 read 2
6 T1 write 2
7 T1 read 2
""")[3:] == [0, 1, 0, 2]


def test_no_mm_outlives_the_run() -> None:
    assert mms_alive_after("""
1 T0 mmap 0..4 rw private anon
2 T0 fork T1
3 T1 write 1
4 T1 exit
5 T0 exit
""") == [False, False]


def test_a_cpu_that_still_has_a_dead_mm_loaded_keeps_the_mm_struct() -> None:
    # T0's CPU borrows the mm until the child runs there: mmdrop() comes with the switch.
    assert mms_alive_after("""
config pmd_order=3 frames=64 cpus=1
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T0 exit
5 T1 write 1
6 T1 read 1
""") == [False, False]


def test_exit_races_with_a_fault_of_another_thread() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 T0 exit
3 T1 write 3
4 T1 read 3
@2 exit_mm:lazy#1 -> T1
@3 do_anonymous_page:set_pte#1 -> T0
""") == [0, 0, 0, 1]


def test_exit_unmaps_files_and_shared_memory() -> None:
    # The End finds inodes, pages, VMAs and page tables that are left.
    assert results("""
1 T0 memfd f0 4
2 T0 mmap 0..4 rw shared f0
3 T0 mmap 4..8 rw shared anon
4 T0 write 1
5 T0 write 5
6 T0 fork T1
7 T0 exit
8 T1 read 1
9 T1 read 5
10 T1 exit
""")[6:] == [0, 1, 2, 0]


def test_who_has_exited_does_not_keep_its_cpu_from_others() -> None:
    """T2 must not be left in the middle of a switch to what it has yet to do: T0, which shares
    its CPU, holds the page that T1 waits for."""
    assert results("""
config pmd_order=3 frames=64 cpus=2
1 T0 mmap 0..1 r private anon
2 DEVICE migrate_to_device 0..1
3 T1 read 0
4 T2 exit
5 T0 read 0
6 T1 read 0
@2 mmput:users#1 -> T0
@2 pte_alloc:pmd#1 -> T2
@4 op:end#1 -> T1
@5 migrate_vma_collect_pmd:pmd#1 -> T1
""") == [0, 1, 0, 0, 0, 0]
