# SPDX-License-Identifier: MIT
"""A real worker on a real broker does what `mmfarm run` does, and survives being killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import redis

from workers import settings
from workers.app import app
from workers.schema import ABANDONED, DONE, MINIMIZED, RUNNING
from workers.store import MAX_ATTEMPTS, Store
from workers.tasks import submit

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.05

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
SLICE_SECONDS = 2.0
LONG_SLICE_SECONDS = 60.0  # never ends in these tests: its worker is killed first
LIMIT_SECONDS = 60.0  # of each wait; the machine may be busy with other tests


@dataclass(frozen=True, slots=True)
class Farm:
    """A store, a broker, and the one worker that serves them."""

    store: Store
    broker: redis.Redis
    worker: subprocess.Popen[bytes]
    log: Path

    def pool_child(self) -> int | None:
        """The worker's child that runs a slice at the moment: the parent of its harness."""
        children = _children()
        for child in children.get(self.worker.pid, []):
            for grandchild in children.get(child, []):
                if b"fuzz.harness" in _command_line(grandchild):
                    return child
        return None

    def idle(self) -> bool:
        """No message waits, and none is held by the worker."""
        return not any(
            self.broker.exists(f"mmfarm:{key}") for key in ("fuzz", "triage", "unacked")
        )


@pytest.fixture(scope="module")
def farm(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("farm")
    log = folder / "worker.log"
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
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "celery", "-A", "workers.app", "worker",
             "-Q", "fuzz,triage", "--concurrency", "1", "--loglevel", "INFO",
             "--without-gossip", "--without-mingle"],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=out,
        )  # fmt: skip
    made = Farm(store, client, worker, log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.conf, "broker_url", broker)  # read from the environment at import
        try:
            wait_until("the worker is ready", lambda: b" ready." in log.read_bytes())
            yield made
        finally:
            worker.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(5)
            worker.kill()
            worker.wait()
            client.close()
            store.close()


def wait_until(what: str, true: Callable[[], bool]) -> None:
    """Fail the test if `true` does not become so in time."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {LIMIT_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _children() -> dict[int, list[int]]:
    """The processes of this machine by their parents."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name before may hold spaces; it ends with the last parenthesis.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(entry.name))
    return found


def _command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _is_in(store: Store, run_id: int, expected: tuple[str, int]) -> bool:
    return _state(store, run_id) == expected


def _state(store: Store, run_id: int) -> tuple[str, int]:
    row = store.run(run_id)
    assert row is not None
    return row.state, row.attempt


def _kill_the_child_that_fuzzes(farm: Farm) -> int:
    found: list[int] = []

    def running() -> bool:
        child = farm.pool_child()
        if child is not None:
            found.append(child)
        return bool(found)

    wait_until("a slice runs", running)
    os.kill(found[0], signal.SIGKILL)
    return found[0]


def test_a_slice_is_fuzzed_verified_and_minimized_by_the_worker(farm: Farm) -> None:
    run_id = submit(farm.store, seconds=SLICE_SECONDS, bugs=(BUG,))
    wait_until(
        "the failure is minimal",
        lambda: bool(farm.store.failures(oracle="soft-dirty", state=MINIMIZED)),
    )
    assert _state(farm.store, run_id) == (DONE, 1)
    assert farm.store.stats().exit_kinds == {"findings": 1}
    seen = farm.store.failures(oracle="soft-dirty", state=MINIMIZED, run_id=run_id)[0]
    detail = farm.store.failure(seen.id)
    assert detail is not None
    assert detail.outcome is not None
    assert detail.outcome.violation is not None
    assert detail.outcome.violation.signature == seen.signature
    assert detail.outcome.trace != []
    assert detail.certificate is not None
    assert detail.certificate["text"] == detail.best.text
    assert f"bug={BUG}" in detail.best.text


def test_a_slice_whose_child_is_killed_is_done_once_by_the_next_delivery(farm: Farm) -> None:
    wait_until("the farm is idle", farm.idle)
    run_id = submit(farm.store, seconds=SLICE_SECONDS)
    first = _kill_the_child_that_fuzzes(farm)
    wait_until("the run is done", lambda: _state(farm.store, run_id)[0] == DONE)
    assert _state(farm.store, run_id) == (DONE, 2)
    assert not Path(f"/proc/{first}").exists()
    wait_until("the message is acknowledged", farm.idle)
    row = farm.store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert (row.figures.exit_kind, row.note) in (("ok", ""), ("findings", ""))
    assert row.figures.executions > 0


def test_a_slice_that_kills_each_worker_is_abandoned_and_not_delivered_for_ever(
    farm: Farm,
) -> None:
    wait_until("the farm is idle", farm.idle)
    run_id = submit(farm.store, seconds=LONG_SLICE_SECONDS)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        expected = (RUNNING, attempt)
        wait_until(f"attempt {attempt}", partial(_is_in, farm.store, run_id, expected))
        _kill_the_child_that_fuzzes(farm)
    wait_until("it is abandoned", lambda: _state(farm.store, run_id)[0] == ABANDONED)
    assert _state(farm.store, run_id) == (ABANDONED, MAX_ATTEMPTS)
    wait_until("the message is acknowledged", farm.idle)


def test_the_farm_keeps_to_its_own_keys(farm: Farm) -> None:
    keys = list(farm.broker.scan_iter())
    assert keys != []
    assert [key for key in keys if not key.startswith(b"mmfarm:")] == []
