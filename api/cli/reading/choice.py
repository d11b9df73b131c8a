"""What can be said of a criterion, by its scale: from keys and typed numbers to the fields of a verdict."""

from __future__ import annotations

import re
from typing import Any

from graders import Verdict, fit_verdict
from graders.scoring import leaf_scale
from rubrics import Criterion

Said = dict[str, Any]
"""`met`, `option` or `value`, or a `status`."""

_ANYWHERE: dict[str, Said] = {"x": {"status": "not_applicable"}, "t": {"status": "abstained"}}
_BINARY: dict[str, Said] = {
    **{key: {"met": True} for key in ("m", "y", "1")},
    **{key: {"met": False} for key in ("n", "2")},
}
_MOST_KEYS = 9
"""Options beyond this many have no key of their own; their number is typed."""
_WHOLE = re.compile(r"\d+")
_DECIMAL = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)")
_TWO_READINGS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
"""`1,250` is a thousand and more to one reader and one and a quarter to another."""


def choice(criterion: Criterion, key: str) -> Said | None:
    """What a single key says; None where it says nothing."""
    if key in _ANYWHERE:
        return _ANYWHERE[key]
    scale = criterion.scale
    if scale.type == "binary":
        return _BINARY.get(key)
    if scale.type in ("ordinal", "nominal") and not entry_characters(criterion) and key in "123456789":
        number = int(key)
        return {"option": scale.options[number - 1].label} if number <= len(scale.options) else None
    return None


def entry_characters(criterion: Criterion) -> str:
    """The characters of a number that is typed; empty where one key says all."""
    scale = criterion.scale
    if scale.type == "number":
        return "0123456789.,+-"
    if scale.type == "count" or (scale.type in ("ordinal", "nominal") and len(scale.options) > _MOST_KEYS):
        return "0123456789"
    return ""


def typed_choice(criterion: Criterion, written: str) -> Said | str:
    """What a typed number says, or in words why it cannot be."""
    scale = criterion.scale
    if scale.type == "ordinal" or scale.type == "nominal":
        if not 1 <= int(written) <= len(scale.options):
            return f"{written}? Expected {expected(criterion)}."
        return {"option": scale.options[int(written) - 1].label}
    value = _number(written)
    if value is None or not _fits(criterion, value):
        return f"{written}? Expected {expected(criterion)}."
    if _TWO_READINGS.fullmatch(written) and _fits(criterion, int(without := re.sub("[.,]", "", written))):
        return f"{written}? Write {without}, or {written}0 for {value:g}."
    return {"value": value}


def _fits(criterion: Criterion, value: int | float) -> bool:
    return fit_verdict(Verdict(criterion_id=criterion.id, value=value), leaf_scale(criterion)).problem is None


def _number(written: str) -> int | float | None:
    """A number as a person writes it, with a decimal comma or point; whole ones stay whole."""
    if _WHOLE.fullmatch(written):
        return int(written)
    return float(written.replace(",", ".")) if _DECIMAL.fullmatch(written) else None


def expected(criterion: Criterion) -> str:
    """What the scale asks for, in a few words: `a number from 0 to 10`."""
    scale = criterion.scale
    if scale.type == "binary":
        return "m met, n not met"
    if scale.type == "number":
        return f"a number from {scale.min:.15g} to {scale.max:.15g}"
    if scale.type == "count":
        return "a whole number from 0 up"
    return f"a number from 1 to {len(scale.options)}"
