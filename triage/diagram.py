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

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from corpus.text import print_op
from simulator.lock_classes import LOCK_CLASS_NAMES
from simulator.outcome import UNFINISHED, Outcome, Violation, result_name
from simulator.scenario import ACTOR_NAMES, Scenario
from triage.steps import Calls, Step, steps_of

WIDTH: Final = 100  # what a mail and a terminal show without wrapping
MAX_COLUMNS: Final = 4  # more do not fit into WIDTH with function names in them
GAP: Final = 3
NARROWEST: Final = 22  # a column below this breaks kernel function names
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
# How outcomes begin that change page tables, or read them.
WRITING: Final = ("clears", "sets", "pte ", "pmd ")
# How outcomes begin that say who waits for whom, what is flushed, what the user's code sees.
TELLING: Final = (
    "waits",
    "CPU",
    "IPI",
    "no IPI",
    "nothing to flush",
    "loads",
    "stores",
    "does not get",
)
MAX_ALONE: Final = 20  # uninterrupted ops in a row, one line each; those before are counted
INDENT: Final = 2
LOCKING: Final = ("takes ", "releases ")  # how it begins that a lock changes hands
COUNTING: Final = ("reference ", "drops a reference ")
BATCHES: Final = ": lru batch,"  # of references that nobody draws
# That somebody meets somebody at a lock, and what a lock is called.
CONTENDED: Final = ("waits for", "does not get", "mmap_lock")
_LOCK_NAME: Final = re.compile(r"((?:\w+_lock of (?:frame|device page|vma)|\w+) \d+)")
HELD: Final = re.compile(": (pin|gup),|, 0 left")  # references for which others must do otherwise
_NUMBER: Final = re.compile(r"\d+")
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


Shown = tuple[Step, int]  # a step, and which of its notes; or that somebody comes in there
INTERRUPTED: Final = -1


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
        noticed = _noticed_in(steps, outcome.violation)
        steps = [_without_verdict(step, outcome.violation) for step in steps]
    spans = _spans(steps)
    results = {op.uid: value for op, value in zip(scenario.ops, outcome.results, strict=False)}
    race = _race(spans, results)
    window = race | _around(spans, race, outcome.violation)
    shown = _interesting([spans[i] for i in sorted(race)], most)
    shown |= _telling_of(
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
        (row.column, row.indent, _NUMBER.sub("#", row.text)) if row.kind != "op" else (i, 0, "")
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


def _noticed_in(steps: Sequence[Step], violation: Violation) -> str:
    """The function in which the promise was broken or its breach was noticed; empty in none."""
    verdict = f"{violation.signature.oracle}: {violation.promise}"
    for step in reversed(steps):
        for note in step.notes:
            if note.text == verdict:
                return note.calls[-1][1] if note.calls else ""
    return ""


def _without_verdict(step: Step, violation: Violation) -> Step:
    """The model ends a trace with the broken promise, which has a line of its own here."""
    verdict = f"{violation.signature.oracle}: {violation.promise}"
    return replace(step, notes=tuple(note for note in step.notes if note.text != verdict))


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
            group[0].uid,
            group[0].actor,
            group[0].cpu,
            tuple(group),
            begins=firsts[group[0].uid, group[0].actor] == i,
            ends=lasts[group[0].uid, group[0].actor] == i,
        )
        for i, group in enumerate(groups)
    ]


def _race(spans: list[_Span], results: dict[int, int]) -> set[int]:
    """Indices of the spans of the race: all from where an op begins that somebody came into the
    middle of until it ends."""
    begun: dict[int, int] = {}
    race: set[int] = set()
    for i, span in enumerate(spans):
        if span.uid == 0:
            continue
        begun.setdefault(span.uid, i)
        if span.ends:
            unfinished = results.get(span.uid) == UNFINISHED
            last = len(spans) - 1 if unfinished else i
            if last > begun[span.uid]:
                race.update(range(begun[span.uid], last + 1))
    return race


def _around(spans: list[_Span], race: set[int], violation: Violation | None) -> set[int]:
    """Indices of the spans that are drawn in detail although they are not in the race: what the
    finder of the broken promise did, and what the culprit did if it was not part of the race."""
    if violation is None:
        return set()
    culprit = violation.signature.culprit
    found = {i for i, span in enumerate(spans) if span.uid and span.uid == violation.uid}
    passed = {i for i, span in enumerate(spans) if any(s.function == culprit for s in span.steps)}
    if not passed & race:
        found |= passed
    if not violation.uid and spans and not race:
        found.add(len(spans) - 1)
    return found


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


