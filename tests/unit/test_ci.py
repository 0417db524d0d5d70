# SPDX-License-Identifier: MIT
"""`mmfarm ci`: a patch fails for what it breaks anew, and for nothing else."""

import json
from pathlib import Path

import pytest

from fuzz.focused import Request, search
from simulator.build import ROOT, mode
from tests.unit.schemas import validate
from tests.unit.test_patch import FILE, LATE_FLUSH, RACE
from triage import ci
from triage.changed import changed
from triage.cli import main
from triage.model import patched_in

HARMLESS = f"""# in {FILE}
def defers_flush(k: "Kernel") -> bool:
    return k.bug.migratevma_copy_before_flush or k.bug.migratevma_tlb_flush_after_ptl
"""
RACING = RACE + "@2 migrate_vma_collect_pmd:ptl_dropped#1 -> T1\n"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two scenarios; what is made of the model stays below `tmp_path`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MMFARM_MODEL", "interpreted")
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "race.mm").write_text(RACING)
    (folder / "other.mm").write_text(RACE.partition("2 DEVICE")[0] + "2 T1 read 0\n")
    return folder


def asked(tmp_path: Path, corpus: Path, patch: str, *more: str) -> list[str]:
    (tmp_path / "p.py").write_text(patch)
    return ["ci", "--patch", str(tmp_path / "p.py"), "--corpus", str(corpus), *more]


def test_what_a_patch_breaks_is_new(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, mail = tmp_path / "kcidb.json", tmp_path / "mail"
    line = asked(tmp_path, corpus, LATE_FLUSH, "--runs", "20", "--json")
    assert main([*line, "--kcidb", str(report), "--mail", str(mail)]) == 1
    answer = json.loads(capsys.readouterr().out)
    validate(answer, "ci")
    assert answer["verdict"] == "fail"
    assert "stale-tlb migrate_vma_collect_pmd anon" in [each["signature"] for each in answer["new"]]
    functions = {each["name"]: each for each in answer["functions"]}
    assert set(functions) == {"collect_ptes", "defers_flush"}
    collect = functions["collect_ptes"]
    assert collect["sites"]["migrate_vma_collect_pmd:lock"] > 0
    assert collect["preempted"]["migrate_vma_collect_pmd:ptl_dropped"] > 0
    assert collect["sampled_calls"] > 0
    ran, lines = collect["sampled_lines"]
    assert 0 < ran <= lines
    assert "munlockall" in answer["never"]
    assert "migrate_to_device" not in answer["never"]
    sent = json.loads(report.read_text())
    assert sent["version"] == {"major": 5, "minor": 3}
    assert {test["status"] for test in sent["tests"]} == {"FAIL"}
    assert sent["tests"][0]["build_id"] == sent["builds"][0]["id"]
    assert sent["builds"][0]["checkout_id"] == sent["checkouts"][0]["id"]
    said = mail.read_text().splitlines()
    assert said[0].startswith("Subject: [mmfarm] fail: p.py")
    assert len(said) <= 60
    assert max(len(line) for line in said if not line.startswith("    ")) <= 80


def test_a_patch_that_breaks_nothing_passes(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(asked(tmp_path, corpus, HARMLESS, "--runs", "0")) == 0
    assert "nothing new fails" in capsys.readouterr().out


def test_what_the_base_breaks_as_well_is_not_new(tmp_path: Path, corpus: Path) -> None:
    """The base finds nothing by itself, and fails in the scenario of the patched one."""
    (tmp_path / "p.py").write_text(LATE_FLUSH)
    broken = ci.Side(patched_in(tmp_path / "models", tmp_path / "p.py"), "broken")
    found = ci.ask(broken, Request([RACING], []))
    quiet = ci.ask(broken, Request([RACE.partition("2 DEVICE")[0]], []))
    assert found.signatures
    assert not quiet.signatures
    assert ci._on_base(broken, found, quiet) == set(found.signatures)
    assert not ci._on_base(ci.Side(ROOT, "own"), found, quiet)


def test_the_search_keeps_to_the_focus() -> None:
    device = Request([RACE, RACE.partition("2 DEVICE")[0]], ["migrate_vma_collect_pmd:lock"], 40)
    answer = search(device)
    assert answer.passed == 1
    assert answer.runs >= 40
    assert answer.seen["migrate_vma_collect_pmd:lock"] > answer.runs / 4
    assert search(device) == answer
    assert answer.functions == {}  # only asked for by `sample`


def test_a_sample_counts_calls_and_lines() -> None:
    wanted = Request([RACE], [], sample=[(FILE, "collect_ptes"), (FILE, "hole")])
    answer = search(wanted)
    if mode() == "interpreted":
        assert (answer.functions["collect_ptes"], answer.functions["hole"]) == (1, 0)
        assert answer.lines["collect_ptes"][0] > 5
    else:
        assert answer.functions == {}


def test_comments_and_layout_are_no_changes(tmp_path: Path) -> None:
    text = (
        'def f(k: "Kernel") -> None:\n    k.step(sites.ZAP_PTE_RANGE__LOCK, 0, READ)\n\n\n'
        "class A:\n    def g(self) -> int:\n        return 1\n"
    )
    for name, changes in (("a", text), ("b", text.replace("0, READ", "0,  READ")), ("c", text)):
        file = tmp_path / name / "simulator" / "x.py"
        file.parent.mkdir(parents=True)
        file.write_text(changes)
    assert changed(tmp_path / "a", tmp_path / "b") == []
    new = text.replace("return 1", "return 2").replace("def f", "def h")
    (tmp_path / "c" / "simulator" / "x.py").write_text(new)
    found = {each.name: each for each in changed(tmp_path / "a", tmp_path / "c")}
    assert {name: each.how for name, each in found.items()} == {
        "A.g": "changed",
        "f": "gone",
        "h": "new",
    }
    assert found["f"].sites == ("zap_pte_range:lock",)


def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(asked(tmp_path, corpus, HARMLESS, "--base", "no-such-revision")) == 2
    assert "no-such-revision" in capsys.readouterr().err
    assert main(asked(tmp_path, tmp_path / "none", HARMLESS)) == 2
    assert main(asked(tmp_path, corpus, HARMLESS, "--runs", "0", "--focus", "zap_pte_range")) == 2
    assert "changes no such function" in capsys.readouterr().err
    broken = HARMLESS.replace("k.bug.migratevma_copy_before_flush", "no_such_name")
    assert main(asked(tmp_path, corpus, broken, "--runs", "0")) == 3
    assert "does not run" in capsys.readouterr().err
