# SPDX-License-Identifier: MIT
"""The interface between a run and whoever looks at the machine while it lasts.

Contract: `Machine.run(..., observer=...)` calls an observer after each op and once before the
End begins to take the machine apart. An observer may read everything and change nothing: digest and
outcome are the same with and without one. A run that breaks a promise ends where it does, so
its last op and its End are not announced.

The base class looks at nothing.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

if TYPE_CHECKING:
    from simulator.state import Kernel, Task


@mypyc_attr(allow_interpreted_subclasses=True)
class Observer:
    """Looks away."""

    def op_ended(self, k: "Kernel", t: "Task", index: i64) -> None:
        """`t` has ended the op at `index` of the scenario; its result is booked."""

    def end_begins(self, k: "Kernel") -> None:
        """All ops have ended; handles are open, and processes that did not exit are there."""
