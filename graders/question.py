"""An example with its answers, as far as one must know them to plan; the texts are brought when one is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from graders.cell import references_hash
from graders.ledger import HashedKey
from graders.rubric_digest import RubricDigest
from rubrics import Answer, AnswerHasher, Example


class Question(Protocol):
    """One example of a run with the answers to it."""

    @property
    def example_id(self) -> str: ...

    @property
    def rubric(self) -> RubricDigest: ...

    @property
    def references_hash(self) -> str: ...

    @property
    def answers(self) -> Sequence[HashedKey]:
        """The answers in their order."""
        ...

    def load(self) -> tuple[Example, Sequence[Answer]]:
        """The example and its answers, these in the same order."""
        ...


class LoadedQuestion:
    """A question whose texts are there already."""

    def __init__(self, example: Example, answers: Iterable[Answer]) -> None:
        hasher = AnswerHasher(example)
        self._example = example
        self._answers = tuple(answers)
        self.example_id = example.id
        self.rubric = RubricDigest.of(example.rubric)
        self.references_hash = references_hash(example)
        self.answers = [HashedKey(*answer.key, hasher.hash(answer.text)) for answer in self._answers]

    def load(self) -> tuple[Example, Sequence[Answer]]:
        return self._example, self._answers
