"""Inputs on their way in: written in short transactions where nobody sees them, then made visible or taken away."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, func, select, tuple_

from api.store.database import Database
from api.store.tables import answer_sets, answers, dataset_revisions, datasets, examples, staged_judgments
from rubrics import StoreError, did_you_mean

Rows = list[dict[str, Any]]

ROWS_A_TRANSACTION = 1_000
CHARACTERS_A_TRANSACTION = 4_000_000
_DELETED_AT_ONCE = 5_000
_AT_ONCE = 100
_MOST_KNOWN = 10_000
_MOST_HINTS = 20


class Problem(NamedTuple):
    """What is wrong with a staged line."""

    line: int
    message: str


class RowBuffer:
    """Collects rows and hands them on, at most so many and so long that a transaction stays short."""

    def __init__(self, write: Callable[[Rows], None]) -> None:
        self._write = write
        self._rows: Rows = []
        self._characters = 0
        self._closed = False

    def add(self, row: dict[str, Any], characters: int) -> None:
        """One more row; `characters` says about how long it is."""
        self._refuse_if_closed()
        self._rows.append(row)
        self._characters += characters
        if len(self._rows) >= ROWS_A_TRANSACTION or self._characters >= CHARACTERS_A_TRANSACTION:
            self.flush()

    def flush(self) -> None:
        """Hand on what is there; where that fails the stage is over, for rows are missing from it."""
        self._refuse_if_closed()
        rows, self._rows, self._characters = self._rows, [], 0
        if rows:
            try:
                self._write(rows)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Take no more, and forget what was not handed on."""
        self._closed = True
        self._rows = []

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError("this stage is over, nothing more can be done with it; open another one")


class LinedRows:
    """Rows with a line and a position in a table with a unique index; notes which lines bounced off that index.

    Memory holds one batch, and 16 bytes for each line that bounced.
    """

    def __init__(self, database: Database, table: Table, *, scope: Mapping[str, Any], unique: Sequence[str]) -> None:
        self._database = database
        self._table = table
        self._scope = dict(scope)
        self._in_scope = and_(*(table.c[name] == value for name, value in scope.items()))
        self._unique = tuple(unique)
        self._buffer = RowBuffer(self._write)
        self._bounced = array("q")
        self._first = array("q")
        self.count = 0
        """How many were added, bounced ones included."""

    def add(self, line: int, row: dict[str, Any], characters: int) -> None:
        """One more row, from that line."""
        self._buffer.add({**self._scope, **row, "position": self.count, "line": line}, characters)
        self.count += 1

    def flush(self) -> None:
        """Write what is not written yet."""
        self._buffer.flush()

    def close(self) -> None:
        """Take no more."""
        self._buffer.close()

    def _write(self, rows: Rows) -> None:
        insert = self._database.insert_new(self._table, [*self._scope, *self._unique])
        with self._database.writing() as connection:
            if self._database.insert_rows(connection, insert, rows) < len(rows):
                self._note_bounced(connection, rows)

    def _note_bounced(self, connection: Connection, rows: Rows) -> None:
        position = self._table.c.position
        batch = position.between(rows[0]["position"], rows[-1]["position"])
        taken = set(connection.scalars(select(position).where(self._in_scope, batch)))
        same = and_(self._in_scope, *(self._table.c[name] == bindparam(name) for name in self._unique))
        first = select(position).where(same)
        for row in rows:
            if row["position"] not in taken:
                cell = {name: row[name] for name in self._unique}
                self._bounced.append(row["line"])
                self._first.append(connection.execute(first, cell).scalar_one())

    def bounced(self, describe: Callable[[Any], str]) -> Iterator[Problem]:
        """Each line that has the unique columns of an earlier one; `describe` names the earlier row."""
        for start in range(0, len(self._bounced), _AT_ONCE):
            first = self._first[start : start + _AT_ONCE]
            here = select(self._table).where(self._in_scope, self._table.c.position.in_(set(first)))
            with self._database.reading() as connection:
                earlier = {row.position: row for row in connection.execute(here)}
            for line, position in zip(self._bounced[start : start + _AT_ONCE], first, strict=True):
                row = earlier[position]
                yield Problem(line, f"got {describe(row)}, which line {row.line} has already")


class ExampleHints:
    """`, did you mean …?` for an example that is not there; silent where the dataset is large, or after many."""

    def __init__(self, database: Database, dataset_id: str, revision: int) -> None:
        self._database = database
        self._here = and_(examples.c.dataset_id == dataset_id, examples.c.revision == revision)
        self._known: list[str] | None = None
        self._said: dict[str, str] = {}

    def __call__(self, example_id: str) -> str:
        if example_id not in self._said and len(self._said) < _MOST_HINTS:
            names = self._names()
            self._said[example_id] = "" if example_id in names else did_you_mean(example_id, names)
        return self._said.get(example_id, "")

    def _names(self) -> list[str]:
        if self._known is None:
            with self._database.reading() as connection:
                count = connection.scalar(select(func.count()).select_from(examples).where(self._here)) or 0
                names = select(examples.c.example_id).where(self._here)
                self._known = list(connection.scalars(names)) if count <= _MOST_KNOWN else []
        return self._known


def delete_in_pieces(database: Database, table: Table, condition: ColumnElement[bool]) -> None:
    """Delete rows in short transactions, so that a run's ledger never waits long."""
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(condition).limit(_DELETED_AT_ONCE)
    piece = delete(table).where(key.in_(some))
    while True:
        with database.writing() as connection:
            if connection.execute(piece).rowcount < _DELETED_AT_ONCE:
                return


def discard_revision(database: Database, dataset_id: str, revision: int) -> None:
    """Take away a revision that nobody saw, and its dataset where it has no other."""
    delete_in_pieces(database, examples, and_(examples.c.dataset_id == dataset_id, examples.c.revision == revision))
    others = select(dataset_revisions.c.revision).where(dataset_revisions.c.dataset_id == dataset_id)
    with database.writing() as connection:
        connection.execute(
            delete(dataset_revisions).where(
                dataset_revisions.c.dataset_id == dataset_id,
                dataset_revisions.c.revision == revision,
                ~dataset_revisions.c.visible,
            )
        )
        connection.execute(delete(datasets).where(datasets.c.id == dataset_id, ~others.exists()))


def discard_answers(database: Database, set_id: str) -> None:
    """Take away a set of answers that nobody saw."""
    delete_in_pieces(database, answers, answers.c.set_id == set_id)
    with database.writing() as connection:
        connection.execute(delete(answer_sets).where(answer_sets.c.id == set_id, ~answer_sets.c.visible))


def discard_judgments(database: Database, import_id: str) -> None:
    """Take away the rows of an import."""
    delete_in_pieces(database, staged_judgments, staged_judgments.c.import_id == import_id)


def discard_leftovers(database: Database) -> None:
    """Take away what a killed writer staged; only for the holder of the writer's lock that has staged nothing yet."""
    revisions = select(dataset_revisions).where(~dataset_revisions.c.visible)
    sets = select(answer_sets.c.id).where(~answer_sets.c.visible)
    imports = select(staged_judgments.c.import_id).distinct()
    with database.reading() as connection:
        left_revisions = connection.execute(revisions).all()
        left_sets = connection.scalars(sets).all()
        left_imports = connection.scalars(imports).all()
    for row in left_revisions:
        discard_revision(database, row.dataset_id, row.revision)
    for set_id in left_sets:
        discard_answers(database, set_id)
    for import_id in left_imports:
        discard_judgments(database, import_id)
