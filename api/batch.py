"""A batch over a store: inputs streamed in, recorded judgments filed, missing ones asked for, everything scored."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path

from api.exports import ExportSource, ExportSummary, export_folder
from api.recorded_import import RecordedImport
from api.store import AnswersRef, DatasetRef, Run, Store
from graders import (
    HUMAN,
    READ_IN,
    Engine,
    GraderCard,
    GraderOptions,
    HumanGrader,
    JudgmentPage,
    Progress,
    Recorded,
    Scorer,
    Scores,
    ScoringOptions,
    check_rater,
    open_graders,
)
from graders.scoring.voters import HUMANS, split_panel
from rubrics import (
    AnswerFile,
    AnswerHasher,
    DatasetFile,
    Example,
    InputError,
    Mistake,
    Mistakes,
    did_you_mean,
)


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What is to be graded, by whom."""

    dataset: Path
    answers: Path
    specs: Sequence[str]
    run: str | None = None
    """The run's name; by default the dataset's stem and a digest of the answers' path and the SPECs."""
    rubrics: Path | None = None
    options: GraderOptions = field(default_factory=GraderOptions)
    repeats: int = 1
    rater: str | None = None
    """The id of the person who reads now; no part of what the run is."""

    @property
    def run_name(self) -> str:
        """The name under which the same request resumes."""
        if self.run is not None:
            return self.run
        stem = self.dataset.resolve().name if self.dataset.is_dir() else self.dataset.stem
        told = "\n".join([str(self.answers.resolve()), *self.specs])
        return f"{stem}-{hashlib.sha256(os.fsencode(told)).hexdigest()[:8]}"


class Batch:
    """One request on its way through: open it, see the plan, grade, score."""

    def __init__(self, store: Store, request: BatchRequest, *, keep: bool = True) -> None:
        self.request = request
        opened, self.recorded = open_graders(request.specs, request.options)
        self.graders = [grader for grader in opened if not isinstance(grader, HumanGrader)]
        self.by_people = len(self.graders) < len(opened)
        """Whether people read this run, each under an id of their own."""
        cards = [GraderCard.of(grader) for grader in opened]
        if request.rater is not None:
            check_rater(request.rater, [card.name for card in cards])
        dataset, answers = _store_inputs(store, request)
        self.run: Run = store.open_run(
            request.run_name,
            dataset,
            answers,
            [*cards, *map(_recorded_card, self.recorded)],
            repeats=request.repeats,
            keep=keep,
        )
        self._groups = {HUMANS if card.kind == "human" else card.name for card in cards}
        self.imported = 0
        """How many recorded judgments were filed anew, or would be without `keep`."""
        self._readers: frozenset[str] | None = None

    def engine(self, *, concurrency: int = 16, budget: float | None = None) -> Engine:
        """The engine of this batch over its ledger."""
        return Engine(
            self.graders,
            self.run.ledger(),
            repeats=self.run.repeats,
            concurrency=concurrency,
            budget=budget,
        )

    def plan(self, engine: Engine) -> Progress:
        """What there is and what is missing."""
        return engine.plan(self.run.questions())

    def check_score_by(self, score_by: str | None) -> None:
        """InputError where `--score-by` names a group that nobody here forms, before anyone is asked."""
        if score_by is None or "@" in score_by:  # two versions of one grader are told apart once they are counted
            return
        _, unknown = split_panel(score_by, sorted(self._groups))
        if unknown:
            hint = did_you_mean(unknown[0], sorted(self._groups))
            raise InputError(Mistake("--score-by", f"got {unknown[0]!r}, expected a group of graders{hint}"))

    def scores(self, options: ScoringOptions) -> Scores:
        """Score what the run holds now."""
        return score_run(self.run, options)

    def import_recorded(self, *, keep: bool = True) -> None:
        """File recorded judgments under their own graders; every mistake in them is found before one is filed."""
        if self.recorded:
            asked = {card.name for card in self.run.cards} | self.readers
            recorded = RecordedImport(self.run, self.recorded, asked)
            recorded.file(keep=keep)
            self.imported = recorded.filed
            self._groups |= recorded.groups

    @property
    def readers(self) -> frozenset[str]:
        """The ids of the people who have read here, and of the one who reads now."""
        if self._readers is None:
            here = [] if self.request.rater is None else [self.request.rater]
            if self.by_people:
                here += [
                    judgment.grader
                    for judgment in self.run.judgments(current=False)
                    if judgment.metadata.get(READ_IN) == self.run.id
                ]
            self._readers = frozenset(here)
        return self._readers


