"""A rubric reduced to what scoring needs: numbers and places in the tree, no texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from sys import intern
from typing import Literal

from rubrics import Criterion, Group, Rubric

Child = int
"""A child of a node: a leaf's index, or ~index (−1, −2, …) of a group."""


@dataclass(frozen=True, slots=True)
class LeafScale:
    """What a verdict on one leaf can be, and the credit it earns."""

    kind: Literal["binary", "ordinal", "nominal", "number", "count"]
    labels: tuple[str, ...] = ()
    """The options' labels; empty for other scales."""
    credits: tuple[float, ...] = (0.0, 1.0)
    """Every credit that a completion may take: the options', or both ends of the scale."""
    start: float = 0.0
    """The value that earns nothing (number scale)."""
    end: float = 1.0
    """The value that earns all points (number and count scale)."""

    def credit(self, value: float) -> float:
        """The credit of a verdict: met 1 or 0, an option's index, or the number itself."""
        if self.kind in ("ordinal", "nominal"):
            return self.credits[int(value)]
        if self.kind == "binary":
            return value
        return (value - self.start) / self.width

    @property
    def width(self) -> float:
        """How far `end` lies above `start`; `start + width` may miss `end` by a hair."""
        return self.end - self.start

    @property
    def least(self) -> float:
        return min(self.credits)

    @property
    def most(self) -> float:
        return max(self.credits)


BINARY_SCALE = LeafScale("binary")


def leaf_scale(criterion: Criterion) -> LeafScale:
    """The scale of a criterion in numbers."""
    scale = criterion.scale
    if scale.type == "binary":
        return BINARY_SCALE
    if scale.type == "number":
        return LeafScale("number", start=float(scale.min), end=float(scale.max))
    if scale.type == "count":
        return LeafScale("count", end=float(scale.max_count))
    return LeafScale(scale.type, tuple(option.label for option in scale.options), scale.credits)


@dataclass(frozen=True, slots=True)
class PlannedGate:
    """A gate of one leaf."""

    when_met: bool
    cap: float

    def fires(self, credit: float) -> bool:
        """At exactly half the credit a gate fires, whichever way it looks."""
        return credit >= 0.5 if self.when_met else credit <= 0.5


@dataclass(frozen=True, slots=True)
class PlannedCondition:
    """A condition of one leaf: the index of the leaf that decides, and what it must be."""

    leaf: int
    when_met: bool

    def holds(self, credit: float) -> bool:
        """At exactly half the credit the deciding leaf counts as unmet."""
        return (credit > 0.5) == self.when_met


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """A group: its weight and its children."""

    id: str
    points: float
    children: tuple[Child, ...]


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """What scoring knows of a rubric; leaves are numbered depth first."""

    ids: tuple[str, ...]
    points: tuple[float, ...]
    root: tuple[Child, ...]
    groups: tuple[PlannedGroup, ...] = ()
    """Every group, outer ones before those they hold."""
    ancestors: tuple[tuple[int, ...], ...] = ()
    """For each leaf the groups around it, outermost first; empty where the rubric is flat."""
    scales: tuple[LeafScale, ...] = ()
    """For each leaf its scale; empty where all are binary."""
    gates: dict[int, PlannedGate] = field(default_factory=dict)
    conditions: dict[int, PlannedCondition] = field(default_factory=dict)
    """The conditions, deciding leaves before those they decide."""
    may_not_apply: frozenset[int] = frozenset()
    checked: frozenset[int] = frozenset()
    """The leaves that rules judge."""
    tags: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """For each criterion's tag the leaves that carry it."""
    normalize: Literal["positive", "range", "sum"] = "positive"
    clip: Literal["none", "answer", "mean"] = "mean"
    one_minus: bool = False
    """Whether this rubric, which has no positive leaf, scores 1 + Σ points·credit / Σ |points|."""
    min_coverage: float = 1.0
    consensus: Literal["majority", "unanimous", "mean", "adjudicated"] = "majority"

    def scale(self, leaf: int) -> LeafScale:
        """The scale of a leaf."""
        return self.scales[leaf] if self.scales else BINARY_SCALE


