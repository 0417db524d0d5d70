# SPDX-License-Identifier: MIT
"""Claims about races: read in three forms, decided, and never beyond what the model has."""

import json
from pathlib import Path

import pytest

from corpus import claims
from corpus.text import TextError, dump
from fuzz.judgement import CONFIRMED, REFUTED, UNDECIDED, judge
from simulator.run import Machine
from triage.cli import main

OPS = [
    "T0 mmap 0..1 rw private anon populate",
    "DEVICE migrate_to_device 0..1",
    "T1 madvise 0..1 DONTNEED",
]
STOP = "DEVICE stops at migrate_vma_collect_pmd:ptl_dropped while T1 runs"
BUG = "bug=migratevma-tlb-flush-after-ptl"
LINES = "\n".join(["claim flush after unlock", f"model {BUG}", *OPS, STOP])
OBJECT = {
    "claim": "flush after unlock",
    "model": BUG,
    "ops": OPS,
    "stops": [{"actor": "DEVICE", "at": "migrate_vma_collect_pmd:ptl_dropped", "while": "T1"}],
}


def test_lines_and_json_say_the_same() -> None:
    assert claims.read(LINES) == claims.read(json.dumps(OBJECT))


def test_a_true_claim_is_confirmed_in_its_own_schedule() -> None:
    decided = judge(Machine(), claims.read(LINES))
    assert (decided.verdict, decided.as_claimed, decided.reached) == (CONFIRMED, True, True)
    assert decided.violation is not None
    again = Machine().run(decided.scenario)
    assert again.violation == decided.violation


def test_without_its_stop_the_schedule_is_found() -> None:
    decided = judge(Machine(), claims.read(LINES.replace(STOP, "")))
    assert (decided.verdict, decided.as_claimed) == (CONFIRMED, False)


def test_the_same_claim_of_a_mended_kernel_is_refuted_within_bounds() -> None:
    mended = LINES.replace(f"model {BUG}\n", "").replace(f"\n{STOP}", "")
    decided = judge(Machine(), claims.read(mended), budget=150)
    assert decided.verdict == REFUTED
    assert decided.covered == 1
    assert decided.violation is None


def test_a_budget_too_small_decides_nothing() -> None:
    mended = LINES.replace(f"model {BUG}\n", "")
    assert judge(Machine(), claims.read(mended), budget=2).verdict == UNDECIDED


def test_an_actor_that_never_comes_to_its_stop_is_said() -> None:
    claim = claims.read(LINES.replace(STOP, "T1 stops at dup_mmap:lock_parent while T0 runs"))
    assert not judge(Machine(), claim, budget=1).reached


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        ("T1 madvise 0..1 DONTNEED", "T1 charge_memcg 0..1", "the op charge_memcg"),
        ("DEVICE migrate", "CONTPTE migrate", "the actor CONTPTE"),
        ("migrate_vma_collect_pmd:ptl_dropped", "contpte_set:store", "the site contpte_set:store"),
    ],
)
def test_what_the_model_lacks_is_named(old: str, new: str, lacks: str) -> None:
    text = LINES.replace(old, new)
    if "CONTPTE" in new:
        text = text.replace(STOP, "")
    with pytest.raises(claims.NotModelled, match=lacks):
        claims.read(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("claim x\nT0 mmap 0..1 rw private\n", 2),
        ("claim x\nT0\n", 2),
        (f"{LINES}\nT5 stops at op:begin while T1 runs", 7),
        ('{"ops": ["T0 read 0"], "oracle": "x"}', 1),
        ('{"ops": [', 1),
    ],
)
def test_what_is_no_claim_is_refused_with_its_place(text: str, line: int) -> None:
    with pytest.raises(TextError) as refused:
        claims.read(text)
    assert refused.value.line == line


def test_the_verb_answers_with_the_documented_exit_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "claim"
    file.write_text(LINES)
    assert main(["judge", str(file)]) == 1
    said = capsys.readouterr().out
    assert "CONFIRMED" in said
    assert "(DEVICE migrate_to_device)" in said
    assert main(["judge", str(file), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["as_claimed"]
    file.write_text(answer["scenario"])
    assert main(["judge", str(file)]) == 1  # a scenario is a claim, too
    assert dump(claims.read(answer["scenario"]).scenario) == answer["scenario"]
    capsys.readouterr()
    file.write_text("T0 charge_memcg\n")
    assert main(["judge", str(file)]) == 4
    assert "charge_memcg" in capsys.readouterr().out
    file.write_text("T0 mmap\n")
    assert main(["judge", str(file)]) == 2
