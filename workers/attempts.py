# SPDX-License-Identifier: MIT
"""The folders in which slices run, and what becomes of those that nobody owns any more.

Contract: each attempt at a run has a folder of its own, `runs/R12.3` in the data folder, with the
slice's work folder and `order.json`, which says what it belongs to. Who works in it holds a lock
that the system drops with the process. The folder goes when its finds are in the store, and not
before: whatever ends an attempt, whoever comes by next files them (`sweep`).

It does not promise that a host which never comes back gives up what it alone knows; so finds are
also filed while a slice runs (`workers.jobs`).
"""

import contextlib
import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final

from corpus.text import TextError, parse
from fuzz.findings import Finding, read_findings, write_atomically
from fuzz.seeds import read_kept
from fuzz.slice import ExitKind
from fuzz.statistics import Statistics, statistics_from_json
from simulator.features import COUNTERS_SIZE
from workers.entries import Made
from workers.ledger import Lease
from workers.records import Recorded, RunFigures
from workers.schema import FUZZ, QUEUE_LOCAL
from workers.store import Store

RUNS: Final = "runs"
_ORDER: Final = "order.json"
_LOCK: Final = "lock"
_NEW: Final = ".new-"  # before it is locked; renamed when it is
_OLD_PREFIX: Final = "mmfarm-slice-"  # of a work folder in the lay-out of schema 0001
PUSH_AT_ONCE: Final = 200  # entries in one transaction: others write, too

log: Final = logging.getLogger("mmfarm.worker")


