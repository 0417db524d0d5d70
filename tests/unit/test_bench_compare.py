# SPDX-License-Identifier: MIT
"""Ways to search against each other: the figures, what is taken away, and the plot."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fuzz.explore import Explorer, Listener
from fuzz.generate import generate
from fuzz.inflight import Slot
from fuzz.portfolio import STRATEGIES, Portfolio
from fuzz.rng import Rng
from fuzz.session import NO_FEEDBACK, NO_MEETINGS, Session
from simulator.bugs import BUGS
from simulator.run import Machine
from simulator.scenario import Scenario
from tests.soak import compare as soak
from triage import bench, compare, ranks
from triage.cli import main

BUG = "do-wp-page-copies-pinned-page"


def row(executions: int, found: bool = True) -> dict[str, object]:
    return {"executions": executions, "found": found, "cpu_seconds": executions / 1000}


def hunts(**executions: list[int]) -> dict[tuple[str, str, int], dict[str, object]]:
    """By way (dashes as underscores), the executions of each trial of one bug."""
    return {
        (way.replace("_", "-"), BUG, trial): row(n)
        for way, each in executions.items()
        for trial, n in enumerate(each)
    }


# --- ranks ----------------------------------------------------------------------------------------


def test_a12_is_how_likely_the_first_is_below() -> None:
    assert ranks.a12([1, 2], [3, 4]) == 1.0
    assert ranks.a12([3, 4], [1, 2]) == 0.0
    assert ranks.a12([1, 2], [1, 2]) == 0.5
    assert ranks.a12([1, 1, 2], [1]) == (0.5 + 0.5 + 0) / 3


def test_mann_whitney_gives_the_p_of_the_normal_approximation() -> None:
    """Computed by hand: U = 6 of 80, mean 40, sd sqrt(80 * 19 / 12), continuity 0.5."""
    first, second = [1, 2, 3, 4, 5, 6, 7, 14], [8, 9, 10, 11, 12, 13, 15, 16, 17, 18]
    z = (40 - 6 - 0.5) / math.sqrt(80 * 19 / 12)
    assert ranks.mann_whitney(first, second) == pytest.approx(math.erfc(z / math.sqrt(2)))
    assert ranks.mann_whitney(first, second) == ranks.mann_whitney(second, first)
    assert ranks.mann_whitney([5, 5], [5, 5, 5]) == 1.0
    # Half of one sample is tied with all of the other: less can be told.
    assert ranks.mann_whitney([1, 1, 1, 2, 2, 2], [2] * 6) > ranks.mann_whitney([1] * 6, [2] * 6)


def test_an_interval_holds_the_figure_and_narrows_with_trials() -> None:
    rng = Rng(1)
    values = [float(rng.between(80, 120)) for _ in range(200)]
    few = ranks.interval([values[:6]], lambda groups: sum(groups[0]) / len(groups[0]), 1)
    many = ranks.interval([values], lambda groups: sum(groups[0]) / len(groups[0]), 1)
    assert few[0] < 100 < few[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 2


# --- the summary ----------------------------------------------------------------------------------


def test_a_way_that_needs_twice_as_much_has_a_ratio_of_two() -> None:
    lines = {
        line.way: line
        for line in compare.summarize(
            hunts(whole=[100, 110, 90] * 3, pct=[200, 220, 180] * 3, surw=[100, 110, 90] * 3)
        )
    }
    assert list(lines) == ["whole", "pct", "surw"]
    assert lines["pct"].ratio == pytest.approx(2.0)
    assert 1.5 < lines["pct"].low < 2.0 < lines["pct"].high < 2.5
    assert lines["pct"].a12 == 1.0
    assert lines["pct"].p < 0.01
    assert lines["surw"].ratio == pytest.approx(1.0)
    assert (lines["surw"].a12, lines["surw"].p) == (0.5, 1.0)


def test_one_slow_bug_does_not_drown_the_others() -> None:
    made = hunts(whole=[100], pct=[400]) | {
        ("whole", "slow", 0): row(1_000_000),
        ("pct", "slow", 0): row(500_000),
    }
    ratio = {line.way: line.ratio for line in compare.summarize(made)}["pct"]
    assert ratio == pytest.approx(math.sqrt(4 / 2))


def test_a_bug_that_neither_found_says_nothing() -> None:
    """How much was run until the limit says how fast a way runs, not how well it searches."""
    made = hunts(whole=[100], pct=[400])
    for trial in ("whole", "pct"):
        made[trial, "never", 0] = row(1000 if trial == "pct" else 5, found=False)
    assert {line.way: line.ratio for line in compare.summarize(made)}["pct"] == pytest.approx(4.0)
    del made["whole", BUG, 0], made["pct", BUG, 0]
    assert [line.ratio for line in compare.summarize(made)] == [None, None]


def test_without_the_whole_system_there_is_nothing_to_compare_with() -> None:
    (line,) = compare.summarize(hunts(pct=[100]))
    assert line.ratio is None
    assert compare.cells(line)[6] == ""


def test_bugs_are_drawn_of_each_difficulty_and_the_same_each_time() -> None:
    drawn = compare.draw(8, 1)
    by_id = {bug.id: bug for bug in BUGS}
    assert drawn == compare.draw(8, 1) != compare.draw(8, 2)
    assert len(set(drawn)) == len(drawn) == 24
    assert [by_id[bug].difficulty for bug in drawn] == ["easy"] * 8 + ["medium"] * 8 + ["hard"] * 8
    assert not [bug for bug in drawn if by_id[bug].control or by_id[bug].undisclosed]


def test_survival_curves_are_a_line_for_each_way_and_xml() -> None:
    made = hunts(whole=[10, 100], pct=[1000, 1000])
    made["pct", BUG, 1]["found"] = False
    svg = compare.survival(made)
    texts = [each.text or "" for each in ElementTree.fromstring(svg).iter() if each.text]
    assert "whole (0% left)" in texts
    assert "pct (50% left)" in texts


# --- the bar of the long measurement --------------------------------------------------------------


def test_the_bar_breaks_when_a_single_strategy_is_much_better_or_finds_more() -> None:
    def lines(**executions: list[int]) -> list[str]:
        rows = {f"{way} {bug} {n}": each for (way, bug, n), each in hunts(**executions).items()}
        return soak.broken(rows)

    assert lines(whole=[100] * 3, pct=[90] * 3) == []
    assert lines(whole=[200] * 3, pct=[100] * 3) == [
        "pct alone needs 0.50 of the whole system's executions"
    ]
    assert lines(whole=[100] * 3, random_walk_no_feedback=[400] * 3) == [
        "random-walk-no-feedback needs only 4.00 of the whole system's executions"
    ]
    rows = {f"whole {BUG} 1": row(100, found=False), f"surw {BUG} 1": row(100)}
    assert soak.broken(rows) == ["surw alone finds 1 bugs, all of it 0"]


# --- what is taken away ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_alone_is_alone(name: str) -> None:
    expected = {
        "run-to-block": "Exploring", "random-walk": "RandomWalk", "sticky": "Sticky", "pos": "Pos",
        "starve": "Starve", "guided": "Guided", "surw": "Surw", "pct": "Pct",
        "bounded": "BoundedPreemptions", "directed": "Directed",
    }  # fmt: skip
    portfolio = Portfolio(3)
    portfolio.only = STRATEGIES.index(name)
    machine = Machine()
    seen = set()
    for seed in range(12):
        scenario = generate(Rng(seed), 24)
        decided = None
        for _ in range(3):
            strategy = portfolio.next(scenario, decided)
            seen.add(type(strategy).__name__)
            machine.execute(scenario, strategy)
            decided = machine.decided
    assert seen - {"Exploring"} <= {expected[name]}
    if name != "guided":  # it needs directives
        assert expected[name] in seen


def test_without_feedback_nothing_is_kept(tmp_path: Path) -> None:
    explorer = Explorer(Machine(), Slot(tmp_path / "slot"), Listener(), 7, ())
    explorer.blind = True
    for seed in range(3):
        explorer.batch(Scenario(), None, Rng(seed))
    assert explorer.executions > 20
    assert not explorer.queue
    assert not explorer.donors


def test_a_session_takes_away_what_it_is_told_to(tmp_path: Path) -> None:
    def session(*words: str) -> Session:
        work = tmp_path / "-".join(("s", *words))
        work.mkdir()
        return Session(
            Machine, seed=1, bugs=(), seconds=9.0, work=work, engine="plain",
            mode="interpreted", search=words,
        )  # fmt: skip

    whole = session().explorer
    assert (whole.blind, whole.aims_at_meetings, whole.portfolio.only) == (False, True, -1)
    assert session(NO_FEEDBACK).explorer.blind
    assert not session(NO_MEETINGS).explorer.aims_at_meetings
    assert session("pct").explorer.portfolio.only == STRATEGIES.index("pct")
    with pytest.raises(ValueError, match="not in tuple"):
        session("no-such")


# --- the command ----------------------------------------------------------------------------------


def test_the_command_compares_ways_and_plots(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, int, tuple[str, ...], str]] = []

    def hunt(
        bug: str, seed: int, limit: float, *, search: tuple[str, ...] = (), engine: str = "auto"
    ) -> bench.Trial:
        asked.append((bug, seed, search, engine))
        return bench.Trial(seed, not search, False, "", 100 if not search else 900, limit, 1.0)

    monkeypatch.setattr(bench, "hunt", hunt)
    plot = tmp_path / "curves.svg"
    arguments = ["bench", "compare", "--bug", BUG, "--trials", "2", "--way", "pct"]
    assert main([*arguments, "--way", "bytes", "--plot", str(plot), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [line["way"] for line in report["ways"]] == ["whole", "pct", "bytes"]
    assert report["ways"][1]["ratio"] == pytest.approx(9.0)
    assert (BUG, 1001, ("pct",), "auto") in asked
    assert (BUG, 1002, (), "bytes") in asked
    assert "pct (100% left)" in plot.read_text()


@pytest.mark.parametrize(
    "arguments", [[], ["--bug", "no-such-bug"], ["--bug", BUG, "--way", "no-such-way"]]
)
def test_what_is_not_there_is_refused(arguments: list[str]) -> None:
    assert main(["bench", "compare", *arguments]) == 2
