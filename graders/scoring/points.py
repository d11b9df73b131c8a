"""What an aggregate is made of: one point for each expected answer, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum, nan

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True)
class Points:
    """Points as columns of equal length, by example and then by sample; NaN where there is no number."""

    example: Places
    """The place of each point's example among the batch's examples by id, ascending."""
    score: Floats
    judged_only: Floats
    low: Floats
    high: Floats
    coverage: Floats
    missing: Flags
    defined: Flags

    @classmethod
    def of(cls, by_example: Iterable[Sequence[Point]]) -> Points:
        """The points of each example, examples in the order of their ids."""
        rows = [(place, point) for place, points in enumerate(by_example) for point in points]

        def numbers(name: str) -> Floats:
            found = (getattr(point, name) for _, point in rows)
            return np.array([nan if value is None else value for value in found], dtype=np.float64)

        return cls(
            example=np.array([place for place, _ in rows], dtype=np.int64),
            score=numbers("score"),
            judged_only=numbers("judged_only"),
            low=numbers("low"),
            high=numbers("high"),
            coverage=numbers("coverage"),
            missing=np.array([point.missing for _, point in rows], dtype=np.bool_),
            defined=np.array([point.defined for _, point in rows], dtype=np.bool_),
        )

    def only(self, which: Flags) -> Points:
        """The points that are marked."""
        if which.all():
            return self
        return Points(
            self.example[which],
            self.score[which],
            self.judged_only[which],
            self.low[which],
            self.high[which],
            self.coverage[which],
            self.missing[which],
            self.defined[which],
        )

    @property
    def entering(self) -> Floats:
        """What enters the mean: the score, or without one what was judged; NaN for a missing answer."""
        values = np.where(np.isnan(self.score), self.judged_only, self.score)
        return np.where(self.missing, nan, values)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Numbers grouped by example, end to end."""

    example: Places
    """The examples that have a number, ascending."""
    starts: Places
    """Where the numbers of each begin."""
    values: Floats
    """All numbers."""

    @classmethod
    def of(cls, example: Places, values: Floats) -> Clusters:
        """Group what is a number; `example` ascends."""
        there = ~np.isnan(values)
        example = example[there]
        starts = np.flatnonzero(np.diff(example, prepend=-1))
        return cls(example[starts], starts, values[there])

    @property
    def sizes(self) -> Places:
        """How many numbers each example has."""
        return np.diff(self.starts, append=len(self.values))

    @property
    def means(self) -> list[float]:
        """The mean of each example, by `math.fsum`."""
        flat: list[float] = self.values.tolist()
        if len(self.starts) == len(flat):
            return flat
        starts = self.starts.tolist()
        return [fsum(flat[a:b]) / (b - a) for a, b in zip(starts, [*starts[1:], len(flat)], strict=True)]
