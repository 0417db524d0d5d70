# SPDX-License-Identifier: MIT
"""Search for a schedule under which given ops break a given promise.

Contract: `Search.find` enumerates schedules by their number of deviations from run-to-block,
fewest first, earliest first, lowest actor first; the first that fails with the wanted
signature is the answer. So the answer is a function of the ops, the config and the model
alone, and it has the fewest deviations that the bound, the budget and the pruning below
allow. A deviation is a switch, and, where the caller says so, a failing allocation or
trylock, a stale translation or a late IPI.

A switch is tried only where an op begins, or where the next access conflicts with one that
the other actor was seen to make: switching before any other access gives the same behaviour as
switching a little later. What was seen grows with every run, and single deviations are tried
until they show nothing new. Two and more are tried only where some run came to the culprit's
function.

It does not promise that nothing fails beyond the bound or behind the pruning: it is a search
for a simple failing schedule, not a proof.
"""

from typing import Final, final

from mypy_extensions import i64

from simulator.build.native import append, vec
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import FAIL, IPI, SWITCH, TLB, Directive, Scenario
from simulator.sched.strategy import Strategy
from simulator.sites import FUNCTION, OP__BEGIN

MAX_POINTS: Final[i64] = 4096  # decisions of one run that are kept; longer runs are not minimal
LONG_RUN: Final[i64] = 1_000  # steps for which a run counts once more: budgets stand for time
_TABLE_SIZE: Final[i64] = 4093  # of the table of accesses, a prime; a collision only tries more


@final
class Script(Strategy):
    """Runs to block but for given deviations, and notes what could have gone otherwise after
    the last of them."""

    def __init__(self, kinds: tuple[int, ...], delays: tuple[int, ...]) -> None:
        super().__init__()
        self.faults: bool = FAIL in kinds
        self.walks: bool = TLB in kinds
        self.nr_delays: i64 = len(delays) if IPI in kinds else 0
        self.delays: vec[i64] = vec[i64](delays)
        self.learned: bool = False  # an access was seen that no run before had shown
        self.count: i64 = 0  # decisions of this run so far
        self.due: vec[i64] = vec[i64]([])  # number of each deviation's decision, ascending
        self.answer: vec[i64] = vec[i64]([])  # and what it answers
        self.done: i64 = 0  # deviations that this run has made
        self.point: vec[i64] = vec[i64]([])  # numbers of the decisions noted
        self.options: vec[i64] = vec[i64]([])  # and the mask of other answers of each
        self.readers: vec[i64] = vec[i64]([0] * _TABLE_SIZE)  # masks of actors, by object
        self.writers: vec[i64] = vec[i64]([0] * _TABLE_SIZE)

    def prepare(self, due: vec[i64], answer: vec[i64]) -> None:
        """The next run makes these deviations."""
        self.due = due
        self.answer = answer

    def begin(self, nr_ops: i64) -> None:
        self.count = 0
        self.done = 0
        self.point = vec[i64]([])
        self.options = vec[i64]([])

    def choose(self, cur: i64, site: i64, obj: i64, access: i64, runnable: i64) -> i64:
        others = runnable & ~(1 << cur)
        if obj >= 0:
            slot = obj % _TABLE_SIZE
            me: i64 = 1 << cur
            conflicting = self.writers[slot]
            if access & 1:
                conflicting |= self.readers[slot]
                if not self.writers[slot] & me:
                    self.writers[slot] |= me
                    self.learned = True
            elif not self.readers[slot] & me:
                self.readers[slot] |= me
                self.learned = True
            if site != OP__BEGIN:
                others &= conflicting
        elif site != OP__BEGIN:
            others = 0
        answer = self.decide(others)
        return cur if answer < 0 else answer

    def fail(self, site: i64) -> bool:
        return self.faults and self.decide(1) >= 0

    def tlb(self, entries: i64) -> i64:
        if not self.walks:
            return 0
        answer = self.decide(((1 << entries) - 1) << 1)
        return 0 if answer < 0 else answer

    def ipi(self, site: i64) -> i64:
        if not self.nr_delays:
            return 0
        answer = self.decide((1 << self.nr_delays) - 1)
        return 0 if answer < 0 else self.delays[answer]

    def decide(self, options: i64) -> i64:
        """The deviation due at this decision, a bit number of `options`, or -1: the default."""
        number = self.count
        self.count = number + 1
        if self.done < len(self.due):
            if number == self.due[self.done]:
                answer = self.answer[self.done]
                self.done += 1
                return answer
        elif options and len(self.point) < MAX_POINTS:
            self.point = append(self.point, number)
            self.options = append(self.options, options)
        return -1


