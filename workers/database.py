# SPDX-License-Identifier: MIT
"""One database of the farm: how it is opened, and what a transaction is.

Contract: `open` creates or upgrades the tables, or raises StoreError and says what to mend.
`_write` and `_read` are transactions; `_write` also gives the time, which is the database's or
that of the clock passed in (aware datetimes). StoreDown says that the database did not answer: a
transaction that ended so may have been committed all the same, and may be tried again. What it
says about a statement of ours is an error of ours and comes as it is.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Engine
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workers import dialect, migrate
from workers.errors import SchemaMoved, StoreDown, StoreError

Clock = Callable[[], datetime]
# What a database says about the statement, and not about itself.
_OURS: Final = (IntegrityError, DataError, ProgrammingError, NotSupportedError)


def file_url(path: Path) -> str:
    """The URL of a SQLite store in a file."""
    return URL.create(dialect.SQLITE, database=str(path)).render_as_string()


class Database:
    """Threads may share it, processes may not: open it after a fork."""

    def __init__(self, engine: Engine, clock: Clock | None) -> None:
        """Use `open`."""
        self._engine = engine
        self._writer = dialect.writing(engine)
        self._clock = clock
        self.where = engine.url.render_as_string(hide_password=True)

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> Self:
        """Open, and create or upgrade, the database at `url`. Raises StoreError."""
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError(f"{url!r} is not a database URL: {error}") from error
        where = parsed.render_as_string(hide_password=True)
        if parsed.get_backend_name() not in dialect.DIALECTS:
            raise StoreError(f"{where}: mmfarm stores in {' or '.join(dialect.DIALECTS)}")
        try:
            engine = dialect.create(parsed)
        except (ModuleNotFoundError, ArgumentError) as error:  # no driver, or none of that name
            raise StoreError(
                f"{where}: {error}; PostgreSQL needs postgresql+psycopg:// and "
                "`pip install 'mmfarm[postgres]'`"
            ) from error
        try:
            migrate.bring_up(engine)
        except migrate.SchemaError as error:
            engine.dispose()
            raise StoreError(str(error)) from error
        except DatabaseError as error:
            engine.dispose()
            raise StoreError(
                f"{where}: {error.orig}; check that the folder exists and is "
                "writable, that the file is an mmfarm database, that the server answers"
            ) from error
        return cls(engine, clock)

    def close(self) -> None:
        self._engine.dispose()

    @contextlib.contextmanager
    def _write(self) -> Iterator[tuple[Connection, datetime]]:
        """A transaction that may write, and its time."""
        with self._answers(), self._writer.begin() as connection:
            yield connection, self._now(connection)

    @contextlib.contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._answers(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _answers(self) -> Iterator[None]:
        """Tells errors of the database from errors of ours."""
        try:
            yield
        except _OURS:
            raise
        except (DBAPIError, PoolTimeout) as error:
            said = " ".join(str(getattr(error, "orig", error)).split())
            raise StoreDown(f"{self.where}: {said}") from error

    def _now(self, connection: Connection) -> datetime:
        return dialect.now(connection) if self._clock is None else self._clock()

    def _refuse_to_be_old(self, connection: Connection) -> None:
        if migrate.moved_on(connection):
            raise SchemaMoved(
                f"{self.where}: has another schema than this mmfarm knows "
                f"({migrate.SCHEMA_REVISION}) by now; start the workers of the newer mmfarm"
            )
