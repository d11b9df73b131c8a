"""`markscheme demo`: the whole main job on the shipped medical example, told as a story on one screen."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.batch import Batch, BatchRequest, export_run
from api.cli.check import check_paths
from api.cli.exit_code import ExitCode
from api.cli.grade import exit_code
from api.cli.schema import render_schema
from api.cli.tables import Page, coverage_words, interval_words, number
from api.cli.visible import one_line, visible
from api.examples_folder import examples_folder
from api.store import Store, sqlite_url
from graders import Judgment, JudgmentFile, Scores, ScoringOptions
from rubrics import RUBRIC_SUFFIX, Dataset, InputError, Mistake, load_dataset

PANEL = "reading-1+reading-2"
READINGS = ("first", "second")
WIDTH = 100
_MARK = ".markscheme-demo"
_EXAMPLE = "medicine"
_SCHEMA_IN_CHECKOUT = "../../../rubrics/schemas/rubric.schema.json"


def run_demo(folder: Path) -> ExitCode:
    """Copy the example, check it, grade it, score it, export it, and say what to do next."""
    console = Page(markup=True, width=min(WIDTH, shutil.get_terminal_size((WIDTH, 40)).columns))
    example = _copy_example(folder)
    mistakes = check_paths([example]).mistakes
    if mistakes:
        mistakes.add(str(folder), f"to start the demo afresh: rm -r {folder}")
    mistakes.raise_if_any()
    dataset = load_dataset(example)
    console.print("[bold]Markscheme demo[/]: from rubrics to graded answers, scores and a Hugging Face dataset")
    console.print("(questions, rubrics, answers and readings were written by a language model, to show the tool)\n")
    _tell_what_was_asked(console, dataset)
    with Store(sqlite_url(folder / "markscheme.db")) as store, store.lock():
        request = BatchRequest(
            dataset=example,
            answers=example / "answers.jsonl",
            specs=[f"recorded:{example / 'readings' / f'{name}.jsonl'}" for name in READINGS],
            run="demo",
        )
        batch = Batch(store, request)
        batch.import_recorded()
        engine = batch.engine()
        progress = asyncio.run(engine.run(batch.run.questions()))
        options = ScoringOptions(score_by=PANEL)
        scores = batch.scores(options)
        written = export_run(batch.run, folder / "huggingface", options, now=datetime.now(UTC))
    _tell_scores(console, scores)
    _tell_differences(console, example, dataset)
    console.print(f"[bold]4 Dataset[/]  {escape(visible(str(folder / 'huggingface')))} ({_row_words(written.rows)})")
    _tell_next_steps(console, folder)
    return exit_code(progress, scores)


def _copy_example(folder: Path) -> Path:
    """The example, copied so that it can be edited; a copy that is there already is left as it is."""
    target = folder / _EXAMPLE
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(Mistake(str(folder), "this is a file, expected a new folder or that of an earlier demo"))
        if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists():
            raise InputError(Mistake(str(folder), "something else is in here, expected a new folder for the demo"))
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _MARK).touch()
            shutil.copytree(examples_folder() / _EXAMPLE, target)
            _point_editors_to_the_schema(folder, target)
    except OSError as error:
        raise InputError(Mistake(str(folder), f"cannot be made: {error.strerror or error}")) from None
    return target


def _point_editors_to_the_schema(folder: Path, example: Path) -> None:
    """Give the copied rubrics a schema that stands beside them, so that an editor completes."""
    schema = folder / "rubric.schema.json"
    schema.write_text(render_schema("rubric") + "\n", encoding="utf-8")
    for path in sorted((example / "rubrics").glob("*" + RUBRIC_SUFFIX)):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f'"{_SCHEMA_IN_CHECKOUT}"', f'"../../{schema.name}"', 1), encoding="utf-8")


def _tell_what_was_asked(console: Console, dataset: Dataset) -> None:
    criteria = sum(len(example.rubric.leaves) for example in dataset)
    console.print(
        f"[bold]1 Asked[/]    {len(dataset)} questions with {criteria} criteria; rubrics, answers and readings "
        "checked: no mistakes"
    )
    for example in dataset:
        first = example.conversation[-1].content.split("\n")[0]
        console.print(_cut(f"  {one_line(example.id):<26} {one_line(first)}", console.width), markup=False)
    console.print()


def _tell_scores(console: Console, scores: Scores) -> None:
    rules = sum(len(example.checks) for example in scores.examples) * len(scores.models)
    console.print(
        f"[bold]2 Scores[/]   points earned of points to earn, by two readings as a panel and {rules} verdicts by rules"
    )
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("  answerer", "score", "95 % interval", "coverage", "reading-1", "reading-2"):
        table.add_column(heading, justify="left" if "answerer" in heading else "right")
    remarks = []
    for model in scores.models:
        panel = scores.row(model=model)
        alone = [scores.row(model=model, grader=f"reading-{place}") for place in (1, 2)]
        table.add_row(
            Text(f"  {one_line(model)}"),
            number(panel.mean),
            interval_words(panel),
            coverage_words(panel),
            *(number(row.mean) for row in alone),
        )
        if panel.mean != panel.mean_unclipped:
            remarks.append(f"  {one_line(model)}: {number(panel.mean_unclipped)} before the mean is clipped to 0–1")
    console.print(table)
    for remark in remarks:
        console.print(remark, markup=False)
    console.print()


@dataclass(frozen=True, slots=True)
class Difference:
    """A criterion that the two readings judged differently."""

    place: str
    points: float
    criterion: str
    verdicts: tuple[str, ...]


def differences(example: Path, dataset: Dataset) -> Iterator[Difference | None]:
    """For each cell of the readings what differs, or None where they agree."""
    rubrics = {example.id: example.rubric for example in dataset}
    verdicts: dict[tuple[str, str, str], list[str]] = {}
    for name in READINGS:
        for judgment in JudgmentFile(example / "readings" / f"{name}.jsonl"):
            cell = (judgment.example_id, judgment.model, judgment.criterion_id)
            verdicts.setdefault(cell, []).append(_said(judgment))
    for (example_id, model, criterion_id), said in verdicts.items():
        if len(set(said)) == 1:
            yield None
            continue
        criterion = rubrics[example_id].leaf_by_id[criterion_id].criterion
        yield Difference(f"{model} on {example_id}", criterion.points, criterion.criterion, tuple(said))


def _said(judgment: Judgment) -> str:
    if judgment.status != "judged":
        return judgment.status.replace("_", " ")
    if judgment.met is not None:
        return "met" if judgment.met else "not met"
    return judgment.option if judgment.option is not None else f"{judgment.value:g}"


def _tell_differences(console: Console, example: Path, dataset: Dataset) -> None:
    found = list(differences(example, dataset))
    differing = [difference for difference in found if difference is not None]
    console.print(f"[bold]3 Readings[/] differ on {len(differing)} of {len(found)} criteria; a tie lowers the score")
    for difference in differing[:4]:
        words = f"{difference.place}: {' / '.join(difference.verdicts)} ({difference.points:+g}) {difference.criterion}"
        console.print(_cut(f"  {one_line(words)}", console.width), markup=False)
    console.print()


def _tell_next_steps(console: Console, folder: Path) -> None:
    console.print("\n[bold]Next[/]")
    on_path = shutil.which("markscheme")
    here = Path(sys.argv[0])
    activate = here.parent / "activate"
    if activate.exists() and (on_path is None or Path(on_path).resolve() != here.resolve()):
        console.print(f"  . {activate}", markup=False, soft_wrap=True)
    for line in (
        f"  cd {visible(shlex.quote(str(folder)))}",
        "  huggingface/README.md          the dataset's card; datasets.load_dataset opens the folder",
        "  medicine/rubrics/              change points, gates or tags, then check and score again;",
        "                                 a reworded criterion has to be judged again",
        "  markscheme check medicine",
        "  markscheme score medicine medicine/answers.jsonl medicine/readings/*.jsonl --by model,grader",
        "  markscheme grade medicine medicine/answers.jsonl --grader model:NAME@http://HOST:PORT/v1",
    ):
        console.print(line, markup=False, soft_wrap=True)


def _row_words(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in rows.items())


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 1)].rstrip() + "…"
