"""Judgments as columns of an export's table, a page at a time: a million of them go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.exports.given import given_text
from api.exports.rows import json_text
from api.exports.schema import TABLES
from graders import JudgmentPage

JUDGMENT_DEFAULTS: Mapping[str, Any] = {
    "sample": 0,
    "repeat": 0,
    "use": "test",
    "ruling": False,
    "evidence": (),
    "flags": (),
    "metadata": {},
}
"""Optional fields of a judgment whose default is not null; the others are given where they are not null."""

_NAMES = tuple(TABLES["judgments"].kinds)
_NUMBERS = ("value", "probability", "cost", "seconds")


def judgment_columns(page: JudgmentPage, source: str, first_line: int) -> list[Sequence[Any]]:
    """A page in the columns of `judgments`; InputError has the place of what cannot be written."""
    columns: dict[str, Sequence[Any]] = dict(zip(page.NAMES, page.columns, strict=True))
    bodies = page.bodies
    shapes = list(map(tuple, bodies))
    present = set().union(*set(shapes))
    for name in _NAMES:
        if name not in columns:
            default = JUDGMENT_DEFAULTS.get(name)
            columns[name] = (
                [body.get(name, default) for body in bodies] if name in present else (default,) * len(bodies)
            )
    if "failure" in present:
        failures = [body.get("failure") or {} for body in bodies]
        columns["failure_kind"] = [failure.get("kind") for failure in failures]
        columns["failure_message"] = [failure.get("message") for failure in failures]
    columns["metadata"] = [
        json_text(value, source, line, "$.metadata") if value else "{}"
        for line, value in enumerate(columns["metadata"], start=first_line)
    ]
    columns["given"] = _given(page, shapes, present)
    return [columns[name] for name in _NAMES]


def _given(page: JudgmentPage, shapes: Sequence[tuple[str, ...]], present: set[str]) -> list[str]:
    """Which optional fields each judgment has set, and whole numbers as they were written."""
    optional = JUDGMENT_DEFAULTS.keys()
    names = {shape: frozenset(optional & (page.given | set(shape))) for shape in set(shapes)}
    numbers = [name for name in _NUMBERS if name in present]
    if not numbers:
        texts = {shape: given_text(those) for shape, those in names.items()}
        return [texts[shape] for shape in shapes]
    return [
        given_text(names[shape], tuple((name, body[name]) for name in numbers if type(body.get(name)) is int))
        for shape, body in zip(shapes, page.bodies, strict=True)
    ]
