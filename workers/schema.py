# SPDX-License-Identifier: MIT
"""The tables of the farm's truth, as SQLAlchemy declarative classes.

Contract: what is queried is a column; JSON columns hold only what is read back whole. Every
constraint has a name made by one convention, so that a migration can drop it by name on both
dialects. `workers/migrations` creates exactly these tables, which a test compares.

Three kinds of tables: what the farm has found (failure, scenario, example, trace, certificate,
corpus), what it owes (job, the outbox and the ledger of leases in one; notice) and shall do
(campaign, trial), and what it did (run, decision, total).

It does not promise any behaviour: `workers.store` and the modules it opens connections for are
the only ones that read or write rows.
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
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from corpus import disclosure

# States of a failure. Only verify and minimize move it on; nothing moves it back.
NEW: Final = "new"  # recorded, not yet replayed outside the slice that found it
VERIFIED: Final = "verified"  # fresh processes agree on signature and digest
MINIMIZED: Final = "minimized"  # has a minimal scenario, and its certificate if the model judged
UNREPRODUCIBLE: Final = "unreproducible"  # replays disagree: a bug of ours, never silently dropped
FAILURE_STATES: Final = (NEW, VERIFIED, MINIMIZED, UNREPRODUCIBLE)

# What people have said of a failure; see `workers.people`.
UNJUDGED: Final = "open"
DUP: Final = "dup"  # of another failure
INVALID: Final = "invalid"  # the model or its oracle is wrong
UNRELATED: Final = "unrelated"  # true, and nothing that anybody here wants to hear of again
FIXED: Final = "fixed"
VERDICTS: Final = (UNJUDGED, DUP, INVALID, UNRELATED, FIXED)

# A failure with this label is not exported, and shown only to who has asked for it by name.
EMBARGO: Final = disclosure.EMBARGO

# States of a run.
QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"  # its slice ended and was recorded, whatever `exit_kind` says
ABANDONED: Final = "abandoned"  # the work itself failed each time; `retry` orders it again
RUN_STATES: Final = (QUEUED, RUNNING, DONE, ABANDONED)

# What a job does, with what its subject is.
FUZZ: Final = "fuzz"  # a slice; a run
VERIFY: Final = "verify"  # replay a new failure
MINIMIZE: Final = "minimize"  # make a verified failure minimal
ALONE: Final = "alone"  # run a suspect scenario in a process of its own
DISTILL: Final = "distill"  # retire what a corpus does not need; a feature map
CONFORM: Final = "conform"  # random scenarios on a real kernel and on the model; a run
JOB_KINDS: Final = (FUZZ, VERIFY, MINIMIZE, ALONE, DISTILL, CONFORM)
OF_RUNS: Final = (FUZZ, CONFORM)  # whose subject is a run

# Where a job waits: a queue of the broker, or this machine, where `mmfarm run` does it.
QUEUE_FUZZ: Final = "fuzz"
QUEUE_TRIAGE: Final = "triage"
QUEUE_KERNEL: Final = "kernel"  # served by workers that were told to: their kernel is asked
QUEUE_LOCAL: Final = "local"
DEFAULT_QUEUES: Final = (QUEUE_FUZZ, QUEUE_TRIAGE)
BROKER_QUEUES: Final = (*DEFAULT_QUEUES, QUEUE_KERNEL)
QUEUES: Final = (*BROKER_QUEUES, QUEUE_LOCAL)

# States of a job. One that is done is no row.
READY: Final = "ready"
LEASED: Final = "leased"
HELD: Final = "held"  # the work itself failed too often: a person decides (`mmfarm farm retry`)
JOB_STATES: Final = (READY, LEASED, HELD)

# States of a scenario that ran when a slice died by itself.
SUSPECTED: Final = "suspected"  # no slice gets it until it has run alone
CLEARED: Final = "cleared"  # alone it does no harm
QUARANTINED: Final = "quarantined"  # alone it dies, too: no slice gets it any more
RELEASED: Final = "released"  # by a person
SUSPECT_STATES: Final = (SUSPECTED, CLEARED, QUARANTINED, RELEASED)
WITHHELD: Final = (SUSPECTED, QUARANTINED)

# What a campaign is for.
FUZZING: Final = "fuzz"
CANARY: Final = "canary"  # a known bug that the farm has to find again and again
KERNEL: Final = "kernel"  # a real kernel is asked
CAMPAIGN_KINDS: Final = (FUZZING, CANARY, KERNEL)

# States of a campaign.
ACTIVE: Final = "active"
ENDED: Final = "ended"
CAMPAIGN_STATES: Final = (ACTIVE, ENDED)

# How a canary's trial stands.
OPEN: Final = "open"
PASSED: Final = "passed"
MISSED: Final = "missed"
TRIAL_STATES: Final = (OPEN, PASSED, MISSED)

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
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime,
        str: Text,
        bytes: LargeBinary,
        dict[str, Any]: JSON,
    }


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Failure(Base):
    """All sightings of one signature."""

    __tablename__ = "failure"
    __table_args__ = (
        UniqueConstraint("oracle", "culprit", "object_class"),
        _one_of("state", FAILURE_STATES),
        _one_of("verdict", VERDICTS),
        # An order of a list each (`workers.listing`), and what a person should look at next. The
        # index of words is made by revision 0005 alone: each database has another.
        Index(None, "count", "id"),
        Index(None, "last_seen", "id"),
        Index(None, "first_seen", "id"),
        Index(None, "verdict", "state", "count", "id"),
        Index(None, "family"),
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
    note: Mapped[str]  # why it is unreproducible, or what stopped the last attempt; else empty
    # Since revision 0003: the canary that alone has shown it, so that nobody takes it for a find.
    canary: Mapped[int | None]
    past_runs: Mapped[int] = mapped_column(server_default="0")  # that saw it; their rows are gone
    # Since revision 0004, by people: what it is, why or in what it is fixed, of which it is a dup.
    verdict: Mapped[str] = mapped_column(server_default=UNJUDGED)
    reason: Mapped[str] = mapped_column(server_default="")
    dup_of: Mapped[int | None]
    # By the model: the first failure of the same cause; NULL while there is no other. `alone`: a
    # person has taken it out of its family.
    family: Mapped[int | None]
    alone: Mapped[bool] = mapped_column(server_default="0")
    # Since revision 0006: the first model build that no longer showed it; empty while one does.
    gone_since: Mapped[str] = mapped_column(server_default="")


class Scenario(Base):
    """A canonical scenario text, stored once."""

    __tablename__ = "scenario"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    ops: Mapped[int]
    directives: Mapped[int]
    first_seen: Mapped[datetime]


class Campaign(Base):
    """What the farm fuzzes by itself, all the time: a model, and its share of the slots."""

    __tablename__ = "campaign"
    __table_args__ = (
        _one_of("kind", CAMPAIGN_KINDS),
        _one_of("state", CAMPAIGN_STATES),
        UniqueConstraint("name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    bugs: Mapped[list[str]] = mapped_column(JSON)
    kernel: Mapped[str]  # `kernel=` of the model; empty: the mended model
    weight: Mapped[float]  # its share of the slots, beside the other campaigns' weights
    slice_seconds: Mapped[float]
    given: Mapped[float]  # seconds of slices ordered, each divided by the weight of its moment
    created_at: Mapped[datetime]
    slices: Mapped[int]  # that ended
    executions: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]  # of slices
    plateau_at: Mapped[datetime | None]  # since when nothing new comes; NULL while it does


class Trial(Base):
    """A canary's bug, to be found within `limit_seconds` of its slices."""

    __tablename__ = "trial"
    __table_args__ = (_one_of("state", TRIAL_STATES), Index(None, "campaign_id", "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id))
    state: Mapped[str]
    began_at: Mapped[datetime]
    found_at: Mapped[datetime | None]  # a slice has shown it
    ended_at: Mapped[datetime | None]  # it is minimal, or was missed
    began_seconds: Mapped[float]  # of the campaign, when it began
    seconds: Mapped[float]  # of slices until it was found; of all when it was missed
    limit_seconds: Mapped[float]
    note: Mapped[str]


class Run(Base):
    """One slice of fuzzing: the order, and the figures of the attempt that ended it."""

    __tablename__ = "run"
    __table_args__ = (_one_of("state", RUN_STATES), Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempt: Mapped[int]  # how often somebody has begun it; results are accepted once
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]  # of the last attempt
    ended_at: Mapped[datetime | None]
    exit_kind: Mapped[str | None]
    executions: Mapped[int] = mapped_column(BigInteger)  # a farm counts past 2^31
    steps: Mapped[int] = mapped_column(BigInteger, server_default="0")  # since revision 0002
    seconds: Mapped[float]
    cpu_seconds: Mapped[float]
    features: Mapped[int]
    new_entries: Mapped[int]
    # The slice's last words about itself, internal errors of ours among them.
    statistics: Mapped[dict[str, Any]]
    note: Mapped[str]  # what went wrong: lost findings, the end of the log; else empty
    campaign_id: Mapped[int | None]  # since revision 0003; NULL: ordered by a person
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


class Label(Base):
    """A word that people have given to a failure."""

    __tablename__ = "label"
    __table_args__ = (Index(None, "name"),)

    failure_id: Mapped[int] = mapped_column(ForeignKey(Failure.id), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class Kin(Base):
    """What the model says of a failure's cause: failures that share a key are of one family."""

    __tablename__ = "kin"
    __table_args__ = (Index(None, "failure_id"),)

    kind: Mapped[str] = mapped_column(primary_key=True)  # see `workers.kin`
    key: Mapped[str] = mapped_column(primary_key=True)
    failure_id: Mapped[int] = mapped_column(ForeignKey(Failure.id), primary_key=True)


class Judgement(Base):
    """One thing that a person has said of a failure, and what there was before, for `undo`."""

    __tablename__ = "judgement"
    __table_args__ = (Index(None, "failure_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    failure_id: Mapped[int] = mapped_column(ForeignKey(Failure.id))
    verb: Mapped[str]
    text: Mapped[str]
    before: Mapped[dict[str, Any]]
    undone_at: Mapped[datetime | None]


class Confirmation(Base):
    """What a real kernel says of a failure's scenario, as of `mmfarm confirm`."""

    __tablename__ = "confirmation"

    failure_id: Mapped[int] = mapped_column(ForeignKey(Failure.id), primary_key=True)
    scenario_sha256: Mapped[str] = mapped_column(primary_key=True)
    kernel: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    verdict: Mapped[str]
    same: Mapped[int]  # repetitions that gave this verdict
    tried: Mapped[int]  # repetitions
    why: Mapped[str]
    at: Mapped[datetime]


class Farm(Base):
    """The one row that says which farm this is. `farm_id` stands in keys and messages, for
    several farms may share a broker."""

    __tablename__ = "farm"

    id: Mapped[int] = mapped_column(primary_key=True)  # always 1
    farm_id: Mapped[str]
    created_at: Mapped[datetime]
    paused: Mapped[bool]  # no job is leased
    draining: Mapped[bool]  # no slice is leased; what was found is brought to its end
    corpus_seq: Mapped[int] = mapped_column(BigInteger)  # the last that was given


class Lock(Base):
    """Held by one process until a moment: a holder that died is waited for no longer."""

    __tablename__ = "lock"

    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    until: Mapped[datetime]


class Job(Base):
    """Work that is owed: written with the state that needs it, gone with its result. It is the
    outbox (sent_at) and the ledger (leases, attempts) of one piece of work."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        _one_of("kind", JOB_KINDS),
        _one_of("queue", QUEUES),
        _one_of("state", JOB_STATES),
        Index(None, "state", "queue", "due_at"),
        # A number that was given again would make an old lease one of another job.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[int]  # the id of what it is about, by kind
    queue: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]  # not before
    sent_at: Mapped[datetime | None]  # when its last message was given to the broker
    leases: Mapped[int]  # given so far; the number of the last one is its name
    leased_until: Mapped[datetime | None]
    worker: Mapped[str]  # who has the last lease
    attempts: Mapped[int]  # that the work itself brought down
    setbacks: Mapped[int]  # in a row that the infrastructure brought down: the wait grows
    note: Mapped[str]  # what went wrong last


class Worker(Base):
    """A process that takes jobs. Its row goes when it ends, or when it is not heard of."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    queues: Mapped[str]  # separated by commas
    slots: Mapped[int]
    busy: Mapped[int]
    build_id: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    note: Mapped[str]  # what it waits for


class Suspect(Base):
    """A scenario that ran when a slice died by itself."""

    __tablename__ = "suspect"
    __table_args__ = (_one_of("state", SUSPECT_STATES), Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)  # of its bare text, as in the corpus
    text: Mapped[str]  # with the model it died on
    state: Mapped[str]
    deaths: Mapped[int]  # of slices, and alone
    run_id: Mapped[int]  # that died last with it
    note: Mapped[str]  # how
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class Entry(Base):
    """A scenario of the corpus. Ordered by `seq` in which transactions commit, so that who has
    seen all up to a number needs only what is above it."""

    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("model", "sha256"), Index(None, "model", "retired_at"))

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    model: Mapped[str]  # the bugs and the kernel that it is kept for; empty: the mended model
    sha256: Mapped[str]  # of the bare text: no headers, nothing that chooses the model
    packed: Mapped[bytes]  # the text, compressed
    origin: Mapped[str]
    run_id: Mapped[int | None]
    added_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]  # others show all that it shows


class EntryFeatures(Base):
    """What a model build shows when it runs an entry. A row without features and with `given_at`:
    a slice was given it and has not come back; without either: it has run and did no harm."""

    __tablename__ = "entry_features"
    __table_args__ = (Index(None, "given_at"),)

    seq: Mapped[int] = mapped_column(ForeignKey(Entry.seq), primary_key=True)
    build_id: Mapped[str] = mapped_column(primary_key=True)
    packed: Mapped[bytes]  # a map of features, compressed; empty: not measured
    count: Mapped[int]
    given_at: Mapped[datetime | None]  # since revision 0003


class FeatureMap(Base):
    """All features that a model build has shown: who shows nothing new is not kept."""

    __tablename__ = "feature_map"
    __table_args__ = (UniqueConstraint("model", "build_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    build_id: Mapped[str]
    packed: Mapped[bytes]
    features: Mapped[int]
    entries: Mapped[int]  # kept since it was distilled last
    # Entries up to this one were given to slices to be measured on this build.
    given: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]
    # Since revision 0003. Slices that told all that they showed, and of that what one alone of
    # them has shown, what two have, what more have: estimates are made of these.
    slices: Mapped[int] = mapped_column(server_default="0")
    once: Mapped[bytes | None]
    twice: Mapped[bytes | None]
    often: Mapped[bytes | None]
    new_at_slice: Mapped[int] = mapped_column(server_default="0")  # the last with something new


class Decision(Base):
    """What the farm decided by itself, and why: `mmfarm why ID`."""

    __tablename__ = "decision"
    __table_args__ = (Index(None, "subject"), Index(None, "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    subject: Mapped[str]  # R12, F12, Q12, C12
    code: Mapped[str]
    detail: Mapped[str]


class Total(Base):
    """Sums over rows that are gone, by name: `executions`, `exit_kind:ok`, `decision:rest`. Times
    are milliseconds, so that all are whole numbers."""

    __tablename__ = "total"

    name: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class Notice(Base):
    """What a person shall hear of: one message, sent until somebody takes it."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("kind", "subject"), Index(None, "sent_at", "due_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]  # the next try
    tries: Mapped[int]
    sent_at: Mapped[datetime | None]
    error: Mapped[str]  # of the last try
