"""Prices, estimates and costs: worked numbers, and unknown is never nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders import GraderOptions, Judgment, grade_async, open_grader
from graders.model import ModelGrader
from graders.model.price import Price, load_prices
from graders.model.tally import Tally, Usage
from rubrics import Answer, Example, InputError
from tests.graders.fake_endpoint import (
    GARBAGE,
    MET,
    FakeEndpoint,
    Scripted,
    completion,
    failure,
    judge_one,
    task_of,
    verdicts,
)

PRICE = Price(input=2.0, output=8.0, cached=0.5)
COUNTS = st.none() | st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (PRICE, Usage(1000, 100, 800), 0.0016),
        (PRICE, Usage(1000, 100, 0), 0.0028),
        (PRICE, Usage(1000, 100, None), 0.0028),
        (PRICE, Usage(1000, 0, 5000), 0.0005),
        (Price(input=2.0, output=8.0), Usage(1000, 100, 800), 0.0028),
        (Price(input=0, output=0), Usage(1000, 100, 0), 0.0),
        (PRICE, Usage(0, 0, 0), 0.0),
        (PRICE, Usage(None, 100, 0), None),
        (PRICE, Usage(1000, None, 0), None),
        (PRICE, Usage(), None),
    ],
)
def test_worked_costs(price: Price, usage: Usage, cost: float | None) -> None:
    assert price.cost(usage) == (None if cost is None else pytest.approx(cost))


@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS), min_size=1, max_size=5))
def test_what_is_unknown_of_one_reply_is_unknown_of_all_together(replies: list[tuple[int | None, ...]]) -> None:
    tally = Tally(max_replies=8, max_faults=8)
    for counts in replies:
        tally.add_reply(Usage(*counts))
    read, written, cached = zip(*replies, strict=True)
    assert tally.usage.input_tokens == (None if None in read else sum(read))
    assert tally.usage.output_tokens == (None if None in written else sum(written))
    known = [count for count in cached if count is not None]
    assert tally.usage.cached_tokens == (sum(known) if known else None)


# --- of calls ---


def test_a_reply_costs_what_its_tokens_cost_and_without_a_price_it_is_unknown() -> None:
    assert judge_one(FakeEndpoint(verdicts(MET)), price=PRICE).verdict.cost == pytest.approx(
        (60 * 2 + 40 * 0.5 + 10 * 8) / 1e6
    )
    assert judge_one(FakeEndpoint(verdicts(MET))).verdict.cost is None
    assert judge_one(FakeEndpoint(verdicts(MET, usage={})), price=PRICE).verdict.cost is None


def test_all_tries_of_a_call_are_paid_for() -> None:
    endpoint = FakeEndpoint(completion(GARBAGE), Scripted(status=500), completion(GARBAGE), verdicts(MET))
    verdict = judge_one(endpoint, price=Price(input=1.0, output=1.0)).verdict
    assert (verdict.input_tokens, verdict.output_tokens) == (300, 30)
    assert verdict.cost == pytest.approx(330 / 1e6)


def test_a_try_that_told_no_tokens_makes_the_whole_cost_unknown() -> None:
    endpoint = FakeEndpoint(completion(GARBAGE, usage={}), verdicts(MET))
    verdict = judge_one(endpoint, price=PRICE).verdict
    assert (verdict.met, verdict.cost, verdict.input_tokens) == (True, None, None)


def test_what_was_never_asked_or_refused_before_it_was_read_cost_nothing() -> None:
    (empty,) = judge_one(FakeEndpoint(), task_of("…"), price=PRICE).verdicts
    assert empty.cost == 0.0
    filtered = FakeEndpoint(Scripted(status=400, body=b'{"error": {"code": "content_filter"}}'))
    assert failure(filtered, price=PRICE).spent["cost"] == 0.0


def failed_judgments(endpoint: FakeEndpoint, **options: Any) -> list[Judgment]:
    rubric = {"id": "r", "criteria": [{"criterion": f"Says {word}", "points": 1} for word in "ab"]}
    example = Example.model_validate({"id": "e", "prompt": "?", "rubric": rubric})

    async def run() -> list[Judgment]:
        async with endpoint:
            grader = ModelGrader("judge", base_url=endpoint.base_url, criteria_per_call=None, **options)
            return list(await grade_async([example], [Answer(example_id="e", model="m", text="Says a.")], grader))

    return asyncio.run(run())


def test_what_a_failed_call_took_is_kept_on_its_first_judgment() -> None:
    judgments = failed_judgments(FakeEndpoint(completion(GARBAGE)), price=Price(input=1.0, output=1.0), max_replies=3)
    assert [judgment.status for judgment in judgments] == ["failed", "failed"]
    assert sorted((judgment.input_tokens or 0, judgment.output_tokens or 0) for judgment in judgments) == [
        (0, 0),
        (300, 30),
    ]
    assert sum(judgment.cost or 0.0 for judgment in judgments) == pytest.approx(330 / 1e6)


def test_of_a_call_that_only_met_faults_nothing_is_known() -> None:
    endpoint = FakeEndpoint(Scripted(resets=True))
    error = failure(endpoint, price=PRICE, max_faults=2)
    assert "cost" not in error.spent


# --- estimates ---


def test_only_the_first_call_of_an_answer_is_estimated_at_its_whole_prompt() -> None:
    grader = ModelGrader("m", base_url="http://h/v1", price=PRICE)
    task = task_of("Take ibuprofen. " * 1000)
    first, other = grader.estimate(task, first=True), grader.estimate(task, first=False)
    assert first is not None
    assert other is not None
    assert first == pytest.approx(2.0 * 4000 / 1e6, rel=0.5)
    assert 0.2 * first < other < 0.6 * first
    cold = ModelGrader("m", base_url="http://h/v1", price=PRICE, warm_first=False)
    assert cold.estimate(task, first=False) == pytest.approx(first)
    assert ModelGrader("m", base_url="http://h/v1").estimate(task, first=True) is None
    assert grader.estimate(task_of("…"), first=True) == 0.0


# --- the price file ---


def test_prices_are_looked_up_by_the_models_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"note": "as of today", "prices": {"m": {"input": 2, "output": 8}}}))
    assert load_prices(path)["m"].cost(Usage(1000, 100, 0)) == pytest.approx(0.0028)
    for options in (GraderOptions(prices=path), GraderOptions()):
        monkeypatch.setenv("MARKSCHEME_PRICES", str(path))
        known, unknown = (open_grader(f"model:{name}@http://h/v1", options) for name in ("m", "M"))
        assert isinstance(known, ModelGrader)
        assert isinstance(unknown, ModelGrader)
        assert known.price is not None
        assert unknown.price is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"prices": {"m": {"input": -1, "output": 8}}}', "$.prices.m.input"),
        ('{"prices": {"m": {"input": "2", "output": 8}}}', "$.prices.m.input"),
        ('{"prices": {"m": {"input": 2}}}', "output"),
        ('{"prices": {"m": {"input": NaN, "output": 8}}}', "prices.json"),
        ('{"prices": {"m": {"input": 2, "output": 8, "per": "K"}}}', "per"),
        ('{"m": {"input": 2, "output": 8}}', "prices"),
        ("[]", "prices.json"),
        ("", "prices.json"),
    ],
)
def test_a_wrong_price_file_is_refused_with_the_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_prices(path)
    assert told in str(caught.value)
    assert "prices.json" in str(caught.value)
