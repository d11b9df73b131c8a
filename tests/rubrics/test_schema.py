"""The published JSON Schemas and the models refuse the same documents, apart from rules between fields."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from rubrics import Answer, DatasetInfo, Example, Model, Rubric
from rubrics.formats.healthbench import HealthBenchRow
from rubrics.formats.paperbench import PaperBenchNode
from tests.rubrics.strategies import answer_documents, example_documents, rubric_documents

SCHEMAS = {
    model: Draft202012Validator(model.model_json_schema(by_alias=True))
    for model in (Rubric, Example, Answer, DatasetInfo)
}
SLOW = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def both_accept(model: type[BaseModel], document: Any) -> bool:
    """Whether schema and model accept a document; they must agree."""
    by_schema = SCHEMAS[model].is_valid(document)
    try:
        model.model_validate(document)
        by_model = True
    except ValidationError:
        by_model = False
    assert by_schema == by_model, f"schema accepts: {by_schema}, model accepts: {by_model}"
    return by_model


# What a value of each kind cannot be. None is in the list where null is not one way of leaving the field out.
NOT_TEXT: list[Any] = [5, True, [], {}, ["x"]]
NOT_WRITTEN = [*NOT_TEXT, "", " ", "\t\n"]
NOT_AN_ID = [*NOT_TEXT, None, "", "a\tb", "\x00", "a" * 513]
NOT_A_TAG = NOT_AN_ID
NOT_A_CRITERION_ID = [*NOT_TEXT, None, "", "a b", "ä", "a/b", "a" * 129]
NOT_A_NUMBER: list[Any] = ["5", True, False, [], {}, None]
NOT_WHOLE = [*NOT_A_NUMBER, 2.5, -1, 2**31]
NOT_A_BOOL: list[Any] = [0, 1, "true", [], None]
NOT_A_LIST: list[Any] = [{}, "x", 5, None]
NOT_AN_OBJECT: list[Any] = [[], "x", 5, None]
NOT_A_CHOICE: list[Any] = ["nope", "", 5, None, []]

WRONG: dict[str, dict[str, list[Any]]] = {
    "rubric": {
        "$schema": NOT_TEXT,
        "id": NOT_AN_ID,
        "title": NOT_TEXT,
        "domain": NOT_TEXT,
        "version": [*NOT_WRITTEN, None],
        "guidelines": NOT_TEXT,
        "criteria": [*NOT_A_LIST, [], ["x"], [None], [[]]],
        "scoring": NOT_AN_OBJECT,
        "judging": NOT_AN_OBJECT,
        "lint": NOT_AN_OBJECT,
        "metadata": NOT_AN_OBJECT,
    },
    "leaf": {
        "id": NOT_A_CRITERION_ID,
        "criterion": [*NOT_WRITTEN, None],
        "points": [*NOT_A_NUMBER, 0, 0.0, -0.0],
        "tags": [*NOT_A_LIST, *([tag] for tag in NOT_A_TAG)],
        "scale": [*NOT_AN_OBJECT, {}, {"type": "likert"}, {"type": None}, {"options": []}],
        "check": [[], "x", 5, {}, {"max_word": 5}, {"min_words": 1, "max_words": 5}],
        "evidence": NOT_A_CHOICE,
        "gate": [[], "x", 5, {}],
        "depends_on": [[], "x", 5, {}],
        "may_not_apply": NOT_A_BOOL,
        "rationale": NOT_TEXT,
        "source": NOT_TEXT,
        "metadata": NOT_AN_OBJECT,
    },
    "group": {
        "id": NOT_A_CRITERION_ID,
        "title": NOT_TEXT,
        "points": [*NOT_A_NUMBER, 0, -0.0, -5],
        "children": [*NOT_A_LIST, [], ["x"]],
        "metadata": NOT_AN_OBJECT,
    },
    "binary": {},
    "options": {"options": [*NOT_A_LIST, [], [{"label": "x", "credit": 1}]]},
    "option": {"label": [*NOT_WRITTEN, None], "credit": ["1", True, [], -0.1, 1.5], "description": NOT_TEXT},
    "number": {"min": NOT_A_NUMBER, "max": NOT_A_NUMBER},
    "count": {"max_count": [*NOT_WHOLE, 0]},
    "check": {
        "contains": NOT_WRITTEN,
        "not_contains": NOT_WRITTEN,
        "contains_any": [{}, "x", 5, [], [""], [5]],
        "contains_all": [{}, "x", 5, [], [""], [5]],
        "regex": NOT_WRITTEN,
        "min_words": [value for value in NOT_WHOLE if value is not None],
        "max_words": [value for value in NOT_WHOLE if value is not None],
    },
    "gate": {"when": NOT_A_CHOICE, "cap": NOT_A_NUMBER},
    "depends_on": {"criterion": NOT_A_CRITERION_ID, "when": NOT_A_CHOICE},
    "scoring": {
        "normalize": NOT_A_CHOICE,
        "clip": NOT_A_CHOICE,
        "all_negative": NOT_A_CHOICE,
        "min_coverage": [*NOT_A_NUMBER, -0.1, 2],
        "consensus": NOT_A_CHOICE,
    },
    "judging": {"show_points": NOT_A_BOOL, "empty_answer": NOT_A_CHOICE},
    "lint": {"ignore": [*NOT_A_LIST, [""], [5]]},
    "example": {
        "id": NOT_AN_ID,
        "prompt": [5, True, {}, None, [], ["x"]],
        "rubric": NOT_AN_OBJECT,
        "rubric_id": [5, True, [], "", "a\tb"],
        "tags": [*NOT_A_LIST, *([tag] for tag in NOT_A_TAG)],
        "references": [*NOT_A_LIST, [5], [None]],
        "canary": NOT_TEXT,
        "metadata": NOT_AN_OBJECT,
    },
    "message": {"role": NOT_A_CHOICE, "content": [*NOT_TEXT, None]},
    "answer": {
        "example_id": NOT_AN_ID,
        "model": NOT_AN_ID,
        "text": [*NOT_TEXT, None],
        "sample": NOT_WHOLE,
        "metadata": NOT_AN_OBJECT,
    },
}
REQUIRED = {
    "rubric": ("id", "criteria"),
    "leaf": ("criterion", "points"),
    "group": ("points", "children"),
    "binary": ("type",),
    "options": ("type", "options"),
    "option": ("label",),
    "number": ("type", "min", "max"),
    "count": ("type", "max_count"),
    "gate": ("when", "cap"),
    "depends_on": ("criterion", "when"),
    "example": ("id", "prompt", "rubric"),
    "message": ("role", "content"),
    "answer": ("example_id", "model", "text"),
}


@dataclass(frozen=True)
class Site:
    """One object of a document, where something can be spoilt."""

    kind: str
    value: dict[str, Any]


def sites(document: dict[str, Any], kind: str) -> Iterator[Site]:
    """Every object of a document, outermost first."""
    yield Site(kind, document)
    if kind == "example":
        yield from sites(document["rubric"], "rubric")
        if isinstance(document["prompt"], list):
            for message in document["prompt"]:
                yield Site("message", message)
    for name in ("scoring", "judging", "lint"):
        if kind == "rubric" and name in document:
            yield Site(name, document[name])
    for node in document.get("criteria" if kind == "rubric" else "children", []):
        yield from sites(node, "group" if "children" in node else "leaf")
    if kind == "leaf":
        for name in ("gate", "depends_on", "check"):
            if name in document:
                yield Site(name, document[name])
        scale = document.get("scale", {"type": "binary"})
        if "scale" in document:
            yield Site("options" if "options" in scale else scale["type"], scale)
        for option in scale.get("options", []):
            yield Site("option", option)


def spoil(draw: st.DrawFn, site: Site) -> str:
    """Make one thing wrong at a site, and say what."""
    kinds = ["an unknown field"]
    if site.kind in REQUIRED:
        kinds.append("a missing field")
    if WRONG[site.kind]:
        kinds.append("a wrong value")
    what = draw(st.sampled_from(kinds))
    if what == "an unknown field":
        name = draw(st.sampled_from(["point", "Criterion", "x", "", "$id", "comment"]))
        site.value[name] = draw(st.sampled_from([None, 1, "x", {}]))
    elif what == "a missing field":
        name = draw(st.sampled_from(REQUIRED[site.kind]))
        del site.value[name]
    else:
        # In a check a second rule would be wrong as such, so the rule that is there is spoilt.
        names = list(site.value) if site.kind == "check" else list(WRONG[site.kind])
        name = draw(st.sampled_from(names))
        site.value[name] = draw(st.sampled_from(WRONG[site.kind][name]))
    return f"{what}: {site.kind}.{name}"


@st.composite
def spoilt(draw: st.DrawFn, documents: st.SearchStrategy[dict[str, Any]], kind: str) -> tuple[Any, str]:
    """A right document in which one thing was made wrong, and what it was."""
    document = copy.deepcopy(draw(documents))
    site = draw(st.sampled_from(list(sites(document, kind))))
    return document, spoil(draw, site)


@SLOW
@given(rubric_documents())
def test_schema_and_model_accept_every_right_rubric(document: dict[str, Any]) -> None:
    assert both_accept(Rubric, document)


@settings(SLOW, max_examples=120)
@given(spoilt(rubric_documents(), "rubric"))
def test_schema_and_model_refuse_a_rubric_with_one_thing_wrong(case: tuple[Any, str]) -> None:
    assert not both_accept(Rubric, case[0]), case[1]


@SLOW
@given(example_documents())
def test_schema_and_model_accept_every_right_example(document: dict[str, Any]) -> None:
    assert both_accept(Example, document)


@SLOW
@given(spoilt(example_documents(), "example"))
def test_schema_and_model_refuse_an_example_with_one_thing_wrong(case: tuple[Any, str]) -> None:
    assert not both_accept(Example, case[0]), case[1]


@SLOW
@given(answer_documents())
def test_schema_and_model_accept_every_right_answer(document: dict[str, Any]) -> None:
    assert both_accept(Answer, document)


@SLOW
@given(spoilt(answer_documents(), "answer"))
def test_schema_and_model_refuse_an_answer_with_one_thing_wrong(case: tuple[Any, str]) -> None:
    assert not both_accept(Answer, case[0]), case[1]


MINIMAL = {"id": "r", "criteria": [{"criterion": "Asks", "points": 1}]}


@pytest.mark.parametrize("field", WRONG["rubric"])
def test_every_wrong_value_of_a_rubric_is_refused_by_both(field: str) -> None:
    for value in WRONG["rubric"][field]:
        assert not both_accept(Rubric, {**MINIMAL, field: value}), value


@pytest.mark.parametrize("field", WRONG["leaf"])
def test_every_wrong_value_of_a_criterion_is_refused_by_both(field: str) -> None:
    for value in WRONG["leaf"][field]:
        assert not both_accept(Rubric, {"id": "r", "criteria": [{"criterion": "Asks", "points": 1, field: value}]}), (
            value
        )


@pytest.mark.parametrize(
    "given_rubric", [{"rubric": MINIMAL, "rubric_id": "r"}, {}, {"rubric": None}, {"rubric_id": 5}]
)
def test_an_example_has_exactly_one_of_rubric_and_rubric_id(given_rubric: dict[str, Any]) -> None:
    assert not both_accept(Example, {"id": "e", "prompt": "Hello", **given_rubric})


def test_the_schema_accepts_a_rubric_by_id_as_the_model_does_where_it_knows_the_rubric() -> None:
    document = {"id": "e", "prompt": "Hello", "rubric_id": "r"}
    assert SCHEMAS[Example].is_valid(document)
    rubric = Rubric.model_validate(MINIMAL)
    assert Example.model_validate(document, context={"rubrics": {"r": rubric}}).rubric == rubric


@pytest.mark.parametrize("model", SCHEMAS)
def test_a_published_schema_is_a_schema(model: type[BaseModel]) -> None:
    Draft202012Validator.check_schema(model.model_json_schema(by_alias=True))


def public_models(model: type[BaseModel] = Model) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        if child.__module__.startswith("rubrics.") and not child.__name__.startswith("_"):
            yield child
        yield from public_models(child)


def test_every_public_field_has_a_description() -> None:
    models = {*public_models(), HealthBenchRow, PaperBenchNode}
    assert {"Rubric", "Criterion", "OrdinalScale", "Example", "Answer"} <= {model.__name__ for model in models}
    without = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not (field.description or "").endswith(".")
    ]
    assert without == []


def test_every_public_model_says_what_it_is() -> None:
    assert [model.__name__ for model in public_models() if not (model.__doc__ or "").strip()] == []


@pytest.mark.parametrize("model", SCHEMAS)
def test_an_editor_has_a_description_for_every_property(model: type[BaseModel]) -> None:
    schema = model.model_json_schema(by_alias=True)
    for name, object_schema in {model.__name__: schema, **schema.get("$defs", {})}.items():
        for field, value in object_schema.get("properties", {}).items():
            target = schema.get("$defs", {}).get(value.get("$ref", "").rpartition("/")[2], {})
            assert value.get("description") or target.get("description"), f"{name}.{field}"
