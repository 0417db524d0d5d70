# SPDX-License-Identifier: MIT
"""`mmfarm run` around its engine: exit codes, the report, and what an interrupt leaves."""

import json
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from fuzz.findings import Finding
from fuzz.statistics import InternalError, Statistics
from simulator import sites
from simulator.bugs import BUGS
from tests.farming import begun
from triage import local
from triage.cli import main
from workers import laptop
from workers.records import FailureDetail, RunFigures
from workers.schema import QUEUE_TRIAGE
from workers.store import Store

FINDING = Finding(
    oracle="leak",
    culprit="zap_pte_range",
    object_class="page",
    promise="a page is left over.",
    text="# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 read 0\n",
    digest="0" * 16,
    build_id="0" * 64,
    steps=7,
    origin="farm",
)
RAN = laptop.SliceEnded(1, "ok", Statistics(executions=500, steps=900, cpu_seconds=1.0), 2)
Engine = Callable[[Store], Generator[laptop.Event, None, None]]


def found(store: Store) -> laptop.Found:
    """A slice files a finding and says so."""
    _, lease = begun(store)
    (recorded,), _ = store.end_run(lease, RunFigures("findings"), [FINDING], "")
    failure = store.failure(recorded.failure_id)
    assert failure is not None
    return laptop.Found(failure, first=True)


def done(*failures: FailureDetail, unfiled: tuple[str, ...] = ()) -> laptop.Done:
    return laptop.Done(list(failures), list(unfiled), 0, 0, 0.0, 0.0, 0, {}, 0, [])


def run(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    engine: Engine,
    *,
    as_json: bool = False,
    bugs: tuple[str, ...] = (),
) -> int:
    monkeypatch.setattr(local, "run_local", lambda store, folder, **options: engine(store))
    request = local.Request(1.0, bugs, None, tmp_path, own_folder=True, jobs=1)
    return local.run(request, as_json)


def quiet(store: Store) -> Generator[laptop.Event, None, None]:
    yield laptop.SliceStarted(1)
    yield RAN
    yield done()


def finding(store: Store) -> Generator[laptop.Event, None, None]:
    event = found(store)
    yield laptop.SliceStarted(1)
    yield event
    yield RAN
    yield done(event.failure)


def full(store: Store) -> Generator[laptop.Event, None, None]:
    """A disk without room for what was found."""
    yield laptop.SliceStarted(1)
    yield RAN
    yield done(unfiled=("leak zap_pte_range page: waits in /data/runs/R1.1",))


def dead(store: Store) -> Generator[laptop.Event, None, None]:
    yield laptop.SliceStarted(1)
    yield laptop.Trouble("a slice failed: no engine")
    yield done()


def contradicting(store: Store) -> Generator[laptop.Event, None, None]:
    error = InternalError("nondeterminism", "digests differ")
    yield laptop.SliceEnded(1, "error", Statistics(executions=5, internal_errors=[error]), 0)
    yield done()


@pytest.mark.parametrize(
    ("engine", "code"), [(quiet, 0), (finding, 1), (full, 1), (dead, 3), (contradicting, 3)]
)
def test_the_exit_code_tells_clean_from_found_from_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: Engine, code: int
) -> None:
    assert run(monkeypatch, tmp_path, engine) == code


def test_a_focus_that_was_not_come_by_is_told_and_is_no_success(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = "mincore_pte_range:lock"
    passed: dict[str, int] = {}

    def engine(store: Store) -> Generator[laptop.Event, None, None]:
        for figures in (Statistics(executions=5, focus_passed=passed), Statistics(executions=5)):
            yield laptop.SliceEnded(1, "ok", figures, 0)
        yield done()

    asked: list[object] = []

    def run_local(
        store: Store, folder: Path, **options: object
    ) -> Generator[laptop.Event, None, None]:
        asked.append(options["focus"])
        return engine(store)

    monkeypatch.setattr(local, "run_local", run_local)
    request = local.Request(1.0, (), None, tmp_path, own_folder=True, jobs=1, focus=(site,))
    assert local.run(request, False) == 4
    assert "NOT REACHED: mincore_pte_range" in capsys.readouterr().out
    passed[site] = 7
    assert local.run(request, True) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["focus"]["mincore_pte_range"] == {
        "ran": 7,
        "sites": {site: {"passed": 7, "preempted": 0}},
    }
    assert asked == [(site,), (site,)]


def test_the_report_names_the_command_that_explains(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, tmp_path, finding)
    out = capsys.readouterr().out
    assert f"MMFARM_DATA={tmp_path} mmfarm triage show 1" in out
    assert "leak zap_pte_range page" in out
    assert "500 executions" in out


def test_the_json_report_holds_the_scenario_and_the_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, tmp_path, finding, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert (report["executions"], report["steps"], report["cpu_seconds"]) == (500, 900, 1.0)
    (one,) = report["findings"]
    assert one["scenario"] == FINDING.text
    assert one["signature"] == {
        "oracle": "leak",
        "culprit": "zap_pte_range",
        "object_class": "page",
    }


def test_a_find_that_could_not_be_stored_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, tmp_path, full)
    out = capsys.readouterr().out
    assert "waits in /data/runs/R1.1" in out
    assert "No promise was broken" not in out


