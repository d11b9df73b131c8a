"""Reads a run's judgments page by page: the highest attempt of each cell, and which of them still hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress, pairwise
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select, tuple_

from api.store.answer_range import AnswerKey
from api.store.answer_stage import AnswersRef
from api.store.database import Database
from api.store.dataset_stage import DatasetRef
from api.store.page import pages_of_rows
from api.store.plan import Plan, Today
from api.store.row import body_of
from api.store.tables import answers, examples, judgments
from graders import HUMAN, READ_IN, JudgmentPage

_ANSWERS_AT_ONCE = 500
_JUDGMENTS_AT_ONCE = 2_000

_CELL = ("example_id", "model", "sample", "criterion_id", "grader", "repeat")
_ORDER = [*(judgments.c[name] for name in _CELL), judgments.c.attempt]
_NAMES = (*_CELL, "attempt", "key", "status", "grader_kind", "criterion_hash", "answer_hash", "body")
_WIDTH, _ATTEMPT, _BODY = len(_CELL), _NAMES.index("attempt"), _NAMES.index("body")
_PAGE = [_NAMES.index(name) for name in JudgmentPage.NAMES]
_CLAIM = [_NAMES.index(name) for name in ("repeat", "key", "criterion_hash", "answer_hash")]
_CRITERION, _GRADER, _KIND = (_NAMES.index(name) for name in ("criterion_id", "grader", "grader_kind"))
_ANSWER = tuple_(judgments.c.example_id, judgments.c.model, judgments.c.sample)

Columns = Sequence[Sequence[Any]]


class JudgmentPages:
    """The judgments of one run, ordered by example id, model, sample, criterion, grader and repeat."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run_id = run_id

    def every(self) -> Iterator[JudgmentPage]:
        """The highest attempt of each cell, whether it holds or not."""
        for columns in self._highest(judgments.c.run_id == self._run_id):
            yield _page(columns)

    def holding(self, dataset: DatasetRef, answered: AnswersRef, plan: Plan) -> Iterator[JudgmentPage]:
        """Those that hold for this dataset, these answers and this plan."""
        # Judgments are read answers first: an answer has many, and is looked up once for all of them.
        for today in self._answers(dataset, answered):
            of_run = judgments.c.run_id == self._run_id
            between = and_(of_run, next(iter(today)) <= _ANSWER, next(reversed(today)) >= _ANSWER)
            for columns in self._highest(between):
                of_answer = zip(*columns[:3], strict=True)
                asked = self._asked(columns)
                rest = (columns[place] for place in _CLAIM)
                claims = zip(of_answer, columns[_CRITERION], asked, *rest, strict=True)
                holds = list(plan.holding(claims, today))
                if any(holds):
                    yield _page(columns if all(holds) else [list(compress(column, holds)) for column in columns])

    def _asked(self, columns: Columns) -> Sequence[str]:
        """The names under which the run asks whoever gave some judgments: people who read here have one together."""
        if "human" not in columns[_KIND]:
            return columns[_GRADER]
        rows = zip(columns[_GRADER], columns[_KIND], columns[_BODY], strict=True)
        return [
            HUMAN if kind == "human" and body_of(body).get("metadata", {}).get(READ_IN) == self._run_id else grader
            for grader, kind, body in rows
        ]

    def _answers(self, dataset: DatasetRef, answered: AnswersRef) -> Iterator[dict[AnswerKey, Today]]:
        key = [answers.c.example_id, answers.c.model, answers.c.sample]
        example = and_(
            examples.c.dataset_id == dataset.dataset_id,
            examples.c.revision == dataset.revision,
            examples.c.example_id == answers.c.example_id,
        )
        here = (
            select(*key, answers.c.answer_hash, examples.c.rubric_hash, examples.c.references_hash)
            .join_from(answers, examples, example)
            .where(answers.c.set_id == answered.set_id)
        )
        for rows in pages_of_rows(self._database, here, key, size=_ANSWERS_AT_ONCE):
            yield {tuple(row[:3]): Today._make(row[3:]) for row in rows}

    def _highest(self, condition: ColumnElement[bool]) -> Iterator[Columns]:
        """The columns of the last attempts, a page at a time."""
        here = select(*(judgments.c[name] for name in _NAMES)).where(condition)
        left: list[Row[Any]] = []
        for page in pages_of_rows(self._database, here, _ORDER, size=_JUDGMENTS_AT_ONCE):
            rows = [*left, *page]
            left = rows[-1:]  # the next page may begin with a later attempt of the same cell
            if last := [row for row, after in pairwise(rows) if not after[_ATTEMPT] or after[:_WIDTH] != row[:_WIDTH]]:
                yield list(zip(*last, strict=True))
        if left:
            yield list(zip(*left, strict=True))


def _page(columns: Columns) -> JudgmentPage:
    return JudgmentPage([columns[place] for place in _PAGE], list(map(body_of, columns[_BODY])))
