# SPDX-License-Identifier: MIT
"""One slice from the inside: what to run next, under which schedule, and what came of it.

Contract: an engine (fuzz/engine/) runs the seeds that `next_seed` gives, then calls `mutate`,
`crossover` and `test` with bytes. `mutate` and `crossover` never raise and never return more
than `max_size` bytes; `test` runs an input under its own directives, leaves its features in
`feedback`, and keeps it if the engine has not seen all of these before. Whatever goes wrong
in our own code is an `InternalError`, counted and shown, never a finding; after an exception
in the model a new machine takes over.

How a good random schedule gets into a corpus of deterministic inputs: `mutate` makes a new
scenario and tries a small batch of strategies on it at once, where the engine does not
look. A strategy that showed a feature for the first time is recorded as directives, and
these bytes wait in a queue that `mutate` serves first. So the engine only ever runs, judges
and keeps inputs whose directives say everything, and no run of a strategy is repeated
unless it was worth it.

A run that breaks a promise is a finding and no corpus entry: its mutants would break the
same promise again, and its features end where it ended.

It does not promise that the same seed gives the same slice: the engine stops by the clock.
"""

import ctypes
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, final

from corpus import text
from fuzz import maps
from fuzz.codec import decode, encode
from fuzz.counters import CounterMap
from fuzz.crossover import crossover
from fuzz.findings import Finding, write_finding
from fuzz.generate import generate
from fuzz.inflight import Slot
from fuzz.mutate import mutate
from fuzz.novelty import MAP, Novelty
from fuzz.pack import packed
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from fuzz.statistics import InternalError, Statistics
from simulator import build, features
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import MAX_FUZZ_DIRECTIVES, Scenario
from simulator.sched.strategy import Strategy

# Strategies tried per new scenario. One mutation, encoding and decoding cost about as much
# as one run, so a few runs per scenario share them; many would starve the search for ops.
SCHEDULES_PER_SCENARIO: Final = 4
# New scenarios from nothing, to mutated ones. Of a mutant most is as it was in many runs before:
# the known bugs are found in a tenth of the executions when every other scenario is new.
FRESH_ONE_IN: Final = 2
CROSS_ONE_IN: Final = 4  # engines choose crossover as often as mutation: too often
RECHECK_ONE_IN: Final = 100  # runs that are executed twice and compared by digest
MAX_QUEUE: Final = 1024  # recorded schedules that wait for the engine
MAX_DECODED: Final = 2048  # inputs whose scenarios are kept: mutated ones come back, some soon
MAX_DONORS: Final = 64  # recent promising scenarios that a mutation may splice from
MAX_INTERNAL_ERRORS: Final = 64  # distinct ones that are kept; all are counted
MAX_FRESH_OPS: Final = 48
STATISTICS_SECONDS: Final = 1.0  # between two lines of statistics


class Finished(Exception):
    """The slice is over: time is up, the first find is made, or nobody waits for it."""


