# SPDX-License-Identifier: MIT
"""A world for the farm's own code: one thread, time that jumps, processes that can be killed.

Contract: a process is a greenlet of a host. It gives way only in `sleep`, which the store, the
broker and the fake work call, so that one seed is one history. `kill` never resumes it and drops
its file locks, as SIGKILL does: no handler of it runs. When the world ends, what is left is thrown
away without touching anything.
"""

import contextlib
import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

from greenlet import GreenletExit, getcurrent, greenlet
from sqlalchemy import Connection

from workers.errors import StoreDown
from workers.store import Store

START: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(eq=False)
class Host:
    """A machine: its disk outlives its processes."""

    name: str
    locks: list[IO[Any]] = field(default_factory=list)
    processes: list[greenlet] = field(default_factory=list)
    disk_full: bool = False
    cut_off: bool = False  # from the store and the broker


class World:
    """Time and chance. `rng` is the seed's."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.over = False
        self.store_down = False
        self.calm = False  # no more faults
        self._order = 0
        self._due: list[tuple[float, int, greenlet]] = []
        self._hosts: dict[greenlet, Host] = {}
        self._dead: set[greenlet] = set()
        self._hub = getcurrent()

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def spawn(self, host: Host, life: Callable[[], None]) -> greenlet:
        process = greenlet(life, parent=self._hub)
        self._hosts[process] = host
        host.processes.append(process)
        self._wake(process, 0.0)
        return process

    def host(self) -> Host | None:
        """Of the process that runs now; None: the world itself asks."""
        return self._hosts.get(getcurrent())

    def kill(self, host: Host) -> None:
        """End the processes of a host at once."""
        self._dead.update(host.processes)
        host.processes = []
        for lock in host.locks:
            lock.close()
        host.locks = []

    def sleep(self, seconds: float) -> None:
        if self.over:
            raise GreenletExit
        process = getcurrent()
        if process is self._hub:
            return
        self._wake(process, max(seconds, 0.0))
        self._hub.switch()
        if self.over:
            raise GreenletExit

    def _wake(self, process: greenlet, seconds: float) -> None:
        self._order += 1
        heapq.heappush(self._due, (self.now + seconds, self._order, process))

    def run_until(self, moment: float, done: Callable[[], bool] = lambda: False) -> None:
        while self._due and self._due[0][0] <= moment and not done():
            at, _, process = heapq.heappop(self._due)
            self.now = max(self.now, at)
            if process not in self._dead and not process.dead:
                process.switch()
        self.now = max(self.now, moment if not done() else self.now)

    def end(self) -> None:
        """Throw away what is left."""
        self.over = True
        for process in self._hosts:
            if process and not process.dead:
                process.throw()


class FaultyStore(Store):
    """The store behind a network that fails before or after the work is done."""

    world: World
    lost_before: float = 0.0  # shares of calls
    lost_after: float = 0.0

    @contextlib.contextmanager
    def _write(self) -> Iterator[tuple[Connection, datetime]]:
        self._before()
        with super()._write() as opened:
            yield opened
        self._after()

    @contextlib.contextmanager
    def _read(self) -> Iterator[Connection]:
        self._before()
        with super()._read() as connection:
            yield connection

    def _before(self) -> None:
        world = self.world
        if world.host() is None:
            return
        world.sleep(world.rng.random() * 0.02)
        self._fail(self.lost_before)

    def _after(self) -> None:
        world = self.world
        if world.host() is None:
            return
        world.sleep(world.rng.random() * 0.02)
        self._fail(self.lost_after)

    def _fail(self, share: float) -> None:
        world, host = self.world, self.world.host()
        if world.store_down or (host is not None and host.cut_off):
            world.sleep(world.rng.choice([0.1, 5.0]))
            raise StoreDown("the network is cut")
        if not world.calm and world.rng.random() < share:
            raise StoreDown("the connection was reset")
