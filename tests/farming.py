# SPDX-License-Identifier: MIT
"""A farm for tests without a model: findings, outcomes, and hands that do what they are told."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from corpus.text import dump, parse
from fuzz.findings import Finding
from fuzz.slice import ExitKind, SliceResult, SliceSpec
from fuzz.statistics import Statistics
from simulator.outcome import Outcome, Signature, Violation
from workers.isolated import Minimal, Replayed
from workers.jobs import Hands, Site
from workers.ledger import Lease
from workers.pantry import Pantry
from workers.schema import FUZZ, QUEUE_LOCAL
from workers.store import Store

BUILD = "b" * 64
DIGEST = "00112233aabbccdd"
SIGNATURE = Signature("stale-tlb", "zap_pte_range", "anon")
OTHER = Signature("refcount", "put_page", "anon")
START = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = {"seconds": 5.0, "bugs": [], "seed": None}


class ManualClock:
    """Time that stands still until it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def text_of(reads: int) -> str:
    """A canonical scenario of `reads` + 1 ops."""
    head = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
    return dump(parse(head + "".join(f"{uid} T0 read 3\n" for uid in range(2, reads + 2))))


def finding(reads: int = 4, signature: Signature = SIGNATURE) -> Finding:
    return Finding(
        signature.oracle,
        signature.culprit,
        signature.object_class,
        "a promise",
        text_of(reads),
        DIGEST,
        BUILD,
        17,
        "farm",
    )


def outcome(signature: Signature | None = SIGNATURE, digest: str = DIGEST) -> Outcome:
    violation = None if signature is None else Violation(signature, "a promise", 2, 9)
    return Outcome(violation, digest, 17, [0])


def result(
    findings: list[Finding],
    kind: ExitKind = ExitKind.FINDINGS,
    *,
    return_code: int = 0,
    in_flight: str | None = None,
) -> SliceResult:
    statistics = Statistics(executions=100, steps=4000, features=7, cpu_seconds=1.25)
    return SliceResult(kind, findings, statistics, 1.5, in_flight, "log\nlast line", return_code)


class FakeHands:
    """`slices` makes a result; replays show the signature, or what `shows` says."""

    def __init__(self) -> None:
        self.specs: list[SliceSpec] = []
        self.slices: Callable[[SliceSpec], SliceResult] = lambda spec: result([], ExitKind.OK)
        self.shows: Callable[[str, int], Outcome] = lambda text, seed: outcome()
        self.build = BUILD
        self.minimal: Callable[[str], Minimal] = lambda text: Minimal(
            BUILD, text_of(1), {"complete": True}, []
        )
        self.death: Callable[[], str] = lambda: ""
        self.asked: list[int] = []
        self._lock = threading.Lock()

    def hands(self) -> Hands:
        return Hands(
            run_slice=self._run_slice,
            replay=self._replay,
            minimize=lambda text, signature, stop, keep: self.minimal(text),
            alone=lambda text, stop: self.death(),
            build_id=lambda: self.build,
        )

    def _run_slice(
        self,
        spec: SliceSpec,
        progress: Callable[[Statistics], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> SliceResult:
        with self._lock:
            self.specs.append(spec)
        return self.slices(spec)

    def _replay(self, text: str, hash_seed: int, stop: Callable[[], bool]) -> Replayed:
        self.asked.append(hash_seed)
        return Replayed(self.build, self.shows(text, hash_seed))


def site(store: Store, folder: Path, fake: FakeHands | None = None) -> Site:
    return Site(store, folder, Pantry(store, Random(1)), (fake or FakeHands()).hands())


def leased(store: Store, kind: str, subject: int, worker: str = "w") -> Lease:
    """Take a job by what it is about."""
    owed = store.job_of(kind, subject)
    assert owed is not None
    lease = store.lease(owed.id, worker)
    assert lease is not None
    return lease


def begun(store: Store, queue: str = QUEUE_LOCAL) -> tuple[int, Lease]:
    """A run that somebody has begun."""
    run_id = store.create_run(SPEC, queue)
    return run_id, leased(store, FUZZ, run_id)
