"""The budget: whether one more call may be paid for while others, whose price is not known yet, are still out."""

from __future__ import annotations

import asyncio


class Till:
    """Keeps a run within its budget.

    The dearest call so far stands for each call in flight. Until one has told its price only one is made, and a
    grader that tells none is asked no more: what it costs is unknown, not nothing.
    """

    def __init__(self, budget: float) -> None:
        """`budget` in USD."""
        self._budget = budget
        self._spent: float | None = 0.0
        self._dearest = 0.0
        self._out = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def may_pay(self) -> bool:
        """Whether one more call surely stays within the budget; waits for those in flight where they decide it."""
        async with self._changed:
            while not self._closed:
                if self._allows_one_more():
                    self._out += 1
                    return True
                if not self._out:
                    return False
                await self._changed.wait()
        return False

    async def came_back(self, cost: float | None) -> None:
        """A call that was allowed is done; what it cost, None where that is unknown."""
        async with self._changed:
            self._out -= 1
            self._spent = None if cost is None or self._spent is None else self._spent + cost
            self._dearest = max(self._dearest, cost or 0.0)
            self._changed.notify_all()

    async def gave_up(self) -> None:
        """A call that was allowed was not made."""
        async with self._changed:
            self._out -= 1
            self._changed.notify_all()

    async def close(self) -> None:
        """Allow no more."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _allows_one_more(self) -> bool:
        if self._spent is None or self._budget <= 0:
            return False
        if not self._out:
            return self._spent + self._dearest <= self._budget
        return self._dearest > 0 and self._spent + (self._out + 1) * self._dearest <= self._budget
