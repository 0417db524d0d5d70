# SPDX-License-Identifier: MIT
"""Scenarios that ran when a slice died by itself, until one knows what they are.

Contract: functions of an open connection; `Store` gives each its transaction. A suspect is kept
from all slices until it has run alone; if it dies alone, too, or slices die with it again and
again, it is quarantined until a person releases it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import case, update
from sqlalchemy.engine import Connection

from corpus.text import parse
from workers import dialect, entries, ledger, notices
from workers.ledger import Lease
from workers.schema import ALONE, CLEARED, QUARANTINED, QUEUE_TRIAGE, RELEASED, SUSPECTED, Suspect

# Slices that may die with a scenario that does no harm alone, before it is kept from them.
MAX_DEATHS: Final = 3


def suspect(connection: Connection, now: datetime, lease: Lease, text: str, how: str) -> None:
    """A slice died by itself while this ran: no other slice gets it until it has run
    alone."""
    note = f"a slice ended as {how} with it"
    arriving = dialect.upsert(connection, Suspect).values(
        sha256=entries.entry_key(entries.bare(parse(text))),
        text=text,
        state=SUSPECTED,
        deaths=1,
        run_id=lease.subject,
        note=note,
        first_seen=now,
        last_seen=now,
    )
    row = connection.execute(
        arriving.on_conflict_do_update(
            index_elements=["sha256"],
            set_={
                "deaths": Suspect.deaths + 1,
                "text": text,
                "run_id": lease.subject,
                "note": note,
                "last_seen": now,
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
        said = f"{row.deaths} slices died with it"
        ledger.decide(connection, now, subject, "quarantined", said)
        notices.owe(connection, now, notices.QUARANTINE, subject, said)


def tried_alone(
    connection: Connection, now: datetime, lease: Lease, deaths: int, note: str
) -> bool:
    """What came of a suspect run alone: with deaths it is quarantined, else cleared."""
    state = QUARANTINED if deaths else CLEARED
    if not ledger.settle(connection, lease):
        return False
    connection.execute(
        update(Suspect)
        .where(Suspect.id == lease.subject, Suspect.state == SUSPECTED)
        .values(state=state, deaths=Suspect.deaths + deaths, note=note)
    )
    ledger.decide(connection, now, lease.name, state, note)
    if deaths:
        notices.owe(connection, now, notices.QUARANTINE, lease.name, f"dies alone, too: {note}")
    return True


def release(connection: Connection, now: datetime, suspect_id: int) -> bool:
    """A person gives a quarantined scenario free. Returns whether there was one."""
    released = connection.execute(
        update(Suspect)
        .where(Suspect.id == suspect_id, Suspect.state == QUARANTINED)
        .values(state=RELEASED, deaths=0)
    )
    if released.rowcount:
        ledger.decide(connection, now, f"Q{suspect_id}", "released")
    return released.rowcount == 1