_NO_LEAVES: frozenset[int] = frozenset()


def plan_rubric(rubric: Rubric) -> ScoringPlan:
    """Reduce a rubric to its numbers; names and numbers that many plans have are kept once."""
    leaves = rubric.leaves
    index = {leaf.id: number for number, leaf in enumerate(leaves)}
    groups: list[PlannedGroup | None] = []
    group_index: dict[str, int] = {}
    root = _children(rubric.criteria, index, groups, group_index)
    flat = not groups
    tags: dict[str, list[int]] = {}
    for number, leaf in enumerate(leaves):
        for tag in dict.fromkeys(leaf.criterion.tags):
            tags.setdefault(intern(tag), []).append(number)
    scales = tuple(leaf_scale(leaf.criterion) for leaf in leaves)
    scoring = rubric.scoring
    return ScoringPlan(
        ids=_names(tuple(intern(leaf.id) for leaf in leaves)),
        points=tuple(_number(float(leaf.criterion.points)) for leaf in leaves),
        root=_places(root),
        groups=tuple(group for group in groups if group is not None),
        ancestors=() if flat else tuple(tuple(group_index[group.id] for group in leaf.groups) for leaf in leaves),
        scales=() if all(scale is BINARY_SCALE for scale in scales) else scales,
        gates={
            number: PlannedGate(leaf.criterion.gate.when == "met", float(leaf.criterion.gate.cap))
            for number, leaf in enumerate(leaves)
            if leaf.criterion.gate is not None
        },
        conditions=_conditions(rubric, index),
        may_not_apply=frozenset(n for n, leaf in enumerate(leaves) if leaf.criterion.may_not_apply) or _NO_LEAVES,
        checked=frozenset(n for n, leaf in enumerate(leaves) if leaf.criterion.check is not None) or _NO_LEAVES,
        tags={tag: _places(tuple(numbers)) for tag, numbers in tags.items()},
        normalize=scoring.normalize,
        clip=scoring.clips,
        one_minus=scoring.all_negative == "one_minus" and all(leaf.criterion.points < 0 for leaf in leaves),
        min_coverage=float(scoring.min_coverage),
        consensus=scoring.consensus,
    )


@lru_cache(maxsize=1024)
def _number(points: float) -> float:
    return points


@lru_cache(maxsize=1024)
def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


@lru_cache(maxsize=1024)
def _places(places: tuple[int, ...]) -> tuple[int, ...]:
    return places


def _children(
    nodes: tuple[Criterion | Group, ...],
    index: dict[str, int],
    groups: list[PlannedGroup | None],
    group_index: dict[str, int],
) -> tuple[Child, ...]:
    children: list[Child] = []
    for node in nodes:
        if isinstance(node, Group):
            place = len(groups)
            groups.append(None)
            group_index[node.id] = place
            inner = _children(node.children, index, groups, group_index)
            groups[place] = PlannedGroup(node.id, float(node.points), inner)
            children.append(~place)
        else:
            children.append(index[node.id])
    return tuple(children)


def _conditions(rubric: Rubric, index: dict[str, int]) -> dict[int, PlannedCondition]:
    written = {
        number: PlannedCondition(index[leaf.criterion.depends_on.criterion], leaf.criterion.depends_on.when == "met")
        for number, leaf in enumerate(rubric.leaves)
        if leaf.criterion.depends_on is not None
    }
    ordered: dict[int, PlannedCondition] = {}

    for leaf in written:
        chain = []
        while leaf in written and leaf not in ordered:
            chain.append(leaf)
            leaf = written[leaf].leaf
        for waiting in reversed(chain):
            ordered[waiting] = written[waiting]
    return ordered
