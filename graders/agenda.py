"""Which call goes out next: the first of an answer ahead of its others, where a grader wants it so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

CallT = TypeVar("CallT")


class Agenda(Generic[CallT]):
    """Hands calls to any number of workers. It holds the rest of those groups whose first call is out, no more."""

    def __init__(self, groups: Iterator[tuple[Sequence[CallT], bool]]) -> None:
        """Groups of calls in their order, each with whether its first must come back before the others go out."""
        self._groups = groups
        self._ready: deque[CallT] = deque()
        self._behind: dict[int, Sequence[CallT]] = {}
        self._ended = False
        self._waiting: list[asyncio.Future[None]] = []

    async def take(self) -> CallT | None:
        """The next call; None when there is none and none will come."""
        while True:
            if self._ready:
                return self._ready.popleft()
            if not self._ended:
                group = next(self._groups, None)
                if group is None:
                    self._ended = True
                    continue
                calls, warm_first = group
                if warm_first and len(calls) > 1:
                    self._behind[id(calls[0])] = calls[1:]
                    return calls[0]
                self._ready.extend(calls)
            elif self._behind:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
            else:
                return None

    def came_back(self, call: CallT) -> None:
        """A call is done, whatever came of it: those behind it may go."""
        self._ready.extend(self._behind.pop(id(call), ()))
        if self._waiting and (self._ready or not self._behind):
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                if not turn.done():
                    turn.set_result(None)
