# SPDX-License-Identifier: MIT
"""A worker that is alive and of no use ends itself, well before anybody waits a minute for it."""

import pytest

from workers.ledger import BEAT_SECONDS
from workers.watchdog import END_SECONDS, STUCK_SECONDS, Watchdog

LOOK_SECONDS = 1.0  # between two looks of `workers.service`


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("hangs", [False, True])
def test_what_is_of_no_use_ends_in_less_than_a_minute(hangs: bool) -> None:
    """Its thread hangs, or beats on while work waits."""
    clock = Clock()
    dog = Watchdog(clock)
    began = clock.now
    next_turn = began
    while not (why := dog.verdict(told=False)):
        if not hangs and clock.now >= next_turn:
            dog.turned(useful=False)
            next_turn += BEAT_SECONDS
        clock.now += LOOK_SECONDS
    assert clock.now - began <= STUCK_SECONDS + LOOK_SECONDS < 60
    assert why == (
        "the store neither answers nor fails"
        if hangs
        else "it hears of no work, though there is some"
    )


def test_what_works_or_waits_for_the_store_goes_on() -> None:
    clock = Clock()
    dog = Watchdog(clock)
    for _ in range(1000):
        clock.now += BEAT_SECONDS
        dog.turned(useful=True)
        assert dog.verdict(told=False) == ""


def test_an_end_is_waited_for_and_not_for_ever() -> None:
    clock = Clock()
    dog = Watchdog(clock)
    clock.now += 30  # that it was idle before is no reason
    dog.turned(useful=True)
    assert dog.verdict(told=True) == ""
    clock.now += END_SECONDS
    assert dog.verdict(told=True) == ""
    clock.now += LOOK_SECONDS
    assert dog.verdict(told=True) == f"it did not end in {END_SECONDS:.0f} s"
