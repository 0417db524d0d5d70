# SPDX-License-Identifier: MIT
"""`mmfarm bench compare` on the model: three known bugs, one trial, in four ways."""

import json
from pathlib import Path

import pytest

from triage.cli import main

# Found within some hundred runs each.
BUGS = ("do-wp-page-copies-pinned-page", "vmsplice-child-cow", "migratevma-tlb-flush-after-ptl")
WAYS = ("whole", "pct", "random-walk-no-feedback", "bytes")


def test_every_way_hunts_and_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether one finds within a second depends on the machine, and is not asked for."""
    pytest.importorskip("atheris", reason="Atheris has no wheel here")
    arguments = ["bench", "compare", "--trials", "1", "--seconds", "1", "--json"]
    arguments += [word for bug in BUGS for word in ("--bug", bug)]
    arguments += [word for way in WAYS for word in ("--way", way)]
    assert main([*arguments, "--plot", str(tmp_path / "curves.svg")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [line["way"] for line in report["ways"]] == [*WAYS]
    assert len(report["hunts"]) == len(BUGS) * len(WAYS)
    assert all(hunt["executions"] > 0 for hunt in report["hunts"])
    assert all(line["trials"] == len(BUGS) for line in report["ways"])
    assert (tmp_path / "curves.svg").read_text().startswith("<svg")
