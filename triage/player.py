# SPDX-License-Identifier: MIT
"""A run step by step: what happens at one, and what holds there.

Contract: pure functions of an Outcome with its trace. `at` gives the moment of the step with that
place in the run (0 is the first); what holds are locks, page table entries and reference counts,
as far as the trace has told of them until then.
"""

from dataclasses import dataclass

from simulator.outcome import Outcome
from simulator.scenario import ACTOR_NAMES
from triage import tracks
from triage.steps import Step, steps_of
from triage.tracks import Track


@dataclass(frozen=True, slots=True)
class Moment:
    """Step `number` of `count`. `switches` are the places of the nearest steps before and after
    it at which another CPU goes on (None: there is none)."""

    number: int
    count: int
    step: Step
    actor: str
    around: tuple[str, ...]  # the functions that its own was called by
    held: tuple[str, ...]
    entries: tuple[tuple[str, str], ...]  # name and kind
    folios: tuple[str, ...]
    before: int | None
    after: int | None


class Player:
    """The steps of one run."""

    def __init__(self, outcome: Outcome) -> None:
        self.steps = steps_of(outcome.trace)
        self._locks = tracks.locks(outcome.trace)
        self._entries = tracks.entries(outcome.trace)
        self._folios = tracks.folios(outcome.trace)
        self._switches = [
            i for i in range(1, len(self.steps)) if self.steps[i].cpu != self.steps[i - 1].cpu
        ]

    def at(self, number: int) -> Moment:
        """The nearest there is to this number. Only a run without steps has no moment."""
        number = min(max(number, 0), len(self.steps) - 1)
        step = self.steps[number]
        when = step.step
        return Moment(
            number,
            len(self.steps),
            step,
            ACTOR_NAMES[step.actor],
            _around(step),
            tuple(text for text, _ in _now(self._locks, when)),
            tuple(_now(self._entries, when)),
            tuple(text for text, _ in _now(self._folios, when)),
            max((i for i in self._switches if i < number), default=None),
            min((i for i in self._switches if i > number), default=None),
        )


def _around(step: Step) -> tuple[str, ...]:
    """Without the function itself, which the model may have cut into several."""
    names = [function for _, function in step.calls]
    while names and names[-1] == step.function:
        names.pop()
    return tuple(names)


def _now(every: list[Track], step: int) -> list[tuple[str, str]]:
    """Text and kind of what each track is at a step."""
    return [
        (stretch.text, stretch.kind)
        for track in every
        for stretch in track.stretches
        if stretch.start <= step < stretch.end
    ]
