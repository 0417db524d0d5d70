# SPDX-License-Identifier: MIT
"""A closer look at a failure: each thing it says is true of the model when it is tried."""

import json
from dataclasses import replace
from functools import cache

import pytest

from corpus.files import KNOWN_BUGS
from corpus.text import dump, load, parse
from simulator.run import Machine
from triage import cli, closer
from triage.closer import CLEAN, Closer
from triage.traced import traced

BUG = KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"
SCENARIO = load(BUG)
LINE = "@3 migrate_vma_collect_pmd:ptl_dropped#1 -> T1"


@cache
def looked() -> Closer:
    return closer.look(SCENARIO, traced(SCENARIO), None)


def breaks(line: str) -> str:
    """What the scenario breaks with another directive."""
    scenario = parse(dump(SCENARIO).replace(LINE, line))
    violation = Machine().run(scenario).violation
    return str(violation.signature) if violation is not None else CLEAN


def test_both_ends_of_the_window_break_the_same_and_what_is_beside_them_does_not() -> None:
    (window,) = looked().windows
    assert window.directive == LINE
    assert window.first == "migrate_vma_collect_pmd:ptl_dropped"
    assert window.places > 1
    expect = dict(SCENARIO.headers)["expect"]
    last = window.last if "#" in window.last else f"{window.last}#1"
    assert breaks(f"@3 {last} -> T1") == expect
    for beside in (window.before, window.after):
        assert beside is not None
        assert beside.verdict == CLEAN
        assert breaks(beside.directive) == CLEAN


def test_what_differs_beside_the_window_is_what_was_told_there_only() -> None:
    (window,) = looked().windows
    assert window.before is not None
    assert any("waits for ptl 0, held up by DEVICE" in line for line in window.before.come)
    assert not set(window.before.come) & set(window.before.gone)


def test_each_part_says_what_breaks_without_it() -> None:
    said = {each.part: each for each in looked().needed}
    assert len(said) == len(SCENARIO.ops) + len(SCENARIO.directives)
    for op in SCENARIO.ops:
        rest = replace(
            SCENARIO,
            ops=tuple(each for each in SCENARIO.ops if each is not op),
            directives=tuple(each for each in SCENARIO.directives if each.uid != op.uid),
        )
        violation = Machine().run(rest).violation
        (verdict,) = (each.verdict for part, each in said.items() if part.startswith(f"{op.uid} "))
        assert verdict == (str(violation.signature) if violation is not None else CLEAN)
    assert said["5 T0 read 3"].verdict == dict(SCENARIO.headers)["expect"], "not minimal"
    assert said[LINE].verdict == CLEAN


def test_a_certificate_is_believed_and_says_how_much_was_searched() -> None:
    tried = [{"step": ["delete-op", 2], "verdict": "leak f page", "searched": 77, "bound": 2}]
    found = closer.look(SCENARIO, traced(SCENARIO), {"tried": tried})
    (write,) = (each for each in found.needed if each.part == "2 T0 write 3")
    assert (write.verdict, write.searched) == ("leak f page", 77)
    violation = Machine().run(SCENARIO).violation
    assert violation is not None
    pairs = dict(closer.to_pairs(found, violation.signature))
    assert "leak f page breaks instead, under none of 77 other schedules" in pairs["needed"]


def test_the_ledger_has_every_reference_to_the_page_at_fault() -> None:
    found = looked()
    assert found.thing == "frame 1"
    assert [(each.actor, each.function) for each in found.ledger][:2] == [
        ("T0", "do_anonymous_page"),
        ("DEVICE", "migrate_vma_collect_pmd"),
    ]
    counts = [
        int("".join(filter(str.isdigit, each.text.rpartition(",")[2]))) for each in found.ledger
    ]
    assert all(abs(b - a) == 1 for a, b in zip(counts, counts[1:], strict=False)), counts


def test_explain_says_it_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "--closer", str(BUG)]) == 0
    out = capsys.readouterr().out
    assert "anywhere between migrate_vma_collect_pmd:ptl_dropped and " in out
    assert "5 T0 read 3: NOT needed" in out
    assert cli.main(["explain", "--closer", "--json", str(BUG)]) == 0
    assert json.loads(capsys.readouterr().out)["closer"]["windows"][0]["places"] > 1
    assert cli.main(["explain", str(BUG)]) == 0
    assert "window " not in capsys.readouterr().out
