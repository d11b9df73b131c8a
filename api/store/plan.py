"""What a run would ask today, to tell which of its judgments still hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from api.store.rubric_shelf import RubricShelf
from graders import Call, GraderCard, cell_keys, plan_calls

_PLANS = 256

AnswerKey = tuple[str, str, int]
"""Example id, model, sample."""


class Today(NamedTuple):
    """What an answer and its example are today."""

    answer_hash: str
    rubric_hash: str
    references_hash: str


class Claim(NamedTuple):
    """What a judgment says it was judged on, and by whom."""

    example_id: str
    model: str
    sample: int
    criterion_id: str
    grader: str
    repeat: int
    key: str
    criterion_hash: str
    answer_hash: str


class Plan:
    """The graders of a run over today's rubrics and answers."""

    def __init__(self, cards: Sequence[GraderCard], repeats: int, shelf: RubricShelf) -> None:
        self._cards = {card.name: card for card in cards}
        self._fingerprints = {card.name: card.fingerprint for card in cards}
        self._repeats = repeats
        self._shelf = shelf
        self._calls = lru_cache(_PLANS)(self._planned)
        # Judgments come answer by answer: the keys of one answer are enough.
        self._keys = lru_cache(1)(self._keyed)

    def holding(self, claims: Iterable[tuple[Any, ...]], answers: Mapping[AnswerKey, Today]) -> Iterator[bool]:
        """Whether each of some judgments counts today; claims are tuples as `Claim` has them.

        The criterion, the prompt and the answer must be what they were. A judgment under the name of one of the run's
        graders must also have the key that this grader would ask with; an imported one has no call to compare.
        """
        hashes_of = self._shelf.criterion_hashes
        for example_id, model, sample, criterion_id, grader, repeat, key, criterion_hash, answer_hash in claims:
            today = answers.get((example_id, model, sample))
            yield (
                today is not None
                and today.answer_hash == answer_hash
                and hashes_of(today.rubric_hash).get(criterion_id) == criterion_hash
                and (
                    grader not in self._cards
                    or (repeat < self._repeats and self._keys(today).get((grader, criterion_id)) == key)
                )
            )

    def _planned(self, rubric_hash: str) -> tuple[tuple[str, Call], ...]:
        rubric = self._shelf.get(rubric_hash)
        return tuple((name, call) for name, card in self._cards.items() for call in plan_calls(rubric, card))

    def _keyed(self, today: Today) -> Mapping[tuple[str, str], str]:
        rubric = self._shelf.get(today.rubric_hash)
        return {
            (name, criterion_id): key
            for name, call in self._calls(today.rubric_hash)
            for criterion_id, key in cell_keys(
                rubric, call, today.answer_hash, self._fingerprints[name], today.references_hash
            )
        }
