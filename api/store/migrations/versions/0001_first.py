"""The first tables: rubrics, datasets, answers, runs, judgments and what is staged for them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of version 0001."""
    op.create_table(
        "datasets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), server_default="default", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("info", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.UniqueConstraint("project_id", "name", name="uq_datasets_project_id_name"),
    )
    op.create_table(
        "rubrics",
        sa.Column("project_id", sa.Text(), server_default="default", nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "content_hash", name="pk_rubrics"),
    )
    op.create_table(
        "answer_sets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), server_default="default", nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("n_answers", sa.Integer(), nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_answer_sets_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_answer_sets"),
    )
    op.create_index("ix_answer_sets_dataset_id_digest", "answer_sets", ["dataset_id", "digest"], unique=False)
    op.create_table(
        "dataset_revisions",
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("n_examples", sa.Integer(), nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_dataset_revisions_dataset_id"),
        sa.PrimaryKeyConstraint("dataset_id", "revision", name="pk_dataset_revisions"),
    )
    op.create_table(
        "rubric_versions",
        sa.Column("project_id", sa.Text(), server_default="default", nullable=False),
        sa.Column("rubric_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "content_hash"],
            ["rubrics.project_id", "rubrics.content_hash"],
            name="fk_rubric_versions_project_id_content_hash",
        ),
        sa.PrimaryKeyConstraint("project_id", "rubric_id", "version", name="pk_rubric_versions"),
    )
    op.create_table(
        "answers",
        sa.Column("set_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("answer_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["answer_sets.id"], name="fk_answers_set_id"),
        sa.PrimaryKeyConstraint("set_id", "position", name="pk_answers"),
        sa.UniqueConstraint(
            "set_id", "example_id", "model", "sample", name="uq_answers_set_id_example_id_model_sample"
        ),
    )
    op.create_table(
        "examples",
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("rubric_hash", sa.Text(), nullable=False),
        sa.Column("references_hash", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id", "revision"],
            ["dataset_revisions.dataset_id", "dataset_revisions.revision"],
            name="fk_examples_dataset_id_revision",
        ),
        sa.PrimaryKeyConstraint("dataset_id", "revision", "position", name="pk_examples"),
        sa.UniqueConstraint("dataset_id", "revision", "example_id", name="uq_examples_dataset_id_revision_example_id"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), server_default="default", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("dataset_revision", sa.Integer(), nullable=False),
        sa.Column("answer_set_id", sa.Text(), nullable=False),
        sa.Column("graders", sa.Text(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["answer_set_id"], ["answer_sets.id"], name="fk_runs_answer_set_id"),
        sa.ForeignKeyConstraint(
            ["dataset_id", "dataset_revision"],
            ["dataset_revisions.dataset_id", "dataset_revisions.revision"],
            name="fk_runs_dataset_id_dataset_revision",
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_runs_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("project_id", "name", name="uq_runs_project_id_name"),
    )
    op.create_table(
        "judgments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("criterion_id", sa.Text(), nullable=False),
        sa.Column("grader", sa.Text(), nullable=False),
        sa.Column("repeat", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("grader_kind", sa.Text(), nullable=False),
        sa.Column("criterion_hash", sa.Text(), nullable=False),
        sa.Column("answer_hash", sa.Text(), nullable=False),
        sa.Column("failure_kind", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_judgments_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_judgments"),
    )
    op.create_index(
        "ix_judgments_cell",
        "judgments",
        ["run_id", "example_id", "model", "sample", "criterion_id", "grader", "repeat", "attempt"],
        unique=True,
    )
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
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_staged_judgments_run_id"),
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
