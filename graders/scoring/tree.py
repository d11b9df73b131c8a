"""The tree's arithmetic: what each leaf stands at, its effective points, and the score of the whole.

    score(node) = Σ points·credit / Σ positive points        over its applicable children

Worked number: criteria of 6, 4 and −3 points, the first and third met: (6 − 3) / 10 = 0.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import fsum

from graders.scoring.plan import ScoringPlan


class Mark(Enum):
    """A leaf without a credit."""

    NOT_APPLICABLE = "not_applicable"
    UNGRADED = "ungraded"


LeafState = float | Mark
"""A leaf's credit in [0, 1], or why it has none."""

NOT_APPLICABLE = Mark.NOT_APPLICABLE
UNGRADED = Mark.UNGRADED


ROUNDING = 1e-12
"""Sums that differ by less are the same number: 2/7 + 5/7 of a group's points may come to a hair under 1."""

WIDEST = 1e100
"""No score is so far from 0; one that came out beyond is an artefact of weights that underflowed."""


def resolve_conditions(plan: ScoringPlan, own: Sequence[LeafState]) -> list[LeafState]:
    """Apply the conditions to the leaves' own verdicts.

    A leaf whose condition does not hold, or points to one that does not apply, does not apply; one whose condition
    points to an ungraded leaf is ungraded, even if it was judged.
    """
    states = list(own)
    for leaf, condition in plan.conditions.items():
        deciding = states[condition.leaf]
        if deciding is UNGRADED:
            if states[leaf] is not NOT_APPLICABLE:
                states[leaf] = UNGRADED
        elif not isinstance(deciding, float) or not condition.holds(deciding):
            states[leaf] = NOT_APPLICABLE
    return states


@dataclass(frozen=True, slots=True)
class Weights:
    """The effective points of the applicable leaves (None for the others), and what makes a score undefined."""

    effective: Sequence[float | None]
    reason: str | None
    """`nothing_applies`, `all_negative`, `group_all_negative:ID`, or None."""


def weigh(plan: ScoringPlan, states: Sequence[LeafState]) -> Weights:
    """Effective points: a leaf's points × Π over its groups (group's points / Σ positive points that apply in it).

    Leaves in a group where only negative ones apply have none: the group has no score to share.
    """
    if not plan.groups:
        applies = [state is not NOT_APPLICABLE for state in states]
        effective = [points if there else None for points, there in zip(plan.points, applies, strict=True)]
        return Weights(effective, _flat_reason(plan, effective))
    positive = _group_positives(plan, states)
    reason = None
    root_positive = 0.0
    anything = False
    for child in plan.root:
        there = states[child] is not NOT_APPLICABLE if child >= 0 else positive[~child] is not None
        anything = anything or there
        root_positive += max(plan.points[child] if child >= 0 else plan.groups[~child].points, 0.0) if there else 0.0
    if not anything:
        reason = "nothing_applies"
    if without := [group.id for group, total in zip(plan.groups, positive, strict=True) if total == 0.0]:
        reason = f"group_all_negative:{min(without)}"
    if reason is None and root_positive == 0.0 and not plan.one_minus:
        reason = "all_negative"
    weights: list[float | None] = []
    for leaf, state in enumerate(states):
        weights.append(None if state is NOT_APPLICABLE else _through_groups(plan, leaf, positive))
    return Weights(weights, reason)


def _flat_reason(plan: ScoringPlan, effective: Sequence[float | None]) -> str | None:
    applicable = [points for points in effective if points is not None]
    if not applicable:
        return "nothing_applies"
    if not plan.one_minus and max(applicable) < 0:
        return "all_negative"
    return None


def _group_positives(plan: ScoringPlan, states: Sequence[LeafState]) -> list[float | None]:
    """For each group the sum of its applicable positive points; None where nothing in it applies."""
    positive: list[float | None] = [None] * len(plan.groups)
    for place in range(len(plan.groups) - 1, -1, -1):
        points: list[float] = []
        for child in plan.groups[place].children:
            if child >= 0:
                if states[child] is not NOT_APPLICABLE:
                    points.append(plan.points[child])
            elif positive[~child] is not None:
                points.append(plan.groups[~child].points)
        positive[place] = fsum(value for value in points if value > 0) if points else None
    return positive


