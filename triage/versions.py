# SPDX-License-Identifier: MIT
"""Which versions of Linux have a finding: by the model, and by real kernels that were asked.

Contract: `table` runs a scenario on the model of every version, as it was shipped, and puts beside
it what `mmfarm confirm` has written down before; no kernel is started. The model of an older
version has its rules and its bugs, but 7.2's locks and sites: a scenario with a schedule gets `-`
there, for what it does would be said of no kernel that ever was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from simulator.bugs import full
from simulator.kernels import DEFAULT, VERSIONS, nearest
from simulator.outcome import Signature
from simulator.run import Machine
from simulator.scenario import Scenario
from workers.records import ConfirmationRow

FAILS: Final = "fails"
PASSES: Final = "passes"
NOT_MODELLED: Final = "-"


@dataclass(frozen=True, slots=True)
class Version:
    """`model`: fails, passes, - or another signature; `confirmed`: a verdict for each kernel of
    this version that was asked, empty if none was."""

    version: str
    model: str
    confirmed: tuple[ConfirmationRow, ...]


def table(
    scenario: Scenario, signature: Signature, confirmed: Sequence[ConfirmationRow]
) -> list[Version]:
    machine = Machine()
    return [
        Version(
            version,
            _model(machine, scenario, signature, version),
            tuple(
                sorted(
                    (each for each in confirmed if nearest(each.version) == version),
                    key=lambda each: full(each.version),
                )
            ),
        )
        for version in VERSIONS
    ]


def _model(machine: Machine, scenario: Scenario, signature: Signature, version: str) -> str:
    if scenario.directives and full(version) < full(DEFAULT):
        return NOT_MODELLED
    config = replace(scenario.config, kernel=version, bugs=())
    violation = machine.run(replace(scenario, config=config)).violation
    if violation is None:
        return PASSES
    return FAILS if violation.signature == signature else f"other: {violation.signature}"
