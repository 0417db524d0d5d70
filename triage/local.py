# SPDX-License-Identifier: MIT
"""A run of the farm on this machine, from the request to the report.

Contract: shows the live status on stderr and one report on stdout, also when interrupted:
what was found until then is stored first. Returns 1 with findings, also of earlier runs, that are
not finished or that this one has finished; without any, 3 when nothing could be run, when slices
failed, when the disk is full, or when mmfarm contradicted itself; 4 when nothing of a bug or a
focus that was asked for was reached; 0 otherwise.
"""

import shlex
import shutil
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.bugs import BUGS
from simulator.build import build_id, mode
from simulator.sites import FUNCTION
from triage import aimed, failures, meetings
from triage.exits import FINDING, INFRASTRUCTURE, OK, SKIPPED
from triage.live import ALL_SITES, Board, Screen
from triage.terminal import BAD, BOLD, fields, paint, table, write, write_json
from workers.laptop import Done, run_local
from workers.records import FailureDetail, FailureRow
from workers.schema import NEW, UNREPRODUCIBLE, VERIFIED
from workers.settings import database_url
from workers.store import Store

MAX_TROUBLES: Final = 5  # lines of the report
FUNCTIONS: Final = frozenset(FUNCTION)
FULL_BYTES: Final = 1 << 20  # left on a disk: less than a slice leaves behind
FULL: Final = ("disk is full", "No space left on device")  # as SQLite and the C library have it


@dataclass(frozen=True, slots=True)
class Request:
    """What to run. `own_folder`: the folder was named for this run, so that also the store
    lies there, whatever the environment says."""

    seconds: float
    bugs: tuple[str, ...]
    seed_corpus: Path | None
    folder: Path
    own_folder: bool
    jobs: int
    focus: tuple[str, ...] = ()  # sites


def run(request: Request, as_json: bool) -> int:
    """Fuzz, and report. Raises KeyboardInterrupt after the report of an interrupted run."""
    url = database_url(request.folder, {}) if request.own_folder else (database_url(request.folder))
    board = Board(request.seconds)
    interrupt: KeyboardInterrupt | None = None
    began = time.monotonic()
    with closing(Store.open(url)) as store:
        events = run_local(
            store,
            request.folder,
            seconds=request.seconds,
            slots=request.jobs,
            bugs=request.bugs,
            seed_corpus=request.seed_corpus,
            focus=request.focus,
        )
        found: list[FailureDetail] = []
        unfiled: list[str] = []
        with closing(events), Screen(board, lambda: time.monotonic() - began) as screen:
            try:
                for event in events:
                    board.elapsed_seconds = time.monotonic() - began
                    screen.say(board.take(event))
                    if isinstance(event, Done):
                        found = event.failures
                        unfiled = event.unfiled
            except KeyboardInterrupt as stopped:
                interrupt = stopped
        if interrupt is not None:
            found = _stored(store, board)
        known = {each.failure.id for each in found}
        earlier = _unfinished(store, known)
        known.update(row.id for row in earlier)
        # Nobody may have heard of them: the run that found them was killed, say.
        finished = [
            detail
            for number in sorted(set(board.failures) - known)
            if (detail := store.failure(number)) is not None
        ]
    board.elapsed_seconds = time.monotonic() - began
    ends = _Ends(unfiled, earlier, finished, _full(request, board), _not_reached(request, board))
    findings = [each for each in found if each.failure.state != UNREPRODUCIBLE]
    unreproducible = [each for each in found if each.failure.state == UNREPRODUCIBLE]
    if as_json:
        write_json(_json(request, board, findings, unreproducible, ends))
    else:
        write(_text(request, board, findings, unreproducible, ends))
    if interrupt is not None:
        raise interrupt
    if findings or unfiled or earlier or finished:
        return FINDING
    contradicted = unreproducible or board.internal_errors or board.failed_slices
    if contradicted or ends.full or not board.executions:
        return INFRASTRUCTURE
    aimless = bool(request.focus) and not board.focus_passed
    return SKIPPED if ends.not_reached or aimless else OK


@dataclass(frozen=True, slots=True)
class _Ends:
    """What a report has to say besides what this run has found."""

    unfiled: list[str]
    earlier: list[FailureRow]
    finished: list[FailureDetail]
    full: str
    not_reached: dict[str, list[str]]


def _full(request: Request, board: Board) -> str:
    """That the disk is full, or was; nothing where it was not."""
    left = shutil.disk_usage(request.folder).free
    if left < FULL_BYTES:
        return f"the disk of {request.folder} is full: {left // 1024} KiB are left"
    told = [text for text in board.troubles if any(words in text for words in FULL)]
    return f"the disk of {request.folder} was full: {told[0]}" if told else ""


def _not_reached(request: Request, board: Board) -> dict[str, list[str]]:
    """Bugs that were asked for, and the functions of theirs, when the run came by none of them."""
    missed = set(board.functions_missed())
    found: dict[str, list[str]] = {}
    for bug in BUGS:
        functions = [each for each in bug.culprits if each in FUNCTIONS]
        if bug.id in request.bugs and functions and missed.issuperset(functions):
            found[bug.id] = functions
    return found


def _stored(store: Store, board: Board) -> list[FailureDetail]:
    """What this run had filed, or found filed for a dead one, when it was interrupted."""
    ids = {row.id for run_id in board.runs for row in store.failures(run_id=run_id)}
    ids.update(board.failures)
    return [found for number in sorted(ids) if (found := store.failure(number)) is not None]


