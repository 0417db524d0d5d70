# SPDX-License-Identifier: MIT
"""Migrations make the schema that the code expects, and nothing else opens a database."""

import lzma
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from fuzz.findings import write_finding
from tests.farming import SIGNATURE, FakeHands, finding, leased, outcome, site, text_of
from workers import attempts, dialect, inbox, jobs, migrate, words
from workers.database import file_url
from workers.errors import SchemaMoved, StoreError
from workers.schema import FUZZ, MINIMIZE, MINIMIZED, NEW, VERIFY, Base, Failure
from workers.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty, migrated database."""
    file = tmp_path / "mmfarm.db"
    Store.open(file_url(file)).close()
    return file


def test_the_migrations_make_the_model(path: Path) -> None:
    engine = dialect.create(make_url(file_url(path)))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            # FTS5 keeps tables of its own, which only it knows.
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, parents: (
                    not (kind == "table" and name.startswith(words.TABLE))
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []
        made = {
            (row.name, " ".join(row.sql.split()))
            for row in connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE sql LIKE '%CHECK%'")
            )
        }
    # Alembic does not compare CHECK constraints.
    for name, sql in made:
        for check in Base.metadata.tables[name].constraints:
            if type(check).__name__ == "CheckConstraint":
                assert f"CONSTRAINT {check.name} CHECK ({check.sqltext})" in sql  # type: ignore[attr-defined]
    assert {name for name, _ in made} == {
        "failure",
        "run",
        "example",
        "job",
        "suspect",
        "campaign",
        "trial",
    }


def test_the_code_expects_the_last_migration() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert scripts.get_heads() == [migrate.SCHEMA_REVISION]


def test_a_database_of_a_newer_mmfarm_is_refused_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"revision 9999.*use the newer mmfarm"):
        Store.open(file_url(path))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("9999",)
        ]


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(StoreError, match=r"not mmfarm's \(bookmarks\)"):
        Store.open(file_url(path))
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("bookmarks",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database, but it is long enough to look like one\n" * 20)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(file_url(path))


def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mmfarm.db"
    real = migrate._upgrade

    def upgrade_and_fail(connection: object) -> None:
        real(connection)  # type: ignore[arg-type]
        raise migrate.SchemaError("power cut")

    monkeypatch.setattr(migrate, "_upgrade", upgrade_and_fail)
    with pytest.raises(StoreError, match="power cut"):
        Store.open(file_url(path))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_sqlite_is_set_up_for_many_writers(path: Path) -> None:
    engine = dialect.create(make_url(file_url(path)))
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "synchronous", "foreign_keys")
        }
    assert settings == {
        "journal_mode": "wal",
        "busy_timeout": 60_000,
        "synchronous": 1,
        "foreign_keys": 1,
    }


def test_a_writer_holds_the_write_lock_before_its_first_statement(path: Path) -> None:
    """Otherwise two that read first and write later would fail at once as busy."""
    engine = dialect.create(make_url(file_url(path)))
    with dialect.writing(engine).begin():
        other = sqlite3.connect(path, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("SELECT count(*) FROM failure")  # readers go on
        other.close()


def test_a_failure_in_a_state_that_does_not_exist_is_refused(path: Path) -> None:
    with (
        sqlite3.connect(path) as connection,
        pytest.raises(sqlite3.IntegrityError, match="ck_failure_state"),
    ):
        connection.execute(
            "INSERT INTO failure (id, oracle, culprit, object_class, promise, count, first_seen, "
            "last_seen, state, note) VALUES (1, 'o', 'c', 'x', 'p', 1, 't', 't', 'lost', '')"
        )


def test_a_sighting_by_a_run_that_does_not_exist_is_refused(path: Path) -> None:
    engine = dialect.create(make_url(file_url(path)))
    with pytest.raises(IntegrityError), dialect.writing(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO sighting VALUES (1, 1)")


@pytest.mark.parametrize("name", dialect.DIALECTS)
def test_both_dialects_upsert_in_one_statement(name: str) -> None:
    statement = dialect.insert(name, Failure).values(count=1)
    made = str(
        statement.on_conflict_do_update(
            index_elements=["oracle"], set_={"count": Failure.count + 1}
        )
    )
    assert "ON CONFLICT (oracle) DO UPDATE SET count = (failure.count + " in made


def test_a_dialect_without_upsert_is_refused() -> None:
    with pytest.raises(ValueError, match="sqlite, postgresql"):
        dialect.insert("mysql", Failure)


def test_postgresql_can_hold_every_table() -> None:
    for table in Base.metadata.sorted_tables:
        made = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "DATETIME" not in made
        assert made.count("TIMESTAMP WITH TIME ZONE") == sum(
            type(column.type).__name__ == "UtcDateTime" for column in table.columns
        )


# --- from one revision to the next ----------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder of schema 0001, as `mmfarm run` left it: two failures, and what it found."""
    folder = tmp_path / "data"
    folder.mkdir()
    dump = lzma.decompress((Path(__file__).parent / "data" / "store-0001.sql.xz").read_bytes())
    with closing(sqlite3.connect(folder / "mmfarm.db")) as connection:
        connection.executescript(dump.decode())
    return folder


