# SPDX-License-Identifier: MIT
"""What is drawn of 25 known bugs is what their fixes tell, is true, and fits; and whoever draws
something false is found out."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from corpus.files import KNOWN_BUGS
from corpus.text import parse
from tests.quality.facts import FACTS, Fact, Line
from triage.diagram import HEIGHT
from triage.explain import explain
from triage.fitting import WIDTH, render

ROOT = Path(__file__).parents[2]
BUGS = [fact.bug for fact in FACTS]


def asked(module: str) -> Any:
    """What a program of this folder answers, which runs the interpreted model."""
    answer = subprocess.run(
        [sys.executable, "-m", module],
        env=os.environ | {"MMFARM_MODEL": "interpreted"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=600,
        cwd=ROOT,
    ).stdout
    return json.loads(answer)


@pytest.fixture(scope="module")
def drawings() -> Any:
    return asked("tests.quality.drawn")


def missing(lines: list[Any], facts: tuple[Line, ...]) -> list[Line]:
    """Facts that are not among the lines, in this order."""
    at = 0
    gone = []
    for actor, function, pattern in facts:
        for i in range(at, len(lines)):
            line = lines[i]
            if (
                line["actor"] == actor
                and line["function"] == function
                and re.fullmatch(pattern, re.sub(r"^\w+: ", "", line["text"]))
            ):
                at = i + 1
                break
        else:
            gone.append((actor, function, pattern))
    return gone


def test_there_are_25_bugs_each_with_a_commit() -> None:
    assert len(set(BUGS)) == 25
    assert all((KNOWN_BUGS / f"{bug}.mm").exists() for bug in BUGS)
    assert all(re.fullmatch(r"[0-9a-f]{12}", fact.commit) for fact in FACTS)


@pytest.mark.parametrize("fact", FACTS, ids=BUGS)
def test_the_drawing_shows_what_the_fix_tells(fact: Fact, drawings: Any) -> None:
    drawing = drawings[fact.bug]
    assert missing(drawing["lines"], fact.lines) == [], drawing["text"]
    assert re.search(fact.promise, drawing["promise"])


@pytest.mark.parametrize("bug", BUGS)
def test_no_drawn_line_is_false(bug: str, drawings: Any) -> None:
    assert drawings[bug]["complaints"] == [], drawings[bug]["text"]


@pytest.mark.parametrize("bug", BUGS)
def test_the_drawing_fits(bug: str, drawings: Any) -> None:
    lines = drawings[bug]["text"].splitlines()
    assert len(lines) <= HEIGHT == 60
    assert max(map(len, lines)) <= WIDTH == 100


def test_a_race_is_drawn_alike_whichever_of_its_failures_is_shown(drawings: Any) -> None:
    unlike = {bug: drawing["unlike"] for bug, drawing in drawings.items() if drawing["unlike"]}
    assert unlike == {}
    several = [bug for bug, drawing in drawings.items() if drawing["others"]]
    assert len(several) >= 5
    assert sum(drawing["others"] for drawing in drawings.values()) >= 8


def test_a_fact_that_is_not_drawn_is_missed(drawings: Any) -> None:
    """The check of facts can fail: for another function, order, or outcome."""
    fact = FACTS[0]
    lines = drawings[fact.bug]["lines"]
    for false in (
        (*fact.lines[:-1], ("T1", "tlb_finish_mmu", "nothing to flush")),
        fact.lines[::-1],
        (("T1", "zap_pte_range", "clears pte 3, was none"),),
        (("T0", "zap_pte_range", fact.lines[5][2]),),
    ):
        assert missing(lines, false)


def test_a_false_line_of_each_kind_is_reported() -> None:
    answers = asked("tests.quality.lies")
    assert set(answers["kinds"]) <= {kind for kind, *_ in answers["lies"]}
    for kind, pattern, instead, changed, complaints in answers["lies"]:
        what = f"{kind}: {pattern} told as {instead}"
        assert changed > 0, f"nothing to lie about: {what}"
        assert complaints > 0, f"nobody complains: {what}"


def test_the_drawing_in_the_readme_is_what_is_drawn() -> None:
    readme = (ROOT / "README.md").read_text()
    scenario = re.search(r"\n    (config pmd_order=3 .*?)\n\n", readme, re.DOTALL)
    drawing = re.search(r"\n    (CPU0 \(T0\) .*?)\n\n    broken      (.*?)\n", readme, re.DOTALL)
    assert scenario
    assert drawing
    explained = explain(
        parse("# mmfarm scenario 1\n" + re.sub("(?m)^ {4}", "", scenario[1]) + "\n"), "x.mm"
    )
    assert explained is not None
    assert render(explained.diagram) == re.sub("(?m)^ {4}", "", drawing[1])
    assert explained.violation.promise == drawing[2]
