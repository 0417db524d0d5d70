# SPDX-License-Identifier: MIT
"""Scenarios of the user's store by the names that people see.

Contract: `text_of` gives the best scenario of a failure F12, a corpus entry C12, a scenario in
quarantine Q12; what the store has not, and what is no scenario, is refused. Who names a failure
gets it, also under embargo: lists leave it out. `confirmations` is what real kernels have said of
a failure's scenario, and `confirmed` keeps it.
"""

from dataclasses import replace

from corpus.paths import data_dir
from triage import failures, names
from triage.exits import Refused
from workers.records import ConfirmationRow


def text_of(name: str) -> str:
    """The text of the scenario that is called `name`."""
    found = names.parsed(name)
    if found is None:
        raise Refused(f"{name}: name a failure F12, a corpus entry C12, a scenario Q12")
    letter, number = found
    if letter == names.FAILURE:
        return failures.detail(data_dir(), number).best.text
    with failures.opened(data_dir()) as store:
        if store is not None and letter == "C":
            entry = store.entry(number)
            if entry is not None:
                return entry.text
        if store is not None and letter == "Q":
            for each in store.suspects():
                if each.id == number:
                    return each.text
    if letter in ("C", "Q"):
        raise Refused(f"{data_dir()}: has no {name}")
    raise Refused(f"{name}: {names.KINDS[letter]} is no scenario; F12, C12, Q12 are")


def confirmations(name: str) -> list[ConfirmationRow]:
    """What kernels have said of the best scenario of the failure `name`; nothing of others."""
    found = names.parsed(name)
    if found is None or found[0] != names.FAILURE:
        return []
    best = failures.detail(data_dir(), found[1]).best
    with failures.opened(data_dir()) as store:
        return store.confirmations(found[1], best.sha256) if store is not None else []


def confirmed(name: str, rows: list[ConfirmationRow]) -> None:
    """Keep what kernels say of the best scenario of the failure `name`."""
    found = names.parsed(name)
    if found is None or found[0] != names.FAILURE:
        return
    best = failures.detail(data_dir(), found[1]).best
    with failures.opened(data_dir()) as store:
        for row in rows if store is not None else ():
            assert store is not None
            store.confirmed(replace(row, failure_id=found[1], scenario_sha256=best.sha256))
