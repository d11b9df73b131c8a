"""Grading by providers' batch endpoints, against both of them on loopback."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders import Judgment, MemoryBatchJournal, MemoryLedger, Progress
from graders.batch_journal import BatchEnd, CallSet, SentBatch
from graders.grader import Task
from graders.ledger import Entry
from graders.missing import AskedGrader, missing_calls
from graders.model import ModelGrader
from graders.model.batch import BatchRun
from graders.model.batch.anthropic import AnthropicBatches
from graders.model.batch.call_id import CallId, number_of
from graders.model.batch.openai import OpenAIBatches
from graders.model.batch.outgoing import Outgoing
from graders.model.batch.result_file import ResultFile
from graders.model.price import Price
from graders.question import LoadedQuestion
from rubrics import Answer, Example, GraderError, InputError
from tests.graders.fake_batches import FakeBatches, always_well, truth
from tests.graders.fake_endpoint import FakeEndpoint, completion

DIALECTS = ("openai", "anthropic")


def question(name: str, *texts: str, criteria: int = 3, **criterion: Any) -> LoadedQuestion:
    leaves = [{"id": f"k{n}", "criterion": f"Says thing {n}", "points": 1, **criterion} for n in range(criteria)]
    example = Example.model_validate({"id": name, "prompt": "What now?", "rubric": {"id": "r", "criteria": leaves}})
    answers = [Answer(example_id=name, model=f"m{n}", text=text) for n, text in enumerate(texts)]
    return LoadedQuestion(example, answers)


def questions(count: int = 5, **how: Any) -> list[LoadedQuestion]:
    return [question(f"e{n}", f"Answer {n} in so many words.", **how) for n in range(count)]


@dataclass
class Bench:
    """What stays when a run ends, and the time that was waited."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    journal: MemoryBatchJournal = field(default_factory=MemoryBatchJournal)
    told: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await asyncio.sleep(0)

    def run(self, asked: Iterable[LoadedQuestion], *graders: ModelGrader, **how: Any) -> Progress:
        return asyncio.run(self.runner(*graders, **how).run(lambda: list(asked)))

    def runner(self, *graders: ModelGrader, **how: Any) -> BatchRun:
        return BatchRun(graders, self.ledger, self.journal, tell=self.told.append, sleep=self.sleep, **how)

    @property
    def judgments(self) -> list[Judgment]:
        return list(self.ledger.judgments())


def grader(provider: FakeBatches, dialect: str = "openai", **how: Any) -> ModelGrader:
    return ModelGrader("judge", base_url=provider.base_url, dialect=dialect, api_key_env="JUDGE_KEY", **how)


def assert_all_true(judgments: list[Judgment], asked: list[LoadedQuestion]) -> None:
    """Every cell is judged, and as the fake judge judges."""
    texts = {answer.key: answer.text for each in asked for answer in each.load()[1]}
    words = {leaf.id: leaf.criterion.criterion for leaf in asked[0].load()[0].rubric.leaves}
    assert len(judgments) == len(texts) * len(words)
    for judgment in judgments:
        text = texts[judgment.example_id, judgment.model, judgment.sample]
        assert (judgment.status, judgment.met) == ("judged", truth(text, words[judgment.criterion_id]))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("per_call", [1, 2, None])
