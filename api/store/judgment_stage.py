"""Recorded judgments on their way into a run: kept apart until the caller has checked them, answer by answer."""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, bindparam, select

from api.store.answer_range import AnswerKey, answer_bounds, between_answers
from api.store.database import Database
from api.store.dataset_stage import DatasetRef
from api.store.page import rows_of
from api.store.row import body_of, cell_words, staged_judgment_of, staged_row, staged_row_of
from api.store.staging import ExampleHints, LinedRows, Problem, discard_judgments
from api.store.tables import answers, staged_judgments
from graders import CellId, Judgment
from rubrics import StoreError, did_you_mean

_UNIQUE = ("example_id", "model", "sample", "criterion_id", "grader", "repeat", "fingerprint")
_MOST_MODELS = 1_000

_OF_ANSWER = select(staged_judgments).where(
    staged_judgments.c.import_id == bindparam("import_id"),
    staged_judgments.c.example_id == bindparam("example_id"),
    staged_judgments.c.model == bindparam("model"),
    staged_judgments.c.sample == bindparam("sample"),
)
"""Without an order: SQLite would walk the whole import by position instead of the few rows of the answer."""


_ROW = ("position", "line", "example_id", "model", "sample", "criterion_id", "grader", "repeat", "body")
_BETWEEN = select(*(staged_judgments.c[name] for name in _ROW)).where(
    staged_judgments.c.import_id == bindparam("import_id"), between_answers(staged_judgments)
)


class StagedRow(NamedTuple):
    """A recorded judgment as JSON: the line it stands on, its cell among those of its answer, and all its fields."""

    line: int
    cell: CellId
    row: dict[str, Any]


class StagedJudgment(NamedTuple):
    """A recorded judgment and the line it stands on."""

    line: int
    judgment: Judgment


class JudgmentStage:
    """Takes recorded judgments one by one and gives them out by answer; nothing of it stays."""

    def __init__(self, database: Database, run_id: str, dataset: DatasetRef, set_id: str) -> None:
        self._database = database
        self._set_id = set_id
        self._import_id = f"im_{secrets.token_hex(6)}"
        self._hints = ExampleHints(database, dataset.dataset_id, dataset.revision)
        self._rows = LinedRows(
            database,
            staged_judgments,
            scope={"import_id": self._import_id},
            unique=_UNIQUE,
        )
        self._run_id = run_id

    def add(self, line: int, judgment: Judgment) -> None:
        """The next judgment, from that line of its file."""
        row = staged_row(judgment)
        self._rows.add(line, {"run_id": self._run_id, **row}, len(row["body"]))

    def add_row(self, line: int, row: Mapping[str, Any]) -> None:
        """The same of a plain judgment, which needs no model."""
        staged = staged_row_of(row)
        self._rows.add(line, {"run_id": self._run_id, **staged}, len(staged["body"]))

    def problems(self) -> Iterator[Problem]:
        """Every second judgment of one cell and grader fingerprint, and every judgment of no answer of the run."""
        self._rows.flush()
        yield from heapq.merge(self._rows.bounced(_judgment_words), self._strangers())

    def _strangers(self) -> Iterator[Problem]:
        staged = staged_judgments.c
        answer = and_(
            answers.c.set_id == self._set_id,
            answers.c.example_id == staged.example_id,
            answers.c.model == staged.model,
            answers.c.sample == staged.sample,
        )
        stranger = select(staged.position, staged.line, staged.example_id, staged.model, staged.sample).where(
            staged.import_id == self._import_id, ~select(answers.c.position).where(answer).exists()
        )
        for row in rows_of(self._database, stranger, [staged.position]):
            yield Problem(row.line, self._stranger_words(row.example_id, row.model, row.sample))

    def _stranger_words(self, example_id: str, model: str, sample: int) -> str:
        known = (
            select(answers.c.model)
            .where(answers.c.set_id == self._set_id, answers.c.example_id == example_id)
            .distinct()
            .limit(_MOST_MODELS)
        )
        with self._database.reading() as connection:
            models = connection.scalars(known).all()
        if not models:
            return f"got example_id {example_id!r}, to which this run has no answer{self._hints(example_id)}"
        if model not in models:
            return (
                f"got model {model!r}, of which this run has no answer to example {example_id!r}"
                f"{did_you_mean(model, models)}"
            )
        return f"got sample {sample} of model {model!r} and example {example_id!r}, expected a sample that this run has"

    def for_answer(self, example_id: str, model: str, sample: int) -> list[StagedJudgment]:
        """The judgments of one answer, in the order of lines."""
        self._rows.flush()
        which = {"import_id": self._import_id, "example_id": example_id, "model": model, "sample": sample}
        with self._database.reading() as connection:
            rows = connection.execute(_OF_ANSWER, which).all()
        rows = sorted(rows, key=lambda row: row.position)
        return [StagedJudgment(row.line, staged_judgment_of(row)) for row in rows]

    def between(self, first: AnswerKey, last: AnswerKey) -> Mapping[AnswerKey, Sequence[StagedRow]]:
        """The rows of the answers from one to another, each answer's in the order of lines."""
        self._rows.flush()
        with self._database.reading() as connection:
            rows = connection.execute(_BETWEEN, {"import_id": self._import_id, **answer_bounds(first, last)}).all()
        found: dict[AnswerKey, list[StagedRow]] = {}
        for _, line, example_id, model, sample, criterion_id, grader, repeat, body in sorted(rows, key=itemgetter(0)):
            row = body_of(body) | {"example_id": example_id, "model": model, "sample": sample}
            row |= {"criterion_id": criterion_id, "grader": grader, "repeat": repeat}
            staged = StagedRow(line, (criterion_id, grader, repeat), row)
            found.setdefault((example_id, model, sample), []).append(staged)
        return found

    def close(self) -> None:
        """Take the rows away."""
        self._rows.close()
        discard_judgments(self._database, self._import_id)


def _judgment_words(row: Row[*tuple[object, ...]]) -> str:
    same = " with the same grader_fingerprint" if row.fingerprint else ""
    cell = (row.example_id, row.model, row.sample, row.criterion_id, row.grader, row.repeat)
    return f"a judgment of {cell_words(cell)}{same}"


@contextmanager
def judgment_stage(database: Database, run_id: str, dataset: DatasetRef, set_id: str) -> Iterator[JudgmentStage]:
    """A stage that holds the writer's lock, and leaves nothing behind."""
    with database.lock():
        stage = JudgmentStage(database, run_id, dataset, set_id)
        try:
            yield stage
        finally:
            # What cannot be taken away now (a full disk) stays unseen; the next writer takes it away.
            with suppress(StoreError):
                stage.close()
