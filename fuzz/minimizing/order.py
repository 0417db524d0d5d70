# SPDX-License-Identifier: MIT
"""What "simpler" means: one total order on scenarios.

Contract: `cost` is compared as a tuple, the smaller is the simpler: ops, directives, actors,
settings of the machine that are not the default, kinds of ops, operands, then who runs what
in which order, so that two scenarios of equal cost differ in their directives at most.
Numbers of kinds and rows of the op table are the ranks: both were given from the plainest on.
"""

from dataclasses import fields

from simulator.ops import BY_NUMBER, DEST, OP_FORK, RANGE, SLOTS
from simulator.scenario import Config, Op, Scenario

Cost = tuple[int, int, int, int, int, int, tuple[tuple[int, int, tuple[int, ...]], ...]]

_DEFAULTS = Config()
# The model to run on is not the scenario's to simplify.
SETTINGS = tuple(f.name for f in fields(Config) if f.name not in ("bugs", "kernel"))


def cost(scenario: Scenario) -> Cost:
    """The place of a scenario in the order."""
    ops = scenario.ops
    return (
        len(ops),
        len(scenario.directives),
        # T0 is there in any case, children from their fork on.
        len({0} | {op.actor for op in ops} | {op.args[0] for op in ops if op.code == OP_FORK}),
        settings(scenario.config),
        sum(op.code for op in ops),
        sum(operands(op) for op in ops),
        tuple((op.actor, op.code, op.args) for op in ops),
    )


def settings(config: Config) -> int:
    """How much of a machine is not the default."""
    changed = sum(bool(getattr(config, n) != getattr(_DEFAULTS, n)) for n in SETTINGS)
    return changed + len(config.placement)


def operands(op: Op) -> int:
    """The size of an op's operands. A range counts by its length first, then its place."""
    total = 0
    at = 0
    for arg in BY_NUMBER[op.code].args:
        if arg.kind in (RANGE, DEST):
            start, end = op.args[at : at + 2]
            total += start + 2 * (end - start)
        else:
            total += sum(op.args[at : at + SLOTS[arg.kind]])
        at += SLOTS[arg.kind]
    return total
