# SPDX-License-Identifier: MIT
"""The whole store in one file, and back: from either database to either.

Contract: `backup` writes what one transaction sees, a row a line, compressed, and the file appears
whole or not at all. `restore` fills an empty store of the same schema revision in one transaction,
or leaves it as it was. The farm keeps its id: of two that were restored from one file only one
may go on with the broker.
"""

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO

from sqlalchemy import LargeBinary, Table, delete, func, insert, select, text
from sqlalchemy.engine import Connection

from workers import migrate
from workers.dialect import POSTGRESQL
from workers.errors import InfraError
from workers.schema import Base, Failure, Farm, Run, UtcDateTime

FORMAT: Final = 1
AT_ONCE: Final = 500  # rows in one statement
MAX_LINE: Final = 64 << 20  # characters: a trace of the longest run is far below


class BackupError(InfraError):
    """A backup that cannot be used, or a store that cannot take it; the message says why."""


def write(connection: Connection, path: Path) -> dict[str, int]:
    """Returns how many rows of each table were written."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    counts: dict[str, int] = {}
    beside = path.with_name(f".{path.name}.partial")
    with gzip.open(beside, "wt", encoding="utf-8") as file:
        header = {"mmfarm-backup": FORMAT, "revision": migrate.SCHEMA_REVISION}
        file.write(json.dumps(header) + "\n")
        for table in Base.metadata.sorted_tables:
            counts[table.name] = 0
            for row in connection.execution_options(yield_per=AT_ONCE).execute(select(table)):
                values = {column.name: _plain(row._mapping[column]) for column in table.columns}
                file.write(json.dumps({"table": table.name, "row": values}) + "\n")
                counts[table.name] += 1
        file.write(json.dumps({"end": counts}) + "\n")
    beside.replace(path)
    return counts


def read(connection: Connection, path: Path) -> dict[str, int]:
    """Fill an empty store. Raises BackupError."""
    if (
        connection.execute(select(Run.id).limit(1)).first()
        or connection.execute(select(Failure.id).limit(1)).first()
    ):
        raise BackupError("the store is not empty: name a new database or data folder")
    connection.execute(delete(Farm))
    counts: dict[str, int] = {}
    waiting: list[dict[str, Any]] = []
    current: Table | None = None
    end: dict[str, int] | None = None
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for kind, line in _lines(file):
            if kind == "end":
                end = line["end"]
                continue
            table = Base.metadata.tables[line["table"]]
            if current is not None and (table is not current or len(waiting) >= AT_ONCE):
                connection.execute(insert(current), waiting)
                waiting = []
            current = table
            counts[table.name] = counts.get(table.name, 0) + 1
            waiting.append(
                {
                    column.name: _typed(column.type, line["row"][column.name])
                    for column in table.columns
                }
            )
    if current is not None and waiting:
        connection.execute(insert(current), waiting)
    if end is None or {name: count for name, count in end.items() if count} != counts:
        raise BackupError(f"{path}: is cut off: it ends before all of its rows")
    _go_on_counting(connection)
    return counts


def _lines(file: TextIO) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        header = json.loads(file.readline(MAX_LINE))
        if header.get("mmfarm-backup") != FORMAT:
            raise BackupError(f"a backup of another format: {header}")
        if header.get("revision") != migrate.SCHEMA_REVISION:
            raise BackupError(
                f"a backup of schema revision {header.get('revision')}, this mmfarm has "
                f"{migrate.SCHEMA_REVISION}: restore it with the mmfarm that wrote it, then upgrade"
            )
        while raw := file.readline(MAX_LINE):
            line = json.loads(raw)
            yield ("end" if "end" in line else "row"), line
    except (ValueError, EOFError, OSError, AttributeError) as error:
        raise BackupError(f"no backup of mmfarm, or a damaged one: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _typed(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    return base64.b64decode(value) if isinstance(kind, LargeBinary) else value


def _go_on_counting(connection: Connection) -> None:
    """PostgreSQL's sequences know nothing of rows that came with a number."""
    if connection.dialect.name != POSTGRESQL:
        return
    for table in Base.metadata.sorted_tables:
        key = table.primary_key.columns.values()[0]
        if key.name == "id" and table.name != Farm.__tablename__:
            last = connection.execute(select(func.max(key))).scalar()
            if last is not None:
                connection.execute(
                    select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last))
                )
