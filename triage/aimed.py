# SPDX-License-Identifier: MIT
"""What became of a focus: how often its functions and sites ran, and where others came in.

Contract: pure functions of counts by site. A function "ran" as often as the site of it that was
passed most: every call passes some, few pass all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from triage.terminal import BAD, paint, table

MAX_ROWS: Final = 24  # those that ran least; all of them stand in the JSON
MAX_NAMES: Final = 4  # labels of sites in one row


@dataclass(frozen=True, slots=True)
class Row:
    """One function: how often it ran, its sites, at how many of them somebody else came in, and
    the labels of those that were never passed, or passed by one actor alone."""

    function: str
    ran: int
    sites: int
    preempted_at: int
    never: tuple[str, ...]
    undisturbed: tuple[str, ...]


def rows(focus: Sequence[str], passed: Mapping[str, int], left: Mapping[str, int]) -> list[Row]:
    """By function, those that ran least first."""
    labels: dict[str, list[str]] = {}
    for site in sorted(focus):
        function, _, label = site.partition(":")
        labels.setdefault(function, []).append(label)
    found = []
    for function, mine in labels.items():
        sites = {label: f"{function}:{label}" for label in mine}
        found.append(
            Row(
                function,
                max(passed.get(site, 0) for site in sites.values()),
                len(mine),
                sum(left.get(site, 0) > 0 for site in sites.values()),
                tuple(label for label, site in sites.items() if not passed.get(site, 0)),
                tuple(
                    label
                    for label, site in sites.items()
                    if passed.get(site, 0) and not left.get(site, 0)
                ),
            )
        )
    return sorted(found, key=lambda row: (row.ran, row.function))


def text(found: Sequence[Row]) -> str:
    """A table for people."""
    lines = [
        (
            row.function,
            f"{row.ran:,}" if row.ran else "never",
            f"{row.preempted_at} of {row.sites}",
            _names(row.never),
            _names(row.undisturbed),
        )
        for row in found[:MAX_ROWS]
    ]
    parts = [
        table(lines, heading=("FOCUS", "RAN", "PREEMPTED AT", "NEVER PASSED", "NEVER PREEMPTED"))
    ]
    if len(found) > MAX_ROWS:
        parts.append(f"and {len(found) - MAX_ROWS} functions that ran more often, see --json")
    never = [row.function for row in found if not row.ran]
    if never:
        parts.append(paint(f"NOT REACHED: {', '.join(never)}", BAD))
    return "\n".join(parts)


def as_json(
    focus: Sequence[str], passed: Mapping[str, int], left: Mapping[str, int]
) -> dict[str, object]:
    """By function, and by site of it."""
    return {
        row.function: {
            "ran": row.ran,
            "sites": {
                site: {"passed": passed.get(site, 0), "preempted": left.get(site, 0)}
                for site in sorted(focus)
                if site.partition(":")[0] == row.function
            },
        }
        for row in rows(focus, passed, left)
    }


def _names(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:MAX_NAMES])
    more = len(labels) - MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
