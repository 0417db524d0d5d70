# SPDX-License-Identifier: MIT
"""Campaigns share the slots by weight, canaries raise an alarm, and estimates are right."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from fuzz import maps
from simulator.bugs import BY_ID
from simulator.outcome import Signature
from tests.farming import BUILD, ManualClock, finding, leased, outcome, text_of
from workers import campaigns, canaries, notices, rota
from workers.campaigns import CampaignError, estimate
from workers.database import file_url
from workers.ledger import Lease
from workers.records import RunFigures, RunRow
from workers.schema import (
    CANARY,
    CONFORM,
    FUZZ,
    KERNEL,
    MINIMIZE,
    MISSED,
    OPEN,
    PASSED,
    QUEUE_FUZZ,
    QUEUE_KERNEL,
    VERIFY,
)
from workers.store import Store

SIZE = 64
BUG = canaries.BUGS[0]
SHOWS_BUG = Signature(BY_ID[BUG].oracles[0], "do_wp_page", "anon")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"), clock)) as opened:
        yield opened


def worker(store: Store, slots: int, *queues: str) -> None:
    store.here(
        name="w",
        host="h",
        queues=queues or ("fuzz",),
        number=slots,
        busy=0,
        build_id=BUILD,
        note="",
    )


def done(store: Store, run_id: int, seconds: float = 20.0, kind: str = FUZZ) -> None:
    lease = leased(store, kind, run_id)
    store.end_run(lease, RunFigures("ok", executions=1000, steps=9, seconds=seconds))


def given(store: Store, rounds: int) -> Counter[str]:
    """Which campaigns' slices were given out, a slice at a time."""
    names = {row.id: row.name for row in store.campaigns()}
    counts: Counter[str] = Counter()
    for _ in range(rounds):
        store.plan(QUEUE_FUZZ, 0)
        lease = store.take([QUEUE_FUZZ], "w")
        assert lease is not None
        with store._read() as connection:
            number = connection.exec_driver_sql(
                f"SELECT campaign_id FROM run WHERE id = {lease.subject}"
            ).scalar_one()
        counts[names[number]] += 1
        store.end_run(lease, RunFigures("ok", executions=10, seconds=5.0))
    return counts


# --- shares ---------------------------------------------------------------------------------


def test_slots_are_shared_by_weight_and_nobody_starves(store: Store) -> None:
    worker(store, 1)
    for name, weight in (("a", 3.0), ("b", 1.0), ("c", 0.25)):
        store.add_campaign(name, weight=weight, canaries=False)
    assert given(store, 34) == {"a": 24, "b": 8, "c": 2}


def test_a_weight_acts_from_the_next_slice_on(store: Store) -> None:
    worker(store, 1)
    store.add_campaign("a", canaries=False)
    store.add_campaign("b", canaries=False)
    assert given(store, 8) == {"a": 4, "b": 4}
    store.change_campaign("b", weight=4.0)
    assert given(store, 20) == {"a": 4, "b": 16}


def test_who_comes_late_or_comes_back_has_nothing_to_catch_up_with(store: Store) -> None:
    worker(store, 1)
    store.add_campaign("old", canaries=False)
    store.add_campaign("away", canaries=False)
    store.change_campaign("away", state="ended")
    given(store, 9)
    store.add_campaign("new", canaries=False)
    store.change_campaign("away", state="active")
    counts = given(store, 9)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_no_more_is_ordered_than_is_taken_soon(store: Store) -> None:
    store.add_campaign("a", canaries=False)
    assert store.plan(QUEUE_FUZZ, 2) == [], "no worker, no order"
    worker(store, 3)
    assert len(store.plan(QUEUE_FUZZ, 2)) == 5
    assert store.plan(QUEUE_FUZZ, 2) == []
    store.set_farm(draining=True)
    done(store, 1) if store.take([QUEUE_FUZZ], "w") else None
    assert store.plan(QUEUE_FUZZ, 2) == []


def test_what_a_person_submits_comes_first(store: Store) -> None:
    worker(store, 1)
    store.add_campaign("a", canaries=False)
    mine = [
        store.create_run({"seconds": 5.0, "bugs": [], "seed": None}, QUEUE_FUZZ) for _ in range(3)
    ]
    assert store.plan(QUEUE_FUZZ, 0) == []
    for run_id in mine:
        done(store, run_id)
    assert len(store.plan(QUEUE_FUZZ, 0)) == 1


def test_only_who_serves_its_queue_asks_a_real_kernel(store: Store) -> None:
    store.add_campaign("k", kind=KERNEL, canaries=False)
    worker(store, 2)
    assert all(store.plan(queue, 1) == [] for queue in rota.JOB_OF)
    worker(store, 1, QUEUE_KERNEL)
    store.gone("w")
    worker(store, 1, QUEUE_KERNEL)
    (run_id,) = store.plan(QUEUE_KERNEL, 0)
    assert store.job_of(CONFORM, run_id) is not None
    assert store.take(["fuzz", "triage"], "x") is None


