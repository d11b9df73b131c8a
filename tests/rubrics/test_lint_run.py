"""Lint as a whole: what it returns, what silences it, what the prompt gives away, and how long it takes."""

import ast
import time
from pathlib import Path
from typing import Any

import pytest

from rubrics import LINT_RULES, Example, Rubric, lint_example, lint_rubric

ROOT = Path(__file__).resolve().parents[2]
BAD = {
    "id": "r",
    "criteria": [
        {"id": "rest", "criterion": "Gives good advice", "points": 5},
        {"id": "drug", "criterion": "Names the drug and the dose", "points": 5},
        {"id": "rude", "criterion": "Fails to greet the reader", "points": 2},
        {"id": "fault", "criterion": "Invents a source", "points": -3},
    ],
}


def codes(**fields: Any) -> list[str]:
    return [advice.code for advice in lint_rubric(Rubric.model_validate({**BAD, **fields}))]


def test_advice_comes_in_reading_order_with_its_place_reason_and_fix() -> None:
    found = lint_rubric(Rubric.model_validate(BAD))
    assert [(advice.code, advice.path) for advice in found] == [
        ("vague", "$.criteria[0].criterion"),
        ("compound", "$.criteria[1].criterion"),
        ("sign", "$.criteria[2].points"),
    ]
    assert all(advice.message and advice.fix and "\n" not in advice.message + advice.fix for advice in found)


def test_a_code_silences_everywhere_and_a_code_with_an_id_there() -> None:
    assert codes(lint={"ignore": ["vague"]}) == ["compound", "sign"]
    assert codes(lint={"ignore": ["compound:drug", "vague:drug"]}) == ["vague", "sign"]


def test_an_ignored_code_that_does_not_exist_is_told_with_the_likely_one() -> None:
    rubric = Rubric.model_validate({**BAD, "lint": {"ignore": ["Compund", "vague:rset", "sign"]}})
    unknown = [advice for advice in lint_rubric(rubric) if advice.code == "unknown-ignore"]
    assert [advice.path for advice in unknown] == ["$.lint.ignore[0]", "$.lint.ignore[1]"]
    assert "did you mean 'compound'?" in unknown[0].message
    assert "did you mean 'rest'?" in unknown[1].message


def test_advice_that_is_off_speaks_when_all_is_asked_for() -> None:
    rubric = Rubric.model_validate({"id": "r", "criteria": [{"criterion": "Names Rome", "points": 50}]})
    assert not LINT_RULES["points-range"].on
    assert lint_rubric(rubric) == ()
    assert [advice.code for advice in lint_rubric(rubric, all_advice=True)] == ["points-range"]


def example(prompt: str, criterion: str, *, points: float = 4, **fields: Any) -> Example:
    other = {"criterion": "Invents a source", "points": -3}
    rubric = {"id": "r", "criteria": [{"criterion": criterion, "points": points, **fields}, other]}
    if points < 0:
        rubric["criteria"].append({"criterion": "Names Rome", "points": 2})  # type: ignore[attr-defined]  # a list
    return Example.model_validate({"id": "e", "prompt": prompt, "rubric": rubric})


GIVEN = "My fever rose to 39.5 after the second dose of amoxicillin. What now?"


def test_points_for_what_the_question_says_are_told() -> None:
    found = lint_example(example(GIVEN, "Notes that the fever rose after the second dose of amoxicillin"))
    assert [(advice.code, advice.path) for advice in found] == [("given-away", "$.criteria[0].criterion")]
    named = lint_example(example(GIVEN, "Names the antibiotic", check={"contains_any": ["penicillin", "amoxicillin"]}))
    assert "'amoxicillin'" in named[0].message


@pytest.mark.parametrize(
    ("prompt", "criterion", "fields"),
    [
        (GIVEN, "Says that a fever after the second dose may be an allergy", {}),
        (GIVEN, "Asks whether the fever rose after the second dose of amoxicillin", {}),
        (GIVEN, "Repeats that the fever rose after the second dose of amoxicillin", {}),
        ("Is ringworm on the scalp contagious to children?", "States that ringworm on the scalp is contagious", {}),
        (GIVEN, "Names a sign of allergy", {"check": {"contains_any": ["rash", "hives"]}}),
        (GIVEN, "Stays short", {"check": {"max_words": 90}}),
        (GIVEN, "Gives the name of the drug as she wrote it", {"check": {"contains": "amoxicillin"}}),
        (GIVEN, "Says that the fever rose after the second dose of amoxicillin", {"points": -4}),
    ],
)
def test_what_the_answer_has_to_add_is_left_alone(prompt: str, criterion: str, fields: dict[str, Any]) -> None:
    assert lint_example(example(prompt, criterion, **fields)) == ()


def test_what_the_material_in_a_prompt_says_is_told_only_when_asked_for() -> None:
    long = example(GIVEN + " word" * 200, "Notes that the fever rose after the second dose of amoxicillin")
    assert lint_example(long) == ()
    assert [advice.code for advice in lint_example(long, all_advice=True)] == ["in-source"]


def test_advice_about_the_prompt_is_silenced_like_any_other() -> None:
    loud = example(GIVEN, "Notes that the fever rose after the second dose of amoxicillin")
    quiet = loud.rubric.model_dump(mode="json", exclude_unset=True) | {"lint": {"ignore": ["given-away:c1"]}}
    assert lint_example(Example.model_validate({"id": "e", "prompt": GIVEN, "rubric": quiet})) == ()


def test_lint_is_pure() -> None:
    worldly = {"os", "pathlib", "time", "datetime", "logging", "random", "socket", "asyncio", "io", "sys"}
    for path in (ROOT / "rubrics" / "lint").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not worldly & {name.split(".")[0] for name in names}, path
            assert not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"), path


def test_a_rubric_of_fifteen_criteria_takes_five_milliseconds() -> None:
    text = "Explains that the deposit must be protected within thirty days, and names what the court can order ({})"
    rubric = Rubric.model_validate(
        {"id": "r", "criteria": [{"criterion": text.format(index), "points": index} for index in range(1, 16)]}
    )
    assert min(_seconds(rubric) for _ in range(10)) <= 0.005


def test_time_grows_with_the_criteria_and_with_their_length() -> None:
    few, many = (
        Rubric.model_validate(
            {
                "id": "r",
                "criteria": [
                    {"criterion": f"Names thing {i} of kind {i % 97} in part {i % 13}", "points": 1} for i in range(n)
                ],
            }
        )
        for n in (300, 3000)
    )
    assert min(_seconds(many) for _ in range(2)) <= 25 * min(_seconds(few) for _ in range(3))
    for text in ("says to " + "do this that " * 40_000, "Recommends doing " + "x, " * 40_000, "(" * 50_000):
        long = Rubric.model_validate({"id": "r", "criteria": [{"criterion": text, "points": 1}]})
        assert _seconds(long) <= 0.5


def _seconds(rubric: Rubric) -> float:
    start = time.process_time()
    lint_rubric(rubric)
    return time.process_time() - start
