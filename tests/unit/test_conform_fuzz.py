# SPDX-License-Identifier: MIT
"""Differential fuzzing on a stand-in for the kernel: what it generates, finds and makes of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from conformance.check import check
from conformance.differ import first_difference, minimized, run_both
from conformance.executor import ExecutorError
from conformance.fuzz import NOT_AGAIN, Figures, Found, finding, fuzz, runnable
from conformance.generate import PTRS, Generator
from conformance.model import ModelKernel, comparable
from conformance.observation import Observed
from corpus.text import dump, parse
from simulator.errno import EINVAL, ENOMEM
from simulator.ops import OP_FORK, OP_MREMAP, OP_MUNMAP, OP_PIN, OP_WRITE, OPS
from simulator.scenario import NR_USER_ACTORS, Scenario
from simulator.validate import validate
from tests.model.run import scenario
from tests.model.stand_in import StandIn, failing

ENOUGH = 60  # scenarios: an op of any row comes up in a few


def session(
    kernel: StandIn, figures: Figures | None = None, *, seed: int = 1, scenarios: int = ENOUGH
) -> list[Found]:
    steps: Iterable[Found | None] = fuzz(
        ModelKernel(),
        kernel,
        figures or Figures(),
        seed=seed,
        seconds=float("inf"),
        scenarios=scenarios,
    )
    return [found for found in steps if found is not None]


def test_generated_scenarios_are_valid_sequential_and_what_the_kernel_can_run() -> None:
    kernel = StandIn()
    generator = Generator(1, runnable(kernel))
    for _ in range(300):
        made = generator.next()
        validate(made)
        assert not made.directives
        assert not kernel.why_not(made)
        assert all(op.actor < NR_USER_ACTORS for op in made.ops)
        assert comparable(made) == made
        assert parse(dump(made)) == made


def test_generated_ops_meet_on_both_sides_of_a_page_table_s_end() -> None:
    generator = Generator(1, runnable(StandIn()))
    pages = {
        op.args[0] // 4 for _ in range(100) for op in generator.next().ops if op.code == OP_WRITE
    }
    assert any(page < PTRS for page in pages)
    assert any(page >= PTRS for page in pages)


def test_every_row_that_the_kernel_has_comes_up() -> None:
    codes = runnable(StandIn())
    generator = Generator(1, codes)
    assert {op.code for _ in range(1000) for op in generator.next().ops} == set(codes)
    assert OP_PIN not in codes
    assert set(codes) == {s.number for s in OPS if not s.requires and s.actors == "user"}


def test_most_ops_succeed() -> None:
    figures = Figures()
    session(StandIn(), figures, scenarios=300)
    assert figures.scenarios == 300
    assert figures.succeeded > 0.6 * figures.ops


def test_sides_that_agree_give_nothing() -> None:
    assert session(StandIn()) == []


def test_a_disagreement_is_found_once_and_made_small() -> None:
    figures = Figures()
    (found,) = session(StandIn(failing(OP_MREMAP, EINVAL)), figures)
    assert str(found.signature) == "conformance do_mremap result"
    assert figures.sightings[found.signature] > 1
    assert [op.code for op in found.scenario.ops] == [OP_MREMAP]
    assert (found.disagreement.uid, found.disagreement.kernel) == (1, "EINVAL")


def test_a_seed_and_a_number_say_all() -> None:
    twist = failing(OP_MUNMAP, ENOMEM)
    one, two = (session(StandIn(twist), seed=7) for _ in range(2))
    assert one == two
    assert one


def test_a_minimal_scenario_keeps_what_the_disagreement_needs() -> None:
    def after_fork(made: Scenario, there: Observed) -> Observed:
        """Stores of children fail."""
        children = {op.args[0] for op in made.ops if op.code == OP_FORK}
        return replace(
            there,
            results=tuple(
                -EINVAL if op.code == OP_WRITE and op.actor in children and result == 0 else result
                for op, result in zip(made.ops, there.results, strict=True)
            ),
        )

    made = comparable(
        scenario(
            "1 T0 mmap 0..8 rw private anon\n2 T0 write 3.2\n3 T0 madvise 1..2 DONTNEED\n"
            "4 T0 fork T3\n5 T3 mprotect 4..6 r\n6 T3 write 7.1\n7 T0 read 3\n"
        )
    )
    model, kernel = ModelKernel(), StandIn(after_fork)
    first = first_difference(made, model, kernel)
    assert first is not None
    small = minimized(made, first.signature(made), model, kernel)
    assert [line.partition(" T")[2] for line in dump(small).splitlines()[2:]] == [
        "0 mmap 0..1 w private anon",
        "0 fork T1",
        "1 write 0",
    ]


def test_a_promise_that_the_model_breaks_is_a_disagreement_too() -> None:
    class Silent(StandIn):
        """Sees the same run and no violation."""

        def run(self, scenario: Scenario, *, every_op: bool, order: Sequence[int] = ()) -> Observed:
            return Observed((0,) * len(scenario.ops), ())

    made = scenario(
        "config pmd_order=3 frames=64 bug=clear-refs-wrprotect-pinned\n"
        "1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n3 T0 pin p0 0 w\n"
        "4 T0 clear_refs soft-dirty\n5 T0 write 0\n6 T0 dma_read p0\n"
    )
    found = run_both(made, ModelKernel(), Silent(), every_op=False).disagreement
    assert found is not None
    assert found.model.startswith("broken: ")


def test_what_differs_once_and_not_again_is_no_finding() -> None:
    calls = iter([1])

    def once(made: Scenario, there: Observed) -> Observed:
        changed = failing(OP_WRITE, EINVAL)(made, there)
        return changed if changed != there and next(calls, 0) else there

    figures = Figures()
    assert session(StandIn(once), figures, scenarios=20) == []
    (trouble,) = figures.troubles
    assert trouble.reason == NOT_AGAIN
    assert first_difference(trouble.scenario, ModelKernel(), StandIn()) is None


def test_an_executor_that_fails_once_is_a_trouble_and_one_that_always_does_ends_it() -> None:
    calls = iter([1])

    def fails(_: Scenario, there: Observed) -> Observed:
        if next(calls, 0):
            raise ExecutorError("no end after 10 ms")
        return there

    def always(_: Scenario, there: Observed) -> Observed:
        raise ExecutorError("it has gone")

    figures = Figures()
    assert session(StandIn(fails), figures) == []
    assert [trouble.reason for trouble in figures.troubles] == ["no end after 10 ms"]
    assert figures.scenarios == ENOUGH - 1
    with pytest.raises(ExecutorError):
        session(StandIn(always), Figures())


def test_a_finding_replays() -> None:
    kernel = StandIn(failing(OP_MREMAP, EINVAL))
    (found,) = session(kernel)
    kept = finding(found)
    assert kept.signature == found.signature
    assert "do_mremap" in str(kept.signature)
    replayed = check(parse(kept.text), ModelKernel(), kernel)
    assert str(replayed.disagreement) == kept.promise


def test_a_check_skips_what_a_kernel_cannot_do_and_says_why() -> None:
    racy = scenario(
        "1 T0 mmap 0..8 rw private anon\n2 T0 munmap 0..4\n3 T1 read 5\n"
        "@2 vma_iter_clear:tree#1 -> T1\n"
    )
    assert "inside an op" in check(racy, ModelKernel(), StandIn()).skipped
    pinned = scenario("1 T0 pin p0 0 r\n")
    assert check(pinned, ModelKernel(), StandIn()).skipped == "it needs gup_test"
    assert check(scenario("1 T0 sleep\n"), ModelKernel(), StandIn()).verdict == "agrees"


def test_what_another_process_shows_later_is_blamed_on_the_op_that_made_it() -> None:
    def unlike(made: Scenario, there: Observed) -> Observed:
        """Children see nothing of what they should have inherited."""
        return replace(
            there,
            checkpoints=tuple(
                replace(c, regions=()) if c.actor == 1 else c for c in there.checkpoints
            ),
        )

    made = comparable(
        scenario("1 T0 mmap 0..8 rw private anon\n2 T0 fork T1\n3 T0 write 3\n4 T1 read 3\n")
    )
    first = first_difference(made, ModelKernel(), StandIn(unlike))
    assert first is not None
    assert (first.uid, first.actor) == (2, 1)
    assert str(first.signature(made)) == "conformance dup_mmap layout"
