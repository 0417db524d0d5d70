# SPDX-License-Identifier: MIT
"""What the counts of meetings (fuzz/meetings.py) say of those that have not been seen.

Contract: pure functions of counts, by ordered pair of op names "A B": in how many runs A came to an
object first and B of another actor then. Two figures of Good and Turing's kind: the share of
meetings that are of pairs seen in one run only is about the chance that the next meeting is of a
new pair; and Chao's lower bound of pairs that were never seen, Q1 (Q1 - 1) / (2 (Q2 + 1)), with Q1
pairs seen in one run and Q2 in two.

Both take runs for independent draws of one kind. A fuzzer's are not: it mutates what it found, and
aims at what has not met. They say whether looking on in the same way pays, not what is possible.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fuzz.meetings import can_meet
from simulator.ops import BY_NUMBER, OPS


@dataclass(frozen=True, slots=True)
class Estimate:
    """`met` pairs, `once` in one run only, `possible` by actors alone; `new_share` is the chance
    that the next meeting is of a new pair (None without any), `unseen` at least so many more."""

    met: int
    once: int
    possible: int
    new_share: float | None
    unseen: float


def names(counts: Mapping[int, int], nr_codes: int) -> dict[str, int]:
    """Counts by the names of the ops, for what leaves the process."""
    found = {}
    for pair, runs in counts.items():
        a, b = divmod(pair, nr_codes)
        found[f"{BY_NUMBER[a].name} {BY_NUMBER[b].name}"] = runs
    return found


def possible() -> list[tuple[str, str]]:
    """The pairs of ops that two actors may run; many of them have nothing to meet on."""
    return [(a.name, b.name) for a in OPS for b in OPS if can_meet(a.number, b.number)]


def estimate(counts: Mapping[str, int]) -> Estimate:
    """Of all pairs."""
    return _of(counts.values(), len(possible()))


def by_first(counts: Mapping[str, int]) -> dict[str, Estimate]:
    """By the op that comes first, in the order of the op table."""
    mine: dict[str, list[int]] = {}
    for pair, runs in counts.items():
        mine.setdefault(pair.partition(" ")[0], []).append(runs)
    could: dict[str, int] = {}
    for a, _ in possible():
        could[a] = could.get(a, 0) + 1
    return {name: _of(mine.get(name, []), nr) for name, nr in could.items()}


def unmet(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """By the op that comes first, those that never came after it, of ops that met anybody."""
    at_work = {name for pair in counts for name in pair.split(" ")}
    found: dict[str, list[str]] = {}
    for a, b in possible():
        if a in at_work and b in at_work and f"{a} {b}" not in counts:
            found.setdefault(a, []).append(b)
    return found


def never(counts: Mapping[str, int]) -> list[str]:
    """Ops that met nobody, first or last."""
    at_work = {name for pair in counts for name in pair.split(" ")}
    return [name for name in by_first({}) if name not in at_work]


def _of(counts: Iterable[int], could: int) -> Estimate:
    runs = list(counts)
    once, twice, meetings = runs.count(1), runs.count(2), sum(runs)
    return Estimate(
        len(runs),
        once,
        could,
        once / meetings if meetings else None,
        min(once * (once - 1) / (2 * (twice + 1)), could - len(runs)),
    )
