# SPDX-License-Identifier: MIT
"""Failures: filed under their signatures, and the way from new to minimized.

Contract: functions of an open connection; `Store` gives each its transaction. A failure is counted
once for each run that saw it, however often that is told. What moves one on takes the lease of who
did the work: None says that somebody else has it, whose result counts.

It does not promise to keep every scenario of a failure: beyond MAX_EXAMPLES only smaller ones are
kept (all are counted).
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import case, func, literal, select, tuple_, update
from sqlalchemy.engine import Connection

from conformance.compare import ORACLE as DISAGREEMENT
from corpus import disclosure
from corpus.text import parse
from fuzz.findings import Finding
from simulator.outcome import Outcome
from simulator.scenario import Scenario as Program
from workers import canaries, dialect, kin, ledger, notices, people
from workers.ledger import Lease
from workers.records import Recorded
from workers.schema import (
    EMBARGO,
    FOUND,
    MINIMAL,
    MINIMIZE,
    MINIMIZED,
    NEW,
    QUEUE_TRIAGE,
    UNREPRODUCIBLE,
    VERIFIED,
    VERIFY,
    Certificate,
    Example,
    Failure,
    Label,
    Run,
    Scenario,
    Sighting,
    Trace,
)
from workers.wire import outcome_to_json

# Enough for triage to see how a failure varies; an easy bug would store thousands a minute.
MAX_EXAMPLES: Final = 16


def scenario_key(text: str) -> str:
    """The name of a canonical scenario text."""
    return sha256(text.encode()).hexdigest()


def file(
    connection: Connection, now: datetime, findings: Iterable[Finding], run_id: int | None
) -> list[Recorded]:
    """File findings, of a run or of nobody's. Raises corpus.text.TextError."""
    # Sorted: two runs that lock the same failures must lock them in the same order.
    ordered = sorted(findings, key=lambda finding: str(finding.signature))
    return [record(connection, now, finding, run_id) for finding in ordered]


def record(connection: Connection, now: datetime, finding: Finding, run_id: int | None) -> Recorded:
    """File one finding under its signature; what is new is to be verified. A disagreement with a
    real kernel is minimal as it comes, and no run of the model alone can verify it."""
    state = MINIMIZED if finding.oracle == DISAGREEMENT else NEW
    canary = canaries.shown_by(connection, run_id, finding)
    if run_id is not None and not _stays(connection, run_id):
        # Its row went long ago, and what it had found until then was counted.
        run_id = None
        by_itself = (
            connection.execute(
                select(Failure.id).where(
                    Failure.oracle == finding.oracle,
                    Failure.culprit == finding.culprit,
                    Failure.object_class == finding.object_class,
                )
            ).first()
            is None
        )
    else:
        by_itself = True
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
        canary=canary,
    )
    last = arriving.excluded["last_seen"]
    id_, hides = connection.execute(
        arriving.on_conflict_do_update(
            index_elements=["oracle", "culprit", "object_class"],
            # Clocks of hosts differ: time shall not run backwards for it.
            set_={"last_seen": case((last > Failure.last_seen, last), else_=Failure.last_seen)},
        ).returning(Failure.id, Failure.canary)
    ).one()
    if canary is not None:
        canaries.seen(connection, now, canary)
        if hides != canary:  # others have found it: it is counted where they look
            return Recorded(failure_id=id_, first=False)
    elif hides is not None:
        canaries.reveal(connection, now, id_)
    counts = (
        connection.execute(
            dialect.upsert(connection, Sighting)
            .values(run_id=run_id, failure_id=id_)
            .on_conflict_do_nothing()
            .returning(Sighting.run_id)
        ).first()
        is not None
        if run_id is not None
        else by_itself
    )
    count, known_state = connection.execute(
        update(Failure)
        .where(Failure.id == id_)
        .values(count=Failure.count + int(counts), gone_since="")
        .returning(Failure.count, Failure.state)
    ).one()
    if counts:
        people.seen_again(connection, now, id_, finding.build_id)
    added = _add_example(connection, now, id_, finding)
    if added:
        _withhold(connection, now, id_, finding)
    if state == MINIMIZED and count == 1:
        _announce(connection, now, id_)
    if added and known_state == UNREPRODUCIBLE:
        # Another scenario of it may well replay: verify shall look again.
        set_values(connection, id_, state=NEW)
        known_state = NEW
    if known_state == NEW:
        ledger.owe(connection, now, VERIFY, id_, QUEUE_TRIAGE)
    return Recorded(failure_id=id_, first=count == 1)


def _stays(connection: Connection, run_id: int) -> bool:
    """Whether there is such a run; then it is there until this transaction ends."""
    return (
        connection.execute(
            select(Run.id).where(Run.id == run_id).with_for_update(key_share=True, read=True)
        ).first()
        is not None
    )


def _withhold(connection: Connection, now: datetime, failure_id: int, finding: Finding) -> None:
    """Put a failure under embargo that shows what is not disclosed."""
    if not disclosure.shows_one(parse(finding.text), finding.signature):
        return
    given = connection.execute(
        dialect.upsert(connection, Label)
        .values(failure_id=failure_id, name=EMBARGO)
        .on_conflict_do_nothing()
        .returning(Label.failure_id)
    ).first()
    if given is not None:
        ledger.decide(connection, now, people.named(failure_id), EMBARGO, disclosure.WHY)
        notices.withhold(connection, failure_id)


