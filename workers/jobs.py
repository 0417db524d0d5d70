# SPDX-License-Identifier: MIT
"""The work of the farm as plain functions of a lease: fuzz, verify, minimize, alone, distill,
conform.

Contract: whoever leases jobs, from a broker's message or on a laptop, does the same work here.
Each function commits its result with the end of the lease, in one transaction, before it
returns; so it may be done twice, at once, or again after a death, and counts once. What it raises
says whose fault it was (`workers.errors`), and the lease is still there.

`Hands` are what touches the model: functions of processes, which a simulated farm replaces.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol, TypeVar

from conformance.slice import KernelSpec, run_kernel_slice
from corpus.text import dump, parse
from fuzz.findings import Finding
from fuzz.slice import ExitKind, SliceResult, SliceSpec, run_slice
from fuzz.statistics import Statistics
from simulator import build
from simulator.outcome import Outcome, Signature
from workers import attempts, isolated
from workers.attempts import Order, figures_of, parsed
from workers.campaigns import model_of
from workers.errors import InfraError, Stopped, StoreDown
from workers.isolated import Minimal, Replayed
from workers.ledger import Lease
from workers.outside import from_outside, oom_kills
from workers.pantry import Pantry
from workers.records import CUT_OFF, ExampleRow, FailureDetail, Recorded, RunRow
from workers.schema import ALONE, CONFORM, DISTILL, FUZZ, MINIMIZE, VERIFY
from workers.store import Store

# Each in a process of its own with another hash seed. Two would show that an outcome varies;
# the third is for what varies less often than every other time.
REPLAYS: Final = 3
ALONE_RUNS: Final = 2  # a suspect has to die each time

MODEL_CHANGED: Final = "the model's sources changed meanwhile; the next attempt will do"

MIN_SLICE_SECONDS: Final = 1.0
# What a slice has counted is lost with its worker, and so is the rest of its time: long enough
# that starting one costs nothing, short enough that losing one does not hurt.
MAX_SLICE_SECONDS: Final = 120.0

WELL: Final = (ExitKind.OK, ExitKind.FINDINGS)
STOPPED: Final = "stopped"  # how a slice ended that was told to

Progress = Callable[[int, Statistics], None]
Announce = Callable[[list[Recorded]], None]
T = TypeVar("T")


def never() -> bool:
    """The `stop` of work that nobody interrupts."""
    return False


class Patience(Protocol):
    """Asks the store until it answers; None once whoever waits is told to stop."""

    def __call__(self, what: str, call: Callable[[], T], /) -> T | None: ...


def at_once(what: str, call: Callable[[], T], /) -> T | None:
    """No patience: raises what the store raises."""
    return call()


@dataclass(frozen=True, slots=True)
class Hands:
    """What does the work that a process does."""

    run_slice: Callable[..., SliceResult] = run_slice
    replay: Callable[[str, int, Callable[[], bool]], Replayed] = isolated.replay
    minimize: Callable[[str, Signature, Callable[[], bool], Callable[[Finding], None]], Minimal] = (
        isolated.minimize
    )
    alone: Callable[[str, Callable[[], bool]], str] = isolated.alone
    ask_kernel: Callable[..., SliceResult] = run_kernel_slice
    build_id: Callable[[], str] = build.build_id


@dataclass(frozen=True, slots=True)
class Site:
    """Where work is done: a store, a data folder, and what somebody wants to hear meanwhile.
    `order_rest`: a slice that is told to stop leaves its rest to others."""

    store: Store
    folder: Path
    pantry: Pantry
    hands: Hands = field(default_factory=Hands)
    order_rest: bool = True
    progress: Progress = lambda run_id, statistics: None
    announce: Announce = lambda recorded: None
    patiently: Patience = at_once

    @staticmethod
    def of(store: Store, folder: Path, **rest: Any) -> "Site":
        return Site(store, folder, Pantry(store, Random()), **rest)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job. `counts`: its result was accepted, nobody else was faster."""

    counts: bool = True
    recorded: list[Recorded] = field(default_factory=list)
    result: SliceResult | None = None
    new_entries: int = 0
    shown: bytes = b""  # the map of what a slice that went to its end has shown


