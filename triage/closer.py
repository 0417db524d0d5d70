# SPDX-License-Identifier: MIT
"""A closer look at one failure: how wide its window is, what passes next to it, why each part of
the scenario is there, and who held the page at fault.

Contract: `look` runs the scenario some dozen times more, with one thing changed each time, and is
deterministic. A window is all places of the interrupted op, one next to the other, at which
the other actor may come in for the same promise to break; a place next to it where it does not is
the nearest passing schedule, and `differs` is what was told then and not before. Why an op or
a directive is needed stands in the certificate of a minimal scenario; without one each is left
out once, and other schedules are not tried.

It does not promise that the window is the only one, nor that its ends are where the bug is.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any, Final

from corpus.text import print_directive, print_op
from fuzz.minimizing.edits import Step as Edit
from fuzz.minimizing.edits import apply
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import ACTOR_NAMES, SWITCH, Directive, Scenario
from triage.race import COUNTING, LOCKING, NUMBER
from triage.steps import Step, steps_of

FARTHEST: Final = 64  # places to each side that are tried
MOST_TOLD: Final = 3  # lines of what differs, of each run
INVALID: Final = "invalid"
CLEAN: Final = "clean"
_FRAME: Final = re.compile(r"(?:frame|device page) \d+")
_PAGE: Final = re.compile(r"\bpage (\d+)")

Place = tuple[str, int]  # site and visit


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The schedule with a directive moved just out of its window. `verdict`: what breaks then,
    or `clean`. `gone` and `come`: what was told in the failing run only, and in this one only."""

    directive: str
    verdict: str
    gone: tuple[str, ...]
    come: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Of a directive that lets another actor in: the first and the last place that do as well,
    how many there are, and what is beside them; `before` and `after` are None at an end of the op
    and where FARTHEST was reached."""

    directive: str
    first: str
    last: str
    places: int
    before: Neighbour | None
    after: Neighbour | None


@dataclass(frozen=True, slots=True)
class Needed:
    """A part of the scenario, what breaks without it (`clean`: nothing; `invalid`: that is no
    scenario), and how many other schedules were tried in vain besides."""

    part: str
    verdict: str
    searched: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A reference that came or went."""

    step: int
    actor: str
    function: str
    text: str


