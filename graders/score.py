"""Scores a dataset's answers from judgments: the one function behind the command, the API and the library."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from graders.judgment import Judgment
from graders.load import JudgmentFile
from graders.scorer import Scorer
from graders.scores import Scores, ScoringOptions
from graders.scoring import Policy
from rubrics import Answer, AnswerFile, DatasetFile, Example, Mistake, Mistakes, RowFile

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
    for _, example in _numbered(dataset):
        scorer.add_example(example)
    mistakes.extend(_mistakes_in(dataset))
    no_example, no_answer = _unread(dataset), _unread(answers)
    for line, answer in _numbered(answers):
        if (answer.example_id,) in no_example:
            continue
        for path, message in scorer.add_answer(answer):
            mistakes.add(_name(answers, "answers"), message, path, line)
    mistakes.extend(_mistakes_in(answers))
    starts: list[tuple[str, int]] = []
    lines = array("l")
    read = 0
    for source in judgments:
        name = _name(source, "judgments")
        starts.append((name, scorer.kept))
        for line, judgment in _judgments(source, scorer):
            read += 1
            if judgment is not None and (judgment.example_id,) not in no_example and judgment.cell[:3] not in no_answer:
                for path, message in scorer.add_judgment(judgment):
                    mistakes.add(name, message, path, line)
            lines.extend([line] * (scorer.kept - len(lines)))
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


def _judgments(source: Iterable[Judgment], scorer: Scorer) -> Iterator[tuple[int, Judgment | None]]:
    """Each judgment with its number; None for a row that the scorer has taken as it was read."""
    if not isinstance(source, JudgmentFile):
        yield from enumerate(source, start=1)
        return
    for line, value in source.values():
        if type(value) is dict and scorer.add_plain(value):
            yield line, None
        elif (judgment := source.parse(line, value)) is not None:
            yield line, judgment


def _numbered(items: Iterable[ItemT]) -> Iterator[tuple[int, ItemT]]:
    if isinstance(items, DatasetFile | AnswerFile | JudgmentFile):
        return items.numbered()
    return enumerate(items, start=1)


def _mistakes_in(items: object) -> Mistakes:
    return items.mistakes if isinstance(items, DatasetFile | AnswerFile | JudgmentFile) else Mistakes()


def _unread(items: object) -> Collection[tuple[object, ...]]:
    """The keys of rows with mistakes; it grows as the file is read."""
    return items.unread if isinstance(items, DatasetFile | RowFile) else ()


def _name(items: object, otherwise: str) -> str:
    return str(items.path) if isinstance(items, AnswerFile | JudgmentFile) else otherwise
