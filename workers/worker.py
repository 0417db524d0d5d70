# SPDX-License-Identifier: MIT
"""A worker: leases jobs, says that it is alive, and tells the ledger how each ended.

Contract: `work` does the job of one id, whoever sent it, `work_next` the oldest that is due.
Either does nothing where there is nothing to do. While a job is done its lease is kept by
`beat_once`, which somebody calls every BEAT_SECONDS; a lease that is lost stops its job. An error
of the infrastructure never ends a job: it is given back to be tried later, and while the store
does not answer, this waits for it, says so, and takes nothing else.

It starts no thread and no process: `workers.tasks` and `workers.laptop` do, and tests do not.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from workers import attempts, jobs
from workers.attempts import Swept
from workers.errors import InfraError, SchemaMoved, Stopped, StoreDown, WorkDied, brief
from workers.jobs import Done, Site
from workers.ledger import BEAT_SECONDS, Lease

MAX_WAIT_SECONDS: Final = 15.0  # between two tries of a store that does not answer
POLL_SECONDS: Final = 0.2  # how soon a stop is noticed while waiting

log: Final = logging.getLogger("mmfarm.worker")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended for the worker that did it: `done`, or `trouble` and who is to blame for
    it (`held`: it will not be tried again by itself)."""

    lease: Lease
    done: Done | None = None
    trouble: str = ""
    held: bool = False


class Worker:
    """The jobs of one process. Threads may work at the same time."""

    def __init__(
        self,
        site: Site,
        name: str,
        *,
        stop: Callable[[], bool] = jobs.never,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.site = replace(site, patiently=self._patiently)
        self.name = name
        self.waits_for = ""  # what of the infrastructure does not answer; for people
        self._stop = stop
        self._sleep = sleep
        self._lock = threading.Lock()
        self._leases: dict[Lease, bool] = {}  # those that are worked on: whether they are lost

    @property
    def busy(self) -> int:
        return len(self._leases)

    # --- jobs ------------------------------------------------------------------------------

    def work(self, job_id: int) -> Ended | None:
        """Do a job if it is there to be done. None when it is not, or this was told to stop."""
        lease = self._patiently("a lease", lambda: self.site.store.lease(job_id, self.name))
        return None if lease is None else self.do(lease)

    def work_next(self, queues: Sequence[str]) -> Ended | None:
        """Do the job of these queues that is due and comes first."""
        lease = self.take(queues)
        return None if lease is None else self.do(lease)

    def take(self, queues: Sequence[str]) -> Lease | None:
        """Lease that job, for who wants to know what it is before it is done."""
        return self._patiently("a lease", lambda: self.site.store.take(queues, self.name))

    def do(self, lease: Lease) -> Ended:
        """Do a job that is leased."""
        with self._lock:
            self._leases[lease] = False
        log.info("%s: %s begins (lease %d)", lease.name, lease.kind, lease.number)
        try:
            ended = self._do(lease)
        finally:
            with self._lock:
                del self._leases[lease]
        log.log(
            logging.WARNING if ended.trouble else logging.INFO,
            "%s: %s %s",
            lease.name,
            lease.kind,
            ended.trouble or ("done" if ended.done else "is given back"),
        )
        return ended

    def _do(self, lease: Lease) -> Ended:
        store = self.site.store
        try:
            done = jobs.do(self.site, lease, lambda: self._stop() or self._leases[lease])
            return Ended(lease, done, "" if done.counts else "was done by somebody else, too")
        except Stopped:
            self._let_go(lease)
            self._patiently("the end of a lease", lambda: store.give_back(lease))
            return Ended(lease)
        except (InfraError, MemoryError) as error:
            note = str(error) or brief(error)
            self._let_go(lease)
            self._patiently("a note", lambda: store.set_back(lease, note))
            return Ended(lease, trouble=f"is tried again later: {note}")
        except WorkDied as death:
            return self._died(lease, str(death))
        except Exception as error:
            log.exception("%s: %s failed: an error of mmfarm", lease.name, lease.kind)
            return self._died(lease, brief(error))

    def _let_go(self, lease: Lease) -> None:
        """No beat shall take a lease back that is given away."""
        with self._lock:
            self._leases[lease] = True

    def _died(self, lease: Lease, note: str) -> Ended:
        self._let_go(lease)
        held = self._patiently("a note", lambda: self.site.store.died(lease, note))
        return Ended(lease, trouble=note, held=bool(held))

    def _patiently(self, what: str, call: Callable[[], T]) -> T | None:
        """Ask the store until it answers; None once this is told to stop."""
        wait = 1.0
        while True:
            try:
                answer = call()
            except SchemaMoved:
                raise
            except StoreDown as error:
                self.waits_for = f"the store, for {what}: {error}"
                log.warning("waiting for %s", self.waits_for)
            else:
                self.waits_for = ""
                return answer
            until = wait
            while until > 0 and not self._stop():
                self._sleep(min(until, POLL_SECONDS))
                until -= POLL_SECONDS
            if self._stop():
                return None
            wait = min(2 * wait, MAX_WAIT_SECONDS)

    # --- life ------------------------------------------------------------------------------

    def beat_once(self) -> None:
        """Keep the leases. Raises StoreDown: the next beat may be in time."""
        with self._lock:
            held = [lease for lease, lost in self._leases.items() if not lost]
        if not held:
            return
        for lease in self.site.store.beat(held):
            with self._lock:
                if lease in self._leases:
                    self._leases[lease] = True
                    log.warning("%s: the lease is lost; this attempt stops", lease.name)

    def beat_until(self, end: threading.Event) -> None:
        """The life of a thread that keeps the leases."""
        while not end.wait(BEAT_SECONDS):
            try:
                self.beat_once()
            except InfraError as error:
                log.warning("no beat: %s", error)

    def sweep(self) -> Swept:
        """File what others have left in the data folder. Raises StoreDown."""
        swept = attempts.sweep(self.site.store, self.site.folder)
        for line in swept.complaints:
            log.warning("%s", line)
        return swept
