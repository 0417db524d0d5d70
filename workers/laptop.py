# SPDX-License-Identifier: MIT
"""The farm on one machine, without a broker: what `mmfarm run` does.

Contract: `run_local` fuzzes for some seconds in `jobs` slots and yields what happens as typed
events, `Done` last. A slot takes turns: a short slice, then one failure on its way to
minimal; when the time is up, all that is still on its way gets FINISH_SECONDS more. First all are
verified, then they are minimized, the smallest first. Closing the iterator early (an interrupt)
stops the children, records what they had found, and only then returns. What was left undone is in
the store with its state, and what a minimizer had come to, and the next run goes on; also with what
a run that was killed had found.

It does the same work as the workers of a farm, through the same `Worker`, and takes it from the
store where those wait for a message. It does not promise the same finds twice: slices end by the
clock.
"""

import math
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from fuzz.slice import ExitKind
from fuzz.statistics import Statistics
from workers import attempts, inbox, jobs
from workers.errors import InfraError
from workers.jobs import STOPPED, Hands, Site
from workers.jobs import Done as JobDone
from workers.records import FailureDetail, Recorded
from workers.schema import (
    MINIMIZE,
    MINIMIZED,
    NEW,
    QUEUE_LOCAL,
    QUEUE_TRIAGE,
    UNREPRODUCIBLE,
    VERIFIED,
    VERIFY,
)
from workers.store import Store
from workers.worker import Ended, Worker

# Parallel slices learn from each other, and finds are seen, at the end of a slice: the first ones
# are short. Later there is more to read at the start of each, and less that is new.
FIRST_SLICE_SECONDS: Final = 15.0
SLICE_SHARE: Final = 0.25  # of the time that the run has fuzzed
# Some minimizations; a model with a bug shows dozens of signatures, which shall not keep
# somebody waiting who asked for a minute.
FINISH_SECONDS: Final = 60.0
TICK_SECONDS: Final = 0.1  # how soon a slot notices that another one has work for it


