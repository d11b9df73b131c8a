"""The report of a scored batch: every answer, and every mean by model, tag and group of graders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from graders.aggregation import Aggregation, Row
from graders.grader_report import GraderReport
from graders.scoring import Aggregate, Policy
from graders.scoring.columns import ScoreColumns, TagColumns, TagCursor
from graders.scoring.plan_table import PlanTable

if TYPE_CHECKING:
    from graders.answer_table import AnswerTable
    from graders.planned import PlannedExample

SEVERAL_GRADERS = "several_graders"
SEVERAL_MODELS = "several_models"

_ROWS_A_PIECE = 1000


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


@dataclass(slots=True)
class Scores:
    """Scores of a batch. `as_json()` is what `score --json` prints; a missing number is None with a reason."""

    examples: Sequence[PlannedExample]
    answers: AnswerTable
    groups: dict[str, GroupScores]
    chosen: str | None
    """The group or panel whose scores stand outside `by_grader`; None with several groups and none named."""
    options: ScoringOptions
    failures: dict[str, int]
    """Judgments without a verdict, by kind."""
    failure_messages: dict[str, str]
    """What the first of each kind said."""
    warnings: list[str]
    rows: list[Row]
    report: GraderReport
    """What the judgments tell of their graders."""

    @classmethod
    def build(
        cls,
        *,
        examples: Sequence[PlannedExample],
        answers: AnswerTable,
        table: PlanTable,
        groups: dict[str, GroupScores],
        chosen: str | None,
        options: ScoringOptions,
        failures: dict[str, int],
        failure_messages: dict[str, str],
        warnings: list[str],
        report: GraderReport,
    ) -> Scores:
        """Aggregate the columns into every combination of model, tag and group."""
        scores = cls(examples, answers, groups, chosen, options, failures, failure_messages, warnings, [], report)
        scores.rows = Aggregation(examples, answers, table, groups, options).rows()
        return scores

    @property
    def models(self) -> list[str]:
        """The answerers, sorted."""
        return self.answers.models

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
        chosen = self.groups.get(self.chosen or "")
        cursors = {} if chosen is None else {tag: TagCursor(columns) for tag, columns in chosen.tags.items()}
        answers = self.answers
        for place, (number, sample) in enumerate(zip(answers.example, answers.sample, strict=True)):
            example = self.examples[number]
            row: dict[str, Any] = {"example_id": example.id, "model": answers.model(place), "sample": sample}
            if chosen is None:
                row.update(dict.fromkeys(("score", "judged_only", "low", "high", "bounds", "coverage", "ungated")))
                row["reason"] = SEVERAL_GRADERS
                row["tags"] = dict.fromkeys([*example.tags, *example.plan.tags])
            else:
                row.update(chosen.answers.as_json(place))
                row["tags"] = dict.fromkeys(example.tags, row["score"])
                for tag, cursor in cursors.items():
                    at = cursor.at(place)
                    if at is not None and not cursor.columns.absent[at]:
                        value = cursor.columns.score[at]
                        row["tags"][tag] = None if value != value else float(value)
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
        return {"answers": list(self.answers_json()), **self._totals_json()}

    def json_text(self, **more: Any) -> Iterator[str]:
        """The text of `as_json()`, with `more` at its end, piece by piece: the answers are never all in memory."""
        encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
        rows = self.answers_json()
        yield '{"answers": ['
        between = ""
        while some := ", ".join(map(encode, islice(rows, _ROWS_A_PIECE))):
            yield between + some
            between = ", "
        yield "], " + encode({**self._totals_json(), **more})[1:]

    def _totals_json(self) -> dict[str, Any]:
        return {
            "overall": self.overall.as_json(),
            "by_model": {name: value.as_json() for name, value in self.by_model.items()},
            "by_tag": {name: value.as_json() for name, value in self.by_tag.items()},
            "by_grader": {name: value.as_json() for name, value in self.by_grader.items()},
            "rows": [row.as_json() for row in self.rows],
            "score_by": self.chosen,
            "ungraded": self.ungraded,
            "failures": self.failures,
            "warnings": self.warnings,
            "audits": {name: audit.as_json() for name, audit in self.report.audits.items()},
            "mixed_judges": self.report.mixed_judges,
        }


def _without_numbers(found: Sequence[Aggregate], reason: str, groups: int) -> Aggregate:
    """What several rows have in common, and no mean: a mean over unlike rows would be no one's score.

    Several models of one group are counted together; what several groups counted differs, and is None.
    """
    empty = Aggregate(reason=reason, seed=found[0].seed if found else 0)
    empty.n_examples = max((row.n_examples for row in found), default=0)
    if groups > 1:
        empty.n_expected = empty.n_scored = empty.n_missing = empty.n_undefined = None
        return empty
    empty.n_expected = sum(row.n_expected or 0 for row in found)
    empty.n_scored = sum(row.n_scored or 0 for row in found)
    empty.n_missing = sum(row.n_missing or 0 for row in found)
    empty.n_undefined = sum(row.n_undefined or 0 for row in found)
    if empty.n_expected:
        empty.coverage = sum((row.coverage or 0.0) * (row.n_expected or 0) for row in found) / empty.n_expected
    return empty