def test_a_name_is_taken_once(store: Store) -> None:
    store.add_campaign("a")
    with pytest.raises(CampaignError, match="name another"):
        store.add_campaign("a")
    with pytest.raises(CampaignError, match="no campaign of this name"):
        store.change_campaign("b", weight=1.0)


def test_a_slice_that_is_told_to_go_leaves_its_rest_to_its_campaign(store: Store) -> None:
    worker(store, 1)
    store.add_campaign("a", canaries=False)
    (run_id,) = store.plan(QUEUE_FUZZ, 0)
    lease = leased(store, FUZZ, run_id)
    rest = {"seconds": 7.0, "bugs": [], "kernel": "", "seed": None}
    store.end_run(lease, RunFigures("stopped", executions=5, seconds=3.0), rest=rest)
    done(store, run_id + 1)
    (row,) = store.campaigns()
    assert (row.slices, row.executions, row.seconds) == (2, 1005, 23.0)


# --- canaries -------------------------------------------------------------------------------


@pytest.fixture
def canary(store: Store) -> int:
    """The number of a canary whose trial is open."""
    worker(store, 1)
    store.add_campaign("c", kind=CANARY, bugs=[BUG], slice_seconds=20.0, canaries=False)
    store.look_after()
    return store.campaigns()[0].id


def slice_of(store: Store) -> tuple[int, Lease]:
    (run_id,) = store.plan(QUEUE_FUZZ, 0)
    return run_id, leased(store, FUZZ, run_id)


def find(store: Store, signature: Signature = SHOWS_BUG, seconds: float = 20.0) -> int:
    """A slice of the canary that shows something. Returns the failure."""
    _, lease = slice_of(store)
    figures = RunFigures("findings", executions=1, seconds=seconds)
    (recorded,), _ = store.end_run(lease, figures, [finding(4, signature)])
    return recorded.failure_id


def finish(store: Store, failure_id: int, signature: Signature = SHOWS_BUG) -> None:
    shown = outcome(signature)
    store.verified(leased(store, VERIFY, failure_id), text_of(4), BUILD, shown, "")
    store.minimized(leased(store, MINIMIZE, failure_id), text_of(2), BUILD, shown, {}, "")


def test_a_canary_passes_when_its_bug_is_found_verified_and_minimal(
    store: Store, canary: int
) -> None:
    for _ in range(3):
        run_id, lease = slice_of(store)
        store.end_run(lease, RunFigures("ok", executions=1, seconds=20.0))
    failure_id = find(store)
    store.look_after()
    assert [trial.state for trial in store.trials(canary, 9)] == [OPEN]
    finish(store, failure_id)
    store.look_after()
    (trial,) = store.trials(canary, 9)
    assert trial.state == PASSED
    assert 60.0 <= trial.seconds <= 80.0
    assert store.failures() == []
    assert [row.id for row in store.failures(canaries=True)] == [failure_id]
    assert store.notices(9) == []
    assert store.stats().failures == {}


def test_each_trial_begins_from_nothing(store: Store, canary: int) -> None:
    for number in range(2):
        finish(store, find(store))
        store.look_after()  # ends it
        store.look_after()  # begins another
        states = [trial.state for trial in store.trials(canary, 9)]
        assert states == [OPEN] + [PASSED] * (number + 1)
        assert store.failures(canaries=True) == []
        assert [job for job in store.jobs() if job.kind != FUZZ] == []


def test_a_missed_canary_is_an_alarm(store: Store, canary: int) -> None:
    for _ in range(4):
        _, lease = slice_of(store)
        store.end_run(lease, RunFigures("ok", executions=1, seconds=80.0))
    store.look_after()
    assert [trial.state for trial in store.trials(canary, 1)] == [MISSED]
    (notice,) = store.notices(9)
    assert notice.kind == notices.CANARY
    assert "not found in 320 s of slices" in notice.text
    assert store.decisions(campaigns.named(canary))[-1].code == "canary-missed"


def test_what_is_found_and_not_brought_to_its_end_is_missed_too(
    store: Store, canary: int, clock: ManualClock
) -> None:
    find(store)
    clock.advance(canaries.FINISH_SECONDS + 1)
    worker(store, 1)
    store.look_after()
    assert store.trials(canary, 1)[0].note == "found, but not minimal 1800 s later"


def test_another_find_of_a_canarys_slice_is_a_find(store: Store, canary: int) -> None:
    other = Signature("deadlock", "munmap", "mm")
    assert other.oracle not in BY_ID[BUG].oracles
    find(store, other)
    assert [row.signature for row in store.failures()] == [other]
    assert store.trials(canary, 1)[0].found_at is None


