# SPDX-License-Identifier: MIT
"""The farm on one screen: who works, what is owed, what was done, what needs a person.

Contract: the two forms show the same figures (`workers.figures`), with the workers one by one.
"""

from collections import Counter
from dataclasses import asdict
from typing import Any

from triage.terminal import BAD, BOLD, GOOD, fields, paint, table
from workers.figures import Figures
from workers.records import WorkerRow
from workers.schema import HELD


def to_json(figures: Figures, workers: list[WorkerRow]) -> dict[str, Any]:
    return {
        "farm": figures.farm.farm_id,
        "paused": figures.farm.paused,
        "draining": figures.farm.draining,
        "scheduler": figures.scheduler,
        "slots": figures.slots,
        "busy": figures.busy,
        "jobs": [
            {"queue": queue, "state": state, "count": count}
            for (queue, state), count in sorted(figures.jobs.items())
        ],
        "queue_age_seconds": figures.queue_age,
        "runs": figures.stats.runs,
        "exit_kinds": figures.stats.exit_kinds,
        "failures": figures.stats.failures,
        "executions": figures.stats.executions,
        "steps": figures.stats.steps,
        "cpu_seconds": figures.stats.cpu_seconds,
        "entries": sum(figures.entries.values()),
        "features": max(figures.features.values(), default=0),
        "quarantined": figures.quarantined,
        "decisions": figures.decisions,
        "workers": [
            asdict(row)
            | {"started_at": row.started_at.isoformat(), "beat_at": row.beat_at.isoformat()}
            for row in workers
        ],
    }


def to_text(figures: Figures, workers: list[WorkerRow]) -> str:
    farm, stats = figures.farm, figures.stats
    mode = "paused" if farm.paused else "draining" if farm.draining else "running"
    owed: Counter[str] = Counter()
    for (_, state), count in figures.jobs.items():
        owed[state] += count
    held = owed.pop(HELD, 0)
    oldest = max(figures.queue_age.values(), default=0.0)
    aside = "mmfarm farm quarantine list"
    parts = [
        fields(
            [
                ("farm", f"{farm.farm_id}  {paint(mode, GOOD if mode == 'running' else BAD)}"),
                (
                    "scheduler",
                    figures.scheduler or paint("none: start `mmfarm farm scheduler`", BAD),
                ),
                (
                    "slots",
                    f"{figures.busy} of {figures.slots} busy"
                    if workers
                    else paint("no worker: start `mmfarm farm worker`", BAD),
                ),
                ("owed", _counts(owed) + (f", the oldest for {oldest:.0f} s" if oldest else "")),
                ("runs", _counts(stats.runs)),
                (
                    "executions",
                    f"{stats.executions:,}, {stats.steps:,} steps, {stats.cpu_seconds:,.0f} CPU s",
                ),
                (
                    "corpus",
                    f"{sum(figures.entries.values()):,} entries, "
                    f"{max(figures.features.values(), default=0):,} features",
                ),
                ("failures", _counts(stats.failures)),
                (
                    "quarantine",
                    "none"
                    if not figures.quarantined
                    else paint(f"{figures.quarantined}: `{aside}`", BAD),
                ),
                ("held", "none" if not held else paint(f"{held}: `{aside}`", BAD)),
            ]
        )
    ]
    if workers:
        rows = [
            (row.name, row.queues, f"{row.busy}/{row.slots}", row.build_id[:12], row.note)
            for row in workers
        ]
        parts.append(table(rows, heading=("WORKER", "QUEUES", "BUSY", "MODEL", "WAITS FOR")))
    return paint("mmfarm farm", BOLD) + "\n" + "\n\n".join(parts)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items())) or "none"
