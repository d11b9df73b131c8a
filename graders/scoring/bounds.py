"""The least and the greatest score that an answer with ungraded leaves can still get.

A completion gives every ungraded leaf a value of its scale, or lets it not apply where it may. Only leaves that a
gate, a condition or `may_not_apply` hangs on are enumerated; given those, each other leaf takes the end that the sign
of its points asks for, so the bounds are exact up to `MAX_COMPLETIONS` combinations, and safe outer ones beyond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import fsum, prod

from graders.scoring.plan import ScoringPlan
from graders.scoring.tree import (
    NOT_APPLICABLE,
    UNGRADED,
    WIDEST,
    LeafState,
    finished,
    gate_cap,
    resolve_conditions,
    tag_score,
    tree_score,
    weigh,
)

MAX_COMPLETIONS = 4096
"""Most combinations of deciding leaves that are enumerated (the general problem is NP-hard)."""


@dataclass(slots=True)
class Range:
    """The least and the greatest value seen; both None before the first."""

    low: float | None = None
    high: float | None = None

    def take(self, low: float | None, high: float | None) -> None:
        """Widen the range by two values; None is passed over."""
        if low is not None:
            self.low = low if self.low is None else min(self.low, low)
        if high is not None:
            self.high = high if self.high is None else max(self.high, high)


@dataclass(slots=True)
class Bounds:
    """The range of the answer's score and of each criterion's tag."""

    score: Range = field(default_factory=Range)
    tags: dict[str, Range] = field(default_factory=dict)
    exact: bool = True


def bound(plan: ScoringPlan, own: Sequence[LeafState]) -> Bounds:
    """Bounds over all completions of the leaves' own verdicts (before conditions)."""
    resolved = resolve_conditions(plan, own)
    unknown = [leaf for leaf, state in enumerate(own) if state is UNGRADED and resolved[leaf] is UNGRADED]
    pointed_to = {condition.leaf for condition in plan.conditions.values()}
    deciding = [leaf for leaf in unknown if leaf in plan.gates or leaf in pointed_to or leaf in plan.may_not_apply]
    choices = [_choices(plan, leaf) for leaf in deciding]
    if prod(map(len, choices)) > MAX_COMPLETIONS:
        return _outer_bounds(plan, own, resolved)
    free = [leaf for leaf in unknown if leaf not in set(deciding)]
    bounds = Bounds(tags={tag: Range() for tag in plan.tags})
    for chosen in product(*choices):
        low = list(own)
        for leaf, value in zip(deciding, chosen, strict=True):
            low[leaf] = value
        high = list(low)
        for leaf in free:
            scale = plan.scale(leaf)
            rises = plan.points[leaf] > 0
            low[leaf] = scale.least if rises else scale.most
            high[leaf] = scale.most if rises else scale.least
        _take_completion(plan, bounds, low, high)
    return bounds


def could_fire(plan: ScoringPlan, own: Sequence[LeafState], leaf: int) -> bool:
    """Whether some completion lets the gate of a leaf fire, whatever the other leaves' verdicts leave open."""
    gate = plan.gates[leaf]
    return _can_apply(plan, own, leaf) and any(gate.fires(credit) for credit in _credits(plan, own, leaf))


def _can_apply(plan: ScoringPlan, own: Sequence[LeafState], leaf: int) -> bool:
    condition = plan.conditions.get(leaf)
    while condition is not None:
        if not any(map(condition.holds, _credits(plan, own, condition.leaf))):
            return False
        condition = plan.conditions.get(condition.leaf)
    return True


def _credits(plan: ScoringPlan, own: Sequence[LeafState], leaf: int) -> tuple[float, ...]:
    """The credits that a leaf can still have while it applies."""
    state = own[leaf]
    if isinstance(state, float):
        return (state,)
    return () if state is NOT_APPLICABLE else plan.scale(leaf).credits


def _choices(plan: ScoringPlan, leaf: int) -> tuple[LeafState, ...]:
    values: tuple[LeafState, ...] = tuple(dict.fromkeys(plan.scale(leaf).credits))
    return (*values, NOT_APPLICABLE) if leaf in plan.may_not_apply else values


def _take_completion(plan: ScoringPlan, bounds: Bounds, low: list[LeafState], high: list[LeafState]) -> None:
    low, high = resolve_conditions(plan, low), resolve_conditions(plan, high)
    bounds.score.take(_score_of(plan, low), _score_of(plan, high))
    if plan.tags:
        weights = weigh(plan, low).effective
        for tag, leaves in plan.tags.items():
            bounds.tags[tag].take(tag_score(leaves, weights, low), tag_score(leaves, weights, high))


def _score_of(plan: ScoringPlan, credits: list[LeafState]) -> float | None:
    score = tree_score(plan, credits)
    return None if score is None else finished(plan, score, gate_cap(plan, credits))


@dataclass(frozen=True, slots=True)
class _Term:
    """One child in a ratio Σ a / Σ b: the ends of what it adds above, what it adds below, whether it may be absent."""

    low: float
    high: float
    below: float
    optional: bool


