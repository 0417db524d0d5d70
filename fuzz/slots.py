# SPDX-License-Identifier: MIT
"""The op table flattened for the fuzzer: what each integer slot of an op may hold.

Contract: derived from `simulator.ops` alone, so a new row needs nothing here; a new *kind* of
argument needs one line in `_flatten`, `fit` and `fuzz.codec`'s width. `fit` is the identity
on valid arguments and makes any other integers valid.
"""

from typing import Final

from mypy_extensions import i64

from simulator.build.native import vec
from simulator.ops import (
    ACTOR,
    BACKING,
    COUNT,
    DEST,
    ENUM,
    FIRST_OTHER_FILE,
    FLAGS,
    HANDLE,
    HWORD,
    NR_FILES,
    NR_OTHER_FILES,
    OPS,
    PAGE,
    PROCESS,
    RANGE,
    SLOTS,
    WORD,
    OpSpec,
    may_run,
)
from simulator.scenario import NR_ACTORS, NR_USER_ACTORS, WORDS_PER_PAGE

MAX_SLOTS: Final[i64] = 8  # of one op; the tables are strided by it
NR_CODES: Final[i64] = max(spec.number for spec in OPS) + 1

# What a slot is.
START: Final[i64] = 0  # first page of a range; the END slot follows
END: Final[i64] = 1
PAGE_SLOT: Final[i64] = 2
WORD_SLOT: Final[i64] = 3  # page * WORDS_PER_PAGE + word
CHOICE: Final[i64] = 4  # 0..bound-1: enum, flag mask, handle, handle word
NUMBER: Final[i64] = 5  # 1..bound: count, actor of a fork
FILE: Final[i64] = 6  # BACKING: which; the OFFSET slot follows
OFFSET: Final[i64] = 7  # BACKING: page offset, 0 for anonymous memory

MAX_OFFSET: Final[i64] = 0xFFFF  # pages; what two bytes hold


def _flatten(spec: OpSpec) -> list[tuple[int, int]]:
    """(what, bound) of each slot of one row."""
    out: list[tuple[int, int]] = []
    for arg in spec.args:
        if arg.kind in (RANGE, DEST):
            out += [(START, 0), (END, 0)]
        elif arg.kind == PAGE:
            out.append((PAGE_SLOT, 0))
        elif arg.kind == WORD:
            out.append((WORD_SLOT, 0))
        elif arg.kind == ENUM:
            out.append((CHOICE, len(arg.names)))
        elif arg.kind == FLAGS:
            out.append((CHOICE, 1 << len(arg.names)))
        elif arg.kind == HANDLE:
            out.append((CHOICE, arg.limit))
        elif arg.kind == HWORD:
            out.append((CHOICE, arg.limit * WORDS_PER_PAGE))
        elif arg.kind == COUNT:
            out.append((NUMBER, arg.limit))
        elif arg.kind == ACTOR:
            out.append((NUMBER, NR_USER_ACTORS - 1))
        elif arg.kind == PROCESS:
            out.append((CHOICE, NR_USER_ACTORS))
        elif arg.kind == BACKING:
            out += [(FILE, 0), (OFFSET, 0)]
        else:
            raise AssertionError(f"{spec.name}: argument kind {arg.kind} is new: teach fuzz.slots")
    if len(out) > MAX_SLOTS:
        raise AssertionError(f"{spec.name}: more than MAX_SLOTS slots: raise it in fuzz.slots")
    return out


def _column(which: int) -> vec[i64]:
    column = vec[i64]([0] * (NR_CODES * MAX_SLOTS))
    for spec in OPS:
        for i, pair in enumerate(_flatten(spec)):
            column[spec.number * MAX_SLOTS + i] = pair[which]
    return column


def _handles() -> vec[i64]:
    column = vec[i64]([0] * (NR_CODES * MAX_SLOTS))
    for spec in OPS:
        at = spec.number * MAX_SLOTS
        for arg in spec.args:
            column[at] = 1 if arg.kind in (HANDLE, HWORD) else 0
            at += SLOTS[arg.kind]
    return column


def _nr_slots() -> vec[i64]:
    column = vec[i64]([0] * NR_CODES)
    for spec in OPS:
        column[spec.number] = spec.slots
    return column


# Indexed by code * MAX_SLOTS + slot, and by code.
WHAT: Final[vec[i64]] = _column(0)
BOUND: Final[vec[i64]] = _column(1)
IS_HANDLE: Final[vec[i64]] = _handles()  # 1 for a CHOICE that names something open
NR_SLOTS: Final[vec[i64]] = _nr_slots()

CODES: Final[list[int]] = [spec.number for spec in OPS]
CODES_OF_ACTOR: Final[list[list[int]]] = [
    [spec.number for spec in OPS if may_run(spec, actor)] for actor in range(NR_ACTORS)
]


def _actor_masks() -> vec[i64]:
    column = vec[i64]([0] * NR_CODES)
    for spec in OPS:
        for actor in range(NR_ACTORS):
            if may_run(spec, actor):
                column[spec.number] |= 1 << actor
    return column


ACTORS_OF_CODE: Final[vec[i64]] = _actor_masks()  # mask of those that may run the row


def fit_slot(code: i64, slot: i64, value: i64, before: i64, pages: i64) -> i64:
    """`value` made valid for one slot; `before` is the (valid) value of the slot before it,
    `pages` the size of the arena. Valid values stay as they are."""
    at = code * MAX_SLOTS + slot
    what = WHAT[at]
    if what in (START, PAGE_SLOT):
        return value if 0 <= value < pages else value % pages
    if what == END:
        if before < value <= pages:
            return value
        return before + 1 + value % (pages - before)
    if what == WORD_SLOT:
        words = pages * WORDS_PER_PAGE
        return value if 0 <= value < words else value % words
    if what == CHOICE:
        bound = BOUND[at]
        return value if 0 <= value < bound else value % bound
    if what == NUMBER:
        bound = BOUND[at]
        return value if 1 <= value <= bound else 1 + value % bound
    if what == FILE:
        if 0 <= value <= NR_FILES:
            return value
        if FIRST_OTHER_FILE <= value < FIRST_OTHER_FILE + NR_OTHER_FILES:
            return value
        return value % (NR_FILES + 1)
    if before == 0:  # OFFSET of anonymous memory
        return 0
    return value & MAX_OFFSET


def fit(code: i64, args: list[int], pages: i64) -> tuple[int, ...]:
    """Arguments made valid for a row, from at least as many integers as it has slots."""
    count = NR_SLOTS[code]
    before: i64 = 0
    i: i64 = 0
    out: list[int] = []
    while i < count:
        before = fit_slot(code, i, args[i], before, pages)
        out.append(before)
        i += 1
    return tuple(out)
