# SPDX-License-Identifier: MIT
"""The trace of a run as steps that people read: one for each site passed, with all that was
said there, under the functions that it stands in.

Contract: a pure function of the trace. Depth is inferred from the sites, for the model records
no returns: a function that is passed again later in the same op is still open in between. So
callees that share no site with their caller afterwards stand beside it, not below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.outcome import TraceEvent


# How the first text of a step that touches something begins (simulator/touched.py).
READ: Final = "read "
WRITE: Final = "write "


@dataclass(frozen=True, slots=True)
class Step:
    """One site passed. `uid` is 0 only in the End; a context switch counts to the op it leads
    to. `thing` is the object that the access to come touches, `notes` what has happened since the
    site was passed, `to` the actor that a directive let run here; each may be empty. `depth` counts
    enclosing functions."""

    step: int
    actor: int
    cpu: int
    uid: int
    function: str
    label: str
    depth: int
    thing: str
    writes: bool
    notes: tuple[str, ...]
    to: str


@dataclass(slots=True)
class _Passed:
    event: TraceEvent
    uid: int
    texts: list[str]


def steps_of(trace: Sequence[TraceEvent]) -> list[Step]:
    """The steps of a trace in the order of time."""
    passed: list[_Passed] = []
    for event in trace:
        last = passed[-1].event if passed else None
        if last is None or (last.step, last.actor, last.site) != (
            event.step, event.actor, event.site
        ):
            passed.append(_Passed(event, event.uid, []))
        if event.text:
            passed[-1].texts.append(event.text)
    _assign_switches(passed)
    depths = _depths(passed)
    return [_step(each, depth) for each, depth in zip(passed, depths, strict=True)]


def _step(passed: _Passed, depth: int) -> Step:
    event = passed.event
    function, _, label = event.site.partition(":")
    touching = [text for text in passed.texts[:1] if text.startswith((READ, WRITE))]
    to = [text for text in passed.texts if text.startswith("-> ")]
    notes = [text for text in passed.texts if text not in touching and text not in to]
    return Step(
        step=event.step, actor=event.actor, cpu=event.cpu, uid=passed.uid,
        function=function, label=label.replace("_", " "), depth=depth,
        thing=touching[0].partition(" ")[2] if touching else "",
        writes=bool(touching) and touching[0].startswith(WRITE),
        notes=tuple(notes), to=to[0].removeprefix("-> ") if to else "",
    )


def _assign_switches(passed: list[_Passed]) -> None:
    """Events outside of ops belong to the next op of their actor, if it has one."""
    following: dict[int, int] = {}
    for each in reversed(passed):
        if each.uid:
            following[each.event.actor] = each.uid
        else:
            each.uid = following.get(each.event.actor, 0)


def _depths(passed: list[_Passed]) -> list[int]:
    last: dict[tuple[int, int, str], int] = {}
    for i, each in enumerate(passed):
        last[_key(each)] = i
    stacks: dict[tuple[int, int], list[str]] = {}
    depths: list[int] = []
    for i, each in enumerate(passed):
        actor, uid, function = _key(each)
        stack = stacks.setdefault((actor, uid), [])
        if function in stack:
            del stack[stack.index(function) + 1 :]
        else:
            while stack and last[actor, uid, stack[-1]] < i:
                stack.pop()
            stack.append(function)
        depths.append(len(stack) - 1)
    return depths


def _key(passed: _Passed) -> tuple[int, int, str]:
    return passed.event.actor, passed.uid, passed.event.site.partition(":")[0]
