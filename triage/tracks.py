# SPDX-License-Identifier: MIT
"""What lasts in a run, beside what happens: which CPU holds which lock, what a page table entry
is, how many references a folio has, each from step to step.

Contract: pure functions of a trace; a Track's stretches follow each other in time and each says
in words what there was. Only what the trace tells is known: a lock that was taken before tracing
told of it, or an entry that nobody wrote, is no track.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulator.outcome import TraceEvent
from simulator.scenario import ACTOR_NAMES

_TAKES: Final = re.compile(r"takes (?P<lock>.+?)(?P<how> for (?:read|write))?")
_RELEASES: Final = re.compile(r"releases (?P<lock>.+)")
_SETS: Final = re.compile(r"sets (?P<name>p[mt][de] \d+(?: of mm\d+)?): (?P<now>.+)")
_CLEARS: Final = re.compile(r"clears (?P<name>p[mt][de] \d+(?: of mm\d+)?), was (?P<was>.+)")
_BECOMES: Final = re.compile(
    r"(?P<name>p[mt][de] \d+(?: of mm\d+)?): (?P<was>.+) becomes (?P<now>.+)"
)
_COUNTS: Final = re.compile(
    r"(?:drops a )?reference on (?P<name>.+): (?P<why>.+), (?P<count>-?\d+) (?:in all|left)"
)

# What a page table entry may be, by a word of its text; the first that fits.
NONE: Final = "none"
_KINDS: Final = (
    ("migration", "migration"),
    ("device", "device"),
    ("swap", "swap"),
    ("marker", "marker"),
    ("table", "table"),
    ("frame", "present"),
)
LOCK: Final = "lock"
COUNT: Final = "count"


Told = tuple[int, str, str | None, str]  # step, name, what it was (None: not told), what it is


@dataclass(frozen=True, slots=True)
class Stretch:
    """From step `start` to before `end`: `kind` (of an entry, or lock, or count), and in words."""

    start: int
    end: int
    kind: str
    text: str


@dataclass(slots=True)
class Track:
    """One object. `cpu` is that of a lock's holder, -1 for what belongs to no CPU."""

    name: str
    cpu: int
    stretches: list[Stretch] = field(default_factory=list)


def locks(trace: Sequence[TraceEvent]) -> list[Track]:
    """A track for each lock on each CPU that held it, in the order of the first taking."""
    last = _last(trace)
    held: dict[tuple[int, str], tuple[int, int, str]] = {}  # actor, lock -> step, cpu, how
    tracks: dict[tuple[int, str], Track] = {}

    def put(cpu: int, lock: str, start: int, end: int, text: str) -> None:
        track = tracks.setdefault((cpu, lock), Track(lock, cpu))
        track.stretches.append(Stretch(start, max(end, start + 1), LOCK, text))

    for event in trace:
        if (taken := _TAKES.fullmatch(event.text)) is not None:
            lock, how = taken["lock"], (taken["how"] or "").strip()
            tracks.setdefault((event.cpu, lock), Track(lock, event.cpu))
            held[event.actor, lock] = (event.step, event.cpu, how)
        elif (released := _RELEASES.fullmatch(event.text)) is not None:
            found = held.pop((event.actor, released["lock"]), None)
            if found is not None:
                start, cpu, how = found
                text = _holds(event.actor, released["lock"], how, f"{start} to {event.step}")
                put(cpu, released["lock"], start, event.step, text)
    for (actor, lock), (start, cpu, how) in held.items():
        put(cpu, lock, start, last + 1, _holds(actor, lock, how, f"{start} to the end"))
    return list(tracks.values())


def entries(trace: Sequence[TraceEvent]) -> list[Track]:
    """A track for each page table entry that somebody wrote."""
    told: list[Told] = []
    for event in trace:
        if found := _SETS.fullmatch(event.text):
            told.append((event.step, found["name"], None, found["now"]))
        elif found := _CLEARS.fullmatch(event.text):
            told.append((event.step, found["name"], found["was"], NONE))
        elif found := _BECOMES.fullmatch(event.text):
            told.append((event.step, found["name"], found["was"], found["now"]))
    return _changing(told, _last(trace), _kind)


def folios(trace: Sequence[TraceEvent]) -> list[Track]:
    """A track of the reference count of each folio whose count changed."""
    told: list[Told] = []
    for event in trace:
        if found := _COUNTS.fullmatch(event.text):
            told.append((event.step, found["name"], None, found["count"]))
    return _changing(told, _last(trace), lambda text: COUNT)


def within(tracks: Iterable[Track], first: int, last: int, most: int) -> list[Track]:
    """Those that change between two steps, at most so many: those that change most often."""

    def changes(track: Track) -> int:
        return sum(first <= each.start <= last for each in track.stretches)

    busy = sorted((t for t in tracks if changes(t)), key=lambda t: (-changes(t), t.name))[:most]
    return sorted(busy, key=lambda t: _numbered(t.name))


def _changing(told: Iterable[Told], last: int, kind: Callable[[str], str]) -> list[Track]:
    tracks: dict[str, Track] = {}
    current: dict[str, tuple[int, str]] = {}
    for step, name, was, now in told:
        track = tracks.setdefault(name, Track(name, -1))
        start, text = current.get(name, (0, was or ""))
        if text and step > start:
            track.stretches.append(Stretch(start, step, kind(text), f"{name}: {text}"))
        current[name] = (step, now)
    for name, (start, text) in current.items():
        tracks[name].stretches.append(Stretch(start, last + 1, kind(text), f"{name}: {text}"))
    return list(tracks.values())


def _kind(text: str) -> str:
    return next((kind for word, kind in _KINDS if word in text), NONE)


def _holds(actor: int, lock: str, how: str, when: str) -> str:
    return f"{ACTOR_NAMES[actor]} holds {lock}{f' {how}' if how else ''}, steps {when}"


def _last(trace: Sequence[TraceEvent]) -> int:
    return trace[-1].step if trace else 0


def _numbered(name: str) -> list[tuple[int, str]]:
    """`pte 2` before `pte 10`."""
    return [(int(word), "") if word.isdigit() else (-1, word) for word in name.split()]
