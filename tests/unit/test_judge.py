# SPDX-License-Identifier: MIT
"""Claims about races: read in three forms, decided, and never beyond what the model has."""

import json
from pathlib import Path

import pytest

from corpus import claims
from corpus.files import CLAIMS
from corpus.text import TextError, parse
from fuzz.judgement import CONFIRMED, REFUTED, UNDECIDED, judge, set_aside
from simulator.bugs import BUGS, in_kernel
from simulator.run import Machine
from tests.soak.claims import CASES, NOT_MODELLED, WITHOUT_FORM, Case
from tests.unit.schemas import validate
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
    decided = judge(Machine(), claims.read(mended), budget=30_000)
    assert decided.verdict == REFUTED
    assert decided.covered == 1
    assert decided.violation is None


def test_a_budget_too_small_decides_nothing() -> None:
    mended = LINES.replace(f"model {BUG}\n", "")
    assert judge(Machine(), claims.read(mended), budget=200).verdict == UNDECIDED


def test_an_actor_that_never_comes_to_its_stop_is_said() -> None:
    claim = claims.read(LINES.replace(STOP, "T1 stops at dup_mmap:lock_parent while T0 runs"))
    assert not judge(Machine(), claim, budget=1).reached


def test_another_failure_of_the_shipped_kernel_is_named_and_confirms_nothing() -> None:
    """lib/test_hmm.c maps a page after its invalidation, which this claim does not speak of."""
    text = (CLAIMS / "collect-as-it-is.claim").read_text()
    decided = judge(Machine(), claims.read(text), budget=20_000)
    assert decided.verdict == REFUTED
    assert "test-hmm-maps-after-invalidation" in decided.set_aside
    assert [aside.because for aside in decided.asides] == [("test-hmm-maps-after-invalidation",)]


def test_a_row_that_is_not_disclosed_is_judged_and_not_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = [bug for bug in BUGS if bug.undisclosed and bug.is_in("7.2")]
    assert hidden
    for stop in ("migrate_vma_collect_pmd:clear_pte", "zap_pte_range:lock"):
        text = LINES.replace(f"model {BUG}\n", "").replace(
            "migrate_vma_collect_pmd:ptl_dropped", stop
        )
        text = text.replace("DEVICE stops", "T1 stops").replace("while T1", "while DEVICE")
        file = tmp_path / "claim"
        file.write_text(text if "zap" in stop else text.replace("T1 stops", "DEVICE stops"))
        for form in ([], ["--json"]):
            assert main(["judge", str(file), "--budget", "1", *form]) in (0, 1, 3)
            said = capsys.readouterr().out
            assert not [bug.id for bug in hidden if bug.id in said]


def test_a_claim_that_stops_in_a_function_that_a_row_blames_is_about_that_row() -> None:
    driver = LINES.replace(f"model {BUG}\n", "").replace(
        "migrate_vma_collect_pmd:ptl_dropped", "dmirror_migrate_finalize_and_map:lock"
    )
    claim = claims.read(driver)
    assert claim.kernel == "7.2"
    assert "test-hmm-maps-after-invalidation" not in set_aside(claim)
    decided = judge(Machine(), claim, budget=1)
    assert (decided.verdict, decided.as_claimed) == (CONFIRMED, True)
    assert decided.violation is not None
    assert decided.violation.signature.culprit == "dmirror_migrate_finalize_and_map"


def test_a_promise_that_breaks_without_the_racing_op_confirms_nothing() -> None:
    """clear_refs breaks its promise with this bug whoever else does what."""
    ops = ["T0 mmap 0..1 rw private anon", "T0 write 0", "T0 clear_refs soft-dirty", "T0 write 0"]
    stop = "T1 stops at zap_pte_range:lock while T2 runs"
    aside = ["T1 madvise 4..5 DONTNEED", "T2 write 4", "T2 mmap 8..9 rw private anon"]
    lines = ["model bug=softdirty-clear-no-flush", "T0 mmap 4..5 rw private anon populate", *aside]
    decided = judge(Machine(), claims.read("\n".join([*lines, *ops, stop])), budget=1)
    assert decided.verdict == UNDECIDED  # and not CONFIRMED
    assert [aside.violation.signature.oracle for aside in decided.asides] == ["soft-dirty"]
    alone = judge(Machine(), claims.read("\n".join([lines[0], *ops])), budget=1)
    assert alone.verdict == CONFIRMED


