# SPDX-License-Identifier: MIT
"""One op as C: the call, and what it must return.

Contract: `asserted` says exactly one result, `called` none. Both are lists of statements
without indentation; they use the C forms of `corpus.cform` and macros of kselftest_harness.h.
"""

from typing import Final

from corpus import cform
from simulator import ops
from simulator.outcome import SIGBUS, SIGSEGV, result_name
from simulator.scenario import Op

_SIGNALS: Final = {SIGSEGV: "RESULT_SIGSEGV", SIGBUS: "RESULT_SIGBUS"}
_PAGEMAP_SOFT_DIRTY: Final = 1  # of the entry from bit 55 on


def asserted(op: Op, result: int, soft_dirty: bool) -> list[str]:
    """The call, and that it has this result. Without `soft_dirty` that bit may be anything, for
    a kernel may lack it."""
    call = cform.literal(op)
    if op.code == ops.OP_SLEEP:
        return [f"{call};"]
    answer = cform.answer(ops.BY_NUMBER[op.code])
    if answer in (cform.POINTER, cform.INT):
        failed = "MAP_FAILED" if answer == cform.POINTER else "-1"
        if result < 0:
            return [f"ASSERT_EQ({call}, {failed});", f"ASSERT_EQ(errno, {_errno(-result)});"]
        return [f"ASSERT_EQ({call}, {f'P({result})' if answer == cform.POINTER else result});"]
    if op.code == ops.OP_PAGEMAP and result >= 0:
        if soft_dirty:
            return [f"ASSERT_EQ({call}, {result:#x});"]
        return [f"ASSERT_EQ({call} & ~1, {result & ~_PAGEMAP_SOFT_DIRTY:#x});"]
    return [f"ASSERT_EQ({call}, {_result(result)});"]


def called(op: Op) -> list[str]:
    return [f"{cform.literal(op)};"]


def _result(value: int) -> str:
    if value >= 0:
        return str(value)
    return _SIGNALS.get(value) or f"-{_errno(-value)}"


def _errno(number: int) -> str:
    return str(result_name(-number))
