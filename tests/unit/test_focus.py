# SPDX-License-Identifier: MIT
"""Aiming a search: what is near what, what is kept, who is let in where, and that it repeats."""

from collections import Counter
from pathlib import Path

import pytest

from fuzz import targets
from fuzz.codec import check_fuzz_limits, decode, encode
from fuzz.explore import Explorer, Listener
from fuzz.focus import Ambush, Focus
from fuzz.generate import generate
from fuzz.inflight import Slot
from fuzz.mutate import mutate
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator.ops import OP_MIGRATE_TO_DEVICE, OP_MINCORE, OP_READ, OP_SCAN, OP_WRITE, OPS
from simulator.run import Machine
from simulator.scenario import Op, Scenario
from simulator.sched.profile import Profile
from simulator.sites import BY_NAME
from simulator.validate import validate
from triage import aimed, inputs
from triage.exits import Refused

RARE = "mincore_pte_range"  # of one op of some dozens


def focus_on(*functions: str) -> Focus:
    near = targets.near(tuple(targets.of_functions(functions)))
    return Focus({BY_NAME[site]: calls for site, calls in near.items()})


# --- what the sources say -------------------------------------------------------------------------


def test_distances_are_counted_in_calls() -> None:
    near = targets.near(tuple(targets.of_functions(["retract_page_tables"])))
    assert {near[site] for site in near if site.startswith("retract_page_tables:")} == {0}
    assert near["collapse_file:put"] == 1  # collapse_file() calls retract_page_tables()
    assert not [site for site in near if site.startswith("zap_pte_range:")]
    assert max(near.values()) <= targets.MAX_CALLS


def test_an_oracle_aims_at_those_that_tell_it_what_it_judges() -> None:
    """copy_present_page() and others tell Watch `anon_added`; the oracle of missed userfaults
    does not hear of it, and hears of every page that fills a hole."""
    missed = {site.partition(":")[0] for site in targets.of_oracle("uffd-missed")}
    assert "do_anonymous_page" in missed
    assert "copy_present_page" not in missed
    for name in targets.oracles():
        sites = targets.of_oracle(name)
        assert sites, name
        assert not [site for site in sites if site.startswith("op:")]


