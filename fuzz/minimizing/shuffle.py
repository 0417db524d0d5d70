# SPDX-License-Identifier: MIT
"""Small scenarios made at random from the pieces of one: some steps away from it at once.

Contract: `Shuffle(scenario, rng).next()` is a scenario that has at most as many ops as the
given one, on the same machine: some ops deleted, replaced, moved or given to
somebody else, the stage set differently. It may be invalid, or the same scenario. A function of
the scenario and the state of `rng`.

Why: simplest scenarios of one bug that different failures lead to may be several steps apart,
with only passing or larger ones between; there are too many such places to visit all.
"""

from dataclasses import replace
from typing import Final

from fuzz.minimizing.edits import fitting
from fuzz.minimizing.variants import SETTING_UP, Variant, arguments, settings_like, variants
from fuzz.rng import Rng
from simulator.ops import BY_NUMBER, SLOTS, may_run
from simulator.scenario import Op, Scenario

# Changes of one scenario: at least two, for single ones are tried one by one; with every
# further one there is another half as often.
MIN_CHANGES: Final = 2
MAX_CHANGES: Final = 5


class Shuffle:
    """The scenarios around one."""

    def __init__(self, scenario: Scenario, rng: Rng) -> None:
        self._scenario: Final = scenario
        self._rng: Final = rng
        rows: dict[int, list[Variant]] = {}
        for variant in variants(scenario, guests=True):
            rows.setdefault(variant[1], []).append(variant)
        self._rows: Final = list(rows.values())
        self._own: Final = [rows[op.code] for op in scenario.ops if op.code in rows]
        self._actors: Final = sorted({actor for row in self._rows for actor, *_ in row})
        self._stages: Final = {
            op.uid: list(settings_like(scenario, op))
            for op in scenario.ops
            if op.code in SETTING_UP
        }
        # Those that differ in one argument.
        self._next_stages: Final = {
            op.uid: [args for args in self._stages[op.uid] if _changed(op, args) == 1]
            for op in scenario.ops
            if op.code in SETTING_UP
        }

    def next(self) -> Scenario:
        """Another scenario."""
        rng = self._rng
        ops = list(self._scenario.ops)
        changes = MIN_CHANGES
        while changes < MAX_CHANGES and rng.chance(1, 2):
            changes += 1
        for _ in range(changes):
            if ops:
                self._change(ops, rng.below(len(ops)))
        changed = replace(self._scenario, ops=tuple(ops))
        return changed.with_directives(fitting(changed, self._scenario.directives))

    def _change(self, ops: list[Op], i: int) -> None:
        rng = self._rng
        op = ops[i]
        setting_up = op.uid in self._stages
        match rng.below(8):
            case 0:
                del ops[i]
            case 1:
                del ops[i]
                ops.insert(rng.below(len(ops) + 1), op)
            case 2:
                actor = rng.pick(self._actors)
                if may_run(BY_NUMBER[op.code], actor):
                    ops[i] = Op(op.uid, actor, op.code, op.args)
            case _ if setting_up:
                stages = (self._stages if rng.chance(1, 3) else self._next_stages)[op.uid]
                if stages:
                    ops[i] = Op(op.uid, op.actor, op.code, rng.pick(stages))
            case 3 if self._own:
                ops[i] = Op(op.uid, *rng.pick(rng.pick(self._own)))
            case _:
                ops[i] = Op(op.uid, *rng.pick(rng.pick(self._rows)))


def _changed(op: Op, args: tuple[int, ...]) -> int:
    """How many arguments differ from the op's."""
    return sum(
        op.args[at : at + SLOTS[arg.kind]] != args[at : at + SLOTS[arg.kind]]
        for arg, at in arguments(op)
    )
