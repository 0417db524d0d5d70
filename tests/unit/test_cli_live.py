# SPDX-License-Identifier: MIT
"""The status that a person watches: sums over slices, the moment of a find, honest health."""

import time
from datetime import UTC, datetime

import pytest

from fuzz.statistics import InternalError, Statistics
from simulator.outcome import Signature
from triage.live import ALL_SITES, MAX_FAILURES, Board, Screen
from workers.laptop import (
    Found,
    Minimized,
    Progress,
    Rested,
    SliceEnded,
    SliceStarted,
    Trouble,
    Working,
)
from workers.records import ExampleRow, FailureDetail, FailureRow

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def failure(number: int, state: str = "new") -> FailureDetail:
    return FailureDetail(
        FailureRow(
            id=number,
            signature=Signature("leak", f"f{number}", "page"),
            promise="p.",
            count=1,
            first_seen=DAY,
            last_seen=DAY,
            state=state,
            note="",
            runs=1,
            ops=4,
            directives=2,
        ),
        ExampleRow("0" * 64, "", 4, 2, "found", "farm", "0" * 64, "0" * 16, 10),
        examples=1,
        outcome=None,
        certificate=None,
    )


def test_executions_of_ended_and_running_slices_add_up() -> None:
    board = Board(limit_seconds=60)
    for event in (
        SliceStarted(1),
        Progress(1, Statistics(executions=50, seconds=4)),
        SliceEnded(1, "ok", Statistics(executions=100, seconds=6), 3),
        SliceStarted(2),
        Progress(2, Statistics(executions=20, seconds=2)),
        Progress(2, Statistics(executions=40, seconds=4)),
    ):
        board.take(event)
    assert board.executions == 140
    assert board.executions_per_job_second == 14
    assert board.new_entries == 3


def test_minimizing_does_not_lower_the_rate_of_fuzzing() -> None:
    board = Board(limit_seconds=60)
    board.take(SliceEnded(1, "ok", Statistics(executions=600, seconds=60), 0))
    board.elapsed_seconds = 120
    assert board.executions_per_job_second == 10
    assert "finishing" in board.summary()


def test_what_was_reached_never_shrinks_when_a_new_slice_starts() -> None:
    board = Board(limit_seconds=60)
    board.take(SliceEnded(1, "ok", Statistics(features=500, sites_reached=90), 0))
    board.take(Progress(2, Statistics(features=7, sites_reached=3)))
    assert (board.features, board.sites) == (500, 90)


def test_a_failure_keeps_the_moment_it_was_first_seen_and_shows_how_far_it_is() -> None:
    board = Board(limit_seconds=60)
    board.elapsed_seconds = 4.5
    board.take(Found(failure(3), first=True))
    board.elapsed_seconds = 9
    board.take(Minimized(failure(3, "minimized")))
    assert (
        "failures",
        "   4.5 s  3: leak f3 page  [minimized: 4 ops, 2 directives]",
    ) in board.rows()


def test_what_is_worked_on_is_shown_with_its_size_and_for_how_long() -> None:
    board = Board(limit_seconds=60)
    board.elapsed_seconds = 60
    board.take(Working("F3", "minimizing", failure(3, "verified")))
    board.elapsed_seconds = 72
    text = "minimizing 3: leak f3 page, 4 ops, 2 directives, for 12 s"
    assert ("working", text) in board.rows()
    assert board.summary().endswith(text)
    board.take(Rested("F3"))
    assert board.at_work() == []


def test_a_clean_run_says_where_somebody_else_came_in() -> None:
    board = Board(limit_seconds=60)
    sites = sorted(ALL_SITES)
    board.take(
        Progress(
            1,
            Statistics(
                executions=500,
                sites_reached=len(sites) - 9,
                sites_missed=sites[:9],
                sites_preempted=sites[20:25],
            ),
        )
    )
    board.take(Progress(2, Statistics(sites_preempted=sites[24:30])))
    assert "let somebody else in at 10 sites" in board.looked_at()


def test_slices_that_died_and_errors_of_ours_are_shown() -> None:
    board = Board(limit_seconds=60)
    error = InternalError("engine", "x", count=2)
    board.take(SliceEnded(1, "oom", Statistics(), 0))
    board.take(SliceEnded(2, "ok", Statistics(internal_errors=[error]), 0))
    board.take(SliceStarted(3))
    board.take(Trouble("slice 1 ended as oom"))
    assert dict(board.rows())["slices"] == "1 running, 1 ok, 1 oom, 2 internal errors"
    assert dict(board.rows())["trouble"] == "slice 1 ended as oom"


def test_many_failures_do_not_fill_the_screen() -> None:
    board = Board(limit_seconds=60)
    for number in range(MAX_FAILURES + 5):
        board.take(Found(failure(number), first=True))
    assert board.rows()[-1] == ("", "and 5 more")


def test_a_failure_of_an_earlier_run_is_not_announced_as_new() -> None:
    board = Board(limit_seconds=60)
    new = board.take(Found(failure(1), first=True))
    assert board.take(Found(failure(1), first=False)) != new


def test_without_a_terminal_the_status_is_lines_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("triage.live.QUIET_SECONDS", 0.01)
    board = Board(limit_seconds=60)
    with Screen(board, now=lambda: 20.0) as screen:
        screen.say("found 1")
        while board.elapsed_seconds == 0:
            time.sleep(0.005)
    out, err = capsys.readouterr()
    assert out == ""
    assert "20.0 s  found 1\n" in err
    assert "40 s left" in err
    assert "\x1b" not in err
