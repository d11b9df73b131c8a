"""Judgments as columns: a few bytes each in the order of arrival, and read block by block in the order of answers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import copysign
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graders.scoring.points import Flags, Places

NO_VOTE = 2
"""What an abstained or failed verdict says: it was asked, and votes for nothing."""

_BLOCK = 32_768
"""How many judgments are read at once; more where one answer has more."""

Cell = tuple[int, int, int, int, int, float]
"""Answer, leaf, rater, repeat, what it says, value."""


@dataclass(frozen=True, slots=True)
class CellBlock:
    """The judgments of some answers that stand next to each other, sorted by answer, leaf, rater, repeat."""

    first: int
    """The first of these answers."""
    stop: int
    """The answer after the last of them."""
    position: Places
    """Where each judgment stands in the order of arrival."""
    answer: Places
    """Its answer, counted from `first`."""
    leaf: NDArray[Any]
    rater: NDArray[Any]
    repeat: NDArray[Any]
    says: NDArray[Any]
    value: NDArray[Any]

    def only(self, which: Flags) -> CellBlock:
        """The judgments that are marked, of the same answers."""
        columns = (self.position, self.answer, self.leaf, self.rater, self.repeat, self.says, self.value)
        return CellBlock(self.first, self.stop, *(column[which] for column in columns))


class Cells:
    """One entry a judgment: whose answer, which leaf, by which rater, for which time, and what it says."""

    def __init__(self) -> None:
        self.answer = array("i")
        # Most are below 256: such a column is a byte wide until one comes that is not.
        self.leaf = array("B")
        self.rater = array("B")
        self.repeat = array("B")
        self.says = array("b")
        self.value: array[Any] = array("B")

    def __len__(self) -> int:
        return len(self.answer)

    def append(self, answer: int, leaf: int, rater: int, repeat: int, says: int, value: float) -> None:
        """The next judgment."""
        try:
            self.answer.append(answer)
            self.leaf.append(leaf)
            self.rater.append(rater)
            self.repeat.append(repeat)
            self.says.append(says)
            self.value.append(value)
        except (OverflowError, TypeError):  # a byte holds neither 256 nor 1.0
            self._cut(len(self.value))
            self._append_wide((answer, leaf, rater, repeat, says, value))

    def extend(self, rows: Sequence[Cell]) -> None:
        """The next judgments, each as `append` takes it."""
        if not rows:
            return
        before = len(self)
        try:
            for column, values in zip(self._columns, zip(*rows, strict=True), strict=True):
                column.extend(values)
        except (OverflowError, TypeError):
            self._cut(before)
            for row in rows:
                self.append(*row)

    @property
    def _columns(self) -> tuple[array[Any], ...]:
        return self.answer, self.leaf, self.rater, self.repeat, self.says, self.value

    def _cut(self, length: int) -> None:
        for column in self._columns:
            del column[length:]

    def _append_wide(self, row: Cell) -> None:
        for name, number in zip(("leaf", "rater", "repeat"), row[1:4], strict=True):
            column = getattr(self, name)
            if number > 255 and column.typecode == "B":
                setattr(self, name, array("i", column))
        value: float = row[5]
        if self.value.typecode == "B":
            if value in _BYTES and copysign(1.0, value) > 0:
                value = int(value)
            else:
                self.value = array("d", self.value)
        for column, entry in zip(self._columns, (*row[:5], value), strict=True):
            column.append(entry)

    def blocks(self, n_answers: int) -> Iterator[CellBlock]:
        """Everything, some answers at a time; each of the answers is in one block, those without judgments too."""
        owners = _read(self.answer)
        order = None if _ascends(owners) else np.argsort(owners, kind="stable")
        starts = np.searchsorted(owners, np.arange(n_answers + 1, dtype=owners.dtype), sorter=order)
        cuts = np.searchsorted(starts, np.arange(_BLOCK, len(owners), _BLOCK))
        edges = np.unique(np.concatenate([[0], cuts, [n_answers]])).tolist()
        for first, stop in pairwise(edges):
            places = np.arange(starts[first], starts[stop])
            yield self._block(first, stop, places if order is None else order[places])

    def _block(self, first: int, stop: int, places: Places) -> CellBlock:
        keys = [_read(column)[places] for column in (self.repeat, self.rater, self.leaf, self.answer)]
        places = places[np.lexsort(keys)]
        answer, *others = (_read(column)[places] for column in self._columns)
        return CellBlock(first, stop, places, answer.astype(np.int64) - first, *others)

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Pairs of positions, the earlier first, that judge the same cell."""
        for block in self.blocks(int(_read(self.answer).max(initial=-1)) + 1):
            same = np.ones(max(len(block.position) - 1, 0), dtype=np.bool_)
            for column in (block.answer, block.leaf, block.rater, block.repeat):
                same &= column[1:] == column[:-1]
            for at in np.flatnonzero(same).tolist():
                before, after = int(block.position[at]), int(block.position[at + 1])
                yield min(before, after), max(before, after)


_BYTES = frozenset(range(256))


def _read(column: array[Any]) -> NDArray[Any]:
    return np.frombuffer(column, column.typecode) if column else np.empty(0, column.typecode)


def _ascends(numbers: NDArray[Any]) -> bool:
    parts = (numbers[at : at + _BLOCK + 1] for at in range(0, len(numbers), _BLOCK))
    return all(bool((part[1:] >= part[:-1]).all()) for part in parts)
