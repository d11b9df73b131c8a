"""What nothing else would notice if it were gone: bounds on sizes, keys, and what is remembered."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest

from graders import Engine, Entry, LoadedQuestion, MemoryLedger, Task, Verdict
from graders.cell import cell_keys, plan_calls
from graders.engine import COMMIT_AT_MOST
from graders.grader import GraderCard
from graders.model import ModelGrader
from graders.model.client import MAX_REPLY_BYTES, ChatClient, RequestRefused
from graders.model.completion import Completion
from graders.model.dialects import OpenAIDialect
from graders.model.exchange import Endpoint
from graders.model.prompt import Prompt
from graders.model.request import WORDS, RequestForm, Rung
from graders.model.tally import Tally
from graders.model.template import judge_template
from graders.rubric_digest import RubricDigest
from graders.scoring import AggregateOptions, Point, Points, aggregate
from rubrics import Answer, Example, Rubric
from tests.graders.fake_endpoint import MET, FakeEndpoint, Scripted, completion, judge_one, task_of, verdicts

KEY = "JUDGE_KEY"


# --- the bar of coverage --------------------------------------------------------------------------------------------


def test_a_mean_of_coverages_a_hair_under_the_bar_reaches_it() -> None:
    """Each of ten answers is 98 % judged: their mean, summed in doubles, is 0.98 less one bit."""
    coverages = [0.98 - 1.2e-16] * 10
    assert sum(coverages) / 10 < 0.98
    points = Points.of([[Point(0.5, 0.5, 0.4, 0.6, coverage, missing=False)] for coverage in coverages])
    assert aggregate(points, AggregateOptions()).reason is None
    lower = Points.of([[Point(0.5, 0.5, 0.4, 0.6, 0.98 - 1e-9, missing=False)]])
    assert aggregate(lower, AggregateOptions()).reason == "low_coverage"


# --- commits --------------------------------------------------------------------------------------------------------


class SlowLedger(MemoryLedger):
    """Notes how much each commit held, and takes its time, so that judgments pile up behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def keep(self, entries: Sequence[Entry]) -> None:
        self.sizes.append(len(entries))
        time.sleep(0.05)
        super().keep(entries)


class Instant:
    """A grader that takes a whole rubric at once and finds everything met."""

    name = "instant"
    version = "1"
    max_criteria = None

    async def judge(self, task: Task) -> Sequence[Verdict]:
        await asyncio.sleep(0)
        return [Verdict(criterion_id=criterion.id, met=True) for criterion in task.criteria]


def test_however_much_piles_up_a_commit_stays_small() -> None:
    criteria, answers, concurrency = 10, 500, 100
    rubric = Rubric.model_validate(
        {"id": "r", "criteria": [{"criterion": f"Says {number}", "points": 1} for number in range(criteria)]}
    )
    example = Example(id="e", prompt="?", rubric=rubric)
    given = [Answer(example_id="e", model=f"m{number}", text=f"{number}") for number in range(answers)]
    ledger = SlowLedger()
    engine = Engine([Instant()], ledger, concurrency=concurrency)
    asyncio.run(engine.run([LoadedQuestion(example, given)]))
    assert sum(ledger.sizes) == criteria * answers
    assert max(ledger.sizes) >= COMMIT_AT_MOST, "judgments must pile up, or nothing is shown"
    assert max(ledger.sizes) < COMMIT_AT_MOST + criteria


# --- what comes over the wire ---------------------------------------------------------------------------------------


def test_a_body_of_more_than_a_megabyte_is_a_fault_even_where_it_is_a_fine_reply() -> None:
    told = json.loads(verdicts(MET).body)
    long = Scripted(body=json.dumps({**told, "padding": "x" * 1_500_000}).encode())
    assert len(long.body) > MAX_REPLY_BYTES
    outcome = judge_one(FakeEndpoint(long, verdicts(MET)))
    assert outcome.verdict.met is True
    assert len(outcome.waits) == 1
    lasting = judge_one(FakeEndpoint(long)).error
    assert lasting is not None
    assert (lasting.kind, "longer than 1 MB" in str(lasting)) == ("http", True)


