"""Means over examples and how sure they are: clustered intervals, HealthBench's bootstrap_std."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

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


def small_interval(example_means: Sequence[float]) -> Interval:
    """Cluster t interval, mean ± t(0.975, n − 1) · s / √n; each example (all its samples) is one cluster.

    Worked number: means 0.2 and 0.6 give 0.4 ± 12.706 · 0.2.
    """
    n = len(example_means)
    if n < 2:
        return Interval(None, None)
    from scipy.special import stdtrit

    centre = mean(example_means)
    variance = fsum((value - centre) ** 2 for value in example_means) / (n - 1)
    half = float(stdtrit(n - 1, 0.975)) * sqrt(variance / n)
    return Interval(centre - half, centre + half)


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
