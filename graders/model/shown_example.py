"""Judgments by people that a judge is shown as examples: only labels whose use is `tune`, so that none is tested on."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graders.judgment import Judgment
from graders.model.envelope import encode_visible
from rubrics import Answer, Example


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One human verdict with what it was given on."""

    example_id: str
    """Whose label it is; a judge of the same example is not shown it."""
    answer: str
    criterion: str
    verdict: dict[str, Any]
    """`met`, `option` or `value`, or the status."""
    explanation: str | None

    def as_json(self) -> dict[str, Any]:
        """What the judge is shown."""
        shown: dict[str, Any] = {"answer": encode_visible(self.answer), "criterion": self.criterion}
        if self.explanation:
            shown["explanation"] = self.explanation
        return {**shown, **self.verdict}


def draw_examples(
    examples: Iterable[Example], answers: Iterable[Answer], judgments: Iterable[Judgment], *, count: int, seed: int = 0
) -> tuple[ShownExample, ...]:
    """At most `count` human labels of use `tune`, as many met as not where there are both, drawn by a seed.

    Where people contradict each other, none of their labels is shown: neither is an example to follow.
    """
    rubrics = {example.id: example.rubric for example in examples}
    texts = {answer.key: answer.text for answer in answers}
    found: dict[tuple[str, str], ShownExample] = {}
    contradicted: set[tuple[str, str]] = set()
    for judgment in judgments:
        if judgment.grader_kind != "human" or judgment.use != "tune" or judgment.status not in _SHOWN:
            continue
        rubric = rubrics.get(judgment.example_id)
        text = texts.get((judgment.example_id, judgment.model, judgment.sample))
        leaf = None if rubric is None else rubric.leaf_by_id.get(judgment.criterion_id)
        if leaf is None or text is None:
            continue
        verdict = {key: value for key in _KEYS if (value := getattr(judgment, key)) is not None}
        example = ShownExample(
            judgment.example_id,
            text,
            leaf.criterion.criterion,
            verdict or {"status": judgment.status},
            judgment.explanation,
        )
        about = (text, leaf.criterion.criterion)
        said = found.setdefault(about, example)
        if said.verdict != example.verdict:
            contradicted.add(about)
        elif _order(example) < _order(said):
            found[about] = example
    rng = random.Random(seed)
    drawn = sorted((example for about, example in found.items() if about not in contradicted), key=_order)
    rng.shuffle(drawn)
    by_verdict: dict[str, list[ShownExample]] = {}
    for example in drawn:
        by_verdict.setdefault(repr(example.verdict), []).append(example)
    taken: list[ShownExample] = []
    while len(taken) < count and any(by_verdict.values()):
        for several in by_verdict.values():
            if several and len(taken) < count:
                taken.append(several.pop())
    return tuple(taken)


def _order(example: ShownExample) -> tuple[str, str, str, str]:
    return example.example_id, example.criterion, example.answer, example.explanation or ""


_SHOWN = frozenset({"judged", "not_applicable"})
_KEYS = ("met", "option", "value")
