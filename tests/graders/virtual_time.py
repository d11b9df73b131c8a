"""An event loop whose time passes only while everyone waits, and then at once: an hour of pauses takes no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class _Clock(selectors.DefaultSelector):
    """Never waits: what the loop would wait is added to the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise AssertionError("everyone waits, and nothing will ever happen")
            self.now += max(timeout, 0.0)
        return events


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: _Clock) -> None:
        super().__init__(clock)
        self._clock = clock

    def time(self) -> float:
        return self._clock.now


def run_in_virtual_time(main: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine; `asyncio.get_running_loop().time()` is the time inside, from 0."""
    with asyncio.Runner(loop_factory=lambda: _Loop(_Clock())) as runner:
        return runner.run(main)


def loop_time() -> float:
    """The time inside the running loop."""
    return asyncio.get_running_loop().time()
