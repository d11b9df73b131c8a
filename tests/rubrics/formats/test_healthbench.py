"""HealthBench's records come back from ours as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rubrics import Example, Mistakes, load_dataset
from rubrics.formats.healthbench import healthbench_obstacles, healthbench_row, parse_healthbench_row
from tests.rubrics.strategies import ids, json_values, points, tags, texts, written_texts
from tests.shared_data import shared_data

extra_fields = st.dictionaries(texts.map(lambda text: f"other_{text}"), json_values, max_size=2)


def with_extra(row: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    return {**row, **extra}


items = st.builds(
    with_extra,
    st.fixed_dictionaries(
        {"criterion": written_texts, "points": points}, optional={"tags": st.lists(tags, max_size=2, unique=True)}
    ),
    extra_fields,
)
records = st.builds(
    with_extra,
    st.fixed_dictionaries(
        {
            "prompt_id": ids,
            "prompt": st.lists(
                st.fixed_dictionaries({"content": texts, "role": st.sampled_from(["user", "assistant"])}),
                min_size=1,
                max_size=2,
            ),
            "rubrics": st.lists(items, min_size=1, max_size=3).filter(
                lambda rubrics: any(item["points"] > 0 for item in rubrics)
            ),
        },
        optional={
            "example_tags": st.lists(st.sampled_from(["theme:a", "theme:b"]), max_size=2, unique=True),
            "canary": texts | st.none(),
            "ideal_completions_data": st.none() | st.fixed_dictionaries({"ideal_completion": texts}),
        },
    ),
    extra_fields,
)


def parsed(record: dict[str, Any]) -> Example:
    mistakes = Mistakes()
    example = parse_healthbench_row(record, mistakes, file="h.jsonl", line=1)
    assert example is not None, list(mistakes)
    return example


def natively(example: Example) -> Example:
    """The example after a trip through our own JSON."""
    return Example.model_validate(json.loads(json.dumps(example.as_json(), allow_nan=False)))


def same(left: Any, right: Any) -> bool:
    """Equal in value and type: 5 is not 5.0, and the order of keys is free."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records)
def test_a_record_comes_back_without_loss_from_ours_and_from_our_json(record: dict[str, Any]) -> None:
    example = parsed(record)
    assert same(healthbench_row(example), record)
    assert natively(example) == example
    assert same(healthbench_row(natively(example)), record)
    assert list(healthbench_obstacles(natively(example), file="h.jsonl", line=1)) == []


@pytest.mark.realdata
def test_every_real_record_comes_back_without_loss() -> None:
    path = shared_data("healthbench/hard_sample_50.jsonl")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    dataset = load_dataset(path)
    assert len(dataset) == len(records) == 50
    assert sum(len(example.rubric.leaves) for example in dataset) == 559
    for record, example in zip(records, dataset, strict=True):
        assert same(healthbench_row(example), record)
        assert same(healthbench_row(natively(example)), record)
        assert list(healthbench_obstacles(example, file=str(path), line=None)) == []


@pytest.mark.realdata
def test_every_real_record_keeps_its_canary_and_its_reference() -> None:
    path = shared_data("healthbench/hard_sample_50.jsonl")
    for line, example in zip(path.read_text(encoding="utf-8").splitlines(), load_dataset(path), strict=True):
        record = json.loads(line)
        assert example.canary == record.get("canary")
        ideal = (record.get("ideal_completions_data") or {}).get("ideal_completion")
        assert example.references == ((ideal,) if ideal else ())


RECORD: dict[str, Any] = {
    "prompt_id": "p1",
    "prompt": [{"role": "user", "content": "My head hurts."}],
    "rubrics": [
        {"criterion": "Asks when the pain began", "points": 5, "tags": ["axis:completeness"]},
        {"criterion": "Asks when the pain began", "points": 5, "tags": ["axis:completeness"]},
        {"criterion": "Names a drug", "points": -8, "tags": []},
    ],
    "example_tags": [],
}


def test_items_are_named_by_position_since_texts_repeat() -> None:
    assert [leaf.id for leaf in parsed(RECORD).rubric.leaves] == ["c1", "c2", "c3"]


def test_a_reference_that_is_null_is_kept_as_it_is() -> None:
    example = parsed({**RECORD, "ideal_completions_data": None})
    assert example.references == ()
    assert healthbench_row(example)["ideal_completions_data"] is None


@pytest.mark.parametrize(
    ("criterion", "word"),
    [
        ({"scale": {"type": "count", "max_count": 3}}, "count scale"),
        ({"check": {"max_words": 5}}, "`check`"),
        ({"gate": {"when": "unmet", "cap": 0}}, "`gate`"),
        ({"depends_on": {"criterion": "c2", "when": "met"}}, "`depends_on`"),
        ({"may_not_apply": True}, "`may_not_apply`"),
    ],
)
def test_what_healthbench_cannot_say_is_reported(criterion: dict[str, Any], word: str) -> None:
    asks = {"criterion": "Asks", "points": 5}
    rubric = {"id": "r", "criteria": [{**asks, **criterion}, asks]}
    example = Example.model_validate({"id": "e", "prompt": "Hello", "rubric": rubric})
    (obstacle,) = healthbench_obstacles(example, file="e.jsonl", line=4)
    assert str(obstacle).startswith("e.jsonl:4 $.rubric.criteria[0]")
    assert word in obstacle.message


@pytest.mark.parametrize(
    "rubric",
    [
        {"criteria": [{"points": 1, "children": [{"criterion": "Asks", "points": 5}]}]},
        {"criteria": [{"criterion": "Asks", "points": 5}], "scoring": {"normalize": "range"}},
        {"criteria": [{"criterion": "Asks", "points": 5}], "guidelines": "Read twice."},
    ],
    ids=["group", "scoring", "guidelines"],
)
def test_groups_other_scores_and_guidelines_are_reported(rubric: dict[str, Any]) -> None:
    example = Example.model_validate({"id": "e", "prompt": "Hello", "rubric": {"id": "r", **rubric}})
    assert len(list(healthbench_obstacles(example, file="e.jsonl", line=None))) == 1


def test_a_wrong_record_is_reported_in_its_own_words_and_all_at_once(tmp_path: Path) -> None:
    wrong = {**RECORD, "rubrics": [{"criterion": "", "points": "5"}, {"points": 0}]}
    mistakes = Mistakes()
    assert parse_healthbench_row(wrong, mistakes, file="h.jsonl", line=2) is None
    assert [mistake.path for mistake in mistakes] == [
        "$.rubrics[0].criterion",
        "$.rubrics[0].points",
        "$.rubrics[1].criterion",
        "$.rubrics[1].points",
    ]
