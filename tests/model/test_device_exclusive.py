# SPDX-License-Identifier: MIT
"""Pages that a device has for itself: what they count as, and what takes them back."""

import pytest

from simulator.mm.mm_types import SWP_DEVICE_EXCLUSIVE, pte_kind
from simulator.mm.pgtable import peek
from simulator.observer import Observer
from simulator.run import Machine
from simulator.state import Kernel
from simulator.task import Task
from tests.model.run import results, run, scenario

SET_UP = "1 T0 mmap 0..4 rw private anon\n2 T0 write 1\n3 DEVICE device_exclusive 1..2\n"


class _Look(Observer):
    """What page 1 is after op 3, and what it counts as."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = 0
        self.counts = (0, 0)

    def op_ended(self, k: Kernel, t: Task, index: int) -> None:
        if index == 2:
            mm = k.mms[0]
            pte = peek(k, mm, 1)
            self.kind = pte_kind(pte)
            self.counts = (k.frames.objects[(pte >> 16) - 1].mapcount, mm.rss_anon)


def test_the_entry_is_a_mapping_like_any_other() -> None:
    look = _Look()
    outcome = Machine().run(scenario(SET_UP), observer=look)
    assert outcome.violation is None
    assert (look.kind, look.counts) == (SWP_DEVICE_EXCLUSIVE, (1, 1))


def test_a_load_ends_it_and_sees_what_the_device_has_stored() -> None:
    ends = "4 DEVICE device_atomic 1\n5 T0 read 1\n6 DEVICE device_atomic 1\n"
    assert results(SET_UP + ends) == [0, 0, 0, 0, 2, "EFAULT"]


def test_only_anonymous_memory_that_may_be_written_becomes_a_devices() -> None:
    assert results("""
1 T0 memfd f0 2
2 T0 mmap 0..2 rw shared f0
3 T0 mmap 4..6 r private anon
4 DEVICE device_exclusive 0..1
5 DEVICE device_exclusive 4..5
6 DEVICE device_exclusive 8..9
""")[3:] == ["ENOTSUP", "EFAULT", "EFAULT"]  # the same number as EOPNOTSUPP


def test_a_fork_that_meets_the_locked_folio_fails() -> None:
    assert results(
        SET_UP + "4 T0 fork T1\n5 T0 read 1\n@4 try_restore_exclusive_pte:trylock#1 fail\n"
    ) == [0, 0, 0, "ENOMEM", 1]


def test_the_device_takes_one_page_of_a_huge_one() -> None:
    assert results("""
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE device_exclusive 3..5
4 DEVICE device_atomic 4
5 T0 write 5
6 T0 read 4
7 DEVICE device_atomic 3
8 DEVICE device_atomic 4
""") == [0, 0, 0, 0, 0, 2, 0, "EFAULT"]


TAIL = """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE device_exclusive {range}
4 DEVICE device_atomic 3
5 DEVICE device_atomic 0
"""


@pytest.mark.parametrize(
    ("version", "pages", "want"),
    [
        ("6.12", "3..4", ["EBUSY", "EFAULT", "EFAULT"]),  # a tail is left out
        ("6.12", "0..1", [0, "EFAULT", 0]),
        ("6.18", "3..4", [0, 0, "EFAULT"]),
        ("7.2", "0..4", [0, 0, 0]),
    ],
)
def test_before_6_15_no_tail_of_a_large_folio_becomes_exclusive(
    version: str, pages: str, want: list[str | int]
) -> None:
    head = f"config pmd_order=3 frames=64 thp=always kernel={version}\n"
    assert results(head + TAIL.format(range=pages))[2:] == want


def test_the_range_form_replaces_all_entries_of_a_folio() -> None:
    head = "config pmd_order=3 frames=64 thp=always kernel=6.12\n"
    p = TAIL.format(range="0..1") + "6 T0 read 5\n7 DEVICE device_atomic 0\n8 T0 read 0\n"
    assert results(head + p)[5:7] == [0, 0]


def test_a_driver_that_tries_until_nothing_was_invalidated_gets_on_while_others_look() -> None:
    text = """
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE1 device_exclusive 3..4
4 T0 read 3
5 DEVICE1 device_atomic 3
@3 make_device_exclusive:folio_lock#1 -> T0
"""
    outcome = run(text)
    assert outcome.violation is None
    assert not outcome.dead
    assert outcome.results[2] == 0
