# SPDX-License-Identifier: MIT
"""The calls that a trace stands in are those that were made: the interpreted model is asked for
them, in a process of its own where this one runs the compiled model."""

from dataclasses import replace
from pathlib import Path

import pytest

from corpus.files import KNOWN_BUGS
from corpus.text import load
from simulator.outcome import Outcome, TraceEvent
from simulator.run import Machine
from triage.traced import TraceError, first_difference, traced

RACE = load(KNOWN_BUGS / "fork-parent-vma-not-locked.mm")


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return traced(RACE)


def names(event: TraceEvent) -> list[str]:
    return [function for _, function in event.calls]


def first(outcome: Outcome, text: str) -> TraceEvent:
    return next(event for event in outcome.trace if event.text.startswith(text))


def test_it_is_the_run_that_the_model_does_here(outcome: Outcome) -> None:
    here = Machine().run(RACE)
    assert (outcome.digest, outcome.steps, outcome.violation) == (
        here.digest,
        here.steps,
        here.violation,
    )


def test_outcomes_stand_in_the_calls_that_were_made(outcome: Outcome) -> None:
    copied = names(first(outcome, "sets pte 3 of mm1"))
    assert copied == [
        "dup_mm",
        "dup_mmap",
        "copy_page_range",
        "copy_pmd_range",
        "copy_pte_range",
        "copy_present_pte",
    ]
    fault = names(first(outcome, "page fault at 3"))
    assert fault == ["do_user_addr_fault"]  # of the hardware's access, which no function makes


def test_no_call_goes_on_after_it_was_left(outcome: Outcome) -> None:
    """The stack of an actor changes at its end only, and no number is given twice."""
    left: set[int] = set()
    stacks: dict[int, list[int]] = {}
    functions: dict[int, str] = {}
    for event in outcome.trace:
        now = [number for number, _ in event.calls]
        assert not left.intersection(now)
        before = stacks.get(event.actor, [])
        left |= set(before) - set(now)
        stacks[event.actor] = now
        for number, function in event.calls:
            assert functions.setdefault(number, function) == function


def test_a_call_of_the_same_function_is_another_one(outcome: Outcome) -> None:
    faults = [
        number
        for event in outcome.trace
        if event.text.startswith("page fault at")
        for number, function in event.calls
        if function == "do_user_addr_fault"
    ]
    assert len(set(faults)) == len(faults) > 1


def test_where_two_models_part_is_told(outcome: Outcome) -> None:
    parted = replace(outcome, trace=[*outcome.trace])
    parted.trace[40] = replace(parted.trace[40], text="another value")
    step, site = parted.trace[40].step, parted.trace[40].site
    told = first_difference(outcome, parted)
    assert told.startswith(f"at step {step} the compiled one is at {site} (")
    assert told.endswith(f"at step {step} the interpreted one at {site} (another value)")
    assert first_difference(outcome, outcome) == f"after {len(outcome.trace)} equal events"


def test_a_process_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("triage.traced.mode", lambda: "compiled")
    monkeypatch.setattr("sys.executable", str(tmp_path / "no python"))
    with pytest.raises(TraceError, match="no trace"):
        traced(RACE)
