# SPDX-License-Identifier: MIT
"""`mmfarm run` for real: find, minimize, file, show, export; and be interrupted tidily."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
BUG = "softdirty-clear-no-flush"  # needs no schedule: found at once, minimized in no time
Command = Callable[..., Any]  # the fixture `mmfarm`: arguments -> what the process left


def seeds(folder: Path) -> Path:
    """A starting corpus in which the bug is one mutation away at most."""
    place = folder / "seeds"
    place.mkdir()
    shutil.copy(ROOT / "corpus" / "known-bugs" / f"{BUG}.mm", place)
    return place


def test_a_run_finds_files_and_explains_a_bug(mmfarm: Command, tmp_path: Path) -> None:
    start = seeds(tmp_path)
    for seconds in (3, 12, 48, 192):  # until it is enough for this machine
        ran = mmfarm(
            "run", "--seconds", seconds, "--jobs", 1, "--bug", BUG, "--seed-corpus", start, "--json"
        )
        if ran.code == 1:
            break
    assert ran.code == 1, ran.err
    report = ran.json()
    assert report["executions"] > 0
    found = [f for f in report["findings"] if f["signature"]["oracle"] == "soft-dirty"]
    assert found
    assert f"bug={BUG}" in found[0]["scenario"]

    number = found[0]["id"]
    assert number in {row["id"] for row in mmfarm("triage", "list", "--json").json()}
    shown = mmfarm("triage", "show", number)
    assert shown.code == 0
    assert BUG in shown.out
    assert re.search(r"[1-9]\d* times, in [1-9]\d* slices; ", shown.out)
    exported = mmfarm("triage", "export", number, "-o", tmp_path / "out", "--json").json()
    kinds = {Path(name).suffix: Path(name) for name in exported["files"]}
    assert set(kinds) == {".mm", ".txt", ".json", ".html", ".svg"}
    assert json.loads(kinds[".json"].read_text())["outcome"] == "violation"
    assert mmfarm("replay", kinds[".mm"]).code == 1


def test_an_interrupted_run_reports_and_leaves_no_process_behind(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "triage",
            "run",
            "--seconds",
            "3600",
            "--jobs",
            "1",
            "--out",
            str(tmp_path / "data"),
            "--json",
        ],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    wait_until("a slice", lambda: children(tmp_path), lambda: process.poll() is None)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 130
    assert "findings" in json.loads(out)
    assert not children(tmp_path)


def test_a_run_ends_when_its_time_is_up(mmfarm: Command) -> None:
    for seconds in (1, 8, 64):  # until it is enough for this machine to begin
        ran = mmfarm("run", "--seconds", seconds, "--jobs", 1, "--json")
        if ran.json()["executions"]:
            assert ran.json()["seconds"] >= seconds
            break
    assert ran.code == 0, ran.err


def children(folder: Path) -> list[str]:
    """The command lines of harness processes that work below `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended meanwhile
        if "fuzz.harness" in line and str(folder) in line:
            found.append(line)
    return found


def test_bench_find_reports_each_trial_within_its_limit(mmfarm: Command) -> None:
    done = mmfarm("bench", "find", "--bug", BUG, "--trials", 1, "--seconds", 3, "--json")
    assert done.code == 0, done.err
    report = done.json()
    (trial,) = report["trials"]
    assert trial["executions"] > 0
    assert 0 < trial["seconds"] <= 3
    assert trial["found"] or trial["seconds"] == 3
    assert report["median_seconds"] == trial["seconds"]