def test_every_missing_cell_is_asked_once_and_judged(dialect: str, per_call: int | None) -> None:
    asked, bench = questions(), Bench()
    with FakeBatches() as provider:
        progress = bench.run(asked, grader(provider, dialect, criteria_per_call=per_call))
        assert_all_true(bench.judgments, asked)
        assert set(provider.paid.values()) == {1}
        assert len(provider.batches) == 1
        assert (progress.graded, progress.failed, progress.stopped) == (15, 0, None)
        assert progress.calls == len(provider.bodies) == {1: 15, 2: 10, None: 5}[per_call]
        again = bench.run(asked, grader(provider, dialect, criteria_per_call=per_call))
        assert (again.calls, len(provider.batches)) == (0, 1)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_submitted_is_what_a_first_call_posts(dialect: str) -> None:
    (only,) = asked = questions(1, criteria=1)
    example, (answer,) = only.load()
    task = Task(example, answer, tuple(leaf.criterion for leaf in example.rubric.leaves))

    async def posted() -> dict[str, Any]:
        async with FakeEndpoint(completion("no")) as endpoint:
            judge = ModelGrader("judge", base_url=endpoint.base_url, dialect=dialect, max_replies=1, max_faults=1)
            with pytest.raises(GraderError):
                await judge.judge(task)
            await judge.aclose()
            return endpoint.requests[0]

    with FakeBatches() as provider:
        Bench().run(asked, grader(provider, dialect))
        assert provider.bodies == [asyncio.run(posted())]


def test_the_key_goes_along_with_every_request_and_into_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-secret-0123456789")
    for dialect, header in (("openai", "Authorization"), ("anthropic", "x-api-key")):
        bench = Bench()
        with FakeBatches() as provider:
            bench.run(questions(1), grader(provider, dialect))
            assert all("sk-secret" in headers[header] for headers in provider.headers)
        assert "sk-secret" not in repr(bench.journal.__dict__) + repr(bench.judgments) + repr(bench.told)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", range(4))
