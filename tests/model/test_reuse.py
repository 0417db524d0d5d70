# SPDX-License-Identifier: MIT
"""A Machine that has run other scenarios is as good as a new one.

Twice over: nothing that a run can leave is there when the next one begins, field by field; and
what runs on a used machine has the outcome that it has on a new one.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.text import load
from fuzz.generate import generate
from fuzz.portfolio import Portfolio
from fuzz.rng import Rng
from simulator.bugs import BUGS
from simulator.lib.slab import Slab
from simulator.mm.mm_types import fill
from simulator.ops import OP_READ
from simulator.outcome import Outcome
from simulator.run import Machine, set_up
from simulator.scenario import Config, Op, Scenario
from simulator.state import Kernel
from simulator.task import Task

KNOWN_BUGS = Path(__file__).resolve().parents[2] / "corpus" / "known-bugs"
COUNT = 300
MAX_OPS = 32
BUG_ONE_IN = 4
# What stays from run to run: feedback, spare objects and stacks. Of a task, scratch space of which
# the first so-and-so-many places count, and what every op sets when it begins.
KEPT = {
    (Kernel, "counters"),
    (Kernel, "counted"),
    (Kernel, "nr_counted"),
    (Kernel, "sites_seen"),
    (Kernel, "sites_left"),
    (Kernel, "named_seen"),
    (Kernel, "watch"),
    (Kernel, "above"),
    (Kernel, "hub"),
    (Kernel, "idle_stacks"),
    (Kernel, "busy_stacks"),
    (Kernel, "cpu_pool"),
    (Kernel, "stale_pool"),
    (Kernel, "pagemaps"),
    (Task, "recheck"),
    (Task, "visits"),
    (Task, "visited"),
    (Task, "nr_visited"),
    (Task, "took"),
    (Task, "mm_got_at"),
    (Task, "planned"),
    (Task, "began_seq"),
    (Task, "alone"),
    (Task, "inject_index"),
}


def scenarios(seed: int, count: int) -> Iterator[Scenario]:
    """Random ones, some with a known bug, as they run under a random schedule."""
    rng = Rng(seed)
    portfolio = Portfolio(seed)
    machine = Machine()
    for _ in range(count):
        scenario = generate(rng, MAX_OPS)
        if rng.chance(1, BUG_ONE_IN):
            config = replace(scenario.config, bugs=(BUGS[rng.below(len(BUGS))].id,))
            scenario = replace(scenario, config=config)
        last = machine.run(scenario, portfolio.next(scenario, None))
        yield scenario.with_directives(tuple(last.recorded))


def fields(thing: object) -> list[str]:
    """What an object keeps, compiled or interpreted."""
    return [
        name
        for name in dir(type(thing))
        if not name.startswith("__")
        and type(getattr(type(thing), name)).__name__ in ("getset_descriptor", "member_descriptor")
    ] + sorted(getattr(thing, "__dict__", {}))


def differences(
    a: object, b: object, where: str, seen: dict[tuple[int, int], tuple[object, object]]
) -> Iterator[str]:
    """Where two objects differ, through all that they lead to. What was seen is kept alive: an
    array of the compiled model is a new object each time, and ids are used again."""
    if (id(a), id(b)) in seen:
        return
    seen[id(a), id(b)] = a, b
    if type(a) is not type(b):
        yield f"{where}: {a!r}, {b!r}"
    elif isinstance(a, Slab) and isinstance(b, Slab):
        if a.nr != b.nr or len(a.free) != len(b.free):
            yield f"{where}: {a.nr}, {b.nr} taken"
        for i in range(a.nr):
            yield from differences(a.objects[i], b.objects[i], f"{where}[{i}]", seen)
    elif hasattr(a, "__len__") and not isinstance(a, str):
        if len(a) != len(b):  # type: ignore[arg-type]
            yield f"{where}: {len(a)}, {len(b)} items"  # type: ignore[arg-type]
        for i, (x, y) in enumerate(zip(a, b, strict=False)):  # type: ignore[call-overload]
            yield from differences(x, y, f"{where}[{i}]", seen)
    elif type(a).__module__.startswith("simulator."):
        for name in fields(a):
            if (type(a), name) not in KEPT:
                yield from differences(getattr(a, name), getattr(b, name), f"{where}.{name}", seen)
    elif a != b:
        yield f"{where}: {a!r}, {b!r}"


def before_the_first_op(machine: Machine, scenario: Scenario) -> Kernel:
    set_up(machine.k, scenario, None, False)
    return machine.k


def test_nothing_of_a_run_is_left_when_the_next_one_begins() -> None:
    used = Machine()
    for scenario in scenarios(1, 60):
        used.run(scenario)
        begun = before_the_first_op(used, scenario)
        new = before_the_first_op(Machine(), scenario)
        assert list(differences(new, begun, "k", {})) == []


@pytest.mark.parametrize(
    ("field", "spoil"),
    [
        ("rcu_at", lambda k: setattr(k.tasks[3], "rcu_at", 5)),
        ("rss_anon", lambda k: setattr(k.mms[0], "rss_anon", 1)),
        ("words[0]", lambda k: fill(k.zero_page, 7)),
    ],
)
def test_what_is_left_of_a_run_is_noticed(field: str, spoil: Callable[[Kernel], None]) -> None:
    scenario = Scenario(Config(), (Op(1, 0, OP_READ, (0,)),))
    begun = before_the_first_op(Machine(), scenario)
    spoil(begun)
    found = list(differences(before_the_first_op(Machine(), scenario), begun, "k", {}))
    assert [text.partition(": ")[0].rpartition(".")[2] for text in found] == [field]


def told(outcome: Outcome) -> tuple[object, ...]:
    return (outcome.digest, outcome.steps, outcome.results, outcome.violation, outcome.dead)


def test_a_used_machine_gives_the_outcomes_of_a_new_one() -> None:
    """Used the hard way: every run before was broken off in the middle."""
    used = Machine()
    broken_off = [load(path) for path in sorted(KNOWN_BUGS.glob("*.mm"))]
    for i, scenario in enumerate(scenarios(2, COUNT)):
        used.run(broken_off[i % len(broken_off)])
        assert told(used.run(scenario)) == told(Machine().run(scenario))
