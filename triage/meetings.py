# SPDX-License-Identifier: MIT
"""Who met whom, for people and for programs: what `mmfarm run` says at its end.

Contract: pure functions of the counts that slices left (fuzz/meetings.py). A slice that died says
nothing of its meetings.
"""

from collections.abc import Mapping
from typing import Final

from fuzz import unmet
from fuzz.unmet import Estimate

MAX_LONELY: Final = 5  # ops that met few others; all of them stand in the JSON
MAX_NAMES: Final = 8


def text(counts: Mapping[str, int]) -> str:
    """Some lines; nothing without any meeting."""
    if not counts:
        return ""
    whole = unmet.estimate(counts)
    kinds = unmet.by_first(counts)
    lonely = sorted((each.met, name) for name, each in kinds.items() if each.met)[:MAX_LONELY]
    lines = [
        f"Who met whom: {whole.met:,} of {whole.possible:,} ordered pairs of ops that actors could "
        f"run met on one object, {whole.once:,} of them in one run only; "
        f"at least {whole.unseen:,.0f} more are to be expected, and one meeting in "
        f"{_one_in(whole)} is of a new pair.",
        "met fewest: "
        + ", ".join(f"{name} ({met} of {kinds[name].possible})" for met, name in lonely),
    ]
    if alone := unmet.never(counts):
        shown = ", ".join(alone[:MAX_NAMES])
        more = len(alone) - MAX_NAMES
        lines.append(f"met nobody: {shown}" + (f" and {more} more" if more > 0 else ""))
    return "\n".join(lines)


def as_json(counts: Mapping[str, int]) -> dict[str, object]:
    """All pairs, met and unmet, and the estimates."""
    return {
        "all": _estimate(unmet.estimate(counts)),
        "by_first": {name: _estimate(each) for name, each in unmet.by_first(counts).items()},
        "met": dict(sorted(counts.items())),
        "unmet": unmet.unmet(counts),
        "never": unmet.never(counts),
    }


def _estimate(made: Estimate) -> dict[str, object]:
    return {
        "met": made.met,
        "once": made.once,
        "possible": made.possible,
        "new_share": None if made.new_share is None else round(made.new_share, 6),
        "unseen": round(made.unseen, 1),
    }


def _one_in(whole: Estimate) -> str:
    return f"{1 / whole.new_share:,.0f}" if whole.new_share else "very many"
