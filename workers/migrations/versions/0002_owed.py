# SPDX-License-Identifier: MIT
"""What is owed, the corpus, suspects and decisions come into the store.

What was on its way is owed now. All failures that the model alone can judge are verified again,
for the model has changed since they were: their examples, traces and certificates stay.
"""

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Of a disagreement with a real kernel, which no run of the model alone can show.
DISAGREEMENT = "conformance"
REPLACED = "verified again: found by an older mmfarm"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    _job(moment)
    _farm(moment)
    _suspect(moment)
    _corpus(moment)
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_subject"), "decision", ["subject"])
    op.create_index(op.f("ix_decision_at"), "decision", ["at"])
    # Not in Alembic's batches: they make a table anew, and the old one is referred to.
    op.add_column("run", sa.Column("steps", sa.BigInteger(), nullable=False, server_default="0"))
    op.drop_column("failure", "attempts")
    _carry_over(datetime.now(UTC))


def _job(moment: sa.DateTime) -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("leases", sa.Integer(), nullable=False),
        sa.Column("leased_until", moment, nullable=True),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("setbacks", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('fuzz', 'verify', 'minimize', 'alone', 'distill')", name=op.f("ck_job_kind")
        ),
        sa.CheckConstraint("queue IN ('fuzz', 'triage', 'local')", name=op.f("ck_job_queue")),
        sa.CheckConstraint("state IN ('ready', 'leased', 'held')", name=op.f("ck_job_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_job_kind_subject")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_job_state_queue_due_at"), "job", ["state", "queue", "due_at"])


def _farm(moment: sa.DateTime) -> None:
    op.create_table(
        "farm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("farm_id", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("corpus_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_farm")),
    )
    op.create_table(
        "lock",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lock")),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("busy", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("beat_at", moment, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )


def _suspect(moment: sa.DateTime) -> None:
    op.create_table(
        "suspect",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("first_seen", moment, nullable=False),
        sa.Column("last_seen", moment, nullable=False),
        sa.CheckConstraint(
            "state IN ('suspected', 'cleared', 'quarantined', 'released')",
            name=op.f("ck_suspect_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspect")),
        sa.UniqueConstraint("sha256", name=op.f("uq_suspect_sha256")),
    )
    op.create_index(op.f("ix_suspect_state"), "suspect", ["state"])


def _corpus(moment: sa.DateTime) -> None:
    op.create_table(
        "entry",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("added_at", moment, nullable=False),
        sa.Column("retired_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_entry")),
        sa.UniqueConstraint("model", "sha256", name=op.f("uq_entry_model_sha256")),
    )
    op.create_index(op.f("ix_entry_model_retired_at"), "entry", ["model", "retired_at"])
    op.create_table(
        "entry_features",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["entry.seq"], name=op.f("fk_entry_features_seq_entry")),
        sa.PrimaryKeyConstraint("seq", "build_id", name=op.f("pk_entry_features")),
    )
    op.create_table(
        "feature_map",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("features", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_map")),
        sa.UniqueConstraint("model", "build_id", name=op.f("uq_feature_map_model_build_id")),
    )


def _carry_over(now: datetime) -> None:
    moment = sa.DateTime(timezone=True)
    farm = sa.table(
        "farm",
        sa.column("id", sa.Integer),
        sa.column("farm_id", sa.Text),
        sa.column("created_at", moment),
        sa.column("paused", sa.Boolean),
        sa.column("draining", sa.Boolean),
        sa.column("corpus_seq", sa.BigInteger),
    )
    op.execute(
        farm.insert().values(
            id=1,
            farm_id=uuid.uuid4().hex,
            created_at=now,
            paused=False,
            draining=False,
            corpus_seq=0,
        )
    )
    failure = sa.table(
        "failure",
        sa.column("id", sa.Integer),
        sa.column("oracle", sa.Text),
        sa.column("state", sa.Text),
        sa.column("note", sa.Text),
    )
    op.execute(
        failure.update()
        .where(failure.c.oracle != DISAGREEMENT, failure.c.state != "new")
        .values(state="new", note=REPLACED)
    )
    run = sa.table("run", sa.column("id", sa.Integer), sa.column("state", sa.Text))
    op.execute(run.update().where(run.c.state == "running").values(state="queued"))
    job = sa.table(
        "job",
        sa.column("kind", sa.Text),
        sa.column("subject", sa.Integer),
        sa.column("queue", sa.Text),
        sa.column("state", sa.Text),
        sa.column("created_at", moment),
        sa.column("due_at", moment),
        sa.column("leases", sa.Integer),
        sa.column("worker", sa.Text),
        sa.column("attempts", sa.Integer),
        sa.column("setbacks", sa.Integer),
        sa.column("note", sa.Text),
    )
    owed = (
        ("verify", "triage", sa.select(failure.c.id).where(failure.c.state == "new")),
        ("fuzz", "fuzz", sa.select(run.c.id).where(run.c.state == "queued")),
    )
    for kind, queue, query in owed:
        for (subject,) in op.get_bind().execute(query.order_by(sa.text("id"))).all():
            op.execute(
                job.insert().values(
                    kind=kind,
                    subject=subject,
                    queue=queue,
                    state="ready",
                    created_at=now,
                    due_at=now,
                    leases=0,
                    worker="",
                    attempts=0,
                    setbacks=0,
                    note="",
                )
            )


def downgrade() -> None:
    raise NotImplementedError("restore a backup: what is owed has no place in revision 0001")