def slice_spec(
    *,
    seconds: float,
    bugs: tuple[str, ...] = (),
    seed: int | None = None,
    focus: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The order of a slice, aimed at the sites of `focus`. Without a seed it gets its number as
    one, so that no two slices of a store walk the same way. Raises ValueError."""
    if not MIN_SLICE_SECONDS <= seconds <= MAX_SLICE_SECONDS:
        raise ValueError(
            f"a slice takes {MIN_SLICE_SECONDS:.0f} to {MAX_SLICE_SECONDS:.0f} seconds, "
            f"not {seconds:g}"
        )
    spec = {"seconds": seconds, "bugs": sorted(bugs), "seed": seed}
    return spec | {"focus": list(focus)} if focus else spec


def do(site: Site, lease: Lease, stop: Callable[[], bool] = never) -> Done:
    """Do a job, whatever it is."""
    return _JOBS[lease.kind](site, lease, stop)


# --- a slice --------------------------------------------------------------------------------


def fuzz(site: Site, lease: Lease, stop: Callable[[], bool] = never) -> Done:
    """Run a slice, file what it finds while it runs, and record what came of it."""
    store = site.store
    run = _run(site, lease)
    bugs, kernel = tuple(run.spec["bugs"]), run.spec.get("kernel", "")
    attempt = _begin(site, lease, model_of(bugs, kernel))
    order = attempt.order
    mine: list[int] = []

    def act(filed: "_Filed") -> SliceResult:
        nonlocal mine
        mine = site.pantry.stock(attempt.work, order.model, order.build_id)
        return site.hands.run_slice(
            SliceSpec(
                seconds=run.spec["seconds"],
                work=attempt.work,
                seed=_seed(run),
                bugs=bugs,
                kernel=kernel,
                focus=tuple(run.spec.get("focus", ())),
            ),
            filed.progress,
            stop=stop,
        )

    done = _slice(site, lease, attempt, act, stop)
    if done.result is not None and done.result.exit_kind in WELL:
        site.patiently("seeds", lambda: store.harmless(order.build_id, mine))
        if done.counts and done.shown:
            news = done.new_entries > 0
            site.patiently(
                "features", lambda: store.showed(order.model, order.build_id, done.shown, news=news)
            )
    return done


def conform(site: Site, lease: Lease, stop: Callable[[], bool] = never) -> Done:
    """Compare this machine's kernel with the model for a slice's time."""
    run = _run(site, lease)
    attempt = _begin(site, lease, "kernel")
    spec = KernelSpec(run.spec["seconds"], attempt.work, _seed(run))
    return _slice(
        site,
        lease,
        attempt,
        lambda filed: site.hands.ask_kernel(spec, filed.progress, stop=stop),
        stop,
    )


def _run(site: Site, lease: Lease) -> RunRow:
    run = site.store.run(lease.subject)
    assert run is not None  # a job and its run are written together
    return run


def _seed(run: RunRow) -> int:
    return run.id if run.spec["seed"] is None else int(run.spec["seed"])


def _begin(site: Site, lease: Lease, model: str) -> attempts.Attempt:
    order = Order(
        site.store.farm().farm_id,
        lease.job_id,
        lease.number,
        lease.subject,
        lease.queue,
        model,
        site.hands.build_id(),
    )
    try:
        return attempts.begin(site.folder, order)
    except OSError as error:
        raise InfraError(f"no folder for a slice: {error}") from error


def _slice(
    site: Site,
    lease: Lease,
    attempt: attempts.Attempt,
    act: Callable[["_Filed"], SliceResult],
    stop: Callable[[], bool],
) -> Done:
    """Have a child work in an attempt's folder, and record what came of it."""
    whole = False
    try:
        killed_before = oom_kills()
        result = act(_Filed(site, attempt))
        killed = oom_kills() > killed_before
        if result.return_code > 0 and not result.executions and result.in_flight is None:
            raise InfraError(f"the slice could not begin: {_last_line(result.log_tail)}")
        done, whole = _end(site, lease, attempt, result, stopped=stop(), killed=killed)
    except OSError as error:
        raise InfraError(f"slice: {error}") from error
    finally:
        # Whatever ends us: what is not in the store is filed by whoever comes by.
        if whole:
            attempt.remove()
        else:
            attempt.leave()
    return done


class _Filed:
    """Files the finds of a slice while it runs: its host may not come back."""

    def __init__(self, site: Site, attempt: attempts.Attempt) -> None:
        self._site = site
        self._attempt = attempt
        self._names: dict[str, int] = {}  # of files, with their time: a smaller one replaces it

    def progress(self, statistics: Statistics) -> None:
        run_id = self._attempt.order.run_id
        self._site.progress(run_id, statistics)
        folder = self._attempt.work / "findings"
        names = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
        if names == self._names:
            return
        findings, _ = self._attempt.findings()
        try:
            self._site.announce(self._site.store.file(findings, run_id))
        except InfraError as error:  # they are safe in the folder
            attempts.log.warning("R%d: finds are filed later: %s", run_id, error)
        else:
            self._names = names


def _end(
    site: Site,
    lease: Lease,
    attempt: attempts.Attempt,
    result: SliceResult,
    *,
    stopped: bool,
    killed: bool,
) -> tuple[Done, bool]:
    """Record what came of a slice; and whether all of it is in the store."""
    store = site.store
    findings, complaints = attempt.findings()
    # First, and alone: they are small, and what follows may not have room.
    if site.patiently("finds", lambda: store.file(findings, lease.subject)) is None:
        raise Stopped
    whole = True
    new_entries = 0
    try:
        new_entries = attempt.push(store)
    except StoreDown as error:
        whole = False
        attempts.log.warning("%s: its corpus is pushed later: %s", lease.name, error)
    died = result.exit_kind not in WELL
    if died and not stopped:
        complaints.append(result.log_tail)  # the log of a slice that went well tells nothing
    figures = figures_of(
        result.exit_kind, result.statistics, result.seconds, new_entries, result.in_flight
    )
    rest: dict[str, Any] | None = None
    suspect: str | None = None
    if stopped and died:
        figures = replace(figures, exit_kind=STOPPED, in_flight=None)
        rest = _rest(site, lease, result) if site.order_rest else None
    elif died and result.in_flight and not _from_outside(result, killed):
        suspect = result.in_flight
    ended = site.patiently(
        "the end of a slice",
        lambda: store.end_run(lease, figures, findings, "\n".join(complaints), rest, suspect),
    )
    if ended is None:
        raise Stopped
    return Done(ended[1], ended[0], result, new_entries, attempt.shown()), whole


def _rest(site: Site, lease: Lease, result: SliceResult) -> dict[str, Any] | None:
    """What is left to do of a slice that was told to stop; None if not worth a slice."""
    run = _run(site, lease)
    left = float(run.spec["seconds"]) - result.seconds
    return run.spec | {"seconds": round(left, 3)} if left >= MIN_SLICE_SECONDS else None


def _from_outside(result: SliceResult, killed_for_memory: bool) -> bool:
    """Whether somebody else ended a slice: its own watchdog, which also kills, says so."""
    if result.exit_kind is not ExitKind.KILLED:
        return False
    return result.return_code >= 0 or from_outside(result.return_code, killed_for_memory)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2] or "its log is empty"


