"""The rubric: ids, the tree's order, hashes, and that every mistake is found at once."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rubrics import Criterion, Group, Mistakes, Rubric, canonical_json, criterion_hash, parse_row
from tests.rubrics.strategies import criteria, nodes_of, rubric_documents, rubrics, texts

SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

TREE: dict[str, Any] = {
    "id": "headache",
    "criteria": [
        {"criterion": "Asks when the pain began", "points": 5},
        {
            "points": 6,
            "children": [
                {"criterion": "Asks about medicines", "points": 1},
                {"points": 2, "children": [{"criterion": "Asks about doses", "points": 1}]},
                {"id": "allergy", "criterion": "Asks about allergies", "points": 1},
            ],
        },
        {"criterion": "Names a drug", "points": -3},
        {"points": 1, "children": [{"criterion": "Says goodbye", "points": 1}]},
    ],
}


def rubric_of(*criteria: dict[str, Any], **fields: Any) -> Rubric:
    return Rubric.model_validate({"id": "r", "criteria": list(criteria), **fields})


def messages(document: Any) -> list[str]:
    mistakes = Mistakes()
    parse_row(Rubric, document, mistakes, file="r.json", line=None)
    return [str(mistake) for mistake in mistakes]


# Ids and order


def test_unnamed_criteria_are_counted_among_all_criteria_depth_first() -> None:
    assert [leaf.id for leaf in Rubric.model_validate(TREE).leaves] == ["c1", "c2", "c3", "allergy", "c5", "c6"]


def test_unnamed_groups_are_counted_among_all_groups_depth_first() -> None:
    rubric = Rubric.model_validate(TREE)
    leaf = rubric.leaf_by_id["c3"]
    assert [group.id for group in leaf.groups] == ["g1", "g2"]
    assert [group.id for group in rubric.leaf_by_id["c6"].groups] == ["g3"]


def test_a_leaf_knows_its_path_in_the_file() -> None:
    rubric = Rubric.model_validate(TREE)
    assert rubric.leaf_by_id["c3"].path == "$.criteria[1].children[1].children[0]"
    assert rubric.leaf_by_id["c5"].path == "$.criteria[2]"


@SLOW
@given(rubric_documents())
def test_leaves_are_the_file_s_criteria_in_its_order(document: dict[str, Any]) -> None:
    rubric = Rubric.model_validate(document)
    written = [node for node in nodes_of(document["criteria"]) if "children" not in node]
    assert [leaf.criterion.criterion for leaf in rubric.leaves] == [node["criterion"] for node in written]
    assert [leaf.id for leaf in rubric.leaves] == [
        node.get("id", f"c{number}") for number, node in enumerate(written, start=1)
    ]
    assert list(rubric.leaf_by_id.values()) == list(rubric.leaves)
    for leaf in rubric.leaves:
        found: Any = document
        for part in leaf.path.removeprefix("$.").replace("]", "").replace("[", ".").split("."):
            found = found[int(part)] if part.isdigit() else found[part]
        assert found["criterion"] == leaf.criterion.criterion


@SLOW
@given(rubrics())
def test_a_rubric_written_and_read_again_is_the_same(rubric: Rubric) -> None:
    again = Rubric.model_validate(json.loads(json.dumps(rubric.as_json())))
    assert again == rubric
    assert again.content_hash == rubric.content_hash
    assert again.criterion_hashes == rubric.criterion_hashes


def test_what_was_not_written_is_not_written_back() -> None:
    document = {"id": "r", "criteria": [{"criterion": "Asks", "points": 5}]}
    written = {"id": "r", "criteria": [{"id": "c1", "criterion": "Asks", "points": 5}]}
    assert Rubric.model_validate(document).as_json() == written


def test_points_stay_as_they_were_written() -> None:
    rubric = rubric_of({"criterion": "Asks", "points": 5}, {"criterion": "Names", "points": 2.5})
    assert [repr(leaf.criterion.points) for leaf in rubric.leaves] == ["5", "2.5"]


def test_a_rubric_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        rubric_of({"criterion": "Asks", "points": 5}).title = "New"  # type: ignore[misc]


def test_criteria_may_be_objects_of_the_library() -> None:
    group = Group(points=2, children=(Criterion(criterion="Names", points=1),))
    rubric = Rubric(id="r", criteria=(Criterion(criterion="Asks", points=5), group))
    assert [leaf.id for leaf in rubric.leaves] == ["c1", "c2"]
    assert rubric == rubric_of(
        {"criterion": "Asks", "points": 5}, {"points": 2, "children": [{"criterion": "Names", "points": 1}]}
    )


def test_only_negative_points_are_right_where_the_rubric_says_what_they_mean() -> None:
    assert rubric_of({"criterion": "Lies", "points": -5}, scoring={"all_negative": "one_minus"})


def test_raw_points_are_never_clipped() -> None:
    rubric = rubric_of({"criterion": "Asks", "points": 5}, scoring={"normalize": "sum"})
    assert rubric.scoring.clips == "none"
    assert rubric_of({"criterion": "Asks", "points": 5}).scoring.clips == "mean"


# Credits


def credits_of(scale: dict[str, Any]) -> tuple[float, ...]:
    return rubric_of({"criterion": "Asks", "points": 5, "scale": scale}).leaves[0].criterion.scale.credits  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("labels", "credits"), [("ab", (0, 1)), ("abc", (0, 0.5, 1)), ("abcde", (0, 0.25, 0.5, 0.75, 1))]
)
def test_an_ordinal_scale_spaces_its_credits_evenly(labels: str, credits: tuple[float, ...]) -> None:
    assert credits_of({"type": "ordinal", "options": [{"label": label} for label in labels]}) == credits


def test_a_scale_s_own_credits_are_kept_in_the_order_of_its_options() -> None:
    options = [{"label": "a", "credit": 1}, {"label": "b", "credit": 0}, {"label": "c", "credit": 0.3}]
    assert credits_of({"type": "nominal", "options": options}) == (1, 0, 0.3)


# Hashes

LEAF: dict[str, Any] = {"id": "onset", "criterion": "Asks when the pain began", "points": 5}
SCALE = {"type": "ordinal", "options": [{"label": "no"}, {"label": "yes"}]}


def test_a_criterion_s_hash_is_what_the_contract_says() -> None:
    rubric = rubric_of({**LEAF, "scale": SCALE, "points": 5}, guidelines="Read twice.")
    seen = {
        "check": None,
        "criterion": "Asks when the pain began",
        "evidence": "optional",
        "guidelines": "Read twice.",
        "may_not_apply": False,
        "scale": SCALE,
    }
    text = json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert rubric.criterion_hashes == {"onset": hashlib.sha256(text.encode()).hexdigest()[:16]}
    assert rubric.criterion_hashes["onset"] == criterion_hash(rubric.leaves[0].criterion, "Read twice.")


@pytest.mark.parametrize(
    "change",
    [
        {"criterion": "Asks when the pain began."},
        {"scale": SCALE},
        {"scale": {"type": "count", "max_count": 3}},
        {"check": {"max_words": 250}},
        {"evidence": "required"},
        {"may_not_apply": True},
    ],
    ids=str,
)
def test_what_a_judge_sees_changes_the_criterion_s_hash(change: dict[str, Any]) -> None:
    before, after = rubric_of(LEAF), rubric_of({**LEAF, **change})
    assert before.criterion_hashes != after.criterion_hashes


@pytest.mark.parametrize(
    "scale",
    [
        {"type": "ordinal", "options": [{"label": "yes"}, {"label": "no"}]},
        {"type": "ordinal", "options": [{"label": "no", "credit": 0}, {"label": "yes", "credit": 1}]},
        {"type": "ordinal", "options": [{"label": "no", "description": "Never"}, {"label": "yes"}]},
        {"type": "nominal", "options": [{"label": "no", "credit": 0}, {"label": "yes", "credit": 1}]},
    ],
    ids=str,
)
def test_every_part_of_a_scale_changes_the_criterion_s_hash(scale: dict[str, Any]) -> None:
    before, after = rubric_of({**LEAF, "scale": SCALE}), rubric_of({**LEAF, "scale": scale})
    assert before.criterion_hashes != after.criterion_hashes


def test_guidelines_change_the_hash_of_every_criterion() -> None:
    before, after = Rubric.model_validate(TREE), Rubric.model_validate({**TREE, "guidelines": "Read twice."})
    assert all(before.criterion_hashes[name] != after.criterion_hashes[name] for name in before.criterion_hashes)


@pytest.mark.parametrize(
    "change",
    [
        {"points": -5},
        {"tags": ["axis:accuracy"]},
        {"gate": {"when": "unmet", "cap": 0}},
        {"depends_on": {"criterion": "other", "when": "met"}},
        {"rationale": "It matters."},
        {"source": "NICE CG150"},
        {"metadata": {"author": "A"}},
        {"scale": {"type": "binary"}},
        {"scale": None},
        {"check": None},
        {"evidence": "optional"},
        {"may_not_apply": False},
    ],
    ids=str,
)
def test_what_no_judge_sees_leaves_the_criterion_s_hash(change: dict[str, Any]) -> None:
    other = {"id": "other", "criterion": "Asks where it hurts", "points": 3}
    changed = {**LEAF, **{name: value for name, value in change.items() if value is not None}}
    before, after = rubric_of(LEAF, other), rubric_of(changed, other)
    assert before.criterion_hashes == after.criterion_hashes


def test_neither_the_id_nor_the_place_of_a_criterion_changes_its_hash() -> None:
    alone = rubric_of({"criterion": "Asks about doses", "points": 9}).criterion_hashes["c1"]
    assert Rubric.model_validate(TREE).criterion_hashes["c3"] == alone


def test_the_editor_s_schema_key_is_no_part_of_the_content() -> None:
    with_key = Rubric.model_validate({"$schema": "https://example.org/rubric.json", **TREE})
    assert with_key.content_hash == Rubric.model_validate(TREE).content_hash
    assert with_key.as_json()["$schema"] == "https://example.org/rubric.json"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "migraine"},
        {"title": "Headache"},
        {"version": "2"},
        {"guidelines": "Read twice."},
        {"scoring": {"clip": "answer"}},
        {"judging": {"show_points": True}},
        {"metadata": {"author": "A"}},
        {"criteria": TREE["criteria"][:-1]},
        {"criteria": TREE["criteria"][::-1]},
    ],
    ids=str,
)
def test_everything_that_a_rubric_says_changes_its_content_hash(change: dict[str, Any]) -> None:
    assert Rubric.model_validate({**TREE, **change}).content_hash != Rubric.model_validate(TREE).content_hash


def test_a_default_that_is_written_out_leaves_the_content_hash() -> None:
    written = {**TREE, "version": "1", "scoring": {"normalize": "positive"}, "metadata": {}}
    assert Rubric.model_validate(written).content_hash == Rubric.model_validate(TREE).content_hash


def test_names_given_by_position_hash_like_names_that_are_written() -> None:
    written = Rubric.model_validate(json.loads(json.dumps(Rubric.model_validate(TREE).as_json())))
    assert written.content_hash == Rubric.model_validate(TREE).content_hash


# Mistakes


def test_every_mistake_is_reported_at_once_in_reading_order() -> None:
    document = {
        "id": "r",
        "critera": [],
        "criteria": [
            {"criterion": "Asks", "points": 0, "depends_on": {"criterion": "nothing", "when": "met"}},
            {"points": 1, "children": [{"criterion": " ", "points": "1"}]},
        ],
        "scoring": {"min_coverage": 2},
    }
    assert messages(document) == [
        "r.json $.critera: unknown field 'critera', did you mean 'criteria'?",
        "r.json $.criteria[0].points: got 0, expected a number other than 0",
        "r.json $.criteria[0].depends_on.criterion: got 'nothing', expected the id of a criterion here (known: c1, c2)",
        "r.json $.criteria[1].children[0].criterion: got ' ', expected text that is not blank",
        "r.json $.criteria[1].children[0].points: got '1', expected a number without quotes",
        "r.json $.scoring.min_coverage: got 2, expected a share from 0 to 1",
    ]


def test_a_condition_may_name_a_criterion_by_its_position() -> None:
    assert rubric_of(
        {"criterion": "Asks", "points": 1},
        {"criterion": "Names", "points": 1, "depends_on": {"criterion": "c1", "when": "unmet"}},
    )


def test_several_conditions_on_one_criterion_are_no_circle() -> None:
    on_first = {"depends_on": {"criterion": "c1", "when": "met"}}
    on_second = {"depends_on": {"criterion": "c2", "when": "met"}}
    assert rubric_of(
        {"criterion": "A", "points": 1},
        {"criterion": "B", "points": 1, **on_first},
        {"criterion": "C", "points": 1, **on_first},
        {"criterion": "D", "points": 1, **on_second},
    )


def test_a_circle_is_reported_once_wherever_a_chain_enters_it() -> None:
    def leaf(name: str, on: str) -> dict[str, Any]:
        return {"id": name, "criterion": name, "points": 1, "depends_on": {"criterion": on, "when": "met"}}

    assert messages({"id": "r", "criteria": [leaf("a", "b"), leaf("b", "c"), leaf("c", "b")]}) == [
        "r.json $.criteria[1].depends_on.criterion: "
        "got a circle of conditions (b → c → b), expected one of them without a condition"
    ]


FIELDS = [
    *("id", "criteria", "criterion", "points", "children", "scale", "type", "options", "label", "credit"),
    *("min", "max", "max_count", "check", "regex", "contains_any", "gate", "when", "cap", "depends_on", "tags"),
    *("scoring", "normalize", "clip", "min_coverage", "lint", "ignore", "metadata", "evidence"),
]
WORDS = ["binary", "ordinal", "nominal", "number", "count", "met", "unmet", "sum", "c1", "g1", "(", "", "r"]
strange_json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=25,
)


@settings(SLOW, max_examples=150)
@given(st.dictionaries(st.sampled_from(FIELDS[:2]), strange_json, min_size=1) | strange_json)
def test_no_json_value_whatever_makes_a_traceback(value: Any) -> None:
    for message in messages(value):
        assert message.startswith("r.json ")
        assert "Input should" not in message and "\n" not in message


@given(criteria(), st.none() | texts)
def test_a_criterion_s_hash_is_that_of_canonical_json_whatever_it_says(
    row: dict[str, Any], guidelines: str | None
) -> None:
    criterion = Criterion.model_validate(row)
    seen = {
        "check": criterion.check.model_dump(mode="json", exclude_none=True) if criterion.check else None,
        "criterion": criterion.criterion,
        "evidence": criterion.evidence,
        "guidelines": guidelines,
        "may_not_apply": criterion.may_not_apply,
        "scale": criterion.scale.model_dump(mode="json", exclude_none=True),
    }
    assert criterion_hash(criterion, guidelines) == hashlib.sha256(canonical_json(seen)).hexdigest()[:16]
