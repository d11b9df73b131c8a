"""The credit that a verdict earns on its criterion's scale, and the verdict that earns least."""

from __future__ import annotations

from typing import Any

from graders.judgment import Verdict
from rubrics import Criterion


def earned_credit(verdict: Verdict, criterion: Criterion) -> float:
    """A judged verdict's credit in [0, 1]; a value of 7 on a scale of 5 to 10 earns 0.4."""
    scale = criterion.scale
    if scale.type == "binary":
        return float(bool(verdict.met))
    if scale.type == "ordinal" or scale.type == "nominal":
        labels = [option.label for option in scale.options]
        return scale.credits[labels.index(verdict.option or "")]
    value = float(verdict.value or 0)
    if scale.type == "number":
        return (value - scale.min) / (scale.max - scale.min)
    return min(value / scale.max_count, 1.0)


def lowest_verdict(criterion: Criterion) -> dict[str, Any]:
    """`met`, `option` or `value` at the lowest end of the scale; the first of the options that earn least."""
    scale = criterion.scale
    if scale.type == "binary":
        return {"met": False}
    if scale.type == "ordinal" or scale.type == "nominal":
        earns_least = scale.credits.index(min(scale.credits))
        return {"option": scale.options[earns_least].label}
    return {"value": scale.min if scale.type == "number" else 0}
