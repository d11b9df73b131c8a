"""What the calls of one answer share, and the order inside a call of several criteria."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest

from graders import GraderCard, Judgment, cell_keys, grade_async, plan_calls
from graders.model import ModelGrader
from graders.rubric_digest import RubricDigest
from rubrics import Answer, Example
from tests.graders.fake_endpoint import FakeEndpoint, Scripted, json_lines, verdicts
from tests.graders.test_model_dialects import message

WORDS = (
    "the patient should rest drink water see a doctor when fever stays above thirty nine degrees for two days".split()
)
# HealthBench's answers have about 2,000 characters, its criteria about 150, and about eleven of them go with an answer.
LONG = " ".join(WORDS[number * 7 % len(WORDS)] for number in range(350))
CRITERIA: list[dict[str, Any]] = [
    {
        "id": f"k{number}",
        "criterion": f"Says in point {number} that {LONG[number * 11 : number * 11 + 130]}",
        "points": 1,
    }
    for number in range(11)
]


def example_of(criteria: list[dict[str, Any]] = CRITERIA) -> Example:
    rubric = {"id": "r", "criteria": criteria, "guidelines": "Judge what the answer says."}
    return Example.model_validate({"id": "e", "prompt": "My child has a fever. " * 5, "rubric": rubric})


def unmet_all(body: dict[str, Any]) -> Scripted:
    content = body["messages"][0 if "system" in body else -1]["content"]
    text = content if isinstance(content, str) else "".join(block["text"] for block in content)
    asked = json_lines([{"role": "user", "content": text}])[1]["criteria"]
    entries = [{"criterion": entry["id"], "met": False, "explanation": entry["criterion"]} for entry in asked]
    if "system" in body:
        return message(json.dumps({"verdicts": entries}))
    return verdicts(*entries)


def graded(
    endpoint: FakeEndpoint, *, repeats: int = 1, example: Example | None = None, **options: Any
) -> list[Judgment]:
    example = example or example_of()
    answers = [Answer(example_id="e", model=model, text=f"{model}: {LONG}") for model in ("m0", "m1")]

    async def run() -> list[Judgment]:
        async with endpoint:
            grader = ModelGrader("judge", base_url=endpoint.base_url, **options)
            return list(await grade_async([example], answers, grader, repeats=repeats))

    return asyncio.run(run())


def shared(one: bytes, other: bytes) -> int:
    """How many bytes two requests have in common from the beginning."""
    return next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize(("per_call", "least"), [(1, 0.9), (3, 0.8)])
def test_of_each_later_request_nine_tenths_repeat_the_one_before_and_less_only_where_more_is_asked(
    dialect: str, per_call: int, least: float
) -> None:
    endpoint = FakeEndpoint(answer=unmet_all)
    graded(endpoint, dialect=dialect, criteria_per_call=per_call, repeats=2)
    for model in (b"m0: ", b"m1: "):
        bodies = [body[: body.rindex(b'"temperature"')] for body in endpoint.bodies if model in body]
        assert len(bodies) == 2 * -(-11 // per_call)
        for before, body in itertools.pairwise(bodies):
            assert shared(before, body) >= least * len(body)


def test_the_first_call_of_an_answer_is_back_before_its_others_go_out() -> None:
    back: set[str] = set()
    ahead: list[str] = []

    def reply(body: dict[str, Any]) -> Scripted:
        answer = json_lines(body["messages"])[0]["answer"][:2]
        if answer not in back:
            ahead.append(answer)
        scripted = unmet_all(body)
        back.add(answer)
        return scripted

    graded(FakeEndpoint(answer=reply))
    assert sorted(ahead) == ["m0", "m1"]


# --- the order inside a call ---


def order_of(judgments: list[Judgment], model: str, repeat: int) -> list[str]:
    chosen = [judgment for judgment in judgments if (judgment.model, judgment.repeat) == (model, repeat)]
    return [j.criterion_id for j in sorted(chosen, key=lambda judgment: judgment.metadata["call"]["position"])]


def test_the_order_inside_a_call_is_recorded_as_it_was_asked_the_same_each_time_and_another_each_repeat() -> None:
    endpoint = FakeEndpoint(answer=unmet_all)
    judgments = graded(endpoint, criteria_per_call=None, repeats=2)
    wording = {row["id"]: row["criterion"] for row in CRITERIA}
    asked = [
        [entry["criterion"] for entry in json_lines(body["messages"])[1]["criteria"]] for body in endpoint.requests
    ]
    orders = [order_of(judgments, model, repeat) for model in ("m0", "m1") for repeat in (0, 1)]
    assert sorted([wording[name] for name in order] for order in orders) == sorted(asked)
    assert orders[0] == orders[2] != orders[1] == orders[3]
    assert orders[0] != sorted(orders[0], key=list(wording).index)
    assert all(judgment.metadata["call"]["of"] == 11 for judgment in judgments)
    assert all(judgment.explanation == wording[judgment.criterion_id] for judgment in judgments), "each its own verdict"
    again = graded(FakeEndpoint(answer=unmet_all), criteria_per_call=None, repeats=2)
    assert order_of(again, "m0", 1) == orders[1]


def test_one_criterion_a_call_has_no_order_to_record() -> None:
    assert all("call" not in judgment.metadata for judgment in graded(FakeEndpoint(answer=unmet_all)))


def keys(criteria: list[dict[str, Any]], repeat: int, per_call: int | None) -> dict[str, str]:
    rubric = RubricDigest.of(example_of(criteria).rubric)
    card = GraderCard.of(ModelGrader("m", base_url="http://h/v1", criteria_per_call=per_call))
    calls = plan_calls(rubric, card, repeat)
    return {name: key for call in calls for name, key in cell_keys(rubric, call, "hash", card.fingerprint).items()}


def test_who_stands_beside_a_criterion_and_in_which_order_is_part_of_its_key() -> None:
    changed = [{**CRITERIA[0], "criterion": "Says something else"}, *CRITERIA[1:]]
    together, other_order, other_call = (keys(*how, None) for how in ((CRITERIA, 0), (CRITERIA, 1), (changed, 0)))
    assert all(together[name] != other_order[name] for name in together)
    assert all(together[name] != other_call[name] for name in together)
    alone, changed_alone = keys(CRITERIA, 0, 1), keys(changed, 0, 1)
    assert [name for name in alone if alone[name] != changed_alone[name]] == ["k0"]
    assert keys(CRITERIA, 1, 1) == alone, "alone, a criterion is asked the same way in every repeat"
