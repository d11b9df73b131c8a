"""Opening an export: what is none, or is damaged, is refused with its place."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.exports import export_folder, read_folder
from api.exports.schema import TABLES, arrow_schema
from graders import Judgment
from rubrics import Answer, Example, InputError
from tests.api.test_export_round_trip import RUBRIC, example, judgment, source
from tests.shared_data import REPOSITORY

CHANGED = "this is not the file that was exported, it is damaged or changed: export the run again"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    examples = [example("e1"), example("e2", rubric={**RUBRIC, "id": "other"}), example("e3")]
    answers = [Answer(example_id="e1", model="m", text="x", metadata={"a": 1})]
    judgments = [judgment("doctor", explanation=f"{number} " * 40, repeat=number) for number in range(300)]
    export_folder(tmp_path / "out", source(examples, answers, judgments))
    return tmp_path / "out"


def read_all(folder: Path) -> tuple[list[Example], list[Answer], list[Judgment]]:
    back = read_folder(folder)
    return [*back.examples()], [*back.answers()], [*back.judgments()]


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_all(folder)
    return str(caught.value).replace(str(folder), "OUT")


def change_column(folder: Path, config: str, column: str, change: Callable[[list[Any]], list[Any]]) -> None:
    path = folder / config / "test.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index(column)
    values = pa.array(change(table.column(column).to_pylist()))
    pq.write_table(table.set_column(at, column, values), path)
    sign(folder)


def sign(folder: Path) -> None:
    """Let the manifest vouch for the tables as they are now."""
    path = folder / "markscheme.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for config, note in manifest["tables"].items():
        note["sha256"] = hashlib.sha256((folder / config / "test.parquet").read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest), encoding="utf-8")


def change_manifest(folder: Path, **more: Any) -> None:
    path = folder / "markscheme.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **more}), encoding="utf-8")


def test_it_can_be_read_more_than_once_and_side_by_side(folder: Path) -> None:
    back = read_folder(folder)
    first, second = back.examples(), back.examples()
    assert [next(first).id, next(second).id, next(first).id] == ["e1", "e1", "e2"]
    assert next(back.judgments()) == next(back.judgments())
    assert len(read_all(folder)[2]) == 300


def test_a_folder_of_another_kind_is_refused(tmp_path: Path, folder: Path) -> None:
    way_out = "give a folder that `markscheme export` wrote"
    assert refused(tmp_path / "none") == f"OUT: no such folder, {way_out}"
    assert refused(folder / "README.md") == f"OUT: this is a file, {way_out}"
    assert refused(folder / "scores") == f"OUT: this is no export of Markscheme (it has no markscheme.json), {way_out}"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "other"}, "OUT/markscheme.json $.kind: got 'other', expected 'markscheme-export'"),
        ({"format": 2}, "OUT/markscheme.json $.format: got 2, expected 1: a newer Markscheme wrote this"),
        ({"run": 5}, "OUT/markscheme.json $.run: got 5, expected text"),
        ({"dataset": {}}, "OUT/markscheme.json $.dataset.name: missing, expected 'name'"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(folder: Path, more: dict[str, Any], message: str) -> None:
    change_manifest(folder, **more)
    assert refused(folder).startswith(message)


def test_every_damaged_table_is_reported_at_once(folder: Path) -> None:
    (folder / "judgments" / "test.parquet").unlink()
    path = folder / "examples" / "test.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert refused(folder).splitlines() == [
        "OUT/judgments/test.parquet: cannot be read (No such file or directory): export the run again",
        f"OUT/examples/test.parquet: {CHANGED}",
    ]


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_a_flipped_bit_is_found_wherever_it_is(folder: Path, place: float) -> None:
    path = folder / "judgments" / "test.parquet"
    raw = bytearray(path.read_bytes())
    raw[int(place * (len(raw) - 1))] ^= 1
    path.write_bytes(raw)
    assert refused(folder) == f"OUT/judgments/test.parquet: {CHANGED}"


def test_a_table_of_another_export_is_found(folder: Path, tmp_path: Path) -> None:
    other = source([example()], [Answer(example_id="e1", model="m", text="x")], [judgment("doctor")])
    export_folder(tmp_path / "other", other)
    (tmp_path / "other" / "judgments" / "test.parquet").replace(folder / "judgments" / "test.parquet")
    assert refused(folder) == f"OUT/judgments/test.parquet: {CHANGED}"


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_is_refused_even_if_the_manifest_vouches_for_it(folder: Path, raw: bytes) -> None:
    (folder / "judgments" / "test.parquet").write_bytes(raw)
    sign(folder)
    assert refused(folder).startswith("OUT/judgments/test.parquet: cannot be read (")


def test_a_missing_column_is_named(folder: Path) -> None:
    path = folder / "judgments" / "test.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["ruling"]), path)
    sign(folder)
    assert refused(folder).startswith("OUT/judgments/test.parquet: the column 'ruling' is missing")


@pytest.mark.parametrize(
    ("config", "column", "value", "message"),
    [
        ("judgments", "status", "maybe", "OUT/judgments/test.parquet:2 $.status: got 'maybe', expected"),
        ("judgments", "met", None, "OUT/judgments/test.parquet:2 $: got none of them, expected exactly one of"),
        ("judgments", "given", "value=x", "OUT/judgments/test.parquet:2 $.given: expected names of fields"),
        ("judgments", "given", "value=1.5", "OUT/judgments/test.parquet:2 $.given: expected names of fields"),
        ("judgments", "given", None, "OUT/judgments/test.parquet:2 $.given: expected names of fields"),
        ("examples", "prompt", '["a', "OUT/examples/test.parquet:2 $.prompt: not JSON: "),
        ("examples", "prompt", '{"a": 1, "a": 2}', "OUT/examples/test.parquet:2 $.prompt: key 'a' stands more than"),
        ("examples", "rubric_row", 7, "OUT/examples/test.parquet:2 $.rubric_row: got 7, expected a row of rubrics/"),
        ("rubrics", "rubric", "{}", "OUT/rubrics/test.parquet:2 $.id: missing"),
    ],
)
def test_a_value_that_is_wrong_is_placed(folder: Path, config: str, column: str, value: object, message: str) -> None:
    change_column(folder, config, column, lambda values: [values[0], value, *values[2:]])
    assert refused(folder).startswith(message)


def test_only_an_answer_of_its_own_metadata_is_given_one(folder: Path) -> None:
    assert read_all(folder)[1] == [Answer(example_id="e1", model="m", text="x", metadata={"a": 1})]
    change_column(folder, "scores", "answer_metadata", lambda values: ["[]" for _ in values])
    assert refused(folder).startswith("OUT/scores/test.parquet:1 $.metadata: got an empty list, expected an object")


def test_reading_needs_no_datasets_and_importing_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "import api.exports\n"
        "heavy = ['pyarrow', 'datasets', 'huggingface_hub', 'sqlalchemy', 'pandas']\n"
        "print(*[name for name in heavy if name in sys.modules])\n"
        f"back = api.exports.read_folder(pathlib.Path({str(folder)!r}))\n"
        "counts = len([*back.examples()]), len([*back.answers()]), len([*back.judgments()])\n"
        "print(*counts, *[name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.splitlines() == ["", "3 1 300 pyarrow"]


def test_the_columns_are_those_of_a_judgment() -> None:
    columns = set(TABLES["judgments"].kinds)
    assert columns == set(Judgment.model_fields) - {"failure"} | {"failure_kind", "failure_message", "given"}


@pytest.mark.parametrize("config", [*TABLES])
def test_the_written_schema_is_the_declared_one(folder: Path, config: Any) -> None:
    found = pq.read_schema(folder / config / "test.parquet")
    expected = arrow_schema(config)
    assert found.equals(expected)
    assert found.metadata[b"huggingface"] == expected.metadata[b"huggingface"]
