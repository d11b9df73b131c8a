"""`markscheme check`: every mistake in rubrics, datasets, answers and judgments, and then advice on the rubrics."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from api.cli.exit_code import ExitCode
from api.cli.visible import visible
from rubrics import (
    RUBRIC_SUFFIX,
    Advice,
    Answer,
    AnswerFile,
    DatasetFile,
    Example,
    InputError,
    Mistakes,
    lint_example,
    lint_rubric,
    load_rubric,
    read_lines,
)
from rubrics.formats.healthbench import is_healthbench_row

_SHOWN = 40
_KINDS = {
    "examples": "example",
    "answers": "answer",
    "judgments": "judgment",
    "rubrics": "rubric",
    "criteria": "criterion",
}
"""What is counted, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class PlacedAdvice:
    """A piece of advice at its place in a file."""

    file: str
    line: int | None
    path: str
    advice: Advice

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        return f"{self.file}{line} {self.path}: {self.advice.code}: {self.advice.message}\n    try: {self.advice.fix}"

    def as_json(self) -> dict[str, Any]:
        """The advice as one JSON object."""
        return {"file": self.file, "line": self.line, **self.advice.as_json(), "path": self.path}


class Checked:
    """What was looked at, what is wrong with it, and what could be better."""

    def __init__(self, *, all_advice: bool = False) -> None:
        self.mistakes = Mistakes()
        self.counts: dict[str, int] = {}
        self.advice: list[PlacedAdvice] = []
        self.all_advice = all_advice
        self._looked_at: set[Path] = set()

    def first_look(self, path: Path) -> bool:
        """Whether this file has not been looked at yet, under whatever name; each is checked and counted once."""
        found = Path(os.path.realpath(path))  # unlike resolve(), this bears a link that leads to itself
        if found in self._looked_at:
            return False
        self._looked_at.add(found)
        return True

    def count(self, what: str, number: int = 1) -> None:
        """Note that `number` more of something were read."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + number

    @property
    def summary(self) -> str:
        """`8 rubrics, 8 examples`: what was read, in words."""
        counted = [(one, many, self.counts[many]) for many, one in _KINDS.items() if many in self.counts]
        parts = [f"{number:,} {one if number == 1 else many}" for one, many, number in counted]
        return ", ".join(parts) if parts else "nothing to check"


def run_check(paths: Sequence[Path], *, rubrics: Path | None, as_json: bool, all_advice: bool = False) -> ExitCode:
    """Check all paths and print what is wrong, then the advice; advice never changes the exit code."""
    checked = check_paths(paths, rubrics=rubrics, all_advice=all_advice)
    mistakes = list(dict.fromkeys(checked.mistakes))
    if as_json:
        report = {
            "mistakes": [mistake.as_json() for mistake in mistakes],
            "advice": [advice.as_json() for advice in checked.advice],
            "checked": checked.counts,
        }
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for mistake in mistakes:
            typer.echo(visible(str(mistake)))
        if mistakes:
            files = len({mistake.file for mistake in mistakes})
            typer.echo(
                f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)} in {files} file{'s' * (files > 1)}", err=True
            )
        else:
            typer.echo(f"ok: {checked.summary}, no mistakes")
        _print_advice(checked.advice)
    return ExitCode.WRONG_INPUT if mistakes else ExitCode.DONE


def _print_advice(advice: Sequence[PlacedAdvice]) -> None:
    for one in advice[:_SHOWN]:
        typer.echo(visible(str(one)), err=True)
    if len(advice) > _SHOWN:
        typer.echo(f"… and {len(advice) - _SHOWN:,} more: --json lists all", err=True)
    if advice:
        by_code = Counter(one.advice.code for one in advice)
        codes = ", ".join(f"{code} {number}" for code, number in by_code.most_common())
        code, ids = advice[0].advice.code, advice[0].advice.criterion_ids
        silenced = f'"lint": {{"ignore": ["{":".join([code, *ids[:1]])}"]}}'
        typer.echo(
            f"advice, not mistakes ({codes}); what you mean as it is, silence in the rubric: {silenced}", err=True
        )


def check_paths(paths: Sequence[Path], *, rubrics: Path | None = None, all_advice: bool = False) -> Checked:
    """Look at every path: a rubric, a dataset, a file of answers or judgments, or a folder of them."""
    checked = Checked(all_advice=all_advice)
    for path in paths:
        if path.is_dir():
            _check_folder(path, checked, rubrics)
        elif path.name == "dataset.json" and path.exists():
            _check_folder(path.parent, checked, rubrics)
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
    if not checked.first_look(path):
        return
    try:
        rubric = load_rubric(path)
    except InputError as error:
        checked.mistakes.extend(error.mistakes)
    else:
        checked.count("rubrics")
        checked.count("criteria", len(rubric.leaves))
        _advise(lint_rubric(rubric, all_advice=checked.all_advice), checked, file=str(path))


def _check_dataset(path: Path, checked: Checked, rubrics: Path | None) -> Sequence[Path]:
    """Check a dataset, and in a folder its answers and judgments too; returns the rubric files it covers."""
    dataset = DatasetFile(path, rubrics, all_rubrics=True)
    if not checked.first_look(dataset.examples_path):
        return dataset.rubric_files
    answers = path / "answers.jsonl"
    advice = _DatasetAdvice(dataset, checked)
    if path.is_dir() and answers.exists():
        _check_with_answers(dataset, answers, checked)
        for line, example in dataset.numbered():
            advice.note(example, line)
    else:
        examples = 0
        for line, example in dataset.numbered():
            examples += 1
            if example.rubric_id is None:
                checked.count("criteria", len(example.rubric.leaves))
            advice.note(example, line)
        checked.count("examples", examples)
        checked.mistakes.extend(dataset.mistakes)
    return dataset.rubric_files


def _advise(
    advice: Iterable[Advice], checked: Checked, *, file: str, line: int | None = None, within: str = "$"
) -> None:
    """Note advice at its place; `within` is where the rubric stands in the file, `$.rubrics` HealthBench's items."""
    for one in advice:
        path = within + one.path[1:]
        if within == "$.rubrics":
            path = re.sub(r"^\$\.criteria", within, one.path)
        checked.advice.append(PlacedAdvice(file, line, path, one))


