# SPDX-License-Identifier: MIT
"""Import of one log from file to files, and what it says to people and programs.

Contract: `import_log` translates, cuts, and with a machine also checks, segment by segment, so that
memory does not grow with the log. A `Report` says for
every mm call and page fault of the log that it was taken or why not; `Report.ok` is false when
the model disagrees with the real kernel without a known reason.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Final

from corpus import text
from corpus.files import SUFFIX
from corpus.recording.check import Checked, Checker
from corpus.recording.events import Log, RecordingError
from corpus.recording.follow import follow
from corpus.recording.layout import Region
from corpus.recording.translate import Translation, segments
from corpus.recording.windows import Cutter
from corpus.verify import Runs
from simulator import ops
from simulator.scenario import Scenario

_SUFFIX: Final = re.compile(r"\.(strace|perf-trace|perf|syz|txt)$")
NOT_MEMORY: Final = "is not about memory, or about memory that is not in the model"
_NAMES_SHOWN: Final = 8  # of calls in a line for people
_SHOWN: Final = 20  # disagreements and odd lines in the text for people; JSON has all


@dataclass(frozen=True, slots=True)
class Listing:
    """Calls of one name that were not taken for one reason; `first_line` is the first of them,
    0 where they are of several texts."""

    name: str
    reason: str
    count: int
    first_line: int


@dataclass(slots=True)
class Report:
    """One imported log."""

    log: str
    processes: int = 0
    mm_calls: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)  # by call
    ops: dict[str, int] = field(default_factory=dict)  # that they became, exits among them
    listed: list[Listing] = field(default_factory=list)
    odd_lines: list[tuple[int, str]] = field(default_factory=list)
    left_out_of_windows: dict[str, int] = field(default_factory=dict)
    nr_scenarios: int = 0
    scenarios: list[Scenario] = field(default_factory=list)  # unless they were handed on
    notes: dict[str, int] = field(default_factory=dict)  # what is not as the text says it
    checked: Checked | None = None

    @property
    def ok(self) -> bool:
        return not (self.checked and (self.checked.disagreements or self.checked.violations))

    def to_json(self) -> dict[str, object]:
        """Plain data: counts by name, everything that was not taken, everything that differs."""
        data: dict[str, object] = {
            "log": self.log,
            "processes": self.processes,
            "mm_calls": {"total": sum(self.mm_calls.values()), "by_name": self.mm_calls},
            "taken": {"total": sum(self.taken.values()), "by_name": self.taken},
            "ops": self.ops,
            "listed": {
                "total": sum(listing.count for listing in self.listed),
                "by_reason": [asdict(listing) for listing in self.listed],
            },
            "odd_lines": [{"line": line, "message": what} for line, what in self.odd_lines],
            "scenarios": self.nr_scenarios,
            "notes": self.notes,
            "left_out_of_windows": self.left_out_of_windows,
        }
        if self.checked:
            # asdict() of Python 3.11 makes a Counter of a Counter's pairs.
            skipped = dict(self.checked.not_compared)
            data["check"] = asdict(self.checked) | {"not_compared": skipped, "ok": self.ok}
        return data

    def lines(self) -> list[str]:
        """What `to_json` says, for people."""
        total, taken = sum(self.mm_calls.values()), sum(self.taken.values())
        lines = [
            f"{self.log}: {total} calls and faults of {self.processes} address spaces: "
            f"{taken} taken, {total - taken} listed; {self.nr_scenarios} scenarios"
        ]
        lines += not_taken(self.listed)
        lines += [
            f"  not understood: line {line}: {what}" for line, what in self.odd_lines[:_SHOWN]
        ]
        for reason, count in sorted(self.left_out_of_windows.items()):
            lines.append(f"  not in a scenario: {count} ops: {reason}")
        lines += [f"  note: {count} {what}" for what, count in sorted(self.notes.items())]
        if self.checked:
            lines += _checked_lines(self.checked)
        return lines


def not_taken(listed: Sequence[Listing]) -> list[str]:
    """A line for every reason, with the calls that were not taken for it."""
    by_reason: dict[str, list[Listing]] = {}
    for listing in listed:
        by_reason.setdefault(listing.reason, []).append(listing)
    lines: list[str] = []
    for reason, listings in sorted(by_reason.items()):
        often = sorted(listings, key=lambda listing: -listing.count)
        names = ", ".join(f"{listing.count} {listing.name}" for listing in often[:_NAMES_SHOWN])
        others = often[_NAMES_SHOWN:]
        if others:
            names += f", {sum(listing.count for listing in others)} others"
        first = min(listing.first_line for listing in listings)
        lines.append(f"  not taken: {names}: {reason}" + f" (first in line {first})" * bool(first))
    return lines


def _checked_lines(checked: Checked) -> list[str]:
    lines = [
        f"  check: {checked.compared} answers compared, {checked.agreed} agree, "
        f"{len(checked.explained)} differ for a known reason, "
        f"{len(checked.disagreements)} disagree"
    ]
    for reason, count in sorted(checked.not_compared.items()):
        lines.append(f"  not compared: {count}: {reason}")
    lines += [f"  VIOLATION in the replay: {violation}" for violation in checked.violations]
    for difference in checked.disagreements[:_SHOWN]:
        lines.append(
            f"  DISAGREE: line {difference.line}: {difference.call}: the log says "
            f"{difference.log}, the model {difference.model}"
        )
    for difference in checked.explained[:_SHOWN]:
        lines.append(
            f"  explained: line {difference.line}: the log says {difference.log}, the "
            f"model {difference.model}: {difference.reason}"
        )
    return lines


def import_log(
    log: Log,
    machine: Runs | None = None,
    keep: Callable[[Scenario], None] | None = None,
    before: dict[int, list[Region]] | None = None,
    everything: bool = False,
) -> Report:
    """Import one log; with a machine also replay it and compare. Each scenario is handed to `keep`
    as it is made; without, they are in the report. `before` are mappings, by space, that are known
    to be there. With `everything`, calls that are not about memory are listed, too.

    Raises RecordingError for what is no recording."""
    path = Path(log.name)
    followed = follow(log)
    translation = Translation(followed.spaces)
    cutter = Cutter(scenario_name(path), log.kind)
    checker = Checker(machine) if machine else None
    report = Report(log=path.name)
    became: Counter[str] = Counter()
    processes: set[int] = set()
    for segment in segments(followed, translation, before):
        became.update(ops.BY_NUMBER[step.code].name for step in segment.steps)
        processes.update(step.space for step in segment.steps)
        try:
            for scenario in cutter.cut(segment):
                (keep or report.scenarios.append)(scenario)
                report.nr_scenarios += 1
        except RecordingError as error:
            raise RecordingError(f"{log.name}: {error}") from error
        if checker:
            checker.segment(segment)
    if everything:
        for name, count in translation.others.items():
            translation.calls[name] += count
            translation.listed[name, NOT_MEMORY] += count
    report.processes = len(processes)
    report.mm_calls = _sorted(translation.calls)
    report.taken = _sorted(translation.taken)
    report.ops = _sorted(became)
    report.listed = [
        Listing(name, reason, count, translation.first.get((name, reason), 0))
        for (name, reason), count in sorted(translation.listed.items())
    ]
    report.odd_lines = log.odd_lines
    report.left_out_of_windows = _sorted(cutter.left_out)
    if checker:
        report.checked = checker.checked
        add_ruled(checker.checked, translation)
    return report


def add_ruled(checked: Checked, translation: Translation) -> None:
    """Answers that were compared without the model."""
    checked.compared += translation.ruled
    checked.agreed += translation.ruled - len(translation.differences)
    for difference in translation.differences:
        checked.differs(difference)
    for differences in (checked.disagreements, checked.explained):
        differences.sort(key=attrgetter("line"))


class Writer:
    """Writes scenarios of the log at `path` to `folder`, as `<log>-<number>.mm`."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.files: list[Path] = []
        self._name = scenario_name(path)
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, scenario: Scenario) -> None:
        file = self._folder / f"{self._name}-{len(self.files) + 1:03}{SUFFIX}"
        file.write_text(text.dump(scenario), encoding="utf-8")
        self.files.append(file)


def scenario_name(path: Path) -> str:
    """What the scenarios of a log are called: its file name as a file name of the corpus."""
    stem = _SUFFIX.sub("", path.name).lower()
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._") or "log"


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
