"""What was submitted to providers' batch endpoints, so that a restart submits nothing twice."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "provider_batches",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("grader", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("n_calls", sa.Integer(), nullable=False),
        sa.Column("calls", sa.LargeBinary(), nullable=False),
        sa.Column("estimate", sa.Float()),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_provider_batches_run_id"),
        sa.PrimaryKeyConstraint("token", name="pk_provider_batches"),
    )
    op.create_index("ix_provider_batches_run_id_state", "provider_batches", ["run_id", "state"], unique=False)
    op.create_index("ix_provider_batches_provider_id", "provider_batches", ["provider_id"], unique=False)


def downgrade() -> None:
    """There is no way back: a backup is."""
    raise NotImplementedError("a store is not taken back to an older version; restore a backup")
