# SPDX-License-Identifier: MIT
"""The benches: an honest workload, and limits that count as limits."""

from dataclasses import replace

import pytest

from corpus.text import load
from fuzz.findings import Finding
from fuzz.slice import ExitKind, SliceResult, SliceSpec
from fuzz.statistics import Statistics
from triage import bench, bench_round
from triage.exits import Refused

PASSES = """# mmfarm scenario 1
config pmd_order=3 frames=64 bug=softdirty-clear-no-flush
1 T0 mmap 0..8 rw private anon
"""
NOTHING = SliceResult(
    exit_kind=ExitKind.OK,
    findings=[],
    statistics=Statistics(executions=900, cpu_seconds=9.5),
    seconds=10.4,
    in_flight=None,
    log_tail="",
)
FOUND = replace(
    NOTHING,
    exit_kind=ExitKind.FINDINGS,
    findings=[Finding("leak", "f", "page", "p.", PASSES, "", "", 1, "farm")],
    statistics=Statistics(
        executions=500,
        first_find_executions=400,
        first_find_seconds=2.5,
        first_find_cpu_seconds=2.25,
    ),
)


def slices(monkeypatch: pytest.MonkeyPatch, result: SliceResult) -> list[SliceSpec]:
    """Every slice ends with `result`; returns the list of those that will be asked for."""
    asked: list[SliceSpec] = []

    def run_slice(spec: SliceSpec) -> SliceResult:
        asked.append(spec)
        return result

    monkeypatch.setattr(bench, "run_slice", run_slice)
    return asked


def test_the_workload_has_48_ops_of_3_actors_and_most_of_them_succeed() -> None:
    scenario = load(bench.WORKLOAD)
    assert len(scenario.ops) == 48
    assert len({op.actor for op in scenario.ops}) == 3
    figures = bench_round.measure(bench.WORKLOAD, 0.01)
    assert figures["clean"]
    assert float(str(figures["succeeded"])) >= 0.8
    assert float(str(figures["exec_per_s"])) > 0


def test_a_hunt_starts_empty_and_stops_at_the_first_find(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = slices(monkeypatch, FOUND)
    trial = bench.hunt("softdirty-clear-no-flush", 3, 10.0)
    assert (trial.found, trial.executions, trial.seconds) == (True, 400, 2.5)
    (spec,) = asked
    assert (spec.seed, spec.seed_corpus, spec.stop_at_first) == (3, None, True)
    assert spec.bugs == ("softdirty-clear-no-flush",)


def test_a_hunt_without_a_find_counts_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    slices(monkeypatch, NOTHING)
    trial = bench.hunt("softdirty-clear-no-flush", 1, 10.0)
    assert (trial.found, trial.executions, trial.seconds) == (False, 900, 10.0)


def test_a_find_that_fails_without_the_bug_too_counts_as_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slices(monkeypatch, FOUND)
    monkeypatch.setattr(bench, "_fails_without_bug", lambda finding: True)
    trial = bench.hunt("softdirty-clear-no-flush", 1, 10.0)
    assert (trial.found, trial.false_alarm, trial.seconds) == (False, True, 10.0)


def test_a_slice_that_died_is_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    slices(monkeypatch, replace(NOTHING, exit_kind=ExitKind.OOM, log_tail="killed"))
    with pytest.raises(bench.BenchError, match="oom: killed"):
        bench.hunt("softdirty-clear-no-flush", 1, 10.0)


def test_a_revision_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused, match="no-such-revision"):
        bench.with_revision("no-such-revision", lambda tree: None)
