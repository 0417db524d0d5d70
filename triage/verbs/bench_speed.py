# SPDX-License-Identifier: MIT
"""`mmfarm bench speed`: executions and steps per CPU second on the fixed workload."""

from pathlib import Path

import click

from simulator.build import is_quick
from triage import bench
from triage.exits import OK
from triage.terminal import table, write, write_json


@click.command()
@click.option("--against", metavar="REF", help="Measure this git revision in turns with ours.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(against: str | None, as_json: bool) -> int:
    """Run the workload `corpus/bench/speed.mm` (48 ops, 3 actors, all oracles) in 9 rounds.

    The figures are medians per CPU second. The last one is a fuzzing slice through Atheris that
    starts from the same workload.
    """
    if is_quick():
        click.echo(
            "mmfarm: this model is of the quick build, which is slower: "
            "`python -m simulator.build` makes the full one",
            err=True,
        )
    measured: dict[str, bench.Speed] = {}

    def measure(other: Path | None = None) -> None:
        trees = [bench.ROOT] if other is None else [bench.ROOT, other]
        measured.update(zip(("ours", against or ""), bench.speed(trees), strict=False))

    if against is None:
        measure()
    else:
        bench.with_revision(against, measure)
    atheris = bench.through_atheris()
    ours = measured["ours"]
    if as_json:
        document = ours.to_json() | {
            "atheris_exec_per_s": None if atheris is None else round(atheris, 1)
        }
        if against is not None:
            document["against"] = measured[against].to_json() | {"ref": against}
            document["ratio"] = round(ours.exec_per_s / measured[against].exec_per_s, 4)
        write_json(document)
        return OK
    write(
        table(
            [
                (
                    name,
                    made.mode,
                    f"{made.exec_per_s:,.0f}",
                    f"{made.steps_per_s:,.0f}",
                    f"{made.calibration_seconds * 1e3:.1f} ms",
                )
                for name, made in measured.items()
            ],
            heading=("REVISION", "MODEL", "EXEC/S", "STEPS/S", "CALIBRATION"),
        )
    )
    slices = "not installed" if atheris is None else f"{atheris:,.0f} exec/s"
    write(f"through Atheris: {slices}")
    return OK
