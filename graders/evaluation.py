"""From the votes that were collected to the scores of each group of graders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from graders.cells import NO_VOTE, Cells
from graders.scores import GroupScores, ScoringOptions
from graders.scoring import JUDGED, UNGRADED, LeafState, ScoringPlan, Vote, agree, score_answer
from graders.scoring.bulk import Cast, PlainBatch
from graders.scoring.columns import ScoreColumns, TagColumns
from graders.scoring.plan_table import PlanTable
from graders.scoring.points import Places

if TYPE_CHECKING:
    from graders.planned import PlannedAnswer, PlannedExample

Ruling = tuple[str, int, str]


class Evaluation:
    """Scores the answers of a batch by one group of graders after another."""

    def __init__(
        self,
        examples: Sequence[PlannedExample],
        answers: Sequence[PlannedAnswer],
        cells: Cells,
        rulings: Mapping[int, Ruling],
        options: ScoringOptions,
        table: PlanTable,
    ) -> None:
        self._examples = examples
        self._answers = answers
        self._cells = cells
        self._rulings = rulings
        self._options = options
        example_of_answer = np.array([answer.example for answer in answers], dtype=np.int64)
        self._plain = PlainBatch(table, example_of_answer)

    def score(self, members: frozenset[int]) -> GroupScores:
        """The scores by the raters of one group."""
        group = GroupScores(ScoreColumns(len(self._answers)), {}, 0)
        votes = self._votes(members)
        plain = self._score_plain(group, votes)
        for place, positions in self._votes_by_answer(votes, plain):
            plan = self._examples[self._answers[place].example].plan
            scored = score_answer(plan, self._states(place, plan, positions))
            group.answers.put(place, scored)
            group.ungraded += scored.ungraded
            for tag, value in scored.tags.items():
                group.tags.setdefault(tag, TagColumns()).put(place, value)
        for columns in group.tags.values():
            columns.sort()
        return group

    def _votes(self, members: frozenset[int]) -> Places:
        """Positions of the group's votes, by answer and then by leaf."""
        cells = self._cells
        if not len(cells):
            return np.empty(0, dtype=np.int64)
        order = cells.order
        says = np.frombuffer(cells.says, dtype=np.int8)[order]
        votes: Places = order[np.isin(cells.sorted("rater"), list(members)) & (says != NO_VOTE)]
        return votes

    def _score_plain(self, group: GroupScores, votes: Places) -> Places:
        """Score the plain answers at once; which they are comes back."""
        cells = self._cells
        if not self._plain.any or not len(votes):
            return np.empty(0, dtype=np.int64)
        cast = Cast(
            cells.column("answer", votes),
            cells.column("leaf", votes),
            np.frombuffer(cells.says, dtype=np.int8)[votes] == JUDGED,
            np.frombuffer(cells.value, dtype=np.float64)[votes],
        )
        answers = self._plain.fully_judged(cast)
        scores = self._plain.scores(cast, answers)
        group.answers.put_fully_judged(answers, scores.whole)
        for tag, of_answers, values in scores.by_tag():
            group.tags.setdefault(tag, TagColumns()).put_fully_judged(of_answers, values)
        return answers

    def _votes_by_answer(self, votes: Places, without: Places) -> Iterator[tuple[int, Sequence[int]]]:
        """Each answer but some, with the positions of the group's votes on it."""
        owners = self._cells.column("answer", votes)
        starts = np.searchsorted(owners, np.arange(len(self._answers) + 1)).tolist()
        left = np.ones(len(self._answers), dtype=np.bool_)
        left[without] = False
        for place in np.flatnonzero(left).tolist():
            yield place, votes[starts[place] : starts[place + 1]].tolist()

    def _states(self, place: int, plan: ScoringPlan, positions: Sequence[int]) -> list[LeafState]:
        """Each leaf's own verdict by the votes of the group, rules among them."""
        answer = self._answers[place]
        states: list[LeafState] = [UNGRADED] * len(plan.ids)
        for (leaf, _), met in zip(self._examples[answer.example].checks, answer.rules, strict=True):
            states[leaf] = 1.0 if met else 0.0
        cells = self._cells
        votes: dict[int, list[int]] = {}
        for position in positions:
            votes.setdefault(cells.leaf[position], []).append(position)
        for leaf, cast in votes.items():
            scale = plan.scale(leaf)
            if len(cast) == 1 and cells.says[cast[0]] == JUDGED:
                states[leaf] = scale.credit(cells.value[cast[0]])
                continue
            ballots = [Vote(cells.says[p], cells.value[p], self._rulings.get(p)) for p in cast]
            policy = self._options.consensus or plan.consensus
            states[leaf] = agree(ballots, scale=scale, points=plan.points[leaf], policy=policy)
        return states
