"""The ledger of one run in the store: append-only, and what it acknowledged survives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from api.store.answer_range import AnswerKey, answer_bounds, between_answers
from api.store.database import Database
from api.store.row import RowEntry, judgment_row, judgment_row_of
from api.store.tables import judgments, runs
from graders import CellId, Entry, HashedKey, Judgment, Standing

_CELL = ("run_id", "example_id", "model", "sample", "criterion_id", "grader", "repeat", "attempt")

_STANDING_BETWEEN = (
    select(*(judgments.c[name] for name in (*_CELL[1:], "key", "status")))
    .where(judgments.c.run_id == bindparam("run_id"), between_answers(judgments))
    .order_by(*(judgments.c[name] for name in _CELL))
)

_ENTRIES = (
    select(judgments)
    .where(
        judgments.c.run_id == bindparam("run_id"),
        judgments.c.example_id == bindparam("example_id"),
        judgments.c.model == bindparam("model"),
        judgments.c.sample == bindparam("sample"),
    )
    .order_by(judgments.c.attempt)
)


class RunLedger:
    """Implements `graders.Ledger` and `graders.RewardLedger`; one thread may keep while others ask."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run_id = run_id

    def standing(self, example_id: str, model: str, sample: int) -> Mapping[CellId, Standing]:
        """What is there of one answer's cells."""
        key = (example_id, model, sample)
        return self.standing_between(key, key).get(key, {})

    def standings(self, answers: Sequence[HashedKey]) -> Mapping[AnswerKey, Mapping[CellId, Standing]]:
        """What is there of the cells of some answers to one example, read in one index range."""
        keys = [answer.key for answer in answers]
        return self.standing_between(min(keys), max(keys)) if keys else {}

    def standing_between(self, first: AnswerKey, last: AnswerKey) -> Mapping[AnswerKey, Mapping[CellId, Standing]]:
        """What is there of the cells of the answers from one to another."""
        with self._database.reading() as connection:
            rows = connection.execute(_STANDING_BETWEEN, {"run_id": self._run_id, **answer_bounds(first, last)}).all()
        found: dict[AnswerKey, dict[CellId, Standing]] = {}
        for row in rows:  # the highest attempt of a cell comes last and stays
            found.setdefault(row[:3], {})[row[3:6]] = Standing._make(row[6:])
        return found

    def entries_of(self, example_id: str, model: str, sample: int) -> Mapping[CellId, Entry]:
        """The highest attempt of each of one answer's cells, with its judgment."""
        which = {"run_id": self._run_id, "example_id": example_id, "model": model, "sample": sample}
        with self._database.reading() as connection:
            rows = connection.execute(_ENTRIES, which).all()
        return {(row.criterion_id, row.grader, row.repeat): _entry(row) for row in rows}

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


def _entry(row: Row[Any]) -> Entry:
    columns = {name: value for name, value in row._mapping.items() if name in Judgment.model_fields}
    return Entry(Judgment.model_validate({**json.loads(row.body), **columns}), row.key, row.attempt)
