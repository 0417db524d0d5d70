# SPDX-License-Identifier: MIT
"""anon_vmas: sharing, cloning, reuse after fork, and their end."""

from simulator import ops, sites
from simulator.mm import anon_vma, madvise, mmap_lock, mprotect, mremap
from simulator.mm.vma import take_vma
from tests.model.run import Process, boot, results


def live_anon_vmas(p: Process) -> int:
    return sum(av.live for av in p.k.anon_vmas.taken())


def test_the_first_store_makes_one_and_the_last_unmap_frees_it() -> None:
    p = boot()
    p.mmap(0, 4)
    assert live_anon_vmas(p) == 0
    p.read(1)
    assert live_anon_vmas(p) == 0
    p.write(1)
    assert live_anon_vmas(p) == 1
    p.munmap(0, 4)
    assert live_anon_vmas(p) == 0


def test_a_split_shares_it_and_counts_both_users() -> None:
    p = boot()
    p.mmap(0, 8)
    p.write(1)
    p.munmap(3, 4)
    av = p.mm.vmas[0].anon_vma
    assert av is not None
    assert av is p.mm.vmas[1].anon_vma
    assert (av.num_active_vmas, len(av.vmas), av.num_children) == (2, 2, 1)
    p.munmap(0, 3)
    assert av.live
    assert (av.num_active_vmas, len(av.vmas)) == (1, 1)


def test_a_neighbour_that_could_merge_later_shares_it() -> None:
    p = boot()
    p.mmap(0, 8)
    mprotect.do_mprotect(p.k, p.mm, 4, 8, 1)
    p.write(0)
    anon_vma_of_first = p.mm.vmas[0].anon_vma
    mprotect.do_mprotect(p.k, p.mm, 4, 8, 7)
    p.write(4)
    assert p.mm.vmas[1].anon_vma is anon_vma_of_first


def test_a_moved_mapping_keeps_it_and_a_dontunmap_source_gives_it_up() -> None:
    p = boot()
    p.mmap(0, 4)
    p.write(1)
    av = p.mm.vmas[0].anon_vma
    mremap.do_mremap(p.k, p.mm, 0, 4, 20, 24, ops.MREMAP_DONTUNMAP)
    assert p.mm.vmas[0].anon_vma is None
    assert p.mm.vmas[1].anon_vma is av


def test_grandchildren_reuse_what_a_parent_has_left() -> None:
    """num_children and num_active_vmas: an anon_vma whose VMAs are gone serves again."""
    p = boot()
    p.mmap(0, 4)
    root = p.mm.vmas[0]
    mmap_lock.mmap_write_lock(p.k, p.mm, sites.DO_MREMAP__LOCK)
    assert anon_vma.anon_vma_prepare(p.k, root) == 0
    child = take_vma(p.k)
    child.mm = p.mm
    assert anon_vma.anon_vma_fork(p.k, child, root) == 0
    middle = child.anon_vma
    assert middle is not None
    grandchild = take_vma(p.k)
    grandchild.mm = p.mm
    assert anon_vma.anon_vma_fork(p.k, grandchild, child) == 0
    own = grandchild.anon_vma
    assert own is not middle
    anon_vma.unlink_anon_vmas(p.k, child)
    assert middle.live  # the grandchild is linked to it
    heir = take_vma(p.k)
    heir.mm = p.mm
    assert anon_vma.anon_vma_fork(p.k, heir, grandchild) == 0
    assert heir.anon_vma is middle
    for vma in (heir, grandchild, root):
        anon_vma.unlink_anon_vmas(p.k, vma)
    assert live_anon_vmas(p) == 0


def test_a_guard_region_gives_its_mapping_one() -> None:
    p = boot()
    p.mmap(0, 4)
    madvise.do_madvise(p.k, p.mm, 1, 2, 12)
    assert p.mm.vmas[0].anon_vma is not None


def test_generations_of_processes_leave_nothing_behind() -> None:
    assert results("""
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 fork T2
5 T1 exit
6 T2 fork T3
7 T2 write 1
8 T3 write 1
9 T3 read 1
10 T0 read 1
11 T0 munmap 0..4
12 T2 read 1
""")[8:] == [3, 1, 0, 2]
