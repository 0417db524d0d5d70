# SPDX-License-Identifier: MIT
"""What an observer of the model sees, and that it disturbs nothing."""

import pytest

from conformance import model as model_module
from conformance.model import Broken, ModelKernel, comparable
from conformance.observation import (
    EMPTY_PTE,
    FILE,
    GUARD,
    IN_CORE,
    MAPPED_ONCE,
    PAGE_IS_FILE,
    PAGE_IS_GUARD,
    PAGE_IS_PFNZERO,
    PAGE_IS_PRESENT,
    PAGE_IS_SOFT_DIRTY,
    PAGE_IS_SWAPPED,
    PAGE_IS_WRITTEN,
    PRESENT,
    SCANNED,
    SOFT_DIRTY,
    SWAP,
    Checkpoint,
    Observed,
)
from fuzz.generate import generate
from fuzz.rng import Rng
from simulator.mm import mm_types as mt
from simulator.observer import Observer
from simulator.outcome import SKIPPED
from simulator.run import Machine
from simulator.state import Kernel
from simulator.task import Task
from tests.model.run import scenario

# Programs of T0 alone, and the categories of PAGEMAP_SCAN that its first pages have in the end,
# PAGE_IS_SOFT_DIRTY aside. tests/integration asks real kernels the same.
MAPPED = PAGE_IS_PRESENT | PAGE_IS_WRITTEN
OF_FILE = MAPPED | PAGE_IS_FILE
ZERO = MAPPED | PAGE_IS_PFNZERO
GUARDED = PAGE_IS_SWAPPED | PAGE_IS_WRITTEN | PAGE_IS_GUARD
SCANS = {
    "anonymous": ("1 T0 mmap 0..2 rw private anon\n2 T0 write 1\n", (EMPTY_PTE, MAPPED)),
    "zero page": ("1 T0 mmap 0..2 rw private anon\n2 T0 read 1\n", (EMPTY_PTE, ZERO)),
    "zero page, then written": (
        "1 T0 mmap 0..1 rw private anon\n2 T0 read 0\n3 T0 write 0\n",
        (MAPPED,),
    ),
    "shared anonymous": ("1 T0 mmap 0..2 rw shared anon\n2 T0 write 1\n", (EMPTY_PTE, OF_FILE)),
    "file, shared and private": (
        "1 T0 memfd f0 2\n2 T0 mmap 0..1 rw shared f0\n3 T0 mmap 1..2 r private f0+1\n"
        "4 T0 write 0\n5 T0 read 1\n",
        (OF_FILE, OF_FILE),
    ),
    "copy of a page of a file": (
        "1 T0 memfd f0 2\n2 T0 mmap 0..2 rw private f0\n3 T0 write 0\n4 T0 read 1\n5 T0 write 1\n",
        (MAPPED, MAPPED),
    ),
    "copy given up": (
        "1 T0 memfd f0 1\n2 T0 mmap 0..1 rw private f0\n3 T0 write 0\n"
        "4 T0 madvise 0..1 DONTNEED\n5 T0 read 0\n",
        (OF_FILE,),
    ),
    "guards, over a page and over nothing": (
        "1 T0 mmap 0..2 rw private anon\n2 T0 write 0\n3 T0 madvise 0..2 GUARD_INSTALL\n",
        (GUARDED, GUARDED),
    ),
    "guard removed": (
        "1 T0 mmap 0..2 rw private anon\n2 T0 madvise 0..2 GUARD_INSTALL\n"
        "3 T0 madvise 0..1 GUARD_REMOVE\n",
        (EMPTY_PTE, GUARDED),
    ),
    "moved": (
        "1 T0 memfd f0 1\n2 T0 mmap 8..11 rw private anon\n3 T0 mmap 11..12 rw private f0\n"
        "4 T0 write 8\n5 T0 read 9\n6 T0 madvise 10..11 GUARD_INSTALL\n7 T0 read 11\n"
        "8 T0 mremap 8..11 to 0\n9 T0 mremap 11..12 to 3\n",
        (MAPPED, ZERO, GUARDED, OF_FILE, 0, 0, 0, 0, 0, 0, 0, 0),
    ),
    "no access": (
        "1 T0 mmap 0..2 rw private anon\n2 T0 write 0\n3 T0 read 1\n4 T0 mprotect 0..2 none\n",
        (MAPPED, ZERO),
    ),
    "after fork": (
        "1 T0 mmap 0..2 rw private anon\n2 T0 write 0\n3 T0 write 1\n4 T0 fork T1\n5 T0 write 1\n",
        (MAPPED, MAPPED),
    ),
    "nothing": (
        "1 T0 mmap 0..3 rw private anon\n2 T0 write 0\n3 T0 write 1\n4 T0 munmap 0..1\n"
        "5 T0 madvise 1..2 DONTNEED\n",
        (0, EMPTY_PTE, EMPTY_PTE),
    ),
    "behind the end of a file": (
        "1 T0 memfd f0 1\n2 T0 mmap 0..2 rw shared f0\n3 T0 write 1\n4 T0 read 1\n",
        (0, 0),
    ),
    "behind the end of a private file": (
        "1 T0 memfd f0 1\n2 T0 mmap 0..2 rw private f0\n3 T0 write 1\n",
        (0, 0),
    ),
}


