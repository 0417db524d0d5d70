# SPDX-License-Identifier: MIT
"""The jobs file what they find whatever dies on the way. The model is a fake one here."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus.text import dump, parse
from fuzz.findings import Finding, write_finding
from fuzz.slice import ExitKind, SliceResult, SliceSpec
from fuzz.statistics import InternalError, Statistics
from simulator.outcome import Outcome, Signature, Violation
from workers import isolated, jobs
from workers.isolated import InfraError, Minimal, Replayed, Stopped
from workers.schema import DONE, MINIMIZED, NEW, RUNNING, UNREPRODUCIBLE, VERIFIED
from workers.store import MAX_ATTEMPTS, Store, file_url

BUILD = "b" * 64
DIGEST = "00112233aabbccdd"
SIGNATURE = Signature("stale-tlb", "zap_pte_range", "anon")
OTHER = Signature("refcount", "put_page", "anon")


def text_of(reads: int) -> str:
    head = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
    return dump(parse(head + "".join(f"{uid} T0 read 3\n" for uid in range(2, reads + 2))))


def finding(reads: int = 4, signature: Signature = SIGNATURE) -> Finding:
    return Finding(
        signature.oracle, signature.culprit, signature.object_class, "a promise",
        text_of(reads), DIGEST, BUILD, 17, "farm",
    )


def outcome(signature: Signature | None = SIGNATURE, digest: str = DIGEST) -> Outcome:
    violation = None if signature is None else Violation(signature, "a promise", 2, 9)
    return Outcome(violation, digest, 17, [0])


def result(findings: list[Finding], kind: ExitKind = ExitKind.FINDINGS) -> SliceResult:
    return SliceResult(kind, findings, Statistics(executions=100, features=7), 3, 1.5, None, "log")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(file_url(tmp_path / "mmfarm.db"))
    yield opened
    opened.close()


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Set what replaying a text gives, by hash seed; returns the hash seeds asked for."""

    def answer_with(by_seed: Callable[[str, int], Outcome], build: str = BUILD) -> list[int]:
        asked: list[int] = []

        def replay(text: str, hash_seed: int, stop: Any) -> Replayed:
            asked.append(hash_seed)
            return Replayed(build, by_seed(text, hash_seed))

        monkeypatch.setattr(isolated, "replay", replay)
        return asked

    return answer_with


def slices(monkeypatch: pytest.MonkeyPatch, make: Callable[[SliceSpec], SliceResult]) -> None:
    monkeypatch.setattr(jobs, "run_slice", lambda spec, progress=None, stop=None: make(spec))


def state(store: Store, failure_id: int = 1) -> str:
    detail = store.failure(failure_id)
    assert detail is not None
    return detail.failure.state