class RunScoring:
    """Scores the judgments of a run that still hold, while they go by on their way to whoever else wants them."""

    def __init__(self, run: Run, options: ScoringOptions) -> None:
        self._run = run
        self._options = options
        self._scorer = Scorer()

    def examples(self) -> Iterator[Example]:
        """The run's examples; they are to be read first."""
        for example in self._run.examples():
            self._scorer.add_example(example)
            yield example

    def judgments(self) -> Iterator[JudgmentPage]:
        """The run's judgments; InputError has what does not fit."""
        mistakes = Mistakes()
        for line, answer in enumerate(self._run.hashed_answers(), start=1):
            for path, message in self._scorer.add_hashed_answer(*answer):
                mistakes.add("answers", message, path, line)
        before = 1
        for page in self._run.judgment_pages(current=True):
            for number, (path, message) in self._scorer.add_page(page):
                mistakes.add("judgments", message, path, before + number)
            before += len(page)
            yield page
        mistakes.raise_if_any()

    def scores(self) -> Scores:
        """The scores of what went by."""
        return self._scorer.scores(self._options)


def score_run(run: Run, options: ScoringOptions) -> Scores:
    """Score the judgments of a run that still hold."""
    scoring = RunScoring(run, options)
    for _ in chain(scoring.examples(), scoring.judgments()):
        pass
    return scoring.scores()


def export_run(run: Run, folder: Path, options: ScoringOptions, *, now: datetime) -> ExportSummary:
    """Write a run as a Hugging Face dataset: what holds now, scored by `options`."""
    scoring = RunScoring(run, options)
    source = ExportSource(
        name=run.name,
        info=run.dataset_info(),
        examples=scoring.examples,
        answers=run.answers,
        judgments=scoring.judgments,
        scores=scoring.scores,
        graders=[card.as_json() for card in run.cards if not _is_recorded(card) and card.name != HUMAN],
        created_at=now.isoformat(timespec="seconds"),
    )
    return export_folder(folder, source)


def _store_inputs(store: Store, request: BatchRequest) -> tuple[DatasetRef, AnswersRef]:
    """Stream dataset and answers into the store; nothing becomes visible where anything is wrong."""
    dataset_file = DatasetFile(request.dataset, request.rubrics)
    answer_file = AnswerFile(request.answers)
    hashers: dict[str, AnswerHasher] = {}
    with store.stage_dataset(dataset_file.info) as dataset_stage:
        for example in dataset_file:
            if not dataset_file.mistakes:
                dataset_stage.add(example)
                hashers[example.id] = AnswerHasher(example)
        if dataset_file.mistakes:
            for _ in answer_file:  # so that the mistakes of both files are told at once
                pass
            raise InputError([*dataset_file.mistakes, *answer_file.mistakes])
        dataset = dataset_stage.commit()
    with store.stage_answers(dataset) as answer_stage:
        for line, answer in answer_file.numbered():
            hasher = hashers.get(answer.example_id)
            answer_stage.add(line, answer, hasher.hash(answer.text) if hasher is not None else "")
        for line, message in answer_stage.problems():
            answer_file.mistakes.add(str(request.answers), message, "$", line)
        answer_file.mistakes.raise_if_any()
        return dataset, answer_stage.commit()


def _recorded_card(source: Recorded) -> GraderCard:
    """What a run remembers of a recorded file, so that leaving it out is seen as a change of graders."""
    return GraderCard(source.spec, "rule", "1", {}, None, 1)


def _is_recorded(card: GraderCard) -> bool:
    return card.name.startswith("recorded:")
