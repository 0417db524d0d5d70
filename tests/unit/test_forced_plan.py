# SPDX-License-Identifier: MIT
"""What an engine is told to do with a scenario, and what a verdict means."""

import json
import shutil
from pathlib import Path

import pytest

from conformance.compare import compare
from conformance.forced import confirm as verdicts
from conformance.forced import interleave, sitemap
from conformance.forced.confirm import Confirmed
from conformance.forced.plan import DONE, HOLD, WAIT, Plan, Refused, plan, real_size, skipped
from conformance.forced.rules import NO_CODE, RULES
from conformance.generate import Generator
from conformance.model import ModelKernel
from corpus.files import KNOWN_BUGS
from corpus.text import load, parse
from fuzz.rng import Rng
from simulator.bugs import in_kernel
from simulator.sites import BY_NAME
from triage import cli
from triage.verbs import confirm as verb

HEAD = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64"
PARALLEL = """
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 madvise 0..8 DONTNEED
4 T2 madvise 0..8 DONTNEED
5 T0 read 3
@3 tlb_finish_mmu:nested#1 -> T2
"""
LOCKED = """
1 T0 mmap 0..8 rw private anon
2 T0 munmap 0..4
3 T1 mmap 16..20 rw private anon
4 T0 read 4
@2 vma_iter_clear:tree#1 -> T1
"""


def planned(program: str, bugs: str = "") -> Plan:
    head = f"{HEAD} bug={bugs}" if bugs else HEAD
    return plan(real_size(parse(head + program), "7.2"), ModelKernel())


def told(made: Plan) -> list[tuple[int, int, str, str]]:
    """Actor, op, how it ends, and at which site."""
    return [
        (step.actor, made.scenario.ops[step.index].uid, step.end, step.site) for step in made.steps
    ]


def test_who_is_held_goes_on_when_the_other_has_ended() -> None:
    made = planned(PARALLEL)
    assert told(made)[2:] == [
        (1, 3, HOLD, "tlb_finish_mmu:nested"),
        (2, 4, DONE, ""),
        (1, 3, DONE, ""),
        (0, 5, DONE, ""),
    ]
    assert [step.starts for step in made.steps] == [True, True, True, True, False, True]
    assert made.holds == {"tlb_finish_mmu:nested"}
    assert made.interleaved
    assert made.actors == (0, 1, 2)


def test_a_context_switch_without_a_directive_is_a_predicted_wait() -> None:
    steps = told(planned(LOCKED))
    assert steps[1][:3] == (0, 2, HOLD)
    assert steps[2] == (1, 3, WAIT, "vm_mmap_pgoff:lock")
    assert [step[:3] for step in steps[3:5]] == [(0, 2, DONE), (1, 3, DONE)]


def test_visits_count_from_where_the_op_was_let_go_on() -> None:
    made = planned("""
1 T0 mmap 0..8 rw private anon populate
2 T0 madvise 0..8 DONTNEED
3 T1 read 9
4 T1 read 9
@2 zap_pte_range:clear_pte#2 -> T1
@2 zap_pte_range:clear_pte#5 -> T1
""")
    assert [step.visit for step in made.steps if step.end == HOLD] == [2, 3]


def test_a_directive_between_ops_only_orders_them() -> None:
    made = planned("""
1 T0 mmap 0..8 rw private anon
2 T0 write 1
3 T1 write 2
@2 op:begin#1 -> T1
""")
    assert [(uid, end) for _, uid, end, _ in told(made)] == [(1, DONE), (3, DONE), (2, DONE)]
    assert not made.interleaved


def test_ops_of_nobody_are_not_run() -> None:
    made = planned("""
1 T0 mmap 0..8 rw private anon
2 T1 write 1
3 T0 fork T1
4 T1 read 1
""")
    assert skipped(made) == {1}
    assert made.children == (1,)


def test_what_comes_after_a_broken_promise_is_predicted() -> None:
    made = planned(PARALLEL, "madv-dontneed-parallel-flush-miss")
    assert made.violation is not None
    assert made.violation.signature.oracle == "stale-tlb"
    assert -1004 not in made.observed.results, "all ops have ended"


def test_what_breaks_is_made_to_show() -> None:
    scenario = parse(f"{HEAD} bug=madv-dontneed-parallel-flush-miss{PARALLEL}")
    broken, mended, visible = verdicts.plans(scenario, "7.2", ModelKernel())
    assert mended is not None
    difference = compare(broken.scenario, mended.observed, broken.observed)
    assert difference is not None
    assert (difference.uid, difference.observation) == (5, "result")
    assert visible
    assert mended.violation is None


