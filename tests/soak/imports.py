# SPDX-License-Identifier: MIT
"""What imports say of recordings of programs with threads, and of the same with one wrong answer.

    make soak WHAT=imports

Each case records a program with `strace -f` on this machine's kernel (Python threads, `git repack`,
node's workers, a C thread pool that maps and unmaps: the programs below recorded/) and imports it
with the check. Then it changes one result of an mm call in a copy and imports that: another errno,
success for failure, another address. A planted answer is reported when the copy has a disagreement.
Without strace, gcc, git or node the cases that need it stay missing.
"""

import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, final

from corpus.recording.events import Call
from corpus.recording.report import import_log
from corpus.strace.parse import parse
from simulator.run import Machine
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

NAME: Final = "imports"
BAR: Final = (
    "No recording has a disagreement; of the planted answers at least 95 % of those in calls that "
    "overlap none are reported, and 80 % of the rest."
)
PROGRAMS: Final = ("python", "git", "node", "pool")
RECORDINGS: Final = 20
COPIES: Final = 10  # of each recording, half of them with a wrong answer in a call that overlaps
SHARES: Final = {"alone": 0.95, "overlapping": 0.80}
SOURCES: Final = Path(__file__).with_name("recorded")
CALLS: Final = ("mmap", "munmap", "mremap", "mprotect", "madvise", "brk")
ERRNOS: Final = ("ENOMEM", "EINVAL", "EFAULT", "EACCES", "EAGAIN", "EPERM")
PAGE: Final = 4096
_RESULT: Final = re.compile(r"(.*\)\s+= )(\S+)(.*)")  # greedy: the last bracket before a result


def command(program: str, seed: int, folder: Path) -> list[str]:
    """What is recorded; raises FileNotFoundError where a tool is missing."""
    tool = {"python": sys.executable, "pool": "gcc"}.get(program, program)
    if not shutil.which(tool):
        raise FileNotFoundError(f"no {tool} here")
    if program == "python":
        return [tool, str(SOURCES / "threads.py"), str(seed)]
    if program == "node":
        return [tool, str(SOURCES / "workers.js")]
    if program == "pool":
        binary = folder / "pool"
        subprocess.run(
            [tool, "-O1", "-pthread", "-o", str(binary), str(SOURCES / "pool.c")], check=True
        )
        return [str(binary), str(seed)]
    clone = folder / "clone"
    subprocess.run([tool, "clone", "-q", "--no-hardlinks", str(frame.ROOT), str(clone)], check=True)
    return [tool, "-C", str(clone), "repack", "-adfq", f"--threads={2 + seed % 4}"]


def record(program: str, seed: int) -> str:
    """The text of a recording."""
    with tempfile.TemporaryDirectory(prefix="mmfarm-imports-") as name:
        folder = Path(name)
        log = folder / "log"
        subprocess.run(
            ["strace", "-f", "-v", "-s", "64", "-o", str(log), *command(program, seed, folder)],
            check=True,
            capture_output=True,
        )
        return log.read_text(encoding="utf-8", errors="replace")


def disagreements(text: str) -> tuple[int, list[str]]:
    """How many answers were compared, and those that disagree."""
    checked = import_log(parse(text), Machine(), keep=lambda scenario: None).checked
    assert checked is not None
    wrong = [
        f"line {each.line}: {each.call}: the model {each.model}" for each in checked.disagreements
    ]
    return checked.compared, wrong + checked.violations


def candidates(text: str) -> dict[str, list[Call]]:
    """The mm calls that returned, by whether another one was served meanwhile."""
    calls = sorted(
        (event for event in parse(text).events if isinstance(event, Call) and event.name in CALLS),
        key=lambda call: call.begin,
    )
    found: dict[str, list[Call]] = {"alone": [], "overlapping": []}
    reach = 0
    for call, after in zip(calls, [*calls[1:], None], strict=True):
        alone = reach < call.begin and (after is None or call.end < after.begin)
        reach = max(reach, call.end)
        if call.result != "?":
            found["alone" if alone else "overlapping"].append(call)
    return found


