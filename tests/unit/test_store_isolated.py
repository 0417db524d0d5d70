# SPDX-License-Identifier: MIT
"""A fresh process runs the model for the farm; whatever happens to it is no finding."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.text import parse
from fuzz.findings import Finding
from simulator.build import build_id
from simulator.outcome import Signature
from simulator.run import Machine
from tests.farming import finding, text_of
from workers import child, isolated
from workers.errors import InfraError, Stopped, WorkDied
from workers.jobs import never

ROOT = Path(__file__).parents[2]
CLEAN = """\
# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 read 3
"""


def script(folder: Path, body: str) -> str:
    """A program that runs instead of Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_every_hash_seed_gives_the_same_outcome_with_its_trace() -> None:
    replays = [isolated.replay(CLEAN, seed, never) for seed in (0, 1)]
    assert replays[0] == replays[1]
    assert replays[0].build_id == build_id()
    assert replays[0].outcome.violation is None
    assert replays[0].outcome.results[0] == 0
    assert len(replays[0].outcome.trace) > 0


def test_a_traced_replay_has_the_digest_of_the_find() -> None:
    """Slices find without a trace; verify would call each failure unreproducible."""
    assert isolated.replay(CLEAN, 0, never).outcome.digest == Machine().run(parse(CLEAN)).digest


def test_a_text_that_is_no_scenario_is_infrastructure_and_says_where() -> None:
    with pytest.raises(InfraError, match="replay: the child ended with 1: .*TextError"):
        isolated.replay("garbage\n", 0, never)


def test_a_scenario_that_does_not_fail_cannot_be_minimized() -> None:
    with pytest.raises(WorkDied, match="minimize: the child ended with 1: .*NotFailing"):
        isolated.minimize(
            CLEAN, Signature("stale-tlb", "zap_pte_range", "anon"), never, lambda best: None
        )


@pytest.mark.parametrize("end", ["exec sleep 3600", "exit 1"])
def test_a_minimizer_that_is_cut_off_leaves_the_last_that_it_told(
    end: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number, reads in enumerate((4, 3)):
        (tmp_path / f"{number}.json").write_text(
            json.dumps({"best": finding(reads).to_json()}) + "\n"
        )
    said = f"cat >/dev/null; echo {child.BEGUN}; cat {tmp_path}/0.json {tmp_path}/1.json; "
    said += 'printf \'{"best": "cut\'; touch ' + str(tmp_path / "told") + f"; {end}"
    monkeypatch.setattr(sys, "executable", script(tmp_path, said))
    kept: list[Finding] = []
    with pytest.raises((Stopped, WorkDied)):
        isolated.minimize(CLEAN, finding().signature, (tmp_path / "told").exists, kept.append)
    assert [each.text for each in kept] == [text_of(3)]


def test_a_child_is_stopped_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", script(tmp_path, "exec sleep 3600"))
    monkeypatch.setattr(isolated, "SLOWDOWN", float("inf"))
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        isolated.replay(CLEAN, 0, lambda: next(asked))


def test_a_child_that_does_not_get_to_run_is_not_to_blame(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", script(tmp_path, "exec sleep 3600"))
    monkeypatch.setattr(isolated, "SLOWDOWN", 0.01)
    with pytest.raises(InfraError, match=r"did not answer in 0\.6 s"):
        isolated.replay(CLEAN, 0, never)


def test_a_child_that_uses_up_its_time_died_of_its_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", script(tmp_path, "echo begun; kill -XCPU $$"))
    with pytest.raises(WorkDied, match=f"ended with {-signal.SIGXCPU}"):
        isolated.replay(CLEAN, 0, never)


def test_the_end_of_its_time_can_be_told_from_a_kill() -> None:
    spin = "from fuzz.confine import limit_cpu\nlimit_cpu(1)\nwhile True: pass"
    child = subprocess.run([sys.executable, "-c", spin], cwd=ROOT, check=False)
    assert child.returncode == -signal.SIGXCPU


def test_a_child_whose_supervisor_has_gone_does_no_work() -> None:
    """The request names a supervisor that is not the child's parent, as after its death."""
    child = subprocess.run(
        [sys.executable, "-P", "-m", "workers.child"],
        input='{"do": "replay", "supervisor": 1, "cpu_seconds": 9, "text": ""}',
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stdout) == (3, "")


def test_credentials_of_the_farm_do_not_reach_the_child(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MMFARM_DATABASE", "postgresql://secret")
    monkeypatch.setenv("MMFARM_BROKER", "redis://secret")
    seen = tmp_path / "environment"
    python = script(tmp_path, f'env > {seen}\nexec {sys.executable} "$@"')
    monkeypatch.setattr(sys, "executable", python)
    isolated.replay(CLEAN, 0, never)
    assert "PYTHONHASHSEED=0" in seen.read_text()
    assert "secret" not in seen.read_text()


def test_a_scenario_that_does_no_harm_survives_alone() -> None:
    assert isolated.alone(CLEAN, never) == ""


def test_a_scenario_that_never_ends_dies_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", script(tmp_path, "echo begun; kill -XCPU $$"))
    assert f"ended with {-signal.SIGXCPU}" in isolated.alone(CLEAN, never)


def test_a_child_that_the_model_brings_down_is_infrastructure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", script(tmp_path, "kill -SEGV $$"))
    with pytest.raises(InfraError, match=f"ended with {-signal.SIGSEGV}: it said nothing"):
        isolated.replay(CLEAN, 0, never)
