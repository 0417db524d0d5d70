# SPDX-License-Identifier: MIT
"""The long-running processes of a farm: workers and schedulers.

Contract: `run_worker` and `run_scheduler` return when they are told to go (SIGTERM, SIGINT,
SIGQUIT) and raise InfraError when they cannot start. A worker that is told to go ends its slices
at once, records what they had, leaves their rest to others, and is gone within END_SECONDS. One
that is alive but of no use (`workers.watchdog`) ends itself with code 3: whoever started it starts
another one.
"""

import logging
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from workers import checks, inbox, notices, settings
from workers.app import make_app, send, serve
from workers.errors import InfraError, SchemaMoved
from workers.jobs import Site
from workers.ledger import BEAT_SECONDS
from workers.messages import Work
from workers.messenger import Messenger
from workers.scheduler import Scheduler
from workers.schema import DEFAULT_QUEUES
from workers.store import Store
from workers.watchdog import STUCK_SECONDS, Watchdog
from workers.worker import Worker

SWEEP_SECONDS: Final = 60.0
STUCK_CODE: Final = 3

log: Final = logging.getLogger("mmfarm.worker")


def service_name(kind: str) -> str:
    return f"{kind}@{socket.gethostname()}:{os.getpid()}"


def run_scheduler(folder: Path) -> None:
    """Schedule until told to go."""
    checks.refuse_unready(folder)
    store = Store.open(settings.database_url(folder))
    app = make_app(settings.broker_url(), store.farm().farm_id)
    farm_id = store.farm().farm_id
    end = _on_signals()
    scheduler = Scheduler(
        store,
        service_name("scheduler"),
        lambda queue, job_id: send(app, queue, Work(farm_id, job_id)),
    )
    messenger = threading.Thread(
        target=Messenger(store).run, args=(end.wait,), name="messenger", daemon=True
    )
    messenger.start()  # a webhook that hangs holds up nobody
    scheduler.run(end.wait)
    store.close()


def run_worker(
    folder: Path,
    *,
    slots: int,
    queues: tuple[str, ...] = DEFAULT_QUEUES,
    ready: Callable[[], None] = lambda: None,
    alive: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Work until told to go. `ready` is called when it listens, `alive` after each beat."""
    checks.refuse_unready(folder)
    store = Store.open(settings.database_url(folder))
    farm_id = store.farm().farm_id
    app = make_app(settings.broker_url(), farm_id)
    service = _Service(store, folder, slots, queues, alive, Watchdog(clock))

    def do(message: Work) -> None:
        try:
            service.worker.work(message.job)
        except SchemaMoved as error:
            log.error("%s", error)
            service.end.set()
            os.kill(os.getpid(), signal.SIGTERM)

    serve(app, farm_id, do, lambda why: log.warning("a message was refused: %s", why))
    service.start()
    try:
        _consume(app, service, slots, queues, ready)
    finally:
        service.stop()
        store.close()


def _consume(
    app: Any, service: "_Service", slots: int, queues: tuple[str, ...], ready: Callable[[], None]
) -> None:
    """Take messages until a signal."""
    from celery import signals

    def shutting_down(**_: Any) -> None:
        service.end.set()

    def listening(**_: Any) -> None:
        # Celery's way with it does not know threads: go as for SIGTERM.
        signal.signal(signal.SIGQUIT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        log.info("%s: ready, %d slots, queues %s", service.name, slots, ",".join(queues))
        ready()

    signals.worker_shutting_down.connect(shutting_down)
    signals.worker_ready.connect(listening)
    worker = app.Worker(
        hostname=service.name,
        pool="threads",
        concurrency=slots,
        queues=list(queues),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel="WARNING",
    )
    worker.start()


class _Service:
    """What a worker does beside its jobs: beats, sweeps, and watches itself."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        slots: int,
        queues: tuple[str, ...],
        alive: Callable[[], None],
        watchdog: Watchdog,
    ) -> None:
        self.name = service_name("worker")
        self.end = threading.Event()
        self._store = store
        self._folder = folder
        self._slots = slots
        self._queues = queues
        self._alive = alive
        self._watchdog = watchdog
        site = Site.of(store, folder)
        self._build_id = site.hands.build_id()
        self.worker = Worker(site, self.name, stop=self.end.is_set)
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._beat, name="beat", daemon=True),
            threading.Thread(target=self._sweep, name="sweep", daemon=True),
            threading.Thread(target=self._watch, name="watch", daemon=True),
        ]

    def start(self) -> None:
        for line in inbox.take_in(self._store, self._folder):
            log.warning("%s", line)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        try:
            self._store.gone(self.name)
        except InfraError as error:
            log.warning("%s", error)

    def _beat(self) -> None:
        while True:
            useful = True  # a store that says that it is down is waited for
            try:
                self.worker.beat_once()
                self._store.here(
                    name=self.name,
                    host=socket.gethostname(),
                    queues=self._queues,
                    number=0 if self.end.is_set() else self._slots,
                    busy=self.worker.busy,
                    build_id=self._build_id,
                    note=self.worker.waits_for,
                )
                useful = bool(self.worker.busy) or not self._store.neglected(
                    self._queues, STUCK_SECONDS
                )
                self._alive()
            except InfraError as error:
                log.warning("no beat: %s", error)
            self._watchdog.turned(useful=useful)
            if self._stopped.wait(BEAT_SECONDS):
                return

    def _sweep(self) -> None:
        while True:
            try:
                self.worker.sweep()
                self._look_at_disk()
            except (InfraError, OSError) as error:
                log.warning("no sweep: %s", error)
            if self._stopped.wait(SWEEP_SECONDS):
                return

    def _look_at_disk(self) -> None:
        """One notice a day and host while there is no room to work."""
        free = shutil.disk_usage(self._folder).free >> 20
        if free < checks.MIN_FREE_MIB:
            host, day = socket.gethostname(), datetime.now(UTC).date()
            self._store.notice(
                notices.DISK,
                f"{host} {day}",
                f"{free} MiB are free for data on {host}, {checks.MIN_FREE_MIB} are needed",
            )

    def _watch(self) -> None:
        while not self._stopped.wait(1.0):
            if why := self._watchdog.verdict(told=self.end.is_set()):
                log.error("%s: %s; ends, to be started again", self.name, why)
                os._exit(STUCK_CODE)


def _on_signals() -> threading.Event:
    """An event that the signals to go set."""
    end = threading.Event()

    def go(number: int, frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, go)
    return end
