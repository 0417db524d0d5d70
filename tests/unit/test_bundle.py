# SPDX-License-Identifier: MIT
"""Bundles: one file that replays elsewhere, and what is said when it does not come as it says."""

import json
from pathlib import Path

import pytest

from corpus.files import KNOWN_BUGS, UNDISCLOSED, mm_files
from tests.unit.schemas import validate
from triage import cli

BUG = KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"
PASSES = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"


@pytest.fixture
def bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "one.json"
    assert cli.main(["bundle", str(BUG), "-o", str(path)]) == 0
    capsys.readouterr()
    return path


def test_it_is_as_its_schema_says_and_replays_with_its_digest(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(bundle.read_text())
    validate(document, "bundle")
    assert document["scenario"] == BUG.read_text()
    assert "migrate_vma_collect_pmd" in document["drawing"]
    assert cli.main(["replay", str(bundle), "--json"]) == 1
    replayed = json.loads(capsys.readouterr().out)
    assert replayed["digest"] == document["digest"]
    assert replayed["bundle"]["agrees"] is True


def test_another_digest_on_the_same_build_is_an_error_of_ours(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(bundle.read_text()) | {"digest": "0" * 16}
    bundle.write_text(json.dumps(document))
    assert cli.main(["replay", str(bundle)]) == 3
    assert "an error of mmfarm" in capsys.readouterr().out


def test_of_another_build_only_what_is_broken_is_compared(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(bundle.read_text()) | {"digest": "0" * 16, "build_id": "0" * 64}
    bundle.write_text(json.dumps(document))
    assert cli.main(["replay", str(bundle)]) == 1
    assert "the same is broken" in capsys.readouterr().out
    bundle.write_text(json.dumps(document | {"scenario": PASSES}))
    assert cli.main(["replay", str(bundle)]) == 0
    assert f"there it was {document['signature']}" in capsys.readouterr().out


def test_other_verbs_take_it(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", str(bundle)]) == 0
    assert f"mmfarm replay {bundle}" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["{", '{"format": "x"}', '{"format": "mmfarm bundle"}', "{}"])
def test_what_is_no_bundle_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "bad"
    path.write_text(text)
    assert cli.main(["replay", str(path)]) == 2
    assert "neither a scenario nor a bundle" in capsys.readouterr().err


def test_a_bundle_of_a_newer_mmfarm_is_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle.write_text(json.dumps(json.loads(bundle.read_text()) | {"version": 2}))
    assert cli.main(["replay", str(bundle)]) == 2
    assert "update mmfarm" in capsys.readouterr().err


def test_nothing_is_bundled_that_passes_or_is_not_disclosed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "passes.mm"
    path.write_text(PASSES)
    out = tmp_path / "out.json"
    assert cli.main(["bundle", str(path), "-o", str(out)]) == 2
    hidden = mm_files([UNDISCLOSED])
    assert hidden
    assert cli.main(["bundle", str(hidden[0]), "-o", str(out)]) == 2
    assert "not exported" in capsys.readouterr().err
    assert not out.exists()
