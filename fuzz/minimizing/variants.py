# SPDX-License-Identifier: MIT
"""All ops that could stand in a scenario in place of one of its own.

Contract: derived from the op table: every row that an actor of the scenario may run, with
every choice of its arguments among the pages, handles and actors that the scenario already
names, in a fixed order. Ops that only set the stage (mmap, memfd) are not among them: they
are not what a scenario is about.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

from simulator import ops as table
from simulator.ops import BY_NUMBER, OP_MEMFD, OP_MMAP, OPS, SLOTS, Arg, may_run
from simulator.scenario import DEVICES, NR_USER_ACTORS, WORDS_PER_PAGE, Op, Scenario
from simulator.validate import arena_pages

SETTING_UP: Final = (OP_MMAP, OP_MEMFD)
MAX_RANGES: Final = 3  # of the scenario's own, and their hull; more would only multiply
# PAGE arguments that count pages of a file and not of the arena.
_FILE_INDEX: Final = "index"

Variant = tuple[int, int, tuple[int, ...]]  # actor, row, arguments


def variants(scenario: Scenario, *, guests: bool = False) -> list[Variant]:
    """The ops that could stand in the scenario, plainest rows first; with `guests` also those
    of children without ops, of one more thread and of the device."""
    universe = _Universe(scenario)
    actors = sorted({*universe.actors, *universe.guests}) if guests else universe.actors
    return [
        (actor, spec.number, args)
        for spec in OPS
        if spec.number not in SETTING_UP
        for args in _all_args(spec.args, universe)
        for actor in actors
        if may_run(spec, actor)
    ]


def settings_like(scenario: Scenario, op: Op) -> Iterator[tuple[int, ...]]:
    """Other arguments of an op that sets the stage; handles, files and sizes stay."""
    universe = _Universe(scenario)
    choices = []
    for arg, at in arguments(op):
        own = op.args[at : at + SLOTS[arg.kind]]
        free = arg.kind in (table.RANGE, table.ENUM, table.FLAGS)
        choices.append(_choices(arg, universe) if free else [own])
    for chosen in product(*choices):
        yield tuple(slot for choice in chosen for slot in choice)


def arguments(op: Op) -> Iterator[tuple[Arg, int]]:
    """Each argument of an op and the place of its first slot."""
    at = 0
    for arg in BY_NUMBER[op.code].args:
        yield arg, at
        at += SLOTS[arg.kind]


def names_page(arg: Arg) -> bool:
    """Whether the argument is one page of the arena."""
    return arg.kind == table.PAGE and arg.name != _FILE_INDEX


def handle(arg: Arg, value: int) -> tuple[str, int] | None:
    """Which handle a slot names: ("p", 0), ("f", 2), or None."""
    if arg.kind == table.HANDLE:
        return arg.names[0], value
    if arg.kind == table.HWORD:
        return arg.names[0], value // WORDS_PER_PAGE
    if arg.kind == table.BACKING and 1 <= value <= table.NR_FILES:
        return "f", value - 1
    return None


class _Universe:
    """What a scenario names."""

    def __init__(self, scenario: Scenario) -> None:
        self.actors = sorted({op.actor for op in scenario.ops})
        ranges: set[tuple[int, int]] = set()
        self.handles: set[tuple[str, int]] = {("p", 0)}
        named = set(self.actors)
        for op in scenario.ops:
            for arg, at in arguments(op):
                key = handle(arg, op.args[at])
                if key is not None:
                    self.handles.add(key)
                if arg.kind == table.RANGE:
                    ranges.add((op.args[at], op.args[at + 1]))
                elif names_page(arg):
                    ranges.add((op.args[at], op.args[at] + 1))
                elif arg.kind == table.WORD:
                    page = op.args[at] // WORDS_PER_PAGE
                    ranges.add((page, page + 1))
                elif arg.kind in (table.ACTOR, table.PROCESS):
                    named.add(op.args[at])
        first, last = min(ranges, default=(0, 1)), max((end for _, end in ranges), default=1)
        self.ranges = sorted({*sorted(ranges)[:MAX_RANGES], (first[0], last)})
        unused = [actor for actor in range(1, NR_USER_ACTORS) if actor not in named]
        self.children = unused[:1]
        self.guests = {*named, *unused[:1], *DEVICES}
        self._edges = {edge for each in self.ranges for edge in each}
        self._pages = arena_pages(scenario.config)

    def destinations(self, size: int) -> list[int]:
        """Where a range of so many pages would begin or end at an edge of another one."""
        starts = self._edges | {edge - size for edge in self._edges}
        return sorted(start for start in starts if 0 <= start <= self._pages - size)


def _all_args(args: tuple[Arg, ...], universe: _Universe) -> Iterator[tuple[int, ...]]:
    for chosen in product(*(_choices(arg, universe) for arg in args if arg.kind != table.DEST)):
        slots = [slot for choice in chosen for slot in choice]
        if all(arg.kind != table.DEST for arg in args):
            yield tuple(slots)
            continue
        size = slots[1] - slots[0]
        for start in universe.destinations(size):
            yield (*slots[:2], start, start + size, *slots[2:])


def _choices(arg: Arg, universe: _Universe) -> list[tuple[int, ...]]:
    """The values of one argument, as slots."""
    match arg.kind:
        case table.RANGE:
            return list(universe.ranges)
        case table.PAGE:
            if not names_page(arg):
                return [(0,)]
            return [(start,) for start in sorted({start for start, _ in universe.ranges})]
        case table.WORD:
            starts = sorted({start for start, _ in universe.ranges})
            return [(start * WORDS_PER_PAGE,) for start in starts]
        case table.ENUM:
            return [(value,) for value in range(len(arg.names))]
        case table.FLAGS:
            return [(0,), *((1 << bit,) for bit in range(len(arg.names)))]
        case table.HANDLE | table.HWORD:
            scale = WORDS_PER_PAGE if arg.kind == table.HWORD else 1
            return [
                (number * scale,)
                for name, number in sorted(universe.handles)
                if name == arg.names[0]
            ]
        case table.ACTOR:
            return [(child,) for child in universe.children]
        case table.PROCESS:
            return [(guest,) for guest in sorted(universe.guests) if guest < NR_USER_ACTORS]
        case table.COUNT:
            return [(1,)]
        case table.BACKING:  # of ops that set the stage only
            return []
    raise AssertionError(f"kind of argument {arg.kind} is new: teach fuzz.minimizing.variants")
