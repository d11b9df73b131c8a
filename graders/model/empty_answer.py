"""Answers with nothing, or hardly anything, in them: the first are judged without a call, the others are flagged."""

from __future__ import annotations

import unicodedata
from itertools import islice
from typing import Any

from graders.judgment import Verdict
from rubrics import Criterion

EMPTY = "empty_answer"
"""Flag of the lowest verdict, given without asking, on an answer without a letter or digit."""

SHORT = "short_answer"
"""Flag of a verdict on an answer of fewer than 20 visible characters."""

_SHORT_BELOW = 20
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")  # Hangul "letters" that are blank


def is_empty(text: str) -> bool:
    """Whether a text holds no letter and no digit of any script."""
    return not any(char.isalnum() and char not in _FILLERS for char in text)


def is_short(text: str) -> bool:
    """Whether a reader sees fewer than 20 characters; spaces, marks on letters and hidden characters are not seen."""
    seen = (char for char in text if char.isprintable() and not char.isspace() and not _is_hidden(char))
    return sum(1 for _ in islice(seen, _SHORT_BELOW)) < _SHORT_BELOW


def _is_hidden(char: str) -> bool:
    return char in _FILLERS or unicodedata.category(char) in ("Mn", "Me")


def lowest_verdict(criterion: Criterion) -> dict[str, Any]:
    """`met`, `option` or `value` at the lowest end of the scale; the first of the options that earn least."""
    scale = criterion.scale
    if scale.type == "binary":
        return {"met": False}
    if scale.type == "ordinal" or scale.type == "nominal":
        earns_least = scale.credits.index(min(scale.credits))
        return {"option": scale.options[earns_least].label}
    return {"value": scale.min if scale.type == "number" else 0}


def empty_verdict(criterion: Criterion) -> Verdict:
    """The scale's lowest value, for an answer that says nothing."""
    return Verdict(
        criterion_id=criterion.id,
        **lowest_verdict(criterion),
        explanation="The answer holds no letter and no digit.",
        flags=(EMPTY,),
    )
