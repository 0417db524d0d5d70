# SPDX-License-Identifier: MIT
"""Lists that people page through: failures by what is wanted of them, corpus entries, decisions.

Contract: functions of an open connection that read only; each is a page of at most `limit` rows,
looked up by an index, so that a store of 100,000 failures answers like one of ten. A page begins
after the failure that stood last on the one before it, and no rows are skipped by counting them;
how many there are in all is counted up to COUNTED. Failures with the label `embargo` are in a list
only if they are asked for.

It does not promise that of filters which hardly any failure passes and no index knows: then each
failure is looked at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Text, cast, exists, func, literal, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from fuzz import maps
from workers import reading, words
from workers.entries import MAX_TEXT_BYTES
from workers.records import DecisionRow, FailureRow
from workers.schema import (
    DUP,
    EMBARGO,
    MINIMIZED,
    NEW,
    UNJUDGED,
    UNREPRODUCIBLE,
    VERDICTS,
    VERIFIED,
    Decision,
    Entry,
    EntryFeatures,
    Failure,
    Label,
    Run,
    Sighting,
)

# How failures are sorted: by which columns, and whether downward. The last ones tell any two apart,
# so that pages do not overlap; each is an index.
SORTS: Final[dict[str, tuple[tuple[Any, ...], bool]]] = {
    "seen": ((Failure.count, Failure.id), True),
    "last": ((Failure.last_seen, Failure.id), True),
    "first": ((Failure.first_seen, Failure.id), True),
    "id": ((Failure.id,), False),
    "signature": ((Failure.oracle, Failure.culprit, Failure.object_class), False),
}
# Whom a person should look at first: what is ready to be read.
_READY: Final = (MINIMIZED, VERIFIED, UNREPRODUCIBLE, NEW)
COUNTED: Final = 10_000  # failures; a person who sees this many filters instead of paging
RUNS_READ: Final = 500  # as many as retention keeps


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which failures, in which order. Empty means any; `words` stand in signature or promise.
    `heads`: of a family the first one only, and no dups. `after`: the failure that stood last on
    the page before."""

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
    after: int | None = None


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


@dataclass(frozen=True, slots=True)
class Page:
    """Some failures, whether there are others after them, and how many there are in all; none
    is counted beyond COUNTED, and then there are `at_least` so many."""

    rows: list[FailureRow]
    more: bool
    total: int
    at_least: bool


def failures(connection: Connection, wanted: Wanted) -> Page:
    """A page of them. One that begins after a failure that is not there is the first page."""
    conditions = _conditions(connection, wanted)
    columns, down = SORTS[wanted.sort]
    query = select(Failure.id).where(*conditions)
    for column in columns:
        query = query.order_by(column.desc() if down else column)
    ids: list[int] = []
    for part in _parts(connection, wanted):
        rest = query.where(*part).limit(wanted.limit + 1 - len(ids))
        ids += connection.execute(rest).scalars()
        if len(ids) > wanted.limit:
            break
    if wanted.after is None and len(ids) <= wanted.limit:
        total = len(ids)  # all of them are here
    else:
        counted = select(literal(1)).select_from(Failure).where(*conditions).limit(COUNTED + 1)
        total = connection.execute(
            select(func.count()).select_from(counted.subquery())
        ).scalar_one()
    return Page(
        reading.by_number(connection, ids[: wanted.limit]),
        len(ids) > wanted.limit,
        min(total, COUNTED),
        total > COUNTED,
    )


def next_open(connection: Connection, *, embargoed: bool) -> FailureRow | None:
    """The failure that a person should look at next: nobody has judged it, no other stands for
    it, it is minimal if any is, and it was seen most often."""
    conditions = _conditions(connection, Wanted(heads=True, embargoed=embargoed))
    for state in _READY:
        ids = connection.execute(
            select(Failure.id)
            .where(Failure.verdict == UNJUDGED, Failure.state == state, *conditions)
            .order_by(Failure.count.desc(), Failure.id.desc())
            .limit(1)
        ).scalars()
        rows = reading.by_number(connection, ids.all())
        if rows:
            return rows[0]
    return None


def _parts(connection: Connection, wanted: Wanted) -> Iterator[list[ColumnElement[bool]]]:
    """What follows `after`, in order: those that differ from it in the last column of the sort
    only, then those that do in the one before it, and so on. Each is a range of the index; of
    one comparison of all columns SQLite would look up only the first."""
    columns, down = SORTS[wanted.sort]
    last = None
    if wanted.after is not None:
        query = select(*columns).where(Failure.id == wanted.after)
        if not wanted.embargoed:
            query = query.where(~_labelled(EMBARGO))
        last = connection.execute(query).first()
    if last is None:
        yield []
        return
    for at in reversed(range(len(columns))):
        beyond = columns[at] < last[at] if down else columns[at] > last[at]
        yield [*(columns[i] == last[i] for i in range(at)), beyond]


def _conditions(connection: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        Failure.canary.is_not(None) if wanted.canaries else Failure.canary.is_(None)
    ]
    for column, value in ((Failure.oracle, wanted.oracle), (Failure.culprit, wanted.culprit)):
        if value:
            found.append(column == value)
    found += _judged(connection, wanted)
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
    found += words.conditions(connection, wanted.words.split())
    return found


def _judged(connection: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Of a state and a verdict. If few failures are, they are looked up; of many the first ones
    are found soon by going along the order."""
    asked = [
        (column, value)
        for column, value in ((Failure.verdict, wanted.verdict), (Failure.state, wanted.state))
        if value
    ]
    if not asked:
        return []
    looked_up = [column == value for column, value in asked]
    if not wanted.verdict:  # the index begins with it
        looked_up.append(Failure.verdict.in_(VERDICTS))
    some = select(literal(1)).select_from(Failure).where(*looked_up).limit(words.RARE + 1)
    many = connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    if many <= words.RARE:
        return looked_up
    return [_no_index(column) == value for column, value in asked]


def _no_index(column: Any) -> ColumnElement[str]:
    """A column that is compared and not looked up: SQLite, which does not know how many failures
    have a value, would look all of them up and sort them."""
    return func.coalesce(column, "")


def _labelled(name: str) -> ColumnElement[bool]:
    # Asked once, not for each failure: few have a label.
    return Failure.id.in_(select(Label.failure_id).where(Label.name == name))


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
