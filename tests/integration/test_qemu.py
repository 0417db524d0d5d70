# SPDX-License-Identifier: MIT
"""A Debian kernel in QEMU, with the executor as its init: the model of that version agrees.

Skipped without QEMU, or where no command has downloaded a package yet: tests download none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import debian, qemu
from conformance.check import check
from conformance.fuzz import Figures, fuzz
from conformance.kernel import RealKernel
from conformance.model import ModelKernel
from conformance.observation import SOFT_DIRTY
from corpus.text import parse
from tests.model.test_kernels import HEAD, PROGRAMS
from tests.model.test_observer import SCANS

VERSION = "6.12"
SCENARIOS = 40
SOFT_DIRTY_PROGRAM = """1 T0 mmap 0..4 rw private anon
2 T0 write 0
3 T0 write 1
4 T0 clear_refs soft-dirty
5 T0 write 1
6 T0 fork T1
7 T1 write 0
8 T0 mremap 0..2 to 8
9 T0 mprotect 8..9 r
10 T0 mprotect 8..9 rw
"""


@pytest.fixture(scope="module")
def guest() -> Iterator[RealKernel]:
    reason = qemu.why_not()
    if reason:
        pytest.skip(reason)
    try:
        image = debian.Debian().kernel(VERSION, download=False)
    except debian.NoKernel as missing:
        pytest.skip(str(missing))
    with RealKernel(qemu.guest(image), VERSION) as kernel:
        yield kernel


def guests() -> list[str]:
    """The QEMUs among the children of this process, which other tests have given others."""
    tasks = Path("/proc/self/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text().split()]
    return [pid for pid in children if "qemu" in Path("/proc", pid, "comm").read_text()]


def test_the_guest_shows_what_it_is_there_for(guest: RealKernel) -> None:
    assert {"soft-dirty", "numa"} <= guest.features
    assert guest.page_bits & SOFT_DIRTY
    scenario = parse(f"{HEAD}\n{SOFT_DIRTY_PROGRAM}")
    checked = check(scenario, ModelKernel(), guest)
    assert (checked.verdict, str(checked.disagreement)) == ("agrees", "None")


def test_the_guest_scans_pages_as_the_model_does(guest: RealKernel) -> None:
    assert {"pagemap-scan", "pagemap-scan-soft-dirty"} <= guest.features
    model = ModelKernel()
    for program, _ in SCANS.values():
        checked = check(parse(f"{HEAD}\n{program}"), model, guest)
        assert (checked.verdict, str(checked.disagreement)) == ("agrees", "None")


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_guest_follows_the_rules_of_its_version(guest: RealKernel, program: str) -> None:
    checked = check(parse(f"{HEAD}\n{program}\n"), ModelKernel(), guest)
    assert (checked.verdict, str(checked.disagreement)) == ("agrees", "None")


def test_random_scenarios_go_the_same_way(guest: RealKernel) -> None:
    figures = Figures()
    found = [
        str(each.disagreement)
        for each in fuzz(
            ModelKernel(), guest, figures, seed=3, seconds=float("inf"), scenarios=SCENARIOS
        )
        if each is not None
    ]
    assert found == []
    assert figures.scenarios
    assert not figures.troubles


def test_a_guest_ends_when_it_is_closed(guest: RealKernel) -> None:
    (process,) = guests()
    guest.close()
    assert process not in guests()
