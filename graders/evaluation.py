"""From the votes that were collected to the scores of each group of graders, some answers at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from graders.cells import NO_VOTE, CellBlock, Cells
from graders.scores import GroupScores, ScoringOptions
from graders.scoring import JUDGED, UNGRADED, LeafState, ScoringPlan, Vote, agree, score_answer
from graders.scoring.bulk import Cast, PlainBatch
from graders.scoring.columns import ScoreColumns, TagColumns
from graders.scoring.plan_table import PlanTable
from graders.scoring.points import Places

if TYPE_CHECKING:
    from graders.answer_table import AnswerTable
    from graders.planned import PlannedExample

Ruling = tuple[str, int, str]
Ballot = tuple[int, int, float, int]
"""A vote: on which leaf, what it says, its value, and where it stood among the judgments."""


class Evaluation:
    """Scores the answers of a batch by each group of graders."""

    def __init__(
        self,
        examples: Sequence[PlannedExample],
        answers: AnswerTable,
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
        self._plain = PlainBatch(table, np.array(answers.example, dtype=np.int64))
        self._plain_tags = table.tags_of(self._plain.plain)

    def scores(self, groups: Mapping[str, frozenset[int]]) -> dict[str, GroupScores]:
        """The scores by the raters of each group."""
        scored = {name: GroupScores(ScoreColumns(len(self._answers)), {}, 0) for name in groups}
        voted = dict.fromkeys(groups, False)
        for block in self._cells.blocks(len(self._answers)):
            for name, members in groups.items():
                votes = block.only(np.isin(block.rater, list(members)) & (block.says != NO_VOTE))
                self._score(scored[name], votes)
                voted[name] |= len(votes.position) > 0
        for name, group in scored.items():
            if voted[name] and self._plain.any:  # tags stand in the order of the rubrics, whichever answers came first
                group.tags = {tag: TagColumns() for tag in self._plain_tags} | group.tags
            for columns in group.tags.values():
                columns.sort()
        return scored

    def _score(self, group: GroupScores, votes: CellBlock) -> None:
        """Score the answers of a block by a group's votes on them."""
        plain = self._score_plain(group, votes)
        for place, ballots in self._ballots(votes, plain):
            plan = self._examples[self._answers.example[place]].plan
            scored = score_answer(plan, self._states(place, plan, ballots))
            group.answers.put(place, scored)
            group.ungraded += scored.ungraded
            for tag, value in scored.tags.items():
                group.tags.setdefault(tag, TagColumns()).put(place, value)

    def _score_plain(self, group: GroupScores, votes: CellBlock) -> Places:
        """Score the plain answers at once; which they are comes back, counted from the block's first."""
        if not self._plain.any or not len(votes.position):
            return np.empty(0, dtype=np.int64)
        met = votes.value.astype(np.float64)
        cast = Cast(votes.first, votes.stop, votes.answer, votes.leaf, votes.says == JUDGED, met)
        answers = self._plain.fully_judged(cast)
        scores = self._plain.scores(cast, answers)
        group.answers.put_fully_judged(answers + votes.first, scores.whole)
        for tag, of_answers, values in scores.by_tag():
            group.tags.setdefault(tag, TagColumns()).put_fully_judged(of_answers, values)
        return answers

    def _ballots(self, votes: CellBlock, without: Places) -> Iterator[tuple[int, Sequence[Ballot]]]:
        """Each answer of a block but some, with the votes on it by leaf."""
        left = np.ones(votes.stop - votes.first, dtype=np.bool_)
        left[without] = False
        places = np.flatnonzero(left)
        votes = votes.only(left[votes.answer])
        columns = (votes.leaf, votes.says, votes.value.astype(np.float64), votes.position)
        ballots: list[Ballot] = list(zip(*(column.tolist() for column in columns), strict=True))
        starts = np.searchsorted(votes.answer, places).tolist()
        stops = np.searchsorted(votes.answer, places, side="right").tolist()
        for place, start, stop in zip(places.tolist(), starts, stops, strict=True):
            yield votes.first + place, ballots[start:stop]

    def _states(self, place: int, plan: ScoringPlan, ballots: Sequence[Ballot]) -> list[LeafState]:
        """Each leaf's own verdict by the votes of the group, rules among them."""
        states: list[LeafState] = [UNGRADED] * len(plan.ids)
        checks = self._examples[self._answers.example[place]].checks
        for (leaf, _), met in zip(checks, self._answers.rules(place), strict=True):
            states[leaf] = 1.0 if met else 0.0
        votes: dict[int, list[Ballot]] = {}
        for ballot in ballots:
            votes.setdefault(ballot[0], []).append(ballot)
        for leaf, cast in votes.items():
            scale = plan.scale(leaf)
            if len(cast) == 1 and cast[0][1] == JUDGED:
                states[leaf] = scale.credit(cast[0][2])
                continue
            given = [Vote(says, value, self._rulings.get(position)) for _, says, value, position in cast]
            policy = self._options.consensus or plan.consensus
            states[leaf] = agree(given, scale=scale, points=plan.points[leaf], policy=policy)
        return states
