# SPDX-License-Identifier: MIT
"""What is owed is leased to one at a time, and only the work's own deaths count against it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy.exc import OperationalError

from tests.farming import SPEC, ManualClock, begun, finding, leased
from workers import ledger
from workers.app import BrokerDown
from workers.database import file_url
from workers.errors import StoreDown
from workers.ledger import (
    FORGET_SECONDS,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    MAX_SETBACK_SECONDS,
    RESEND_SECONDS,
)
from workers.records import RunFigures
from workers.scheduler import LOCK_SECONDS, SPARE, Scheduler
from workers.schema import (
    ABANDONED,
    FUZZ,
    HELD,
    QUEUE_FUZZ,
    QUEUE_TRIAGE,
    QUEUED,
    READY,
    RUNNING,
    VERIFY,
)
from workers.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"), clock)) as opened:
        yield opened


def ordered(store: Store, number: int = 1) -> list[int]:
    """The jobs of so many runs."""
    return [
        owed.id
        for _ in range(number)
        if (owed := store.job_of(FUZZ, store.create_run(SPEC, QUEUE_FUZZ))) is not None
    ]


def test_a_job_is_leased_to_one_worker_at_a_time(store: Store, clock: ManualClock) -> None:
    (job,) = ordered(store)
    first = store.lease(job, "a")
    assert first is not None
    assert store.lease(job, "b") is None
    assert store.take([QUEUE_FUZZ], "b") is None
    clock.advance(LEASE_SECONDS - 1)
    assert store.beat([first]) == []
    clock.advance(LEASE_SECONDS - 1)
    assert store.reap() == []
    clock.advance(2)
    assert store.reap() == [("R1", "a")]
    second = store.lease(job, "b")
    assert second is not None
    assert second.number == first.number + 1
    assert store.beat([first, second]) == [first]
    assert [row.code for row in store.decisions("R1")] == ["lease-lost"]


def test_a_worker_that_was_cut_off_goes_on_if_nobody_has_taken_its_job(
    store: Store, clock: ManualClock
) -> None:
    _, lease = begun(store)
    clock.advance(LEASE_SECONDS + 1)
    store.reap()
    run = store.run(1)
    assert run is not None
    assert run.state == QUEUED
    assert store.beat([lease]) == []
    assert store.lease(lease.job_id, "b") is None
    assert store.end_run(lease, RunFigures("ok"))[1]


def test_a_lease_names_its_job_for_ever(store: Store) -> None:
    """SQLite would give the number of the last row that went to the next one that comes."""
    run, old = begun(store)
    store.end_run(old, RunFigures("ok"))
    _, new = begun(store)
    assert new.job_id != old.job_id
    store.give_back(old)
    assert store.beat([new]) == []
    assert not store.end_run(old, RunFigures("ok"))[1]


def test_deaths_of_the_work_itself_hold_it_until_a_person_wants_it_again(store: Store) -> None:
    store.record(finding())
    for attempt in range(1, MAX_ATTEMPTS + 1):
        held = store.died(leased(store, VERIFY, 1), "the child ended with -11")
        assert held == (attempt == MAX_ATTEMPTS)
    assert store.take([QUEUE_TRIAGE], "w") is None
    (job,) = store.jobs(HELD)
    assert (job.attempts, job.note) == (MAX_ATTEMPTS, "the child ended with -11")
    assert store.failures()[0].note == "verify: the child ended with -11"
    assert not store.retry("minimize", 1)
    assert store.retry(VERIFY, 1)
    assert not store.retry(VERIFY, 1)
    assert leased(store, VERIFY, 1).attempts == 0
    assert [row.code for row in store.decisions("F1")] == ["held", "retried"]


def test_a_run_that_is_held_is_abandoned_and_comes_back(store: Store) -> None:
    (job,) = ordered(store)
    for _ in range(MAX_ATTEMPTS):
        lease = store.lease(job, "w")
        assert lease is not None
        store.died(lease, "ValueError")
    row = store.run(1)
    assert row is not None
    assert (row.state, row.note) == (ABANDONED, "ValueError")
    store.retry(FUZZ, 1)
    row = store.run(1)
    assert row is not None
    assert row.state == QUEUED


def test_a_death_that_is_told_twice_counts_once(store: Store) -> None:
    store.record(finding())
    lease = leased(store, VERIFY, 1)
    store.died(lease, "x")
    store.died(lease, "x")
    assert [job.attempts for job in store.jobs()] == [1]


def test_errors_of_the_infrastructure_only_wait_a_little_longer_each_time(
    store: Store, clock: ManualClock
) -> None:
    store.record(finding())
    waits = []
    for _ in range(2 * MAX_ATTEMPTS + 4):
        store.set_back(leased(store, VERIFY, 1), "no space left")
        (job,) = store.jobs()
        assert (job.state, job.attempts, job.note) == (READY, 0, "no space left")
        waits.append((job.due_at - clock.now).total_seconds())
        assert store.take([QUEUE_TRIAGE], "w") is None
        clock.advance(waits[-1])
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, MAX_SETBACK_SECONDS)


def test_what_is_given_back_is_due_at_once(store: Store) -> None:
    (job,) = ordered(store)
    lease = store.lease(job, "w")
    assert lease is not None
    store.give_back(lease)
    row = store.run(1)
    assert row is not None
    assert row.state == QUEUED
    assert store.lease(job, "v") is not None


def test_a_farm_that_is_paused_begins_nothing_and_one_that_drains_no_slice(store: Store) -> None:
    (job,) = ordered(store)
    store.record(finding())
    store.set_farm(paused=True)
    assert store.take([QUEUE_FUZZ, QUEUE_TRIAGE], "w") is None
    store.set_farm(paused=False, draining=True)
    assert store.lease(job, "w") is None
    taken = store.take([QUEUE_TRIAGE], "w")
    assert taken is not None
    assert taken.kind == VERIFY
    store.set_farm(draining=False)
    assert store.lease(job, "w") is not None
    assert [row.detail for row in store.decisions("farm")] == [
        "paused=True",
        "paused=False, draining=True",
        "draining=False",
    ]


# --- the scheduler ---------------------------------------------------------------------------


class Broker:
    def __init__(self) -> None:
        self.sent: list[int] = []
        self.down = False

    def send(self, queue: str, job_id: int) -> None:
        if self.down:
            raise BrokerDown("no answer")
        self.sent.append(job_id)


def here(store: Store, slots: int) -> None:
    store.here(
        name="w", host="h", queues=["fuzz", "triage"], number=slots, busy=0, build_id="b", note=""
    )


def test_as_much_is_sent_as_workers_can_take_soon(store: Store, clock: ManualClock) -> None:
    here(store, 3)
    jobs = ordered(store, 20)
    broker = Broker()
    scheduler = Scheduler(store, "s", broker.send)
    scheduler.tick()
    scheduler.tick()
    assert broker.sent == jobs[: 3 + SPARE]
    lease = store.lease(jobs[0], "w")
    assert lease is not None
    store.end_run(lease, RunFigures("ok"))
    scheduler.tick()
    assert broker.sent == jobs[: 4 + SPARE]


def test_what_did_not_arrive_is_sent_again(store: Store, clock: ManualClock) -> None:
    jobs = ordered(store, 2)
    broker = Broker()
    scheduler = Scheduler(store, "s", broker.send)
    scheduler.tick()
    store.lease(jobs[0], "w")
    clock.advance(RESEND_SECONDS + 1)
    scheduler.tick()
    assert broker.sent == [*jobs, jobs[1]]


def test_a_broker_that_is_down_is_owed_its_messages(store: Store) -> None:
    jobs = ordered(store)
    broker = Broker()
    broker.down = True
    scheduler = Scheduler(store, "s", broker.send)
    with pytest.raises(BrokerDown):
        scheduler.tick()
    assert [job.sent_at for job in store.jobs()] == [None]
    broker.down = False
    scheduler.tick()
    assert broker.sent == jobs


def test_one_scheduler_works_and_another_goes_on_when_it_dies(
    store: Store, clock: ManualClock
) -> None:
    broker = Broker()
    first, second = Scheduler(store, "a", broker.send), Scheduler(store, "b", broker.send)
    assert first.tick()
    assert not second.tick()
    clock.advance(LOCK_SECONDS - 1)
    assert first.tick()
    clock.advance(LOCK_SECONDS - 1)
    assert not second.tick()
    clock.advance(2)
    assert second.tick()
    assert not first.tick()
    second.run(lambda seconds: True)
    assert first.tick(), "one that ends in peace leaves the lock"


def test_work_goes_on_elsewhere_within_a_minute_of_a_death() -> None:
    assert LEASE_SECONDS + LOCK_SECONDS < 60


def test_a_worker_that_is_not_heard_of_is_forgotten(store: Store, clock: ManualClock) -> None:
    here(store, 1)
    clock.advance(FORGET_SECONDS - 1)
    here(store, 1)
    store.reap()
    assert [row.name for row in store.workers()] == ["w"]
    clock.advance(FORGET_SECONDS + 1)
    store.reap()
    assert store.workers() == []


def test_work_that_a_message_should_have_reached_is_neglected(
    store: Store, clock: ManualClock
) -> None:
    (job,) = ordered(store)
    clock.advance(50)
    assert not store.neglected([QUEUE_FUZZ], 45), "no message was sent"
    store.sent([job])
    assert store.neglected([QUEUE_FUZZ], 45)
    assert not store.neglected([QUEUE_TRIAGE], 45)
    store.lease(job, "w")
    assert not store.neglected([QUEUE_FUZZ], 45)


# --- a store that fails ----------------------------------------------------------------------


def test_an_error_of_the_database_is_told_from_one_of_ours(store: Store) -> None:
    failed = OperationalError("UPDATE", {}, Exception("database or disk is full"))
    with mock.patch.object(ledger, "lease") as lease:
        lease.side_effect = failed
        with pytest.raises(StoreDown, match="mmfarm.db: database or disk is full"):
            store.lease(1, "w")
        lease.side_effect = ValueError("ours")
        with pytest.raises(ValueError, match="ours"):
            store.lease(1, "w")


def test_a_run_is_ordered_together_with_what_is_owed_for_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock.patch.object(ledger, "owe", side_effect=ValueError("dies in between")):
        with pytest.raises(ValueError, match="dies"):
            store.create_run(SPEC, QUEUE_FUZZ)
        with pytest.raises(ValueError, match="dies"):
            store.record(finding())
    assert (store.runs(), store.failures()) == ([], [])
    begun(store)
    assert [row.state for row in store.runs()] == [RUNNING]
