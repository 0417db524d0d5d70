# SPDX-License-Identifier: MIT
"""`mmfarm explore FILE`: all interleavings of a scenario, or all up to so many preemptions."""

import time

import click

from corpus.text import dump
from fuzz.exploration import COVERED, VIOLATION, Bounds, Exploration, Report
from simulator.run import Machine
from triage import inputs
from triage.exits import FINDING, INFRASTRUCTURE, OK, Refused
from triage.files import write_whole
from triage.terminal import fields, write, write_json

SAY_EVERY_SECONDS = 5.0


@click.command()
@click.argument("file", type=click.Path())
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
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after so many seconds of CPU time; exit code 3 if not all is covered.",
)
@click.option("-o", "out", type=click.Path(), help="Write a counterexample there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    file: str,
    preemptions: int | None,
    faults: int,
    walks: bool,
    plain: bool,
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
    scenario = inputs.scenario(file)
    place = inputs.output_file(out) if out is not None else None
    exploration = Exploration(
        Machine(), scenario, Bounds(preemptions, faults, walks, reduce=not plain)
    )
    started = time.process_time()
    said = started

    def stop(report: Report) -> bool:
        nonlocal said
        now = time.process_time()
        if now - said >= SAY_EVERY_SECONDS:
            said = now
            click.echo(
                f"{now - started:.0f} s  {report.schedules:,} schedules, {report.orders:,} "
                f"different orders, {100 * report.progress:.1f} % of the tree",
                err=True,
            )
        return seconds is not None and now - started >= seconds

    report = exploration.go(stop)
    failing = scenario.with_directives(report.directives)
    if place is not None and report.state == VIOLATION:
        write_whole(place, dump(failing))
    if as_json:
        document = report.to_json()
        document["scenario"] = dump(failing) if report.state == VIOLATION else None
        write_json(document)
    else:
        write(text(report))
        if report.state == VIOLATION and place is None:
            write("")
            write(dump(failing))
    if report.state == VIOLATION:
        return FINDING
    return OK if report.state == COVERED else INFRASTRUCTURE


def text(report: Report) -> str:
    """What was covered, for people."""
    bounds = report.bounds
    limits = [
        "any number of preemptions"
        if bounds.switches is None
        else f"at most {bounds.switches} preemptions",
        f"{bounds.faults} faults" if bounds.faults else "no faults",
        "every stale translation" if bounds.walks else "current translations",
        "IPIs at once",
    ]
    rows = [
        (
            "outcome",
            {COVERED: "covered: no promise is broken", VIOLATION: "violation"}.get(
                report.state, "stopped: not all is covered"
            ),
        ),
        ("bounds", ", ".join(limits)),
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
