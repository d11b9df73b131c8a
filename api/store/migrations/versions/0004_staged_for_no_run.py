"""Judgments are staged for a run that is not made, too: a dry run looks at them, so they point to no run."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table anew, as the first stores had it with a foreign key; what is in it is never kept anyway."""
    op.drop_table("staged_judgments")
    op.create_table(
        "staged_judgments",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("criterion_id", sa.Text(), nullable=False),
        sa.Column("grader", sa.Text(), nullable=False),
        sa.Column("repeat", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "position", name="pk_staged_judgments"),
    )
    op.create_index(
        "ix_staged_judgments_cell",
        "staged_judgments",
        ["import_id", "example_id", "model", "sample", "criterion_id", "grader", "repeat", "fingerprint"],
        unique=True,
    )


def downgrade() -> None:
    """There is no way back: a backup is."""
    raise NotImplementedError("a store is not taken back to an older version; restore a backup")
