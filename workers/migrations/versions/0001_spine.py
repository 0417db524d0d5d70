# SPDX-License-Identifier: MIT
"""The first tables: failures, scenarios, runs, traces, certificates, and their links."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("oracle", sa.Text(), nullable=False),
        sa.Column("culprit", sa.Text(), nullable=False),
        sa.Column("object_class", sa.Text(), nullable=False),
        sa.Column("promise", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_seen", moment, nullable=False),
        sa.Column("last_seen", moment, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('new', 'verified', 'minimized', 'unreproducible')",
            name=op.f("ck_failure_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure")),
        sa.UniqueConstraint(
            "oracle", "culprit", "object_class", name=op.f("uq_failure_oracle_culprit_object_class")
        ),
    )
    op.create_index(op.f("ix_failure_state"), "failure", ["state"])
    op.create_table(
        "scenario",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ops", sa.Integer(), nullable=False),
        sa.Column("directives", sa.Integer(), nullable=False),
        sa.Column("first_seen", moment, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_scenario")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("exit_kind", sa.Text(), nullable=True),
        sa.Column("executions", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("cpu_seconds", sa.Double(), nullable=False),
        sa.Column("features", sa.Integer(), nullable=False),
        sa.Column("new_entries", sa.Integer(), nullable=False),
        sa.Column("statistics", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("in_flight", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'abandoned')", name=op.f("ck_run_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_state"), "run", ["state"])
    op.create_table(
        "example",
        sa.Column("failure_id", sa.Integer(), nullable=False),
        sa.Column("scenario_sha256", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.CheckConstraint("role IN ('found', 'minimal')", name=op.f("ck_example_role")),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["failure.id"], name=op.f("fk_example_failure_id_failure")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_sha256"],
            ["scenario.sha256"],
            name=op.f("fk_example_scenario_sha256_scenario"),
        ),
        sa.PrimaryKeyConstraint("failure_id", "scenario_sha256", name=op.f("pk_example")),
    )
    op.create_index(op.f("ix_example_scenario_sha256"), "example", ["scenario_sha256"])
    op.create_table(
        "sighting",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("failure_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["failure.id"], name=op.f("fk_sighting_failure_id_failure")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_sighting_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "failure_id", name=op.f("pk_sighting")),
    )
    op.create_index(op.f("ix_sighting_failure_id"), "sighting", ["failure_id"])
    op.create_table(
        "trace",
        sa.Column("scenario_sha256", sa.Text(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["scenario_sha256"], ["scenario.sha256"], name=op.f("fk_trace_scenario_sha256_scenario")
        ),
        sa.PrimaryKeyConstraint("scenario_sha256", "build_id", name=op.f("pk_trace")),
    )
    op.create_table(
        "certificate",
        sa.Column("failure_id", sa.Integer(), nullable=False),
        sa.Column("scenario_sha256", sa.Text(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["failure.id"], name=op.f("fk_certificate_failure_id_failure")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_sha256"],
            ["scenario.sha256"],
            name=op.f("fk_certificate_scenario_sha256_scenario"),
        ),
        sa.PrimaryKeyConstraint("failure_id", name=op.f("pk_certificate")),
    )


def downgrade() -> None:
    for name in ("certificate", "trace", "sighting", "example", "run", "scenario", "failure"):
        op.drop_table(name)
