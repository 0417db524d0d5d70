# SPDX-License-Identifier: MIT
"""Runs failures of the store again on the model as it is now.

Contract: `look` runs the scenarios of a failure, the best first, until one shows its signature,
and writes down what came of it: a failure that none shows is `gone since` this build, and stays.
A disagreement with a real kernel is left aside, for the model alone shows nothing of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from corpus.text import parse
from simulator.build import build_id
from simulator.run import Machine
from triage import failures
from workers.listing import Wanted
from workers.records import FailureRow
from workers.store import Store

AT_ONCE: Final = 200  # failures of one page
THERE: Final = "there"
GONE: Final = "gone"
ASIDE: Final = "aside"


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one. `instead`: the signature that its best scenario shows now, if another."""

    row: FailureRow
    verdict: str
    since: str = ""
    instead: str = ""


def everyone(store: Store) -> Iterator[FailureRow]:
    """All failures but those that only canaries have shown, by number."""
    after = None
    while True:
        page = store.search(Wanted(embargoed=True, sort="id", limit=AT_ONCE, after=after))
        yield from page.rows
        if not page.more:
            return
        after = page.rows[-1].id


def look(store: Store, row: FailureRow, machine: Machine) -> Looked:
    if failures.is_disagreement(row):
        return Looked(row, ASIDE)
    instead = ""
    for example in store.examples(row.id):
        violation = machine.run(parse(example.text, f"F{row.id}")).violation
        if violation is not None and violation.signature == row.signature:
            store.looked_at(row.id, build_id(), shows=True)
            return Looked(row, THERE)
        if violation is not None and not instead:
            instead = str(violation.signature)
    return Looked(row, GONE, store.looked_at(row.id, build_id(), shows=False), instead)
