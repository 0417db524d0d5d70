# SPDX-License-Identifier: MIT
"""Campaigns, canaries and notices; totals of rows that are gone; entries are tried one at a time.

Only adds, but for the kinds of jobs and queues, of which there are more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KINDS = "kind IN ('fuzz', 'verify', 'minimize', 'alone', 'distill', 'conform')"
QUEUES = "queue IN ('fuzz', 'triage', 'kernel', 'local')"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    _campaigns(moment)
    op.create_table(
        "total",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_total")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_notice_kind_subject")),
    )
    op.create_index(op.f("ix_notice_sent_at_due_at"), "notice", ["sent_at", "due_at"])
    # Not in Alembic's batches: they make a table anew, and the old ones are referred to.
    for table, column in (
        ("run", sa.Column("campaign_id", sa.Integer(), nullable=True)),
        ("failure", sa.Column("canary", sa.Integer(), nullable=True)),
        ("failure", sa.Column("past_runs", sa.Integer(), nullable=False, server_default="0")),
        ("entry_features", sa.Column("given_at", moment, nullable=True)),
        ("feature_map", sa.Column("slices", sa.Integer(), nullable=False, server_default="0")),
        ("feature_map", sa.Column("once", sa.LargeBinary(), nullable=True)),
        ("feature_map", sa.Column("twice", sa.LargeBinary(), nullable=True)),
        ("feature_map", sa.Column("often", sa.LargeBinary(), nullable=True)),
        (
            "feature_map",
            sa.Column("new_at_slice", sa.Integer(), nullable=False, server_default="0"),
        ),
    ):
        op.add_column(table, column)
    op.create_index(op.f("ix_entry_features_given_at"), "entry_features", ["given_at"])
    # Nothing refers to jobs.
    with op.batch_alter_table("job", table_kwargs={"sqlite_autoincrement": True}) as job:
        job.drop_constraint(op.f("ck_job_kind"), type_="check")
        job.drop_constraint(op.f("ck_job_queue"), type_="check")
        job.create_check_constraint(op.f("ck_job_kind"), sa.text(KINDS))
        job.create_check_constraint(op.f("ck_job_queue"), sa.text(QUEUES))


def _campaigns(moment: sa.DateTime) -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bugs", sa.JSON(), nullable=False),
        sa.Column("kernel", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("slice_seconds", sa.Double(), nullable=False),
        sa.Column("given", sa.Double(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("slices", sa.Integer(), nullable=False),
        sa.Column("executions", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("plateau_at", moment, nullable=True),
        sa.CheckConstraint("kind IN ('fuzz', 'canary', 'kernel')", name=op.f("ck_campaign_kind")),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_campaign_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("name", name=op.f("uq_campaign_name")),
    )
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("found_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("began_seconds", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("limit_seconds", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'passed', 'missed')", name=op.f("ck_trial_state")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_trial_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial")),
    )
    op.create_index(op.f("ix_trial_campaign_id_state"), "trial", ["campaign_id", "state"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup: campaigns have no place in revision 0002")
