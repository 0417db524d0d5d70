# SPDX-License-Identifier: MIT
"""What people say of failures, and which failures are of one cause. Only adds."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

VERDICTS = "verdict IN ('open', 'dup', 'invalid', 'unrelated', 'fixed')"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    # Alembic's add_column() leaves constraints out on SQLite, and a batch would make the table
    # anew, which others refer to. Both databases understand this.
    op.execute(
        "ALTER TABLE failure ADD COLUMN verdict TEXT DEFAULT 'open' NOT NULL "
        f"CONSTRAINT ck_failure_verdict CHECK ({VERDICTS})"
    )
    for column in (
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("dup_of", sa.Integer(), nullable=True),
        sa.Column("family", sa.Integer(), nullable=True),
        sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("failure", column)
    for name in ("count", "last_seen", "family"):
        op.create_index(op.f(f"ix_failure_{name}"), "failure", [name])
    op.create_table(
        "label",
        sa.Column("failure_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["failure.id"], name=op.f("fk_label_failure_id_failure")
        ),
        sa.PrimaryKeyConstraint("failure_id", "name", name=op.f("pk_label")),
    )
    op.create_index(op.f("ix_label_name"), "label", ["name"])
    op.create_table(
        "kin",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failure_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["failure.id"], name=op.f("fk_kin_failure_id_failure")
        ),
        sa.PrimaryKeyConstraint("kind", "key", "failure_id", name=op.f("pk_kin")),
    )
    op.create_index(op.f("ix_kin_failure_id"), "kin", ["failure_id"])
    op.create_table(
        "judgement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("failure_id", sa.Integer(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("undone_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["failure.id"], name=op.f("fk_judgement_failure_id_failure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
    )
    op.create_index(op.f("ix_judgement_failure_id"), "judgement", ["failure_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup: judgements have no place in revision 0003")