def observed(text: str, *, every_op: bool = True) -> Observed:
    return ModelKernel().run(comparable(scenario(text)), every_op=every_op)


def after(text: str, uid: int, actor: int = 0) -> Checkpoint:
    return next(c for c in observed(text).checkpoints if (c.uid, c.actor) == (uid, actor))


class Counting(Observer):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def op_ended(self, k: Kernel, t: Task, index: int) -> None:
        self.calls.append(index)

    def end_begins(self, k: Kernel) -> None:
        self.calls.append(-1)


def test_an_observer_is_called_after_each_op_and_before_the_end_and_changes_nothing() -> None:
    machine = Machine()
    for seed in range(50):
        made = generate(Rng(seed), 16)
        observer = Counting()
        plain, watched = machine.run(made), machine.run(made, observer=observer)
        assert plain == watched
        if plain.violation is None:
            assert observer.calls[-1] == -1
            absent = [i for i, result in enumerate(plain.results) if result == SKIPPED]
            assert sorted({*observer.calls[:-1], *absent}) == list(range(len(made.ops)))


def test_a_run_without_an_observer_does_not_call_the_last_one() -> None:
    machine = Machine()
    made = scenario("1 T0 sleep\n")
    observer = Counting()
    machine.run(made, observer=observer)
    machine.run(made)
    assert observer.calls == [0, -1]


def test_words_are_the_ops_that_stored_them() -> None:
    there = observed(
        "3 T0 mmap 0..2 rw private anon\n5 T0 write 0\n7 T0 mem_write 1.2\n9 T0 read 0\n"
        "11 T0 mem_read 1.2\n13 T0 read 1.3\n"
    )
    assert there.results[3:] == (5, 7, 0)


def test_words_are_told_apart_when_another_actor_comes_before_the_end_of_an_op() -> None:
    made = comparable(
        scenario(
            "1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n3 T1 write 0.1\n4 T1 read 0\n"
            "5 T1 read 0.1\n@2 op:end#1 -> T1\n"
        )
    )
    assert ModelKernel().run(made, every_op=True).results[3:] == (2, 3)


def test_pages_show_what_pagemap_and_mincore_show() -> None:
    dirty = SOFT_DIRTY | PAGE_IS_SOFT_DIRTY
    pages = after(
        "1 T0 memfd f0 2\n2 T0 pwrite f0 1\n3 T0 mmap 0..4 rw private anon\n"
        "4 T0 mmap 4..6 r shared f0\n5 T0 write 0\n6 T0 read 1\n7 T0 madvise 2..3 GUARD_INSTALL\n",
        7,
    ).pages
    assert pages[:7] == (
        dirty | PRESENT | MAPPED_ONCE | IN_CORE | MAPPED,
        dirty | PRESENT | IN_CORE | ZERO,
        dirty | SWAP | GUARD | GUARDED,
        dirty | EMPTY_PTE,
        dirty | EMPTY_PTE,
        dirty | EMPTY_PTE | IN_CORE,
        0,
    )


@pytest.mark.parametrize("name", SCANS)
def test_pages_have_the_categories_of_a_scan(name: str) -> None:
    text, expected = SCANS[name]
    (*_, last) = (c for c in observed(text).checkpoints if c.actor == 0)
    wanted = (SCANNED | EMPTY_PTE) & ~PAGE_IS_SOFT_DIRTY
    assert tuple(bits & wanted for bits in last.pages[: len(expected)]) == expected


def test_a_scan_finds_soft_dirty_what_was_written_and_what_is_new() -> None:
    text = (
        "1 T0 mmap 0..4 rw private anon\n2 T0 write 0\n3 T0 write 1\n4 T0 clear_refs soft-dirty\n"
        "5 T0 write 1\n6 T0 read 2\n7 T0 mmap 8..10 r private anon\n"
    )
    dirty = [page for page, bits in enumerate(after(text, 7).pages) if bits & PAGE_IS_SOFT_DIRTY]
    assert dirty == [1, 8, 9]


