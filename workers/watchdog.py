# SPDX-License-Identifier: MIT
"""Whether a worker is of any use: the part of it that knows no thread and no store.

Contract: the thread that beats says `turned` after each turn, with whether it was of use (it
works, or there is nothing to do, or the store does not answer, which is waited for). `verdict` says
why the process shall end, if it shall: a turn that hangs or no use for STUCK_SECONDS, an end that
takes END_SECONDS. The leases of a worker are lost by then, and whoever started it starts another.
"""

from collections.abc import Callable
from typing import Final

END_SECONDS: Final = 10.0
STUCK_SECONDS: Final = 45.0


class Watchdog:
    """`clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last_turn = clock()
        self._useful = self._last_turn
        self._told: float | None = None  # when it was first seen to be told to go

    def turned(self, *, useful: bool) -> None:
        self._last_turn = self._clock()
        if useful:
            self._useful = self._last_turn

    def verdict(self, *, told: bool) -> str:
        """Why to end now; empty: go on. `told`: somebody wants it to go."""
        now = self._clock()
        if now - self._last_turn > STUCK_SECONDS:
            return "the store neither answers nor fails"
        if now - self._useful > STUCK_SECONDS:
            return "it hears of no work, though there is some"
        if told:
            self._told = now if self._told is None else self._told
            if now - self._told > END_SECONDS:
                return f"it did not end in {END_SECONDS:.0f} s"
        return ""
