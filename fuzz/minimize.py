# SPDX-License-Identifier: MIT
"""Minimize a failing scenario: the same signature, as little as possible around it, in a
form that does not depend on how it was found.

Contract: `minimize` is a function of its arguments and the model's build. The result fails
with the wanted signature, is never less simple than the input (fuzz/minimizing/order.py), and
comes with a certificate. `NotFailing` is raised when the input does not fail that way.

How. First the coarse part, for inputs of any size: cut after the violation, then drop actors,
ops and directives in chunks of falling size; where ops go but the failure hides, some random
schedules are tried. Then the fine part, for what is left, cheapest first: single
simplifications (fuzz/minimizing/edits.py) as they are; smaller scenarios written anew
(fuzz/minimizing/anew.py); some a few steps away, drawn at random (fuzz/minimizing/shuffle.py),
under a few random schedules each; every simplification again, each with a search for another
schedule that shows the failure (delete-with-repair); and many more of the random scenarios. The
random part brings different failures of one bug to the same ops: between their simplest forms
there may be only passing or larger ones, which no step crosses. It also goes on from other
scenarios that fail and are as small, as far as they are of a new shape. Its seed is fixed. The
schedule is always the first failing one in the order of fuzz/search.py, so equal ops end with
equal directives. The fine part repeats until a whole round changes nothing; the single steps
that this round tried are the certificate.

Failures with another signature met on the way are returned, not followed. Who may have to stop is
told of each scenario that is simpler than all before it (`improved`): a reduction that starts from
the last of them goes on where this one ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from corpus import text
from fuzz.certificate import Certificate, Tried, simpler
from fuzz.minimizing.anew import Anew
from fuzz.minimizing.edits import NAMES, Step, apply, bare, canonical, delete_ops, renumbered, steps
from fuzz.minimizing.judge import INVALID, MAX_DEVIATIONS, Exhausted, Judge, without_dead
from fuzz.minimizing.order import cost
from fuzz.minimizing.shuffle import Shuffle
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator import build
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import Scenario

DEFAULT_BUDGET: Final = 800_000  # executions: about 30 s compiled, ten times what most need
# Schedules that a search may try: for the final one, and on the way there; for the ops in
# another order; after deletions, which are worth much; after other steps, of which there are
# many.
FINAL_SCHEDULES: Final = 40_000
SCHEDULES: Final = 4_000
ORDER_SCHEDULES: Final = 1_000
# Runs of scenarios some steps away, for each op and again for each with every directive, within
# limits: whenever there is a simpler scenario, and when nothing else helps; with how many
# schedules each; and from how many places.
SHUFFLES_PER_OP: Final = 2_000
LAST_SHUFFLES_PER_OP: Final = 4_000
MAX_SHUFFLE_SIZES: Final = 10
SHUFFLE_TRIES: Final = 4
MAX_PLACES: Final = 24
MAX_SHUFFLED_OPS: Final = 16
# Scenarios written anew: once for each size on the way, and when nothing else helps; and for
# scenarios of how many ops, since chance hardly writes a larger one that fails.
NEW_SCENARIOS: Final = 8_000
LAST_NEW_SCENARIOS: Final = 30_000
MAX_ANEW_OPS: Final = 6
DELETION_SCHEDULES: Final = 40_000  # for all deletions of a round together
EDIT_SCHEDULES: Final = 1_000
FEW_SCHEDULES: Final = {"delete-directive": 0, "park-instead": 0, "replace-op": 150, "move-op": 300}
_INSTEAD: Final = ("replace-op", "move-op", "swap-actors", "park-instead")
_DELETIONS: Final = ("delete-actor", "give-actor", "delete-op", "delete-fork", "idle-first")
assert NAMES.issuperset((*FEW_SCHEDULES, *_INSTEAD, *_DELETIONS))
# Random schedules tried for a chunk of ops that hides the failure, and to get rid of
# directives when there are too many to search.
CHUNK_TRIES: Final = 64
SPARSE_TRIES: Final = 2_000


Improved = Callable[[Scenario], None]


class NotFailing(ValueError):
    """The scenario does not fail with the signature: there is nothing to minimize."""


@dataclass(frozen=True, slots=True)
class Minimized:
    """The result. `side_finds` are scenarios that failed otherwise, one per signature, with
    their signature in `# expect:`; `executions` is what it cost."""

    scenario: Scenario
    outcome: Outcome
    certificate: Certificate
    side_finds: tuple[Scenario, ...]
    executions: int


def minimize(
    scenario: Scenario,
    signature: Signature,
    machine: Machine,
    budget: int = DEFAULT_BUDGET,
    improved: Improved | None = None,
) -> Minimized:
    """The simplest scenario found that fails like `scenario`. `budget` bounds executions, of
    which a long one counts as several (fuzz/search.py). `improved` hears of each that is simpler
    than those before."""
    violation = machine.run(scenario).violation
    if violation is None or violation.signature != signature:
        found = f"fails with {violation.signature}" if violation else "passes"
        raise NotFailing(f"the scenario {found}, and not with {signature}")
    judge = Judge(machine, signature, budget)
    reduction = _Reduction(judge, scenario, improved)
    try:
        reduction.coarse()
        reduction.fine()
        complete = True
    except Exhausted:
        complete = False
    final = replace(reduction.current, headers=_headers(scenario, signature))
    certificate = Certificate(
        text.dump(final), str(signature), build.build_id(), tuple(reduction.tried), complete
    )
    return Minimized(
        final, machine.run(final), certificate, tuple(judge.side_finds.values()), judge.executions
    )


class _Reduction:
    """The scenario as simple as it is by now."""

    def __init__(self, judge: Judge, scenario: Scenario, improved: Improved | None) -> None:
        self.judge = judge
        self._current = scenario
        self._least = cost(scenario)
        self._improved = improved
        self.tried: list[Tried] = []
        self.shuffled: set[tuple[Scenario, int]] = set()
        self.written: set[tuple[int, int, int]] = set()

    @property
    def current(self) -> Scenario:
        return self._current

    @current.setter
    def current(self, failing: Scenario) -> None:
        self._current = failing
        if self._improved is not None and cost(failing) < self._least:
            self._least = cost(failing)
            self._improved(failing)

    # --- coarse -----------------------------------------------------------------------------

    def coarse(self) -> None:
        """Large pieces first."""
        self._truncate()
        self.current = self._sparse(self.current)
        before = None
        while before is None or len(before.ops) > len(self.current.ops):
            before = self.current
            for actor in sorted({op.actor for op in self.current.ops}, reverse=True):
                self._attempt(apply(self.current, ("delete-actor", actor)))
            self._drop_ops()
        self._sparser()

    def _truncate(self) -> None:
        """Drop what had not begun when the promise was broken, and dead directives."""
        begun = {event.uid for event in self.judge.run(self.current, trace=True).trace}
        late = {op.uid for op in self.current.ops if op.uid not in begun}
        self._accept(delete_ops(self.current, late))

    def _drop_ops(self) -> None:
        """Whatever ops it fails without, alone or under another schedule."""

        def drop(start: int, end: int) -> int:
            uids = {op.uid for op in self.current.ops[start:end]}
            self._attempt(delete_ops(self.current, uids))
            return len(self.current.ops)

        _in_chunks(len(self.current.ops), drop)

    def _sparse(self, failing: Scenario) -> Scenario:
        """A failing scenario without the directives that it fails without."""
        failing = without_dead(failing, self.judge.run(failing).dead)

        def drop(start: int, end: int) -> int:
            nonlocal failing
            here = failing.directives
            candidate = failing.with_directives(here[:start] + here[end:])
            if self.judge.same(candidate):
                failing = candidate
            return len(failing.directives)

        _in_chunks(len(failing.directives), drop)
        return failing

    def _attempt(self, candidate: Scenario) -> None:
        """Take a candidate with fewer ops, if need be under a random schedule, however many
        directives that has: there will be fewer."""
        if not candidate.ops or len(candidate.ops) >= len(self.current.ops):
            return
        if self._accept(candidate):
            return
        rescued = self.judge.rescue(candidate, CHUNK_TRIES)
        if rescued is not None:
            self.current = self._sparse(rescued)

    def _sparser(self) -> None:
        """Look for a schedule with fewer directives than a search could find."""
        while len(self.current.directives) > MAX_DEVIATIONS:
            rescued = self.judge.rescue(self.current, SPARSE_TRIES)
            if rescued is None:
                return
            sparse = self._sparse(rescued)
            if len(sparse.directives) >= len(self.current.directives):
                return
            self.current = sparse

    # --- fine -------------------------------------------------------------------------------

    def fine(self) -> None:
        """Single steps, then several at once, until nothing helps any more."""
        start = 0
        while True:
            self._plain_steps(less=True)
            before = self.current
            self._in_order_of_running()
            self._rename()
            self._reschedule(SCHEDULES)
            if self.current != before or self._anew(NEW_SCENARIOS):
                continue
            if self._shuffle(SHUFFLES_PER_OP):
                continue
            self._plain_steps(less=False)
            if self.current != before:
                continue
            start = self._repaired_step(start)
            if start >= 0:
                continue
            start = 0
            if self._anew(LAST_NEW_SCENARIOS) or self._shuffle(LAST_SHUFFLES_PER_OP):
                continue
            self._reschedule(FINAL_SCHEDULES)
            if self.current == before:
                return

    def _shuffle(self, executions_per_op: int) -> bool:
        """Try scenarios some steps away, under a few random schedules each: from the current
        one, and from such as fail and are as small, one of each shape."""
        key = (self.current, executions_per_op)
        if len(self.current.ops) > MAX_SHUFFLED_OPS or key in self.shuffled:
            return False
        self.shuffled.add(key)
        rng = Rng(executions_per_op)
        portfolio = Portfolio(executions_per_op)
        places = [Shuffle(self.current, rng)]
        shapes = {_shape(self.current)}
        seen = {self.current}
        sizes = len(self.current.ops) * (1 + len(self.current.directives))
        end = self.judge.executions + executions_per_op * min(sizes, MAX_SHUFFLE_SIZES)
        while self.judge.executions < end:
            place = places[0] if rng.chance(1, 2) else rng.pick(places)
            candidate = place.next()
            if candidate in seen or not self._promising(candidate):
                end -= 1  # so that it ends where there is little new
                continue
            seen.add(candidate)
            if self._accept(candidate):
                return True
            failing = self.judge.rescue(candidate, SHUFFLE_TRIES, portfolio)
            shape = _shape(candidate)
            if failing is None or (shape in shapes and not self._simpler_ops(candidate)):
                continue
            small = self._settled(failing)
            if small is None:
                continue
            if self._accept(small):
                return True
            if shape not in shapes and len(places) < MAX_PLACES:
                shapes.add(shape)
                places.append(Shuffle(small, rng))
        return False

    def _anew(self, nr: int) -> bool:
        """Try smaller scenarios that have nothing of the current one but its directives."""
        key = (nr, len(self.current.ops), len(self.current.directives))
        if len(self.current.ops) > MAX_ANEW_OPS or key in self.written:
            return False
        self.written.add(key)
        anew = Anew(self.current, Rng(nr))
        for _ in range(2 * nr if anew.alone else nr):  # of one actor they cost half as much
            made = anew.next()
            same, passed = self.judge.watch(made, anew.sites)
            if same and self._accept(made):
                return True
            for directives in anew.moved(made, passed):
                placed = made.with_directives(directives)
                if self.judge.same(placed) and self._accept(placed):
                    return True
        return False

    def _simpler_ops(self, candidate: Scenario) -> bool:
        """Whether the candidate may be simpler, under however few directives."""
        return cost(bare(candidate)) < cost(self.current)

    def _promising(self, candidate: Scenario) -> bool:
        """Whether the candidate may be simpler, or as small."""
        nr = len(candidate.ops)
        return 0 < nr <= len(self.current.ops) or (nr > 0 and self._simpler_ops(candidate))

    def _settled(self, failing: Scenario) -> Scenario | None:
        """A scenario that fails under a random schedule, under few directives: so that it has
        no more ops and directives together than the current one."""
        bound = len(self.current.ops) + len(self.current.directives) - len(failing.ops)
        if len(failing.ops) < len(self.current.ops):
            sparse = self._sparse(failing)
            if len(sparse.directives) <= bound:
                return sparse
        return self.judge.reschedule(failing, bound, EDIT_SCHEDULES) if bound > 0 else None

    def _plain_steps(self, *, less: bool) -> None:
        """Every step that needs no other schedule, to a fixed point; with `less` only those
        that take something away, and not the many that put something else in its place."""
        before = None
        while before != self.current:
            before = self.current
            for step in dict.fromkeys(steps(before)):
                if not (less and step[0] in _INSTEAD):
                    self._accept(apply(self.current, step))

    def _repaired_step(self, start: int) -> int:
        """Try the steps once round, from the one numbered `start`, and search a schedule for
        each. Returns the number of the first that helps, and -1 when none does: then `tried`
        says so of all."""
        candidates = simpler(self.current)
        start = min(start, len(candidates))
        self.tried = []
        number: int
        for number in (*range(start, len(candidates)), *range(start)):
            if self._try(*candidates[number]):
                return number
        first = len(candidates) - start
        self.tried = self.tried[first:] + self.tried[:first]
        return -1

    def _try(self, step: Step, candidate: Scenario) -> bool:
        """Take the candidate if it fails as it is, or under another schedule."""
        verdict = self.judge.verdict(candidate)
        if self._accept(candidate):
            return True
        schedules = FEW_SCHEDULES.get(str(step[0]), EDIT_SCHEDULES)
        bound = self._bound(candidate)
        if verdict == INVALID or bound <= 0:
            schedules = 0
        elif step[0] in _DELETIONS:
            schedules = max(EDIT_SCHEDULES, DELETION_SCHEDULES // len(self.current.ops))
            rescued = self.judge.rescue(candidate, CHUNK_TRIES)
            if rescued is not None and self._accept(self._sparse(rescued)):
                return True
        if schedules:
            repaired = self.judge.reschedule(candidate, bound, schedules)
            if repaired is not None and self._accept(repaired):
                return True
        self.tried.append(Tried(step, verdict, schedules, bound if schedules else 0))
        return False

    def _bound(self, candidate: Scenario) -> int:
        """With how many directives the candidate would be simpler."""
        here = len(self.current.directives)
        more = len(candidate.ops) - len(self.current.ops)
        if more > 0:
            return here - more
        if more < 0:
            return min(here - more - 1, MAX_DEVIATIONS)
        return here if cost(bare(candidate)) < cost(bare(self.current)) else here - 1

    def _in_order_of_running(self) -> None:
        """Put the ops in the order in which they began: what a directive at the begin or end
        of an op did, the text then says."""
        order: dict[int, int] = {}
        for event in self.judge.run(self.current, trace=True).trace:
            order.setdefault(event.uid, len(order))
        ops = sorted(self.current.ops, key=lambda op: order.get(op.uid, len(order)))
        reordered = replace(self.current, ops=tuple(ops)).with_directives(self.current.directives)
        if reordered == self.current:
            return
        found = self.judge.reschedule(reordered, len(self.current.directives) - 1, ORDER_SCHEDULES)
        if found is not None:
            self._accept(found)

    def _rename(self) -> None:
        """Canonical names; only uids, if the failure depends on which actor is which."""
        named = self.current
        for renamed in (canonical(named), canonical(named, first=1), renumbered(named)):
            if self.judge.same(renamed):
                self.current = renamed
                return

    def _reschedule(self, schedules: int) -> None:
        """The first failing schedule in the order of the search."""
        found = self.judge.reschedule(self.current, len(self.current.directives), schedules)
        if found is not None and len(found.directives) <= len(self.current.directives):
            self.current = found

    def _accept(self, candidate: Scenario) -> bool:
        """Make the candidate, without directives that do nothing in it, the current scenario
        if it is simpler and fails the same way."""
        least = cost(candidate.with_directives(()))
        if least >= cost(self.current) or not self.judge.same(candidate):
            return False
        live = without_dead(candidate, self.judge.run(candidate).dead)
        for made in (live, candidate):
            if cost(made) < cost(self.current) and self.judge.same(made):
                self.current = made
                return True
        return False


def _in_chunks(length: int, drop: Callable[[int, int], int]) -> None:
    """Have `drop` try to do without each chunk of a sequence, in halves, then quarters and so on
    to single ones, from the end. It is given the chunk's start and end, and returns how long the
    sequence is now."""
    size = max(1, length // 2)
    while size > 0:
        end = length
        while end > 0:
            start = max(0, end - size)
            length = drop(start, end)
            end = min(start, length)
        size //= 2


def _shape(scenario: Scenario) -> tuple[tuple[int, int], ...]:
    """Who does what, whatever the operands."""
    return tuple((op.actor, op.code) for op in scenario.ops)


def _headers(scenario: Scenario, signature: Signature) -> tuple[tuple[str, str], ...]:
    """The input's headers, with what is expected now; a found one says that we found it."""
    kept = [h for h in scenario.headers if h[0] not in ("expect", "origin")]
    origin = dict(scenario.headers).get("origin", "farm")
    return (*kept, ("expect", str(signature)), ("origin", origin))
