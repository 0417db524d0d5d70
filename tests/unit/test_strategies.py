# SPDX-License-Identifier: MIT
"""Strategies on a toy scheduler whose every schedule can be counted, and on the Machine."""

from collections import Counter
from collections.abc import Callable

import pytest

from fuzz.generate import generate
from fuzz.hints import NR_KINDS
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from fuzz.slots import NR_CODES
from simulator.ops import OP_READ
from simulator.run import Machine
from simulator.scenario import (
    FAIL,
    IPI,
    MAX_FUZZ_DIRECTIVES,
    PARK,
    SWITCH,
    TLB,
    Directive,
    Op,
    Scenario,
)
from simulator.sched.profile import A_ACTOR, A_POS, A_SITE, B_ACTOR, B_SITE, PAIR, Profile
from simulator.sched.strategies import (
    BoundedPreemptions,
    Directed,
    Exploring,
    Guided,
    Pct,
    Pos,
    RandomWalk,
    Starve,
    Sticky,
    Surw,
    races,
    random_of,
)
from simulator.sites import NAMES

READ, WRITE = 0, 1
Access = tuple[int, int, int]  # site, object, access


def play(strategy: Exploring, programs: list[list[Access]]) -> list[tuple[int, int]]:
    """Run one program per actor as the scheduler would; the (actor, site) order of what
    happened. Like the scheduler it asks before each access past the quiet ops, and not again on
    resuming."""
    strategy.begin(len(programs))
    at = [0] * len(programs)
    announced = [False] * len(programs)
    happened: list[tuple[int, int]] = []
    cur = 0
    while True:
        runnable = sum(1 << i for i, p in enumerate(programs) if at[i] < len(p))
        if not runnable:
            return happened
        if not (runnable >> cur) & 1:
            cur = next(i for i in range(len(programs)) if (runnable >> i) & 1)
        site, obj, access = programs[cur][at[cur]]
        if not announced[cur] and cur >= strategy.quiet:
            announced[cur] = True
            strategy.pend_site[cur] = site
            strategy.pend_pos[cur] = cur
            strategy.pend_visit[cur] = 1 + sum(s == site for s, _, _ in programs[cur][: at[cur]])
            chosen = strategy.choose(cur, site, obj, access, runnable)
            if chosen != cur:
                cur = chosen
                continue
        happened.append((cur, site))
        announced[cur] = False
        at[cur] += 1


def switches(happened: list[tuple[int, int]]) -> int:
    return sum(a[0] != b[0] for a, b in zip(happened, happened[1:], strict=False))


def profile_of(programs: list[list[Access]]) -> Profile:
    """The profile of a run to block."""
    profile = Profile()
    play(Exploring(Rng(0), profile, 0), programs)
    return profile


# Two actors that write one object, and a private object each.
TWO = [[(10, 1, WRITE), (11, 5, WRITE), (12, 1, WRITE)], [(20, 1, WRITE), (21, 6, WRITE)]]
LONG = [[(10 + a, 1, WRITE)] * 30 for a in range(3)]

# One op for each actor of LONG, and a schedule: actor 0 gives way at its 4th step, and so on.
SITE_NAMES = [NAMES[10 + actor] for actor in range(3)]
PLANNED = Scenario(ops=tuple(Op(actor + 1, actor, OP_READ, (0,)) for actor in range(3)))
PLANNED = PLANNED.with_directives(
    (
        Directive(1, SITE_NAMES[0], 4, SWITCH, 2),
        Directive(3, SITE_NAMES[2], 6, PARK, 2),
        Directive(2, SITE_NAMES[1], 11, SWITCH, 0),
    )
)

