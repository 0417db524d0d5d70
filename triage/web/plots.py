# SPDX-License-Identifier: MIT
"""Small line plots as SVG, drawn by the server.

Contract: pure; the last value and the range stand in words below, for who does not see the line.
"""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Final

from markupsafe import Markup

WIDTH: Final = 320
HEIGHT: Final = 80
EDGE: Final = 4

Point = tuple[datetime, float]


def line(name: str, points: Sequence[Point]) -> Markup:
    """One series over time; a sentence where there are not two points."""
    if len(points) < 2:
        return Markup('<p class="dim">{}</p>').format(f"{name}: not enough runs yet")
    first, last = points[0][0], points[-1][0]
    seconds = max((last - first).total_seconds(), 1.0)
    top = max(max(value for _, value in points), 1.0)
    dots = " ".join(
        f"{EDGE + (WIDTH - 2 * EDGE) * (at - first).total_seconds() / seconds:.1f},"
        f"{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value / top:.1f}"
        for at, value in points
    )
    said = f"{name}: {points[-1][1]:,.0f} now, {top:,.0f} at most"
    when = f"{first:%b %d %H:%M} to {last:%b %d %H:%M} UTC"
    return Markup(
        f'<figure class="plot"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(said)}"><polyline points="{dots}"/></svg>'
        f'<figcaption>{escape(said)}<br><span class="dim">{escape(when)}</span></figcaption>'
        "</figure>"
    )


def growing(points: Sequence[Point]) -> list[Point]:
    """The sum up to each point."""
    total = 0.0
    grown = []
    for at, value in points:
        total += value
        grown.append((at, total))
    return grown
