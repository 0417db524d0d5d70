# SPDX-License-Identifier: MIT
"""One step simpler: simplifications as data, and what each makes of a scenario.

Contract: a `Step` is a name and integers, so that it can stand in a certificate and be done
again. `steps(scenario)` lists every step that is tried on a scenario, in a fixed order;
`apply` gives the scenario back for a step that does not fit it, and raises ValueError for a name
that no step has. The result may be invalid or no longer fail; that is for the judge to say. Text
order, uids and operands of whatever a step does not name stay.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import combinations
from typing import Final

from fuzz.minimizing.order import SETTINGS
from fuzz.minimizing.variants import arguments, handle, names_page, variants
from simulator import ops as ops_table
from simulator.ops import (
    ACTOR,
    BY_NUMBER,
    DEST,
    HANDLE,
    HWORD,
    OP_FORK,
    OP_MREMAP,
    PROCESS,
    RANGE,
    WORD,
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
NAMES: Final = frozenset(
    (
        "delete-actor",
        "idle-first",
        "give-actor",
        "delete-op",
        "delete-fork",
        "delete-directive",
        "park-instead",
        "default-config",
        "default-setting",
        "delete-placement",
        "replace-op",
        "cut-pages",
        "swap-pages",
        "cut-moved",
        "set-args",
        "swap-actors",
        "move-op",
    )
)
_DEFAULTS: Final = Config()


def steps(scenario: Scenario) -> Iterator[Step]:
    """Every single simplification, those that take most away first."""
    actors = sorted({op.actor for op in scenario.ops}, reverse=True)
    for actor in actors:
        yield ("delete-actor", actor)
    for actor in actors:
        if 0 < actor < NR_USER_ACTORS:
            yield ("idle-first", actor)
        for other in dict.fromkeys((*reversed(actors), 0)):
            if other < actor < NR_USER_ACTORS:
                yield ("give-actor", actor, other)
    for op in reversed(scenario.ops):
        yield ("delete-op", op.uid)
        if op.code == OP_FORK:
            yield ("delete-fork", op.uid)
    for i in reversed(range(len(scenario.directives))):
        yield ("delete-directive", i)
    for i, directive in enumerate(scenario.directives):
        if directive.kind == SWITCH and len(scenario.directives) > 1:
            for op in reversed(scenario.ops):
                if op.uid != directive.uid:
                    yield ("park-instead", i, op.uid)
    yield ("default-config",)
    for i, name in enumerate(SETTINGS):
        if getattr(scenario.config, name) != getattr(_DEFAULTS, name):
            yield ("default-setting", i)
    for i in reversed(range(len(scenario.config.placement))):
        yield ("delete-placement", i)
    every = variants(scenario)
    for op in scenario.ops[1:]:
        for actor, code, args in every:
            if code < op.code or actor != op.actor:
                yield ("replace-op", op.uid, actor, code, *args)
    yield from _page_cuts(scenario)
    for start, middle, end in _neighbours(scenario):
        yield ("swap-pages", start, middle, end)
    for op in scenario.ops:
        if op.code == OP_MREMAP:
            size = op.args[1] - op.args[0]
            for left in _below(size, 1):
                for at in dict.fromkeys((0, left)):
                    yield ("cut-moved", op.uid, at, size - left)
    for op in scenario.ops:
        for args in _smaller(op):
            yield ("set-args", op.uid, op.code, *args)
    users = [actor for actor in reversed(actors) if actor < NR_USER_ACTORS]
    for one, other in combinations(users, 2):
        for place in range(len(scenario.ops)):
            yield ("swap-actors", one, other, place)
    for place, op in enumerate(scenario.ops):
        for other in dict.fromkeys((*reversed(actors), 0)):
            for to in range(len(scenario.ops)):
                if (other, to) != (op.actor, place):
                    yield ("move-op", op.uid, other, to)


def apply(scenario: Scenario, step: Step) -> Scenario:
    """The scenario after one step, or the same scenario where the step does not fit. A name
    that no step has is a ValueError."""
    name, *rest = step
    if name not in NAMES:
        raise ValueError(f"no step of minimizing is called {name!r}")
    numbers = [n for n in rest if isinstance(n, int)]
    ops = scenario.ops
    match name, numbers:
        case "delete-actor", [actor]:
            return delete_ops(scenario, {op.uid for op in ops if op.actor == actor})
        case "idle-first", [actor]:  # T0 is there in any case: let it be who has no ops
            changed = _swap_actors(scenario, 0, actor, 0)
            return delete_ops(changed, {op.uid for op in changed.ops if op.actor == 0})
        case "give-actor", [actor, other]:
            return _give(scenario, {op.uid for op in ops if op.actor == actor}, other)
        case "delete-op", [uid]:
            return delete_ops(scenario, {uid})
        case "delete-fork", [uid]:
            return _without(scenario, {uid})
        case "delete-directive", [i] if i < len(scenario.directives):
            kept = scenario.directives[:i] + scenario.directives[i + 1 :]
            return scenario.with_directives(kept)
        case "park-instead", [i, uid] if i < len(scenario.directives):
            parked = replace(scenario.directives[i], kind=PARK, arg=uid)
            others = scenario.directives[:i] + scenario.directives[i + 1 :]
            return scenario.with_directives((*others, parked))
        case "default-config", []:
            config = scenario.config
            return replace(scenario, config=Config(bugs=config.bugs, kernel=config.kernel))
        case "default-setting", [i] if i < len(SETTINGS):
            return replace(scenario, config=_with_default(scenario.config, SETTINGS[i]))
        case "delete-placement", [i]:
            placed = scenario.config.placement
            config = replace(scenario.config, placement=placed[:i] + placed[i + 1 :])
            return replace(scenario, config=config)
        case "replace-op", [uid, actor, code, *args]:
            return _with_op(scenario, uid, actor, code, tuple(args))
        case "cut-pages", [at, count]:
            return _cut_pages(scenario, at, count)
        case "swap-pages", [start, middle, end]:
            return _swap_pages(scenario, start, middle, end)
        case "cut-moved", [uid, at, count]:  # from what is moved and from where it goes
            for op in ops:
                if op.uid == uid and op.code == OP_MREMAP:
                    for start in sorted((op.args[0], op.args[2]), reverse=True):
                        scenario = _cut_pages(scenario, start + at, count)
            return scenario
        case "set-args", [uid, code, *args]:
            return _with_args(scenario, uid, code, tuple(args))
        case "swap-actors", [one, other, place]:
            return _swap_actors(scenario, one, other, place)
        case "move-op", [uid, other, to]:
            return _move(scenario, uid, other, to)
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


def renumbered(scenario: Scenario) -> Scenario:
    """With uids 1, 2, 3 ... in text order."""
    uids = {op.uid: i for i, op in enumerate(scenario.ops, 1)}
    return replace(
        scenario, ops=tuple(replace(op, uid=uids[op.uid]) for op in scenario.ops)
    ).with_directives(
        tuple(
            replace(d, uid=uids[d.uid], arg=uids[d.arg] if d.kind == PARK else d.arg)
            for d in scenario.directives
        )
    )


def canonical(scenario: Scenario, first: int = 0) -> Scenario:
    """Renumbered, and with user actors (from `first`), files and pins numbered by their first
    use."""
    scenario = renumbered(scenario)
    actors: dict[int, int] = {}
    handles: dict[tuple[str, int], int] = {}
    for op in scenario.ops:
        if op.actor < NR_USER_ACTORS:
            actors.setdefault(op.actor, first + len(actors))
        for arg, at in arguments(op):
            key = handle(arg, op.args[at])
            if key is not None:
                letter = key[0]
                handles.setdefault(key, sum(k[0] == letter for k in handles))
            if arg.kind in (ACTOR, PROCESS):
                actors.setdefault(op.args[at], first + len(actors))
    ops = tuple(
        Op(op.uid, actors.get(op.actor, op.actor), op.code, _renamed_args(op, actors, handles))
        for op in scenario.ops
    )
    directives = tuple(
        replace(d, arg=actors.get(d.arg, d.arg)) if d.kind == SWITCH else d
        for d in scenario.directives
    )
    config = replace(
        scenario.config,
        placement=tuple(sorted((actors.get(a, a), cpu) for a, cpu in scenario.config.placement)),
    )
    return replace(scenario, config=config, ops=ops).with_directives(directives)


def fitting(scenario: Scenario, directives: tuple[Directive, ...]) -> tuple[Directive, ...]:
    """Those of the directives whose op is there, and the op or actor that they name, too."""
    uids = {op.uid for op in scenario.ops}
    actors = {op.actor for op in scenario.ops}
    return tuple(
        d
        for d in directives
        if d.uid in uids
        and not (d.kind == PARK and d.arg not in uids)
        and not (d.kind == SWITCH and d.arg not in actors)
    )


# --- parts ------------------------------------------------------------------------------------


def _without(scenario: Scenario, uids: set[int]) -> Scenario:
    """Without these ops and the directives that name them or an actor that has no op left."""
    left = replace(scenario, ops=tuple(op for op in scenario.ops if op.uid not in uids))
    return left.with_directives(fitting(left, scenario.directives))


def _give(scenario: Scenario, uids: set[int], actor: int) -> Scenario:
    """Let `actor` run these ops, where it may."""
    if any(op.uid in uids and not may_run(BY_NUMBER[op.code], actor) for op in scenario.ops):
        return scenario
    return replace(
        scenario,
        ops=tuple(replace(op, actor=actor) if op.uid in uids else op for op in scenario.ops),
    )


def _swap_actors(scenario: Scenario, one: int, other: int, place: int) -> Scenario:
    """Let two actors change their parts from this place of the text on."""
    swap = {one: other, other: one}
    ops = tuple(
        replace(op, actor=swap.get(op.actor, op.actor)) if i >= place else op
        for i, op in enumerate(scenario.ops)
    )
    changed = {op.uid for op in scenario.ops[place:]}
    directives = tuple(
        replace(d, arg=swap.get(d.arg, d.arg)) if d.kind == SWITCH and d.uid in changed else d
        for d in scenario.directives
    )
    return replace(scenario, ops=ops).with_directives(directives)


def _move(scenario: Scenario, uid: int, actor: int, to: int) -> Scenario:
    """Let `actor` run this op, at place `to` of the text."""
    given = _give(scenario, {uid}, actor)
    rest = [op for op in given.ops if op.uid != uid]
    moved = [op for op in given.ops if op.uid == uid]
    ops = (*rest[:to], *moved, *rest[to:])
    return replace(given, ops=ops).with_directives(given.directives)


def _with_op(
    scenario: Scenario, uid: int, actor: int, code: int, args: tuple[int, ...]
) -> Scenario:
    """With another op of another actor in place of one, whose children's ops go."""
    made = Op(uid, actor, code, args)
    place = next((i for i, op in enumerate(scenario.ops) if op.uid == uid), -1)
    if place < 0:
        return scenario
    left = delete_ops(scenario, {uid})
    before = {op.uid for op in scenario.ops[:place]}
    at = sum(op.uid in before for op in left.ops)
    ops = (*left.ops[:at], made, *left.ops[at:])
    kept = tuple(
        d
        for d in scenario.directives
        if d in left.directives or d.uid == uid or (d.kind == SWITCH and d.arg == actor)
    )
    return replace(left, ops=ops).with_directives(kept)


