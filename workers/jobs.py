# SPDX-License-Identifier: MIT
"""The work of the farm as plain functions: fuzz, verify, minimize.

Contract: Celery tasks (`workers.tasks`) and the laptop driver (`workers.laptop`) call the same
functions with nothing but a store and an id. Each counts its attempt before it works and
commits its result before it returns, so that it may be delivered twice, at once, or again
after a death. A failure of the infrastructure raises `InfraError`, leaves a note where people
look, and never counts as a finding nor loses one. `Stopped` is raised when `stop` said so.
"""

import contextlib
import fcntl
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from corpus.text import TextError, dump, parse
from fuzz.findings import Finding, FindingError, read_findings
from fuzz.slice import WORK_PREFIX, ExitKind, SliceResult, SliceSpec, run_slice
from fuzz.statistics import Statistics
from simulator.outcome import Outcome, Signature
from workers import isolated
from workers.isolated import InfraError, Stopped
from workers.records import ExampleRow, Recorded, RunFigures
from workers.schema import NEW, RUNNING, VERIFIED
from workers.store import Store

# Each in a process of its own with another hash seed. Two would show that an outcome varies;
# the third is for what varies less often than every other time.
REPLAYS: Final = 3

MODEL_CHANGED: Final = "the model's sources changed meanwhile; the next attempt will do"

MIN_SLICE_SECONDS: Final = 1.0
# A slice is lost when its worker dies: long enough that starting one (0.5 s) costs nothing,
# short enough that losing one does not hurt. The broker's time limits derive from it.
MAX_SLICE_SECONDS: Final = 120.0


def never() -> bool:
    """The `stop` of work that nobody interrupts."""
    return False


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of one slice: its result, and where each finding was filed."""

    result: SliceResult
    recorded: list[Recorded]


def order(
    store: Store, *, seconds: float, bugs: tuple[str, ...] = (), seed: int | None = None
) -> int:
    """Put a slice on the books. Without a seed it gets its number as one, so that no two
    slices of a store walk the same way. Raises ValueError."""
    if not MIN_SLICE_SECONDS <= seconds <= MAX_SLICE_SECONDS:
        raise ValueError(
            f"a slice takes {MIN_SLICE_SECONDS:.0f} to {MAX_SLICE_SECONDS:.0f} seconds, "
            f"not {seconds:g}"
        )
    return store.create_run({"seconds": seconds, "bugs": list(bugs), "seed": seed})


def fuzz(
    store: Store,
    run_id: int,
    folder: Path,
    progress: Callable[[Statistics], None] | None = None,
    stop: Callable[[], bool] = never,
) -> Fuzzed | None:
    """Run a slice in a data folder and record what it found. None when there is nothing to
    run: no such run, or done, or abandoned; then only what dead attempts left is recorded."""
    work = folder / "runs" / str(run_id)
    work.mkdir(parents=True, exist_ok=True)
    try:
        with _owned(work):
            return _fuzz(store, run_id, folder, work, progress, stop)
    except BlockingIOError:
        raise InfraError(f"run {run_id}: another process of this machine works on it") from None


def recover(store: Store, folder: Path) -> list[Recorded]:
    """Close the books on runs of this data folder whose process was killed, and record what
    they had found. For a driver without a broker, which would deliver them again."""
    recorded: list[Recorded] = []
    for row in store.runs(RUNNING):
        work = folder / "runs" / str(row.id)
        # Not on this machine, or not dead.
        with contextlib.suppress(FileNotFoundError, BlockingIOError), _owned(work):
            found, complaints = _usable([], work)
            note = "\n".join(["its process was killed", *complaints])
            figures = RunFigures(ExitKind.KILLED.value)
            recorded += store.end_run(row.id, row.attempt, figures, found, note)
            shutil.rmtree(work, ignore_errors=True)
    return recorded


@contextlib.contextmanager
def _owned(work: Path) -> Iterator[None]:
    """Hold a run's folder; the system lets go of it when this process dies. Raises
    BlockingIOError while another one holds it, FileNotFoundError without a folder."""
    with (work / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _fuzz(
    store: Store,
    run_id: int,
    folder: Path,
    work: Path,
    progress: Callable[[Statistics], None] | None,
    stop: Callable[[], bool],
) -> Fuzzed | None:
    attempt = store.begin_run(run_id)
    if attempt is None:
        for finding in _usable([], work)[0]:
            store.record(finding, run_id)
        shutil.rmtree(work, ignore_errors=True)
        return None
    row = store.run(run_id)
    assert row is not None
    try:
        result = run_slice(_slice_spec(row.spec, run_id, folder, work), progress, stop=stop)
    except Exception as error:
        # Also the soft time limit of Celery. Whatever stopped us, the child may have found
        # something, and the ledger shall not wait for an attempt that is over.
        found, complaints = _usable([], work)
        note = "\n".join([f"{type(error).__name__}: {error}", *complaints])
        store.end_run(run_id, attempt, RunFigures(ExitKind.ERROR.value), found, note)
        raise
    found, complaints = _usable(result.findings, work)
    if result.exit_kind not in (ExitKind.OK, ExitKind.FINDINGS):
        complaints.append(result.log_tail)  # the log of a slice that went well tells nothing
    recorded = store.end_run(run_id, attempt, _figures(result), found, "\n".join(complaints))
    shutil.rmtree(work, ignore_errors=True)  # recorded; a rest of it is only a waste of disk
    return Fuzzed(result, recorded)


def verify(store: Store, failure_id: int, stop: Callable[[], bool] = never) -> list[Recorded]:
    """Replay a new failure in fresh processes, its best scenario first, until one gives its
    signature and the same digest every time. The failure becomes VERIFIED, or UNREPRODUCIBLE
    if none does. Returns what else came up, already recorded."""
    if store.begin(failure_id, NEW) is None:
        return []
    detail = store.failure(failure_id)
    assert detail is not None
    side_finds: list[Recorded] = []
    complaints: list[str] = []
    try:
        for example in store.examples(failure_id):
            name = f"scenario {example.sha256[:12]}"
            build_id, outcomes = _replays(example.text, stop)
            digests = [outcome.digest for outcome in outcomes]
            if build_id == example.build_id:
                digests.append(example.digest)  # comparable within one build only
            if len(set(digests)) != 1:
                complaints.append(f"{name}: digests differ: {', '.join(digests)}")
                continue
            outcome = outcomes[0]
            if _shows(outcome, detail.failure.signature):
                note = "; ".join(complaints)
                store.verified(failure_id, example.text, build_id, outcome, note)
                return side_finds
            complaints.append(f"{name}: shows {_shown(outcome)}")
            side_finds += [
                store.record(finding) for finding in _findings(example, build_id, outcome)
            ]
    except InfraError as error:
        store.set_note(failure_id, f"verify: {error}")
        raise
    except Stopped:
        store.give_back(failure_id)
        raise
    store.unreproducible(failure_id, "; ".join(complaints))
    return side_finds


def minimize(store: Store, failure_id: int, stop: Callable[[], bool] = never) -> list[Recorded]:
    """Make a verified failure's best scenario minimal, check that the result still replays,
    and keep it with its certificate. Returns what else came up, already recorded."""
    if store.begin(failure_id, VERIFIED) is None:
        return []
    detail = store.failure(failure_id)
    assert detail is not None
    signature = detail.failure.signature
    complaints: list[str] = []
    try:
        small = isolated.minimize(detail.best.text, signature, stop)
        # First: they are findings of their own, whatever becomes of this one.
        side_finds = [store.record(found) for found in _parsed(small.side_finds, complaints)]
        build_id, outcomes = _replays(small.text, stop)
        if build_id != small.build_id:
            raise InfraError(MODEL_CHANGED)
        for outcome in outcomes:
            if not _shows(outcome, signature):
                raise InfraError(f"the minimal scenario shows {_shown(outcome)}")
        if len({outcome.digest for outcome in outcomes}) != 1:
            raise InfraError("the minimal scenario gives another digest each time")
    except InfraError as error:
        store.set_note(failure_id, f"minimize: {error}")
        raise
    except Stopped:
        store.give_back(failure_id)
        raise
    store.minimized(
        failure_id, small.text, build_id, outcomes[0], small.certificate,
        "; ".join(complaints),
    )
    return side_finds


def _slice_spec(spec: dict[str, Any], run_id: int, folder: Path, work: Path) -> SliceSpec:
    return SliceSpec(
        seconds=spec["seconds"],
        out=folder,
        seed=run_id if spec["seed"] is None else spec["seed"],
        bugs=tuple(spec["bugs"]),
        seed_corpus=folder / "corpus",
        work=work,
    )


def _figures(result: SliceResult) -> RunFigures:
    return RunFigures(
        exit_kind=result.exit_kind.value,
        executions=result.executions,
        seconds=result.seconds,
        cpu_seconds=result.cpu_seconds,
        features=result.features,
        new_entries=result.new_entries,
        statistics=asdict(result.statistics),
        in_flight=result.in_flight,
    )


def _usable(found: list[Finding], work: Path) -> tuple[list[Finding], list[str]]:
    """The findings that can be recorded, with those that attempts which died have left in the
    run's folder; and a complaint for each that cannot."""
    complaints: list[str] = []
    left: list[Finding] = []
    for folder in sorted(work.glob(f"{WORK_PREFIX}*/findings")):
        try:
            left.extend(read_findings(folder))
        except (FindingError, OSError) as error:
            complaints.append(f"finding lost: {error}")
    return _parsed([*found, *left], complaints), complaints


