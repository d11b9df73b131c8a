"""A question whose texts stay in the store until someone is asked: planning reads hashes only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from api.store.answer_stage import AnswersRef
from api.store.database import Database
from api.store.dataset_stage import DatasetRef
from api.store.page import PAGE, rows_of
from api.store.row import answer_of, example_of
from api.store.rubric_shelf import RubricShelf
from api.store.tables import answers, examples, rubrics
from graders import HashedKey, RubricDigest
from rubrics import Answer, Example

_AT_ONCE = 8
"""Questions whose hashes, and whose texts, are read together: a statement costs more than the rows it reads."""

_HASHES = select(answers.c.example_id, answers.c.model, answers.c.sample, answers.c.answer_hash)
_TEXTS = select(answers)
_THESE = and_(answers.c.set_id == bindparam("set_id"), answers.c.example_id.in_(bindparam("ids", expanding=True)))
_ORDER = (answers.c.example_id, answers.c.model, answers.c.sample)
_RUBRIC = and_(rubrics.c.project_id == bindparam("project_id"), rubrics.c.content_hash == examples.c.rubric_hash)
_BODIES = (
    select(examples.c.example_id, examples.c.body, rubrics.c.body.label("rubric_body"))
    .outerjoin_from(examples, rubrics, _RUBRIC)
    .where(
        examples.c.dataset_id == bindparam("dataset_id"),
        examples.c.revision == bindparam("revision"),
        examples.c.example_id.in_(bindparam("ids", expanding=True)),
    )
)


class StoredQuestion:
    """Implements `graders.question.Question` over a run's dataset and answers."""

    def __init__(self, row: Row[Any], rubric: RubricDigest, hashed: Sequence[HashedKey], texts: _Texts) -> None:
        self.example_id: str = row.example_id
        self.references_hash: str = row.references_hash
        self.rubric = rubric
        """What a plan must know of the rubric."""
        self.answers = hashed
        self._rubric_hash: str = row.rubric_hash
        self._texts = texts

    def load(self) -> tuple[Example, Sequence[Answer]]:
        """The example and its answers with their texts."""
        return self._texts.of(self.example_id, self._rubric_hash)


class _Texts:
    """The texts of a few questions, read together when the first of them is wanted; each is given out once."""

    def __init__(
        self, database: Database, shelf: RubricShelf, dataset: DatasetRef, answered: AnswersRef, ids: Sequence[str]
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._which = {
            "project_id": shelf.project,
            "dataset_id": dataset.dataset_id,
            "revision": dataset.revision,
            "set_id": answered.set_id,
        }
        self._ids = list(ids)
        self._bodies: dict[str, tuple[str, str | None]] = {}
        self._answers: dict[str, list[Answer]] = {}

    def of(self, example_id: str, rubric_hash: str) -> tuple[Example, Sequence[Answer]]:
        """An example and its answers."""
        if example_id not in self._bodies:
            self._read(self._ids if example_id in self._ids else [example_id])
        body, rubric_body = self._bodies.pop(example_id)
        self._ids = [other for other in self._ids if other != example_id]
        return example_of(body, self._shelf.get(rubric_hash, rubric_body)), self._answers.pop(example_id, [])

    def _read(self, ids: Sequence[str]) -> None:
        which = {**self._which, "ids": ids}
        with self._database.reading() as connection:
            for example_id, body, rubric_body in connection.execute(_BODIES, which):
                self._bodies[example_id] = body, rubric_body
            for row in connection.execute(_TEXTS.where(_THESE).order_by(*_ORDER), which):
                self._answers.setdefault(row.example_id, []).append(answer_of(row))


def stored_questions(
    database: Database,
    dataset: DatasetRef,
    answered: AnswersRef,
    shelf: RubricShelf,
    *,
    only: Sequence[int] | None = None,
) -> Iterator[StoredQuestion]:
    """The questions in the dataset's order; `only` names some by their place in it, from 0 and rising."""
    some: list[Row[Any]] = []
    for row in _rows(database, dataset, shelf, only):
        some.append(row)
        if len(some) == _AT_ONCE:
            yield from _questions(database, dataset, answered, shelf, some)
            some = []
    if some:
        yield from _questions(database, dataset, answered, shelf, some)


def _rows(
    database: Database, dataset: DatasetRef, shelf: RubricShelf, only: Sequence[int] | None
) -> Iterator[Row[Any]]:
    here = (
        select(
            examples.c.position,
            examples.c.example_id,
            examples.c.rubric_hash,
            examples.c.references_hash,
            rubrics.c.digest,
        )
        .outerjoin_from(
            examples,
            rubrics,
            and_(rubrics.c.project_id == shelf.project, rubrics.c.content_hash == examples.c.rubric_hash),
        )
        .where(examples.c.dataset_id == dataset.dataset_id, examples.c.revision == dataset.revision)
    )
    wanted = count() if only is None else iter(only)
    following = next(wanted, None)
    for number, row in enumerate(rows_of(database, here, [examples.c.position], size=PAGE)):
        if following is None:
            return
        if number == following:
            following = next(wanted, None)
            yield row


def _questions(
    database: Database, dataset: DatasetRef, answered: AnswersRef, shelf: RubricShelf, rows: Sequence[Row[Any]]
) -> Iterator[StoredQuestion]:
    ids = [row.example_id for row in rows]
    hashed: dict[str, list[HashedKey]] = {example_id: [] for example_id in ids}
    with database.reading() as connection:
        found = connection.execute(
            _HASHES.where(_THESE).order_by(*_ORDER), {"set_id": answered.set_id, "ids": ids}
        ).all()
    for key in map(HashedKey._make, found):
        hashed[key.example_id].append(key)
    texts = _Texts(database, shelf, dataset, answered, ids)
    for row in rows:
        yield StoredQuestion(row, shelf.digest(row.rubric_hash, row.digest), hashed[row.example_id], texts)
