"""Small files that would make a careless program hang or fall over."""

import json
import time
from pathlib import Path

import pytest

from graders.scoring import UNGRADED, LeafState, plan_rubric, score_answer
from rubrics import DatasetFile, InputError, Rubric


def chain(length: int) -> list[dict[str, object]]:
    """Criteria of which each depends on the next."""
    return [
        {
            "id": f"c{number}",
            "criterion": "Says so",
            "points": 1,
            **({"depends_on": {"criterion": f"c{number + 1}", "when": "met"}} if number < length - 1 else {}),
        }
        for number in range(length)
    ]


def test_a_long_chain_of_conditions_is_checked_and_scored() -> None:
    started = time.perf_counter()
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": chain(3000)}))
    assert score_answer(plan, [1.0] * 3000).score == 1.0
    assert score_answer(plan, [1.0] * 2999 + [0.0]).score == 0.0
    gated = chain(3000)
    gated[0]["gate"] = {"when": "unmet", "cap": 0}
    answer = score_answer(plan_rubric(Rubric.model_validate({"id": "r", "criteria": gated})), [UNGRADED] * 3000)
    assert (answer.low, answer.high) == (0.0, 1.0)
    assert time.perf_counter() - started < 20


def test_points_of_very_different_size_never_end_in_a_traceback() -> None:
    criteria: list[dict[str, object]] = [{"criterion": "deep", "points": 1e-9, "tags": ["t"]}]
    for _ in range(25):
        criteria = [{"points": 1e-9, "children": criteria}, {"criterion": "beside", "points": 1e12}]
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
    leaves = len(plan.points)
    for states in ([1.0] * leaves, [UNGRADED] * leaves):
        answer = score_answer(plan, states)
        assert answer.score in (1.0, None)


@pytest.mark.parametrize(
    "rule",
    [
        {"properties": {"code": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(c+)+": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(x+)+$": {}}, "additionalProperties": {"pattern": "^(a+)+$"}},
    ],
)
def test_a_pattern_of_a_metadata_schema_takes_linear_time(tmp_path: Path, rule: dict[str, object]) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "d", "metadata_schema": rule}), encoding="utf-8")
    rubric = {"id": "r", "criteria": [{"criterion": "x", "points": 1}]}
    example = {"id": "e", "prompt": "?", "rubric": rubric, "metadata": {"code": "a" * 200 + "!"}}
    (tmp_path / "examples.jsonl").write_text(json.dumps(example) + "\n", encoding="utf-8")
    started = time.perf_counter()
    with pytest.raises(InputError, match="does not match"):
        DatasetFile(tmp_path).load()
    assert time.perf_counter() - started < 5


def folder(tmp_path: Path, schema: object, metadata: object, *, rubric: object = None) -> Path:
    """A dataset of one example."""
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "d", "metadata_schema": schema}), encoding="utf-8")
    rubric = rubric or {"rubric": {"id": "r", "criteria": [{"criterion": "x", "points": 1}]}}
    example = {"id": "e", "prompt": "?", "metadata": metadata, **rubric}  # type: ignore[dict-item]
    (tmp_path / "examples.jsonl").write_text(json.dumps(example) + "\n", encoding="utf-8")
    return tmp_path


def refusal(path: Path, **how: bool) -> list[str]:
    with pytest.raises(InputError) as refused:
        DatasetFile(path, **how).load()
    return [f"{Path(each.file).name} {each.path}: {each.message}" for each in refused.value.mistakes]


DRAFT = "https://json-schema.org/draft/2020-12/schema"
WILD = {"$schema": DRAFT, "pattern": "^(a+)+$"}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"code": WILD}},
        {"$schema": DRAFT, "properties": {"code": {"$ref": "#/$defs/code"}}, "$defs": {"code": WILD}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "allOf": [{"properties": {"code": WILD}}]},
    ],
)
def test_a_part_that_names_its_draft_takes_linear_time_too(tmp_path: Path, schema: object) -> None:
    started = time.perf_counter()
    assert "does not match" in refusal(folder(tmp_path, schema, {"code": "a" * 40 + "!"}))[0]
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"properties": {"code": {"pattern": "(?=a)b"}}}, "$.metadata_schema.properties.code.pattern"),
        ({"allOf": [{"patternProperties": {"(?=a)b": {}}}]}, "$.metadata_schema.allOf[0].patternProperties"),
    ],
)
def test_a_pattern_that_re2_does_not_take_is_told_once_where_it_stands(
    tmp_path: Path, schema: object, place: str
) -> None:
    (mistake,) = refusal(folder(tmp_path, schema, {"code": "x"}))
    assert mistake == (f"dataset.json {place}: got '(?=a)b', expected a pattern of RE2: invalid perl operator: (?=")


