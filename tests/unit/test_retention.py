# SPDX-License-Identifier: MIT
"""The farm forgets by rules, keeps what it has found, and its totals never fall."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fuzz import maps
from tests.farming import BUILD, OTHER, SPEC, ManualClock, finding, leased, outcome, text_of
from workers import retention
from workers.database import file_url
from workers.entries import Made
from workers.records import RunFigures
from workers.schema import FUZZ, MINIMIZE, QUEUE_FUZZ, VERIFY, Base
from workers.store import Store

DAY = 86400.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"), clock)) as opened:
        yield opened


def rows(store: Store, table: str) -> int:
    with store._read() as connection:
        count: int = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
    return count


def ran(store: Store, number: int) -> None:
    for _ in range(number):
        run_id = store.create_run(SPEC, QUEUE_FUZZ)
        store.end_run(
            leased(store, FUZZ, run_id),
            RunFigures("findings", executions=7, steps=11, seconds=1.25, cpu_seconds=0.333),
            [finding()],
        )


def forget(store: Store) -> None:
    while store.look_after():
        pass


def test_runs_go_and_totals_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "RUNS_KEPT", 4)
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    ran(store, 9)
    waiting = store.create_run(SPEC, QUEUE_FUZZ)
    before, seen = store.stats(), store.failures()
    forget(store)
    assert [row.id for row in store.runs()] == [7, 8, 9, waiting]
    after = store.stats()
    assert after.executions == before.executions == 9 * 7
    assert after.seconds == pytest.approx(before.seconds)
    assert after.cpu_seconds == pytest.approx(before.cpu_seconds)
    assert (after.steps, after.runs, after.exit_kinds) == (
        before.steps,
        before.runs,
        before.exit_kinds,
    )
    assert store.failures() == seen
    assert seen[0].runs == 9


def test_what_is_told_of_a_run_that_went_is_not_counted_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host comes back after weeks, with a folder of a slice that was counted."""
    monkeypatch.setattr(retention, "RUNS_KEPT", 1)
    ran(store, 3)
    forget(store)
    store.file([finding(3)], 1)
    assert [row.count for row in store.failures()] == [3]
    assert store.file([finding(5, OTHER)], 1)[0].first


def test_decisions_go_and_their_counts_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "DECISIONS_KEPT", 2)
    for paused in (True, False, True, False, True):
        store.set_farm(paused=paused)
    forget(store)
    assert rows(store, "decision") == 2
    assert store.figures().decisions == {"operator": 5}


def test_notices_that_were_sent_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "NOTICES_KEPT", 1)
    for number in range(4):
        store.notice("disk", f"h{number}", "full")
    for number in (1, 2, 4):
        store.notice_sent(number, "")
    forget(store)
    assert [row.id for row in store.notices(9)] == [4, 3]


def test_retired_entries_go_after_a_week(store: Store, clock: ManualClock) -> None:
    def made(reads: int, bits: int) -> Made:
        return Made(text_of(reads), maps.to_map(bits, 64))

    store.push("", BUILD, None, [made(1, 0b10), made(2, 0b100)])
    with store._write() as (connection, now):
        connection.exec_driver_sql(
            "UPDATE entry SET retired_at = ? WHERE seq = 1", (now.isoformat(sep=" "),)
        )
    forget(store)
    assert rows(store, "entry") == 2
    clock.advance((retention.RETIRED_DAYS + 1) * DAY)
    forget(store)
    assert (rows(store, "entry"), rows(store, "entry_features")) == (1, 1)
    assert store.last_seq() == 2, "numbers are not given again"


def test_features_of_builds_that_nobody_fuzzes_with_go(store: Store, clock: ManualClock) -> None:
    made = [Made(text_of(1), maps.to_map(0b10, 64))]
    store.push("", BUILD, None, made)
    clock.advance((retention.BUILD_DAYS + 1) * DAY)
    store.push("", "c" * 64, None, made)
    forget(store)
    assert store.seen_map("", BUILD) == b""
    assert (rows(store, "entry"), rows(store, "entry_features")) == (1, 1)


def test_traces_of_what_is_not_minimal_go_and_failures_stay(
    store: Store, clock: ManualClock
) -> None:
    store.record(finding())
    store.verified(leased(store, VERIFY, 1), finding().text, BUILD, outcome(), "")
    clock.advance((retention.TRACE_DAYS + 1) * DAY)
    forget(store)
    assert rows(store, "trace") == 1, "it is not minimal yet"
    store.minimized(leased(store, MINIMIZE, 1), text_of(2), BUILD, outcome(), {"n": 1}, "")
    forget(store)
    detail = store.failure(1)
    assert detail is not None
    assert detail.outcome is not None
    assert (rows(store, "trace"), rows(store, "example"), rows(store, "certificate")) == (1, 2, 1)


def test_a_farm_that_goes_on_for_ever_keeps_its_size(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All tables but what was found and gathered: the second half adds nothing."""
    for name, kept in (("RUNS_KEPT", 5), ("DECISIONS_KEPT", 5), ("NOTICES_KEPT", 5)):
        monkeypatch.setattr(retention, name, kept)
    store.here(name="w", host="h", queues=("fuzz",), number=1, busy=0, build_id=BUILD, note="")
    store.add_campaign("a")
    gathered = {"entry", "entry_features", "feature_map", "failure", "scenario", "trial"}
    sizes = []
    for _ in range(2):
        for _ in range(14):
            clock.advance(20)
            store.plan(QUEUE_FUZZ, 0)
            lease = store.take([QUEUE_FUZZ], "w")
            assert lease is not None
            store.set_farm(paused=False)
            store.end_run(lease, RunFigures("ok", executions=7, seconds=20.0))
            store.look_after()
        sizes.append(
            {name: rows(store, name) for name in Base.metadata.tables if name not in gathered}
        )
    assert sizes[0] == sizes[1]
    assert store.stats().executions == 28 * 7
