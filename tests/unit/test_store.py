# SPDX-License-Identifier: MIT
"""The store keeps every find once, under one signature, whoever else writes at the same time."""

import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conformance.compare import ORACLE
from corpus.text import TextError
from fuzz.findings import Finding
from simulator.outcome import Outcome, Signature, TraceEvent, Violation
from simulator.scenario import SWITCH, Directive
from tests.farming import ManualClock, begun, leased
from workers import failures, ledger
from workers.database import file_url
from workers.errors import StoreError
from workers.failures import MAX_EXAMPLES
from workers.ledger import LEASE_SECONDS
from workers.records import RunFigures
from workers.schema import (
    DONE,
    FOUND,
    FUZZ,
    MINIMAL,
    MINIMIZE,
    MINIMIZED,
    NEW,
    QUEUE_FUZZ,
    QUEUE_TRIAGE,
    QUEUED,
    UNREPRODUCIBLE,
    VERIFIED,
    VERIFY,
)
from workers.store import Store

PROCESSES = 8
INSERTS = 50
START = datetime(2026, 1, 1, tzinfo=UTC)


class SteppingClock:
    """Each reading is one second after the last."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def text_of(reads: int) -> str:
    """A canonical scenario of `reads` + 1 ops."""
    head = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
    return head + "".join(f"{uid} T0 read 3\n" for uid in range(2, reads + 2))


def finding(reads: int = 1, culprit: str = "zap_pte_range") -> Finding:
    return Finding(
        oracle="stale-tlb",
        culprit=culprit,
        object_class="anon",
        promise="no CPU may use a translation after its flush",
        text=text_of(reads),
        digest="00112233aabbccdd",
        build_id="b" * 64,
        steps=17,
        origin="farm",
    )


def outcome_of(found: Finding) -> Outcome:
    return Outcome(
        violation=Violation(found.signature, found.promise, uid=2, step=9),
        digest=found.digest,
        steps=found.steps,
        results=[0, -14],
        dead=[Directive(1, "op:begin", 1, SWITCH, 1)],
        recorded=[Directive(2, "op:end", 1, SWITCH, 0)],
        trace=[TraceEvent(3, 0, 0, 1, "f:begin", ((7, "f"),), "PTE 3 cleared")],
        state_before="before",
        state_after="after",
    )


def verify(store: Store, found: Finding, build_id: str = "b" * 64) -> None:
    """Failure 1 replays with this scenario."""
    lease = leased(store, VERIFY, 1)
    assert store.verified(lease, found.text, build_id, outcome_of(found), "") == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(file_url(tmp_path / "mmfarm.db"), SteppingClock())
    yield opened
    opened.close()


def _insert_many(url: str, culprits: list[str]) -> None:
    with closing(Store.open(url)) as store:
        for culprit in culprits:
            store.record(finding(culprit=culprit))


def test_concurrent_finds_of_one_signature_are_one_failure_that_counts_them_all(
    tmp_path: Path,
) -> None:
    """The processes also create the database, all at once."""
    url = file_url(tmp_path / "mmfarm.db")
    spawn = multiprocessing.get_context("spawn")
    children = [
        spawn.Process(target=_insert_many, args=(url, ["zap_pte_range"] * INSERTS))
        for _ in range(PROCESSES)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * PROCESSES
    with closing(Store.open(url)) as store:
        assert [row.count for row in store.failures()] == [PROCESSES * INSERTS]
        assert store.stats().scenarios == 1


def test_each_part_of_a_signature_tells_failures_apart(store: Store) -> None:
    base = finding()
    for other in (
        base,
        replace(base, oracle="refcount"),
        replace(base, culprit="do_munmap"),
        replace(base, object_class="file"),
    ):
        assert store.record(other).first
    assert not store.record(base).first
    assert [row.count for row in store.failures()] == [2, 1, 1, 1]


def test_a_failure_remembers_when_it_was_first_and_last_seen(store: Store) -> None:
    store.record(finding())
    first = store.failures()[0]
    store.record(finding())
    last = store.failures()[0]
    assert first.first_seen == last.first_seen > START
    assert last.last_seen > first.last_seen
    assert last.last_seen.utcoffset() == timedelta(0)


def test_the_last_sighting_does_not_go_back_with_a_slow_clock(tmp_path: Path) -> None:
    url = file_url(tmp_path / "mmfarm.db")
    with closing(Store.open(url, lambda: START)) as store:
        store.record(finding())
    with closing(Store.open(url, lambda: START - timedelta(hours=1))) as slow:
        slow.record(finding())
        assert slow.failures()[0].last_seen == START


def test_a_clock_without_a_time_zone_is_refused(tmp_path: Path) -> None:
    naive = START.replace(tzinfo=None)
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"), lambda: naive)) as store:
        with pytest.raises(Exception, match="no time zone"):
            store.record(finding())
        assert store.failures() == []


def test_the_smallest_scenario_is_the_best_one(store: Store) -> None:
    for reads in (5, 2, 9):
        store.record(finding(reads))
    detail = store.failure(1)
    assert detail is not None
    assert detail.best.text == text_of(2)
    assert (detail.best.ops, detail.failure.ops, detail.examples) == (3, 3, 3)


def test_beyond_the_cap_only_smaller_scenarios_are_kept_and_all_are_counted(store: Store) -> None:
    sizes = list(range(10, 10 + MAX_EXAMPLES + 5))
    for reads in sizes:
        store.record(finding(reads))
    store.record(finding(3))
    detail = store.failure(1)
    assert detail is not None
    assert detail.examples == MAX_EXAMPLES + 1
    assert detail.best.text == text_of(3)
    assert detail.failure.count == len(sizes) + 1


def test_a_finding_whose_text_does_not_parse_is_refused_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(TextError):
        store.record(replace(finding(), text="1 T0 frobnicate\n"))
    assert store.failures() == []


def test_failures_are_filtered_by_oracle_state_and_run(store: Store) -> None:
    run, _ = begun(store)
    store.record(finding(), run)
    store.record(replace(finding(), oracle="refcount"))
    verify(store, finding())
    assert [row.id for row in store.failures(oracle="refcount")] == [2]
    assert [row.id for row in store.failures(state=VERIFIED)] == [1]
    assert [row.id for row in store.failures(run_id=run)] == [1]
    assert store.failures(oracle="refcount", state=VERIFIED) == []


def test_a_failure_that_does_not_exist_is_none(store: Store) -> None:
    assert store.failure(1) is None
    assert store.run(1) is None


def test_a_verified_failure_gives_back_the_outcome_with_its_trace(store: Store) -> None:
    store.record(finding())
    verify(store, finding(), "c" * 64)
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == VERIFIED
    assert detail.outcome == outcome_of(finding())
    assert detail.best.build_id == "c" * 64


def test_a_scenario_that_replayed_is_better_than_a_smaller_one_that_did_not(store: Store) -> None:
    store.record(finding(2))
    store.record(finding(5))
    verify(store, finding(5))
    detail = store.failure(1)
    assert detail is not None
    assert detail.best.text == text_of(5)


def test_the_minimal_scenario_stays_the_best_one(store: Store) -> None:
    store.record(finding(5))
    verify(store, finding(5))
    certificate = {"tried": ["drop op 2"], "format": 1}
    lease = leased(store, MINIMIZE, 1)
    minimal = outcome_of(finding(3))
    assert store.minimized(lease, text_of(3), "b" * 64, minimal, certificate, "") == []
    store.record(finding(2))
    detail = store.failure(1)
    assert detail is not None
    assert detail.failure.state == MINIMIZED
    assert (detail.best.text, detail.best.role) == (text_of(3), MINIMAL)
    assert detail.certificate == certificate


def test_a_failure_moves_on_once_however_often_the_result_comes(store: Store) -> None:
    store.record(finding())
    outcome = outcome_of(finding())
    verifying = leased(store, VERIFY, 1)
    assert store.verified(verifying, text_of(1), "b" * 64, outcome, "") == []
    assert store.verified(verifying, text_of(1), "b" * 64, outcome, "") is None
    assert store.unreproducible(verifying, "late") is None
    minimizing = leased(store, MINIMIZE, 1)
    assert store.minimized(minimizing, text_of(1), "b" * 64, outcome, {}, "") == []
    assert store.minimized(minimizing, text_of(1), "b" * 64, outcome, {}, "") is None
    assert store.failures()[0].state == MINIMIZED
    assert store.jobs() == []


def test_the_finds_of_a_result_that_comes_too_late_are_left_to_whoever_was_faster(
    store: Store,
) -> None:
    store.record(finding())
    lease = leased(store, VERIFY, 1)
    outcome = outcome_of(finding())
    other = [finding(culprit="f")]
    assert store.verified(lease, text_of(1), "b" * 64, outcome, "", other) != []
    assert store.verified(lease, text_of(1), "b" * 64, outcome, "", other) is None
    assert [row.count for row in store.failures()] == [1, 1]


def test_a_failure_that_is_minimized_again_has_one_minimal_scenario(store: Store) -> None:
    store.record(finding(5))
    verify(store, finding(5))
    store.minimized(
        leased(store, MINIMIZE, 1), text_of(3), "b" * 64, outcome_of(finding(3)), {"n": 1}, ""
    )
    with store._write() as (connection, now):  # as a migration does
        failures.set_values(connection, 1, state=NEW)
        ledger.owe(connection, now, VERIFY, 1, QUEUE_TRIAGE)
    verify(store, finding(3), "c" * 64)
    store.minimized(
        leased(store, MINIMIZE, 1), text_of(2), "c" * 64, outcome_of(finding(2)), {"n": 2}, ""
    )
    roles = [(example.text, example.role) for example in store.examples(1)]
    assert roles == [(text_of(2), MINIMAL), (text_of(3), FOUND), (text_of(5), FOUND)]
    detail = store.failure(1)
    assert detail is not None
    assert detail.certificate == {"n": 2}


def test_a_disagreement_is_minimal_as_it_comes_and_needs_no_verification(store: Store) -> None:
    assert store.record(replace(finding(2), oracle=ORACLE)).first
    assert not store.record(replace(finding(1), oracle=ORACLE)).first
    (row,) = store.failures()
    assert (row.state, row.count, row.ops) == (MINIMIZED, 2, 2)
    assert store.jobs() == []


def test_an_unreproducible_failure_is_looked_at_again_with_another_scenario(store: Store) -> None:
    store.record(finding(5))
    assert store.unreproducible(leased(store, VERIFY, 1), "digests differ") == []
    store.record(finding(5))
    assert store.failures()[0].state == UNREPRODUCIBLE
    assert store.jobs() == []
    store.record(finding(6))
    row = store.failures()[0]
    assert (row.state, row.note) == (NEW, "digests differ")
    assert store.job_of(VERIFY, 1) is not None


def test_a_run_keeps_its_order_its_figures_and_what_it_saw(store: Store) -> None:
    run_id = store.create_run({"seconds": 5, "bugs": ["x"]}, QUEUE_FUZZ)
    queued = store.run(run_id)
    assert queued is not None
    assert (queued.state, queued.spec, queued.figures) == (
        QUEUED,
        {"seconds": 5, "bugs": ["x"]},
        None,
    )
    lease = leased(store, FUZZ, run_id)
    figures = RunFigures(
        "killed", 4_000_000_000, 90_000_000_000, 5.0, 4.9, 700, 12, in_flight="1 T0 exit\n"
    )
    recorded, counts = store.end_run(lease, figures, [finding(), finding(culprit="f")], "log")
    assert counts
    assert sorted(r.failure_id for r in recorded) == [1, 2]
    done = store.run(run_id)
    assert done is not None
    assert (done.state, done.attempt, done.figures, done.note) == (DONE, 1, figures, "log")
    stats = store.stats()
    assert (stats.runs, stats.exit_kinds, stats.executions, stats.steps) == (
        {DONE: 1},
        {"killed": 1},
        4_000_000_000,
        90_000_000_000,
    )
    assert stats.failures == {NEW: 2}


def test_the_results_of_an_attempt_are_accepted_once(store: Store) -> None:
    _, lease = begun(store)
    figures = RunFigures("findings", executions=5)
    assert store.end_run(lease, figures, [finding()])[1]
    assert not store.end_run(lease, figures, [finding()])[1]
    assert store.failures()[0].count == 1
    assert store.stats().executions == 5


def test_a_run_counts_a_failure_once_however_often_it_is_filed(store: Store) -> None:
    run_id, lease = begun(store)
    assert [r.first for r in store.file([finding(5)], run_id)] == [True]
    assert [r.first for r in store.file([finding(2)], run_id)] == [True]
    store.end_run(lease, RunFigures("findings"), [finding(2)])
    store.file([finding(5)], run_id)
    other, _ = begun(store)
    assert [r.first for r in store.file([finding()], other)] == [False]
    (row,) = store.failures()
    assert (row.count, row.runs, row.ops) == (2, 2, 2)


def test_an_overtaken_attempt_adds_its_findings_and_nothing_else(tmp_path: Path) -> None:
    clock = ManualClock()
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"), clock)) as store:
        run_id, first = begun(store)
        clock.advance(LEASE_SECONDS + 1)
        store.reap()
        second = leased(store, FUZZ, run_id, "other")
        assert store.end_run(second, RunFigures("ok", executions=5))[1]
        assert not store.end_run(first, RunFigures("findings", executions=7), [finding()])[1]
        row = store.run(run_id)
        assert row is not None
        assert (row.attempt, row.figures) == (2, RunFigures("ok", executions=5))
        assert [f.runs for f in store.failures(run_id=run_id)] == [1]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://localhost/mmfarm", "sqlite or postgresql"),
        ("sqlite:////proc/nowhere/mmfarm.db", "check that the folder exists"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_with_a_remedy(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        Store.open(url)


def test_signatures_come_back_as_they_went_in(store: Store) -> None:
    odd = replace(finding(), culprit="f'; DROP TABLE failure; --", object_class='"%s" \\ ü')
    store.record(odd)
    assert store.failures()[0].signature == Signature(odd.oracle, odd.culprit, odd.object_class)
