# SPDX-License-Identifier: MIT
"""Ways to search against each other, over known bugs: what runs, and what the figures say.

Contract: a case is one hunt from nothing: a way, a bug, a seed. All ways get the same bugs, seeds
and limits, and a limit that is hit counts as the limit. `summarize` is a pure function of what the
hunts left; `survival` draws what was not found yet over executions, as SVG.

Ratios are to the whole system: for each bug of the mean executions, and of these the geometric
mean, so that a bug that takes long does not drown the others; with a bootstrap interval over
trials. Executions of a hunt that found nothing are those it did until its limit, which understates
ways that find less; a bug that neither found says nothing and is left out.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from random import Random
from typing import Final

from fuzz.portfolio import STRATEGIES
from simulator.bugs import BUGS
from triage import bench, ranks

WHOLE: Final = "whole"
BYTES: Final = "bytes"
# Name, the words of the slice's search, and its engine.
WAYS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    WHOLE: ((), "auto"),
    **{name: ((name,), "auto") for name in sorted(STRATEGIES) if name != "guided"},
    "no-meetings": (("no-meetings",), "auto"),
    "no-feedback": (("no-feedback",), "auto"),
    "random-walk-no-feedback": (("random-walk", "no-feedback"), "auto"),
    BYTES: ((), "bytes"),
}
LIMITS: Final = {"easy": 60.0, "medium": 60.0, "hard": 300.0}  # seconds
Figures = Mapping[str, object]  # bench.Trial.to_json()


@dataclass(frozen=True, slots=True)
class Line:
    """One way over all bugs. `ratio` is None without a trial of the whole system beside it."""

    way: str
    trials: int
    found: int
    bugs_found: int
    executions: float  # the median
    cpu_seconds: float
    ratio: float | None
    low: float
    high: float
    a12: float  # of the whole system: above 0.5 it needs less
    p: float


def draw(each: int, seed: int) -> list[str]:
    """So many bugs of each difficulty, those that are no negative control and not undisclosed; by
    difficulty, then in the order of the table."""
    rng = Random(seed)
    found: list[str] = []
    for difficulty in LIMITS:
        ids = [
            bug.id
            for bug in BUGS
            if bug.difficulty == difficulty and not bug.control and not bug.undisclosed
        ]
        chosen = set(rng.sample(ids, min(each, len(ids))))
        found += [bug for bug in ids if bug in chosen]
    return found


def limit_of(bug: str) -> float:
    """Seconds of one hunt, by the bug's difficulty."""
    return next(LIMITS[each.difficulty] for each in BUGS if each.id == bug)


def hunt(way: str, bug: str, seed: int, limit_seconds: float) -> bench.Trial:
    """One case."""
    search, engine = WAYS[way]
    return bench.hunt(bug, seed, limit_seconds, search=search, engine=engine)


def summarize(hunts: Mapping[tuple[str, str, int], Figures], seed: int = 1) -> list[Line]:
    """A line for each way that was tried, the whole system first. Keys are way, bug, trial."""
    by_way: dict[str, dict[str, list[Figures]]] = {}
    for (way, bug, _), row in sorted(hunts.items()):
        by_way.setdefault(way, {}).setdefault(bug, []).append(row)
    base = by_way.get(WHOLE, {})
    return [_line(way, by_way[way], base, seed) for way in WAYS if way in by_way]


def _line(
    way: str, mine: dict[str, list[Figures]], base: dict[str, list[Figures]], seed: int
) -> Line:
    every = [row for rows in mine.values() for row in rows]
    both = [
        bug for bug in mine if bug in base and any(row["found"] for row in (*mine[bug], *base[bug]))
    ]
    ratio, low, high, a12, p = None, 0.0, 0.0, 0.5, 1.0
    if both:
        groups = [_executions(mine[bug]) for bug in both] + [_executions(base[bug]) for bug in both]

        def of(drawn: Sequence[Sequence[float]]) -> float:
            return _ratio(drawn[: len(both)], drawn[len(both) :])

        ratio = of(groups)
        low, high = ranks.interval(groups, of, seed)
        a12 = statistics.fmean(
            ranks.a12(_executions(base[bug]), _executions(mine[bug])) for bug in both
        )
        p = _stouffer([(_executions(base[bug]), _executions(mine[bug])) for bug in both])
    return Line(
        way,
        len(every),
        sum(bool(row["found"]) for row in every),
        sum(any(row["found"] for row in rows) for rows in mine.values()),
        statistics.median(_executions(every)),
        statistics.median(float(str(row["cpu_seconds"])) for row in every),
        ratio,
        low,
        high,
        a12,
        p,
    )


