# SPDX-License-Identifier: MIT
"""Brings a database to the schema of this program; the only way tables are ever created.

Contract: after `bring_up` the database has revision `SCHEMA_REVISION`, or `SchemaError` says
why not and the database is as it was. Many processes may call it at once: one migrates, the
others wait for it. Revisions are numbers, so that a database from the future is recognised.

To change the schema: change `workers/schema.py`, add `migrations/versions/NNNN_what.py` with
the next number, set `SCHEMA_REVISION`. A test compares the two.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, inspect, select
from sqlalchemy.engine import Connection
from sqlalchemy.sql import column, func, table

from workers.dialect import POSTGRESQL, writing

SCHEMA_REVISION: Final = "0006"
# Any fixed number: processes that migrate the same PostgreSQL database meet at it.
MIGRATION_LOCK: Final = 0x6D6D6661726D


class SchemaError(Exception):
    """The database cannot be brought to this program's schema; the message says what to do."""


def bring_up(engine: Engine) -> None:
    """Create or upgrade the tables behind `engine`."""
    with engine.connect() as connection:
        if _revision(connection) == SCHEMA_REVISION:
            return
    with writing(engine).begin() as connection:
        if connection.dialect.name == POSTGRESQL:
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        current = _revision(connection)  # again: another process may have been faster
        if current == SCHEMA_REVISION:
            return
        _refuse_foreign(connection, current)
        _upgrade(connection)


def moved_on(connection: Connection) -> bool:
    """Whether the database has another revision than this program by now."""
    versions = table("alembic_version", column("version_num"))
    return connection.execute(select(versions.c.version_num)).scalar() != SCHEMA_REVISION


def _revision(connection: Connection) -> str | None:
    """The revision of the database, None when it was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    versions = table("alembic_version", column("version_num"))
    found = connection.execute(select(versions.c.version_num)).scalar()
    return None if found is None else str(found)


def _refuse_foreign(connection: Connection, current: str | None) -> None:
    where = connection.engine.url.render_as_string(hide_password=True)
    if current is None:
        names = sorted(inspect(connection).get_table_names())
        if set(names) - {"alembic_version"}:
            raise SchemaError(
                f"{where}: holds tables that are not mmfarm's ({', '.join(names[:3])}); "
                "name another database or folder"
            )
    elif not current.isdigit() or current > SCHEMA_REVISION:
        raise SchemaError(
            f"{where}: has schema revision {current}, and this mmfarm knows {SCHEMA_REVISION} "
            "at most; use the newer mmfarm that wrote it, or another database or folder"
        )


def _upgrade(connection: Connection) -> None:
    # Late: opening a database that is up to date should not pay for loading Alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
