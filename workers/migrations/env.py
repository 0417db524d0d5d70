# SPDX-License-Identifier: MIT
"""What Alembic runs around migrations: it uses the connection that `workers.migrate` opened.

Contract: the caller has begun a transaction and commits it; so a migration that fails leaves
nothing behind, on SQLite too, where Alembic itself would not use a transaction for DDL.
"""

from alembic import context

from workers.schema import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("migrations run inside mmfarm: workers.migrate.bring_up() starts them")
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter columns in place
)
with context.begin_transaction():
    context.run_migrations()
