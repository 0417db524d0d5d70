# SPDX-License-Identifier: MIT
"""Scenarios as bytes, for the corpus inside a slice.

Contract: `decode` is total: any bytes give a scenario that `simulator.validate` accepts and
that is within the fuzz limits. For every valid scenario within the limits
`decode(encode(s)) == s`, except that headers, `bug=` and `kernel=` are not expressed. Bytes
live only inside one slice (site numbers are those of this build); what is kept is text.

Form: a header of HEADER_SIZE bytes (the config), then records of RECORD_SIZE bytes. A record
is an op, or a directive of the op record before it. So inserting, deleting, copying or moving
whole records does what it says, a directive travels with its op, and one changed byte changes
one field. Where an op's arguments lie in its record derives from the op table. A record that
cannot be made valid is ignored.

It does not promise that the scenario makes sense, nor that bytes mean the same in another
build.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, u8

from fuzz.slots import (
    ACTORS_OF_CODE,
    BOUND,
    CHOICE,
    CODES,
    MAX_SLOTS,
    NR_CODES,
    NR_SLOTS,
    NUMBER,
    WHAT,
    fit_slot,
)
from simulator.ops import OP_FORK
from simulator.scenario import (
    IPI,
    MAX_FUZZ_ACTORS,
    MAX_FUZZ_DIRECTIVES,
    MAX_FUZZ_OPS,
    NR_ACTORS,
    PARK,
    SWAP_DEVICES,
    SWITCH,
    THP_MODES,
    TLB,
    Config,
    Directive,
    Op,
    Scenario,
)
from simulator.sites import BY_NAME, NAMES
from simulator.validate import MAX_ENTRY, MAX_LATE, PMD_ORDERS, arena_pages

HEADER_SIZE: Final[i64] = 48
RECORD_SIZE: Final[i64] = 16
THP_AT: Final[i64] = 40  # offset of what huge pages and swap are configured by, in the header
MAX_PTES: Final[i64] = 255  # max_ptes_none, max_ptes_shared, one more in a byte
MAX_SWAP: Final[i64] = 255  # slots, in a byte
ARGS_AT: Final[i64] = 4  # offset of the arguments in an op record
DIRECTIVE_BIT: Final[i64] = 0x80  # of a record's first byte
NR_KINDS: Final[i64] = 5
# What fits the whole scenario: what libFuzzer's max_len has to be.
MAX_SIZE: Final[int] = 48 + 16 * (MAX_FUZZ_OPS + MAX_FUZZ_DIRECTIVES)

MAX_U16: Final[i64] = 0xFFFF
SITES: Final[list[int]] = [site for site, name in enumerate(NAMES) if name]
MAX_FUZZ_UID: Final[i64] = MAX_U16

# Bounds of a fuzzed config; wider than what the generator makes, so that corpus scenarios of
# other geometries can seed a slice.
MAX_FRAMES: Final[i64] = 8192
MAX_PAGES: Final[i64] = 16_383  # WORD slots, four a page, have two bytes
MAX_STEPS: Final[i64] = MAX_U16
MAX_TUNABLE: Final[i64] = 1024  # stack_gap, folio_batch, gather_batch, flush_ceiling


class FuzzLimitError(ValueError):
    """The scenario is valid but too large for fuzzing; the text says what to reduce."""


def _width(what: i64, bound: i64) -> i64:
    """Bytes of one slot in a record."""
    if (what in (CHOICE, NUMBER)) and bound < 256:
        return 1
    return 2


def _check_widths() -> None:
    """Every row's arguments fit a record."""
    for code in CODES:
        size: i64 = ARGS_AT
        i: i64 = 0
        while i < NR_SLOTS[code]:
            size += _width(WHAT[code * MAX_SLOTS + i], BOUND[code * MAX_SLOTS + i])
            i += 1
        if size > RECORD_SIZE:
            raise AssertionError(f"op row {code} needs {size} bytes: raise fuzz.codec.RECORD_SIZE")


_check_widths()


def _put8(out: BytesWriter, value: i64) -> None:
    out.append(u8(value & 0xFF))


def _put16(out: BytesWriter, value: i64) -> None:
    _put8(out, value)
    _put8(out, value >> 8)


def _get16(data: bytes, at: i64) -> i64:
    low: i64 = data[at]
    high: i64 = data[at + 1]
    return low | (high << 8)


def _within(value: i64, low: i64, high: i64) -> i64:
    """`value`, folded into low..high if it is outside."""
    return value if low <= value <= high else low + value % (high - low + 1)


def _at_most(value: i64, limit: i64, what: str) -> None:
    if value > limit:
        raise FuzzLimitError(f"too large for fuzzing: at most {limit} {what}")


