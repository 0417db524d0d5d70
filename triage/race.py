# SPDX-License-Identifier: MIT
"""What of a run is worth drawing: the spans of the race, and the outcomes that decide it.

Contract: pure functions of the steps of a trace. What a line is worth does not depend on how the
race goes on, so that it is drawn alike whatever comes of it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from simulator.lock_classes import LOCK_CLASS_NAMES
from simulator.outcome import UNFINISHED, Violation
from triage.steps import Step

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
    "retry entries hide",
    "userfaultfd waits",
    "no userfaultfd waits",
)
MAX_ALONE: Final = 20  # uninterrupted ops in a row, one line each; those before are counted
LOCKING: Final = ("takes ", "releases ")  # how it begins that a lock changes hands
COUNTING: Final = ("reference ", "drops a reference ")
BATCHES: Final = ": lru batch,"  # of references that nobody draws
# That somebody meets somebody at a lock, and what a lock is called.
CONTENDED: Final = ("waits for", "does not get", "mmap_lock")
_LOCK_NAME: Final = re.compile(r"((?:\w+_lock of (?:frame|device page|vma)|\w+) \d+)")
HELD: Final = re.compile(": (pin|gup),|, 0 left")  # references for which others must do otherwise
NUMBER: Final = re.compile(r"\d+")

Shown = tuple[Step, int]  # a step, and which of its notes; or that somebody comes in there
INTERRUPTED: Final = -1


@dataclass(frozen=True, slots=True)
class Span:
    """What one actor did of one op without anybody in between. `ends`: of this op nothing
    follows."""

    uid: int
    actor: int
    cpu: int
    steps: tuple[Step, ...]
    begins: bool
    ends: bool


def noticed_in(steps: Sequence[Step], violation: Violation) -> str:
    """The function in which the promise was broken or its breach was noticed; empty in none."""
    verdict = f"{violation.signature.oracle}: {violation.promise}"
    for step in reversed(steps):
        for note in step.notes:
            if note.text == verdict:
                return note.calls[-1][1] if note.calls else ""
    return ""


def without_verdict(step: Step, violation: Violation) -> Step:
    """The model ends a trace with the broken promise, which has a line of its own here."""
    verdict = f"{violation.signature.oracle}: {violation.promise}"
    return replace(step, notes=tuple(note for note in step.notes if note.text != verdict))


def spans_of(steps: Sequence[Step]) -> list[Span]:
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
        Span(
            group[0].uid,
            group[0].actor,
            group[0].cpu,
            tuple(group),
            begins=firsts[group[0].uid, group[0].actor] == i,
            ends=lasts[group[0].uid, group[0].actor] == i,
        )
        for i, group in enumerate(groups)
    ]


def race_of(spans: list[Span], results: dict[int, int]) -> set[int]:
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


def around(spans: list[Span], race: set[int], violation: Violation | None) -> set[int]:
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


def hidden_spans(spans: int, window: set[int]) -> set[int]:
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


def interesting(spans: list[Span], most: int) -> set[Shown]:
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


def telling_of(spans: list[Span], violation: Violation | None, most: int) -> set[Shown]:
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
            (each[0].actor, NUMBER.sub("#", _text(each)))
            for each in shown | more
            if each[1] != INTERRUPTED
        }
        if len(lines) > most:
            break
        shown = shown | more
    return shown


def _before_others(spans: list[Span]) -> set[Shown]:
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
