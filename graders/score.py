"""Scores a dataset's answers from judgments: the one function behind the command, the API and the library."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TypeVar

from graders.judgment import Judgment
from graders.load import JudgmentFile
from graders.scorer import Scorer
from graders.scores import Scores, ScoringOptions
from graders.scoring import Policy
from rubrics import Answer, AnswerFile, DatasetFile, Example, Mistakes

ItemT = TypeVar("ItemT")


def score(
    dataset: Iterable[Example],
    answers: Iterable[Answer],
    judgments: Iterable[Judgment],
    *more_judgments: Iterable[Judgment],
    score_by: str | None = None,
    consensus: Policy | None = None,
    min_coverage: float = 0.98,
    seed: int = 0,
    healthbench: bool = False,
) -> Scores:
    """Score answers by their judgments; criteria with a `check` are judged on the way.

    Everything may be given as lists or as files opened with `DatasetFile`, `AnswerFile` and `JudgmentFile`, which
    are read once and not held in memory. Raises InputError with every mistake: in the files, and where a judgment
    fits no answer, no criterion or no scale, is stale, or judges a cell twice.
    """
    options = ScoringOptions(score_by, consensus, min_coverage, seed, healthbench)
    scorer = Scorer()
    mistakes = Mistakes()
    for _, example in _numbered(dataset):
        scorer.add_example(example)
    mistakes.extend(_mistakes_in(dataset))
    for line, answer in _numbered(answers):
        for path, message in scorer.add_answer(answer):
            mistakes.add(_name(answers, "answers"), message, path, line)
    mistakes.extend(_mistakes_in(answers))
    kept: list[tuple[str, int]] = []
    lines = array("l")
    for source in (judgments, *more_judgments):
        name = _name(source, "judgments")
        kept.append((name, scorer.kept))
        for line, judgment in _numbered(source):
            before = scorer.kept
            for path, message in scorer.add_judgment(judgment):
                mistakes.add(name, message, path, line)
            if scorer.kept > before:
                lines.append(line)
        mistakes.extend(_mistakes_in(source))
    for first, second in scorer.repeated_cells():
        name = next(name for name, start in reversed(kept) if start <= second)
        other = next(name for name, start in reversed(kept) if start <= first)
        where = f"line {lines[first]}" if other == name else f"{other} line {lines[first]}"
        mistakes.add(
            name, f"a second judgment of the same cell, the first is {where}; give `repeat` if meant", "$", lines[second]
        )
    mistakes.raise_if_any()
    return scorer.scores(options)


def _numbered(items: Iterable[ItemT]) -> Iterator[tuple[int, ItemT]]:
    if isinstance(items, DatasetFile | AnswerFile | JudgmentFile):
        return items.numbered()  # type: ignore[return-value]
    return enumerate(items, start=1)


def _mistakes_in(items: object) -> Mistakes:
    return items.mistakes if isinstance(items, DatasetFile | AnswerFile | JudgmentFile) else Mistakes()


def _name(items: object, otherwise: str) -> str:
    return str(items.path) if isinstance(items, AnswerFile | JudgmentFile) else otherwise
