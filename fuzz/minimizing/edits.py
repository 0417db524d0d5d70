# SPDX-License-Identifier: MIT
"""One step simpler: simplifications as data, and what each makes of a scenario.

Contract: a `Step` is a name and integers, so that it can stand in a certificate and be done
again. `steps(scenario)` lists every step that is tried on a scenario, in a fixed order;
`apply` is total: a step that does not fit gives the scenario back. The result may be invalid
or no longer fail; that is for the judge to say. Text order, uids and operands of whatever a
step does not name stay.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Final

from fuzz.minimizing.order import SETTINGS
from simulator import ops as ops_table
from simulator.ops import (
    ACTOR,
    BACKING,
    BY_NUMBER,
    DEST,
    HANDLE,
    HWORD,
    MADV_DONTNEED,
    NR_FILES,
    OP_DEVICE_READ,
    OP_DEVICE_WRITE,
    OP_FORK,
    OP_MADVISE,
    OP_MEM_READ,
    OP_MEM_WRITE,
    OP_MMAP,
    OP_MPROTECT,
    OP_MUNMAP,
    OP_PIN,
    OP_PIN_FAST,
    OP_PIPE_READ,
    OP_READ,
    OP_UNPIN,
    OP_VMSPLICE,
    OP_WRITE,
    PAGE,
    RANGE,
    SLOTS,
    WORD,
    Arg,
    may_run,
)
from simulator.scenario import (
    NR_USER_ACTORS,
    PARK,
    SWITCH,
    WORDS_PER_PAGE,
    Config,
    Directive,
    Op,
    Scenario,
)

Step = tuple[str | int, ...]
_DEFAULTS: Final = Config()
_PROT_READ: Final = 1
# PAGE arguments that count pages of a file and not of the arena.
_FILE_INDEX: Final = "index"


def steps(scenario: Scenario) -> Iterator[Step]:
    """Every single simplification, those that take most away first."""
    actors = sorted({op.actor for op in scenario.ops}, reverse=True)
    for actor in actors:
        yield ("delete-actor", actor)
    for actor in actors:
        for other in reversed(actors):
            if other < actor < NR_USER_ACTORS:
                yield ("give-actor", actor, other)
    for op in reversed(scenario.ops):
        yield ("delete-op", op.uid)
        if op.code == OP_FORK:
            yield ("delete-fork", op.uid)
    for i in reversed(range(len(scenario.directives))):
        yield ("delete-directive", i)
    yield ("default-config",)
    for i, name in enumerate(SETTINGS):
        if getattr(scenario.config, name) != getattr(_DEFAULTS, name):
            yield ("default-setting", i)
    for op in scenario.ops:
        for code, args in _plainer(op):
            yield ("replace-op", op.uid, code, *args)
    yield from _page_cuts(scenario)
    for op in scenario.ops:
        for args in _smaller(op):
            yield ("set-args", op.uid, *args)
    for op in scenario.ops:
        for other in reversed(actors):
            if other < op.actor < NR_USER_ACTORS:
                yield ("give-op", op.uid, other)
    for i in range(len(scenario.ops) - 1):
        if scenario.ops[i].actor != scenario.ops[i + 1].actor:
            yield ("exchange-ops", i)


def apply(scenario: Scenario, step: Step) -> Scenario:
    """The scenario after one step, or the same scenario where the step does not fit."""
    name, *rest = step
    numbers = [n for n in rest if isinstance(n, int)]
    ops = scenario.ops
    match name, numbers:
        case "delete-actor", [actor]:
            return delete_ops(scenario, {op.uid for op in ops if op.actor == actor})
        case "give-actor", [actor, other]:
            return _give(scenario, {op.uid for op in ops if op.actor == actor}, other)
        case "delete-op", [uid]:
            return delete_ops(scenario, {uid})
        case "delete-fork", [uid]:
            return _without(scenario, {uid})
        case "delete-directive", [i] if i < len(scenario.directives):
            kept = scenario.directives[:i] + scenario.directives[i + 1 :]
            return scenario.with_directives(kept)
        case "default-config", []:
            config = scenario.config
            return replace(scenario, config=Config(bugs=config.bugs, kernel=config.kernel))
        case "default-setting", [i] if i < len(SETTINGS):
            return replace(scenario, config=_with_default(scenario.config, SETTINGS[i]))
        case "replace-op", [uid, code, *args]:
            return _with_op(scenario, uid, code, tuple(args))
        case "cut-pages", [at, count]:
            return _cut_pages(scenario, at, count)
        case "set-args", [uid, *args]:
            return _with_op(scenario, uid, -1, tuple(args))
        case "give-op", [uid, other]:
            return _give(scenario, {uid}, other)
        case "exchange-ops", [i] if i + 1 < len(ops):
            exchanged = (*ops[:i], ops[i + 1], ops[i], *ops[i + 2 :])
            return replace(scenario, ops=exchanged).with_directives(scenario.directives)
    return scenario


def delete_ops(scenario: Scenario, uids: set[int]) -> Scenario:
    """Without these ops, and without the ops of children that no fork makes any more."""
    gone = set(uids)
    while True:
        made = {op.args[0] for op in scenario.ops if op.code == OP_FORK and op.uid not in gone}
        orphaned = {
            op.args[0] for op in scenario.ops if op.code == OP_FORK and op.uid in gone
        } - made
        more = {op.uid for op in scenario.ops if op.actor in orphaned} - gone
        if not more:
            return _without(scenario, gone)
        gone |= more


def bare(scenario: Scenario, keep: tuple[int, ...] = ()) -> Scenario:
    """Without directives, but for those of the kinds in `keep`."""
    return scenario.with_directives(tuple(d for d in scenario.directives if d.kind in keep))


def canonical(scenario: Scenario) -> Scenario:
    """With uids 1, 2, 3 ... in text order, and user actors, files and pins numbered by their
    first use."""
    uids = {op.uid: i for i, op in enumerate(scenario.ops, 1)}
    actors: dict[int, int] = {}
    handles: dict[tuple[str, int], int] = {}
    for op in scenario.ops:
        if op.actor < NR_USER_ACTORS:
            actors.setdefault(op.actor, len(actors))
        for arg, at in _arguments(op):
            key = _handle(arg, op.args[at])
            if key is not None:
                letter = key[0]
                handles.setdefault(key, sum(k[0] == letter for k in handles))
            if arg.kind == ACTOR:
                actors.setdefault(op.args[at], len(actors))
    ops = tuple(
        Op(
            uids[op.uid],
            actors.get(op.actor, op.actor),
            op.code,
            _renamed_args(op, actors, handles),
        )
        for op in scenario.ops
    )
    directives = []
    for d in scenario.directives:
        names = {SWITCH: actors, PARK: uids}.get(d.kind, {})
        named = names.get(d.arg, d.arg)
        directives.append(Directive(uids[d.uid], d.site, d.visit, d.kind, named))
    config = replace(
        scenario.config,
        placement=tuple(sorted((actors.get(a, a), cpu) for a, cpu in scenario.config.placement)),
    )
    return replace(scenario, config=config, ops=ops).with_directives(tuple(directives))


# --- parts ------------------------------------------------------------------------------------


def _arguments(op: Op) -> Iterator[tuple[Arg, int]]:
    """Each argument of an op and the place of its first slot."""
    at = 0
    for arg in BY_NUMBER[op.code].args:
        yield arg, at
        at += SLOTS[arg.kind]


def _without(scenario: Scenario, uids: set[int]) -> Scenario:
    """Without these ops and the directives that name them or an actor that has no op left."""
    left = scenario.with_ops(tuple(op for op in scenario.ops if op.uid not in uids))
    actors = {op.actor for op in left.ops}
    return left.with_directives(
        tuple(
            d
            for d in left.directives
            if not (d.kind == PARK and d.arg in uids)
            and not (d.kind == SWITCH and d.arg not in actors)
        )
    )


def _give(scenario: Scenario, uids: set[int], actor: int) -> Scenario:
    """Let `actor` run these ops, where it may."""
    if any(op.uid in uids and not may_run(BY_NUMBER[op.code], actor) for op in scenario.ops):
        return scenario
    return replace(
        scenario,
        ops=tuple(replace(op, actor=actor) if op.uid in uids else op for op in scenario.ops),
    )


def _with_op(scenario: Scenario, uid: int, code: int, args: tuple[int, ...]) -> Scenario:
    """With another row (-1: the same) and other arguments for one op."""
    return replace(
        scenario,
        ops=tuple(
            Op(op.uid, op.actor, op.code if code < 0 else code, args) if op.uid == uid else op
            for op in scenario.ops
        ),
    )


def _with_default(config: Config, name: str) -> Config:
    values = {f.name: getattr(config, f.name) for f in fields(Config)}
    values[name] = getattr(_DEFAULTS, name)
    return Config(**values)


def _footprint(op: Op) -> tuple[int, int] | None:
    """The pages of the arena that an op names first, if any."""
    for arg, at in _arguments(op):
        if arg.kind == RANGE:
            return op.args[at], op.args[at + 1]
        if arg.kind == PAGE and arg.name != _FILE_INDEX:
            return op.args[at], op.args[at] + 1
        if arg.kind == WORD:
            page = op.args[at] // WORDS_PER_PAGE
            return page, page + 1
    return None


def _plainer(op: Op) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Ops of a lower row with about the same effect."""
    pages = _footprint(op)
    if pages is not None and op.actor < NR_USER_ACTORS:
        start, end = pages
        word = start * WORDS_PER_PAGE
        for code, args in (
            (OP_READ, (word,)),
            (OP_WRITE, (word,)),
            (OP_MUNMAP, (start, end)),
            (OP_MPROTECT, (start, end, _PROT_READ)),
            (OP_MADVISE, (start, end, MADV_DONTNEED)),
        ):
            if code < op.code and op.code != OP_MMAP:
                yield code, args
    if op.code == OP_MEM_WRITE:
        yield OP_MEM_READ, op.args
    elif op.code == OP_PIN_FAST:
        yield OP_PIN, op.args
    elif op.code == OP_VMSPLICE:
        yield OP_PIN, (*op.args, 0, 0)
    elif op.code == OP_PIPE_READ:
        yield OP_UNPIN, (op.args[0] // WORDS_PER_PAGE,)
    elif op.code == OP_DEVICE_WRITE:
        yield OP_DEVICE_READ, op.args


def _below(value: int, least: int = 0) -> Iterator[int]:
    """Smaller numbers to try: the least, then away from it by halves, the next at last."""
    distance = value - least
    while distance > 0:
        yield value - distance
        distance //= 2


def _smaller(op: Op) -> Iterator[tuple[int, ...]]:
    """The op's arguments with one of them smaller."""
    for arg, at in _arguments(op):
        before, value, after = op.args[:at], op.args[at], op.args[at + 1 :]
        match arg.kind:
            case ops_table.RANGE | ops_table.DEST:
                end, after = op.args[at + 1], op.args[at + 2 :]
                for less in _below(end, value + 1):
                    yield (*before, value, less, *after)
                for cut in _below(end - value, 1):
                    yield (*before, end - cut, end, *after)
                for less in _below(value):
                    yield (*before, less, end - value + less, *after)
            case ops_table.FLAGS:
                if value:
                    yield (*before, 0, *after)
                for bit in range(value.bit_length()):
                    if value >> bit & 1:
                        yield (*before, value & ~(1 << bit), *after)
            case ops_table.ENUM:
                for less in range(value):
                    yield (*before, less, *after)
            case ops_table.WORD:
                for less in _below(value % WORDS_PER_PAGE):
                    yield (*before, value - value % WORDS_PER_PAGE + less, *after)
                for page in _below(value // WORDS_PER_PAGE):
                    yield (*before, page * WORDS_PER_PAGE + value % WORDS_PER_PAGE, *after)
            case ops_table.HWORD:
                for less in _below(value % WORDS_PER_PAGE):
                    yield (*before, value - value % WORDS_PER_PAGE + less, *after)
            case ops_table.PAGE:
                for less in _below(value):
                    yield (*before, less, *after)
            case ops_table.COUNT:
                for less in _below(value, 1):
                    yield (*before, less, *after)
            case ops_table.BACKING:
                offset, after = op.args[at + 1], op.args[at + 2 :]
                if value:
                    yield (*before, 0, 0, *after)
                for less in _below(offset):
                    yield (*before, value, less, *after)


def _page_cuts(scenario: Scenario) -> Iterator[Step]:
    """Pieces of the arena between two pages that ops name, to be taken out for all ops."""
    edges = {0}
    for op in scenario.ops:
        for arg, at in _arguments(op):
            if arg.kind in (RANGE, DEST):
                edges |= {op.args[at], op.args[at + 1]}
            elif arg.kind == PAGE and arg.name != _FILE_INDEX:
                edges |= {op.args[at], op.args[at] + 1}
            elif arg.kind == WORD:
                page = op.args[at] // WORDS_PER_PAGE
                edges |= {page, page + 1}
    ordered = sorted(edges)
    table = 1 << scenario.config.pmd_order
    for start, end in zip(ordered, ordered[1:], strict=False):
        gap = end - start
        counts = [gap, gap - gap % table, *(gap - rest for rest in _below(gap))]
        for count in dict.fromkeys(counts):
            if count > 0:
                yield ("cut-pages", start, count)


def _cut_pages(scenario: Scenario, at: int, count: int) -> Scenario:
    """Take the pages `at`..`at + count` out of the arena: everything above moves down. It
    does not fit where a range would become empty."""

    def moved(edge: int) -> int:
        return edge if edge <= at else max(at, edge - count)

    ops = []
    for op in scenario.ops:
        args = list(op.args)
        for arg, slot in _arguments(op):
            if arg.kind in (RANGE, DEST):
                args[slot] = moved(args[slot])
                args[slot + 1] = moved(args[slot + 1])
                if args[slot] == args[slot + 1]:
                    return scenario
            elif arg.kind == PAGE and arg.name != _FILE_INDEX:
                args[slot] = moved(args[slot])
            elif arg.kind == WORD:
                page, word = divmod(args[slot], WORDS_PER_PAGE)
                args[slot] = moved(page) * WORDS_PER_PAGE + word
        ops.append(replace(op, args=tuple(args)))
    return replace(scenario, ops=tuple(ops))


def _handle(arg: Arg, value: int) -> tuple[str, int] | None:
    """Which handle a slot names: ("p", 0), ("f", 2), or None."""
    if arg.kind == HANDLE:
        return arg.names[0], value
    if arg.kind == HWORD:
        return arg.names[0], value // WORDS_PER_PAGE
    if arg.kind == BACKING and 1 <= value <= NR_FILES:
        return "f", value - 1
    return None


def _renamed_args(
    op: Op, actors: dict[int, int], handles: dict[tuple[str, int], int]
) -> tuple[int, ...]:
    args = list(op.args)
    for arg, at in _arguments(op):
        key = _handle(arg, args[at])
        if key is not None:
            number = handles[key]
            if arg.kind == HANDLE:
                args[at] = number
            elif arg.kind == HWORD:
                args[at] = number * WORDS_PER_PAGE + args[at] % WORDS_PER_PAGE
            else:
                args[at] = number + 1
        elif arg.kind == ACTOR:
            args[at] = actors[args[at]]
    return tuple(args)