def test_a_page_in_device_memory_is_swapped_to_a_scan() -> None:
    text = (
        "1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n3 DEVICE migrate_to_device 0..1\n"
        "4 T0 sleep\n"
    )
    wanted = SCANNED & ~PAGE_IS_SOFT_DIRTY
    assert after(text, 4).pages[0] & wanted == PAGE_IS_SWAPPED | PAGE_IS_WRITTEN


def test_what_userfaultfd_has_protected_is_not_written() -> None:
    protected = mt.PTE_PRESENT | mt.PTE_UFFD_WP
    marker = mt.mk_swap_pte(mt.SWP_MARKER_UFFD_WP, 0)
    swapped = mt.mk_swap_pte(mt.SWP_SWAP, 0)
    assert model_module._category(protected) == PAGE_IS_PRESENT
    assert model_module._category(marker) == PAGE_IS_SWAPPED
    assert model_module._category(swapped) == PAGE_IS_SWAPPED | PAGE_IS_WRITTEN
    assert model_module._category(swapped | mt.PTE_UFFD_WP) == PAGE_IS_SWAPPED


def test_a_page_of_a_file_is_told_from_an_anonymous_one() -> None:
    text = "1 T0 memfd f0 2\n2 T0 mmap 0..2 rw private f0\n3 T0 read 0\n4 T0 write 1\n"
    there = after(text, 4)
    assert there.pages[0] & FILE
    assert not there.pages[1] & FILE
    (region,) = there.regions
    assert (region.backing, region.rss, region.anonymous) == (1, 2, 1)


def test_regions_have_the_words_of_smaps() -> None:
    there = after(
        "1 T0 mmap 0..4 rw shared anon\n2 T0 mmap 8..10 r private anon noreserve\n"
        "3 T0 munmap 0..1\n",
        3,
    )
    shared, private = there.regions
    assert (shared.start, shared.end, shared.backing, shared.offset) == (1, 4, -1, 1)
    assert shared.vm_flags == ("me", "mr", "ms", "mw", "rd", "sd", "sh", "wr")
    assert (private.prot, private.shared, private.backing) == (1, False, 0)
    assert private.vm_flags == ("me", "mr", "mw", "nr", "rd", "sd")


def test_the_end_shows_each_process_once_and_none_that_has_exited() -> None:
    there = observed(
        "1 T0 mmap 0..1 rw private anon\n2 T0 fork T1\n3 T0 fork T2\n4 T3 sleep\n5 T1 exit\n",
        every_op=False,
    )
    assert [(c.uid, c.actor) for c in there.checkpoints] == [(0, 0), (0, 2)]


def test_an_actor_without_an_address_space_has_no_checkpoint() -> None:
    there = observed("1 T0 fork T1\n2 T1 exit\n3 T1 sleep\n4 T0 exit\n")
    assert [(c.uid, c.actor) for c in there.checkpoints] == [(1, 0)]


def test_a_promise_that_the_model_breaks_is_no_observation() -> None:
    broken = scenario(
        "config pmd_order=3 frames=64 bug=clear-refs-wrprotect-pinned\n"
        "1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n3 T0 pin p0 0 w\n"
        "4 T0 clear_refs soft-dirty\n5 T0 fork T1\n6 T0 write 0\n7 T0 dma_read p0\n"
    )
    with pytest.raises(Broken, match="pin|memory-value|anon-exclusive"):
        ModelKernel().run(broken, every_op=False)


def test_both_sides_run_on_the_machine_that_kernels_run_on() -> None:
    small = scenario(
        "config pmd_order=3 frames=16 cpus=1 stack_gap=1 bug=vmsplice-child-cow\n1 T0 sleep\n"
    )
    config = comparable(small).config
    assert (config.pmd_order, config.pages, config.stack_gap, config.bugs) == (9, 64, 0, ())
    assert comparable(comparable(small)) == comparable(small)


class Breaking(Observer):
    """Raises while another op hangs in the middle."""

    def op_ended(self, k: Kernel, t: Task, index: int) -> None:
        if t.uid == 3:
            raise RuntimeError("an op of the model went wrong")


def test_a_machine_goes_on_after_an_exception_as_if_it_were_new() -> None:
    hanging = scenario(
        "1 T0 mmap 0..4 rw private anon populate\n2 T0 madvise 0..4 DONTNEED\n3 T1 write 1\n"
        "@2 zap_pte_range:clear_pte#2 -> T1\n"
    )
    machine = Machine()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="an op of the model went wrong"):
            machine.run(hanging, observer=Breaking())
        assert machine.run(hanging) == Machine().run(hanging)
