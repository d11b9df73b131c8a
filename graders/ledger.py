"""Where judgments are kept: the small protocol the engine works against, and one that lives in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from graders.judgment import Judgment, Status

CellId = tuple[str, str, int]
"""Criterion id, grader, repeat: a cell among those of one answer."""


class Standing(NamedTuple):
    """What the ledger holds of one cell: its highest attempt."""

    attempt: int
    key: str
    status: Status


@dataclass(frozen=True, slots=True)
class Entry:
    """One judgment on its way into the ledger."""

    judgment: Judgment
    key: str
    attempt: int


class Ledger(Protocol):
    """Append-only judgments of one run, unique in (cell, attempt); the highest attempt counts."""

    def standings(self, example_id: str) -> Mapping[tuple[str, int], Mapping[CellId, Standing]]:
        """What is there of the cells of all answers to an example, by model and sample."""
        ...

    def keep(self, entries: Sequence[Entry]) -> None:
        """Append entries, all or none; one that is there already (same cell and attempt) is left as it is."""
        ...


class MemoryLedger:
    """A ledger for the library and for rewards: nothing on disk."""

    def __init__(self) -> None:
        self._cells: dict[str, dict[tuple[str, int], dict[CellId, Entry]]] = {}

    def standings(self, example_id: str) -> Mapping[tuple[str, int], Mapping[CellId, Standing]]:
        return {answer: _standing(cells) for answer, cells in self._cells.get(example_id, {}).items()}

    def keep(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            judgment = entry.judgment
            answers = self._cells.setdefault(judgment.example_id, {})
            cells = answers.setdefault((judgment.model, judgment.sample), {})
            cell = (judgment.criterion_id, judgment.grader, judgment.repeat)
            if cell not in cells or cells[cell].attempt < entry.attempt:
                cells[cell] = entry

    def judgments(self) -> Iterator[Judgment]:
        """The highest attempt of every cell."""
        for answers in self._cells.values():
            for cells in answers.values():
                for entry in cells.values():
                    yield entry.judgment


def _standing(cells: Mapping[CellId, Entry]) -> Mapping[CellId, Standing]:
    return {cell: Standing(entry.attempt, entry.key, entry.judgment.status) for cell, entry in cells.items()}