def test_a_pattern_that_only_a_reference_finds_is_told_at_the_metadata(tmp_path: Path) -> None:
    schema = {"properties": {"code": {"$ref": "#/hidden"}}, "hidden": {"pattern": "(?=a)b"}}
    (mistake,) = refusal(folder(tmp_path, schema, {"code": "x"}))
    assert mistake.startswith("examples.jsonl $.metadata: the dataset's metadata_schema cannot be used: no pattern of")


CLOSED = {"properties": {"code": {}}, "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False}
UNEVALUATED = {"allOf": [{"properties": {"code": {}}}], "unevaluatedProperties": False}


@pytest.mark.parametrize(
    ("schema", "metadata", "message"),
    [
        (CLOSED, {"code": 1, "x-a": 1}, None),
        (CLOSED, {"x-a": "1"}, "$.metadata['x-a']: '1' is not of type 'integer'"),
        (CLOSED, {"y": 1}, "$.metadata: Additional properties are not allowed ('y' was unexpected)"),
        ({"additionalProperties": {"type": "string"}}, {"y": 1}, "$.metadata.y: 1 is not of type 'string'"),
        (UNEVALUATED, {"code": 1}, None),
        (UNEVALUATED, {"y": 1}, "$.metadata: Unevaluated properties are not allowed ('y' was unexpected)"),
    ],
)
def test_the_keywords_mean_what_json_schema_says(
    tmp_path: Path, schema: object, metadata: object, message: str | None
) -> None:
    path = folder(tmp_path, schema, metadata)
    if message is None:
        assert DatasetFile(path).load()
    else:
        assert refusal(path) == [f"examples.jsonl {message} (from the dataset's metadata_schema)"]


def test_unevaluated_properties_beside_patterns_are_refused(tmp_path: Path) -> None:
    schema = {"allOf": [{"patternProperties": {"^(a+)+$": {}}}], "unevaluatedProperties": False}
    (mistake,) = refusal(folder(tmp_path, schema, {"a" * 40 + "!": 1}))
    assert mistake.startswith("dataset.json $.metadata_schema.unevaluatedProperties: expected no `unevaluated")


# --- conditions in a circle -----------------------------------------------------------------------------------------


def test_a_circle_of_three_thousand_conditions_is_told_once_at_its_first_criterion() -> None:
    criteria = chain(3000)
    criteria[-1]["depends_on"] = {"criterion": "c2", "when": "met"}
    started = time.perf_counter()
    with pytest.raises(ValueError, match=r"got a circle of conditions \(c2 → c3 → .* → c2999 → c2\)") as refused:
        Rubric.model_validate({"id": "r", "criteria": criteria})
    assert time.perf_counter() - started < 5
    assert [line["loc"] for line in refused.value.errors()] == [  # type: ignore[attr-defined]
        ("criteria", 2, "leaf", "depends_on", "criterion")
    ]


@pytest.mark.parametrize("last_first", [False, True])
def test_a_chain_in_either_order_is_planned_deciding_criteria_first(last_first: bool) -> None:
    criteria = chain(3000)[:: -1 if last_first else 1]
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
    seen: set[int] = set()
    for leaf, condition in plan.conditions.items():
        assert condition.leaf not in plan.conditions or condition.leaf in seen
        seen.add(leaf)


# --- points that underflow ------------------------------------------------------------------------------------------


def test_weights_that_underflow_count_as_nothing_to_weigh() -> None:
    leaf = {"criterion": "deep", "points": 1e-9, "tags": ["t"]}
    criteria: list[dict[str, object]] = [leaf, {**leaf, "criterion": "deeper"}]
    for number in range(25):
        criteria = [{"points": 1e-9, "children": criteria}, {"criterion": f"beside {number}", "points": 1e12}]
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
    deep = len(plan.points)
    judged = score_answer(plan, [1.0] * deep).tags["t"]
    assert (judged.score, judged.coverage) == (None, 1.0)
    half = score_answer(plan, [1.0, UNGRADED, *[1.0] * (deep - 2)]).tags["t"]
    assert (half.score, half.coverage) == (None, 0.0)


# --- rubric files that nothing points to ----------------------------------------------------------------------------

SOUND = {"id": "mine", "criteria": [{"criterion": "x", "points": 1}]}
BROKEN = json.dumps({"id": "mine", "criteria": []})


@pytest.mark.parametrize("draft", [BROKEN, "{", json.dumps([]), json.dumps({"criteria": []})])
def test_a_broken_rubric_that_no_example_points_to_refuses_nothing_unless_asked_for(tmp_path: Path, draft: str) -> None:
    (tmp_path / "draft.rubric.json").write_text(draft, encoding="utf-8")
    path = folder(tmp_path, None, {})
    assert len(DatasetFile(path).load()) == 1
    assert all(line.startswith("draft.rubric.json ") for line in refusal(path, all_rubrics=True))


def test_two_rubrics_of_one_id_refuse_only_who_points_to_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.rubric.json").write_text(json.dumps(SOUND), encoding="utf-8")
    (tmp_path / "other.rubric.json").write_text(json.dumps({**SOUND, "id": "other"}), encoding="utf-8")
    assert len(DatasetFile(folder(tmp_path, None, {})).load()) == 1
    assert len(DatasetFile(folder(tmp_path, None, {}, rubric={"rubric_id": "other"})).load()) == 1
    (mistake,) = refusal(folder(tmp_path, None, {}, rubric={"rubric_id": "mine"}))
    assert mistake.startswith("b.rubric.json $.id: got 'mine', expected an id of its own, ")


def test_a_broken_rubric_that_an_example_points_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "draft.rubric.json").write_text(BROKEN, encoding="utf-8")
    lines = refusal(folder(tmp_path, None, {}, rubric={"rubric_id": "mine"}))
    assert [line.split(":")[0] for line in lines] == [
        "draft.rubric.json $.criteria",
        "examples.jsonl $.rubric_id",
    ]


