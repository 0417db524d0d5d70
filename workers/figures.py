# SPDX-License-Identifier: MIT
"""What an operator watches, read from the store in one transaction.

Contract: plain numbers. Totals are sums over rows, those that are gone included, so they outlive
every process and never fall. Ages are seconds of the database's clock.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from workers import notices, reading, totals
from workers.records import FarmRow, Stats
from workers.schema import (
    PASSED,
    QUARANTINED,
    READY,
    Campaign,
    Decision,
    Entry,
    FeatureMap,
    Job,
    Lock,
    Suspect,
    Trial,
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
    trials: dict[tuple[str, str], int]  # (canary, state) -> how many
    canary_seconds: dict[str, float]  # canary -> seconds of slices to its last find
    unsent: int  # notices that nobody has taken


def read(connection: Connection, now: datetime) -> Figures:
    jobs = connection.execute(
        select(Job.queue, Job.state, func.count()).group_by(Job.queue, Job.state)
    ).all()
    oldest = connection.execute(
        select(Job.queue, func.min(Job.due_at))
        .where(Job.state == READY, Job.due_at <= now)
        .group_by(Job.queue)
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
        ).scalar()
        or "",
        decisions=_decisions(connection),
        quarantined=connection.execute(
            select(func.count()).select_from(Suspect).where(Suspect.state == QUARANTINED)
        ).scalar_one(),
        entries=_counts(
            connection,
            select(Entry.model, func.count())
            .where(Entry.retired_at.is_(None))
            .group_by(Entry.model),
        ),
        features={
            (model, build): count
            for model, build, count in connection.execute(
                select(FeatureMap.model, FeatureMap.build_id, FeatureMap.features)
            )
        },
        trials={
            (name, state): count
            for name, state, count in connection.execute(
                select(Campaign.name, Trial.state, func.count())
                .join(Trial, Trial.campaign_id == Campaign.id)
                .group_by(Campaign.name, Trial.state)
            )
        },
        canary_seconds=_canary_seconds(connection),
        unsent=notices.unsent(connection),
    )


def _canary_seconds(connection: Connection) -> dict[str, float]:
    last = select(func.max(Trial.id)).where(Trial.state == PASSED).group_by(Trial.campaign_id)
    return {
        row.name: row.seconds
        for row in connection.execute(
            select(Campaign.name, Trial.seconds)
            .join(Trial, Trial.campaign_id == Campaign.id)
            .where(Trial.id.in_(last))
        )
    }


def _decisions(connection: Connection) -> dict[str, int]:
    counts = Counter(totals.below(totals.read(connection), "decision"))
    counts.update(_counts(connection, select(Decision.code, func.count()).group_by(Decision.code)))
    return dict(counts)


def _counts(connection: Connection, wanted: Select[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, count in connection.execute(wanted):
        counts[name] = count
    return counts
