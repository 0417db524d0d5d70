# SPDX-License-Identifier: MIT
"""The farm's truth: failures by signature, scenarios by content, runs, and what is owed.

Contract: every method is one transaction, safe against any other process that uses the same
database, and gives or takes the values of `workers.records`. A result and the jobs that follow
from it are one transaction, too (`workers.ledger`), so that nothing waits for a message. A
failure is counted once for each run that saw it, however often that is told; a run's results are
accepted once.

What a transaction does stands in the modules named here, as functions of an open connection; this
says only where one begins and ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fuzz.findings import Finding
from simulator.outcome import Outcome
from workers import backup as backups
from workers import (
    campaigns,
    entries,
    failures,
    figures,
    ledger,
    notices,
    reading,
    retention,
    rota,
    runs,
    suspects,
)
from workers import canaries as canary
from workers.campaigns import Estimate
from workers.entries import Cover, Dumped, Made, Measured, Pulled
from workers.errors import StoreError
from workers.figures import Figures
from workers.ledger import Lease
from workers.records import (
    CampaignRow,
    DecisionRow,
    ExampleRow,
    FailureDetail,
    FailureRow,
    FarmRow,
    JobRow,
    NoticeRow,
    Recorded,
    RunFigures,
    RunRow,
    Stats,
    SuspectRow,
    TrialRow,
    WorkerRow,
)
from workers.schema import FUZZ, FUZZING, MINIMIZE, VERIFY, Job
from workers.triaging import Triaging


class Store(Triaging):
    """One database. Threads may share it, processes may not: open it after a fork."""

    # The farm.

    def farm(self) -> FarmRow:
        with self._read() as connection:
            return reading.farm(connection)

    def set_farm(self, *, paused: bool | None = None, draining: bool | None = None) -> None:
        """Pause (no job begins) or drain (no slice begins), or go on."""
        with self._write() as (connection, now):
            ledger.set_farm(connection, now, paused=paused, draining=draining)

    def backup(self, path: Path) -> dict[str, int]:
        """The whole store in one file. Returns how many rows of each table."""
        with self._read() as connection:
            return backups.write(connection, path)

    def restore(self, path: Path) -> dict[str, int]:
        """Fill this store, which is empty. Raises `workers.backup.BackupError`."""
        with self._write() as (connection, _):
            return backups.read(connection, path)

    # What is owed.

    def lease(self, job_id: int, worker: str) -> Lease | None:
        """Take a job by its id; None when there is nothing to do. Raises SchemaMoved."""
        with self._write() as (connection, now):
            self._refuse_to_be_old(connection)
            return ledger.lease(connection, now, job_id, worker)

    def take(self, queues: Sequence[str], worker: str) -> Lease | None:
        """Take the oldest job of these queues that is due. Raises SchemaMoved."""
        with self._write() as (connection, now):
            self._refuse_to_be_old(connection)
            return ledger.take(connection, now, queues, worker)

    def beat(self, leases: Sequence[Lease]) -> list[Lease]:
        """Say that these are worked on. Returns those that are lost."""
        with self._write() as (connection, now):
            return ledger.beat(connection, now, leases)

    def give_back(self, lease: Lease) -> None:
        with self._write() as (connection, now):
            ledger.give_back(connection, now, lease)

    def set_back(self, lease: Lease, note: str) -> None:
        with self._write() as (connection, now):
            ledger.set_back(connection, now, lease, note)

    def died(self, lease: Lease, note: str) -> bool:
        """Count an attempt that the work itself brought down. Returns whether it is held now."""
        with self._write() as (connection, now):
            if lease.kind in (VERIFY, MINIMIZE):
                failures.set_values(connection, lease.subject, note=f"{lease.kind}: {note}")
            return ledger.died(connection, now, lease, note)

    def here(self, **said: Any) -> None:
        """A worker says that it is there; see `ledger.here`."""
        with self._write() as (connection, now):
            ledger.here(connection, now, **said)

    def gone(self, worker: str) -> None:
        with self._write() as (connection, _):
            ledger.gone(connection, worker)

    def hold_lock(self, name: str, owner: str, seconds: float) -> bool:
        with self._write() as (connection, now):
            return ledger.hold_lock(connection, now, name, owner, seconds)

    def drop_lock(self, name: str, owner: str) -> None:
        with self._write() as (connection, _):
            ledger.drop_lock(connection, name, owner)

    def reap(self) -> list[tuple[str, str]]:
        """End leases that stopped beating. Returns what was lost, and who had it."""
        with self._write() as (connection, now):
            return ledger.reap(connection, now)

    def owed(self, queue: str, spare: int) -> list[int]:
        """The jobs of a queue that a message is owed for: as many as there are slots, and
        `spare` more so that a slot need not wait for the scheduler."""
        with self._read() as connection:
            slots = ledger.slots(connection, queue) + spare
            return ledger.owed(connection, self._now(connection), queue, slots)

    def neglected(self, queues: Sequence[str], seconds: float) -> bool:
        """Whether a job waits for a worker that a message should have reached long ago."""
        with self._read() as connection:
            return ledger.neglected(connection, self._now(connection), queues, seconds)

    def sent(self, job_ids: Sequence[int]) -> None:
        with self._write() as (connection, now):
            ledger.sent(connection, now, job_ids)

    def retry(self, kind: str, subject: int) -> bool:
        """A person wants held work done again. Returns whether there was any."""
        with self._write() as (connection, now):
            return ledger.retry(connection, now, kind, subject)

    def jobs(self, state: str | None = None) -> list[JobRow]:
        with self._read() as connection:
            return reading.jobs(connection, state)

    def workers(self) -> list[WorkerRow]:
        with self._read() as connection:
            return reading.workers(connection)

    def heard(self, seconds: float) -> list[WorkerRow]:
        """The workers that were heard of in the last so many seconds."""
        with self._read() as connection:
            since = self._now(connection) - timedelta(seconds=seconds)
            return [row for row in reading.workers(connection) if row.beat_at >= since]

    def decisions(self, subject: str) -> list[DecisionRow]:
        with self._read() as connection:
            return reading.decisions(connection, subject)

    # Failures.

    def record(self, finding: Finding, run_id: int | None = None) -> Recorded:
        """File one finding under its signature. Raises corpus.text.TextError."""
        return self.file([finding], run_id)[0]

    def file(self, findings: Iterable[Finding], run_id: int | None) -> list[Recorded]:
        """File what a run has found: any number of times, by anybody, also after its end.
        Raises corpus.text.TextError."""
        with self._write() as (connection, now):
            return failures.file(connection, now, findings, run_id)

    def keep(self, failure_id: int, finding: Finding) -> None:
        """Keep what somebody who works on a failure has come to. Raises corpus.text.TextError."""
        with self._write() as (connection, now):
            failures.keep(connection, now, failure_id, finding)

    def verified(
        self,
        lease: Lease,
        text: str,
        build_id: str,
        outcome: Outcome,
        note: str,
        side_finds: Iterable[Finding] = (),
    ) -> list[Recorded] | None:
        """Fresh processes replayed `text`: keep the trace, and have it minimized. Returns where
        the other finds were filed; None when somebody else has the job by now."""
        with self._write() as (connection, now):
            return failures.verified(
                connection, now, lease, text, build_id, outcome, note, side_finds
            )

    def unreproducible(
        self, lease: Lease, note: str, side_finds: Iterable[Finding] = ()
    ) -> list[Recorded] | None:
        """No scenario of the failure replays; `note` says what happened instead."""
        with self._write() as (connection, now):
            return failures.unreproducible(connection, now, lease, note, side_finds)

    def minimized(
        self,
        lease: Lease,
        text: str,
        build_id: str,
        outcome: Outcome,
        certificate: dict[str, Any],
        note: str,
        side_finds: Iterable[Finding] = (),
        bugs: Iterable[str] = (),
    ) -> list[Recorded] | None:
        """Keep the minimal scenario with its trace and certificate. `bugs`: the known bugs
        without which it passes."""
        with self._write() as (connection, now):
            return failures.minimized(
                connection, now, lease, text, build_id, outcome, certificate, note, side_finds, bugs
            )

    def failures(
        self,
        oracle: str | None = None,
        state: str | None = None,
        run_id: int | None = None,
        limit: int | None = None,
        *,
        canaries: bool = False,
    ) -> list[FailureRow]:
        """Failures that match all filters, those seen most often first; those that canaries alone
        have shown only when they are asked for, and then nothing else."""
        with self._read() as connection:
            return reading.failures(connection, oracle, state, run_id, limit, canaries=canaries)

    def count_failures(self, *, canaries: bool = False) -> int:
        with self._read() as connection:
            return reading.count_failures(connection, canaries=canaries)

    def failure(self, failure_id: int) -> FailureDetail | None:
        """One failure with its best scenario; None when there is no such failure."""
        with self._read() as connection:
            return reading.failure(connection, failure_id)

    def examples(self, failure_id: int) -> list[ExampleRow]:
        """All kept scenarios of a failure, the best first."""
        with self._read() as connection:
            return reading.examples(connection, failure_id)

    def stats(self) -> Stats:
        with self._read() as connection:
            return reading.stats(connection)

    # Runs.

    def figures(self) -> Figures:
        """What an operator watches."""
        with self._read() as connection:
            return figures.read(connection, self._now(connection))

    def create_run(self, spec: dict[str, Any], queue: str) -> int:
        """Order one slice, to be done by whoever serves the queue."""
        with self._write() as (connection, now):
            return runs.create(connection, now, spec, queue)

    def begin_run(self, spec: dict[str, Any], queue: str, worker: str) -> tuple[int, Lease]:
        """Order one slice and take it: for who does it himself."""
        with self._write() as (connection, now):
            self._refuse_to_be_old(connection)
            run_id = runs.create(connection, now, spec, queue)
            job_id = connection.execute(
                select(Job.id).where(Job.kind == FUZZ, Job.subject == run_id)
            ).scalar_one()
            lease = ledger.lease(connection, now, job_id, worker)
            if lease is None:
                raise StoreError("the farm is paused or draining: `mmfarm farm resume`")
            return run_id, lease

    def end_run(
        self,
        lease: Lease,
        figures: RunFigures,
        findings: Iterable[Finding] = (),
        note: str = "",
        rest: dict[str, Any] | None = None,
        suspect: str | None = None,
    ) -> tuple[list[Recorded], bool]:
        """Accept the results of one attempt; see `runs.end`."""
        with self._write() as (connection, now):
            return runs.end(connection, now, lease, figures, findings, note, rest, suspect)

    def run(self, run_id: int) -> RunRow | None:
        with self._read() as connection:
            return reading.run(connection, run_id)

    def runs(self, state: str | None = None) -> list[RunRow]:
        """Runs in the order they were created."""
        with self._read() as connection:
            return reading.runs(connection, state)

    def job_of(self, kind: str, subject: int) -> JobRow | None:
        with self._read() as connection:
            return reading.job_of(connection, kind, subject)

    # Campaigns, and what follows from them.

    def add_campaign(
        self,
        name: str,
        *,
        kind: str = FUZZING,
        bugs: Sequence[str] = (),
        kernel: str = "",
        weight: float = 1.0,
        slice_seconds: float = 60.0,
        canaries: bool = True,
    ) -> list[str]:
        """Begin a campaign, and the canaries that there are none of. Returns the names of what
        begins. Raises `campaigns.CampaignError`."""
        with self._write() as (connection, now):
            campaigns.add(
                connection,
                now,
                name=name,
                kind=kind,
                bugs=bugs,
                kernel=kernel,
                weight=weight,
                slice_seconds=slice_seconds,
            )
            return [name, *(canary.set_up(connection, now) if canaries else [])]

    def change_campaign(
        self, name: str, *, weight: float | None = None, state: str | None = None
    ) -> CampaignRow:
        with self._write() as (connection, now):
            return campaigns.change(connection, now, name, weight=weight, state=state)

    def campaigns(self) -> list[CampaignRow]:
        with self._read() as connection:
            return campaigns.rows(connection)

    def trials(self, campaign_id: int, limit: int) -> list[TrialRow]:
        """The newest trials of a canary."""
        with self._read() as connection:
            return canary.trials(connection, campaign_id, limit)

    def estimates(self) -> dict[str, Estimate]:
        """What is left to find, by model."""
        with self._read() as connection:
            return campaigns.estimates(connection)

    def discovery(self) -> tuple[int, int]:
        with self._read() as connection:
            return campaigns.discovery(connection)

    def showed(self, model: str, build_id: str, shown: bytes, *, news: bool) -> None:
        """A slice that went to its end has shown all of these features."""
        with self._write() as (connection, _):
            campaigns.showed(connection, model, build_id, shown, news=news)

    def plan(self, queue: str, spare: int) -> list[int]:
        """Order slices of campaigns for the slots of a queue. Returns the runs."""
        with self._write() as (connection, now):
            return rota.fill(connection, now, queue, spare)

    def look_after(self) -> dict[str, int]:
        """What is to be done now and then: trials, plateaus, and what is to be forgotten. Returns
        how many rows went, by rule."""
        with self._write() as (connection, now):
            canary.tick(connection, now)
            campaigns.look_for_plateaus(connection, now)
        with self._write() as (connection, now):
            return retention.apply(connection, now)

    def due_notices(self, limit: int) -> list[NoticeRow]:
        with self._write() as (connection, now):
            return notices.due(connection, now, limit)

    def notice_sent(self, notice_id: int, error: str) -> None:
        with self._write() as (connection, now):
            notices.sent(connection, now, notice_id, error)

    def notice(self, kind: str, subject: str, text: str) -> None:
        with self._write() as (connection, now):
            notices.owe(connection, now, kind, subject, text)

    def notices(self, limit: int) -> list[NoticeRow]:
        """The newest."""
        with self._read() as connection:
            return notices.newest(connection, limit)

    # Poison.

    def tried_alone(self, lease: Lease, deaths: int, note: str) -> bool:
        """What came of a suspect run alone: with deaths it is quarantined, else cleared."""
        with self._write() as (connection, now):
            return suspects.tried_alone(connection, now, lease, deaths, note)

    def release(self, suspect_id: int) -> bool:
        """A person gives a quarantined scenario free. Returns whether there was one."""
        with self._write() as (connection, now):
            return suspects.release(connection, now, suspect_id)

    def suspects(self, state: str | None = None) -> list[SuspectRow]:
        with self._read() as connection:
            return reading.suspects(connection, state)

    # The corpus.

    def push(self, model: str, build_id: str, run_id: int | None, made: Sequence[Made]) -> int:
        """Keep what shows something new. Returns how many entries are new."""
        with self._write() as (connection, now):
            return entries.push(connection, now, model, build_id, run_id, made)

    def plant(self, given: Sequence[Made]) -> int:
        """Take what people give into the corpus. Returns how many entries are new."""
        with self._write() as (connection, now):
            return entries.plant(connection, now, given)

    def unproven(self, model: str, build_id: str, limit: int) -> list[Pulled]:
        """Entries that this build has not run yet; nobody else gets them meanwhile."""
        with self._write() as (connection, now):
            return entries.unproven(connection, now, model, build_id, limit)

    def harmless(self, build_id: str, seqs: Sequence[int]) -> None:
        """A slice that had these has gone well."""
        with self._write() as (connection, _):
            entries.harmless(connection, build_id, seqs)

    def newest(self, model: str, build_id: str, above: int, limit: int) -> list[Pulled]:
        with self._read() as connection:
            return entries.newest(connection, model, build_id, above, limit)

    def some(self, model: str, build_id: str, seqs: Sequence[int]) -> list[Pulled]:
        with self._read() as connection:
            return entries.some(connection, model, build_id, seqs)

    def above(self, seq: int, limit: int) -> list[Dumped]:
        """The next entries above a number, in order: to go through all of them."""
        with self._read() as connection:
            return entries.above(connection, seq, limit)

    def last_seq(self) -> int:
        with self._read() as connection:
            return entries.last_seq(connection)

    def seen_map(self, model: str, build_id: str) -> bytes:
        with self._read() as connection:
            return entries.seen_map(connection, model, build_id)

    def withheld(self) -> set[str]:
        """The keys of scenarios that no slice shall get."""
        with self._read() as connection:
            return entries.withheld(connection)

    def cover(self, map_id: int) -> Cover:
        """Choose what distilling keeps. A transaction for each part that is read: one for all
        would hold up the database while this thinks."""
        with self._read() as connection:
            model, build_id = entries.which_map(connection, map_id)
        return entries.cover(model, build_id, self._measured(model, build_id))

    def _measured(self, model: str, build_id: str) -> Iterator[Measured]:
        above = 0
        while True:
            with self._read() as connection:
                rows = entries.measured(connection, model, build_id, above, entries.READ_AT_ONCE)
            yield from rows
            if not rows:
                return
            above = rows[-1].seq

    def distilled(self, lease: Lease, choice: Cover) -> bool:
        """Retire what a cover makes redundant."""
        with self._write() as (connection, now):
            return entries.distilled(connection, now, lease, choice)
