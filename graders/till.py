"""The budget: whether one more call may be paid for while others, whose price is not known yet, are still out."""

from __future__ import annotations

import asyncio
from math import fsum


class Till:
    """Keeps a run within its budget.

    A call in flight is expected to cost what it is estimated at, times as much as any call so far cost more than its
    estimate, and no less than the dearest call so far. Until one has told its price only one is made, and of each
    grader only one: another's calls tell nothing of its own, unless it says itself that a call is free. A grader that
    tells no price is asked no more: what it costs is unknown, not nothing.
    """

    def __init__(self, budget: float) -> None:
        """`budget` in USD."""
        self._budget = budget
        self._spent: float | None = 0.0
        self._dearest = 0.0
        self._beyond = 1.0
        """Times as much as was estimated."""
        self._out: list[tuple[str, float]] = []
        """The graders of the calls in flight and their estimates."""
        self._told: set[str] = set()
        """The graders that have told a price."""
        self._closed = False
        self._changed = asyncio.Condition()

    async def may_pay(self, estimate: float | None = 0.0, *, grader: str = "") -> bool:
        """Whether one more call stays within the budget; waits for those in flight where they decide it."""
        async with self._changed:
            while not self._closed:
                if self._allows(grader, estimate):
                    self._out.append((grader, estimate or 0.0))
                    return True
                if not self._out:
                    return False
                await self._changed.wait()
        return False

    async def came_back(self, cost: float | None, estimate: float | None = 0.0, *, grader: str = "") -> None:
        """A call that was allowed is done; what it cost, None where that is unknown."""
        async with self._changed:
            self._out.remove((grader, estimate or 0.0))
            self._spent = None if cost is None or self._spent is None else self._spent + cost
            self._dearest = max(self._dearest, cost or 0.0)
            if cost:
                self._told.add(grader)
            if estimate:
                self._beyond = max(self._beyond, (cost or 0.0) / estimate)
            self._changed.notify_all()

    async def gave_up(self, estimate: float | None = 0.0, *, grader: str = "") -> None:
        """A call that was allowed was not made."""
        async with self._changed:
            self._out.remove((grader, estimate or 0.0))
            self._changed.notify_all()

    async def close(self) -> None:
        """Allow no more."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _allows(self, grader: str, estimate: float | None) -> bool:
        if self._spent is None or self._budget <= 0 or (self._out and self._dearest == 0):
            return False
        if estimate != 0 and grader not in self._told and any(other == grader for other, _ in self._out):
            return False
        calls = [estimate or 0.0, *(known for _, known in self._out)]
        expected = fsum(max(self._beyond * call, self._dearest) for call in calls)
        return self._spent + expected <= self._budget
