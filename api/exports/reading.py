"""Reads an export back: the dataset, the answers and the judgments it was made from, one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from api.exports.given import Given, parse_given
from api.exports.judgment_columns import JUDGMENT_DEFAULTS
from api.exports.manifest import load_manifest
from api.exports.rows import ANSWER_OPTIONAL, EXAMPLE_OPTIONAL
from api.exports.schema import TABLES, Config, file_of
from graders import Judgment, ScoringOptions
from rubrics import (
    Answer,
    DatasetInfo,
    Example,
    InputError,
    JsonSyntaxError,
    Mistake,
    Mistakes,
    Model,
    Rubric,
    parse_json,
    parse_row,
    show,
)

ModelT = TypeVar("ModelT", bound=Model)

_BATCH = 2_000
_WAY_OUT = "export the run again"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """An export that was opened; everything in it is read anew at each iteration, a batch in memory at a time."""

    folder: Path
    run: str
    """The run's name."""
    created_at: str
    """When the export was made."""
    info: DatasetInfo
    """What holds for the whole dataset."""
    graders: Sequence[Mapping[str, Any]]
    """The graders' cards, without arguments."""
    options: ScoringOptions
    """How the scores were computed: with these they come out the same, to the last bit."""

    def examples(self) -> Iterator[Example]:
        """The examples in their order, equal to those that were exported."""
        rubrics = _Rubrics(self.folder)
        wanted = [name for name in TABLES["examples"].kinds if name != "conversation"]
        for row in _rows(self.folder, "examples", wanted):
            given = row.given
            fields: dict[str, Any] = {
                "id": row.values["id"],
                "prompt": row.json("prompt"),
                "rubric": rubrics.at(row),
                **{name: row.values[name] for name in EXAMPLE_OPTIONAL & given.names if name != "metadata"},
                **given.exact,
            }
            if "metadata" in given.names:
                fields["metadata"] = row.json("metadata")
            yield row.parsed(Example, fields)

    def answers(self) -> Iterator[Answer]:
        """The answers in their order; one with the scores of several groups is given once."""
        last: tuple[Any, ...] = ()
        wanted = ("example_id", "model", "sample", "answer", "answer_metadata", "given")
        for row in _rows(self.folder, "scores", wanted):
            values = row.values
            key = (values["example_id"], values["model"], values["sample"])
            if key == last:
                continue
            last = key
            fields = {"example_id": values["example_id"], "model": values["model"], "text": values["answer"]}
            given = row.given.names & ANSWER_OPTIONAL
            if "sample" in given or values["sample"] != 0:
                fields["sample"] = values["sample"]
            if "metadata" in given:
                fields["metadata"] = row.json("answer_metadata")
            yield row.parsed(Answer, fields)

    def judgments(self) -> Iterator[Judgment]:
        """The judgments in their order, equal to those that were exported."""
        for row in _rows(self.folder, "judgments"):
            given = row.given
            left_out = JUDGMENT_DEFAULTS.keys() - given.names
            fields = {name: value for name, value in row.values.items() if value is not None and name not in left_out}
            del fields["given"]
            fields.update(given.exact)
            if "metadata" in fields:
                fields["metadata"] = row.json("metadata")
            if (kind := fields.pop("failure_kind", None)) is not None:
                fields["failure"] = {"kind": kind, "message": fields.pop("failure_message", None)}
            yield row.parsed(Judgment, fields)


def read_folder(folder: Path) -> ReadBack:
    """Open an export; InputError where the folder is none, or one of its tables is missing or has changed."""
    manifest = load_manifest(folder)
    mistakes = Mistakes()
    for config in TABLES:
        path = folder / file_of(config)
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            mistakes.add(str(path), f"cannot be read ({error.strerror}): {_WAY_OUT}")
            continue
        if digest != getattr(manifest.tables, config).sha256:
            mistakes.add(str(path), f"this is not the file that was exported, it is damaged or changed: {_WAY_OUT}")
    mistakes.raise_if_any()
    return ReadBack(
        folder, manifest.run, manifest.created_at, manifest.dataset, manifest.graders, manifest.scoring.options
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table, with its place for messages."""

    file: str
    line: int
    """Counted from 1."""
    values: dict[str, Any]

    @property
    def given(self) -> Given:
        try:
            return parse_given(self.values["given"])
        except (ValueError, TypeError, AttributeError):
            raise self.mistake("given", "expected names of fields, such as `sample value=5`") from None

    def json(self, column: str) -> Any:
        """The value of a column of JSON text."""
        try:
            value, faults = parse_json(self.values[column])
        except (JsonSyntaxError, TypeError) as error:
            raise self.mistake(column, f"not JSON: {error}") from None
        if faults:
            raise self.mistake(column, faults[0].message)
        return value

    def parsed(self, model: type[ModelT], fields: Any) -> ModelT:
        """The row as a model."""
        mistakes = Mistakes()
        parsed = parse_row(model, fields, mistakes, file=self.file, line=self.line)
        mistakes.raise_if_any()
        assert parsed is not None
        return parsed

    def mistake(self, column: str, message: str) -> InputError:
        """What is wrong with the row, to be raised."""
        return InputError(Mistake(self.file, message, f"$.{column}", self.line))


class _Rubrics:
    """The rubrics of a folder in the order of their examples; one is let go after the last that needs it."""

    def __init__(self, folder: Path) -> None:
        self._rows = _rows(folder, "rubrics", ("rubric",))
        self._read = 0
        self._kept: dict[int, Rubric] = {}
        self._last_use: dict[int, int] = {}
        for row in _rows(folder, "examples", ("rubric_row",)):
            self._last_use[row.values["rubric_row"]] = row.line

    def at(self, example: _Row) -> Rubric:
        """The rubric of an example."""
        number = example.values["rubric_row"]
        while number not in self._kept and (row := next(self._rows, None)) is not None:
            if self._read in self._last_use:
                self._kept[self._read] = row.parsed(Rubric, row.json("rubric"))
            self._read += 1
        if number not in self._kept:
            raise example.mistake("rubric_row", f"got {show(number)}, expected a row of {file_of('rubrics')}")
        if self._last_use[number] == example.line:
            return self._kept.pop(number)
        return self._kept[number]


@contextmanager
def _opened(folder: Path, config: Config) -> Iterator[Any]:
    """A table's Parquet file, whose every trouble is an InputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / file_of(config)
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in TABLES[config].kinds if name not in file.schema_arrow.names]
            if missing:
                raise InputError(Mistake(str(path), f"the column {missing[0]!r} is missing: {_WAY_OUT}"))
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(Mistake(str(path), f"cannot be read ({reason}): {_WAY_OUT}")) from None


def _rows(folder: Path, config: Config, columns: Sequence[str] | None = None) -> Iterator[_Row]:
    names = list(columns or TABLES[config].kinds)
    path = str(folder / file_of(config))
    line = 0
    with _opened(folder, config) as file:
        for group in range(file.num_row_groups):  # a batch over several groups would hold their long texts together
            for batch in file.iter_batches(_BATCH, row_groups=[group], columns=names):
                for values in zip(*(_values(batch.column(name)) for name in names), strict=True):
                    line += 1
                    yield _Row(path, line, dict(zip(names, values, strict=True)))


def _values(column: Any) -> Sequence[Any]:
    """A column as Python values; empty ones, of which judgments have many, at no cost."""
    return (None,) * len(column) if column.null_count == len(column) else column.to_pylist()
