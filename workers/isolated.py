# SPDX-License-Identifier: MIT
"""Asks a fresh process to run the model: what is true there is true anywhere.

Contract: each call starts one `python -m workers.child` with a clean environment, no
credentials, no open files and a limit on its time, and returns what it answered. `WorkDied` is
raised when the model brought the child down, or used up its CPU time: a fault of ours to look at,
but never a finding about Linux. Every other end is an `InfraError`: the child could not begin, did
not get to run, or somebody outside ended it.

A worker of Celery is a daemon that may not use multiprocessing, hence a plain subprocess.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import workers
from fuzz.findings import Finding, FindingError
from simulator.outcome import Outcome, Signature
from workers.child import BEGUN
from workers.errors import InfraError, Stopped, WorkDied
from workers.outside import from_outside, oom_kills
from workers.wire import WireError, outcome_from_json

# CPU time: how busy the machine is else is no fault of the work.
REPLAY_CPU_SECONDS: Final = 60  # a run is bounded by steps and takes seconds at the very worst
MINIMIZE_CPU_SECONDS: Final = 180  # the minimizer has a budget of its own far below that
ALONE_CPU_SECONDS: Final = 20  # as libFuzzer gives one input
# By the wall: the model never waits, so a child that is slower than that hardly gets to run.
SLOWDOWN: Final = 10
POLL_SECONDS: Final = 0.2  # how soon `stop` is noticed
MAX_REASON: Final = 500  # characters of a child's complaint that are kept


@dataclass(frozen=True, slots=True)
class Replayed:
    build_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Minimal:
    build_id: str
    text: str
    certificate: dict[str, Any]
    side_finds: list[Finding]
    lost: list[str] = field(default_factory=list)  # side finds that could not be told


def replay(text: str, hash_seed: int, stop: Callable[[], bool]) -> Replayed:
    """Run a scenario with its trace. `hash_seed` orders Python's sets and dicts of strings:
    an outcome that depends on it is caught by replays with different ones."""
    answer = _ask({"do": "replay", "text": text}, hash_seed, REPLAY_CPU_SECONDS, stop)
    try:
        return Replayed(str(answer["build_id"]), outcome_from_json(answer["outcome"]))
    except (KeyError, WireError) as error:
        raise InfraError(f"replay: the child's answer is no outcome: {error}") from error


def minimize(
    text: str, signature: Signature, stop: Callable[[], bool], keep: Callable[[Finding], None]
) -> Minimal:
    """Make a scenario as small as it gets with its signature. When it ends otherwise, `keep` is
    given the smallest that there was."""
    request = {
        "do": "minimize",
        "text": text,
        "signature": {
            "oracle": signature.oracle,
            "culprit": signature.culprit,
            "object_class": signature.object_class,
        },
    }
    answer = _ask(request, 0, MINIMIZE_CPU_SECONDS, stop, lambda said: _keep_best(said, keep))
    try:
        return Minimal(
            build_id=str(answer["build_id"]),
            text=str(answer["text"]),
            certificate=dict(answer["certificate"]),
            side_finds=[Finding.from_json(found) for found in answer["side_finds"]],
            lost=[str(each) for each in answer["lost"]],
        )
    except (KeyError, TypeError, ValueError, FindingError) as error:
        raise InfraError(f"minimize: the child's answer is not one: {error}") from error


def _keep_best(said: list[str], keep: Callable[[Finding], None]) -> None:
    """Hand on the last whole finding among the lines of a child that was cut off."""
    for line in reversed(said):
        try:
            best = Finding.from_json(json.loads(line)["best"])
        except (KeyError, TypeError, ValueError, FindingError):
            continue
        keep(best)
        return


def alone(text: str, stop: Callable[[], bool]) -> str:
    """Run a scenario under a slice's limits. How the child died of it; empty if it did not."""
    try:
        _ask({"do": "alone", "text": text}, 0, ALONE_CPU_SECONDS, stop)
    except WorkDied as death:
        return str(death)
    return ""


def _ask(
    request: dict[str, Any],
    hash_seed: int,
    cpu_seconds: int,
    stop: Callable[[], bool],
    cut_off: Callable[[list[str]], None] = lambda said: None,
) -> Any:
    """The last line of the child's answer, as JSON. If there is none, `cut_off` is given the lines
    that it said until then."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(workers.__file__).resolve().parents[1]),
    }
    if "MMFARM_MODEL" in os.environ:
        environment["MMFARM_MODEL"] = os.environ["MMFARM_MODEL"]
    killed_before = oom_kills()
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "workers.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            text=True,
        )
    except OSError as error:
        raise InfraError(f"no process can be started: {error}") from error
    with child:
        try:
            answer, complaint = _communicate(
                child,
                json.dumps(request | {"supervisor": os.getpid(), "cpu_seconds": cpu_seconds}),
                SLOWDOWN * cpu_seconds,
                stop,
            )
        except (Stopped, InfraError):
            os.killpg(child.pid, signal.SIGKILL)
            cut_off(child.communicate()[0].splitlines())
            raise
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    begun, _, answer = answer.partition("\n")
    if child.returncode != 0:
        cut_off(answer.splitlines())
        reason = complaint.strip().rpartition("\n")[2][:MAX_REASON] or "it said nothing"
        message = f"{request['do']}: the child ended with {child.returncode}: {reason}"
        if begun != BEGUN or from_outside(child.returncode, oom_kills() > killed_before):
            raise InfraError(message)
        raise WorkDied(message)
    try:
        return json.loads(answer.rpartition("\n")[2])
    except ValueError as error:
        raise InfraError(f"{request['do']}: the child's answer is no JSON: {error}") from error


def _communicate(
    child: subprocess.Popen[str], request: str, limit_seconds: float, stop: Callable[[], bool]
) -> tuple[str, str]:
    waited = 0.0
    given: str | None = request
    while True:
        try:
            return child.communicate(given, timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            given = None  # communicate remembers what it has not sent yet
        waited += POLL_SECONDS
        if waited >= limit_seconds:
            raise InfraError(f"a child did not answer in {limit_seconds:g} s")
        if stop():
            raise Stopped
