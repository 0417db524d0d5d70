# SPDX-License-Identifier: MIT
"""Waiting for what other processes do, however slow the machine is.

A wait ends when what is waited for is so, or when nobody is left who could make it so. There is no
time limit: that a test hangs is found by pytest's `faulthandler_timeout` (pyproject.toml), which is
far above what any test takes on any machine, and the only one.
"""

import time
from collections.abc import Callable
from typing import Final

POLL_SECONDS: Final = 0.02
PATIENT_SECONDS: Final = 3600.0  # a limit for code that must have one, of what ends by itself


def wait_until(
    what: str, true: Callable[[], object], possible: Callable[[], object] = lambda: True
) -> None:
    """Return once `true` says so; fail when `possible` says that it never will."""
    while not true():
        if not possible() and not true():
            raise AssertionError(f"{what}: that will not happen any more")
        time.sleep(POLL_SECONDS)