# --- a failure -----------------------------------------------------------------------------------


def verify(site: Site, lease: Lease, stop: Callable[[], bool] = never) -> Done:
    """Replay a new failure in fresh processes, its best scenario first, until one gives its
    signature and the same digest every time. The failure becomes VERIFIED, or UNREPRODUCIBLE
    if none does."""
    store = site.store
    detail = store.failure(lease.subject)
    if detail is None:  # a canary's, forgotten meanwhile
        return Done(counts=False)
    side_finds: list[Finding] = []
    complaints: list[str] = []
    for example in store.examples(lease.subject):
        name = f"scenario {example.sha256[:12]}"
        build_id, outcomes = _replays(site.hands, example.text, stop)
        digests = [outcome.digest for outcome in outcomes]
        if build_id == example.build_id:
            digests.append(example.digest)  # comparable within one build only
        if len(set(digests)) != 1:
            complaints.append(f"{name}: digests differ: {', '.join(digests)}")
            continue
        outcome = outcomes[0]
        if _shows(outcome, detail.failure.signature):
            return _done(
                store.verified(
                    lease, example.text, build_id, outcome, "; ".join(complaints), side_finds
                )
            )
        complaints.append(f"{name}: shows {_shown(outcome)}")
        side_finds += _findings(example, build_id, outcome)
    return _done(store.unreproducible(lease, "; ".join(complaints), side_finds))


