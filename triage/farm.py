# SPDX-License-Identifier: MIT
"""The user's store, for the `mmfarm farm` verbs.

Contract: `opened` opens the store that the environment names, else that of the data folder, and
creates it where there is none: a farm begins with its store.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from corpus.paths import data_dir
from triage import names
from triage.exits import Refused
from workers.ledger import SUBJECTS
from workers.schema import ALONE, FUZZ, MINIMIZE, VERIFY
from workers.settings import database_url
from workers.store import Store


@contextmanager
def opened() -> Iterator[Store]:
    folder = data_dir()
    folder.mkdir(parents=True, exist_ok=True)
    store = Store.open(database_url(folder))
    try:
        yield store
    finally:
        store.close()


# The work that a subject of each letter may have.
KINDS = {"R": (FUZZ,), "F": (VERIFY, MINIMIZE), "Q": (ALONE,)}


def name_of(kind: str, number: int) -> str:
    """`F12` for the work on failure 12."""
    return f"{SUBJECTS[kind]}{number}"


def subject(name: str) -> tuple[str, int]:
    """The letter and the number of `F12`. Refuses what is no such name."""
    found = names.parsed(name)
    if found is None:
        raise Refused(f"{name}: name a run like R12, a failure F12, a scenario Q12, a campaign G12")
    return found
