# SPDX-License-Identifier: MIT
"""The jobs file what they find whatever dies on the way. The model is a fake one here."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from corpus.text import parse
from fuzz.findings import Finding, write_finding
from fuzz.slice import ExitKind, SliceResult, SliceSpec
from fuzz.statistics import InternalError, Statistics
from simulator.outcome import Signature
from simulator.run import Machine
from simulator.scenario import Scenario
from tests.farming import (
    BUILD,
    DIGEST,
    OTHER,
    SIGNATURE,
    SPEC,
    FakeHands,
    begun,
    finding,
    leased,
    outcome,
    result,
    site,
    text_of,
)
from workers import child, jobs
from workers.attempts import Attempt, sweep
from workers.database import file_url
from workers.errors import InfraError, Stopped, StoreDown
from workers.isolated import Minimal, Replayed
from workers.jobs import STOPPED, Site
from workers.ledger import Lease
from workers.records import CUT_OFF
from workers.schema import (
    DONE,
    FUZZ,
    MINIMIZE,
    MINIMIZED,
    NEW,
    QUEUE_FUZZ,
    QUEUE_TRIAGE,
    QUEUED,
    RUNNING,
    UNREPRODUCIBLE,
    VERIFIED,
    VERIFY,
)
from workers.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(file_url(tmp_path / "mmfarm.db"))
    yield opened
    opened.close()


@pytest.fixture
def fake() -> FakeHands:
    return FakeHands()


@pytest.fixture
def here(store: Store, tmp_path: Path, fake: FakeHands) -> Site:
    return site(store, tmp_path, fake)


def state(store: Store, failure_id: int = 1) -> str:
    detail = store.failure(failure_id)
    assert detail is not None
    return detail.failure.state


def found_in_folder(spec: SliceSpec, *findings: Finding) -> None:
    """What a slice leaves while it runs."""
    assert spec.work is not None
    (spec.work / "findings").mkdir()
    for each in findings:
        write_finding(spec.work / "findings", each)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "runs").iterdir())


# --- slices ---------------------------------------------------------------------------------


def test_a_slice_is_recorded_with_its_figures_and_findings(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path
) -> None:
    def make(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding())
        return result([finding()])

    fake.slices = make
    run_id = store.create_run(jobs.slice_spec(seconds=5, bugs=("b", "a")), QUEUE_FUZZ)
    done = jobs.fuzz(here, leased(store, FUZZ, run_id))
    assert done.counts
    assert [recorded.first for recorded in done.recorded] == [True]
    row = store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert (row.state, row.figures.executions, row.figures.exit_kind) == (DONE, 100, "findings")
    assert (row.figures.steps, row.figures.statistics["features"]) == (4000, 7)
    assert (fake.specs[0].bugs, fake.specs[0].seed) == (("a", "b"), run_id)
    assert left(tmp_path) == []
    assert [job.kind for job in store.jobs()] == [VERIFY]


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, MemoryError, RuntimeError])
def test_what_a_slice_had_found_outlives_whatever_ends_its_worker(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path, end: type[BaseException]
) -> None:
    def die(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding())
        raise end

    fake.slices = die
    run_id, lease = begun(store, QUEUE_FUZZ)
    with pytest.raises(end):
        jobs.fuzz(here, lease)
    assert (store.failures(), left(tmp_path)) == ([], ["R1.1"])
    swept = sweep(store, tmp_path)
    assert [recorded.first for recorded in swept.recorded] == [True]
    assert [row.signature for row in store.failures(run_id=run_id)] == [SIGNATURE]
    assert left(tmp_path) == []
    owed = store.job_of(FUZZ, run_id)
    assert owed is not None
    assert (owed.state, owed.attempts) == ("ready", 0), "the run goes on elsewhere"


def test_a_run_that_is_nobody_elses_business_is_closed_by_whoever_comes_by(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path
) -> None:
    def die(spec: SliceSpec) -> SliceResult:
        assert spec.work is not None
        line = Statistics(executions=70, steps=900, seconds=2.5).to_json()
        (spec.work / "statistics.jsonl").write_text(f"{line}\n")
        raise SystemExit

    fake.slices = die
    run_id, lease = begun(store)
    with pytest.raises(SystemExit):
        jobs.fuzz(here, lease)
    assert sweep(store, tmp_path).runs == [run_id]
    row = store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert (row.state, row.note) == (DONE, "its process was killed")
    assert (row.figures.exit_kind, row.figures.executions, row.figures.steps) == ("killed", 70, 900)
    assert sweep(store, tmp_path).runs == []


def test_a_folder_that_somebody_works_in_is_left_alone(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path
) -> None:
    def meddle(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding())
        assert sweep(store, tmp_path).recorded == []
        return result([finding()])

    fake.slices = meddle
    _, lease = begun(store)
    assert jobs.fuzz(here, lease).counts


def test_finds_are_filed_while_the_slice_runs(store: Store, here: Site, fake: FakeHands) -> None:
    seen: list[int] = []

    def run_slice(spec: SliceSpec, progress: Any, stop: Any) -> SliceResult:
        found_in_folder(spec, finding())
        progress(Statistics())
        seen.append(len(store.failures()))
        return result([finding()])

    hands = replace(here.hands, run_slice=run_slice)
    _, lease = begun(store)
    jobs.fuzz(replace(here, hands=hands), lease)
    assert seen == [1]
    assert store.failures()[0].count == 1


def test_a_late_folder_of_a_run_that_others_have_done_is_filed_and_counted_once(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path
) -> None:
    """Host A finds, dies; host B is given the run and ends it; A comes back."""

    def die(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding(), finding(signature=OTHER))
        raise SystemExit

    fake.slices = die
    run_id, lease = begun(store, QUEUE_FUZZ)
    with pytest.raises(SystemExit):
        jobs.fuzz(here, lease)
    store.give_back(lease)  # as the scheduler does when the lease has run out

    def again(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding())
        return result([finding()])

    fake.slices = again
    elsewhere = site(store, tmp_path / "b", fake)
    jobs.fuzz(elsewhere, leased(store, FUZZ, run_id))
    assert [row.count for row in store.failures()] == [1]
    sweep(store, tmp_path)
    assert [(row.count, row.runs) for row in store.failures()] == [(1, 1), (1, 1)]
    assert left(tmp_path) == []


def test_a_folder_of_another_farm_is_left_alone_and_said(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path
) -> None:
    def die(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding())
        raise SystemExit

    fake.slices = die
    _, lease = begun(store)
    with pytest.raises(SystemExit):
        jobs.fuzz(here, lease)
    other = Store.open(file_url(tmp_path / "other.db"))
    swept = sweep(other, tmp_path)
    assert "not to this one" in swept.complaints[0]
    assert (other.failures(), left(tmp_path)) == ([], ["R1.1"])
    other.close()


def test_a_folder_that_makes_no_sense_is_said_and_stops_nothing(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path
) -> None:
    bad = tmp_path / "runs" / "R0.1"
    bad.mkdir(parents=True)
    (bad / "order.json").write_text('{"farm_id": "../../x"}')
    (bad / "lock").touch()

    def die(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding())
        raise SystemExit

    fake.slices = die
    _, lease = begun(store)
    with pytest.raises(SystemExit):
        jobs.fuzz(here, lease)
    swept = sweep(store, tmp_path)
    assert [recorded.first for recorded in swept.recorded] == [True]
    assert len(swept.complaints) == 1
    assert str(bad) in swept.complaints[0]


def test_a_slice_that_cannot_begin_is_no_verdict(store: Store, here: Site, fake: FakeHands) -> None:
    broken = replace(result([], ExitKind.ERROR, return_code=3), statistics=Statistics())
    fake.slices = lambda spec: broken
    _, lease = begun(store)
    with pytest.raises(InfraError, match="could not begin: last line"):
        jobs.fuzz(here, lease)

    def full(spec: SliceSpec) -> SliceResult:
        raise OSError(28, "No space left on device")

    fake.slices = full
    store.give_back(lease)
    with pytest.raises(InfraError, match="No space left"):
        jobs.fuzz(here, leased(store, FUZZ, 1))
    row = store.run(1)
    assert row is not None
    assert (row.state, row.figures) == (RUNNING, None)


def test_a_slice_that_is_told_to_stop_counts_and_leaves_its_rest_to_others(
    store: Store, here: Site, fake: FakeHands
) -> None:
    fake.slices = lambda spec: result([], ExitKind.KILLED, return_code=-9, in_flight=text_of(1))
    run_id, lease = begun(store, QUEUE_FUZZ)
    done = jobs.fuzz(here, lease, stop=lambda: True)
    assert done.counts
    row = store.run(run_id)
    rest = store.run(run_id + 1)
    assert row is not None
    assert row.figures is not None
    assert rest is not None
    assert (row.figures.exit_kind, row.figures.executions, row.note) == (STOPPED, 100, "")
    assert (rest.state, rest.spec) == (QUEUED, SPEC | {"seconds": 3.5})
    assert store.suspects() == []


def test_a_corpus_that_cannot_be_pushed_costs_nothing_else(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> int:
        raise StoreDown("disk full")

    def make(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, finding())
        return result([finding()])

    fake.slices = make
    monkeypatch.setattr(Attempt, "push", full)
    _, lease = begun(store)
    assert jobs.fuzz(here, lease).counts
    assert [row.count for row in store.failures()] == [1]
    assert left(tmp_path) == ["R1.1"], "whoever comes by pushes it"


def test_one_finding_that_cannot_be_read_does_not_lose_the_others(
    store: Store, here: Site, fake: FakeHands
) -> None:
    bad = replace(finding(signature=OTHER), text="garbage\n")

    def make(spec: SliceSpec) -> SliceResult:
        found_in_folder(spec, bad, finding())
        assert spec.work is not None
        (spec.work / "findings" / "0.json").write_text("{}")
        return result([bad, finding()])

    fake.slices = make
    run_id, lease = begun(store)
    jobs.fuzz(here, lease)
    assert [row.signature for row in store.failures()] == [SIGNATURE]
    row = store.run(run_id)
    assert row is not None
    assert f"finding lost: {OTHER}" in row.note
    assert "finding lost: 0.json" in row.note


def test_internal_errors_of_a_slice_are_kept_and_are_no_failures(
    store: Store, here: Site, fake: FakeHands
) -> None:
    statistics = Statistics(
        executions=9, internal_errors=[InternalError("nondeterminism", "why", "text")]
    )
    fake.slices = lambda spec: replace(result([], ExitKind.ERROR), statistics=statistics)
    run_id, lease = begun(store)
    jobs.fuzz(here, lease)
    row = store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert row.figures.statistics["internal_errors"][0]["kind"] == "nondeterminism"
    assert store.failures() == []


@pytest.mark.parametrize("seconds", [0.5, 121, float("nan")])
def test_a_slice_that_is_too_short_or_too_long_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="1 to 120 seconds"):
        jobs.slice_spec(seconds=seconds)


# --- failures --------------------------------------------------------------------------------


def verifying(store: Store) -> Lease:
    if not store.failures():
        store.record(finding())
    return leased(store, VERIFY, 1)


def test_verify_replays_three_times_with_different_hash_seeds(
    store: Store, here: Site, fake: FakeHands
) -> None:
    assert jobs.verify(here, verifying(store)).counts
    assert fake.asked == [0, 1, 2]
    assert state(store) == VERIFIED
    assert [job.kind for job in store.jobs()] == [MINIMIZE]


def test_a_failure_whose_digest_varies_is_unreproducible(
    store: Store, here: Site, fake: FakeHands
) -> None:
    fake.shows = lambda text, seed: outcome(digest=DIGEST if seed < 2 else "f" * 16)
    jobs.verify(here, verifying(store))
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == UNREPRODUCIBLE
    assert "digests differ" in detail.failure.note
    assert [row.code for row in store.decisions("F1")] == ["unreproducible"]


def test_a_digest_that_differs_from_the_find_on_the_same_build_is_unreproducible(
    store: Store, here: Site, fake: FakeHands
) -> None:
    fake.shows = lambda text, seed: outcome(digest="f" * 16)
    jobs.verify(here, verifying(store))
    assert state(store) == UNREPRODUCIBLE


def test_digests_of_different_builds_are_not_compared(
    store: Store, here: Site, fake: FakeHands
) -> None:
    fake.shows = lambda text, seed: outcome(digest="f" * 16)
    fake.build = "c" * 64
    jobs.verify(here, verifying(store))
    detail = store.failure(1)
    assert detail is not None
    assert (detail.failure.state, detail.best.digest) == (VERIFIED, "f" * 16)


def test_a_model_that_is_edited_during_the_replays_is_no_nondeterminism(
    store: Store, here: Site
) -> None:
    hands = replace(
        here.hands,
        replay=lambda text, seed, stop: Replayed(str(seed) * 64, outcome(digest=str(seed) * 16)),
    )
    with pytest.raises(InfraError, match="sources changed"):
        jobs.verify(replace(here, hands=hands), verifying(store))
    assert state(store) == NEW


def test_a_failure_that_is_gone_is_unreproducible_and_says_so(
    store: Store, here: Site, fake: FakeHands
) -> None:
    fake.shows = lambda text, seed: outcome(None)
    fake.build = "c" * 64
    jobs.verify(here, verifying(store))
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == UNREPRODUCIBLE
    assert "shows no failure" in detail.failure.note


def test_verify_goes_on_to_the_next_scenario_and_keeps_the_complaint(
    store: Store, here: Site, fake: FakeHands
) -> None:
    store.record(finding(2))
    store.record(finding(5))
    fake.shows = lambda text, seed: outcome(None if text == text_of(2) else SIGNATURE)
    jobs.verify(here, verifying(store))
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == VERIFIED
    assert detail.best.text == text_of(5)
    assert "shows no failure" in detail.failure.note


def test_another_failure_that_a_replay_shows_is_filed_under_its_own_signature(
    store: Store, here: Site, fake: FakeHands
) -> None:
    fake.shows = lambda text, seed: outcome(OTHER)
    fake.build = "c" * 64
    side = jobs.verify(here, verifying(store)).recorded
    detail = store.failure(side[0].failure_id)
    assert detail is not None
    assert (detail.failure.signature, detail.failure.state) == (OTHER, NEW)
    assert f"# expect: {OTHER}\n" in detail.best.text


def minimizing(store: Store, here: Site) -> Lease:
    jobs.verify(here, verifying(store))
    return leased(store, MINIMIZE, 1)


def test_minimize_keeps_the_minimal_scenario_and_files_what_came_up(
    store: Store, here: Site, fake: FakeHands
) -> None:
    fake.minimal = lambda text: Minimal(BUILD, text_of(1), {"complete": True}, [finding(2, OTHER)])
    side = jobs.minimize(here, minimizing(store, here)).recorded
    detail = store.failure(1)
    assert detail is not None
    assert (detail.failure.state, detail.best.text) == (MINIMIZED, text_of(1))
    assert detail.certificate == {"complete": True}
    assert state(store, side[0].failure_id) == NEW


def test_a_side_find_that_cannot_be_told_takes_no_result_with_it(
    store: Store, here: Site, fake: FakeHands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untold(machine: Machine, side: Scenario) -> Finding:
        raise ValueError("expect should be `clean` or `ORACLE CULPRIT OBJECT-CLASS`")

    monkeypatch.setattr(child, "_finding", untold)
    told, lost = child._told(Machine(), [parse(text_of(1))])
    assert (told, len(lost)) == ([], 1)
    fake.minimal = lambda text: Minimal(BUILD, text_of(1), {"complete": True}, [], lost)
    jobs.minimize(here, minimizing(store, here))
    row = store.failures()[0]
    assert row.state == MINIMIZED
    assert "expect should be" in row.note


def test_a_minimal_scenario_that_shows_another_failure_is_not_taken(
    store: Store, here: Site, fake: FakeHands
) -> None:
    lease = minimizing(store, here)
    fake.shows = lambda text, seed: outcome(OTHER)
    with pytest.raises(jobs.NotMinimal, match=str(OTHER)):
        jobs.minimize(here, lease)
    row = store.failures()[0]
    assert (row.state, row.ops) == (VERIFIED, 5)


def test_all_failures_are_verified_before_one_is_minimized_and_the_smallest_comes_first(
    store: Store, here: Site, fake: FakeHands
) -> None:
    sizes = {"large": 9, "small": 2, "medium": 5}
    for culprit, reads in sizes.items():
        store.record(finding(reads, Signature("leak", culprit, "page")))
    culprits = {row.id: row.signature.culprit for row in store.failures()}
    order = []
    while (lease := store.take([QUEUE_TRIAGE], "w")) is not None:
        order.append((lease.kind, culprits[lease.subject]))
        shown = Signature("leak", culprits[lease.subject], "page")
        fake.shows = partial(lambda signature, text, seed: outcome(signature), shown)
        jobs.do(here, lease)
    by_size = ["small", "medium", "large"]
    assert order == [(VERIFY, each) for each in by_size] + [(MINIMIZE, each) for each in by_size]


def test_a_minimizer_that_is_stopped_keeps_what_it_has_and_the_next_goes_on_from_there(
    store: Store, here: Site
) -> None:
    given: list[str] = []

    def stopped(text: str, signature: Any, stop: Any, keep: Any) -> Minimal:
        given.append(text)
        keep(replace(finding(2), origin=CUT_OFF))
        raise Stopped

    lease = minimizing(store, here)
    count = store.failures()[0].count
    for _ in range(2):
        with pytest.raises(Stopped):
            jobs.minimize(replace(here, hands=replace(here.hands, minimize=stopped)), lease)
    assert given == [text_of(4), text_of(2)]
    assert store.failures()[0].count == count  # nobody has seen it again


def test_what_cannot_be_kept_of_a_minimizer_costs_no_more_than_that(
    store: Store, here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(failure_id: int, best: Finding) -> None:
        raise StoreDown("the disk is full")

    def stopped(text: str, signature: Any, stop: Any, keep: Any) -> Minimal:
        keep(finding(2))
        raise Stopped

    lease = minimizing(store, here)
    monkeypatch.setattr(store, "keep", full)
    with pytest.raises(Stopped):
        jobs.minimize(replace(here, hands=replace(here.hands, minimize=stopped)), lease)
    assert state(store) == VERIFIED


# --- poison -----------------------------------------------------------------------------------


def poisoned(
    store: Store,
    here: Site,
    fake: FakeHands,
    kind: ExitKind = ExitKind.TIMEOUT,
    return_code: int = 70,
) -> None:
    """A slice dies with a scenario."""
    fake.slices = lambda spec: result([], kind, return_code=return_code, in_flight=text_of(3))
    _, lease = begun(store)
    jobs.fuzz(here, lease)


def test_what_ran_when_a_slice_died_is_run_alone_and_quarantined_if_it_dies_twice_more(
    store: Store, here: Site, fake: FakeHands
) -> None:
    poisoned(store, here, fake)
    (suspect,) = store.suspects()
    assert (suspect.state, suspect.text, suspect.deaths) == ("suspected", text_of(3), 1)
    fake.death = lambda: "the child ended with 71"
    assert jobs.alone(here, leased(store, "alone", 1)).counts
    (suspect,) = store.suspects()
    assert (suspect.state, suspect.deaths, suspect.note) == (
        "quarantined",
        3,
        "the child ended with 71",
    )
    assert [row.code for row in store.decisions("Q1")] == ["suspected", "quarantined"]
    assert store.release(1)
    assert not store.release(1)
    assert store.withheld() == set()


def test_a_suspect_that_does_no_harm_alone_is_cleared_but_not_for_ever(
    store: Store, here: Site, fake: FakeHands
) -> None:
    poisoned(store, here, fake)
    jobs.alone(here, leased(store, "alone", 1))
    assert store.suspects()[0].state == "cleared"
    assert store.withheld() == set()
    poisoned(store, here, fake)
    jobs.alone(here, leased(store, "alone", 1))
    poisoned(store, here, fake)
    assert store.suspects()[0].state == "quarantined", "three slices are enough"


@pytest.mark.parametrize("return_code", [-15, -2, -9, -1, 72])
def test_an_end_from_outside_makes_no_suspect(
    store: Store, here: Site, fake: FakeHands, return_code: int
) -> None:
    poisoned(store, here, fake, ExitKind.KILLED, return_code)
    assert store.suspects() == []


def test_a_slice_that_its_own_watchdog_had_to_kill_makes_a_suspect(
    store: Store, here: Site, fake: FakeHands
) -> None:
    poisoned(store, here, fake, ExitKind.TIMEOUT, -9)
    assert len(store.suspects()) == 1


def test_an_end_from_outside_while_a_suspect_runs_alone_counts_for_nothing(
    store: Store, here: Site, fake: FakeHands
) -> None:
    poisoned(store, here, fake)

    def killed() -> str:
        raise InfraError("the child ended with -15")

    fake.death = killed
    lease = leased(store, "alone", 1)
    with pytest.raises(InfraError):
        jobs.alone(here, lease)
    assert store.suspects()[0].deaths == 1


def test_a_suspect_is_kept_from_slices_at_once(
    store: Store, here: Site, fake: FakeHands, tmp_path: Path
) -> None:
    from workers.entries import Made

    store.plant([Made(text_of(3)), Made(text_of(2))])
    assert here.pantry.stock(_folder(tmp_path / "a"), "", BUILD) == [1, 2]
    poisoned(store, here, fake)
    fresh = site(store, tmp_path, fake)
    assert len(fresh.pantry.stock(_folder(tmp_path / "b"), "", "c" * 64)) == 1


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_stopped_work_is_nobodys_fault(store: Store, here: Site) -> None:
    def stopped(text: str, hash_seed: int, stop: Any) -> Replayed:
        raise Stopped

    with pytest.raises(Stopped):
        jobs.verify(replace(here, hands=replace(here.hands, replay=stopped)), verifying(store))
    assert state(store) == NEW
