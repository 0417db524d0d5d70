# SPDX-License-Identifier: MIT
"""`mmfarm corpus adopt`: what is found comes into the collection, or is refused with the reason."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from corpus.files import KNOWN_BUGS
from corpus.text import load
from corpus.verify import verify_scenario
from fuzz.findings import Finding
from simulator.run import Machine
from tests.farming import BUILD
from triage import cli
from workers.entries import Made
from workers.settings import database_url
from workers.store import Store

PASSES = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
OTHER = PASSES + "2 T0 write 3\n"
FAILED = Finding(
    oracle="leak",
    culprit="zap_pte_range",
    object_class="page",
    promise="left over",
    text=PASSES,
    digest="0" * 16,
    build_id="0" * 64,
    steps=7,
    origin="farm",
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose store has the failure F1 and the corpus entry C1."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("MMFARM_DATA", str(folder))
    monkeypatch.delenv("MMFARM_DATABASE", raising=False)
    with closing(Store.open(database_url(folder))) as store:
        store.record(FAILED)
        store.push("", BUILD, None, [Made(OTHER, b"\1", "farm")])
    return folder


def adopt(name: str, into: Path, title: str = "A mapping is made") -> int:
    return cli.main(
        ["corpus", "adopt", name, "--category", "mmap", "--title", title, "--into", str(into)]
    )


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(("name", "ops"), [("F1", 1), ("c1", 2)])
def test_a_failure_and_a_corpus_entry_are_adopted_by_their_number(
    name: str, ops: int, tmp_path: Path
) -> None:
    assert adopt(name, tmp_path) == 0
    file = tmp_path / "scenarios" / "mmap" / "a-mapping-is-made.mm"
    made = load(file)
    assert len(made.ops) == ops
    assert dict(made.headers) == {
        "title": "A mapping is made",
        "category": "mmap",
        "expect": "clean",
        "origin": "farm",
    }
    assert verify_scenario(made, str(file), Machine()) == []


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("name", ["F99", "C99"])
def test_a_number_that_nothing_has_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt(name, tmp_path) == 2
    assert name in capsys.readouterr().err
    assert not (tmp_path / "scenarios").exists()


def test_what_the_collection_has_is_refused_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given.mm").write_text(PASSES)
    assert adopt(str(tmp_path / "given.mm"), tmp_path) == 0
    assert adopt(str(tmp_path / "given.mm"), tmp_path, "The same again") == 2
    assert "a-mapping-is-made.mm: is the same scenario" in capsys.readouterr().err
    (tmp_path / "other.mm").write_text(OTHER)
    assert adopt(str(tmp_path / "other.mm"), tmp_path) == 2, "the title names the file"
    assert "exists; give it another title" in capsys.readouterr().err


def test_a_known_bug_is_not_adopted_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = next(iter(sorted(KNOWN_BUGS.glob("*.mm"))))
    assert adopt(str(known), tmp_path) == 2
    assert f"it shows the known bug {known.stem}" in capsys.readouterr().err


def test_wrong_headers_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given.mm").write_text(PASSES)
    given = str(tmp_path / "given.mm")
    words = ["corpus", "adopt", given, "--into", str(tmp_path), "--title", "x"]
    assert cli.main([*words, "--category", "no such"]) == 2
    assert "--category" in capsys.readouterr().err


@pytest.mark.usefixtures("data")
def test_json_says_where_it_went(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["corpus", "adopt", "F1", "--category", "mmap", "--title", "T", "--json"]
    assert cli.main([*words, "--into", str(tmp_path)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "file": str(tmp_path / "scenarios" / "mmap" / "t.mm"),
        "ops": 1,
        "expect": "clean",
    }
