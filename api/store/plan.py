"""What a run would ask today, to tell which of its judgments still hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from graders import HUMAN, READ_IN, Call, GraderCard, cell_keys, plan_calls
from rubrics import Rubric

_PLANS = 256


class Plan:
    """The graders of a run over today's rubrics and answers."""

    def __init__(self, cards: Sequence[GraderCard], repeats: int, rubric: Callable[[str], Rubric]) -> None:
        self._cards = {card.name: card for card in cards}
        self._fingerprints = {card.name: card.fingerprint for card in cards}
        self._repeats = repeats
        self._rubric = rubric
        self._calls = lru_cache(_PLANS)(self._planned)
        # Judgments come answer by answer: the keys of one answer are enough.
        self._keys = lru_cache(1)(self._keyed)

    def holds(self, row: Row[Any]) -> bool:
        """Whether a judgment counts today; the row has `today_…` beside the judgment's own columns.

        The criterion, the prompt and the answer must be what they were. A judgment under the name of one of the run's
        graders, or by a person who read here, must also have the key that would be asked with; an imported one has no
        call to compare.
        """
        if row.today_rubric is None or row.answer_hash != row.today_answer:
            return False
        if self._rubric(row.today_rubric).criterion_hashes.get(row.criterion_id) != row.criterion_hash:
            return False
        grader = self._asked(row)
        if grader not in self._cards:
            return True
        key = self._keys(row.today_rubric, row.today_answer, row.today_references).get((grader, row.criterion_id))
        return bool(row.repeat < self._repeats and row.key == key)

    @staticmethod
    def _asked(row: Row[Any]) -> str:
        """The name under which a run asks whoever gave a judgment: people have one together."""
        if row.grader_kind != "human" or json.loads(row.body).get("metadata", {}).get(READ_IN) != row.run_id:
            return str(row.grader)
        return HUMAN

    def _planned(self, rubric_hash: str) -> tuple[tuple[str, Call], ...]:
        rubric = self._rubric(rubric_hash)
        return tuple((name, call) for name, card in self._cards.items() for call in plan_calls(rubric, card))

    def _keyed(self, rubric_hash: str, answer_hash: str, references_hash: str) -> Mapping[tuple[str, str], str]:
        rubric = self._rubric(rubric_hash)
        return {
            (name, criterion_id): key
            for name, call in self._calls(rubric_hash)
            for criterion_id, key in cell_keys(rubric, call, answer_hash, self._fingerprints[name], references_hash)
        }
