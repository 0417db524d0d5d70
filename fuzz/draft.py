# SPDX-License-Identifier: MIT
"""A scenario while it is being changed.

Contract: a `Draft` may be edited freely; `finish` makes it valid and brings it within the
fuzz limits by dropping what cannot stay: a second fork of one child, ops past the limits,
directives of ops that are gone, all but the first of two directives with one anchor and kind.
What can stay is kept: uids never change.
"""

from mypy_extensions import i64

from fuzz.codec import MAX_FUZZ_UID
from fuzz.sketch import Sketch, sketch_of
from simulator.build.native import final
from simulator.ops import OP_FORK
from simulator.scenario import (
    MAX_FUZZ_ACTORS,
    MAX_FUZZ_DIRECTIVES,
    MAX_FUZZ_OPS,
    PARK,
    Config,
    Directive,
    Op,
    Scenario,
)
from simulator.validate import arena_pages


@final
class Draft:
    """Ops and directives as lists; directives in any order until `finish`."""

    def __init__(self, scenario: Scenario) -> None:
        self.origin: Scenario = scenario
        self.config: Config = scenario.config
        self.weights: list[int] = []  # of rows, for new ops
        self.ops: list[Op] = list(scenario.ops)
        self.directives: list[Directive] = list(scenario.directives)
        self.pages: i64 = arena_pages(scenario.config)
        self.max_uid: i64 = 0
        for op in self.ops:
            if op.uid > self.max_uid:
                self.max_uid = op.uid

    def new_uid(self) -> i64:
        """A uid that no op has had in this draft."""
        if self.max_uid < MAX_FUZZ_UID:
            self.max_uid += 1
            return self.max_uid
        used = {op.uid for op in self.ops}
        uid: i64 = 1
        while uid in used:
            uid += 1
        return uid

    def sketch(self, position: i64) -> Sketch:
        """The state before the op at `position`."""
        return sketch_of(
            self.ops, position, self.pages, 1 << self.config.pmd_order, self.config.swap > 0
        )

    def actors(self) -> list[int]:
        """Actors that have ops, by number."""
        mask: i64 = 0
        for op in self.ops:
            mask |= 1 << op.actor
        found: list[int] = []
        actor: i64 = 0
        while mask:
            if mask & 1:
                found.append(actor)
            mask >>= 1
            actor += 1
        return found

    def find(self, uid: i64) -> i64:
        """The position of an op; -1 if it is gone."""
        for i, op in enumerate(self.ops):
            if op.uid == uid:
                return i
        return -1

    def delete(self, position: i64) -> None:
        """Delete one op; with a fork go its child's ops, and their children's."""
        op = self.ops.pop(position)
        if op.code != OP_FORK:
            return
        gone: i64 = 1 << op.args[0]
        growing = True
        while growing:
            growing = False
            for other in self.ops:
                if other.code == OP_FORK and (gone >> other.actor) & 1:
                    grandchild: i64 = 1 << other.args[0]
                    if not gone & grandchild:
                        gone |= grandchild
                        growing = True
        self.ops = [other for other in self.ops if not (gone >> other.actor) & 1]

    def insert(self, position: i64, op: Op) -> None:
        self.ops.insert(position, op)

    def finish(self) -> Scenario:
        """The valid scenario of the draft; the origin if nothing is left of it."""
        self._drop_ops()
        if not self.ops:
            return self.origin
        ops = tuple(self.ops)
        directives = _canonical(self.directives, ops) if self.directives else ()
        return Scenario(self.config, ops, directives)

    def _drop_ops(self) -> None:
        kept: list[Op] = []
        forked: i64 = 1  # T0 is nobody's child
        actors: i64 = 0
        nr_actors: i64 = 0
        dropped = len(self.ops) > MAX_FUZZ_OPS
        for op in self.ops:
            bit: i64 = 1 << op.actor
            if not actors & bit and nr_actors == MAX_FUZZ_ACTORS:
                dropped = True
                continue
            if op.code == OP_FORK:
                child: i64 = 1 << op.args[0]
                if forked & child:
                    dropped = True
                    continue
                forked |= child
            if not actors & bit:
                actors |= bit
                nr_actors += 1
            kept.append(op)
        if dropped:
            self.ops = kept[:MAX_FUZZ_OPS]


def _canonical(directives: list[Directive], ops: tuple[Op, ...]) -> tuple[Directive, ...]:
    place: dict[int, int] = {}
    for i, op in enumerate(ops):
        place[op.uid] = i
    keyed: list[tuple[int, str, int, int, int]] = []
    seen: set[tuple[int, str, int, int]] = set()
    for directive in directives:
        if directive.uid not in place:
            continue
        if directive.kind == PARK and directive.arg not in place:
            continue
        at = place[directive.uid]
        anchor = (at, directive.site, directive.visit, directive.kind)
        if anchor in seen or len(keyed) == MAX_FUZZ_DIRECTIVES:
            continue
        seen.add(anchor)
        keyed.append((at, directive.site, directive.visit, directive.kind, directive.arg))
    keyed.sort()
    return tuple(
        [Directive(ops[at].uid, site, visit, kind, arg) for at, site, visit, kind, arg in keyed]
    )