def _with_args(scenario: Scenario, uid: int, code: int, args: tuple[int, ...]) -> Scenario:
    """With other arguments for one op, if it is still of that row."""
    return replace(
        scenario,
        ops=tuple(
            replace(op, args=args) if (op.uid, op.code) == (uid, code) else op
            for op in scenario.ops
        ),
    )


def _with_default(config: Config, name: str) -> Config:
    values = {f.name: getattr(config, f.name) for f in fields(Config)}
    values[name] = getattr(_DEFAULTS, name)
    return Config(**values)


def _below(value: int, least: int = 0) -> Iterator[int]:
    """Smaller numbers to try: the least, then away from it by halves, the next at last."""
    distance = value - least
    while distance > 0:
        yield value - distance
        distance //= 2


def _smaller(op: Op) -> Iterator[tuple[int, ...]]:
    """The op's arguments with one of them smaller, or all that are ranges further down."""
    starts = [at for arg, at in arguments(op) if arg.kind in (RANGE, DEST)]
    if len(starts) > 1:
        lowest = min(op.args[at] for at in starts)
        for less in _below(lowest):
            down = list(op.args)
            for at in (*starts, *(at + 1 for at in starts)):
                down[at] -= lowest - less
            yield tuple(down)
    for arg, at in arguments(op):
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
            case ops_table.HANDLE | ops_table.ACTOR | ops_table.PROCESS:
                pass  # `canonical` numbers them
            case _:
                raise AssertionError(f"kind of argument {arg.kind} is new: teach edits._smaller()")


