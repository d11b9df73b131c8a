"""The fast reading of examples takes what `Example` takes, says the same of it, and leaves everything else to it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubrics import AnswerHasher, DatasetFile, Example, PlainExample
from rubrics.plain_example import PlainReader
from rubrics.shared_rubrics import SharedRubrics
from tests.rubrics.strategies import ids, texts, written_texts

POINTS = st.sampled_from([1, 2, 5, -3, 0.5, -2.25, 10**6])
TAGS = st.lists(st.sampled_from(["axis:a", "axis:b", "é"]), max_size=3)
TURNS = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": texts}),
    min_size=1,
    max_size=3,
)
CRITERIA = st.fixed_dictionaries(
    {"criterion": written_texts, "points": POINTS},
    optional={
        "tags": TAGS,
        "id": st.sampled_from(["a", "b", "c1", "c2", "x.y:z"]),
        "rationale": texts,
        "source": texts,
        "metadata": st.dictionaries(texts, texts, max_size=1),
    },
)
RUBRICS = st.fixed_dictionaries(
    {"id": ids, "criteria": st.lists(CRITERIA, min_size=1, max_size=4)},
    optional={"title": texts, "domain": texts, "guidelines": texts},
)
ROWS = st.fixed_dictionaries(
    {"id": ids, "prompt": texts | TURNS, "rubric": RUBRICS},
    optional={
        "tags": st.lists(st.sampled_from(["theme:a", "theme:b"]), max_size=3),
        "references": st.lists(texts, max_size=2),
        "canary": texts,
        "metadata": st.dictionaries(texts, st.none() | st.integers() | texts),
    },
)
ANYTHING = st.sampled_from([None, True, 0, -1, 1.5, 10**13, 10**30, "", " ", "x" * 600, "a\n", [], ["x"], [1], {}])
"""What may stand where it should not."""


def example_of(row: Any) -> Example | None:
    try:
        return Example.model_validate(row)
    except ValueError:
        return None


def check_agreement(plain: PlainExample, example: Example) -> None:
    rubric = example.rubric
    assert (plain.id, plain.tags) == (example.id, tuple(dict.fromkeys(example.tags)))
    assert plain.rubric.ids == tuple(leaf.id for leaf in rubric.leaves)
    assert plain.rubric.points == tuple(leaf.criterion.points for leaf in rubric.leaves)
    assert plain.rubric.digests.hex() == "".join(rubric.criterion_hashes[leaf.id] for leaf in rubric.leaves)
    carriers: dict[str, list[int]] = {}
    for place, leaf in enumerate(rubric.leaves):
        for tag in dict.fromkeys(leaf.criterion.tags):
            carriers.setdefault(tag, []).append(place)
    assert list(plain.rubric.tags.items()) == [(tag, tuple(leaves)) for tag, leaves in carriers.items()]
    assert AnswerHasher(plain).hash("An answer") == AnswerHasher(example).hash("An answer")


@given(ROWS)
def test_a_row_that_is_right_and_plain_is_read_without_models_and_means_the_same(row: dict[str, Any]) -> None:
    example, plain = example_of(row), PlainReader().read(row)
    assert (plain is None) == (example is None)
    if plain is not None and example is not None:
        check_agreement(plain, example)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in ((value, key), *places(item))]


@settings(max_examples=300)
@given(ROWS, st.data())
def test_a_row_that_was_spoilt_is_never_taken_for_another(row: dict[str, Any], data: st.DataObject) -> None:
    spoilt = copy.deepcopy(row)
    container, key = data.draw(st.sampled_from(places(spoilt)))
    match data.draw(st.sampled_from(["replace", "drop", "add"])):
        case "replace":
            container[key] = data.draw(ANYTHING)
        case "drop":
            del container[key]
        case _ if isinstance(container, dict):
            name = data.draw(st.sampled_from(["gate", "scale", "check", "rubric_id", "scoring", "version", "children"]))
            container[name] = data.draw(ANYTHING)
        case _:
            container.append(data.draw(ANYTHING))
    reader = PlainReader()
    reader.read(row)  # what it remembers of a sound row excuses nothing in the next
    plain = reader.read(spoilt)
    if plain is not None:
        example = example_of(spoilt)
        assert example is not None
        check_agreement(plain, example)


def test_equal_rubrics_are_read_once_and_shared() -> None:
    reader = PlainReader()
    row = {"id": "a", "prompt": "?", "rubric": {"id": "r", "criteria": [{"criterion": "x", "points": 1}]}}
    first, second = reader.read(row), reader.read({**row, "id": "b", "rubric": {**row["rubric"], "id": "s"}})  # type: ignore[dict-item]
    assert first is not None and second is not None
    assert first.rubric is second.rubric


def dataset_of(folder: Path, lines: list[str]) -> Path:
    path = folder / "examples.jsonl"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def line(number: int, **changes: Any) -> str:
    criteria = [{"criterion": "x", "points": 1, "tags": ["axis:a"]}]
    row = {"id": f"e{number}", "prompt": "?", "tags": ["theme:a"], "rubric": {"id": "r", "criteria": criteria}}
    return json.dumps(row | changes)


WRONG_LINES = {
    "an id that was there": line(0),
    "an example's tag that is a criterion's": line(7, tags=["axis:a"]),
    "a criterion's tag that is an example's": line(
        7, rubric={"id": "s", "criteria": [{"criterion": "x", "points": 1, "tags": ["theme:a"]}]}
    ),
    "another scale": line(7, rubric={**json.loads(line(7))["rubric"], "scoring": {"normalize": "sum"}}),
    "a repeated key": line(7)[:-1] + ', "id": "e7"}',
    "a repeated key within": line(7).replace('"points": 1', '"points": 1, "points": 1'),
    "NaN": line(7).replace('"points": 1', '"points": NaN'),
    "half a pair": line(7, prompt="\ud800"),
    "NUL": line(7, prompt="\x00"),
    "a misspelt field": line(7).replace('"points"', '"point"'),
    "no JSON": line(7)[:-1],
    "no points": line(7).replace('"points": 1', '"points": 0'),
}


@pytest.mark.parametrize("wrong", WRONG_LINES)
@pytest.mark.parametrize("at", [0, 1, 3])
def test_lean_reading_finds_the_same_mistakes(tmp_path: Path, wrong: str, at: int) -> None:
    lines = [line(number) for number in range(4)]
    lines.insert(at, WRONG_LINES[wrong])
    path = dataset_of(tmp_path, lines)
    full, lean = DatasetFile(path), DatasetFile(path)
    read_in_full = [(number, example.id) for number, example in full.numbered()]
    read_leanly = [(number, example.id) for number, example in lean.lean()]
    assert list(full.mistakes), "the line was meant to be wrong"
    assert (read_leanly, list(lean.mistakes)) == (read_in_full, list(full.mistakes))


def test_lean_reading_makes_no_model_of_a_plain_row_once_its_names_are_known(tmp_path: Path) -> None:
    path = dataset_of(tmp_path, [line(number) for number in range(3)])
    kinds = [type(example) for _, example in DatasetFile(path).lean()]
    assert kinds == [Example, PlainExample, PlainExample]


@settings(max_examples=200)
@given(RUBRICS, st.booleans(), st.data())
def test_a_rubric_that_many_examples_hold_is_read_once_and_hides_no_mistake_of_theirs(
    rubric: dict[str, Any], gated: bool, data: st.DataObject
) -> None:
    if gated:
        rubric["criteria"][0]["gate"] = {"when": "unmet", "cap": 0}
    first = {"id": "a", "prompt": "?", "rubric": rubric}
    more = data.draw(st.dictionaries(st.sampled_from(["tags", "rubric_id", "remark"]), ANYTHING))
    second = {**first, "id": "b", **more}
    shared = SharedRubrics()
    read = shared.read(first, example_of)
    again = shared.read(second, example_of)
    assert again == example_of(second)
    if read is not None and again is not None:
        assert (again.rubric is read.rubric) == ("rubric_id" not in more)
        assert again.as_json() == example_of(second).as_json()  # type: ignore[union-attr]
