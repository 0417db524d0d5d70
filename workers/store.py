# SPDX-License-Identifier: MIT
"""The farm's truth: failures by signature, scenarios by content, runs by attempt.

Contract: every method is one transaction, safe against any other process that uses the same
database, and gives or takes the values of `workers.records`. Failures are counted by an atomic
upsert, so that no sighting is lost or filed twice. A run's results are accepted once, whatever
the broker delivers twice. The clock is passed in and returns aware datetimes.

It does not promise to keep every scenario of a failure: beyond MAX_EXAMPLES only smaller ones
are kept (all are counted). It starts no work; `workers.jobs` does.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, case, func, insert, literal, select, tuple_, update
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from corpus.text import parse
from fuzz.findings import Finding
from simulator.outcome import Outcome
from simulator.scenario import Scenario as Program
from workers import dialect, migrate, reading
from workers.records import (
    ExampleRow,
    FailureDetail,
    FailureRow,
    Recorded,
    RunFigures,
    RunRow,
    Stats,
)
from workers.schema import (
    ABANDONED,
    DONE,
    FOUND,
    MINIMAL,
    MINIMIZED,
    NEW,
    QUEUED,
    RUNNING,
    UNREPRODUCIBLE,
    VERIFIED,
    Certificate,
    Example,
    Failure,
    Run,
    Scenario,
    Sighting,
    Trace,
)
from workers.wire import outcome_to_json

# A worker that dies may be a machine's bad day; one that dies three times over the same work
# dies of that work, and a fourth delivery would only take the next worker down.
MAX_ATTEMPTS: Final = 3
# Enough for triage to see how a failure varies; an easy bug would store thousands a minute.
MAX_EXAMPLES: Final = 16

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def file_url(path: Path) -> str:
    """The URL of a SQLite store in a file."""
    return URL.create(dialect.SQLITE, database=str(path)).render_as_string()


class StoreError(Exception):
    """The store cannot be used; the message says what to do."""


class Store:
    """One database. Threads may share it, processes may not: open it after a fork."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        """Use `Store.open`."""
        self._engine = engine
        self._writer = dialect.writing(engine)
        self._clock = clock

    @classmethod
    def open(cls, url: str, clock: Clock = utc_now) -> "Store":
        """Open, and create or upgrade, the database at `url`. Raises StoreError."""
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError(f"{url!r} is not a database URL: {error}") from error
        if parsed.get_backend_name() not in dialect.DIALECTS:
            raise StoreError(
                f"{parsed.render_as_string()}: mmfarm stores in {' or '.join(dialect.DIALECTS)}"
            )
        engine = dialect.create(parsed)
        try:
            migrate.bring_up(engine)
        except migrate.SchemaError as error:
            engine.dispose()
            raise StoreError(str(error)) from error
        except DatabaseError as error:
            engine.dispose()
            raise StoreError(
                f"{parsed.render_as_string()}: {error.orig}; check that the folder exists and is "
                "writable, that the file is an mmfarm database, that the server answers"
            ) from error
        return cls(engine, clock)

    def close(self) -> None:
        self._engine.dispose()

    # Failures: recording.

    def record(self, finding: Finding, run_id: int | None = None) -> Recorded:
        """File one finding under its signature. Raises corpus.text.TextError."""
        with self._writer.begin() as connection:
            return self._record(connection, finding, run_id)

    def record_minimal(self, finding: Finding) -> Recorded:
        """File a finding that is minimal as it comes, and that no run of the model alone can
        verify: a disagreement with a real kernel."""
        with self._writer.begin() as connection:
            return self._record(connection, finding, None, MINIMIZED)

    def _record(
        self, connection: Connection, finding: Finding, run_id: int | None, state: str = NEW
    ) -> Recorded:
        now = self._clock()
        arriving = dialect.upsert(connection, Failure).values(
            oracle=finding.oracle,
            culprit=finding.culprit,
            object_class=finding.object_class,
            promise=finding.promise,
            count=1,
            first_seen=now,
            last_seen=now,
            state=state,
            attempts=0,
            note="",
        )
        last = arriving.excluded["last_seen"]
        id_, count, known_state = connection.execute(
            arriving.on_conflict_do_update(
                index_elements=["oracle", "culprit", "object_class"],
                set_={
                    "count": Failure.count + 1,
                    # Clocks of hosts differ: time shall not run backwards for it.
                    "last_seen": case((last > Failure.last_seen, last), else_=Failure.last_seen),
                },
            ).returning(Failure.id, Failure.count, Failure.state)
        ).one()
        added = self._add_example(connection, id_, finding)
        if added and known_state == UNREPRODUCIBLE:
            # Another scenario of it may well replay: verify shall look again.
            self._set(connection, id_, state=NEW, attempts=0)
        if run_id is not None:
            connection.execute(
                dialect.upsert(connection, Sighting)
                .values(run_id=run_id, failure_id=id_)
                .on_conflict_do_nothing()
            )
        return Recorded(failure_id=id_, first=count == 1)

    def _add_example(self, connection: Connection, failure_id: int, finding: Finding) -> bool:
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
        key = self._add_scenario(connection, finding.text, scenario)
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

    def _add_scenario(self, connection: Connection, text: str, scenario: Program) -> str:
        key = scenario_key(text)
        connection.execute(
            dialect.upsert(connection, Scenario)
            .values(
                sha256=key,
                text=text,
                ops=len(scenario.ops),
                directives=len(scenario.directives),
                first_seen=self._clock(),
            )
            .on_conflict_do_nothing()
        )
        return key

    # Failures: the way from new to minimized.

    def begin(self, failure_id: int, state: str) -> int | None:
        """Count one attempt to move a failure on from `state`, before it is made. Returns the
        number of the attempt; None when there is nothing to do: the failure is in another
        state, or has used up its attempts."""
        with self._writer.begin() as connection:
            return connection.execute(
                update(Failure)
                .where(
                    Failure.id == failure_id,
                    Failure.state == state,
                    Failure.attempts < MAX_ATTEMPTS,
                )
                .values(attempts=Failure.attempts + 1)
                .returning(Failure.attempts)
            ).scalar()

    def give_back(self, failure_id: int) -> None:
        """An attempt was interrupted by whoever made it, and shall not count."""
        with self._writer.begin() as connection:
            self._set(connection, failure_id, attempts=Failure.attempts - 1)

    def verified(
        self, failure_id: int, text: str, build_id: str, outcome: Outcome, note: str = ""
    ) -> bool:
        """A fresh process replayed `text`: keep the trace, move on from NEW. Returns whether
        it did; False when somebody else was faster."""
        with self._writer.begin() as connection:
            if not self._move(connection, failure_id, NEW, VERIFIED, note):
                return False
            key = scenario_key(text)
            connection.execute(
                update(Example)
                .where(Example.failure_id == failure_id, Example.scenario_sha256 == key)
                .values(build_id=build_id, digest=outcome.digest, steps=outcome.steps)
            )
            self._add_trace(connection, key, build_id, outcome)
            return True

    def unreproducible(self, failure_id: int, note: str) -> bool:
        """No scenario of the failure replays; `note` says what happened instead."""
        with self._writer.begin() as connection:
            return self._move(connection, failure_id, NEW, UNREPRODUCIBLE, note)

    def minimized(
        self,
        failure_id: int,
        text: str,
        build_id: str,
        outcome: Outcome,
        certificate: dict[str, Any],
        note: str = "",
    ) -> bool:
        """Keep the minimal scenario with its trace and certificate, move on from VERIFIED.
        Returns whether it did; False when somebody else was faster."""
        with self._writer.begin() as connection:
            if not self._move(connection, failure_id, VERIFIED, MINIMIZED, note):
                return False
            key = self._add_scenario(connection, text, parse(text))
            values = {
                "role": MINIMAL,
                "origin": "minimize",
                "build_id": build_id,
                "digest": outcome.digest,
                "steps": outcome.steps,
            }
            connection.execute(
                dialect.upsert(connection, Example)
                .values(failure_id=failure_id, scenario_sha256=key, **values)
                .on_conflict_do_update(
                    index_elements=["failure_id", "scenario_sha256"], set_=values
                )
            )
            self._add_trace(connection, key, build_id, outcome)
            connection.execute(
                insert(Certificate).values(
                    failure_id=failure_id,
                    scenario_sha256=key,
                    build_id=build_id,
                    content=certificate,
                    recorded_at=self._clock(),
                )
            )
            return True

    def set_note(self, failure_id: int, note: str) -> None:
        """Say what stopped the last attempt; the state stays."""
        with self._writer.begin() as connection:
            self._set(connection, failure_id, note=note)

    def _move(self, connection: Connection, id_: int, old: str, new: str, note: str) -> bool:
        moved = connection.execute(
            update(Failure)
            .where(Failure.id == id_, Failure.state == old)
            .values(state=new, attempts=0, note=note)
        )
        return moved.rowcount == 1

    def _set(self, connection: Connection, failure_id: int, **values: Any) -> None:
        connection.execute(update(Failure).where(Failure.id == failure_id).values(**values))

    def _add_trace(
        self, connection: Connection, key: str, build_id: str, outcome: Outcome
    ) -> None:
        connection.execute(
            dialect.upsert(connection, Trace)
            .values(
                scenario_sha256=key,
                build_id=build_id,
                digest=outcome.digest,
                steps=outcome.steps,
                outcome=outcome_to_json(outcome),
                recorded_at=self._clock(),
            )
            .on_conflict_do_nothing()
        )

    # Failures: reading.

    def failures(
        self, oracle: str | None = None, state: str | None = None, run_id: int | None = None
    ) -> list[FailureRow]:
        """Failures that match all filters, those seen most often first."""
        with self._engine.connect() as connection:
            return reading.failures(connection, oracle, state, run_id)

    def failure(self, failure_id: int) -> FailureDetail | None:
        """One failure with its best scenario; None when there is no such failure."""
        with self._engine.connect() as connection:
            return reading.failure(connection, failure_id)

    def examples(self, failure_id: int) -> list[ExampleRow]:
        """All kept scenarios of a failure, the best first."""
        with self._engine.connect() as connection:
            return reading.examples(connection, failure_id)

    def stats(self) -> Stats:
        with self._engine.connect() as connection:
            return reading.stats(connection)

    # Runs.

    def create_run(self, spec: dict[str, Any]) -> int:
        """Order one slice."""
        with self._writer.begin() as connection:
            return connection.execute(
                insert(Run)
                .values(
                    spec=spec,
                    state=QUEUED,
                    attempt=0,
                    created_at=self._clock(),
                    executions=0,
                    seconds=0.0,
                    cpu_seconds=0.0,
                    features=0,
                    new_entries=0,
                    statistics={},
                    note="",
                )
                .returning(Run.id)
            ).scalar_one()

    def begin_run(self, run_id: int) -> int | None:
        """Count one delivery of a run before it is worked on. Returns the number of the
        attempt; None when there is nothing to do: the run is done, or its workers died
        MAX_ATTEMPTS times, which makes it ABANDONED."""
        with self._writer.begin() as connection:
            attempt = connection.execute(
                update(Run)
                .where(
                    Run.id == run_id,
                    Run.state.in_((QUEUED, RUNNING)),
                    Run.attempt < MAX_ATTEMPTS,
                )
                .values(attempt=Run.attempt + 1, state=RUNNING, started_at=self._clock())
                .returning(Run.attempt)
            ).scalar()
            if attempt is None:
                connection.execute(
                    update(Run)
                    .where(Run.id == run_id, Run.state == RUNNING)
                    .values(
                        state=ABANDONED,
                        ended_at=self._clock(),
                        note=f"the worker died in each of {MAX_ATTEMPTS} attempts",
                    )
                )
            return attempt

    def end_run(
        self,
        run_id: int,
        attempt: int,
        figures: RunFigures,
        findings: Iterable[Finding] = (),
        note: str = "",
    ) -> list[Recorded]:
        """Accept the results of one attempt: all or nothing. The first attempt to end gives
        the run its figures; a later one adds what it found, for findings are never dropped.
        The same attempt again changes nothing and returns nothing."""
        with self._writer.begin() as connection:
            state, current = connection.execute(
                select(Run.state, Run.attempt).where(Run.id == run_id).with_for_update()
            ).one()
            if state == DONE and current == attempt:
                return []
            if state != DONE:
                connection.execute(
                    update(Run)
                    .where(Run.id == run_id)
                    .values(
                        state=DONE,
                        attempt=attempt,
                        ended_at=self._clock(),
                        exit_kind=figures.exit_kind,
                        executions=figures.executions,
                        seconds=figures.seconds,
                        cpu_seconds=figures.cpu_seconds,
                        features=figures.features,
                        new_entries=figures.new_entries,
                        statistics=figures.statistics,
                        note=note,
                        in_flight=figures.in_flight,
                    )
                )
            # Sorted: two runs that lock the same failures must lock them in the same order.
            ordered = sorted(findings, key=lambda finding: str(finding.signature))
            return [self._record(connection, finding, run_id) for finding in ordered]

    def run(self, run_id: int) -> RunRow | None:
        with self._engine.connect() as connection:
            return reading.run(connection, run_id)

    def runs(self, state: str | None = None) -> list[RunRow]:
        """Runs in the order they were created."""
        with self._engine.connect() as connection:
            return reading.runs(connection, state)


def scenario_key(text: str) -> str:
    """The name of a canonical scenario text."""
    return sha256(text.encode()).hexdigest()

