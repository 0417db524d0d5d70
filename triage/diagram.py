# SPDX-License-Identifier: MIT
"""The race of one run, drawn as a kernel developer would by hand: a column per CPU, time
downward, indentation by call depth.

Contract: a pure function of the scenario and of an Outcome that was run with `trace=True`;
at most MAX_COLUMNS columns and WIDTH characters; the same input gives the same bytes. Ops that
nobody came in between are one line each; ops of the race window show what has happened where it
matters: where the CPU changes hands, where two actors touch one object one after the other and one
of them writes, who waits for whom, what is flushed, what the culprit does, and the step that broke
the promise. A line is an outcome that the model told (simulator/trace.py), never the name of a
place. It stands below the function that it happened in, which is named again when its CPU goes on
after an interruption, and is indented by the functions around it that are drawn. What only the
failure that is shown decides stands outside of the race: the same race is drawn alike whichever of
its failures that is. A loop that goes on and on is drawn once round.

It does not promise every step (`mmfarm replay --trace` has them), nor that an uninterrupted
run draws as more than a list of ops.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from corpus.text import print_op
from simulator.outcome import UNFINISHED, Outcome, Violation, result_name
from simulator.scenario import ACTOR_NAMES, Scenario
from triage.fitting import Column, Diagram, Row, render
from triage.race import (
    INTERRUPTED,
    NUMBER,
    WRITING,
    Shown,
    Span,
    around,
    hidden_spans,
    interesting,
    noticed_in,
    race_of,
    spans_of,
    telling_of,
    without_verdict,
)
from triage.steps import Calls, Step, steps_of

MAX_COLUMNS: Final = 4  # more do not fit into WIDTH with function names in them
SHORTEST_ROUND: Final = 4  # rows: fewer are said twice sooner than left out
LONGEST_ROUND: Final = 400  # rows: more than anybody draws
MAX_LINES_AROUND: Final = 8  # of outcomes, outside of the race
MAX_LINES: Final = 48  # of outcomes: one screen; above it only those that decide are drawn
HEIGHT: Final = 60  # lines: what a person takes in at a glance, on a large screen
LINES_LESS: Final = 4  # a drawing that is too high is tried again with so many outcomes less
LINES_AFTER: Final = 14  # of HEIGHT, at least, for what comes of the race
LAST_ROWS: Final = 2  # of what was cut
MIN_ROWS: Final = 8
MOST_WRAPS: Final = 8  # lines of a row, so that no row too many is cut


def draw(scenario: Scenario, outcome: Outcome) -> str:
    """The diagram as text, without a newline at its end."""
    return render(lay_out(scenario, outcome))


def lay_out(scenario: Scenario, outcome: Outcome) -> Diagram:
    """Choose what to draw and where, in at most HEIGHT lines of text. How much of it, the race
    decides, until nobody comes in between any more; what follows is cut to the lines that are
    left."""
    for most in range(MAX_LINES, 0, -LINES_LESS):
        diagram, last = _lay_out(scenario, outcome, most)
        race = [row for row in diagram.rows if row.step <= last]
        if _height(diagram) <= HEIGHT:
            return diagram
        if race and _height(replace(diagram, rows=tuple(race))) <= HEIGHT - LINES_AFTER:
            break
    rest = [row for row in diagram.rows if row.step > last]
    after = len(rest)
    while (over := _height(diagram) - HEIGHT) > 0 and after > MIN_ROWS:
        after = max(MIN_ROWS, after - max(1, over // MOST_WRAPS))
        rows = [*race, *_cut(rest, after)]
        diagram = replace(diagram, rows=tuple(rows))
    most = len(diagram.rows)
    while _height(diagram) > HEIGHT and most > MIN_ROWS:
        most -= 1
        diagram = replace(diagram, rows=tuple(_cut(diagram.rows, most)))
    return diagram


def _height(diagram: Diagram) -> int:
    return render(diagram).count("\n") + 1


def _lay_out(scenario: Scenario, outcome: Outcome, most: int) -> tuple[Diagram, int]:
    """A drawing of so many outcomes, whatever its height; and the step after which nobody comes
    in between."""
    steps = steps_of(outcome.trace)
    noticed = ""
    if outcome.violation is not None:
        noticed = noticed_in(steps, outcome.violation)
        steps = [without_verdict(step, outcome.violation) for step in steps]
    spans = spans_of(steps)
    results = {op.uid: value for op, value in zip(scenario.ops, outcome.results, strict=False)}
    race = race_of(spans, results)
    window = race | around(spans, race, outcome.violation)
    shown = interesting([spans[i] for i in sorted(race)], most)
    shown |= telling_of(
        [spans[i] for i in sorted(window - race)],
        outcome.violation,
        min(most, MAX_LINES_AROUND) if race else most,
    )
    texts = op_texts(scenario)
    columns = _columns(spans, window, texts)
    place = {column.cpu: i for i, column in enumerate(columns)}
    others = len(columns) - 1
    crowded = {
        column.cpu
        for column in columns
        if column.cpu < 0 or len({s.actor for s in spans if s.cpu == column.cpu}) > 1
    }
    rows: list[Row] = []
    stacks: dict[tuple[int, int], list[tuple[int, str]]] = {}
    previous: dict[int, int] = {}  # column -> actor that was drawn there last
    hidden = hidden_spans(len(spans), window)
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
        inner = _inner(span, shown, stack, column) if number in window else []
        result = results.get(span.uid, UNFINISHED) if span.ends else UNFINISHED
        first = span.steps[0].step
        if span.begins:
            alone = span.ends and not inner
            came = f" = {result_name(result)}" if alone and result != UNFINISHED else ""
            text = texts.get(span.uid, "exit")
            rows.append(Row(first, column, 0, "op", f"{who}{text}{came}"))
            if alone:
                continue
        elif who:
            rows.append(Row(first, column, 0, "op", f"{who}goes on"))
        rows.extend(inner)
        if result != UNFINISHED:
            text = f"returns {result_name(result)}"
            rows.append(Row(span.steps[-1].step, column, 1, "op", text))
    rows = once_round(_joined(rows))
    rows.extend(_violated(outcome.violation, noticed, spans, place, others))
    drawn = len({id(step) for step, _ in shown})
    over = max((step.step for i in race for step in spans[i].steps if step.to), default=0)
    return Diagram(tuple(columns), tuple(rows), drawn, len(steps)), over


def once_round(rows: list[Row]) -> list[Row]:
    """Rows in which a loop goes round, with one round of it: lines that differ in numbers at
    most. Of several loops, the one that makes most of the rows."""
    keys = [
        (row.column, row.indent, NUMBER.sub("#", row.text)) if row.kind != "op" else (i, 0, "")
        for i, row in enumerate(rows)
    ]
    most, start, size = 0, 0, 0
    for each in range(SHORTEST_ROUND, min(len(rows) // 2, LONGEST_ROUND) + 1):
        same = 0
        for i in range(each, len(rows)):
            same = same + 1 if keys[i] == keys[i - each] else 0
            if same >= each and same > most:
                most, start, size = same, i - same + 1, each
    if not most:
        return rows
    rounds = f"{most // size} rounds more" if most // size > 1 else "one round more"
    more = Row(rows[start].step, 0, 0, "op", f"... {rounds} like this")
    return [*rows[:start], more, *rows[start + most - most % size :]]


def _cut(rows: Sequence[Row], most: int) -> list[Row]:
    """The first of many rows, and how they end."""
    if len(rows) <= most:
        return list(rows)
    head, tail = rows[: most - LAST_ROWS - 1], rows[-LAST_ROWS:]
    left_out = len(rows) - len(head) - len(tail)
    return [*head, Row(tail[0].step, 0, 0, "op", f"... {left_out} lines"), *tail]


def op_texts(scenario: Scenario) -> dict[int, str]:
    """Each op's text without uid and actor, by uid."""
    return {op.uid: print_op(op).split(" ", 2)[2] for op in scenario.ops}


