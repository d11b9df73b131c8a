"""Grades a batch in memory: the library's way in; the command does the same over a store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from graders.engine import Engine
from graders.grader import Grader
from graders.human import HUMAN, HumanGrader
from graders.judgment import Judgment
from graders.ledger import MemoryLedger
from graders.load import JudgmentFile
from graders.question import LoadedQuestion, Question
from graders.registry import open_graders
from rubrics import Answer, Example, InputError, Mistake


def grade(
    dataset: Iterable[Example],
    answers: Iterable[Answer],
    graders: str | Grader | Sequence[str | Grader],
    *,
    repeats: int = 1,
    concurrency: int = 16,
) -> tuple[Judgment, ...]:
    """Judge every answer by its rubric, with one or several graders, and return the judgments.

    A grader is a SPEC (`rules`, `recorded:PATH`, `model:NAME@BASE_URL`, `file.py:Class`, …) or an object with `name`,
    `version` and `async judge(task)`. Criteria with a `check` are always judged by rules. A grader that fails leaves
    `failed` judgments; nothing is raised for it.
    """
    return asyncio.run(grade_async(dataset, answers, graders, repeats=repeats, concurrency=concurrency))


async def grade_async(
    dataset: Iterable[Example],
    answers: Iterable[Answer],
    graders: str | Grader | Sequence[str | Grader],
    *,
    repeats: int = 1,
    concurrency: int = 16,
) -> tuple[Judgment, ...]:
    """The same as `grade`, inside a running event loop."""
    given = [graders] if isinstance(graders, str) or not isinstance(graders, Sequence) else graders
    asked, recorded = open_graders(given)
    if any(isinstance(grader, HumanGrader) for grader in asked):
        raise InputError(
            Mistake("graders", f"got {HUMAN!r}: people read in a terminal, `markscheme grade --grader human`")
        )
    ledger = MemoryLedger()
    engine = Engine(asked, ledger, repeats=repeats, concurrency=concurrency)
    await engine.run(_questions(dataset, answers))
    imported: list[Judgment] = []
    for source in recorded:
        file = JudgmentFile(source.path)
        imported.extend(file)
        file.mistakes.raise_if_any()
    return (*imported, *ledger.judgments())


def _questions(dataset: Iterable[Example], answers: Iterable[Answer]) -> Iterator[Question]:
    examples = {example.id: example for example in dataset}
    by_example: dict[str, list[Answer]] = {}
    for number, answer in enumerate(answers, start=1):
        if answer.example_id not in examples:
            message = f"got {answer.example_id!r}, expected the id of an example"
            raise InputError(Mistake("answers", message, "$.example_id", number))
        by_example.setdefault(answer.example_id, []).append(answer)
    for example_id, given in by_example.items():
        yield LoadedQuestion(examples[example_id], given)