def test_what_only_the_kernel_could_tell_is_forced_as_it_is() -> None:
    scenario = load(KNOWN_BUGS / "mremap-merge-anon-vma-uaf.mm")
    broken, mended, visible = verdicts.plans(scenario, "7.2", ModelKernel())
    assert broken.violation is not None
    assert (mended, visible) == (None, False)


def test_what_a_kernel_was_shipped_with_is_mended_for_the_comparison() -> None:
    """The model as Linux 7.2 has it without being asked."""
    scenario = load(KNOWN_BUGS / "mremap-merges-userfaultfd.mm")
    (bug,) = scenario.config.bugs
    assert bug in in_kernel("7.2")
    broken, mended, visible = verdicts.plans(scenario, "7.2.13", ModelKernel())
    assert mended is not None
    assert f"-{bug}" in mended.scenario.config.bugs
    assert (broken.violation is None, mended.violation, visible) == (False, None, True)


@pytest.mark.parametrize(
    ("program", "reason", "function"),
    [
        ("1 DEVICE migrate_to_device 0..8", "acts inside the kernel", ""),
        ("1 T0 mmap 0..8 rw private anon\n2 T1 read 1\n@2 mmu:walk_pte#1 -> T0", "hardware", "mmu"),
    ],
)
def test_what_cannot_be_forced_is_refused(program: str, reason: str, function: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        planned(f"\n{program}\n")
    assert refused.value.function == function


def test_actors_that_share_a_cpu_are_refused() -> None:
    scenario = parse(f"{HEAD} cpus=1\n1 T0 mmap 0..8 rw private anon\n2 T1 read 1\n")
    with pytest.raises(Refused, match="on one CPU"):
        plan(real_size(scenario, ""), ModelKernel())


def test_every_rule_is_one_and_of_a_site() -> None:
    assert not set(RULES) - set(BY_NAME)
    assert not set(NO_CODE) - set(BY_NAME)
    assert not set(NO_CODE) & set(RULES)
    for rules in RULES.values():
        for rule in rules:
            sitemap.check(rule)


def test_random_directives_hold_somebody_while_another_runs() -> None:
    generator = Generator(1, interleave.codes("7.2"), "7.2")
    rng = Rng(1)
    model = ModelKernel()
    made = [
        interleave.directed(generator.next(), frozenset(RULES), rng, model, "7.2")
        for _ in range(12)
    ]
    there = [each for each in made if each is not None]
    assert len(there) >= 4
    for each in there:
        assert interleave.held_meanwhile(each)
        assert each.violation is None
        assert each.holds <= set(RULES)


def test_an_interleaving_needs_a_kernel_to_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["conform", "run", "--interleave"]) == 2
    assert "debian-" in capsys.readouterr().err


def said(*answers: tuple[str, str]) -> list[Confirmed]:
    return [Confirmed(f"debian-{version}", version, verdict, 5, 5) for version, verdict in answers]


def test_several_kernels_say_since_when_and_until_when() -> None:
    assert verb.present(said(("6.1", "SAME"), ("6.12", "SAME"), ("6.18", "DIFFERENT"))) == (
        "present in 6.1 to 6.12, gone in 6.18"
    )
    assert verb.present(said(("6.1", "DIFFERENT"), ("6.12", "SAME"))) == "present in 6.12"
    assert verb.present(said(("6.1", "DIFFERENT"), ("6.12", "STUCK"))) == ""


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([("6.1", "SAME"), ("7.2", "STUCK")], 1),
        ([("6.1", "DIFFERENT"), ("7.2", "STUCK")], 3),
        ([("6.1", "DIFFERENT"), ("7.2", "REFUSED")], 0),
        ([("6.1", "REFUSED")], 4),
        ([], 4),
    ],
)
def test_the_exit_code_is_the_verdict(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: list[tuple[str, str]],
    code: int,
) -> None:
    file = tmp_path / "race.mm"
    file.write_text(HEAD + PARALLEL)
    monkeypatch.setattr(verb, "_confirmed", lambda *_: (said(*answers), []))
    assert cli.main(["confirm", str(file), "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert [each["verdict"] for each in document.get("kernels", [])] == [v for _, v in answers]
    assert cli.main(["confirm", str(file)]) == code


def test_without_qemu_it_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "race.mm"
    file.write_text(HEAD + PARALLEL)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert cli.main(["confirm", str(file), "--json"]) == 4
    assert "qemu" in json.loads(capsys.readouterr().out)["skipped"]
    assert cli.main(["sites", "zap_pte_range", "--kernel", "debian-6.12"]) == 4
    assert cli.main(["confirm", str(file), "--kernel", "host"]) == 2


def test_sites_are_listed_without_a_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sites", "zap_pte_range"]) == 0
    assert "zap_pte_range:clear_pte" in capsys.readouterr().out
    assert cli.main(["sites", "no_such_function"]) == 2