@dataclass(frozen=True, slots=True)
class Order:
    """What an attempt belongs to."""

    farm_id: str
    job_id: int
    number: int  # of the lease
    run_id: int
    queue: str
    model: str
    build_id: str

    @property
    def lease(self) -> Lease:
        return Lease(self.job_id, self.number, FUZZ, self.run_id, self.queue, 0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A folder that this process owns."""

    place: Path
    order: Order
    lock: IO[str]

    @property
    def work(self) -> Path:
        return self.place / "work"

    def findings(self) -> tuple[list[Finding], list[str]]:
        return usable(self.work)

    def push(self, store: Store) -> int:
        """Bring what the slice kept into the corpus. Returns how many entries are new."""
        order = self.order
        kept = (Made(each.text, each.features) for each in read_kept(self.work / "corpus"))
        pushed = 0
        while some := list(islice(kept, PUSH_AT_ONCE)):
            pushed += store.push(order.model, order.build_id, order.run_id, some)
        return pushed

    def shown(self) -> bytes:
        """The map of all features that the slice has shown; empty if it did not get to its
        end."""
        try:
            shown = (self.work / "shown").read_bytes()
        except OSError:
            return b""
        return shown if len(shown) == COUNTERS_SIZE else b""

    def remove(self) -> None:
        """All of it is in the store."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.lock.close()

    def leave(self) -> None:
        """Some of it is not: whoever comes by next shall file it."""
        self.lock.close()


def begin(folder: Path, order: Order) -> Attempt:
    """Make the folder of an attempt and own it. Raises OSError."""
    name = f"R{order.run_id}.{order.number}"
    place = folder / RUNS / name
    beside = place.with_name(f"{_NEW}{name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)  # of a process that had our number
    (beside / "work").mkdir(parents=True)
    lock = (beside / _LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_atomically(beside / _ORDER, json.dumps(asdict(order)).encode())
        beside.rename(place)
    except BaseException:
        lock.close()
        raise
    return Attempt(place, order, lock)


@dataclass(frozen=True, slots=True)
class Swept:
    """What was found in folders that nobody owned: where it was filed, the runs whose books were
    closed, and what went wrong, a line each."""

    recorded: list[Recorded]
    runs: list[int]
    complaints: list[str]


def sweep(store: Store, folder: Path) -> Swept:
    """File what attempts of this data folder have left that ended before they could. Raises
    StoreDown, and leaves what it has not filed."""
    swept = Swept([], [], [])
    runs = folder / RUNS
    if not runs.is_dir():
        return swept
    farm_id = store.farm().farm_id
    for place in sorted(runs.iterdir()):
        with _owned(place) as lock:
            if lock is None:
                continue
            try:
                _sweep_one(store, farm_id, place, lock, swept)
            except (OSError, ValueError, KeyError, TypeError) as error:
                swept.complaints.append(f"{place}: {type(error).__name__}: {error}")
    return swept


@contextlib.contextmanager
def _owned(place: Path) -> Iterator[IO[str] | None]:
    """The lock of a folder that nobody owns; None for one that somebody does."""
    try:
        lock = (place / _LOCK).open("a")
    except OSError:  # gone meanwhile, or no folder of ours
        yield None
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock if place.exists() else None


def _sweep_one(store: Store, farm_id: str, place: Path, lock: IO[str], swept: Swept) -> None:
    if not (place / _ORDER).exists():
        if place.name.isdigit():
            _sweep_old(store, place, swept)
        else:  # its owner died before it could begin
            shutil.rmtree(place, ignore_errors=True)
        return
    order = Order(**json.loads((place / _ORDER).read_bytes()))
    if order.farm_id != farm_id:
        swept.complaints.append(f"{place}: belongs to the farm {order.farm_id}, not to this one")
        return
    attempt = Attempt(place, order, lock)
    findings, complaints = attempt.findings()
    swept.complaints.extend(complaints)
    swept.recorded.extend(store.file(findings, order.run_id))
    new_entries = attempt.push(store)
    if order.queue == QUEUE_LOCAL:
        # Nobody but the run that died would do it again.
        figures = _figures(attempt.work, new_entries)
        note = "\n".join(["its process was killed", *complaints])
        if store.end_run(order.lease, figures, (), note)[1]:
            swept.runs.append(order.run_id)
    else:
        store.give_back(order.lease)
    log.info("%s: filed what a dead attempt had left: %d findings", place.name, len(findings))
    shutil.rmtree(place, ignore_errors=True)


def _sweep_old(store: Store, place: Path, swept: Swept) -> None:
    """A folder of schema 0001: `runs/12/mmfarm-slice-*`."""
    run_id = int(place.name)
    for work in sorted(place.glob(f"{_OLD_PREFIX}*")):
        findings, complaints = usable(work)
        swept.complaints.extend(complaints)
        swept.recorded.extend(store.file(findings, run_id))
    owed = store.job_of(FUZZ, run_id)
    if owed is not None:
        lease = Lease(owed.id, owed.leases, FUZZ, run_id, owed.queue, 0)
        store.end_run(lease, RunFigures(ExitKind.KILLED.value), (), "its process was killed")
        swept.runs.append(run_id)
    shutil.rmtree(place, ignore_errors=True)


def unfiled(folder: Path) -> list[str]:
    """The finds of this data folder that are not in the store, a line each."""
    lines = []
    for place in sorted((folder / RUNS).glob("R*")):
        with _owned(place) as lock:
            if lock is not None:
                findings, complaints = usable(place / "work")
                lines += [f"{each.signature}: waits in {place}" for each in findings]
                lines += complaints
    return lines


def _figures(work: Path, new_entries: int) -> RunFigures:
    """What a dead slice had last said of itself."""
    last = Statistics()
    with contextlib.suppress(OSError, ValueError):
        for line in (work / "statistics.jsonl").read_bytes().splitlines():
            last = statistics_from_json(line)
    return figures_of(ExitKind.KILLED, last, last.seconds, new_entries)


def figures_of(
    kind: ExitKind,
    statistics: Statistics,
    seconds: float,
    new_entries: int,
    in_flight: str | None = None,
) -> RunFigures:
    return RunFigures(
        exit_kind=kind.value,
        executions=statistics.executions,
        steps=statistics.steps,
        seconds=seconds,
        cpu_seconds=statistics.cpu_seconds,
        features=statistics.features,
        new_entries=new_entries,
        statistics=asdict(statistics),
        in_flight=in_flight,
    )


def usable(work: Path) -> tuple[list[Finding], list[str]]:
    """The findings in a work folder that can be recorded, and a complaint for each that cannot."""
    complaints: list[str] = []
    left = read_findings(work / "findings", complaints)
    return parsed(left, complaints), complaints


def parsed(found: list[Finding], complaints: list[str]) -> list[Finding]:
    """Those whose text is a scenario."""
    good: list[Finding] = []
    for finding in found:
        try:
            parse(finding.text)
        except TextError as error:
            complaints.append(f"finding lost: {finding.signature}: {error}")
        else:
            good.append(finding)
    return good