def check_fuzz_limits(scenario: Scenario) -> None:
    """Raises FuzzLimitError if a valid scenario is larger than what fuzzing holds."""
    config = scenario.config
    _at_most(config.frames, MAX_FRAMES, "frames")
    _at_most(config.pages, MAX_PAGES, "pages")
    _at_most(config.steps, MAX_STEPS, "steps")
    _at_most(config.stack_gap, MAX_TUNABLE, "pages of stack_gap")
    _at_most(config.folio_batch, MAX_TUNABLE, "for folio_batch")
    _at_most(config.gather_batch, MAX_TUNABLE, "for gather_batch")
    _at_most(config.flush_ceiling, MAX_TUNABLE, "for flush_ceiling")
    _at_most(config.max_ptes_none, MAX_PTES - 1, "for max_ptes_none")
    _at_most(config.max_ptes_shared, MAX_PTES - 1, "for max_ptes_shared")
    _at_most(config.swap, MAX_SWAP, "slots of swap")
    _at_most(len(scenario.ops), MAX_FUZZ_OPS, "ops")
    _at_most(len(scenario.directives), MAX_FUZZ_DIRECTIVES, "directives")
    actors: i64 = 0
    for op in scenario.ops:
        actors |= 1 << op.actor
        _at_most(op.uid, MAX_FUZZ_UID, "for the number of an op")
        for value in op.args:
            _at_most(value, MAX_U16, "for an argument")
    _at_most(_popcount(actors), MAX_FUZZ_ACTORS, "actors")
    for directive in scenario.directives:
        _at_most(directive.visit, MAX_U16, "for the visit of a directive")
        _at_most(directive.arg, MAX_U16, "for the argument of a directive")


def _popcount(mask: i64) -> i64:
    count: i64 = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


def encode(scenario: Scenario) -> bytes:
    """The bytes of a valid scenario; FuzzLimitError if it is too large for fuzzing."""
    check_fuzz_limits(scenario)
    out = BytesWriter()
    _put_config(out, scenario.config)
    directives = scenario.directives
    next_directive: i64 = 0
    nr_directives: i64 = len(directives)
    for op in scenario.ops:
        _put_op(out, op)
        # Canonical order: the directives of an op are adjacent and in the order of the ops.
        while next_directive < nr_directives and directives[next_directive].uid == op.uid:
            _put_directive(out, directives[next_directive])
            next_directive += 1
    return out.getvalue()


def _put_config(out: BytesWriter, config: Config) -> None:
    _put8(out, config.pmd_order)
    _put8(out, config.cpus)
    _put16(out, config.frames)
    _put16(out, config.pages)
    _put16(out, config.steps)
    _put16(out, config.stack_gap)
    _put16(out, config.folio_batch)
    _put16(out, config.gather_batch)
    _put16(out, config.flush_ceiling)
    cpu_of = [0] * NR_ACTORS
    for actor, cpu in config.placement:
        cpu_of[actor] = cpu + 1
    for value in cpu_of:
        _put8(out, value)
    while len(out) < THP_AT:
        _put8(out, 0)
    _put8(out, config.thp)
    _put8(out, config.max_ptes_none + 1)
    _put8(out, config.max_ptes_shared + 1)
    _put16(out, config.mthp)
    _put8(out, config.swap)
    _put8(out, config.swap_device)
    while len(out) < HEADER_SIZE:
        _put8(out, 0)


def _put_op(out: BytesWriter, op: Op) -> None:
    _put8(out, op.actor)
    _put8(out, op.code)
    _put16(out, op.uid)
    size: i64 = ARGS_AT
    at: i64 = op.code * MAX_SLOTS
    for value in op.args:
        if _width(WHAT[at], BOUND[at]) == 1:
            _put8(out, value)
            size += 1
        else:
            _put16(out, value)
            size += 2
        at += 1
    while size < RECORD_SIZE:
        _put8(out, 0)
        size += 1


def _put_directive(out: BytesWriter, directive: Directive) -> None:
    _put8(out, DIRECTIVE_BIT | directive.kind)
    _put8(out, 0)
    _put16(out, BY_NAME[directive.site])
    _put16(out, directive.visit)
    _put16(out, directive.arg)
    _put16(out, 0)
    _put16(out, 0)
    _put16(out, 0)
    _put16(out, 0)


def decode(data: bytes) -> Scenario:
    """The scenario of any bytes."""
    missing = HEADER_SIZE - len(data)
    if missing > 0:
        data = data + bytes(missing)
    config = _get_config(data)
    pages = arena_pages(config)
    ops: list[Op] = []
    raw: list[tuple[int, int]] = []  # (index of the op, offset of the directive record)
    uids: set[int] = set()
    forked: i64 = 1  # actors that exist otherwise: T0, and children named so far
    actors: i64 = 0
    anchored = False
    at: i64 = HEADER_SIZE
    end: i64 = len(data)
    while at + RECORD_SIZE <= end:
        if data[at] & 0x80:
            if anchored and len(raw) < MAX_FUZZ_DIRECTIVES:
                raw.append((len(ops) - 1, at))
        else:
            anchored = False
            if len(ops) == MAX_FUZZ_OPS:
                break
            op = _get_op(data, at, pages, uids)
            mask: i64 = actors | (1 << op.actor)
            child: i64 = 1 << op.args[0] if op.code == OP_FORK else 0
            room = mask == actors or _popcount(mask) <= MAX_FUZZ_ACTORS
            if room and not forked & child:
                forked |= child
                actors = mask
                anchored = True
                uids.add(op.uid)
                ops.append(op)
        at += RECORD_SIZE
    result = tuple(ops)
    return Scenario(config, result, _get_directives(data, raw, result, uids))


