# SPDX-License-Identifier: MIT
"""What people say of failures, and how they take it back.

Contract: functions of an open connection; `Store` gives each its transaction. Each thing that is
said is a row with what there was before, so that `undo` takes back the last one that still stands,
then the one before it. `PeopleError` says why something cannot be said of a failure.

A failure that is `fixed` opens again by itself when a model build shows it that was not there when
it was said (`seen_again`); one that is not open is no news to anybody (`is_news`).
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection

from workers import dialect, kin, ledger, notices
from workers.records import JudgementRow
from workers.schema import (
    DUP,
    EMBARGO,
    FIXED,
    NEW,
    QUEUE_TRIAGE,
    READY,
    UNJUDGED,
    VERIFY,
    Example,
    Failure,
    Job,
    Judgement,
    Label,
    Worker,
)

MAX_TEXT: Final = 4000  # characters of a note: a screen or two
LABEL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
NOTE: Final = "note"
LABELLED: Final = "label"
UNDUP: Final = "undup"
REDO: Final = "redo"
REOPEN: Final = "reopen"
VERBS: Final = {UNJUDGED: REOPEN, FIXED: "fixed-in"}  # of verdicts; others are called alike


class PeopleError(Exception):
    """It cannot be said of this failure; the message says why."""


def named(failure_id: int) -> str:
    return f"F{failure_id}"


def note(connection: Connection, now: datetime, failure_id: int, text: str) -> None:
    if not text.strip():
        raise PeopleError("an empty note says nothing")
    _write(connection, now, failure_id, NOTE, text.strip())


def label(connection: Connection, now: datetime, failure_id: int, name: str, *, on: bool) -> None:
    """Give a label, or take it."""
    if not LABEL.fullmatch(name):
        raise PeopleError(f"{name!r} is no label: small letters, digits, `.`, `_`, `-`, at most 40")
    _write(connection, now, failure_id, LABELLED, name if on else f"not {name}")
    if on:
        connection.execute(
            dialect.upsert(connection, Label)
            .values(failure_id=failure_id, name=name)
            .on_conflict_do_nothing()
        )
        if name == EMBARGO:
            notices.withhold(connection, failure_id)
    else:
        _drop_label(connection, failure_id, name)


def judge(
    connection: Connection,
    now: datetime,
    failure_id: int,
    verdict: str,
    reason: str = "",
    dup_of: int | None = None,
) -> None:
    """Say what a failure is. A dup is one of the failure that its original is a dup of."""
    if verdict == DUP:
        dup_of = _original(connection, failure_id, dup_of)
        reason = reason or f"of {named(dup_of)}"
    elif verdict == FIXED and not reason.strip():
        raise PeopleError("say what it is fixed in: a version, a commit, a patch")
    _write(connection, now, failure_id, VERBS.get(verdict, verdict), reason)
    _set(connection, failure_id, verdict=verdict, reason=reason, dup_of=dup_of)


def undup(connection: Connection, now: datetime, failure_id: int) -> None:
    """It stands for itself: no dup by a person's word, and of no family by the model's."""
    _write(connection, now, failure_id, UNDUP, "")
    row = _row(connection, failure_id)
    if row.verdict == DUP:
        _set(connection, failure_id, verdict=UNJUDGED, reason="", dup_of=None)
    if not row.alone:
        kin.leave(connection, failure_id)


def redo(connection: Connection, now: datetime, failure_id: int) -> None:
    """Verify and minimize it again, on the model as it is now."""
    _write(connection, now, failure_id, REDO, "")
    _set(connection, failure_id, state=NEW, note="")
    ledger.owe(connection, now, VERIFY, failure_id, QUEUE_TRIAGE)
    ledger.decide(connection, now, named(failure_id), "operator", "verify and minimize again")


def undo(connection: Connection, now: datetime, failure_id: int) -> str:
    """Take back what was said last. Returns what that was."""
    _row(connection, failure_id)
    last = connection.execute(
        select(Judgement.__table__)
        .where(Judgement.failure_id == failure_id, Judgement.undone_at.is_(None))
        .order_by(Judgement.id.desc())
        .limit(1)
    ).first()
    if last is None:
        raise PeopleError(f"nobody has said anything of {named(failure_id)} that still stands")
    if last.verb == REDO:
        _do_not_redo(connection, failure_id, last.before["state"])
    connection.execute(update(Judgement).where(Judgement.id == last.id).values(undone_at=now))
    before = last.before
    _set(
        connection,
        failure_id,
        verdict=before["verdict"],
        reason=before["reason"],
        dup_of=before["dup_of"],
    )
    connection.execute(delete(Label).where(Label.failure_id == failure_id))
    for name in before["labels"]:
        connection.execute(insert(Label).values(failure_id=failure_id, name=name))
    if last.verb == UNDUP and not before["alone"]:
        kin.come_back(connection, failure_id)
    return f"{last.verb} {last.text}".strip()


def said(connection: Connection, failure_id: int) -> list[JudgementRow]:
    """All that was said of a failure, in order, also what was taken back."""
    query = (
        select(Judgement.__table__).where(Judgement.failure_id == failure_id).order_by(Judgement.id)
    )
    return [
        JudgementRow(row.id, row.at, row.failure_id, row.verb, row.text, row.undone_at)
        for row in connection.execute(query)
    ]


def is_news(verdict: str) -> bool:
    """Whether people want to hear of a failure of this verdict."""
    return verdict == UNJUDGED


def seen_again(connection: Connection, now: datetime, failure_id: int, build_id: str) -> None:
    """A run has shown a failure. If it was said to be fixed before this build was known, it is
    open again."""
    row = _row(connection, failure_id)
    if row.verdict != FIXED or build_id in _builds(connection, failure_id):
        return
    why = f"seen again on model {build_id[:12]}, though fixed in {row.reason}"
    _set(connection, failure_id, verdict=UNJUDGED, reason=why)
    ledger.decide(connection, now, named(failure_id), "reopened", why)
    notices.owe(connection, now, notices.FINDING, f"{named(failure_id)}@{build_id[:12]}", why)


def _builds(connection: Connection, failure_id: int) -> set[str]:
    """The model builds that were there when a failure was said to be fixed."""
    last = connection.execute(
        select(Judgement.before)
        .where(
            Judgement.failure_id == failure_id,
            Judgement.verb == VERBS[FIXED],
            Judgement.undone_at.is_(None),
        )
        .order_by(Judgement.id.desc())
        .limit(1)
    ).scalar()
    return set(last["builds"]) if last is not None else set()


def _do_not_redo(connection: Connection, failure_id: int, state: str) -> None:
    """Take the work off the books, as long as nobody has begun it."""
    gone = connection.execute(
        delete(Job).where(Job.kind == VERIFY, Job.subject == failure_id, Job.state == READY)
    )
    if gone.rowcount != 1:
        raise PeopleError(f"{named(failure_id)} is being verified again, or has been")
    _set(connection, failure_id, state=state)


def _original(connection: Connection, failure_id: int, of: int | None) -> int:
    """The failure at the end of the dups that `of` leads to."""
    if of is None:
        raise PeopleError("say of which failure it is a dup")
    seen = {failure_id}
    while of is not None:
        if of in seen:
            raise PeopleError(f"{named(failure_id)} would be a dup of itself")
        seen.add(of)
        end, of = of, _row(connection, of).dup_of
    return end


def _drop_label(connection: Connection, failure_id: int, name: str) -> None:
    gone = connection.execute(
        delete(Label).where(Label.failure_id == failure_id, Label.name == name)
    )
    if gone.rowcount != 1:
        raise PeopleError(f"{named(failure_id)} has no label {name}")


def _write(connection: Connection, now: datetime, failure_id: int, verb: str, text: str) -> None:
    """Keep what is said, with what there was before."""
    if len(text) > MAX_TEXT:
        raise PeopleError(f"{len(text):,} characters are too many: {MAX_TEXT:,} at most")
    row = _row(connection, failure_id)
    builds: Sequence[str] = ()
    if verb == VERBS[FIXED]:
        known = select(Example.build_id).where(Example.failure_id == failure_id)
        builds = sorted(
            {*connection.execute(known).scalars()}
            | {*connection.execute(select(Worker.build_id)).scalars()}
        )
    before: dict[str, Any] = {
        "verdict": row.verdict,
        "reason": row.reason,
        "dup_of": row.dup_of,
        "alone": row.alone,
        "state": row.state,
        "labels": sorted(
            connection.execute(select(Label.name).where(Label.failure_id == failure_id)).scalars()
        ),
        "builds": builds,
    }
    connection.execute(
        insert(Judgement).values(at=now, failure_id=failure_id, verb=verb, text=text, before=before)
    )


def _row(connection: Connection, failure_id: int) -> Any:
    row = connection.execute(select(Failure.__table__).where(Failure.id == failure_id)).first()
    if row is None:
        raise PeopleError(f"no failure has the number {failure_id}; `mmfarm triage list`")
    return row


def _set(connection: Connection, failure_id: int, **values: Any) -> None:
    connection.execute(update(Failure).where(Failure.id == failure_id).values(**values))


def count_unjudged(connection: Connection) -> int:
    """How many failures wait for a person."""
    return connection.execute(
        select(func.count())
        .select_from(Failure)
        .where(Failure.verdict == UNJUDGED, Failure.canary.is_(None))
    ).scalar_one()
