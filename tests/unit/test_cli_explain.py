# SPDX-License-Identifier: MIT
"""The explanation's forms: safe HTML, colourless files, honest likeness."""

from dataclasses import replace
from pathlib import Path

import pytest

from corpus.files import KNOWN_BUGS
from corpus.text import load, parse
from simulator.outcome import Signature
from triage import explain, fitting, html
from triage.export import export
from triage.known import looks_like

BUG = "mmap-vma-visible-before-locked"
EVIL = '<script>alert(1)</script> & "quotes"'


def explained() -> explain.Explanation:
    found = explain.explain(load(KNOWN_BUGS / f"{BUG}.mm"), "a b.mm")
    assert found is not None
    return found


def test_the_replay_command_survives_a_shell() -> None:
    assert explained().replay == "mmfarm replay 'a b.mm'"


def test_html_escapes_whatever_a_scenario_says() -> None:
    one = explained()
    title = replace(one.scenario, headers=(("title", EVIL), *one.scenario.headers[1:]))
    page = html.page(
        replace(
            one,
            scenario=title,
            replay=f"mmfarm replay {EVIL}",
            violation=replace(one.violation, promise=EVIL),
        )
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4
    assert "http" not in page


def test_the_same_bug_is_recognized_and_another_culprit_is_not() -> None:
    signature = explained().violation.signature
    (like,) = looks_like(signature)
    assert (like.bug.id, like.exact) == (BUG, True)
    other = replace(signature, object_class="file")
    assert [(like.bug.id, like.exact) for like in looks_like(other)] == [(BUG, False)]
    assert looks_like(Signature(signature.oracle, "no_such_function", "pte")) == ()


def test_state_is_a_diff_where_somebody_came_in_between() -> None:
    title, state = explain.state_change(explained())
    assert title == "State before (-) and after (+)"
    assert any(line.startswith("-") for line in state.splitlines())
    assert any(line.startswith("+") for line in state.splitlines())


def test_a_bug_without_a_race_shows_one_state() -> None:
    found = explain.explain(load(KNOWN_BUGS / "softdirty-clear-no-flush.mm"), "x.mm")
    assert found is not None
    title, state = explain.state_change(found)
    assert title == "State"
    assert "vma" in state


def test_locks_that_occur_stand_in_the_state_and_others_do_not() -> None:
    found = explain.explain(load(KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"), "x.mm")
    assert found is not None
    drawn = fitting.render(found.diagram)
    _, state = explain.state_change(found)
    assert "releases ptl 0" in drawn
    assert "ptl 0: free, of pages 0..8" in state
    assert "page_table_lock" not in drawn
    assert "page_table_lock" not in state
    assert "anon_vma 0: refs=1, VMAs: 0..8 of mm0" in state
    assert max(map(len, state.splitlines())) <= fitting.WIDTH


def test_the_state_before_is_that_before_the_race() -> None:
    found = explain.explain(load(KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"), "x.mm")
    assert found is not None
    _, state = explain.state_change(found)
    (before,) = [line for line in state.splitlines() if line.startswith("-   page 3")]
    assert "rw dirty young soft-dirty -> frame 1" in before  # and not yet a migration entry


def test_a_passing_scenario_has_no_explanation() -> None:
    text = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
    assert explain.explain(parse(text), "x.mm") is None


def test_exports_have_no_colour_even_from_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.terminal.colourful", lambda: True)
    for path in export(explained().scenario, "race", tmp_path):
        assert "\x1b" not in path.read_text()
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".html", ".json", ".mm", ".svg", ".txt"]
