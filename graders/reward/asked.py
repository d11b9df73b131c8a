"""What is asked of a reward: an example with all that can change a verdict on it, and an answer to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graders.reward.completion_text import readable
from rubrics import Answer, AnswerHasher, Example, InputError, Mistake, canonical_json

Clip = Literal["none", "rubric", "answer"]


@dataclass(frozen=True, slots=True)
class AskedExample:
    """An example as it is scored here."""

    given: Example
    scored: Example
    """The same, but for the clip where that is overruled."""
    hasher: AnswerHasher
    digest: bytes
    """Over everything but prompt and answer that can change a verdict."""

    @classmethod
    def of(cls, example: Example, clip: Clip, fingerprints: Sequence[str]) -> AskedExample:
        """Prepare an example; InputError where its scores cannot be clipped."""
        rubric = example.rubric
        if clip == "answer" and rubric.scoring.normalize == "sum":
            message = f"got 'answer', but rubric {rubric.id!r} scores in raw points, which have no clip"
            raise InputError(Mistake("clip", message))
        scored = example
        if clip != "rubric" and rubric.scoring.clips != clip and rubric.scoring.normalize != "sum":
            scoring = rubric.scoring.model_copy(update={"clip": clip})
            scored = example.model_copy(update={"rubric": rubric.model_copy(update={"scoring": scoring})})
        return cls(example, scored, AnswerHasher(example), _digest(example, fingerprints))

    def answer(self, text: str, answerer: str) -> AskedAnswer:
        """An answer to this example, under a name that is the same exactly where all that is judged is."""
        text = readable(text)
        answer_hash = self.hasher.hash(text)
        name = hashlib.sha256(self.digest + answer_hash.encode()).hexdigest()[:16]
        return AskedAnswer(self, Answer(example_id=self.given.id, model=f"{answerer}#{name}", text=text), answer_hash)


@dataclass(frozen=True, slots=True)
class AskedAnswer:
    """An answer to judge."""

    example: AskedExample
    answer: Answer
    answer_hash: str


def _digest(example: Example, fingerprints: Sequence[str]) -> bytes:
    rubric = example.rubric
    seen: dict[str, Any] = {
        "criteria": list(rubric.criterion_hashes.items()),
        "judging": rubric.judging.model_dump(),
        "references": example.references,
        "graders": sorted(fingerprints),
    }
    if rubric.judging.show_points:
        seen["points"] = [float(leaf.criterion.points) for leaf in rubric.leaves]
    return hashlib.sha256(canonical_json(seen)).digest()
