# SPDX-License-Identifier: MIT
"""The farm on one machine, without a broker: what `mmfarm run` does.

Contract: `run_local` fuzzes for some seconds in `jobs` slots and yields what happens as typed
events, `Done` last. A slot takes turns: a short slice, then one failure on its way to
minimal; when the time is up, all that is still on its way gets FINISH_SECONDS more. Closing
the iterator early (an interrupt) stops the children, records what they had found, and only
then returns. What was left undone is in the store with its state, and the next run goes on;
also with what a run that was killed had found.

It does the same work as the tasks of `workers.tasks`, through the same functions. It does not
promise the same finds twice: slices end by the clock.
"""

import math
import queue
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from corpus.files import mm_files
from fuzz.slice import ExitKind
from fuzz.statistics import Statistics
from workers import jobs
from workers.isolated import InfraError, Stopped
from workers.records import FailureDetail, Recorded
from workers.schema import MINIMIZED, NEW, UNREPRODUCIBLE, VERIFIED
from workers.store import Store

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
    """The sum. `failures` are those that this run has seen, in their last state."""

    failures: list[FailureDetail]
    executions: int
    seconds: float  # of slices, by the wall, added up over slots
    cpu_seconds: float
    new_entries: int
    exit_kinds: dict[str, int]
    internal_errors: int
    troubles: list[str]


Event = (
    SliceStarted | Progress | SliceEnded | Found | Verified | Unreproducible | Minimized
    | Trouble | Done
)  # fmt: skip


def run_local(
    store: Store,
    folder: Path,
    *,
    seconds: float,
    slots: int,
    bugs: tuple[str, ...] = (),
    seed_corpus: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Event, None, None]:
    """Fuzz in a data folder. The .mm files of `seed_corpus` are copied into it first.

    Raises ValueError for fewer seconds than a slice takes, OSError where files fail.
    """
    if seconds < jobs.MIN_SLICE_SECONDS:
        raise ValueError(f"fuzz for {jobs.MIN_SLICE_SECONDS:.0f} second or more")
    if seed_corpus is not None:
        _plant(seed_corpus, folder / "corpus" / "seeds")
    jobs.recover(store, folder)
    farm = _Farm(store, folder, seconds, bugs, clock)
    threads = [
        threading.Thread(target=farm.slot, name=f"slot-{number}") for number in range(slots)
    ]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads) or not farm.events.empty():
            try:
                yield farm.events.get(timeout=TICK_SECONDS)
            except queue.Empty:
                continue
    finally:
        farm.stop.set()
        for thread in threads:
            thread.join()
    yield farm.done()


def _plant(source: Path, target: Path) -> None:
    """Copy scenarios, with their place below `source` as their name."""
    for path in mm_files([source]):
        place = target / (path.relative_to(source) if path != source else path.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


@dataclass(slots=True)
class _Sum:
    executions: int = 0
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
        clock: Callable[[], float],
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.stop = threading.Event()
        self._store = store
        self._folder = folder
        self._bugs = bugs
        self._clock = clock
        self._began = clock()
        self._fuzz_until = self._began + seconds
        self._finish_until = self._fuzz_until + FINISH_SECONDS
        self._lock = threading.Lock()
        self._sum = _Sum()
        self._seen: list[int] = []  # failures of this run
        self._busy = 0  # slots whose work may still bring up failures
        self._broken = False  # the engine does not run here: no further slices
        # What an earlier run left on its way.
        self._pending = deque(
            row.id for state in (VERIFIED, NEW) for row in store.failures(state=state)
        )

    def slot(self) -> None:
        """The life of one slot: a slice, a failure, a slice, ..."""
        while not self.stop.is_set():
            fuzzed = self._slice()
            worked = self._next_failure()
            if fuzzed or worked:
                continue
            with self._lock:
                over = self._busy == 0
            if over or self._clock() >= self._finish_until:
                return
            time.sleep(TICK_SECONDS)  # a busy slot may still hand us a failure

    def done(self) -> Done:
        failures = [self._failure(failure_id) for failure_id in self._seen]
        return Done(failures=failures, **asdict(self._sum))

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
            run_id = jobs.order(self._store, seconds=seconds, bugs=self._bugs)
            self.events.put(SliceStarted(run_id))
            fuzzed = jobs.fuzz(
                self._store,
                run_id,
                self._folder,
                progress=lambda statistics: self.events.put(Progress(run_id, statistics)),
                stop=self.stop.is_set,
            )
            assert fuzzed is not None  # nobody else has this order
            self._account(run_id, fuzzed)
        except Exception as error:
            self._trouble(f"a slice failed: {type(error).__name__}: {error}")
            with self._lock:
                self._broken = True
        finally:
            with self._lock:
                self._busy -= 1
        return True

    def _account(self, run_id: int, fuzzed: jobs.Fuzzed) -> None:
        result = fuzzed.result
        kind = result.exit_kind
        errors = sum(error.count for error in result.internal_errors)
        with self._lock:
            self._sum.executions += result.executions
            self._sum.seconds += result.seconds
            self._sum.cpu_seconds += result.cpu_seconds
            self._sum.new_entries += result.new_entries
            self._sum.internal_errors += errors
            self._sum.exit_kinds[kind.value] = self._sum.exit_kinds.get(kind.value, 0) + 1
            # A slice that never ran anything will not do better the next time.
            self._broken = self._broken or (kind is ExitKind.ERROR and result.executions == 0)
        self.events.put(
            SliceEnded(run_id, kind.value, result.statistics, result.new_entries)
        )
        if kind not in (ExitKind.OK, ExitKind.FINDINGS) and not self.stop.is_set():
            last = result.log_tail.strip().rpartition("\n")[2]
            self._trouble(f"slice {run_id} ended as {kind.value}: {last or 'its log is empty'}")
        for error in result.internal_errors:
            self._trouble(f"slice {run_id}: {error.kind}: {error.detail}")
        self._announce(fuzzed.recorded)

    def _announce(self, recorded: list[Recorded]) -> None:
        for found in recorded:
            with self._lock:
                if found.failure_id in self._seen:
                    continue
                self._seen.append(found.failure_id)
            failure = self._failure(found.failure_id)
            self.events.put(Found(failure, found.first))
            if failure.failure.state in (NEW, VERIFIED):
                with self._lock:
                    if found.failure_id not in self._pending:
                        self._pending.append(found.failure_id)

    def _next_failure(self) -> bool:
        """Bring one failure as far as it gets. Returns whether there was one."""
        with self._lock:
            if not self._pending or self._clock() >= self._finish_until:
                return False
            failure_id = self._pending.popleft()
            self._busy += 1
        try:
            self._advance(failure_id, jobs.verify)
            self._advance(failure_id, jobs.minimize)
        except Stopped:
            pass
        except InfraError as error:
            self._trouble(f"failure {failure_id}: {error}")
        except Exception as error:
            self._trouble(f"failure {failure_id}: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._busy -= 1
        return True

    def _advance(
        self, failure_id: int, job: Callable[[Store, int, Callable[[], bool]], list[Recorded]]
    ) -> None:
        """Do one job on a failure, and say so when its state has changed."""
        before = self._failure(failure_id).failure.state
        self._announce(job(self._store, failure_id, self._stop_or_late))
        after = self._failure(failure_id)
        if after.failure.state != before:
            self.events.put(_MOVED[after.failure.state](after))

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


_MOVED: Final[dict[str, Callable[[FailureDetail], Event]]] = {
    VERIFIED: Verified, UNREPRODUCIBLE: Unreproducible, MINIMIZED: Minimized,
}
