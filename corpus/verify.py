# SPDX-License-Identifier: MIT
"""Whether scenario files keep what they promise.

Contract: `verify` reads each file, runs it, and reports what is wrong with it: a text that
is not canonical, an outcome that differs from `# expect:`, directives that do nothing, a
name that breaks the rules. A file with `bug=` must do what it expects with the bug and be
clean without it, or it proves nothing about the bug. No problems means all files are good.

Not promised: that a scenario is minimal, or that it says something new.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from corpus import headers, text
from corpus.files import KNOWN_BUGS, SUFFIX, mm_files
from simulator.outcome import Outcome
from simulator.scenario import Scenario

# One spelling on every file system: no upper case, no spaces, nothing a shell would quote.
_FILE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*\.mm", re.ASCII)


class Runs(Protocol):
    """`simulator.run.Machine`, as far as it is needed here."""

    def run(self, scenario: Scenario) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: `rule` is a stable word, `message` says what to do. `line` is 0 when
    the whole file is meant."""

    file: str
    line: int
    rule: str  # text | name | expect | outcome | dead | bug
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)


def verify(paths: Iterable[Path], machine: Runs) -> list[Problem]:
    """The problems of all .mm files among and below `paths`, in the order of the files."""
    problems: list[Problem] = []
    for file in mm_files(paths):
        problems += verify_file(file, machine)
    return problems


def verify_file(file: Path, machine: Runs) -> list[Problem]:
    """The problems of one file."""
    problems: list[Problem] = []
    if not _FILE_NAME.fullmatch(file.name):
        problems.append(
            Problem(
                str(file),
                0,
                "name",
                f"a file name is lower-case letters, digits, `.`, `_`, `-`, then {SUFFIX}",
            )
        )
    try:
        scenario = text.load(file)
    except text.TextError as error:
        message = f"column {error.column}: {error.message}"
        return [*problems, Problem(str(file), error.line, "text", message)]
    if file.parent.name == KNOWN_BUGS.name and scenario.config.bugs != (file.stem,):
        problems.append(
            Problem(
                str(file),
                0,
                "name",
                f"a file in {KNOWN_BUGS.name}/ is called after its only bug: its "
                f"config should say bug={file.stem}",
            )
        )
    return problems + verify_scenario(scenario, str(file), machine)


def verify_scenario(scenario: Scenario, name: str, machine: Runs) -> list[Problem]:
    """The problems of what a scenario expects; `name` stands for its file."""
    problems: list[Problem] = []

    def report(rule: str, message: str) -> None:
        problems.append(Problem(name, 0, rule, message))

    expected = dict(scenario.headers).get("expect")
    if expected is None:
        report("expect", "no `# expect:` header: say `clean` or `ORACLE CULPRIT OBJECT-CLASS`")
        return problems
    outcome = machine.run(scenario)
    found = said(outcome)
    if found != expected:
        report("outcome", f"expected `{expected}`, the run says `{found}`{promise(outcome)}")
    for directive in outcome.dead:
        report("dead", f"`{text.print_directive(directive)}` does nothing: remove it")
    if scenario.config.bugs and expected != headers.CLEAN:
        fixed = machine.run(replace(scenario, config=replace(scenario.config, bugs=())))
        if fixed.violation:
            report(
                "bug",
                f"without bug= it should be clean, the run says `{said(fixed)}`{promise(fixed)}",
            )
    return problems


def said(outcome: Outcome) -> str:
    """The outcome in the words of `# expect:`."""
    return str(outcome.violation.signature) if outcome.violation else headers.CLEAN


def promise(outcome: Outcome) -> str:
    return f" ({outcome.violation.promise})" if outcome.violation else ""
