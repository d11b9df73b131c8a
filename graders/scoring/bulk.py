"""The score of many plain answers at once.

An answer is plain for a group of graders when its rubric is a flat list of met-or-not criteria with whole points, no
gate, condition or check, and each of them has exactly one verdict by the group. Its sums are sums of whole numbers,
which doubles add without rounding, so the columns here equal `score_answer` to the last bit; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

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
    """Votes on some answers that stand next to each other as columns, by answer and then by leaf."""

    first: int
    """The first of the answers."""
    stop: int
    """The answer after the last."""
    answer: Places
    """Whose vote it is, counted from `first`."""
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
        self.positive = np.bincount(table.owner, np.maximum(table.points, 0.0), len(table.plans))
        """For each plan the sum of its positive points."""
        self.tag_of, self.tag_starts = table.tags_by_leaf()

    def fully_judged(self, votes: Cast) -> Places:
        """The answers with exactly one verdict on each leaf, counted from the first."""
        plan = self.plan[votes.first : votes.stop]
        wanted = np.where(self.plain[plan], self.table.sizes[plan], 0)
        counts = np.bincount(votes.answer, minlength=len(plan))
        whole = (counts == wanted) & (wanted > 0)
        again = (np.diff(votes.answer) == 0) & (votes.leaf[1:] == votes.leaf[:-1])
        whole[votes.answer[1:][again]] = False
        whole[votes.answer[~votes.judged]] = False
        return np.flatnonzero(whole)

    def scores(self, votes: Cast, answers: Places) -> PlainScores:
        """The scores of answers that `fully_judged` named."""
        return PlainScores(self, votes, answers)


class PlainScores:
    """Scores of plain answers: of each whole answer, and of each tag that its rubric has."""

    def __init__(self, batch: PlainBatch, votes: Cast, answers: Places) -> None:
        plan = batch.plan[votes.first : votes.stop]
        chosen = np.zeros(len(plan), dtype=np.bool_)
        chosen[answers] = True
        among = chosen[votes.answer]
        self._batch = batch
        self._first = votes.first
        self._answers = answers
        self._answer = votes.answer[among]
        self._place = batch.table.starts[plan[self._answer]] + votes.leaf[among]
        self._points = batch.table.points[self._place]
        self._earned = self._points * votes.met[among]
        self._positive = batch.positive[plan[answers]]

    @property
    def whole(self) -> Floats:
        """The score of each answer."""
        sums = np.bincount(self._answer, self._earned)[self._answers].astype(np.float64)
        scores: Floats = sums / self._positive
        return scores

    def by_tag(self) -> Iterator[tuple[str, Places, Floats]]:
        """(tag, answers, scores) of every criterion's tag that one of the answers has; all answers counted from 0."""
        batch = self._batch
        starts = batch.tag_starts[self._place]
        counts = batch.tag_starts[self._place + 1] - starts
        vote = np.repeat(np.arange(len(counts)), counts)
        """For each tag of a vote's leaf the vote."""
        tag = batch.tag_of[np.arange(len(vote)) + np.repeat(starts - np.cumsum(counts) + counts, counts)]
        order = np.lexsort((self._answer[vote], tag))
        vote, tag = vote[order], tag[order]
        answer = self._answer[vote]
        pair = np.cumsum((np.diff(tag, prepend=-1) != 0) | (np.diff(answer, prepend=-1) != 0)) - 1
        """For each of them which tag of which answer it is."""
        positive = np.bincount(pair, np.maximum(self._points[vote], 0.0))
        earned = np.bincount(pair, self._earned[vote])
        there = np.flatnonzero(positive > 0)
        heads = np.searchsorted(pair, there)
        scores = earned[there] / positive[there]
        tags, answers = tag[heads], answer[heads] + self._first
        edges = [*np.flatnonzero(np.diff(tags, prepend=-1)).tolist(), len(tags)]
        for start, stop in pairwise(edges):
            yield batch.table.tags[int(tags[start])], answers[start:stop], scores[start:stop]
