# SPDX-License-Identifier: MIT
"""The tasks: `workers.jobs`, called by id, each sending what comes next.

Contract: a task commits, then sends, then is acknowledged. If its worker dies in between, the
next delivery finds the work done and sends again; what is sent twice finds nothing to do. So
no failure is left on its way because of a death, and none is filed twice. What fails without
a death is tried again by Celery, and the store's ledger says when it is enough.
"""

import functools
from typing import Any, Final

from corpus.paths import data_dir
from workers import jobs, settings
from workers.app import task
from workers.isolated import InfraError
from workers.records import Recorded
from workers.schema import NEW, VERIFIED
from workers.store import MAX_ATTEMPTS, Store

# Long enough for a full disk or memory to get better, short for whoever waits.
RETRY_SECONDS: Final = 10


@functools.cache
def store() -> Store:
    """This process' store. Opened by the first task, which runs in a child of the worker: a
    connection opened before the fork would be shared by all children, and break."""
    return Store.open(settings.database_url(data_dir()))


def submit(
    opened: Store, *, seconds: float, bugs: tuple[str, ...] = (), seed: int | None = None
) -> int:
    """Order a slice and send it to the farm. Returns the number of the run."""
    run_id = jobs.order(opened, seconds=seconds, bugs=bugs, seed=seed)
    fuzz_slice.delay(run_id)
    return run_id


@task("fuzz_slice")
def fuzz_slice(run_id: int) -> None:
    """Fuzz for one slice, then have verified what it found."""
    jobs.fuzz(store(), run_id, data_dir())
    for failure in store().failures(state=NEW, run_id=run_id):
        verify.delay(failure.id)


@task("verify", bind=True, max_retries=MAX_ATTEMPTS)
def verify(self: Any, failure_id: int) -> None:
    """Replay a new failure, then have it minimized."""
    try:
        side_finds = jobs.verify(store(), failure_id)
    except InfraError as error:
        raise self.retry(exc=error, countdown=RETRY_SECONDS) from error
    _verify_all(side_finds)
    found = store().failure(failure_id)
    if found is not None and found.failure.state == VERIFIED:
        minimize.delay(failure_id)


@task("minimize", bind=True, max_retries=MAX_ATTEMPTS)
def minimize(self: Any, failure_id: int) -> None:
    """Minimize a verified failure, then have verified what else came up."""
    try:
        side_finds = jobs.minimize(store(), failure_id)
    except InfraError as error:
        raise self.retry(exc=error, countdown=RETRY_SECONDS) from error
    _verify_all(side_finds)


def _verify_all(recorded: list[Recorded]) -> None:
    for found in recorded:
        verify.delay(found.failure_id)
