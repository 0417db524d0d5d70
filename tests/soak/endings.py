# SPDX-License-Identifier: MIT
"""How `mmfarm run` ends in each of the ways that go wrong, and whether it says what is true.

    make soak WHAT=endings

Each case runs the command in a data folder of its own: refused times, a disk that is full or fills
up (a tmpfs, which takes root), a run that is killed and another one after it, a bug with many
signatures in 30 seconds, an interrupt, and a bug of which nothing is reached. A case holds when the
command ends in time, with the right exit code, and its report agrees with what the store has.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from corpus.files import KNOWN_BUGS
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

NAME: Final = "endings"
BAR: Final = (
    "`mmfarm run` ends, and says what is true with the right exit code: nan, inf and 0 seconds; "
    "a full disk; killed and run again; a bug with 8 signatures and 30 seconds; an interrupt; "
    "nothing reached of what was asked for."
)
BUG: Final = "softdirty-clear-no-flush"  # found at once from its own scenario
SMALL_DISK: Final = "1m"  # not even a store
FILLING_DISK: Final = "16m"  # a store, and what a slice needs
LARGE_DISK: Final = "256m"
ANNOUNCED: Final = ("findings", "finished_earlier", "unfinished_earlier")
MANY: Final = 8
SEQUENTIAL: Final = (
    "anon-page-in-file-mapping",
    "clear-refs-wrprotect-pinned",
    "device-private-loses-soft-dirty",
    "do-wp-page-copies-pinned-page",
    "fork-early-cow-torn-snapshot",
    "migrate-device-finalize-freed-to-lru",
    "migratevma-nonpresent-pte-decode",
    "mremap-merge-anon-vma-uaf",
    BUG,
    "vmsplice-child-cow",
)
HMM: Final = {"dmirror_migrate_finalize_and_map", "dmirror_devmem_fault_alloc_and_copy"}
PATIENCE_SECONDS: Final = 240.0  # beyond the seconds asked for: finishing takes up to 60


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str
    seconds: float

    def report(self) -> Any:
        return json.loads(self.out)


def begin(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The command, in a session of its own: what it leaves behind can be looked for."""
    return subprocess.Popen(
        [sys.executable, "-m", "triage", "run", "--jobs", "1", "--out", str(folder), *arguments],
        env=os.environ | {"PYTHONPATH": str(frame.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: "subprocess.Popen[str]", began: float) -> Ran:
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        err += "\ndid not end"
    return Ran(process.returncode, out, err, time.monotonic() - began)


def run(folder: Path, *arguments: str) -> Ran:
    began = time.monotonic()
    return end(begin(folder, *arguments), began)


def seeds(folder: Path, *bugs: str) -> Path:
    """A starting corpus that shows these bugs."""
    place = folder / "seeds"
    place.mkdir()
    for bug in bugs or (BUG,):
        shutil.copy(KNOWN_BUGS / f"{bug}.mm", place)
    return place


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A small file system. Raises PermissionError where there is none to be had."""
    place = folder / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        raise PermissionError(f"no tmpfs: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def told(problems: list[str], right: bool, what: str) -> None:
    if not right:
        problems.append(what)


# --- cases: what is wrong, and what is worth a word ----------------------------------------------

Case = Callable[[Path], tuple[Ran, list[str], str]]


def refused(value: str) -> Case:
    def case(folder: Path) -> tuple[Ran, list[str], str]:
        ran = run(folder / "data", "--seconds", value)
        problems: list[str] = []
        told(problems, ran.code == 2, f"exit code {ran.code}, not 2")
        told(problems, "--seconds" in ran.err, "it does not name --seconds")
        told(problems, not ran.out, "it prints a report")
        return ran, problems, ran.err.strip().rpartition("\n")[2]

    return case


def no_room(folder: Path) -> tuple[Ran, list[str], str]:
    """A disk on which not even a store has room."""
    with disk(folder, SMALL_DISK) as place:
        (place / "filler").write_bytes(b"x" * 900_000)
        ran = run(place, "--seconds", "5")
    problems: list[str] = []
    told(problems, ran.code == 3, f"exit code {ran.code}, not 3")
    told(
        problems,
        "full" in ran.err + ran.out or "space" in ran.err + ran.out,
        "it does not say that the disk is full",
    )
    return ran, problems, (ran.err + ran.out).strip().rpartition("\n")[2][:120]


def fills_up(folder: Path) -> tuple[Ran, list[str], str]:
    """A disk that is full before the run is over, with a bug to be found; and room again."""
    start = seeds(folder)
    problems: list[str] = []
    with disk(folder, FILLING_DISK) as place:
        process = begin(
            place, "--seconds", "15", "--bug", BUG, "--seed-corpus", str(start), "--json"
        )
        began = time.monotonic()
        while process.poll() is None and not any(place.rglob("findings/*.json")):
            time.sleep(0.02)
        with contextlib.suppress(OSError), (place / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)
        ran = end(process, began)
        told(problems, ran.code in (1, 3), f"exit code {ran.code}, not 1 (a finding) or 3")
        said = ran.out + ran.err
        told(
            problems, "full" in said or "No space" in said, "it does not say that the disk is full"
        )
        waiting = list(place.rglob("findings/*.json"))
        filed = ran.code == 1
        told(problems, bool(waiting) or filed, "the find is gone")
        (place / "filler").unlink()
        subprocess.run(["mount", "-o", f"remount,size={LARGE_DISK}", str(place)], check=True)
        again = run(place, "--seconds", "3", "--seed-corpus", "none", "--json")
        known = again.report() if again.out else {}
        announced = [
            each["signature"]["oracle"] for kind in ANNOUNCED for each in known.get(kind, ())
        ]
        told(
            problems,
            again.code == 1 and "soft-dirty" in announced,
            f"the next run does not announce the find: it ends with {again.code}",
        )
    return ran, problems, f"{len(waiting)} finds waited, the next run announced {len(announced)}"


def killed(folder: Path) -> tuple[Ran, list[str], str]:
    """SIGKILL right after a find; the next run, without the bug, announces it."""
    data = folder / "data"
    process = begin(data, "--seconds", "3600", "--bug", BUG, "--seed-corpus", str(seeds(folder)))
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS and not any(data.rglob("findings/*.json")):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    ran = run(data, "--seconds", "3", "--seed-corpus", "none", "--json")
    problems: list[str] = []
    report = ran.report()
    announced = [each for kind in ANNOUNCED for each in report[kind]]
    told(problems, ran.code == 1, f"exit code {ran.code}, not 1")
    told(
        problems,
        any(f["signature"]["oracle"] == "soft-dirty" for f in announced),
        "the find of the killed run is not announced",
    )
    return ran, problems, f"{len(announced)} announced"


def many(folder: Path) -> tuple[Ran, list[str], str]:
    """A model that fails in many ways, which a starting corpus shows, and 30 seconds."""
    ran = run(
        folder / "data",
        "--seconds",
        "30",
        "--seed-corpus",
        str(seeds(folder, *SEQUENTIAL)),
        "--json",
        *(word for bug in SEQUENTIAL for word in ("--bug", bug)),
    )
    problems: list[str] = []
    told(problems, ran.code == 1, f"exit code {ran.code}, not 1")
    states: dict[str, int] = {}
    for found in ran.report()["findings"]:
        states[found["state"]] = states.get(found["state"], 0) + 1
    told(problems, sum(states.values()) >= MANY, f"only {sum(states.values())} signatures")
    told(
        problems,
        not states.get("new") or not states.get("minimized"),
        "some are minimized before all are verified",
    )
    told(problems, ran.seconds < 30 + 60 + 60, f"it took {ran.seconds:.0f} s")
    return ran, problems, ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def interrupted(folder: Path) -> tuple[Ran, list[str], str]:
    data = folder / "data"
    process = begin(
        data, "--seconds", "3600", "--bug", BUG, "--seed-corpus", str(seeds(folder)), "--json"
    )
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS and not any(data.rglob("findings/*.json")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    ran = end(process, began)
    problems: list[str] = []
    told(problems, ran.code == 130, f"exit code {ran.code}, not 130")
    told(problems, len(ran.report()["findings"]) > 0, "the find is not in the report")
    left = subprocess.run(
        ["pgrep", "-s", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    told(problems, not left, f"{len(left)} processes are left")
    return ran, problems, f"{len(ran.report()['findings'])} findings in the report"


def nothing_reached(folder: Path) -> tuple[Ran, list[str], str]:
    """A run that is too short to come by the bug that it was asked for."""
    ran = run(
        folder / "data",
        "--seconds",
        "1",
        "--seed-corpus",
        "none",
        "--bug",
        "test-hmm-maps-after-invalidation",
        "--json",
    )
    problems: list[str] = []
    report = ran.report()
    found = bool(report["findings"])
    right = 1 if found else 3 if not report["executions"] else 4 if report["not_reached"] else 0
    told(problems, ran.code == right, f"exit code {ran.code}, not {right}")
    told(
        problems,
        bool(report["not_reached"]) == (set(report["functions_missed"]) >= HMM),
        "not_reached does not say what functions_missed says",
    )
    return (
        ran,
        problems,
        f"{report['executions']} executions, not reached: "
        + (
            ", ".join(f for functions in report["not_reached"].values() for f in functions)
            or "none"
        ),
    )


CASES: Final[dict[str, Case]] = {
    "nan": refused("nan"),
    "inf": refused("inf"),
    "0": refused("0"),
    "no room": no_room,
    "the disk fills up": fills_up,
    "killed and run again": killed,
    "many signatures": many,
    "interrupted": interrupted,
    "nothing reached": nothing_reached,
}


def measure(case: str) -> Row:
    with tempfile.TemporaryDirectory(prefix="mmfarm-endings-") as name:
        try:
            ran, problems, remark = CASES[case](Path(name))
        except PermissionError as error:
            return {"skipped": str(error)}
    if "Traceback" in ran.err:
        problems.append("a traceback")
    return {
        "code": ran.code,
        "seconds": round(ran.seconds, 1),
        "problems": problems,
        "remark": re.sub(r"/tmp/\S+", "DIR", remark).replace("|", "/"),
    }


def table(rows: dict[str, Row]) -> Table:
    made = {case: row for case, row in rows.items() if "skipped" not in row}
    lines: list[tuple[str, ...]] = [
        (
            case,
            str(row["code"]),
            f"{row['seconds']:.0f}",
            "; ".join(row["problems"]) or "so",
            row["remark"],
        )
        for case, row in made.items()
    ]
    broken = [f"{case}: {each}" for case, row in made.items() for each in row["problems"]]
    remarks = [f"{case}: {row['skipped']}" for case, row in rows.items() if "skipped" in row]
    heading = ("case", "exit code", "s", "is it so", "remark")
    return Table(len(made), len(CASES), "cases", heading, lines, broken, remarks)


def main() -> int:
    options = frame.parser(__doc__).parse_args()
    from simulator.build import build_id

    of: Row = {"build": build_id()[:12], "tree": frame.git("rev-parse", "--short=12", "HEAD")}
    return frame.run(Plan(NAME, BAR, of, lambda rows: list(CASES), measure, table), options)


if __name__ == "__main__":
    sys.exit(main())