def _unfinished(store: Store, known: set[int]) -> list[FailureRow]:
    """Failures that earlier runs found and did not finish."""
    return [
        row
        for state in (NEW, VERIFIED)
        for row in store.failures(state=state)
        if row.id not in known
    ]


def _explaining(request: Request, number: int) -> str:
    """The command that explains a failure."""
    where = f"MMFARM_DATA={shlex.quote(str(request.folder))} " if request.own_folder else ""
    return f"{where}mmfarm triage show {number}"


def _at(board: Board, found: FailureDetail) -> float | None:
    seen = board.failures.get(found.failure.id)
    return None if seen is None else round(seen.at_seconds, 1)


def _text(
    request: Request,
    board: Board,
    findings: list[FailureDetail],
    unreproducible: list[FailureDetail],
    ends: _Ends,
) -> str:
    model = mode() + (" with " + ", ".join(request.bugs) if request.bugs else "")
    parts = [
        f"{board.executions:,} executions in {board.elapsed_seconds:.0f} s "
        f"({board.executions_per_job_second:,.0f}/s per job, {model}), "
        f"{board.new_entries:,} new scenarios"
    ]
    for heading, group in (
        ("FAILURE", findings),
        ("FAILURE of an earlier run, finished now", ends.finished),
        ("UNREPRODUCIBLE: an error of mmfarm", unreproducible),
    ):
        if group:
            rows = [
                (
                    f"{found.failure.id}  {found.failure.signature}",
                    "" if (at := _at(board, found)) is None else f"{at:.1f} s",
                    f"{found.failure.ops}+{found.failure.directives}",
                    found.failure.state,
                )
                for found in group
            ]
            parts.append(table(rows, heading=(heading, "FOUND", "OPS+DIR", "STATE")))
    if told := findings or ends.finished:
        best = min(told, key=lambda f: (f.failure.ops, f.failure.directives, f.failure.id))
        parts.append(
            fields(
                [
                    ("explain", paint(_explaining(request, best.failure.id), BOLD)),
                    ("broken", best.failure.promise),
                ]
            )
        )
    elif not ends.unfiled:
        parts.append(f"No promise was broken in {board.looked_at()}.")
    if request.focus:
        parts.append(aimed.text(aimed.rows(request.focus, board.focus_passed, board.focus_left)))
    if who := meetings.text(board.met):
        parts.append(who)
    for bug, functions in ends.not_reached.items():
        parts.append(paint(f"NOT REACHED: bug={bug}, in {', '.join(functions)}", BAD))
    if ends.earlier:
        names = "\n".join(f"  {row.id}  {row.signature}  {row.state}" for row in ends.earlier)
        parts.append(f"NOT FINISHED, of earlier runs; the next run goes on with them:\n{names}")
    if board.failed_slices:
        kinds = ", ".join(f"{count} {kind}" for kind, count in board.failed_slices.items())
        parts.append(paint(f"slices that failed: {kinds}", BAD))
    if ends.unfiled:
        parts.append("\n".join(["NOT STORED YET, the next run files it:", *ends.unfiled]))
    if ends.full:
        parts.append(paint(ends.full, BAD))
    if board.troubles:
        shown = [paint(f"trouble: {text}", BAD) for text in board.troubles[:MAX_TROUBLES]]
        if len(board.troubles) > MAX_TROUBLES:
            shown.append(f"and {len(board.troubles) - MAX_TROUBLES} more, see --json")
        parts.append("\n".join(shown))
    return "\n\n".join(parts)


def _json(
    request: Request,
    board: Board,
    findings: list[FailureDetail],
    unreproducible: list[FailureDetail],
    ends: _Ends,
) -> dict[str, object]:
    return {
        "findings": [_finding_json(request, board, found) for found in findings],
        "unreproducible": [_finding_json(request, board, found) for found in unreproducible],
        "unfiled": ends.unfiled,
        "unfinished_earlier": [failures.row_json(row) for row in ends.earlier],
        "finished_earlier": [_finding_json(request, board, each) for each in ends.finished],
        "disk_full": ends.full,
        "not_reached": ends.not_reached,
        "executions": board.executions,
        "steps": board.ended_steps,
        "exec_per_s": round(board.executions_per_job_second, 1),
        "seconds": round(board.elapsed_seconds, 3),
        "cpu_seconds": round(board.ended_cpu_seconds, 3),
        "features": board.features,
        "sites_reached": len(ALL_SITES) - len(board.missed),
        "sites_missed": sorted(board.missed),
        "sites_preempted": len(board.preempted),
        "functions_missed": board.functions_missed(),
        "focus": aimed.as_json(request.focus, board.focus_passed, board.focus_left),
        "meetings": meetings.as_json(board.met),
        "failed_slices": board.failed_slices,
        "situations_reached": board.situations,
        "new_entries": board.new_entries,
        "exit_kinds": board.exit_kinds,
        "internal_errors": board.internal_errors,
        "troubles": board.troubles,
        "bugs": list(request.bugs),
        "data": str(request.folder),
        "mode": mode(),
        "build_id": build_id(),
    }


def _finding_json(request: Request, board: Board, found: FailureDetail) -> dict[str, object]:
    return failures.row_json(found.failure) | {
        "found_seconds": _at(board, found),
        "scenario": found.best.text,
        "digest": found.best.digest,
        "steps": found.best.steps,
        "build_id": found.best.build_id,
        "explain": _explaining(request, found.failure.id),
    }