MAKERS: dict[str, Callable[[Rng, Profile], Exploring]] = {
    "run-to-block": lambda rng, profile: Exploring(rng, profile, 0),
    "random-walk": lambda rng, profile: RandomWalk(rng, profile, 0),
    "sticky": lambda rng, profile: Sticky(rng, profile, 0, 4),
    "pct": lambda rng, profile: Pct(rng, profile, 0, 3, 60),
    "pos": lambda rng, profile: Pos(rng, profile, 0),
    "surw": lambda rng, profile: Surw(rng, profile, 0, 2),
    "starve": lambda rng, profile: Starve(rng, profile, 0, 1, 10),
    "bounded": lambda rng, profile: BoundedPreemptions(rng, profile, 0, 2, 60),
    "directed": lambda rng, profile: Directed(rng, profile, 0, [0] if profile.nr_pairs else []),
    "guided": lambda rng, profile: Guided(rng, profile, 0, PLANNED, rng.below(4), 4),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_strategy_runs_every_access_once_and_repeats_itself(name: str) -> None:
    expected = sorted((actor, s) for actor, p in enumerate(LONG) for s, _, _ in p)
    for seed in range(30):
        runs = [play(MAKERS[name](Rng(seed), profile_of(LONG)), LONG) for _ in range(2)]
        assert sorted(runs[0]) == expected
        assert runs[0] == runs[1]


@pytest.mark.parametrize("name", [n for n in MAKERS if n != "run-to-block"])
def test_every_strategy_reaches_different_schedules(name: str) -> None:
    orders = {tuple(play(MAKERS[name](Rng(s), profile_of(LONG)), LONG)) for s in range(60)}
    assert len(orders) >= (2 if name == "directed" else 8)


@pytest.mark.parametrize("name", MAKERS)
def test_no_strategy_decides_before_its_quiet_prefix_ends(name: str) -> None:
    for seed in range(30):
        strategy = MAKERS[name](Rng(seed), profile_of(LONG))
        strategy.quiet = 3  # ops of the toy are 0, 1, 2
        assert switches(play(strategy, LONG)) == 2


def test_run_to_block_never_switches() -> None:
    assert [a for a, _ in play(Exploring(Rng(1), Profile(), 0), TWO)] == [0, 0, 0, 1, 1]


def test_no_strategy_decides_more_often_than_a_fuzzed_scenario_can_hold() -> None:
    endless = [[(10, 1, WRITE)] * 500, [(20, 1, WRITE)] * 500]
    strategy = RandomWalk(Rng(1), Profile(), 0)
    # The switch at the end, when an actor is through, is nobody's.
    assert 32 < switches(play(strategy, endless)) <= MAX_FUZZ_DIRECTIVES + 1
    assert strategy.left == 0


def test_random_walk_is_uniform_at_every_step() -> None:
    counts: Counter[int] = Counter()
    for seed in range(3000):
        strategy = RandomWalk(Rng(seed), Profile(), 0)
        strategy.begin(3)
        counts[strategy.choose(1, 10, 1, WRITE, 0b111)] += 1
    assert all(850 < counts[actor] < 1150 for actor in range(3))


def test_sticky_leaves_an_actor_as_often_as_it_says() -> None:
    pair = [[(10, 1, WRITE)] * 100, [(20, 1, WRITE)] * 100]
    for one_in in (4, 10):
        total = sum(switches(play(Sticky(Rng(s), Profile(), 0, one_in), pair)) for s in range(100))
        # While both run, about 130 to 190 of the 200 steps ask, and one in `one_in` leaves.
        assert 100 * 100 / one_in < total < 100 * 200 / one_in


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_pct_lowers_exactly_depth_minus_one_priorities(depth: int) -> None:
    for seed in range(50):
        strategy = Pct(Rng(seed), Profile(), 0, depth, 20)
        happened = play(strategy, LONG)
        assert strategy.changes == depth - 1
        lowered = [p for p in strategy.priority if p < 1 << 20]
        assert len(lowered) <= depth - 1
        # Strict priorities: a change can switch once, an actor that is through hands over, and
        # the first choice may not be the first actor.
        assert switches(happened) <= (depth - 1) + len(LONG)


def test_pct_runs_the_highest_priority_until_it_is_lowered() -> None:
    strategy = Pct(Rng(3), Profile(), 0, 1, 20)
    first = play(strategy, LONG)[0][0]
    assert strategy.priority[first] == max(strategy.priority[a] for a in range(3))


def test_pos_draws_a_waiting_priority_again_only_after_a_race() -> None:
    for obj, access, races_with_it in ((1, WRITE, True), (1, READ, True), (2, WRITE, False)):
        strategy = Pos(Rng(9), Profile(), 0)
        strategy.begin(2)
        strategy.priority[0] = 1
        strategy.priority[1] = 2
        assert strategy.choose(0, 10, 1, WRITE, 3) == 1  # actor 0 waits before its write
        before = strategy.priority[0]
        strategy.priority[1] = 3
        strategy.choose(1, 20, obj, access, 3)  # actor 1 goes on with its access
        assert (strategy.priority[0] != before) == races_with_it


def test_two_loads_do_not_race() -> None:
    assert not races(1, READ, 1, READ)
    assert not races(1, WRITE, 2, WRITE)
    assert not races(-1, WRITE, -1, WRITE)
    assert races(1, WRITE, 1, READ)


def test_surw_samples_the_orders_of_a_contended_object_evenly() -> None:
    """Two writes against one, far apart in private work: three orders, each about a third,
    where a random walk would give the late write of the short program next to nothing."""
    programs = [
        [(10, 1, WRITE)] + [(15, 7, WRITE)] * 20 + [(11, 1, WRITE)],
        [(25, 8, WRITE)] * 20 + [(20, 1, WRITE)],
    ]
    counts: Counter[tuple[int, ...]] = Counter()
    for seed in range(1500):
        profile = profile_of(programs)
        happened = play(Surw(Rng(seed), profile, 0, 1), programs)
        counts[tuple(site for _, site in happened if site in (10, 11, 20))] += 1
    assert set(counts) == {(10, 11, 20), (10, 20, 11), (20, 10, 11)}
    assert all(400 < n < 600 for n in counts.values()), counts


def test_surw_leaves_private_objects_alone() -> None:
    profile = profile_of(TWO)
    strategy = Surw(Rng(1), profile, 0, 3)
    assert sorted(strategy.targets) == [-1, -1, 1]


def test_starve_keeps_its_victim_out_while_others_can_run() -> None:
    for seed in range(60):
        strategy = Starve(Rng(seed), Profile(), 0, 0, 1)
        strategy.hungry = 1000
        happened = play(strategy, LONG)
        # The access before which it was stopped happens when others end; then it waits again.
        assert [a for a, _ in happened[:60]].count(0) <= 1


@pytest.mark.parametrize("preemptions", [0, 1, 2, 3])
def test_bounded_preemptions_keep_their_number(preemptions: int) -> None:
    pair = [[(10, 1, WRITE)] * 40, [(20, 1, WRITE)] * 40]
    for seed in range(50):
        strategy = BoundedPreemptions(Rng(seed), Profile(), 0, preemptions, 30)
        play(strategy, pair)
        assert strategy.left == MAX_FUZZ_DIRECTIVES - preemptions


def test_directed_turns_an_observed_pair_round() -> None:
    programs = [
        [(10, 5, WRITE), (11, 1, WRITE), (12, 5, WRITE)],
        [(20, 6, WRITE), (21, 1, READ), (22, 6, WRITE)],
    ]
    profile = profile_of(programs)
    assert profile.pairs_held() == 1
    pair = list(profile.pairs)[:PAIR]
    assert (pair[A_ACTOR], pair[A_SITE], pair[B_ACTOR], pair[B_SITE]) == (0, 11, 1, 21)
    for seed in range(20):
        happened = play(Directed(Rng(seed), profile_of(programs), 0, [0]), programs)
        order = [site for _, site in happened]
        assert order.index(21) < order.index(11)
        assert order.index(10) < order.index(20)


def test_guided_follows_a_schedule_and_leaves_decisions_out_now_and_then() -> None:
    counts: Counter[tuple[int, ...]] = Counter()
    for seed in range(300):
        happened = play(Guided(Rng(seed), Profile(), 0, PLANNED, 3, 2), LONG)
        turns = [happened[0][0]] + [
            b[0] for a, b in zip(happened, happened[1:], strict=False) if a[0] != b[0]
        ]
        counts[tuple(turns)] += 1
    followed = (0, 2, 1, 0, 1, 2)
    assert counts.most_common(1)[0][0] == followed
    assert 180 < counts[followed] < 285


def test_guided_is_free_from_its_tail_on() -> None:
    orders = {tuple(play(Guided(Rng(s), Profile(), 0, PLANNED, 0, 2), LONG)) for s in range(30)}
    assert len(orders) == 30


def test_guided_repeats_the_faults_of_a_schedule() -> None:
    scenario = PLANNED.with_directives(
        (
            Directive(1, SITE_NAMES[0], 1, FAIL),
            Directive(1, SITE_NAMES[0], 2, TLB, 2),
            Directive(1, SITE_NAMES[0], 3, IPI, 9),
        )
    )
    seen: Counter[tuple[bool, int, int, int]] = Counter()
    for seed in range(100):
        strategy = Guided(Rng(seed), Profile(), 0, scenario, 3, 2)
        strategy.begin(3)
        answers = []
        for visit in (1, 2, 3):
            strategy.pend_site[0] = 10
            strategy.pend_visit[0] = visit
            strategy.choose(0, 10, 1, WRITE, 1)
            answers.append((strategy.fail(10), strategy.tlb(3), strategy.ipi(10)))
        assert answers[0][1:] == (0, 0)
        assert answers[1][0] is False
        seen[answers[0][0], answers[1][1], answers[1][2], answers[2][2]] += 1
    assert seen[True, 2, 0, 9] > 60


def test_random_of_gives_every_actor_of_a_mask() -> None:
    rng = Rng(2)
    assert {random_of(rng, 0b1010_0000_0010) for _ in range(100)} == {1, 9, 11}


def test_faults_come_within_the_budget() -> None:
    strategy = Exploring(Rng(1), Profile(), 2)
    strategy.fail_one_in = strategy.tlb_one_in = strategy.ipi_one_in = 1
    assert strategy.fail(1)
    assert {strategy.tlb(3) for _ in range(30)} == {1, 2, 3}
    assert all(1 <= strategy.ipi(1) <= 128 for _ in range(30))
    assert strategy.left == MAX_FUZZ_DIRECTIVES - 61
    assert [strategy.fail(1) for _ in range(4)] == [True, True, True, False]


# --- on the Machine -----------------------------------------------------------------------------


def concurrent(seed: int) -> Scenario:
    """A generated scenario of at least two actors."""
    while True:
        scenario = generate(Rng(seed), 24)
        if len({op.actor for op in scenario.ops}) > 1:
            return scenario
        seed += 1_000_000


def test_nothing_is_decided_and_nothing_learnt_in_quiet_ops() -> None:
    """Though allocations, trylocks and flushes are there as well."""
    machine = Machine()
    decided = 0
    for seed in range(200):
        scenario = concurrent(seed)
        place = {op.uid: i for i, op in enumerate(scenario.ops)}
        quiet = len(scenario.ops) // 2
        profile = Profile()
        strategy = RandomWalk(Rng(seed), profile, quiet)
        strategy.fail_one_in = strategy.tlb_one_in = strategy.ipi_one_in = 1
        for directive in machine.run(scenario, strategy).recorded:
            assert place[directive.uid] >= quiet
            decided += 1
        for pair in range(profile.pairs_held()):
            assert profile.pairs[pair * PAIR + A_POS] >= quiet
    assert decided > 100


@pytest.mark.parametrize("name", MAKERS)
def test_recorded_directives_replay_to_the_same_digest(name: str) -> None:
    machine = Machine()
    profile = Profile()
    decided = 0
    for seed in range(300):
        scenario = concurrent(seed)
        first = machine.run(scenario, Sticky(Rng(seed), profile, 0, 10))
        if name == "guided":
            scenario = scenario.with_directives(tuple(first.recorded))
            strategy: Exploring = Guided(Rng(seed), profile, 0, scenario, seed % 12, 10)
        else:
            strategy = MAKERS[name](Rng(seed), profile)
        strategy.fail_one_in = (0, 16)[seed & 1]
        strategy.tlb_one_in = 2
        strategy.ipi_one_in = (0, 0, 0, 2)[seed & 3]
        outcome = machine.run(scenario, strategy)
        recorded = scenario.with_directives(tuple(outcome.recorded))
        again = machine.run(recorded)
        assert again.digest == outcome.digest
        assert again.results == outcome.results
        assert not again.dead
        assert len(recorded.directives) <= MAX_FUZZ_DIRECTIVES
        decided += len(recorded.directives)
    assert decided > 100


def test_portfolio_keeps_its_shares_and_is_deterministic() -> None:
    machine = Machine()

    def campaign() -> tuple[Counter[str], list[str]]:
        portfolio = Portfolio(7)
        kinds: Counter[str] = Counter()
        digests: list[str] = []
        for seed in range(100):
            scenario = concurrent(seed)
            decided = None
            for _ in range(4):
                strategy = portfolio.next(scenario, decided)
                kinds[type(strategy).__name__] += 1
                digests.append(machine.run(scenario, strategy).digest)
                decided = machine.decided
        return kinds, digests

    kinds, digests = campaign()
    assert (kinds, digests) == campaign()
    for name, share in (
        ("Pos", 19),
        ("Surw", 19),
        ("Directed", 15),
        ("RandomWalk", 11),
        ("Sticky", 10),
        ("Pct", 10),
        ("Starve", 8),
        ("BoundedPreemptions", 6),
    ):
        assert abs(kinds[name] / 4 - share) <= 4, kinds
    assert len(set(digests)) > 200


def test_portfolio_learns_where_actors_meet() -> None:
    machine = Machine()
    portfolio = Portfolio(7)
    for seed in range(60):
        scenario = concurrent(seed)
        decided = None
        for _ in range(4):
            machine.execute(scenario, portfolio.next(scenario, decided))
            decided = machine.decided
    assert len(portfolio.hints.conflicts) > 20
    assert sum(portfolio.hints.nr_sightings[i] for i in range(NR_KINDS * NR_CODES)) > 20


def test_portfolio_lets_the_stage_be_set_first() -> None:
    ops = (Op(1, 0, 1, (0,)), Op(2, 0, 1, (0,)), Op(3, 0, 1, (0,)), Op(4, 1, 1, (0,)))
    portfolio = Portfolio(1)
    strategies = [portfolio.next(Scenario(ops=ops), None) for _ in range(200)]
    quiet = Counter(s.quiet for s in strategies)
    assert quiet[3] > 150
    assert quiet[0] > 5
