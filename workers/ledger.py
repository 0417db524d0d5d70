# SPDX-License-Identifier: MIT
"""What the farm owes: jobs, who has leased which, and what became of them.

Contract: functions of an open connection; `Store` gives each its transaction. A job is written
with the state that needs it (`owe`) and goes with its result (`settle`). It is leased by id for
LEASE_SECONDS of the database's time, and whoever has it says often that he is alive (`beat`).
A lease that ends so is given to somebody else; its number tells the two apart, so that only one
settles. A late one still may while nobody has taken the job.

`attempts` counts what the work itself brought down, and MAX_ATTEMPTS of those hold the job until
a person decides. Nothing else holds it: a dead worker costs a lease, an error of the
infrastructure a wait.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from workers import dialect, notices
from workers.schema import (
    ABANDONED,
    ALONE,
    CONFORM,
    DISTILL,
    FUZZ,
    HELD,
    LEASED,
    MINIMIZE,
    OF_RUNS,
    QUEUED,
    READY,
    RUNNING,
    VERIFY,
    Decision,
    Example,
    Farm,
    Job,
    Lock,
    Run,
    Scenario,
    Worker,
)

# Work goes on elsewhere this long after its worker died, and a second for the scheduler; short
# of it by two lost beats and a slow store.
LEASE_SECONDS: Final = 30
BEAT_SECONDS: Final = 8.0
# Work that dies three times dies of itself, and a fourth worker shall not find out.
MAX_ATTEMPTS: Final = 3
# A message that nobody took by then is sent again; that there are two costs one look at the row.
RESEND_SECONDS: Final = 20
MAX_SETBACK_SECONDS: Final = 30.0  # the longest wait after errors of the infrastructure
FORGET_SECONDS: Final = 60  # a worker that is not heard of for so long is gone

_URGENCY: Final = case(
    {ALONE: 0, VERIFY: 1, MINIMIZE: 2, FUZZ: 3, CONFORM: 3, DISTILL: 4}, value=Job.kind, else_=5
)
# Of failures the smallest first: it is done soonest, and mostly tells most of its bug.
_SIZE: Final = case(
    (
        Job.kind.in_((VERIFY, MINIMIZE)),
        select(func.min(Scenario.ops + Scenario.directives))
        .join(Example, Example.scenario_sha256 == Scenario.sha256)
        .where(Example.failure_id == Job.subject)
        .correlate(Job)
        .scalar_subquery(),
    ),
    else_=0,
)

SUBJECTS: Final = {FUZZ: "R", VERIFY: "F", MINIMIZE: "F", ALONE: "Q", DISTILL: "M", CONFORM: "R"}


@dataclass(frozen=True, slots=True)
class Lease:
    """A job in somebody's hands."""

    job_id: int
    number: int
    kind: str
    subject: int
    queue: str
    attempts: int

    @property
    def name(self) -> str:
        """As people see it: `R12`."""
        return named(self.kind, self.subject)


def named(kind: str, subject: int) -> str:
    return f"{SUBJECTS[kind]}{subject}"


def decide(
    connection: Connection, now: datetime, subject: str, code: str, detail: str = ""
) -> None:
    """Leave a row for `mmfarm why`."""
    connection.execute(insert(Decision).values(at=now, subject=subject, code=code, detail=detail))


def owe(connection: Connection, now: datetime, kind: str, subject: int, queue: str) -> None:
    """Put work on the books, unless it is there."""
    connection.execute(
        dialect.upsert(connection, Job)
        .values(
            kind=kind,
            subject=subject,
            queue=queue,
            state=READY,
            created_at=now,
            due_at=now,
            leases=0,
            worker="",
            attempts=0,
            setbacks=0,
            note="",
        )
        .on_conflict_do_nothing()
    )


# --- leases ---------------------------------------------------------------------------------


def lease(connection: Connection, now: datetime, job_id: int, worker: str) -> Lease | None:
    """Take this job. None when there is nothing to do: it is done, somebody has it, it is not
    due, or the farm is paused."""
    return _take(connection, now, Job.id == job_id, worker)


