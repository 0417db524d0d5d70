# SPDX-License-Identifier: MIT
"""The farm's truth: failures by signature, scenarios by content, runs, and what is owed.

Contract: every method is one transaction, safe against any other process that uses the same
database, and gives or takes the values of `workers.records`. A result and the jobs that follow
from it are one transaction, too (`workers.ledger`), so that nothing waits for a message. A
failure is counted once for each run that saw it, however often that is told; a run's results are
accepted once. Time is the database's, or that of the clock passed in, which returns aware
datetimes. StoreDown says that the store did not answer: a transaction that ended so may have
been committed all the same, and may be tried again.

It does not promise to keep every scenario of a failure: beyond MAX_EXAMPLES only smaller ones
are kept (all are counted).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, case, func, insert, literal, select, tuple_, update
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from corpus.text import parse
from fuzz.findings import Finding
from simulator.outcome import Outcome
from simulator.scenario import Scenario as Program
from workers import backup as backups
from workers import dialect, entries, figures, ledger, migrate, reading
from workers.entries import Cover, Dumped, Made, Pulled
from workers.errors import SchemaMoved, StoreDown, StoreError
from workers.figures import Figures
from workers.ledger import Lease
from workers.records import (
    DecisionRow,
    ExampleRow,
    FailureDetail,
    FailureRow,
    FarmRow,
    JobRow,
    Recorded,
    RunFigures,
    RunRow,
    Stats,
    SuspectRow,
    WorkerRow,
)
from workers.schema import (
    ALONE,
    CLEARED,
    DONE,
    FOUND,
    FUZZ,
    HELD,
    MINIMAL,
    MINIMIZE,
    MINIMIZED,
    NEW,
    QUARANTINED,
    QUEUE_TRIAGE,
    QUEUED,
    READY,
    RELEASED,
    SUSPECTED,
    UNREPRODUCIBLE,
    VERIFIED,
    VERIFY,
    Certificate,
    Example,
    Failure,
    Farm,
    Job,
    Run,
    Scenario,
    Sighting,
    Suspect,
    Trace,
)
from workers.wire import outcome_to_json

# Enough for triage to see how a failure varies; an easy bug would store thousands a minute.
MAX_EXAMPLES: Final = 16
# Slices that may die with a scenario that does no harm alone, before it is kept from them.
MAX_DEATHS: Final = 3

Clock = Callable[[], datetime]
# What a database says about the statement, and not about itself.
_OURS: Final = (IntegrityError, DataError, ProgrammingError, NotSupportedError)


def utc_now() -> datetime:
    return datetime.now(UTC)


def file_url(path: Path) -> str:
    """The URL of a SQLite store in a file."""
    return URL.create(dialect.SQLITE, database=str(path)).render_as_string()


class Store:
    """One database. Threads may share it, processes may not: open it after a fork."""

    def __init__(self, engine: Engine, clock: Clock | None) -> None:
        """Use `Store.open`."""
        self._engine = engine
        self._writer = dialect.writing(engine)
        self._clock = clock
        self.where = engine.url.render_as_string(hide_password=True)

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> "Store":
        """Open, and create or upgrade, the database at `url`. Raises StoreError."""
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError(f"{url!r} is not a database URL: {error}") from error
        where = parsed.render_as_string(hide_password=True)
        if parsed.get_backend_name() not in dialect.DIALECTS:
            raise StoreError(f"{where}: mmfarm stores in {' or '.join(dialect.DIALECTS)}")
        try:
            engine = dialect.create(parsed)
        except (ModuleNotFoundError, ArgumentError) as error:  # no driver, or none of that name
            raise StoreError(
                f"{where}: {error}; PostgreSQL needs postgresql+psycopg:// and "
                "`pip install 'mmfarm[postgres]'`"
            ) from error
        try:
            migrate.bring_up(engine)
        except migrate.SchemaError as error:
            engine.dispose()
            raise StoreError(str(error)) from error
        except DatabaseError as error:
            engine.dispose()
            raise StoreError(
                f"{where}: {error.orig}; check that the folder exists and is "
                "writable, that the file is an mmfarm database, that the server answers"
            ) from error
        return cls(engine, clock)

    def close(self) -> None:
        self._engine.dispose()

    @contextlib.contextmanager
    def _write(self) -> Iterator[tuple[Connection, datetime]]:
        """A transaction that may write, and its time."""
        with self._answers(), self._writer.begin() as connection:
            yield connection, self._now(connection)

    @contextlib.contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._answers(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _answers(self) -> Iterator[None]:
        """Tells errors of the database from errors of ours."""
        try:
            yield
        except _OURS:
            raise
        except (DBAPIError, PoolTimeout) as error:
            said = " ".join(str(getattr(error, "orig", error)).split())
            raise StoreDown(f"{self.where}: {said}") from error

    def _now(self, connection: Connection) -> datetime:
        return dialect.now(connection) if self._clock is None else self._clock()

    # The farm.

    def farm(self) -> FarmRow:
        with self._read() as connection:
            return reading.farm(connection)

    def set_farm(self, *, paused: bool | None = None, draining: bool | None = None) -> None:
        """Pause (no job begins) or drain (no slice begins), or go on."""
        wanted = {"paused": paused, "draining": draining}
        values = {name: value for name, value in wanted.items() if value is not None}
        with self._write() as (connection, now):
            connection.execute(update(Farm).values(**values))
            said = ", ".join(f"{name}={value}" for name, value in values.items())
            ledger.decide(connection, now, "farm", "operator", said)

    def backup(self, path: Path) -> dict[str, int]:
        """The whole store in one file. Returns how many rows of each table."""
        with self._read() as connection:
            return backups.write(connection, path)

    def restore(self, path: Path) -> dict[str, int]:
        """Fill this store, which is empty. Raises `workers.backup.BackupError`."""
        with self._write() as (connection, _):
            return backups.read(connection, path)

    # What is owed.

    def lease(self, job_id: int, worker: str) -> Lease | None:
        """Take a job by its id; None when there is nothing to do. Raises SchemaMoved."""
        with self._write() as (connection, now):
            self._refuse_to_be_old(connection)
            return ledger.lease(connection, now, job_id, worker)

    def take(self, queues: Sequence[str], worker: str) -> Lease | None:
        """Take the oldest job of these queues that is due. Raises SchemaMoved."""
        with self._write() as (connection, now):
            self._refuse_to_be_old(connection)
            return ledger.take(connection, now, queues, worker)

    def _refuse_to_be_old(self, connection: Connection) -> None:
        if migrate.moved_on(connection):
            raise SchemaMoved(
                f"{self.where}: has another schema than this mmfarm knows "
                f"({migrate.SCHEMA_REVISION}) by now; start the workers of the newer mmfarm"
            )

    def beat(self, leases: Sequence[Lease]) -> list[Lease]:
        """Say that these are worked on. Returns those that are lost."""
        with self._write() as (connection, now):
            return ledger.beat(connection, now, leases)

    def give_back(self, lease: Lease) -> None:
        with self._write() as (connection, now):
            ledger.give_back(connection, now, lease)

    def set_back(self, lease: Lease, note: str) -> None:
        with self._write() as (connection, now):
            ledger.set_back(connection, now, lease, note)

    def died(self, lease: Lease, note: str) -> bool:
        """Count an attempt that the work itself brought down. Returns whether it is held now."""
        with self._write() as (connection, now):
            if lease.kind in (VERIFY, MINIMIZE):
                self._set(connection, lease.subject, note=f"{lease.kind}: {note}")
            return ledger.died(connection, now, lease, note)

    def here(self, **said: Any) -> None:
        """A worker says that it is there; see `ledger.here`."""
        with self._write() as (connection, now):
            ledger.here(connection, now, **said)

    def gone(self, worker: str) -> None:
        with self._write() as (connection, _):
            ledger.gone(connection, worker)

    def hold_lock(self, name: str, owner: str, seconds: float) -> bool:
        with self._write() as (connection, now):
            return ledger.hold_lock(connection, now, name, owner, seconds)

    def drop_lock(self, name: str, owner: str) -> None:
        with self._write() as (connection, _):
            ledger.drop_lock(connection, name, owner)

    def reap(self) -> list[tuple[str, str]]:
        """End leases that stopped beating. Returns what was lost, and who had it."""
        with self._write() as (connection, now):
            return ledger.reap(connection, now)

    def owed(self, queue: str, spare: int) -> list[int]:
        """The jobs of a queue that a message is owed for: as many as there are slots, and
        `spare` more so that a slot need not wait for the scheduler."""
        with self._read() as connection:
            slots = ledger.slots(connection, queue) + spare
            return ledger.owed(connection, self._now(connection), queue, slots)

    def neglected(self, queues: Sequence[str], seconds: float) -> bool:
        """Whether a job waits for a worker that a message should have reached long ago."""
        with self._read() as connection:
            return ledger.neglected(connection, self._now(connection), queues, seconds)

    def sent(self, job_ids: Sequence[int]) -> None:
        with self._write() as (connection, now):
            ledger.sent(connection, now, job_ids)

    def retry(self, kind: str, subject: int) -> bool:
        """A person wants held work done again. Returns whether there was any."""
        with self._write() as (connection, now):
            again = connection.execute(
                update(Job)
                .where(Job.kind == kind, Job.subject == subject, Job.state == HELD)
                .values(state=READY, attempts=0, setbacks=0, due_at=now, note="")
            )
            if again.rowcount and kind == FUZZ:
                connection.execute(update(Run).where(Run.id == subject).values(state=QUEUED))
            if again.rowcount:
                ledger.decide(connection, now, ledger.named(kind, subject), "retried", kind)
            return again.rowcount == 1

    def jobs(self, state: str | None = None) -> list[JobRow]:
        with self._read() as connection:
            return reading.jobs(connection, state)

    def workers(self) -> list[WorkerRow]:
        with self._read() as connection:
            return reading.workers(connection)

    def heard(self, seconds: float) -> list[WorkerRow]:
        """The workers that were heard of in the last so many seconds."""
        with self._read() as connection:
            since = self._now(connection) - timedelta(seconds=seconds)
            return [row for row in reading.workers(connection) if row.beat_at >= since]

    def decisions(self, subject: str) -> list[DecisionRow]:
        with self._read() as connection:
            return reading.decisions(connection, subject)

    # Failures: recording.

    def record(self, finding: Finding, run_id: int | None = None) -> Recorded:
        """File one finding under its signature. Raises corpus.text.TextError."""
        return self.file([finding], run_id)[0]

    def file(self, findings: Iterable[Finding], run_id: int | None) -> list[Recorded]:
        """File what a run has found: any number of times, by anybody, also after its end.
        Raises corpus.text.TextError."""
        with self._write() as (connection, now):
            return self._file(connection, now, findings, run_id)

    def record_minimal(self, finding: Finding) -> Recorded:
        """File a finding that is minimal as it comes, and that no run of the model alone can
        verify: a disagreement with a real kernel."""
        with self._write() as (connection, now):
            return self._record(connection, now, finding, None, MINIMIZED)

    def _file(
        self, connection: Connection, now: datetime, findings: Iterable[Finding],
        run_id: int | None,
    ) -> list[Recorded]:
        # Sorted: two runs that lock the same failures must lock them in the same order.
        ordered = sorted(findings, key=lambda finding: str(finding.signature))
        return [self._record(connection, now, finding, run_id) for finding in ordered]

    def _record(
        self, connection: Connection, now: datetime, finding: Finding, run_id: int | None,
        state: str = NEW,
    ) -> Recorded:
        arriving = dialect.upsert(connection, Failure).values(
            oracle=finding.oracle,
            culprit=finding.culprit,
            object_class=finding.object_class,
            promise=finding.promise,
            count=0,
            first_seen=now,
            last_seen=now,
            state=state,
            note="",
        )
        last = arriving.excluded["last_seen"]
        id_ = connection.execute(
            arriving.on_conflict_do_update(
                index_elements=["oracle", "culprit", "object_class"],
                # Clocks of hosts differ: time shall not run backwards for it.
                set_={
                    "last_seen": case((last > Failure.last_seen, last), else_=Failure.last_seen),
                },
            ).returning(Failure.id)
        ).scalar_one()
        counts = run_id is None or connection.execute(
            dialect.upsert(connection, Sighting)
            .values(run_id=run_id, failure_id=id_)
            .on_conflict_do_nothing()
            .returning(Sighting.run_id)
        ).first() is not None
        count, known_state = connection.execute(
            update(Failure)
            .where(Failure.id == id_)
            .values(count=Failure.count + int(counts))
            .returning(Failure.count, Failure.state)
        ).one()
        added = self._add_example(connection, now, id_, finding)
        if added and known_state == UNREPRODUCIBLE:
            # Another scenario of it may well replay: verify shall look again.
            self._set(connection, id_, state=NEW)
            known_state = NEW
        if known_state == NEW:
            ledger.owe(connection, now, VERIFY, id_, QUEUE_TRIAGE)
        return Recorded(failure_id=id_, first=count == 1)

    def _add_example(
        self, connection: Connection, now: datetime, failure_id: int, finding: Finding
    ) -> bool:
        """Keep the finding's scenario if it is worth it. Returns whether it is a new one."""
        scenario = parse(finding.text, f"finding {finding.signature}")
        size = tuple_(literal(len(scenario.ops)), literal(len(scenario.directives)))
        kept, not_larger = connection.execute(
            select(
                func.count(),
                func.count().filter(tuple_(Scenario.ops, Scenario.directives) <= size),
            )
            .select_from(Example)
            .join(Scenario)
            .where(Example.failure_id == failure_id)
        ).one()
        if kept >= MAX_EXAMPLES and not_larger:
            return False
        key = self._add_scenario(connection, now, finding.text, scenario)
        inserted = connection.execute(
            dialect.upsert(connection, Example)
            .values(
                failure_id=failure_id,
                scenario_sha256=key,
                role=FOUND,
                origin=finding.origin,
                build_id=finding.build_id,
                digest=finding.digest,
                steps=finding.steps,
            )
            .on_conflict_do_nothing()
            .returning(Example.failure_id)
        )
        return inserted.first() is not None

    def _add_scenario(
        self, connection: Connection, now: datetime, text: str, scenario: Program
    ) -> str:
        key = scenario_key(text)
        connection.execute(
            dialect.upsert(connection, Scenario)
            .values(
                sha256=key,
                text=text,
                ops=len(scenario.ops),
                directives=len(scenario.directives),
                first_seen=now,
            )
            .on_conflict_do_nothing()
        )
        return key

    # Failures: the way from new to minimized. Each returns whether the lease was still good;
    # False: somebody else has the job, and his result counts.

    def verified(
        self, lease: Lease, text: str, build_id: str, outcome: Outcome, note: str,
        side_finds: Iterable[Finding] = (),
    ) -> list[Recorded] | None:
        """Fresh processes replayed `text`: keep the trace, and have it minimized. Returns where
        the other finds were filed; None when somebody else has the job by now."""
        with self._write() as (connection, now):
            if not ledger.settle(connection, lease):
                return None
            if self._move(connection, lease.subject, NEW, VERIFIED, note):
                key = scenario_key(text)
                connection.execute(
                    update(Example)
                    .where(Example.failure_id == lease.subject, Example.scenario_sha256 == key)
                    .values(build_id=build_id, digest=outcome.digest, steps=outcome.steps)
                )
                self._add_trace(connection, now, key, build_id, outcome)
                ledger.owe(connection, now, MINIMIZE, lease.subject, QUEUE_TRIAGE)
            return self._file(connection, now, side_finds, None)

    def unreproducible(
        self, lease: Lease, note: str, side_finds: Iterable[Finding] = ()
    ) -> list[Recorded] | None:
        """No scenario of the failure replays; `note` says what happened instead."""
        with self._write() as (connection, now):
            if not ledger.settle(connection, lease):
                return None
            if self._move(connection, lease.subject, NEW, UNREPRODUCIBLE, note):
                ledger.decide(connection, now, lease.name, "unreproducible", note)
            return self._file(connection, now, side_finds, None)

    def minimized(
        self,
        lease: Lease,
        text: str,
        build_id: str,
        outcome: Outcome,
        certificate: dict[str, Any],
        note: str,
        side_finds: Iterable[Finding] = (),
    ) -> list[Recorded] | None:
        """Keep the minimal scenario with its trace and certificate."""
        with self._write() as (connection, now):
            if not ledger.settle(connection, lease):
                return None
            failure_id = lease.subject
            if self._move(connection, failure_id, VERIFIED, MINIMIZED, note):
                self._keep_minimal(
                    connection, now, failure_id, text, build_id, outcome, certificate
                )
            return self._file(connection, now, side_finds, None)

    def _keep_minimal(
        self, connection: Connection, now: datetime, failure_id: int, text: str, build_id: str,
        outcome: Outcome, certificate: dict[str, Any],
    ) -> None:
        key = self._add_scenario(connection, now, text, parse(text))
        values = {
            "role": MINIMAL,
            "origin": "minimize",
            "build_id": build_id,
            "digest": outcome.digest,
            "steps": outcome.steps,
        }
        # One is minimal: an older one, of another build, is an example like others.
        connection.execute(
            update(Example)
            .where(Example.failure_id == failure_id, Example.role == MINIMAL)
            .values(role=FOUND)
        )
        connection.execute(
            dialect.upsert(connection, Example)
            .values(failure_id=failure_id, scenario_sha256=key, **values)
            .on_conflict_do_update(index_elements=["failure_id", "scenario_sha256"], set_=values)
        )
        self._add_trace(connection, now, key, build_id, outcome)
        proof = {
            "scenario_sha256": key, "build_id": build_id, "content": certificate,
            "recorded_at": now,
        }
        connection.execute(
            dialect.upsert(connection, Certificate)
            .values(failure_id=failure_id, **proof)
            .on_conflict_do_update(index_elements=["failure_id"], set_=proof)
        )

    def _move(self, connection: Connection, id_: int, old: str, new: str, note: str) -> bool:
        moved = connection.execute(
            update(Failure)
            .where(Failure.id == id_, Failure.state == old)
            .values(state=new, note=note)
        )
        return moved.rowcount == 1

    def _set(self, connection: Connection, failure_id: int, **values: Any) -> None:
        connection.execute(update(Failure).where(Failure.id == failure_id).values(**values))

    def _add_trace(
        self, connection: Connection, now: datetime, key: str, build_id: str, outcome: Outcome
    ) -> None:
        connection.execute(
            dialect.upsert(connection, Trace)
            .values(
                scenario_sha256=key,
                build_id=build_id,
                digest=outcome.digest,
                steps=outcome.steps,
                outcome=outcome_to_json(outcome),
                recorded_at=now,
            )
            .on_conflict_do_nothing()
        )

    # Failures: reading.

    def failures(
        self, oracle: str | None = None, state: str | None = None, run_id: int | None = None
    ) -> list[FailureRow]:
        """Failures that match all filters, those seen most often first."""
        with self._read() as connection:
            return reading.failures(connection, oracle, state, run_id)

    def failure(self, failure_id: int) -> FailureDetail | None:
        """One failure with its best scenario; None when there is no such failure."""
        with self._read() as connection:
            return reading.failure(connection, failure_id)

    def examples(self, failure_id: int) -> list[ExampleRow]:
        """All kept scenarios of a failure, the best first."""
        with self._read() as connection:
            return reading.examples(connection, failure_id)

    def stats(self) -> Stats:
        with self._read() as connection:
            return reading.stats(connection)

    # Runs.

    def figures(self) -> Figures:
        """What an operator watches."""
        with self._read() as connection:
            return figures.read(connection, self._now(connection))

    def create_run(self, spec: dict[str, Any], queue: str) -> int:
        """Order one slice, to be done by whoever serves the queue."""
        with self._write() as (connection, now):
            return self._create_run(connection, now, spec, queue)

    def begin_run(self, spec: dict[str, Any], queue: str, worker: str) -> tuple[int, Lease]:
        """Order one slice and take it: for who does it himself."""
        with self._write() as (connection, now):
            self._refuse_to_be_old(connection)
            run_id = self._create_run(connection, now, spec, queue)
            job_id = connection.execute(
                select(Job.id).where(Job.kind == FUZZ, Job.subject == run_id)
            ).scalar_one()
            lease = ledger.lease(connection, now, job_id, worker)
            if lease is None:
                raise StoreError("the farm is paused or draining: `mmfarm farm resume`")
            return run_id, lease

    def _create_run(
        self, connection: Connection, now: datetime, spec: dict[str, Any], queue: str
    ) -> int:
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
            )
            .returning(Run.id)
        ).scalar_one()
        ledger.owe(connection, now, FUZZ, run_id, queue)
        return run_id

    def end_run(
        self,
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
        with self._write() as (connection, now):
            mine = ledger.settle(connection, lease)
            if mine:
                connection.execute(
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
                )
                if rest is not None:
                    further = self._create_run(connection, now, rest, lease.queue)
                    ledger.decide(connection, now, lease.name, "rest", f"continues as R{further}")
                if suspect is not None:
                    self._suspect(connection, now, lease, suspect, figures.exit_kind)
            return self._file(connection, now, findings, lease.subject), mine

    def run(self, run_id: int) -> RunRow | None:
        with self._read() as connection:
            return reading.run(connection, run_id)

    def runs(self, state: str | None = None) -> list[RunRow]:
        """Runs in the order they were created."""
        with self._read() as connection:
            return reading.runs(connection, state)

    def job_of(self, kind: str, subject: int) -> JobRow | None:
        with self._read() as connection:
            return reading.job_of(connection, kind, subject)

    # Poison.

    def _suspect(
        self, connection: Connection, now: datetime, lease: Lease, text: str, how: str
    ) -> None:
        """A slice died by itself while this ran: no other slice gets it until it has run
        alone."""
        note = f"a slice ended as {how} with it"
        arriving = dialect.upsert(connection, Suspect).values(
            sha256=entries.entry_key(entries.bare(parse(text))), text=text, state=SUSPECTED,
            deaths=1, run_id=lease.subject, note=note, first_seen=now, last_seen=now,
        )
        row = connection.execute(
            arriving.on_conflict_do_update(
                index_elements=["sha256"],
                set_={
                    "deaths": Suspect.deaths + 1, "text": text, "run_id": lease.subject,
                    "note": note, "last_seen": now,
                    "state": case(
                        (Suspect.state == QUARANTINED, QUARANTINED),
                        (Suspect.deaths + 1 >= MAX_DEATHS, QUARANTINED),
                        else_=SUSPECTED,
                    ),
                },
            ).returning(Suspect.id, Suspect.state, Suspect.deaths)
        ).one()
        subject = ledger.named(ALONE, row.id)
        if row.state == SUSPECTED:
            ledger.owe(connection, now, ALONE, row.id, QUEUE_TRIAGE)
            ledger.decide(connection, now, subject, "suspected", f"{lease.name}: {note}")
        else:
            ledger.decide(
                connection, now, subject, "quarantined", f"{row.deaths} slices died with it"
            )

    def tried_alone(self, lease: Lease, deaths: int, note: str) -> bool:
        """What came of a suspect run alone: with deaths it is quarantined, else cleared."""
        state = QUARANTINED if deaths else CLEARED
        with self._write() as (connection, now):
            if not ledger.settle(connection, lease):
                return False
            connection.execute(
                update(Suspect)
                .where(Suspect.id == lease.subject, Suspect.state == SUSPECTED)
                .values(state=state, deaths=Suspect.deaths + deaths, note=note)
            )
            ledger.decide(connection, now, lease.name, state, note)
            return True

    def release(self, suspect_id: int) -> bool:
        """A person gives a quarantined scenario free. Returns whether there was one."""
        with self._write() as (connection, now):
            released = connection.execute(
                update(Suspect)
                .where(Suspect.id == suspect_id, Suspect.state == QUARANTINED)
                .values(state=RELEASED, deaths=0)
            )
            if released.rowcount:
                ledger.decide(connection, now, f"Q{suspect_id}", "released")
            return released.rowcount == 1

    def suspects(self, state: str | None = None) -> list[SuspectRow]:
        with self._read() as connection:
            return reading.suspects(connection, state)

    # The corpus.

    def push(
        self, model: str, build_id: str, run_id: int | None, made: Sequence[Made]
    ) -> int:
        """Keep what shows something new. Returns how many entries are new."""
        with self._write() as (connection, now):
            return entries.push(connection, now, model, build_id, run_id, made)

    def plant(self, given: Sequence[Made]) -> int:
        """Take what people give into the corpus. Returns how many entries are new."""
        with self._write() as (connection, now):
            return entries.plant(connection, now, given)

    def unmeasured(self, model: str, build_id: str, limit: int) -> list[Pulled]:
        """Entries that this build may not have run yet; each is given out once."""
        with self._write() as (connection, now):
            return entries.unmeasured(connection, now, model, build_id, limit)

    def newest(self, model: str, above: int, limit: int) -> list[Pulled]:
        with self._read() as connection:
            return entries.newest(connection, model, above, limit)

    def some(self, model: str, seqs: Sequence[int]) -> list[Pulled]:
        with self._read() as connection:
            return entries.some(connection, model, seqs)

    def above(self, seq: int, limit: int) -> list[Dumped]:
        """The next entries above a number, in order: to go through all of them."""
        with self._read() as connection:
            return entries.above(connection, seq, limit)

    def last_seq(self) -> int:
        with self._read() as connection:
            return entries.last_seq(connection)

    def seen_map(self, model: str, build_id: str) -> bytes:
        with self._read() as connection:
            return entries.seen_map(connection, model, build_id)

    def withheld(self) -> set[str]:
        """The keys of scenarios that no slice shall get."""
        with self._read() as connection:
            return entries.withheld(connection)

    def cover(self, map_id: int) -> Cover:
        with self._read() as connection:
            return entries.cover(connection, map_id)

    def distilled(self, lease: Lease, choice: Cover) -> bool:
        """Retire what a cover makes redundant."""
        with self._write() as (connection, now):
            if not ledger.settle(connection, lease):
                return False
            entries.retire(connection, now, lease.subject, choice)
            ledger.decide(
                connection, now, lease.name, "distilled",
                f"{len(choice.kept)} entries show all {choice.features.bit_count()} features; "
                f"{len(choice.redundant)} retired",
            )
            return True


def scenario_key(text: str) -> str:
    """The name of a canonical scenario text."""
    return sha256(text.encode()).hexdigest()
