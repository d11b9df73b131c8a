"""A plain judgment: a row of a file that needs no model to tell that it is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from graders.judgment import GraderKind
from graders.remarks import VERDICT_FIELDS
from rubrics import MOST, CriterionId, Id, text_problem

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
