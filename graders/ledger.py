"""Where judgments are kept: the small protocol the engine works against, and one that lives in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from graders.judgment import Judgment, Status

CellId = tuple[str, str, int]
"""Criterion id, grader, repeat: a cell among those of one answer."""


AnswerKey = tuple[str, str, int]
"""An answer's identity: example id, model, sample."""


class HashedKey(NamedTuple):
    """An answer by its identity, and what it says by its hash."""

    example_id: str
    model: str
    sample: int
    answer_hash: str

    @property
    def key(self) -> AnswerKey:
        """The answer's identity."""
        return self.example_id, self.model, self.sample


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

    def standings(self, answers: Sequence[HashedKey]) -> Mapping[AnswerKey, Mapping[CellId, Standing]]:
        """What is there of the cells of some answers to one example."""
        ...

    def keep(self, entries: Sequence[Entry]) -> None:
        """Append entries, all or none; one that is there already (same cell and attempt) is left as it is."""
        ...


class MemoryLedger:
    """A ledger for the library and for rewards: nothing on disk."""

    def __init__(self) -> None:
        self._cells: dict[AnswerKey, dict[CellId, Entry]] = {}

    def standings(self, answers: Sequence[HashedKey]) -> Mapping[AnswerKey, Mapping[CellId, Standing]]:
        return {
            answer.key: {
                cell: Standing(entry.attempt, entry.key, entry.judgment.status)
                for cell, entry in self._cells.get(answer.key, {}).items()
            }
            for answer in answers
        }

    def keep(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            judgment = entry.judgment
            cells = self._cells.setdefault((judgment.example_id, judgment.model, judgment.sample), {})
            cell = (judgment.criterion_id, judgment.grader, judgment.repeat)
            if cell not in cells or cells[cell].attempt < entry.attempt:
                cells[cell] = entry

    def judgments(self) -> Iterator[Judgment]:
        """The highest attempt of every cell."""
        for cells in self._cells.values():
            for entry in cells.values():
                yield entry.judgment
