"""What is judged: a criterion (a leaf of the rubric's tree), its scale, and the groups that hold leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import InitErrorDetails

from rubrics.model import (
    MOST,
    CriterionId,
    Id,
    Many,
    Metadata,
    Model,
    Number,
    Share,
    Text,
    WrittenText,
    at_least,
    problem,
    problem_at,
    raise_problems,
)


class Option(Model):
    """One choice of an ordinal or nominal scale."""

    label: WrittenText
    """What the grader chooses, unique within the scale."""
    credit: Share | None = None
    """Share of the criterion's points that this option earns, from 0 to 1."""
    description: Text | None = None
    """When to choose this option."""


class BinaryScale(Model):
    """Met or not met."""

    type: Literal["binary"]
    """Always `binary`."""


class _OptionScale(Model):
    options: Annotated[tuple[Option, ...], Many, *at_least(2, "two options")]
    """The choices; at least two."""

    @model_validator(mode="after")
    def _options_are_sound(self) -> _OptionScale:
        raise_problems(type(self).__name__, self._option_problems())
        return self

    def _option_problems(self) -> Iterator[InitErrorDetails]:
        seen: dict[str, int] = {}
        for index, option in enumerate(self.options):
            first = seen.setdefault(option.label, index)
            if first != index:
                yield problem_at(
                    ("options", index, "label"),
                    option.label,
                    f"expected labels that differ, options[{first}] has the same",
                )
            if option.credit is not None and not 0 <= option.credit <= 1:
                yield problem_at(("options", index, "credit"), option.credit, "expected a credit from 0 to 1")

    @property
    def credits(self) -> tuple[float, ...]:
        """The options' credits, in the order of the options."""
        if self.options[0].credit is None:
            last = len(self.options) - 1
            return tuple(index / last for index in range(len(self.options)))
        return tuple(float(option.credit or 0) for option in self.options)


class OrdinalScale(_OptionScale):
    """Ordered options, worst first; credits evenly spaced where none is given."""

    type: Literal["ordinal"]
    """Always `ordinal`."""

    def _option_problems(self) -> Iterator[InitErrorDetails]:
        yield from super()._option_problems()
        without = [index for index, option in enumerate(self.options) if option.credit is None]
        if without and len(without) < len(self.options):
            for index in without:
                yield problem_at(
                    ("options", index, "credit"), None, "missing, expected a credit for all options or none"
                )


class NominalScale(_OptionScale):
    """Options without an order; each says its credit."""

    type: Literal["nominal"]
    """Always `nominal`."""

    def _option_problems(self) -> Iterator[InitErrorDetails]:
        yield from super()._option_problems()
        for index, option in enumerate(self.options):
            if option.credit is None:
                yield problem_at(
                    ("options", index, "credit"),
                    None,
                    "missing, expected a credit: a nominal scale has no order to space by",
                )


_WIDEST = 1e100


class NumberScale(Model):
    """A number between `min` and `max`; the credit is (value − min) / (max − min)."""

    type: Literal["number"]
    """Always `number`."""
    min: Number
    """The value that earns nothing."""
    max: Number
    """The value that earns all points, above `min`."""

    @model_validator(mode="after")
    def _min_is_below_max(self) -> NumberScale:
        if not self.min < self.max:
            raise_problems("NumberScale", [problem_at(("max",), self.max, f"expected a number above min ({self.min})")])
        if max(abs(self.min), abs(self.max)) > _WIDEST:
            message = "expected min and max between -1e100 and 1e100"
            raise_problems("NumberScale", [problem_at(("max",), self.max, message)])
        return self


class CountScale(Model):
    """How often something happens; the credit is n / max_count, with n up to max_count."""

    type: Literal["count"]
    """Always `count`."""
    max_count: Annotated[int, Field(ge=1, le=MOST)]
    """How many earn all points; more count as this many."""


Scale = Annotated[BinaryScale | OrdinalScale | NominalScale | NumberScale | CountScale, Field(discriminator="type")]
BINARY = BinaryScale(type="binary")


def _linear_pattern(pattern: str) -> str:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise problem("regex", f"expected a pattern of RE2 (no look-around, no back-references): {reason}") from None
    return pattern


