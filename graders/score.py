"""Scores a dataset's answers from judgments: the one function behind the command, the API and the library."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from graders.judgment import Judgment
from graders.scorer import Scorer
from graders.scores import Scores, ScoringOptions
from graders.scoring import Policy
from rubrics import Answer, DatasetFile, Example, Mistake, Mistakes, Model, RowFile

ModelT = TypeVar("ModelT", bound=Model)


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
    collected = collect(dataset, answers, (judgments, *more_judgments))
    collected.mistakes.raise_if_any()
    return collected.scorer.scores(ScoringOptions(score_by, consensus, min_coverage, seed, healthbench))


@dataclass(frozen=True, slots=True)
class Collected:
    """A batch as it was read: what can be scored, and everything that is wrong."""

    scorer: Scorer
    mistakes: Mistakes
    judgments: int
    """How many judgments were read."""


def collect(
    dataset: Iterable[Example], answers: Iterable[Answer], judgments: Iterable[Iterable[Judgment]]
) -> Collected:
    """Read a batch through once and find every mistake in it.

    What points to an example or an answer that has mistakes of its own is no mistake as well.
    """
    scorer = Scorer()
    mistakes = Mistakes()
    for _, example in dataset.lean() if isinstance(dataset, DatasetFile) else enumerate(dataset):
        scorer.add_example(example)
    mistakes.extend(_mistakes_in(dataset))
    no_example, no_answer = _unread(dataset), _unread(answers)
    for line, answer in _rows(answers, scorer.add_plain_answer):
        if answer is not None and (answer.example_id,) not in no_example:
            for path, message in scorer.add_answer(answer):
                mistakes.add(_name(answers, "answers"), message, path, line)
    mistakes.extend(_mistakes_in(answers))
    starts: list[tuple[str, int]] = []
    lines = array("l")
    read = 0
    for source in judgments:
        name = _name(source, "judgments")
        starts.append((name, scorer.kept))
        for line, judgment in _rows(source, scorer.add_plain):
            read += 1
            if judgment is None:
                lines.append(line)
                continue
            if (judgment.example_id,) in no_example or judgment.cell[:3] in no_answer:
                continue
            for path, message in scorer.add_judgment(judgment):
                mistakes.add(name, message, path, line)
            if scorer.kept > len(lines):
                lines.append(line)
        mistakes.extend(_mistakes_in(source))
    mistakes.found[:] = _stale_together(mistakes.found)
    mistakes.extend(_repeated(scorer, starts, lines))
    return Collected(scorer, mistakes, read)


def _stale_together(found: Sequence[Mistake]) -> list[Mistake]:
    """A reworded criterion makes many judgments stale: they are told once a file, with how many there are."""
    alike: dict[tuple[str, str], list[Mistake]] = {}
    for mistake in found:
        if mistake.path == "$.criterion_hash":
            alike.setdefault((mistake.file, mistake.message), []).append(mistake)
    told: list[Mistake] = []
    for mistake in found:
        group = alike.get((mistake.file, mistake.message), [mistake])
        if mistake is group[0]:
            more = f" (and {len(group) - 1} more lines)" if len(group) > 1 else ""
            told.append(replace(mistake, message=mistake.message + more))
    return told


def _repeated(scorer: Scorer, starts: Sequence[tuple[str, int]], lines: Sequence[int]) -> Iterator[Mistake]:
    for first, second in scorer.repeated_cells():
        name = next(name for name, start in reversed(starts) if start <= second)
        other = next(name for name, start in reversed(starts) if start <= first)
        where = f"line {lines[first]}" if other == name else f"{other} line {lines[first]}"
        message = f"a second judgment of one cell, the first is on {where} (another try says so by `repeat`)"
        yield Mistake(name, message, "$", lines[second])


def _rows(
    source: Iterable[ModelT], take_plain: Callable[[dict[str, Any]], bool]
) -> Iterator[tuple[int, ModelT | None]]:
    """Each row with its number; None for one that was taken as it was read."""
    if not isinstance(source, RowFile):
        yield from enumerate(source, start=1)
        return
    for line, value in source.values():
        if type(value) is dict and take_plain(value):
            yield line, None
        elif (row := source.parse(line, value)) is not None:
            yield line, row


def _mistakes_in(items: object) -> Mistakes:
    return items.mistakes if isinstance(items, DatasetFile | RowFile) else Mistakes()


def _unread(items: object) -> Collection[tuple[object, ...]]:
    """The keys of rows with mistakes; it grows as the file is read."""
    return items.unread if isinstance(items, DatasetFile | RowFile) else ()


def _name(items: object, otherwise: str) -> str:
    return str(items.path) if isinstance(items, RowFile) else otherwise
