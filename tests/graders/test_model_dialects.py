"""What goes over the wire in each dialect, and how forms that an endpoint refuses become simpler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from graders.model import ModelGrader
from rubrics import InputError
from tests.graders.fake_endpoint import (
    ANSWER,
    KEY,
    MET,
    FakeEndpoint,
    Scripted,
    completion,
    failure,
    judge,
    judge_one,
    task_of,
    verdicts,
)


@pytest.fixture(autouse=True)
def a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)


def message(
    *texts: str, stop_reason: str | None = "end_turn", usage: Mapping[str, Any] | None = None, **more: Any
) -> Scripted:
    """Anthropic's reply with these blocks of text."""
    content = [{"type": "thinking", "thinking": "Hm."}, *({"type": "text", "text": text} for text in texts)]
    counts = {"input_tokens": 20, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 75, "output_tokens": 9}
    body = {"type": "message", "role": "assistant", "model": "claude-x", "content": content, "stop_reason": stop_reason}
    return Scripted(body=json.dumps({**body, "usage": counts if usage is None else usage, **more}).encode())


GOOD = json.dumps({"verdicts": [{**MET, "explanation": "It says so."}]})


# --- Anthropic's messages ---


def test_anthropic_is_sent_the_key_and_version_and_what_may_be_cached_is_marked() -> None:
    endpoint = FakeEndpoint(message(GOOD))
    verdict = judge_one(endpoint, dialect="anthropic", max_tokens=700).verdict
    assert (verdict.met, verdict.evidence, verdict.returned_model) == (True, ("take ibuprofen",), "claude-x")
    assert endpoint.paths == ["/v1/messages"]
    headers = {name.lower(): value for name, value in endpoint.headers[0].items()}
    assert headers["x-api-key"] == KEY
    assert headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in headers
    body = endpoint.requests[0]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("judge", 700, 0.0)
    assert isinstance(body["system"], str)
    (user,) = body["messages"]
    constant, asked = user["content"]
    assert constant["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in asked
    assert ANSWER in constant["text"]
    assert "Names the drug" in asked["text"]
    assert "Names the drug" not in constant["text"]
    schema = body["output_config"]["format"]
    assert schema["type"] == "json_schema"
    assert schema["schema"]["additionalProperties"] is False


def test_both_dialects_say_the_same() -> None:
    ours, theirs = FakeEndpoint(verdicts(MET)), FakeEndpoint(message(GOOD))
    judge_one(ours)
    judge_one(theirs, dialect="anthropic")
    system, user = ours.requests[0]["messages"]
    assert theirs.requests[0]["system"] == system["content"]
    assert "".join(block["text"] for block in theirs.requests[0]["messages"][0]["content"]) == user["content"]


def test_anthropic_counts_cached_tokens_apart_and_ours_count_all_that_was_read() -> None:
    verdict = judge_one(FakeEndpoint(message(GOOD)), dialect="anthropic").verdict
    assert (verdict.input_tokens, verdict.output_tokens, verdict.cached_tokens) == (100, 9, 75)
    verdict = judge_one(FakeEndpoint(message(GOOD, usage={"input_tokens": 7, "output_tokens": 2})), dialect="anthropic")
    assert (verdict.verdict.input_tokens, verdict.verdict.cached_tokens) == (7, None)
    verdict = judge_one(FakeEndpoint(message(GOOD, usage={})), dialect="anthropic")
    assert (verdict.verdict.input_tokens, verdict.verdict.output_tokens) == (None, None)


def test_text_in_several_blocks_is_one_reply() -> None:
    assert judge_one(FakeEndpoint(message(GOOD[:20], GOOD[20:])), dialect="anthropic").verdict.met is True


@pytest.mark.parametrize(
    ("stop_reason", "kind"),
    [
        ("max_tokens", "truncated"),
        ("model_context_window_exceeded", "truncated"),
        ("refusal", "refusal"),
        ("tool_use", "parse"),
        ("pause_turn", "parse"),
    ],
)
def test_a_message_that_stopped_for_another_reason_is_no_verdict(stop_reason: str, kind: str) -> None:
    endpoint = FakeEndpoint(message(GOOD, stop_reason=stop_reason))
    assert failure(endpoint, dialect="anthropic", max_replies=2).kind == kind


@pytest.mark.parametrize(
    "fault",
    [
        Scripted(body=b'{"type": "error", "error": {"type": "overloaded_error"}}'),
        Scripted(status=529),
        Scripted(body=b'{"type": "message", "content": "text"}'),
        Scripted(body=b'{"type": "message", "content": [{"type": "text"}], "stop_reason": "end_turn"}'),
        Scripted(body=b'{"type": "message", "content": [], "stop_reason": 3}'),
        verdicts(MET),
    ],
)
def test_what_is_no_message_is_a_transport_fault(fault: Scripted) -> None:
    endpoint = FakeEndpoint(fault, message(GOOD))
    outcome = judge_one(endpoint, dialect="anthropic")
    assert outcome.verdict.met is True
    assert len(outcome.waits) == 1


def test_a_repair_turn_of_anthropic_repeats_the_whole_prompt_and_adds_two_turns() -> None:
    endpoint = FakeEndpoint(message("It is met."), message(GOOD))
    assert judge_one(endpoint, dialect="anthropic").verdict.met is True
    first, second = (request["messages"] for request in endpoint.requests)
    assert second[:1] == first
    assert [turn["role"] for turn in second] == ["user", "assistant", "user"]
    assert second[1]["content"] == "It is met."


# --- what an endpoint refuses ---


def refusing(*words: str, status: int = 400, also: str = "") -> FakeEndpoint:
    """Refuses a body that holds any of these keys, and says which, as OpenAI does; else judges."""

    def answer(body: dict[str, Any]) -> Scripted:
        for word in words:
            if word in body or (word in ("json_schema", "json_object") and word in json.dumps(body)):
                error = {"message": f"Unsupported parameter: '{word}'. {also}", "param": word}
                return Scripted(status=status, body=json.dumps({"error": error}).encode())
        return verdicts(MET)

    return FakeEndpoint(answer=answer)


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["temperature"], {"json_schema", "logprobs", "max_tokens"}),
        (["logprobs"], {"json_schema", "temperature", "max_tokens"}),
        (["json_schema"], {"json_object", "temperature", "logprobs", "max_tokens"}),
        (["json_schema", "json_object"], {"temperature", "logprobs", "max_tokens"}),
        (["temperature", "logprobs", "json_schema", "json_object"], {"max_tokens"}),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_only_what_was_refused_is_left_out_and_the_next_call_knows(
    words: list[str], sent: set[str], status: int
) -> None:
    endpoint = refusing(*words, status=status)
    outcomes = judge(endpoint, task_of(), task_of(), logprobs=True, max_tokens=500)
    assert [outcome.verdict.met for outcome in outcomes] == [True, True]
    assert len(endpoint.requests) == len(words) + 2
    for request in endpoint.requests[-2:]:
        told = json.dumps(request)
        keys = ("json_schema", "json_object", "temperature", "logprobs", "max_tokens")
        assert {word for word in keys if f'"{word}"' in told} == sent


