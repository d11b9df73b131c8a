"""The least and the greatest of k samples, for all examples of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, fsum

import numpy as np

from graders.scoring.points import Clusters, Floats


def mean_worst_at_k(samples: Clusters) -> list[float]:
    """For k from 1 to the smallest number of samples: the mean over examples of the expected least of k samples.

    Σ_i s_(i)·C(N−i, k−1) / C(N, k) with an example's N scores ascending, i from 1.
    """
    sizes = samples.sizes
    fewest = int(sizes.min())
    expected: list[list[float]] = [[] for _ in range(fewest)]
    for size in np.unique(sizes).tolist():
        starts = samples.starts[sizes == size]
        ordered = np.sort(samples.values[starts[:, None] + np.arange(size)], axis=1)
        for k in range(1, fewest + 1):
            expected[k - 1] += (ordered * _weights(size, k)).sum(axis=1).tolist()
    return [fsum(values) / len(values) for values in expected]


def mean_best_at_k(samples: Clusters) -> list[float]:
    """The mirror: the mean over examples of the expected greatest of k samples."""
    mirrored = Clusters(samples.example, samples.starts, -samples.values)
    return [-value for value in mean_worst_at_k(mirrored)]


def _weights(size: int, k: int) -> Floats:
    """How likely the i-th least of all samples is the least of k of them."""
    return np.array([comb(size - i, k - 1) / comb(size, k) for i in range(1, size + 1)])


def worst_at_k(samples: Sequence[float], k: int) -> float:
    """The expected least of k samples drawn without replacement from one example's N.

    Worked number: 0.2, 0.4, 0.9 and k = 2 give (0.2 · 2 + 0.4 · 1) / 3 = 0.2666…
    """
    return mean_worst_at_k(_one(samples))[k - 1]


def best_at_k(samples: Sequence[float], k: int) -> float:
    """The expected greatest of k samples; the mirror of `worst_at_k`."""
    return mean_best_at_k(_one(samples))[k - 1]


def _one(samples: Sequence[float]) -> Clusters:
    first = np.zeros(1, dtype=np.int64)
    return Clusters(first, first, np.asarray(samples, dtype=np.float64))
