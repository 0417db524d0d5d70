# SPDX-License-Identifier: MIT
"""Runs: slices that are ordered, and what came of each.

Contract: functions of an open connection; `Store` gives each its transaction. A run and the job
that does it are written together, and so are its results and the end of the job: they are accepted
once.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.engine import Connection

from fuzz.findings import Finding
from workers import campaigns, failures, ledger, notices, suspects
from workers.ledger import Lease
from workers.records import Recorded, RunFigures
from workers.schema import DONE, FUZZ, QUEUED, Run


def create(
    connection: Connection,
    now: datetime,
    spec: dict[str, Any],
    queue: str,
    *,
    kind: str = FUZZ,
    campaign_id: int | None = None,
) -> int:
    """Order one slice, to be done by whoever serves the queue; for a campaign, or a person."""
    run_id = connection.execute(
        insert(Run)
        .values(
            spec=spec,
            state=QUEUED,
            attempt=0,
            created_at=now,
            executions=0,
            steps=0,
            seconds=0.0,
            cpu_seconds=0.0,
            features=0,
            new_entries=0,
            statistics={},
            note="",
            campaign_id=campaign_id,
        )
        .returning(Run.id)
    ).scalar_one()
    ledger.owe(connection, now, kind, run_id, queue)
    return run_id


def end(
    connection: Connection,
    now: datetime,
    lease: Lease,
    figures: RunFigures,
    findings: Iterable[Finding] = (),
    note: str = "",
    rest: dict[str, Any] | None = None,
    suspect: str | None = None,
) -> tuple[list[Recorded], bool]:
    """Accept the results of one attempt: all or nothing. Figures count once, those of the
    first attempt to end; findings are filed in any case. `rest` is the spec of a run that
    does what this one was told to leave, `suspect` what ran when its child died. Returns
    where the findings were filed, and whether this was the attempt that counts."""
    mine = ledger.settle(connection, lease)
    if mine:
        campaign_id = connection.execute(
            update(Run)
            .where(Run.id == lease.subject)
            .values(
                state=DONE,
                ended_at=now,
                exit_kind=figures.exit_kind,
                executions=figures.executions,
                steps=figures.steps,
                seconds=figures.seconds,
                cpu_seconds=figures.cpu_seconds,
                features=figures.features,
                new_entries=figures.new_entries,
                statistics=figures.statistics,
                note=note,
                in_flight=figures.in_flight,
            )
            .returning(Run.campaign_id)
        ).scalar()
        if campaign_id is not None:
            campaigns.ended(connection, campaign_id, figures.executions, figures.seconds)
        _look_for_errors(connection, now, lease, figures)
        if rest is not None:
            further = create(
                connection, now, rest, lease.queue, kind=lease.kind, campaign_id=campaign_id
            )
            ledger.decide(connection, now, lease.name, "rest", f"continues as R{further}")
        if suspect is not None:
            suspects.suspect(connection, now, lease, suspect, figures.exit_kind)
    return failures.file(connection, now, findings, lease.subject), mine


def _look_for_errors(
    connection: Connection, now: datetime, lease: Lease, figures: RunFigures
) -> None:
    """A run that does not repeat is the worst that can be said of the model."""
    for error in figures.statistics.get("internal_errors", ()):
        if error["kind"] == "nondeterminism":
            said = f"a run in {lease.name} did not repeat: {error['detail']}"
            ledger.decide(connection, now, lease.name, "nondeterminism", said)
            notices.owe(connection, now, notices.NONDETERMINISM, lease.name, said)
            return
