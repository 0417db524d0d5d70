# SPDX-License-Identifier: MIT
"""Huge pages in device memory (7.2): they go there and come back as a whole, or by parts where one
side has no huge page."""

import pytest

from simulator.mm.mm_types import PFN_SHIFT, is_device_private_pte
from simulator.mm.pgtable import peek, pfn_to_page
from simulator.observer import Observer
from simulator.run import Machine
from simulator.state import Kernel
from simulator.task import Task
from tests.model.run import results, scenario

CONFIG = "config pmd_order=3 frames=64 thp=always"
MIGRATED = f"""{CONFIG}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 0..8
"""


class _Look(Observer):
    """After each op: the order of the folio of each page, minus it for one of a device's."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[list[int | None]] = []

    def op_ended(self, k: Kernel, t: Task, index: int) -> None:
        found: list[int | None] = []
        for va in range(8):
            pte = peek(k, k.mms[0], va)
            order: int | None = None
            if pte >> PFN_SHIFT:
                order = pfn_to_page(k, pte >> PFN_SHIFT).folio.order
                if is_device_private_pte(pte):
                    order = -order
            found.append(order)
        self.orders.append(found)


def orders(text: str) -> list[list[int | None]]:
    look = _Look()
    outcome = Machine().run(scenario(text), observer=look)
    assert outcome.violation is None
    assert not outcome.dead
    return look.orders


@pytest.mark.parametrize(("kernel", "order"), [("", -3), (" kernel=6.18", 0), (" kernel=7.3", -3)])
def test_a_huge_page_goes_as_a_whole_since_6_19(kernel: str, order: int) -> None:
    text = MIGRATED.replace(CONFIG, CONFIG + kernel)
    assert orders(text)[2] == [order] * 8
    assert results(text)[2] == 8


def test_one_fault_brings_it_back_as_a_whole() -> None:
    text = MIGRATED + "4 DEVICE device_write 5\n5 T0 read 5\n6 T0 read 3\n"
    assert orders(text)[4] == [3] * 8
    assert results(text)[3:] == [0, 2, 1]


def test_a_hole_becomes_one_of_zeroes() -> None:
    text = f"{CONFIG}\n1 T0 mmap 0..8 rw private anon\n2 DEVICE migrate_to_device 0..8\n3 T0 read 7"
    assert orders(text)[1] == [-3] * 8
    assert results(text) == [0, 8, 0]


def test_where_the_device_has_no_huge_page_small_ones_do() -> None:
    text = MIGRATED + "4 T0 read 3\n@3 dmirror_devmem_alloc_page:alloc_huge#1 fail\n"
    assert orders(text)[2] == [0] * 8
    assert results(text) == [0, 0, 8, 1]


def test_a_child_that_has_the_huge_page_too_gets_its_parts() -> None:
    text = f"""{CONFIG}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 DEVICE migrate_to_device 0..8
5 T1 read 3
6 T0 read 3
@4 dmirror_devmem_alloc_page:alloc_huge#1 fail
"""
    assert results(text) == [0, 0, 1, 8, 1, 1]


def test_where_memory_has_no_huge_page_it_comes_back_by_parts() -> None:
    site = "dmirror_devmem_fault_alloc_and_copy:alloc_huge"
    text = MIGRATED + f"4 T0 read 3\n5 T0 read 0\n@4 {site}#1 fail\n"
    seen = orders(text)
    assert seen[3][3] == 0
    assert seen[4][0] == 0
    assert results(text)[3:] == [1, 0]


def test_a_part_of_it_that_is_given_up_leaves_the_others() -> None:
    text = MIGRATED + "4 T0 munmap 0..2\n5 T0 read 3\n6 DEVICE device_read 4\n"
    assert orders(text)[3] == [None, None] + [-3] * 6
    assert results(text)[3:] == [0, 1, 0]


def test_it_is_moved_and_shared_like_any_other() -> None:
    text = MIGRATED + "4 T0 mremap 0..8 to 8\n5 T0 fork T1\n6 T1 write 11\n7 T0 read 11\n"
    assert results(text)[3:] == [8, 1, 0, 1]


def test_a_device_that_is_closed_has_none_left() -> None:
    text = MIGRATED + "4 DEVICE device_close\n5 T0 read 3\n"
    assert orders(text)[3] == [0] * 8
    assert results(text)[3:] == [0, 1]


def test_a_pinned_one_stays() -> None:
    text = f"""{CONFIG}
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 pin p0 3 w
4 DEVICE migrate_to_device 0..8
5 T0 unpin p0
"""
    assert orders(text)[3] == [3] * 8
    assert results(text)[3] == 0


def test_a_fault_finds_the_folio_that_a_split_has_left_it() -> None:
    text = f"""{MIGRATED}4 T0 munmap 7..8
5 T0 read 5
6 T1 read 1
@5 do_swap_page:device_lock#1 -> T1
"""
    assert results(text)[4:] == [0, 0]


def test_a_split_entry_counts_until_the_page_table_stands() -> None:
    text = f"""{CONFIG}
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 fork T1
4 DEVICE migrate_to_device 0..8
5 T0 mprotect 2..3 r
6 T1 read 1
@5 split_huge_pmd_locked:populate#1 -> T1
"""
    assert results(text)[4:] == [0, 0]
