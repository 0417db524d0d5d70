# SPDX-License-Identifier: MIT
"""The interface between a run and whoever looks at the machine while it lasts.

Contract: `Machine.run(..., observer=...)` calls an observer when an op has done its work, before
anybody can come in between, and once before the End begins to take the machine apart. Ops that
are skipped, for their actor does not exist, are not announced; nor is what comes after a broken
promise. An observer may read everything and change nothing: digest and outcome are the same with
and without one.

The base class looks at nothing.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

if TYPE_CHECKING:
    from simulator.state import Kernel
    from simulator.task import Task


@mypyc_attr(allow_interpreted_subclasses=True)
class Observer:
    """Looks away."""

    def op_ended(self, k: "Kernel", t: "Task", index: i64) -> None:
        """`t` is about to return from the op at `index` of the scenario."""

    def end_begins(self, k: "Kernel") -> None:
        """All ops have ended; handles are open, and processes that did not exit are there."""
