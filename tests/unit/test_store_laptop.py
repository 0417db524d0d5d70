# SPDX-License-Identifier: MIT
"""The laptop driver brings what slices find to its end, and stops when it is told to.

The model and the slices are fakes here, and so is the time.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus.text import dump, parse
from fuzz.findings import Finding, write_finding
from fuzz.pack import unpack
from fuzz.slice import ExitKind, SliceResult, SliceSpec
from fuzz.statistics import InternalError, Statistics
from simulator.outcome import Outcome, Signature, Violation
from tests.farming import begun
from workers import attempts, jobs, laptop
from workers.database import file_url
from workers.errors import InfraError, Stopped, StoreDown
from workers.isolated import Minimal, Replayed
from workers.jobs import Hands
from workers.laptop import (
    Done,
    Found,
    Minimized,
    Progress,
    SliceEnded,
    SliceStarted,
    Trouble,
    Unreproducible,
    Verified,
    run_local,
)
from workers.schema import MINIMIZED, VERIFIED
from workers.store import Store

BUILD = "b" * 64
DIGEST = "00112233aabbccdd"
HEAD = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
BIG = dump(parse(HEAD + "2 T0 read 3\n3 T0 read 3\n"))
SMALL = dump(parse(HEAD))


def finding(culprit: str) -> Finding:
    return Finding("stale-tlb", culprit, "anon", "a promise", BIG, DIGEST, BUILD, 17, "farm")


class World:
    """What fake slices find, one list a slice, and what replays show."""

    def __init__(self, finds: list[list[Finding]]) -> None:
        self.finds = finds
        self.slices: list[SliceSpec] = []
        self.digest: Callable[[int], str] = lambda seed: DIGEST
        self.kind: ExitKind | None = None
        self.errors: list[InternalError] = []
        self.minimize: Callable[[str, Signature, Callable[[], bool]], Minimal] = (
            lambda text, signature, stop: Minimal(BUILD, SMALL, {}, [])
        )
        self.lock = threading.Lock()
        self.now = 0.0  # slices take all the time that there is
        self.endless = False  # whether slices go on until they are stopped
        self.look = 0.0  # seconds that pass whenever somebody looks at the clock

    def clock(self) -> float:
        with self.lock:
            self.now += self.look
            return self.now

    def run_slice(
        self, spec: SliceSpec, progress: Callable[[Statistics], None], stop: Callable[[], bool]
    ) -> SliceResult:
        with self.lock:
            self.slices.append(spec)
            found = self.finds.pop(0) if self.finds else []
        statistics = Statistics(
            executions=0 if self.kind is ExitKind.ERROR else 10, internal_errors=self.errors
        )
        progress(statistics)
        while self.endless and not stop():
            time.sleep(0.01)
        with self.lock:
            self.now += spec.seconds
        kind = self.kind or (ExitKind.FINDINGS if found else ExitKind.OK)
        assert spec.work is not None
        (spec.work / "findings").mkdir()
        for each in found:
            write_finding(spec.work / "findings", each)
        return SliceResult(kind, found, statistics, spec.seconds, None, "log\nlast line")

    def hands(self) -> Hands:
        return Hands(
            run_slice=self.run_slice,
            replay=self.replay,
            alone=lambda text, stop: "",
            minimize=lambda text, signature, stop, keep: self.minimize(text, signature, stop),
            build_id=lambda: BUILD,
        )

    def replay(self, text: str, seed: int, stop: Callable[[], bool]) -> Replayed:
        violation = Violation(Signature("stale-tlb", "f", "anon"), "a promise", 2, 9)
        return Replayed(BUILD, Outcome(violation, self.digest(seed), 17, [0]))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(file_url(tmp_path / "mmfarm.db"))
    yield opened
    opened.close()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World([])
    monkeypatch.setattr(laptop, "FIRST_SLICE_SECONDS", 0.2)
    monkeypatch.setattr(laptop, "SLICE_SHARE", 0.0)
    monkeypatch.setattr(jobs, "MIN_SLICE_SECONDS", 0.1)
    return made


def run(
    store: Store, folder: Path, world: World, seconds: float = 0.4, slots: int = 1
) -> list[Any]:
    events = run_local(
        store, folder, seconds=seconds, slots=slots, hands=world.hands(), clock=world.clock
    )
    return list(events)


def test_a_find_becomes_minimal_and_is_told_step_by_step(
    store: Store, tmp_path: Path, world: World
) -> None:
    world.finds = [[finding("f")]]
    events = run(store, tmp_path, world)
    kinds = [type(event) for event in events]
    order = [SliceStarted, Progress, SliceEnded, Found, Verified, Minimized]
    assert [kind for kind in kinds if kind in order[3:]] == order[3:]
    assert kinds[:3] == order[:3]
    assert kinds.count(Done) == 1
    done = events[-1]
    assert [(d.failure.state, d.best.text) for d in done.failures] == [(MINIMIZED, SMALL)]
    assert done.executions == 10 * len(world.slices)
    empty = len(world.slices) - 1  # none on a machine so slow that one slice takes all the time
    assert done.exit_kinds == {"findings": 1, **({"ok": empty} if empty else {})}
    assert done.troubles == []


def test_without_finds_the_sum_is_empty(store: Store, tmp_path: Path, world: World) -> None:
    done = run(store, tmp_path, world)[-1]
    assert (done.failures, done.troubles, done.internal_errors) == ([], [], 0)
    assert store.failures() == []


def test_a_failure_of_an_earlier_run_is_a_find_of_this_run_when_seen_again(
    store: Store, tmp_path: Path, world: World
) -> None:
    store.record(finding("f"))
    world.finds = [[finding("f")]]
    events = run(store, tmp_path, world)
    assert [event.first for event in events if isinstance(event, Found)] == [False]
    assert len(events[-1].failures) == 1


def test_what_an_earlier_run_left_undone_is_finished_and_is_no_find_of_this_run(
    store: Store, tmp_path: Path, world: World
) -> None:
    store.record(finding("f"))
    events = run(store, tmp_path, world)
    assert [type(e) for e in events if isinstance(e, Found | Minimized)] == [Minimized]
    assert events[-1].failures == []
    assert store.failures()[0].state == MINIMIZED


def test_slots_fuzz_at_the_same_time_and_equal_shares(
    store: Store, tmp_path: Path, world: World
) -> None:
    now = [0.0]
    both = threading.Barrier(2)

    def run_slice(spec: SliceSpec, progress: Any, stop: Any) -> SliceResult:
        with world.lock:
            world.slices.append(spec)
            first = len(world.slices) <= 2
        if first:
            both.wait()
        with world.lock:
            now[0] += spec.seconds / 2
        assert spec.work is not None
        return SliceResult(ExitKind.OK, [], Statistics(executions=1), 1.0, None, "")

    hands = replace(world.hands(), run_slice=run_slice)
    events = run_local(store, tmp_path, seconds=0.8, slots=2, hands=hands, clock=lambda: now[0])
    done = list(events)[-1]
    assert isinstance(done, Done)
    assert done.troubles == []
    assert len(world.slices) >= 8
    assert len({spec.seed for spec in world.slices}) == len(world.slices)
    assert all(spec.seconds <= 0.2 for spec in world.slices)


def test_replays_that_disagree_are_told(store: Store, tmp_path: Path, world: World) -> None:
    world.finds = [[finding("f")]]
    world.digest = lambda seed: str(seed) * 16
    events = run(store, tmp_path, world)
    assert any(isinstance(event, Unreproducible) for event in events)
    assert not any(isinstance(event, Verified | Minimized) for event in events)


def test_an_engine_that_does_not_run_stops_the_fuzzing_and_says_why(
    store: Store, tmp_path: Path, world: World
) -> None:
    world.kind = ExitKind.ERROR
    events = run(store, tmp_path, world, seconds=5)
    assert len(world.slices) == 1
    assert [e.text for e in events if isinstance(e, Trouble)] == [
        "slice 1 ended as error: last line"
    ]
    assert events[-1].exit_kinds == {"error": 1}


def test_internal_errors_are_told_and_counted_and_are_no_failures(
    store: Store, tmp_path: Path, world: World
) -> None:
    world.errors = [InternalError("nondeterminism", "digest a, then b", count=3)]
    events = run(store, tmp_path, world, seconds=1.0)
    assert events[-1].internal_errors == 3 * len(world.slices) > 0
    assert events[-1].troubles[0] == "slice 1: nondeterminism: digest a, then b"
    assert len(events[-1].troubles) == len(world.slices)
    assert events[-1].failures == []


def test_a_minimizer_that_fails_leaves_the_failure_verified_and_says_so(
    store: Store, tmp_path: Path, world: World
) -> None:
    def die(text: str, signature: Signature, stop: Any) -> Minimal:
        world.look = 10.0  # until it may be tried again
        raise InfraError("killed")

    world.minimize = die
    world.finds = [[finding("f")]]
    done = run(store, tmp_path, world)[-1]
    assert [failure.failure.state for failure in done.failures] == [VERIFIED]
    assert "F1: is tried again later: killed" in done.troubles


def test_closing_the_iterator_ends_the_slices_and_records_their_finds(
    store: Store, tmp_path: Path, world: World
) -> None:
    world.finds = [[finding("f")]]
    world.endless = True
    events = run_local(
        store, tmp_path, seconds=100, slots=1, hands=world.hands(), clock=world.clock
    )
    assert isinstance(next(events), SliceStarted)
    assert isinstance(next(events), Progress)
    events.close()
    assert [row.signature.culprit for row in store.failures()] == ["f"]


def test_work_that_is_stopped_in_the_middle_is_left_for_the_next_run(
    store: Store, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until_stopped(text: str, signature: Signature, stop: Callable[[], bool]) -> Minimal:
        world.look = 10.0
        while not stop():
            time.sleep(0.01)
        raise Stopped

    world.minimize = until_stopped
    world.finds = [[finding("f")]]
    done = run(store, tmp_path, world)[-1]
    assert [f.failure.state for f in done.failures] == [VERIFIED]
    assert [(job.kind, job.state, job.attempts) for job in store.jobs()] == [
        ("minimize", "ready", 0)
    ]
    assert done.troubles == []


def test_the_seed_corpus_comes_into_the_store_and_to_the_slices(
    store: Store, tmp_path: Path, world: World
) -> None:
    seeds = tmp_path / "given"
    (seeds / "strace").mkdir(parents=True)
    (seeds / "a.mm").write_text(BIG)
    (seeds / "strace" / "a.mm").write_text(SMALL)
    (seeds / "notes.txt").write_text("not a scenario")
    packs: list[int] = []

    def run_slice(spec: SliceSpec, progress: Any, stop: Any) -> SliceResult:
        assert spec.work is not None
        packs.append(len(list(unpack((spec.work / "unmeasured").read_bytes()))))
        return world.run_slice(spec, progress, stop)

    hands = replace(world.hands(), run_slice=run_slice)
    list(
        run_local(
            store, tmp_path, seconds=1.0, slots=1, seed_corpus=seeds, hands=hands, clock=world.clock
        )
    )
    assert packs[0] == 2
    assert store.last_seq() == 2


def test_bad_files_in_the_corpus_folder_are_skipped_and_told(
    store: Store, tmp_path: Path, world: World
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    os.mkfifo(corpus / "x.mm")
    (corpus / "y.mm").write_text("no scenario")
    (corpus / "z.mm").write_text(BIG)
    done = run(store, tmp_path, world)[-1]
    assert [line.split(":")[0] for line in done.troubles] == ["x.mm", "y.mm"]
    assert store.last_seq() == 1


def test_a_find_that_a_killed_run_left_is_announced_by_the_next_one(
    store: Store, tmp_path: Path, world: World
) -> None:
    run_id, lease = begun(store)
    order = attempts.Order(
        store.farm().farm_id, lease.job_id, lease.number, run_id, lease.queue, "", BUILD
    )
    dead = attempts.begin(tmp_path, order)
    (dead.work / "findings").mkdir()
    write_finding(dead.work / "findings", finding("f"))
    dead.leave()
    events = run(store, tmp_path, world)
    assert [event.first for event in events if isinstance(event, Found)] == [True]
    assert [found.failure.state for found in events[-1].failures] == [MINIMIZED]
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_store_that_takes_nothing_more_loses_no_find(
    store: Store, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: what was found waits in its folder, and is told."""

    def full(*arguments: Any) -> Any:
        world.look = 10.0
        raise StoreDown("database or disk is full")

    monkeypatch.setattr(store, "file", full)
    monkeypatch.setattr(store, "end_run", full)
    world.finds = [[finding("f")]]
    done = run(store, tmp_path, world)[-1]
    assert done.failures == []
    assert len(done.unfiled) == 1
    assert "stale-tlb f anon: waits in" in done.unfiled[0]


def test_less_time_than_a_slice_takes_is_refused(
    store: Store, tmp_path: Path, world: World
) -> None:
    with pytest.raises(ValueError, match="second or more"):
        run(store, tmp_path, world, seconds=0.01)
