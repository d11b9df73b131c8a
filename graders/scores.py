"""The report of a scored batch: every answer, and every mean by model, tag and group of graders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graders.scoring import UNGRADED, Policy, score_answer
from graders.scoring.aggregate import Aggregate, AggregateOptions, Point, aggregate
from graders.scoring.answer import AnswerScore
from graders.scoring.columns import ScoreColumns, TagColumns

if TYPE_CHECKING:
    from graders.scorer import PlannedAnswer, PlannedExample

SEVERAL_GRADERS = "several_graders"
SEVERAL_MODELS = "several_models"


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """How a batch is scored."""

    score_by: str | None = None
    """Whose score is wanted: a group, or a panel `A+B`; None where there is only one."""
    consensus: Policy | None = None
    """Overrides the rubrics' consensus policy."""
    min_coverage: float = 0.98
    """Coverage of an aggregate below which it has no mean."""
    seed: int = 0
    """Seed of the bootstrap."""
    healthbench: bool = False
    """Whether HealthBench's `bootstrap_std` is computed too."""


@dataclass(slots=True)
class GroupScores:
    """The columns of one group of graders, and how many applicable leaves it left ungraded."""

    answers: ScoreColumns
    tags: dict[str, TagColumns]
    ungraded: int


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


@dataclass(slots=True)
class Scores:
    """Scores of a batch. `as_json()` is what `score --json` prints; a missing number is None with a reason."""

    examples: Sequence[PlannedExample]
    answers: Sequence[PlannedAnswer]
    groups: dict[str, GroupScores]
    chosen: str | None
    """The group or panel whose scores stand outside `by_grader`; None with several groups and none named."""
    options: ScoringOptions
    failures: dict[str, int]
    warnings: list[str]
    rows: list[Row]

    @classmethod
    def build(
        cls,
        *,
        examples: Sequence[PlannedExample],
        answers: Sequence[PlannedAnswer],
        groups: dict[str, GroupScores],
        chosen: str | None,
        options: ScoringOptions,
        failures: dict[str, int],
        warnings: list[str],
    ) -> Scores:
        """Aggregate the columns into every combination of model, tag and group."""
        scores = cls(examples, answers, groups, chosen, options, failures, warnings, [])
        scores.rows = list(_Aggregator(scores).rows())
        return scores

    @property
    def models(self) -> list[str]:
        """The answerers, sorted."""
        return sorted({answer.model for answer in self.answers})

    @property
    def ungraded(self) -> int:
        """How many applicable leaves of the shown group (of all groups where none is chosen) are ungraded."""
        shown = [self.chosen] if self.chosen is not None else list(self.groups)
        return sum(self.groups[name].ungraded for name in shown)

    def row(self, *, model: str, tag: str | None = None, grader: str | None = None) -> Aggregate:
        """One aggregate; KeyError where there is none. Without `grader` the chosen group's."""
        grader = grader if grader is not None else self.chosen
        for row in self.rows:
            if (row.model, row.tag, row.grader) == (model, tag, grader):
                return row.aggregate
        raise KeyError(f"no row for model {model!r}, tag {tag!r}, grader {grader!r}")

    @property
    def overall(self) -> Aggregate:
        """The mean of the one model by the chosen group; without numbers where there are several of either."""
        return self._slice(tag=None, grader=self.chosen, model=None)

    @property
    def by_model(self) -> dict[str, Aggregate]:
        """Each model by the chosen group."""
        return {model: self._slice(tag=None, grader=self.chosen, model=model) for model in self.models}

    @property
    def by_tag(self) -> dict[str, Aggregate]:
        """Each tag of the one model by the chosen group."""
        tags = sorted({row.tag for row in self.rows if row.tag is not None})
        return {tag: self._slice(tag=tag, grader=self.chosen, model=None) for tag in tags}

    @property
    def by_grader(self) -> dict[str, Aggregate]:
        """Each group on the one model."""
        return {name: self._slice(tag=None, grader=name, model=None) for name in self.groups}

    def _slice(self, *, tag: str | None, grader: str | None, model: str | None) -> Aggregate:
        models = [model] if model is not None else self.models
        graders = [grader] if grader is not None else list(self.groups)
        found = [row.aggregate for row in self.rows if row.tag == tag and row.model in models and row.grader in graders]
        if grader is None:
            return _without_numbers(found, SEVERAL_GRADERS, len(self.groups))
        if len(models) == 1 and found:
            return found[0]
        reason = SEVERAL_MODELS if len(models) > 1 else "no_answers"
        return _without_numbers(found, reason, 1)

    def answers_json(self) -> Iterator[dict[str, Any]]:
        """Each answer's scores as a JSON object, in the order in which the answers were given."""
        tag_places = {
            name: {
                tag: dict(zip(columns.answer, range(len(columns.answer)), strict=True))
                for tag, columns in group.tags.items()
            }
            for name, group in self.groups.items()
            if name == self.chosen
        }
        for place, answer in enumerate(self.answers):
            example = self.examples[answer.example]
            row: dict[str, Any] = {"example_id": example.id, "model": answer.model, "sample": answer.sample}
            if self.chosen is None:
                row.update(dict.fromkeys(("score", "judged_only", "low", "high", "bounds", "coverage", "ungated")))
                row["reason"] = SEVERAL_GRADERS
                row["tags"] = dict.fromkeys([*example.tags, *example.plan.tags])
            else:
                row.update(self.groups[self.chosen].answers.as_json(place))
                row["tags"] = dict.fromkeys(example.tags, row["score"])
                for tag, places in tag_places[self.chosen].items():
                    column = self.groups[self.chosen].tags[tag]
                    if place in places and not column.absent[places[place]]:
                        value = column.score[places[place]]
                        row["tags"][tag] = None if value != value else value
            row["by_grader"] = {
                name: {
                    field: value
                    for field, value in group.answers.as_json(place).items()
                    if field not in ("bounds", "ungated")
                }
                for name, group in self.groups.items()
            }
            yield row

    def as_json(self) -> dict[str, Any]:
        """The whole report as one JSON object (CONTRACT: `score --json`)."""
        return {
            "answers": list(self.answers_json()),
            "overall": self.overall.as_json(),
            "by_model": {name: value.as_json() for name, value in self.by_model.items()},
            "by_tag": {name: value.as_json() for name, value in self.by_tag.items()},
            "by_grader": {name: value.as_json() for name, value in self.by_grader.items()},
            "rows": [row.as_json() for row in self.rows],
            "score_by": self.chosen,
            "ungraded": self.ungraded,
            "failures": self.failures,
            "warnings": self.warnings,
        }


