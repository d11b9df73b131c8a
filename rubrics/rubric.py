"""A rubric: the tree of criteria, how it is scored, and how it is judged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, ModelWrapValidatorHandler, model_validator
from pydantic_core import InitErrorDetails, ValidationError

from rubrics.criterion import Criterion, Group, Node
from rubrics.json_text import canonical_json, canonical_text
from rubrics.model import (
    Id,
    Many,
    Metadata,
    Model,
    Share,
    Text,
    WrittenText,
    at_least,
    problems_of,
    raise_problems,
)
from rubrics.structure import in_reading_order, structure_problems


class Scoring(Model):
    """How points become a score."""

    normalize: Literal["positive", "range", "sum"] = "positive"
    """`positive`: points / positive points; `range`: (x − least) / (most − least); `sum`: raw points."""
    clip: Literal["none", "answer", "mean"] = "mean"
    """What is clipped to [0, 1]: nothing, each answer's score, or only the mean (`none` under `sum`)."""
    all_negative: Literal["undefined", "one_minus"] = "undefined"
    """What a rubric without any positive criterion means: no score, or 1 + Σ points·credit / Σ |points|."""
    min_coverage: Share = 1.0
    """Share of the points that must be judged before an answer has a score."""
    consensus: Literal["majority", "unanimous", "mean", "adjudicated"] = "majority"
    """How several verdicts on one criterion become one."""

    @property
    def clips(self) -> Literal["none", "answer", "mean"]:
        """The clip mode that holds: raw points are never clipped."""
        return "none" if self.normalize == "sum" else self.clip


class Judging(Model):
    """What a judge is shown and asked."""

    show_points: bool = False
    """Whether the judge sees the points of a criterion."""
    empty_answer: Literal["lowest", "ask"] = "lowest"
    """An answer without a letter or digit gets every scale's lowest value without a call, or is sent."""


class Lint(Model):
    """Which advice the author has heard and does not want again."""

    ignore: Annotated[tuple[WrittenText, ...], Many] = ()
    """Codes (`CODE`) or codes for one criterion (`CODE:criterion-id`)."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A criterion at its place in the tree."""

    criterion: Criterion
    groups: tuple[Group, ...]
    """The groups around it, outermost first."""
    path: str
    """Its JSON path within the rubric, such as `$.criteria[2].children[0]`."""

    @property
    def id(self) -> str:
        return self.criterion.id


class Rubric(Model):
    """A point-based rubric: what an answer earns and loses points for.

    >>> rubric = Rubric(id="r", criteria=[{"criterion": "Names the drug", "points": 6},
    ...                                   {"criterion": "Invents a dose", "points": -3}])
    >>> [leaf.id for leaf in rubric.leaves]
    ['c1', 'c2']
    """

    schema_uri: Text | None = Field(default=None, alias="$schema")
    """Points an editor to the JSON Schema, for completion."""
    id: Id
    """Names the rubric; examples point to it by `rubric_id`."""
    title: Text | None = None
    """A heading for people."""
    domain: Text | None = None
    """The field of work, such as `medicine` or `law`."""
    version: WrittenText = "1"
    """The author's name for this state of the rubric."""
    guidelines: Text | None = None
    """What every judge of this rubric is told first."""
    criteria: Annotated[tuple[Node, ...], Many, *at_least(1, "one criterion")]
    """The criteria and groups; at least one."""
    scoring: Scoring = Scoring()
    """How points become a score."""
    judging: Judging = Judging()
    """What a judge is shown and asked."""
    lint: Lint = Lint()
    """Which advice is silenced."""
    metadata: Metadata = Field(default_factory=dict)
    """Free fields, kept and never scored."""

    @model_validator(mode="wrap")
    @classmethod
    def _fields_and_structure(cls, value: Any, handler: ModelWrapValidatorHandler[Rubric]) -> Rubric:
        """Report what the fields and what the tree has wrong in one go, then name the unnamed nodes."""
        if isinstance(value, Rubric):
            return handler(value)
        problems: list[InitErrorDetails] = []
        rubric: Rubric | None = None
        try:
            rubric = handler(value)
        except ValidationError as error:
            problems = problems_of(error)
        if isinstance(value, dict):
            between = structure_problems(value)
            better_said = {line.get("loc") for line in between}
            unknown = "extra_forbidden"
            problems = [
                line
                for line in problems
                if not (str(getattr(line["type"], "type", "")) == unknown and line.get("loc") in better_said)
            ]
            problems = in_reading_order([*problems, *between], value)
        raise_problems("Rubric", problems)
        assert rubric is not None
        object.__setattr__(rubric, "criteria", tuple(_named(rubric.criteria, _Counter())))
        return rubric

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """Every criterion with its place, depth first: the order in which unnamed ones are counted."""
        return tuple(_leaves(self.criteria, (), "$.criteria"))

    @cached_property
    def leaf_by_id(self) -> dict[str, Leaf]:
        """The leaves by their ids."""
        return {leaf.id: leaf for leaf in self.leaves}

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything the rubric says; the editor's `$schema` is not part of it."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json", exclude={"schema_uri"}))).hexdigest()

    @cached_property
    def criterion_hashes(self) -> dict[str, str]:
        """`criterion_hash` of each leaf: 16 hex digits over what a judge sees of the criterion."""
        return {leaf.id: criterion_hash(leaf.criterion, self.guidelines) for leaf in self.leaves}


def criterion_hash(criterion: Criterion, guidelines: str | None) -> str:
    """First 16 hex digits of SHA-256 over canonical JSON of what a judge sees of a criterion.

    The object hashed has the keys criterion, scale, check, evidence, may_not_apply and guidelines, each present;
    scale, check and options hold the fields they were given, what is absent is null.
    """
    scale, check = criterion.scale, criterion.check
    scale_seen = b'{"type":"binary"}' if scale.type == "binary" else _seen(scale)
    check_seen = b"null" if check is None else _seen(check)
    guidelines_seen = b"null" if guidelines is None else canonical_text(guidelines)
    # Canonical JSON has its keys in alphabetical order; written by hand it costs a fifth.
    seen = b'{"check":%b,"criterion":%b,"evidence":"%b","guidelines":%b,"may_not_apply":%b,"scale":%b}' % (
        check_seen,
        canonical_text(criterion.criterion),
        criterion.evidence.encode(),
        guidelines_seen,
        b"true" if criterion.may_not_apply else b"false",
        scale_seen,
    )
    return hashlib.sha256(seen).hexdigest()[:16]


def _seen(part: Model) -> bytes:
    return canonical_json(part.model_dump(mode="json", exclude_none=True))


class _Counter:
    def __init__(self) -> None:
        self.leaves = 0
        self.groups = 0


def _named(nodes: tuple[Criterion | Group, ...], counter: _Counter) -> Iterator[Criterion | Group]:
    for node in nodes:
        if isinstance(node, Group):
            counter.groups += 1
            name = node.id or f"g{counter.groups}"
            yield node.model_copy(update={"id": name, "children": tuple(_named(node.children, counter))})
        else:
            counter.leaves += 1
            yield node if node.id else node.model_copy(update={"id": f"c{counter.leaves}"})


def _leaves(nodes: tuple[Criterion | Group, ...], groups: tuple[Group, ...], path: str) -> Iterator[Leaf]:
    for index, node in enumerate(nodes):
        if isinstance(node, Group):
            yield from _leaves(node.children, (*groups, node), f"{path}[{index}].children")
        else:
            yield Leaf(node, groups, f"{path}[{index}]")
