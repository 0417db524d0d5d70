# SPDX-License-Identifier: MIT
"""Lists that people page through: failures by what is wanted of them, corpus entries, decisions.

Contract: functions of an open connection that read only; each is a page of at most `limit` rows,
looked up by an index, so that a store of 100,000 failures answers like one of ten. Failures with
the label `embargo` are in a list only if they are asked for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Text, case, cast, exists, func, literal, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from fuzz import maps
from workers import reading
from workers.entries import MAX_TEXT_BYTES
from workers.records import DecisionRow, FailureRow
from workers.schema import (
    DUP,
    EMBARGO,
    MINIMIZED,
    NEW,
    UNJUDGED,
    UNREPRODUCIBLE,
    VERIFIED,
    Decision,
    Entry,
    EntryFeatures,
    Failure,
    Label,
    Run,
    Sighting,
)

# How failures are sorted, the number last so that pages do not overlap.
SORTS: Final[dict[str, tuple[Any, ...]]] = {  # columns, and columns downward
    "seen": (Failure.count.desc(), Failure.id),
    "last": (Failure.last_seen.desc(), Failure.id),
    "first": (Failure.first_seen.desc(), Failure.id),
    "id": (Failure.id,),
    "signature": (Failure.oracle, Failure.culprit, Failure.object_class, Failure.id),
}
# Whom a person should look at first: what is ready to be read.
_READY: Final = case(
    {MINIMIZED: 0, VERIFIED: 1, UNREPRODUCIBLE: 2, NEW: 3}, value=Failure.state, else_=4
)
RUNS_READ: Final = 500  # as many as retention keeps


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which failures, in which order. Empty means any; `words` stand in signature or promise.
    `heads`: of a family the first one only, and no dups."""

    oracle: str = ""
    culprit: str = ""
    state: str = ""
    verdict: str = ""
    label: str = ""
    words: str = ""
    family: int | None = None
    run_id: int | None = None
    heads: bool = False
    canaries: bool = False
    embargoed: bool = False
    sort: str = "seen"
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A scenario of the corpus. `features` on the build that was asked for; -1: not measured."""

    seq: int
    model: str
    origin: str
    run_id: int | None
    added_at: datetime
    retired_at: datetime | None
    text: str
    features: int


def failures(connection: Connection, wanted: Wanted) -> tuple[list[FailureRow], int]:
    """A page of them, and how many there are in all."""
    conditions = _conditions(wanted)
    total = connection.execute(
        select(func.count()).select_from(Failure).where(*conditions)
    ).scalar_one()
    ids = connection.execute(
        select(Failure.id)
        .where(*conditions)
        .order_by(*SORTS[wanted.sort])
        .limit(wanted.limit)
        .offset(wanted.offset)
    ).scalars()
    return reading.by_number(connection, ids.all()), total


def next_open(connection: Connection, *, embargoed: bool) -> FailureRow | None:
    """The failure that a person should look at next: nobody has judged it, no other stands for
    it, it is minimal if any is, and it was seen most often."""
    conditions = _conditions(Wanted(verdict=UNJUDGED, heads=True, embargoed=embargoed))
    ids = connection.execute(
        select(Failure.id)
        .where(*conditions)
        .order_by(_READY, Failure.count.desc(), Failure.id)
        .limit(1)
    ).scalars()
    rows = reading.by_number(connection, ids.all())
    return rows[0] if rows else None


def oracles(connection: Connection, *, embargoed: bool) -> list[tuple[str, int]]:
    """How many failures each oracle has."""
    conditions = _conditions(Wanted(embargoed=embargoed))
    return [
        (oracle, count)
        for oracle, count in connection.execute(
            select(Failure.oracle, func.count())
            .where(*conditions)
            .group_by(Failure.oracle)
            .order_by(Failure.oracle)
        )
    ]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        Failure.canary.is_not(None) if wanted.canaries else Failure.canary.is_(None)
    ]
    for column, value in (
        (Failure.oracle, wanted.oracle),
        (Failure.culprit, wanted.culprit),
        (Failure.state, wanted.state),
        (Failure.verdict, wanted.verdict),
    ):
        if value:
            found.append(column == value)
    if wanted.label:
        found.append(_labelled(wanted.label))
    if not wanted.embargoed:
        found.append(~_labelled(EMBARGO))
    if wanted.family is not None:
        found.append(Failure.family == wanted.family)
    if wanted.heads:
        found += [
            or_(Failure.family.is_(None), Failure.family == Failure.id),
            Failure.verdict != DUP,
        ]
    if wanted.run_id is not None:
        found.append(
            exists().where(Sighting.run_id == wanted.run_id, Sighting.failure_id == Failure.id)
        )
    for word in wanted.words.split():
        inside = f"%{_escaped(word)}%"
        found.append(
            or_(
                *(
                    column.ilike(inside, escape="\\")
                    for column in (
                        Failure.oracle,
                        Failure.culprit,
                        Failure.object_class,
                        Failure.promise,
                    )
                )
            )
        )
    return found


def _labelled(name: str) -> ColumnElement[bool]:
    # Asked once, not for each failure: few have a label.
    return Failure.id.in_(select(Label.failure_id).where(Label.name == name))


def _escaped(word: str) -> str:
    """A word of which LIKE takes every character as it is."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# --- the corpus -----------------------------------------------------------------------------


