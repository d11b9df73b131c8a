"""What a plan must know of a rubric beside the rubric, so that a resumed run need not read them all again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; rows that are there stay without, and their digest is made when it is asked for."""
    op.add_column("rubrics", sa.Column("digest", sa.Text()))


def downgrade() -> None:
    """There is no way back: a backup is."""
    raise NotImplementedError("a store is not taken back to an older version; restore a backup")
