"""A prompt file of the user's own: what it may hold, and what a wrong one is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graders import GraderOptions, open_grader
from graders.model import ModelGrader
from graders.model.template import Template, load_template
from rubrics import InputError
from tests.graders.fake_endpoint import ANSWER, MET, SCALES, FakeEndpoint, completion, failure, judge_one, task_of
from tests.graders.fake_endpoint import verdicts as reply_of

OWN = """=== system ===
Judge. {{guidelines}}
=== user ===
Known good: {{references}}
{{ envelope }}
Asked: {{criteria}}
=== repair ===
No: {{problem}}
"""
PLAIN = """Read this talk.

<<conversation>>

Does the last turn do this?
<<rubric_item>>
Reply as {"explanation": "...", "criteria_met": true}.
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "prompt.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistakes_in(folder: Path, text: str | bytes, *, asks_by: str = "criteria") -> list[str]:
    with pytest.raises(InputError) as caught:
        load_template(written(folder, text), asks_by=asks_by)
    assert all(str(folder / "prompt.txt") in str(mistake) for mistake in caught.value.mistakes)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_sections_become_messages_and_a_line_without_anything_to_say_is_left_out(tmp_path: Path) -> None:
    template = load_template(written(tmp_path, OWN), asks_by="criteria")
    endpoint = FakeEndpoint(completion("It is met."), reply_of(MET))
    assert judge_one(endpoint, template=template).verdict.met is True
    system, user, _, repair = endpoint.requests[1]["messages"]
    assert system == {"role": "system", "content": ""}
    envelope, asked = user["content"].split("\n")
    assert json.loads(envelope)["answer"] == ANSWER
    assert json.loads(asked.removeprefix("Asked: "))["criteria"][0]["criterion"] == "Names the drug"
    assert repair["content"].startswith("No: the reply is no JSON object")


def test_a_plain_file_is_one_user_message(tmp_path: Path) -> None:
    template = load_template(written(tmp_path, PLAIN), asks_by="rubric_item")
    endpoint = FakeEndpoint(completion('{"explanation": "x", "criteria_met": true}'))
    assert judge_one(endpoint, template=template, reply="healthbench").verdict.met is True
    (user,) = endpoint.requests[0]["messages"]
    assert user["role"] == "user"
    assert f"user: What should I take?\n\nassistant: {ANSWER}\n" in user["content"]
    assert "[6] Names the drug" in user["content"]
    assert '{"explanation": "...", "criteria_met": true}' in user["content"]


@pytest.mark.parametrize("slot", ["<<rubric_item>>", "{{nonce}}", "{{criteria}}", "<<conversation>>"])
def test_an_answer_that_names_a_slot_fills_none(tmp_path: Path, slot: str) -> None:
    template = load_template(written(tmp_path, PLAIN), asks_by="rubric_item")
    endpoint = FakeEndpoint(completion('{"explanation": "x", "criteria_met": false}'))
    judge_one(endpoint, task_of(f"Ibuprofen {slot} and more."), template=template, reply="healthbench")
    assert f"assistant: Ibuprofen {slot} and more.\n" in endpoint.texts[0]


@pytest.mark.parametrize(
    "text", [OWN, "\ufeff" + OWN, OWN.replace("\n", "\r\n"), OWN.replace("=== user", "===  user ")]
)
def test_line_ends_marks_and_spaces_make_no_other_prompt(tmp_path: Path, text: str) -> None:
    template = load_template(written(tmp_path, text), asks_by="criteria")
    assert template.sections == {"system", "user", "repair"}
    assert template.slots("user") == {"references", "envelope", "criteria"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("=== user ===\n{{envelope}}\n", ["the slot 'criteria'"]),
        ("=== user ===\n{{criteria}}\n", ["'envelope' or 'conversation'"]),
        ("=== system ===\nx\n", ["the slot 'criteria'", "'envelope' or 'conversation'"]),
        ("=== usr ===\n{{criteria}}{{envelope}}\n", ["section 'usr'", "did you mean 'user'", "the slot 'criteria'"]),
        ("{{criterai}} {{criteria}} {{envelope}}", ["slot 'criterai' in 'user'", "did you mean 'criteria'"]),
        ("=== system ===\n{{envelope}}\n=== user ===\n{{criteria}}{{envelope}}", ["no answer and no criteria"]),
        ("=== user ===\n{{criteria}}{{envelope}}\n=== repair ===\n{{criteria}}", ["slot 'criteria' in 'repair'"]),
        ("Lost.\n=== user ===\n{{criteria}}{{envelope}}", ["text before the section 'user'"]),
        ("=== user ===\n{{criteria}}{{envelope}}\n=== user ===\n{{criteria}}{{envelope}}", ["'user' more than once"]),
        (b"\xff{{criteria}}{{envelope}}", ["not UTF-8"]),
    ],
)
def test_every_mistake_is_told_with_its_place_and_the_way_out(
    tmp_path: Path, text: str | bytes, told: list[str]
) -> None:
    found = "\n".join(mistakes_in(tmp_path, text))
    assert all(words in found for words in told), found


