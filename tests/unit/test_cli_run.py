# SPDX-License-Identifier: MIT
"""`mmfarm run` around its engine: exit codes, the report, and what an interrupt leaves."""

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from fuzz.findings import Finding
from fuzz.statistics import InternalError, Statistics
from tests.farming import begun
from triage import local
from workers import laptop
from workers.records import FailureDetail, RunFigures
from workers.store import Store

FINDING = Finding(
    oracle="leak", culprit="zap_pte_range", object_class="page", promise="a page is left over.",
    text="# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 read 0\n", digest="0" * 16,
    build_id="0" * 64, steps=7, origin="farm",
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
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: Engine, *, as_json: bool = False
) -> int:
    monkeypatch.setattr(local, "run_local", lambda store, folder, **options: engine(store))
    request = local.Request(1.0, (), None, tmp_path, own_folder=True, jobs=1)
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
        "oracle": "leak", "culprit": "zap_pte_range", "object_class": "page"
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
