"""Aggregates: the mean over examples of each example's mean over its samples, with what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graders.scoring.interval import (
    best_at_k,
    healthbench_bootstrap_std,
    interval,
    mean,
    worst_at_k,
)
from graders.scoring.tree import ROUNDING


@dataclass(frozen=True, slots=True)
class Point:
    """One expected answer, or one that turned out undefined, as an aggregate sees it."""

    score: float | None
    judged_only: float | None
    low: float | None
    high: float | None
    coverage: float
    missing: bool
    """No answer, or no judged leaf."""
    defined: bool = True

    @property
    def entering(self) -> float | None:
        """What enters the mean: the score, or without one what was judged."""
        if self.missing or not self.defined:
            return None
        return self.score if self.score is not None else self.judged_only


@dataclass(slots=True)
class Aggregate:
    """A mean over examples with its interval, coverage, bounds and counts; `reason` says why the mean is None."""

    mean: float | None = None
    mean_judged_only: float | None = None
    mean_unclipped: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    low: float | None = None
    high: float | None = None
    n_examples: int = 0
    """Examples with at least one expected answer."""
    n_expected: int = 0
    """Each example × each model × its samples, at least one; without undefined and with missing answers."""
    n_scored: int = 0
    """Answers with a score."""
    n_missing: int = 0
    """No answer, or no judged leaf."""
    n_undefined: int = 0
    """Answers to which nothing that could earn points applies."""
    coverage: float | None = None
    seed: int = 0
    reason: str | None = None
    worst_at_k: dict[str, float] | None = None
    best_at_k: dict[str, float] | None = None
    bootstrap_std: float | None = None
    extras: frozenset[str] = field(default_factory=frozenset)
    """Which of the optional figures belong in the JSON."""

    def as_json(self) -> dict[str, Any]:
        """The aggregate as one JSON object."""
        row: dict[str, Any] = {
            "mean": self.mean,
            "mean_judged_only": self.mean_judged_only,
            "mean_unclipped": self.mean_unclipped,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "low": self.low,
            "high": self.high,
            "n_examples": self.n_examples,
            "n_expected": self.n_expected,
            "n_scored": self.n_scored,
            "n_missing": self.n_missing,
            "n_undefined": self.n_undefined,
            "coverage": self.coverage,
            "seed": self.seed,
            "reason": self.reason,
        }
        for name in sorted(self.extras):
            row[name] = getattr(self, name)
        return row


@dataclass(frozen=True, slots=True)
class AggregateOptions:
    """What all aggregates of a report share."""

    clip_mean: bool = True
    """Whether means are clipped to [0, 1] (`clip: mean`)."""
    min_coverage: float = 0.98
    """Share of coverage below which there is no mean."""
    seed: int = 0
    healthbench: bool = False
    """Whether HealthBench's `bootstrap_std` is computed too."""

    def clip(self, value: float) -> float:
        return min(max(value, 0.0), 1.0) if self.clip_mean else value


def aggregate(by_example: Iterable[Sequence[Point]], options: AggregateOptions, *, at_k: bool = False) -> Aggregate:
    """Aggregate points grouped by example, examples in the order of their ids, samples in the order of theirs."""
    result = Aggregate(seed=options.seed)
    entering: list[list[float]] = []
    judged_only: list[float] = []
    lows: list[float] = []
    highs: list[float] = []
    coverages: list[float] = []
    for points in by_example:
        expected = [point for point in points if point.defined]
        result.n_undefined += len(points) - len(expected)
        if not expected:
            continue
        result.n_examples += 1
        result.n_expected += len(expected)
        result.n_missing += sum(point.missing for point in expected)
        result.n_scored += sum(point.score is not None and not point.missing for point in expected)
        coverages.extend(0.0 if point.missing else point.coverage for point in expected)
        if values := [value for point in expected if (value := point.entering) is not None]:
            entering.append(values)
        if alone := [p.judged_only for p in expected if p.judged_only is not None and not p.missing]:
            judged_only.append(mean(alone))
        if ends := [point.low for point in expected if point.low is not None]:
            lows.append(mean(ends))
        if ends := [point.high for point in expected if point.high is not None]:
            highs.append(mean(ends))
    result.coverage = mean(coverages) if coverages else None
    result.low = options.clip(mean(lows)) if lows else None
    result.high = options.clip(mean(highs)) if highs else None
    result.mean_judged_only = options.clip(mean(judged_only)) if judged_only else None
    _fill_mean(result, entering, options, at_k=at_k)
    return result


def _fill_mean(
    result: Aggregate, entering: Sequence[Sequence[float]], options: AggregateOptions, *, at_k: bool
) -> None:
    if at_k:
        result.extras |= {"worst_at_k", "best_at_k"}
    if options.healthbench:
        result.extras |= {"bootstrap_std"}
    if result.coverage is None:
        result.reason = "nothing_expected"
        return
    if result.coverage < options.min_coverage - ROUNDING:
        result.reason = "low_coverage"
        return
    if not entering:
        result.reason = "nothing_judged"
        return
    example_means = [mean(values) for values in entering]
    result.mean_unclipped = mean(example_means)
    result.mean = options.clip(result.mean_unclipped)
    ends = interval(example_means, seed=options.seed)
    result.ci_low, result.ci_high = ends.low, ends.high
    if at_k:
        fewest = min(len(values) for values in entering)
        result.worst_at_k = {
            str(k): options.clip(mean([worst_at_k(values, k) for values in entering])) for k in range(1, fewest + 1)
        }
        result.best_at_k = {
            str(k): options.clip(mean([best_at_k(values, k) for values in entering])) for k in range(1, fewest + 1)
        }
    if options.healthbench:
        flat = [value for values in entering for value in values]
        result.bootstrap_std = healthbench_bootstrap_std(flat, seed=options.seed)