def keep(connection: Connection, now: datetime, failure_id: int, finding: Finding) -> None:
    """Keep one more scenario of a failure that is known; nobody has seen it again."""
    _add_example(connection, now, failure_id, finding)


def _add_example(connection: Connection, now: datetime, failure_id: int, finding: Finding) -> bool:
    """Keep the finding's scenario if it is worth it. Returns whether it is a new one."""
    scenario = parse(finding.text, f"finding {finding.signature}")
    size = tuple_(literal(len(scenario.ops)), literal(len(scenario.directives)))
    kept, not_larger = connection.execute(
        select(func.count(), func.count().filter(tuple_(Scenario.ops, Scenario.directives) <= size))
        .select_from(Example)
        .join(Scenario)
        .where(Example.failure_id == failure_id)
    ).one()
    if kept >= MAX_EXAMPLES and not_larger:
        return False
    key = _add_scenario(connection, now, finding.text, scenario)
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


def _add_scenario(connection: Connection, now: datetime, text: str, scenario: Program) -> str:
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


# --- from new to minimized -------------------------------------------------------------------


def verified(
    connection: Connection,
    now: datetime,
    lease: Lease,
    text: str,
    build_id: str,
    outcome: Outcome,
    note: str,
    side_finds: Iterable[Finding] = (),
) -> list[Recorded] | None:
    """Fresh processes replayed `text`: keep the trace, and have it minimized. Returns where
    the other finds were filed; None when somebody else has the job by now."""
    if not ledger.settle(connection, lease):
        return None
    if _move(connection, lease.subject, NEW, VERIFIED, note):
        key = scenario_key(text)
        connection.execute(
            update(Example)
            .where(Example.failure_id == lease.subject, Example.scenario_sha256 == key)
            .values(build_id=build_id, digest=outcome.digest, steps=outcome.steps)
        )
        _add_trace(connection, now, key, build_id, outcome)
        ledger.owe(connection, now, MINIMIZE, lease.subject, QUEUE_TRIAGE)
        _announce(connection, now, lease.subject)
    return file(connection, now, side_finds, None)


def unreproducible(
    connection: Connection,
    now: datetime,
    lease: Lease,
    note: str,
    side_finds: Iterable[Finding] = (),
) -> list[Recorded] | None:
    """No scenario of the failure replays; `note` says what happened instead."""
    if not ledger.settle(connection, lease):
        return None
    if _move(connection, lease.subject, NEW, UNREPRODUCIBLE, note):
        ledger.decide(connection, now, lease.name, "unreproducible", note)
        notices.owe(
            connection, now, notices.NONDETERMINISM, lease.name, f"its replays disagree: {note}"
        )
    return file(connection, now, side_finds, None)


def minimized(
    connection: Connection,
    now: datetime,
    lease: Lease,
    text: str,
    build_id: str,
    outcome: Outcome,
    certificate: dict[str, Any],
    note: str,
    side_finds: Iterable[Finding] = (),
    bugs: Iterable[str] = (),
) -> list[Recorded] | None:
    """Keep the minimal scenario with its trace and certificate. `bugs`: the known bugs without
    which it passes."""
    if not ledger.settle(connection, lease):
        return None
    failure_id = lease.subject
    if _move(connection, failure_id, VERIFIED, MINIMIZED, note):
        _keep_minimal(connection, now, failure_id, text, build_id, outcome, certificate)
        violation = outcome.violation
        if violation is not None:
            object_class = violation.signature.object_class
            kin.keep(connection, failure_id, kin.keys(text, violation.promise, object_class, bugs))
    return file(connection, now, side_finds, None)


def _announce(connection: Connection, now: datetime, failure_id: int) -> None:
    """Tell people of a find, once it is one."""
    row = connection.execute(select(Failure.__table__).where(Failure.id == failure_id)).one()
    if row.canary is None and people.is_news(row.verdict):
        words = f"{row.oracle} {row.culprit} {row.object_class}"
        notices.owe(
            connection,
            now,
            notices.FINDING,
            f"F{failure_id}",
            f"{words}: {row.promise}; `mmfarm triage show {failure_id}` draws it",
        )


def _keep_minimal(
    connection: Connection,
    now: datetime,
    failure_id: int,
    text: str,
    build_id: str,
    outcome: Outcome,
    certificate: dict[str, Any],
) -> None:
    key = _add_scenario(connection, now, text, parse(text))
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
    _add_trace(connection, now, key, build_id, outcome)
    proof = {
        "scenario_sha256": key,
        "build_id": build_id,
        "content": certificate,
        "recorded_at": now,
    }
    connection.execute(
        dialect.upsert(connection, Certificate)
        .values(failure_id=failure_id, **proof)
        .on_conflict_do_update(index_elements=["failure_id"], set_=proof)
    )


def _move(connection: Connection, id_: int, old: str, new: str, note: str) -> bool:
    moved = connection.execute(
        update(Failure).where(Failure.id == id_, Failure.state == old).values(state=new, note=note)
    )
    return moved.rowcount == 1


def set_values(connection: Connection, failure_id: int, **values: Any) -> None:
    connection.execute(update(Failure).where(Failure.id == failure_id).values(**values))


def _add_trace(
    connection: Connection, now: datetime, key: str, build_id: str, outcome: Outcome
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
