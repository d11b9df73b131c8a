"""`markscheme check`: every mistake in rubrics, datasets, answers and judgments, in one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from api.cli.exit_code import ExitCode
from rubrics import RUBRIC_SUFFIX, Answer, AnswerFile, DatasetFile, InputError, Mistakes, load_rubric, read_lines


class Checked:
    """What was looked at, and what is wrong with it."""

    def __init__(self) -> None:
        self.mistakes = Mistakes()
        self.counts: dict[str, int] = {}

    def count(self, what: str, number: int = 1) -> None:
        """Note that `number` more of something were read."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + number

    @property
    def summary(self) -> str:
        """`8 rubrics, 8 examples`: what was read, in words."""
        parts = [
            f"{number:,} {what[:-1] if number == 1 and what != 'criteria' else what}"
            for what, number in self.counts.items()
        ]
        return ", ".join(parts) if parts else "nothing to check"


def run_check(paths: Sequence[Path], *, rubrics: Path | None, as_json: bool) -> ExitCode:
    """Check all paths and print what is wrong."""
    checked = check_paths(paths, rubrics=rubrics)
    mistakes = list(checked.mistakes)
    if as_json:
        report = {"mistakes": [mistake.as_json() for mistake in mistakes], "advice": [], "checked": checked.counts}
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for mistake in mistakes:
            typer.echo(str(mistake))
        if mistakes:
            files = len({mistake.file for mistake in mistakes})
            typer.echo(
                f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)} in {files} file{'s' * (files > 1)}", err=True
            )
        else:
            typer.echo(f"ok: {checked.summary}, no mistakes")
    return ExitCode.WRONG_INPUT if mistakes else ExitCode.DONE


def check_paths(paths: Sequence[Path], *, rubrics: Path | None = None) -> Checked:
    """Look at every path: a rubric, a dataset, a file of answers or judgments, or a folder of them."""
    checked = Checked()
    for path in paths:
        if path.is_dir():
            _check_folder(path, checked, rubrics)
        elif path.suffix == ".jsonl":
            _check_lines(path, checked, rubrics)
        else:
            _check_rubric(path, checked)
    return checked


def _check_folder(folder: Path, checked: Checked, rubrics: Path | None) -> None:
    datasets = sorted({found.parent for found in folder.rglob("examples.jsonl")})
    seen: set[Path] = set()
    for place in datasets:
        seen.update(_check_dataset(place, checked, rubrics))
    others = [path for path in sorted(folder.rglob("*" + RUBRIC_SUFFIX)) if path not in seen]
    for path in others:
        _check_rubric(path, checked)
    if not datasets and not others:
        checked.mistakes.add(str(folder), f"expected rubrics (*{RUBRIC_SUFFIX}) or a dataset (examples.jsonl) in here")


def _check_rubric(path: Path, checked: Checked) -> None:
    try:
        rubric = load_rubric(path)
    except InputError as error:
        checked.mistakes.extend(error.mistakes)
    else:
        checked.count("rubrics")
        checked.count("criteria", len(rubric.leaves))


def _check_dataset(path: Path, checked: Checked, rubrics: Path | None) -> Sequence[Path]:
    """Check a dataset, and in a folder its answers and judgments too; returns the rubric files it covers."""
    dataset = DatasetFile(path, rubrics)
    answers = path / "answers.jsonl"
    if path.is_dir() and answers.exists():
        _check_with_answers(dataset, answers, checked)
    else:
        examples = 0
        for example in dataset:
            examples += 1
            if example.rubric_id is None:
                checked.count("criteria", len(example.rubric.leaves))
        checked.count("examples", examples)
        checked.mistakes.extend(dataset.mistakes)
    for rubric in dataset.rubrics.values():
        if rubric is not None:
            checked.count("rubrics")
            checked.count("criteria", len(rubric.leaves))
    return dataset.rubric_files


def _check_with_answers(dataset: DatasetFile, answers_path: Path, checked: Checked) -> None:
    from graders import JudgmentFile, collect

    answers = AnswerFile(answers_path)
    judgments = [JudgmentFile(path) for path in _judgment_files(answers_path.parent)]
    collected = collect(dataset, answers, judgments)
    checked.count("examples", len(collected.scorer.examples))
    checked.count("answers", len(collected.scorer.answers))
    checked.count("judgments", collected.judgments)
    checked.mistakes.extend(collected.mistakes)


def _judgment_files(folder: Path) -> Iterator[Path]:
    for path in sorted([*folder.glob("*.jsonl"), *folder.glob("*/*.jsonl")]):
        if path.name not in ("examples.jsonl", "answers.jsonl") and "criterion_id" in _first_row(path):
            yield path


def _first_row(path: Path) -> dict[str, Any]:
    for _, value in read_lines(path, Mistakes()):
        return value if isinstance(value, dict) else {}
    return {}


def _check_lines(path: Path, checked: Checked, rubrics: Path | None) -> None:
    """A file of examples, or, by what its first row holds, of answers or of judgments."""
    first = _first_row(path)
    if "criterion_id" in first:
        from graders import JudgmentFile

        judgments = JudgmentFile(path)
        checked.count("judgments", sum(1 for _ in judgments))
        checked.mistakes.extend(judgments.mistakes)
    elif {"example_id", "text"} & set(first) and "prompt" not in first:
        answers = AnswerFile(path)
        seen: dict[tuple[str, str, int], int] = {}
        for line, answer in answers.numbered():
            checked.count("answers")
            _check_repeated(answer, line, seen, answers, path)
        checked.mistakes.extend(answers.mistakes)
    else:
        _check_dataset(path, checked, rubrics)


def _check_repeated(
    answer: Answer, line: int, seen: dict[tuple[str, str, int], int], answers: AnswerFile, path: Path
) -> None:
    first = seen.setdefault(answer.key, line)
    if first != line:
        answers.mistakes.add(
            str(path), f"a second answer of {answer.model!r} to {answer.example_id!r}, line {first} has one", "$", line
        )
