# SPDX-License-Identifier: MIT
"""Who the actors of a scenario are, as processes and threads.

Contract: `Cast` is made from the ops alone: T0 and the actors that no fork names are threads of
the first process; a child is a process with one thread.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from simulator import ops
from simulator.scenario import Op


@dataclass(slots=True)
class Cast:
    """The actors; `alive` changes as forks and exits are told, in the order of the ops."""

    children: frozenset[int]
    alive: set[int]

    @classmethod
    def of(cls, everything: Iterable[Op]) -> "Cast":
        everything = tuple(everything)
        children = frozenset(op.args[0] for op in everything if op.code == ops.OP_FORK)
        return cls(children, {0} | {op.actor for op in everything} - children)

    def process(self, actor: int) -> int:
        """The process of an actor, named after its first one."""
        return actor if actor in self.children else 0

    def forked(self, op: Op) -> None:
        self.alive.add(op.args[0])

    def exits(self, actor: int) -> bool:
        """The actor is gone; whether it was the last of its process."""
        self.alive.discard(actor)
        return not any(self.process(other) == self.process(actor) for other in self.alive)
