# SPDX-License-Identifier: MIT
"""How runs are shown: a line, some figures, JSON."""

from dataclasses import asdict
from typing import Any, Final

from workers.records import RunRow

HEADING: Final = (
    "RUN",
    "STATE",
    "TRY",
    "SECONDS",
    "MODEL",
    "ENDED AS",
    "EXECUTIONS",
    "CREATED (UTC)",
)


def line(row: RunRow) -> tuple[str, ...]:
    figures = row.figures
    return (
        f"R{row.id}",
        row.state,
        str(row.attempt),
        f"{row.spec.get('seconds', 0):g}",
        ",".join(row.spec.get("bugs", [])) or "-",
        "-" if figures is None else figures.exit_kind,
        "-" if figures is None else f"{figures.executions:,}",
        f"{row.created_at:%Y-%m-%d %H:%M:%S}",
    )


def figures(row: RunRow) -> str:
    if row.figures is None:
        return "none yet"
    f = row.figures
    return (
        f"ended as {f.exit_kind}: {f.executions:,} executions, {f.steps:,} steps in "
        f"{f.seconds:.1f} s ({f.cpu_seconds:.1f} CPU s), {f.features:,} features, "
        f"{f.new_entries:,} new in the corpus"
    )


def row_json(row: RunRow) -> dict[str, Any]:
    moments = {
        name: moment.isoformat() if moment is not None else None
        for name, moment in (
            ("created_at", row.created_at),
            ("started_at", row.started_at),
            ("ended_at", row.ended_at),
        )
    }
    return {
        "id": f"R{row.id}",
        "order": row.spec,
        "state": row.state,
        "attempt": row.attempt,
        "note": row.note,
        "figures": None if row.figures is None else asdict(row.figures),
    } | moments