def _edges(scenario: Scenario) -> list[int]:
    """Where pages that ops name begin and end; the arena's begin, too."""
    edges = {0}
    for op in scenario.ops:
        for arg, at in arguments(op):
            if arg.kind in (RANGE, DEST):
                edges |= {op.args[at], op.args[at + 1]}
            elif names_page(arg):
                edges |= {op.args[at], op.args[at] + 1}
            elif arg.kind == WORD:
                page = op.args[at] // WORDS_PER_PAGE
                edges |= {page, page + 1}
    return sorted(edges)


def _neighbours(scenario: Scenario) -> Iterator[tuple[int, int, int]]:
    """Neighbouring pieces of the arena, as begin, border and end: without an edge in between,
    and such as ops name."""
    edges = _edges(scenario)
    yield from zip(edges, edges[1:], edges[2:], strict=False)
    pieces = sorted(
        {
            (op.args[at], op.args[at + 1])
            for op in scenario.ops
            for arg, at in arguments(op)
            if arg.kind in (RANGE, DEST)
        }
    )
    for start, middle in pieces:
        for begin, end in pieces:
            if begin == middle:
                yield start, middle, end


def _page_cuts(scenario: Scenario) -> Iterator[Step]:
    """Pieces of the arena between two edges, to be taken out for all ops."""
    edges = _edges(scenario)
    table = 1 << scenario.config.pmd_order
    for start, end in zip(edges, edges[1:], strict=False):
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
        for arg, slot in arguments(op):
            if arg.kind in (RANGE, DEST):
                args[slot] = moved(args[slot])
                args[slot + 1] = moved(args[slot + 1])
                if args[slot] == args[slot + 1]:
                    return scenario
            elif names_page(arg):
                args[slot] = moved(args[slot])
            elif arg.kind == WORD:
                page, word = divmod(args[slot], WORDS_PER_PAGE)
                args[slot] = moved(page) * WORDS_PER_PAGE + word
        ops.append(replace(op, args=tuple(args)))
    return replace(scenario, ops=tuple(ops))


