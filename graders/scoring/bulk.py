"""The score of many plain answers at once.

An answer is plain for a group of graders when its rubric is a flat list of met-or-not criteria with whole points, no
gate, condition or check, and each of them has exactly one verdict by the group. Its sums are sums of whole numbers,
which doubles add without rounding, so the columns here equal `score_answer` to the last bit; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graders.scoring.plan import ScoringPlan
from graders.scoring.points import Flags, Floats, Places

_LARGEST = 2.0**32
"""Whole points up to this size add up exactly, however many criteria there are."""


def is_plain(plan: ScoringPlan) -> bool:
    """Whether the answers to a rubric can be scored at once."""
    return (
        not (plan.groups or plan.scales or plan.gates or plan.conditions or plan.checked or plan.one_minus)
        and plan.normalize == "positive"
        and plan.clip != "answer"
        and max(plan.points) > 0
        and all(value.is_integer() and abs(value) <= _LARGEST for value in plan.points)
    )


@dataclass(frozen=True, slots=True)
class Cast:
    """Votes as columns, by answer and then by leaf."""

    answer: Places
    leaf: Places
    judged: Flags
    """Whether the vote is a verdict (else it says that the criterion does not apply)."""
    met: Floats


class PlainBatch:
    """The plain rubrics of a batch, laid end to end, and the answers to them."""

    def __init__(self, plans: Sequence[ScoringPlan], example_of_answer: Places) -> None:
        plain = np.array([is_plain(plan) for plan in plans], dtype=np.bool_)
        sizes = np.array(
            [len(plan.points) if is_one else 0 for plan, is_one in zip(plans, plain, strict=True)], dtype=np.int64
        )
        self._starts = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
        self._owner = np.repeat(np.arange(len(plans)), sizes)
        here = [plan for plan, is_one in zip(plans, plain, strict=True) if is_one]
        self._points = np.array([value for plan in here for value in plan.points], dtype=np.float64)
        self._positive = self._of_example(np.maximum(self._points, 0.0), len(plans))
        self._carried = _leaves_by_tag(here, self._starts[plain].tolist())
        self._sizes = sizes
        self._example = example_of_answer
        self.any = bool(plain.any())

    def _of_example(self, values: Floats, n_examples: int) -> Floats:
        return np.bincount(self._owner, weights=values, minlength=n_examples).astype(np.float64)

    def fully_judged(self, votes: Cast) -> Places:
        """The answers with exactly one verdict on each leaf."""
        n_answers = len(self._example)
        wanted = self._sizes[self._example]
        counts = np.bincount(votes.answer, minlength=n_answers)
        whole = (counts == wanted) & (wanted > 0)
        again = (np.diff(votes.answer) == 0) & (np.diff(votes.leaf) == 0)
        whole[votes.answer[1:][again]] = False
        whole[votes.answer[~votes.judged]] = False
        return np.flatnonzero(whole)

    def scores(self, votes: Cast, answers: Places) -> PlainScores:
        """The scores of answers that `fully_judged` named."""
        return PlainScores(self, votes, answers)


class PlainScores:
    """Scores of plain answers: of each whole answer, and of each tag that its rubric has."""

    def __init__(self, batch: PlainBatch, votes: Cast, answers: Places) -> None:
        n_answers = len(batch._example)
        chosen = np.zeros(n_answers, dtype=np.bool_)
        chosen[answers] = True
        among = chosen[votes.answer]
        self._batch = batch
        self._answers = answers
        self._answer = votes.answer[among]
        self._place = batch._starts[batch._example[self._answer]] + votes.leaf[among]
        self._earned = batch._points[self._place] * votes.met[among]

    def _sums(self, answer: Places, earned: Floats) -> Floats:
        sums = np.bincount(answer, weights=earned, minlength=len(self._batch._example)).astype(np.float64)
        return sums[self._answers]

    @property
    def whole(self) -> Floats:
        """The score of each answer."""
        batch = self._batch
        return self._sums(self._answer, self._earned) / batch._positive[batch._example[self._answers]]

    def by_tag(self) -> Iterator[tuple[str, Places, Floats]]:
        """(tag, answers, scores) of every criterion's tag."""
        batch = self._batch
        n_examples = len(batch._sizes)
        for tag, leaves in batch._carried.items():
            carries = np.zeros(len(batch._points), dtype=np.bool_)
            carries[leaves] = True
            positive = batch._of_example(np.where(carries, np.maximum(batch._points, 0.0), 0.0), n_examples)
            there = positive[batch._example[self._answers]] > 0
            among = carries[self._place]
            earned = self._sums(self._answer[among], self._earned[among])
            answers = self._answers[there]
            yield tag, answers, earned[there] / positive[batch._example[answers]]


def _leaves_by_tag(plans: Sequence[ScoringPlan], starts: Sequence[int]) -> dict[str, list[int]]:
    leaves: dict[str, list[int]] = {}
    for plan, start in zip(plans, starts, strict=True):
        for tag, carriers in plan.tags.items():
            leaves.setdefault(tag, []).extend(start + leaf for leaf in carriers)
    return leaves
