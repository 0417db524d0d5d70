# SPDX-License-Identifier: MIT
"""The race of one run, drawn as a kernel developer would by hand: a column per CPU, time
downward, indentation by call depth.

Contract: a pure function of the scenario and of an Outcome that was run with `trace=True`;
at most MAX_COLUMNS columns and WIDTH characters; the same input gives the same bytes. Ops that
nobody came in between are one line each; ops of the race window show what has happened where it
matters: where the CPU changes hands, where two actors touch one object one after the other and one
of them writes, who waits for whom, what is flushed, what the culprit does, and the step that broke
the promise. A line is an outcome that the model told (simulator/trace.py), never the name of a
place. A function is the one whose site was passed last; a release stands with what took the lock.

It does not promise every step (`mmfarm replay --trace` has them), nor that an uninterrupted
run draws as more than a list of ops.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from corpus.text import print_op
from simulator.lock_classes import LOCK_CLASS_NAMES
from simulator.outcome import UNFINISHED, Outcome, Violation, result_name
from simulator.scenario import ACTOR_NAMES, Scenario
from triage.steps import Step, steps_of

WIDTH: Final = 100  # what a mail and a terminal show without wrapping
MAX_COLUMNS: Final = 4  # more do not fit into WIDTH with function names in them
GAP: Final = 3
NARROWEST: Final = 18  # a column below this breaks kernel function names
MAX_LINES: Final = 48  # of outcomes: one screen; above it only those that decide are drawn
HEIGHT: Final = 60  # lines: what a person takes in at a glance, on a large screen
MAX_ROWS: Final = 54  # with the titles, and if no line is wrapped
MIN_ROWS: Final = 16
# How outcomes begin that say who waits for whom, what is flushed, what the user's code sees.
TELLING: Final = ("waits", "CPU", "IPI", "nothing to flush", "loads", "stores", "does not get")
MAX_ALONE: Final = 20  # uninterrupted ops in a row, one line each; those before are counted
INDENT: Final = 2
HARDWARE: Final = "mmu"  # sites of the CPU itself, which is no function
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


@dataclass(frozen=True, slots=True)
class _Span:
    """What one actor did of one op without anybody in between. `ends`: of this op nothing
    follows."""

    uid: int
    actor: int
    cpu: int
    steps: tuple[Step, ...]
    begins: bool
    ends: bool


def draw(scenario: Scenario, outcome: Outcome) -> str:
    """The diagram as text, without a newline at its end."""
    return render(lay_out(scenario, outcome))


def lay_out(scenario: Scenario, outcome: Outcome) -> Diagram:
    """Choose what to draw and where, in at most HEIGHT lines of text."""
    whole = _lay_out(scenario, outcome)
    max_rows = MAX_ROWS
    while True:
        diagram = replace(whole, rows=tuple(_cut(whole.rows, max_rows)))
        over = render(diagram).count("\n") + 1 - HEIGHT
        if over <= 0 or max_rows == MIN_ROWS:
            return diagram
        max_rows = max(MIN_ROWS, max_rows - (over + 1) // 2)  # many lines are wrapped


def _lay_out(scenario: Scenario, outcome: Outcome) -> Diagram:
    steps = steps_of(outcome.trace)
    if outcome.violation is not None:
        steps = [_without_verdict(step, outcome.violation) for step in steps]
    spans = _spans(steps)
    results = {
        op.uid: value for op, value in zip(scenario.ops, outcome.results, strict=False)
    }
    window = _window(spans, results, outcome.violation)
    kept = _interesting([spans[i] for i in sorted(window)], outcome.violation)
    texts = op_texts(scenario)
    columns = _columns(spans, window, texts)
    place = {column.cpu: i for i, column in enumerate(columns)}
    others = len(columns) - 1
    crowded = {
        column.cpu for column in columns
        if column.cpu < 0 or len({s.actor for s in spans if s.cpu == column.cpu}) > 1
    }
    rows: list[Row] = []
    stacks: dict[tuple[int, int], list[tuple[int, str]]] = {}
    previous: dict[int, int] = {}  # column -> actor that was drawn there last
    hidden = _hidden(len(spans), window)
    for number, span in enumerate(spans):
        if number in hidden:
            if number - 1 not in hidden:
                count = next(n for n in range(1, len(spans)) if number + n not in hidden)
                rows.append(Row(span.steps[0].step, 0, 0, "op", f"... {count} ops"))
            continue
        column = place.get(span.cpu, others)
        who = ""
        if columns[column].cpu in crowded and previous.get(column, -1) != span.actor:
            who = f"{ACTOR_NAMES[span.actor]}: "
        previous[column] = span.actor
        stack = stacks.setdefault((span.uid, span.actor), [])
        inner = _inner(span, kept, stack, column) if number in window else []
        result = results.get(span.uid, UNFINISHED) if span.ends else UNFINISHED
        first = span.steps[0].step
        if span.begins:
            alone = span.ends and not inner
            shown = f" = {result_name(result)}" if alone and result != UNFINISHED else ""
            text = texts.get(span.uid, "exit")
            rows.append(Row(first, column, 0, "op", f"{who}{text}{shown}"))
            if alone:
                continue
        elif who:
            rows.append(Row(first, column, 0, "op", f"{who}goes on"))
        rows.extend(inner)
        if result != UNFINISHED:
            text = f"returns {result_name(result)}"
            rows.append(Row(span.steps[-1].step, column, 1, "op", text))
    rows.extend(_violated(outcome.violation, spans, place, others))
    return Diagram(tuple(columns), tuple(rows), len(kept), len(steps))


def _cut(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """A race that goes round and round shows how it begins and how it ends."""
    if len(rows) <= most:
        return rows
    head, tail = rows[: most // 2], rows[-(most // 2) :]
    left_out = len(rows) - len(head) - len(tail)
    return [*head, Row(tail[0].step, 0, 0, "op", f"... {left_out} lines"), *tail]


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


# --- what to draw ---------------------------------------------------------------------------


def _without_verdict(step: Step, violation: Violation) -> Step:
    """The model ends a trace with the broken promise, which has a line of its own here."""
    verdict = f"{violation.signature.oracle}: {violation.promise}"
    return replace(step, notes=tuple(note for note in step.notes if note != verdict))


def _spans(steps: Sequence[Step]) -> list[_Span]:
    groups: list[list[Step]] = []
    for step in steps:
        if not groups or (groups[-1][0].uid, groups[-1][0].actor) != (step.uid, step.actor):
            groups.append([])
        groups[-1].append(step)
    firsts: dict[tuple[int, int], int] = {}
    lasts: dict[tuple[int, int], int] = {}
    for i, group in enumerate(groups):
        key = (group[0].uid, group[0].actor)
        firsts.setdefault(key, i)
        lasts[key] = i
    return [
        _Span(
            group[0].uid, group[0].actor, group[0].cpu, tuple(group),
            begins=firsts[group[0].uid, group[0].actor] == i,
            ends=lasts[group[0].uid, group[0].actor] == i,
        )
        for i, group in enumerate(groups)
    ]


def _window(
    spans: list[_Span], results: dict[int, int], violation: Violation | None
) -> set[int]:
    """Indices of the spans drawn in detail: all from where an op begins that somebody came
    into the middle of until it ends, and what the culprit and the finder of the broken
    promise did."""
    begun: dict[int, int] = {}
    window: set[int] = set()
    for i, span in enumerate(spans):
        if span.uid == 0:
            continue
        begun.setdefault(span.uid, i)
        if span.ends:
            unfinished = results.get(span.uid) == UNFINISHED
            last = len(spans) - 1 if unfinished else i
            if last > begun[span.uid]:
                window.update(range(begun[span.uid], last + 1))
    if violation is not None:
        window.update(
            i for i, span in enumerate(spans)
            if (span.uid == violation.uid and span.uid)
            or any(step.function == violation.signature.culprit for step in span.steps)
        )
        if not violation.uid and spans:
            window.add(len(spans) - 1)
    return window


def _hidden(spans: int, window: set[int]) -> set[int]:
    """Indices of spans that are only counted: of many ops in a row that nobody came in
    between, all but the last MAX_ALONE."""
    hidden: set[int] = set()
    run: list[int] = []
    for i in range(spans):
        if i in window:
            run = []
            continue
        run.append(i)
        if len(run) > MAX_ALONE:
            hidden.add(run[-1 - MAX_ALONE])
    return hidden


def _interesting(spans: list[_Span], violation: Violation | None) -> set[int]:
    """Steps of the window worth a line."""
    decisive = {span.steps[-1].step for span in spans if not span.ends}
    inner = [step for span in spans for step in span.steps if step.function != "op"]
    if violation is not None:
        locks = violation.signature.oracle == "deadlock"
        culprit = [step for step in inner if step.function == violation.signature.culprit]
        decisive |= {step.step for step in inner if step.step == violation.step}
    else:
        locks = False
        culprit = []
    meetings = _continued(_meetings(inner, locks), inner)
    telling = {step.step for step in inner if any(n.startswith(TELLING) for n in step.notes)}
    # From the most telling to the least: as many kinds as fit one screen.
    kept = decisive
    for more in (
        meetings, telling, {step.step for step in culprit}, {step.step for step in inner}
    ):
        if sum(len(step.notes) for step in inner if step.step in kept | more) > MAX_LINES:
            break
        kept = kept | more
    return kept


def _continued(kept: set[int], steps: Sequence[Step]) -> set[int]:
    """With each step before which somebody came in, the one at which it went on: what it was about
    to do happened there."""
    waiting: dict[tuple[int, int, str, str], bool] = {}
    more = set(kept)
    for step in steps:
        place = (step.actor, step.uid, step.function, step.label)
        if waiting.pop(place, False):
            more.add(step.step)
        if step.to and step.step in kept:
            waiting[place] = True
    return more


def _meetings(steps: Iterable[Step], locks: bool) -> set[int]:
    """Steps of two actors that touch one object one right after the other, one of them
    writing. Taking a lock is no news unless the locks are what went wrong."""
    latest: dict[str, Step] = {}
    found: set[int] = set()
    for step in steps:
        if not step.thing or (not locks and _is_lock(step.thing)):
            continue
        before = latest.get(step.thing)
        if before is not None and before.actor != step.actor and (before.writes or step.writes):
            found |= {before.step, step.step}
        latest[step.thing] = step
    return found


def _is_lock(thing: str) -> bool:
    return thing.split(" ", 1)[0] in LOCK_CLASS_NAMES


# --- where to draw it -----------------------------------------------------------------------


def _columns(spans: list[_Span], window: set[int], texts: dict[int, str]) -> list[Column]:
    """A column for each CPU, those of the window first where there are too many."""
    wanted = list(dict.fromkeys(
        [spans[i].cpu for i in sorted(window)] + [span.cpu for span in spans]
    ))
    room = MAX_COLUMNS if len(wanted) <= MAX_COLUMNS else MAX_COLUMNS - 1
    columns = [Column(cpu, _title(cpu, spans, texts)) for cpu in sorted(wanted[:room])]
    if len(wanted) > MAX_COLUMNS:
        columns.append(Column(-1, "other CPUs"))
    return columns


def _title(cpu: int, spans: list[_Span], texts: dict[int, str]) -> str:
    """`CPU1 (DEVICE migrate_to_device)`: who runs there, and the op when it is only one."""
    here = [span for span in spans if span.cpu == cpu]
    actors = list(dict.fromkeys(ACTOR_NAMES[span.actor] for span in here))
    uids = {span.uid for span in here if span.uid in texts}
    if len(actors) == 1 and len(uids) == 1:
        actors.append(texts[uids.pop()].split()[0])
        return f"CPU{cpu} ({' '.join(actors)})"
    return f"CPU{cpu} ({', '.join(actors)})"


def _inner(
    span: _Span, kept: set[int], stack: list[tuple[int, str]], column: int
) -> list[Row]:
    """The kept steps of a span below the functions they stand in. `stack` holds the functions
    that are drawn and still open, and is carried from span to span of an op."""
    rows: list[Row] = []
    for step in span.steps:
        if step.step not in kept or not (step.notes or step.to):
            continue
        here = (step.depth, step.function)
        while stack and stack[-1][0] >= step.depth and stack[-1] != here:
            stack.pop()
        if (not stack or stack[-1] != here) and step.function != HARDWARE:
            stack.append(here)
            rows.append(Row(step.step, column, len(stack), "call", f"{step.function}()"))
        rows += [Row(step.step, column, len(stack) + 1, "step", note) for note in step.notes]
        if step.to:
            text = f"[{step.to} comes in; to come: {step.label}]"
            rows.append(Row(step.step, column, len(stack) + 1, "step", text))
    return _counted(rows)


def _counted(rows: list[Row]) -> list[Row]:
    """Equal lines in a row as one that says how many: the words of a page being copied."""
    out: list[Row] = []
    for _, group in groupby(rows, key=lambda row: (row.kind, row.indent, row.text)):
        same = list(group)
        times = f" ({len(same)} times)" if len(same) > 1 else ""
        out.append(replace(same[0], text=same[0].text + times))
    return out


def _violated(
    violation: Violation | None, spans: list[_Span], place: dict[int, int], others: int
) -> list[Row]:
    if violation is None:
        return []
    text = f"*** {violation.signature.oracle} ***"
    for span in reversed(spans):
        if violation.uid and span.uid == violation.uid:
            return [Row(violation.step, place.get(span.cpu, others), 0, "violation", text)]
    return [Row(violation.step, 0, 0, "violation", f"at the End: {text}")]


# --- fitting --------------------------------------------------------------------------------


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