def minimize(site: Site, lease: Lease, stop: Callable[[], bool] = never) -> Done:
    """Make a verified failure's best scenario minimal, or the smallest that an attempt before had
    come to, check that the result still replays, and keep it with its certificate. An attempt that
    ends without a result keeps the smallest that it has come to."""
    store = site.store
    detail = store.failure(lease.subject)
    if detail is None:
        return Done(counts=False)
    signature = detail.failure.signature
    complaints: list[str] = []

    def keep(best: Finding) -> None:
        with contextlib.suppress(InfraError):  # then the next attempt starts further back
            store.keep(lease.subject, best)

    small = site.hands.minimize(_smallest(store, detail), signature, stop, keep)
    complaints += small.lost
    build_id, outcomes = _replays(site.hands, small.text, stop)
    if build_id != small.build_id:
        raise InfraError(MODEL_CHANGED)
    for outcome in outcomes:
        if not _shows(outcome, signature):
            raise NotMinimal(f"the minimal scenario shows {_shown(outcome)}")
    if len({outcome.digest for outcome in outcomes}) != 1:
        raise NotMinimal("the minimal scenario gives another digest each time")
    side_finds = parsed(small.side_finds, complaints)
    return _done(
        store.minimized(
            lease,
            small.text,
            build_id,
            outcomes[0],
            small.certificate,
            "; ".join(complaints),
            side_finds,
            _bugs(site.hands, small.text, signature, stop),
        )
    )


def _bugs(hands: Hands, text: str, signature: Signature, stop: Callable[[], bool]) -> list[str]:
    """The known bugs of a scenario's model without which it does not fail like this."""
    scenario = parse(text)
    asked = scenario.config.bugs
    causes = []
    for bug in asked:
        others = tuple(each for each in asked if each != bug)
        without = replace(scenario, config=replace(scenario.config, bugs=others))
        if not _shows(hands.replay(dump(without), 0, stop).outcome, signature):
            causes.append(bug)
    return causes


def _smallest(store: Store, detail: FailureDetail) -> str:
    """What to minimize: the best scenario, or a smaller one of an attempt that was cut off."""
    best = (detail.failure.ops, detail.failure.directives, detail.best.text)
    kept = [
        (each.ops, each.directives, each.text)
        for each in store.examples(detail.failure.id)
        if each.origin == CUT_OFF
    ]
    return min(best, *kept)[2] if kept else best[2]


class NotMinimal(Exception):
    """The minimizer contradicts the model: an error of ours."""


def _done(recorded: list[Recorded] | None) -> Done:
    return Done(counts=recorded is not None, recorded=recorded or [])


# --- poison, and the corpus ----------------------------------------------------------------------


def alone(site: Site, lease: Lease, stop: Callable[[], bool] = never) -> Done:
    """Run what a slice died with in processes of its own."""
    suspect = next(row for row in site.store.suspects() if row.id == lease.subject)
    deaths: list[str] = []
    for _ in range(ALONE_RUNS):
        death = site.hands.alone(suspect.text, stop)
        if not death:
            return Done(site.store.tried_alone(lease, 0, "alone it does no harm"))
        deaths.append(death)
    return Done(site.store.tried_alone(lease, len(deaths), deaths[-1]))


def distill(site: Site, lease: Lease, stop: Callable[[], bool] = never) -> Done:
    """Retire what a corpus does not need."""
    choice = site.store.cover(lease.subject)
    if stop():
        raise Stopped
    return Done(site.store.distilled(lease, choice))


_JOBS: Final[dict[str, Callable[[Site, Lease, Callable[[], bool]], Done]]] = {
    FUZZ: fuzz,
    VERIFY: verify,
    MINIMIZE: minimize,
    ALONE: alone,
    DISTILL: distill,
    CONFORM: conform,
}


# --- the model's answers ------------------------------------------------------------------------


def _replays(hands: Hands, text: str, stop: Callable[[], bool]) -> tuple[str, list[Outcome]]:
    """What fresh processes make of a scenario, and the build of the model in all of them."""
    replays = [hands.replay(text, seed, stop) for seed in range(REPLAYS)]
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
