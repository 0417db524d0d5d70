# SPDX-License-Identifier: MIT
"""What differs between SQLite and PostgreSQL, all of it.

Contract: `create` gives an engine on which `writing(engine).begin()` is a transaction that may
write from its first statement on, on both dialects. `upsert` is the only way to insert what may
be there already.

SQLite settings and why: WAL, because readers (`mmfarm triage`) must not wait for slices that
record; busy_timeout 60 s, because writers queue and a transaction here takes milliseconds;
synchronous=NORMAL, because with WAL a power cut then loses the last commits but never corrupts,
and a slice can be run again; foreign_keys=ON, because SQLite ignores them otherwise. A writer
begins with BEGIN IMMEDIATE: a transaction that reads first and writes later gets SQLITE_BUSY at
once when somebody else wrote in between, whatever the timeout. WAL needs shared memory, so the
file must not be on a network file system; more than one host means PostgreSQL.
"""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import ConnectionPoolEntry

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
DIALECTS: Final = (SQLITE, POSTGRESQL)

BUSY_TIMEOUT_MS: Final = 60_000
# A server that vanished is noticed within a lease, and no statement waits longer than one for
# a lock: whoever holds it that long has lost its own lease.
_POSTGRESQL_ARGUMENTS: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
    "options": "-c lock_timeout=30s -c idle_in_transaction_session_timeout=60s",
}
_WRITING: Final = "mmfarm_writing"


def create(url: URL) -> Engine:
    """An engine for one of DIALECTS. Opens no connection."""
    # A server may have dropped pooled connections between two slices; a file cannot.
    if url.get_backend_name() == POSTGRESQL:
        return create_engine(
            url, json_serializer=_dump, pool_pre_ping=True, connect_args=_POSTGRESQL_ARGUMENTS
        )
    engine = create_engine(url, json_serializer=_dump)
    if url.get_backend_name() == SQLITE:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine and pool; its transactions write."""
    return engine.execution_options(**{_WRITING: True})


def now(connection: Connection) -> datetime:
    """The database's time: that of its server, or of this machine for a file."""
    if connection.dialect.name == POSTGRESQL:
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)
    return datetime.now(UTC)


def upsert(connection: Connection, model: type[Any]) -> "sqlite.Insert | postgresql.Insert":
    """An insert that knows ON CONFLICT, in the dialect of `connection`."""
    return insert(connection.dialect.name, model)


def insert(dialect_name: str, model: type[Any]) -> "sqlite.Insert | postgresql.Insert":
    if dialect_name == SQLITE:
        return sqlite.insert(model)
    if dialect_name == POSTGRESQL:
        # Here, because it brings asyncio along, and `mmfarm triage` on SQLite starts without.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(model)
    raise ValueError(f"no upsert for {dialect_name}; use one of {', '.join(DIALECTS)}")


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _set_up_sqlite(connection: Any, record: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN is deferred and comes late; _begin_sqlite sends ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")  # first: the next one may wait
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