def _get_config(data: bytes) -> Config:
    pmd_order: i64 = data[0]
    if pmd_order not in PMD_ORDERS:
        pmd_order = 3 + (pmd_order & 1)
    cpus = _within(data[1], 0, NR_ACTORS)
    placement: list[tuple[int, int]] = []
    actor: i64 = 0
    while actor < NR_ACTORS:
        cpu: i64 = data[16 + actor]
        if cpu:
            placement.append((actor, (cpu - 1) % (cpus or NR_ACTORS)))
        actor += 1
    return Config(
        pmd_order,
        _within(_get16(data, 2), 1, MAX_FRAMES),
        _within(_get16(data, 4), 0, MAX_PAGES),
        cpus,
        _within(_get16(data, 6), 0, MAX_STEPS),
        _within(_get16(data, 8), 0, MAX_TUNABLE),
        _within(_get16(data, 10), 0, MAX_TUNABLE),
        _within(_get16(data, 12), 0, MAX_TUNABLE),
        _within(_get16(data, 14), 0, MAX_TUNABLE),
        tuple(placement),
        thp=_within(data[THP_AT], 0, len(THP_MODES) - 1),
        mthp=_get16(data, THP_AT + 3) & ((1 << pmd_order) - 1) & ~3,
        max_ptes_none=_within(data[THP_AT + 1], 0, min(1 << pmd_order, MAX_PTES)) - 1,
        max_ptes_shared=_within(data[THP_AT + 2], 0, min(1 << pmd_order, MAX_PTES)) - 1,
        swap=data[THP_AT + 5],
        swap_device=_within(data[THP_AT + 6], 0, len(SWAP_DEVICES) - 1),
    )


def _get_op(data: bytes, at: i64, pages: i64, uids: set[int]) -> Op:
    actor: i64 = data[at]
    code: i64 = data[at + 1]
    if code >= NR_CODES or ACTORS_OF_CODE[code] == 0:
        code = CODES[code % len(CODES)]
    actors = ACTORS_OF_CODE[code]
    if actor >= NR_ACTORS or not (actors >> actor) & 1:
        actor = actor % NR_ACTORS
        while not (actors >> actor) & 1:
            actor = (actor + 1) % NR_ACTORS
    uid = _get16(data, at + 2)
    if uid == 0 or uid in uids:
        uid = 1
        while uid in uids:
            uid += 1
    args: list[int] = []
    field = at + ARGS_AT
    before: i64 = 0
    slot: i64 = 0
    count = NR_SLOTS[code]
    row = code * MAX_SLOTS
    while slot < count:
        if _width(WHAT[row + slot], BOUND[row + slot]) == 1:
            before = fit_slot(code, slot, data[field], before, pages)
            field += 1
        else:
            before = fit_slot(code, slot, _get16(data, field), before, pages)
            field += 2
        args.append(before)
        slot += 1
    return Op(uid, actor, code, tuple(args))


def _get_directives(
    data: bytes, raw: list[tuple[int, int]], ops: tuple[Op, ...], uids: set[int]
) -> tuple[Directive, ...]:
    """The directives in canonical order; of two with one anchor and kind the first counts."""
    if not raw:
        return ()
    order: list[tuple[int, str, int, int, int]] = []
    seen: set[tuple[int, int, int, int]] = set()
    for place, at in raw:
        kind: i64 = data[at] & 0x7F
        kind %= NR_KINDS
        site = _get16(data, at + 2)
        if site >= len(NAMES) or not NAMES[site]:
            site = SITES[site % len(SITES)]
        visit = _within(_get16(data, at + 4), 1, MAX_U16)
        key = (place, site, visit, kind)
        if key in seen:
            continue
        seen.add(key)
        arg = _get16(data, at + 6)
        if kind == SWITCH:
            arg %= NR_ACTORS
        elif kind == PARK:
            if arg not in uids:
                arg = ops[arg % len(ops)].uid
        elif kind == IPI:
            arg = _within(arg, 1, MAX_LATE)
        elif kind == TLB:
            arg = _within(arg, 1, MAX_ENTRY)
        else:
            arg = 0
        order.append((place, NAMES[site], visit, kind, arg))
    order.sort()
    return tuple(
        [
            Directive(ops[place].uid, name, visit, kind, arg)
            for place, name, visit, kind, arg in order
        ]
    )
