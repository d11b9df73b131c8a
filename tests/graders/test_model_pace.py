"""How many requests are out at a time: found by trying, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.grader import NotAsked
from graders.model.pace import START, Allowance, Pace, Ticket, Word
from tests.graders.virtual_time import loop_time, run_in_virtual_time

ROUND_TRIP = 0.05


def in_virtual_time(main: Coroutine[Any, Any, None]) -> None:
    run_in_virtual_time(main)


async def rounds(pace: Pace, count: int, said: Word = "well", *, takes: float = ROUND_TRIP) -> list[int]:
    """Let as many as want to ask for so many round trips, all with one word at the end; how many were out in each."""
    end, out = loop_time() + (count - 0.5) * takes, []

    async def work() -> None:
        while loop_time() < end:
            ticket = await pace.enter()
            await asyncio.sleep(takes)
            pace.leave(ticket, said)

    working = [asyncio.create_task(work()) for _ in range(pace.most)]
    await asyncio.sleep(takes / 2)
    for _ in range(count):
        out.append(pace.out)
        await asyncio.sleep(takes)
    await asyncio.gather(*working)
    return out


# --- climbing and cutting ---


def test_twice_as_many_are_out_each_round_trip_up_to_the_most() -> None:
    async def run() -> None:
        assert await rounds(Pace(100, clock=loop_time), 5) == [START, 32, 64, 100, 100]

    in_virtual_time(run())


def test_fewer_are_asked_for_from_the_start() -> None:
    async def run() -> None:
        assert await rounds(Pace(3, clock=loop_time), 2) == [3, 3]

    in_virtual_time(run())


def test_an_overload_cuts_once_for_all_that_were_out_together() -> None:
    async def run() -> None:
        pace = Pace(256, clock=loop_time)
        tickets = [await pace.enter() for _ in range(START)]
        for ticket in tickets:
            pace.leave(ticket, "overloaded")
        assert pace.limit == START / 2, "the first of a burst was out alone: half is left whatever it says"
        tickets = [await pace.enter() for _ in range(8)]
        for ticket in reversed(tickets):
            pace.leave(ticket, "overloaded")
        assert pace.limit == 6, "the last was one of eight, and three quarters of these are left"

    in_virtual_time(run())


def test_after_the_first_overload_one_more_is_out_each_round_trip() -> None:
    async def run() -> None:
        pace = Pace(256, clock=loop_time)
        pace.leave(await pace.enter(), "overloaded")
        climbed = await rounds(pace, 20)
        assert climbed[0] == 8
        assert all(0 <= later - sooner <= 1 for sooner, later in itertools.pairwise(climbed))
        assert climbed[-1] >= 8 + 16

    in_virtual_time(run())


def test_at_least_one_is_always_let_out() -> None:
    async def run() -> None:
        pace = Pace(256, clock=loop_time)
        assert (await rounds(pace, 20, "overloaded"))[-1] == 1

    in_virtual_time(run())


def test_what_says_nothing_of_the_load_neither_cuts_nor_adds() -> None:
    async def run() -> None:
        pace = Pace(256, clock=loop_time)
        assert await rounds(pace, 5, "nothing") == [START] * 5
        assert await rounds(pace, 2) == [START, 2 * START]

    in_virtual_time(run())


def test_a_few_out_at_a_time_tell_nothing_of_many() -> None:
    async def run() -> None:
        pace = Pace(256, clock=loop_time)
        for _ in range(100):
            pace.leave(await pace.enter(), "well")
        assert pace.limit == START

    in_virtual_time(run())


def test_a_fault_that_comes_at_once_does_not_make_good_replies_look_slow() -> None:
    """Refused forms and lost connections are back in no time: were they timed, all else would seem to queue."""

    async def run() -> None:
        pace = Pace(256, clock=loop_time)
        await rounds(pace, 3, "nothing", takes=0.001)
        assert await rounds(pace, 5, takes=2.0) == [START, 32, 64, 128, 256]

    in_virtual_time(run())


def test_a_reply_that_comes_at_once_now_and_then_does_not_make_all_others_look_slow() -> None:
    async def run() -> None:
        pace, rng = Pace(256, clock=loop_time), random.Random(0)

        async def ask() -> None:
            ticket = await pace.enter()
            await asyncio.sleep(0.001 if rng.random() < 0.05 else rng.lognormvariate(0.0, 0.5))
            pace.leave(ticket, "well")

        await asyncio.gather(*(ask() for _ in range(5000)))
        assert pace.limit >= 128

    in_virtual_time(run())


def test_where_requests_queue_at_a_server_no_more_are_added() -> None:
    """A local server with eight slots never says that it is overloaded: replies only come later and later."""

    async def run() -> None:
        pace = Pace(512, clock=loop_time)
        slots = asyncio.Semaphore(8)

        async def ask() -> None:
            ticket = await pace.enter()
            async with slots:
                await asyncio.sleep(1.0)
            pace.leave(ticket, "well")

        await asyncio.gather(*(ask() for _ in range(2000)))
        assert 8 <= pace.limit <= 64
        assert loop_time() == pytest.approx(2000 / 8)

    in_virtual_time(run())


# --- an endpoint with a bound of its own ---


@dataclass
class Told:
    """What became of a simulated run."""

    calls: int = 0
    refused: int = 0
    seconds: float = 0.0


async def simulate(bears: int, *, judgments: int = 5000, jitter: float = 0.0, refuses_in: float = 0.001) -> Told:
    """Judge against an endpoint that bears so many at a time and answers 429 above, without Retry-After."""
    pace, rng, told, out = Pace(128, clock=loop_time), random.Random(0), Told(), 0

    async def judge() -> None:
        nonlocal out
        attempt = 0
        while True:
            ticket = await pace.enter(again=attempt > 0)
            told.calls += 1
            if out < bears:
                out += 1
                await asyncio.sleep(ROUND_TRIP * (1 + jitter * (rng.random() - 0.5)))
                out -= 1
                pace.leave(ticket, "well")
                return
            told.refused += 1
            await asyncio.sleep(refuses_in)
            pace.leave(ticket, "overloaded")
            await pace.rest(min(0.5 * 2.0**attempt, 60.0) * (0.5 + rng.random() / 2))
            attempt += 1

    waiting = iter(range(judgments))

    async def work() -> None:
        for _ in waiting:
            await judge()

    await asyncio.gather(*(work() for _ in range(128)))
    told.seconds = loop_time()
    return told


@pytest.mark.parametrize("jitter", [0.0, 0.8])
@pytest.mark.parametrize("refuses_in", [0.001, ROUND_TRIP])
@pytest.mark.parametrize("bears", [8, 32, 64])
def test_an_endpoint_that_bears_so_many_is_used_nearly_in_full_and_seldom_asked_in_vain(
    bears: int, refuses_in: float, jitter: float
) -> None:
    told = run_in_virtual_time(simulate(bears, jitter=jitter, refuses_in=refuses_in))
    assert told.refused > 0
    assert told.calls == 5000 + told.refused
    assert told.calls <= 1.15 * 5000
    assert told.seconds <= 1.3 * 5000 * ROUND_TRIP / bears


# --- whose turn it is ---


def test_a_request_sent_again_goes_first() -> None:
    async def run() -> None:
        pace, order = Pace(1, clock=loop_time), []
        ticket = await pace.enter()

        async def ask(name: str, *, again: bool) -> None:
            mine = await pace.enter(again=again)
            order.append(name)
            pace.leave(mine, "well")

        asked = [asyncio.create_task(ask(name, again=name == "again")) for name in ("new", "newer", "again")]
        await asyncio.sleep(0.01)
        pace.leave(ticket, "well")
        await asyncio.gather(*asked)
        assert order == ["again", "new", "newer"]

    in_virtual_time(run())


def test_a_closed_gate_lets_none_out_until_the_time_is_over_and_then_all() -> None:
    async def run() -> None:
        pace = Pace(clock=loop_time)
        pace.close_for(7.0)
        pace.close_for(3.0)  # a shorter wish does not shorten the longer one

        async def ask() -> float:
            await pace.enter()
            return loop_time()

        assert await asyncio.gather(*(ask() for _ in range(5))) == pytest.approx([7.0] * 5)

    in_virtual_time(run())


def test_a_timer_that_fires_a_little_early_is_no_reason_to_wait_for_ever() -> None:
    async def run() -> None:
        pace = Pace(clock=lambda: loop_time() * 0.999)
        pace.close_for(1.0)
        await pace.enter()
        assert loop_time() >= 1.0

    in_virtual_time(run())


def test_a_gate_closed_longer_while_some_wait_keeps_them_waiting() -> None:
    async def run() -> None:
        pace = Pace(clock=loop_time)
        pace.close_for(2.0)
        asked = asyncio.create_task(pace.enter())
        await asyncio.sleep(1.0)
        pace.close_for(5.0)
        await asked
        assert loop_time() == pytest.approx(6.0)

    in_virtual_time(run())


# --- per minute ---


def test_an_allowance_starts_full_and_fills_up_evenly() -> None:
    now = 0.0
    allowance = Allowance(60.0, lambda: now)
    for _ in range(60):
        assert allowance.wait(1.0) == 0
        allowance.take(1.0)
    assert allowance.wait(1.0) == pytest.approx(1.0)
    now = 0.5
    assert allowance.wait(1.0) == pytest.approx(0.5)
    now = 1000.0
    assert allowance.wait(60.0) == 0
    assert allowance.wait(1e9) == 0, "more than a minute's is to be had when it is full"
    allowance.take(120.0)
    assert allowance.wait(1.0) == pytest.approx(61.0)


def test_no_more_requests_go_out_in_any_minute_than_were_allowed() -> None:
    async def run() -> None:
        pace, sent = Pace(clock=loop_time, requests_per_minute=30.0), []

        async def ask() -> None:
            ticket = await pace.enter()
            sent.append(loop_time())
            pace.leave(ticket, "well")

        await asyncio.gather(*(ask() for _ in range(100)))
        assert len([at for at in sent if at == 0]) == 30
        assert loop_time() == pytest.approx(140.0)  # 70 more at two seconds each
        assert max(sum(at <= other < at + 60 for other in sent) for at in sent) <= 60  # a full bucket and a minute

    in_virtual_time(run())


def test_tokens_that_a_request_took_beyond_its_estimate_are_waited_for_by_the_next() -> None:
    async def run() -> None:
        pace = Pace(clock=loop_time, tokens_per_minute=600.0)
        first, second = await pace.enter(100.0), await pace.enter(100.0)
        pace.leave(first, "well", excess_tokens=500.0)
        await pace.enter(100.0)
        assert loop_time() == pytest.approx(20.0)  # 600 - 700 of the minute's, and 100 to take: 200 at 10 a second
        pace.leave(second, "well", excess_tokens=-100.0)
        await pace.enter(100.0)
        assert loop_time() == pytest.approx(20.0)

    in_virtual_time(run())


def test_a_waiter_that_was_let_out_and_cancelled_gives_back_what_it_took() -> None:
    async def run() -> None:
        pace = Pace(1, clock=loop_time, requests_per_minute=2.0, tokens_per_minute=200.0)
        ticket = await pace.enter(100.0)
        waiting = asyncio.create_task(pace.enter(100.0))
        await asyncio.sleep(0)
        pace.leave(ticket, "well")  # lets it out: its turn has come, but it has not run yet
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert pace.out == 0
        await pace.enter(100.0)
        assert loop_time() == 0

    in_virtual_time(run())


# --- the end of a run ---


def test_stop_wakes_who_waits_for_a_turn_and_who_rests_and_lets_none_out() -> None:
    async def run() -> None:
        pace = Pace(1, clock=loop_time)
        ticket = await pace.enter()
        asked = [
            asyncio.create_task(coroutine) for coroutine in (pace.enter(), pace.rest(50.0), pace.enter(again=True))
        ]
        await asyncio.sleep(1.0)
        pace.stop()
        assert [type(end) for end in await asyncio.gather(*asked, return_exceptions=True)] == [NotAsked] * 3
        for late in (pace.enter(), pace.rest(1.0)):
            with pytest.raises(NotAsked):
                await late
        assert loop_time() == 1.0
        pace.leave(ticket, "well")
        assert pace.out == 0

    in_virtual_time(run())


def test_who_is_cancelled_while_resting_is_cancelled_and_not_merely_not_asked() -> None:
    async def run() -> None:
        pace = Pace(clock=loop_time)
        resting = asyncio.create_task(pace.rest(50.0))
        await asyncio.sleep(1.0)
        resting.cancel()
        pace.stop()
        with pytest.raises(asyncio.CancelledError):
            await resting

    in_virtual_time(run())


def test_a_pace_goes_on_in_another_event_loop_after_a_run_that_ended_behind_a_closed_gate() -> None:
    now = 100.0
    pace = Pace(clock=lambda: now)

    async def first() -> None:
        pace.close_for(60.0)
        asked = asyncio.create_task(pace.enter())
        await asyncio.sleep(0)
        pace.stop()
        with pytest.raises(NotAsked):
            await asked
        pace.resume()

    async def second() -> None:
        nonlocal now
        asked = asyncio.create_task(pace.enter())
        await asyncio.sleep(0)
        now = 160.0
        await asked

    in_virtual_time(first())
    in_virtual_time(second())
    assert pace.out == 1


# --- nothing leaks ---

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.booleans()),
        st.tuples(st.sampled_from(["well", "overloaded", "nothing", "cancel"]), st.integers(0, 50)),
        st.tuples(st.just("close"), st.floats(0.0, 3.0)),
        st.tuples(st.just("pass"), st.floats(0.0, 2.0)),
        st.tuples(st.just("now"), st.just(0)),
    ),
    max_size=150,
)


@given(STEPS, st.integers(1, 20), st.none() | st.floats(60.0, 6000.0))
def test_whatever_happens_no_more_are_let_out_than_may_be_and_no_slot_is_lost(
    steps: list[tuple[str, Any]], most: int, per_minute: float | None
) -> None:
    async def run() -> None:
        pace = Pace(most, clock=loop_time, requests_per_minute=per_minute, tokens_per_minute=per_minute)
        asked: list[asyncio.Task[Ticket]] = []
        out_before = 0

        def check() -> None:
            nonlocal out_before
            assert pace.out <= max(out_before, int(pace.limit))
            assert 1 <= pace.limit <= most
            out_before = pace.out

        for step, how in steps:
            if step == "ask":
                asked.append(asyncio.create_task(pace.enter(10.0, again=how)))
            elif step == "close":
                pace.close_for(how)
            elif step == "pass":
                await asyncio.sleep(how)
            elif step == "now":
                await asyncio.sleep(0)
            elif asked:
                chosen = asked[how % len(asked)]
                if step == "cancel":
                    chosen.cancel()
                elif chosen.done() and not chosen.cancelled():
                    asked.remove(chosen)
                    pace.leave(chosen.result(), step)  # type: ignore[arg-type]  # one of the three words
            check()
        await asyncio.sleep(0)
        check()
        for task in asked:
            task.cancel()
        for ended in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(ended, Ticket):
                pace.leave(ended, "nothing")
        assert pace.out == 0
        for _ in range(int(pace.limit)):
            await pace.enter(1.0)
        assert pace.out == int(pace.limit)

    in_virtual_time(run())
