"""A question whose texts stay in the store until someone is asked: planning reads hashes only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Row, bindparam, select

from api.store.answer_stage import AnswersRef
from api.store.database import Database
from api.store.dataset_stage import DatasetRef
from api.store.page import PAGE, rows_of
from api.store.row import answer_of, example_of
from api.store.rubric_shelf import RubricShelf
from api.store.tables import answers, examples
from graders import HashedKey, RubricDigest
from rubrics import Answer, Example

_HASHES = (
    select(answers.c.example_id, answers.c.model, answers.c.sample, answers.c.answer_hash)
    .where(answers.c.set_id == bindparam("set_id"), answers.c.example_id == bindparam("example_id"))
    .order_by(answers.c.model, answers.c.sample)
)
_TEXTS = (
    select(answers)
    .where(answers.c.set_id == bindparam("set_id"), answers.c.example_id == bindparam("example_id"))
    .order_by(answers.c.model, answers.c.sample)
)
_BODY = select(examples.c.body).where(
    examples.c.dataset_id == bindparam("dataset_id"),
    examples.c.revision == bindparam("revision"),
    examples.c.position == bindparam("position"),
)


class StoredQuestion:
    """Implements `graders.question.Question` over a run's dataset and answers."""

    def __init__(
        self, database: Database, dataset: DatasetRef, answered: AnswersRef, shelf: RubricShelf, row: Row[Any]
    ) -> None:
        self._database = database
        self._dataset = dataset
        self._which = {"set_id": answered.set_id, "example_id": row.example_id}
        self._shelf = shelf
        self._position = row.position
        self._rubric_hash: str = row.rubric_hash
        self.example_id: str = row.example_id
        self.references_hash: str = row.references_hash
        with database.reading() as connection:
            self.answers: Sequence[HashedKey] = list(
                map(HashedKey._make, connection.execute(_HASHES, self._which).all())
            )

    @property
    def rubric(self) -> RubricDigest:
        """What a plan must know of the rubric."""
        return self._shelf.digest(self._rubric_hash)

    def load(self) -> tuple[Example, Sequence[Answer]]:
        """The example and its answers with their texts."""
        where = {
            "dataset_id": self._dataset.dataset_id,
            "revision": self._dataset.revision,
            "position": self._position,
        }
        with self._database.reading() as connection:
            body = connection.execute(_BODY, where).scalar_one()
            rows = connection.execute(_TEXTS, self._which).all()
        return example_of(body, self._shelf.get(self._rubric_hash)), list(map(answer_of, rows))


def stored_questions(
    database: Database,
    dataset: DatasetRef,
    answered: AnswersRef,
    shelf: RubricShelf,
    *,
    only: Sequence[int] | None = None,
) -> Iterator[StoredQuestion]:
    """The questions in the dataset's order; `only` names some by their place in it, from 0 and rising."""
    here = select(examples.c.position, examples.c.example_id, examples.c.rubric_hash, examples.c.references_hash).where(
        examples.c.dataset_id == dataset.dataset_id, examples.c.revision == dataset.revision
    )
    wanted = count() if only is None else iter(only)
    following = next(wanted, None)
    for number, row in enumerate(rows_of(database, here, [examples.c.position], size=PAGE)):
        if following is None:
            return
        if number == following:
            following = next(wanted, None)
            yield StoredQuestion(database, dataset, answered, shelf, row)
