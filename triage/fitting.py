# SPDX-License-Identifier: MIT
"""A drawing as a value, and as text: how columns share the width and lines are wrapped.

Contract: `render` is a pure function of a Diagram; no line is longer than the width that is asked
for. What is in a Diagram decides `triage.diagram`.
"""

from dataclasses import dataclass
from typing import Final

WIDTH: Final = 100  # what a mail and a terminal show without wrapping
GAP: Final = 3
NARROWEST: Final = 22  # a column below this breaks kernel function names
INDENT: Final = 2
MAX_INDENT: Final = 5  # levels; deeper calls are drawn at this one


@dataclass(frozen=True, slots=True)
class Column:
    """One CPU, or `other CPUs` (cpu -1) for what does not fit."""

    cpu: int
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the drawing: at `step`, in `column` (an index), `indent` levels deep.
    `kind` is op, call, step, or violation."""

    step: int
    column: int
    indent: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """Columns and rows in the order of time; `drawn` of `steps` steps are shown."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    drawn: int
    steps: int


def render(diagram: Diagram, width: int = WIDTH) -> str:
    """A laid out diagram as text of at most `width` columns."""
    if not diagram.columns:
        return "(the trace is empty)"
    widths = fit(diagram, width)
    gap = " " * GAP
    titles = [
        wrap(column.title, room, 0) for column, room in zip(diagram.columns, widths, strict=True)
    ]
    height = max(len(lines) for lines in titles)
    out = [
        gap.join(
            (lines[i] if i < len(lines) else "").ljust(room)
            for lines, room in zip(titles, widths, strict=True)
        )
        for i in range(height)
    ]
    out.append(gap.join("-" * room for room in widths))
    for row in diagram.rows:
        left = sum(widths[: row.column]) + GAP * row.column
        indent = INDENT * min(row.indent, MAX_INDENT)
        out.extend(" " * left + line for line in wrap(row.text, widths[row.column], indent))
    return "\n".join(line.rstrip() for line in out)


def fit(diagram: Diagram, width: int) -> list[int]:
    """Column widths: as wide as their text, then narrower where it costs the fewest lines, until
    all fit `width`."""
    texts: list[list[tuple[str, int]]] = [[] for _ in diagram.columns]
    for row in diagram.rows:
        texts[row.column].append((row.text, INDENT * min(row.indent, MAX_INDENT)))
    widths = [
        max([len(column.title), NARROWEST, *(len(text) + indent for text, indent in inside)])
        for column, inside in zip(diagram.columns, texts, strict=True)
    ]
    heights = [len(inside) for inside in texts]
    room = width - GAP * (len(widths) - 1)

    def height(column: int) -> int:
        """Lines of a column that is one narrower."""
        narrower = widths[column] - 1
        return sum(len(wrap(text, narrower, indent)) for text, indent in texts[column])

    costs = [height(i) - heights[i] for i in range(len(widths))]
    while sum(widths) > room:
        least = min(
            (i for i in range(len(widths)) if widths[i] > NARROWEST),
            key=lambda i: (costs[i], -widths[i]),
        )
        widths[least] -= 1
        heights[least] += costs[least]
        costs[least] = height(least) - heights[least]
    return widths


def wrap(text: str, width: int, indent: int) -> list[str]:
    """Words in lines of `width`; the first is indented, the others two more; a word that is
    longer than a line is cut."""
    lines: list[str] = []
    line = " " * indent
    start = indent
    for word in text.split(" "):
        glue = "" if len(line) == start else " "
        if len(line) + len(glue) + len(word) <= width:
            line += glue + word
            continue
        if len(line) > start:
            lines.append(line)
            start = indent + INDENT
            line = " " * start
        while start + len(word) > width:
            lines.append(line + word[: width - start])
            word = word[width - start :]
            start = indent + INDENT
            line = " " * start
        line += word
    if len(line) > start:
        lines.append(line)
    return lines
