"""Answers that stand next to each other: those of a table's rows from one answer to another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, tuple_

AnswerKey = tuple[str, str, int]
"""Example id, model, sample."""

_ANSWER = ("example_id", "model", "sample")


def between_answers(table: Table) -> ColumnElement[bool]:
    """Whether a row is of one of these answers, which `answer_bounds` name when the statement runs."""
    answer = tuple_(*(table.c[name] for name in _ANSWER))
    first, last = (
        tuple_(*(bindparam(f"{end}_{name}", type_=table.c[name].type) for name in _ANSWER)) for end in ("first", "last")
    )
    return and_(answer >= first, answer <= last)


def answer_bounds(first: AnswerKey, last: AnswerKey) -> dict[str, Any]:
    """The first and the last answer as parameters."""
    return {
        f"{end}_{name}": value
        for end, key in (("first", first), ("last", last))
        for name, value in zip(_ANSWER, key, strict=True)
    }
