# SPDX-License-Identifier: MIT
"""A slice of fuzzing: one supervised child process that fuzzes for some seconds.

Contract: `run_slice` starts `python -m fuzz.harness` in a session of its own, without
credentials, with a clean environment, closed files and limits, watches the wall clock, and
says how it ended. Whatever the child had reported before it died is in the result; an end
that is not ours to explain (killed, out of memory, crash of the engine) is never a finding.
Nothing of the child is trusted: its files are parsed strictly and bounded in size. A work folder
that is the caller's stays as the child left it, whatever ends this process: findings are whole
files there the moment they are made, and the caller removes it when it has them.

It does not store, minimize or judge: that is the caller's.
"""

import contextlib
import enum
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, final

import fuzz
from corpus import text
from fuzz import targets
from fuzz.codec import MAX_SIZE, decode
from fuzz.findings import Finding, read_findings
from fuzz.inflight import read_slot
from fuzz.seeds import Seeds, write_seeds
from fuzz.statistics import InternalError, Statistics, statistics_from_json
from simulator import build

START_GRACE_SECONDS: Final = 15.0  # importing, reading the seeds
END_GRACE_SECONDS: Final = 10.0  # the last run, the last line of statistics
POLL_SECONDS: Final = 0.1
LOG_TAIL_BYTES: Final = 4096
# A line of statistics names every site that was missed; more was not written by us.
MAX_STATISTICS_LINE: Final = 1 << 20
WORK_PREFIX: Final = "mmfarm-slice-"  # of the child's own folder
DEFAULT_RSS_LIMIT_MIB: Final = 1024


class ExitKind(enum.Enum):
    """How a slice ended. All but OK and FINDINGS are infrastructure, with or without
    findings from before."""

    OK = "ok"
    FINDINGS = "findings"
    TIMEOUT = "timeout"  # one input, or the child, did not end in time
    OOM = "oom"
    KILLED = "killed"  # by somebody else
    ERROR = "error"  # of ours: the engine crashed, or runs were not deterministic


# libFuzzer's exit codes, and 71 for a MemoryError in Python.
_EXIT_CODES: Final = {70: ExitKind.TIMEOUT, 71: ExitKind.OOM, 72: ExitKind.KILLED}
_SIGNALS: Final = {
    signal.SIGKILL: ExitKind.KILLED,
    signal.SIGTERM: ExitKind.KILLED,
    signal.SIGINT: ExitKind.KILLED,
    signal.SIGHUP: ExitKind.KILLED,
    signal.SIGQUIT: ExitKind.KILLED,
    signal.SIGXCPU: ExitKind.TIMEOUT,
    signal.SIGALRM: ExitKind.TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class SliceSpec:
    """What to run. `work` is an existing folder for the child, which the caller keeps and may
    have put `seeds`, `unmeasured` and `known` into (see fuzz/harness.py); None: a temporary one.
    `seed_corpus` is a folder of .mm files to make the seeds from. The slice ends sooner with the
    batch that reaches `executions`, if that is not 0. `focus` are sites that the search is aimed
    at; `search` and the engine `bytes` are for comparisons (fuzz/session.py)."""

    seconds: float
    work: Path | None = None
    seed: int = 1
    bugs: tuple[str, ...] = ()
    kernel: str = ""
    seed_corpus: Path | None = None
    rss_limit_mib: int = DEFAULT_RSS_LIMIT_MIB
    engine: str = "auto"
    stop_at_first: bool = False
    executions: int = 0
    focus: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SliceResult:
    """What came of it. `in_flight` is the text of the scenario that was running when the
    child died; `return_code` is the child's, negative for a signal; `unused_seeds` says why each
    starting file was not used, one line each."""

    exit_kind: ExitKind
    findings: list[Finding]
    statistics: Statistics
    seconds: float
    in_flight: str | None
    log_tail: str
    return_code: int = 0
    seeds: int = 0
    unused_seeds: list[str] = field(default_factory=list)

    @property
    def executions(self) -> int:
        return self.statistics.executions

    @property
    def cpu_seconds(self) -> float:
        return self.statistics.cpu_seconds

    @property
    def features(self) -> int:
        return self.statistics.features

    @property
    def internal_errors(self) -> list[InternalError]:
        """Errors of ours, the highest class (nondeterminism) first."""
        return sorted(
            self.statistics.internal_errors, key=lambda e: (e.kind != "nondeterminism", e.kind)
        )


def classify(return_code: int, *, timed_out: bool, nr_findings: int) -> ExitKind:
    """The kind of an end, from what the system says of the child."""
    if timed_out:
        return ExitKind.TIMEOUT
    if return_code == 0:
        return ExitKind.FINDINGS if nr_findings else ExitKind.OK
    if return_code < 0:
        return _SIGNALS.get(signal.Signals(-return_code), ExitKind.ERROR)
    return _EXIT_CODES.get(return_code, ExitKind.ERROR)


def run_slice(
    spec: SliceSpec,
    progress: Callable[[Statistics], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    stop: Callable[[], bool] = lambda: False,
) -> SliceResult:
    """Run one slice to its end. `progress` is called with each new line of statistics; once
    `stop` says so the child is killed, and what it had found is returned.

    Raises OSError where the folder or the child cannot be made.
    """
    with contextlib.ExitStack() as stack:
        work = spec.work or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix=WORK_PREFIX))
        )
        (work / "home").mkdir()
        seeds = Seeds()
        if spec.seed_corpus is not None or not (work / "seeds").exists():
            seeds = write_seeds(spec.seed_corpus, work / "seeds")
        if spec.focus:
            (work / "near").write_text(json.dumps(targets.near(spec.focus), sort_keys=True))
        began = clock()
        return_code, timed_out, statistics = supervise(
            _command(spec, work), spec.seconds, work, progress, clock, stop
        )
        seconds = clock() - began
        findings = _collect_findings(work, statistics)
        kind = classify(return_code, timed_out=timed_out, nr_findings=len(findings))
        if any(e.kind == "nondeterminism" for e in statistics.internal_errors):
            kind = ExitKind.ERROR
        died = return_code != 0 or timed_out
        return SliceResult(
            exit_kind=kind,
            findings=findings,
            statistics=statistics,
            seconds=round(seconds, 3),
            in_flight=_in_flight(work, spec) if died else None,
            log_tail=log_tail(work / "log"),
            return_code=return_code,
            seeds=seeds.inputs,
            unused_seeds=seeds.unused,
        )


