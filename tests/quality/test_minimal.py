# SPDX-License-Identifier: MIT
"""Minimal results are minimal, the same for different failures of one bug, and certified."""

import pytest

from corpus import text
from fuzz.certificate import Certificate, check_certificate
from fuzz.minimize import NotFailing, minimize
from fuzz.minimizing.order import cost
from simulator.build import mode
from simulator.outcome import Signature
from simulator.run import Machine
from tests.quality.hunting import forms, hunt, minimized

pytestmark = pytest.mark.skipif(
    mode() != "compiled",
    reason="minimizing takes 100,000 runs: `python -m simulator.build` compiles the model",
)

# Bugs that a session finds within a second.
EASY = ("softdirty-clear-no-flush", "do-wp-page-copies-pinned-page")


@pytest.mark.parametrize("bug", EASY)
def test_different_failures_of_a_bug_end_as_one_text(bug: str) -> None:
    result = forms(bug, failures=3)
    assert sum(count for _, count in result.texts) == 3
    assert len(result.texts) == 1, "\n".join(form for form, _ in result.texts)


@pytest.mark.parametrize("bug", EASY)
def test_the_result_keeps_its_signature_and_its_certificate_holds(bug: str) -> None:
    finding = hunt(bug, seed=77)
    assert finding is not None
    machine = Machine()
    small = minimized(finding)
    violation = machine.run(small.scenario).violation
    assert violation is not None
    assert violation.signature == finding.signature
    assert small.outcome.dead == []
    assert small.scenario.config.bugs == (bug,)
    assert cost(small.scenario) <= cost(text.parse(finding.text))
    assert len(small.scenario.ops) <= 8
    assert small.certificate.complete
    copy = Certificate.from_json(small.certificate.to_json())
    assert copy == small.certificate
    assert check_certificate(copy, machine) == []


def test_minimizing_is_a_function_of_its_input() -> None:
    finding = hunt(EASY[0], seed=5)
    assert finding is not None
    one, two = minimized(finding), minimized(finding)
    assert one.scenario == two.scenario
    assert one.certificate == two.certificate
    assert one.executions == two.executions


def test_a_minimal_scenario_stays_as_it_is() -> None:
    finding = hunt(EASY[0], seed=9)
    assert finding is not None
    small = minimized(finding)
    again = minimize(small.scenario, finding.signature, Machine())
    assert again.scenario == small.scenario


def test_a_form_that_no_single_step_leaves_is_left() -> None:
    """Each single step from this one passes or is larger: it takes several at once."""
    stuck = text.parse(
        "# mmfarm scenario 1\n"
        f"config pmd_order=3 frames=64 bug={EASY[1]}\n"
        "1 T0 mmap 0..1 rw private anon populate\n"
        "2 T0 fork T1\n"
        "3 T0 pin p0 0 r\n"
        "4 T0 write 0\n"
    )
    machine = Machine()
    violation = machine.run(stuck).violation
    assert violation is not None
    small = minimize(stuck, violation.signature, machine)
    assert len(small.scenario.ops) < len(stuck.ops)


def test_a_certificate_that_lies_is_caught() -> None:
    finding = hunt(EASY[0], seed=11)
    assert finding is not None
    machine = Machine()
    honest = minimized(finding).certificate
    raw = honest.to_json()
    fewer = Certificate(
        honest.text, honest.signature, honest.build_id, honest.tried[1:], complete=True
    )
    assert any(p.startswith("not tried") for p in check_certificate(fewer, machine))
    larger = Certificate(
        finding.text, honest.signature, honest.build_id, honest.tried, complete=True
    )
    assert check_certificate(larger, machine)
    old = Certificate.from_json(raw.replace(honest.build_id, "0" * 64))
    assert any("another build" in p for p in check_certificate(old, machine))


def test_an_exhausted_budget_is_said_and_the_result_still_fails() -> None:
    finding = hunt(EASY[0], seed=13)
    assert finding is not None
    small = minimized(finding, budget=40)
    assert not small.certificate.complete
    assert small.outcome.violation is not None
    assert small.outcome.violation.signature == finding.signature


@pytest.mark.parametrize(
    "ops",
    [
        "1 T0 memfd f0 1\n2 T0 mmap 0..1 w private f0 populate\n3 T0 mmap 1..3 w private f0\n"
        "4 T0 mremap 0..1 to 1\n",
        "1 T0 memfd f0 1\n2 T0 mmap 0..2 w private f0\n3 T0 mremap 1..2 to 2\n4 T0 write 0\n"
        "5 T0 mremap 0..1 to 1\n",
        "1 T0 mmap 0..2 w private anon populate\n2 T0 mremap 0..2 to 2 dontunmap\n"
        "3 T0 mremap 3..4 to 1\n",
        "1 T0 mmap 0..2 w private anon populate\n2 T0 mremap 0..4 to 4 dontunmap\n"
        "3 T0 mremap 4..5 to 0\n",
    ],
)
def test_other_forms_end_as_the_simplest(ops: str) -> None:
    head = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64 bug=mremap-merge-anon-vma-uaf\n"
    small = minimize(
        text.parse(head + ops), Signature("rmap", "vma_expand", "anon"), Machine()
    ).scenario
    assert text.dump(small).splitlines()[-3:] == [
        "1 T0 mmap 0..2 w private anon populate",
        "2 T0 mremap 0..2 to 2 dontunmap",
        "3 T0 mremap 2..3 to 0",
    ]


def test_a_scenario_that_passes_is_refused() -> None:
    passing = text.parse(
        "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
    )
    with pytest.raises(NotFailing, match="passes"):
        minimize(passing, Signature("stale-tlb", "zap_pte_range", "anon"), Machine())