# --- where to draw it -----------------------------------------------------------------------


def _columns(spans: list[Span], window: set[int], texts: dict[int, str]) -> list[Column]:
    """A column for each CPU, those of the window first where there are too many."""
    wanted = list(
        dict.fromkeys([spans[i].cpu for i in sorted(window)] + [span.cpu for span in spans])
    )
    room = MAX_COLUMNS if len(wanted) <= MAX_COLUMNS else MAX_COLUMNS - 1
    columns = [Column(cpu, _title(cpu, spans, texts)) for cpu in sorted(wanted[:room])]
    if len(wanted) > MAX_COLUMNS:
        columns.append(Column(-1, "other CPUs"))
    return columns


def _title(cpu: int, spans: list[Span], texts: dict[int, str]) -> str:
    """`CPU1 (DEVICE migrate_to_device)`: who runs there, and the op when it is only one."""
    here = [span for span in spans if span.cpu == cpu]
    actors = list(dict.fromkeys(ACTOR_NAMES[span.actor] for span in here))
    uids = {span.uid for span in here if span.uid in texts}
    if len(actors) == 1 and len(uids) == 1:
        actors.append(texts[uids.pop()].split()[0])
        return f"CPU{cpu} ({' '.join(actors)})"
    return f"CPU{cpu} ({', '.join(actors)})"


