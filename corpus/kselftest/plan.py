# SPDX-License-Identifier: MIT
"""What is exported: a scenario, and what a kernel must answer to it.

Contract: plain data between whoever knows the answers (conformance) and the C renderer here.
Results are those of `simulator.outcome`, but words that are read are named by the uid of the op
that stored them, as in the C form of a store.
"""

from dataclasses import dataclass
from typing import Final

from simulator.scenario import Scenario

# Kernels whose trees are known: where their harness is found from mm/.
KERNELS: Final = {
    "6.12": "../kselftest_harness.h",
    "6.18": "../kselftest_harness.h",
    "7.2": "kselftest_harness.h",
}
DEFAULT_KERNEL: Final = "6.18"  # the model's


@dataclass(frozen=True, slots=True)
class Mapping:
    """A line of /proc/PID/maps in the arena. `file` is -1 without a memory file; `offset` is in
    pages. `pages` has a letter for each page, as page_letter() of mmfarm_selftest.h gives it,
    or a space."""

    start: int
    end: int
    mode: str  # rw-p
    file: int
    offset: int
    pages: str


@dataclass(frozen=True, slots=True)
class State:
    """What is mapped at the end in the process that `actor` speaks for."""

    actor: int
    mappings: tuple[Mapping, ...]


@dataclass(frozen=True, slots=True)
class Selftest:
    """One scenario with its answers.

    `order` are the indices of the ops in the order in which they are done, and `results`
    belong to `scenario.ops`. With `race_from` the ops from that index on run all at once, in a
    stress test, and have no results; `states` is empty then. `needs` are names of
    conformance.features."""

    name: str  # of its file, without the suffix
    scenario: Scenario
    order: tuple[int, ...]
    results: tuple[int, ...]
    states: tuple[State, ...] = ()
    needs: tuple[str, ...] = ()
    race_from: int | None = None
