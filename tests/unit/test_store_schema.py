# SPDX-License-Identifier: MIT
"""Migrations make the schema that the code expects, and nothing else opens a database."""

import sqlite3
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

from workers import dialect, migrate
from workers.schema import Base, Failure
from workers.store import Store, StoreError, file_url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty, migrated database."""
    file = tmp_path / "mmfarm.db"
    Store.open(file_url(file)).close()
    return file


def test_the_migrations_make_the_model(path: Path) -> None:
    engine = dialect.create(make_url(file_url(path)))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
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
    assert {name for name, _ in made} == {"failure", "run", "example"}


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
        "journal_mode": "wal", "busy_timeout": 60_000, "synchronous": 1, "foreign_keys": 1,
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
    with sqlite3.connect(path) as connection, pytest.raises(
        sqlite3.IntegrityError, match="ck_failure_state"
    ):
        connection.execute(
            "INSERT INTO failure VALUES (1, 'o', 'c', 'x', 'p', 1, 't', 't', 'lost', 0, '')"
        )


def test_a_sighting_by_a_run_that_does_not_exist_is_refused(path: Path) -> None:
    engine = dialect.create(make_url(file_url(path)))
    with pytest.raises(IntegrityError), dialect.writing(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO sighting VALUES (1, 1)")


@pytest.mark.parametrize("name", dialect.DIALECTS)
def test_both_dialects_upsert_in_one_statement(name: str) -> None:
    statement = dialect.insert(name, Failure).values(count=1)
    made = str(statement.on_conflict_do_update(
        index_elements=["oracle"], set_={"count": Failure.count + 1}
    ))
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
