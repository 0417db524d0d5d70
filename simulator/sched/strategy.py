# SPDX-License-Identifier: MIT
"""The interface between the scheduler and whoever decides a schedule.

Contract: a strategy is asked where a directive could stand. What it answers is carried out
if it can be (the scheduler drops a switch to an actor that cannot run) and recorded as
directives, so its own state never has to be stored. A strategy must be a function of its
seed and of what it is told: no clock, no hash order.

The base class decides nothing: run to block.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from simulator.build.native import vec
from simulator.scenario import NR_ACTORS

ALLOCATOR: Final = 1 << 61  # what hands out frames and objects; no object of the model's


@mypyc_attr(allow_interpreted_subclasses=True)
class Strategy:
    """Run to block, no faults, current walks, prompt IPIs."""

    def __init__(self) -> None:
        # Ops before this one, by index in the scenario, are none of its business: it is not
        # asked about them.
        self.quiet: i64 = 0
        # Where each actor stands, kept by the scheduler: the site, the op as its index in the
        # scenario, and how often that op has come to the site.
        self.pend_site: vec[i64] = vec[i64]([0] * NR_ACTORS)
        self.pend_pos: vec[i64] = vec[i64]([0] * NR_ACTORS)
        self.pend_visit: vec[i64] = vec[i64]([0] * NR_ACTORS)

    def begin(self, nr_ops: i64) -> None:
        """A run of `nr_ops` ops starts."""

    def choose(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        """The actor to run next at this step of `cur`; `runnable` is a mask that has `cur`,
        and perhaps nobody else."""
        return cur

    def sleeps(self, cur: i64) -> None:
        """`cur` has found a lock taken that it waits for asleep: its CPU is idle from here on."""

    def silent(self, cur: i64, obj: i64) -> None:
        """`cur` writes to `obj` in the middle of something, where nobody can come in between:
        it lets go of a lock, or gives a frame back (ALLOCATOR)."""

    def fail(self, site: i64) -> bool:
        """Whether the allocation or trylock at `site` fails."""
        return False

    def tlb(self, entries: i64) -> i64:
        """Which of 1..`entries` stale translations the hardware uses; 0 is the current walk."""
        return 0

    def ipi(self, site: i64) -> i64:
        """Steps by which the IPI sent at `site` is late; 0 is at once."""
        return 0