def models(connection: Connection) -> list[tuple[str, int]]:
    """The models that have entries, with how many are kept."""
    query = (
        select(Entry.model, func.count())
        .where(Entry.retired_at.is_(None))
        .group_by(Entry.model)
        .order_by(Entry.model)
    )
    return [(model, count) for model, count in connection.execute(query)]


def entries(
    connection: Connection, model: str, build_id: str, below: int | None, limit: int
) -> list[EntryRow]:
    """The newest entries of a model below a number."""
    query = _entries(build_id).where(Entry.model == model, Entry.retired_at.is_(None))
    if below is not None:
        query = query.where(Entry.seq < below)
    rows = connection.execute(query.order_by(Entry.seq.desc()).limit(limit))
    return [_entry(row) for row in rows]


def entry(connection: Connection, seq: int, build_id: str) -> EntryRow | None:
    row = connection.execute(_entries(build_id).where(Entry.seq == seq)).first()
    return None if row is None else _entry(row)


def _entries(build_id: str) -> Select[Any]:
    return select(Entry.__table__, EntryFeatures.count.label("features")).outerjoin(
        EntryFeatures, (EntryFeatures.seq == Entry.seq) & (EntryFeatures.build_id == build_id)
    )


def _entry(row: Any) -> EntryRow:
    return EntryRow(
        row.seq,
        row.model,
        row.origin,
        row.run_id,
        row.added_at,
        row.retired_at,
        maps.unpack(row.packed, MAX_TEXT_BYTES).decode(),
        -1 if row.features is None else row.features,
    )


# --- what the farm did ----------------------------------------------------------------------


def decisions(
    connection: Connection, below: int | None, limit: int, *, embargoed: bool
) -> list[DecisionRow]:
    """The newest decisions below a number."""
    query = select(Decision.__table__).order_by(Decision.id.desc()).limit(limit)
    if below is not None:
        query = query.where(Decision.id < below)
    if not embargoed:
        hidden = select(literal("F") + cast(Label.failure_id, Text)).where(Label.name == EMBARGO)
        query = query.where(Decision.subject.not_in(hidden))
    return [
        DecisionRow(row.id, row.at, row.subject, row.code, row.detail)
        for row in connection.execute(query)
    ]


def run_points(connection: Connection) -> list[tuple[datetime, int, int, int]]:
    """When runs that are kept ended, in order; their executions, features, new entries."""
    query = (
        select(Run.ended_at, Run.executions, Run.features, Run.new_entries)
        .where(Run.ended_at.is_not(None))
        .order_by(Run.id.desc())
        .limit(RUNS_READ)
    )
    rows = [
        (at, executions, features, new)
        for at, executions, features, new in connection.execute(query)
        if at is not None
    ]
    return sorted(rows)


def statistics(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """What the newest slices have said of themselves."""
    query = (
        select(Run.statistics).where(Run.ended_at.is_not(None)).order_by(Run.id.desc()).limit(limit)
    )
    return list(connection.execute(query).scalars())
