# SPDX-License-Identifier: MIT
"""`Tracer`: the Watch of a run that people will look at. Oracles listen as ever; besides, every
step and every note becomes a TraceEvent, and the state is described before the first preemption.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.dump import describe
from simulator.oracles.listener import Oracles
from simulator.outcome import TraceEvent
from simulator.touched import touched

if TYPE_CHECKING:
    from simulator.state import Kernel
    from simulator.task import Task


class Tracer(Oracles):
    """Keeps what is told in one run. The depth of an event is inferred from its function."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[TraceEvent] = []
        self.state_before: str = ""  # the state before the first preemption

    def stepped(self, k: "Kernel", t: "Task", site: i64, obj: i64, access: i64) -> None:
        self.add(k, t, site, touched(obj, access))

    def noted(self, k: "Kernel", text: str) -> None:
        self.add(k, k.cur, k.cur.site, text)

    def preempted(self, k: "Kernel", t: "Task", site: i64, target: i64) -> None:
        self.add(k, t, site, "-> " + sites.ACTOR_LABELS[target])
        if not self.state_before:
            self.state_before = describe(k)

    def failed(self, k: "Kernel", oracle: str, promise: str) -> None:
        self.add(k, k.cur, k.cur.site, f"{oracle}: {promise}")

    def add(self, k: "Kernel", t: "Task", site: i64, text: str) -> None:
        """One more event. A function seen before on the stack means that the ones above it have
        returned."""
        function = sites.FUNCTION[site]
        if function in t.depth:
            while t.depth[-1] != function:
                t.depth.pop()
        else:
            t.depth.append(function)
        self.events.append(
            TraceEvent(
                k.nr_steps, t.id, t.cpu, t.uid, sites.NAMES[site], len(t.depth) - 1, text
            )
        )