def _interesting(spans: list[_Span], most: int) -> set[Shown]:
    """What of the race is worth a line: where it meets another actor, what is read and written in
    page tables, flushed, stored, waited for. What a line is worth does not depend on how the race
    goes on, so that it is drawn alike whatever comes of it; unless it is too long: then the most
    telling kinds are drawn that make `most` lines."""
    inner = [step for span in spans for step in span.steps if step.function != "op"]
    meetings = _continued(_meetings(inner), inner)
    contended = {_lock_of(_text(each)) for each in _notes(inner, CONTENDED)}
    return _until(
        most,
        _before_others(spans),
        (
            _notes((step for step in inner if step.step in meetings), WRITING),
            _notes(step for step in inner if step.step in meetings),
            _notes(inner, TELLING) | {each for each in _counts(inner) if HELD.search(_text(each))},
            _notes(inner, WRITING),
            _notes(inner),
            {each for each in _notes(inner, LOCKING) if _lock_of(_text(each)) in contended},
        ),
    )


def _telling_of(spans: list[_Span], violation: Violation | None, most: int) -> set[Shown]:
    """What is worth a line outside of the race."""
    if violation is None:
        return set()
    inner = [step for span in spans for step in span.steps if step.function != "op"]
    culprit = violation.signature.culprit
    return _until(
        most,
        _notes(step for step in inner if step.step == violation.step),
        (
            {each for each in _notes(inner) if _innermost(each) == culprit},
            _notes(inner, TELLING),
            _notes(inner, WRITING),
            _notes(inner),
            _counts(inner),
        ),
    )


def _until(most: int, shown: set[Shown], kinds: Iterable[set[Shown]]) -> set[Shown]:
    """With more and more kinds, while it is no more than `most` lines. The rounds of a loop are
    counted once, for they are drawn once."""
    for more in kinds:
        lines = {
            (each[0].actor, _NUMBER.sub("#", _text(each)))
            for each in shown | more
            if each[1] != INTERRUPTED
        }
        if len(lines) > most:
            break
        shown = shown | more
    return shown


def _before_others(spans: list[_Span]) -> set[Shown]:
    """Where somebody comes in, and what had happened last before that."""
    shown: set[Shown] = set()
    for span in spans:
        if not span.steps[-1].to:
            continue
        shown.add((span.steps[-1], INTERRUPTED))
        for step in reversed(span.steps):
            if step.notes and step.function != "op":
                shown.add((step, len(step.notes) - 1))
                break
    return shown


def _notes(steps: Iterable[Step], kinds: tuple[str, ...] = ()) -> set[Shown]:
    """Outcomes of some steps: that begin like this; or all, but for locks that change hands,
    and counts."""
    return {
        (step, number)
        for step in steps
        for number, note in enumerate(step.notes)
        if (
            note.text.startswith(kinds)
            if kinds
            else not note.text.startswith((*LOCKING, *COUNTING))
        )
    }


def _counts(steps: Iterable[Step]) -> set[Shown]:
    """References that come and go, but for those of batches on the way to the LRU."""
    return {each for each in _notes(steps, COUNTING) if BATCHES not in _text(each)}


def _text(shown: Shown) -> str:
    step, number = shown
    return step.notes[number].text


def _innermost(shown: Shown) -> str:
    step, number = shown
    calls = step.notes[number].calls
    return calls[-1][1] if calls else ""


def _lock_of(text: str) -> str:
    """`ptl 0` of `takes ptl 0 for read`, or whatever happens to it."""
    found = _LOCK_NAME.search(text)
    return found[1] if found else ""


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


def _meetings(steps: Iterable[Step]) -> set[int]:
    """Steps of two actors that touch one object one right after the other, one of them
    writing. Locks that both take without anybody waiting are no meeting."""
    latest: dict[str, Step] = {}
    found: set[int] = set()
    for step in steps:
        if not step.thing or _is_lock(step.thing):
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
    wanted = list(
        dict.fromkeys([spans[i].cpu for i in sorted(window)] + [span.cpu for span in spans])
    )
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


def _inner(span: _Span, shown: set[Shown], drawn: list[tuple[int, str]], column: int) -> list[Row]:
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
    violation: Violation | None,
    noticed: str,
    spans: list[_Span],
    place: dict[int, int],
    others: int,
) -> list[Row]:
    if violation is None:
        return []
    where = f" in {noticed}()" if noticed else ""
    text = f"*** {violation.signature.oracle}{where} ***"
    for span in reversed(spans):
        if violation.uid and span.uid == violation.uid:
            return [Row(violation.step, place.get(span.cpu, others), 0, "violation", text)]
    return [Row(violation.step, 0, 0, "violation", f"at the End: {text}")]


# --- fitting --------------------------------------------------------------------------------


def _fit(diagram: Diagram, width: int) -> list[int]:
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
        return sum(len(_wrap(text, narrower, indent)) for text, indent in texts[column])

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