@final
class Session:
    """The state of one slice child. `seconds` counts from the making of the session;
    `started` is called once, when the engine stands and the first input comes, `alive` once
    a second: the session ends when it says no."""

    def __init__(
        self,
        machines: Callable[[], Machine],
        *,
        seed: int,
        bugs: tuple[str, ...],
        seconds: float,
        work: Path,
        engine: str,
        mode: str,
        seeds: Sequence[bytes] = (),
        unmeasured: Sequence[bytes] = (),
        known: bytes = b"",
        stop_at_first: bool = False,
        started: Callable[[], None] = lambda: None,
        alive: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        # What the engine sees of a run. Ours, because it must stay where it is for good.
        self.feedback: Final = (ctypes.c_uint8 * features.COUNTERS_SIZE)()
        self.statistics: Final = Statistics(engine, mode)
        self.findings: Final[dict[Signature, Finding]] = {}
        self.nr_seeds: Final = len(unmeasured) + len(seeds)
        self.mutator_calls = 0
        self._inputs = 0
        self._machines: Final = machines
        self._machine = machines()
        self._counters = CounterMap(self._machine)
        self._sites: Final[set[str]] = set()  # reached with machines that were replaced
        self._situations: Final[set[str]] = set()
        self._bugs: Final = tuple(sorted(bugs))
        self._stop_at_first: Final = stop_at_first
        self._started: Final = started
        self._alive: Final = alive
        self._clock: Final = clock
        self._cpu_clock: Final = cpu_clock
        self._began: Final = clock()
        self._cpu_began: Final = cpu_clock()
        self._deadline: Final = self._began + seconds
        self._next_statistics = self._began
        self._portfolio: Final = Portfolio(seed)
        self._novelty: Final = Novelty(features.COUNTERS_SIZE)
        self._engine_novelty: Final = Novelty(features.COUNTERS_SIZE)  # of what `test` has run
        self._kept_novelty: Final = Novelty(features.COUNTERS_SIZE)  # of what is kept anywhere
        self._novelty.remember(known)
        self._kept_novelty.remember(known)
        self._queue: Final[deque[bytes]] = deque(maxlen=MAX_QUEUE)
        self._donors: Final[deque[Scenario]] = deque(maxlen=MAX_DONORS)
        self._decoded: Final[dict[bytes, Scenario]] = {}
        self._unmeasured: Final = frozenset(unmeasured)
        self._seeds: Final = iter((*unmeasured, *seeds))
        self._seed: bytes | None = None  # the one that the engine runs
        self._corpus: Final = work / "corpus"
        self._sizes: Final[dict[Signature, tuple[int, int, int]]] = {}
        self._slot: Final = Slot(work / "in-flight")
        self._findings_folder: Final = work / "findings"
        self._findings_folder.mkdir()
        self._statistics_file: Final = work / "statistics.jsonl"

    # --- what engines call ------------------------------------------------------------------

    def next_seed(self) -> bytes | None:
        """The next input to start from, once the one before has run; None after the last."""
        self._seed = next(self._seeds, None)
        return self._seed

    def mutate(self, data: bytes, max_size: int, seed: int) -> bytes:
        """A new input made from `data`, or a recorded schedule that waits for its run."""
        try:
            self.mutator_calls += 1
            if self._queue:
                return self._fitting(self._queue.popleft(), data, max_size)
            rng = Rng(seed)
            if rng.chance(1, FRESH_ONE_IN):
                scenario = generate(rng, MAX_FRESH_OPS)
            else:
                donor = rng.pick(list(self._donors)) if self._donors else None
                scenario = mutate(self._scenario(data), rng, donor, self._portfolio.hints)
            return self._fitting(self._explored(scenario), data, max_size)
        except Exception as e:
            self.internal_error("mutator", _describe(e))
            return data

    def crossover(self, a: bytes, b: bytes, max_size: int, seed: int) -> bytes:
        """A new input from two; most of the time a mutation of the first."""
        try:
            rng = Rng(seed)
            if self._queue or not rng.chance(1, CROSS_ONE_IN):
                return self.mutate(a, max_size, seed)
            self.mutator_calls += 1
            scenario = crossover(self._scenario(a), self._scenario(b), rng)
            return self._fitting(self._explored(scenario), a, max_size)
        except Exception as e:
            self.internal_error("mutator", _describe(e))
            return a

    def test(self, data: bytes) -> bool:
        """Run an input under its own directives. Returns whether it showed anything that no
        input before did. Raises Finished when the slice is over."""
        if not self._inputs:
            self._started()
        self._inputs += 1
        self._tick()
        seen = self._run(self._with_bugs(self._scenario(data)), None, data)
        if seen is None or seen[0].violation is not None:
            ctypes.memset(self.feedback, 0, len(self.feedback))
            return False
        ctypes.memmove(self.feedback, seen[1], len(self.feedback))
        new = self._engine_novelty.scan(seen[1]) > 0
        if data == self._seed:
            self._novelty.scan(seen[1])  # what seeds show is not new to the strategies
            self._kept_novelty.scan(seen[1])
            if data in self._unmeasured:
                self._keep(data, seen[1])
        elif new and self._kept_novelty.scan(seen[1]):
            self._keep(data, seen[1])
        return new

    def _keep(self, data: bytes, counters: bytes) -> None:
        """Leave an input for the corpus, with its features."""
        with self._corpus.open("ab", buffering=0) as file:
            file.write(packed(data) + packed(maps.pack(counters.translate(MAP))))

    # --- running ----------------------------------------------------------------------------

    def _explored(self, scenario: Scenario) -> bytes:
        """Try a batch of strategies on a new scenario. Returns its bytes."""
        self.statistics.scenarios += 1
        data = self._encoded(scenario)
        bare = self._with_bugs(scenario)
        outcome: Outcome | None = None
        for _ in range(SCHEDULES_PER_SCENARIO):
            strategy = self._portfolio.next(bare, outcome)
            if strategy is None:
                continue  # what `test` runs
            seen = self._run(bare, strategy, data)
            if seen is None:
                break
            outcome, snapshot = seen
            if outcome.violation is None and self._novelty.scan(snapshot):
                recorded = outcome.recorded[:MAX_FUZZ_DIRECTIVES]
                self._queue.append(self._encoded(scenario.with_directives(tuple(recorded))))
                self._donors.append(scenario)
            if self._over():
                break
        return data

    def _run(
        self, scenario: Scenario, strategy: Strategy | None, data: bytes
    ) -> tuple[Outcome, bytes] | None:
        """One execution, with all that belongs to it: its outcome and counters; None when
        the model itself broke."""
        statistics = self.statistics
        self._slot.begin(data, under_strategy=strategy is not None)
        outcome = self._execute(scenario, strategy)
        if outcome is None:
            return None
        statistics.executions += 1
        statistics.steps += outcome.steps
        counters = self._counters.snapshot()
        if outcome.violation is not None:
            self._found(scenario, strategy, outcome)
        elif statistics.executions % RECHECK_ONE_IN == 0:
            statistics.rechecked += 1
            self._replays(_recorded(scenario, strategy, outcome), outcome)
        self._slot.end()
        return outcome, counters

    def _execute(self, scenario: Scenario, strategy: Strategy | None = None) -> Outcome | None:
        """Run the model; where it raises, report that and go on with a new machine."""
        self._counters.clear()
        try:
            return self._machine.run(scenario, strategy)
        except Exception as e:
            self.internal_error("model-exception", _describe(e), text.dump(scenario))
        self._sites.update(n for n, count in self._machine.sites_seen().items() if count)
        self._situations.update(n for n, count in self._machine.named_seen().items() if count)
        self._machine = self._machines()
        self._counters = CounterMap(self._machine)
        return None

    def _replays(self, recorded: Scenario, outcome: Outcome) -> bool:
        """Whether a second run, from directives alone, gives the same digest and verdict."""
        second = self._execute(recorded)
        if second is None:
            return False
        if second.digest == outcome.digest and second.violation == outcome.violation:
            return True
        self.internal_error(
            "nondeterminism",
            f"{_verdict(outcome)}, then {_verdict(second)}",
            text.dump(recorded),
        )
        return False

    def _found(self, scenario: Scenario, strategy: Strategy | None, outcome: Outcome) -> None:
        """Keep the smallest finding of each signature, once it has been seen to replay."""
        violation = outcome.violation
        assert violation is not None
        self.statistics.violations += 1
        recorded = _recorded(scenario, strategy, outcome)
        size = (len(recorded.ops), len(recorded.directives), outcome.steps)
        known = self._sizes.get(violation.signature)
        if known is not None and known <= size:
            return
        if not self._replays(recorded, outcome):
            return
        self._sizes[violation.signature] = size
        signature = violation.signature
        headers = (("expect", str(signature)), ("origin", "farm"))
        try:
            finding = Finding(
                signature.oracle,
                signature.culprit,
                signature.object_class,
                violation.promise,
                text.dump(replace(recorded, headers=headers)),
                outcome.digest,
                build.build_id(),
                outcome.steps,
                "farm",
            )
            write_finding(self._findings_folder, finding)
        except (OSError, ValueError) as e:  # a full disk, a signature that no text can carry
            self.internal_error("finding-lost", str(e), text.dump(recorded))
            return
        self.findings[signature] = finding
        if self.statistics.first_find_executions == 0:
            self._measure()
            self.statistics.first_find_executions = self.statistics.executions
            self.statistics.first_find_seconds = self.statistics.seconds
            self.statistics.first_find_cpu_seconds = self.statistics.cpu_seconds

    def _scenario(self, data: bytes) -> Scenario:
        """The scenario of an input."""
        known = self._decoded.get(data)
        return decode(data) if known is None else known

    def _encoded(self, scenario: Scenario) -> bytes:
        """The bytes of a scenario, which is remembered with them."""
        data = encode(scenario)
        if len(self._decoded) >= MAX_DECODED:
            self._decoded.clear()
        self._decoded[data] = scenario
        return data

    def _with_bugs(self, scenario: Scenario) -> Scenario:
        """The slice chooses the model: bytes cannot express `bug=`."""
        if not self._bugs:
            return scenario
        return replace(scenario, config=replace(scenario.config, bugs=self._bugs))

    # --- the end, the statistics, the errors ---------------------------------------------------

    def _over(self) -> bool:
        return self._clock() >= self._deadline or bool(self._stop_at_first and self.findings)

    def _tick(self) -> None:
        now = self._clock()
        if now >= self._next_statistics:
            self._next_statistics = now + STATISTICS_SECONDS
            self.write_statistics()
            if not self._alive():
                raise Finished
        if self._over():
            raise Finished

    def _measure(self) -> None:
        statistics = self.statistics
        statistics.seconds = round(self._clock() - self._began, 3)
        statistics.cpu_seconds = round(self._cpu_clock() - self._cpu_began, 3)
        statistics.features = self._novelty.features

    def write_statistics(self, *, final: bool = False) -> None:
        """Append a line to the statistics file."""
        statistics = self.statistics
        self._measure()
        sites = self._machine.sites_seen()
        situations = self._machine.named_seen()
        statistics.sites_missed = [
            name for name, count in sites.items() if not count and name not in self._sites
        ]
        statistics.situations_missed = [
            name
            for name, count in situations.items()
            if not count and name not in self._situations
        ]
        statistics.sites_reached = len(sites) - len(statistics.sites_missed)
        statistics.situations_reached = len(situations) - len(statistics.situations_missed)
        statistics.final = final
        with self._statistics_file.open("ab", buffering=0) as file:
            file.write(statistics.to_json().encode() + b"\n")

    def internal_error(self, kind: str, detail: str, scenario_text: str = "") -> None:
        """Count an error of ours; the first of each kind and detail keeps its scenario."""
        known = self.statistics.internal_errors
        for error in known:
            if error.kind == kind and error.detail == detail:
                error.count += 1
                return
        if len(known) < MAX_INTERNAL_ERRORS:
            known.append(InternalError(kind, detail, scenario_text))
        else:
            known[-1].count += 1

    def _fitting(self, made: bytes, data: bytes, max_size: int) -> bytes:
        """`made` if the engine can take it, else what the engine gave."""
        if len(made) <= max_size:
            return made
        self.internal_error("mutator", f"made more than max_size = {max_size} bytes")
        return data


def _recorded(scenario: Scenario, strategy: Strategy | None, outcome: Outcome) -> Scenario:
    """The scenario that replays this run without a strategy."""
    if strategy is None:
        return scenario
    return scenario.with_directives(tuple(outcome.recorded))


def _verdict(outcome: Outcome) -> str:
    """What a run that does not repeat is told apart by; no digest, which always differs."""
    return str(outcome.violation.signature) if outcome.violation else "clean"


def _describe(e: Exception) -> str:
    """The exception and where it came from, in one line that does not depend on the input."""
    frames = traceback.extract_tb(e.__traceback__)
    where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
    return f"{type(e).__name__}: {str(e)[:200]} ({where})"
