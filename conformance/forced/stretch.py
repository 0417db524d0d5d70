# SPDX-License-Identifier: MIT
"""A scenario of small page tables in those of a real machine.

Contract: `stretched` multiplies every page number and every number of pages, so that what filled a
page table, or was a huge page, does so again; words, handles and directives stay. The result is a
scenario of its own: what the model says of the first need not hold for it. Raises ScenarioError
where it does not fit.
"""

from dataclasses import replace
from typing import Final

from conformance.userland import PMD_ORDER
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE, Op, Scenario
from simulator.validate import arena_pages, validate

_PAGES: Final = frozenset((ops.RANGE, ops.DEST, ops.PAGE, ops.COUNT))


def stretched(scenario: Scenario) -> Scenario:
    config = scenario.config
    factor = 1 << (PMD_ORDER - config.pmd_order)
    made = replace(
        scenario,
        config=replace(config, pmd_order=PMD_ORDER, pages=arena_pages(config) * factor),
        ops=tuple(_stretched(op, factor) for op in scenario.ops),
    )
    validate(made)
    return made


def _stretched(op: Op, factor: int) -> Op:
    args = list(op.args)
    at = 0
    for arg in ops.BY_NUMBER[op.code].args:
        if arg.kind in _PAGES:
            for i in range(at, at + ops.SLOTS[arg.kind]):
                args[i] *= factor
        elif arg.kind == ops.WORD:
            page, word = divmod(args[at], WORDS_PER_PAGE)
            args[at] = page * factor * WORDS_PER_PAGE + word
        elif arg.kind == ops.BACKING:
            args[at + 1] *= factor
        at += ops.SLOTS[arg.kind]
    return replace(op, args=tuple(args))
