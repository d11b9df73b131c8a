"""How many requests may be out at one endpoint at a time: as many as it bears, found by trying.

As TCP finds the width of a line (Jacobson, "Congestion Avoidance and Control", 1988): twice as many each round trip
until the endpoint says that it is overloaded, then a cut, and one more each round trip until it says so again. Where
even the quickest quarter of some replies takes twice as long as it once did, requests queue there, and no more are
added: a local server never says that it is overloaded.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from graders.grader import NotAsked

Word = Literal["well", "overloaded", "nothing"]
"""What a request that came back says of the endpoint's load: a lost connection or a refused form says nothing."""

START = 16
"""Requests out at a time before anything is known of an endpoint."""

_CUT = 0.75
"""What is left, after an overload, of how many were out with the request that was too many."""

_CUT_AT_MOST = 0.5
"""What is always left: the first of a burst was out alone when it was sent, and its refusal tells nothing of one."""

_QUEUE = 0.1
"""Seconds by which a reply may be late for our own reasons before it is taken for a sign of a queue."""


@dataclass(slots=True)
class Ticket:
    """A request that is out: its number, how many were out with it, and since when."""

    number: int
    together: int
    since: float


@dataclass(slots=True)
class Allowance:
    """At most `per_minute` units in any minute, taken as they are used up (a token bucket that starts full).

    Worked number: 60 a minute, 60 taken at once; the next is to be had after 1 s.
    """

    per_minute: float
    clock: Callable[[], float]
    _left: float = field(init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        self._left = self.per_minute
        self._told = self.clock()

    def wait(self, units: float) -> float:
        """Seconds until so many units may be taken; more than a whole minute's are taken when it is full."""
        now = self.clock()
        self._left = min(self.per_minute, self._left + (now - self._told) * self.per_minute / 60.0)
        self._told = now
        lacking = min(units, self.per_minute) - self._left
        return max(lacking * 60.0 / self.per_minute, 0.0)

    def take(self, units: float) -> None:
        """Use units up; a negative number gives back what was estimated too high."""
        self._left = min(self.per_minute, self._left - units)


class Pace:
    """Lets requests to one endpoint out. `most` bounds them whatever the endpoint bears."""

    def __init__(
        self,
        most: int = 128,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self.limit: float = min(START, most)
        """How many may be out now."""
        self.out = 0
        """How many are."""
        self._clock = clock
        self._requests = Allowance(requests_per_minute, clock) if requests_per_minute else None
        self._tokens = Allowance(tokens_per_minute, clock) if tokens_per_minute else None
        self._doubling = True
        self._quick = inf
        self._latest: list[float] = []
        self._queues = False
        self._number = 0
        self._cut_at = -1
        self._closed_until = 0.0
        self._stopped = False
        self._waiting: deque[tuple[asyncio.Future[None], float]] = deque()
        self._resting: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, tokens: float = 0.0, *, again: bool = False) -> Ticket:
        """Wait for one's turn to send a request of about so many tokens; a request sent `again` goes first.

        Raises NotAsked where the run ends before.
        """
        if self._stopped:
            raise NotAsked
        if self._waiting or self._delay(tokens) is not None:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            place = (turn, tokens)
            if again:
                self._waiting.appendleft(place)
            else:
                self._waiting.append(place)
            self._let_out()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self._give_back(tokens)  # it was let out and will not go
                raise
        else:
            self._take(tokens)
        self._number += 1
        return Ticket(self._number, self.out, self._clock())

    def leave(self, ticket: Ticket, said: Word = "nothing", *, excess_tokens: float = 0.0) -> None:
        """A request came back. `excess_tokens` is how many more it took than was said when it was let out."""
        together = max(ticket.together, self.out)
        self.out -= 1
        if self._tokens is not None and excess_tokens:
            self._tokens.take(excess_tokens)
        if said == "overloaded":
            self._overloaded(ticket)
        elif said == "well":
            self._came_back_well(self._clock() - ticket.since, together)
        self._let_out()

    def close_for(self, seconds: float) -> None:
        """Send nothing for so long: what the endpoint asked of one request holds for all of them."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    async def rest(self, seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Pause between two tries of a call; NotAsked where the run ends before the pause does."""
        if self._stopped:
            raise NotAsked
        resting = asyncio.ensure_future(sleep(seconds))
        self._resting.add(resting)
        try:
            await resting
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._stopped and not (task is not None and task.cancelling()):
                raise NotAsked from None
            raise
        finally:
            self._resting.discard(resting)

    def stop(self) -> None:
        """Let nothing more out; who waits for a turn or between two tries gets NotAsked."""
        self._stopped = True
        for resting in self._resting:
            resting.cancel()
        while self._waiting:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(NotAsked())

    def resume(self) -> None:
        """Begin anew after `stop`, in whatever event loop."""
        self._stopped = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _came_back_well(self, took: float, together: int) -> None:
        self._latest.append(took)
        if len(self._latest) >= START:
            # The quickest quarter, not the quickest one: now and then one comes at once, and is no measure.
            quick = sorted(self._latest)[START // 4]
            self._quick = min(self._quick, quick)
            self._queues = quick > 2 * self._quick + _QUEUE
            self._latest = []
        # A success tells something only where about as many were out as may be.
        if self.limit < self.most and not self._queues and together >= int(self.limit / 2):
            self.limit = min(self.most, self.limit + (1.0 if self._doubling else 1.0 / self.limit))

    def _overloaded(self, ticket: Ticket) -> None:
        """Cut once for all requests that were out together: those sent before the cut say nothing new."""
        if ticket.number > self._cut_at:
            self._cut_at = self._number
            self.limit = max(1.0, min(self.limit, ticket.together) * _CUT, self.limit * _CUT_AT_MOST)
        self._doubling = False

    def _delay(self, tokens: float) -> float | None:
        """None where a request may go now, else seconds until it may be worth a look (0: when one comes back)."""
        closed = self._closed_until - self._clock()
        if closed > 0:
            return closed
        if self.out >= int(self.limit):
            return 0.0
        waits = [self._requests.wait(1.0)] if self._requests is not None else []
        if self._tokens is not None:
            waits.append(self._tokens.wait(tokens))
        longest = max(waits, default=0.0)
        return longest if longest > 0 else None

    def _take(self, tokens: float) -> None:
        self.out += 1
        if self._requests is not None:
            self._requests.take(1.0)
        if self._tokens is not None:
            self._tokens.take(tokens)

    def _give_back(self, tokens: float) -> None:
        self.out -= 1
        if self._requests is not None:
            self._requests.take(-1.0)
        if self._tokens is not None:
            self._tokens.take(-tokens)
        self._let_out()

    def _let_out(self) -> None:
        while self._waiting:
            turn, tokens = self._waiting[0]
            if turn.done():  # cancelled
                self._waiting.popleft()
                continue
            delay = self._delay(tokens)
            if delay is not None:
                if delay > 0:
                    self._look_again_in(delay)
                return
            self._waiting.popleft()
            self._take(tokens)
            turn.set_result(None)

    def _look_again_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None  # a loop may call a little early: then there is one more look
        self._let_out()
