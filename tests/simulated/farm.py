# SPDX-License-Identifier: MIT
"""A farm in a world of its own: the same workers, scheduler and store; other time and transport.

Contract: `live(seed)` lets hosts die and come back, databases and brokers fail, messages get lost,
doubled and late, disks fill up; then all is well again, and when nothing moves any more it says
what is wrong, a line each: a finding lost or counted twice, a run recorded twice or with figures
that nobody measured, work that is stuck, folders that nobody owns. An empty list is what must
come. The same seed gives the same history.
"""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO, Any, Final
from unittest import mock

from sqlalchemy import create_engine, select
from sqlalchemy.pool import StaticPool

from corpus.text import parse
from fuzz import maps
from fuzz.codec import decode, encode
from fuzz.findings import Finding, write_finding
from fuzz.pack import packed, unpack
from fuzz.slice import ExitKind, SliceResult, SliceSpec
from fuzz.statistics import Statistics
from simulator.outcome import Outcome, Signature, Violation
from tests.farming import BUILD, DIGEST, text_of
from tests.simulated.world import FaultyStore, Host, World
from workers import attempts, dialect
from workers.app import BrokerDown
from workers.database import file_url
from workers.entries import Made, bare
from workers.errors import InfraError, Stopped, WorkDied
from workers.isolated import Minimal, Replayed
from workers.jobs import Hands, Site
from workers.ledger import BEAT_SECONDS
from workers.pantry import Pantry
from workers.scheduler import Scheduler
from workers.schema import (
    BROKER_QUEUES,
    DONE,
    HELD,
    MINIMIZED,
    NEW,
    QUEUE_FUZZ,
    UNREPRODUCIBLE,
    EntryFeatures,
    FeatureMap,
)
from workers.service import SWEEP_SECONDS
from workers.store import Store
from workers.worker import Worker

HOSTS: Final = 3
SLOTS: Final = 2
RUNS: Final = 5
SLICE_SECONDS: Final = 8.0
TROUBLE_SECONDS: Final = 75.0  # of faults
SIMULATED_TICK_SECONDS: Final = 3.0  # of schedulers: most ticks have nothing to do, and cost time
# After the last fault: what is left of all runs, one after the other, with room.
CALM_SECONDS: Final = 900.0
MAX_POISONED: Final = 3  # slices that a poisoned seed may cost
STUCK_SECONDS: Final = 120.0  # nothing waits that long for a slot that is free

FAULTS: Final = ("crash", "crash", "stop", "store", "broker", "forget", "disk", "disk", "cut")

SIGNATURES: Final = tuple(Signature("leak", f"f{number}", "page") for number in range(6))
FLAKY: Final = SIGNATURES[4]  # its digest differs each time
DEADLY: Final = SIGNATURES[5]  # each replay of it brings the child down
FOUND: Final = {signature: text_of(10 + at) for at, signature in enumerate(SIGNATURES)}
MINIMAL: Final = {signature: text_of(40 + at) for at, signature in enumerate(SIGNATURES)}
SHOWS: Final = {text: signature for texts in (FOUND, MINIMAL) for signature, text in texts.items()}
POISON: Final = bare(parse(text_of(4)))  # an entry of the corpus that no slice survives
INPUTS: Final = tuple(encode(parse(text_of(20 + at))) for at in range(12))


@dataclass
class Truth:
    """What really happened, for the farm to get right."""

    found: set[tuple[int, Signature]] = field(default_factory=set)
    results: dict[int, list[SliceResult]] = field(default_factory=dict)  # by run
    poisoned: int = 0  # slices that died of it


