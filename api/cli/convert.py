"""`markscheme convert`: datasets between formats, without loss or with a plain refusal."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from rubrics import DatasetFile, Example, InputError, Mistake, Mistakes, parse_row
from rubrics.formats.converted import Converted
from rubrics.formats.healthbench import healthbench_obstacles, healthbench_row
from rubrics.formats.kqa import load_kqa
from rubrics.formats.paperbench import load_paperbench

_WITH_ANSWERS: dict[str, Callable[[Path], Converted]] = {"kqa": load_kqa, "paperbench": load_paperbench}


def run_convert(source: Path, target: Path, *, source_format: str, target_format: str, rubrics: Path | None) -> None:
    """Convert `source` into `target` and say on standard error what was written."""
    if source_format == "hf":
        _convert_export(source, target, target_format)
    elif source_format in _WITH_ANSWERS:
        _convert_with_answers(_WITH_ANSWERS[source_format](source), target, target_format)
    else:
        _convert_dataset(source, target, target_format, rubrics, healthbench=source_format == "healthbench")


def _convert_dataset(
    source: Path, target: Path, target_format: str, rubrics: Path | None, *, healthbench: bool
) -> None:
    dataset = DatasetFile(source, rubrics, healthbench=healthbench)
    obstacles = Mistakes()
    for line, example in dataset.numbered():
        if target_format == "healthbench":
            obstacles.extend(healthbench_obstacles(example, file=str(dataset.examples_path), line=line))
    dataset.mistakes.raise_if_any()
    obstacles.raise_if_any()
    row = healthbench_row if target_format == "healthbench" else embedded_row
    _write_rows(target, (row(example) for example in dataset))


def _convert_with_answers(converted: Converted, target: Path, target_format: str) -> None:
    from graders import Judgment

    _native_only(target_format)
    mistakes = Mistakes()
    for number, row in enumerate(converted.judgments, start=1):
        parse_row(Judgment, row, mistakes, file="judgments", line=number)
    mistakes.raise_if_any()
    folder = _new_folder(target)
    _write_rows(folder / "examples.jsonl", (embedded_row(example) for example in converted.examples))
    _write_rows(folder / "answers.jsonl", (answer.as_json() for answer in converted.answers))
    _write_rows(folder / "judgments.jsonl", converted.judgments)
    for note in converted.notes:
        typer.echo(f"note: {note}", err=True)


def _convert_export(source: Path, target: Path, target_format: str) -> None:
    from api.exports import read_folder

    _native_only(target_format)
    found = read_folder(source)
    folder = _new_folder(target)
    info = json.dumps(found.info.as_json(), ensure_ascii=False, indent=2) + "\n"
    with _told(folder / "dataset.json", "cannot be written"):
        (folder / "dataset.json").write_text(info, encoding="utf-8")
    _write_rows(folder / "examples.jsonl", (embedded_row(example) for example in found.examples()))
    _write_rows(folder / "answers.jsonl", (answer.as_json() for answer in found.answers()))
    _write_rows(folder / "judgments.jsonl", (judgment.as_json() for judgment in found.judgments()))


def _native_only(target_format: str) -> None:
    if target_format != "native":
        raise InputError(Mistake("--to", "expected 'native': this source holds answers and judgments too"))


def embedded_row(example: Example) -> dict[str, Any]:
    """An example as a row that needs no other file: its rubric stands in it."""
    row = example.as_json()
    first = {"id": row.pop("id"), "prompt": row.pop("prompt"), "rubric": example.rubric.as_json()}
    return first | {name: value for name, value in row.items() if name not in ("rubric", "rubric_id")}


_FILE_MODE = 0o666


def _umask() -> int:
    """What the user lets others not do with new files; asking is only possible by setting."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _told(target: Path, what: str) -> Iterator[None]:
    """A failing disk or a path that cannot be is a mistake with its place."""
    try:
        yield
    except OSError as error:
        raise InputError(Mistake(str(target), f"{what}: {error.strerror or error}")) from None


def _new_folder(target: Path) -> Path:
    with _told(target, "cannot be made"):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise InputError(Mistake(str(target), "something is here already, expected a new or an empty folder"))
        target.mkdir(parents=True, exist_ok=True)
    return target


def _write_whole(target: Path, lines: Iterable[str]) -> None:
    """The whole file or none of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(lines)
        Path(name).chmod(_FILE_MODE & ~_umask())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_rows(target: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write JSON Lines beside the target and move them into place, so that a cut run leaves no half file.

    A link is followed, and what is no file (a pipe, a terminal) is written to as it stands, never replaced.
    """
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for row in rows:
            count += 1
            yield json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"

    with _told(target, "cannot be written"):
        if target.is_dir():
            raise InputError(Mistake(str(target), "this is a folder, expected a file to write (.jsonl)"))
        if target.exists() and not target.is_file():
            with target.open("w", encoding="utf-8", newline="\n") as stream:
                stream.writelines(lines())
        else:
            _write_whole(Path(os.path.realpath(target)), lines())
    typer.echo(f"wrote {count:,} rows to {target}", err=True)