def take(connection: Connection, now: datetime, queues: Sequence[str], worker: str) -> Lease | None:
    """Take the job of these queues that is due and comes first: what keeps others from work,
    then failures to verify, so that each is known to be one, then those to minimize, the smallest
    first, the oldest of equals."""
    oldest = (
        select(Job.id)
        .where(Job.state == READY, Job.queue.in_(queues), Job.due_at <= now)
        .order_by(_URGENCY, _SIZE, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite has one writer at a time and ignores it
    )
    return _take(connection, now, Job.id == oldest.scalar_subquery(), worker)


def _take(
    connection: Connection, now: datetime, which: ColumnElement[bool], worker: str
) -> Lease | None:
    stopped = select(Farm.id).where(
        or_(Farm.paused.is_(True), Farm.draining.is_(True) & Job.kind.in_(OF_RUNS))
    )
    row = connection.execute(
        update(Job)
        .where(which, Job.state == READY, Job.due_at <= now, ~stopped.correlate(Job).exists())
        .values(
            state=LEASED,
            leases=Job.leases + 1,
            worker=worker,
            leased_until=now + timedelta(seconds=LEASE_SECONDS),
        )
        .returning(Job.id, Job.leases, Job.kind, Job.subject, Job.queue, Job.attempts)
    ).first()
    if row is None:
        return None
    taken = Lease(*row)
    if taken.kind in OF_RUNS:
        connection.execute(
            update(Run)
            .where(Run.id == taken.subject)
            .values(state=RUNNING, attempt=taken.number, started_at=now)
        )
    return taken


def beat(connection: Connection, now: datetime, leases: Iterable[Lease]) -> list[Lease]:
    """Say that these are worked on. Returns those that others have by now, or that are done."""
    lost = []
    for each in leases:
        kept = connection.execute(
            update(Job)
            .where(_is(each), Job.state != HELD)
            .values(state=LEASED, leased_until=now + timedelta(seconds=LEASE_SECONDS))
        )
        if kept.rowcount == 0:
            lost.append(each)
    return lost


def settle(connection: Connection, mine: Lease) -> bool:
    """The work is done, and its result is written by the same transaction. False when somebody
    else has it: his result counts."""
    return connection.execute(delete(Job).where(_is(mine))).rowcount == 1


def give_back(connection: Connection, now: datetime, mine: Lease) -> None:
    """Somebody else shall do it: this worker was told to go."""
    _release(connection, mine, due_at=now)


def set_back(connection: Connection, now: datetime, mine: Lease, note: str) -> None:
    """The infrastructure failed: the same again, each time a little later."""
    setbacks = connection.execute(select(Job.setbacks).where(_is(mine))).scalar()
    if setbacks is None:
        return
    wait = min(2.0 ** min(setbacks, 10), MAX_SETBACK_SECONDS)
    _release(
        connection, mine, due_at=now + timedelta(seconds=wait), note=note, setbacks=setbacks + 1
    )


def died(connection: Connection, now: datetime, mine: Lease, note: str) -> bool:
    """The work brought its process down. Counts once for a lease, however often it is told.
    Returns whether the job is held now."""
    attempts = connection.execute(
        update(Job)
        .where(_is(mine), Job.state == LEASED)
        .values(
            attempts=Job.attempts + 1,
            note=note,
            leased_until=None,
            sent_at=None,
            due_at=now,
            state=case((Job.attempts + 1 >= MAX_ATTEMPTS, HELD), else_=READY),
        )
        .returning(Job.attempts)
    ).scalar()
    held = attempts is not None and attempts >= MAX_ATTEMPTS
    if held:
        said = f"{mine.kind} died {attempts} times: {note}"
        decide(connection, now, mine.name, "held", said)
        notices.owe(connection, now, notices.QUARANTINE, mine.name, f"held: {said}")
    if mine.kind in OF_RUNS and attempts is not None:
        connection.execute(
            update(Run)
            .where(Run.id == mine.subject)
            .values(state=ABANDONED if held else QUEUED, note=note)
        )
    return held


def _release(connection: Connection, mine: Lease, **values: Any) -> None:
    released = connection.execute(
        update(Job)
        .where(_is(mine), Job.state == LEASED)
        .values(state=READY, leased_until=None, sent_at=None, **values)
    )
    if released.rowcount and mine.kind in OF_RUNS:
        connection.execute(update(Run).where(Run.id == mine.subject).values(state=QUEUED))


def _is(mine: Lease) -> ColumnElement[bool]:
    return (Job.id == mine.job_id) & (Job.leases == mine.number)


# --- what the scheduler does ------------------------------------------------------------------


def hold_lock(connection: Connection, now: datetime, name: str, owner: str, seconds: float) -> bool:
    """Take or keep a lock until so long from now. False while another owner has it."""
    until = now + timedelta(seconds=seconds)
    made = dialect.upsert(connection, Lock).values(name=name, owner=owner, until=until)
    return (
        connection.execute(
            made.on_conflict_do_update(
                index_elements=["name"],
                set_={"owner": owner, "until": until},
                where=or_(Lock.owner == owner, Lock.until < now),
            ).returning(Lock.owner)
        ).first()
        is not None
    )


def drop_lock(connection: Connection, name: str, owner: str) -> None:
    connection.execute(delete(Lock).where(Lock.name == name, Lock.owner == owner))


def reap(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """End the leases that stopped beating, and forget workers. Returns what was lost and who
    had it."""
    lost = connection.execute(
        update(Job)
        .where(Job.state == LEASED, Job.leased_until < now)
        .values(state=READY, leased_until=None, sent_at=None, due_at=now)
        .returning(Job.kind, Job.subject, Job.worker)
    ).all()
    for kind, subject, worker in lost:
        decide(connection, now, named(kind, subject), "lease-lost", f"{worker} stopped beating")
    runs = [subject for kind, subject, _ in lost if kind in OF_RUNS]
    if runs:
        connection.execute(update(Run).where(Run.id.in_(runs)).values(state=QUEUED))
    connection.execute(
        delete(Worker).where(Worker.beat_at < now - timedelta(seconds=FORGET_SECONDS))
    )
    return [(named(kind, subject), worker) for kind, subject, worker in lost]


def owed(connection: Connection, now: datetime, queue: str, slots: int) -> list[int]:
    """The jobs of a queue that a message is owed for: as many as its workers can take soon, not
    all, so that a broker that loses its messages loses few and weights act at once."""
    resend = now - timedelta(seconds=RESEND_SECONDS)
    waiting = (Job.queue == queue, Job.state == READY, Job.due_at <= now)
    on_their_way = connection.execute(
        select(func.count()).where(*waiting, Job.sent_at >= resend)
    ).scalar_one()
    if on_their_way >= slots:
        return []
    return list(
        connection.execute(
            select(Job.id)
            .where(*waiting, or_(Job.sent_at.is_(None), Job.sent_at < resend))
            .order_by(_URGENCY, _SIZE, Job.id)
            .limit(slots - on_their_way)
        ).scalars()
    )


def sent(connection: Connection, now: datetime, job_ids: Sequence[int]) -> None:
    connection.execute(update(Job).where(Job.id.in_(job_ids)).values(sent_at=now))


def neglected(connection: Connection, now: datetime, queues: Sequence[str], seconds: float) -> bool:
    """Whether a job of these queues waits, though its message was sent so long ago."""
    before = now - timedelta(seconds=seconds)
    return (
        connection.execute(
            select(Job.id)
            .where(
                Job.state == READY,
                Job.queue.in_(queues),
                Job.due_at < before,
                Job.sent_at.is_not(None),
            )
            .limit(1)
        ).first()
        is not None
    )


def retry(connection: Connection, now: datetime, kind: str, subject: int) -> bool:
    """A person wants held work done again. Returns whether there was any."""
    again = connection.execute(
        update(Job)
        .where(Job.kind == kind, Job.subject == subject, Job.state == HELD)
        .values(state=READY, attempts=0, setbacks=0, due_at=now, note="")
    )
    if again.rowcount and kind in OF_RUNS:
        connection.execute(update(Run).where(Run.id == subject).values(state=QUEUED))
    if again.rowcount:
        decide(connection, now, named(kind, subject), "retried", kind)
    return again.rowcount == 1


def set_farm(
    connection: Connection, now: datetime, *, paused: bool | None, draining: bool | None
) -> None:
    """Pause (no job begins) or drain (no slice begins), or go on."""
    wanted = {"paused": paused, "draining": draining}
    values = {name: value for name, value in wanted.items() if value is not None}
    connection.execute(update(Farm).values(**values))
    said = ", ".join(f"{name}={value}" for name, value in values.items())
    decide(connection, now, "farm", "operator", said)


def stopped(connection: Connection) -> bool:
    """Whether no slice is to begin."""
    row = connection.execute(select(Farm.paused, Farm.draining)).one()
    return bool(row.paused or row.draining)


def every(connection: Connection, now: datetime, name: str, seconds: float) -> bool:
    """Whether so long has passed since this said so last, whoever asked."""
    until = now + timedelta(seconds=seconds)
    made = dialect.upsert(connection, Lock).values(name=name, owner="", until=until)
    return (
        connection.execute(
            made.on_conflict_do_update(
                index_elements=["name"], set_={"until": until}, where=Lock.until <= now
            ).returning(Lock.name)
        ).first()
        is not None
    )


def slots(connection: Connection, queue: str) -> int:
    """The slots of the workers that serve a queue."""
    rows = connection.execute(select(Worker.queues, Worker.slots)).all()
    return sum(number for queues, number in rows if queue in queues.split(","))


def here(
    connection: Connection,
    now: datetime,
    *,
    name: str,
    host: str,
    queues: Sequence[str],
    number: int,
    busy: int,
    build_id: str,
    note: str,
) -> None:
    """A worker says that it is there."""
    made = dialect.upsert(connection, Worker).values(
        name=name,
        host=host,
        queues=",".join(queues),
        slots=number,
        busy=busy,
        build_id=build_id,
        started_at=now,
        beat_at=now,
        note=note,
    )
    connection.execute(
        made.on_conflict_do_update(
            index_elements=["name"], set_={"busy": busy, "beat_at": now, "note": note}
        )
    )


def gone(connection: Connection, name: str) -> None:
    connection.execute(delete(Worker).where(Worker.name == name))
