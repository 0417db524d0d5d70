# SPDX-License-Identifier: MIT
"""Since which model build a failure is gone, and what real kernels say of it. Only adds."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("failure", sa.Column("gone_since", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "confirmation",
        sa.Column("failure_id", sa.Integer(), nullable=False),
        sa.Column("scenario_sha256", sa.Text(), nullable=False),
        sa.Column("kernel", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["failure.id"], name=op.f("fk_confirmation_failure_id_failure")
        ),
        sa.PrimaryKeyConstraint(
            "failure_id", "scenario_sha256", "kernel", name=op.f("pk_confirmation")
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup of a farm of revision 0005")
