"""A plain judgment: a row of a file that needs no model to tell that it is right."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from graders.judgment import GraderKind
from graders.remarks import VERDICT_FIELDS, is_plain_beside_verdict
from rubrics import CriterionId, Id

_BESIDE = frozenset(
    {
        *("sample", "repeat", "explanation", "returned_model", "grader_fingerprint", "prompt_hash"),
        *("criterion_hash", "answer_hash", "judged_at"),
    }
)
"""What may stand beside a verdict: texts and counts, which are stored as they are written."""
_PLAIN = VERDICT_FIELDS | _BESIDE
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
            and (len(row) == len(VERDICT_FIELDS) or (row.keys() <= _PLAIN and is_plain_beside_verdict(row)))
        )


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
