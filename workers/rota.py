# SPDX-License-Identifier: MIT
"""Whose slice is next.

Contract: a function of an open connection; `Store` gives it its transaction. The scheduler keeps
as many slices ordered as its workers can take soon; the next one is of the campaign that was given
least for its weight, so that each gets its share in any stretch of time and none starves. Weights
act from the next slice on. What a person submits comes before all of them.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from workers import campaigns, ledger, runs
from workers.schema import (
    CANARY,
    CONFORM,
    FUZZ,
    FUZZING,
    KERNEL,
    LEASED,
    QUEUE_FUZZ,
    QUEUE_KERNEL,
    READY,
    Campaign,
    Job,
)

QUEUE_OF: Final = {FUZZING: QUEUE_FUZZ, CANARY: QUEUE_FUZZ, KERNEL: QUEUE_KERNEL}
JOB_OF: Final = {QUEUE_FUZZ: FUZZ, QUEUE_KERNEL: CONFORM}


def fill(connection: Connection, now: datetime, queue: str, spare: int) -> list[int]:
    """Order slices of campaigns until a queue has one for each slot and some to spare. Returns
    the runs. Orders nothing while no worker serves the queue, or the farm pauses or drains."""
    slots = ledger.slots(connection, queue)
    if not slots or ledger.stopped(connection):
        return []
    kind = JOB_OF[queue]
    ordered = connection.execute(
        select(func.count())
        .select_from(Job)
        .where(Job.queue == queue, Job.kind == kind, Job.state.in_((READY, LEASED)))
    ).scalar_one()
    made: list[int] = []
    serve = [row for row in campaigns.rows(connection, active=True) if QUEUE_OF[row.kind] == queue]
    given = {row.id: row.given for row in serve}
    while serve and ordered + len(made) < slots + spare:
        row = min(serve, key=lambda each: (given[each.id], each.id))
        given[row.id] += row.slice_seconds / row.weight
        spec = {"seconds": row.slice_seconds, "bugs": row.bugs, "kernel": row.kernel, "seed": None}
        made.append(runs.create(connection, now, spec, queue, kind=kind, campaign_id=row.id))
    for number, seconds in given.items():
        connection.execute(update(Campaign).where(Campaign.id == number).values(given=seconds))
    return made
