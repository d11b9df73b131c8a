"""An event loop in a thread of its own: connections outlive a training step, and a running loop is no obstacle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

_PATIENCE = 10.0
"""Seconds that closing waits: a grader that blocks its thread must not keep a program from ending."""


class LoopThread:
    """Runs coroutines for callers from any thread; the thread starts with the first and does not keep a program up."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, coroutine: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Start a coroutine there; the future is its result."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("a reward was asked for inside a grader of this reward, which would wait for itself")
        return asyncio.run_coroutine_threadsafe(coroutine, self._started())

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Run `last`, cancel what is left, and end the thread; it starts again where it is needed again."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or not thread.is_alive():
            last.close()
            return
        asyncio.run_coroutine_threadsafe(_finish(last), loop).add_done_callback(lambda _: _stop(loop))
        if thread is not threading.current_thread():
            thread.join(_PATIENCE)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_soon_threadsafe(loop.stop)


async def _finish(last: Coroutine[Any, Any, None]) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await last
