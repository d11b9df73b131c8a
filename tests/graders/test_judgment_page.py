"""Pages of judgments give the models back, and the scores that the models give one by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders import Judgment, JudgmentPage, Scorer, ScoringOptions, pages_of
from rubrics import Answer, Example, answer_hash

RUBRIC = {
    "id": "r",
    "criteria": [
        {"id": "a", "criterion": "Names the drug", "points": 6},
        {"id": "b", "criterion": "Invents a dose", "points": -3, "gate": {"when": "met", "cap": 0.2}},
        {"id": "n", "criterion": "How many?", "points": 2, "scale": {"type": "number", "min": 0, "max": 4}},
        {"id": "k", "criterion": "Is short", "points": 1, "check": {"max_words": 3}},
    ],
}
EXAMPLES = [Example.model_validate({"id": name, "prompt": name, "rubric": RUBRIC}) for name in ("e0", "e1")]
PLAIN = Example.model_validate({"id": "p", "prompt": "p", "rubric": {"id": "p", "criteria": RUBRIC["criteria"][:2]}})
ASKED = [*EXAMPLES, PLAIN]
ANSWERS = [Answer(example_id=each.id, model="m", sample=n, text="word " * n) for each in ASKED for n in range(3)]
HASHES = {answer.key: answer_hash(ASKED[number // 3], answer) for number, answer in enumerate(ANSWERS)}


@st.composite
def judgments(draw: st.DrawFn) -> Judgment:
    """A judgment as a run's ledger holds it, with both hashes, seldom one that does not fit."""
    answer = draw(st.sampled_from(ANSWERS))
    example = next(each for each in ASKED if each.id == answer.example_id)
    criterion = draw(st.sampled_from(list(example.rubric.criterion_hashes)))
    status = draw(st.sampled_from(["judged", "judged", "judged", "abstained", "failed", "not_applicable"]))
    row: dict[str, Any] = {
        "example_id": answer.example_id,
        "model": "m",
        "sample": answer.sample,
        "criterion_id": criterion,
        "grader": draw(st.sampled_from("gh")),
        "grader_kind": draw(st.sampled_from(["model", "human"])),
        "status": status,
        "repeat": draw(st.integers(0, 2)),
        "criterion_hash": draw(st.sampled_from([example.rubric.criterion_hashes[criterion]] * 9 + ["0" * 16])),
        "answer_hash": draw(st.sampled_from([HASHES[answer.key]] * 9 + ["0" * 16])),
    }
    if status == "judged":
        row |= {"value": draw(st.integers(0, 5))} if criterion == "n" else {"met": draw(st.booleans())}
    if draw(st.booleans()):
        row["grader_fingerprint"] = draw(st.sampled_from(["f1", "f2"]))
    if status == "failed":
        row["failure"] = {"kind": "http", "message": "503"}
    if draw(st.integers(0, 5)) == 0:
        row |= {"ruling": True, "judged_at": "2026-11-25T02:00:00+00:00"}
    return Judgment.model_validate(row)


def scorer() -> Scorer:
    scorer = Scorer()
    for example in ASKED:
        scorer.add_example(example)
    for answer in ANSWERS:
        assert scorer.add_answer(answer) == []
    return scorer


def as_stored(judged: Sequence[Judgment]) -> JudgmentPage:
    """The page as a store gives it: what has a column is not in the bodies."""
    columns = [[getattr(each, name) for each in judged] for name in JudgmentPage.NAMES]
    bodies = [{k: v for k, v in each.as_json().items() if k not in JudgmentPage.NAMES} for each in judged]
    return JudgmentPage(columns, bodies)


def cell(judgment: Judgment) -> tuple[Any, ...]:
    return judgment.cell


@settings(max_examples=150, deadline=None)
@given(judged=st.lists(judgments(), min_size=1, max_size=30, unique_by=cell), policy=st.sampled_from(["mean", None]))
def test_a_page_is_scored_as_its_models_are(judged: list[Judgment], policy: Any) -> None:
    one_by_one, at_once = scorer(), scorer()
    problems = [(place, problem) for place, each in enumerate(judged) for problem in one_by_one.add_judgment(each)]
    assert list(at_once.add_page(as_stored(judged))) == problems
    options = ScoringOptions(consensus=policy)
    assert json.dumps(at_once.scores(options).as_json()) == json.dumps(one_by_one.scores(options).as_json())


@settings(max_examples=50, deadline=None)
@given(judged=st.lists(judgments(), max_size=10))
def test_pages_give_the_models_back(judged: list[Judgment]) -> None:
    for pages in (list(pages_of(judged)), [as_stored(judged)]):
        assert [each.as_json() for page in pages for each in page] == [each.as_json() for each in judged]


def test_what_was_not_set_is_not_set_in_the_model_that_comes_back() -> None:
    judgment = Judgment(
        example_id="e0", model="m", criterion_id="a", grader="g", grader_kind="model", status="judged", met=True
    )
    [page] = pages_of([judgment])
    assert [each.model_fields_set for each in page] == [judgment.model_fields_set]


def test_a_judgment_of_no_answer_is_named_by_its_place() -> None:
    known = {"criterion_id": "a", "grader": "g", "grader_kind": "model", "status": "judged", "met": True}
    page = as_stored([Judgment.model_validate({"example_id": name, "model": "m", **known}) for name in ("e0", "e9")])
    [(place, (path, message))] = scorer().add_page(page)
    assert (place, path) == (1, "$.example_id")
    assert "'e9'" in message


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
def test_every_model_is_on_one_page(count: int) -> None:
    known = {"criterion_id": "a", "grader": "g", "grader_kind": "model", "status": "judged", "met": True}
    row = {"example_id": "e0", "model": "m", **known}
    judged = [Judgment.model_validate({**row, "repeat": number}) for number in range(count)]
    assert [each.repeat for page in pages_of(judged) for each in page] == list(range(count))
