# SPDX-License-Identifier: MIT
"""What the long measurements share. Each is a program here, one a bar: `make soak WHAT=NAME`.

Contract: a measurement consists of cases. One JSON line a case goes to build/soak/NAME.jsonl as
soon as it is measured; a case that has its line is not measured again, so a program that was
stopped, by MINUTES or by anything, goes on where it was. A line counts only for what it was
measured on (`Plan.of`: the seed, the model's build id, ...): lines of other sources stay in the
file and are left aside. Afterwards the table of all lines that count is printed, with how many of
how many they are; KEEP=1 writes it to docs/figures/NAME.md, which is committed.

Exit codes: 0 all is measured and the bar holds, 1 a case breaks the bar, 2 usage, 4 some cases are
missing, 3 anything else.
"""

import argparse
import contextlib
import datetime
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
LINES: Final = ROOT / "build" / "soak"
FIGURES: Final = ROOT / "docs" / "figures"
PROGRESS_SECONDS: Final = 10.0  # between two lines on stderr
OK: Final = 0
BROKEN: Final = 1
MISSING: Final = 4

Row = dict[str, Any]  # what was measured of one case, JSON


@dataclass(frozen=True, slots=True)
class Table:
    """What the rows say: `done` of `wanted` `unit`s, a Markdown table, and every case that
    breaks the bar in a line for people."""

    done: float
    wanted: float
    unit: str
    heading: tuple[str, ...]
    lines: list[tuple[str, ...]]
    broken: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """One measurement. `cases` sees the rows that there are, those to come included, so that
    a sum can decide how many more there have to be."""

    name: str
    bar: str  # what must hold, in one sentence
    of: Row  # what a line is true of
    cases: Callable[[dict[str, Row]], Iterable[str]]
    measure: Callable[[str], Row]
    table: Callable[[dict[str, Row]], Table]


def parser(about: str | None) -> argparse.ArgumentParser:
    """The arguments that all programs take."""
    made = argparse.ArgumentParser(
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"make soak WHAT={Path(sys.argv[0]).stem} [SEED=N] [MINUTES=N] [KEEP=1]",
    )
    made.add_argument("--seed", type=int, default=1)
    made.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        metavar="N",
        help="stop after the case that runs then; call again to go on",
    )
    made.add_argument("--keep", action="store_true", help="write the table to docs/figures/")
    return made


def run(
    plan: Plan,
    options: argparse.Namespace,
    *,
    lines: Path = LINES,
    figures: Path = FIGURES,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Measure what is missing, as long as there is time; print the table. Returns the exit
    code."""
    lines.mkdir(parents=True, exist_ok=True)
    kept = lines / f"{plan.name}.jsonl"
    rows = _read(kept, plan.of)
    until = clock() + options.minutes * 60
    told = clock()
    with kept.open("a") as file:
        for case in plan.cases(rows):
            if case in rows:
                continue
            if clock() >= until:
                break
            rows[case] = plan.measure(case)
            print(json.dumps({"case": case, "of": plan.of, **rows[case]}), file=file, flush=True)
            if clock() - told >= PROGRESS_SECONDS:
                told = clock()
                print(f"{plan.name}: {len(rows)} cases, last {case}", file=sys.stderr)
    table = plan.table(rows)
    text = _markdown(plan, table)
    print(text, end="")
    if options.keep:
        figures.mkdir(parents=True, exist_ok=True)
        (figures / f"{plan.name}.md").write_text(text)
    if table.broken:
        return BROKEN
    return OK if table.done >= table.wanted else MISSING


def programs() -> list[str]:
    """The measurements that there are."""
    here = Path(__file__)
    return sorted(
        path.stem
        for path in here.parent.glob("*.py")
        if path != here and "frame.parser(" in path.read_text()
    )


def sources(*folders: str) -> str:
    """A short hash of the Python files below these folders of the checkout."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def git(*arguments: str) -> str:
    """What git says of this checkout; "" where it says nothing."""
    with contextlib.suppress(OSError):
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip()
    return ""


def _read(file: Path, of: Row) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    if not file.exists():
        return rows
    text = file.read_text()
    if text and not text.endswith("\n"):  # of a program that was killed in the middle of a line
        text = text[: text.rfind("\n") + 1]
        file.write_text(text)
    for line in text.splitlines():
        row = json.loads(line)
        if row.pop("of") == of:
            rows[row.pop("case")] = row
    return rows


def _markdown(plan: Plan, table: Table) -> str:
    commit = git("rev-parse", "--short=12", "HEAD") or "unknown"
    if git("status", "--porcelain", "--untracked-files=no"):
        commit += " with changes"
    today = datetime.datetime.now(datetime.UTC).date()
    measured = f"{table.done:g} of {table.wanted:g} {table.unit}"
    missing = table.wanted - table.done
    if missing > 0:
        measured += f", **{missing:g} missing**"
    of = ", ".join(f"{key} {value}" for key, value in plan.of.items())
    text = [
        f"# {plan.name}",
        "",
        plan.bar,
        "",
        f"`make soak WHAT={plan.name}` at commit {commit}, {today}: {measured}. Measured on: {of}.",
        "",
        *_rows(table),
        "",
    ]
    text += [line for remark in table.remarks for line in (remark, "")]
    if table.broken:
        text += [f"The bar is broken {len(table.broken)} times:", ""]
        text += [*(f"- {line}" for line in table.broken), ""]
    return "\n".join(text)


def _rows(table: Table) -> list[str]:
    return [
        f"| {' | '.join(cells)} |"
        for cells in (table.heading, tuple("---" for _ in table.heading), *table.lines)
    ]
