# SPDX-License-Identifier: MIT
"""One slice from the inside: what the engine and the search (fuzz/explore.py) say to each other,
and what comes of it.

Contract: an engine (fuzz/engine/) runs the seeds that `next_seed` gives, then calls `mutate`,
`crossover` and `test` with bytes. `mutate` and `crossover` never raise and never return more
than `max_size` bytes; `test` runs an input under its own directives, leaves in `feedback` those
of its features that no input before had, and keeps the input if there are any that the farm does
not know. Whatever goes wrong in our own code is an `InternalError`, counted and shown, never a
finding; after an exception in the model a new machine takes over.

The engine chooses what is worth mutating. `mutate` explores around that in one batch, where the
engine does not look; what showed something new waits in a queue that `mutate` serves first, as
an input whose directives say everything. A batch without any gives the engine its own input back,
which it need not run. So the engine only ever runs, judges and keeps inputs that are new.

A run that breaks a promise is a finding and no corpus entry: its mutants would break the
same promise again, and its features end where it ended. Nor is one that took too many steps.

It does not promise that the same seed gives the same slice: the engine stops by the clock.
"""

import ctypes
import gc
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, final

from corpus import text
from fuzz import unmet
from fuzz.codec import decode, encode
from fuzz.explore import Explorer, Listener
from fuzz.findings import Finding, write_finding
from fuzz.focus import Focus
from fuzz.inflight import Slot
from fuzz.novelty import Novelty
from fuzz.pack import packed
from fuzz.portfolio import STRATEGIES
from fuzz.rng import Rng
from fuzz.slots import NR_CODES
from fuzz.statistics import InternalError, Statistics
from simulator import build, features
from simulator.outcome import Outcome, Signature
from simulator.run import Machine
from simulator.scenario import Scenario
from simulator.sites import BY_NAME

MAX_INTERNAL_ERRORS: Final = 64  # distinct ones that are kept; all are counted
STATISTICS_SECONDS: Final = 1.0  # between two lines of statistics
NO_FEEDBACK: Final = "no-feedback"  # nothing that a run has shown leads anywhere
NO_MEETINGS: Final = "no-meetings"  # no new scenario is aimed at ops that have met rarely


class Finished(Exception):
    """The slice is over: time is up, the first find is made, or nobody waits for it."""


