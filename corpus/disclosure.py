# SPDX-License-Identifier: MIT
"""What must not leave this machine: scenarios of bugs that current kernels have and whose
maintainers have not been told (rows of simulator/bugs.py flagged `undisclosed`).

Contract: whoever writes something that others may read asks here first. It does not promise to
know a bug that nobody has made a row of: such finds are for a person to judge, and a label,
`embargo`, treats them alike.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from corpus.files import UNDISCLOSED
from simulator.bugs import BUGS, BY_ID, in_kernel
from simulator.outcome import Signature
from simulator.scenario import Scenario

EMBARGO: Final = "embargo"  # the label
WHY: Final = "it shows a bug whose maintainers have not been told yet"
_HIDDEN: Final = frozenset(bug.id for bug in BUGS if bug.undisclosed)


def names_one(names: Iterable[str]) -> bool:
    """Whether one of these words, of `bug=` or of the name of a model, is such a bug's."""
    return not _HIDDEN.isdisjoint(name.removeprefix("-") for name in names)


def is_of_one(scenario: Scenario, path: Path | None = None) -> bool:
    """Whether a scenario asks for such a bug, or stands where scenarios of such bugs do."""
    there = path is not None and UNDISCLOSED in path.resolve().parents
    return there or names_one(scenario.config.bugs)


def shows_one(scenario: Scenario, signature: Signature) -> bool:
    """Whether what a scenario breaks may be such a bug: one that it asks for, or one that its
    `kernel=` has and that breaks the same promise in the same function."""
    config = scenario.config
    has = [row for row in in_kernel(config.kernel) if f"-{row}" not in config.bugs]
    return names_one(config.bugs) or any(
        signature.oracle in BY_ID[row].oracles and signature.culprit in BY_ID[row].culprits
        for row in has
        if row in _HIDDEN
    )
