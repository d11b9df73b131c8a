"""A run: its name, its graders, the dataset and the answers it is about, and everything that can be read of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import select

from api.store.answer_stage import AnswersRef
from api.store.database import Database
from api.store.dataset_stage import DatasetRef
from api.store.judgment_pages import JudgmentPages
from api.store.judgment_stage import JudgmentStage, judgment_stage
from api.store.ledger import RunLedger
from api.store.page import TEXT_PAGE, rows_of
from api.store.plan import Plan
from api.store.provider_batches import ProviderBatches
from api.store.row import answer_of, example_of
from api.store.rubric_shelf import RubricShelf
from api.store.stored_question import StoredQuestion, stored_questions
from api.store.tables import answers, datasets, examples
from graders import GraderCard, Judgment, JudgmentPage
from rubrics import Answer, DatasetInfo, Example


class HashedAnswer(NamedTuple):
    """An answer as far as scores want it, and its `answer_hash`."""

    example_id: str
    model: str
    sample: int
    text: str
    answer_hash: str


@dataclass(frozen=True, eq=False)
class Run:
    """One run. What it reads it streams in pages: memory stays the same, and writes may go on meanwhile."""

    id: str
    name: str
    dataset_ref: DatasetRef
    """The dataset and the revision that the run is about now."""
    answers_ref: AnswersRef
    """The answers that the run is about now."""
    cards: tuple[GraderCard, ...]
    """The graders with all their arguments; imported judgments have none."""
    repeats: int
    """How many judgments of each cell every grader gives."""
    settings: Mapping[str, Any]
    """What else the run was told, as JSON."""
    created_at: str
    """When it was first made, in ISO 8601 with the offset."""
    _database: Database = field(repr=False)
    _shelf: RubricShelf = field(repr=False)

    def dataset_info(self) -> DatasetInfo:
        """What holds for all examples of the dataset."""
        info = select(datasets.c.info).where(datasets.c.id == self.dataset_ref.dataset_id)
        with self._database.reading() as connection:
            return DatasetInfo.model_validate(json.loads(connection.execute(info).scalar_one()))

    def examples(self) -> Iterator[Example]:
        """The examples in the dataset's order."""
        here = select(examples).where(
            examples.c.dataset_id == self.dataset_ref.dataset_id, examples.c.revision == self.dataset_ref.revision
        )
        for row in rows_of(self._database, here, [examples.c.position], size=TEXT_PAGE):
            yield example_of(row.body, self._shelf.get(row.rubric_hash))

    def answers(self) -> Iterator[Answer]:
        """The answers in the order in which they came."""
        here = select(answers).where(answers.c.set_id == self.answers_ref.set_id)
        for row in rows_of(self._database, here, [answers.c.position], size=TEXT_PAGE):
            yield answer_of(row)

    def hashed_answers(self) -> Iterator[HashedAnswer]:
        """The answers in that order, without their metadata."""
        here = select(answers.c.position, *(answers.c[name] for name in HashedAnswer._fields)).where(
            answers.c.set_id == self.answers_ref.set_id
        )
        for row in rows_of(self._database, here, [answers.c.position], size=TEXT_PAGE):
            yield HashedAnswer._make(row[1:])

    def questions(self, *, only: Sequence[int] | None = None) -> Iterator[StoredQuestion]:
        """Each example in the dataset's order with its answers; an example that nobody answered has none.

        `only` names the ones that are wanted by their place in that order, from 0 and rising.
        """
        return stored_questions(self._database, self.dataset_ref, self.answers_ref, self._shelf, only=only)

    def judgments(self, *, current: bool) -> Iterator[Judgment]:
        """The judgments of `judgment_pages`, one at a time."""
        return chain.from_iterable(self.judgment_pages(current=current))

    def judgment_pages(self, *, current: bool) -> Iterator[JudgmentPage]:
        """The highest attempt of each cell, ordered by example id, model, sample, criterion, grader and repeat.

        With `current`, only those that still hold: judged on today's criterion, prompt and answer, and, where the
        grader is one of the run's, with the key that it would ask with today. The others stay in the ledger.
        """
        pages = JudgmentPages(self._database, self.id)
        if not current:
            return pages.every()
        return pages.holding(self.dataset_ref, self.answers_ref, Plan(self.cards, self.repeats, self._shelf))

    def ledger(self) -> RunLedger:
        """Where the engine keeps this run's judgments and asks for them."""
        return RunLedger(self._database, self.id)

    def provider_batches(self) -> ProviderBatches:
        """What this run has submitted to providers' batch endpoints."""
        return ProviderBatches(self._database, self.id)

    def stage_judgments(self) -> AbstractContextManager[JudgmentStage]:
        """A place for recorded judgments until they are checked: `with run.stage_judgments() as stage`."""
        return judgment_stage(self._database, self.id, self.dataset_ref, self.answers_ref.set_id)
