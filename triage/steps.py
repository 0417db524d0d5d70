# SPDX-License-Identifier: MIT
"""The trace of a run as steps that people read: one for each site passed, with all that was
said there, in the calls that it stands in.

Contract: a pure function of the trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.outcome import TraceEvent

# How the first text of a step that touches something begins (simulator/touched.py).
READ: Final = "read "
WRITE: Final = "write "


Calls = tuple[tuple[int, str], ...]  # as in TraceEvent


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened, and inside of which calls."""

    text: str
    calls: Calls


@dataclass(frozen=True, slots=True)
class Step:
    """One site passed, inside of `calls`. `uid` is 0 only in the End; a context switch counts to
    the op it leads to. `thing` is the object that the access to come touches, `notes` what has
    happened since the site was passed, `to` the actor that a directive let run here; each may be
    empty."""

    step: int
    actor: int
    cpu: int
    uid: int
    function: str
    label: str
    calls: Calls
    thing: str
    writes: bool
    notes: tuple[Note, ...]
    to: str


@dataclass(slots=True)
class _Passed:
    event: TraceEvent
    uid: int
    notes: list[Note]


def steps_of(trace: Sequence[TraceEvent]) -> list[Step]:
    """The steps of a trace in the order of time."""
    passed: list[_Passed] = []
    for event in trace:
        last = passed[-1].event if passed else None
        if last is None or (last.step, last.actor, last.site) != (
            event.step,
            event.actor,
            event.site,
        ):
            passed.append(_Passed(event, event.uid, []))
        if event.text:
            passed[-1].notes.append(Note(event.text, event.calls))
    _assign_switches(passed)
    return [_step(each) for each in passed]


def _step(passed: _Passed) -> Step:
    event = passed.event
    function, _, label = event.site.partition(":")
    touching = [note for note in passed.notes[:1] if note.text.startswith((READ, WRITE))]
    to = [note for note in passed.notes if note.text.startswith("-> ")]
    return Step(
        step=event.step,
        actor=event.actor,
        cpu=event.cpu,
        uid=passed.uid,
        function=function,
        label=label.replace("_", " "),
        calls=event.calls,
        thing=touching[0].text.partition(" ")[2] if touching else "",
        writes=bool(touching) and touching[0].text.startswith(WRITE),
        notes=tuple(note for note in passed.notes if note not in (*touching, *to)),
        to=to[0].text.removeprefix("-> ") if to else "",
    )


def _assign_switches(passed: list[_Passed]) -> None:
    """Events outside of ops belong to the next op of their actor, if it has one."""
    following: dict[int, int] = {}
    for each in reversed(passed):
        if each.uid:
            following[each.event.actor] = each.uid
        else:
            each.uid = following.get(each.event.actor, 0)
