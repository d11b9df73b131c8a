"""Pure functions of values: from judgments to points, scores, bounds, aggregates and intervals."""

from graders.scoring.aggregate import Aggregate, AggregateOptions, aggregate
from graders.scoring.answer import AnswerScore, TagScore, score_answer
from graders.scoring.at_k import best_at_k, worst_at_k
from graders.scoring.bounds import MAX_COMPLETIONS, Bounds, bound
from graders.scoring.consensus import DOES_NOT_APPLY, JUDGED, Policy, Vote, agree
from graders.scoring.interval import (
    Interval,
    bootstrap_std,
    healthbench_bootstrap_std,
    mean,
    small_interval,
)
from graders.scoring.plan import LeafScale, ScoringPlan, leaf_scale, plan_rubric
from graders.scoring.points import Point, Points
from graders.scoring.resampling import Resampler, interval
from graders.scoring.tree import NOT_APPLICABLE, UNGRADED, LeafState, Mark

__all__ = [
    "DOES_NOT_APPLY",
    "JUDGED",
    "MAX_COMPLETIONS",
    "NOT_APPLICABLE",
    "UNGRADED",
    "Aggregate",
    "AggregateOptions",
    "AnswerScore",
    "Bounds",
    "Interval",
    "LeafScale",
    "LeafState",
    "Mark",
    "Point",
    "Points",
    "Policy",
    "Resampler",
    "ScoringPlan",
    "TagScore",
    "Vote",
    "aggregate",
    "agree",
    "best_at_k",
    "bootstrap_std",
    "bound",
    "healthbench_bootstrap_std",
    "interval",
    "leaf_scale",
    "mean",
    "plan_rubric",
    "score_answer",
    "small_interval",
    "worst_at_k",
]
