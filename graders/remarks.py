"""Whether a judgment's row says more than its verdict in fields that are right and change no score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from rubrics import MOST, text_problem

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
