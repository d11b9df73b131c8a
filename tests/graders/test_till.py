"""The budget while calls are in flight whose price is not known yet."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from graders.till import Till
from tests.graders.virtual_time import run_in_virtual_time

CENTS = st.integers(1, 500).map(lambda cents: cents / 100)


@given(
    st.lists(st.tuples(CENTS, st.floats(0.0, 1.0), st.floats(0.0, 5.0)), max_size=40),
    st.floats(0.0, 50.0),
    st.integers(1, 8),
)
def test_what_is_spent_never_exceeds_the_budget_where_estimates_are_not_too_low(
    calls: list[tuple[float, float, float]], budget: float, workers: int
) -> None:
    async def run() -> None:
        till, spent, waiting = Till(budget), 0.0, iter(calls)

        async def work() -> None:
            nonlocal spent
            for estimate, share, takes in waiting:
                if not await till.may_pay(estimate):
                    await till.close()
                    return
                await asyncio.sleep(takes)
                spent += estimate * share
                await till.came_back(estimate * share, estimate)

        await asyncio.gather(*(work() for _ in range(workers)))
        assert spent <= budget + 1e-9

    run_in_virtual_time(run())


@given(st.lists(CENTS, min_size=1, max_size=30), st.floats(0.0, 50.0))
def test_one_after_another_calls_that_cost_the_same_use_the_budget_up_but_for_less_than_one(
    estimates: list[float], budget: float
) -> None:
    """Without any estimate too: the dearest call so far stands for the next."""

    async def run() -> None:
        till, spent, cost = Till(budget), 0.0, estimates[0]
        while await till.may_pay():
            spent += cost
            await till.came_back(cost)
            if spent > 100 * cost:
                break
        assert spent <= max(budget, cost) + 1e-9
        assert spent > min(budget - cost - 1e-9, 100 * cost)

    run_in_virtual_time(run())


def test_estimates_that_were_too_low_are_trusted_by_as_much_less() -> None:
    async def run() -> None:
        till = Till(10.0)
        assert await till.may_pay(1.0)
        await till.came_back(4.0, 1.0)  # four times as much
        assert not await till.may_pay(2.0)  # 4 spent, and 8 to come
        assert await till.may_pay(1.5)

    run_in_virtual_time(run())


def test_a_call_whose_price_nobody_tells_ends_the_spending() -> None:
    async def run() -> None:
        till = Till(10.0)
        assert await till.may_pay(1.0)
        await till.came_back(None, 1.0)
        assert not await till.may_pay(1.0)

    run_in_virtual_time(run())


def test_a_call_that_was_not_made_gives_its_place_back() -> None:
    async def run() -> None:
        till = Till(2.0)
        assert await till.may_pay(2.0)
        waiting = asyncio.create_task(till.may_pay(2.0))
        await asyncio.sleep(1.0)
        assert not waiting.done()
        await till.gave_up(2.0)
        assert await waiting

    run_in_virtual_time(run())