def test_a_slice_is_recorded_with_its_figures_and_findings(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs: list[SliceSpec] = []

    def make(spec: SliceSpec) -> SliceResult:
        specs.append(spec)
        return result([finding()])

    slices(monkeypatch, make)
    run_id = jobs.order(store, seconds=5, bugs=("a-bug",))
    fuzzed = jobs.fuzz(store, run_id, tmp_path)
    assert fuzzed is not None
    assert [recorded.first for recorded in fuzzed.recorded] == [True]
    row = store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert (row.state, row.figures.executions, row.figures.exit_kind) == (DONE, 100, "findings")
    assert row.figures.statistics["features"] == 7
    assert (specs[0].bugs, specs[0].seed, specs[0].out) == (("a-bug",), run_id, tmp_path)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_is_done_is_not_run_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices(monkeypatch, lambda spec: result([finding()]))
    run_id = jobs.order(store, seconds=5)
    jobs.fuzz(store, run_id, tmp_path)
    assert jobs.fuzz(store, run_id, tmp_path) is None
    assert jobs.fuzz(store, run_id + 1, tmp_path) is None
    assert store.failures()[0].count == 1


def test_what_a_killed_attempt_had_found_is_recorded_by_the_next_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(spec: SliceSpec) -> SliceResult:
        assert spec.work is not None
        folder = spec.work / "mmfarm-slice-1" / "findings"
        folder.mkdir(parents=True)
        write_finding(folder, finding())
        raise SystemExit  # as near to SIGKILL as a test gets: no handler of ours runs

    run_id = jobs.order(store, seconds=5)
    slices(monkeypatch, die)
    with pytest.raises(SystemExit):
        jobs.fuzz(store, run_id, tmp_path)
    assert store.failures() == []
    slices(monkeypatch, lambda spec: result([], ExitKind.OK))
    jobs.fuzz(store, run_id, tmp_path)
    assert [row.signature for row in store.failures(run_id=run_id)] == [SIGNATURE]
    row = store.run(run_id)
    assert row is not None
    assert row.attempt == 2


def test_what_the_attempts_of_an_abandoned_run_had_found_is_recorded(
    store: Store, tmp_path: Path
) -> None:
    run_id = jobs.order(store, seconds=5)
    for _ in range(MAX_ATTEMPTS):
        store.begin_run(run_id)
    folder = tmp_path / "runs" / str(run_id) / "mmfarm-slice-1" / "findings"
    folder.mkdir(parents=True)
    write_finding(folder, finding())
    for _ in range(2):
        assert jobs.fuzz(store, run_id, tmp_path) is None
    assert [(row.count, row.runs) for row in store.failures(run_id=run_id)] == [(1, 1)]


def test_what_a_killed_driver_had_found_is_recorded_by_the_next_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = jobs.order(store, seconds=5)
    store.begin_run(run_id)
    folder = tmp_path / "runs" / str(run_id) / "mmfarm-slice-1" / "findings"
    folder.mkdir(parents=True)
    write_finding(folder, finding())
    assert [recorded.first for recorded in jobs.recover(store, tmp_path)] == [True]
    row = store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert (row.state, row.figures.exit_kind) == (DONE, "killed")
    assert list((tmp_path / "runs").iterdir()) == []
    assert jobs.recover(store, tmp_path) == []


def test_a_run_that_is_worked_on_is_left_to_whoever_does(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddle(spec: SliceSpec) -> SliceResult:
        assert jobs.recover(store, tmp_path) == []
        with pytest.raises(InfraError, match="another process"):
            jobs.fuzz(store, run_id, tmp_path)
        return result([finding()])

    slices(monkeypatch, meddle)
    run_id = jobs.order(store, seconds=5)
    assert jobs.fuzz(store, run_id, tmp_path) is not None
    row = store.run(run_id)
    assert row is not None
    assert (row.state, row.attempt) == (DONE, 1)


def test_runs_of_other_machines_are_not_recovered(store: Store, tmp_path: Path) -> None:
    run_id = jobs.order(store, seconds=5)
    store.begin_run(run_id)
    assert jobs.recover(store, tmp_path) == []
    assert [row.id for row in store.runs(RUNNING)] == [run_id]


def test_a_slice_that_raises_is_recorded_as_an_error_with_what_its_child_had_found(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(spec: SliceSpec) -> SliceResult:
        assert spec.work is not None
        (spec.work / "mmfarm-slice-1" / "findings").mkdir(parents=True)
        write_finding(spec.work / "mmfarm-slice-1" / "findings", finding())
        raise OSError("no space left")

    slices(monkeypatch, fail)
    run_id = jobs.order(store, seconds=5)
    with pytest.raises(OSError, match="no space"):
        jobs.fuzz(store, run_id, tmp_path)
    row = store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert (row.state, row.figures.exit_kind) == (DONE, "error")
    assert "no space left" in row.note
    assert len(store.failures()) == 1


def test_one_finding_that_is_no_scenario_does_not_lose_the_others(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = replace(finding(signature=OTHER), text="garbage\n")
    slices(monkeypatch, lambda spec: result([bad, finding()]))
    run_id = jobs.order(store, seconds=5)
    jobs.fuzz(store, run_id, tmp_path)
    assert [row.signature for row in store.failures()] == [SIGNATURE]
    row = store.run(run_id)
    assert row is not None
    assert f"finding lost: {OTHER}" in row.note


def test_internal_errors_of_a_slice_are_kept_and_are_no_failures(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statistics = Statistics(internal_errors=[InternalError("nondeterminism", "why", "text")])
    broken = replace(result([], ExitKind.ERROR), statistics=statistics, in_flight="1 T0 exit\n")
    slices(monkeypatch, lambda spec: broken)
    run_id = jobs.order(store, seconds=5)
    jobs.fuzz(store, run_id, tmp_path)
    row = store.run(run_id)
    assert row is not None
    assert row.figures is not None
    assert row.figures.statistics["internal_errors"][0]["kind"] == "nondeterminism"
    assert row.figures.in_flight == "1 T0 exit\n"
    assert store.failures() == []


@pytest.mark.parametrize("seconds", [0.5, 121, float("nan")])
def test_a_slice_that_is_too_short_or_too_long_is_refused(store: Store, seconds: float) -> None:
    with pytest.raises(ValueError, match="1 to 120 seconds"):
        jobs.order(store, seconds=seconds)
    assert store.runs() == []


def test_verify_replays_three_times_with_different_hash_seeds(
    store: Store, replays: Callable[..., list[int]]
) -> None:
    store.record(finding())
    asked = replays(lambda text, seed: outcome())
    assert jobs.verify(store, 1) == []
    assert asked == [0, 1, 2]
    assert state(store) == VERIFIED


def test_a_failure_whose_digest_varies_is_unreproducible(
    store: Store, replays: Callable[..., list[int]]
) -> None:
    store.record(finding())
    replays(lambda text, seed: outcome(digest=DIGEST if seed < 2 else "f" * 16))
    jobs.verify(store, 1)
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == UNREPRODUCIBLE
    assert "digests differ" in detail.failure.note


def test_a_digest_that_differs_from_the_find_on_the_same_build_is_unreproducible(
    store: Store, replays: Callable[..., list[int]]
) -> None:
    store.record(finding())
    replays(lambda text, seed: outcome(digest="f" * 16))
    jobs.verify(store, 1)
    assert state(store) == UNREPRODUCIBLE


def test_digests_of_different_builds_are_not_compared(
    store: Store, replays: Callable[..., list[int]]
) -> None:
    store.record(finding())
    replays(lambda text, seed: outcome(digest="f" * 16), build="c" * 64)
    jobs.verify(store, 1)
    detail = store.failure(1)
    assert detail is not None
    assert (detail.failure.state, detail.best.digest) == (VERIFIED, "f" * 16)


def test_a_model_that_is_edited_during_the_replays_is_no_nondeterminism(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        isolated, "replay",
        lambda text, seed, stop: Replayed(str(seed) * 64, outcome(digest=str(seed) * 16)),
    )
    store.record(finding())
    with pytest.raises(InfraError, match="sources changed"):
        jobs.verify(store, 1)
    assert state(store) == NEW


def test_a_failure_that_is_gone_is_unreproducible_and_says_so(
    store: Store, replays: Callable[..., list[int]]
) -> None:
    store.record(finding())
    replays(lambda text, seed: outcome(None), build="c" * 64)
    jobs.verify(store, 1)
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == UNREPRODUCIBLE
    assert "shows no failure" in detail.failure.note


def test_verify_goes_on_to_the_next_scenario_and_keeps_the_complaint(
    store: Store, replays: Callable[..., list[int]]
) -> None:
    store.record(finding(2))
    store.record(finding(5))
    replays(lambda text, seed: outcome(None if text == text_of(2) else SIGNATURE, DIGEST))
    jobs.verify(store, 1)
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == VERIFIED
    assert detail.best.text == text_of(5)
    assert "shows no failure" in detail.failure.note


def test_another_failure_that_a_replay_shows_is_filed_under_its_own_signature(
    store: Store, replays: Callable[..., list[int]]
) -> None:
    store.record(finding())
    replays(lambda text, seed: outcome(OTHER), build="c" * 64)
    side = jobs.verify(store, 1)
    detail = store.failure(side[0].failure_id)
    assert detail is not None
    assert (detail.failure.signature, detail.failure.state) == (OTHER, NEW)
    assert f"# expect: {OTHER}\n" in detail.best.text


def test_a_child_that_dies_leaves_the_failure_as_it_was_with_a_note_until_the_cap(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(text: str, hash_seed: int, stop: Any) -> Replayed:
        raise InfraError("killed")

    monkeypatch.setattr(isolated, "replay", die)
    store.record(finding())
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(InfraError):
            jobs.verify(store, 1)
    assert jobs.verify(store, 1) == []
    row = store.failures()[0]
    assert (row.state, row.attempts, row.note) == (NEW, MAX_ATTEMPTS, "verify: killed")


def test_an_attempt_that_was_stopped_does_not_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(text: str, hash_seed: int, stop: Any) -> Replayed:
        raise Stopped

    monkeypatch.setattr(isolated, "replay", stopped)
    store.record(finding())
    with pytest.raises(Stopped):
        jobs.verify(store, 1)
    row = store.failures()[0]
    assert (row.state, row.attempts, row.note) == (NEW, 0, "")


def minimal(text: str, side_finds: list[Finding]) -> Callable[..., Minimal]:
    return lambda given, signature, stop: Minimal(BUILD, text, {"complete": True}, side_finds)


def verified(store: Store, replays: Callable[..., list[int]]) -> None:
    store.record(finding())
    replays(lambda text, seed: outcome())
    jobs.verify(store, 1)


def test_minimize_keeps_the_minimal_scenario_and_files_what_came_up(
    store: Store, replays: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    verified(store, replays)
    monkeypatch.setattr(
        isolated, "minimize", minimal(text_of(1), [finding(2, OTHER)])
    )
    side = jobs.minimize(store, 1)
    detail = store.failure(1)
    assert detail is not None
    assert (detail.failure.state, detail.best.text) == (MINIMIZED, text_of(1))
    assert detail.certificate == {"complete": True}
    assert state(store, side[0].failure_id) == NEW


def test_a_minimal_scenario_that_shows_another_failure_is_not_taken(
    store: Store, replays: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    verified(store, replays)
    monkeypatch.setattr(isolated, "minimize", minimal(text_of(1), []))
    replays(lambda text, seed: outcome(OTHER))
    with pytest.raises(InfraError, match=str(OTHER)):
        jobs.minimize(store, 1)
    row = store.failures()[0]
    assert (row.state, row.ops) == (VERIFIED, 5)
    assert str(OTHER) in row.note


def test_only_verified_failures_are_minimized(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*arguments: Any) -> Minimal:
        raise AssertionError("minimized a failure that nobody verified")

    monkeypatch.setattr(isolated, "minimize", forbidden)
    store.record(finding())
    assert jobs.minimize(store, 1) == []
    assert state(store) == NEW
