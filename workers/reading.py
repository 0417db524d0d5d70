# SPDX-License-Identifier: MIT
"""The questions that triage asks the store, as functions of an open connection.

Contract: nothing here writes. `Store` has a method for each, which opens the connection.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, Subquery, and_, case, exists, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import ColumnElement

from simulator.outcome import Outcome, Signature
from workers import totals
from workers.records import (
    DecisionRow,
    ExampleRow,
    FailureDetail,
    FailureRow,
    FarmRow,
    JobRow,
    RunFigures,
    RunRow,
    Stats,
    SuspectRow,
    WorkerRow,
)
from workers.schema import (
    DONE,
    MINIMAL,
    Certificate,
    Decision,
    Example,
    Failure,
    Farm,
    Job,
    Label,
    Run,
    Scenario,
    Sighting,
    Suspect,
    Trace,
    Worker,
)
from workers.wire import WireError, outcome_from_json

IDS_AT_ONCE: Final = 500  # of failures in one statement


def _ranked(ids: Sequence[int]) -> Subquery:
    """The scenarios of failures by rank: the minimal one, then those that replayed, then by
    size."""
    replayed = and_(
        Trace.scenario_sha256 == Example.scenario_sha256, Trace.build_id == Example.build_id
    )
    best = (
        case((Example.role == MINIMAL, 0), else_=1),
        case((Trace.digest.is_not(None), 0), else_=1),
        Scenario.ops,
        Scenario.directives,
        func.length(Scenario.text),
        Scenario.sha256,
    )
    return (
        select(
            Example.failure_id,
            Example.role,
            Example.origin,
            Example.build_id,
            Example.digest,
            Example.steps,
            Scenario.sha256,
            Scenario.text,
            Scenario.ops,
            Scenario.directives,
            func.row_number().over(partition_by=Example.failure_id, order_by=best).label("rank"),
        )
        .select_from(Example)
        .join(Scenario)
        .outerjoin(Trace, replayed)
        .where(Example.failure_id.in_(ids))
        .subquery()
    )


def _failures(ids: Sequence[int]) -> Select[Any]:
    """Failures by number, each with its best scenario."""
    ranked = _ranked(ids)
    runs = select(func.count()).where(Sighting.failure_id == Failure.id).scalar_subquery()
    return select(
        Failure.__table__,
        (runs + Failure.past_runs).label("runs"),
        ranked.c.ops,
        ranked.c.directives,
    ).join(ranked, and_(ranked.c.failure_id == Failure.id, ranked.c.rank == 1))


def failures(
    connection: Connection,
    oracle: str | None,
    state: str | None,
    run_id: int | None,
    limit: int | None,
    *,
    canaries: bool,
) -> list[FailureRow]:
    """Failures that match all filters, those seen most often first. Those that only a canary has
    shown are left out, or are asked for."""
    hidden = Failure.canary.is_not(None) if canaries else Failure.canary.is_(None)
    # Choose first: what is shown of each is looked up by number.
    query = select(Failure.id).where(hidden).order_by(Failure.count.desc(), Failure.id)
    if oracle is not None:
        query = query.where(Failure.oracle == oracle)
    if state is not None:
        query = query.where(Failure.state == state)
    if run_id is not None:
        query = query.where(
            exists().where(Sighting.run_id == run_id, Sighting.failure_id == Failure.id)
        )
    if limit is not None:
        query = query.limit(limit)
    return by_number(connection, connection.execute(query).scalars().all())


def by_number(connection: Connection, ids: Sequence[int]) -> list[FailureRow]:
    """Failures in the order of `ids`, as far as there are any."""
    found = {}
    for at in range(0, len(ids), IDS_AT_ONCE):
        some = ids[at : at + IDS_AT_ONCE]
        labels = labels_of(connection, some)
        for row in connection.execute(_failures(some)):
            found[row.id] = _failure_row(row, labels.get(row.id, ()))
    return [found[number] for number in ids if number in found]


def labels_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The labels of failures, of those that have any."""
    labels: dict[int, tuple[str, ...]] = {}
    query = select(Label.__table__).where(Label.failure_id.in_(ids)).order_by(Label.name)
    for row in connection.execute(query):
        labels[row.failure_id] = (*labels.get(row.failure_id, ()), row.name)
    return labels


def count_failures(connection: Connection, *, canaries: bool) -> int:
    hidden = Failure.canary.is_not(None) if canaries else Failure.canary.is_(None)
    return connection.execute(select(func.count()).select_from(Failure).where(hidden)).scalar_one()


def failure(connection: Connection, failure_id: int) -> FailureDetail | None:
    """One failure with its best scenario; None when there is no such failure."""
    rows = by_number(connection, [failure_id])
    if not rows:
        return None
    kept = examples(connection, failure_id)
    best = kept[0]
    outcome = connection.execute(
        select(Trace.outcome).where(
            Trace.scenario_sha256 == best.sha256, Trace.build_id == best.build_id
        )
    ).scalar()
    certificate = connection.execute(
        select(Certificate.content).where(Certificate.failure_id == failure_id)
    ).scalar()
    return FailureDetail(
        failure=rows[0],
        best=best,
        examples=len(kept),
        outcome=None if outcome is None else _outcome(outcome),
        certificate=certificate,
    )


def _outcome(kept: dict[str, Any]) -> Outcome | None:
    """None for a trace that an older mmfarm has kept in a form of its own: a replay makes one."""
    try:
        return outcome_from_json(kept)
    except WireError:
        return None


