"""Domain objects as rows of an export's tables, values in the order of the columns."""

from __future__ import annotations

import json
from typing import Any

from api.exports.given import given_text
from rubrics import Example, InputError, JsonSyntaxError, Mistake, Rubric, parse_json

EXAMPLE_OPTIONAL = frozenset({"rubric_id", "tags", "references", "canary", "metadata"})
ANSWER_OPTIONAL = frozenset({"sample", "metadata"})

_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_text(value: Any, source: str, line: int, path: str) -> str:
    """A value as JSON text that our own strict reader takes back; InputError has the place where it would not."""
    try:
        text = _written(value)
    except RecursionError:
        raise InputError(Mistake(source, "the value is nested too deeply", path, line)) from None
    except (TypeError, ValueError) as error:
        raise InputError(Mistake(source, f"cannot be written as JSON: {error}", path, line)) from None
    if _is_suspect(text):
        try:
            _, faults = parse_json(json.dumps(value))
        except JsonSyntaxError as error:
            raise InputError(Mistake(source, str(error), path, line)) from None
        if faults:
            raise InputError(Mistake(source, fault.message, path + fault.path[1:], line) for fault in faults)
    return text


def _is_suspect(text: str) -> bool:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return True
    return "\\u0000" in text or "NaN" in text or "Infinity" in text or text.count("{") + text.count("[") > 64


def example_row(example: Example, rubric_row: int, canary: str | None, source: str, line: int) -> tuple[Any, ...]:
    """An example as a row of `examples`; `canary` is the dataset's."""
    given = example.as_json()
    metadata = example.model_dump(mode="json", include={"metadata"})["metadata"]
    named = EXAMPLE_OPTIONAL & example.model_fields_set
    nulls = tuple((name, None) for name in ("canary", "rubric_id") if name in named and getattr(example, name) is None)
    return (
        example.id,
        json_text(given["prompt"], source, line, "$.prompt"),
        [{"role": turn.role, "content": turn.content} for turn in example.conversation],
        example.rubric_id if example.rubric_id is not None else example.rubric.id,
        example.rubric.content_hash,
        rubric_row,
        example.tags,
        example.references,
        example.canary if example.canary is not None else canary,
        json_text(metadata, source, line, "$.metadata"),
        given_text(named, nulls),
    )


def example_characters(example: Example) -> int:
    """How much text an example holds, roughly; the prompt stands there twice."""
    return sum(2 * len(turn.content) for turn in example.conversation) + sum(map(len, example.references))


def rubric_text(rubric: Rubric, source: str, line: int) -> str:
    """The rubric exactly as its file would have it, on one line."""
    return json_text(rubric.as_json(), source, line, "$.rubric")


def rubric_row(rubric: Rubric, text: str, canary: str | None) -> tuple[Any, ...]:
    """A rubric as a row of `rubrics`."""
    return (
        rubric.content_hash,
        rubric.id,
        rubric.title,
        rubric.domain,
        rubric.version,
        len(rubric.leaves),
        float(sum(node.points for node in rubric.criteria if node.points > 0)),
        text,
        canary,
    )
