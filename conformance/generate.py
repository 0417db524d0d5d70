# SPDX-License-Identifier: MIT
"""Scenarios for both sides: sequential, small, on a real machine's page tables.

Contract: `Generator` gives an endless stream of scenarios that is a function of its seed and of
the rows of the op table it is given. They have no directives, and pass `simulator.validate`.

`fuzz.generate` makes programs for small page tables, where ops meet often. These are such
programs, written for WINDOW pages with a border in the middle and moved to where a page table
of 512 entries ends, or to where one begins. Now and then one is written for the real sizes, so
that whole page tables move and go.
"""

from collections.abc import Iterable
from typing import Final

from conformance.model import comparable
from fuzz.generate import WEIGHTS, write_ops
from fuzz.minimizing.variants import arguments, names_page
from fuzz.rng import Rng
from fuzz.slots import fit
from simulator.ops import DEST, OP_FORK, RANGE, WORD
from simulator.scenario import WORDS_PER_PAGE, Config, Op, Scenario

MAX_OPS: Final = 32  # each op more makes the next one likelier to meet a state that was tested
WINDOW: Final = 32  # pages: few, so that ops meet; enough for fault-around's 16
PTRS: Final = 512
BENT_ONE_IN: Final = 12
LARGE_TABLES: Final = 3  # of a scenario with real sizes
LARGE_ONE_IN: Final = 32  # it costs ten times as much


class Generator:
    """The scenarios of one seed; `codes` are the rows that may come up, `version` is that
    of the Linux for which all are made."""

    def __init__(self, seed: int, codes: Iterable[int], version: str = "") -> None:
        self._version = version
        self._rng = Rng(seed)
        allowed = set(codes)
        self._weights = [w if code in allowed else 0 for code, w in enumerate(WEIGHTS)]

    def next(self) -> Scenario:
        if self._rng.chance(1, LARGE_ONE_IN):
            pages = LARGE_TABLES * PTRS
            return self._scenario(pages, self._written(pages, PTRS))
        low = PTRS if self._rng.chance(1, 4) else PTRS - WINDOW // 2
        ops = [_moved(op, low) for op in self._written(WINDOW, WINDOW // 2)]
        return self._scenario(low + WINDOW, ops)

    def _scenario(self, pages: int, ops: list[Op]) -> Scenario:
        return comparable(Scenario(Config(pages=pages), tuple(ops)), self._version)

    def _written(self, pages: int, ptrs: int) -> list[Op]:
        """Ops that mostly succeed, some of them bent."""
        rng = self._rng
        return [
            _bent(op, rng, pages) if rng.chance(1, BENT_ONE_IN) else op
            for op in write_ops(rng, MAX_OPS, self._weights, pages, ptrs)
        ]


def _bent(op: Op, rng: Rng, pages: int) -> Op:
    """The op with one argument a little off: what is refused has rules too."""
    if not op.args or op.code == OP_FORK:  # a child is forked once
        return op
    args = list(op.args)
    slot = rng.below(len(args))
    args[slot] += rng.between(1, 3) if rng.chance(1, 2) else -rng.between(1, 3)
    return Op(op.uid, op.actor, op.code, fit(op.code, args, pages))


def _moved(op: Op, by: int) -> Op:
    """The op that many pages higher."""
    args = list(op.args)
    for arg, at in arguments(op):
        if arg.kind in (RANGE, DEST):
            args[at] += by
            args[at + 1] += by
        elif arg.kind == WORD:
            args[at] += by * WORDS_PER_PAGE
        elif names_page(arg):
            args[at] += by
    return Op(op.uid, op.actor, op.code, tuple(args))
