"""From columns of scores to one aggregate for each combination of model, tag and group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from graders.scoring import (
    UNGRADED,
    Aggregate,
    AggregateOptions,
    AnswerScore,
    Points,
    Resampler,
    TagScore,
    aggregate,
    score_answer,
)
from graders.scoring.columns import ScoreColumns, TagColumns
from graders.scoring.plan_table import PlanTable
from graders.scoring.points import Flags, Floats, Places

if TYPE_CHECKING:
    from graders.answer_table import AnswerTable
    from graders.planned import PlannedExample
    from graders.scores import GroupScores, ScoringOptions


@dataclass(frozen=True, slots=True)
class Row:
    """One combination of model, tag (None: the whole answers) and group."""

    model: str
    tag: str | None
    grader: str
    aggregate: Aggregate

    def as_json(self) -> dict[str, Any]:
        """The row as one JSON object."""
        return {"model": self.model, "tag": self.tag, "grader": self.grader, **self.aggregate.as_json()}


class _Layout:
    """Where each expected answer of one model stands, by example id and then by sample."""

    def __init__(self, rank: Places, place: Places) -> None:
        self.rank = rank
        """The place of the example among all examples by id."""
        self.place = place
        """The answer's number; −1 where the model did not answer the example."""
        self.there = place >= 0


class Aggregation:
    """Aggregates the scores of a batch; the examples are resampled once for all rows."""

    def __init__(
        self,
        examples: Sequence[PlannedExample],
        answers: AnswerTable,
        table: PlanTable,
        groups: Mapping[str, GroupScores],
        options: ScoringOptions,
    ) -> None:
        self._examples = examples
        self._answers = answers
        self._table = table
        self._groups = groups
        self._by_id = sorted(range(len(examples)), key=lambda number: examples[number].id)
        self._options = AggregateOptions(
            clip_mean=examples[0].plan.clip == "mean" if examples else True,
            min_coverage=options.min_coverage,
            seed=options.seed,
            healthbench=options.healthbench,
        )
        self._unanswered: dict[int, AnswerScore] = {}

    def rows(self) -> list[Row]:
        """Every combination, whole answers first."""
        resampler = Resampler(len(self._examples), seed=self._options.seed)
        rows = list(self._rows(resampler))
        resampler.finish()
        return rows

    def _rows(self, resampler: Resampler) -> Iterator[Row]:
        example_tags = self._examples_by_tag()
        criterion_tags = self._examples_by_criterion_tag()
        for model, layout in self._layouts().items():
            for name, group in self._groups.items():
                whole = self._whole(group.answers, layout)
                yield Row(model, None, name, aggregate(whole, self._options, at_k=True, resampler=resampler))
                for tag, having in example_tags.items():
                    tagged = whole.only(having[layout.rank])
                    yield Row(model, tag, name, aggregate(tagged, self._options, resampler=resampler))
                for tag, having in criterion_tags.items():
                    tagged = self._tagged(group.tags.get(tag), tag, layout, having[layout.rank])
                    yield Row(model, tag, name, aggregate(tagged, self._options, resampler=resampler))

    def _layouts(self) -> dict[str, _Layout]:
        """For each model its expected answers; an example that it did not answer has one that is missing."""
        rank_of = np.empty(len(self._examples), dtype=np.int64)
        rank_of[self._by_id] = np.arange(len(self._examples))
        layouts = {}
        ranks_of_answers = rank_of[np.array(self._answers.example, dtype=np.int32)]
        samples = np.array(self._answers.sample, dtype=np.int32)
        for model, places in self._answers.by_model().items():
            ranks = ranks_of_answers[places]
            order = np.lexsort((samples[places], ranks))
            answered = np.zeros(len(self._examples), dtype=np.bool_)
            answered[ranks] = True
            missing = np.flatnonzero(~answered)
            rank = np.concatenate([ranks[order], missing])
            where = np.concatenate([places[order], np.full(len(missing), -1)])
            again = np.argsort(rank, kind="stable")
            layouts[model] = _Layout(rank[again], where[again])
        return layouts

    def _examples_by_tag(self) -> dict[str, Flags]:
        ranks: dict[str, list[int]] = {}
        for rank, number in enumerate(self._by_id):
            for tag in self._examples[number].tags:
                ranks.setdefault(tag, []).append(rank)
        marked = {}
        for tag in sorted(ranks):
            marked[tag] = np.zeros(len(self._examples), dtype=np.bool_)
            marked[tag][ranks[tag]] = True
        return marked

    def _examples_by_criterion_tag(self) -> dict[str, Flags]:
        """For each criterion's tag the examples where a positive leaf carries it."""
        return {tag: having[self._by_id] for tag, having in self._table.examples_by_tag().items()}

    def _whole(self, columns: ScoreColumns, layout: _Layout) -> Points:
        at = layout.place[layout.there]
        ends = [self._nothing(rank) for rank in layout.rank[~layout.there].tolist()]
        return self._points(columns, at, layout.rank, layout.there, ends)

    def _tagged(self, columns: TagColumns | None, tag: str, layout: _Layout, having: Flags) -> Points:
        columns = columns or TagColumns()
        where = np.full(len(self._answers) + 1, -1, dtype=np.int64)
        where[columns.answer] = np.arange(len(columns.answer))
        rank, place = layout.rank[having], layout.place[having]
        there = place >= 0
        ends = [self._nothing(number).tags[tag] for number in rank[~there].tolist()]
        return self._points(columns, where[place[there]], rank, there, ends)

    @staticmethod
    def _points(
        columns: ScoreColumns | TagColumns,
        at: Places,
        rank: Places,
        there: Flags,
        missing: Sequence[AnswerScore | TagScore],
    ) -> Points:
        def numbers(of_answers: Floats, of_missing: Sequence[float | None]) -> Floats:
            if not missing:
                return of_answers[at]
            values = np.full(len(rank), nan)
            values[there] = of_answers[at]
            values[~there] = [nan if value is None else value for value in of_missing]
            return values

        def flags(of_answers: Flags, of_missing: bool) -> Flags:
            if not missing:
                return of_answers[at]
            values = np.full(len(rank), of_missing)
            values[there] = of_answers[at]
            return values

        nothing: list[float | None] = [None] * len(missing)
        return Points(
            example=rank,
            score=numbers(columns.score, nothing),
            judged_only=numbers(columns.judged_only, nothing),
            low=numbers(columns.low, [scored.low for scored in missing]),
            high=numbers(columns.high, [scored.high for scored in missing]),
            coverage=numbers(columns.coverage, [0.0] * len(missing)),
            missing=flags(~columns.any_judged, True),
            defined=flags(columns.defined, True),
        )

    def _nothing(self, rank: int) -> AnswerScore:
        """The score of an answer that is not there: everything ungraded."""
        number = self._by_id[rank]
        if number not in self._unanswered:
            plan = self._examples[number].plan
            self._unanswered[number] = score_answer(plan, [UNGRADED] * len(plan.ids))
        return self._unanswered[number]
