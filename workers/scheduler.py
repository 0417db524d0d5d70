# SPDX-License-Identifier: MIT
"""The scheduler: compares the broker with the store, for the store is the truth.

Contract: any number may run; one at a time works, which holds a lock of the database for
LOCK_SECONDS and again. A tick ends leases that stopped beating, orders the slices of campaigns, and
sends what is owed: what was never sent, and what was and did not arrive. Ticks may fail in the
middle and be repeated at will.
"""

import logging
from collections.abc import Callable
from typing import Final

from workers import rota
from workers.errors import InfraError
from workers.schema import BROKER_QUEUES
from workers.store import Store

TICK_SECONDS: Final = 1.0
LOCK_SECONDS: Final = 15.0  # how long the others wait for one that died
# Messages beyond one for each slot, so that a slot that gets free need not wait for a tick.
SPARE: Final = 2
LOOK_AFTER_TICKS: Final = 5  # trials, plateaus, rows that are to go

log: Final = logging.getLogger("mmfarm.scheduler")


class Scheduler:
    """`send` gives a queue's message for a job to the broker, and raises InfraError."""

    def __init__(self, store: Store, name: str, send: Callable[[str, int], None]) -> None:
        self._store = store
        self._name = name
        self._send = send
        self._works = False
        self._ticks = 0

    def tick(self) -> bool:
        """Do what is to be done now. Returns whether this one has the lock. Raises InfraError,
        having done a part."""
        store = self._store
        works = store.hold_lock("scheduler", self._name, LOCK_SECONDS)
        if works != self._works:
            log.info("%s: %s", self._name, "schedules" if works else "another one schedules")
            self._works = works
        if not works:
            return False
        for what, worker in store.reap():
            log.warning("%s: %s stopped beating; somebody else goes on", what, worker)
        self._plan()
        for queue in BROKER_QUEUES:
            self._send_owed(queue)
        return True

    def _plan(self) -> None:
        """Order what campaigns are to be given, and look after what changes slowly."""
        for queue in rota.JOB_OF:
            for run_id in self._store.plan(queue, SPARE):
                log.info("R%d: ordered for a campaign", run_id)
        self._ticks += 1
        if self._ticks % LOOK_AFTER_TICKS == 0:
            for rule, count in self._store.look_after().items():
                log.info("forgotten by the rule for %s: %d rows", rule, count)

    def _send_owed(self, queue: str) -> None:
        sent: list[int] = []
        try:
            for job_id in self._store.owed(queue, SPARE):
                self._send(queue, job_id)
                sent.append(job_id)
        finally:
            if sent:
                log.info("%s: %d messages sent", queue, len(sent))
                self._store.sent(sent)

    def run(self, stop: Callable[[float], bool]) -> None:
        """Tick until `stop`, which waits so many seconds, says so."""
        while True:
            wait = TICK_SECONDS
            try:
                self.tick()
            except InfraError as error:
                log.warning("waiting: %s", error)
                wait *= 5
            if stop(wait):
                break
        try:
            self._store.drop_lock("scheduler", self._name)
        except InfraError as error:
            log.warning("the lock runs out by itself: %s", error)
