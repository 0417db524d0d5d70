# SPDX-License-Identifier: MIT
"""The failures of the user's store, for the `mmfarm triage` verbs.

Contract: reads only. A user who never ran mmfarm has a store without failures, not an error,
and asking does not create one.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.compare import ORACLE
from corpus import disclosure
from corpus.text import parse
from simulator.scenario import Scenario
from triage.exits import Refused
from workers.records import FailureDetail, FailureRow
from workers.settings import DATABASE_FILE, database_url

if TYPE_CHECKING:
    from workers.listing import Page, Wanted
    from workers.store import Store


_NO_NAME: Final = re.compile(r"[^a-z0-9_-]", re.ASCII)
SHORT_BUILD: Final = 12  # hex digits of a build id
MAX_STEM: Final = 120  # file systems take twice that, with a suffix


@contextmanager
def opened(folder: Path) -> Iterator["Store | None"]:
    """The store of a data folder; None where there is none."""
    url = database_url(folder)
    if url == database_url(folder, {}) and not (folder / DATABASE_FILE).exists():
        yield None
        return
    from workers.store import Store  # SQLAlchemy, which a user without a store does not need

    store = Store.open(url)
    try:
        yield store
    finally:
        store.close()


def listed(folder: Path, wanted: "Wanted") -> "Page | None":
    """A page of failures; None without a store."""
    with opened(folder) as store:
        return None if store is None else store.search(wanted)


def detail(folder: Path, number: int) -> FailureDetail:
    """One failure. Refuses a number that is not in the store."""
    with opened(folder) as store:
        found = store.failure(number) if store is not None else None
    if found is None:
        raise Refused(f"no failure has the number {number}; `mmfarm triage list` lists them")
    return found


def is_disagreement(row: FailureRow) -> bool:
    """Whether it is one with a real kernel: then the model alone shows nothing."""
    return row.signature.oracle == ORACLE


def best_scenario(found: FailureDetail) -> Scenario:
    """The minimal scenario of a failure, else the smallest."""
    return parse(found.best.text, f"failure {found.failure.id}")


def row_json(row: FailureRow) -> dict[str, object]:
    return {
        "id": row.id,
        "signature": {
            "oracle": row.signature.oracle,
            "culprit": row.signature.culprit,
            "object_class": row.signature.object_class,
        },
        "promise": row.promise,
        "count": row.count,
        "first_seen": row.first_seen.isoformat(),
        "last_seen": row.last_seen.isoformat(),
        "state": row.state,
        "note": row.note,
        "runs": row.runs,
        "ops": row.ops,
        "directives": row.directives,
        "verdict": row.verdict,
        "reason": row.reason,
        "dup_of": row.dup_of,
        "family": row.family,
        "labels": list(row.labels),
        "gone_since": row.gone_since or None,
    }


def standing(row: FailureRow) -> str:
    """How far the farm has come with a failure, what people say of it, and of which family it
    is."""
    words = [row.state]
    if row.verdict != "open":
        words.append(f"{row.verdict} of F{row.dup_of}" if row.dup_of else row.verdict)
    if row.family is not None and row.family != row.id:
        words.append(f"as F{row.family}")
    if row.gone_since:
        words.append(f"gone since {row.gone_since[:SHORT_BUILD]}")
    return ", ".join((*words, *row.labels))


def withheld(found: FailureDetail) -> str:
    """Why nothing of a failure may leave this machine; empty when it may."""
    if disclosure.EMBARGO in found.failure.labels:
        return "it is under embargo"
    if disclosure.shows_one(best_scenario(found), found.failure.signature):
        return disclosure.WHY
    return ""


def exportable(found: FailureDetail) -> None:
    """Refuses what is withheld."""
    why = withheld(found)
    if why:
        number = found.failure.id
        raise Refused(
            f"F{number} is not exported: {why}; when it may be published, "
            f"`mmfarm triage label F{number} {disclosure.EMBARGO} --remove`"
            + (" and clear the flag in simulator/bugs.py" if why == disclosure.WHY else "")
        )


def file_stem(found: FailureDetail) -> str:
    """A name for the failure's files: `stale-tlb-migrate_vma_collect_pmd-3`. Whatever the words
    of the signature are, it names no other folder."""
    signature = found.failure.signature
    words = f"{signature.oracle}-{signature.culprit}".lower()
    return f"{_NO_NAME.sub('_', words)[:MAX_STEM]}-{found.failure.id}"


def certified(found: FailureDetail) -> str:
    """What a failure's certificate says in a line."""
    certificate = found.certificate or {}
    tried = len(certificate.get("tried", ()))
    if not certificate.get("complete"):
        return f"not proven: {tried:,} single simplifications were tried before the budget ended"
    return f"none of {tried:,} single simplifications fails any more"