@dataclass(frozen=True, slots=True)
class Closer:
    windows: tuple[Window, ...]
    needed: tuple[Needed, ...]
    certified: bool
    thing: str  # whose references `ledger` has; empty: the promise is of no page
    ledger: tuple[Counted, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def look(scenario: Scenario, traced: Outcome, certificate: dict[str, Any] | None) -> Closer:
    """`traced` is the failing run with its trace, `certificate` that of this very scenario."""
    violation = traced.violation
    assert violation is not None
    machine = Machine()
    signature = violation.signature
    steps = steps_of(traced.trace)
    thing = _thing(violation.promise, steps)
    return Closer(
        tuple(
            window
            for i, each in enumerate(scenario.directives)
            if each.kind == SWITCH
            and (window := _window(machine, scenario, i, signature)) is not None
        ),
        _needed(machine, scenario, signature, certificate),
        certificate is not None,
        thing,
        tuple(_ledger(thing, steps)) if thing else (),
    )


# --- the window -----------------------------------------------------------------------------


def _window(
    machine: Machine, scenario: Scenario, number: int, signature: Signature
) -> Window | None:
    """None when the op does not come by the directive's place without it."""
    directive = scenario.directives[number]
    alone = _without(scenario, number)
    places = _places(machine.run(alone, trace=True), directive.uid)
    here = (directive.site, directive.visit)
    if here not in places:
        return None
    at = places.index(here)
    failing = machine.run(scenario, trace=True)
    ends: dict[int, tuple[int, Neighbour | None]] = {}
    for way in (-1, 1):
        last, beside = at, None
        for distance in range(1, FARTHEST + 1):
            to = at + way * distance
            if not 0 <= to < len(places):
                break
            moved = _moved(scenario, number, places[to])
            outcome = machine.run(moved, trace=True)
            if outcome.violation is None or outcome.violation.signature != signature:
                beside = _neighbour(directive, places[to], failing, outcome)
                break
            last = to
        ends[way] = last, beside
    first, last = ends[-1][0], ends[1][0]
    return Window(
        print_directive(directive),
        _said(places[first]),
        _said(places[last]),
        last - first + 1,
        ends[-1][1],
        ends[1][1],
    )


def _places(outcome: Outcome, uid: int) -> list[Place]:
    """The sites that an op comes by, in order, each with its visit."""
    visits: dict[str, int] = {}
    places = []
    last = -1
    for event in outcome.trace:
        if event.uid != uid or event.step == last:
            continue
        last = event.step
        visits[event.site] = visits.get(event.site, 0) + 1
        places.append((event.site, visits[event.site]))
    return places


def _without(scenario: Scenario, number: int) -> Scenario:
    kept = (each for i, each in enumerate(scenario.directives) if i != number)
    return replace(scenario, directives=tuple(kept))


def _moved(scenario: Scenario, number: int, to: Place) -> Scenario:
    old = scenario.directives[number]
    new = Directive(old.uid, to[0], to[1], old.kind, old.arg)
    rank = {op.uid: i for i, op in enumerate(scenario.ops)}
    every = [*_without(scenario, number).directives, new]
    ordered = sorted(every, key=lambda each: (rank[each.uid], each.site, each.visit))
    return replace(scenario, directives=tuple(ordered))


def _neighbour(directive: Directive, to: Place, failing: Outcome, other: Outcome) -> Neighbour:
    one, two = _told(failing), _told(other)
    return Neighbour(
        print_directive(Directive(directive.uid, to[0], to[1], directive.kind, directive.arg)),
        str(other.violation.signature) if other.violation is not None else CLEAN,
        tuple(line for line in one if line not in two)[:MOST_TOLD],
        tuple(line for line in two if line not in one)[:MOST_TOLD],
    )


def _told(outcome: Outcome) -> list[str]:
    """What was told of each op up to the broken promise, but for locks and counts."""
    violation = outcome.violation
    verdict = f"{violation.signature.oracle}: " if violation is not None else "\n"
    return [
        f"{ACTOR_NAMES[step.actor]} {step.function}(): {note.text}"
        for step in steps_of(outcome.trace)
        for note in step.notes
        if step.uid and not note.text.startswith((*LOCKING, *COUNTING, verdict))
    ]


def _said(place: Place) -> str:
    site, visit = place
    return site if visit == 1 else f"{site}#{visit}"


# --- why each part is there -----------------------------------------------------------------


def _needed(
    machine: Machine, scenario: Scenario, signature: Signature, certificate: dict[str, Any] | None
) -> tuple[Needed, ...]:
    tried = {tuple(each["step"]): each for each in (certificate or {}).get("tried", ())}
    parts: list[tuple[str, Edit]] = [(print_op(op), ("delete-op", op.uid)) for op in scenario.ops]
    parts += [
        (print_directive(each), ("delete-directive", i))
        for i, each in enumerate(scenario.directives)
    ]
    found = []
    for part, step in parts:
        said = tried.get(step)
        if said is not None:
            found.append(Needed(part, said["verdict"], said["searched"]))
            continue
        found.append(Needed(part, _verdict(machine, apply(scenario, step)), 0))
    return tuple(found)


def _verdict(machine: Machine, scenario: Scenario) -> str:
    if not scenario.ops:
        return INVALID
    try:
        violation = machine.run(scenario).violation
    except ValueError:  # what the machine does not accept
        return INVALID
    return str(violation.signature) if violation is not None else CLEAN


# --- the ledger -----------------------------------------------------------------------------


def _thing(promise: str, steps: Sequence[Step]) -> str:
    """The page in the machine's memory that a promise is about: named by it, or mapped last at
    the address that it names."""
    named = _FRAME.search(promise)
    if named is not None:
        return named[0]
    page = _PAGE.search(promise)
    if page is None:
        return ""
    entry = re.compile(rf"\bpte {page[1]}\b")
    for step in reversed(steps):
        for note in reversed(step.notes):
            frame = _FRAME.search(note.text)
            if entry.search(note.text) and frame is not None:
                return frame[0]
    return ""


def _ledger(thing: str, steps: Sequence[Step]) -> list[Counted]:
    whole = re.compile(rf"\b{re.escape(thing)}\b")
    return [
        Counted(
            step.step,
            ACTOR_NAMES[step.actor],
            note.calls[-1][1] if note.calls else step.function,
            note.text,
        )
        for step in steps
        for note in step.notes
        if note.text.startswith(COUNTING) and whole.search(note.text)
    ]


# --- as text --------------------------------------------------------------------------------


def to_pairs(closer: Closer, signature: Signature) -> list[tuple[str, str]]:
    """Names and values, for people."""
    pairs = []
    for window in closer.windows:
        extent = (
            f"only at {window.first}"
            if window.places == 1
            else f"anywhere between {window.first} and {window.last} ({window.places} places)"
        )
        pairs.append(("window", f"{window.directive}: {extent}"))
        for word, beside in (("before it", window.before), ("after it", window.after)):
            if beside is None:
                continue
            verdict = "passes" if beside.verdict == CLEAN else f"breaks {beside.verdict} instead"
            lines = [f"{beside.directive} {verdict}"]
            lines += [f"  + {line}" for line in beside.come]
            lines += [f"  - {line}" for line in beside.gone]
            pairs.append((word, "\n".join(lines)))
    pairs.append(
        ("needed", "\n".join(f"{each.part}: {_why(each, signature)}" for each in closer.needed))
    )
    if closer.ledger:
        pairs.append(("ledger", "\n".join(_rounds(closer.ledger))))
    return pairs


def _rounds(ledger: Sequence[Counted]) -> list[str]:
    """A line each, and one for those in a row that differ in the count alone."""
    lines = []
    for (actor, function, _), group in groupby(
        ledger, lambda each: (each.actor, each.function, NUMBER.sub("#", each.text))
    ):
        some = list(group)
        first, last = some[0], some[-1]
        times = f" ({len(some)} times)" if len(some) > 1 else ""
        lines.append(f"step {first.step}, {actor} {function}(): {last.text}{times}")
    return lines


def _why(needed: Needed, signature: Signature) -> str:
    if needed.verdict == INVALID:
        return "without it this is no scenario"
    if needed.verdict == str(signature):
        return "NOT needed: it breaks without it as well"
    said = (
        "without it nothing breaks"
        if needed.verdict == CLEAN
        else f"without it {needed.verdict} breaks instead"
    )
    if needed.searched:
        said += f", under none of {needed.searched:,} other schedules"
    return said
