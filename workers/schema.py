# SPDX-License-Identifier: MIT
"""The tables of the farm's truth, as SQLAlchemy declarative classes.

Contract: what is queried is a column; JSON columns hold only what is read back whole. Every
constraint has a name made by one convention, so that a migration can drop it by name on both
dialects. `workers/migrations` creates exactly these tables, which a test compares.

It does not promise any behaviour: `workers.store` is the only module that reads or writes rows.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# States of a failure. Only verify and minimize move it on; nothing moves it back.
NEW: Final = "new"  # recorded, not yet replayed outside the slice that found it
VERIFIED: Final = "verified"  # fresh processes agree on signature and digest
MINIMIZED: Final = "minimized"  # has a minimal scenario, and its certificate if the model judged
UNREPRODUCIBLE: Final = "unreproducible"  # replays disagree: a bug of ours, never silently dropped
FAILURE_STATES: Final = (NEW, VERIFIED, MINIMIZED, UNREPRODUCIBLE)

# States of a run.
QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"  # its slice ended and was recorded, whatever `exit_kind` says
ABANDONED: Final = "abandoned"  # its worker died each time it was delivered
RUN_STATES: Final = (QUEUED, RUNNING, DONE, ABANDONED)

# Why a failure has a scenario.
FOUND: Final = "found"
MINIMAL: Final = "minimal"
ROLES: Final = (FOUND, MINIMAL)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Naive values are refused on the way in; what comes out is aware and UTC, also
    from SQLite, which has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; clocks of the store return UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime, str: Text, dict[str, Any]: JSON}


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Failure(Base):
    """All sightings of one signature."""

    __tablename__ = "failure"
    __table_args__ = (
        UniqueConstraint("oracle", "culprit", "object_class"),
        _one_of("state", FAILURE_STATES),
        Index(None, "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    oracle: Mapped[str]
    culprit: Mapped[str]
    object_class: Mapped[str]
    promise: Mapped[str]  # of the first sighting
    count: Mapped[int]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    state: Mapped[str]
    attempts: Mapped[int]  # deliveries of the task that should move `state` on and has not yet
    note: Mapped[str]  # why it is unreproducible, or what stopped the last attempt; else empty


class Scenario(Base):
    """A canonical scenario text, stored once."""

    __tablename__ = "scenario"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    ops: Mapped[int]
    directives: Mapped[int]
    first_seen: Mapped[datetime]


class Run(Base):
    """One slice of fuzzing: the order, the ledger of its deliveries, and its figures."""

    __tablename__ = "run"
    __table_args__ = (_one_of("state", RUN_STATES), Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempt: Mapped[int]  # deliveries so far; results are accepted once
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]  # of the last attempt
    ended_at: Mapped[datetime | None]
    exit_kind: Mapped[str | None]
    executions: Mapped[int] = mapped_column(BigInteger)  # a farm counts past 2^31
    seconds: Mapped[float]
    cpu_seconds: Mapped[float]
    features: Mapped[int]
    new_entries: Mapped[int]
    # The slice's last words about itself, internal errors of ours among them.
    statistics: Mapped[dict[str, Any]]
    note: Mapped[str]  # what went wrong: lost findings, the end of the log; else empty
    # What ran when the slice died. Not a finding: nothing says that the scenario is to blame.
    # Kept as it came out of shared memory, so it need not be canonical.
    in_flight: Mapped[str | None]


class Example(Base):
    """A failure has a scenario that shows it."""

    __tablename__ = "example"
    __table_args__ = (_one_of("role", ROLES), Index(None, "scenario_sha256"))

    failure_id: Mapped[int] = mapped_column(ForeignKey(Failure.id), primary_key=True)
    scenario_sha256: Mapped[str] = mapped_column(ForeignKey(Scenario.sha256), primary_key=True)
    role: Mapped[str]
    origin: Mapped[str]
    build_id: Mapped[str]  # of the model that `digest` belongs to
    digest: Mapped[str]
    steps: Mapped[int]


class Sighting(Base):
    """A run has seen a failure."""

    __tablename__ = "sighting"
    __table_args__ = (Index(None, "failure_id"),)

    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id), primary_key=True)
    failure_id: Mapped[int] = mapped_column(ForeignKey(Failure.id), primary_key=True)


class Trace(Base):
    """What one model build did with a scenario, event by event."""

    __tablename__ = "trace"

    scenario_sha256: Mapped[str] = mapped_column(ForeignKey(Scenario.sha256), primary_key=True)
    build_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    steps: Mapped[int]
    outcome: Mapped[dict[str, Any]]  # as `workers.wire` writes it
    recorded_at: Mapped[datetime]


class Certificate(Base):
    """Why a failure's minimal scenario is minimal: all that was tried and no longer fails."""

    __tablename__ = "certificate"

    failure_id: Mapped[int] = mapped_column(ForeignKey(Failure.id), primary_key=True)
    scenario_sha256: Mapped[str] = mapped_column(ForeignKey(Scenario.sha256))
    build_id: Mapped[str]
    content: Mapped[dict[str, Any]]  # `fuzz.certificate.Certificate` as JSON
    recorded_at: Mapped[datetime]