def test_the_bound_on_a_reply_goes_by_its_newer_name_where_the_endpoint_says_so() -> None:
    endpoint = refusing("max_tokens", also="Use 'max_completion_tokens' instead.")
    assert judge_one(endpoint, max_tokens=500).verdict.met is True
    assert [("max_tokens" in request, "max_completion_tokens" in request) for request in endpoint.requests] == [
        (True, False),
        (False, True),
    ]


def test_an_endpoint_that_repeats_the_whole_request_in_its_refusal_loses_only_the_form() -> None:
    """Validators answer with the body they were sent, in which every parameter's name stands."""

    def answer(body: dict[str, Any]) -> Scripted:
        if "json_schema" in json.dumps(body):
            detail = [{"type": "extra_forbidden", "loc": ["body", "response_format"], "input": body}]
            return Scripted(status=422, body=json.dumps({"detail": detail}).encode())
        return verdicts(MET)

    endpoint = FakeEndpoint(answer=answer)
    assert judge_one(endpoint, task_of("Take its temperature, not logprobs.")).verdict.met is True
    assert endpoint.requests[-1]["temperature"] == 0.0
    assert len(endpoint.requests) == 2


def test_what_one_request_is_refused_for_stays_its_own_affair() -> None:
    """A prompt that is too long is refused on every rung: the next answer is asked in the full form again."""

    def answer(body: dict[str, Any]) -> Scripted:
        if "LONG" in json.dumps(body):
            return Scripted(status=400, body=b'{"error": {"message": "maximum context length is 10 tokens"}}')
        return verdicts(MET)

    endpoint = FakeEndpoint(answer=answer)
    long, short = judge(endpoint, task_of("LONG take ibuprofen"), task_of())
    assert long.error is not None
    assert (long.error.kind, "HTTP 400" in str(long.error)) == ("http", True)
    assert short.verdict.met is True
    assert endpoint.requests[-1]["response_format"]["type"] == "json_schema"


def test_what_the_user_adds_to_the_body_is_sent_and_makes_another_grader() -> None:
    for dialect, reply in (("openai", verdicts(MET)), ("anthropic", message(GOOD))):
        endpoint = FakeEndpoint(reply)
        judge_one(endpoint, dialect=dialect, extra={"reasoning_effort": "low", "seed": 7})
        assert (endpoint.requests[0]["reasoning_effort"], endpoint.requests[0]["seed"]) == ("low", 7)
    grader = ModelGrader("m", base_url="http://h/v1", extra={"seed": 7})
    assert grader.arguments["extra"] == {"seed": 7}


@pytest.mark.parametrize("key", ["model", "messages", "temperature", "max_tokens", "stream", "response_format"])
def test_what_the_grader_says_itself_cannot_be_added_a_second_time(key: str) -> None:
    with pytest.raises(InputError, match=rf"extra.*got '{key}'"):
        ModelGrader("m", base_url="http://h/v1", extra={key: 1})


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
def test_the_key_is_in_no_error_of_any_dialect(dialect: str, status: int) -> None:
    words = json.dumps({"error": {"message": f"key {KEY} is bad", "param": KEY}}).encode()
    for body in (words, completion(f"{KEY} says no").body, message(f"{KEY} says no").body):
        error = failure(
            FakeEndpoint(Scripted(status=status, body=body, headers={"Retry-After": KEY})),
            dialect=dialect,
            max_faults=2,
            max_replies=2,
        )
        assert KEY not in f"{error!r} {error} {vars(error)} {error.__cause__!r} {error.__context__!r}"