def migrated(folder: Path) -> Store:
    return Store.open(file_url(folder / "mmfarm.db"))


def test_failures_of_an_older_mmfarm_are_verified_again_and_lose_nothing(old: Path) -> None:
    with closing(sqlite3.connect(old / "mmfarm.db")) as connection:
        before = connection.execute("SELECT id, count, promise FROM failure").fetchall()
        connection.execute(
            "INSERT INTO failure SELECT 3, 'conformance', culprit, object_class, promise, 1, "
            "first_seen, last_seen, 'minimized', 0, '' FROM failure WHERE id = 1"
        )
        connection.execute(
            "INSERT INTO example SELECT 3, scenario_sha256, role, origin, build_id, digest, steps "
            "FROM example WHERE failure_id = 1"
        )
        connection.commit()
    with closing(migrated(old)) as store:
        rows = {row.id: row for row in store.failures()}
        assert [(row.id, row.count, row.promise) for row in rows.values()][:2] == before
        assert {row.state for row in rows.values() if row.id < 3} == {NEW}
        assert rows[3].state == MINIMIZED, "no run of the model alone can verify it"
        assert [(job.kind, job.subject) for job in store.jobs()] == [(VERIFY, 1), (VERIFY, 2)]
        detail = store.failure(1)
        assert detail is not None
        assert detail.certificate is not None
        assert detail.outcome is None, "its trace has the form of that time"
        signature = rows[1].signature
        fake = FakeHands()
        fake.shows = lambda text, seed: outcome(signature)
        here = site(store, old, fake)
        jobs.verify(here, leased(store, VERIFY, 1))
        jobs.minimize(here, leased(store, MINIMIZE, 1))
        assert {row.id: row.state for row in store.failures()}[1] == MINIMIZED


def test_what_an_older_mmfarm_had_on_its_way_is_owed(old: Path) -> None:
    with closing(sqlite3.connect(old / "mmfarm.db")) as connection:
        for number, state in ((8, "queued"), (9, "running")):
            connection.execute(
                "INSERT INTO run SELECT ?, spec, ?, 1, created_at, started_at, NULL, NULL, 0, 0, "
                "0, 0, 0, '{}', '', NULL FROM run WHERE id = 1",
                (number, state),
            )
        connection.commit()
    # What the slice of the run that was running had found when its process was killed.
    killed = old / "runs" / "9" / "mmfarm-slice-x" / "findings"
    killed.mkdir(parents=True)
    (old / "runs" / "9" / "lock").touch()
    write_finding(killed, finding())
    with closing(migrated(old)) as store:
        assert [job.subject for job in store.jobs() if job.kind == FUZZ] == [8, 9]
        swept = attempts.sweep(store, old)
        assert (swept.runs, [each.first for each in swept.recorded]) == ([9], [True])
        assert [row.signature for row in store.failures(run_id=9)] == [SIGNATURE]
        assert [job.subject for job in store.jobs() if job.kind == FUZZ] == [8]
        assert list((old / "runs").iterdir()) == []


def test_the_corpus_folder_of_an_older_mmfarm_comes_into_the_store(old: Path) -> None:
    corpus = old / "corpus"
    (corpus / "seeds").mkdir(parents=True)
    for reads in (1, 2):
        text = text_of(reads).replace("config", "# origin: farm\nconfig", 1)
        (corpus / f"{reads:016x}.mm").write_text(text)
    (corpus / "seeds" / "mine.mm").write_text(text_of(3))
    (old / "findings").mkdir()
    write_finding(old / "findings", finding())  # in no store: the disk was full
    with closing(migrated(old)) as store:
        assert inbox.take_in(store, old) == []
        assert store.last_seq() == 3
        assert [row.count for row in store.failures() if row.signature == SIGNATURE] == [1]
        assert [path.name for path in corpus.rglob("*.mm")] == ["mine.mm"], "this is not ours"
        assert inbox.take_in(store, old) == []
        assert store.last_seq() == 3
        assert [row.count for row in store.failures() if row.signature == SIGNATURE] == [1]


def test_a_store_that_moves_on_stops_those_that_do_not_know_the_new_schema(path: Path) -> None:
    store = Store.open(file_url(path))
    store.record(finding())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMoved, match="start the workers of the newer mmfarm"):
        store.take(["triage"], "old")
    assert [job.leases for job in store.jobs()] == [0]
    store.close()