def test_whatever_goes_wrong_on_the_way_the_verdicts_are_right_and_none_is_doubled(dialect: str, seed: int) -> None:
    rng = random.Random(seed)
    fates = ["well", "twice", "garbage", "expired", "error", "missing"]

    def fate(_asked: str, time: int) -> str:
        return rng.choice(fates) if time < 4 else "well"

    asked, bench = questions(12), Bench()
    with FakeBatches(fate, seed=seed) as provider:
        progress = bench.run(asked, grader(provider, dialect), most_requests=10)
        assert_all_true(bench.judgments, asked)
        assert (progress.graded, progress.failed) == (36, 0)
        assert progress.calls == sum(provider.paid.values())
        assert all(len(batch.requests) <= 10 for batch in provider.batches.values())
    assert set(bench.journal.ends.values()) == {"done"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_reply_that_stays_unusable_fails_after_as_many_batches_as_replies_are_allowed(dialect: str) -> None:
    bench = Bench()
    with FakeBatches(lambda *_: "garbage") as provider:
        judge = grader(provider, dialect, max_replies=3, price=Price(input=1.0, output=1.0))
        progress = bench.run(questions(1), judge)
        assert [len(batch.requests) for batch in provider.batches.values()] == [3, 3, 3]
    kinds = {judgment.failure.kind if judgment.failure else None for judgment in bench.judgments}
    assert (kinds, progress.failed) == ({"parse"}, 3)
    assert {judgment.input_tokens for judgment in bench.judgments} == {300}, "the tokens of all tries"
    assert progress.cost == pytest.approx(9 * 110 / 1e6)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_first_of_two_results_on_one_request_counts(dialect: str) -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches(lambda *_: "twice") as provider:
        assert bench.run(asked, grader(provider, dialect)).calls == 6
        assert_all_true(bench.judgments, asked)
        assert len(provider.batches) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tries_are_counted_over_a_restart(dialect: str) -> None:
    bench, countdown = Bench(), Countdown(10)  # six writes for the first batch, and the second one is out
    with FakeBatches(lambda *_: "garbage") as provider:
        mortal = Bench(bench.ledger, MortalJournal(bench.journal, countdown))
        with pytest.raises(Killed):
            mortal.run(questions(1), grader(provider, dialect, max_replies=3))
        assert (len(provider.batches), len(bench.journal.open_batches())) == (2, 1)
        bench.run(questions(1), grader(provider, dialect, max_replies=3))
        assert len(provider.batches) == 3
    assert {judgment.status for judgment in bench.judgments} == {"failed"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("fate", "kind"), [("expired", "timeout"), ("error", "http"), ("missing", "http")])
def test_a_request_that_never_gets_through_fails_after_as_many_batches_as_faults_are_allowed(
    dialect: str, fate: str, kind: str
) -> None:
    bench = Bench()
    with FakeBatches(lambda *_: fate) as provider:
        bench.run(questions(1), grader(provider, dialect, max_faults=2, max_replies=1))
        assert len(provider.batches) == 2
    assert [judgment.failure.kind if judgment.failure else None for judgment in bench.judgments] == [kind] * 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_refusal_that_repeats_is_a_failure_and_one_that_does_not_is_none(dialect: str) -> None:
    bench = Bench()
    fate: Callable[[str, int], str] = lambda asked, time: "refusal" if time == 0 or "thing 1" in asked else "well"  # noqa: E731
    with FakeBatches(fate) as provider:
        bench.run(questions(1), grader(provider, dialect))
        assert [len(batch.requests) for batch in provider.batches.values()] == [3, 3, 1]
    failed = [judgment.criterion_id for judgment in bench.judgments if judgment.status == "failed"]
    assert failed == ["k1"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("always", [False, True])
def test_missing_quotes_are_asked_for_once_more_in_a_call_of_their_own(dialect: str, always: bool) -> None:
    asked, bench = questions(2, criteria=6, evidence="required"), Bench()
    with FakeBatches(lambda asked, _: "quoteless" if always or len(json.loads(asked)[1]) == 6 else "well") as provider:
        bench.run(asked, grader(provider, dialect, criteria_per_call=None))
        assert len(provider.batches) == 2
        for body in provider.bodies[2:]:
            assert any(f"Says thing {n}" not in str(body) for n in range(6)), "asked for the quotes alone"
        assert sum(judgment.input_tokens or 0 for judgment in bench.judgments) == 100 * len(provider.bodies)
    for judgment in bench.judgments:
        text = f"Answer {judgment.example_id[1:]} in so many words."
        met = truth(text, f"Says thing {judgment.criterion_id[1:]}")
        if not (met and always):
            assert (judgment.status, judgment.met) == ("judged", met)
        else:
            assert judgment.status == "abstained"
            assert judgment.failure is not None
            assert judgment.failure.kind == "misquote"


def test_a_form_that_is_refused_becomes_simpler_and_that_is_remembered() -> None:
    bench, asked = Bench(), questions(1)
    with FakeBatches(lambda _, time: "refused" if time == 0 else "well") as provider:
        judge = grader(provider)
        bench.run(asked, judge)
        forms = [body["response_format"]["type"] for body in provider.bodies]
        assert forms == ["json_schema"] * 3 + ["json_object"] * 3
        provider.fate = always_well
        bench.run([question("new", "Another answer.")], judge)
        assert provider.bodies[-1]["response_format"]["type"] == "json_object"


def test_a_request_that_will_never_be_taken_is_not_sent_again() -> None:
    bench = Bench()
    with FakeBatches(lambda *_: "denied") as provider:
        bench.run(questions(1), grader(provider))
        assert len(provider.batches) == 1
    assert {judgment.status for judgment in bench.judgments} == {"failed"}


def test_a_batch_that_fails_is_submitted_again_and_after_three_the_grader_is_given_up() -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches() as provider:
        provider.end_batches = ["failed", "failed"]
        assert bench.run(asked, grader(provider)).given_up == {}
        assert_all_true(bench.judgments, asked)
    bench = Bench()
    with FakeBatches() as provider:
        provider.end_batches = ["failed"] * 9
        progress = bench.run(asked, grader(provider))
        assert len(provider.batches) == 3
    (why,) = progress.given_up.values()
    assert "invalid_json_line: This is why." in why
    assert bench.judgments == [], "what was never judged stays missing"
    assert bench.journal.open_batches() == []


def test_where_the_provider_takes_so_many_batches_at_a_time_the_others_wait_for_their_turn() -> None:
    asked, bench = questions(4), Bench()
    with FakeBatches() as provider:
        provider.end_batches = ["completed", *["failed:token_limit_exceeded"] * 3]
        progress = bench.run(asked, grader(provider), most_requests=3)
        assert_all_true(bench.judgments, asked)
        assert progress.given_up == {}
        assert len(provider.batches) == 7, "three failed, and each waited for another's end"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_somebody_cancels_at_the_provider_is_not_submitted_again_before_the_next_command(dialect: str) -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches(lambda asked, _: "cancelled" if "thing 1" in asked else "well") as provider:
        assert bench.run(asked, grader(provider, dialect)).stopped == "cancel"
        assert (len(bench.judgments), len(provider.batches)) == (4, 1)
        provider.fate = always_well
        assert bench.run(asked, grader(provider, dialect)).stopped is None
        assert_all_true(bench.judgments, asked)
        assert set(provider.paid.values()) == {1}


def test_the_budget_bounds_what_is_submitted() -> None:
    asked, bench = questions(4), Bench()
    with FakeBatches(looks=1) as provider:
        judge = grader(provider, price=Price(input=1.0, output=1.0))
        (first, *_), *_ = missing_calls(asked, bench.ledger, [AskedGrader.of(judge, 1)], Progress())
        estimate, paid = judge.estimate(first.task, first=True), 110 / 1e6
        assert estimate is not None
        progress = bench.run(asked, judge, budget=estimate + 2.5 * paid)
        assert progress.stopped == "budget"
        assert [len(batch.requests) for batch in provider.batches.values()] == [1, 1, 1], "each paid, and room for one"
        assert progress.cost == pytest.approx(3 * paid)
        assert bench.run(asked, judge, budget=estimate * 100).stopped is None
        assert_all_true(bench.judgments, asked)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stop_while_waiting_leaves_the_batch_out_and_the_next_run_fetches_it(dialect: str) -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches(looks=3) as provider:
        runner = bench.runner(grader(provider, dialect))

        async def stopped() -> Progress:
            waits = asyncio.Event()

            async def sleep(_: float) -> None:
                waits.set()
                await asyncio.Event().wait()

            runner.sleep = sleep
            running = asyncio.create_task(runner.run(lambda: asked))
            await waits.wait()
            runner.stop()
            return await running

        progress = asyncio.run(stopped())
        assert (progress.stopped, len(runner.out), bench.judgments) == ("cancel", 1, [])
        assert bench.run(asked, grader(provider, dialect)).stopped is None
        assert len(provider.batches) == 1
        assert_all_true(bench.judgments, asked)


def test_pauses_grow_to_a_bound_and_people_are_told() -> None:
    bench = Bench()
    with FakeBatches(looks=25) as provider:
        bench.run(questions(1), grader(provider))
    assert bench.waited == sorted(bench.waited)
    assert (bench.waited[0], bench.waited[-1]) == (1.0, 300.0)
    assert "1 batch out (3 calls): 0 done, finalizing; next look in 2 s" in bench.told


class Killed(BaseException):
    """The process is gone at this point."""


class Countdown:
    """Kills at the n-th step."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


class MortalJournal(MemoryBatchJournal):
    """Dies before or after a write."""

    def __init__(self, whole: MemoryBatchJournal, countdown: Countdown) -> None:
        self.__dict__ = whole.__dict__
        self.__dict__["_countdown"] = countdown

    def intend(self, batch: SentBatch) -> None:
        self.__dict__["_countdown"].step()
        super().intend(batch)
        self.__dict__["_countdown"].step()

    def submitted(self, token: str, provider_id: str) -> None:
        self.__dict__["_countdown"].step()
        super().submitted(token, provider_id)
        self.__dict__["_countdown"].step()

    def end(self, token: str, how: BatchEnd) -> None:
        self.__dict__["_countdown"].step()
        super().end(token, how)
        self.__dict__["_countdown"].step()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("trouble", [False, True])
def test_wherever_it_is_killed_nothing_is_submitted_twice_and_nothing_is_lost(dialect: str, trouble: bool) -> None:
    asked = questions(3, criteria=2)

    def fate(text: str, time: int) -> str:
        return "garbage" if trouble and time == 0 and "thing 1" in text else "well"

    step, survived = 0, False
    while not survived:
        step += 1
        bench, countdown = Bench(), Countdown(step)
        with FakeBatches(fate, looks=1) as provider:
            mortal = Bench(_MortalLedger(bench.ledger, countdown), MortalJournal(bench.journal, countdown))
            try:
                mortal.run(asked, grader(provider, dialect), most_requests=4)
                survived = True
            except Killed:
                bench.journal.__dict__["_countdown"] = Countdown(-1)
                bench.run(asked, grader(provider, dialect), most_requests=4)
            assert_all_true(bench.judgments, asked)
            assert bench.journal.open_batches() == []
            expected = {text: 2 if trouble and "thing 1" in text else 1 for text in provider.paid}
            assert provider.paid == expected, f"killed at step {step}"
    assert step > 10


class _MortalLedger(MemoryLedger):
    def __init__(self, whole: MemoryLedger, countdown: Countdown) -> None:
        self.__dict__ = whole.__dict__
        self._countdown = countdown

    def keep(self, entries: Any) -> None:
        self._countdown.step()
        super().keep(entries)
        self._countdown.step()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_batch_that_was_made_without_a_word_is_found_again(dialect: str) -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches() as provider:
        provider.silence = "hangs up"
        bench.run(asked, grader(provider, dialect))
        assert len(provider.batches) == 1
        assert_all_true(bench.judgments, asked)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_it_is_found_among_newer_and_older_batches_of_others(dialect: str) -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches() as provider:
        others = Bench(journal=MemoryBatchJournal())
        others.journal.salt = "others"
        others.run(asked, grader(provider, dialect))
        provider.batches["batch_0"].created_at -= 3600
        provider.silence, provider.lists = "hangs up", False
        bench.run(asked, grader(provider, dialect))
        others.run(questions(9, criteria=1)[2:], grader(provider, dialect), most_requests=1)
        provider.lists = True
        before = len(provider.batches)
        assert before > 5
        bench.run(asked, grader(provider, dialect))
        assert len(provider.batches) == before
        assert_all_true(bench.judgments, asked)
        assert list(bench.journal.ends.values()) == ["done"]


def test_a_batch_of_somebody_else_that_looks_like_ours_is_seen_through() -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches() as provider:
        others = Bench()
        others.journal.salt = "another"
        others.run(asked, grader(provider, "anthropic"))
        (ours,) = _intended(bench, asked, grader(provider, "anthropic"))
        bench.journal.intend(ours)
        bench.run(asked, grader(provider, "anthropic"))
        assert_all_true(bench.judgments, asked)
        assert sorted(bench.journal.ends.values()) == ["done", "foreign", "unsent"]
        assert len(provider.batches) == 2


def _intended(bench: Bench, asked: list[LoadedQuestion], judge: ModelGrader) -> list[SentBatch]:
    calls = missing_calls(asked, bench.ledger, [AskedGrader.of(judge, 1)], Progress())
    ids = [CallId.of(call, bench.journal.salt).whole for group in calls for call in group]
    numbers = [number for custom_id in ids if (number := number_of(custom_id)) is not None]
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return [SentBatch("token", judge.name, 0, CallSet(numbers), None, now)]


def test_what_is_asked_anew_is_submitted_though_an_older_batch_is_out() -> None:
    bench, old = Bench(), [question("e", "The old answer.")]
    new = [question("e", "The new answer.")]
    with FakeBatches() as provider:
        (batch,) = _intended(bench, old, grader(provider))
        other = Bench()
        other.run(old, grader(provider))
        provider.batches["batch_0"].looks = 0
        bench.journal.intend(replace(batch, provider_id="batch_0"))
        bench.run(new, grader(provider))
        assert_all_true(bench.judgments, new)
        assert len(provider.batches) == 2


@pytest.mark.parametrize(("status", "why"), [(401, "JUDGE_KEY is not set"), (404, "HTTP 404")])
def test_a_provider_that_takes_no_batches_is_given_up_with_its_reason(status: int, why: str) -> None:
    bench = Bench()
    with FakeBatches() as provider:
        provider.refused_creations = [status]
        progress = bench.run(questions(1), grader(provider))
        assert why in progress.given_up["model:judge"]
    assert (bench.judgments, bench.journal.open_batches()) == ([], [])


def test_an_overloaded_provider_is_asked_again_after_a_pause() -> None:
    asked, bench = questions(1), Bench()
    with FakeBatches() as provider:
        provider.refused_creations = [429, 429, 500]
        bench.run(asked, grader(provider))
        assert_all_true(bench.judgments, asked)
        assert len(provider.batches) == 1


def test_a_batch_that_is_gone_is_not_silently_paid_for_again() -> None:
    bench = Bench()
    with FakeBatches() as provider:
        (batch,) = _intended(bench, questions(1), grader(provider))
        bench.journal.intend(replace(batch, provider_id="deleted"))
        progress = bench.run(questions(1), grader(provider))
        assert "or batch deleted deleted?" in progress.given_up["model:judge"]
        assert (provider.batches, len(bench.journal.open_batches())) == ({}, 1)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_outage_while_waiting_is_borne_and_a_long_one_leaves_everything_to_the_next_command(dialect: str) -> None:
    asked, bench = questions(3), Bench()
    with FakeBatches() as provider:
        provider.outages = 15
        assert bench.run(asked, grader(provider, dialect), most_requests=3).given_up == {}
        assert_all_true(bench.judgments, asked)
    bench = Bench()
    with FakeBatches() as provider:
        provider.outages = 20
        progress = bench.run(asked, grader(provider, dialect), most_requests=3)
        assert "its batches do not tell how far they are: HTTP 503" in progress.given_up["model:judge"]
        assert sum(bench.waited) > 30 * 60
        assert len(bench.journal.open_batches()) == 3
        bench.run(asked, grader(provider, dialect), most_requests=3)
        assert_all_true(bench.judgments, asked)
        assert len(provider.batches) == 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_where_nobody_can_tell_whether_a_batch_came_into_being_it_stays_open(dialect: str) -> None:
    asked, bench = questions(1), Bench()
    with FakeBatches() as provider:
        provider.silence, provider.lists = "hangs up", False
        progress = bench.run(asked, grader(provider, dialect))
        assert "cannot be told, so it stays open" in progress.given_up["model:judge"]
        assert "another --run asks afresh" in bench.told[-1]
        provider.lists = True
        bench.run(asked, grader(provider, dialect))
        assert len(provider.batches) == 1
        assert_all_true(bench.judgments, asked)


def test_several_graders_and_repeats_go_side_by_side() -> None:
    asked, bench = questions(2), Bench()
    with FakeBatches() as provider:
        judges = [grader(provider), ModelGrader("two", base_url=provider.base_url, dialect="anthropic")]
        progress = bench.run(asked, *judges, repeats=2)
        assert (progress.graded, len(provider.batches)) == (24, 2)
        assert set(provider.paid.values()) == {4}
    for name in ("model:judge", "model:two"):
        for repeat in (0, 1):
            mine = [each for each in bench.judgments if (each.grader, each.repeat) == (name, repeat)]
            assert_all_true(mine, asked)


def test_an_empty_answer_is_judged_without_a_call() -> None:
    bench = Bench()
    with FakeBatches() as provider:
        progress = bench.run([question("e", "…", "Some words.")], grader(provider))
        assert len(provider.bodies) == 3
    assert progress.graded == 6
    assert [judgment.flags for judgment in bench.judgments if judgment.model == "m0"] == [("empty_answer",)] * 3


def test_controls_cannot_go_in_batches() -> None:
    with pytest.raises(InputError, match="controls are asked before"):
        Bench().runner(ModelGrader("judge", base_url="http://127.0.0.1:1/v1", controls=True))


@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_a_batch_never_outgrows_what_the_provider_takes(sizes: list[int]) -> None:
    for provider in (OpenAIBatches(), AnthropicBatches()):
        provider.most_requests, provider.most_bytes = 7, 3000
        outgoing, batches = Outgoing(provider), []
        for number, size in enumerate(sizes):
            body = b'{"a":"' + b"x" * size + b'"}'
            while not outgoing.add(f"{number:032x}", body, None):
                batches.append(outgoing)
                outgoing = Outgoing(provider)
        batches.append(outgoing)
        assert sum(map(len, batches)) == len(sizes)
        for batch in batches:
            batch.finish()
            with batch.open() as body, batch.open() as again:
                content = body.read()
                body.seek(0)
                assert again.read() == content
            batch.close()
            assert len(batch) <= 7
            assert len(content) - len(provider.opening) - len(provider.closing) <= 3000


@given(st.sets(st.integers(0, 2**64 - 1)), st.sets(st.integers(0, 2**64 - 1)))
def test_a_set_of_calls_holds_what_went_in_and_nothing_else(inside: set[int], others: set[int]) -> None:
    calls = CallSet.of_bytes(bytes(CallSet(inside)))
    assert len(calls) == len(inside)
    assert {number for number in inside | others if number in calls} == inside


def test_a_custom_id_is_the_same_after_a_restart_and_another_for_anything_else() -> None:
    judge = ModelGrader("judge", base_url="http://127.0.0.1:1/v1")
    other = ModelGrader("judge", base_url="http://127.0.0.1:1/v1", temperature=0.5)

    def ids(name: str, text: str, salt: str, by: ModelGrader, ledger: MemoryLedger | None = None) -> list[str]:
        calls = missing_calls([question(name, text)], ledger or MemoryLedger(), [AskedGrader.of(by, 1)], Progress())
        return [CallId.of(call, salt).whole for group in calls for call in group]

    failed = MemoryLedger()
    failed.keep(_failed_entries(question("e", "text"), judge))
    several = [
        ids("e", "text", "run", judge),
        ids("f", "text", "run", judge),
        ids("e", "other", "run", judge),
        ids("e", "text", "run2", judge),
        ids("e", "text", "run", other),
        ids("e", "text", "run", judge, failed),
    ]
    assert ids("e", "text", "run", judge) == several[0]
    every = [custom_id for some in several for custom_id in some]
    assert len(set(every)) == len(every) == 18
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", custom_id) for custom_id in every)


def _failed_entries(asked: LoadedQuestion, judge: ModelGrader) -> list[Entry]:
    from graders.boundary import failed_entries

    calls = missing_calls([asked], MemoryLedger(), [AskedGrader.of(judge, 1)], Progress())
    now = datetime.now(UTC)
    return [entry for group in calls for call in group for entry in failed_entries(call, ValueError("no"), now)]


@given(st.lists(st.binary(max_size=60), max_size=20), st.randoms())
def test_results_are_found_among_any_rubbish(rubbish: list[bytes], rng: random.Random) -> None:
    ids = [f"{n:032x}" for n in (0, 1 << 70, 5 << 90)]
    lines = [*rubbish, *(b'{"custom_id":"%s","n":%d}' % (each.encode(), n) for n, each in enumerate(ids))]
    rng.shuffle(lines)
    results = ResultFile()
    for line in lines:
        results.add(line)
    assert [(results.find(each) or {}).get("n") for each in ids] == [0, 1, 2]
    assert results.find("f" * 32) is None
    results.close()
