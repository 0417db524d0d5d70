# SPDX-License-Identifier: MIT
"""What a person sees while `mmfarm run` works.

Contract: a Board holds the figures, `lines()` words them, and a Screen shows them on stderr:
redrawn in place on a terminal, else one line every QUIET_SECONDS. Nothing here is data;
stdout belongs to the result.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from fuzz.statistics import Statistics
from simulator import features, sites

REDRAWS_PER_SECOND: Final = 4  # smooth enough to watch, and no load
QUIET_SECONDS: Final = 5.0  # between two lines in a log file
MAX_FAILURES: Final = 12  # rows; a bug of the model can show hundreds of signatures


@dataclass(slots=True)
class Seen:
    """A failure: when it came up first, in seconds of the run, and in how many slices."""

    at_seconds: float
    count: int = 1


@dataclass(slots=True)
class Board:
    """The figures of a run. `slices` are the running ones by number, `ended` sums up what
    ended before; features and sites are the best that any slice had."""

    limit_seconds: float
    elapsed_seconds: float = 0.0
    corpus: int = 0
    slices: dict[int, Statistics] = field(default_factory=dict)
    health: dict[str, int] = field(default_factory=dict)  # exit kind -> slices
    failures: dict[str, Seen] = field(default_factory=dict)  # signature -> first sight
    ended_executions: int = 0
    ended_cpu_seconds: float = 0.0
    most_features: int = 0
    most_sites: int = 0
    most_situations: int = 0
    errors: int = 0  # internal ones, of slices that ended

    def progress(self, number: int, figures: Statistics) -> None:
        """A running slice says how far it is."""
        self.slices[number] = figures
        self.most_features = max(self.most_features, figures.features)
        self.most_sites = max(self.most_sites, figures.sites_reached)
        self.most_situations = max(self.most_situations, figures.situations_reached)

    def ended(self, number: int, figures: Statistics, kind: str, new_entries: int) -> None:
        """A slice has ended."""
        self.progress(number, figures)
        del self.slices[number]
        self.ended_executions += figures.executions
        self.ended_cpu_seconds += figures.cpu_seconds
        self.corpus += new_entries
        self.errors += sum(error.count for error in figures.internal_errors)
        self.health[kind] = self.health.get(kind, 0) + 1

    def found(self, signature: str) -> None:
        """A failure has come up."""
        if signature in self.failures:
            self.failures[signature].count += 1
        else:
            self.failures[signature] = Seen(self.elapsed_seconds)

    @property
    def executions(self) -> int:
        return self.ended_executions + sum(s.executions for s in self.slices.values())

    @property
    def executions_per_second(self) -> float:
        return self.executions / self.elapsed_seconds if self.elapsed_seconds else 0.0

    def summary(self) -> str:
        """The run in one line."""
        left = max(0.0, self.limit_seconds - self.elapsed_seconds)
        return (
            f"{left:4.0f} s left  {self.executions:,} executions  "
            f"{self.executions_per_second:,.0f}/s  {self.most_features:,} features  "
            f"{self.most_sites}/{sites.NR_SITES} sites  {len(self.failures)} failures"
        )

    def rows(self) -> list[tuple[str, str]]:
        """The run as named figures."""
        left = max(0.0, self.limit_seconds - self.elapsed_seconds)
        health = [f"{len(self.slices)} running"] if self.slices else []
        health += [f"{count} {kind}" for kind, count in sorted(self.health.items())]
        if self.errors:
            health.append(f"{self.errors} internal errors")
        rows = [
            ("time left", f"{left:.0f} s of {self.limit_seconds:.0f}"),
            ("executions", f"{self.executions:,}  ({self.executions_per_second:,.0f}/s)"),
            ("reached", f"{self.most_features:,} features, {self.most_sites} of "
                        f"{sites.NR_SITES} sites, {self.most_situations} of "
                        f"{len(features.NAMED_SITUATIONS)} rare situations"),
            ("corpus", f"{self.corpus:,} new scenarios"),
            ("slices", ", ".join(health) or "starting"),
        ]
        first = sorted(self.failures.items(), key=lambda item: (item[1].at_seconds, item[0]))
        for i, (signature, seen) in enumerate(first[:MAX_FAILURES]):
            rows.append((
                "failures" if i == 0 else "",
                f"{seen.at_seconds:6.1f} s  {signature}",
            ))
        if len(first) > MAX_FAILURES:
            rows.append(("", f"and {len(first) - MAX_FAILURES} more"))
        if not first:
            rows.append(("failures", "none yet"))
        return rows


class Screen:
    """Shows a board until it is closed. `now` gives the seconds of the run."""

    def __init__(self, board: Board, now: Callable[[], float]) -> None:
        self._board = board
        self._now = now
        self._end = threading.Event()
        show = self._redraw if sys.stderr.isatty() else self._log
        self._thread = threading.Thread(target=show, name="status", daemon=True)

    def __enter__(self) -> "Screen":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _log(self) -> None:
        while not self._end.wait(QUIET_SECONDS):
            self._board.elapsed_seconds = self._now()
            print(self._board.summary(), file=sys.stderr, flush=True)

    def _redraw(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.table import Table
        from rich.text import Text

        def drawn() -> Table:
            self._board.elapsed_seconds = self._now()
            grid = Table.grid(padding=(0, 2))
            grid.add_column(style="bold")
            grid.add_column(overflow="ellipsis", no_wrap=True)
            for name, value in self._board.rows():
                failed = name in ("failures", "") and value != "none yet"
                grid.add_row(name, Text(value, style="red" if failed else ""))
            return grid

        console = Console(stderr=True, highlight=False)
        with Live(drawn(), console=console, auto_refresh=False, transient=True) as live:
            while not self._end.wait(1 / REDRAWS_PER_SECOND):
                live.update(drawn(), refresh=True)