def test_what_hides_behind_a_canary_is_found_anew_by_others(store: Store, canary: int) -> None:
    failure_id = find(store)
    finish(store, failure_id)
    run_id = store.create_run({"seconds": 5.0, "bugs": [], "seed": None}, QUEUE_FUZZ)
    store.end_run(leased(store, FUZZ, run_id), RunFigures("findings"), [finding(5, SHOWS_BUG)])
    (row,) = store.failures()
    assert (row.id, row.state, row.count, row.ops) == (failure_id, "new", 1, 5 + 1)
    assert store.job_of(VERIFY, failure_id) is not None
    find(store)  # the canary again: it counts for the canary, and nowhere else
    (row,) = store.failures()
    assert row.count == 1
    store.look_after()
    assert store.trials(canary, 1)[0].state == PASSED


def test_the_first_campaign_brings_the_canaries(store: Store) -> None:
    begun = store.add_campaign("mended")
    assert begun == ["mended", *(f"canary-{bug}" for bug in canaries.BUGS)]
    assert store.add_campaign("other") == ["other"]
    share = sum(row.weight for row in store.campaigns() if row.kind == CANARY)
    assert 0 < share < 0.1
    assert all(bug in BY_ID and not BY_ID[bug].control for bug in canaries.BUGS)


# --- what is left ---------------------------------------------------------------------------


def show(store: Store, *features: int, news: bool = True) -> None:
    bits = sum(1 << feature for feature in features)
    store.showed("", BUILD, maps.to_map(bits, SIZE), news=news)


def test_features_are_counted_by_how_many_slices_have_shown_them(store: Store) -> None:
    store.seen_map("", BUILD)
    store.unproven("", BUILD, 1)  # makes the map's row
    show(store, 1, 2, 3)
    show(store, 2, 3)
    show(store, 3, 4)
    with store._read() as connection:
        (row,) = connection.exec_driver_sql("SELECT once, twice, often, slices FROM feature_map")
    once, twice, often = (maps.from_map(maps.unpack(each)) for each in row[:3])
    assert (once, twice, often) == (1 << 1 | 1 << 4, 1 << 2, 1 << 3)
    assert row[3] == 3
    left = store.estimates()[""]
    assert left.expected_new == pytest.approx(2 / 3)


def drawn(seed: int, rates: list[float], slices: int) -> tuple[campaigns.Estimate, list[float]]:
    """The estimate after some slices, and the rates of what none of them has shown."""
    rng = Random(seed)
    counts: Counter[int] = Counter()
    for _ in range(slices):
        counts.update(n for n, rate in enumerate(rates) if rng.random() < rate)
    once, twice = (sum(count == times for count in counts.values()) for times in (1, 2))
    left = estimate(slices, once, twice, len(counts), slices)
    return left, [rate for n, rate in enumerate(rates) if n not in counts]


def test_an_interval_holds_the_truth_where_all_is_equally_rare() -> None:
    covered = 0
    for seed in range(40):
        left, unseen = drawn(seed, [0.02] * 300, 60)
        covered += left.unseen_low <= len(unseen) <= left.unseen_high
    assert covered >= 34


def test_where_some_is_rarer_the_estimate_is_a_lower_bound_and_the_next_slice_as_expected() -> None:
    rates = [0.005 + 0.3 * (number / 300) ** 3 for number in range(300)]
    made = [drawn(seed, rates, 60) for seed in range(40)]
    expected = sum(left.expected_new for left, _ in made)
    assert expected == pytest.approx(sum(sum(unseen) for _, unseen in made), rel=0.15)
    assert sum(left.unseen for left, _ in made) <= sum(len(unseen) for _, unseen in made)


def test_a_plateau_is_told_once_and_so_is_its_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_campaign("a", canaries=False)
    store.unproven("", BUILD, 1)
    show(store, 1)
    monkeypatch.setattr(campaigns, "PLATEAU_SLICES", 3)
    for _ in range(4):
        show(store, 1, news=False)
        store.look_after()
    (row,) = store.campaigns()
    assert row.plateau_at is not None
    assert [notice.kind for notice in store.notices(9)] == [notices.PLATEAU]
    show(store, 1, 2)
    store.look_after()
    assert store.campaigns()[0].plateau_at is None
    codes = [decision.code for decision in store.decisions(campaigns.named(row.id))]
    assert codes == ["operator", "plateau", "news"]


def test_a_canarys_find_needs_its_bugs_oracle(store: Store, canary: int) -> None:
    row: RunRow | None
    run_id, lease = slice_of(store)
    row = store.run(run_id)
    assert row is not None
    with store._read() as connection:
        shown = canaries.shown_by(connection, run_id, finding(4, SHOWS_BUG))
        other = canaries.shown_by(connection, run_id, replace(finding(4, SHOWS_BUG), oracle="leak"))
    assert (shown, other) == (canary, None)
