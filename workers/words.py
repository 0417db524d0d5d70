# SPDX-License-Identifier: MIT
"""Failures by words of their signature or promise.

Contract: `conditions` says of a failure whether every word stands in it, in part of a word and in
capitals as well. Words of three letters and more are looked up: SQLite in an FTS5 table of
trigrams, which triggers keep, PostgreSQL in an index of pg_trgm. Both are made by revision 0005.

It does not promise an index for shorter words, nor on a PostgreSQL without pg_trgm: then every
failure is looked at.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.engine import Connection

from workers.dialect import SQLITE
from workers.schema import Failure

TABLE: Final = "failure_words"  # of SQLite
TRIGRAM: Final = 3  # letters
# So many failures are named one by one. A word that more have is found soon by going along the
# order that the list has anyway.
RARE: Final = 1000

_SAID: Final = (
    Failure.oracle + " " + Failure.culprit + " " + Failure.object_class + " " + Failure.promise
)


def conditions(connection: Connection, words: Sequence[str]) -> list[ColumnElement[bool]]:
    """What holds of a failure that has all `words`; none of them has a blank in it."""
    long = [word for word in words if len(word) >= TRIGRAM]
    # SQLite's LIKE takes capitals for small letters by itself; ilike() would change every text.
    like = _SAID.like if connection.dialect.name == SQLITE else _SAID.ilike
    found: list[ColumnElement[bool]] = [like(f"%{_escaped(word)}%", escape="\\") for word in words]
    if words and connection.dialect.name == SQLITE:
        ids = _looked_up(connection, long) if long else _looked_for(connection, found)
        if len(ids) <= RARE:
            found.append(Failure.id.in_(ids))
    return found


def _looked_up(connection: Connection, words: Sequence[str]) -> Sequence[int]:
    """The numbers of failures that have these words; of more than RARE, the first ones."""
    asked = " ".join('"' + word.replace('"', '""') + '"' for word in words)
    query = text(f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH :asked LIMIT :most")
    return connection.execute(query, {"asked": asked, "most": RARE + 1}).scalars().all()


def _looked_for(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    """The same by reading the table once from its beginning to its end, or to RARE of them: along
    an order it would be read page by page, here and there."""
    query = select(Failure.id).where(*conditions).limit(RARE + 1)
    return connection.execute(query).scalars().all()


def _escaped(word: str) -> str:
    """A word of which LIKE takes every character as it is."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
