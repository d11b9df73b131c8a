"""A batch over a store: inputs streamed in, recorded judgments filed, missing ones asked for, everything scored."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from api.exports import ExportSource, ExportSummary, export_folder
from api.store import AnswersRef, DatasetRef, JudgmentStage, Run, Store
from graders import (
    HUMAN,
    READ_IN,
    Engine,
    Entry,
    GraderCard,
    GraderOptions,
    HumanGrader,
    Judgment,
    JudgmentFile,
    Progress,
    Recorded,
    Scores,
    ScoringOptions,
    cell_key,
    check_rater,
    judgment_problems,
    open_graders,
    score,
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
    canonical_json,
    did_you_mean,
)

_KEEP_AT_ONCE = 1000


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
        if not self.recorded:
            return
        with ExitStack() as stack:
            stages = [self._staged(source, stack) for source in self.recorded]
            mistakes = Mistakes()
            self.imported = sum(1 for _ in self._entries(stages, mistakes))
            mistakes.raise_if_any()
            if keep:
                self._keep(self._entries(stages, mistakes))

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

    def _staged(self, source: Recorded, stack: ExitStack) -> tuple[str, JudgmentStage]:
        file = JudgmentFile(source.path)
        stage = stack.enter_context(self.run.stage_judgments())
        for line, judgment in file.numbered():
            stage.add(line, judgment)
        for line, message in stage.problems():
            file.mistakes.add(str(source.path), message, "$", line)
        file.mistakes.raise_if_any()
        return str(source.path), stage

    def _entries(self, stages: Sequence[tuple[str, JudgmentStage]], mistakes: Mistakes) -> Iterator[Entry]:
        """What of the staged judgments the ledger does not hold yet."""
        ledger = self.run.ledger()
        asked = {card.name for card in self.run.cards} | self.readers
        for example, answers in self.run.questions():
            checked = {leaf.id for leaf in example.rubric.leaves if leaf.criterion.check is not None}
            for answer, answer_hash in answers:
                seen: dict[tuple[str, str, int], str] = {}
                standing = ledger.standing(*answer.key)
                for file, stage in stages:
                    for line, judgment in stage.for_answer(*answer.key):
                        if judgment.grader_kind == "rule" and judgment.criterion_id in checked:
                            continue
                        self._groups.add(HUMANS if judgment.grader_kind == "human" else judgment.grader)
                        cell = (judgment.criterion_id, judgment.grader, judgment.repeat)
                        for path, message in self._problems(judgment, example, answer_hash, asked):
                            mistakes.add(file, message, path, line)
                        if cell in seen:
                            mistakes.add(
                                file, f"a second judgment of one cell, the first is in {seen[cell]}", "$", line
                            )
                        seen[cell] = f"{file} line {line}"
                        if judgment.criterion_id in example.rubric.criterion_hashes:
                            filed = _filed(judgment, example, answer_hash)
                            key = _recorded_key(filed)
                            there = standing.get(cell)
                            if there is None or there.key != key:
                                yield Entry(filed, key, 0 if there is None else there.attempt + 1)
                gone = [cell for cell in standing if cell[1] not in asked and cell not in seen]
                if gone:
                    mistakes.add(
                        self.request.run_name,
                        f"the run holds a judgment of {gone[0][1]!r} on {gone[0][0]!r} of {answer.example_id!r} by "
                        f"{answer.model!r} that is recorded no more; use another --run name",
                    )

    @staticmethod
    def _problems(judgment: Judgment, example: Example, answer_hash: str, asked: set[str]) -> Iterator[tuple[str, str]]:
        if judgment.grader in asked:
            yield "$.grader", f"got {judgment.grader!r}, which this run asks itself; record it under another name"
        yield from judgment_problems(judgment, example, answer_hash)

    def _keep(self, entries: Iterator[Entry]) -> None:
        ledger = self.run.ledger()
        pending: list[Entry] = []
        for entry in entries:
            pending.append(entry)
            if len(pending) == _KEEP_AT_ONCE:
                ledger.keep(pending)
                pending = []
        if pending:
            ledger.keep(pending)


def score_run(run: Run, options: ScoringOptions) -> Scores:
    """Score the judgments of a run that still hold."""
    return score(
        run.examples(),
        run.answers(),
        run.judgments(current=True),
        score_by=options.score_by,
        consensus=options.consensus,
        min_coverage=options.min_coverage,
        seed=options.seed,
        healthbench=options.healthbench,
    )


def export_run(run: Run, folder: Path, options: ScoringOptions, *, now: datetime) -> ExportSummary:
    """Write a run as a Hugging Face dataset: what holds now, scored by `options`."""
    source = ExportSource(
        name=run.name,
        info=run.dataset_info(),
        examples=run.examples,
        answers=run.answers,
        judgments=lambda: run.judgments(current=True),
        scores=score_run(run, options),
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


def _filed(judgment: Judgment, example: Example, answer_hash: str) -> Judgment:
    """A recorded judgment with the hashes of what it was matched with."""
    return judgment.model_copy(
        update={
            "criterion_hash": example.rubric.criterion_hashes[judgment.criterion_id],
            "answer_hash": answer_hash,
        }
    )


def _recorded_key(judgment: Judgment) -> str:
    """The key of a recorded judgment: what it says is part of it, so that a corrected file is filed again."""
    said = hashlib.sha256(canonical_json(judgment.as_json())).hexdigest()
    return cell_key(judgment.criterion_hash or "", judgment.answer_hash or "", said)
