"""A dataset on its way in: a new revision that nobody sees until it is committed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from api.store.database import Database
from api.store.row import digest_text, example_body, json_text, rubric_body
from api.store.staging import RowBuffer, Rows, discard_revision
from api.store.tables import dataset_revisions, datasets, examples, rubrics
from graders import references_hash
from rubrics import DatasetInfo, Example, StoreError, canonical_json

_RECENT = 256


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """One visible state of a dataset."""

    dataset_id: str
    revision: int


class DatasetStage:
    """Takes a dataset's examples one by one; `commit` makes them visible as a whole."""

    def __init__(self, database: Database, project: str, info: DatasetInfo) -> None:
        self._database = database
        self._project = project
        self._info = info
        self._buffer = RowBuffer(self._write)
        self._digest = hashlib.sha256()
        self._count = 0
        self._rubrics: dict[str, dict[str, str]] = {}
        self._recent: dict[str, None] = {}
        self._staged: DatasetRef | None = self._begin()

    def _begin(self) -> DatasetRef:
        mine = select(datasets.c.id).where(datasets.c.project_id == self._project, datasets.c.name == self._info.name)
        with self._database.writing() as connection:
            dataset_id = connection.scalar(mine)
            if dataset_id is None:
                dataset_id = f"ds_{secrets.token_hex(6)}"
                row = {"id": dataset_id, "project_id": self._project, "name": self._info.name, "revision": 0}
                connection.execute(insert(datasets).values(**row, **self._about()))
            last = select(func.max(dataset_revisions.c.revision)).where(dataset_revisions.c.dataset_id == dataset_id)
            revision = (connection.scalar(last) or 0) + 1
            connection.execute(
                insert(dataset_revisions).values(dataset_id=dataset_id, revision=revision, n_examples=0, visible=False)
            )
        return DatasetRef(dataset_id, revision)

    def _about(self) -> dict[str, str | bool]:
        info = self._info.model_dump(mode="json", exclude_unset=True)
        return {"held_out": self._info.held_out, "info": json_text(info, f"dataset {self._info.name!r}")}

    def add(self, example: Example) -> None:
        """The next example; StoreError where its id was there already."""
        if self._staged is None:
            raise StoreError("this stage is over, nothing more can be done with it; open another one")
        body, rubric_hash = example_body(example), example.rubric.content_hash
        text = json_text(body, f"example {example.id!r}")
        self._digest.update(canonical_json([rubric_hash, body]) + b"\n")
        characters = len(text)
        if rubric_hash not in self._recent:
            self._recent[rubric_hash] = None
            written = {"body": rubric_body(example.rubric), "digest": digest_text(example.rubric)}
            self._rubrics[rubric_hash] = written
            characters += sum(map(len, written.values()))
        row = {
            "dataset_id": self._staged.dataset_id,
            "revision": self._staged.revision,
            "position": self._count,
            "example_id": example.id,
            "rubric_hash": rubric_hash,
            "references_hash": references_hash(example),
            "body": text,
        }
        self._count += 1
        self._buffer.add(row, characters)

    def _write(self, rows: Rows) -> None:
        found = [
            {"project_id": self._project, "content_hash": content_hash, **written}
            for content_hash, written in self._rubrics.items()
        ]
        new = self._database.insert_new(examples, ["dataset_id", "revision", "example_id"])
        with self._database.writing() as connection:
            if found:
                connection.execute(self._database.insert_new(rubrics, ["project_id", "content_hash"]), found)
            if connection.execute(new, rows).rowcount < len(rows):
                raise StoreError(self._twice(connection, rows))
        self._rubrics.clear()
        for old in list(self._recent)[:-_RECENT]:
            del self._recent[old]

    def _twice(self, connection: Connection, rows: Rows) -> str:
        for row in rows:
            first = connection.scalar(
                select(examples.c.position).where(
                    examples.c.dataset_id == row["dataset_id"],
                    examples.c.revision == row["revision"],
                    examples.c.example_id == row["example_id"],
                )
            )
            if first is not None and first != row["position"]:
                return (
                    f"dataset {self._info.name!r}: examples {first + 1} and {row['position'] + 1} are both called "
                    f"{row['example_id']!r}, expected ids that differ"
                )
        return f"dataset {self._info.name!r}: an example was not taken"

    def commit(self) -> DatasetRef:
        """Make it visible; where the latest visible revision says the same, that one stays and is returned."""
        if self._staged is None:
            raise StoreError("this stage is over; open another one")
        self._buffer.flush()
        staged, digest = self._staged, self._digest.hexdigest()
        with self._database.writing() as connection:
            latest = connection.execute(
                select(datasets.c.revision, dataset_revisions.c.digest)
                .join_from(
                    datasets,
                    dataset_revisions,
                    (dataset_revisions.c.dataset_id == datasets.c.id)
                    & (dataset_revisions.c.revision == datasets.c.revision),
                )
                .where(datasets.c.id == staged.dataset_id)
            ).one_or_none()
            same = latest is not None and latest.digest == digest
            ref = DatasetRef(staged.dataset_id, latest.revision) if latest is not None and same else staged
            if not same:
                connection.execute(
                    update(dataset_revisions)
                    .where(
                        dataset_revisions.c.dataset_id == staged.dataset_id,
                        dataset_revisions.c.revision == staged.revision,
                    )
                    .values(digest=digest, n_examples=self._count, visible=True)
                )
            connection.execute(
                update(datasets)
                .where(datasets.c.id == staged.dataset_id)
                .values(revision=ref.revision, **self._about())
            )
        if not same:
            self._staged = None
        self.close()
        return ref

    def close(self) -> None:
        """Take away what was not committed."""
        self._buffer.close()
        staged, self._staged = self._staged, None
        if staged is not None:
            discard_revision(self._database, staged.dataset_id, staged.revision)


@contextmanager
def dataset_stage(database: Database, project: str, info: DatasetInfo) -> Iterator[DatasetStage]:
    """A stage that holds the writer's lock, and leaves nothing behind where it is not committed."""
    with database.lock():
        stage = DatasetStage(database, project, info)
        try:
            yield stage
        finally:
            # What cannot be taken away now (a full disk) stays unseen; the next writer takes it away.
            with suppress(StoreError):
                stage.close()
