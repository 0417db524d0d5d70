# SPDX-License-Identifier: MIT
"""The triage verbs on a store: list, show, export, and failures that no longer fail."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from fuzz.findings import Finding
from triage import cli
from workers.settings import database_url
from workers.store import Store

PASSES = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose store holds one failure of another build of the model."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("MMFARM_DATA", str(data))
    monkeypatch.delenv("MMFARM_DATABASE", raising=False)
    with closing(Store.open(database_url(data))) as store:
        store.record(
            Finding(
                oracle="leak",
                culprit="zap_pte_range",
                object_class="page",
                promise="<left> over.",
                text=PASSES,
                digest="0" * 16,
                build_id="0" * 64,
                steps=7,
                origin="farm",
            )
        )
    return data


def test_list_gives_each_failure_a_number_and_a_signature(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["triage", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["count"], row["ops"]) == (1, 1, 1)
    assert cli.main(["triage", "list"]) == 0
    assert "leak zap_pte_range page" in capsys.readouterr().out


def test_list_of_a_new_user_is_empty_and_creates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path / "none"))
    monkeypatch.delenv("MMFARM_DATABASE", raising=False)
    assert cli.main(["triage", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert not (tmp_path / "none").exists()


def test_show_of_a_failure_that_this_model_does_not_have_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["triage", "show", "1"]) == 0
    out = capsys.readouterr().out
    assert "passes on this model" in out
    assert "<left> over." in out


def test_export_of_such_a_failure_writes_its_scenario_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["triage", "export", "1", "-o", str(tmp_path / "out"), "--json"]) == 0
    (name,) = json.loads(capsys.readouterr().out)["files"]
    assert Path(name).read_text() == PASSES
    assert [p.name for p in (tmp_path / "out").iterdir()] == [Path(name).name]


def test_a_number_that_is_not_there_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["triage", "show", "2"]) == 2
    assert "mmfarm triage list" in capsys.readouterr().err


def test_a_file_that_is_no_store_is_an_error_with_a_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mmfarm.db").write_bytes(b"not a database" * 1000)
    assert cli.main(["triage", "list"]) == 3
    err = capsys.readouterr().err
    assert "mmfarm.db" in err
    assert "Traceback" not in err
