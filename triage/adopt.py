# SPDX-License-Identifier: MIT
"""A find of the farm's comes into the collection.

Contract: `adopt` gives the scenario as the collection takes it, and the file that it belongs into:
minimized if it fails, with the headers that say what it is, verified as `corpus verify` does. It is
refused where the collection has the same scenario, or a smaller one of the same signature. What
fails without a known bug may be a bug of Linux that nobody has heard of: it goes to undisclosed/,
which is neither packaged nor exported, until a person moves it.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from corpus import headers, text
from corpus.files import KNOWN_BUGS, SCENARIOS, SUFFIX, UNDISCLOSED, mm_files
from corpus.verify import verify_scenario
from fuzz.minimize import minimize
from simulator.run import Machine
from simulator.scenario import Scenario
from triage.exits import Refused
from workers.entries import bare

MAX_STEM: Final = 60
_NO_NAME: Final = re.compile(r"[^a-z0-9]+", re.ASCII)


def adopt(
    given: Scenario, *, category: str, title: str, origin: str, collection: Path
) -> tuple[Scenario, Path]:
    """Raises Refused."""
    for name, value in (("category", category), ("title", title)):
        if wrong := headers.check(name, value):
            raise Refused(f"--{name}: {wrong}")
    machine = Machine()
    violation = machine.run(given).violation
    if violation is not None:
        given = minimize(given, violation.signature, machine).scenario
    expect = headers.CLEAN if violation is None else str(violation.signature)
    requires = [pair for pair in given.headers if pair[0] == "requires"]
    said = [
        ("title", title),
        ("category", category),
        *requires,
        ("expect", expect),
        ("origin", origin),
    ]
    made = replace(given, headers=tuple(said))
    _refuse_known(
        made,
        expect,
        mm_files(
            folder
            for folder in (
                collection / SCENARIOS.name,
                collection / KNOWN_BUGS.name,
                collection / UNDISCLOSED.name,
            )
            if folder.is_dir()
        ),
    )
    if violation is not None and made.config.bugs:
        raise Refused(
            f"it shows the known bug {', '.join(made.config.bugs)}: {KNOWN_BUGS.name}/ has a "
            "scenario of each"
        )
    problems = verify_scenario(made, "the scenario", machine)
    if problems:
        raise Refused("; ".join(str(problem) for problem in problems))
    above = SCENARIOS.name if violation is None else UNDISCLOSED.name
    stem = _NO_NAME.sub("-", title.lower()).strip("-")[:MAX_STEM].strip("-") or "adopted"
    return made, collection / above / category / f"{stem}{SUFFIX}"


def _refuse_known(made: Scenario, expect: str, files: Iterable[Path]) -> None:
    mine = bare(made)
    for file in files:
        other = text.load(file)
        if bare(other) == mine:
            raise Refused(f"{file}: is the same scenario")
        same = dict(other.headers).get("expect") == expect != headers.CLEAN
        if same and not other.config.bugs and len(other.ops) <= len(made.ops):
            raise Refused(f"{file}: shows the same signature, in {len(other.ops)} ops")