@dataclass(frozen=True, slots=True)
class SliceStarted:
    run_id: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Once a second from each running slice."""

    run_id: int
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class SliceEnded:
    run_id: int
    exit_kind: str
    statistics: Statistics
    new_entries: int


@dataclass(frozen=True, slots=True)
class Found:
    """A slice, or the work on another failure, has shown this one for the first time in this
    run; `first` if for the first time ever in this store."""

    failure: FailureDetail
    first: bool


@dataclass(frozen=True, slots=True)
class Working:
    """Somebody begins to bring a failure further. `doing` is a word for people."""

    name: str
    doing: str
    failure: FailureDetail

    @property
    def size(self) -> str:
        row = self.failure.failure
        return f"{row.ops} ops, {row.directives} directives"


@dataclass(frozen=True, slots=True)
class Rested:
    """He has stopped."""

    name: str


@dataclass(frozen=True, slots=True)
class Verified:
    failure: FailureDetail


@dataclass(frozen=True, slots=True)
class Unreproducible:
    """Its replays disagree: an error of mmfarm that somebody has to look at."""

    failure: FailureDetail


@dataclass(frozen=True, slots=True)
class Minimized:
    failure: FailureDetail


@dataclass(frozen=True, slots=True)
class Trouble:
    """The infrastructure failed; `text` says how. The run goes on where it can."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The sum. `failures` are those that this run has seen, in their last state; `unfiled` says
    which finds could not be stored and where they wait."""

    failures: list[FailureDetail]
    unfiled: list[str]
    executions: int
    steps: int
    seconds: float  # of slices, by the wall, added up over slots
    cpu_seconds: float
    new_entries: int
    exit_kinds: dict[str, int]
    internal_errors: int
    troubles: list[str]


Event = (
    SliceStarted | Progress | SliceEnded | Found | Working | Rested | Verified | Unreproducible
    | Minimized | Trouble | Done
)  # fmt: skip


def run_local(
    store: Store,
    folder: Path,
    *,
    seconds: float,
    slots: int,
    bugs: tuple[str, ...] = (),
    seed_corpus: Path | None = None,
    focus: tuple[str, ...] = (),
    clock: Callable[[], float] = time.monotonic,
    hands: Hands | None = None,
) -> Generator[Event, None, None]:
    """Fuzz in a data folder, aimed at the sites of `focus`. The .mm files of `seed_corpus` are
    copied into it first.

    Raises ValueError for fewer seconds than a slice takes, OSError where files fail.
    """
    if seconds < jobs.MIN_SLICE_SECONDS:
        raise ValueError(f"fuzz for {jobs.MIN_SLICE_SECONDS:.0f} second or more")
    farm = _Farm(store, folder, seconds, bugs, focus, clock, hands or Hands())
    farm.prepare(seed_corpus)
    threads = [threading.Thread(target=farm.slot, name=f"slot-{number}") for number in range(slots)]
    threads.append(threading.Thread(target=farm.beat, name="beat"))
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads[:-1]) or not farm.events.empty():
            try:
                yield farm.events.get(timeout=TICK_SECONDS)
            except queue.Empty:
                continue
    finally:
        farm.stop.set()
        for thread in threads[:-1]:
            thread.join()
        farm.end_of_beats.set()
        threads[-1].join()
    yield farm.done()


@dataclass(slots=True)
class _Sum:
    executions: int = 0
    steps: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    new_entries: int = 0
    exit_kinds: dict[str, int] = field(default_factory=dict)
    internal_errors: int = 0
    troubles: list[str] = field(default_factory=list)


class _Farm:
    """What the slots share. `lock` guards everything but the queue and the event."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        seconds: float,
        bugs: tuple[str, ...],
        focus: tuple[str, ...],
        clock: Callable[[], float],
        hands: Hands,
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.stop = threading.Event()
        self.end_of_beats = threading.Event()
        self._store = store
        self._folder = folder
        self._bugs = bugs
        self._focus = focus
        self._clock = clock
        self._began = clock()
        self._fuzz_until = self._began + seconds
        self._finish_until = self._fuzz_until + FINISH_SECONDS
        site = Site.of(
            store,
            folder,
            hands=hands,
            order_rest=False,
            announce=self._announce,
            progress=lambda run_id, figures: self.events.put(Progress(run_id, figures)),
        )
        self._worker = Worker(
            site, f"{socket.gethostname()}:{os.getpid()}", stop=self._stop_or_late
        )
        self._lock = threading.Lock()
        self._sum = _Sum()
        self._seen: list[int] = []  # failures of this run
        self._busy = 0  # slots whose work may still bring up failures
        self._broken = False  # the engine does not run here: no further slices

    def prepare(self, seed_corpus: Path | None) -> None:
        """What earlier runs have left, and what to start from."""
        swept = self._worker.sweep()
        for line in [*swept.complaints, *inbox.take_in(self._store, self._folder)]:
            self._trouble(line)
        if seed_corpus is not None:
            for line in inbox.plant(self._store, seed_corpus):
                self._trouble(line)
        self._announce(swept.recorded)

    def beat(self) -> None:
        self._worker.beat_until(self.end_of_beats)

    def slot(self) -> None:
        """The life of one slot: a slice, a failure, a slice, ..."""
        while not self.stop.is_set():
            try:
                fuzzed = self._slice()
                worked = self._next_failure()
            except Exception as error:  # the store, for what else fails is the job's
                self._trouble(f"{type(error).__name__}: {error}")
                return
            if fuzzed or worked:
                continue
            with self._lock:
                over = self._busy == 0
            if over or self._clock() >= self._finish_until:
                return
            time.sleep(TICK_SECONDS)  # a busy slot may still hand us a failure

    def done(self) -> Done:
        failures = []
        try:
            failures = [self._failure(failure_id) for failure_id in self._seen]
        except InfraError as error:
            self._trouble(str(error))
        return Done(failures, attempts.unfiled(self._folder), **asdict(self._sum))

    def _slice(self) -> bool:
        """Fuzz for a while, if there is time. Returns whether it did."""
        now = self._clock()
        left = self._fuzz_until - now
        with self._lock:
            if left < jobs.MIN_SLICE_SECONDS / 2 or self._broken:
                return False
            self._busy += 1
        longest = min(
            max(FIRST_SLICE_SECONDS, SLICE_SHARE * (now - self._began)), jobs.MAX_SLICE_SECONDS
        )
        # Equal parts: no stump at the end.
        seconds = max(left / math.ceil(left / longest), jobs.MIN_SLICE_SECONDS)
        try:
            spec = jobs.slice_spec(seconds=seconds, bugs=self._bugs, focus=self._focus)
            run_id, lease = self._store.begin_run(spec, QUEUE_LOCAL, self._worker.name)
            self.events.put(SliceStarted(run_id))
            self._account(run_id, self._worker.do(lease))
        finally:
            with self._lock:
                self._busy -= 1
        return True

    def _account(self, run_id: int, ended: Ended) -> None:
        done = ended.done
        if done is None or done.result is None:
            self._trouble(f"a slice failed: {ended.trouble or 'it could not be recorded'}")
            with self._lock:
                self._broken = True
            self.events.put(SliceEnded(run_id, ExitKind.ERROR.value, Statistics(), 0))
            return
        result = done.result
        kind = result.exit_kind
        errors = sum(error.count for error in result.internal_errors)
        died = kind not in (ExitKind.OK, ExitKind.FINDINGS)
        name = STOPPED if died and self.stop.is_set() else kind.value
        with self._lock:
            self._sum.executions += result.executions
            self._sum.steps += result.statistics.steps
            self._sum.seconds += result.seconds
            self._sum.cpu_seconds += result.cpu_seconds
            self._sum.new_entries += done.new_entries
            self._sum.internal_errors += errors
            self._sum.exit_kinds[name] = self._sum.exit_kinds.get(name, 0) + 1
            # A slice that never ran anything will not do better the next time.
            self._broken = self._broken or (kind is ExitKind.ERROR and result.executions == 0)
        self.events.put(SliceEnded(run_id, name, result.statistics, done.new_entries))
        if died and not self.stop.is_set():
            last = result.log_tail.strip().rpartition("\n")[2]
            self._trouble(f"slice {run_id} ended as {kind.value}: {last or 'its log is empty'}")
        for error in result.internal_errors:
            self._trouble(f"slice {run_id}: {error.kind}: {error.detail}")
        self._announce(done.recorded)

    def _announce(self, recorded: list[Recorded]) -> None:
        for found in recorded:
            with self._lock:
                if found.failure_id in self._seen:
                    continue
                self._seen.append(found.failure_id)
            self.events.put(Found(self._failure(found.failure_id), found.first))

    def _next_failure(self) -> bool:
        """Do one job that brings a failure further. Returns whether there was one."""
        with self._lock:
            if self._clock() >= self._finish_until:
                return False
            self._busy += 1
        try:
            lease = self._worker.take([QUEUE_TRIAGE])
            if lease is None:
                return False
            if lease.kind in _DOING:
                self.events.put(
                    Working(lease.name, _DOING[lease.kind], self._failure(lease.subject))
                )
            try:
                ended = self._worker.do(lease)
            finally:
                self.events.put(Rested(lease.name))
            done = ended.done or JobDone()
            self._announce(done.recorded)
            if ended.trouble:
                self._trouble(f"{ended.lease.name}: {ended.trouble}")
            if ended.lease.kind in (VERIFY, MINIMIZE) and ended.done is not None:
                after = self._failure(ended.lease.subject)
                if after.failure.state != NEW:
                    self.events.put(_MOVED[after.failure.state](after))
        finally:
            with self._lock:
                self._busy -= 1
        return True

    def _failure(self, failure_id: int) -> FailureDetail:
        found = self._store.failure(failure_id)
        assert found is not None  # nothing deletes failures
        return found

    def _stop_or_late(self) -> bool:
        return self.stop.is_set() or self._clock() >= self._finish_until

    def _trouble(self, text: str) -> None:
        with self._lock:
            self._sum.troubles.append(text)
        self.events.put(Trouble(text))


_DOING: Final = {VERIFY: "verifying", MINIMIZE: "minimizing"}
_MOVED: Final[dict[str, Callable[[FailureDetail], Event]]] = {
    VERIFIED: Verified,
    UNREPRODUCIBLE: Unreproducible,
    MINIMIZED: Minimized,
}
