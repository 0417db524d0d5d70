# SPDX-License-Identifier: MIT
"""The names that people see: F12 a failure, R12 a run, C12 a corpus entry, Q12 a scenario put
aside.

Contract: `parsed` takes a name in either case, and a bare number where one letter is meant. What
is no such name is refused with what would be one.
"""

import os
from typing import Final

from triage.exits import Refused

FAILURE: Final = "F"
KINDS: Final = {
    FAILURE: "a failure",
    "R": "a run",
    "C": "a corpus entry",
    "Q": "a scenario in quarantine",
    "G": "a campaign",
    "M": "a map of features",
}
MAX_DIGITS: Final = 18  # more are no number of a row


def parsed(name: str, meant: str = "") -> tuple[str, int] | None:
    """Letter and number; `meant` is the letter of a bare number. None for what is no name."""
    letter, number = name[:1].upper(), name[1:]
    if meant and name.isdecimal():
        letter, number = meant, name
    if letter not in KINDS or not number.isdecimal() or len(number) > MAX_DIGITS:
        return None
    return letter, int(number)


def is_stored(path: str) -> bool:
    """Whether what a verb is given names something in the store, and no file is called so."""
    return parsed(path) is not None and not os.path.lexists(path)


def failure_number(name: str) -> int:
    """The number of F12, or of 12."""
    found = parsed(name.strip(), FAILURE)
    if found is None or found[0] != FAILURE or not found[1]:
        raise Refused(f"{name}: name a failure like F12; `mmfarm triage list` lists them")
    return found[1]
