# SPDX-License-Identifier: MIT
"""`mmfarm explore FILE`: all interleavings of a scenario, or all up to so many preemptions; and
`mmfarm explore --ops N`: those of every program of N ops."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from corpus.files import ALPHABET
from corpus.text import dump
from fuzz import explore_file
from fuzz.exploration import COVERED, VIOLATION, Bounds, Exploration, Report
from fuzz.explore_jobs import Crew
from fuzz.explore_programs import Certificate, certificate, explore_programs, from_json
from simulator.run import Machine
from triage import inputs
from triage.exits import FINDING, INFRASTRUCTURE, OK, Refused
from triage.files import write_whole
from triage.terminal import fields, json_text, write, write_json

SAY_EVERY_SECONDS: Final = 5.0
SAVE_EVERY_SECONDS: Final = 30.0  # a save of a large tree takes a second
MAX_JOBS: Final = 256


@click.command()
@click.argument("file", type=click.Path(), required=False)
@click.option("--preemptions", type=click.IntRange(0, 64), help="Switches in one run; default any.")
@click.option(
    "--faults",
    type=click.IntRange(0, 8),
    default=0,
    show_default=True,
    help="Allocations and trylocks that fail in one run.",
)
@click.option("--walks", is_flag=True, help="The hardware may use each stale translation, too.")
@click.option("--plain", is_flag=True, help="Leave out nothing as equal to what was tried.")
@click.option(
    "--ops", type=click.IntRange(1, 6), help="Instead of FILE: every program of so many ops."
)
@click.option(
    "--alphabet", type=click.Path(), help="The ops of these programs; docs/explore.md has the form."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, MAX_JOBS),
    help="Processes; default one a core, and one alone for what takes a moment.",
)
@click.option("--resume", "kept", type=click.Path(), help="Keep in this file where it is; go on.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after so many seconds; exit code 3 if not all is covered.",
)
@click.option("-o", "out", type=click.Path(), help="Write a counterexample there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    file: str | None,
    preemptions: int | None,
    faults: int,
    walks: bool,
    plain: bool,
    ops: int | None,
    alphabet: str | None,
    jobs: int | None,
    kept: str | None,
    seconds: float | None,
    out: str | None,
    as_json: bool,
) -> int:
    """Run the ops of FILE under every interleaving, its own directives left aside.

    Exit code 0 when all within the bounds was covered and no promise was broken, 1 with the
    counterexample when one was, 3 when it was stopped before. What is left out as equal to
    something tried, and what is never tried, is in docs/explore.md.
    """
    if seconds is not None and not seconds < float("inf"):
        raise Refused(f"--seconds {seconds}: a number of seconds, please")
    if (file is None) == (ops is None):
        raise Refused("explore takes FILE, or --ops N for every program of N ops")
    if alphabet is not None and ops is None:
        raise Refused("--alphabet goes with --ops N")
    place = inputs.output_file(out) if out is not None else None
    save = inputs.output_file(kept) if kept is not None else None
    bounds = Bounds(preemptions, faults, walks, reduce=not plain)
    clock = _Clock(seconds)
    if file is None:
        assert ops is not None
        return _programs(ops, alphabet, bounds, jobs, save, clock, place, as_json)
    scenario = inputs.scenario(file)
    exploration = Exploration(Machine(), scenario, bounds)
    if save is not None and save.exists():
        with _refused():
            explore_file.go_on(exploration, save)

    def stop(report: Report) -> bool:
        clock.say(
            f"{report.schedules:,} schedules, {report.orders:,} different orders", report.progress
        )
        if save is not None and clock.saves():
            explore_file.save(exploration, save)
        return clock.over()

    if jobs == 1 or preemptions in (0, 1):
        report = exploration.go(stop)
    else:
        with Crew(exploration, jobs or os.cpu_count() or 1) as crew:
            report = crew.go(stop)
    if save is not None:
        explore_file.save(exploration, save)
    failing = scenario.with_directives(report.directives)
    shown = dump(failing) if report.state == VIOLATION else None
    if as_json:
        write_json(report.to_json() | {"scenario": shown})
    return _answer(report.state, shown, place, None if as_json else text(report))


def _programs(
    ops: int,
    alphabet: str | None,
    bounds: Bounds,
    jobs: int | None,
    save: Path | None,
    clock: "_Clock",
    place: Path | None,
    as_json: bool,
) -> int:
    name = alphabet or str(ALPHABET)
    made = certificate(ops, inputs.text(name), bounds)
    if save is not None and save.exists():
        with _refused():
            made = _go_on(made, save)
    before = made.covered

    def stop(made: Certificate) -> bool:
        done = (made.covered - before) / max(1, made.programs - before)
        said = f"{made.covered:,} of {made.programs:,} programs, {made.schedules:,} schedules"
        clock.say(said, done)
        if save is not None and clock.saves():
            write_whole(save, json_text(made.to_json()))
        return clock.over()

    explore_programs(made, jobs or os.cpu_count() or 1, stop)
    if save is not None:
        write_whole(save, json_text(made.to_json()))
    if as_json:
        write_json(made.to_json())
    return _answer(made.state, made.scenario, place, None if as_json else programs_text(made))


def _go_on(made: Certificate, save: Path) -> Certificate:
    """The certificate in a file, if it is one of the same programs."""
    try:
        before = from_json(json.loads(save.read_text()))
    except ValueError as error:
        raise ValueError(f"{save}: {error}") from error
    for what in ("ops", "alphabet", "bounds", "build_id"):
        if getattr(before, what) != getattr(made, what):
            raise ValueError(f"{save}: is of another {what.replace('_', ' ')}; name another file")
    return before


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise Refused(str(error)) from error


def _answer(state: str, scenario: str | None, place: Path | None, said: str | None) -> int:
    if place is not None and scenario is not None:
        write_whole(place, scenario)
    if said is not None:
        write(said)
        if scenario is not None and place is None:
            write("")
            write(scenario)
    if state == VIOLATION:
        return FINDING
    return OK if state == COVERED else INFRASTRUCTURE


class _Clock:
    """When to say something, to save, and to stop."""

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self._now: Final = now
        self._seconds: Final = seconds
        self._began: Final = now()
        self._said = self._saved = self._began

    def say(self, what: str, progress: float) -> None:
        """On stderr, with an estimate of what is left if all goes on like this."""
        now = self._now()
        if now - self._said < SAY_EVERY_SECONDS:
            return
        self._said = now
        passed = now - self._began
        left = ""
        if 0 < progress < 1:
            left = f", about {_duration(passed * (1 - progress) / progress)} left"
        click.echo(f"{_duration(passed)}  {what}, {100 * progress:.1f} %{left}", err=True)

    def saves(self) -> bool:
        now = self._now()
        if now - self._saved < SAVE_EVERY_SECONDS:
            return False
        self._saved = now
        return True

    def over(self) -> bool:
        return self._seconds is not None and self._now() - self._began >= self._seconds


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def limits(bounds: Bounds) -> str:
    """How much was tried, in words."""
    many = bounds.switches
    return ", ".join(
        [
            "any number of preemptions"
            if many is None
            else f"at most {many} preemption{'s' if many != 1 else ''}",
            f"{bounds.faults} faults" if bounds.faults else "no faults",
            "every stale translation" if bounds.walks else "current translations",
            "IPIs at once",
        ]
    )


def outcome(state: str) -> str:
    return {COVERED: "covered: no promise is broken", VIOLATION: "violation"}.get(
        state, "stopped: not all is covered"
    )


def programs_text(made: Certificate) -> str:
    """The certificate, for people."""
    rows = [
        ("outcome", outcome(made.state)),
        ("programs", f"{made.covered:,} of {made.programs:,}, of {made.ops} ops each"),
        ("bounds", limits(made.bounds)),
        (
            "schedules",
            f"{made.schedules:,} run to their end, {made.cut:,} cut short where one had been "
            f"before; at most {made.most_schedules:,} of one program",
        ),
        ("steps", f"{made.steps:,}"),
        ("model", made.build_id[:12]),
    ]
    if made.state == VIOLATION:
        rows[1:1] = [("signature", made.signature), ("promise", made.promise)]
    return fields(rows)


def text(report: Report) -> str:
    """What was covered, for people."""
    rows = [
        ("outcome", outcome(report.state)),
        ("bounds", limits(report.bounds)),
        (
            "schedules",
            f"{report.schedules:,} run to their end, {report.cut:,} cut short where "
            "one had been before",
        ),
        (
            "orders",
            f"{report.orders:,} different partial orders, "
            f"{report.outcomes:,} different lists of results",
        ),
        ("steps", f"{report.steps:,}"),
        ("model", report.build_id[:12]),
    ]
    if report.state == VIOLATION:
        rows[1:1] = [("signature", report.signature), ("promise", report.promise)]
    elif report.state != COVERED:
        rows.append(("progress", f"{100 * report.progress:.1f} % of the tree"))
    return fields(rows)
