"""The score of one answer from the states of its leaves, with coverage and bounds; the same for each of its tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

from graders.scoring.bounds import Bounds, Range, bound, could_fire
from graders.scoring.plan import ScoringPlan
from graders.scoring.tree import (
    NOT_APPLICABLE,
    ROUNDING,
    UNGRADED,
    LeafState,
    Weights,
    finished,
    gate_cap,
    resolve_conditions,
    tag_score,
    tree_score,
    weigh,
)


@dataclass(slots=True)
class TagScore:
    """One criterion's tag on one answer; the fields mean what they mean for the answer."""

    score: float | None
    judged_only: float | None
    low: float | None
    high: float | None
    coverage: float
    any_judged: bool
    defined: bool = True
    """False where the tag has no score whatever is still judged."""
    absent: bool = False
    """Whether none of the tag's applicable leaves is positive."""


@dataclass(slots=True)
class AnswerScore:
    """What one answer scores by one group of graders."""

    score: float | None
    """The score, gated; None (see `reason`) where it is undefined or too little is judged."""
    ungated: float | None
    """The same without gates; None where `score` is."""
    judged_only: float | None
    """The score with ungraded leaves left out; equal to `score` where nothing is ungraded."""
    low: float | None
    """The least score of all completions."""
    high: float | None
    """The greatest score of all completions."""
    exact: bool
    """Whether low and high are exact rather than safe outer bounds."""
    coverage: float
    """Share of the absolute effective points of applicable leaves that is judged."""
    reason: str | None
    """Why there is no score."""
    any_judged: bool
    """Whether at least one applicable leaf is judged."""
    defined: bool
    """False where the answer's score is undefined whatever is still judged."""
    ungraded: int
    """How many applicable leaves are ungraded."""
    tags: dict[str, TagScore] = field(default_factory=dict)


def score_answer(plan: ScoringPlan, own: Sequence[LeafState]) -> AnswerScore:
    """Score one answer; `own` holds each leaf's own verdict in the plan's order, before conditions.

    >>> from rubrics import Rubric
    >>> from graders.scoring import plan_rubric
    >>> rubric = Rubric(id="r", criteria=[{"criterion": "a", "points": 6}, {"criterion": "b", "points": 4},
    ...                                   {"criterion": "c", "points": -3}])
    >>> score_answer(plan_rubric(rubric), [1.0, 0.0, 1.0]).score
    0.3
    """
    states = resolve_conditions(plan, own) if plan.conditions else own
    weights = weigh(plan, states)
    ungraded = sum(state is UNGRADED for state in states)
    any_judged = any(isinstance(state, float) for state in states)
    if not ungraded:
        if weights.reason is not None:
            return _undefined(plan, states, weights, any_judged=any_judged)
        return _fully_judged(plan, states, weights, any_judged)
    return _partly_judged(plan, own, states, weights, ungraded=ungraded, any_judged=any_judged)


def _undefined(plan: ScoringPlan, states: Sequence[LeafState], weights: Weights, *, any_judged: bool) -> AnswerScore:
    coverage = _coverage(weights.effective, states)
    tags = _tag_scores(plan, states, weights, None)
    return AnswerScore(None, None, None, None, None, True, coverage, weights.reason, any_judged, False, 0, tags)


def _fully_judged(plan: ScoringPlan, states: Sequence[LeafState], weights: Weights, any_judged: bool) -> AnswerScore:
    plain = tree_score(plan, states)
    assert plain is not None
    score = finished(plan, plain, gate_cap(plan, states) if plan.gates else None)
    ungated = finished(plan, plain, None)
    tags = _tag_scores(plan, states, weights, None)
    return AnswerScore(score, ungated, score, score, score, True, 1.0, None, any_judged, True, 0, tags)


