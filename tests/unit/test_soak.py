# SPDX-License-Identifier: MIT
"""Long measurements go on where they stopped, count only what belongs, and say what is missing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.files import KNOWN_BUGS
from tests.soak import digests, frame
from tests.soak.frame import BROKEN, MISSING, OK, Plan, Row, Table

CASES = ("a", "b", "c")
MINUTE = 60.0


class Measured:
    """A measurement of three cases that take a minute each, by a clock of its own."""

    def __init__(self, folder: Path, **of: object) -> None:
        self.folder = folder
        self.of = of or {"seed": 1}
        self.now = 0.0
        self.asked: list[str] = []

    def measure(self, case: str) -> Row:
        self.asked.append(case)
        self.now += MINUTE
        return {"value": len(self.asked)}

    def table(self, rows: dict[str, Row]) -> Table:
        return Table(
            len(rows),
            len(CASES),
            "cases",
            ("case", "value"),
            [(case, str(row["value"])) for case, row in rows.items()],
            [case for case, row in rows.items() if row["value"] > 3],
        )

    def run(self, *arguments: str) -> int:
        plan = Plan(
            "some", "Every value is at most 3.", self.of, lambda _: CASES, self.measure, self.table
        )
        options = frame.parser("").parse_args(arguments)
        return frame.run(
            plan,
            options,
            lines=self.folder,
            figures=self.folder / "figures",
            clock=lambda: self.now,
        )


def test_a_measurement_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = Measured(tmp_path)
    assert measured.run("--minutes", "2") == MISSING
    assert measured.asked == ["a", "b"]
    assert "2 of 3 cases, **1 missing**" in capsys.readouterr().out
    assert measured.run() == OK
    assert measured.asked == ["a", "b", "c"]
    out = capsys.readouterr().out
    assert "3 of 3 cases." in out
    assert "| case | value |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n| c | 3 |\n" in out
    assert measured.run() == OK
    assert len(measured.asked) == 3


def test_lines_of_other_sources_stay_and_do_not_count(tmp_path: Path) -> None:
    assert Measured(tmp_path, build_id="old").run() == OK
    measured = Measured(tmp_path, build_id="new")
    assert measured.run() == OK
    assert measured.asked == list(CASES)
    lines = (tmp_path / "some.jsonl").read_text().splitlines()
    assert [json.loads(line)["of"]["build_id"] for line in lines] == ["old"] * 3 + ["new"] * 3


def test_half_a_line_of_a_killed_program_is_measured_again(tmp_path: Path) -> None:
    assert Measured(tmp_path).run() == OK
    lines = tmp_path / "some.jsonl"
    lines.write_text(lines.read_text()[:-5])
    measured = Measured(tmp_path)
    assert measured.run() == OK
    assert measured.asked == ["c"]


def test_a_case_that_breaks_the_bar_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = Measured(tmp_path)
    measured.asked = ["before"] * 3
    assert measured.run() == BROKEN
    assert "The bar is broken 3 times:\n\n- a\n- b\n- c\n" in capsys.readouterr().out


def test_a_sum_may_decide_how_many_cases_there_are(tmp_path: Path) -> None:
    measured = Measured(tmp_path)

    def cases(rows: dict[str, Row]) -> Iterator[str]:
        while sum(row["value"] for row in rows.values()) < 6:
            yield f"slice-{len(rows)}"

    plan = Plan("some", "", measured.of, cases, measured.measure, measured.table)
    assert frame.run(plan, frame.parser("").parse_args([]), lines=tmp_path) == OK
    assert measured.asked == ["slice-0", "slice-1", "slice-2"]


def test_a_table_is_kept_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured = Measured(tmp_path)
    measured.run()
    assert not (tmp_path / "figures").exists()
    capsys.readouterr()
    measured.run("--keep")
    assert (tmp_path / "figures" / "some.md").read_text() == capsys.readouterr().out


def test_a_text_that_differs_between_trees_is_named_with_what_differs() -> None:
    same = {"digest": "1", "steps": 3, "signature": "clean"}
    rows: dict[str, Row] = {
        "one": {"base": same, "ours": None},
        "two": {"base": same, "ours": same | {"steps": 4}},
        "of another run": {"base": same, "ours": same | {"digest": "9"}},
    }
    table = digests.table(rows, ["one", "two", "three"])
    assert (table.done, table.wanted) == (2, 3)
    assert table.lines == [("clean", "2", "1")]
    (broken,) = table.broken
    assert broken.startswith("two: steps: ")


def test_a_tree_answers_texts_and_goes_on_after_one_that_it_does_not_know() -> None:
    known = next(iter(sorted(KNOWN_BUGS.glob("*.mm")))).read_text()
    done = subprocess.run(
        [sys.executable, "-P", str(digests.CHILD), "run"],
        input="\n".join(map(json.dumps, ("no scenario", known, known))),
        text=True,
        env=os.environ | {"PYTHONPATH": str(frame.ROOT)},
        capture_output=True,
        check=True,
    )
    _, unknown, first, second = map(json.loads, done.stdout.splitlines())
    assert unknown["error"].startswith("TextError: ")
    assert first == second
    assert first["signature"] in known


def test_every_program_of_make_soak_says_how_it_is_called() -> None:
    programs = frame.programs()
    assert "digests" in programs
    for program in programs:
        done = subprocess.run(
            [sys.executable, "-m", f"tests.soak.{program}", "--help"],
            cwd=frame.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"make soak WHAT={program}" in done.stdout
        assert "--minutes" in done.stdout
