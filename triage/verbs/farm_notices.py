# SPDX-License-Identifier: MIT
"""`mmfarm farm notices`: what the farm has told its operator."""

from dataclasses import asdict

import click

from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(min=1), help="The newest so many."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(limit: int, as_json: bool) -> int:
    """List the newest notices: findings, missed canaries, quarantine, nondeterminism, full disks.

    The scheduler writes each to its log, and gives it as JSON to the program that
    MMFARM_NOTICE_COMMAND names and to the address in MMFARM_NOTICE_URL (or the file that
    MMFARM_NOTICE_URL_FILE names), until they take it.
    """
    from triage import farm  # SQLAlchemy, which --help does not need

    with farm.opened() as store:
        rows = store.notices(limit)
    if as_json:
        write_json(
            [
                asdict(row)
                | {
                    "created_at": row.created_at.isoformat(),
                    "sent_at": row.sent_at.isoformat() if row.sent_at else None,
                }
                for row in rows
            ]
        )
    elif not rows:
        write("no notices")
    else:
        write(
            table(
                [
                    (
                        f"{row.created_at:%Y-%m-%d %H:%M:%S}",
                        row.kind,
                        row.subject,
                        "sent"
                        if row.sent_at
                        else f"{row.tries} tries: {row.error}"
                        if row.error
                        else "waits",
                        row.text,
                    )
                    for row in rows
                ],
                heading=("AT (UTC)", "KIND", "OF", "SENT", "TEXT"),
            )
        )
    return OK