def _partly_judged(
    plan: ScoringPlan,
    own: Sequence[LeafState],
    states: Sequence[LeafState],
    weights: Weights,
    *,
    ungraded: int,
    any_judged: bool,
) -> AnswerScore:
    left_out = [NOT_APPLICABLE if state is UNGRADED else state for state in states]
    plain = tree_score(plan, left_out)
    cap = gate_cap(plan, left_out)
    judged_only = None if plain is None else finished(plan, plain, cap)
    bounds = bound(plan, own)
    coverage = _coverage(weights.effective, states)
    reason = weights.reason
    if reason is None and coverage < plan.min_coverage - ROUNDING:
        reason = "low_coverage"
    elif reason is None and judged_only is None:
        reason = weigh(plan, left_out).reason if any_judged else "nothing_judged"
    elif reason is None and judged_only is not None and _a_gate_could_lower(plan, own, states, judged_only):
        reason = "ungraded_gate"
    tags = _tag_scores(plan, states, weights, bounds)
    return AnswerScore(
        score=None if reason else judged_only,
        ungated=None if reason or plain is None else finished(plan, plain, None),
        judged_only=judged_only,
        low=bounds.score.low,
        high=bounds.score.high,
        exact=bounds.exact or bounds.score.low is None,
        coverage=coverage,
        reason=reason,
        any_judged=any_judged,
        defined=bounds.score.low is not None,
        ungraded=ungraded,
        tags=tags,
    )


def _a_gate_could_lower(plan: ScoringPlan, own: Sequence[LeafState], states: Sequence[LeafState], score: float) -> bool:
    return any(
        states[leaf] is UNGRADED and finished(plan, score, gate.cap) < score - ROUNDING and could_fire(plan, own, leaf)
        for leaf, gate in plan.gates.items()
    )


def _coverage(effective: Sequence[float | None], states: Sequence[LeafState]) -> float:
    """Judged share of the absolute effective points; 1 where no leaf applies (nothing waits to be judged)."""
    total: list[float] = []
    judged: list[float] = []
    for weight, state in zip(effective, states, strict=True):
        if weight is not None:
            total.append(abs(weight))
            if isinstance(state, float):
                judged.append(abs(weight))
    whole = fsum(total)
    if whole == 0.0:  # no leaf applies, or weights so small that doubles have none
        return 1.0 if len(judged) == len(total) else 0.0
    return fsum(judged) / whole


def _tag_scores(
    plan: ScoringPlan, states: Sequence[LeafState], weights: Weights, bounds: Bounds | None
) -> dict[str, TagScore]:
    """Every criterion's tag that a positive leaf carries; weights count ungraded leaves as applicable."""
    return {
        tag: _tag_of(plan, leaves, states, weights, None if bounds is None else bounds.tags[tag])
        for tag, leaves in plan.tags.items()
        if any(plan.points[leaf] > 0 for leaf in leaves)
    }


def _tag_of(
    plan: ScoringPlan, leaves: Sequence[int], states: Sequence[LeafState], weights: Weights, ends: Range | None
) -> TagScore:
    """One tag as if its leaves were the answer: only its own ungraded leaves are left out, the others still apply."""
    there = [leaf for leaf in leaves if states[leaf] is not NOT_APPLICABLE]
    any_judged = any(isinstance(states[leaf], float) for leaf in there)
    if not any(plan.points[leaf] > 0 for leaf in there):
        return TagScore(None, None, None, None, 1.0, any_judged, defined=False, absent=True)
    coverage = _coverage([weights.effective[leaf] for leaf in there], [states[leaf] for leaf in there])
    effective = weights.effective
    if any(states[leaf] is UNGRADED for leaf in there):
        left_out = list(states)
        for leaf in there:
            if left_out[leaf] is UNGRADED:
                left_out[leaf] = NOT_APPLICABLE
        effective = weigh(plan, left_out).effective
    judged_only = tag_score(there, effective, states)
    if ends is None:
        ends = Range(judged_only, judged_only)
    has_score = coverage >= plan.min_coverage - ROUNDING and all(weights.effective[leaf] is not None for leaf in there)
    score = judged_only if has_score else None
    return TagScore(score, judged_only, ends.low, ends.high, coverage, any_judged, defined=ends.low is not None)