# --- the child ------------------------------------------------------------------------------


def _command(spec: SliceSpec, work: Path) -> list[str]:
    return [
        sys.executable, "-P", "-m", "fuzz.harness", str(work),
        f"--seconds={spec.seconds}",
        f"--seed={spec.seed}",
        f"--supervisor={os.getpid()}",
        f"--rss-limit-mib={spec.rss_limit_mib}",
        f"--engine={spec.engine}",
        *(f"--bug={bug}" for bug in spec.bugs),
        f"--kernel={spec.kernel}",
        *(("--stop-at-first",) if spec.stop_at_first else ()),
        f"--executions={spec.executions}",
        *(f"--search={word}" for word in spec.search),
    ]  # fmt: skip


def supervise(
    command: Sequence[str],
    limit_seconds: float,
    work: Path,
    progress: Callable[[Statistics], None] | None,
    clock: Callable[[], float],
    stop: Callable[[], bool],
) -> tuple[int, bool, Statistics]:
    """Start a child that is to work for so long and wait for its end. Returns its code, whether
    the watchdog ended it, and its last statistics."""
    deadline = clock() + limit_seconds + START_GRACE_SECONDS + END_GRACE_SECONDS
    follower = _Follower(work / "statistics.jsonl")
    timed_out = False
    with (work / "log").open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=work,
            env=_environment(work),
            close_fds=True,
            start_new_session=True,
        )
    try:
        while True:
            try:
                child.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            else:
                break
            for statistics in follower.new_lines():
                if progress is not None:
                    progress(statistics)
            if clock() >= deadline:
                timed_out = True
                break
            if stop():
                break
    finally:
        _kill_group(child)
    for statistics in follower.new_lines():
        if progress is not None:
            progress(statistics)
    return child.returncode, timed_out, follower.last


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started; the child leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _environment(work: Path) -> dict[str, str]:
    """Nothing of ours but what the child needs: no credentials, no addresses of services. The
    child runs the form of the model that we run, found where we find it."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "home"),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        # Stacks of greenlets come and go, some KiB each: glibc shall keep them at hand.
        "GLIBC_TUNABLES": "glibc.malloc.tcache_max=16384",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(fuzz.__file__).resolve().parents[1]),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        build.VARIABLE: build.mode_of_children(),
        **{name: os.environ[name] for name in (build.PATCHED,) if name in os.environ},
    }


@final
class _Follower:
    """Reads the lines that a growing file of statistics gets."""

    def __init__(self, path: Path) -> None:
        self.last = Statistics()
        self._path = path
        self._offset = 0

    def new_lines(self) -> Iterable[Statistics]:
        """The lines that are complete by now. One that does not parse is an error of ours
        in the last statistics, and the rest is still read."""
        try:
            with self._path.open("rb") as f:
                f.seek(self._offset)
                data = f.read(MAX_STATISTICS_LINE)
        except FileNotFoundError:
            return
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].splitlines():
            try:
                self.last = statistics_from_json(line)
            except ValueError as e:
                self.last.internal_errors.append(InternalError("engine", f"statistics: {e}"))
                continue
            yield self.last


# --- what goes in and what comes out -----------------------------------------------------------


def _collect_findings(work: Path, statistics: Statistics) -> list[Finding]:
    """The child's findings. One that cannot be read is an error of ours in `statistics`."""
    complaints: list[str] = []
    findings = read_findings(work / "findings", complaints)
    statistics.internal_errors += [InternalError("finding-lost", line) for line in complaints]
    return findings


def _in_flight(work: Path, spec: SliceSpec) -> str | None:
    """The text of what was running when the child died."""
    entry = read_slot(work / "in-flight")
    if entry is None or len(entry.data) > MAX_SIZE:
        return None
    scenario = decode(entry.data)
    scenario = replace(
        scenario,
        config=replace(scenario.config, bugs=tuple(sorted(spec.bugs)), kernel=spec.kernel),
        headers=(("origin", "farm"),),
    )
    return text.dump(scenario)


def log_tail(path: Path) -> str:
    """The end of a child's log."""
    with path.open("rb") as f:
        size = f.seek(0, os.SEEK_END)
        f.seek(max(0, size - LOG_TAIL_BYTES))
        return f.read().decode("utf-8", "replace")
