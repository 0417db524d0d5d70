# SPDX-License-Identifier: MIT
"""The triage verbs on a store: list, show, export, and failures that no longer fail."""

import io
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


# --- what people say ----------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert cli.main(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


@pytest.mark.parametrize(
    ("verb", "words", "verdict"),
    [
        ("invalid", ("no", "such", "lock"), "invalid"),
        ("unrelated", (), "unrelated"),
        ("fixed-in", ("7.3",), "fixed"),
    ],
)
def test_a_verdict_leaves_the_list_and_undo_brings_it_back(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    words: tuple[str, ...],
    verdict: str,
) -> None:
    row = json.loads(said(capsys, "triage", verb, "F1", *words, "--json"))
    assert (row["verdict"], row["reason"]) == (verdict, " ".join(words))
    assert json.loads(said(capsys, "triage", "list", "--json")) == []
    assert verdict in said(capsys, "triage", "list", "--verdict", "any")
    assert f"taken back: {verb}" in said(capsys, "triage", "undo", "f1")
    assert "F1" in said(capsys, "triage", "list")


def test_next_names_the_command_that_shows_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "mmfarm triage show F1" in said(capsys, "triage", "next")
    said(capsys, "triage", "invalid", "1", "no")
    assert "nothing waits" in said(capsys, "triage", "next")


def test_show_tells_what_was_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "triage", "note", "F1", "ask", "David")
    said(capsys, "triage", "label", "F1", "thp")
    shown = said(capsys, "triage", "show", "F1")
    assert "note ask David" in shown
    assert "new, thp" in shown


def test_what_is_under_embargo_is_not_listed_and_not_exported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "triage", "label", "F1", "embargo")
    assert json.loads(said(capsys, "triage", "list", "--json")) == []
    assert json.loads(said(capsys, "triage", "list", "--embargoed", "--json")) != []
    assert "embargo" in said(capsys, "triage", "export", "F1", "-o", str(tmp_path / "x"), code=2)
    assert not (tmp_path / "x").exists()
    said(capsys, "triage", "label", "F1", "embargo", "--remove")
    assert json.loads(said(capsys, "triage", "list", "--json")) != []


def test_filters_and_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, count in (
        (("--oracle", "leak"), 1),
        (("--culprit", "other"), 0),
        (("--state", "minimized"), 0),
        (("zap", "over"), 1),
        (("zap", "under"), 0),
    ):
        rows = json.loads(said(capsys, "triage", "list", *arguments, "--json"))
        assert len(rows) == count, arguments


@pytest.mark.parametrize("name", ["R1", "x", "F", "F0", "F1x", "1.5"])
def test_what_names_no_failure_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert "like F12" in said(capsys, "triage", "show", name, code=2)


def test_a_failure_is_replayed_by_its_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(said(capsys, "replay", "F1", "--json"))
    assert document["outcome"] == "clean"
    assert "lists them" in said(capsys, "replay", "F9", code=2)
    assert "has no C1" in said(capsys, "replay", "C1", code=2)
    assert "is no scenario" in said(capsys, "replay", "R1", code=2)


def test_a_file_that_is_called_like_a_failure_is_a_file(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "F9").write_text(PASSES)
    assert json.loads(said(capsys, "replay", "F9", "--json"))["outcome"] == "clean"


def test_stdin_is_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PASSES.encode())))
    assert json.loads(said(capsys, "replay", "-", "--json"))["outcome"] == "clean"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"nonsense\n")))
    assert "<stdin>:1" in said(capsys, "replay", "-", code=2)
