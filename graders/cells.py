"""Judgments as columns: a few bytes each, in the order of arrival."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graders.scoring.points import Places

NO_VOTE = 2
"""What an abstained or failed verdict says: it was asked, and votes for nothing."""


class Cells:
    """One entry a judgment: whose answer, which leaf, by which rater, for which time, and what it says."""

    def __init__(self) -> None:
        self.answer = array("i")
        self.leaf = array("i")
        self.rater = array("i")
        self.repeat = array("i")
        self.says = array("b")
        self.value = array("d")
        self._order: Places | None = None

    def __len__(self) -> int:
        return len(self.answer)

    def append(self, answer: int, leaf: int, rater: int, repeat: int, says: int, value: float) -> None:
        """The next judgment."""
        self.answer.append(answer)
        self.leaf.append(leaf)
        self.rater.append(rater)
        self.repeat.append(repeat)
        self.says.append(says)
        self.value.append(value)

    def extend(self, rows: Sequence[tuple[int, int, int, int, int, float]]) -> None:
        """The next judgments, each as `append` takes it."""
        if rows:
            columns: tuple[array[Any], ...] = (self.answer, self.leaf, self.rater, self.repeat, self.says, self.value)
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(values)

    @property
    def order(self) -> Places:
        """Positions sorted by answer, leaf, rater, repeat."""
        if self._order is None or len(self._order) != len(self):
            keys = (self.repeat, self.rater, self.leaf, self.answer)
            self._order = np.lexsort([np.frombuffer(key, key.typecode) for key in keys]) if len(self) else _NONE
        return self._order

    def column(self, name: str, places: Places) -> NDArray[Any]:
        """A column's entries at some places."""
        column = getattr(self, name)
        return np.frombuffer(column, column.typecode)[places] if len(self) else _NONE

    def sorted(self, name: str) -> NDArray[Any]:
        """A column in that order."""
        return self.column(name, self.order)

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Pairs of positions, the earlier first, that judge the same cell."""
        same = np.ones(max(len(self) - 1, 0), dtype=np.bool_)
        for name in ("answer", "leaf", "rater", "repeat"):
            same &= np.diff(self.sorted(name)) == 0
        order = self.order
        for at in np.flatnonzero(same).tolist():
            before, after = int(order[at]), int(order[at + 1])
            yield min(before, after), max(before, after)


_NONE = np.empty(0, dtype=np.int64)