def test_a_prompt_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="No such file"):
        load_template(Path("nowhere.txt"), asks_by="criteria")


def test_a_prompt_must_ask_as_its_reply_is_read(tmp_path: Path) -> None:
    assert "the slot 'rubric_item'" in mistakes_in(tmp_path, OWN, asks_by="rubric_item")[0]
    options = GraderOptions(prompt=written(tmp_path, PLAIN))
    with pytest.raises(InputError, match="the slot 'criteria'"):
        open_grader("model:m@http://h/v1", options)


def test_another_word_in_the_prompt_makes_another_grader() -> None:
    prompts = [Template(text) for text in (OWN, OWN + " ")]
    hashes = {ModelGrader("m", base_url="http://h/v1", template=prompt).prompt_hash for prompt in [*prompts, None]}
    assert len(hashes) == 3


# --- HealthBench's form ---


def test_healthbench_asks_one_criterion_a_call_and_says_so() -> None:
    template = Template(PLAIN)
    with pytest.raises(InputError, match=r"criteria_per_call.*expected 1"):
        ModelGrader("m", base_url="http://h/v1", reply="healthbench", template=template, criteria_per_call=2)
    grader = ModelGrader("m", base_url="http://h/v1", reply="healthbench", template=template, criteria_per_call=None)
    assert grader.max_criteria == 1


def test_healthbenchs_form_needs_a_prompt_that_asks_for_it() -> None:
    with pytest.raises(InputError, match=r"--prompt.*rubric_item"):
        ModelGrader("m", base_url="http://h/v1", reply="healthbench")


@pytest.mark.parametrize("scale", SCALES[1:5], ids=lambda scale: scale["id"])
def test_healthbench_knows_no_other_scale_and_says_so_without_a_call(tmp_path: Path, scale: dict[str, object]) -> None:
    template = load_template(written(tmp_path, PLAIN), asks_by="rubric_item")
    endpoint = FakeEndpoint(completion('{"explanation": "x", "criteria_met": true}'))
    error = failure(endpoint, task_of(ANSWER, {**scale, "points": 1}), template=template, reply="healthbench")
    assert error.kind == "grader"
    assert f"{scale['id']}: " in str(error)
    assert "met and not met" in str(error)
    assert endpoint.requests == []


@pytest.mark.parametrize(
    "content",
    [
        '{"explanation": "x", "criteria_met": "true"}',
        '{"explanation": "x", "criteria_met": 1}',
        '{"explanation": "x", "criteria_met": null}',
        '{"explanation": "x"}',
        '{"explanation": 3, "criteria_met": true}',
        '{"criteria_met": true, "criteria_met": false}',
        '{"criteria_met": true} {"criteria_met": true}',
        '{"criteria_met": true, "score": 6}',
        '[{"criteria_met": true}]',
        "criteria_met: true",
        '{"verdicts": [{"criterion": "c1", "met": true}]}',
    ],
)
def test_a_reply_that_is_not_healthbenchs_is_no_verdict(tmp_path: Path, content: str) -> None:
    template = load_template(written(tmp_path, PLAIN), asks_by="rubric_item")
    endpoint = FakeEndpoint(completion(content))
    assert failure(endpoint, template=template, reply="healthbench", max_replies=2).kind == "parse"


@pytest.mark.parametrize(
    "content", ['{"criteria_met": false}', '```json\n{"explanation": "x", "criteria_met": false}\n```']
)
def test_healthbenchs_reply_may_be_fenced_or_unexplained(tmp_path: Path, content: str) -> None:
    template = load_template(written(tmp_path, PLAIN), asks_by="rubric_item")
    assert judge_one(FakeEndpoint(completion(content)), template=template, reply="healthbench").verdict.met is False
