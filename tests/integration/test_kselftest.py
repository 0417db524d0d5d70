# SPDX-License-Identifier: MIT
"""Exported selftests on this machine: they compile without warnings, and judge as the runner does.

They are built against tests/integration/c/kselftest_harness.h, as the kernel's own header has
another licence.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import executor
from conformance.check import check
from conformance.features import never_is_unknown
from conformance.kernel import RealKernel
from conformance.model import ModelKernel, comparable
from conformance.selftest import NotExported, selftest
from corpus import text
from corpus.files import PACKAGE, mm_files
from corpus.kselftest import source
from corpus.kselftest.plan import Selftest
from corpus.kselftest.words import identifier
from simulator.outcome import SIGSEGV
from simulator.scenario import Scenario
from tests.waiting import PATIENT_SECONDS

pytestmark = pytest.mark.skipif(bool(executor.why_not()), reason=executor.why_not())

HARNESS = Path(__file__).parent / "c" / "kselftest_harness.h"
FLAGS = ("-Wall", "-Wextra", "-Werror", "-O1", "-pthread")
ROUNDS = "#define STRESS_ROUNDS\t"


@pytest.fixture(scope="module")
def kernel() -> Iterator[RealKernel]:
    with RealKernel(timeout_seconds=PATIENT_SECONDS) as real:
        yield real


def verdicts(tests: Sequence[Selftest], folder: Path) -> dict[str, str]:
    """Build and run; "ok", "not ok" or "skip" by the name of the test in C."""
    tree = folder / "mm"
    tree.mkdir()
    shutil.copy(HARNESS, folder)
    found: dict[str, str] = {}
    for name, code in source.files(tests, "6.18").items():
        if not name.endswith(".c"):
            continue
        (tree / name).write_text(code.replace(f"{ROUNDS}1000", f"{ROUNDS}50"))
        program = tree / name.removesuffix(".c")
        done = subprocess.run(
            [*executor.compiler().split(), *FLAGS, "-o", program, tree / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        done = subprocess.run([program], capture_output=True, text=True, check=False, cwd=folder)
        lines = re.findall(r"^((?:not )?ok) \d+ arena\.(\w+)( # SKIP)?", done.stdout, re.MULTILINE)
        assert f"1..{len(lines)}\n" in done.stdout
        assert done.returncode == any(verdict == "not ok" for verdict, _, _ in lines)
        assert not done.stderr, done.stderr
        found |= {test: "skip" if skip else verdict for verdict, test, skip in lines}
    return found


def scenario(program: str) -> Scenario:
    return text.parse(f"# mmfarm scenario 1\nconfig pmd_order=9 frames=2048 pages=64\n{program}\n")


def test_the_selftests_of_the_whole_corpus_judge_as_the_runner_does(
    kernel: RealKernel, tmp_path: Path
) -> None:
    tests: dict[str, Selftest] = {}
    for file in mm_files([PACKAGE]):
        try:
            test = selftest(file.stem, text.load(file), "6.18")
        except NotExported:
            if dict(text.load(file).headers).get("expect", "").startswith("livelock"):
                continue  # a real kernel might not come back
            assert kernel.why_not(comparable(text.load(file))), f"{file}: the runner can run it"
            continue
        tests[identifier(file.stem)] = test
    assert len(tests) >= 50
    found = verdicts(list(tests.values()), tmp_path)
    assert found.keys() == tests.keys()
    model = ModelKernel()
    for name, test in tests.items():
        asked = test.scenario.with_directives(()) if test.race_from is not None else test.scenario
        if never_is_unknown(asked, kernel.features):
            continue  # a selftest takes the machine as it is
        runner = check(asked, model, kernel).verdict
        expected = {"agrees": "ok", "disagrees": "not ok", "skipped": "skip"}[runner]
        assert found[name] == expected, name
    assert "not ok" not in found.values()


TURNS = """1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T1 write 3
5 T2 mprotect 0..2 r
6 T2 write 0
7 T0 read 3
8 T1 munmap 4..5
9 T1 read 3
10 T1 exit
11 T0 munmap 0..1"""
ALONE = """1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 read 3
4 T0 write 9
5 T0 mmap 0..8 rw private anon noreplace
6 T0 pagemap 3"""


def test_a_wrong_expectation_fails_wherever_it_stands(tmp_path: Path) -> None:
    tests = []
    for program in (TURNS, ALONE):
        right = selftest("right", scenario(program), "6.18")
        tests.append(replace(right, name=f"right-{len(right.results)}"))
        for i, op in enumerate(right.scenario.ops):
            if "exit" in text.print_op(op):
                continue  # has no result
            wrong = list(right.results)
            wrong[i] = (
                SIGSEGV
                if wrong[i] == 0 and "write" in text.print_op(op)
                else -12
                if wrong[i] == 0
                else 0
                if wrong[i] < 0
                else wrong[i] + 6
            )
            tests.append(replace(right, name=f"wrong-{len(wrong)}-{op.uid}", results=tuple(wrong)))
        state = right.states[0]
        for what, mapping in (
            ("end", replace(state.mappings[-1], end=9)),
            ("mode", replace(state.mappings[-1], mode="r-xs")),
            ("pages", replace(state.mappings[-1], pages="F" * 8)),
        ):
            mappings = (*state.mappings[:-1], mapping)
            tests.append(
                replace(
                    right,
                    name=f"wrong-{len(right.results)}-{what}",
                    states=(replace(state, mappings=mappings), *right.states[1:]),
                )
            )
    found = verdicts(tests, tmp_path)
    assert len(found) == len(tests)
    assert {name for name, verdict in found.items() if verdict == "ok"} == {"right_11", "right_6"}


def test_a_race_with_a_wrong_expectation_fails(tmp_path: Path) -> None:
    """Made wrong by hand: the child is not allowed to see its own store."""
    race = selftest(
        "race",
        scenario("""1 T0 mmap 0..8 rw private anon
2 T0 fork T2
3 T1 write 3
4 T0 read 3
5 T2 write 3
6 T2 read 3
7 T1 exit
8 T2 exit
@3 do_anonymous_page:alloc#1 -> T0"""),
        "6.18",
    )
    assert race.race_from == 2
    assert verdicts([race], tmp_path) == {"race": "ok"}
    right = source.files([race], "6.18")["mmfarm_mmap.c"]
    wrong = right.replace("seen == 0 || seen == 5", "seen == 0")
    assert wrong != right
    code = tmp_path / "mm" / "wrong.c"
    code.write_text(wrong)
    subprocess.run(
        [*executor.compiler().split(), *FLAGS, "-o", tmp_path / "wrong", code], check=True
    )
    done = subprocess.run([tmp_path / "wrong"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not ok 1 arena.race" in done.stdout
