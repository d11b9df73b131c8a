"""How sure a judge was, read off the probabilities of its reply's tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import inf, log, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.judgment import Verdict
from graders.model.completion import Completion, Token
from graders.model.probability import probability_of
from tests.graders.fake_endpoint import MET, FakeEndpoint, Scripted, judge_one, verdicts

NINE_TO_ONE = {"true": 0.9, "false": 0.1}


def spelled(*pieces: str | tuple[str, dict[str, float]], met: bool = True) -> float | None:
    """The probability of a verdict whose reply was spelled in these tokens, some with their alternatives."""
    tokens = [
        Token(piece, {piece: 0.0})
        if isinstance(piece, str)
        else Token(piece[0], {text: log(p) if p else -inf for text, p in piece[1].items()})
        for piece in pieces
    ]
    text = "".join(token.text for token in tokens)
    return probability_of(Verdict(criterion_id="c", met=met), Completion(text, tokens=tuple(tokens)))


@pytest.mark.parametrize(
    ("pieces", "met", "expected"),
    [
        (['{"met": ', ("true", NINE_TO_ONE), "}"], True, 0.9),
        (['{"met": ', ("false", NINE_TO_ONE), "}"], False, 0.1),
        (['{"met":', (" true", {" true": 0.6, " false": 0.2, " maybe": 0.2}), "}"], True, 0.75),
        (['{"met', ('":true', {'":true': 0.8, '":false': 0.2}), "}"], True, 0.8),
        (['{"met', ('": true', {'": true': 0.5, '":': 0.3, '": false': 0.5}), "}"], True, 0.5),
        (['{"met":', ("tr", {"tr": 0.7, "fal": 0.3}), "ue}"], True, 0.7),
        (['{"met":', ("t", {"t": 0.6, "true": 0.2, "f": 0.2}), "rue}"], True, 0.8),
        (['{"met":', ("true}", {"true}": 0.6, "false}": 0.2}), ""], True, 0.75),
        (['{"met":', ("false", {" false": 0.3, "false": 0.3, "true": 0.4}), "}"], False, 0.6),
        (['{"criteria_met": ', ("true", NINE_TO_ONE), "}"], True, 0.9),
        (['{"explanation":"he said \\"met\\": false","met": ', ("true", NINE_TO_ONE), "}"], True, 0.9),
        # Nothing tells how likely it was:
        (['{"met":', ("true", {"true": 1.0}), "}"], True, None),
        (['{"met":', ("true", {"true": 0.9, '"': 0.1}), "}"], True, None),
        (['{"met":true},{"met":', ("true", NINE_TO_ONE), "}"], True, None),
        (['{"option": "calm"}'], True, None),
        (['{"met":"', ("true", NINE_TO_ONE), '"}'], True, None),
        (['{"met":', ("truest", NINE_TO_ONE), "}"], True, None),
        (['{"met":', ("true", {"true": 0.0, "false": 0.0}), "}"], True, None),
        ([], True, None),
    ],
)
def test_worked_cases(pieces: Sequence[Any], met: bool, expected: float | None) -> None:
    found = spelled(*pieces, met=met)
    assert found == (None if expected is None else pytest.approx(expected))


def test_tokens_that_do_not_spell_the_reply_tell_nothing() -> None:
    token = Token("true", {"true": -0.1, "false": -2.3})
    assert probability_of(Verdict(criterion_id="c", met=True), Completion('{"met": true}', tokens=(token,))) is None


def test_a_verdict_on_another_scale_has_none() -> None:
    tokens = (Token('{"met": ', {}), Token("true", {"true": -0.1, "false": -2.3}), Token("}", {}))
    verdict = Verdict(criterion_id="c", value=1)
    assert probability_of(verdict, Completion('{"met": true}', tokens=tokens)) is None


@given(
    st.dictionaries(st.sampled_from(["true", " true", "t", "false", "fal", "x", ""]), st.floats(), max_size=7),
    st.booleans(),
)
def test_whatever_an_endpoint_claims_it_is_a_probability_or_nothing(claimed: dict[str, float], met: bool) -> None:
    tokens = (Token('{"met": ', {}), Token("true", claimed), Token("}", {}))
    found = probability_of(Verdict(criterion_id="c", met=met), Completion('{"met": true}', tokens=tokens))
    assert found is None or 0 <= found <= 1


# --- over HTTP ---


def with_logprobs(scripted: Scripted, entries: list[dict[str, Any]] | None) -> Scripted:
    body = json.loads(scripted.body)
    body["choices"][0]["logprobs"] = None if entries is None else {"content": entries}
    return Scripted(body=json.dumps(body).encode())


def entries_of(text: str, *alternatives: tuple[str, float]) -> list[dict[str, Any]]:
    """A token a character, but for the verdict `true`, which has these alternatives."""
    before, _, after = text.rpartition("true")
    top = [{"token": token, "logprob": logprob} for token, logprob in alternatives]
    plain = [[{"token": char, "logprob": 0.0} for char in part] for part in (before, after)]
    return [*plain[0], {"token": "true", "logprob": top[0]["logprob"], "top_logprobs": top}, *plain[1]]


def test_a_probability_comes_with_a_verdict_where_it_was_asked_for() -> None:
    reply = verdicts(MET)
    text = json.loads(reply.body)["choices"][0]["message"]["content"]
    told = with_logprobs(reply, entries_of(text, ("true", log(0.8)), ("false", log(0.2))))
    endpoint = FakeEndpoint(told)
    assert judge_one(endpoint, logprobs=True).verdict.probability == pytest.approx(0.8)
    assert endpoint.requests[0]["logprobs"] is True
    assert endpoint.requests[0]["top_logprobs"] >= 2
    endpoint = FakeEndpoint(reply)
    assert judge_one(endpoint).verdict.probability is None
    assert "logprobs" not in endpoint.requests[0]


@pytest.mark.parametrize(
    "entries",
    [None, [], [{"token": 3}], [{"token": "true"}], ["true"], [{"token": "x", "logprob": "low"}]],
)
def test_probabilities_that_are_none_cost_no_verdict(entries: Any) -> None:
    verdict = judge_one(FakeEndpoint(with_logprobs(verdicts(MET), entries)), logprobs=True).verdict
    assert (verdict.met, verdict.probability) == (True, None)


def test_a_probability_that_is_no_number_is_left_out() -> None:
    assert spelled('{"met": ', ("true", {"true": 0.5, "false": 0.5}), "}") == 0.5
    tokens = (Token('{"met": ', {}), Token("true", {"true": nan, "false": -1.0}), Token("}", {}))
    assert probability_of(Verdict(criterion_id="c", met=True), Completion('{"met": true}', tokens=tokens)) is None
