"""Aggregates: the mean over examples of each example's mean over its samples, with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np

from graders.scoring.at_k import mean_best_at_k, mean_worst_at_k
from graders.scoring.interval import Interval, healthbench_bootstrap_std, mean
from graders.scoring.points import Clusters, Floats, Places, Points
from graders.scoring.resampling import Resampler
from graders.scoring.tree import ROUNDING


@dataclass(slots=True)
class Aggregate:
    """A mean over examples with its interval, coverage, bounds and counts; `reason` says why the mean is None.

    Counts are None only where several groups of graders counted differently.
    """

    mean: float | None = None
    mean_judged_only: float | None = None
    mean_unclipped: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    low: float | None = None
    high: float | None = None
    n_examples: int = 0
    """Examples with at least one expected answer."""
    n_expected: int | None = 0
    """Each example × each model × its samples, at least one; without undefined and with missing answers."""
    n_scored: int | None = 0
    """Answers with a score."""
    n_missing: int | None = 0
    """No answer, or no judged leaf."""
    n_undefined: int | None = 0
    """Answers to which nothing that could earn points applies."""
    coverage: float | None = None
    seed: int = 0
    reason: str | None = None
    worst_at_k: dict[str, float] | None = None
    best_at_k: dict[str, float] | None = None
    bootstrap_std: float | None = None
    extras: frozenset[str] = field(default_factory=frozenset)
    """Which of the optional figures belong in the JSON."""

    def take_interval(self, interval: Interval) -> None:
        """The 95 % interval of the unclipped mean."""
        self.ci_low, self.ci_high = interval.low, interval.high

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


def aggregate(
    points: Points, options: AggregateOptions, *, at_k: bool = False, resampler: Resampler | None = None
) -> Aggregate:
    """Aggregate points; the interval is told when `resampler` finishes (at once where none is given)."""
    expected = points.only(points.defined)
    result = Aggregate(seed=options.seed)
    result.n_undefined = len(points.example) - len(expected.example)
    result.n_expected = len(expected.example)
    result.n_examples = int(np.count_nonzero(np.diff(expected.example, prepend=-1)))
    result.n_missing = int(expected.missing.sum())
    result.n_scored = int((~np.isnan(expected.score) & ~expected.missing).sum())
    if at_k:
        result.extras |= {"worst_at_k", "best_at_k"}
    if options.healthbench:
        result.extras |= {"bootstrap_std"}
    if not result.n_expected:
        result.reason = "nothing_expected"
        return result
    coverages = np.where(expected.missing, 0.0, expected.coverage)
    result.coverage = mean(coverages.tolist())
    means = _Means(expected.example)
    result.low = _clipped(means.of(expected.low), options)
    result.high = _clipped(means.of(expected.high), options)
    result.mean_judged_only = _clipped(means.of(np.where(expected.missing, nan, expected.judged_only)), options)
    entering = Clusters.of(expected.example, expected.entering)
    if result.coverage < options.min_coverage - ROUNDING:
        result.reason = "low_coverage"
    elif not len(entering.values):
        result.reason = "nothing_judged"
    else:
        _fill_mean(result, entering, options, at_k=at_k, resampler=resampler)
    return result


class _Means:
    """Means over examples of several columns; one that repeats another is not summed again."""

    def __init__(self, example: Places) -> None:
        self._example = example
        self._known: list[tuple[Floats, float | None]] = []

    def of(self, values: Floats) -> float | None:
        """The mean over examples of each example's mean; None where there is no number."""
        for known, found in self._known:
            if np.array_equal(known, values, equal_nan=True):
                return found
        means = Clusters.of(self._example, values).means
        found = mean(means) if means else None
        self._known.append((values, found))
        return found


def _clipped(value: float | None, options: AggregateOptions) -> float | None:
    return None if value is None else options.clip(value)


def _fill_mean(
    result: Aggregate, entering: Clusters, options: AggregateOptions, *, at_k: bool, resampler: Resampler | None
) -> None:
    example_means = entering.means
    result.mean_unclipped = mean(example_means)
    result.mean = options.clip(result.mean_unclipped)
    alone = resampler if resampler is not None else Resampler(int(entering.example[-1]) + 1, seed=options.seed)
    alone.add(entering.example, np.asarray(example_means), result.take_interval)
    if resampler is None:
        alone.finish()
    if at_k:
        worst, best = mean_worst_at_k(entering), mean_best_at_k(entering)
        result.worst_at_k = {str(k): options.clip(value) for k, value in enumerate(worst, start=1)}
        result.best_at_k = {str(k): options.clip(value) for k, value in enumerate(best, start=1)}
    if options.healthbench:
        result.bootstrap_std = healthbench_bootstrap_std(entering.values.tolist(), seed=options.seed)
