# SPDX-License-Identifier: MIT
"""What the store takes and gives: plain frozen values, so that nobody holds a database session.

Contract: datetimes are aware and UTC; everything else is JSON-ready but `Signature` and
`Outcome`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from simulator.outcome import Outcome, Signature


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a finding was filed, and whether its signature was new."""

    failure_id: int
    first: bool


CUT_OFF: Final = "cut-off"  # origin of what a minimizer had come to when it was stopped


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One line of `mmfarm triage list`."""

    id: int
    signature: Signature
    promise: str
    count: int
    first_seen: datetime
    last_seen: datetime
    state: str
    note: str
    runs: int  # in how many runs it was seen
    ops: int  # of the best scenario
    directives: int
    verdict: str = "open"  # what people say, and why
    reason: str = ""
    dup_of: int | None = None
    family: int | None = None  # the first failure of the same cause
    labels: tuple[str, ...] = ()
    gone_since: str = ""  # the first model build that no longer showed it


@dataclass(frozen=True, slots=True)
class ConfirmationRow:
    """What a real kernel says of a failure's scenario; `same` of `tried` repetitions said so."""

    failure_id: int
    scenario_sha256: str
    kernel: str
    version: str
    verdict: str
    same: int
    tried: int
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JudgementRow:
    """What a person has said of a failure."""

    id: int
    at: datetime
    failure_id: int
    verb: str
    text: str
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """A scenario of a failure, and what the model of `build_id` does with it."""

    sha256: str
    text: str
    ops: int
    directives: int
    role: str
    origin: str
    build_id: str
    digest: str
    steps: int


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """One failure with its best scenario: the minimal one, else the smallest."""

    failure: FailureRow
    best: ExampleRow
    examples: int  # how many scenarios of it are kept
    outcome: Outcome | None  # of `best` on its build, with the trace; None until verified,
    # and where an older mmfarm has kept it in another form
    certificate: dict[str, Any] | None  # `fuzz.certificate.Certificate` as JSON


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a slice reports about itself."""

    exit_kind: str
    executions: int = 0
    steps: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    features: int = 0
    new_entries: int = 0
    statistics: dict[str, Any] = field(default_factory=dict)  # `fuzz.statistics`, the last line
    in_flight: str | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    id: int
    spec: dict[str, Any]
    state: str
    attempt: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    note: str  # what went wrong: lost findings, the end of the log; else empty
    figures: RunFigures | None  # None until a slice has reported


@dataclass(frozen=True, slots=True)
class Stats:
    failures: dict[str, int]  # state -> how many
    runs: dict[str, int]  # state -> how many
    exit_kinds: dict[str, int]  # of runs that are done
    executions: int
    steps: int
    seconds: float
    cpu_seconds: float
    scenarios: int


@dataclass(frozen=True, slots=True)
class FarmRow:
    farm_id: str
    created_at: datetime
    paused: bool
    draining: bool


@dataclass(frozen=True, slots=True)
class JobRow:
    """Work that is owed; see `workers.schema.Job`."""

    id: int
    kind: str
    subject: int
    queue: str
    state: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    leases: int
    leased_until: datetime | None
    worker: str
    attempts: int
    setbacks: int
    note: str


@dataclass(frozen=True, slots=True)
class WorkerRow:
    name: str
    host: str
    queues: str
    slots: int
    busy: int
    build_id: str
    started_at: datetime
    beat_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class SuspectRow:
    """A scenario that ran when a slice died by itself."""

    id: int
    sha256: str
    text: str
    state: str
    deaths: int
    run_id: int
    note: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class DecisionRow:
    id: int
    at: datetime
    subject: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One message to a person; see `workers.notices`."""

    id: int
    kind: str
    subject: str
    text: str
    created_at: datetime
    tries: int
    sent_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """What the farm fuzzes by itself; see `workers.schema.Campaign`."""

    id: int
    name: str
    kind: str
    state: str
    bugs: list[str]
    kernel: str
    weight: float
    slice_seconds: float
    given: float
    created_at: datetime
    slices: int
    executions: int
    seconds: float
    plateau_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One time that a canary's bug had to be found; see `workers.schema.Trial`."""

    id: int
    campaign_id: int
    state: str
    began_at: datetime
    found_at: datetime | None
    ended_at: datetime | None
    began_seconds: float
    seconds: float
    limit_seconds: float
    note: str