@pytest.mark.parametrize(
    ("functions", "oracle", "meant"),
    [
        (["colapse_file"], None, "collapse_file"),
        (["collapse_file,mincore_pte_rang"], None, "mincore_pte_range"),
        ([], "stale-tbl", "stale-tlb"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_was_meant(
    functions: list[str], oracle: str | None, meant: str
) -> None:
    with pytest.raises(Refused, match=f"did you mean .*{meant}"):
        inputs.focus(functions, oracle)


def test_functions_and_an_oracle_together_are_all_of_them() -> None:
    both = inputs.focus(["collapse_file, mincore_pte_range"], "uffd-wp-bypass")
    assert set(both) == {
        *targets.of_functions(["collapse_file", "mincore_pte_range"]),
        *targets.of_oracle("uffd-wp-bypass"),
    }
    assert inputs.focus([], None) == ()


# --- what is made --------------------------------------------------------------------------------


def test_wanted_ops_come_up_with_somebody_who_may_run_them() -> None:
    for wanted in ([OP_MINCORE], [OP_SCAN, OP_MINCORE]):
        made = [generate(Rng(seed), 24, wanted) for seed in range(100)]
        for scenario in made:
            validate(scenario)
        for code in wanted:
            with_it = sum(any(op.code == code for op in each.ops) for each in made)
            without = sum(
                any(op.code == code for op in generate(Rng(seed), 24).ops) for seed in range(100)
            )
            assert with_it >= 40 > 2 * without


def test_whom_wanted_ops_call_in_has_room_in_the_largest_cast() -> None:
    for seed in range(3000):  # one in 32 is a crowd, and few of these have ops of all
        check_fuzz_limits(generate(Rng(seed), 48, [OP_SCAN, OP_MIGRATE_TO_DEVICE]))


def test_every_row_can_be_wanted() -> None:
    """Rows that only make sense with others bring these along; it must not matter which."""
    for spec in OPS:
        made = [generate(Rng(seed), 32, [spec.number]) for seed in range(8)]
        for scenario in made:
            validate(scenario)


def test_mutants_get_the_wanted_ops() -> None:
    base = Scenario(ops=tuple(Op(uid, uid % 2, OP_WRITE, (0,)) for uid in range(1, 7)))
    counts = [
        sum(
            op.code == OP_MINCORE
            for seed in range(3000)
            for op in mutate(base, Rng(seed), base, None, wanted).ops
        )
        for wanted in (None, [OP_MINCORE])
    ]
    assert counts[1] > 3 * max(counts[0], 1)


# --- who is let in --------------------------------------------------------------------------------


def test_an_ambush_lets_others_in_at_its_sites_and_tells_who_came_there() -> None:
    focus = focus_on(RARE)
    ops = (Op(1, 0, OP_MINCORE, (0, 8)), Op(2, 1, OP_READ, (0,)))
    here, elsewhere = focus.targets[0], BY_NAME["zap_pte_range:clear_pte"]
    left: Counter[int] = Counter()
    for seed in range(200):
        strategy = Ambush(Rng(seed), Profile(), 0, focus, ops)
        strategy.begin(2)
        for site in (here, elsewhere):
            strategy.pend_pos[0] = 0
            left[site] += strategy.choose(0, site, 1, 0, 0b11) == 1
    assert 70 < left[here] < 120  # one in 1, 2, 4 or 8: 47 %
    assert left[elsewhere] < 15
    assert focus.nearest[OP_MINCORE] == 0
    assert focus.wanted(Rng(1)) == [OP_MINCORE]


def test_a_portfolio_without_a_focus_never_lays_one() -> None:
    scenario = generate(Rng(3), 24)
    aimed_at = Portfolio(5, focus_on(RARE))
    kinds = [Counter[str](), Counter[str]()]
    for counts, portfolio in zip(kinds, (Portfolio(5), aimed_at), strict=True):
        for _ in range(200):
            counts[type(portfolio.next(scenario, None)).__name__] += 1
    assert kinds[0]["Ambush"] == 0
    assert 70 < kinds[1]["Ambush"] < 130


# --- a search ----------------------------------------------------------------------------------


def searched(folder: Path, focus: Focus | None, batches: int) -> tuple[int, int, str]:
    """A search from nothing: how often sites of RARE were passed, how often somebody else came in
    there, and the digest of its last run."""
    explorer = Explorer(Machine(), Slot(folder / "slot"), Listener(), 7, (), "", focus)
    rng = Rng(7)
    corpus = [Scenario()]
    for _ in range(batches):
        explorer.batch(rng.pick(corpus), rng.pick(corpus), rng)
        corpus += [decode(encode(scenario)) for scenario in explorer.queue]
        explorer.queue.clear()
    sites = targets.of_functions([RARE])
    seen, left = explorer.machine.sites_seen(), explorer.machine.sites_left()
    last = explorer.machine.k.digest
    return sum(seen[s] for s in sites), sum(left[s] for s in sites), f"{last:x}"


def test_a_focus_is_come_by_and_disturbed_many_times_as_often(tmp_path: Path) -> None:
    without = searched(tmp_path, None, 16)
    aimed_at = searched(tmp_path, focus_on(RARE), 16)
    assert aimed_at[0] > 4 * without[0]
    assert aimed_at[1] > 4 * without[1]


def test_a_search_with_a_focus_repeats_itself(tmp_path: Path) -> None:
    assert searched(tmp_path, focus_on(RARE), 5) == searched(tmp_path, focus_on(RARE), 5)


def test_what_is_kept_is_bounded_and_has_no_bug(tmp_path: Path) -> None:
    focus = focus_on("zap_pte_range")
    bug = ("do-wp-page-copies-pinned-page",)
    explorer = Explorer(Machine(), Slot(tmp_path / "slot"), Listener(), 7, bug, "", focus)
    explorer.batch(Scenario(), None, Rng(7))
    kept = [scenario for site in focus.sites for scenario in focus.kept[site]]
    assert kept
    assert max(len(focus.kept[site]) for site in focus.sites) <= 8
    for scenario in kept:
        assert not scenario.config.bugs
        assert decode(encode(scenario)) == scenario


# --- the report ----------------------------------------------------------------------------------


def test_the_report_says_what_ran_what_was_disturbed_and_what_never_was() -> None:
    focus = ["a:one", "a:two", "b:one"]
    passed = {"a:one": 2000, "a:two": 3}
    left = {"a:one": 9}
    found = aimed.rows(focus, passed, left)
    assert [row.function for row in found] == ["b", "a"]
    assert (found[1].ran, found[1].preempted_at, found[1].undisturbed) == (2000, 1, ("two",))
    shown = aimed.text(found)
    assert "NOT REACHED: b" in shown
    assert "2,000" in shown
    assert "1 of 2" in shown
    assert aimed.as_json(focus, passed, left)["a"] == {
        "ran": 2000,
        "sites": {
            "a:one": {"passed": 2000, "preempted": 9},
            "a:two": {"passed": 3, "preempted": 0},
        },
    }
