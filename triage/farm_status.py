# SPDX-License-Identifier: MIT
"""The farm on one screen: who works, what is owed, what was done, what needs a person.

Contract: `of` asks the store once; the two forms show the same. Ages are in seconds of the
database's time.
"""

from dataclasses import asdict
from typing import Any

from triage.terminal import BAD, BOLD, GOOD, fields, paint, table
from workers.reading import Status
from workers.store import Store


def of(store: Store) -> Status:
    return store.status()


def to_json(status: Status) -> dict[str, Any]:
    return asdict(status) | {
        "workers": [
            asdict(row) | {
                "started_at": row.started_at.isoformat(), "beat_at": row.beat_at.isoformat(),
            }
            for row in status.workers
        ],
    }


def to_text(status: Status) -> str:
    mode = "paused" if status.paused else "draining" if status.draining else "running"
    slots = sum(row.slots for row in status.workers)
    busy = sum(row.busy for row in status.workers)
    parts = [fields([
        ("farm", f"{status.farm_id}  {paint(mode, GOOD if mode == 'running' else BAD)}"),
        ("scheduler", status.scheduler or paint("none: start `mmfarm farm scheduler`", BAD)),
        ("slots", f"{busy} of {slots} busy" if slots else
                  paint("no worker: start `mmfarm farm worker`", BAD)),
        ("owed", _counts(status.owed) + (
            f", the oldest for {status.oldest_seconds:.0f} s" if status.owed else "")),
        ("runs", _counts(status.runs)),
        ("executions", f"{status.executions:,}, {status.steps:,} steps, "
                       f"{status.cpu_seconds:,.0f} CPU s"),
        ("corpus", f"{status.entries:,} entries, {status.features:,} features"),
        ("failures", _counts(status.failures)),
        ("quarantine", str(status.quarantined) if not status.quarantined else
            paint(f"{status.quarantined}: `mmfarm farm quarantine list`", BAD)),
        ("held", str(status.held) if not status.held else
            paint(f"{status.held}: `mmfarm farm quarantine list`", BAD)),
    ])]
    if status.workers:
        rows = [
            (row.name, row.queues, f"{row.busy}/{row.slots}", row.build_id[:12], row.note)
            for row in status.workers
        ]
        parts.append(table(rows, heading=("WORKER", "QUEUES", "BUSY", "MODEL", "WAITS FOR")))
    return paint("mmfarm farm", BOLD) + "\n" + "\n\n".join(parts)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items())) or "none"
