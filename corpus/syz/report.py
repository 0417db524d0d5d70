# SPDX-License-Identifier: MIT
"""Import of syzkaller programs from files, and what it says of many of them together.

Contract: `import_program` says for every call of a program that it was taken or why not, in
the `Report` that logs have too. `Programs` adds such reports up.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from corpus.recording.events import RecordingError
from corpus.recording.report import Listing, Report, import_log, not_taken
from corpus.syz.execute import execute
from corpus.syz.parse import load

_SPACE: Final = 0  # the first one, whose data area is mapped before


def import_program(path: Path) -> Report:
    """Import one program. Raises RecordingError for what is none, OSError."""
    executed = execute(load(path))
    report = import_log(executed.log, before={_SPACE: executed.before}, everything=True)
    report.notes = dict(sorted(executed.notes.items()))
    return report


def program_files(path: Path) -> list[Path]:
    """The file, or all files at any depth of a folder."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file())


@dataclass(slots=True)
class Programs:
    """Several imported programs, and the files that are none, with messages."""

    reports: list[Report] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Every file and line that was not understood."""
        return self.refused + [
            f"{report.log}:{line}: {what}"
            for report in self.reports
            for line, what in report.odd_lines
        ]

    def listed(self) -> list[Listing]:
        """What was not taken, by call and reason."""
        counts: Counter[tuple[str, str]] = Counter()
        for report in self.reports:
            for listing in report.listed:
                counts[listing.name, listing.reason] += listing.count
        return [Listing(name, reason, count, 0) for (name, reason), count in sorted(counts.items())]

    def to_json(self) -> dict[str, object]:
        return {
            "programs": [report.to_json() for report in self.reports],
            "refused": self.refused,
            "calls": sum(sum(report.mm_calls.values()) for report in self.reports),
            "taken": sum(sum(report.taken.values()) for report in self.reports),
            "listed": sum(listing.count for listing in self.listed()),
            "scenarios": sum(report.nr_scenarios for report in self.reports),
        }

    def lines(self) -> list[str]:
        """The sums for people; for one program all that its report has."""
        if len(self.reports) == 1:
            return self.reports[0].lines()
        data = self.to_json()
        lines = [
            f"{len(self.reports)} programs: {data['calls']} calls: {data['taken']} taken, "
            f"{data['listed']} listed; {data['scenarios']} scenarios"
        ]
        lines += not_taken(self.listed())
        sums: Counter[str] = Counter()
        for report in self.reports:
            for what, count in report.left_out_of_windows.items():
                sums[f"not in a scenario: {what}"] += count
            for what, count in report.notes.items():
                sums[f"note: {what}"] += count
        lines += [f"  {what}: {count}" for what, count in sorted(sums.items())]
        return lines


def import_programs(path: Path) -> Programs:
    """Import a program, or all of a folder. Raises RecordingError when none of it is one."""
    programs = Programs()
    for file in program_files(path):
        try:
            programs.reports.append(import_program(file))
        except RecordingError as error:
            programs.refused.append(str(error))
    if not programs.reports:
        raise RecordingError(
            programs.refused[0] if programs.refused else f"{path}: no files below this folder"
        )
    return programs
