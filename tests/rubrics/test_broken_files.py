"""A wrong file is refused with the message kept beside it; an unusual right one is read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rubrics import InputError, load_answers, load_rubric
from tests.rubrics.broken_files import (
    ACCEPTED,
    BROKEN,
    MADE_AT_RUN_TIME,
    READERS,
    as_printed,
    broken_files,
    expected_file,
    is_expected,
    message_for,
)

REFRESH = "read the message again, then run: python -m tests.rubrics.broken_files"


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", broken_files(), ids=name_of)
def test_a_broken_file_is_refused_with_the_message_beside_it(path: Path) -> None:
    kept = expected_file(path)
    assert kept.exists(), f"no expected message: {REFRESH}"
    assert message_for(path) == kept.read_text(encoding="utf-8"), REFRESH


def test_every_expected_message_belongs_to_a_broken_file() -> None:
    kept = {path for name in READERS for path in (BROKEN / name).iterdir() if is_expected(path)}
    assert kept == {expected_file(path) for path in broken_files()}
    assert len(kept) == len(broken_files()), "two broken files share one expected message"


@pytest.mark.parametrize("path", broken_files(), ids=name_of)
def test_a_message_is_one_short_line_with_place_and_way_out(path: Path) -> None:
    lines = expected_file(path).read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        place, _, message = line.partition(": ")
        assert re.fullmatch(r"[\w.+-]+\.(json|jsonl|csv)(:\d+(:\d+)?)?( [$\w].*)?", place), line
        assert len(message) <= 240, line
        assert re.search(r"expected|unknown field|no such file|has mistakes of its own|metadata_schema", message), line


def refusal(reader: str, path: Path) -> str:
    with pytest.raises(InputError) as refused:
        READERS[reader](path)
    return as_printed(refused.value.mistakes, path.parent)


def kept_message(name: str) -> str:
    return (MADE_AT_RUN_TIME / f"{name}.expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_file_is_named(reader: str, tmp_path: Path) -> None:
    assert refusal(reader, tmp_path / "missing.json") == kept_message("missing-file")


@pytest.mark.parametrize("reader", ["rubrics", "answers", "kqa", "paperbench"])
def test_a_folder_is_no_file(reader: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert refusal(reader, tmp_path / "folder") == kept_message("folder-for-a-file")


@pytest.mark.parametrize(("opening", "name"), [("[", "nested-lists"), ('{"a":', "nested-objects")])
def test_a_hundred_thousand_nested_brackets_are_refused(opening: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "nested.rubric.json"
    closing = {"[": "]", '{"a":': "}"}[opening]
    path.write_text('{"id": "nested", "metadata": {"deep": ' + opening * 100_000 + "1" + closing * 100_000 + "}}")
    assert refusal("rubrics", path) == kept_message(name)


def test_a_hundred_thousand_brackets_that_never_close_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nested.rubric.json"
    path.write_text('{"id": "nested", "metadata": {"deep": ' + "[" * 100_000)
    assert refusal("rubrics", path) == kept_message("nested-lists")


def test_nested_brackets_spoil_only_their_own_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    answer = json.dumps({"example_id": "e1", "model": "m", "text": "Since when?"})
    path.write_text(f"{answer}\n{'[' * 100_000}\n{answer}\n")
    assert refusal("answers", path) == kept_message("nested-in-one-line")


def test_sixty_four_levels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.rubric.json"
    deep: list[Any] = []
    for _ in range(61):
        deep = [deep]
    document = {"id": "r", "criteria": [{"criterion": "Asks", "points": 1}], "metadata": {"deep": deep}}
    path.write_text(json.dumps(document))
    assert load_rubric(path).id == "r"


@pytest.mark.parametrize("path", sorted(ACCEPTED.glob("*/*")), ids=name_of)
def test_an_unusual_right_file_is_accepted(path: Path) -> None:
    assert READERS[path.parent.name](path)


@pytest.mark.parametrize("text", ["a" * 10_000_000, "ä😀\n" * 3_000_000], ids=["ascii", "unicode"])
def test_an_answer_of_ten_megabytes_is_accepted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"example_id": "e1", "model": "m", "text": text}, ensure_ascii=False) + "\n")
    (answer,) = load_answers(path)
    assert len(answer.text) == len(text)


def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    crlf, bom = (ACCEPTED / "rubrics" / f"{name}.rubric.json" for name in ("crlf", "bom"))
    plain = tmp_path / "plain.rubric.json"
    plain.write_bytes(crlf.read_bytes().replace(b"\r\n", b"\n"))
    assert len({path.read_bytes() for path in (crlf, bom, plain)}) == 3
    assert len({load_rubric(path).content_hash for path in (crlf, bom, plain)}) == 1
