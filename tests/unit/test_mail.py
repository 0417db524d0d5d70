# SPDX-License-Identifier: MIT
"""The mail about a finding: plain, one screen, and nothing in it that is not known."""

import json
from dataclasses import replace

import pytest

from corpus.files import KNOWN_BUGS, UNDISCLOSED, mm_files
from corpus.text import load
from simulator.build import build_id
from simulator.scenario import Scenario
from tests.farming import START
from triage import cli, mail
from triage.closer import look
from triage.explain import Explanation, explain
from workers.records import ConfirmationRow

BUG = KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"


def explained(scenario: Scenario) -> Explanation:
    found = explain(scenario, "x.mm")
    assert found is not None
    return found


def composed(kernels: list[ConfirmationRow], fixes: str = "") -> str:
    explanation = explained(load(BUG))
    return mail.compose(
        explanation, look(explanation.scenario, explanation.outcome, None), kernels, fixes
    )


def kernel(version: str, verdict: str) -> ConfirmationRow:
    return ConfirmationRow(1, "0" * 64, f"debian-{version}", version, verdict, 4, 5, "", START)


@pytest.mark.parametrize(
    "name",
    ["migratevma-tlb-flush-after-ptl", "mremap-tlb-flush-late", "tlb-huge-and-small-at-once"],
)
def test_it_is_plain_text_of_one_screen_with_what_is_needed(name: str) -> None:
    scenario = load(KNOWN_BUGS / f"{name}.mm")
    explanation = explained(scenario)
    text = mail.compose(explanation, look(scenario, explanation.outcome, None), [])
    lines = text.splitlines()
    assert text.isascii()
    assert len(lines) <= mail.LINES
    assert max(map(len, lines)) <= mail.WIDTH
    signature = explanation.violation.signature
    assert lines[0].startswith("Subject: mm/")
    assert f"{signature.culprit}()" in lines[0]
    joined = " ".join(text.split())
    assert build_id()[:12] in joined
    assert "is not Linux" in joined
    for line in (BUG.parent / f"{name}.mm").read_text().splitlines():
        if not line.startswith("#"):
            assert f"    {line}" in lines, "the reproducer is whole"


def test_only_a_person_knows_what_it_fixes() -> None:
    assert "Fixes:" not in composed([])
    fixes = '0123456789ab ("mm: a subject")'
    assert f"Fixes: {fixes}" in composed([], fixes)


def test_a_kernel_is_named_only_with_its_verdict() -> None:
    assert "has not been tried on a real kernel" in composed([])
    assert "has not been tried" in composed([kernel("6.1.170", "REFUSED")])
    said = " ".join(composed([kernel("6.12.118", "SAME"), kernel("7.3.4", "DIFFERENT")]).split())
    assert "on unmodified kernels in QEMU: 6.12.118 (4 of 5 runs)" in said
    assert "It does not on 7.3.4." in said


def test_files_are_those_of_linux() -> None:
    assert mail.kernel_file("migrate_vma_collect_pmd") == "mm/migrate_device.c"
    assert mail.kernel_file("move_ptes") == "mm/mremap.c"
    assert mail.kernel_file("no_such_function") == ""


def test_a_mended_model_is_not_called_a_release() -> None:
    scenario = load(BUG)
    explanation = replace(
        explained(scenario), scenario=replace(scenario, config=replace(scenario.config, bugs=()))
    )
    text = " ".join(
        mail.compose(explanation, look(scenario, explanation.outcome, None), []).split()
    )
    assert "Linux 7.2 with the fixes of known bugs" in text
    assert "bug=" not in text


def test_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mail", str(BUG), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["recipients"] == "scripts/get_maintainer.pl -f mm/migrate_device.c"
    assert cli.main(["mail", str(BUG), "--fixes", "deadbeef"]) == 2
    (hidden, *_) = mm_files([UNDISCLOSED])
    assert cli.main(["mail", str(hidden)]) == 2
    assert "in private first" in capsys.readouterr().err
