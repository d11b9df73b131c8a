"""How a judge is asked and how it replies: our own form, or that of a prompt that a user brings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import orjson

from graders.judgment import Verdict
from graders.model.prompt import criteria_line
from graders.model.reply import parse_reply, parse_single
from graders.model.reply_schema import reply_schema
from rubrics import Criterion, GraderError

_SEVERAL = 256
"""Schemas that are kept written: criteria come in few shapes."""


class ReplyForm(Protocol):
    """What goes into the slot that says what is asked, and how the reply to it is read."""

    name: str
    asks_by: str
    """The slot of the user message."""
    most: int | None
    """Most criteria in one call; None for any number."""

    def asked(self, criteria: Sequence[Criterion], *, show_points: bool) -> str:
        """The text of that slot."""
        ...

    def schema(self, criteria: Sequence[Criterion]) -> bytes:
        """Name, strictness and JSON Schema of the reply, as JSON."""
        ...

    def parse(self, text: str, criteria: Sequence[Criterion], *, materials: Iterable[str]) -> list[Verdict]:
        """One verdict for each criterion, or GraderError."""
        ...


class VerdictsReply:
    """`{"verdicts": […]}`, the form that Markscheme's own prompt asks for."""

    name = "markscheme"
    asks_by = "criteria"
    most: int | None = None

    def __init__(self) -> None:
        self._schemas: dict[tuple[tuple[str, bool, bool], ...], bytes] = {}

    def asked(self, criteria: Sequence[Criterion], *, show_points: bool) -> str:
        return criteria_line(criteria, show_points=show_points)

    def schema(self, criteria: Sequence[Criterion]) -> bytes:
        shapes = tuple(map(_shape, criteria))
        schema = self._schemas.get(shapes)
        if schema is None:
            if len(self._schemas) >= _SEVERAL:
                self._schemas.clear()
            schema = self._schemas[shapes] = orjson.dumps(reply_schema(criteria))
        return schema

    def parse(self, text: str, criteria: Sequence[Criterion], *, materials: Iterable[str]) -> list[Verdict]:
        return parse_reply(text, criteria, materials=materials)


class HealthBenchReply:
    """`{"explanation", "criteria_met"}`, the form of HealthBench's grader template (Arora et al. 2025): one criterion
    a call, `[points] criterion`, met or not met, no quotes and no way to abstain."""

    name = "healthbench"
    asks_by = "rubric_item"
    most: int | None = 1

    def asked(self, criteria: Sequence[Criterion], *, show_points: bool) -> str:  # noqa: ARG002  # it always shows them
        (criterion,) = criteria
        if criterion.scale.type != "binary":
            raise GraderError("grader", f"{criterion.id}: HealthBench's template knows met and not met alone")
        points = criterion.points
        return f"[{int(points) if float(points).is_integer() else points}] {criterion.criterion}"

    def schema(self, criteria: Sequence[Criterion]) -> bytes:  # noqa: ARG002  # one for all
        return _HEALTHBENCH_SCHEMA

    def parse(self, text: str, criteria: Sequence[Criterion], *, materials: Iterable[str]) -> list[Verdict]:
        return [parse_single(text, criteria[0], materials=materials)]


REPLY_FORMS: dict[str, ReplyForm] = {form.name: form for form in (VerdictsReply(), HealthBenchReply())}
"""All forms by their names in `--reply`."""

_HEALTHBENCH_SCHEMA = orjson.dumps(
    {
        "name": "verdict",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"explanation": {"type": "string"}, "criteria_met": {"type": "boolean"}},
            "required": ["explanation", "criteria_met"],
            "additionalProperties": False,
        },
    }
)


def _shape(criterion: Criterion) -> tuple[str, bool, bool]:
    """All of a criterion that its reply's schema depends on."""
    scale = criterion.scale
    told = "binary" if scale.type == "binary" else scale.model_dump_json()
    return told, criterion.may_not_apply, criterion.evidence != "none"
