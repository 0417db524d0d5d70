# SPDX-License-Identifier: MIT
"""What tests of imports ask of a recording: all of its steps at once, and what was said of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from corpus.recording.check import Checked, Checker
from corpus.recording.events import Event, Log
from corpus.recording.follow import Followed, Following, Space, follow
from corpus.recording.layout import Region
from corpus.recording.report import add_ruled
from corpus.recording.steps import Step
from corpus.recording.translate import Segment, Translation, segments
from corpus.recording.windows import Cutter
from corpus.strace.parse import parse
from corpus.verify import Runs
from simulator.scenario import Scenario


@dataclass(slots=True)
class Recorded:
    """A translated recording. `listed` are the first calls of each name and reason."""

    translation: Translation
    segments: list[Segment] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        return [step for segment in self.segments for step in segment.steps]

    @property
    def listed(self) -> list[tuple[int, str, str]]:
        return sorted(
            (line, name, reason) for (name, reason), line in self.translation.first.items()
        )

    def excuses(self) -> dict[int, str]:
        """By line, why the real kernel may have answered otherwise than the model."""
        return {step.line: step.excuse for step in self.steps if step.excuse}


def translate(followed: Followed, before: dict[int, list[Region]] | None = None) -> Recorded:
    out = Recorded(Translation(followed.spaces))
    out.segments += segments(followed, out.translation, before)
    return out


def translated(text: str) -> Recorded:
    """Of the text of a strace log."""
    return translate(follow(parse(text)))


def followed(text: str) -> tuple[list[Space], list[Following]]:
    """The spaces of a strace log, and its events in them."""
    found = follow(parse(text))
    events = list(found.events)
    return found.spaces, events


def check(recorded: Recorded, machine: Runs) -> Checked:
    checker = Checker(machine)
    for segment in recorded.segments:
        checker.segment(segment)
    add_ruled(checker.checked, recorded.translation)
    return checker.checked


def checked(text: str, machine: Runs) -> Checked:
    return check(translated(text), machine)


def windows(recorded: Recorded) -> tuple[list[Scenario], dict[str, int]]:
    """The windows of a recording called `log`, and what is in none."""
    cutter = Cutter("log", "strace")
    found = [scenario for segment in recorded.segments for scenario in cutter.cut(segment)]
    return found, dict(cutter.left_out)


def events(log: Log) -> list[Event]:
    return list(log.events)


def answers(lines: Iterable[str]) -> str:
    """Lines of a log as its text."""
    return "".join(line + "\n" for line in lines)
