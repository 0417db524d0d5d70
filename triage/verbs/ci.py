# SPDX-License-Identifier: MIT
"""`mmfarm ci --patch PATCH`: only what a patch breaks anew fails."""

import datetime
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import click

from corpus.files import KNOWN_BUGS, SCENARIOS, mm_files
from corpus.text import dump, load
from simulator.build import ROOT
from triage import ci, inputs
from triage.exits import FINDING, OK, Refused
from triage.files import write_whole
from triage.model import ROOMS, patched
from triage.terminal import BAD, GOOD, fields, json_text, paint, write, write_json

RUNS: Final = 4_000  # half a minute interpreted, a second compiled
MAX_RUNS: Final = 10_000_000
MAX_OPS: Final = 40  # longer scenarios are of recordings: they say little and take long


@click.command()
@click.option("--patch", required=True, type=click.Path(), help="As for --model: docs/patch.md.")
@click.option("--base", metavar="REV", help="A revision of this checkout; default: what runs.")
@click.option("--corpus", type=click.Path(), help="Scenarios that both run; default mmfarm's own.")
@click.option(
    "--focus", multiple=True, metavar="FUNC", help="Steer to this function, not to all changed."
)
@click.option(
    "--runs",
    type=click.IntRange(0, MAX_RUNS),
    default=RUNS,
    show_default=True,
    help="Runs of mutants, on each side.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--kcidb", type=click.Path(), help="Write a KCIDB v5.3 report there.")
@click.option("--mail", type=click.Path(), help="Write a mail of one screen there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    patch: str,
    base: str | None,
    corpus: str | None,
    focus: tuple[str, ...],
    runs: int,
    seed: int,
    kcidb: str | None,
    mail: str | None,
    as_json: bool,
) -> int:
    """Run a patched model and its base on the same scenarios, and on mutants of those that come
    by what the patch changes.

    Exit code 1 when the patch breaks a promise that the base keeps, 0 when it does not.
    """
    outs = [inputs.output_file(out) for out in (kcidb, mail) if out is not None]
    texts = scenarios(corpus)
    with tempfile.TemporaryDirectory(prefix="mmfarm-ci-") as folder:
        root = ROOT if base is None else checked_out(base, Path(folder, "base"))
        one = ci.Side(root, base or "the model as it is")
        other = ci.Side(patched(Path(patch), root), Path(patch).name)
        result = ci.compare(one, other, Path(patch), texts, runs, seed, focus)
    if focus and not any(_meant(each, focus) for each in result.functions):
        raise Refused(f"--focus {' '.join(focus)}: the patch changes no such function")
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    if kcidb is not None:
        write_whole(outs[0], json_text(ci.kcidb(result, now)))
    if mail is not None:
        write_whole(outs[-1], ci.mail(result))
    if as_json:
        write_json(result.to_json())
    else:
        write(text(result))
    return FINDING if result.new else OK


def _meant(function: dict[str, object], focus: tuple[str, ...]) -> bool:
    sites = function["sites"]
    assert isinstance(sites, dict)
    return function["name"] in focus or any(s.partition(":")[0] in focus for s in sites)


def scenarios(corpus: str | None) -> list[str]:
    """Texts of the scenarios that both sides run."""
    if corpus is None:
        files = [f for f in mm_files([SCENARIOS, KNOWN_BUGS]) if f.parent.name != "strace"]
    else:
        try:
            files = mm_files([Path(corpus)])
        except FileNotFoundError as error:
            raise Refused(str(error)) from error
    loaded = [load(str(file)) for file in files]
    if not loaded:
        raise Refused(f"{corpus}: no .mm files below it")
    return [dump(each) for each in loaded if len(each.ops) <= MAX_OPS]


def checked_out(revision: str, place: Path) -> Path:
    """The rooms of this checkout at a revision."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=tar", revision, *ROOMS, "pyproject.toml"],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise Refused(f"--base {revision}: {said}")
    place.mkdir()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(place, filter="data")
    return place


def text(result: ci.Result) -> str:
    """The result for people."""
    new = bool(result.new)
    rows = [
        ("verdict", paint("new failures" if new else "nothing new fails", BAD if new else GOOD)),
        ("patch", f"{result.patch} (build {result.patched_build[:12]})"),
        ("base", f"{result.base} (build {result.base_build[:12]})"),
        ("tried", f"{result.scenarios:,} scenarios, {result.runs:,} runs, seed {result.seed}"),
    ]
    for failure in result.new:
        rows.append(("new", f"{failure.signature}\n{failure.promise}\n{failure.scenario.rstrip()}"))
    rows += [("both", name) for name in result.old]
    rows += [("gone", name) for name in result.gone]
    rows += [("changes", line) for line in ci.function_lines(result)]
    if result.never:
        rows.append(("never with", " ".join(result.never)))
    return fields(rows)