class _DatasetAdvice:
    """Advice on a dataset's rubrics: on those in files, which are counted, once; on those in the rows as they stand."""

    def __init__(self, dataset: DatasetFile, checked: Checked) -> None:
        self._file = str(dataset.examples_path)
        self._checked = checked
        self._within = "$.rubrics" if is_healthbench_row(_first_row(dataset.examples_path)) else "$.rubric"
        self._rubric_files: dict[str, str] = {}
        for path in dataset.rubric_files:
            try:
                rubric = load_rubric(path)
            except InputError:
                continue  # its mistakes are told
            is_meant = self._rubric_files.setdefault(rubric.id, str(path)) == str(path)
            if checked.first_look(path) and is_meant:
                checked.count("rubrics")
                checked.count("criteria", len(rubric.leaves))
                _advise(lint_rubric(rubric, all_advice=checked.all_advice), checked, file=str(path))

    def note(self, example: Example, line: int) -> None:
        """What is to be said about one example's rubric, and about what its prompt gives away."""
        every = self._checked.all_advice
        given_away = lint_example(example, all_advice=every)
        if example.rubric_id is None:
            advice = [*lint_rubric(example.rubric, all_advice=every), *given_away]
            _advise(advice, self._checked, file=self._file, line=line, within=self._within)
        elif example.rubric_id in self._rubric_files:
            _advise(given_away, self._checked, file=self._rubric_files[example.rubric_id])


def _check_with_answers(dataset: DatasetFile, answers_path: Path, checked: Checked) -> None:
    from graders import JudgmentFile, collect

    answers = AnswerFile(answers_path)
    judgments = [JudgmentFile(path) for path in _judgment_files(answers_path.parent)]
    collected = collect(dataset, answers, judgments)
    checked.count("examples", len(collected.scorer.examples))
    if checked.first_look(answers_path):
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
    is_judgments = "criterion_id" in first
    is_answers = not is_judgments and bool({"example_id", "text"} & set(first)) and "prompt" not in first
    if (is_judgments or is_answers) and not checked.first_look(path):
        return
    if is_judgments:
        from graders import JudgmentFile

        judgments = JudgmentFile(path)
        checked.count("judgments", sum(1 for _ in judgments))
        checked.mistakes.extend(judgments.mistakes)
    elif is_answers:
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