@final
class Search:
    """One search: ops without directives, the signature wanted, and how much to try. `kinds`
    are the kinds of directives that deviations may be, `delays` the IPI delays tried."""

    def __init__(
        self,
        machine: Machine,
        ops: Scenario,
        signature: Signature,
        *,
        kinds: tuple[int, ...] = (SWITCH,),
        delays: tuple[int, ...] = (),
        budget: int,
    ) -> None:
        self.machine: Machine = machine
        self.ops: Scenario = ops
        self.signature: Signature = signature
        self.script: Script = Script(kinds, delays)
        self.budget: i64 = budget
        self.executions: i64 = 0
        self.culprit: list[i64] = [
            i for i, function in enumerate(FUNCTION) if function == signature.culprit
        ]
        self.visits_before: i64 = self.visits()
        self.reached: bool = False  # a run came to the culprit's function
        # Other broken promises met on the way: the first run of each.
        self.side_finds: list[tuple[Signature, tuple[Directive, ...]]] = []

    def find(self, bound: int) -> tuple[Directive, ...] | None:
        """Directives of the first schedule with at most `bound` deviations that fails."""
        found = self.extend(vec[i64]([]), vec[i64]([]), 0)
        if found is None and bound > 0:
            found = self.singles()
        depth: i64 = 2
        while found is None and depth <= bound and self.reached:
            if self.executions >= self.budget:
                return None
            found = self.extend(vec[i64]([]), vec[i64]([]), depth)
            depth += 1
        return found

    def singles(self) -> tuple[Directive, ...] | None:
        """Try the schedules with one deviation, again from the first as long as such runs show
        accesses that make more of them worth trying."""
        script = self.script
        tried: dict[int, int] = {}  # answers, as a mask, by decision
        script.learned = True
        while script.learned and self.executions < self.budget:
            script.learned = False
            self.extend(vec[i64]([]), vec[i64]([]), 0)
            point = script.point
            options = script.options
            i: i64 = 0
            while i < len(point):
                before: i64 = tried.get(point[i], 0)
                mask = options[i] & ~before
                tried[point[i]] = before | mask
                bit: i64 = 0
                while mask:
                    if mask & 1:
                        found = self.extend(vec[i64]([point[i]]), vec[i64]([bit]), 0)
                        if found is not None:
                            return found
                    mask >>= 1
                    bit += 1
                i += 1
        return None

    def extend(self, due: vec[i64], answer: vec[i64], depth: i64) -> tuple[Directive, ...] | None:
        """Try the schedules with `depth` deviations after those of `due`."""
        if self.executions >= self.budget:
            return None
        self.executions += 1
        script = self.script
        script.prepare(due, answer)
        try:
            outcome = self.machine.run(self.ops, script)
        except Exception:
            return None  # an error of the model, which fuzzing reports
        self.executions += outcome.steps // LONG_RUN
        if not self.reached:
            self.reached = self.visits() > self.visits_before
        if outcome.violation is not None:
            return self.judge(outcome)
        if depth == 0:
            return None
        point = script.point
        options = script.options
        i: i64 = 0
        while i < len(point):
            mask = options[i]
            bit: i64 = 0
            while mask:
                if mask & 1:
                    found = self.extend(append(due, point[i]), append(answer, bit), depth - 1)
                    if found is not None:
                        return found
                mask >>= 1
                bit += 1
            i += 1
        return None

    def visits(self) -> i64:
        """How often runs of this machine came to a site of the culprit's function."""
        seen = self.machine.k.sites_seen
        total: i64 = 0
        for site in self.culprit:
            total += seen[site]
        return total

    def judge(self, outcome: Outcome) -> tuple[Directive, ...] | None:
        """The directives of a failing run, if it fails as wanted; else it is a side find."""
        violation = outcome.violation
        if violation is None:
            return None
        if violation.signature == self.signature:
            return tuple(outcome.recorded)
        for known, _ in self.side_finds:
            if known == violation.signature:
                return None
        self.side_finds.append((violation.signature, tuple(outcome.recorded)))
        return None
