# SPDX-License-Identifier: MIT
"""Real workers on a real broker do what `mmfarm run` does, and survive being killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.waiting import wait_until
from workers import jobs, messages, settings
from workers.app import make_app
from workers.records import RunRow
from workers.schema import DONE, MINIMIZED, QUEUE_FUZZ
from workers.store import Store

ROOT = Path(__file__).parents[2]

BUG = "softdirty-clear-no-flush"
# The farm starts from this; it breaks no promise without the bug.
SEED = """\
# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 clear_refs soft-dirty
4 T0 write 3
"""
SLICE_SECONDS = 2.0  # how long one takes here is nobody's verdict
LONG_SLICE_SECONDS = 90.0  # never ends in these tests: it is interrupted first


@dataclass
class Farm:
    """A store, a broker, and the processes that serve them."""

    folder: Path
    environment: dict[str, str]
    store: Store
    broker: redis.Redis
    app: Celery
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "triage", "farm", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        process = self.start("worker", "--slots", "1")
        wait_until(
            "the worker is there",
            lambda: any(row.name.endswith(f":{process.pid}") for row in self.store.workers()),
        )
        return process

    def submit(self, seconds: float, *bugs: str) -> int:
        return self.store.create_run(jobs.slice_spec(seconds=seconds, bugs=bugs), QUEUE_FUZZ)

    def fuzz(self, *bugs: str) -> RunRow:
        """One slice, from the order to its end."""
        run_id = self.submit(SLICE_SECONDS, *bugs)
        wait_until("the run is done", lambda: self.run(run_id).state == DONE)
        run = self.run(run_id)
        assert run.attempt == 1
        assert run.figures is not None
        assert run.figures.exit_kind in ("ok", "findings")
        return run

    def run(self, run_id: int) -> RunRow:
        row = self.store.run(run_id)
        assert row is not None
        return row


@pytest.fixture(scope="module")
def farm(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("farm")
    environment = {
        **os.environ,
        "MMFARM_BROKER": broker,
        "MMFARM_DATA": str(folder / "data"),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("MMFARM_DATABASE", None)
    (folder / "data" / "corpus").mkdir(parents=True)
    (folder / "data" / "corpus" / "seed.mm").write_text(SEED)
    store = Store.open(settings.database_url(folder / "data", environment))
    client = redis.Redis.from_url(broker)
    made = Farm(folder, environment, store, client, make_app(broker, store.farm().farm_id))
    made.start("scheduler")
    made.worker()
    try:
        yield made
    finally:
        for process in made.processes:
            process.terminate()
        for process in made.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        client.close()
        store.close()


def test_a_slice_is_fuzzed_verified_and_minimized(farm: Farm) -> None:
    run = farm.fuzz(BUG)
    while not farm.store.failures(oracle="soft-dirty", run_id=run.id):
        run = farm.fuzz(BUG)  # on a slow machine one slice may see too little
    assert run.figures is not None
    assert run.figures.exit_kind == "findings"
    wait_until(
        "the failure is minimal",
        lambda: bool(farm.store.failures(oracle="soft-dirty", state=MINIMIZED)),
    )
    seen = farm.store.failures(oracle="soft-dirty", state=MINIMIZED, run_id=run.id)[0]
    detail = farm.store.failure(seen.id)
    assert detail is not None
    assert detail.outcome is not None
    assert detail.outcome.violation is not None
    assert detail.outcome.violation.signature == seen.signature
    assert detail.outcome.trace != []
    assert detail.certificate is not None
    assert detail.certificate["text"] == detail.best.text
    assert f"bug={BUG}" in detail.best.text


def test_messages_of_others_harm_nothing(farm: Farm, tmp_path: Path) -> None:
    """Whoever can write to the broker can neither name a path nor stop a worker."""
    victim = farm.folder / "victim"
    victim.mkdir()
    app = farm.app
    for arguments in (["../../../victim"], [str(victim)], [1, 2], []):
        app.send_task(messages.WORK, args=arguments, queue="fuzz")
        app.send_task("workers.tasks.fuzz_slice", args=arguments, queue="fuzz")
    other = {"farm": "0" * 32, "job": 1}
    app.send_task(messages.WORK, kwargs=other, queue="triage")
    app.send_task("celery.map", args=[{"task": messages.WORK}, [[1]]], queue="triage")
    app.control.broadcast("shutdown")
    assert app.control.inspect(timeout=1).conf() is None
    run_id = farm.submit(SLICE_SECONDS)
    wait_until("the next run is done", lambda: farm.run(run_id).state == DONE)
    assert farm.run(run_id).attempt == 1
    assert list(victim.iterdir()) == []


def test_what_the_broker_forgets_is_sent_again(farm: Farm) -> None:
    farm.store.set_farm(paused=True)
    run_id = farm.submit(SLICE_SECONDS)
    owed = farm.store.job_of("fuzz", run_id)
    assert owed is not None
    wait_until(
        "it is sent",
        lambda: any(job.sent_at is not None for job in farm.store.jobs() if job.id == owed.id),
    )
    farm.broker.flushall()
    farm.store.set_farm(paused=False)
    wait_until("the run is done", lambda: farm.run(run_id).state == DONE)


def test_a_worker_that_is_told_to_go_leaves_the_rest_to_others(farm: Farm) -> None:
    first = farm.processes[1]
    run_id = farm.submit(LONG_SLICE_SECONDS)
    wait_until("it runs", lambda: farm.run(run_id).state == "running")
    first.send_signal(signal.SIGTERM)
    first.wait()
    run = farm.run(run_id)
    assert (run.state, run.figures and run.figures.exit_kind) == (DONE, "stopped")
    rest = farm.run(run_id + 1)
    assert (rest.state, rest.attempt) == ("queued", 0)
    assert rest.spec["seconds"] < LONG_SLICE_SECONDS
    assert farm.store.workers() == []


def test_a_run_whose_worker_is_killed_goes_on_elsewhere(farm: Farm) -> None:
    run_id = max(row.id for row in farm.store.runs())
    second = farm.worker()
    wait_until("the rest runs", lambda: farm.run(run_id).state == "running")
    second.kill()
    second.wait()
    farm.worker()
    wait_until("somebody else has it", lambda: farm.run(run_id).attempt == 2)
    owed = farm.store.job_of("fuzz", run_id)
    assert owed is not None
    assert owed.attempts == 0, "nobody says that the work was to blame"


def test_the_farm_keeps_to_its_own_keys(farm: Farm) -> None:
    prefix = f"mmfarm:{farm.store.farm().farm_id}:".encode()
    keys = list(farm.broker.scan_iter())
    assert keys != []
    assert [key for key in keys if not key.startswith(prefix)] == []
