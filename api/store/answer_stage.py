"""Answers on their way in: a new set that nobody sees until it is committed."""

from __future__ import annotations

import hashlib
import heapq
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import and_, insert, select, update

from api.store.database import Database
from api.store.dataset_stage import DatasetRef
from api.store.page import rows_of
from api.store.row import json_text
from api.store.staging import ExampleHints, LinedRows, Problem, discard_answers
from api.store.tables import answer_sets, answers, examples
from rubrics import Answer, StoreError, canonical_json


@dataclass(frozen=True, slots=True)
class AnswersRef:
    """A set of answers to one dataset."""

    set_id: str


class AnswerStage:
    """Takes answers one by one; `problems` says what is wrong with them, `commit` makes them visible as a whole."""

    def __init__(self, database: Database, project: str, dataset: DatasetRef) -> None:
        self._database = database
        self._dataset = dataset
        self._set_id = f"as_{secrets.token_hex(6)}"
        self._digest = hashlib.sha256()
        self._hints = ExampleHints(database, dataset.dataset_id, dataset.revision)
        self._rows = LinedRows(
            database, answers, scope={"set_id": self._set_id}, unique=("example_id", "model", "sample")
        )
        self._sound = False
        self._staged = True
        with database.writing() as connection:
            connection.execute(
                insert(answer_sets).values(
                    id=self._set_id,
                    project_id=project,
                    dataset_id=dataset.dataset_id,
                    n_answers=0,
                    visible=False,
                )
            )

    def add(self, line: int, answer: Answer, answer_hash: str) -> None:
        """The next answer, from that line of its file."""
        self._sound = False
        metadata = json_text(answer.metadata, f"the metadata of line {line}")
        row = {
            "example_id": answer.example_id,
            "model": answer.model,
            "sample": answer.sample,
            "text": answer.text,
            "metadata": metadata,
            "answer_hash": answer_hash,
        }
        self._digest.update(canonical_json([*answer.key, answer.text, answer.metadata, answer_hash]) + b"\n")
        self._rows.add(line, row, len(answer.text) + len(metadata))

    def problems(self) -> Iterator[Problem]:
        """Every answer that is there twice, and every answer to no example of the dataset, in the order of lines."""
        self._rows.flush()
        sound = True
        for problem in heapq.merge(self._rows.bounced(_answer_words), self._strangers()):
            sound = False
            yield problem
        self._sound = sound

    def _strangers(self) -> Iterator[Problem]:
        example = and_(
            examples.c.dataset_id == self._dataset.dataset_id,
            examples.c.revision == self._dataset.revision,
            examples.c.example_id == answers.c.example_id,
        )
        stranger = select(answers.c.position, answers.c.line, answers.c.example_id).where(
            answers.c.set_id == self._set_id, ~select(examples.c.position).where(example).exists()
        )
        for row in rows_of(self._database, stranger, [answers.c.position]):
            hint = self._hints(row.example_id)
            yield Problem(
                row.line, f"got example_id {row.example_id!r}, expected the id of an example in the dataset{hint}"
            )

    def commit(self) -> AnswersRef:
        """Make them visible; where a visible set of this dataset says the same, that one is returned.

        StoreError where there are problems.
        """
        if not self._staged:
            raise StoreError("this stage is over; open another one")
        if not self._sound and (first := next(self.problems(), None)) is not None:
            raise StoreError(f"line {first.line}: {first.message}; the answers were not taken")
        digest = self._digest.hexdigest()
        same = select(answer_sets.c.id).where(
            answer_sets.c.dataset_id == self._dataset.dataset_id,
            answer_sets.c.digest == digest,
            answer_sets.c.visible,
        )
        with self._database.writing() as connection:
            known = connection.scalar(same.limit(1))
            if known is None:
                connection.execute(
                    update(answer_sets)
                    .where(answer_sets.c.id == self._set_id)
                    .values(digest=digest, n_answers=self._rows.count, visible=True)
                )
                self._staged = False
        self.close()
        return AnswersRef(known or self._set_id)

    def close(self) -> None:
        """Take away what was not committed."""
        self._rows.close()
        if self._staged:
            self._staged = False
            discard_answers(self._database, self._set_id)


def _answer_words(row: object) -> str:
    example_id, model, sample = (getattr(row, name) for name in ("example_id", "model", "sample"))
    return f"an answer to example {example_id!r} by model {model!r}, sample {sample}"


@contextmanager
def answer_stage(database: Database, project: str, dataset: DatasetRef) -> Iterator[AnswerStage]:
    """A stage that holds the writer's lock, and leaves nothing behind where it is not committed."""
    with database.lock():
        stage = AnswerStage(database, project, dataset)
        try:
            yield stage
        finally:
            # What cannot be taken away now (a full disk) stays unseen; the next writer takes it away.
            with suppress(StoreError):
                stage.close()
