# SPDX-License-Identifier: MIT
"""Scenarios for both sides: sequential, small, on a real machine's page tables.

Contract: `Generator` gives an endless stream of scenarios that is a function of its seed and of
the rows of the op table it is given. They have no directives, and pass `simulator.validate`.

`fuzz.generate` makes programs for small page tables, where ops meet often. These are such
programs, written for WINDOW pages with a border in the middle and moved to where a page table
of 512 entries ends. Now and then one is written for the real sizes, so that whole page tables
move and go.
"""

from collections.abc import Iterable
from typing import Final

from conformance.model import comparable
from fuzz.generate import WEIGHTS, write_ops
from fuzz.minimizing.variants import arguments, names_page
from fuzz.rng import Rng
from simulator.ops import DEST, RANGE, WORD
from simulator.scenario import WORDS_PER_PAGE, Config, Op, Scenario

MAX_OPS: Final = 32  # each op more makes the next one likelier to meet a state that was tested
WINDOW: Final = 32  # pages: few, so that ops meet; enough for fault-around's 16
PTRS: Final = 512
LARGE_TABLES: Final = 3  # of a scenario with real sizes
LARGE_ONE_IN: Final = 64  # it costs ten times as much


class Generator:
    """The scenarios of one seed; `codes` are the rows that may come up."""

    def __init__(self, seed: int, codes: Iterable[int]) -> None:
        self._rng = Rng(seed)
        allowed = set(codes)
        self._weights = [w if code in allowed else 0 for code, w in enumerate(WEIGHTS)]

    def next(self) -> Scenario:
        if self._rng.chance(1, LARGE_ONE_IN):
            pages = LARGE_TABLES * PTRS
            ops = write_ops(self._rng, MAX_OPS, self._weights, pages, PTRS)
        else:
            written = write_ops(self._rng, MAX_OPS, self._weights, WINDOW, WINDOW // 2)
            ops = tuple(_moved(op, PTRS - WINDOW // 2) for op in written)
            pages = PTRS + WINDOW // 2
        return comparable(Scenario(Config(pages=pages), ops))


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
