"""What a run would ask today, to tell which of its judgments still hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from api.store.answer_range import AnswerKey
from api.store.rubric_shelf import RubricShelf
from graders import Call, GraderCard, LeafDigest, cell_keys, plan_calls, repeats_of

_PLANS = 256


class Today(NamedTuple):
    """What an answer and its example are today."""

    answer_hash: str
    rubric_hash: str
    references_hash: str


Claim = tuple[AnswerKey, str, str, int, str, str, str]
"""What a judgment says it was judged on and by whom: answer, criterion id, the name under which the run asks its grader
(people who read here have one together), repeat, key, criterion_hash and answer_hash."""


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

    def holding(self, claims: Iterable[Claim], answers: Mapping[AnswerKey, Today]) -> Iterator[bool]:
        """Whether each of some judgments counts today.

        The criterion, the prompt and the answer must be what they were. A judgment under the name of one of the run's
        graders, or by a person who read here, must also have the key that would be asked with; an imported one has no
        call to compare.
        """
        answer: AnswerKey | None = None
        today: Today | None = None
        leaves: Mapping[str, LeafDigest] = {}
        for key_of_answer, criterion_id, grader, repeat, key, criterion_hash, answer_hash in claims:
            if key_of_answer != answer:
                answer, today = key_of_answer, answers.get(key_of_answer)
                leaves = {} if today is None else self._shelf.digest(today.rubric_hash).by_id
            leaf = leaves.get(criterion_id)
            yield (
                today is not None
                and today.answer_hash == answer_hash
                and leaf is not None
                and leaf.criterion_hash == criterion_hash
                and (grader not in self._cards or self._keys(today).get((grader, criterion_id, repeat)) == key)
            )

    def _planned(self, rubric_hash: str) -> tuple[tuple[str, int, Call], ...]:
        rubric = self._shelf.digest(rubric_hash)
        return tuple(
            (name, repeat, call)
            for name, card in self._cards.items()
            for repeat in range(repeats_of(card, self._repeats))
            for call in plan_calls(rubric, card, repeat)
        )

    def _keyed(self, today: Today) -> Mapping[tuple[str, str, int], str]:
        rubric = self._shelf.digest(today.rubric_hash)
        return {
            (name, criterion_id, repeat): key
            for name, repeat, call in self._calls(today.rubric_hash)
            for criterion_id, key in cell_keys(
                rubric, call, today.answer_hash, self._fingerprints[name], today.references_hash
            ).items()
        }