def _inner(span: Span, shown: set[Shown], drawn: list[tuple[int, str]], column: int) -> list[Row]:
    """What is shown of a span below the functions it stands in. `drawn` holds the calls that
    are drawn and still open, and is carried from span to span of an op; the innermost is named
    again where the op goes on."""
    rows: list[Row] = []
    if drawn and not span.begins:
        drawn.pop()

    def add(step: Step, calls: Calls, text: str) -> None:
        while drawn and drawn[-1] not in calls:
            drawn.pop()
        if calls and (not drawn or drawn[-1] != calls[-1]):
            drawn.append(calls[-1])
            rows.append(Row(step.step, column, len(drawn), "call", f"{calls[-1][1]}()"))
        rows.append(Row(step.step, column, len(drawn) + 1, "step", text))

    read: set[str] = set()  # since this actor wrote an entry: read again, it is no news
    for step in span.steps:
        for number, note in enumerate(step.notes):
            if note.text in read:
                continue
            if note.text.startswith(WRITING):
                read = read | {note.text} if " is " in note.text else set()
            later = step.notes[number + 1].text if number + 1 < len(step.notes) else ""
            if (step, number) in shown and not _flushes_at_once(note.text, later):
                add(step, note.calls, note.text)
        if step.to and (step, INTERRUPTED) in shown:
            add(step, step.calls, f"[{step.to} comes in; to come: {step.label}]")
    return _counted(rows)


def _flushes_at_once(text: str, later: str) -> bool:
    """Whether it is of an IPI, and what its CPU does with it says so already."""
    before, _, cpu = text.rpartition(" ")
    return before == "IPI to" and later.startswith(f"{cpu} flushes")


def _joined(rows: list[Row]) -> list[Row]:
    """A function of which one line is drawn, in one line with it."""
    out: list[Row] = []
    i = 0
    while i < len(rows):
        row = rows[i]
        inside = 0
        while (
            i + 1 + inside < len(rows)
            and rows[i + 1 + inside].column == row.column
            and rows[i + 1 + inside].indent > row.indent
        ):
            inside += 1
        if row.kind == "call" and inside == 1 and rows[i + 1].kind == "step":
            only = rows[i + 1]
            out.append(replace(only, indent=row.indent, text=f"{row.text}: {only.text}"))
            i += 2
        else:
            out.append(row)
            i += 1
    return out


def _counted(rows: list[Row]) -> list[Row]:
    """Equal lines in a row as one that says how many: the words of a page being copied."""
    out: list[Row] = []
    for _, group in groupby(rows, key=lambda row: (row.kind, row.indent, row.text)):
        same = list(group)
        times = f" ({len(same)} times)" if len(same) > 1 else ""
        out.append(replace(same[0], text=same[0].text + times))
    return out


def _violated(
    violation: Violation | None, noticed: str, spans: list[Span], place: dict[int, int], others: int
) -> list[Row]:
    if violation is None:
        return []
    where = f" in {noticed}()" if noticed else ""
    text = f"*** {violation.signature.oracle}{where} ***"
    for span in reversed(spans):
        if violation.uid and span.uid == violation.uid:
            return [Row(violation.step, place.get(span.cpu, others), 0, "violation", text)]
    return [Row(violation.step, 0, 0, "violation", f"at the End: {text}")]
