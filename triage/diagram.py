# SPDX-License-Identifier: MIT
"""The race of one run, drawn as a kernel developer would by hand: a column per CPU, time
downward, indentation by call depth.

Contract: a pure function of the scenario and of an Outcome that was run with `trace=True`;
at most MAX_COLUMNS columns and WIDTH characters; the same input gives the same bytes. Ops that
nobody came in between are one line each; ops of the race window show the steps that matter:
where the CPU changes hands, what touches an object that another actor touches too, what the
culprit does, and the step that broke the promise.

It does not promise every step (`mmfarm replay --trace` has them), nor that an uninterrupted
run draws as more than a list of ops.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from corpus.text import print_op
from simulator.outcome import UNFINISHED, Outcome, TraceEvent, Violation, result_name
from simulator.scenario import ACTOR_NAMES, Scenario

WIDTH: Final = 100  # what a mail and a terminal show without wrapping
MAX_COLUMNS: Final = 4  # more do not fit into WIDTH with function names in them
GAP: Final = 3
NARROWEST: Final = 18  # a column below this breaks kernel function names
MAX_STEPS: Final = 60  # one screen; above it only the steps that decide are drawn
INDENT: Final = 2
MAX_INDENT: Final = 5  # levels; deeper calls are drawn at this one


@dataclass(frozen=True, slots=True)
class Column:
    """One CPU, or `others` (cpu -1) for what does not fit."""

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
    """Columns and rows in the order of time; `drawn` of `steps` trace events are shown."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    drawn: int
    steps: int


@dataclass(frozen=True, slots=True)
class _Span:
    """What one actor did of one op without anybody in between."""

    uid: int
    actor: int
    cpu: int
    events: tuple[TraceEvent, ...]


def draw(scenario: Scenario, outcome: Outcome) -> str:
    """The diagram as text, without a newline at its end."""
    return render(lay_out(scenario, outcome))


def lay_out(scenario: Scenario, outcome: Outcome) -> Diagram:
    """Choose what to draw and where."""
    spans = _spans(outcome.trace)
    results = {
        op.uid: value for op, value in zip(scenario.ops, outcome.results, strict=False)
    }
    window = _window(spans, results, outcome.violation)
    detailed = [span for i, span in enumerate(spans) if i in window]
    kept = _interesting(detailed, outcome)
    cpus = _columns_cpus(spans, window)
    place = {cpu: i for i, cpu in enumerate(cpus)}
    elsewhere = len(cpus) if any(span.cpu not in place for span in spans) else -1
    texts = op_texts(scenario)
    crowded = {cpu for cpu in cpus if len({s.actor for s in spans if s.cpu == cpu}) > 1}

    rows: list[Row] = []
    begun: set[int] = set()
    stacks: dict[int, list[tuple[int, str]]] = {}
    previous_actor: dict[int, int] = {}
    for number, span in enumerate(spans):
        column = place.get(span.cpu, elsewhere)
        prefix = ""
        if span.cpu in crowded or column == elsewhere:
            changed = previous_actor.get(column) != span.actor
            prefix = f"{ACTOR_NAMES[span.actor]}: " if changed or span.uid not in begun else ""
        previous_actor[column] = span.actor
        first = span.events[0].step
        if span.uid not in begun:
            begun.add(span.uid)
            text = prefix + texts.get(span.uid, "End")
            if number not in window:
                text += _result(results.get(span.uid, UNFINISHED))
            rows.append(Row(first, column, 0, "op", text))
        elif prefix:
            rows.append(Row(first, column, 0, "op", f"{prefix}goes on"))
        if number in window:
            stack = stacks.setdefault(span.uid, [])
            rows.extend(_detail(span, kept, stack, column))
            ends = not any(later.uid == span.uid for later in spans[number + 1 :])
            if ends and results.get(span.uid, UNFINISHED) != UNFINISHED:
                result = result_name(results[span.uid])
                rows.append(Row(span.events[-1].step, column, 1, "op", f"returns {result}"))
    rows.extend(_violation(outcome, spans, place, elsewhere))
    columns = [Column(cpu, _title(cpu, spans, texts)) for cpu in cpus]
    if elsewhere >= 0:
        columns.append(Column(-1, "other CPUs"))
    return Diagram(tuple(columns), tuple(rows), len(kept), len(outcome.trace))