def planted(text: str, call: Call, rng: random.Random) -> str:
    """The recording with another answer of this call."""
    lines = text.split("\n")
    match = _RESULT.fullmatch(lines[call.end - 1])
    assert match
    lines[call.end - 1] = match[1] + _other(call, rng)
    return "\n".join(lines)


def _other(call: Call, rng: random.Random) -> str:
    address = call.name in ("mmap", "mremap", "brk")
    if call.failed:
        return f"{rng.randrange(0x7F0000000, 0x7FF000000) * PAGE:#x}" if address else "0"
    if call.name != "brk" and (not address or rng.random() < 0.4):
        return f"-1 {rng.choice(ERRNOS)} (planted)"
    pages = rng.choice((-300, -16, -2, -1, 1, 2, 16, 300))
    return f"{int(call.result, 16) + pages * PAGE:#x}"


@final
class Measurement:
    def __init__(self, seed: int, recordings: int) -> None:
        self.seed = seed
        self.recordings = recordings

    def cases(self, rows: dict[str, Row]) -> Iterator[str]:
        for at in range(self.recordings):
            yield f"{PROGRAMS[at % len(PROGRAMS)]}-{self.seed + at // len(PROGRAMS)}"

    def measure(self, case: str) -> Row:
        program, _, seed = case.partition("-")
        try:
            text = record(program, int(seed))
        except FileNotFoundError as error:
            return {"skipped": str(error)}
        compared, wrong = disagreements(text)
        row: dict[str, Any] = {"lines": text.count("\n"), "compared": compared, "wrong": wrong}
        rng = random.Random(case)
        for kind, calls in candidates(text).items():
            chosen = rng.sample(calls, min(len(calls), COPIES // 2))
            missed: list[str] = []
            for call in chosen:
                copy = planted(text, call, rng)
                if not disagreements(copy)[1]:
                    missed.append(f"line {call.line}: {copy.split(chr(10))[call.end - 1][:120]}")
            row[kind] = {"planted": len(chosen), "missed": missed}
        return row

    def table(self, rows: dict[str, Row]) -> Table:
        made = {case: row for case, row in rows.items() if "skipped" not in row}
        lines: list[tuple[str, ...]] = []
        broken: list[str] = []
        remarks = [f"{case}: {row['skipped']}" for case, row in rows.items() if "skipped" in row]
        for case, row in made.items():
            found = [
                f"{row[kind]['planted'] - len(row[kind]['missed'])} of {row[kind]['planted']}"
                for kind in SHARES
            ]
            lines.append(
                (case, str(row["lines"]), str(row["compared"]), str(len(row["wrong"])), *found)
            )
            broken += [f"{case}: {each}" for each in row["wrong"]]
            remarks += [
                f"{case}, not reported: {each}" for kind in SHARES for each in row[kind]["missed"]
            ]
        for kind, share in SHARES.items():
            there = sum(row[kind]["planted"] for row in made.values())
            missed = sum(len(row[kind]["missed"]) for row in made.values())
            lines.append(
                (
                    f"planted, {kind}",
                    "",
                    "",
                    "",
                    *(f"{there - missed} of {there}" if each == kind else "" for each in SHARES),
                )
            )
            if missed > (1 - share) * there:
                broken.append(
                    f"{there - missed} of {there} planted answers of calls that are "
                    f"{kind} are reported"
                )
        heading = (
            "recording",
            "lines",
            "compared",
            "disagree",
            "reported alone",
            "reported overlapping",
        )
        return Table(len(made), self.recordings, "recordings", heading, lines, broken, remarks)


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--recordings", type=int, default=RECORDINGS)
    options = parser.parse_args()
    from simulator.build import build_id

    measurement = Measurement(options.seed, options.recordings)
    of: Row = {
        "seed": options.seed,
        "build": build_id()[:12],
        "tree": frame.git("rev-parse", "--short=12", "HEAD:corpus"),
    }
    return frame.run(
        Plan(NAME, BAR, of, measurement.cases, measurement.measure, measurement.table), options
    )


if __name__ == "__main__":
    sys.exit(main())
