"""The ledger of one run in the store: append-only, and what it acknowledged survives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from api.store.answer_range import AnswerKey, answer_bounds, between_answers
from api.store.database import Database
from api.store.row import RowEntry, judgment_row, judgment_row_of
from api.store.tables import judgments, runs
from graders import CellId, Entry, Standing

_CELL = ("run_id", "example_id", "model", "sample", "criterion_id", "grader", "repeat", "attempt")

_OF_EXAMPLE = (
    select(
        judgments.c.model,
        judgments.c.sample,
        judgments.c.criterion_id,
        judgments.c.grader,
        judgments.c.repeat,
        judgments.c.attempt,
        judgments.c.key,
        judgments.c.status,
    )
    .where(judgments.c.run_id == bindparam("run_id"), judgments.c.example_id == bindparam("example_id"))
    .order_by(
        judgments.c.model,
        judgments.c.sample,
        judgments.c.criterion_id,
        judgments.c.grader,
        judgments.c.repeat,
        judgments.c.attempt,
    )
)
_OF_ANSWER = _OF_EXAMPLE.where(judgments.c.model == bindparam("model"), judgments.c.sample == bindparam("sample"))

_STANDING_BETWEEN = (
    select(*(judgments.c[name] for name in (*_CELL[1:], "key", "status")))
    .where(judgments.c.run_id == bindparam("run_id"), between_answers(judgments))
    .order_by(*(judgments.c[name] for name in _CELL))
)


class RunLedger:
    """Implements `graders.ledger.Ledger`; one thread may keep while others ask."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run_id = run_id

    def standing(self, example_id: str, model: str, sample: int) -> Mapping[CellId, Standing]:
        """What is there of one answer's cells, read in one index range."""
        which = {"run_id": self._run_id, "example_id": example_id, "model": model, "sample": sample}
        return self._standings(_OF_ANSWER, which).get((model, sample), {})

    def standings(self, example_id: str) -> Mapping[tuple[str, int], Mapping[CellId, Standing]]:
        """What is there of the cells of all answers to an example, read in one index range."""
        return self._standings(_OF_EXAMPLE, {"run_id": self._run_id, "example_id": example_id})

    def _standings(
        self, statement: Select[Any], which: Mapping[str, Any]
    ) -> Mapping[tuple[str, int], Mapping[CellId, Standing]]:
        with self._database.reading() as connection:
            rows = connection.execute(statement, which).all()
        found: dict[tuple[str, int], dict[CellId, Standing]] = {}
        for row in rows:  # the highest attempt of a cell comes last and stays
            found.setdefault(row[:2], {})[row[2:5]] = Standing._make(row[5:])
        return found

    def standing_between(self, first: AnswerKey, last: AnswerKey) -> Mapping[AnswerKey, Mapping[CellId, Standing]]:
        """What is there of the cells of the answers from one to another."""
        with self._database.reading() as connection:
            rows = connection.execute(_STANDING_BETWEEN, {"run_id": self._run_id, **answer_bounds(first, last)}).all()
        found: dict[AnswerKey, dict[CellId, Standing]] = {}
        for example_id, model, sample, criterion_id, grader, repeat, attempt, key, status in rows:
            cells = found.setdefault((example_id, model, sample), {})
            cells[criterion_id, grader, repeat] = Standing(attempt, key, status)
        return found

    def keep(self, entries: Sequence[Entry]) -> None:
        """Append entries in one transaction, all or none; when this returns they are on the disk.

        One that is there already (same cell and attempt) is left as it is; its number in the sequence stays unused.
        """
        self._append([judgment_row(entry) for entry in entries])

    def keep_rows(self, entries: Sequence[RowEntry]) -> None:
        """The same of judgments that are no models."""
        self._append([judgment_row_of(entry) for entry in entries])

    def _append(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        number = (
            update(runs)
            .where(runs.c.id == self._run_id)
            .values(next_seq=runs.c.next_seq + len(rows))
            .returning(runs.c.next_seq)
        )
        with self._database.writing() as connection:
            first = connection.execute(number).scalar_one() - len(rows)
            for seq, row in enumerate(rows, start=first):
                row["run_id"] = self._run_id
                row["seq"] = seq
            self._database.insert_rows(connection, self._database.insert_new(judgments, _CELL), rows)
