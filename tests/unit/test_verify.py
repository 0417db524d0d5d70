# SPDX-License-Identifier: MIT
"""`corpus.verify` reports what is wrong with scenario files, and nothing else."""

from pathlib import Path

import pytest

from corpus import headers, verify
from corpus.files import KNOWN_BUGS, SCENARIOS, mm_files
from corpus.paths import data_dir
from simulator.outcome import Outcome, Signature, Violation
from simulator.run import Machine
from simulator.scenario import Directive, Scenario

SIGNATURE = "stale-tlb zap_pte_range anon"


class FakeMachine:
    """Violates where a scenario writes page 7, or has a bug; directives on op 9 are dead."""

    def __init__(self, always: bool = False) -> None:
        self.always = always

    def run(self, scenario: Scenario) -> Outcome:
        bad = self.always or bool(scenario.config.bugs)
        violation = Violation(Signature(*SIGNATURE.split()), "A promise.", 1, 1) if bad else None
        dead: list[Directive] = [d for d in scenario.directives if d.uid == 9]
        return Outcome(violation, "0" * 16, 1, [0] * len(scenario.ops), dead)


def written(folder: Path, name: str, expect: str, config: str = "", more: str = "") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    expected = f"# expect: {expect}\n" if expect else ""
    file.write_text(
        f"{headers.MAGIC}\n{expected}config pmd_order=3 frames=64{config}\n9 T0 read 0\n{more}"
    )
    return file


def rules(paths: list[Path], machine: FakeMachine | None = None) -> list[str]:
    return [problem.rule for problem in verify.verify(paths, machine or FakeMachine())]


BUG = " bug=migratevma-tlb-flush-after-ptl"


def test_good_files_have_no_problems(tmp_path: Path) -> None:
    written(tmp_path, "clean.mm", "clean")
    written(tmp_path, "known-bugs/migratevma-tlb-flush-after-ptl.mm", SIGNATURE, BUG)
    assert rules([tmp_path]) == []


def test_another_outcome_than_expected_is_reported_with_the_promise(tmp_path: Path) -> None:
    file = written(tmp_path, "a.mm", "clean")
    found = verify.verify([file], FakeMachine(always=True))
    assert [(p.rule, p.file) for p in found] == [("outcome", str(file))]
    assert SIGNATURE in str(found[0])
    assert "A promise." in str(found[0])
    assert rules([written(tmp_path, "b.mm", "dirty-loss f anon", BUG)]) == ["outcome"]


def test_a_bug_file_that_fails_without_the_bug_proves_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, "a.mm", SIGNATURE, BUG)
    assert rules([file]) == []
    assert rules([file], FakeMachine(always=True)) == ["bug"]


def test_dead_directives_are_reported(tmp_path: Path) -> None:
    file = written(tmp_path, "a.mm", "clean", more="@9 op:begin#5 -> T1\n")
    (problem,) = verify.verify([file], FakeMachine())
    assert problem.rule == "dead"
    assert "`@9 op:begin#5 -> T1`" in problem.message


def test_text_that_is_not_canonical_is_reported_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "a.mm", "clean", more="10 T0 read  1\n")
    (problem,) = verify.verify([file], FakeMachine())
    assert (problem.rule, problem.line) == ("text", 5)
    assert str(problem).startswith(f"{file}:5: ")
    assert problem.to_json()["line"] == 5


def test_a_file_must_say_what_it_expects(tmp_path: Path) -> None:
    assert rules([written(tmp_path, "a.mm", "")]) == ["expect"]


@pytest.mark.parametrize("name", ["Upper.mm", "two words.mm", "known-bugs/another.mm"])
def test_file_names_follow_the_rules(tmp_path: Path, name: str) -> None:
    config = BUG if name.startswith("known-bugs") else ""
    assert rules([written(tmp_path, name, SIGNATURE if config else "clean", config)]) == ["name"]


def test_problems_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    for name in ("b.mm", "a.mm", "sub/c.mm"):
        written(tmp_path, name, "")
    files = [Path(p.file).name for p in verify.verify([tmp_path], FakeMachine())]
    assert files == ["a.mm", "b.mm", "c.mm"]


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mm_files([tmp_path / "none.mm"])


def test_files_are_listed_once_and_only_scenarios_of_folders(tmp_path: Path) -> None:
    file = written(tmp_path, "a.mm", "clean")
    (tmp_path / "notes.txt").write_text("x")
    assert mm_files([tmp_path, file]) == [file]


def test_the_scenarios_of_the_package_hold_in_the_model() -> None:
    folders = [folder for folder in (KNOWN_BUGS, SCENARIOS) if folder.is_dir()]
    assert mm_files(folders)
    assert [str(problem) for problem in verify.verify(folders, Machine())] == []


def test_data_lives_where_the_environment_says(tmp_path: Path) -> None:
    assert data_dir({"MMFARM_DATA": "/data", "XDG_DATA_HOME": "/x"}) == Path("/data")
    assert data_dir({"XDG_DATA_HOME": "/x", "HOME": "/h"}) == Path("/x/mmfarm")
    assert data_dir({"XDG_DATA_HOME": "relative", "HOME": "/h"}) == Path("/h/.local/share/mmfarm")
    assert data_dir({"MMFARM_DATA": "", "HOME": "/h"}) == Path("/h/.local/share/mmfarm")
