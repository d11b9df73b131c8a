"""The tables. What users own carries `project_id`, the rest hangs on it. JSON is kept as text, as it was written."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

rubrics = Table(
    "rubrics",
    metadata,
    Column("project_id", Text, primary_key=True, server_default="default"),
    Column("content_hash", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("digest", Text),
)
"""Rubrics by what they say. Examples point here by hash, without a foreign key: the project is their dataset's.
`digest` is what a plan must know of one, null in rows of before there was one."""

rubric_versions = Table(
    "rubric_versions",
    metadata,
    Column("project_id", Text, primary_key=True, server_default="default"),
    Column("rubric_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("content_hash", Text, nullable=False),
    ForeignKeyConstraint(["project_id", "content_hash"], ["rubrics.project_id", "rubrics.content_hash"]),
)
"""A version is a name for a hash. Rubrics inside a dataset's examples have no row here."""

datasets = Table(
    "datasets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, nullable=False, server_default="default"),
    Column("name", Text, nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("info", Text, nullable=False),
    UniqueConstraint("project_id", "name"),
)
"""`revision` is the latest visible one; 0 where there is none yet, and then nobody sees the dataset."""

dataset_revisions = Table(
    "dataset_revisions",
    metadata,
    Column("dataset_id", Text, ForeignKey("datasets.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text),
    Column("n_examples", Integer, nullable=False),
    Column("visible", Boolean, nullable=False),
)

examples = Table(
    "examples",
    metadata,
    Column("dataset_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("example_id", Text, nullable=False),
    Column("rubric_hash", Text, nullable=False),
    Column("references_hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["dataset_id", "revision"], ["dataset_revisions.dataset_id", "dataset_revisions.revision"]),
    UniqueConstraint("dataset_id", "revision", "example_id"),
)
"""`body` is the example without its rubric."""

answer_sets = Table(
    "answer_sets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, nullable=False, server_default="default"),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("digest", Text),
    Column("n_answers", Integer, nullable=False),
    Column("visible", Boolean, nullable=False),
    Index(None, "dataset_id", "digest"),
)

answers = Table(
    "answers",
    metadata,
    Column("set_id", Text, ForeignKey("answer_sets.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, nullable=False),
    Column("example_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("sample", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("answer_hash", Text, nullable=False),
    UniqueConstraint("set_id", "example_id", "model", "sample"),
)
"""`line` is where the answer stood in its file; it is for messages and no part of the content."""

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, nullable=False, server_default="default"),
    Column("name", Text, nullable=False),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("dataset_revision", Integer, nullable=False),
    Column("answer_set_id", Text, ForeignKey("answer_sets.id"), nullable=False),
    Column("graders", Text, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("settings", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("next_seq", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["dataset_id", "dataset_revision"], ["dataset_revisions.dataset_id", "dataset_revisions.revision"]
    ),
    UniqueConstraint("project_id", "name"),
)
"""`graders` is a list of cards, each with its fingerprint."""

judgments = Table(
    "judgments",
    metadata,
    # A rowid table with a unique index: a composite primary key without rowid is four times slower to fill.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("example_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("sample", BigInteger, nullable=False),
    Column("criterion_id", Text, nullable=False),
    Column("grader", Text, nullable=False),
    Column("repeat", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("grader_kind", Text, nullable=False),
    Column("criterion_hash", Text, nullable=False),
    Column("answer_hash", Text, nullable=False),
    Column("failure_kind", Text),
    Column("body", Text, nullable=False),
    Index(
        "ix_judgments_cell",
        "run_id",
        "example_id",
        "model",
        "sample",
        "criterion_id",
        "grader",
        "repeat",
        "attempt",
        unique=True,
    ),
)
"""Append-only. `seq` rises in commit order within a run; it may have gaps. `body` has the fields without a column."""

staged_judgments = Table(
    "staged_judgments",
    metadata,
    Column("import_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("example_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("sample", BigInteger, nullable=False),
    Column("criterion_id", Text, nullable=False),
    Column("grader", Text, nullable=False),
    Column("repeat", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(
        "ix_staged_judgments_cell",
        "import_id",
        "example_id",
        "model",
        "sample",
        "criterion_id",
        "grader",
        "repeat",
        "fingerprint",
        unique=True,
    ),
)
"""Recorded judgments on their way in; `fingerprint` is empty where the line names none (nulls would not collide).

`run_id` points nowhere: a dry run looks at judgments for a run that is never made.
"""

provider_batches = Table(
    "provider_batches",
    metadata,
    Column("token", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("grader", Text, nullable=False),
    Column("provider_id", Text),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("n_calls", Integer, nullable=False),
    Column("calls", LargeBinary, nullable=False),
    Column("estimate", Float),
    Column("created_at", Text, nullable=False),
    Index(None, "run_id", "state"),
    Index(None, "provider_id"),
)
"""What was submitted to providers' batch endpoints. `state` is `open` or how it ended; `provider_id` is null while
nobody knows whether the batch came into being. `calls` are the first eight bytes of each custom id, in order."""
