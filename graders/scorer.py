"""Scores a whole batch: takes examples, answers and judgments one by one, keeps columns, and reports at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from graders.answer_table import AnswerTable
from graders.cells import NO_VOTE, Cell, Cells
from graders.evaluation import Evaluation
from graders.fit import Problem, fit_verdict, stale_problems
from graders.grader_report import GraderReport
from graders.judgment import FAILURE_KINDS, Judgment
from graders.judgment_page import JudgmentPage
from graders.planned import PlannedExample, PlannedRubric
from graders.remarks import VERDICT_FIELDS, is_plain_beside_verdict
from graders.rules import check_met
from graders.scores import Scores, ScoringOptions
from graders.scoring import DOES_NOT_APPLY, JUDGED
from graders.scoring.plan_table import PlanTable
from graders.scoring.voters import Rater, Voters, split_panel
from rubrics import (
    MOST,
    Answer,
    AnswerHasher,
    Example,
    InputError,
    Mistake,
    PlainExample,
    PlainRubric,
    Rubric,
    did_you_mean,
    text_problem,
)

_MORE = frozenset({"ruling", "failure"})
"""What a verdict may have besides that changes more than its own vote."""

_NO_LEAF = (-1, "")
_NOT_CARRIED = object()
_RUBRICS_AT_HAND = 256
"""How many rubrics are remembered, lest one that many examples share is planned for each."""


def _instant(judged_at: str | None) -> str:
    """A time as text that sorts by time whatever its offset; one that is absent or unreadable sorts first."""
    try:
        when = datetime.fromisoformat(judged_at or "")
        when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
        return when.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return ""


class Scorer:
    """Collects a batch and scores it. What is wrong with an item is returned as (JSON path, message)."""

    def __init__(self) -> None:
        self.examples: list[PlannedExample] = []
        self.answers = AnswerTable()
        self.warnings: dict[str, int] = {}
        self._example_index: dict[str, int] = {}
        self._rubrics: dict[int, tuple[Rubric | PlainRubric, PlannedRubric]] = {}
        self._met_index: list[Mapping[str, int]] = []
        self._cells = Cells()
        self._plain_raters: dict[tuple[str, str, str | None], int] = {}
        self._voters = Voters()
        self._rulings: dict[int, tuple[str, int, str]] = {}
        self._unheard: set[tuple[str, str, int, str, str, int]] = set()
        self._failures = dict.fromkeys(FAILURE_KINDS, 0)
        self._failure_messages: dict[str, str] = {}
        self._report = GraderReport()

    def add_example(self, example: Example | PlainExample) -> None:
        """Take an example; the dataset's own rules were checked where it was read."""
        self._example_index[example.id] = len(self.examples)
        tags = example.tags if isinstance(example, PlainExample) else tuple(dict.fromkeys(example.tags))
        self.examples.append(PlannedExample(example.id, tags, self._planned(example.rubric), AnswerHasher(example)))

    def _planned(self, rubric: Rubric | PlainRubric) -> PlannedRubric:
        known = self._rubrics.get(id(rubric))
        if known is None:
            if len(self._rubrics) >= _RUBRICS_AT_HAND:
                self._rubrics.clear()
            planned = PlannedRubric.of(rubric) if isinstance(rubric, Rubric) else PlannedRubric.of_plain(rubric)
            # The rubric is kept beside its plan: an id may come again once its owner is gone.
            known = self._rubrics[id(rubric)] = (rubric, planned)
        return known[1]

    def add_answer(self, answer: Answer) -> list[Problem]:
        """Take an answer and judge its checks; a non-empty list says why it was not taken."""
        return self._add_answer(*answer.key, answer.text, None)

    def add_hashed_answer(self, example_id: str, model: str, sample: int, text: str, answer_hash: str) -> list[Problem]:
        """The same of an answer whose hash is known."""
        return self._add_answer(example_id, model, sample, text, answer_hash)

    def _add_answer(
        self, example_id: str, model: str, sample: int, text: str, answer_hash: str | None
    ) -> list[Problem]:
        number = self._example_index.get(example_id)
        if number is None:
            hint = did_you_mean(example_id, self._example_index)
            return [("$.example_id", f"got {example_id!r}, expected the id of an example{hint}")]
        if self.has_answer(example_id, model, sample):
            return [("$", f"a second answer of {model!r} to {example_id!r}, sample {sample}")]
        self._take_answer(number, model, sample, text, answer_hash)
        return []

    def _take_answer(self, number: int, model: str, sample: int, text: str, answer_hash: str | None = None) -> None:
        example = self.examples[number]
        rules = tuple(check_met(check, text) for _, check in example.checks) if example.checks else ()
        answer_hash = answer_hash or example.hasher.hash(text)
        self.answers.add(number, example.id, model, sample, answer_hash, rules)
        self._met_index.append(example.rubric.met_index)

    def add_plain_answer(self, row: Mapping[str, Any]) -> bool:
        """Take an answer's row without making it a model; False where only the model can tell whether it is right.

        Plain is the first answer of its key, by an answerer seen before, with no field beyond what that takes.
        """
        text, sample = row.get("text"), row.get("sample", 0)
        if len(row) != (4 if "sample" in row else 3) or type(sample) is not int or type(text) is not str:
            return False
        try:
            number, model = self._example_index[row["example_id"]], row["model"]
            if not self.answers.has_model(model):
                return False
        except (KeyError, TypeError):
            return False
        if not 0 <= sample <= MOST or self.has_answer(row["example_id"], model, sample) or text_problem(text):
            return False
        self._take_answer(number, model, sample, text)
        return True

    def has_example(self, example_id: str) -> bool:
        """Whether an example was taken."""
        return example_id in self._example_index

    def has_answer(self, example_id: str, model: str, sample: int) -> bool:
        """Whether an answer was taken."""
        return self.answers.find(example_id, model, sample) is not None

    def add_judgment(self, judgment: Judgment) -> list[Problem]:
        """Take a judgment; a non-empty list says why it was not taken."""
        place = self.answers.find(judgment.example_id, judgment.model, judgment.sample)
        if place is None:
            return [self._unknown_answer(judgment)]
        example = self.examples[self.answers.example[place]]
        leaf = example.rubric.leaf_index.get(judgment.criterion_id)
        if leaf is None:
            hint = did_you_mean(judgment.criterion_id, example.rubric.leaf_index)
            return [
                (
                    "$.criterion_id",
                    f"got {judgment.criterion_id!r}, expected a criterion of {example.id!r}{hint}",
                )
            ]
        problems: list[Problem] = []
        if judgment.criterion_hash is not None or judgment.answer_hash is not None:
            expected = example.rubric.criterion_hash(leaf)
            problems += stale_problems(judgment, criterion_hash=expected, answer_hash=self.answers.hash(place))
        self._report.note(judgment.grader, judgment.returned_model, judgment.flags, judgment.metadata)
        if judgment.failure is not None:
            self._failures[judgment.failure.kind] += 1
            message = f"{judgment.criterion_id}: {judgment.failure.message}"
            self._failure_messages.setdefault(judgment.failure.kind, message)
        fit = fit_verdict(judgment, example.plan.scale(leaf))
        if fit.problem is not None:
            return [*problems, fit.problem]
        if leaf in example.plan.checked:
            if judgment.grader_kind != "rule":
                self._warn(f"a label by {judgment.grader!r} on a criterion with a check is kept and does not vote")
                if judgment.cell in self._unheard:
                    problems.append(("$", "a second judgment of one cell (another try says so by `repeat`)"))
                self._unheard.add(judgment.cell)
            return problems
        self._append(judgment, place, leaf, fit.value)
        return problems

    @property
    def kept(self) -> int:
        """How many judgments were taken as votes so far."""
        return len(self._cells.answer)

    def _append(self, judgment: Judgment, place: int, leaf: int, value: float) -> None:
        cells = self._cells
        says = {"judged": JUDGED, "not_applicable": DOES_NOT_APPLY}.get(judgment.status, NO_VOTE)
        if judgment.ruling and says != NO_VOTE:
            self._rulings[len(cells.answer)] = (_instant(judgment.judged_at), judgment.repeat, judgment.grader)
        rater = Rater(judgment.grader, judgment.grader_kind, judgment.grader_fingerprint)
        number = self._voters.index(rater)
        self._plain_raters[judgment.grader, judgment.grader_kind, judgment.grader_fingerprint] = number
        cells.append(place, leaf, number, judgment.repeat, says, value)

    def add_plain(self, row: Mapping[str, Any]) -> bool:
        """Take a judgment's row without making it a model; False where only the model can tell whether it is right.

        Plain is a verdict of met or not met that still holds, by a rater seen before, and no ruling.
        """
        sample = row.get("sample", 0)
        try:
            place = self.answers.find(row["example_id"], row["model"], sample)
            if place is None:
                return False
            rater = self._plain_raters[row["grader"], row["grader_kind"], row.get("grader_fingerprint")]
            leaf = self._met_index[place][row["criterion_id"]]
            met = row["met"]
            if row["status"] != "judged" or (met is not True and met is not False) or type(sample) is not int:
                return False
        except (KeyError, TypeError):
            return False
        repeat = 0
        if len(row) > len(VERDICT_FIELDS) + ("sample" in row):
            if not is_plain_beside_verdict(row) or not self._still_holds(row, place, leaf):
                return False
            repeat = row.get("repeat", 0)
            self._report.note_row(row)
        self._cells.append(place, leaf, rater, repeat, JUDGED, met)
        return True

    def add_page(self, page: JudgmentPage) -> Iterator[tuple[int, Problem]]:
        """Take a page of judgments; what is wrong comes with its place on the page, counted from 0.

        A model is made only of what is more than met or not met, or does not fit.
        """
        example_ids, models, samples, *columns = page.columns
        raters: dict[tuple[str, str, str | None], int] = {}
        votes: list[Cell] = []
        key_before: tuple[str, str, int] | None = None
        place: int | None = None
        example_before, expected_answer = -1, ""
        leaves: Mapping[str, tuple[int, str]] = {}
        for number, (key, criterion, grader, repeat, status, kind, criterion_hash, answer_hash, body) in enumerate(
            zip(zip(example_ids, models, samples, strict=True), *columns, page.bodies, strict=True)
        ):
            if key != key_before:
                key_before, place = key, self.answers.find(*key)
                if place is not None:
                    expected_answer, example = self.answers.hash(place), self.answers.example[place]
                    if example != example_before:
                        example_before, rubric = example, self.examples[example].rubric
                        leaves = {name: (leaf, rubric.criterion_hash(leaf)) for name, leaf in rubric.met_index.items()}
            leaf, expected_hash = leaves.get(criterion, _NO_LEAF)
            met = body.get("met")
            if (
                place is not None
                and status == "judged"
                and (met is True or met is False)
                and answer_hash == expected_answer
                and criterion_hash == expected_hash
                and not (len(body) > 1 and _MORE & body.keys())
            ):
                rater = (grader, kind, body.get("grader_fingerprint"))
                voter = raters.get(rater)
                if voter is None:
                    voter = raters[rater] = self._voters.index(Rater(*rater))
                votes.append((place, leaf, voter, repeat, JUDGED, met))
                if "returned_model" in body or "flags" in body:
                    flags, metadata = body.get("flags") or (), body.get("metadata")
                    self._report.note(grader, body.get("returned_model"), flags, metadata)
                continue
            self._cells.extend(votes)
            votes = []
            for problem in self.add_judgment(page.judgment(number)):
                yield number, problem
        self._cells.extend(votes)

    def _still_holds(self, row: Mapping[str, Any], place: int, leaf: int) -> bool:
        """Whether the hashes that a row carries are those of today."""
        carried = row.get("answer_hash", _NOT_CARRIED)
        if carried is not _NOT_CARRIED and carried != self.answers.hash(place):
            return False
        carried = row.get("criterion_hash")
        example = self.examples[self.answers.example[place]]
        return carried is None or carried == example.rubric.criterion_hash(leaf)

    def _unknown_answer(self, judgment: Judgment) -> Problem:
        if judgment.example_id not in self._example_index:
            hint = did_you_mean(judgment.example_id, self._example_index)
            return "$.example_id", f"got {judgment.example_id!r}, expected the id of an example{hint}"
        return "$", (f"there is no answer of {judgment.model!r} to {judgment.example_id!r}, sample {judgment.sample}")

    def _warn(self, message: str) -> None:
        self.warnings[message] = self.warnings.get(message, 0) + 1

    def repeated_cells(self) -> Iterator[tuple[int, int]]:
        """Pairs of judgments (counted from 0 as they were kept) that judge the same cell twice."""
        return self._cells.repeated()

    def scores(self, options: ScoringOptions) -> Scores:
        """Score everything that was taken; InputError where `score_by` names no group."""
        groups = self._voters.groups(set(self._cells.rater)) or {"rules": frozenset()}
        chosen = self._chosen(options.score_by, groups)
        table = PlanTable([example.plan for example in self.examples])
        evaluation = Evaluation(self.examples, self.answers, self._cells, self._rulings, options, table)
        return Scores.build(
            examples=self.examples,
            answers=self.answers,
            table=table,
            groups=evaluation.scores(groups),
            chosen=chosen,
            options=options,
            failures={str(kind): count for kind, count in self._failures.items()},
            failure_messages=self._failure_messages,
            warnings=[
                *(f"{message} ({count}×)" if count > 1 else message for message, count in self.warnings.items()),
                *self._report.warnings(),
            ],
            report=self._report,
        )

    def _chosen(self, score_by: str | None, groups: dict[str, frozenset[int]]) -> str | None:
        """The group whose score is wanted; a panel is added to the groups under its written name."""
        if score_by is None:
            return next(iter(groups)) if len(groups) == 1 else None
        members, unknown = split_panel(score_by, list(groups))
        if unknown:
            message = f"got {unknown[0]!r}, expected a group of graders{did_you_mean(unknown[0], groups)}"
            raise InputError(Mistake("--score-by", message))
        groups[score_by] = frozenset().union(*(groups[name] for name in members))
        return score_by
