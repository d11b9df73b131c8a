"""Examples and answers: rubric or rubric_id, the conversation, and the answer's hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rubrics import Answer, AnswerHasher, Example, Mistakes, Rubric, answer_hash, parse_row
from tests.rubrics.strategies import answers, examples, texts

RUBRIC: dict[str, Any] = {"id": "headache", "criteria": [{"criterion": "Asks when the pain began", "points": 5}]}
SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def example_of(**fields: Any) -> Example:
    return Example.model_validate({"id": "e1", "prompt": "My head hurts.", "rubric": RUBRIC, **fields})


def mistakes_of(row: dict[str, Any], known: dict[str, Rubric | None]) -> list[str]:
    mistakes = Mistakes()
    parse_row(Example, row, mistakes, file="e.jsonl", line=3, context={"rubrics": known})
    return [str(mistake) for mistake in mistakes]


@SLOW
@given(examples())
def test_an_example_written_and_read_again_is_the_same(example: Example) -> None:
    again = Example.model_validate(json.loads(json.dumps(example.as_json())))
    assert again == example
    assert again.as_json() == example.as_json()


def test_a_rubric_by_id_comes_from_the_context_and_is_written_back_by_id() -> None:
    rubric = Rubric.model_validate(RUBRIC)
    row = {"id": "e1", "prompt": "My head hurts.", "rubric_id": "headache"}
    example = Example.model_validate(row, context={"rubrics": {"headache": rubric}})
    assert example.rubric is rubric
    assert example.as_json() == row


def test_an_unknown_rubric_id_names_the_near_one() -> None:
    rubric = Rubric.model_validate(RUBRIC)
    row = {"id": "e1", "prompt": "My head hurts.", "rubric_id": "hedache"}
    assert mistakes_of(row, {"headache": rubric}) == [
        "e.jsonl:3 $.rubric_id: got 'hedache', expected the id of a rubric, did you mean 'headache'?"
    ]


def test_a_rubric_with_mistakes_of_its_own_is_not_called_missing() -> None:
    row = {"id": "e1", "prompt": "My head hurts.", "rubric_id": "headache"}
    assert mistakes_of(row, {"headache": None}) == [
        "e.jsonl:3 $.rubric_id: the rubric 'headache' has mistakes of its own"
    ]


def test_a_missing_rubric_does_not_hide_the_other_mistakes() -> None:
    assert mistakes_of({"id": "e1", "prompt": [], "rubric_id": "headache", "tgas": []}, {}) == [
        "e.jsonl:3 $.rubric_id: got 'headache', expected the id of a rubric (no rubric was found)",
        "e.jsonl:3 $.prompt: got an empty list, expected at least one turn",
        "e.jsonl:3 $.tgas: unknown field 'tgas', did you mean 'tags'?",
    ]


def test_mistakes_inside_the_rubric_are_placed_in_the_example_s_line() -> None:
    row = {"id": "e1", "prompt": "My head hurts.", "rubric": {"id": "r", "criteria": [{"criterion": "Asks"}]}}
    (mistake,) = mistakes_of(row, {})
    assert mistake.startswith("e.jsonl:3 $.rubric.criteria[0].points: missing, expected 'points': ")


def test_a_prompt_that_is_one_text_is_one_turn_of_the_user() -> None:
    (turn,) = example_of().conversation
    assert (turn.role, turn.content) == ("user", "My head hurts.")


def test_a_conversation_keeps_its_turns() -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "My head hurts."}]
    assert [turn.as_json() for turn in example_of(prompt=turns).conversation] == turns


@pytest.mark.parametrize("prompt", ["", " ", "My head hurts.\n"])
def test_a_prompt_may_be_any_text(prompt: str) -> None:
    assert example_of(prompt=prompt).prompt == prompt


# Answers


@SLOW
@given(answers())
def test_an_answer_written_and_read_again_is_the_same(answer: Answer) -> None:
    assert Answer.model_validate(json.loads(json.dumps(answer.as_json()))) == answer


def test_an_answer_s_key_is_example_model_and_sample() -> None:
    assert Answer(example_id="e1", model="m", text="").key == ("e1", "m", 0)


def sha(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@SLOW
@given(texts, texts)
def test_an_answer_s_hash_is_what_the_contract_says(prompt: str, text: str) -> None:
    answer = Answer(example_id="e1", model="m", text=text)
    assert answer_hash(example_of(prompt=prompt), answer) == sha({"prompt": prompt, "text": text})


def test_a_conversation_is_hashed_turn_by_turn() -> None:
    turns = [{"role": "user", "content": 'Tête 😀 "hurts"\n'}, {"role": "assistant", "content": "Since when?"}]
    assert AnswerHasher(example_of(prompt=turns)).hash("Böse") == sha({"prompt": turns, "text": "Böse"})


@SLOW
@given(st.lists(texts, min_size=2, max_size=5, unique=True))
def test_one_hasher_serves_all_answers_to_an_example(several: list[str]) -> None:
    hasher = AnswerHasher(example_of())
    assert len({hasher.hash(text) for text in several}) == len(several)
    assert hasher.hash(several[0]) == hasher.hash(several[0])


def test_neither_rubric_nor_metadata_is_part_of_an_answer_s_hash() -> None:
    answer = Answer(example_id="e1", model="m", text="Since when?")
    other = {"id": "r", "criteria": [{"criterion": "Names", "points": 1}]}
    assert answer_hash(example_of(), answer) == answer_hash(example_of(rubric=other, metadata={"a": 1}), answer)


def test_an_answer_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Answer(example_id="e1", model="m", text="").text = "New"  # type: ignore[misc]