def examples(connection: Connection, failure_id: int) -> list[ExampleRow]:
    """All kept scenarios of a failure, the best first."""
    ranked = _ranked([failure_id])
    rows = connection.execute(select(ranked).order_by(ranked.c.rank))
    return [
        ExampleRow(
            sha256=row.sha256,
            text=row.text,
            ops=row.ops,
            directives=row.directives,
            role=row.role,
            origin=row.origin,
            build_id=row.build_id,
            digest=row.digest,
            steps=row.steps,
        )
        for row in rows
    ]


def stats(connection: Connection) -> Stats:
    executions, steps, seconds, cpu_seconds = connection.execute(
        select(
            func.coalesce(func.sum(Run.executions), 0),
            func.coalesce(func.sum(Run.steps), 0),
            func.coalesce(func.sum(Run.seconds), 0.0),
            func.coalesce(func.sum(Run.cpu_seconds), 0.0),
        )
    ).one()
    past = totals.read(connection)
    runs = Counter(_tally(connection, Run.state))
    runs.update({DONE: past.get("runs", 0)} if past.get("runs") else {})
    kinds = Counter(_tally(connection, Run.exit_kind))
    kinds.update(totals.below(past, "exit_kind"))
    return Stats(
        failures=_tally(connection, Failure.state, Failure.canary.is_(None)),
        runs=dict(runs),
        exit_kinds=dict(kinds),
        executions=int(executions) + past.get("executions", 0),
        steps=int(steps) + past.get("steps", 0),
        seconds=float(seconds) + past.get("seconds", 0) / 1000,
        cpu_seconds=float(cpu_seconds) + past.get("cpu_seconds", 0) / 1000,
        scenarios=connection.execute(select(func.count(Scenario.sha256))).scalar_one(),
    )


def run(connection: Connection, run_id: int) -> RunRow | None:
    row = connection.execute(select(Run.__table__).where(Run.id == run_id)).first()
    return None if row is None else _run_row(row)


def runs(connection: Connection, state: str | None) -> list[RunRow]:
    """Runs in the order they were created, as far as they are kept."""
    query = select(Run.__table__).order_by(Run.id)
    if state is not None:
        query = query.where(Run.state == state)
    return [_run_row(row) for row in connection.execute(query)]


def farm(connection: Connection) -> FarmRow:
    return _as(FarmRow, connection.execute(select(Farm.__table__)).one())


def jobs(connection: Connection, state: str | None) -> list[JobRow]:
    """What is owed, the oldest first."""
    query = select(Job.__table__).order_by(Job.id)
    if state is not None:
        query = query.where(Job.state == state)
    return [_as(JobRow, row) for row in connection.execute(query)]


def job_of(connection: Connection, kind: str, subject: int) -> JobRow | None:
    query = select(Job.__table__).where(Job.kind == kind, Job.subject == subject)
    row = connection.execute(query).first()
    return None if row is None else _as(JobRow, row)


def workers(connection: Connection) -> list[WorkerRow]:
    query = select(Worker.__table__).order_by(Worker.name)
    return [_as(WorkerRow, row) for row in connection.execute(query)]


def suspects(connection: Connection, state: str | None) -> list[SuspectRow]:
    query = select(Suspect.__table__).order_by(Suspect.id)
    if state is not None:
        query = query.where(Suspect.state == state)
    return [_as(SuspectRow, row) for row in connection.execute(query)]


def decisions(connection: Connection, subject: str) -> list[DecisionRow]:
    """What was decided about a subject, in order."""
    query = select(Decision.__table__).where(Decision.subject == subject).order_by(Decision.id)
    return [_as(DecisionRow, row) for row in connection.execute(query)]


RowT = TypeVar("RowT")


def _as(kind: type[RowT], row: Row[Any]) -> RowT:
    """A row as the record whose fields are named like its columns."""
    return kind(**{f.name: row._mapping[f.name] for f in fields(kind)})  # type: ignore[arg-type]


def _failure_row(row: Row[Any], labels: tuple[str, ...]) -> FailureRow:
    return FailureRow(
        id=row.id,
        signature=Signature(row.oracle, row.culprit, row.object_class),
        promise=row.promise,
        count=row._mapping["count"],
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        state=row.state,
        note=row.note,
        runs=row.runs,
        ops=row.ops,
        directives=row.directives,
        verdict=row.verdict,
        reason=row.reason,
        dup_of=row.dup_of,
        family=row.family,
        labels=labels,
        gone_since=row.gone_since,
    )


def _run_row(row: Row[Any]) -> RunRow:
    figures = None
    if row.exit_kind is not None:
        figures = RunFigures(
            exit_kind=row.exit_kind,
            executions=row.executions,
            steps=row.steps,
            seconds=row.seconds,
            cpu_seconds=row.cpu_seconds,
            features=row.features,
            new_entries=row.new_entries,
            statistics=row.statistics,
            in_flight=row.in_flight,
        )
    return RunRow(
        id=row.id,
        spec=row.spec,
        state=row.state,
        attempt=row.attempt,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        note=row.note,
        figures=figures,
    )


def _tally(
    connection: Connection, column: InstrumentedAttribute[Any], *which: ColumnElement[bool]
) -> dict[str, int]:
    """How many rows have each value that is not NULL."""
    query = (
        select(column, func.count())
        .where(column.is_not(None), *which)
        .group_by(column)
        .order_by(column)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
