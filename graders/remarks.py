"""Rows of judgments that need no model to tell that they are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from graders.judgment import GraderKind
from rubrics import MOST, CriterionId, Id, text_problem

VERDICT_FIELDS = frozenset({"example_id", "model", "criterion_id", "grader", "grader_kind", "status", "met"})
"""What every plain judgment has; the scorer looks at each of them."""


def _is_text(value: Any) -> bool:
    return type(value) is str and text_problem(value) is None


def _is_texts(value: Any) -> bool:
    return type(value) is list and all(map(_is_text, value))


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST


def _is_number(value: Any) -> bool:
    # A larger integer may be no double, and then the model says so.
    return (type(value) is float and isfinite(value)) or (type(value) is int and abs(value) <= MOST)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


_RIGHT: Mapping[str, Callable[[Any], bool]] = {
    "sample": _is_whole,
    "repeat": _is_whole,
    "use": lambda value: type(value) is str and value in ("test", "tune"),
    "explanation": _is_text,
    "evidence": _is_texts,
    "flags": _is_texts,
    "probability": _is_share,
    "grader_fingerprint": _is_text,
    "returned_model": _is_text,
    "prompt_hash": _is_text,
    "criterion_hash": _is_text,
    "answer_hash": _is_text,
    "input_tokens": _is_whole,
    "output_tokens": _is_whole,
    "cached_tokens": _is_whole,
    "cost": _is_number,
    "seconds": _is_number,
    "judged_at": _is_text,
    "metadata": lambda value: type(value) is dict,
}


def is_plain_beside_verdict(row: Mapping[str, Any]) -> bool:
    """Whether all but the verdict's own fields are ones that `Judgment` takes as they are."""
    for name, value in row.items():
        if name not in VERDICT_FIELDS:
            right = _RIGHT.get(name)
            if right is None or not right(value):
                return False
    return True


_COUNTS = frozenset({"sample", "repeat"})
_TEXTS = frozenset(
    {
        *("explanation", "returned_model", "grader_fingerprint", "prompt_hash"),
        *("criterion_hash", "answer_hash", "judged_at"),
    }
)
_KINDS = frozenset(get_args(GraderKind))
_MOST_KNOWN = 100_000


class PlainJudgments:
    """Tells rows that need no model: met or not met, and nothing beside it but texts and counts."""

    def __init__(self) -> None:
        self._ids = _Known(TypeAdapter(Id))
        self._criterion_ids = _Known(TypeAdapter(CriterionId))

    def has(self, row: Any) -> bool:
        """Whether a row is one; of any other only the model can tell whether it is right.

        >>> PlainJudgments().has({"example_id": "e", "met": True})
        False
        """
        if type(row) is not dict or not row.keys() >= VERDICT_FIELDS:
            return False
        met, kind = row["met"], row["grader_kind"]
        return (
            row["status"] == "judged"
            and (met is True or met is False)
            and type(kind) is str
            and kind in _KINDS
            and row["example_id"] in self._ids
            and row["model"] in self._ids
            and row["grader"] in self._ids
            and row["criterion_id"] in self._criterion_ids
            and (len(row) == len(VERDICT_FIELDS) or _are_plain(row))
        )


def _are_plain(row: Mapping[str, Any]) -> bool:
    """Whether everything beyond what is needed is a text or a count, and right."""
    for name in row.keys() - VERDICT_FIELDS:
        value = row[name]
        if name in _COUNTS:
            if type(value) is not int or not 0 <= value <= MOST:
                return False
        elif name not in _TEXTS or type(value) is not str or text_problem(value):
            return False
    return True


class _Known:
    """The texts that were found right lately."""

    def __init__(self, kind: TypeAdapter[str]) -> None:
        self._kind = kind
        self._known: set[str] = set()

    def __contains__(self, text: object) -> bool:
        if type(text) is not str:
            return False
        if text in self._known:
            return True
        try:
            self._kind.validate_python(text, strict=True)
        except ValidationError:
            return False
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add(text)
        return True
