# SPDX-License-Identifier: MIT
"""Indexes for every order in which failures are listed, and one of the words in them."""

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

revision = "0005"
down_revision = "0004"

COLUMNS = "oracle, culprit, object_class, promise"
SAID = "(oracle || ' ' || culprit || ' ' || object_class || ' ' || promise)"


def upgrade() -> None:
    for name in ("state", "count", "last_seen"):
        op.drop_index(op.f(f"ix_failure_{name}"), "failure")
    for columns in (
        ["count", "id"],
        ["last_seen", "id"],
        ["first_seen", "id"],
        ["verdict", "state", "count", "id"],
    ):
        op.create_index(op.f("ix_failure_" + "_".join(columns)), "failure", columns)
    if op.get_bind().dialect.name == "sqlite":
        _trigrams_of_sqlite()
    else:
        _trigrams_of_postgresql()


def _trigrams_of_sqlite() -> None:
    """The words stand in `failure` only; triggers tell the index of every change of them."""
    op.execute(
        f"CREATE VIRTUAL TABLE failure_words USING fts5({COLUMNS}, content='failure', "
        "content_rowid='id', tokenize='trigram')"
    )
    new = ", ".join(f"new.{name}" for name in COLUMNS.split(", "))
    old = ", ".join(f"old.{name}" for name in COLUMNS.split(", "))
    add = f"INSERT INTO failure_words (rowid, {COLUMNS}) VALUES (new.id, {new});"
    take = (
        f"INSERT INTO failure_words (failure_words, rowid, {COLUMNS}) "
        f"VALUES ('delete', old.id, {old});"
    )
    for name, when, what in (
        ("added", "INSERT", add),
        ("gone", "DELETE", take),
        ("changed", f"UPDATE OF {COLUMNS}", f"{take} {add}"),
    ):
        op.execute(f"CREATE TRIGGER failure_words_{name} AFTER {when} ON failure BEGIN {what} END")
    op.execute("INSERT INTO failure_words (failure_words) VALUES ('rebuild')")


def _trigrams_of_postgresql() -> None:
    """pg_trgm comes with the server, but a packager may have left it out, and who owns the
    database may not be allowed to take it: then words are searched without an index."""
    connection = op.get_bind()
    offered = text("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
    if connection.execute(offered).first() is None:
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            connection.execute(
                text(f"CREATE INDEX ix_failure_words ON failure USING gin ({SAID} gin_trgm_ops)")
            )
    except DBAPIError:
        return


def downgrade() -> None:
    raise NotImplementedError("restore a backup of a farm of revision 0004")
