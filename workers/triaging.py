# SPDX-License-Identifier: MIT
"""The part of the store that people use: what they say of failures, and the lists they read.

Contract: as `workers.store.Store`, of which this is a part: each method is one transaction. What
cannot be said of a failure raises `workers.people.PeopleError`.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from workers import again, kin, listing, people, reading
from workers.database import Database
from workers.listing import EntryRow, Page, Wanted
from workers.records import ConfirmationRow, DecisionRow, FailureRow, JudgementRow
from workers.schema import EMBARGO


class Triaging(Database):
    """Methods of `Store`."""

    # What people say.

    def note(self, failure_id: int, text: str) -> None:
        with self._write() as (connection, now):
            people.note(connection, now, failure_id, text)

    def label(self, failure_id: int, name: str, *, on: bool = True) -> None:
        with self._write() as (connection, now):
            people.label(connection, now, failure_id, name, on=on)

    def judge(
        self, failure_id: int, verdict: str, reason: str = "", dup_of: int | None = None
    ) -> None:
        with self._write() as (connection, now):
            people.judge(connection, now, failure_id, verdict, reason, dup_of)

    def undup(self, failure_id: int) -> None:
        with self._write() as (connection, now):
            people.undup(connection, now, failure_id)

    def redo(self, failure_id: int) -> None:
        with self._write() as (connection, now):
            people.redo(connection, now, failure_id)

    def undo(self, failure_id: int) -> str:
        """Returns what was taken back."""
        with self._write() as (connection, now):
            return people.undo(connection, now, failure_id)

    def said(self, failure_id: int) -> list[JudgementRow]:
        with self._read() as connection:
            return people.said(connection, failure_id)

    # What became of a failure.

    def looked_at(self, failure_id: int, build_id: str, *, shows: bool) -> str:
        """Returns the build since which it is gone; empty: it is not."""
        with self._write() as (connection, now):
            return again.looked_at(connection, now, failure_id, build_id, shows=shows)

    def confirmed(self, row: ConfirmationRow) -> None:
        with self._write() as (connection, now):
            again.confirmed(connection, now, row)

    def confirmations(self, failure_id: int, scenario_sha256: str) -> list[ConfirmationRow]:
        with self._read() as connection:
            return again.confirmations(connection, failure_id, scenario_sha256)

    # What people read.

    def search(self, wanted: Wanted) -> Page:
        with self._read() as connection:
            return listing.failures(connection, wanted)

    def next_open(self, *, embargoed: bool = False) -> FailureRow | None:
        with self._read() as connection:
            return listing.next_open(connection, embargoed=embargoed)

    def is_embargoed(self, failure_id: int) -> bool:
        with self._read() as connection:
            return EMBARGO in reading.labels_of(connection, [failure_id]).get(failure_id, ())

    def kin(self, failure_id: int) -> list[tuple[str, str, list[int]]]:
        """Why a failure is of its family: kind, key, and who shares it."""
        with self._read() as connection:
            return kin.reasons(connection, failure_id)

    def models(self) -> list[tuple[str, int]]:
        with self._read() as connection:
            return listing.models(connection)

    def entries(self, model: str, build_id: str, below: int | None, limit: int) -> list[EntryRow]:
        with self._read() as connection:
            return listing.entries(connection, model, build_id, below, limit)

    def entry(self, seq: int, build_id: str = "") -> EntryRow | None:
        with self._read() as connection:
            return listing.entry(connection, seq, build_id)

    def newest_decisions(
        self, below: int | None, limit: int, *, embargoed: bool = False
    ) -> list[DecisionRow]:
        with self._read() as connection:
            return listing.decisions(connection, below, limit, embargoed=embargoed)

    def run_points(self) -> list[tuple[datetime, int, int, int]]:
        with self._read() as connection:
            return listing.run_points(connection)

    def reached(self, limit: int) -> tuple[int, Counter[str], Counter[str]]:
        """Of the newest slices: how many said what they missed; by site, how many came by none
        of it, and how many let somebody else in there."""
        with self._read() as connection:
            said: list[dict[str, Any]] = listing.statistics(connection, limit)
        told = [each for each in said if each.get("sites_reached")]
        missed = Counter(site for each in told for site in each.get("sites_missed", ()))
        preempted = Counter(site for each in told for site in each.get("sites_preempted", ()))
        return len(told), missed, preempted
