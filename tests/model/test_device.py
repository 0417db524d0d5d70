# SPDX-License-Identifier: MIT
"""Opening and closing devices, after lib/test_hmm.c, and two of them at a time."""

from tests.model.run import results, run

MIGRATED = """
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE migrate_to_device 0..4
"""


def test_closing_a_device_brings_home_what_every_process_has_in_it() -> None:
    assert results(
        MIGRATED
        + """
4 T0 fork T1
5 DEVICE device_close
6 T0 pagemap 1
7 T1 read 1
8 T0 write 1
9 T1 read 1
"""
    )[3:] == [1, 0, 257, 1, 0, 1]


def test_a_closed_device_can_do_nothing_until_it_is_opened() -> None:
    assert results(
        MIGRATED
        + """
4 DEVICE device_open T0
5 DEVICE device_close
6 DEVICE device_close
7 DEVICE device_read 1
8 DEVICE device_write 1
9 DEVICE migrate_to_device 0..4
10 DEVICE migrate_to_ram 0..4
11 DEVICE device_open T5
12 DEVICE device_read 1
13 T5 exit
14 DEVICE device_close
15 DEVICE device_open T5
16 DEVICE device_open T6
"""
    )[3:] == [
        "EEXIST",
        0,
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        0,
        1,
        0,
        0,
        "ESRCH",
        "ESRCH",
    ]


def test_a_device_mirrors_the_process_that_opens_it() -> None:
    assert results(
        MIGRATED
        + """
4 T0 fork T1
5 T1 write 1
6 DEVICE device_close
7 DEVICE device_open T1
8 DEVICE device_read 1
9 DEVICE migrate_to_device 1..2
10 T0 read 1
11 T1 read 1
"""
    )[7:] == [2, 1, 1, 2]


def test_each_device_has_memory_of_its_own() -> None:
    """hmm_range_fault() gives a device private pages of its own owner only."""
    assert results(
        MIGRATED
        + """
4 DEVICE1 device_read 1
5 T0 pagemap 1
6 DEVICE1 migrate_to_ram 0..4
7 DEVICE1 migrate_to_device 0..4
8 DEVICE migrate_to_ram 0..4
9 DEVICE1 migrate_to_ram 0..4
"""
    )[3:] == [1, 259, 0, 1, 3, 1]


def test_closing_waits_for_a_fault_that_holds_a_page() -> None:
    """Linux passes over it, and frees what the fault uses: test-hmm-close-skips-locked-pages."""
    outcome = run(
        MIGRATED
        + """
4 T0 read 1
5 DEVICE device_close
@4 dmirror_devmem_fault:use_page#1 -> DEVICE
""",
        trace=True,
    )
    assert outcome.violation is None
    assert not outcome.dead
    freed = [e.step for e in outcome.trace if e.site == "dmirror_fops_release:free"][0]
    done = [e.step for e in outcome.trace if e.uid == 4 and e.site == "op:end"][0]
    assert done < freed


def test_a_first_device_waits_for_invalidations_that_nobody_has_counted() -> None:
    """mm_take_all_locks(): T1's copy on write began before anybody listened."""
    outcome = run(
        """
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 write 1
5 DEVICE device_close
6 DEVICE device_open T1
7 DEVICE device_read 1
@4 wp_page_copy:clear_flush#1 -> DEVICE
""",
        trace=True,
    )
    assert outcome.violation is None
    opened = [e.step for e in outcome.trace if e.site == "mmu_notifier_register:seq"][0]
    done = [e.step for e in outcome.trace if e.uid == 4 and e.site == "op:end"][0]
    assert done < opened
    assert outcome.results[6] == 2  # what T1 has stored


def test_what_cannot_be_brought_home_for_want_of_memory_stays() -> None:
    assert results(
        MIGRATED
        + """
4 DEVICE migrate_to_ram 0..4
5 T0 read 1
@4 dmirror_devmem_fault_alloc_and_copy:alloc#2 fail
"""
    )[3:] == ["ENOMEM", 1]
