# SPDX-License-Identifier: MIT
"""What became of a failure: on the model as it is now, and on real kernels.

Contract: functions of an open connection; `Store` gives each its transaction. A failure that a
model build no longer shows is `gone since` that build, and stays; it is there again when a build
shows it. A real kernel's verdict is kept for the scenario that it was given.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from workers import dialect, ledger
from workers.records import ConfirmationRow
from workers.schema import Confirmation, Failure


def looked_at(
    connection: Connection, now: datetime, failure_id: int, build_id: str, *, shows: bool
) -> str:
    """This build shows a failure, or none of its scenarios does. Returns the build since which
    it is gone, empty for one that is there."""
    before = connection.execute(
        select(Failure.gone_since).where(Failure.id == failure_id)
    ).scalar_one()
    since = "" if shows else before or build_id
    if since != before:
        connection.execute(update(Failure).where(Failure.id == failure_id).values(gone_since=since))
        said = f"gone since model {build_id[:12]}" if since else f"shown by {build_id[:12]} again"
        ledger.decide(connection, now, f"F{failure_id}", "gone" if since else "there-again", said)
    return since


def confirmed(connection: Connection, now: datetime, row: ConfirmationRow) -> None:
    """Keep what a kernel says, instead of what it said before of the same scenario."""
    said = {
        "version": row.version,
        "verdict": row.verdict,
        "same": row.same,
        "tried": row.tried,
        "why": row.why,
        "at": now,
    }
    connection.execute(
        dialect.upsert(connection, Confirmation)
        .values(
            failure_id=row.failure_id,
            scenario_sha256=row.scenario_sha256,
            kernel=row.kernel,
            **said,
        )
        .on_conflict_do_update(
            index_elements=["failure_id", "scenario_sha256", "kernel"], set_=said
        )
    )


def confirmations(
    connection: Connection, failure_id: int, scenario_sha256: str
) -> list[ConfirmationRow]:
    """What kernels have said of a failure's scenario."""
    query = (
        select(Confirmation.__table__)
        .where(
            Confirmation.failure_id == failure_id, Confirmation.scenario_sha256 == scenario_sha256
        )
        .order_by(Confirmation.kernel)
    )
    return [
        ConfirmationRow(
            row.failure_id,
            row.scenario_sha256,
            row.kernel,
            row.version,
            row.verdict,
            row.same,
            row.tried,
            row.why,
            row.at,
        )
        for row in connection.execute(query)
    ]