def _without_numbers(found: Sequence[Aggregate], reason: str, groups: int) -> Aggregate:
    """Counts of several rows, and no mean: a mean over unlike rows would be no one's score."""
    share = max(groups, 1)
    empty = Aggregate(reason=reason)
    empty.n_examples = max((row.n_examples for row in found), default=0)
    empty.n_expected = sum(row.n_expected for row in found) // share
    empty.n_missing = 0 if groups > 1 else sum(row.n_missing for row in found)
    empty.n_undefined = 0 if groups > 1 else sum(row.n_undefined for row in found)
    empty.n_scored = 0 if groups > 1 else sum(row.n_scored for row in found)
    empty.seed = found[0].seed if found else 0
    if groups == 1 and found and empty.n_expected:
        covered = sum((row.coverage or 0.0) * row.n_expected for row in found)
        empty.coverage = covered / empty.n_expected
    return empty


class _Aggregator:
    """Turns the columns into one aggregate a row."""

    def __init__(self, scores: Scores) -> None:
        self.scores = scores
        self.order = sorted(range(len(scores.examples)), key=lambda number: scores.examples[number].id)
        self.by_example: dict[tuple[int, str], list[int]] = {}
        for place, answer in enumerate(scores.answers):
            self.by_example.setdefault((answer.example, answer.model), []).append(place)
        for places in self.by_example.values():
            places.sort(key=lambda place: scores.answers[place].sample)
        self._unanswered: dict[int, AnswerScore] = {}
        clip = scores.examples[0].plan.clip == "mean" if scores.examples else True
        self.options = AggregateOptions(
            clip_mean=clip,
            min_coverage=scores.options.min_coverage,
            seed=scores.options.seed,
            healthbench=scores.options.healthbench,
        )

    def rows(self) -> Iterator[Row]:
        """Every combination, whole answers first."""
        example_tags = sorted({tag for example in self.scores.examples for tag in example.tags})
        for model in self.scores.models:
            for name, group in self.scores.groups.items():
                points = {number: self._points(group.answers, number, model) for number in self.order}
                whole = [points[number] for number in self.order]
                yield Row(model, None, name, aggregate(whole, self.options, at_k=True))
                for tag in example_tags:
                    tagged = [points[n] for n in self.order if tag in self.scores.examples[n].tags]
                    yield Row(model, tag, name, aggregate(tagged, self.options))
                for tag in sorted(self._criterion_tags()):
                    yield Row(model, tag, name, aggregate(self._tag_points(group, tag, model), self.options))

    def _criterion_tags(self) -> set[str]:
        return {
            tag
            for example in self.scores.examples
            for tag, leaves in example.plan.tags.items()
            if any(example.plan.points[leaf] > 0 for leaf in leaves)
        }

    def _points(self, columns: ScoreColumns, number: int, model: str) -> list[Point]:
        places = self.by_example.get((number, model))
        if not places:
            empty = self._nothing(number)
            return [Point(None, None, empty.low, empty.high, 0.0, missing=True)]
        points = []
        for place in places:
            row = columns.as_json(place)
            points.append(
                Point(
                    row["score"],  # type: ignore[arg-type]
                    row["judged_only"],  # type: ignore[arg-type]
                    row["low"],  # type: ignore[arg-type]
                    row["high"],  # type: ignore[arg-type]
                    columns.coverage[place],
                    missing=not columns.any_judged[place],
                    defined=bool(columns.defined[place]),
                )
            )
        return points

    def _tag_points(self, group: GroupScores, tag: str, model: str) -> Iterator[list[Point]]:
        columns = group.tags.get(tag) or TagColumns()
        where = dict(zip(columns.answer, range(len(columns.answer)), strict=True))
        for number in self.order:
            plan = self.scores.examples[number].plan
            if not any(plan.points[leaf] > 0 for leaf in plan.tags.get(tag, ())):
                continue
            places = self.by_example.get((number, model))
            if not places:
                empty = self._nothing(number).tags[tag]
                yield [Point(None, None, empty.low, empty.high, 0.0, missing=True)]
                continue
            yield [_tag_point(columns, where[place]) for place in places if place in where]

    def _nothing(self, number: int) -> AnswerScore:
        """The score of an answer that is not there: everything ungraded."""
        if number not in self._unanswered:
            plan = self.scores.examples[number].plan
            self._unanswered[number] = score_answer(plan, [UNGRADED] * len(plan.ids))
        return self._unanswered[number]


def _tag_point(columns: TagColumns, at: int) -> Point:
    def value(column: Sequence[float]) -> float | None:
        return None if column[at] != column[at] else column[at]

    return Point(
        value(columns.score),
        value(columns.judged_only),
        value(columns.low),
        value(columns.high),
        columns.coverage[at],
        missing=not columns.any_judged[at],
        defined=bool(columns.defined[at]),
    )
