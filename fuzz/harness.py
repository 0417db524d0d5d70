# SPDX-License-Identifier: MIT
"""`python -m fuzz.harness`: the child of a slice, which fuzzes in a folder until time is up.

Contract: runs in a work folder that its supervisor (fuzz/slice.py) has made:

    seeds              starting inputs, a pack (fuzz/pack.py; read)
    unmeasured         more of them, whose features are asked for, a pack (read, if there)
    known              the map of features that the farm has seen (read, if there)
    near               what the search is aimed at: how many calls sites are away, JSON (read, if
                       there)
    corpus             a pack of pairs: an input that shows what is not known, or was to be
                       measured, and its features (written)
    shown              the map of all features that it has shown (written at its end)
    findings/          one JSON file per signature, each whole at any time
    statistics.jsonl   a line a second; the last one says `final`
    in-flight          the scenario that is running (a shared mapping)

Exit codes: 0 time is up (with or without findings), 2 usage, 3 could not start; 70, 71 and
77 are libFuzzer's (timeout, memory, crash). Findings are data, never a crash.

It does not promise to be safe on its own: limits on wall time are its supervisor's.
"""

import argparse
import gc
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from fuzz.confine import confine, forbid_processes

if TYPE_CHECKING:
    from fuzz.session import Session

# CPU seconds over the slice's wall seconds: starting, the last run, writing the end.
CPU_GRACE_SECONDS: Final = 20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.harness", description=__doc__)
    parser.add_argument("work", type=Path, help="the work folder")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bug", action="append", default=[], help="known bugs of the model")
    parser.add_argument("--kernel", default="", help="the model is that Linux, as it was shipped")
    parser.add_argument("--rss-limit-mib", type=int, required=True)
    parser.add_argument("--supervisor", type=int, required=True, help="end when this pid ends")
    parser.add_argument("--engine", choices=("auto", "atheris", "plain", "bytes"), default="auto")
    parser.add_argument("--search", action="append", default=[], help="for comparisons")
    parser.add_argument("--executions", type=int, default=0, help="end after so many")
    parser.add_argument("--stop-at-first", action="store_true", help="end with the first finding")
    options = parser.parse_args(arguments)
    work: Path = options.work.absolute()
    os.chdir(work)  # what the engine leaves there goes with it
    confine(
        cpu_seconds=int(options.seconds) + CPU_GRACE_SECONDS, rss_limit_mib=options.rss_limit_mib
    )
    engine = _engine(options.engine)
    from fuzz.session import Session
    from simulator.build import mode
    from simulator.run import Machine

    session = Session(
        Machine,
        seed=options.seed,
        bugs=tuple(options.bug),
        kernel=options.kernel,
        seconds=options.seconds,
        work=work,
        seeds=_pack(work / "seeds"),
        unmeasured=_pack(work / "unmeasured"),
        known=known.read_bytes() if (known := work / "known").exists() else b"",
        stop_at_first=options.stop_at_first,
        executions=options.executions,
        search=tuple(options.search),
        near=json.loads(near.read_bytes()) if (near := work / "near").exists() else None,
        engine=engine.NAME,
        mode=mode(),
        started=forbid_processes,  # now that the engine's own thread runs
        alive=lambda: os.getppid() == options.supervisor,
    )
    # Scenarios come and go by the thousand and hold no cycles: the session looks for some once a
    # second.
    gc.freeze()
    gc.disable()
    engine.run(session, seed=options.seed, rss_limit_mib=options.rss_limit_mib)
    session.write_statistics(final=True)
    (work / "shown").write_bytes(session.explorer.novelty.shown())
    return 0


def _pack(path: Path) -> tuple[bytes, ...]:
    """The inputs of a pack that may not be there."""
    from fuzz.pack import unpack

    return tuple(unpack(path.read_bytes())) if path.exists() else ()


class Engine(Protocol):
    """A module of fuzz/engine/."""

    NAME: str

    def run(self, session: "Session", *, seed: int, rss_limit_mib: int) -> None: ...


def _engine(choice: str) -> Engine:
    """The engine asked for; `auto` is Atheris where it is installed. Loaded before anything
    else of ours, for the order in which Atheris' parts are loaded matters."""
    if choice == "plain":
        from fuzz.engine import plain

        return plain
    if choice == "bytes":
        from fuzz.engine import bytes as on_bytes

        return on_bytes
    if choice == "auto" and importlib.util.find_spec("atheris") is None:
        print("Atheris is not installed: using the plain engine, which is slower", file=sys.stderr)
        return _engine("plain")
    from fuzz.engine import libfuzzer

    return libfuzzer


if __name__ == "__main__":
    try:
        code = main()
    except MemoryError:
        os._exit(71)  # as libFuzzer says it; unwinding would need memory
    except Exception:
        traceback.print_exc()
        code = 3
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # libFuzzer's and the model's threads of execution need no unwinding
