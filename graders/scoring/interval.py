"""Means over examples and how sure they are: clustered intervals, worst-at-k, HealthBench's bootstrap_std."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, fsum, sqrt

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""Resamples of a bootstrap."""
SMALL = 50
"""Below this many examples the interval is a cluster t interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval; both ends None below two examples."""

    low: float | None
    high: float | None


def mean(values: Sequence[float]) -> float:
    """The mean by `math.fsum`: the order of the values does not matter to the last bit."""
    return fsum(values) / len(values)


def interval(example_means: Sequence[float], *, seed: int) -> Interval:
    """95 % interval of the mean over examples; each example (all its samples) is one cluster.

    `example_means` stand in the order of the examples' ids. From 50 examples on: percentile bootstrap with 1,000
    resamples; below: mean ± t(0.975, n − 1) · s / √n. Worked number: means 0.2 and 0.6 give 0.4 ± 12.706 · 0.2.
    """
    n = len(example_means)
    if n < 2:
        return Interval(None, None)
    if n < SMALL:
        from scipy.special import stdtrit

        centre = mean(example_means)
        variance = fsum((value - centre) ** 2 for value in example_means) / (n - 1)
        half = float(stdtrit(n - 1, 0.975)) * sqrt(variance / n)
        return Interval(centre - half, centre + half)
    values = np.asarray(example_means, dtype=np.float64)
    means = _resampled_means(values, np.random.default_rng(seed))
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(low), float(high))


def _resampled_means(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    n = len(values)
    means = np.empty(RESAMPLES)
    for resample in range(RESAMPLES):
        means[resample] = values[rng.integers(0, n, n)].mean()
    return means


def healthbench_bootstrap_std(values: Sequence[float], *, seed: int) -> float | None:
    """Standard deviation (ddof 0) of 1,000 resampled means, each clipped to [0, 1], as HealthBench's script reports."""
    if not values:
        return None
    array = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    indices = (rng.integers(0, len(array), len(array)) for _ in range(RESAMPLES))
    return bootstrap_std(array, indices)


def bootstrap_std(values: NDArray[np.float64], resamples: object) -> float:
    """The same for given resampled indices: equal indices give an equal figure."""
    means = [float(np.clip(np.mean(values[index]), 0.0, 1.0)) for index in resamples]  # type: ignore[attr-defined]
    return float(np.std(means))


def worst_at_k(samples: Sequence[float], k: int) -> float:
    """Expected least score of k samples drawn without replacement from an example's N.

    Σ_i s_(i)·C(N−i, k−1) / C(N, k) with the scores ascending, i from 1. Worked number: 0.2, 0.4, 0.9 and k = 2 give
    (0.2 · 2 + 0.4 · 1) / 3 = 0.2666…
    """
    ordered = sorted(samples)
    n = len(ordered)
    return fsum(score * comb(n - i, k - 1) for i, score in enumerate(ordered, start=1)) / comb(n, k)


def best_at_k(samples: Sequence[float], k: int) -> float:
    """Expected greatest score of k samples; the mirror of `worst_at_k`."""
    return -worst_at_k([-score for score in samples], k)