def test_an_unreadable_rubric_is_told_where_some_example_finds_none(tmp_path: Path) -> None:
    (tmp_path / "cut.rubric.json").write_text("{", encoding="utf-8")
    (tmp_path / "other.rubric.json").write_text(json.dumps({**SOUND, "id": "other"}), encoding="utf-8")
    assert len(DatasetFile(folder(tmp_path, None, {}, rubric={"rubric_id": "other"})).load()) == 1
    first, second = refusal(folder(tmp_path, None, {}, rubric={"rubric_id": "mine"}))
    assert first.startswith("cut.rubric.json : not JSON")
    assert second.startswith("examples.jsonl $.rubric_id: got 'mine', expected the id of a rubric")


@pytest.mark.parametrize("ungraded", [0, 1, 20])
@pytest.mark.parametrize("beside", [1e12, 1e-9])
def test_no_number_of_an_answer_or_its_tags_is_infinite_or_nan(ungraded: int, beside: float) -> None:
    """Twenty ungraded criteria that may not apply are too many to enumerate: the outer bounds are computed."""
    criteria: list[dict[str, object]] = [
        {"criterion": f"deep {number}", "points": 1e-9, "may_not_apply": True, "tags": ["t"]} for number in range(20)
    ]
    for number in range(25):
        criteria = [
            {"points": 1e-9 if beside > 1 else 1e12, "children": criteria},
            {"criterion": f"beside {number}", "points": beside},
            {"criterion": f"fault {number}", "points": -1e12, "tags": ["t"]},
        ]
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
    for met in (0.0, 1.0):
        states: list[LeafState] = [UNGRADED if number < ungraded else met for number in range(len(plan.points))]
        answer = score_answer(plan, states)
        tag = answer.tags["t"]
        numbers = [answer.score, answer.low, answer.high, answer.coverage, answer.judged_only]
        numbers += [tag.score, tag.low, tag.high, tag.coverage, tag.judged_only]
        assert all(abs(number) < 1e100 for number in numbers if number is not None), numbers


def test_a_tag_whose_weights_are_too_far_apart_for_a_double_has_no_score() -> None:
    criteria: list[dict[str, object]] = [{"criterion": "deep", "points": 1, "tags": ["t"]}]
    for number in range(15):
        criteria = [{"points": 1e-9, "children": criteria}, {"criterion": f"beside {number}", "points": 1e12}]
    criteria.append({"criterion": "fault", "points": -1e12, "tags": ["t"]})
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
    answer = score_answer(plan, [1.0] * len(plan.points))
    assert (answer.score, answer.tags["t"].score) == (pytest.approx(0.0), None)


def test_a_circle_that_is_entered_from_outside_is_told_at_its_own_first_criterion() -> None:
    pairs = [("outside", "b"), ("a", "b"), ("b", "a")]
    criteria = [
        {"id": name, "criterion": "x", "points": 1, "depends_on": {"criterion": on, "when": "met"}}
        for name, on in pairs
    ]
    with pytest.raises(ValueError, match=r"circle of conditions \(a → b → a\)"):
        Rubric.model_validate({"id": "r", "criteria": criteria})


def test_a_pattern_for_keys_takes_linear_time(tmp_path: Path) -> None:
    schema = {"patternProperties": {"^(a+)+$": False}}
    started = time.perf_counter()
    assert len(DatasetFile(folder(tmp_path, schema, {"a" * 40 + "!": 1})).load()) == 1
    assert time.perf_counter() - started < 5
