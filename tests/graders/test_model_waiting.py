"""Calls that wait: for an endpoint that asked for time, and for a run that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders import Engine, Judgment, MemoryLedger
from graders.judgment import Verdict
from graders.model import ModelGrader
from graders.model.client import ChatClient, parse_retry_after
from graders.model.pace import Pace
from graders.question import LoadedQuestion
from rubrics import Answer, Example
from tests.graders.fake_endpoint import MET, FakeEndpoint, Scripted, task_of, verdicts

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SOON = datetime(2026, 11, 25, 12, 0, 20, tzinfo=UTC)


class Hand:
    """A clock that is turned by hand; who sleeps wakes when it is turned far enough."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleeping: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleeping.append((self.now + seconds, turn))
        await turn

    def turn(self, seconds: float) -> None:
        self.now += seconds
        for until, turn in self._sleeping:
            if until <= self.now and not turn.done():
                turn.set_result(None)

    @property
    def sleepers(self) -> int:
        return sum(not turn.done() for _, turn in self._sleeping)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # nothing else tells of it
        await asyncio.sleep(0)


def grader_at(endpoint: FakeEndpoint, hand: Hand, pace: Pace, **options: Any) -> ModelGrader:
    client = ChatClient(endpoint.base_url, pace=pace, sleep=hand.sleep, now=NOW.timestamp)
    return ModelGrader("judge", base_url=endpoint.base_url, client=client, **options)


def in_loop(main: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(30):
            await main()

    asyncio.run(run())


@pytest.mark.parametrize(
    "asked",
    ["20", "20.0", format_datetime(SOON, usegmt=True), "Wednesday, 25-Nov-26 12:00:20 GMT", "Wed Nov 25 12:00:20 2026"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_what_one_call_was_told_holds_for_all_calls(asked: str, status: int) -> None:
    async def run() -> None:
        hand = Hand()
        pace = Pace(clock=lambda: hand.now)
        busy = Scripted(status=status, headers={"Retry-After": asked})
        async with FakeEndpoint(busy, verdicts(MET)) as endpoint:
            grader = grader_at(endpoint, hand, pace)
            first = asyncio.create_task(_judge(grader))
            await until(lambda: hand.sleepers == 1)
            others = [asyncio.create_task(_judge(grader)) for _ in range(5)]
            await asyncio.sleep(0.02)
            hand.turn(19.9)
            await asyncio.sleep(0.02)
            assert len(endpoint.requests) == 1
            hand.turn(2.2)  # and the jitter of a tenth
            assert [(await call)[0].met for call in (first, *others)] == [True] * 6
            assert len(endpoint.requests) == 7
            await grader.aclose()

    in_loop(run)


async def _judge(grader: ModelGrader) -> list[Verdict]:
    return list(await grader.judge(task_of()))


@pytest.mark.parametrize(
    ("fault", "cuts"),
    [
        (Scripted(status=429), True),
        (Scripted(status=503), True),
        (Scripted(status=529), True),
        (Scripted(hangs=True), True),
        (Scripted(status=500), False),
        (Scripted(status=502), False),
        (Scripted(status=408), False),
        (Scripted(resets=True), False),
        (Scripted(body=b"<html>"), False),
        (Scripted(status=400), False),
    ],
)
def test_only_overloads_and_timeouts_make_fewer_go_out(fault: Scripted, cuts: bool) -> None:
    async def run() -> None:
        pace = Pace()

        async def sleep(_: float) -> None:
            await asyncio.sleep(0)

        async with FakeEndpoint(fault, verdicts(MET)) as endpoint:
            client = ChatClient(endpoint.base_url, pace=pace, sleep=sleep, timeout=0.2 if fault.hangs else 20.0)
            grader = ModelGrader("judge", base_url=endpoint.base_url, client=client)
            assert (await _judge(grader))[0].met is True
            await grader.aclose()
        assert (pace.limit < 16) is cuts
        assert pace.out == 0

    in_loop(run)


@given(st.none() | st.text() | st.floats().map(str) | st.integers().map(str) | st.datetimes().map(format_datetime))
def test_whatever_a_retry_after_says_it_is_a_pause_of_at_most_a_minute_or_nothing(value: str | None) -> None:
    seconds = parse_retry_after(value, now=NOW.timestamp())
    assert seconds is None or 0 <= seconds <= 60


# --- the end of a run ---

EXAMPLE = Example.model_validate(
    {
        "id": "e",
        "prompt": "?",
        "rubric": {"id": "r", "criteria": [{"criterion": f"Says {word}", "points": 1} for word in "abcd"]},
    }
)
ANSWERS = [Answer(example_id="e", model=f"m{number}", text=f"Answer {number}") for number in range(10)]


@pytest.mark.parametrize("controls", [True, False])
def test_a_run_that_is_stopped_while_its_calls_rest_ends_at_once_and_files_nothing_of_them(controls: bool) -> None:
    async def run() -> None:
        hand = Hand()
        pace = Pace(4, clock=lambda: hand.now)
        ledger = MemoryLedger()
        async with FakeEndpoint(Scripted(status=429)) as endpoint:
            grader = grader_at(endpoint, hand, pace, controls=controls)
            engine = Engine([grader], ledger, concurrency=8)
            running = asyncio.create_task(engine.run([LoadedQuestion(EXAMPLE, ANSWERS)]))
            await until(lambda: hand.sleepers >= 2)
            engine.stop()
            progress = await running
        assert (progress.stopped, progress.graded, progress.failed) == ("cancel", 0, 0)
        assert list(ledger.judgments()) == []
        assert pace.out == 0

    in_loop(run)


def test_what_is_in_flight_when_a_run_is_stopped_is_kept_and_the_rest_is_asked_by_the_next() -> None:
    async def run() -> None:
        ledger = MemoryLedger()
        async with FakeEndpoint(verdicts({"criterion": "c1", "met": False})) as endpoint:
            grader = ModelGrader("judge", base_url=endpoint.base_url)
            engine = Engine([grader], ledger, concurrency=4)

            def stop_soon(progress: Any) -> None:
                if progress.graded >= 5:
                    engine.stop()

            engine.on_progress = stop_soon
            await engine.run([LoadedQuestion(EXAMPLE, ANSWERS)])
            kept = list(ledger.judgments())
            assert 5 <= len(kept) < 40
            assert len(kept) == len(endpoint.requests)
            again = Engine([grader], ledger, concurrency=4)
            progress = await again.run([LoadedQuestion(EXAMPLE, ANSWERS)])
            assert progress.graded == 40 - len(kept)
            assert len(endpoint.requests) == 40
        done: list[Judgment] = list(ledger.judgments())
        assert {judgment.status for judgment in done} == {"judged"}

    in_loop(run)
