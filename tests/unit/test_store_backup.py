# SPDX-License-Identifier: MIT
"""A backup holds everything, is whole or refused, and goes into an empty store only."""

import gzip
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from fuzz import maps
from tests.farming import BUILD, FakeHands, begun, finding, leased, site, text_of
from workers import campaigns, jobs, migrate, totals
from workers.backup import BackupError
from workers.database import file_url
from workers.entries import Made
from workers.records import RunFigures
from workers.schema import CANARY, MINIMIZE, OPEN, VERIFY, Base, Confirmation, Trial
from workers.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One with rows in every table that a backup is for."""
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"))) as opened:
        run_id, lease = begun(opened)
        opened.end_run(lease, RunFigures("timeout"), [finding()], suspect=text_of(3))
        here = site(opened, tmp_path, FakeHands())
        jobs.verify(here, leased(opened, VERIFY, 1))
        jobs.minimize(here, leased(opened, MINIMIZE, 1))
        opened.push("", BUILD, run_id, [Made(text_of(2), maps.to_map(6, 64))])
        begun(opened)
        with opened._write() as (connection, now):
            number = campaigns.add(
                connection,
                now,
                name="canary",
                kind=CANARY,
                bugs=("dirtycow",),
                kernel="",
                weight=1.0,
                slice_seconds=60.0,
            )
            connection.execute(
                insert(Trial).values(
                    campaign_id=number,
                    state=OPEN,
                    began_at=now,
                    began_seconds=0.0,
                    seconds=0.0,
                    limit_seconds=600.0,
                    note="",
                )
            )
            totals.add(connection, {"executions": 1 << 40})
            connection.execute(
                insert(Confirmation).values(
                    failure_id=1,
                    scenario_sha256="00" * 32,
                    kernel="debian-7.2",
                    version="7.2.13",
                    verdict="SAME",
                    same=5,
                    tried=5,
                    why="",
                    at=now,
                )
            )
        opened.label(1, "thp")
        yield opened


def rows(store: Store) -> dict[str, list[object]]:
    with store._read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }


def test_what_is_restored_is_what_was_there(store: Store, tmp_path: Path) -> None:
    counts = store.backup(tmp_path / "backup.gz")
    filled = {name for name, count in counts.items() if count}
    assert set(Base.metadata.tables) - filled <= {"lock", "worker"}
    with closing(Store.open(file_url(tmp_path / "other.db"))) as other:
        other.restore(tmp_path / "backup.gz")
        assert rows(other) == rows(store)
        assert begun(other)[0] == 3, "it goes on counting"


def test_a_store_that_holds_something_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    store.backup(tmp_path / "backup.gz")
    before = rows(store)
    with pytest.raises(BackupError, match="not empty"):
        store.restore(tmp_path / "backup.gz")
    assert rows(store) == before


@pytest.mark.parametrize("damage", ["cut", "half a line", "other", "newer"])
def test_a_damaged_backup_is_refused_and_leaves_the_store_as_it_was(
    store: Store, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "backup.gz"
    store.backup(path)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    content = {
        "cut": lines[:-1],
        "half a line": [*lines[:-2], lines[-2][:20]],
        "other": [b"{}\n"],
        "newer": [lines[0].replace(migrate.SCHEMA_REVISION.encode(), b"9999"), *lines[1:]],
    }[damage]
    path.write_bytes(gzip.compress(b"".join(content)))
    with closing(Store.open(file_url(tmp_path / "other.db"))) as other:
        before = rows(other)
        with pytest.raises(BackupError):
            other.restore(path)
        assert rows(other) == before
