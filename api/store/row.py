"""Between domain objects and rows: what of an object has a column, and how the rest is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row

from graders import Entry, Judgment, RubricDigest
from rubrics import Answer, Example, Rubric, StoreError

_IDENTITY = ("example_id", "model", "sample", "criterion_id", "grader", "repeat")
_JUDGMENT_COLUMNS = (*_IDENTITY, "status", "grader_kind", "criterion_hash", "answer_hash")
_JUDGMENT_IN_BODY = set(Judgment.model_fields) - set(_JUDGMENT_COLUMNS)
_STAGED_IN_BODY = set(Judgment.model_fields) - set(_IDENTITY)
_NUMBERS = frozenset({"value", "probability", "cost", "seconds"})
_EXACT = 2**63

_WRITTEN = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def json_text(value: Any, what: str) -> str:
    """A value as JSON text, keys in the order they came in; StoreError where it is none."""
    try:
        return _WRITTEN(value)
    except (TypeError, ValueError) as error:
        raise StoreError(f"{what} cannot be written as JSON: {error}") from None


def rubric_body(rubric: Rubric) -> str:
    """A rubric as it is stored; reading it back gives the same content hash."""
    body = rubric.model_dump(exclude={"schema_uri"}, exclude_unset=True)
    return json_text(body, f"rubric {rubric.id!r}")


def digest_text(rubric: Rubric) -> str:
    """A rubric's digest as it is stored."""
    return json_text(RubricDigest.of(rubric).as_json(), f"rubric {rubric.id!r}")


def digest_of(text: str) -> RubricDigest:
    """The digest of a stored text."""
    return RubricDigest.of_json(json.loads(text))


def rubric_of(body: str) -> Rubric:
    """The rubric of a stored body."""
    return Rubric.model_validate(json.loads(body))


def example_body(example: Example) -> dict[str, Any]:
    """An example without its rubric and without what is as the default has it."""
    return example.model_dump(exclude={"rubric"}, exclude_defaults=True)


def example_of(body: str, rubric: Rubric) -> Example:
    """The example of a stored body and its rubric."""
    return Example.model_validate({**json.loads(body), "rubric": rubric})


def answer_of(row: Row[Any]) -> Answer:
    """The answer of a row of `answers`."""
    metadata = {} if row.metadata == "{}" else {"metadata": json.loads(row.metadata)}
    return Answer(example_id=row.example_id, model=row.model, sample=row.sample, text=row.text, **metadata)


def judgment_row(entry: Entry) -> dict[str, Any]:
    """An entry as a row of `judgments`; StoreError where it does not say what it was judged on."""
    judgment = entry.judgment
    if judgment.criterion_hash is None or judgment.answer_hash is None:
        raise StoreError(
            f"{cell_words(judgment.cell)}: the judgment has no criterion_hash or no answer_hash, expected both: "
            "without them nobody can tell whether it still holds"
        )
    return {
        **_identity(judgment),
        "attempt": entry.attempt,
        "key": entry.key,
        "status": judgment.status,
        "grader_kind": judgment.grader_kind,
        "criterion_hash": judgment.criterion_hash,
        "answer_hash": judgment.answer_hash,
        "failure_kind": judgment.failure.kind if judgment.failure else None,
        "body": _body(judgment, _JUDGMENT_IN_BODY),
    }


class RowEntry(NamedTuple):
    """A judgment on its way into the ledger as a row of JSON that is known to be right, with both its hashes."""

    row: Mapping[str, Any]
    key: str
    attempt: int


def judgment_row_of(entry: RowEntry) -> dict[str, Any]:
    """An entry as a row of `judgments`."""
    row = entry.row
    return {
        **{name: row[name] for name in _JUDGMENT_COLUMNS},
        "attempt": entry.attempt,
        "key": entry.key,
        "failure_kind": row["failure"]["kind"] if "failure" in row else None,
        "body": _WRITTEN({name: value for name, value in row.items() if name in _JUDGMENT_IN_BODY}),
    }


def body_of(text: str) -> dict[str, Any]:
    """What of a judgment has no column."""
    if '"metadata":' in text:
        body: dict[str, Any] = json.loads(text)
        return body
    body = orjson.loads(text)
    for name in _NUMBERS & body.keys():
        if not -_EXACT < body[name] < _EXACT:
            # A whole number beyond 64 bits, which orjson reads as a float.
            body[name] = json.loads(text)[name]
    return body


def staged_row(judgment: Judgment) -> dict[str, Any]:
    """A recorded judgment as a row of `staged_judgments`, without its place."""
    return {
        **_identity(judgment),
        "fingerprint": judgment.grader_fingerprint or "",
        "body": _body(judgment, _STAGED_IN_BODY),
    }


def staged_row_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A plain judgment (`graders.PlainJudgments`) as a row of `staged_judgments`."""
    return {
        **{name: row.get(name, 0) for name in _IDENTITY},
        "fingerprint": row.get("grader_fingerprint", ""),
        "body": orjson.dumps({name: value for name, value in row.items() if name in _STAGED_IN_BODY}).decode(),
    }


def staged_judgment_of(row: Row[Any]) -> Judgment:
    """The judgment of a row of `staged_judgments`."""
    fields = row._mapping
    return Judgment.model_validate({**json.loads(row.body), **{name: fields[name] for name in _IDENTITY}})


def cell_words(cell: tuple[str, str, int, str, str, int]) -> str:
    """A cell as messages name it."""
    example_id, model, sample, criterion_id, grader, repeat = cell
    return (
        f"example {example_id!r}, model {model!r}, sample {sample}, criterion {criterion_id!r}, "
        f"grader {grader!r}, repeat {repeat}"
    )


def _identity(judgment: Judgment) -> Mapping[str, Any]:
    return dict(zip(_IDENTITY, judgment.cell, strict=True))


def _body(judgment: Judgment, fields: set[str]) -> str:
    body = judgment.model_dump(include=fields, exclude_unset=True, exclude_none=True)
    try:
        return _WRITTEN(body)
    except (TypeError, ValueError) as error:
        raise StoreError(f"{cell_words(judgment.cell)}: the judgment cannot be written as JSON: {error}") from None
