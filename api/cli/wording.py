"""A rubric's fields in words that an author of rubrics reads without knowing their JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len, set_cell_size

from api.cli.visible import one_line
from rubrics import Check, Condition, Criterion, Gate

MINUS = "−"


def points_words(points: float, *, digits: int = 15) -> str:
    """`+10` or `−8`: points with their sign."""
    return f"{points:+.{digits}g}".replace("-", MINUS)


def plain_number(value: float) -> str:
    """A number as short as it goes, with a true minus sign."""
    return f"{value:.12g}".replace("-", MINUS)


def count_words(number: int, what: str) -> str:
    """`1 criterion`, `2 criteria`, `3 faults`: a number and its noun."""
    plural = {"criterion": "criteria"}.get(what, what + "s")
    return f"{number:,} {what if number == 1 else plural}"


def gate_words(gate: Gate) -> str:
    """What a gate does."""
    if gate.when == "unmet":
        return f"must-have: where it is missed, the answer scores at most {plain_number(gate.cap)}"
    return f"veto: where it is met, the answer scores at most {plain_number(gate.cap)}"


def condition_words(condition: Condition) -> str:
    """When a criterion with a condition applies."""
    return f"applies only where {condition.criterion} is {'met' if condition.when == 'met' else 'not met'}"


def check_words(check: Check) -> str:
    """What code looks for."""
    rule, value = check.rule
    listed = ", ".join(map(_quoted, value)) if isinstance(value, tuple) else _quoted(value)
    sought = {
        "contains": f"contains {listed}",
        "not_contains": f"does not contain {listed}",
        "contains_any": f"contains one of {listed}",
        "contains_all": f"contains all of {listed}",
        "regex": f"matches the pattern {one_line(str(value))}",
        "min_words": f"has at least {value} words",
        "max_words": f"has at most {value} words",
    }
    return f"by rule: the answer {sought[rule]}"


def _quoted(text: Any) -> str:
    return json.dumps(one_line(str(text)), ensure_ascii=False)


def scale_words(criterion: Criterion) -> str:
    """The values that a verdict can take, with what they earn."""
    scale = criterion.scale
    if scale.type == "binary":
        return "met or not met"
    if scale.type == "number":
        return f"a number from {plain_number(scale.min)} to {plain_number(scale.max)}"
    if scale.type == "count":
        each = points_words(criterion.points / scale.max_count, digits=3)
        return f"counted: {each} for each, up to {scale.max_count}"
    shares = zip(scale.options, scale.credits, strict=True)
    labels = " | ".join(f"{one_line(option.label)} {credit:.0%}" for option, credit in shares)
    return f"{'one of' if scale.type == 'nominal' else 'graded'}: {labels}"


def remarks(criterion: Criterion) -> Iterator[str]:
    """Everything about a criterion that is not simply met or not met."""
    if criterion.gate is not None:
        yield gate_words(criterion.gate)
    if criterion.depends_on is not None:
        yield condition_words(criterion.depends_on)
    if criterion.check is not None:
        yield check_words(criterion.check)
    if criterion.scale.type != "binary":
        yield scale_words(criterion)
    if criterion.may_not_apply:
        yield "a judge may say that it does not apply"


def cut(text: str, width: int) -> str:
    """A text on one line of at most `width` columns, safe to print; what is left out shows as `…`."""
    line = one_line(text)
    if cell_len(line) <= width:
        return line
    return set_cell_size(line, max(width - 1, 0)).rstrip() + "…"


def fitted(text: str, width: int) -> str:
    """The same, filled up with spaces to exactly `width` columns."""
    return set_cell_size(cut(text, width), width)


def folded(text: str, width: int) -> Iterator[str]:
    """A text whole, on lines of at most `width` columns; only a word that is longer than a line is cut."""
    line = ""
    for word in one_line(text).split():
        if line and cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = ""
        line = f"{line} {cut(word, width)}".lstrip()
    yield line