def _through_groups(plan: ScoringPlan, leaf: int, positive: Sequence[float | None]) -> float | None:
    weight = plan.points[leaf]
    for place in plan.ancestors[leaf]:
        total = positive[place]
        if not total:
            return None
        weight *= plan.groups[place].points / total
    return weight


def tree_score(plan: ScoringPlan, credits: Sequence[LeafState]) -> float | None:
    """The normalised score of a fully decided answer, ungated and unclipped; None where it is undefined.

    Ungraded leaves must have been decided or left out before.
    """
    earned: list[float] = []
    positive: list[float] = []
    negative: list[float] = []
    groups = _group_scores(plan, credits) if plan.groups else []
    if groups is None:
        return None
    for child in plan.root:
        if child >= 0:
            credit: LeafState | None = credits[child]
            points = plan.points[child]
        else:
            credit = groups[~child]
            points = plan.groups[~child].points
        if not isinstance(credit, float):
            continue
        earned.append(points * credit)
        (positive if points > 0 else negative).append(points)
    if not earned or (not positive and not plan.one_minus):
        return None
    return _normalised(plan, fsum(earned), fsum(positive), fsum(negative))


def _normalised(plan: ScoringPlan, earned: float, positive: float, negative: float) -> float:
    if plan.normalize == "sum":
        return earned
    if plan.one_minus:
        return 1.0 + earned / -negative
    if plan.normalize == "range":
        return (earned - negative) / (positive - negative)
    return earned / positive


def _group_scores(plan: ScoringPlan, credits: Sequence[LeafState]) -> list[float | None] | None:
    """Each group's score (None where nothing in it applies); None in all where one has only negative leaves left."""
    scores: list[float | None] = [None] * len(plan.groups)
    for place in range(len(plan.groups) - 1, -1, -1):
        earned: list[float] = []
        positive: list[float] = []
        for child in plan.groups[place].children:
            credit = credits[child] if child >= 0 else scores[~child]
            points = plan.points[child] if child >= 0 else plan.groups[~child].points
            if isinstance(credit, float):
                earned.append(points * credit)
                if points > 0:
                    positive.append(points)
        if not earned:
            continue
        if not positive:
            return None
        scores[place] = fsum(earned) / fsum(positive)
    return scores


def gate_cap(plan: ScoringPlan, credits: Sequence[LeafState]) -> float | None:
    """The lowest cap of the gates that fire; a leaf without a credit fires none."""
    caps = [
        gate.cap
        for leaf, gate in plan.gates.items()
        if isinstance(credit := credits[leaf], float) and gate.fires(credit)
    ]
    return min(caps, default=None)


def finished(plan: ScoringPlan, score: float, cap: float | None) -> float:
    """A normalised score with the gates' cap and, under `clip: answer`, the clip."""
    if cap is not None:
        score = min(score, cap)
    if plan.clip == "answer":
        score = min(max(score, 0.0), 1.0)
    return score


def tag_score(leaves: Sequence[int], effective: Sequence[float | None], credits: Sequence[LeafState]) -> float | None:
    """Σ effective points · credit / Σ positive effective points over a tag's leaves that have both.

    None where none of them is positive, or one lies in a group that has no score (`group_all_negative`),
    or their weights are so far apart that doubles have no such number.
    """
    earned: list[float] = []
    positive: list[float] = []
    for leaf in leaves:
        weight = effective[leaf]
        credit = credits[leaf]
        if not isinstance(credit, float):
            continue
        if weight is None:
            return None
        earned.append(weight * credit)
        if weight > 0:
            positive.append(weight)
    sum_earned, whole = fsum(earned), fsum(positive)
    return sum_earned / whole if abs(sum_earned) < whole * WIDEST else None
