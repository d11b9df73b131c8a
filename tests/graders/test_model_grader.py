"""The whole model grader against a real HTTP server on loopback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from graders.grader import Grader, GraderCard, Task
from graders.model import ModelGrader
from rubrics import InputError
from tests.graders.fake_endpoint import (
    ANSWER,
    MET,
    SCALES,
    UNMET,
    FakeEndpoint,
    Scripted,
    json_lines,
    judge_one,
    task_of,
    verdicts,
)

# --- good replies ---


def test_a_good_reply_is_a_verdict_with_its_evidence_and_what_it_cost() -> None:
    endpoint = FakeEndpoint(verdicts(MET))
    verdict = judge_one(endpoint).verdict
    assert (verdict.criterion_id, verdict.status, verdict.met) == ("drug", "judged", True)
    assert verdict.explanation == "It says so."
    assert verdict.evidence == ("take ibuprofen",)
    assert verdict.flags == ()
    assert verdict.returned_model == "judge-2026"
    assert (verdict.input_tokens, verdict.output_tokens, verdict.cached_tokens) == (100, 10, 40)
    assert verdict.seconds is not None
    assert verdict.seconds >= 0
    assert endpoint.paths == ["/v1/chat/completions"]
    body = endpoint.requests[0]
    assert (body["model"], body["temperature"]) == ("judge", 0.0)
    assert body["response_format"]["json_schema"]["strict"] is True
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_every_scale_can_be_judged_in_one_call() -> None:
    endpoint = FakeEndpoint(
        verdicts(
            {"criterion": "c1", "met": True},
            {"criterion": "c2", "option": "calm"},
            {"criterion": "c3", "option": "self"},
            {"criterion": "c4", "value": 4.5},
            {"criterion": "c5", "value": 7},
            {"criterion": "c6", "status": "not_applicable"},
        )
    )
    outcome = judge_one(endpoint, task_of(ANSWER, *SCALES), criteria_per_call=None)
    assert outcome.error is None
    told = [(v.criterion_id, v.status, v.met, v.option, v.value) for v in outcome.verdicts]
    assert told == [
        ("drug", "judged", True, None, None),
        ("tone", "judged", None, "calm", None),
        ("kind", "judged", None, "self", None),
        ("sure", "judged", None, None, 4.5),
        ("doses", "judged", None, None, 5),
        ("allergy", "not_applicable", None, None, None),
    ]
    assert [verdict.input_tokens for verdict in outcome.verdicts] == [100, None, None, None, None, None]
    schema = endpoint.requests[0]["response_format"]["json_schema"]["schema"]
    entry = schema["properties"]["verdicts"]["items"]
    assert list(entry["properties"]) == ["criterion", "explanation", "evidence", "status", "met", "option", "value"]
    assert entry["required"] == list(entry["properties"])
    assert entry["properties"]["option"]["anyOf"][0]["enum"] == ["alarming", "mixed", "calm", "self", "none"]
    assert entry["properties"]["value"]["anyOf"][0] == {"type": "number"}


def test_the_schema_of_one_plain_criterion_asks_for_nothing_else() -> None:
    endpoint = FakeEndpoint(verdicts(UNMET))
    judge_one(endpoint, task_of(ANSWER, {**SCALES[0], "evidence": "none"}))
    schema = endpoint.requests[0]["response_format"]["json_schema"]["schema"]
    entry = schema["properties"]["verdicts"]["items"]["properties"]
    assert list(entry) == ["criterion", "explanation", "status", "met"]
    assert entry["status"]["enum"] == ["judged", "abstained"]


def test_a_model_may_abstain() -> None:
    endpoint = FakeEndpoint(verdicts({"criterion": "c1", "status": "abstained"}))
    verdict = judge_one(endpoint).verdict
    assert (verdict.status, verdict.met, verdict.failure) == ("abstained", None, None)


def test_an_endpoint_that_counts_no_tokens_leaves_them_unknown() -> None:
    verdict = judge_one(FakeEndpoint(verdicts(MET, usage={"prompt_tokens": "many"}))).verdict
    assert (verdict.input_tokens, verdict.output_tokens, verdict.cached_tokens) == (None, None, None)


# --- required evidence ---

REQUIRED = {**SCALES[0], "evidence": "required"}
MISQUOTED = {**MET, "evidence": ["take aspirin"]}


def test_a_met_verdict_without_its_required_quote_gets_one_more_try() -> None:
    for first in (MISQUOTED, {**MET, "evidence": []}):
        endpoint = FakeEndpoint(verdicts(first), verdicts(MET))
        verdict = judge_one(endpoint, task_of(ANSWER, REQUIRED)).verdict
        assert (verdict.met, verdict.evidence, verdict.flags) == (True, ("take ibuprofen",), ())
        assert verdict.input_tokens == 200
        assert [len(request["messages"]) for request in endpoint.requests] == [2, 4]
        assert "word for word" in endpoint.requests[1]["messages"][3]["content"]


def test_a_second_misquote_abstains() -> None:
    endpoint = FakeEndpoint(verdicts(MISQUOTED))
    verdict = judge_one(endpoint, task_of(ANSWER, REQUIRED)).verdict
    assert (verdict.status, verdict.met) == ("abstained", None)
    assert verdict.failure is not None
    assert verdict.failure.kind == "misquote"
    assert len(endpoint.requests) == 2


def test_an_unmet_verdict_needs_no_quote() -> None:
    endpoint = FakeEndpoint(verdicts(UNMET))
    assert judge_one(endpoint, task_of(ANSWER, REQUIRED)).verdict.met is False
    assert len(endpoint.requests) == 1


def test_of_several_criteria_only_the_misquoted_one_is_asked_again_alone() -> None:
    endpoint = FakeEndpoint(verdicts(UNMET, {**MISQUOTED, "criterion": "c2"}), verdicts(MET))
    task = task_of(ANSWER, {"id": "other", "criterion": "Is rude", "points": -1}, REQUIRED)
    outcome = judge_one(endpoint, task, criteria_per_call=None)
    assert [(verdict.criterion_id, verdict.met) for verdict in outcome.verdicts] == [("other", False), ("drug", True)]
    assert [verdict.input_tokens for verdict in outcome.verdicts] == [200, None]
    asked = json_lines(endpoint.requests[1]["messages"])[1]["criteria"]
    assert [(entry["id"], entry["criterion"]) for entry in asked] == [("c1", "Names the drug")]


def test_if_that_try_fails_the_other_criteria_keep_their_verdicts() -> None:
    refused = Scripted(status=403)
    endpoint = FakeEndpoint(verdicts(UNMET, {**MISQUOTED, "criterion": "c2"}), refused)
    task = task_of(ANSWER, {"id": "other", "criterion": "Is rude", "points": -1}, REQUIRED)
    outcome = judge_one(endpoint, task, criteria_per_call=None)
    assert [verdict.status for verdict in outcome.verdicts] == ["judged", "failed"]
    assert outcome.verdicts[1].failure is not None
    assert outcome.verdicts[1].failure.kind == "http"


def test_a_wrong_optional_quote_costs_no_try() -> None:
    endpoint = FakeEndpoint(verdicts(MISQUOTED))
    verdict = judge_one(endpoint).verdict
    assert (verdict.met, verdict.evidence, verdict.flags) == (True, (), ("evidence_unverified",))
    assert len(endpoint.requests) == 1


# --- empty and short answers ---


@pytest.mark.parametrize("text", ["", " \n", "...!?", "\u200b\u202e", "👍", "\u3164"])
def test_an_answer_without_letter_or_digit_gets_the_lowest_of_every_scale_unasked(text: str) -> None:
    endpoint = FakeEndpoint(verdicts(MET))
    outcome = judge_one(endpoint, task_of(text, *SCALES), criteria_per_call=None)
    assert endpoint.requests == []
    told = [(verdict.met, verdict.option, verdict.value) for verdict in outcome.verdicts]
    assert told == [
        (False, None, None),
        (None, "alarming", None),
        (None, "none", None),
        (None, None, 1),
        (None, None, 0),
        (False, None, None),
    ]
    assert {verdict.flags for verdict in outcome.verdicts} == {("empty_answer",)}


def test_an_empty_answer_is_sent_where_the_rubric_says_so() -> None:
    endpoint = FakeEndpoint(verdicts(UNMET))
    verdict = judge_one(endpoint, task_of("...", judging={"empty_answer": "ask"})).verdict
    assert len(endpoint.requests) == 1
    assert verdict.flags == ("short_answer",)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("Yes.", ("short_answer",)),
        ("12345678901234567 89", ("short_answer",)),
        ("a" + "\u200b\u0301" * 50, ("short_answer",)),
        ("1234567890 1234567890", ()),
        ("你" * 20, ()),
    ],
)
def test_an_answer_under_twenty_visible_characters_is_judged_and_flagged(text: str, flags: tuple[str, ...]) -> None:
    assert judge_one(FakeEndpoint(verdicts(UNMET)), task_of(text)).verdict.flags == flags


# --- the grader itself ---


def test_a_model_grader_is_a_grader_that_names_what_can_change_its_verdicts() -> None:
    grader = ModelGrader("org/judge@v2", base_url="http://127.0.0.1:1/v1/", criteria_per_call=3, temperature=None)
    assert isinstance(grader, Grader)
    card = GraderCard.of(grader)
    assert (card.name, card.kind, card.version, card.max_criteria) == ("model:org/judge@v2", "model", "1", 3)
    assert card.arguments == {
        "base_url": "http://127.0.0.1:1/v1",
        "model": "org/judge@v2",
        "temperature": None,
        "criteria_per_call": 3,
    }
    assert card.prompt_hash is not None
    assert len(card.prompt_hash) == 16
    patient = ModelGrader(
        "org/judge@v2", base_url="http://127.0.0.1:1/v1", criteria_per_call=3, temperature=None, timeout=9
    )
    assert GraderCard.of(patient).fingerprint == card.fingerprint
    exact, whole = (ModelGrader("m", base_url="http://h/v1", temperature=zero) for zero in (0.0, 0))
    assert GraderCard.of(exact).fingerprint == GraderCard.of(whole).fingerprint


def test_arguments_out_of_range_are_all_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        ModelGrader(
            " ", base_url="http://h/v1", criteria_per_call=0, temperature=-1.0, timeout=0, max_replies=0, max_faults=0
        )
    assert len(caught.value.mistakes) == 6


def test_no_criteria_need_no_call() -> None:
    endpoint = FakeEndpoint(verdicts(MET))
    task = task_of()
    assert judge_one(endpoint, Task(task.example, task.answer, ())).verdicts == []
    assert endpoint.requests == []


def test_bodies_are_plain_json() -> None:
    endpoint = FakeEndpoint(verdicts(MET))
    judge_one(endpoint, task_of("naïve \u2028 \u202e ⟦ 👩\u200d⚕️ and more words"))
    assert orjson.loads(orjson.dumps(endpoint.requests[0])) == endpoint.requests[0]


def test_the_http_client_is_imported_when_it_is_used() -> None:
    code = "import sys, graders.model; print('aiohttp' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
