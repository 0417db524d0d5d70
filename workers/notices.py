# SPDX-License-Identifier: MIT
"""What a person shall hear of: owed by the transaction that knows it, sent until it is taken.

Contract: functions of an open connection; `Store` gives each its transaction. `owe` keeps one
notice for a kind and a subject, however often it is told. `due` gives those to be sent and puts off
their next try, a little longer each time, so that a sender that dies or fails sends again later;
after MAX_TRIES nobody tries any more, and the row says why.

A text is made of words of ours, numbers and names of kernel functions: nothing secret is in it. Of
a failure under embargo it is the number alone, also when the embargo comes after the notice.
"""

import re
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.engine import Connection

from workers import dialect
from workers.records import NoticeRow
from workers.schema import EMBARGO, Label, Notice

FINDING: Final = "finding"
CANARY: Final = "canary"
QUARANTINE: Final = "quarantine"
NONDETERMINISM: Final = "nondeterminism"
DISK: Final = "disk"
PLATEAU: Final = "plateau"
KINDS: Final = (FINDING, CANARY, QUARANTINE, NONDETERMINISM, DISK, PLATEAU)

WITHHELD: Final = "under embargo: `mmfarm triage show` says more to who asks for it by its number"
_FAILURE: Final = re.compile(r"F(\d+)(?:@|$)", re.ASCII)

MAX_TRIES: Final = 12  # the waits below add up to most of a day
FIRST_WAIT_SECONDS: Final = 15.0
MAX_WAIT_SECONDS: Final = 3 * 3600.0


def owe(connection: Connection, now: datetime, kind: str, subject: str, text: str) -> None:
    assert kind in KINDS
    failure = _FAILURE.match(subject)
    if failure is not None and _is_embargoed(connection, int(failure[1])):
        text = WITHHELD
    connection.execute(
        dialect.upsert(connection, Notice)
        .values(
            kind=kind, subject=subject, text=text, created_at=now, due_at=now, tries=0, error=""
        )
        .on_conflict_do_nothing()
    )


def withhold(connection: Connection, failure_id: int) -> None:
    """Take the words out of all notices of a failure."""
    subject = f"F{failure_id}"
    connection.execute(
        update(Notice)
        .where(or_(Notice.subject == subject, Notice.subject.startswith(f"{subject}@")))
        .values(text=WITHHELD)
    )


def _is_embargoed(connection: Connection, failure_id: int) -> bool:
    query = select(Label.name).where(Label.failure_id == failure_id, Label.name == EMBARGO)
    return connection.execute(query).first() is not None


def due(connection: Connection, now: datetime, limit: int) -> list[NoticeRow]:
    """The oldest that are to be sent now; each counts as tried."""
    rows = connection.execute(
        select(Notice.__table__)
        .where(Notice.sent_at.is_(None), Notice.due_at <= now, Notice.tries < MAX_TRIES)
        .order_by(Notice.id)
        .limit(limit)
    ).all()
    found = []
    for row in rows:
        wait = min(FIRST_WAIT_SECONDS * 2.0**row.tries, MAX_WAIT_SECONDS)
        connection.execute(
            update(Notice)
            .where(Notice.id == row.id)
            .values(tries=row.tries + 1, due_at=now + timedelta(seconds=wait))
        )
        found.append(
            NoticeRow(
                row.id,
                row.kind,
                row.subject,
                row.text,
                row.created_at,
                row.tries + 1,
                None,
                row.error,
            )
        )
    return found


def sent(connection: Connection, now: datetime, notice_id: int, error: str) -> None:
    """How a try went; without an error it was the last."""
    values = {"error": error} if error else {"error": "", "sent_at": now}
    connection.execute(update(Notice).where(Notice.id == notice_id).values(**values))


def newest(connection: Connection, limit: int) -> list[NoticeRow]:
    rows = connection.execute(select(Notice.__table__).order_by(Notice.id.desc()).limit(limit))
    return [
        NoticeRow(
            row.id,
            row.kind,
            row.subject,
            row.text,
            row.created_at,
            row.tries,
            row.sent_at,
            row.error,
        )
        for row in rows
    ]


def unsent(connection: Connection) -> int:
    return connection.execute(
        select(func.count()).select_from(Notice).where(Notice.sent_at.is_(None))
    ).scalar_one()
