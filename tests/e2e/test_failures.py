# SPDX-License-Identifier: MIT
"""The way of one failure through the commands: replay, explain, minimize, verify."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from corpus.text import load
from triage import explain, html
from triage.diagram import MAX_COLUMNS
from triage.fitting import WIDTH

Command = Callable[..., Any]  # the fixture `mmfarm`: arguments -> what the process left
KNOWN_BUGS = Path(__file__).parents[2] / "corpus" / "known-bugs"
FAILING = KNOWN_BUGS / "mmap-vma-visible-before-locked.mm"


def expected(path: Path) -> str:
    return dict(load(path).headers)["expect"]


def test_replay_says_what_broke_and_exits_1(mmfarm: Command) -> None:
    done = mmfarm("replay", FAILING, "--json")
    found = done.json()
    assert done.code == 1
    assert found["outcome"] == "violation"
    assert " ".join(found["signature"][k] for k in ("oracle", "culprit", "object_class")) == (
        expected(FAILING)
    )
    assert len(found["results"]) == len(load(FAILING).ops)
    assert found["dead"] == []
    assert len(found["digest"]) == 16
    assert len(found["build_id"]) == 64


def test_replay_gives_the_same_digest_in_another_process(mmfarm: Command) -> None:
    assert mmfarm("replay", FAILING, "--json").out == mmfarm("replay", FAILING, "--json").out


def test_replay_of_a_clean_scenario_exits_0(mmfarm: Command, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed.mm"
    text = FAILING.read_text().replace(f" bug={FAILING.stem}", "")
    fixed.write_text(text)
    done = mmfarm("replay", fixed, "--json")
    assert (done.code, done.json()["outcome"], done.json()["signature"]) == (0, "clean", None)


def test_replay_trace_does_not_change_the_run(mmfarm: Command) -> None:
    plain, traced = (mmfarm("replay", FAILING, "--json", *more) for more in ((), ("--trace",)))
    with_trace = traced.json()
    assert with_trace.pop("trace")
    assert with_trace == plain.json()


def test_human_output_names_signature_promise_and_results(mmfarm: Command) -> None:
    done = mmfarm("replay", FAILING)
    assert expected(FAILING) in done.out
    assert "\x1b" not in done.out
    assert "Traceback" not in done.err


def test_explain_draws_the_race_and_names_the_bug_and_the_replay(mmfarm: Command) -> None:
    done = mmfarm("explain", FAILING)
    assert done.code == 0
    assert done.out.count("CPU") >= 2
    assert f"mmfarm replay {FAILING}" in done.out
    assert FAILING.stem in done.out


def test_minimize_keeps_the_signature_and_its_result_replays(
    mmfarm: Command, tmp_path: Path
) -> None:
    small = tmp_path / "small.mm"
    made = mmfarm("minimize", FAILING, "-o", small, "--json")
    assert made.code == 0, made.err
    assert made.json()["certificate"]
    assert made.json()["scenario"] == small.read_text()
    assert len(load(small).ops) <= len(load(FAILING).ops)
    again = mmfarm("replay", small, "--json")
    assert again.code == 1
    assert again.json()["signature"] == made.json()["signature"]
    assert again.json()["digest"] == made.json()["digest"]


def test_corpus_verify_accepts_a_true_expectation_and_rejects_a_false_one(
    mmfarm: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "known-bugs"
    folder.mkdir()
    (folder / FAILING.name).write_text(FAILING.read_text())
    good = mmfarm("corpus", "verify", folder, "--json")
    assert (good.code, good.json()["good"]) == (0, 1)
    (folder / FAILING.name).write_text(
        FAILING.read_text().replace(f"expect: {expected(FAILING)}", "expect: clean")
    )
    bad = mmfarm("corpus", "verify", folder, "--json")
    assert (bad.code, bad.json()["good"]) == (1, 0)
    assert [problem["rule"] for problem in bad.json()["problems"]] == ["outcome"]


def test_bugs_list_knows_the_bug(mmfarm: Command) -> None:
    assert FAILING.stem in {bug["id"] for bug in mmfarm("bugs", "list", "--json").json()}


class _Page(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", sorted(KNOWN_BUGS.glob("*.mm")), ids=lambda path: path.stem)
def test_every_known_bug_is_explained_in_every_form(path: Path) -> None:
    scenario = load(path)
    explained = explain.explain(scenario, str(path))
    if expected(path) == "clean":
        assert explained is None
        return
    assert explained is not None
    text = explain.to_text(explained)
    drawing = text.split("\n\n")[1]
    assert max(map(len, drawing.splitlines())) <= WIDTH
    assert len(explained.diagram.columns) <= MAX_COLUMNS
    assert explained.violation.promise in " ".join(text.split())
    assert path.stem in {like.bug.id for like in explained.known}
    assert json.loads(json.dumps(explain.to_json(explained)))["diagram"] == drawing
    page = _Page()
    page.feed(html.page(explained))
    assert explained.violation.promise in page.text
    assert "script" not in page.tags
    again = explain.explain(scenario, str(path))
    assert again is not None
    assert explain.to_text(again) == text