def _outer_bounds(plan: ScoringPlan, own: Sequence[LeafState], resolved: Sequence[LeafState]) -> Bounds:
    """Safe bounds when there are too many completions: every leaf and every gate decided as if alone."""
    bounds = Bounds(exact=False, tags={tag: Range() for tag in plan.tags})
    leaves = [_leaf_ends(plan, leaf, own[leaf], resolved[leaf]) for leaf in range(len(own))]
    groups: list[tuple[float, float, bool] | None] = [None] * len(plan.groups)

    def terms(children: Sequence[int], spread: str) -> Iterator[_Term]:
        for child in children:
            ends = leaves[child] if child >= 0 else groups[~child]
            if ends is None:
                continue
            points = plan.points[child] if child >= 0 else plan.groups[~child].points
            a, b = sorted((points * ends[0], points * ends[1]))
            shift = max(-points, 0.0) if spread == "range" else 0.0
            below = {"range": abs(points), "sum": 1.0}.get(spread, max(points, 0.0))
            yield _Term(a + shift, b + shift, below, ends[2])

    lost: set[int] = set()
    for place in range(len(plan.groups) - 1, -1, -1):
        inner = list(terms(plan.groups[place].children, "positive"))
        if inner:
            low, high = _ratio_ends(inner)
            if low is not None and high is not None:
                groups[place] = (low, high, all(term.optional for term in inner))
            elif not all(term.optional for term in inner) and lost.isdisjoint(~c for c in plan.groups[place].children):
                lost.add(place)
    for tag, members in plan.tags.items():
        bounds.tags[tag].take(*_outer_tag_ends(plan, members, leaves, lost))
    spread = "range" if plan.one_minus and plan.normalize != "sum" else plan.normalize
    root = list(terms(plan.root, spread))
    low, high = _sum_ends(root) if spread == "sum" else _ratio_ends(root)
    if low is None or high is None or lost:
        return bounds
    sure = gate_cap(plan, resolved)
    possible = [
        gate.cap for leaf, gate in plan.gates.items() if resolved[leaf] is UNGRADED and could_fire(plan, own, leaf)
    ]
    lowest = min([*possible, *([] if sure is None else [sure])], default=None)
    bounds.score.take(finished(plan, low, lowest), finished(plan, high, sure))
    return bounds


def _leaf_ends(plan: ScoringPlan, leaf: int, own: LeafState, resolved: LeafState) -> tuple[float, float, bool] | None:
    if isinstance(resolved, float):
        return resolved, resolved, False
    if resolved is NOT_APPLICABLE:
        return None
    optional = leaf in plan.conditions or leaf in plan.may_not_apply
    if isinstance(own, float):
        return own, own, optional
    scale = plan.scale(leaf)
    return scale.least, scale.most, optional


def _ratio_ends(terms: Sequence[_Term]) -> tuple[float | None, float | None]:
    """Least and greatest Σ a / Σ b over all ways to leave optional terms out (Dinkelbach's iteration)."""
    if not any(term.below > 0 for term in terms):
        return None, None
    high = _greatest_ratio([(term.high, term.below, term.optional) for term in terms])
    low = _greatest_ratio([(-term.low, term.below, term.optional) for term in terms])
    return -low, high


def _greatest_ratio(terms: Sequence[tuple[float, float, bool]]) -> float:
    best = fsum(a for a, _, _ in terms) / fsum(b for _, b, _ in terms)
    while True:
        gains = [a - best * b for a, b, _ in terms]
        chosen = [place for place, (_, _, optional) in enumerate(terms) if not optional or gains[place] > 0]
        if not any(terms[place][1] > 0 for place in chosen):
            # One positive term must stay; beside a sure fault that is not the one with the best ratio of its own.
            chosen.append(max((place for place, (_, b, _) in enumerate(terms) if b > 0), key=gains.__getitem__))
        ratio = fsum(terms[place][0] for place in chosen) / fsum(terms[place][1] for place in chosen)
        if ratio <= best:
            return best
        best = ratio


def _sum_ends(terms: Sequence[_Term]) -> tuple[float | None, float | None]:
    if not terms:
        return None, None
    low = fsum(min(term.low, 0.0) if term.optional else term.low for term in terms)
    high = fsum(max(term.high, 0.0) if term.optional else term.high for term in terms)
    return low, high


def _outer_tag_ends(
    plan: ScoringPlan,
    members: Sequence[int],
    leaves: Sequence[tuple[float, float, bool] | None],
    lost: set[int],
) -> tuple[float | None, float | None]:
    """A tag's weighted mean lies within its positive leaves' credits, less what its faults can cost.

    There is none where one of its leaves surely stands in a `lost` group, one that can have no score.
    """
    for leaf in members:
        ends = leaves[leaf]
        if ends is not None and not ends[2] and plan.ancestors and not lost.isdisjoint(plan.ancestors[leaf]):
            return None, None
    positive = [(leaf, ends) for leaf in members if (ends := leaves[leaf]) is not None and plan.points[leaf] > 0]
    negative = [(leaf, ends) for leaf in members if (ends := leaves[leaf]) is not None and plan.points[leaf] < 0]
    if not positive:
        return None, None
    least = min(_least_weight(plan, leaf) for leaf, _ in positive)
    cost = sum(_most_weight(plan, leaf) * ends[1] for leaf, ends in negative if ends[1])
    low, high = min(ends[0] for _, ends in positive), max(ends[1] for _, ends in positive)
    if cost and not cost < least * WIDEST:
        return None, None  # weights so far apart that doubles have no such number
    return (low - cost / least if cost else low), high


def _least_weight(plan: ScoringPlan, leaf: int) -> float:
    weight = abs(plan.points[leaf])
    for place in plan.ancestors[leaf] if plan.ancestors else ():
        group = plan.groups[place]
        weight *= group.points / fsum(max(_points(plan, child), 0.0) for child in group.children)
    return weight


def _most_weight(plan: ScoringPlan, leaf: int) -> float:
    weight = abs(plan.points[leaf])
    for place in plan.ancestors[leaf] if plan.ancestors else ():
        group = plan.groups[place]
        weight *= group.points / min(_points(plan, child) for child in group.children if _points(plan, child) > 0)
    return weight


def _points(plan: ScoringPlan, child: int) -> float:
    return plan.points[child] if child >= 0 else plan.groups[~child].points
