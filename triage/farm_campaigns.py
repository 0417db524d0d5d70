# SPDX-License-Identifier: MIT
"""How campaigns are shown: a line, JSON."""

from dataclasses import asdict
from math import isfinite
from typing import Any, Final

from workers.campaigns import Estimate, model_of, named
from workers.records import CampaignRow, TrialRow
from workers.schema import CANARY, OPEN, PASSED

HEADING: Final = (
    "ID",
    "NAME",
    "STATE",
    "WEIGHT",
    "MODEL",
    "SLICES",
    "EXECUTIONS",
    "FEATURES",
    "NEW",
    "LEFT",
)
TRIALS: Final = 20  # of a canary, the newest


def model(row: CampaignRow) -> str:
    return model_of(row.bugs, row.kernel)


def line(row: CampaignRow, estimate: Estimate | None, trials: list[TrialRow]) -> tuple[str, ...]:
    state = row.state if row.plateau_at is None else f"{row.state}, plateau"
    begins = (
        named(row.id),
        row.name,
        state,
        f"{row.weight:g}",
        model(row) or "mended",
        f"{row.slices:,}",
        f"{row.executions:,}",
    )
    if row.kind == CANARY:
        return (*begins, trials_text(trials), "", "")
    if estimate is None or not estimate.slices:
        return (*begins, "-", "-", "-")
    high = f"{estimate.unseen_high:,.0f}" if isfinite(estimate.unseen_high) else "?"
    return (
        *begins,
        f"{estimate.seen:,}",
        f"{estimate.expected_new:.1f}",
        f"{estimate.unseen:,.0f} ({estimate.unseen_low:,.0f} to {high})",
    )


def trials_text(trials: list[TrialRow]) -> str:
    ended = [trial for trial in trials if trial.state != OPEN]
    if not ended:
        return "first trial runs" if trials else "-"
    passed = [trial.seconds for trial in ended if trial.state == PASSED]
    said = f"found {len(passed)} of {len(ended)}"
    return f"{said}, last in {passed[0]:.0f} s" if passed else said


def row_json(row: CampaignRow, estimate: Estimate | None, trials: list[TrialRow]) -> dict[str, Any]:
    said: dict[str, Any] = asdict(row) | {
        "id": named(row.id),
        "created_at": row.created_at.isoformat(),
        "plateau_at": row.plateau_at.isoformat() if row.plateau_at else None,
    }
    if estimate is not None:
        left = asdict(estimate)
        if not isfinite(estimate.unseen_high):
            left["unseen_high"] = None
        said["estimate"] = left
    if row.kind == CANARY:
        said["trials"] = [
            {
                "state": trial.state,
                "seconds": trial.seconds,
                "note": trial.note,
                "began_at": trial.began_at.isoformat(),
                "ended_at": trial.ended_at.isoformat() if trial.ended_at else None,
            }
            for trial in trials
        ]
    return said
