"""The score of one answer from the states of its leaves, with coverage and bounds; the same for each criterion's tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

from graders.scoring.bounds import Bounds, Range, bound
from graders.scoring.plan import ScoringPlan
from graders.scoring.tree import (
    NOT_APPLICABLE,
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
    """False where none of the tag's applicable leaves is positive: the tag is absent."""


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
    coverage = _coverage(weights.effective, states)
    if weights.reason is not None:
        tags = _tag_scores(plan, states, weights, bound(plan, own) if ungraded else None)
        return AnswerScore(
            None, None, None, None, None, True, coverage, weights.reason, any_judged, False, ungraded, tags
        )
    if not ungraded:
        return _fully_judged(plan, states, weights, any_judged)
    return _partly_judged(plan, own, states, weights, coverage=coverage, ungraded=ungraded, any_judged=any_judged)


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
    coverage: float,
    ungraded: int,
    any_judged: bool,
) -> AnswerScore:
    left_out = [NOT_APPLICABLE if state is UNGRADED else state for state in states]
    plain = tree_score(plan, left_out)
    cap = gate_cap(plan, left_out)
    judged_only = None if plain is None else finished(plan, plain, cap)
    bounds = bound(plan, own)
    reason = None
    if coverage < plan.min_coverage:
        reason = "low_coverage"
    elif judged_only is None:
        reason = weigh(plan, left_out).reason if any_judged else "nothing_judged"
    elif _a_gate_could_lower(plan, states, judged_only):
        reason = "ungraded_gate"
    tags = _tag_scores(plan, states, weights, bounds)
    return AnswerScore(
        score=None if reason else judged_only,
        ungated=None if reason or plain is None else finished(plan, plain, None),
        judged_only=judged_only,
        low=bounds.score.low,
        high=bounds.score.high,
        exact=bounds.exact,
        coverage=coverage,
        reason=reason,
        any_judged=any_judged,
        defined=True,
        ungraded=ungraded,
        tags=tags,
    )


def _a_gate_could_lower(plan: ScoringPlan, states: Sequence[LeafState], score: float) -> bool:
    return any(
        states[leaf] is UNGRADED
        and finished(plan, score, gate.cap) < score
        and any(gate.fires(credit) for credit in plan.scale(leaf).credits)
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
    return fsum(judged) / fsum(total) if total else 1.0


def _tag_scores(
    plan: ScoringPlan, states: Sequence[LeafState], weights: Weights, bounds: Bounds | None
) -> dict[str, TagScore]:
    """Every criterion's tag that a positive leaf carries; weights count ungraded leaves as applicable."""
    scores: dict[str, TagScore] = {}
    for tag, leaves in plan.tags.items():
        if not any(plan.points[leaf] > 0 for leaf in leaves):
            continue
        there = [leaf for leaf in leaves if weights.effective[leaf] is not None]
        judged = tag_score(leaves, weights.effective, states)
        any_judged = any(isinstance(states[leaf], float) for leaf in there)
        if not any(plan.points[leaf] > 0 for leaf in there):
            scores[tag] = TagScore(None, None, None, None, 1.0, any_judged, defined=False)
        elif bounds is None or all(isinstance(states[leaf], float) for leaf in there):
            ends = bounds.tags[tag] if bounds is not None else Range(judged, judged)
            scores[tag] = TagScore(judged, judged, ends.low, ends.high, 1.0, any_judged)
        else:
            coverage = _coverage([weights.effective[leaf] for leaf in there], [states[leaf] for leaf in there])
            enough = coverage >= plan.min_coverage
            ends = bounds.tags[tag]
            scores[tag] = TagScore(judged if enough else None, judged, ends.low, ends.high, coverage, any_judged)
    return scores