@final
class Session(Listener):
    """The state of one slice child. `seconds` counts from the making of the session, which is
    over, too, once `executions` (0: any number) are done; `started` is called once, when the
    engine stands and the first input comes, `alive` once a second: the session ends when it says
    no."""

    def __init__(
        self,
        machines: Callable[[], Machine],
        *,
        seed: int,
        bugs: tuple[str, ...],
        kernel: str = "",
        seconds: float,
        work: Path,
        engine: str,
        mode: str,
        seeds: Sequence[bytes] = (),
        unmeasured: Sequence[bytes] = (),
        known: bytes = b"",
        stop_at_first: bool = False,
        executions: int = 0,
        near: dict[str, int] | None = None,
        search: tuple[str, ...] = (),
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
        self._sites: Final[set[str]] = set()  # reached with machines that were replaced
        self._left: Final[set[str]] = set()  # sites at which somebody was preempted
        self._situations: Final[set[str]] = set()
        focus = None
        if near:
            focus = Focus({BY_NAME[site]: calls for site, calls in near.items()})
        self._targets: Final = sorted(site for site, calls in (near or {}).items() if calls == 0)
        self._passed: Final[Counter[str]] = Counter()  # of the focus, with machines of before
        self._preempted: Final[Counter[str]] = Counter()
        self._stop_at_first: Final = stop_at_first
        self._max_executions: Final = executions
        self._started: Final = started
        self._alive: Final = alive
        self._clock: Final = clock
        self._cpu_clock: Final = cpu_clock
        self._began: Final = clock()
        self._cpu_began: Final = cpu_clock()
        self._deadline: Final = self._began + seconds
        self._next_statistics = self._began
        self._slot: Final = Slot(work / "in-flight")
        self.explorer: Final = Explorer(
            machines(), self._slot, self, seed, tuple(sorted(bugs)), kernel, focus
        )
        for word in search:
            if word == NO_FEEDBACK:
                self.explorer.blind = True
            elif word == NO_MEETINGS:
                self.explorer.aims_at_meetings = False
            else:
                self.explorer.portfolio.only = STRATEGIES.index(word)
        self._engine_novelty: Final = Novelty()  # of what `test` has run
        self._kept_novelty: Final = Novelty()  # of what is kept anywhere
        self.explorer.novelty.remember(known)
        self._kept_novelty.remember(known)
        self._given_back: bytes | None = None  # the engine's own input, which is not run again
        self._unmeasured: Final = frozenset(unmeasured)
        self._seeds: Final = iter((*unmeasured, *seeds))
        self._seed: bytes | None = None  # the one that the engine runs
        self._corpus: Final = work / "corpus"
        self._sizes: Final[dict[Signature, tuple[int, int, int]]] = {}
        self._findings_folder: Final = work / "findings"
        self._findings_folder.mkdir()
        self._statistics_file: Final = work / "statistics.jsonl"

    # --- what engines call ------------------------------------------------------------------

    def next_seed(self) -> bytes | None:
        """The next input to start from, once the one before has run; None after the last."""
        self._seed = next(self._seeds, None)
        return self._seed

    def mutate(self, data: bytes, max_size: int, seed: int) -> bytes:
        """A new input found around `data`; `data` if nothing new was found there."""
        return self._next(data, None, max_size, seed)

    def crossover(self, a: bytes, b: bytes, max_size: int, seed: int) -> bytes:
        """A new input found around `a` and between the two; `a` if there was none."""
        return self._next(a, b, max_size, seed)

    def test(self, data: bytes) -> bool:
        """Run an input under its own directives. Returns whether it showed anything that no
        input before did, and is worth going on from. Raises Finished when the slice is over."""
        if not self._inputs:
            self._started()
        self._inputs += 1
        self._tick()
        ctypes.memset(self.feedback, 0, len(self.feedback))
        if data == self._given_back:
            return False
        explorer = self.explorer
        violations = explorer.violations
        self._slot.hold(data)
        try:
            explorer.run(explorer.with_model(decode(data)))
        except Exception as e:
            self._replace_machine(e)
            return False
        self._slot.release()
        if explorer.violations > violations:
            return False
        machine = explorer.machine
        if explorer.blind:
            return False
        if explorer.costly():
            if data in self._unmeasured:
                self._kept_novelty.scan(machine)
                self._keep(data, machine)
            return False
        new = self._engine_novelty.scan(machine)
        for i in new:
            self.feedback[i] = machine.counters[i]
        if data == self._seed:
            self._kept_novelty.scan(machine)
            if data in self._unmeasured:
                self._keep(data, machine)
        elif new and self._kept_novelty.scan(machine):
            self._keep(data, machine)
        return len(new) > 0

    def _keep(self, data: bytes, machine: Machine) -> None:
        """Leave an input that has just run for the corpus, with its features."""
        with self._corpus.open("ab", buffering=0) as file:
            file.write(packed(data) + packed(self._kept_novelty.of_run(machine)))

    # --- running ----------------------------------------------------------------------------

    def _next(self, data: bytes, other: bytes | None, max_size: int, seed: int) -> bytes:
        self.mutator_calls += 1
        explorer = self.explorer
        try:
            if not explorer.queue:
                partner = None if other is None else decode(other)
                explorer.batch(decode(data), partner, Rng(seed))
        except Exception as e:
            if explorer.running is not None:
                self._replace_machine(e)
            else:
                self.internal_error("mutator", _describe(e))
        made = encode(explorer.queue.pop(0)) if explorer.queue else data
        if len(made) > max_size:
            self.internal_error("mutator", f"made more than max_size = {max_size} bytes")
            made = data
        self._given_back = data if made is data else None
        return made

    def _replace_machine(self, e: Exception) -> None:
        """The model raised: report that and go on with a new machine."""
        explorer = self.explorer
        scenario = explorer.running
        self.internal_error(
            "model-exception", _describe(e), "" if scenario is None else text.dump(scenario)
        )
        machine = explorer.machine
        self._sites.update(n for n, count in machine.sites_seen().items() if count)
        self._left.update(n for n, count in machine.sites_left().items() if count)
        self._situations.update(n for n, count in machine.named_seen().items() if count)
        self._passed.update(_of(self._targets, machine.sites_seen()))
        self._preempted.update(_of(self._targets, machine.sites_left()))
        if explorer.focus is not None:
            explorer.focus.renew()
        explorer.machine = self._machines()
        explorer.running = None
        self._slot.release()

    def differs(self, recorded: Scenario, outcome: Outcome, second: Outcome) -> None:
        """A run did not repeat: digests, and with them all replays, cannot be trusted."""
        detail = f"{_verdict(outcome)}, then {_verdict(second)}"
        self.internal_error("nondeterminism", detail, text.dump(recorded))

    def violated(self, recorded: Scenario, outcome: Outcome) -> None:
        """Keep the smallest finding of each signature, once it has been seen to replay."""
        violation = outcome.violation
        assert violation is not None
        size = (len(recorded.ops), len(recorded.directives), outcome.steps)
        known = self._sizes.get(violation.signature)
        if known is not None and known <= size:
            return
        if not self.explorer.replays(recorded, outcome):
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
        self.explorer.stopped = self._stop_at_first
        if self.statistics.first_find_executions == 0:
            self._measure()
            self.statistics.first_find_executions = self.statistics.executions
            self.statistics.first_find_seconds = self.statistics.seconds
            self.statistics.first_find_cpu_seconds = self.statistics.cpu_seconds

    # --- the end, the statistics, the errors ---------------------------------------------------

    def _over(self) -> bool:
        return (
            self._clock() >= self._deadline
            or bool(self._stop_at_first and self.findings)
            or 0 < self._max_executions <= self.explorer.executions
        )

    def _tick(self) -> None:
        now = self._clock()
        if now >= self._next_statistics:
            self._next_statistics = now + STATISTICS_SECONDS
            self.write_statistics()
            gc.collect()  # the harness leaves it to us when
            if not self._alive():
                raise Finished
        if self._over():
            self._measure()
            raise Finished

    def _measure(self) -> None:
        statistics = self.statistics
        statistics.seconds = round(self._clock() - self._began, 3)
        statistics.cpu_seconds = round(self._cpu_clock() - self._cpu_began, 3)
        explorer = self.explorer
        statistics.scenarios = explorer.scenarios
        statistics.executions = explorer.executions
        statistics.steps = explorer.steps
        statistics.rechecked = explorer.rechecked
        statistics.violations = explorer.violations
        statistics.features = explorer.novelty.features

    def write_statistics(self, *, final: bool = False) -> None:
        """Append a line to the statistics file."""
        statistics = self.statistics
        self._measure()
        sites = self.explorer.machine.sites_seen()
        situations = self.explorer.machine.named_seen()
        statistics.sites_missed = [
            name for name, count in sites.items() if not count and name not in self._sites
        ]
        all_left = self.explorer.machine.sites_left()
        left = {n for n, count in all_left.items() if count}
        statistics.sites_preempted = sorted(left | self._left)
        statistics.focus_passed = dict(self._passed + _of(self._targets, sites))
        statistics.focus_preempted = dict(self._preempted + _of(self._targets, all_left))
        statistics.situations_missed = [
            name for name, count in situations.items() if not count and name not in self._situations
        ]
        statistics.sites_reached = len(sites) - len(statistics.sites_missed)
        statistics.situations_reached = len(situations) - len(statistics.situations_missed)
        statistics.final = final
        if final:
            self.explorer.portfolio.learn()
            statistics.met = unmet.names(self.explorer.portfolio.meetings.counts(), NR_CODES)
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


def _of(targets: Sequence[str], counts: dict[str, int]) -> Counter[str]:
    return Counter({site: counts[site] for site in targets if counts[site]})


def _verdict(outcome: Outcome) -> str:
    """What a run that does not repeat is told apart by; no digest, which always differs."""
    return str(outcome.violation.signature) if outcome.violation else "clean"


def _describe(e: Exception) -> str:
    """The exception and where it came from, in one line that does not depend on the input."""
    frames = traceback.extract_tb(e.__traceback__)
    where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
    return f"{type(e).__name__}: {str(e)[:200]} ({where})"
