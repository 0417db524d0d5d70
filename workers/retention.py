# SPDX-License-Identifier: MIT
"""What the farm forgets, by five rules, so that it can be left alone for months.

Contract: `apply` is a function of an open connection, which the scheduler calls again and again; it
deletes at most AT_ONCE rows by each rule and says how many. What was summed up over the rows
(executions, slices by how they ended, decisions by reason) is added to the totals in the same
transaction. Failures, their scenarios, minimal traces and certificates never go, and neither does a
corpus entry that anything needs.

    1. runs that are done: the newest RUNS_KEPT stay; a failure remembers how many saw it
    2. decisions and notices that were sent: the newest DECISIONS_KEPT and NOTICES_KEPT stay
    3. corpus entries that were retired RETIRED_DAYS ago, with their features
    4. features of model builds that nobody has fuzzed with for BUILD_DAYS
    5. traces of scenarios of minimized failures that are not the minimal one, after TRACE_DAYS

It does not promise to catch up at once after a long stop.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstrumentedAttribute

from workers import totals
from workers.schema import (
    DONE,
    MINIMAL,
    MINIMIZED,
    Decision,
    Entry,
    EntryFeatures,
    Example,
    Failure,
    FeatureMap,
    Notice,
    Run,
    Sighting,
    Trace,
)

RUNS_KEPT: Final = 500  # hours of a small farm, and what people look at
DECISIONS_KEPT: Final = 5000
NOTICES_KEPT: Final = 1000
RETIRED_DAYS: Final = 7  # until then `corpus dump` of a backup can be compared
BUILD_DAYS: Final = 30
TRACE_DAYS: Final = 7
AT_ONCE: Final = 200  # rows of one rule: others write, too

Rule = Callable[[Connection, datetime], int]


def apply(connection: Connection, now: datetime) -> dict[str, int]:
    """Returns how many rows went by each rule, of those that found any."""
    gone = {name: rule(connection, now) for name, rule in RULES.items()}
    return {name: count for name, count in gone.items() if count}


def _runs(connection: Connection, now: datetime) -> int:
    last = _last_kept(connection, Run.id, RUNS_KEPT)
    rows = connection.execute(
        select(Run.id, Run.exit_kind, Run.executions, Run.steps, Run.seconds, Run.cpu_seconds)
        .where(Run.state == DONE, Run.id < last)
        .order_by(Run.id)
        .limit(AT_ONCE)
    ).all()
    if not rows:
        return 0
    ids = [row.id for row in rows]
    seen = Counter(
        connection.execute(select(Sighting.failure_id).where(Sighting.run_id.in_(ids))).scalars()
    )
    for failure_id, runs in sorted(seen.items()):
        connection.execute(
            update(Failure)
            .where(Failure.id == failure_id)
            .values(past_runs=Failure.past_runs + runs)
        )
    connection.execute(delete(Sighting).where(Sighting.run_id.in_(ids)))
    connection.execute(delete(Run).where(Run.id.in_(ids)))
    kinds = Counter(f"exit_kind:{row.exit_kind}" for row in rows)
    totals.add(
        connection,
        {
            "runs": len(rows),
            "executions": sum(row.executions for row in rows),
            "steps": sum(row.steps for row in rows),
            "seconds": sum(totals.milliseconds(row.seconds) for row in rows),
            "cpu_seconds": sum(totals.milliseconds(row.cpu_seconds) for row in rows),
            **kinds,
        },
    )
    return len(rows)


def _decisions(connection: Connection, now: datetime) -> int:
    last = _last_kept(connection, Decision.id, DECISIONS_KEPT)
    rows = connection.execute(
        select(Decision.id, Decision.code)
        .where(Decision.id < last)
        .order_by(Decision.id)
        .limit(AT_ONCE)
    ).all()
    connection.execute(delete(Decision).where(Decision.id.in_([row.id for row in rows])))
    totals.add(connection, Counter(f"decision:{row.code}" for row in rows))
    return len(rows)


def _notices(connection: Connection, now: datetime) -> int:
    last = _last_kept(connection, Notice.id, NOTICES_KEPT)
    ids = _ids(connection, Notice.id, Notice.sent_at.is_not(None), Notice.id < last)
    connection.execute(delete(Notice).where(Notice.id.in_(ids)))
    return len(ids)


def _retired(connection: Connection, now: datetime) -> int:
    seqs = _ids(connection, Entry.seq, Entry.retired_at < now - timedelta(days=RETIRED_DAYS))
    connection.execute(delete(EntryFeatures).where(EntryFeatures.seq.in_(seqs)))
    connection.execute(delete(Entry).where(Entry.seq.in_(seqs)))
    return len(seqs)


def _builds(connection: Connection, now: datetime) -> int:
    """A build is in use while one of its maps changes, whatever the model."""
    old = connection.execute(
        select(FeatureMap.build_id)
        .group_by(FeatureMap.build_id)
        .having(func.max(FeatureMap.updated_at) < now - timedelta(days=BUILD_DAYS))
        .limit(1)
    ).scalar()
    if old is None:
        return 0
    seqs = _ids(connection, EntryFeatures.seq, EntryFeatures.build_id == old)
    connection.execute(
        delete(EntryFeatures).where(EntryFeatures.build_id == old, EntryFeatures.seq.in_(seqs))
    )
    if not seqs:
        connection.execute(delete(FeatureMap).where(FeatureMap.build_id == old))
    return len(seqs)


def _traces(connection: Connection, now: datetime) -> int:
    """A scenario may show several failures: its trace stays while one of them needs it."""
    needed = (
        select(Example.scenario_sha256)
        .join(Failure, Failure.id == Example.failure_id)
        .where((Example.role == MINIMAL) | (Failure.state != MINIMIZED))
    )
    rows = connection.execute(
        select(Trace.scenario_sha256, Trace.build_id)
        .where(
            Trace.recorded_at < now - timedelta(days=TRACE_DAYS),
            Trace.scenario_sha256.not_in(needed),
        )
        .limit(AT_ONCE)
    ).all()
    for sha256, build_id in rows:
        connection.execute(
            delete(Trace).where(Trace.scenario_sha256 == sha256, Trace.build_id == build_id)
        )
    return len(rows)


def _last_kept(connection: Connection, number: InstrumentedAttribute[int], kept: int) -> int:
    """The lowest number of those that stay; 0 while there are no more than that."""
    return (
        connection.execute(
            select(number).order_by(number.desc()).offset(kept - 1).limit(1)
        ).scalar()
        or 0
    )


def _ids(connection: Connection, number: InstrumentedAttribute[int], *which: object) -> list[int]:
    return list(
        connection.execute(
            select(number).where(*which).order_by(number).limit(AT_ONCE)  # type: ignore[arg-type]
        ).scalars()
    )


RULES: Final[dict[str, Rule]] = {
    "runs": _runs,
    "decisions": _decisions,
    "notices": _notices,
    "retired": _retired,
    "builds": _builds,
    "traces": _traces,
}