def test_trouble_is_told_and_not_swallowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, tmp_path, dead)
    assert "a slice failed: no engine" in capsys.readouterr().out


def test_an_interrupted_run_reports_what_it_had_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(store: Store) -> Generator[laptop.Event, None, None]:
        yield laptop.SliceStarted(1)
        found(store)  # what run_local does while it is being closed
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(monkeypatch, tmp_path, interrupted, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 1


def test_a_clean_run_says_how_much_it_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = sorted(sites.BY_NAME)
    reached = [name for name in names if name.startswith("zap_pte_range:")]
    missed = [name for name in names if name not in reached]

    def little(store: Store) -> Generator[laptop.Event, None, None]:
        figures = Statistics(executions=500, sites_reached=len(reached), sites_missed=missed)
        yield laptop.SliceEnded(1, "ok", figures, 0)
        yield done()

    assert run(monkeypatch, tmp_path, little) == 0
    out = capsys.readouterr().out
    functions = {name.partition(":")[0] for name in names}
    assert (
        f"No promise was broken in 500 executions, which came by {len(reached)} of "
        f"{len(names)} sites in 1 of {len(functions)} functions, and let "
        "somebody else in at 0 sites; never by " in out
    )
    run(monkeypatch, tmp_path, little, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["sites_missed"] == missed
    assert "zap_pte_range" not in report["functions_missed"]


def test_what_earlier_runs_did_not_finish_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def dying(store: Store) -> Generator[laptop.Event, None, None]:
        found(store)
        yield RAN
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(monkeypatch, tmp_path, dying)
    capsys.readouterr()
    assert run(monkeypatch, tmp_path, quiet) == 1
    out = capsys.readouterr().out
    assert "NOT FINISHED, of earlier runs" in out
    assert "leak zap_pte_range page" in out


def test_what_this_run_has_finished_of_an_earlier_one_is_announced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run that found it may have been killed before it could say so."""

    def finishing(store: Store) -> Generator[laptop.Event, None, None]:
        event = found(store)
        lease = store.take([QUEUE_TRIAGE], "w")
        assert lease is not None
        store.unreproducible(lease, "its replays disagree")
        moved = store.failure(event.failure.failure.id)
        assert moved is not None
        yield laptop.Unreproducible(moved)
        yield RAN
        yield done()

    assert run(monkeypatch, tmp_path, finishing) == 1
    out = capsys.readouterr().out
    assert "of an earlier run, finished now" in out
    assert "leak zap_pte_range page" in out
    (tmp_path / "other").mkdir()
    run(monkeypatch, tmp_path / "other", finishing, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["finished_earlier"]) == 1


def test_a_disk_that_is_full_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=4096))
    assert run(monkeypatch, tmp_path, quiet) == 3
    assert f"the disk of {tmp_path} is full: 4 KiB are left" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path, finding) == 1


def test_a_disk_that_was_full_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def filling(store: Store) -> Generator[laptop.Event, None, None]:
        yield RAN
        yield laptop.Trouble("R1: is tried again later: database or disk is full")
        yield done()

    assert run(monkeypatch, tmp_path, filling) == 3
    assert "was full: R1: is tried again later" in capsys.readouterr().out


def test_a_bug_of_which_nothing_was_reached_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = sorted(sites.BY_NAME)
    known = set(sites.FUNCTION)
    bug, functions = next(
        (bug, functions)
        for bug in BUGS
        if len(functions := [each for each in bug.culprits if each in known]) > 1
    )

    def missing(functions: list[str]) -> Engine:
        missed = [name for name in names if name.partition(":")[0] in functions]

        def little(store: Store) -> Generator[laptop.Event, None, None]:
            reached = len(names) - len(missed)
            figures = Statistics(executions=500, sites_reached=reached, sites_missed=missed)
            yield laptop.SliceEnded(1, "ok", figures, 0)
            yield done()

        return little

    assert run(monkeypatch, tmp_path, missing(functions), bugs=(bug.id,)) == 4
    assert f"NOT REACHED: bug={bug.id}, in {', '.join(functions)}" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path, missing(functions)) == 0
    assert run(monkeypatch, tmp_path, missing(functions[1:]), bugs=(bug.id,)) == 0


@pytest.mark.parametrize(
    ("kind", "code"),
    [("timeout", 3), ("oom", 3), ("killed", 3), ("error", 3), ("stopped", 0), ("findings", 0)],
)
def test_slices_that_failed_are_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    code: int,
) -> None:
    def ending(store: Store) -> Generator[laptop.Event, None, None]:
        yield laptop.SliceEnded(1, kind, Statistics(executions=5), 0)
        yield done()

    assert run(monkeypatch, tmp_path, ending) == code
    assert (f"slices that failed: 1 {kind}" in capsys.readouterr().out) == (code == 3)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0", "-1"])
@pytest.mark.parametrize("verb", [["run"], ["conform", "run"], ["bench", "find", "--bug", "x"]])
def test_seconds_are_finite_and_more_than_none(verb: list[str], value: str) -> None:
    assert main([*verb, "--seconds", value]) == 2


def test_no_scenarios_are_no_limit() -> None:
    assert main(["conform", "run", "--scenarios", "0"]) == 2