def test_what_ops_return_is_decided_by_the_claims_own_schedule() -> None:
    text = "T0 mmap 0..1 rw private anon\nT0 write 0\nT1 munmap 0..1\nT0 write 0 = {}\n"
    assert judge(Machine(), claims.read(text.format("SIGSEGV"))).verdict == CONFIRMED
    assert judge(Machine(), claims.read(text.format(0))).verdict == REFUTED
    with pytest.raises(TextError, match="SIGSEGV"):
        claims.read(text.format("SIGSEG"))


def test_a_claim_may_be_about_a_full_version() -> None:
    claim = claims.read("model kernel=6.12.118\nT0 mmap 0..1 rw private anon")
    assert (claim.kernel, claim.scenario.config.kernel) == ("6.12.118", "6.12")
    has = set(in_kernel("6.12")) - {b[1:] for b in claim.scenario.config.bugs if b[0] == "-"}
    assert has | {b for b in claim.scenario.config.bugs if b[0] != "-"} == set(
        in_kernel("6.12.118")
    )


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        ("T1 madvise 0..1 DONTNEED", "T1 defragment 0..1", "the op defragment"),
        ("T1 madvise 0..1 DONTNEED", "T1 charge_memcg 0..1", "memory cgroups"),
        ("T1 madvise 0..1 DONTNEED", "T1 madvise 0..1 MERGEABLE", "`MERGEABLE` of madvise"),
        ("T1 madvise 0..1 DONTNEED", "OOM_REAPER munmap 0..1", "what OOM_REAPER does"),
        ("DEVICE migrate", "GPU7 migrate", "the actor GPU7"),
        ("migrate_vma_collect_pmd:ptl_dropped", "folio_isolate:lru", "the site folio_isolate:lru"),
        ("migrate_vma_collect_pmd:ptl_dropped", "contpte_set:store", "the model is x86-64"),
        (BUG, "bug=no-such-bug", "the known bug no-such-bug"),
        (BUG, "kernel=5.15", "Linux 5.15: the model can be 6.1 to"),
        (BUG, "kernel=mainline", "the kernel mainline"),
        (BUG, "swappiness=60", "the setting swappiness=60"),
        ("claim flush", "claim on arm64 a flush", "the model is x86-64"),
        ("claim flush", "claim without smp_wmb() a flush", "the order of stores"),
    ],
)
def test_what_the_model_lacks_is_named(old: str, new: str, lacks: str) -> None:
    text = LINES.replace(old, new)
    if "stops" not in text or "GPU7" in new or "OOM" in new:
        text = text.replace(STOP, "")
    if "madvise" in old:
        text = text.replace(STOP, "")
    with pytest.raises(claims.NotModelled, match=lacks):
        claims.read(text)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(claims.NotModelled) as lacks:
        claims.read("model kernel=5.4 bug=nope\nT0 fly 0..1\nGPU read 0")
    assert len(lacks.value.missing) == 4


@pytest.mark.parametrize("case", [c for c in CASES if c.quick], ids=lambda c: c.name)
def test_claims_of_the_list_are_judged_right(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = {CONFIRMED: 1, REFUTED: 0, NOT_MODELLED: 4}
    file = CLAIMS / f"{case.name}.claim"
    assert main(["judge", str(file), "--json"]) == codes[case.answer]
    answer = json.loads(capsys.readouterr().out)
    validate(answer, "judgement")
    assert answer["verdict"] == case.answer


def test_every_claim_of_the_collection_has_its_answer() -> None:
    assert sorted(case.name for case in CASES) == sorted(f.stem for f in CLAIMS.glob("*.claim"))
    assert {case.number for case in CASES} | set(WITHOUT_FORM) == set(range(1, 42))


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
    validate(answer, "judgement")
    assert answer["as_claimed"]
    file.write_text(answer["scenario"])
    assert main(["judge", str(file)]) == 1  # a scenario is a claim, too
    again = claims.read(answer["scenario"])
    assert again.kernel == "7.2"
    assert again.scenario.directives == parse(answer["scenario"]).directives
    capsys.readouterr()
    file.write_text("T0 defragment\n")
    assert main(["judge", str(file)]) == 4
    assert "defragment" in capsys.readouterr().out
    file.write_text("T0 mmap\n")
    assert main(["judge", str(file)]) == 2
