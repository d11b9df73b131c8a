"""Reading in pages by keyset: no cursor stays open between pages, so that writes may go on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Column, Row, Select, literal, tuple_

from api.store.database import Database

PAGE = 500
"""Rows a page; tables with long texts are read in smaller ones."""
TEXT_PAGE = 250
"""Rows a page where each holds a text."""


def rows_of(
    database: Database, statement: Select[Any], key: Sequence[Column[Any]], *, size: int = PAGE
) -> Iterator[Row[Any]]:
    """The rows of a statement in the order of `key`, which is unique among them and selected by it."""
    return chain.from_iterable(pages_of_rows(database, statement, key, size=size))


def pages_of_rows(
    database: Database, statement: Select[Any], key: Sequence[Column[Any]], *, size: int
) -> Iterator[Sequence[Row[Any]]]:
    """The same, a page at a time; no page is empty."""
    after: list[Any] | None = None
    while True:
        page = statement
        if after is not None:
            last = tuple_(*(literal(value, column.type) for value, column in zip(after, key, strict=True)))
            page = statement.where(tuple_(*key) > last)
        with database.reading() as connection:
            rows = connection.execute(page.order_by(*key).limit(size)).all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = [rows[-1]._mapping[column] for column in key]