def _executions(rows: Iterable[Figures]) -> list[float]:
    return [max(1.0, float(str(row["executions"]))) for row in rows]


def _ratio(mine: Sequence[Sequence[float]], base: Sequence[Sequence[float]]) -> float:
    logs = [
        math.log(statistics.fmean(a) / statistics.fmean(b)) for a, b in zip(mine, base, strict=True)
    ]
    return math.exp(statistics.fmean(logs))


def _stouffer(pairs: Sequence[tuple[list[float], list[float]]]) -> float:
    """One p of the Mann-Whitney tests of all bugs (Stouffer's method, with their signs)."""
    normal = statistics.NormalDist()
    total = 0.0
    for first, second in pairs:
        half = min(max(ranks.mann_whitney(first, second) / 2, 1e-12), 0.5)
        z = -normal.inv_cdf(half)
        total += z if ranks.a12(first, second) >= 0.5 else -z
    return math.erfc(abs(total / math.sqrt(len(pairs))) / math.sqrt(2))


HEADING: Final = (
    "way", "trials", "found", "bugs found", "median executions", "median CPU s",
    "executions to whole (95 %)", "A12", "p",
)  # fmt: skip


def cells(line: Line) -> tuple[str, ...]:
    """A line as text."""
    ratio = "" if line.ratio is None else f"{line.ratio:.2f} ({line.low:.2f} to {line.high:.2f})"
    return (
        line.way,
        str(line.trials),
        str(line.found),
        str(line.bugs_found),
        f"{line.executions:,.0f}",
        f"{line.cpu_seconds:,.1f}",
        ratio,
        f"{line.a12:.2f}",
        f"{line.p:.3f}",
    )


def to_json(line: Line) -> dict[str, object]:
    return {
        "way": line.way,
        "trials": line.trials,
        "found": line.found,
        "bugs_found": line.bugs_found,
        "median_executions": line.executions,
        "median_cpu_seconds": line.cpu_seconds,
        "ratio": line.ratio,
        "interval": [line.low, line.high],
        "a12": line.a12,
        "p": line.p,
    }


# --- the plot -------------------------------------------------------------------------------------

WIDTH: Final = 760
HEIGHT: Final = 420
LEFT: Final = 56
RIGHT: Final = 190  # room for the legend
TOP: Final = 20
BOTTOM: Final = 44
COLOURS: Final = (
    "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#e377c2", "#17becf",
    "#bcbd22", "#7f7f7f", "#393b79", "#637939", "#843c39", "#7b4173",
)  # fmt: skip


def survival(hunts: Mapping[tuple[str, str, int], Figures]) -> str:
    """The share of hunts that had found nothing yet after so many executions, a step line for each
    way, executions logarithmic. Hunts that end at their limit leave the count there (Kaplan and
    Meier)."""
    by_way: dict[str, list[tuple[float, bool]]] = {}
    for (way, _, _), row in sorted(hunts.items()):
        by_way.setdefault(way, []).append((_executions([row])[0], bool(row["found"])))
    most = max((n for rows in by_way.values() for n, _ in rows), default=10.0)
    decades = max(1.0, math.log10(most))

    def x(n: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(max(1.0, n)) / decades

    def y(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        out.append(
            f'<path d="M{LEFT} {y(share):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            f'<text x="{LEFT - 8}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        )
    for decade in range(int(decades) + 1):
        out.append(
            f'<text x="{x(10**decade):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{10**decade:,}</text>"
        )
    out.append(
        f'<text x="{LEFT}" y="{HEIGHT - 8}">executions; share of hunts without a find</text>'
    )
    for number, way in enumerate(name for name in WAYS if name in by_way):
        colour = COLOURS[number % len(COLOURS)]
        steps, share = [f"M{x(1):.1f} {y(1):.1f}"], 1.0
        rows = sorted(by_way[way], key=lambda row: (row[0], not row[1]))
        for at, (n, found) in enumerate(rows):
            steps.append(f"H{x(n):.1f}")
            if found:
                share *= 1 - 1 / (len(rows) - at)
                steps.append(f"V{y(share):.1f}")
        out.append(
            f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 14 + 18 * number}" fill="{colour}">'
            f"{escape(way)} ({share:.0%} left)</text>"
        )
    return "\n".join([*out, "</svg>", ""])
