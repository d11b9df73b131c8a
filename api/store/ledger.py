"""The ledger of one run in the store: append-only, and what it acknowledged survives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from api.store.database import Database
from api.store.row import judgment_row
from api.store.tables import judgments, runs
from graders import CellId, Entry, Judgment, Standing

_CELL = ("run_id", "example_id", "model", "sample", "criterion_id", "grader", "repeat", "attempt")

_STANDING = (
    select(
        judgments.c.criterion_id,
        judgments.c.grader,
        judgments.c.repeat,
        judgments.c.attempt,
        judgments.c.key,
        judgments.c.status,
    )
    .where(
        judgments.c.run_id == bindparam("run_id"),
        judgments.c.example_id == bindparam("example_id"),
        judgments.c.model == bindparam("model"),
        judgments.c.sample == bindparam("sample"),
    )
    .order_by(judgments.c.criterion_id, judgments.c.grader, judgments.c.repeat, judgments.c.attempt)
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
        """What is there of one answer's cells, read in one index range."""
        which = {"run_id": self._run_id, "example_id": example_id, "model": model, "sample": sample}
        with self._database.reading() as connection:
            rows = connection.execute(_STANDING, which).all()
        # The highest attempt comes last and stays.
        return {
            (criterion_id, grader, repeat): Standing(attempt, key, status)
            for criterion_id, grader, repeat, attempt, key, status in rows
        }

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
        rows = [judgment_row(entry) for entry in entries]
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
            connection.execute(self._database.insert_new(judgments, _CELL), rows)


def _entry(row: Row[Any]) -> Entry:
    columns = {name: value for name, value in row._mapping.items() if name in Judgment.model_fields}
    return Entry(Judgment.model_validate({**json.loads(row.body), **columns}), row.key, row.attempt)
