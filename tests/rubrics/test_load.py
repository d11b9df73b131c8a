"""Reading files: datasets and their rubrics, one pass or several, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rubrics import AnswerFile, DatasetFile, InputError, load_answers, load_dataset, load_rubric
from tests.rubrics.strategies import rubric_documents

RUBRIC: dict[str, Any] = {"id": "headache", "criteria": [{"criterion": "Asks when the pain began", "points": 5}]}
HEALTHBENCH: dict[str, Any] = {
    "prompt_id": "p1",
    "prompt": [{"role": "user", "content": "My head hurts."}],
    "rubrics": [{"criterion": "Asks when the pain began", "points": 5, "tags": ["axis:completeness"]}],
    "example_tags": ["theme:emergency"],
}
IN_A_FOLDER = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def row(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "prompt": "My head hurts.", **(fields or {"rubric": RUBRIC})}


def write_lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_dataset_may_be_one_file(tmp_path: Path) -> None:
    dataset = load_dataset(write_lines(tmp_path / "headaches.jsonl", row("e1"), row("e2")))
    assert (dataset.info.name, [example.id for example in dataset], len(dataset)) == ("headaches", ["e1", "e2"], 2)


def test_a_dataset_may_be_a_folder_that_says_more_of_itself(tmp_path: Path) -> None:
    write_lines(tmp_path / "examples.jsonl", row("e1"))
    write(tmp_path / "dataset.json", {"name": "Headaches", "canary": "x", "licence": "MIT", "pass_at": 0.5})
    info = load_dataset(tmp_path).info
    assert (info.name, info.canary, info.licence, info.pass_at, info.held_out) == ("Headaches", "x", "MIT", 0.5, False)


def test_a_folder_without_dataset_json_is_called_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "headaches"
    folder.mkdir()
    write_lines(folder / "examples.jsonl", row("e1"))
    assert load_dataset(folder).info.name == "headaches"


def test_a_folder_without_examples_is_no_dataset(tmp_path: Path) -> None:
    write(tmp_path / "dataset.json", {"name": "Headaches"})
    with pytest.raises(InputError, match=r"examples\.jsonl: no such file"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("place", ["headache.rubric.json", "rubrics/headache.rubric.json"])
def test_a_rubric_by_id_is_found_beside_the_dataset_or_in_its_rubrics(place: str, tmp_path: Path) -> None:
    write(tmp_path / place, RUBRIC)
    path = write_lines(tmp_path / "headaches.jsonl", row("e1", rubric_id="headache"), row("e2", rubric_id="headache"))
    first, second = load_dataset(path)
    assert first.rubric is second.rubric
    assert first.rubric.id == "headache"


def test_rubrics_may_be_in_a_folder_that_is_named(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "headache.rubric.json", RUBRIC)
    path = write_lines(tmp_path / "headaches.jsonl", row("e1", rubric_id="headache"))
    assert load_dataset(path, rubrics=tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no rubric was found"):
        load_dataset(path)


def test_healthbench_records_are_accepted_as_they_are(tmp_path: Path) -> None:
    (example,) = load_dataset(write_lines(tmp_path / "healthbench.jsonl", HEALTHBENCH))
    assert (example.id, example.tags, example.rubric.leaves[0].id) == ("p1", ("theme:emergency",), "c1")


def test_healthbench_records_and_ours_may_stand_in_one_file(tmp_path: Path) -> None:
    dataset = load_dataset(write_lines(tmp_path / "mixed.jsonl", HEALTHBENCH, row("e1")))
    assert [example.id for example in dataset] == ["p1", "e1"]


def test_a_second_pass_gives_the_same_and_repeats_no_mistake(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "headaches.jsonl", row("e1"), {"id": 5}, row("e2"), row("e1"))
    dataset = DatasetFile(path)
    passes = [[(line, example.id) for line, example in dataset.numbered()] for _ in range(2)]
    assert passes[0] == passes[1] == [(1, "e1"), (3, "e2"), (4, "e1")]
    assert [mistake.line for mistake in dataset.mistakes] == [2, 2, 2, 4]


def test_a_second_pass_over_answers_gives_the_same_and_repeats_no_mistake(tmp_path: Path) -> None:
    answer = {"example_id": "e1", "model": "m", "text": "Since when?"}
    answers = AnswerFile(write_lines(tmp_path / "answers.jsonl", answer, {**answer, "sample": -1}, answer))
    passes = [[line for line, _ in answers.numbered()] for _ in range(2)]
    assert passes == [[1, 3], [1, 3]]
    assert [mistake.line for mistake in answers.mistakes] == [2]


def test_a_dataset_is_read_one_example_at_a_time(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "headaches.jsonl", row("e1"), {"id": 5})
    dataset = DatasetFile(path)
    assert next(iter(dataset)).id == "e1"
    assert not dataset.mistakes.found


def test_mistakes_of_rubrics_examples_and_the_dataset_come_in_one_run(tmp_path: Path) -> None:
    write(tmp_path / "fever.rubric.json", {"id": "fever", "criteria": []})
    write(tmp_path / "dataset.json", {"name": ""})
    write_lines(tmp_path / "examples.jsonl", row("e1"), row("e1"))
    with pytest.raises(InputError) as refused:
        DatasetFile(tmp_path, all_rubrics=True).load()
    assert [Path(mistake.file).name for mistake in refused.value.mistakes] == [
        "fever.rubric.json",
        "dataset.json",
        "examples.jsonl",
    ]


def test_the_rubrics_of_one_dataset_may_differ_in_what_is_no_scale(tmp_path: Path) -> None:
    other = {**RUBRIC, "scoring": {"consensus": "mean", "min_coverage": 0.5, "clip": "mean"}}
    assert load_dataset(write_lines(tmp_path / "d.jsonl", row("e1"), row("e2", rubric=other)))


def test_clip_mean_and_clip_none_are_the_same_under_raw_points(tmp_path: Path) -> None:
    raw = {**RUBRIC, "scoring": {"normalize": "sum"}}
    said = {**RUBRIC, "scoring": {"normalize": "sum", "clip": "none"}}
    assert load_dataset(write_lines(tmp_path / "d.jsonl", row("e1", rubric=raw), row("e2", rubric=said)))


def test_examples_may_share_tags_and_so_may_criteria(tmp_path: Path) -> None:
    tagged = {"id": "r", "criteria": [{"criterion": "Asks", "points": 1, "tags": ["axis:accuracy"]}] * 2}
    rows = [row(name, rubric=tagged, tags=["theme:hedging"]) for name in ("e1", "e2")]
    assert load_dataset(write_lines(tmp_path / "d.jsonl", *rows))


def test_metadata_is_held_to_the_schema_of_its_dataset(tmp_path: Path) -> None:
    schema = {"type": "object", "required": ["country"], "properties": {"country": {"enum": ["UK", "DE"]}}}
    write(tmp_path / "dataset.json", {"name": "d", "metadata_schema": schema})
    write_lines(tmp_path / "examples.jsonl", row("e1", rubric=RUBRIC, metadata={"country": "UK"}))
    assert load_dataset(tmp_path)


@pytest.mark.parametrize("name", [" .jsonl", "d\udcff.jsonl"])
def test_a_file_name_that_is_no_name_for_a_dataset_makes_no_traceback(name: str, tmp_path: Path) -> None:
    assert load_dataset(write_lines(tmp_path / name, row("e1"))).info.name


CHANGES = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=3)


def spoilt(raw: bytes, changes: list[tuple[float, bytes, int]]) -> bytes:
    """Bytes with some pieces replaced."""
    for place, piece, length in changes:
        start = int(place * len(raw))
        raw = raw[:start] + piece + raw[start + length :]
    return raw


@IN_A_FOLDER
@given(document=rubric_documents(depth=1), changes=CHANGES)
def test_a_rubric_with_any_bytes_changed_is_read_or_refused_with_places(
    tmp_path: Path, document: dict[str, Any], changes: list[tuple[float, bytes, int]]
) -> None:
    path = tmp_path / "spoilt.rubric.json"
    path.write_bytes(spoilt(json.dumps(document, indent=1, ensure_ascii=False).encode(), changes))
    try:
        load_rubric(path)
    except InputError as error:
        assert error.mistakes
        assert all(mistake.file == str(path) and "\n" not in str(mistake) for mistake in error.mistakes)


@IN_A_FOLDER
@given(raw=st.binary(max_size=60) | st.builds(spoilt, st.just(json.dumps(row("e1")).encode() * 2), CHANGES))
def test_a_file_of_any_bytes_is_read_or_refused_with_places(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "any.jsonl"
    path.write_bytes(raw)
    for load in (load_dataset, load_answers):
        try:
            load(path)
        except InputError as error:
            assert error.mistakes


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c"])
def test_lines_end_at_line_feeds_alone(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    text = json.dumps(row("e1", rubric=RUBRIC, metadata={"text": "a-b"})) + "\n"
    # JSON wants control characters escaped, but not these: they end lines for str.splitlines only.
    path.write_text(text.replace("a-b", mark if mark > "\x7f" else f"\\u{ord(mark):04x}"), encoding="utf-8")
    (example,) = load_dataset(path)
    assert example.metadata == {"text": mark}


def test_a_broken_draft_beside_a_dataset_is_told_only_where_an_example_points_to_it(tmp_path: Path) -> None:
    write(tmp_path / "fever.rubric.json", {"id": "fever", "criteria": []})
    (tmp_path / "draft.rubric.json").write_text("{", encoding="utf-8")
    write_lines(tmp_path / "examples.jsonl", row("e1"))
    assert len(load_dataset(tmp_path / "examples.jsonl")) == 1
    write_lines(tmp_path / "examples.jsonl", row("e1"), {"id": "e2", "prompt": "?", "rubric_id": "fever"})
    with pytest.raises(InputError) as refused:
        load_dataset(tmp_path / "examples.jsonl")
    assert [Path(mistake.file).name for mistake in refused.value.mistakes] == ["fever.rubric.json", "examples.jsonl"]
    write_lines(tmp_path / "examples.jsonl", {"id": "e2", "prompt": "?", "rubric_id": "unknown"})
    with pytest.raises(InputError) as refused:
        load_dataset(tmp_path / "examples.jsonl")
    assert "draft.rubric.json" in str(refused.value)
