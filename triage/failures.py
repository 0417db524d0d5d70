# SPDX-License-Identifier: MIT
"""The failures of the user's store, for the `mmfarm triage` verbs.

Contract: reads only. A user who never ran mmfarm has a store without failures, not an error,
and asking does not create one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from corpus.text import parse
from simulator.scenario import Scenario
from triage.exits import Refused
from workers.records import FailureDetail, FailureRow
from workers.store import Store, StoreError, file_url

DATABASE: Final = "mmfarm.db"


@contextmanager
def _opened(folder: Path) -> Iterator[Store | None]:
    path = folder / DATABASE
    if not path.exists():
        yield None
        return
    try:
        store = Store.open(file_url(path))
    except StoreError as error:
        raise Refused(str(error)) from error
    try:
        yield store
    finally:
        store.close()


def listed(folder: Path) -> list[FailureRow]:
    """All failures, those seen most often first."""
    with _opened(folder) as store:
        return store.failures() if store is not None else []


def detail(folder: Path, number: int) -> FailureDetail:
    """One failure. Refuses a number that is not in the store."""
    with _opened(folder) as store:
        found = store.failure(number) if store is not None else None
    if found is None:
        raise Refused(f"no failure has the number {number}; `mmfarm triage list` lists them")
    return found


def best_scenario(found: FailureDetail) -> Scenario:
    """The minimal scenario of a failure, else the smallest."""
    return parse(found.best.scenario.text, f"failure {found.failure.id}")


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
    }


def file_stem(found: FailureDetail) -> str:
    """A name for the failure's files: `stale-tlb-migrate_vma_collect_pmd-3`."""
    signature = found.failure.signature
    return f"{signature.oracle}-{signature.culprit}-{found.failure.id}".lower()