class Check(Model):
    """A rule that code decides, exactly; one key. Such a criterion is judged by rules alone."""

    contains: WrittenText | None = None
    """Met when the answer holds this text, upper and lower case alike."""
    not_contains: WrittenText | None = None
    """Met when the answer does not hold this text, upper and lower case alike."""
    contains_any: Annotated[tuple[WrittenText, ...], Many, *at_least(1, "one text")] | None = None
    """Met when the answer holds at least one of these texts."""
    contains_all: Annotated[tuple[WrittenText, ...], Many, *at_least(1, "one text")] | None = None
    """Met when the answer holds every one of these texts."""
    regex: Annotated[WrittenText, AfterValidator(_linear_pattern)] | None = None
    """Met when this RE2 pattern is found in the answer (linear time; `(?i)` ignores case)."""
    min_words: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """Met when the answer has at least this many words (what whitespace separates)."""
    max_words: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """Met when the answer has at most this many words (what whitespace separates)."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    @model_validator(mode="after")
    def _one_rule(self) -> Check:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            what = "none" if not given else f"{len(given)} ({', '.join(given)})"
            raise problem("one_rule", f"got {what}, expected exactly one rule of {known}")
        return self

    @property
    def rule(self) -> tuple[str, Any]:
        """The one rule's name and its value."""
        for name in type(self).model_fields:
            if (value := getattr(self, name)) is not None:
                return name, value
        raise AssertionError("a check holds one rule")


class Gate(Model):
    """A hurdle or veto: when it fires, the answer's score is at most `cap`."""

    when: Literal["unmet", "met"]
    """`unmet`: a must-have that is missed; `met`: a fault that must not occur."""
    cap: Number
    """The most that the answer can score when the gate fires (in points under `normalize: sum`)."""


class Condition(Model):
    """Makes a criterion apply only where another one is met, or unmet."""

    criterion: CriterionId
    """The id of the criterion that decides (a binary, ordinal or nominal one)."""
    when: Literal["met", "unmet"]
    """What the named criterion must be for this one to apply."""


def _without_default(schema: dict[str, Any]) -> None:
    """Unnamed nodes are named by position, so the empty default is no value to show in an editor."""
    schema.pop("default", None)


def _points(value: float) -> float:
    if value == 0:
        raise problem("points", "expected a number other than 0")
    return _in_size(value)


def _in_size(value: float) -> float:
    """Points beyond these sizes are slips of the pen, and products of them would leave double precision."""
    if not 1e-9 <= abs(value) <= 1e12:
        raise problem("points", "expected points between 1e-9 and 1e12 in size")
    return value


class Criterion(Model):
    """A leaf: one statement about the answer that a grader says is met or not."""

    id: CriterionId = Field(default="", json_schema_extra=_without_default)
    """Names the criterion in judgments; `c1`, `c2`, … by position where none is given."""
    criterion: WrittenText
    """The statement that is judged, worded so that two readers read it the same way."""
    points: Annotated[Number, AfterValidator(_points)] = Field(json_schema_extra={"not": {"const": 0}})
    """What a met criterion adds to the score; negative for a fault that costs points; not 0."""
    tags: Annotated[tuple[Id, ...], Many] = ()
    """Themes that get a score of their own, such as `axis:accuracy`."""
    scale: Scale = BINARY
    """How it is judged: met or not (default), ordinal or nominal options, a number, or a count."""
    check: Check | None = None
    """A rule that decides this criterion by code instead of a grader."""
    evidence: Literal["required", "optional", "none"] = "optional"
    """Whether the judge must, may or need not quote the answer word for word."""
    gate: Gate | None = None
    """Caps the answer's score when this criterion is missed (or met)."""
    depends_on: Condition | None = None
    """Makes this criterion apply only where another is met (or unmet)."""
    may_not_apply: bool = False
    """Whether a model judge may say that this criterion does not apply to the answer."""
    rationale: Text | None = None
    """The author's reason for the criterion and its points."""
    source: Text | None = None
    """Where it comes from: a guideline, a statute, a standard."""
    metadata: Metadata = Field(default_factory=dict)
    """Free fields, kept and never scored."""


def _weight(value: float) -> float:
    if value <= 0:
        raise problem("points", "expected a number above 0, a group's points are its weight")
    return _in_size(value)


class Group(Model):
    """An inner node: its children are scored among themselves, and the result earns the group's points."""

    id: CriterionId = Field(default="", json_schema_extra=_without_default)
    """Names the group; `g1`, `g2`, … by position where none is given."""
    title: Text | None = None
    """A heading for people."""
    points: Annotated[Number, AfterValidator(_weight)] = Field(json_schema_extra={"exclusiveMinimum": 0})
    """The group's weight among its siblings, above 0."""
    children: Annotated[tuple[Node, ...], Many, *at_least(1, "one criterion")]
    """Criteria and groups; at least one."""
    metadata: Metadata = Field(default_factory=dict)
    """Free fields, kept and never scored."""


def _node_kind(value: Any) -> str:
    if isinstance(value, Group) or (isinstance(value, dict) and "children" in value):
        return "group"
    return "leaf"


Node = Annotated[Annotated[Criterion, Tag("leaf")] | Annotated[Group, Tag("group")], Discriminator(_node_kind)]
"""A node of the tree: a group where it has `children`, else a criterion."""

Group.model_rebuild()
