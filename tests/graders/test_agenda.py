"""Which call goes out next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from graders.agenda import Agenda
from tests.graders.virtual_time import run_in_virtual_time

Call = tuple[int, int]
GROUPS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=12)


class Groups:
    """Groups of so many calls each, and how many were fetched."""

    def __init__(self, sizes: list[tuple[int, bool]]) -> None:
        self._sizes = sizes
        self.fetched = 0

    def __iter__(self) -> Iterator[tuple[list[Call], bool]]:
        for group, (size, warm_first) in enumerate(self._sizes):
            self.fetched += 1
            yield [(group, number) for number in range(size)], warm_first

    @property
    def calls(self) -> list[Call]:
        return [(group, number) for group, (size, _) in enumerate(self._sizes) for number in range(size)]


@given(GROUPS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_every_call_is_handed_out_once_and_the_first_ahead_whatever_order_they_come_back_in(
    sizes: list[tuple[int, bool]], workers: int, rng: random.Random
) -> None:
    async def run() -> None:
        groups = Groups(sizes)
        agenda = Agenda(iter(groups))
        taken: list[Call] = []
        back: set[Call] = set()

        async def work() -> None:
            while (call := await agenda.take()) is not None:
                group, number = call
                if sizes[group][1] and number > 0:
                    assert (group, 0) in back, "a sibling went out before the first was back"
                taken.append(call)
                await asyncio.sleep(rng.uniform(0.0, 9.0))
                back.add(call)
                agenda.came_back(call)

        await asyncio.gather(*(work() for _ in range(workers)))
        assert sorted(taken) == groups.calls
        assert await agenda.take() is None

    run_in_virtual_time(run())


@given(GROUPS, st.integers(1, 8))
def test_a_worker_that_leaves_holds_up_none_that_waits(sizes: list[tuple[int, bool]], leaves_after: int) -> None:
    """A run that is stopped: calls are taken and given back unasked, and everyone goes home."""

    async def run() -> None:
        agenda = Agenda(iter(Groups(sizes)))
        stopped = False

        async def work() -> None:
            nonlocal stopped
            count = 0
            while (call := await agenda.take()) is not None:
                count += 1
                await asyncio.sleep(1.0)
                stopped = stopped or count >= leaves_after
                agenda.came_back(call)
                if stopped:
                    return

        await asyncio.gather(*(work() for _ in range(4)))

    run_in_virtual_time(run())


def test_groups_are_fetched_when_they_are_needed_and_no_sooner() -> None:
    async def run() -> None:
        groups = Groups([(10, True)] * 1000)
        agenda = Agenda(iter(groups))
        first = [await agenda.take() for _ in range(5)]
        assert groups.fetched == 5
        for call in first:
            assert call is not None
            agenda.came_back(call)
        for _ in range(5 * 9):
            assert await agenda.take() is not None
        assert groups.fetched == 5
        assert await agenda.take() == (5, 0)

    run_in_virtual_time(run())


def test_without_warming_all_calls_of_a_group_are_to_be_had_at_once() -> None:
    async def run() -> None:
        agenda = Agenda(iter(Groups([(3, False)])))
        assert [await agenda.take() for _ in range(4)] == [(0, 0), (0, 1), (0, 2), None]

    run_in_virtual_time(run())


def test_a_waiter_that_is_cancelled_takes_no_call_with_it() -> None:
    async def run() -> None:
        agenda = Agenda(iter(Groups([(2, True)])))
        first = await agenda.take()
        waiting = [asyncio.create_task(agenda.take()) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        assert first is not None
        agenda.came_back(first)
        assert await waiting[1] == (0, 1)

    run_in_virtual_time(run())
