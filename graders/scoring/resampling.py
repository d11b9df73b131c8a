"""Many intervals from one set of resamples: the examples are drawn once, and every row's mean is taken of each draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graders.scoring.interval import RESAMPLES, SMALL, Interval, small_interval

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_DRAWS_AT_ONCE = 16
_ROWS_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class _Waiting:
    examples: Places
    means: Floats
    tell: Callable[[Interval], None]


class Resampler:
    """Percentile bootstrap over the examples of a batch, in the order of their ids.

    A draw takes as many examples as there are, with replacement; a row's mean of a draw is that of the row's examples
    among those drawn, each counted as often as it was drawn. Seeded, so that the same batch gives the same ends.
    """

    def __init__(self, n_examples: int, *, seed: int) -> None:
        self._n = n_examples
        self._seed = seed
        self._waiting: list[_Waiting] = []

    def add(self, examples: Places, means: Floats, tell: Callable[[Interval], None]) -> None:
        """A row: the places of its examples (0 … n − 1, ascending) and their means; `tell` gets the interval.

        Below 50 examples it is the t interval, told at once; otherwise it is told by `finish`.
        """
        if len(means) < SMALL:
            tell(small_interval(means.tolist()))
        else:
            self._waiting.append(_Waiting(examples, means, tell))

    def finish(self) -> None:
        """Draw, and tell every row that waits its interval."""
        for start in range(0, len(self._waiting), _ROWS_AT_ONCE):
            self._finish(self._waiting[start : start + _ROWS_AT_ONCE])
        self._waiting.clear()

    def _finish(self, rows: list[_Waiting]) -> None:
        sums = np.zeros((self._n, len(rows)))
        members = np.zeros((self._n, len(rows)))
        for column, row in enumerate(rows):
            sums[row.examples, column] = row.means
            members[row.examples, column] = 1.0
        drawn = np.empty((RESAMPLES, len(rows)))
        rng = np.random.default_rng(self._seed)
        for start in range(0, RESAMPLES, _DRAWS_AT_ONCE):
            counts = self._draw(rng, min(_DRAWS_AT_ONCE, RESAMPLES - start))
            with np.errstate(invalid="ignore"):
                drawn[start : start + len(counts)] = (counts @ sums) / (counts @ members)
        ends = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
        for column, row in enumerate(rows):
            row.tell(Interval(float(ends[0, column]), float(ends[1, column])))

    def _draw(self, rng: np.random.Generator, draws: int) -> Floats:
        counts = np.empty((draws, self._n))
        for draw in range(draws):
            counts[draw] = np.bincount(rng.integers(0, self._n, self._n), minlength=self._n)
        return counts


def interval(example_means: Sequence[float], *, seed: int) -> Interval:
    """95 % interval of one mean over examples, in the order of their ids.

    From 50 examples on: percentile bootstrap with 1,000 resamples; below: the cluster t interval; below 2: none.
    """
    told: list[Interval] = []
    resampler = Resampler(len(example_means), seed=seed)
    resampler.add(np.arange(len(example_means)), np.asarray(example_means, dtype=np.float64), told.append)
    resampler.finish()
    return told[0]