def render(diagram: Diagram, width: int = WIDTH) -> str:
    """A laid out diagram as text of at most `width` columns."""
    if not diagram.columns:
        return "(the trace is empty)"
    widths = _fit(diagram, width)
    gap = " " * GAP
    titles = [
        _wrap(column.title, room, 0) for column, room in zip(diagram.columns, widths, strict=True)
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
        out.extend(" " * left + line for line in _wrap(row.text, widths[row.column], indent))
    return "\n".join(line.rstrip() for line in out)


def op_texts(scenario: Scenario) -> dict[int, str]:
    """Each op's text without uid and actor, by uid."""
    return {op.uid: print_op(op).split(" ", 2)[2] for op in scenario.ops}


def _spans(trace: Sequence[TraceEvent]) -> list[_Span]:
    spans: list[_Span] = []
    events: list[TraceEvent] = []
    for event in trace:
        if events and (event.uid, event.actor, event.cpu) != (
            events[0].uid, events[0].actor, events[0].cpu
        ):
            spans.append(_Span(events[0].uid, events[0].actor, events[0].cpu, tuple(events)))
            events = []
        events.append(event)
    if events:
        spans.append(_Span(events[0].uid, events[0].actor, events[0].cpu, tuple(events)))
    return spans


def _window(
    spans: list[_Span], results: dict[int, int], violation: Violation | None
) -> set[int]:
    """Indices of the spans drawn in detail: all from where an op begins that somebody came
    into the middle of until it ends, and what the culprit and the finder of the broken
    promise did."""
    ends: dict[int, tuple[int, int]] = {}
    for i, span in enumerate(spans):
        first, _ = ends.get(span.uid, (i, i))
        unfinished = results.get(span.uid) == UNFINISHED
        ends[span.uid] = (first, len(spans) - 1 if unfinished else i)
    window: set[int] = set()
    for first, last in ends.values():
        if last > first:
            window.update(range(first, last + 1))
    if violation is not None:
        window.update(
            i for i, span in enumerate(spans)
            if (violation.uid and span.uid == violation.uid)
            or any(_function(e.site) == violation.signature.culprit for e in span.events)
        )
    return window


def _interesting(spans: list[_Span], outcome: Outcome) -> set[int]:
    """Steps of the window worth a line."""
    who: dict[str, set[int]] = {}
    for span in spans:
        for event in span.events:
            for thing in _objects(event.text):
                who.setdefault(thing, set()).add(event.actor)
    violation = outcome.violation
    decisive: set[int] = set()
    shared: set[int] = set()
    for span in spans:
        inner = [e for e in span.events if not e.site.startswith("op:")]
        if inner:
            decisive.add(inner[-1].step)
        for event in inner:
            if violation is not None and (
                event.step == violation.step
                or _function(event.site) == violation.signature.culprit
            ):
                decisive.add(event.step)
            if any(len(who[thing]) > 1 for thing in _objects(event.text)):
                shared.add(event.step)
    everything = decisive | shared
    return everything if len(everything) <= MAX_STEPS else decisive


def _objects(text: str) -> list[str]:
    """The numbered things a trace line speaks of: `PTE 3`, `folio 12`, `page 0x7`."""
    return re.findall(r"[A-Za-z_]+ #?(?:0x)?[0-9a-f]*[0-9][0-9a-f]*\b", text)


def _columns_cpus(spans: list[_Span], window: set[int]) -> list[int]:
    """The CPUs that get a column, in order of number: those of the window first."""
    inside = list(dict.fromkeys(spans[i].cpu for i in sorted(window)))
    outside = [span.cpu for span in spans]
    wanted = list(dict.fromkeys(inside + outside))
    room = MAX_COLUMNS if len(wanted) <= MAX_COLUMNS else MAX_COLUMNS - 1
    return sorted(wanted[:room])


def _title(cpu: int, spans: list[_Span], texts: dict[int, str]) -> str:
    """`CPU1 (DEVICE migrate_to_device)`: who runs there, and the op when it is only one."""
    here = [span for span in spans if span.cpu == cpu]
    actors = list(dict.fromkeys(ACTOR_NAMES[span.actor] for span in here))
    uids = {span.uid for span in here if span.uid in texts}
    if len(uids) == 1:
        actors.append(texts[uids.pop()].split()[0])
        return f"CPU{cpu} ({' '.join(actors)})"
    return f"CPU{cpu} ({', '.join(actors)})"


def _detail(
    span: _Span, kept: set[int], stack: list[tuple[int, str]], column: int
) -> list[Row]:
    """The kept steps of a span below the functions they stand in. `stack` holds the functions
    that are drawn and still open, and is carried from span to span of an op."""
    rows: list[Row] = []
    for event in span.events:
        if event.step not in kept:
            continue
        function = _function(event.site)
        while stack and stack[-1][0] >= event.depth and stack[-1] != (event.depth, function):
            stack.pop()
        if not stack or stack[-1] != (event.depth, function):
            stack.append((event.depth, function))
            rows.append(Row(event.step, column, len(stack), "call", f"{function}()"))
        label = event.site.partition(":")[2].replace("_", " ")
        text = f"{label}: {event.text}" if label and event.text else label or event.text
        rows.append(Row(event.step, column, len(stack) + 1, "step", text))
    return rows


def _violation(
    outcome: Outcome, spans: list[_Span], place: dict[int, int], elsewhere: int
) -> list[Row]:
    violation = outcome.violation
    if violation is None:
        return []
    text = f"*** {violation.signature.oracle} ***"
    for span in reversed(spans):
        if violation.uid and span.uid == violation.uid:
            return [Row(violation.step, place.get(span.cpu, elsewhere), 0, "violation", text)]
    return [Row(violation.step, 0, 0, "violation", f"at the End: {text}")]


def _function(site: str) -> str:
    return site.partition(":")[0]


def _result(value: int) -> str:
    return "" if value == UNFINISHED else f" = {result_name(value)}"


def _fit(diagram: Diagram, width: int) -> list[int]:
    """Column widths: as wide as their text, the widest cut until all fit `width`."""
    widths = [max(len(column.title), NARROWEST) for column in diagram.columns]
    for row in diagram.rows:
        need = INDENT * min(row.indent, MAX_INDENT) + len(row.text)
        widths[row.column] = max(widths[row.column], need)
    room = width - GAP * (len(widths) - 1)
    while sum(widths) > room:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    return widths


def _wrap(text: str, width: int, indent: int) -> list[str]:
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
