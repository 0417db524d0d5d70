# SPDX-License-Identifier: MIT
"""What an operator watches, read from the store in one transaction.

Contract: plain numbers. Totals are sums over rows, so they outlive every process; they fall only
when rows are removed. Ages are seconds of the database's clock.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from workers import reading
from workers.records import FarmRow, Stats
from workers.schema import (
    QUARANTINED,
    READY,
    Decision,
    Entry,
    FeatureMap,
    Job,
    Lock,
    Suspect,
    Worker,
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One moment of the farm."""

    farm: FarmRow
    stats: Stats
    jobs: dict[tuple[str, str], int]  # (queue, state) -> how many
    queue_age: dict[str, float]  # queue -> seconds that its oldest due job has waited
    workers: int
    slots: int
    busy: int
    oldest_beat: float  # seconds since the worker that is heard of least was heard of
    scheduler: str  # who schedules; empty: nobody
    decisions: dict[str, int]  # reason code -> how many
    quarantined: int
    entries: dict[str, int]  # model -> scenarios of its corpus that are kept
    features: dict[tuple[str, str], int]  # (model, build id) -> features seen


def read(connection: Connection, now: datetime) -> Figures:
    jobs = connection.execute(
        select(Job.queue, Job.state, func.count()).group_by(Job.queue, Job.state)
    ).all()
    oldest = connection.execute(
        select(Job.queue, func.min(Job.due_at))
        .where(Job.state == READY, Job.due_at <= now).group_by(Job.queue)
    ).all()
    workers = connection.execute(select(Worker.slots, Worker.busy, Worker.beat_at)).all()
    return Figures(
        farm=reading.farm(connection),
        stats=reading.stats(connection),
        jobs={(queue, state): count for queue, state, count in jobs},
        queue_age={queue: (now - due).total_seconds() for queue, due in oldest},
        workers=len(workers),
        slots=sum(row.slots for row in workers),
        busy=sum(row.busy for row in workers),
        oldest_beat=max(((now - row.beat_at).total_seconds() for row in workers), default=0.0),
        scheduler=connection.execute(
            select(Lock.owner).where(Lock.name == "scheduler", Lock.until > now)
        ).scalar() or "",
        decisions=_counts(connection, select(Decision.code, func.count()).group_by(Decision.code)),
        quarantined=connection.execute(
            select(func.count()).select_from(Suspect).where(Suspect.state == QUARANTINED)
        ).scalar_one(),
        entries=_counts(
            connection,
            select(Entry.model, func.count()).where(Entry.retired_at.is_(None))
            .group_by(Entry.model),
        ),
        features={
            (model, build): count for model, build, count in connection.execute(
                select(FeatureMap.model, FeatureMap.build_id, FeatureMap.features)
            )
        },
    )


def _counts(connection: Connection, wanted: Select[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, count in connection.execute(wanted):
        counts[name] = count
    return counts
