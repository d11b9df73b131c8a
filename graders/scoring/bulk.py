"""The score of many plain answers at once.

An answer is plain for a group of graders when its rubric is a flat list of met-or-not criteria with whole points, no
gate, condition or check, and each of them has exactly one verdict by the group. Its sums are sums of whole numbers,
which doubles add without rounding, so the columns here equal `score_answer` to the last bit; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graders.scoring.plan_table import PlanTable
from graders.scoring.points import Flags, Floats, Places

_LARGEST = 2.0**32
"""Whole points up to this size add up exactly, however many criteria there are."""


def plain_plans(table: PlanTable) -> Flags:
    """The plans whose answers can be scored at once."""
    if not table.plans:
        return np.zeros(0, np.bool_)
    simple = [
        not (plan.groups or plan.scales or plan.gates or plan.conditions or plan.checked or plan.one_minus)
        and plan.normalize == "positive"
        and plan.clip != "answer"
        for plan in table.plans
    ]
    whole = (table.points == np.floor(table.points)) & (np.abs(table.points) <= _LARGEST)
    all_whole = np.logical_and.reduceat(whole, table.starts)
    any_positive = np.maximum.reduceat(table.points, table.starts) > 0
    plain: Flags = np.array(simple, np.bool_) & all_whole & any_positive
    return plain


@dataclass(frozen=True, slots=True)
class Cast:
    """Votes as columns, by answer and then by leaf."""

    answer: Places
    leaf: Places
    judged: Flags
    """Whether the vote is a verdict (else it says that the criterion does not apply)."""
    met: Floats


class PlainBatch:
    """The answers to the plain rubrics of a batch."""

    def __init__(self, table: PlanTable, example_of_answer: Places) -> None:
        self.table = table
        self.plain = plain_plans(table)
        self.any = bool(self.plain.any())
        self.plan = table.plan_of_example[example_of_answer]
        """For each answer the plan of its rubric."""
        self.positive = self.of_plan(np.arange(len(table.points)))
        self.carried = table.leaves_by_tag(self.plain)

    def of_plan(self, leaves: Places) -> Floats:
        """For each plan the sum of the positive points of its leaves among these."""
        table = self.table
        positive = np.maximum(table.points[leaves], 0.0)
        return np.bincount(table.owner[leaves], weights=positive, minlength=len(table.plans)).astype(np.float64)

    def fully_judged(self, votes: Cast) -> Places:
        """The answers with exactly one verdict on each leaf."""
        n_answers = len(self.plan)
        wanted = np.where(self.plain, self.table.sizes, 0)[self.plan]
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
        chosen = np.zeros(len(batch.plan), dtype=np.bool_)
        chosen[answers] = True
        among = chosen[votes.answer]
        self._batch = batch
        self._answers = answers
        self._answer = votes.answer[among]
        self._place = batch.table.starts[batch.plan[self._answer]] + votes.leaf[among]
        self._earned = batch.table.points[self._place] * votes.met[among]

    def _sums(self, answer: Places, earned: Floats) -> Floats:
        sums = np.bincount(answer, weights=earned, minlength=len(self._batch.plan)).astype(np.float64)
        return sums[self._answers]

    @property
    def whole(self) -> Floats:
        """The score of each answer."""
        batch = self._batch
        return self._sums(self._answer, self._earned) / batch.positive[batch.plan[self._answers]]

    def by_tag(self) -> Iterator[tuple[str, Places, Floats]]:
        """(tag, answers, scores) of every criterion's tag."""
        batch = self._batch
        carries = np.zeros(len(batch.table.points), dtype=np.bool_)
        for tag, leaves in batch.carried.items():
            carries[leaves] = True
            positive = batch.of_plan(leaves)[batch.plan[self._answers]]
            there = positive > 0
            among = carries[self._place]
            earned = self._sums(self._answer[among], self._earned[among])
            carries[leaves] = False
            yield tag, self._answers[there], earned[there] / positive[there]
