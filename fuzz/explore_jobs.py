# SPDX-License-Identifier: MIT
"""One exploration on several cores.

Contract: `Crew.go` does what `Exploration.go` does, within the same bounds and with the same
verdict; the tree stays with the caller, who can save it. Processes are handed parcels of
runs of as many deviations as the least of what is left, so a counterexample has as few as any. They
tell what they have seen to be shared; when that is more than was known, all begins anew.

What a process has explored since the last parcel the others do not know, so more is tried than by
one process; which of several counterexamples of one length is found can depend on the machine.
"""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Final

from corpus.text import dump, parse
from fuzz.exploration import (
    COVERED,
    STOPPED,
    VIOLATION,
    Bounds,
    Branch,
    Exploration,
    Report,
    Shared,
    Tree,
)
from simulator.run import Machine

PARCEL: Final = 200  # runs: some tenths of a second, compiled
_SUMS: Final = ("schedules", "cut", "passed_by", "steps", "progress")


@dataclass(slots=True)
class _Done:
    """What came of a parcel. `tree` has the runs that it leads to and what was seen in it,
    `failing` the text of a counterexample: values of the model cannot be sent."""

    report: Report
    tree: Tree
    grew: bool
    failing: str


class Crew:
    """Processes that explore one scenario. A context manager: they end with it."""

    def __init__(self, exploration: Exploration, jobs: int) -> None:
        self._exploration: Final = exploration
        self._jobs: Final = jobs
        self._workers: dict[Connection, BaseProcess] = {}
        self._told: dict[Connection, dict[int, int]] = {}  # what each has yet to hear of `seen`

    def __enter__(self) -> "Crew":
        context = multiprocessing.get_context("spawn")
        given = self._exploration
        for _ in range(self._jobs):
            mine, its = context.Pipe()
            worker = context.Process(
                target=_work, args=(its, dump(given.scenario), given.report.bounds), daemon=True
            )
            worker.start()
            its.close()
            self._workers[mine] = worker
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection, worker in self._workers.items():
            connection.close()  # it ends when it hears nothing more
            if kind is not None:
                worker.terminate()
            worker.join()

    def go(self, stop: Callable[[Report], bool] = lambda report: False) -> Report:
        """Explore until all is covered, a promise is broken, or `stop` says so; it is asked
        between parcels."""
        given = self._exploration
        given.report.state = STOPPED
        self._everybody_begins_anew()
        idle = list(self._workers)
        out: dict[Connection, list[Branch]] = {}
        while True:
            stopped = stop(given.report)
            level = given.tree.level()
            while idle and level is not None and not stopped and not self._deeper(out, level):
                connection = idle.pop()
                out[connection] = self._send(connection, level)
                level = given.tree.level()
            if not out:
                break
            for ready in wait(list(out)):
                assert isinstance(ready, Connection)
                done: _Done = ready.recv()
                del out[ready]
                idle.append(ready)
                if done.grew:
                    self._grew(done.tree.shared, out, idle)
                    break
                self._take(ready, done)
                if done.failing:
                    given.report.signature = done.report.signature
                    given.report.promise = done.report.promise
                    given.report.directives = parse(done.failing).directives
                    given.report.state = VIOLATION
            if given.report.state == VIOLATION:
                self._collect(out)
                return given.report
        if given.tree.level() is None:
            given.report.state = COVERED
            given.report.progress = 1.0
        return given.report

    def _deeper(self, out: dict[Connection, list[Branch]], level: int) -> bool:
        """Whether runs of fewer deviations are still under way."""
        return any(len(parcel[0].due) < level for parcel in out.values())

    def _send(self, connection: Connection, level: int) -> list[Branch]:
        tree = self._exploration.tree
        left = tree.left[level]
        parcel = left[-PARCEL:]
        del left[-PARCEL:]
        connection.send((parcel, self._told[connection], None))
        self._told[connection] = {}
        return parcel

    def _take(self, connection: Connection, done: _Done) -> None:
        given = self._exploration
        report, tree = given.report, given.tree
        for name in _SUMS:
            setattr(report, name, getattr(report, name) + getattr(done.report, name))
        report.deepest = max(report.deepest, done.report.deepest)
        tree.orders |= done.tree.orders
        tree.outcomes |= done.tree.outcomes
        report.orders = len(tree.orders)
        report.outcomes = len(tree.outcomes)
        for branches in done.tree.left:
            tree.put(branches)
        for key, used in done.tree.seen.items():
            if tree.seen.get(key, used + 1) > used:
                tree.seen[key] = used
                for other, owed in self._told.items():
                    if other is not connection:
                        owed[key] = used

    def _grew(
        self, shared: Shared, out: dict[Connection, list[Branch]], idle: list[Connection]
    ) -> None:
        """Something is shared that was not known to be: what is under way counts for nothing."""
        given = self._exploration
        given.know(shared)
        for connection in list(out):
            done: _Done = connection.recv()
            given.know(done.tree.shared)
            idle.append(connection)
        out.clear()
        given.report.restarts += 1
        given.start()
        self._everybody_begins_anew()

    def _everybody_begins_anew(self) -> None:
        given = self._exploration
        for connection in self._workers:
            connection.send(([], given.tree.seen, given.learned()))
            self._told[connection] = {}

    def _collect(self, out: dict[Connection, list[Branch]]) -> None:
        for connection, parcel in out.items():
            connection.recv()
            self._exploration.tree.put(reversed(parcel))  # to be done again


def _work(connection: Connection, text: str, bounds: Bounds) -> None:
    """A process: explores what it is sent until nobody sends any more."""
    exploration = Exploration(Machine(), parse(text), bounds)
    known: dict[int, int] = {}
    while True:
        try:
            parcel, seen, shared = connection.recv()
        except (EOFError, OSError):
            return
        if shared is not None:
            exploration.know(shared)
            known = dict(seen)
            continue
        known.update(seen)
        connection.send(_explore(exploration, parcel, known))


def _explore(exploration: Exploration, parcel: list[Branch], known: dict[int, int]) -> _Done:
    report = Report(bounds=exploration.report.bounds, build_id=exploration.report.build_id)
    before = dict(known)
    tree = Tree(seen=known)
    exploration.go_on_from(tree, report)
    failing = ""
    for branch in reversed(parcel):
        if exploration.attempt(branch):
            failing = dump(exploration.scenario.with_directives(report.directives))
            report.directives = ()
            break
        if exploration.grew:
            break
    tree.seen = {key: used for key, used in known.items() if before.get(key) != used}
    tree.shared = exploration.learned() if exploration.grew else Shared()
    return _Done(report, tree, exploration.grew, failing)
