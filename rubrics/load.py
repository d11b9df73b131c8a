"""Reads rubrics, datasets and answers from files; every mistake is found in one pass and placed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from rubrics.answer import Answer
from rubrics.dataset import AgreementRules, Dataset, DatasetInfo
from rubrics.errors import InputError, Mistake, Mistakes
from rubrics.example import Example
from rubrics.formats.healthbench import is_healthbench_row, parse_healthbench_row
from rubrics.json_text import JsonSyntaxError, parse_json, parse_plain_line
from rubrics.model import Model
from rubrics.plain_example import PlainExample, PlainReader
from rubrics.rubric import Rubric
from rubrics.shared_rubrics import SharedRubrics
from rubrics.validation import mistakes_of

ModelT = TypeVar("ModelT", bound=Model)

RUBRIC_SUFFIX = ".rubric.json"

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; InputError names what is in the way."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(Mistake(str(path), "no such file")) from None
    except IsADirectoryError:
        raise InputError(Mistake(str(path), "this is a folder, expected a file")) from None
    except OSError as error:
        raise InputError(Mistake(str(path), f"cannot be read: {error.strerror}")) from None


def decode_text(raw: bytes, *, file: str, line: int | None = None) -> str:
    """UTF-8 text, a byte order mark taken off; InputError has the place of the first wrong byte."""
    if raw[:2] in _UTF_16:
        name = "UTF-32" if raw[:4] == b"\xff\xfe\x00\x00" else "UTF-16"
        raise InputError(Mistake(file, f"this is {name}, expected UTF-8: save the file as UTF-8", line=line))
    if (position := raw.find(b"\x00")) < 0:
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            position = error.start
    # NUL is UTF-8, but not text: UTF-16 without a byte order mark is full of it.
    before = raw[:position]
    row = (line or 1) + before.count(b"\n")
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    message = f"got the byte 0x{raw[position]:02x}, expected text in UTF-8: save the file as UTF-8"
    raise InputError(Mistake(file, message, line=row, column=column))


def read_json(path: Path) -> tuple[Any, list[Mistake]]:
    """One strict JSON value of a file and the faults in it; InputError where it is no JSON at all."""
    file = str(path)
    text = decode_text(read_bytes(path), file=file)
    if not text.strip():
        raise InputError(Mistake(file, "the file is empty, expected one JSON object"))
    try:
        value, faults = parse_json(text)
    except JsonSyntaxError as error:
        raise InputError(Mistake(file, f"not JSON: {error}", line=error.line, column=error.column)) from None
    return value, [Mistake(file, fault.message, fault.path) for fault in faults]


def read_lines(path: Path, mistakes: Mistakes) -> Iterator[tuple[int, Any]]:
    """Each line of a JSON Lines file with its number; what is wrong goes to `mistakes`, and the reading goes on.

    Blank lines, CRLF and a byte order mark are fine. A line with faults is reported and still given out.
    """
    file = str(path)
    empty = True
    try:
        with path.open("rb") as handle:
            for number, raw in enumerate(handle, start=1):
                if (plain := parse_plain_line(raw)) is not None:
                    empty = False
                    yield number, plain
                    continue
                if not raw.strip():
                    continue
                if empty and raw.strip(b"\xef\xbb\xbf \t\r\n") in (b"{", b"["):
                    message = "one JSON value over several lines, expected JSON Lines: one whole object a line"
                    mistakes.add(file, message, line=number)
                    return
                first, empty = empty, False
                try:
                    text = decode_text(raw.rstrip(b"\r\n"), file=file, line=number)
                    value, faults = parse_json(text)
                except InputError as error:
                    mistakes.extend(error.mistakes)
                    if first and raw[:2] in _UTF_16:
                        return
                    continue
                except JsonSyntaxError as error:
                    mistakes.add(file, f"not JSON: {error}", line=number, column=error.column)
                    continue
                for fault in faults:
                    mistakes.add(file, fault.message, fault.path, number)
                yield number, value
    except FileNotFoundError:
        mistakes.add(file, "no such file")
        return
    except IsADirectoryError:
        mistakes.add(file, "this is a folder, expected a file")
        return
    except OSError as error:
        mistakes.add(file, f"cannot be read: {error.strerror}")
        return
    if empty:
        mistakes.add(file, "the file is empty, expected one JSON object a line")


def parse_row(
    model: type[ModelT], value: Any, mistakes: Mistakes, *, file: str, line: int | None, context: Any = None
) -> ModelT | None:
    """One row as a model; None (and the mistakes noted) where it is not one."""
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        # A text with NUL or 1e999 was noted when the JSON was read, in the same words.
        noted = set(takewhile(lambda mistake: (mistake.file, mistake.line) == (file, line), reversed(mistakes.found)))
        found = mistakes_of(error, model, file=file, line=line)
        mistakes.extend(mistake for mistake in found if mistake not in noted)
        return None


def load_rubric(path: str | Path) -> Rubric:
    """Read one `*.rubric.json`; InputError has every mistake in it."""
    path = Path(path)
    mistakes = Mistakes()
    value, faults = read_json(path)
    mistakes.extend(faults)
    rubric = parse_row(Rubric, value, mistakes, file=str(path), line=None)
    mistakes.raise_if_any()
    assert rubric is not None
    return rubric


class ReadAnew:
    """A file that is read anew at each iteration; what is wrong is noted once, at the first whole pass."""

    def __init__(self) -> None:
        self.mistakes = Mistakes()
        self.unread: set[tuple[object, ...]] = set()  # keys of rows with mistakes: they are there to be pointed to
        self._noted_before = 0
        self._passed = False

    def _begin_pass(self) -> Mistakes:
        """Where this pass notes what it finds: a pass that was cut short is forgotten, a whole one is not repeated."""
        if self._passed:
            return Mistakes()
        del self.mistakes.found[self._noted_before :]
        return self.mistakes

    def _end_pass(self) -> None:
        self._passed = True

    def _note_unread(self, value: Any, *names: str) -> None:
        if names and isinstance(value, dict):
            with suppress(TypeError):  # a list or an object names nothing
                self.unread.add(tuple(value.get(name, 0) for name in names))


class DatasetFile(ReadAnew):
    """A dataset on disk, read anew at each iteration, one example in memory at a time.

    `path` is a `.jsonl` of examples (ours or HealthBench's) or a folder with `examples.jsonl` and `dataset.json`.
    Rubrics by id are found in `*.rubric.json` beside it, in its `rubrics/`, or in `rubrics`.
    What is wrong is collected in `mistakes`; the first whole iteration finds it all.
    """

    def __init__(
        self,
        path: str | Path,
        rubrics: str | Path | None = None,
        *,
        all_rubrics: bool = False,
        healthbench: bool = False,
    ) -> None:
        super().__init__()
        self._all_rubrics = all_rubrics
        self._healthbench = healthbench
        self._rubric_mistakes: dict[str | None, list[Mistake]] = {}
        self.path = Path(path)
        self.examples_path = self.path / "examples.jsonl" if self.path.is_dir() else self.path
        self.folder = self.examples_path.parent
        self.rubric_places = [Path(rubrics)] if rubrics is not None else [self.folder, self.folder / "rubrics"]
        if rubrics is not None and not Path(rubrics).is_dir():
            self.mistakes.add(str(rubrics), "there is no such folder, expected one of *.rubric.json files")
        self.rubric_files: list[Path] = []
        self.rubrics = self._read_rubrics()
        self.info = self._read_info()
        self._noted_before = len(self.mistakes)

    def _read_rubrics(self) -> dict[str, Rubric | None]:
        """The rubrics in files of their own by id; None for one that is there and has mistakes."""
        found: dict[str, Rubric | None] = {}
        where: dict[str, Path] = {}
        for place in self.rubric_places:
            for path in sorted(place.glob("*" + RUBRIC_SUFFIX)) if place.is_dir() else []:
                self.rubric_files.append(path)
                mistakes = Mistakes()
                name, rubric = self._read_rubric(path, mistakes)
                if name is not None and name in where:
                    message = f"got {name!r}, expected an id of its own, {where[name]} has the same"
                    mistakes.add(str(path), message, "$.id")
                elif name is not None:
                    where[name] = path
                    found[name] = rubric
                if mistakes:
                    self._rubric_mistakes.setdefault(name, []).extend(mistakes)
        if self._all_rubrics:
            for noted in self._rubric_mistakes.values():
                self.mistakes.extend(noted)
            self._rubric_mistakes.clear()
        return found

    @staticmethod
    def _read_rubric(path: Path, mistakes: Mistakes) -> tuple[str | None, Rubric | None]:
        """A rubric's id, as far as it can be read, and the rubric, if it is sound."""
        try:
            value, faults = read_json(path)
        except InputError as error:
            mistakes.extend(error.mistakes)
            return None, None
        mistakes.extend(faults)
        rubric = parse_row(Rubric, value, mistakes, file=str(path), line=None)
        name = rubric.id if rubric else value.get("id") if isinstance(value, dict) else None
        return (name if isinstance(name, str) else None), rubric

    def _tell_rubrics(self, pointed_to: set[str], mistakes: Mistakes) -> None:
        """What is wrong with rubrics that examples point to; drafts that nothing points to are no one's business."""
        names: list[str | None] = [*sorted(pointed_to)]
        if not pointed_to <= set(self.rubrics):
            names.append(None)
        told = [mistake for name in names for mistake in self._rubric_mistakes.get(name, ())]
        mistakes.found[:0] = told

    def _read_info(self) -> DatasetInfo:
        stem = self.path.name if self.path.is_dir() else self.path.stem
        path = self.folder / "dataset.json"
        if self.path.is_dir() and path.exists():
            try:
                value, faults = read_json(path)
            except InputError as error:
                self.mistakes.extend(error.mistakes)
            else:
                self.mistakes.extend(faults)
                info = parse_row(DatasetInfo, value, self.mistakes, file=str(path), line=None)
                if info is not None and not self._has_slow_patterns(info, path):
                    return info
        # A file's name may be blank, or bytes that are no text.
        name = stem.encode("utf-8", "replace").decode().strip()
        return DatasetInfo(name=name or "dataset")

    def _has_slow_patterns(self, info: DatasetInfo, path: Path) -> bool:
        """Whether a `metadata_schema` has what cannot be matched in linear time, which is noted."""
        if info.metadata_schema is None:
            return False
        from rubrics.metadata_schema import pattern_problems

        problems = list(pattern_problems(info.metadata_schema))
        for place, message in problems:
            self.mistakes.add(str(path), message, "$.metadata_schema" + place[1:])
        return bool(problems)

    def __iter__(self) -> Iterator[Example]:
        for _, example in self.numbered():
            yield example

    def numbered(self) -> Iterator[tuple[int, Example]]:
        """The examples with their line numbers."""
        for line, example in self._read(None):
            if isinstance(example, Example):
                yield line, example

    def lean(self) -> Iterator[tuple[int, Example | PlainExample]]:
        """The examples with their line numbers, plain ones without models of their rubrics."""
        # A HealthBench row has its own reader, and a schema looks at all metadata.
        return self._read(None if self._healthbench or self.info.metadata_schema is not None else PlainReader())

    def _read(self, plain: PlainReader | None) -> Iterator[tuple[int, Example | PlainExample]]:
        mistakes = self._begin_pass()
        rules, shared, metadata_rule = AgreementRules(), SharedRubrics(), _metadata_rule(self.info)
        file = str(self.examples_path)
        pointed_to: set[str] = set()
        noted = len(mistakes)
        for line, value in read_lines(self.examples_path, mistakes):
            lean = plain.read(value) if plain is not None and len(mistakes) == noted else None
            if lean is not None and rules.agrees(lean, line):
                yield line, lean
                continue
            if isinstance(value, dict) and isinstance(value.get("rubric_id"), str):
                pointed_to.add(value["rubric_id"])
            example = self._example(value, shared, mistakes, line)
            if example is None:
                self._note_unread(value, "prompt_id" if is_healthbench_row(value) else "id")
            else:
                for path, message in (*rules.problems(example, line), *metadata_rule(example)):
                    mistakes.add(file, message, path, line)
                yield line, example
            noted = len(mistakes)
        self._tell_rubrics(pointed_to, mistakes)
        self._end_pass()

    def _example(self, value: Any, shared: SharedRubrics, mistakes: Mistakes, line: int) -> Example | None:
        where: dict[str, Any] = {"file": str(self.examples_path), "line": line}
        if self._healthbench or is_healthbench_row(value):
            return parse_healthbench_row(value, mistakes, **where)
        where["context"] = {"rubrics": self.rubrics}
        return shared.read(value, lambda row: parse_row(Example, row, mistakes, **where))

    def load(self) -> Dataset:
        """The whole dataset in memory; InputError has every mistake in it."""
        examples = tuple(self)
        self.mistakes.raise_if_any()
        return Dataset(self.info, examples)


def _metadata_rule(info: DatasetInfo) -> Callable[[Example], Iterable[tuple[str, str]]]:
    if info.metadata_schema is None:
        return lambda _example: ()
    from rubrics.metadata_schema import metadata_rule

    return metadata_rule(info.metadata_schema)


def load_dataset(path: str | Path, *, rubrics: str | Path | None = None) -> Dataset:
    """Read a dataset, ours or a HealthBench file, with every rubric in its place.

    >>> dataset = load_dataset("examples/medicine")  # doctest: +SKIP
    >>> len(dataset)  # doctest: +SKIP
    8
    """
    return DatasetFile(path, rubrics).load()


class RowFile(ReadAnew, Generic[ModelT]):
    """A JSON Lines file of one kind of row, read anew at each iteration."""

    model: type[ModelT]
    """What each line is."""
    key: tuple[str, ...] = ()  # the fields that name a row, where others point to it

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)
        self._pass = self.mistakes

    def __iter__(self) -> Iterator[ModelT]:
        for _, row in self.numbered():
            yield row

    def numbered(self) -> Iterator[tuple[int, ModelT]]:
        """The rows with their line numbers."""
        for line, value in self.values():
            row = self.parse(line, value)
            if row is not None:
                yield line, row

    def values(self) -> Iterator[tuple[int, Any]]:
        """The JSON value of each line with its number, not looked at yet; `parse` makes a row of it."""
        self._pass = self._begin_pass()
        yield from read_lines(self.path, self._pass)
        self._end_pass()

    def parse(self, line: int, value: Any) -> ModelT | None:
        """One line's value as a row; None (and the mistakes noted) where it is none."""
        row = parse_row(self.model, value, self._pass, file=str(self.path), line=line)
        if row is None:
            self._note_unread(value, *self.key)
        return row

    def load(self) -> tuple[ModelT, ...]:
        """All rows in memory; InputError has every mistake in them."""
        rows = tuple(self)
        self.mistakes.raise_if_any()
        return rows


class AnswerFile(RowFile[Answer]):
    """Answers on disk; mistakes are collected at the first whole pass."""

    model = Answer
    key = ("example_id", "model", "sample")


def load_answers(path: str | Path) -> tuple[Answer, ...]:
    """Read answers from a `.jsonl`; InputError has every mistake in it."""
    return AnswerFile(path).load()
