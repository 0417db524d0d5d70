# SPDX-License-Identifier: MIT
"""A scenario whose ops are done one after the other, as C.

Contract: a `Selftest` without a race becomes the function of its actors (empty for T0 alone)
and the statements of its test. Each op's result is asserted, the state at the end is expected.
Ops that the model skips, for nobody is there to do them, are comments.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from corpus.kselftest.actors import Cast
from corpus.kselftest.plan import Mapping, Selftest, State
from corpus.kselftest.statements import asserted
from corpus.kselftest.words import comment, wrapped
from corpus.text import print_op
from simulator import ops
from simulator.outcome import SKIPPED
from simulator.scenario import Op
from simulator.validate import arena_pages

RUNS_IN_LINE: Final = 4  # of pages, in what arena_state() prints: mmfarm_selftest.h


def alone(test: Selftest) -> bool:
    """Whether T0 does everything."""
    used = {op.actor for op in test.scenario.ops}
    return used <= {0} and not any(op.code == ops.OP_FORK for op in test.scenario.ops)


def statements(test: Selftest) -> str:
    """The body of a test in which T0 is the test's own process."""
    body = ""
    for index in test.order:
        body += _op(test, test.scenario.ops[index], test.results[index], "\t", "")
    for state in test.states:
        body += _state(test, state, "\t")
    return body


def actors(test: Selftest, order: Sequence[int], cast: Cast) -> str:
    """The ops of `order`, each in its actor's turn."""
    body = ""
    for actor, group in groupby(_turns(test, order), key=lambda turn: turn[0]):
        inner = ""
        for _, index in group:
            op, result = test.scenario.ops[index], test.results[index]
            leave = ""
            if op.code == ops.OP_EXIT and result != SKIPPED:
                leave = "exit_process();" if cast.exits(op.actor) else "exit_thread();"
            elif op.code == ops.OP_FORK and result >= 0:
                cast.forked(op)
            inner += _op(test, op, result, "\t\t", leave)
        body += f"\tON(T{actor[0]}) {{\n{inner}\t}}\n"
    for state in test.states:
        body += f"\tON(T{state.actor}) {{\n{_state(test, state, chr(9) * 2)}\t}}\n"
    return body


def _turns(test: Selftest, order: Sequence[int]) -> Iterable[tuple[tuple[int, int], int]]:
    """Ops with the turn they belong to. A fork ends one, for the child leaves in the middle;
    what is skipped belongs to whoever acts before it."""
    number = 0
    actor = 0
    for index in order:
        op = test.scenario.ops[index]
        if test.results[index] != SKIPPED:
            if op.actor != actor:
                number += 1
            actor = op.actor
        yield (actor, number), index
        if op.code == ops.OP_FORK:
            number += 1


def _op(test: Selftest, op: Op, result: int, indent: str, leave: str) -> str:
    text = print_op(op)
    if result == SKIPPED:
        return comment([f"{text}: skipped"], indent)
    if op.code == ops.OP_EXIT:
        return comment([text], indent) + (f"{indent}{leave}\n" if leave else "")
    soft_dirty = "soft-dirty" in test.needs
    return comment([text], indent) + "".join(
        wrapped(line, indent) for line in asserted(op, result, soft_dirty)
    )


# --- what is seen at the end -----------------------------------------------------------------


def _state(test: Selftest, state: State, indent: str) -> str:
    pages = arena_pages(test.scenario.config)
    call = f"EXPECT_STREQ(arena_state({pages}),"
    column = indent + "\t" + " " * (len("EXPECT_STREQ(") - 8)
    lines = [f'{column}"{line}"' for m in state.mappings for line in _literals(m)]
    if not lines:
        return f'{indent}{call} "");\n'
    return f"{indent}{call}\n" + "\n".join(lines) + ");\n"


def _literals(mapping: Mapping) -> list[str]:
    """What arena_state() prints of it, a C string for each line."""
    head = f"{mapping.start}-{mapping.end} {mapping.mode}"
    if mapping.file >= 0:
        head += f" f{mapping.file}+{mapping.offset}"
    runs: list[str] = []
    at = mapping.start
    for letter, run in groupby(mapping.pages):
        end = at + len(list(run))
        if letter != " ":
            runs.append(f" {at}-{end - 1}{letter}" if end - at > 1 else f" {at}{letter}")
        at = end
    lines = ["".join(runs[i : i + RUNS_IN_LINE]) for i in range(0, len(runs), RUNS_IN_LINE)] or [""]
    lines[0] = head + lines[0]
    return [f"{line}\\n" for line in lines]