def _parsed(found: list[Finding], complaints: list[str]) -> list[Finding]:
    """Those whose text is a scenario."""
    good: list[Finding] = []
    for finding in found:
        try:
            parse(finding.text)
        except TextError as error:
            complaints.append(f"finding lost: {finding.signature}: {error}")
        else:
            good.append(finding)
    return good


def _replays(text: str, stop: Callable[[], bool]) -> tuple[str, list[Outcome]]:
    """What fresh processes make of a scenario, and the build of the model in all of them."""
    replays = [isolated.replay(text, seed, stop) for seed in range(REPLAYS)]
    if len({replayed.build_id for replayed in replays}) != 1:
        raise InfraError(MODEL_CHANGED)
    return replays[0].build_id, [replayed.outcome for replayed in replays]


def _shows(outcome: Outcome, signature: Signature) -> bool:
    return outcome.violation is not None and outcome.violation.signature == signature


def _shown(outcome: Outcome) -> str:
    return "no failure" if outcome.violation is None else str(outcome.violation.signature)


def _findings(example: ExampleRow, build_id: str, outcome: Outcome) -> list[Finding]:
    """What a replay shows instead of the failure it was kept for: a finding, or nothing."""
    violation = outcome.violation
    if violation is None:
        return []
    signature = violation.signature
    scenario = parse(example.text)
    headers = {**dict(scenario.headers), "expect": str(signature)}
    return [
        Finding(
            oracle=signature.oracle,
            culprit=signature.culprit,
            object_class=signature.object_class,
            promise=violation.promise,
            text=dump(replace(scenario, headers=tuple(headers.items()))),
            digest=outcome.digest,
            build_id=build_id,
            steps=outcome.steps,
            origin=example.origin,
        )
    ]
