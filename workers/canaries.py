# SPDX-License-Identifier: MIT
"""Canaries: known bugs that the farm has to find, again and again, to prove that it still can.

Contract: functions of an open connection; `Store` gives each its transaction. A canary is a
campaign whose model has a known bug. Its trial passes when a slice has shown the bug and the farm
has verified and minimized that; what the last trial left of it is forgotten first. It is missed
when that takes more than the trial's seconds of slices, or FINISH_SECONDS after the find: an alarm.

What a canary shows is nobody's find: its failures are hidden, unless another oracle than one that
may report the bug spoke, or a slice of another campaign shows the same. Then it is one, from the
start. A mended model that breaks in the canary's way hides behind it only until then.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from fuzz.findings import Finding
from simulator.bugs import BY_ID
from workers import campaigns, ledger, notices
from workers.records import CampaignRow, TrialRow
from workers.schema import (
    CANARY,
    MINIMIZE,
    MINIMIZED,
    MISSED,
    NEW,
    OPEN,
    PASSED,
    VERIFY,
    Campaign,
    Certificate,
    Example,
    Failure,
    Job,
    Kin,
    Run,
    Sighting,
    Trial,
)

# Found by `bench find` in some thousand executions, by three oracles: seconds of a slice.
BUGS: Final = (
    "softdirty-clear-no-flush",
    "do-wp-page-copies-pinned-page",
    "clear-refs-wrprotect-pinned",
)
WEIGHT: Final = 0.02  # of each, beside 1 for a campaign: one slot of fifty
SLICE_SECONDS: Final = 20.0
# A hundred times what the slowest of them takes on a core of its own.
LIMIT_SECONDS: Final = 300.0
FINISH_SECONDS: Final = 1800.0  # by the clock, from the find to the minimal scenario


def set_up(connection: Connection, now: datetime) -> list[str]:
    """Begin the canaries that there are none of. Returns their names."""
    there = {row.name for row in campaigns.rows(connection)}
    names = [name for bug in BUGS if (name := f"canary-{bug}") not in there]
    for name in names:
        campaigns.add(
            connection,
            now,
            name=name,
            kind=CANARY,
            bugs=[name.removeprefix("canary-")],
            kernel="",
            weight=WEIGHT,
            slice_seconds=SLICE_SECONDS,
        )
    return names


# --- its failures ---------------------------------------------------------------------------


def shown_by(connection: Connection, run_id: int | None, finding: Finding) -> int | None:
    """The canary whose bug a finding shows, if it does."""
    if run_id is None:
        return None
    row = connection.execute(
        select(Campaign.id, Campaign.bugs)
        .join(Run, Run.campaign_id == Campaign.id)
        .where(Run.id == run_id, Campaign.kind == CANARY)
    ).first()
    if row is None or not any(
        finding.oracle in BY_ID[bug].oracles for bug in row.bugs if bug in BY_ID
    ):
        return None
    number: int = row.id
    return number


def reveal(connection: Connection, now: datetime, failure_id: int) -> None:
    """What only a canary had shown was found: it begins anew, as a find."""
    _forget(connection, failure_id)
    connection.execute(
        update(Failure)
        .where(Failure.id == failure_id)
        .values(canary=None, count=0, past_runs=0, first_seen=now)
    )
    ledger.decide(connection, now, f"F{failure_id}", "revealed", "not only a canary shows it")


def _forget(connection: Connection, failure_id: int) -> None:
    """Only the signature stays."""
    for table in (Sighting, Certificate, Example, Kin):
        connection.execute(delete(table).where(table.failure_id == failure_id))
    connection.execute(
        delete(Job).where(Job.kind.in_((VERIFY, MINIMIZE)), Job.subject == failure_id)
    )
    connection.execute(update(Failure).where(Failure.id == failure_id).values(state=NEW, note=""))


def seen(connection: Connection, now: datetime, campaign_id: int) -> None:
    """A slice of a canary has shown its bug."""
    spent = select(Campaign.seconds).where(Campaign.id == campaign_id).scalar_subquery()
    connection.execute(
        update(Trial)
        .where(Trial.campaign_id == campaign_id, Trial.state == OPEN, Trial.found_at.is_(None))
        .values(found_at=now, seconds=spent - Trial.began_seconds)
    )


# --- its trials -----------------------------------------------------------------------------


def tick(connection: Connection, now: datetime) -> None:
    """End trials that are decided, begin those that are not there."""
    for row in campaigns.rows(connection, active=True):
        if row.kind == CANARY:
            trial = current(connection, row.id)
            if trial is None:
                _begin(connection, now, row)
            else:
                _judge(connection, now, row, trial)


def current(connection: Connection, campaign_id: int) -> TrialRow | None:
    rows = trials(connection, campaign_id, limit=1)
    return rows[0] if rows and rows[0].state == OPEN else None


def trials(connection: Connection, campaign_id: int, limit: int) -> list[TrialRow]:
    """The newest first."""
    query = (
        select(Trial.__table__)
        .where(Trial.campaign_id == campaign_id)
        .order_by(Trial.id.desc())
        .limit(limit)
    )
    return [TrialRow(**row._mapping) for row in connection.execute(query)]


def _begin(connection: Connection, now: datetime, row: CampaignRow) -> None:
    for failure_id in (
        connection.execute(select(Failure.id).where(Failure.canary == row.id)).scalars().all()
    ):
        _forget(connection, failure_id)
    connection.execute(
        insert(Trial).values(
            campaign_id=row.id,
            state=OPEN,
            began_at=now,
            began_seconds=row.seconds,
            seconds=0.0,
            limit_seconds=LIMIT_SECONDS,
            note="",
        )
    )


def _judge(connection: Connection, now: datetime, row: CampaignRow, trial: TrialRow) -> None:
    spent = row.seconds - trial.began_seconds
    if trial.found_at is None:
        if spent > trial.limit_seconds:
            _missed(connection, now, row, trial, spent, f"not found in {spent:.0f} s of slices")
        return
    if connection.execute(
        select(Failure.id).where(Failure.canary == row.id, Failure.state == MINIMIZED)
    ).first() or not _hidden(connection, row.id):
        _end(connection, now, trial, PASSED, trial.seconds, "")
    elif now - trial.found_at > timedelta(seconds=FINISH_SECONDS) and not ledger.stopped(
        connection
    ):
        _missed(
            connection,
            now,
            row,
            trial,
            trial.seconds,
            f"found, but not minimal {FINISH_SECONDS:.0f} s later",
        )


def _hidden(connection: Connection, campaign_id: int) -> bool:
    """Whether it has failures of its own; not where others have found the same."""
    return (
        connection.execute(select(Failure.id).where(Failure.canary == campaign_id)).first()
        is not None
    )


def _missed(
    connection: Connection,
    now: datetime,
    row: CampaignRow,
    trial: TrialRow,
    seconds: float,
    how: str,
) -> None:
    _end(connection, now, trial, MISSED, seconds, how)
    ledger.decide(connection, now, campaigns.named(row.id), "canary-missed", how)
    notices.owe(
        connection,
        now,
        notices.CANARY,
        f"T{trial.id}",
        f"{row.name}: {how}: the farm may not find real bugs either",
    )


def _end(
    connection: Connection, now: datetime, trial: TrialRow, state: str, seconds: float, note: str
) -> None:
    connection.execute(
        update(Trial)
        .where(Trial.id == trial.id)
        .values(state=state, ended_at=now, seconds=seconds, note=note)
    )