def test_a_packed_body_is_never_unpacked() -> None:
    packed = Scripted(body=gzip.compress(verdicts(MET).body), headers={"Content-Encoding": "gzip"})
    endpoint = FakeEndpoint(packed)
    error = judge_one(endpoint).error
    assert error is not None
    assert (error.kind, "no chat completion" in str(error)) == ("http", True)
    assert endpoint.headers[0]["Accept-Encoding"] == "identity"


# --- repairing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "messages"), [(20_000, [2, 4]), (20_001, [2, 2])])
def test_a_reply_that_has_run_wild_is_not_sent_back(length: int, messages: list[int]) -> None:
    endpoint = FakeEndpoint(completion("x" * length), verdicts(MET))
    assert judge_one(endpoint).verdict.met is True
    assert [len(request["messages"]) for request in endpoint.requests] == messages


# --- the ladder -----------------------------------------------------------------------------------------------------


class Gated:
    """A client whose first call is slow: it asks in the strictest form and is answered last."""

    def __init__(self) -> None:
        self.dialect = OpenAIDialect()
        self.forms: list[str] = []
        self.others_are_done = asyncio.Event()

    async def complete(self, body: bytes, tally: Tally) -> Completion:
        request = json.loads(body)
        rung = request.get("response_format", {"type": "plain"})["type"]
        self.forms.append(rung)
        if len(self.forms) == 1:
            await self.others_are_done.wait()
            return Completion(text="{}", finish_reason="stop")
        if rung != "plain" or "temperature" in request:
            raise RequestRefused("HTTP 400", status=400, named=frozenset(request) & WORDS)
        return Completion(text="{}", finish_reason="stop")


def test_a_late_reply_to_a_strict_request_never_climbs_back_up_the_ladder() -> None:
    async def run() -> RequestForm:
        client: Any = Gated()
        endpoint = Endpoint(client, "m", RequestForm())
        prompt = Prompt.of(task_of(), judge_template())

        async def call() -> None:
            await endpoint.complete(prompt, Tally(max_replies=8, max_faults=8))

        first = asyncio.create_task(call())
        await asyncio.sleep(0)
        await call()
        assert endpoint.form == RequestForm(Rung.PLAIN, None)
        client.others_are_done.set()
        await first
        return endpoint.form

    assert asyncio.run(run()) == RequestForm(Rung.PLAIN, None)


def test_calls_side_by_side_against_a_picky_server_end_on_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "")

    def answer(request: dict[str, Any]) -> Scripted:
        return Scripted(status=400, body=b"no") if "response_format" in request else verdicts(MET)

    async def run() -> FakeEndpoint:
        async with FakeEndpoint(answer=answer) as endpoint:
            client = ChatClient(endpoint.base_url, api_key_env=KEY)
            grader = ModelGrader("judge", base_url=endpoint.base_url, client=client)
            await asyncio.gather(*(grader.judge(task_of()) for _ in range(16)))
            endpoint.requests.clear()
            await grader.judge(task_of())
            await grader.aclose()
        return endpoint

    assert ["response_format" in request for request in asyncio.run(run()).requests] == [False]


# --- keys -----------------------------------------------------------------------------------------------------------


def test_what_becomes_of_an_empty_answer_is_part_of_every_key() -> None:
    """Without it a run with `ask` would take over the lowest verdicts that no judge gave."""
    raw = {"id": "r", "criteria": [{"id": "a", "criterion": "Says a", "points": 1}]}
    card = GraderCard.of(Instant())

    def key(**judging: Any) -> str:
        rubric = RubricDigest.of(Rubric.model_validate({**raw, "judging": judging}))
        (call,) = plan_calls(rubric, card)
        (found,) = cell_keys(rubric, call, "hash", card.fingerprint).values()
        return found

    assert key() == key(empty_answer="lowest")
    assert key() != key(empty_answer="ask")
