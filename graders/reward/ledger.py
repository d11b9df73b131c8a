"""Where rewards find judgments again: a small bounded memory, or the ledger of a store."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from graders.judgment import Judgment
from graders.ledger import AnswerKey, CellId, Entry, HashedKey, Standing


class RewardLedger(Protocol):
    """A ledger that also gives an answer's judgments back. It is asked by one thread and kept into by others."""

    def entries_of(self, example_id: str, model: str, sample: int) -> Mapping[CellId, Entry]:
        """The highest attempt of each of one answer's cells."""
        ...

    def keep(self, entries: Sequence[Entry]) -> None:
        """Append entries, all or none; one that is there already (same cell and attempt) is left as it is."""
        ...


class RecentLedger:
    """The judgments of the `most` answers that were asked for last, in memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: dict[AnswerKey, dict[CellId, Entry]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def entries_of(self, example_id: str, model: str, sample: int) -> Mapping[CellId, Entry]:
        key = (example_id, model, sample)
        with self._lock:
            cells = self._answers.pop(key, None)
            if cells is None:
                return {}
            self._answers[key] = cells  # the end of a dict is what was used last
            return dict(cells)

    def keep(self, entries: Sequence[Entry]) -> None:
        with self._lock:
            for entry in entries:
                add_entry(self._answers.setdefault(_answer_of(entry), {}), entry)
            while len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]


class BatchLedger:
    """One batch's view of a ledger: what it read and what came in stays at hand, whatever the ledger forgets."""

    def __init__(self, behind: RewardLedger) -> None:
        self._behind = behind
        self._answers: dict[AnswerKey, dict[CellId, Entry]] = {}

    def standings(self, answers: Sequence[HashedKey]) -> Mapping[AnswerKey, Mapping[CellId, Standing]]:
        for answer in answers:
            self._answers[answer.key] = dict(self._behind.entries_of(*answer.key))
        return {
            answer.key: {
                cell: Standing(entry.attempt, entry.key, entry.judgment.status)
                for cell, entry in self._answers[answer.key].items()
            }
            for answer in answers
        }

    def keep(self, entries: Sequence[Entry]) -> None:
        self._behind.keep(entries)
        for entry in entries:
            add_entry(self._answers.setdefault(_answer_of(entry), {}), entry)

    def judgments(self) -> Iterator[Judgment]:
        """Everything that counts of the answers that were asked for."""
        for cells in self._answers.values():
            for entry in cells.values():
                yield entry.judgment


def add_entry(cells: dict[CellId, Entry], entry: Entry) -> None:
    """Put an entry among one answer's cells, where the highest attempt counts."""
    judgment = entry.judgment
    cell = (judgment.criterion_id, judgment.grader, judgment.repeat)
    if cell not in cells or cells[cell].attempt < entry.attempt:
        cells[cell] = entry


def _answer_of(entry: Entry) -> AnswerKey:
    return entry.judgment.example_id, entry.judgment.model, entry.judgment.sample