class Broker:
    """Loses, doubles, delays and reorders."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._messages: list[tuple[float, str, int]] = []
        self.down = False

    def send(self, queue: str, job_id: int) -> None:
        world = self._world
        world.sleep(world.rng.random() * 0.02)
        host = world.host()
        if self.down or (host is not None and host.cut_off):
            raise BrokerDown("the broker does not answer")
        copies = 1 if world.calm else world.rng.choice([0, 1, 1, 1, 1, 2])
        for _ in range(copies):
            late = world.rng.choice([0.0, 0.0, 1.0, 40.0]) if not world.calm else 0.0
            self._messages.append((world.now + late, queue, job_id))

    def receive(self) -> int | None:
        host = self._world.host()
        if self.down or (host is not None and host.cut_off):
            return None
        here = [each for each in self._messages if each[0] <= self._world.now]
        if not here:
            return None
        message = self._world.rng.choice(here)
        self._messages.remove(message)
        return message[2]

    def forget(self) -> None:
        self._messages.clear()


class Farm:
    """The processes of one seed."""

    def __init__(self, seed: int, folder: Path, template: sqlite3.Connection) -> None:
        self.world = World(seed)
        self.truth = Truth()
        self.broker = Broker(self.world)
        self.store = self._open(template)
        self.hosts = [Host(f"host{number}") for number in range(HOSTS)]
        self._folder = folder
        self._stops: dict[str, bool] = {}
        self._started = 0

    def _open(self, template: sqlite3.Connection) -> FaultyStore:
        engine = create_engine(
            "sqlite://",
            poolclass=StaticPool,
            json_serializer=dialect._dump,
            connect_args={"check_same_thread": False},
        )
        raw = engine.raw_connection()
        template.backup(raw.driver_connection)  # type: ignore[arg-type]
        raw.close()
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE accepted (run_id INTEGER)")
            connection.exec_driver_sql(
                "CREATE TRIGGER accepts AFTER UPDATE OF executions ON run "
                "BEGIN INSERT INTO accepted VALUES (new.id); END"
            )
        store = FaultyStore(engine, self.world.clock)
        store.world = self.world
        store.lost_before = self.world.rng.choice([0.0, 0.01, 0.03])
        store.lost_after = self.world.rng.choice([0.0, 0.01, 0.03])
        return store

    def folder(self, host: Host) -> Path:
        return self._folder / host.name

    # --- processes --------------------------------------------------------------------------

    def boot(self, host: Host) -> None:
        """Start what a host runs: a worker and a scheduler."""
        self._started += 1
        name = f"{host.name}.{self._started}"
        self._stops[name] = False
        world = self.world
        host.disk_full = host.cut_off = False
        site = Site(
            self.store,
            self.folder(host),
            Pantry(self.store, Random(world.rng.random())),
            self._hands(host),
        )
        worker = Worker(site, name, stop=lambda: self._stops[name], sleep=world.sleep)
        scheduler = Scheduler(self.store, name, self.broker.send)
        for _ in range(SLOTS):
            world.spawn(host, lambda: self._slot(worker, name))
        world.spawn(host, lambda: self._every(BEAT_SECONDS, lambda: self._beat(worker, host)))
        world.spawn(host, lambda: self._every(SWEEP_SECONDS, worker.sweep))
        if host is not self.hosts[-1]:
            world.spawn(host, lambda: self._every(SIMULATED_TICK_SECONDS, scheduler.tick))

    def _slot(self, worker: Worker, name: str) -> None:
        while not self._stops[name]:
            job_id = self.broker.receive()
            if job_id is None:
                self.world.sleep(1.0)
            else:
                worker.work(job_id)

    def _beat(self, worker: Worker, host: Host) -> None:
        worker.beat_once()
        self.store.here(
            name=worker.name,
            host=host.name,
            queues=BROKER_QUEUES,
            number=SLOTS,
            busy=worker.busy,
            build_id=BUILD,
            note="",
        )

    def _every(self, seconds: float, act: Callable[[], object]) -> None:
        while True:
            with suppress(InfraError):
                act()
            self.world.sleep(seconds)

    def stop(self, host: Host) -> None:
        """SIGTERM, and some seconds later whoever sent it loses patience."""
        for name in self._stops:
            if name.startswith(f"{host.name}."):
                self._stops[name] = True

    # --- work ---------------------------------------------------------------------------------

    def _hands(self, host: Host) -> Hands:
        return Hands(
            run_slice=lambda spec, progress, stop: self._slice(host, spec, progress, stop),
            replay=lambda text, seed, stop: self._replay(text, seed, stop),
            minimize=lambda text, signature, stop, keep: self._minimize(signature, stop),
            alone=lambda text, stop: self._alone(text, stop),
            build_id=lambda: BUILD,
        )

    def _slice(
        self,
        host: Host,
        spec: SliceSpec,
        progress: Callable[[Statistics], None],
        stop: Callable[[], bool],
    ) -> SliceResult:
        world, rng = self.world, self.world.rng
        work = spec.work
        assert work is not None
        run_id = int(work.parent.name[1:].split(".")[0])
        (work / "findings").mkdir()
        statistics = Statistics()
        began = world.now
        seeds = {
            data for name in ("seeds", "unmeasured") for data in unpack((work / name).read_bytes())
        }
        poisoned = any(bare(decode(data)) == POISON for data in seeds)
        kind, code, in_flight = ExitKind.OK, 0, None
        findings: list[Finding] = []
        while world.now - began < spec.seconds:
            world.sleep(min(1.0, spec.seconds - (world.now - began)))
            statistics.executions += rng.randrange(1, 1_000_000)
            statistics.steps = statistics.executions * 300
            statistics.seconds = round(world.now - began, 3)
            if stop():
                kind, code = ExitKind.KILLED, -9
                break
            if host.disk_full and rng.random() < 0.5:
                raise OSError(28, "No space left on device")
            if poisoned:
                self.truth.poisoned += 1
                kind, code, in_flight = ExitKind.ERROR, 77, POISON
                break
            if rng.random() < 0.01:  # an end that nothing explains
                kind, code, in_flight = ExitKind.TIMEOUT, 70, text_of(5)
                break
            if rng.random() < 0.12:
                found = self._finding(rng.choice(SIGNATURES))
                write_finding(work / "findings", found)
                self.truth.found.add((run_id, found.signature))
                findings.append(found)
            if rng.random() < 0.3:
                self._keep(work / "corpus")
            if rng.random() < 0.4:  # it may end before it has told what it found
                progress(statistics)
        result = SliceResult(
            kind, findings, statistics, round(world.now - began, 3), in_flight, "log", code
        )
        self.truth.results.setdefault(run_id, []).append(result)
        return result

    def _keep(self, corpus: Path) -> None:
        which = self.world.rng.randrange(len(INPUTS))
        shown = bytes(
            byte
            for counter in (which, which + 1)
            for byte in (counter, 0, 1)  # they overlap
        )
        with corpus.open("ab") as file:
            file.write(packed(INPUTS[which]) + packed(shown))

    def _finding(self, signature: Signature) -> Finding:
        return Finding(
            signature.oracle,
            signature.culprit,
            signature.object_class,
            "a promise",
            FOUND[signature],
            DIGEST,
            BUILD,
            17,
            "farm",
        )

    def _busy(self, seconds: float, stop: Callable[[], bool]) -> None:
        self.world.sleep(seconds)
        if stop():
            raise Stopped
        if not self.world.calm and self.world.rng.random() < 0.1:
            raise InfraError("the child ended with -15")

    def _replay(self, text: str, seed: int, stop: Callable[[], bool]) -> Replayed:
        self._busy(0.5, stop)
        signature = SHOWS[text]
        if signature == DEADLY:
            raise WorkDied("the child ended with -11")
        digest = DIGEST if signature != FLAKY else f"{seed:016d}"
        return Replayed(BUILD, Outcome(Violation(signature, "a promise", 1, 1), digest, 17, [0]))

    def _minimize(self, signature: Signature, stop: Callable[[], bool]) -> Minimal:
        self._busy(3.0, stop)
        return Minimal(BUILD, MINIMAL[signature], {"complete": True}, [])

    def _alone(self, text: str, stop: Callable[[], bool]) -> str:
        self._busy(1.0, stop)
        return "the child ended with 77" if text == POISON else ""

    # --- faults ---------------------------------------------------------------------------------

    def trouble(self) -> None:
        """TROUBLE_SECONDS of it, and orders meanwhile."""
        rng, world = self.world.rng, self.world
        events: list[tuple[float, Callable[[], None]]] = [
            (rng.random() * TROUBLE_SECONDS, self._submit) for _ in range(RUNS)
        ]
        for _ in range(rng.randrange(1, 7)):
            events += self._fault(rng.random() * TROUBLE_SECONDS)
        for at, act in sorted(events, key=lambda event: event[0]):
            world.run_until(at)
            act()
        world.run_until(TROUBLE_SECONDS)

    def _submit(self) -> None:
        self.store.create_run({"seconds": SLICE_SECONDS, "bugs": [], "seed": None}, QUEUE_FUZZ)

    def _fault(self, at: float) -> list[tuple[float, Callable[[], None]]]:
        rng, world = self.world.rng, self.world
        host = rng.choice(self.hosts)
        kind = rng.choice(FAULTS)
        end = at + rng.choice([1.0, 10.0, 45.0])
        if kind == "crash":
            return [(at, lambda: world.kill(host)), (end, lambda: self._again(host))]
        if kind == "stop":
            return [
                (at, lambda: self.stop(host)),
                (at + 8, lambda: world.kill(host)),
                (at + 9, lambda: self._again(host)),
            ]
        if kind == "forget":
            return [(at, self.broker.forget)]
        thing, name = {
            "store": (world, "store_down"),
            "broker": (self.broker, "down"),
            "disk": (host, "disk_full"),
            "cut": (host, "cut_off"),
        }[kind]
        return [
            (at, lambda: setattr(thing, name, True)),
            (end, lambda: setattr(thing, name, False)),
        ]

    def _again(self, host: Host) -> None:
        self.world.kill(host)
        self.boot(host)

    def calm_down(self) -> list[str]:
        """All is well from now on. Returns what is stuck."""
        world = self.world
        world.calm = True
        world.store_down = self.broker.down = False
        for host in self.hosts:
            host.disk_full = host.cut_off = False
            if not host.processes or any(
                stopped
                for name, stopped in self._stops.items()
                if name == f"{host.name}.{self._started}"
            ):
                self._again(host)
        began = world.now
        while world.now < began + CALM_SECONDS:
            world.run_until(world.now + 5.0)
            if self._quiet():
                return []
            if world.now > began + STUCK_SECONDS and (stuck := self._stuck()):
                return stuck
        return [f"still at work after {CALM_SECONDS:.0f} s: {self.store.jobs()}"]

    def _quiet(self) -> bool:
        return all(job.state == HELD for job in self.store.jobs()) and not any(
            self._left(host) for host in self.hosts
        )

    def _stuck(self) -> list[str]:
        store, now = self.store, self.world.clock()
        if sum(row.busy for row in store.workers()) >= HOSTS * SLOTS:
            return []
        return [
            f"{job.kind} {job.subject} waits since {job.due_at}, and it is {now}: {job}"
            for job in store.jobs("ready")
            if (now - job.due_at).total_seconds() > STUCK_SECONDS
        ]

    def _left(self, host: Host) -> list[Path]:
        runs = self.folder(host) / "runs"
        return sorted(runs.iterdir()) if runs.is_dir() else []

    # --- what must hold ------------------------------------------------------------------------

    def wrong(self) -> list[str]:
        return [
            *self._wrong_findings(),
            *self._wrong_runs(),
            *self._wrong_corpus(),
            *(f"nobody owns {place}" for host in self.hosts for place in self._left(host)),
        ]

    def _wrong_findings(self) -> Iterator[str]:
        by_signature = Counter(signature for _, signature in self.truth.found)
        rows = {row.signature: row for row in self.store.failures()}
        for signature, runs in by_signature.items():
            row = rows.pop(signature, None)
            if row is None:
                yield f"{signature}: lost, though {runs} runs found it"
                continue
            if (row.count, row.runs) != (runs, runs):
                yield f"{signature}: {runs} runs found it, {row.count} are counted"
            state = {FLAKY: UNREPRODUCIBLE, DEADLY: NEW}.get(signature, MINIMIZED)
            if row.state != state:
                yield f"{signature}: is {row.state}, not {state}"
            held = self.store.job_of("verify", row.id)
            if signature == DEADLY and (held is None or (held.state, held.attempts) != (HELD, 3)):
                yield f"{signature}: is not held after 3 attempts: {held}"
        yield from (f"{signature}: nobody found it" for signature in rows)

    def _wrong_runs(self) -> Iterator[str]:
        seconds = 0.0
        for run in self.store.runs():
            if run.state != DONE or run.figures is None:
                yield f"R{run.id}: is {run.state}"
                continue
            measured = [
                (result.executions, result.statistics.steps, result.seconds)
                for result in self.truth.results.get(run.id, [])
            ]
            figures = (run.figures.executions, run.figures.steps, run.figures.seconds)
            if figures not in measured:
                yield f"R{run.id}: nobody measured {figures}: {measured}"
            seconds += run.figures.seconds
        if seconds > RUNS * SLICE_SECONDS + 1.0:
            yield f"{seconds:.1f} s were fuzzed, {RUNS * SLICE_SECONDS} ordered"
        with self.store._read() as connection:
            accepted = connection.exec_driver_sql(
                "SELECT run_id, count(*) FROM accepted GROUP BY run_id HAVING count(*) > 1"
            ).all()
        yield from (f"R{run}: recorded {times} times" for run, times in accepted)
        stats = self.store.stats()
        if sum(stats.runs.values()) < RUNS:
            yield f"an order is lost: {stats.runs}"
        if self.truth.poisoned > MAX_POISONED:
            yield f"{self.truth.poisoned} slices died of one seed"

    def _wrong_corpus(self) -> Iterator[str]:
        shown = 0
        with self.store._read() as connection:
            for packed_map in connection.execute(select(EntryFeatures.packed)).scalars():
                shown |= maps.from_map(maps.unpack(packed_map))
            known = (
                connection.execute(select(FeatureMap.packed).where(FeatureMap.build_id == BUILD))
                .scalars()
                .all()
            )
        for packed_map in known:
            if maps.from_map(maps.unpack(packed_map)) != shown:
                yield "the feature map is not what the entries show"

    def close(self) -> None:
        self.world.end()
        self.store.close()


class _Locks:
    """`fcntl` for `workers.attempts`: the locks that a killed host held are dropped."""

    def __init__(self, world: World) -> None:
        import fcntl

        self._fcntl = fcntl
        self._world = world
        self.LOCK_EX, self.LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB

    def flock(self, file: IO[Any], how: int) -> None:
        self._fcntl.flock(file, how)
        host = self._world.host()
        if host is not None:
            host.locks.append(file)


@contextmanager
def template() -> Iterator[sqlite3.Connection]:
    """An empty store for all seeds."""
    with tempfile.TemporaryDirectory() as folder:
        Store.open(file_url(Path(folder, "mmfarm.db"))).close()
        connection = sqlite3.connect(Path(folder, "mmfarm.db"))
        yield connection
        connection.close()


def live(seed: int, empty: sqlite3.Connection, root: Path) -> list[str]:
    """One history. Returns what is wrong in the end."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        farm = Farm(seed, Path(folder), empty)
        with mock.patch.object(attempts, "fcntl", _Locks(farm.world)):
            farm.store.plant([Made(POISON, origin="given")])
            for host in farm.hosts:
                farm.folder(host).mkdir()
                farm.boot(host)
            try:
                farm.trouble()
                return farm.calm_down() or farm.wrong()
            finally:
                farm.close()
