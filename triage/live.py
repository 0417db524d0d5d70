# SPDX-License-Identifier: MIT
"""What a person sees while `mmfarm run` works.

Contract: a Board takes the events of `workers.laptop` and words them; a Screen shows it on
stderr: redrawn in place on a terminal, else a line every QUIET_SECONDS and one for each
failure. Nothing here is data; stdout belongs to the result.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from fuzz.slice import ExitKind
from fuzz.statistics import Statistics
from simulator import features, sites
from workers.jobs import STOPPED
from workers.laptop import (
    Event,
    Found,
    Minimized,
    Progress,
    Rested,
    SliceEnded,
    SliceStarted,
    Trouble,
    Unreproducible,
    Verified,
    Working,
)
from workers.records import FailureDetail

REDRAWS_PER_SECOND: Final = 4  # smooth enough to watch, and no load
QUIET_SECONDS: Final = 5.0  # between two lines in a log file
MAX_FAILURES: Final = 12  # rows; a bug of the model can show dozens of signatures
MAX_TROUBLES: Final = 3  # rows; all of them stand in the result
MAX_FUNCTIONS: Final = 8  # names in a sentence; all of them stand in the result
ALL_SITES: Final = frozenset(sites.BY_NAME)


@dataclass(slots=True)
class Seen:
    """A failure of this run: when it came up first, in seconds, and how far it is."""

    at_seconds: float
    failure: FailureDetail

    @property
    def state(self) -> str:
        row = self.failure.failure
        size = f"{row.ops} ops, {row.directives} directives"
        return f"{row.state}: {size}" if row.state == "minimized" else row.state


@dataclass(slots=True)
class Board:
    """The figures of a run. What was reached is the best that any slice had."""

    limit_seconds: float
    elapsed_seconds: float = 0.0
    working: dict[str, tuple[Working, float]] = field(default_factory=dict)  # and since when
    running: dict[int, Statistics] = field(default_factory=dict)  # run id -> latest
    runs: list[int] = field(default_factory=list)  # all slices' ids
    exit_kinds: dict[str, int] = field(default_factory=dict)
    failures: dict[int, Seen] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    ended_executions: int = 0
    ended_steps: int = 0
    ended_seconds: float = 0.0
    ended_cpu_seconds: float = 0.0
    new_entries: int = 0
    internal_errors: int = 0
    features: int = 0
    sites: int = 0
    situations: int = 0
    missed: frozenset[str] = ALL_SITES  # those that no slice came by
    preempted: frozenset[str] = frozenset()  # those at which somebody else came in
    met: Counter[str] = field(default_factory=Counter)  # in how many runs two ops met
    focus_passed: Counter[str] = field(default_factory=Counter)  # of slices that ended
    focus_left: Counter[str] = field(default_factory=Counter)  # how often somebody came in there

    def take(self, event: Event) -> str:
        """Note an event. Returns a line for the log when it is worth one."""
        match event:
            case SliceStarted(run_id):
                self.runs.append(run_id)
                self.running[run_id] = Statistics()
            case Progress(run_id, figures):
                self._reached(figures)
                self.running[run_id] = figures
            case SliceEnded(run_id, kind, figures, new_entries):
                self._reached(figures)
                self.running.pop(run_id, None)
                self.exit_kinds[kind] = self.exit_kinds.get(kind, 0) + 1
                self.met.update(figures.met)
                self.focus_passed.update(figures.focus_passed)
                self.focus_left.update(figures.focus_preempted)
                self.ended_executions += figures.executions
                self.ended_steps += figures.steps
                self.ended_seconds += figures.seconds
                self.ended_cpu_seconds += figures.cpu_seconds
                self.internal_errors += sum(error.count for error in figures.internal_errors)
                self.new_entries += new_entries
            case Found(failure, first):
                self.failures[failure.failure.id] = Seen(self.elapsed_seconds, failure)
                return f"found {_named(failure)}" + ("" if first else " (seen in earlier runs)")
            case Verified(failure) | Unreproducible(failure) | Minimized(failure):
                seen = self.failures.setdefault(
                    failure.failure.id, Seen(self.elapsed_seconds, failure)
                )
                seen.failure = failure
                return f"{seen.state} {_named(failure)}"
            case Working(name):
                self.working[name] = (event, self.elapsed_seconds)
            case Rested(name):
                self.working.pop(name, None)
            case Trouble(text):
                self.troubles.append(text)
                return text
        return ""

    def _reached(self, figures: Statistics) -> None:
        self.features = max(self.features, figures.features)
        self.sites = max(self.sites, figures.sites_reached)
        self.preempted |= frozenset(figures.sites_preempted)
        self.situations = max(self.situations, figures.situations_reached)
        if figures.sites_reached:
            self.missed &= frozenset(figures.sites_missed)

    def functions_missed(self) -> list[str]:
        """Functions of the model none of whose sites a slice came by."""
        reached = {_function(site) for site in sites.BY_NAME if site not in self.missed}
        return sorted({_function(site) for site in self.missed} - reached)

    def looked_at(self) -> str:
        """How much of the model the run came by: what a clean run can speak of."""
        functions = len({_function(site) for site in sites.BY_NAME})
        never = self.functions_missed()
        text = (
            f"{self.executions:,} executions, which came by "
            f"{len(sites.BY_NAME) - len(self.missed)} of {len(sites.BY_NAME)} sites in "
            f"{functions - len(never)} of {functions} functions, and let somebody else in at "
            f"{len(self.preempted)} sites"
        )
        if never:
            text += f"; never by {', '.join(never[:MAX_FUNCTIONS])}"
        if len(never) > MAX_FUNCTIONS:
            text += f" and {len(never) - MAX_FUNCTIONS} more"
        return text

    @property
    def failed_slices(self) -> dict[str, int]:
        """Slices that ended otherwise than by themselves or when they were told to, by how."""
        good = (ExitKind.OK.value, ExitKind.FINDINGS.value, STOPPED)
        return {kind: count for kind, count in sorted(self.exit_kinds.items()) if kind not in good}

    @property
    def executions(self) -> int:
        running = tuple(self.running.values())  # the main thread may add one meanwhile
        return self.ended_executions + sum(figures.executions for figures in running)

    @property
    def executions_per_job_second(self) -> float:
        """By the wall clock of slices, for between them a job minimizes what was found."""
        seconds = self.ended_seconds + sum(
            figures.seconds for figures in tuple(self.running.values())
        )
        return self.executions / seconds if seconds else 0.0

    def time_left(self) -> str:
        left = self.limit_seconds - self.elapsed_seconds
        return f"{left:.0f} s left" if left > 0 else "finishing what was found"

    def at_work(self) -> list[str]:
        """What failures are worked on, and for how long."""
        return [
            f"{work.doing} {_named(work.failure)}, {work.size}, for "
            f"{self.elapsed_seconds - since:.0f} s"
            for work, since in tuple(self.working.values())  # the main thread may add one meanwhile
        ]

    def summary(self) -> str:
        """The run in one line."""
        return "; ".join((self._figures(), *self.at_work()))

    def _figures(self) -> str:
        return (
            f"{self.time_left()}  {self.executions:,} executions  "
            f"{self.executions_per_job_second:,.0f}/s per job  {self.features:,} features  "
            f"{self.sites}/{len(sites.BY_NAME)} sites  {self.new_entries:,} new in corpus  "
            f"{len(self.failures)} failures"
        )

    def rows(self) -> list[tuple[str, str]]:
        """The run as named figures."""
        kinds = [f"{len(self.running)} running"] if self.running else []
        kinds += [f"{count} {kind}" for kind, count in sorted(self.exit_kinds.items())]
        if self.internal_errors:
            kinds.append(f"{self.internal_errors} internal errors")
        rows = [
            ("time", f"{self.time_left()} of {self.limit_seconds:.0f} s"),
            (
                "executions",
                f"{self.executions:,}  ({self.executions_per_job_second:,.0f}/s per job)",
            ),
            (
                "reached",
                f"{self.features:,} features, {self.sites} of {len(sites.BY_NAME)} sites, "
                f"{self.situations} of {len(features.NAMED_SITUATIONS)} rare situations",
            ),
            ("corpus", f"{self.new_entries:,} new scenarios"),
            ("slices", ", ".join(kinds) or "starting"),
        ]
        rows.extend(("working", text) for text in self.at_work())
        seen = sorted(self.failures.values(), key=lambda s: (s.at_seconds, s.failure.failure.id))
        for i, each in enumerate(seen[:MAX_FAILURES]):
            rows.append(
                (
                    "failures" if i == 0 else "",
                    f"{each.at_seconds:6.1f} s  {_named(each.failure)}  [{each.state}]",
                )
            )
        if len(seen) > MAX_FAILURES:
            rows.append(("", f"and {len(seen) - MAX_FAILURES} more"))
        rows.extend(("trouble", text) for text in self.troubles[-MAX_TROUBLES:])
        return rows


def _named(failure: FailureDetail) -> str:
    return f"{failure.failure.id}: {failure.failure.signature}"


class Screen:
    """Shows a board until it is closed. `now` gives the seconds of the run."""

    def __init__(self, board: Board, now: Callable[[], float]) -> None:
        self._board = board
        self._now = now
        self._end = threading.Event()
        self._in_place = sys.stderr.isatty()
        show = self._redraw if self._in_place else self._log
        self._thread = threading.Thread(target=show, name="status", daemon=True)

    def say(self, line: str) -> None:
        """A line for the log; the redrawn board shows the same by itself."""
        if line and not self._in_place:
            print(f"{self._now():6.1f} s  {line}", file=sys.stderr, flush=True)

    def __enter__(self) -> "Screen":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _log(self) -> None:
        while not self._end.wait(QUIET_SECONDS):
            self._board.elapsed_seconds = self._now()
            self.say(self._board.summary())

    def _redraw(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.table import Table
        from rich.text import Text

        colours = {"failures": "red", "": "red", "trouble": "yellow"}

        def drawn() -> Table:
            self._board.elapsed_seconds = self._now()
            grid = Table.grid(padding=(0, 2))
            grid.add_column(style="bold")
            grid.add_column(overflow="ellipsis", no_wrap=True)
            for name, value in self._board.rows():
                grid.add_row(name, Text(value, style=colours.get(name, "")))
            return grid

        console = Console(stderr=True, highlight=False)
        with Live(drawn(), console=console, auto_refresh=False, transient=True) as live:
            while not self._end.wait(1 / REDRAWS_PER_SECOND):
                live.update(drawn(), refresh=True)


def _function(site: str) -> str:
    return site.partition(":")[0]