def _swap_pages(scenario: Scenario, start: int, middle: int, end: int) -> Scenario:
    """Let two neighbouring pieces of the arena, which meet at `middle`, change places for all
    ops. It does not fit where a range has a part of one of them."""
    ops = []
    for op in scenario.ops:
        args = list(op.args)
        for arg, slot in arguments(op):
            if arg.kind in (RANGE, DEST):
                first, last, unit = args[slot], args[slot + 1], 1
            elif names_page(arg) or arg.kind == WORD:
                unit = WORDS_PER_PAGE if arg.kind == WORD else 1
                first = args[slot] // unit
                last = first + 1
            else:
                continue
            if start <= first and last <= middle:
                by = end - middle
            elif middle <= first and last <= end:
                by = start - middle
            elif last <= start or end <= first or (first <= start and end <= last):
                by = 0
            else:
                return scenario
            args[slot] += by * unit
            if arg.kind in (RANGE, DEST):
                args[slot + 1] += by
        ops.append(replace(op, args=tuple(args)))
    return replace(scenario, ops=tuple(ops))


def _renamed_args(
    op: Op, actors: dict[int, int], handles: dict[tuple[str, int], int]
) -> tuple[int, ...]:
    args = list(op.args)
    for arg, at in arguments(op):
        key = handle(arg, args[at])
        if key is not None:
            number = handles[key]
            if arg.kind == HANDLE:
                args[at] = number
            elif arg.kind == HWORD:
                args[at] = number * WORDS_PER_PAGE + args[at] % WORDS_PER_PAGE
            else:
                args[at] = number + 1
        elif arg.kind in (ACTOR, PROCESS):
            args[at] = actors[args[at]]
    return tuple(args)
